//! Who starts whom, and how they end: the daemon, the window, and the program that owns both.
//!
//! [`Supervisor`] is `studio-worker ui`: it has a daemon and a window as children of its main thread.
//! [`parent`] is the other side, in a daemon or a window that something else started.

mod child;
mod display;
pub(crate) mod parent;
mod shown;
mod supervisor;
mod watched;
mod words;

pub(crate) use shown::WindowExit;
pub(crate) use supervisor::{Children, Supervisor};
#[cfg(feature = "window")]
pub(crate) use words::{News, Wish};
