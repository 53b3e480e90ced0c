//! The window of the worker: shows and steers the daemon of one config folder, as a client of its local API.
//!
//! ```text
//! daemon --HTTP--> controller (a thread of its own) --Arc<View>--> pages (plain functions) --Command--> controller
//! ```
//!
//! A frame reads the newest [`View`] and sends [`Command`]s; it never waits, and touches neither disk nor network.
//! A frame is drawn when the view changed or somebody uses the window, and at no other time.

mod commands;
pub mod controller;
mod handle;
pub mod link;
pub mod notify;
pub mod pages;
pub mod samples;
mod shell;
pub mod theme;
pub mod tray;
mod view;
pub mod widgets;
mod window;
pub mod words;

pub use commands::{Command, Commands};
pub use eframe::egui::ThemePreference;
pub use handle::{WindowAsk, WindowAsks, WindowHandle, window_channel};
pub use shell::{Page, Shell};
pub use view::{
    Clock, Fetched, History, JobDetail, Link, LogBuffer, LogRow, Picture, PictureKey, Pictures, Saving,
    Toast, Tone, View,
};
pub use window::{Ended, Options, WindowError, run};
