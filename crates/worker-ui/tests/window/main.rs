//! The window, driven through the names that a screen reader would say.

mod harness;
mod shell;
