//! `/v1` against a whole studio in this process: what clients send, and what a worker that speaks frame by frame does
//! about it.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod client;
mod endings;
mod fleet;
mod pictures;
mod refusals;
mod restart;
mod sound;
mod streams;
mod vectors;
mod wholes;

#[expect(dead_code, reason = "shared with the tests of the worker protocol")]
#[path = "../worker/served.rs"]
mod served;
