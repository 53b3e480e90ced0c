//! The window, driven through the names that a screen reader would say.

mod harness;
mod idle;
mod jobs;
mod logs;
mod pictures;
mod shell;
