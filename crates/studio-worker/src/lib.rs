//! The worker daemon and its commands.
//!
//! `worker_core` decides, this crate does: sockets, processes, files, signals. [`daemon`] puts the parts together.

mod capabilities;
pub mod cli;
pub mod config;
pub mod daemon;
mod doctor;
mod draw;
pub mod engines;
mod exit;
mod hardware;
mod history;
mod home;
mod http;
mod lifetime;
mod local;
mod lock;
mod logbatch;
pub mod presence;
mod registration;
mod session;
mod shelf;
mod spool;
mod status;
mod updates;
mod upload;

pub use exit::Exit;
pub use home::Home;
