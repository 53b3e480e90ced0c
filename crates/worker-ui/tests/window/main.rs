//! The window, driven through the names that a screen reader would say.

mod about;
mod config;
mod harness;
mod link;
mod models;
mod shell;
mod worker;
