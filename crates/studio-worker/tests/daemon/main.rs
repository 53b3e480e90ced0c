//! The daemon against a studio that says what the test wants: in process, and as the real program.

#![expect(
    clippy::needless_pass_by_value,
    clippy::unwrap_used,
    reason = "a test that is wrong about these fails, and its helpers read better by value"
)]

mod commands;
mod jobs;
mod joining;
mod lifetime;
mod local;
mod models;
mod openai;
mod process;
mod registration;
mod results;
mod session;
mod settings;
mod shelf;
mod steering;
mod support;
mod updates;
