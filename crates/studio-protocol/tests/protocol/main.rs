//! The wire format, against the golden files in `golden/`: one for each message, base and with every extension.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod compatibility;
mod golden;
mod malformed;
mod properties;
mod samples;
