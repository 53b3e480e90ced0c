//! The command line against a real studio process.

mod backup;
mod batch;
mod commands;
mod doctor;
#[expect(clippy::unwrap_used, reason = "set-up that fails should panic")]
mod models;
mod people;
mod shop;
mod steer;
mod told;
