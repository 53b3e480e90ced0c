//! The worker's decisions, told as stories: what happened, and what it wants done.

#![expect(
    clippy::needless_pass_by_value,
    clippy::unwrap_used,
    clippy::wildcard_enum_match_arm,
    clippy::unchecked_time_subtraction,
    reason = "a test that is wrong about these fails, and its helpers read better by value"
)]

mod change;
mod ending;
mod jobs;
mod live;
mod pausing;
mod properties;
mod registration;
mod release;
mod results;
mod session;
mod support;
