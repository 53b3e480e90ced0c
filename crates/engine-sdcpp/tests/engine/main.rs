//! The real engine on a tiny random Z-Image: every option has a test that sees its effect in the pixels.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod batches;
mod conformance;
mod damage;
mod events;
mod formats;
mod from_pictures;
mod peer;
mod processes;
mod refusals;
mod text_to_image;
mod tiny;
