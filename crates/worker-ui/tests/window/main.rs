//! The window, driven through the names that a screen reader would say.

mod harness;
mod jobs;
mod pictures;
mod shell;
