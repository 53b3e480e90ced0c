//! The real engine, started as the worker starts it, on tiny random models.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod cancel;
mod chat;
mod conformance;
mod damaged;
mod embeddings;
mod limits;
mod parallel;
mod peer;
mod pictures;
mod reasoning;
mod reference;
mod sampling;
mod tools;
