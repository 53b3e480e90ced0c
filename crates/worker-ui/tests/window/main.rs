//! The window, driven through the names that a screen reader would say.

mod about;
mod config;
mod harness;
mod idle;
mod jobs;
mod keyboard;
mod link;
mod logs;
mod models;
mod pictures;
mod shell;
mod worker;
