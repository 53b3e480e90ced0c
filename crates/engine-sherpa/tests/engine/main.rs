//! The engine as its daemon sees it: a real process with tiny models, spoken to in frames.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod cancel;
mod conformance;
mod damage;
mod loads;
mod models;
mod peer;
mod recordings;
mod sound;
mod speech;
mod transcripts;
