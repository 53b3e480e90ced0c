//! What tests share: real processes in temporary homes, a worker that speaks frame by frame, a faulty network.
//!
//! A test reads as a story; everything here panics with what was expected and what was there instead, and the
//! logs of the processes are printed when a test fails. Every process dies with its handle.
//!
//! ```no_run
//! # async fn story() {
//! use std::time::Duration;
//! use serde_json::json;
//! use testkit::{Home, StudioProcess, WorkerProcess};
//!
//! let home = Home::new();
//! let studio = StudioProcess::start(&home).await;
//! let mut worker = WorkerProcess::new(&home, "attic");
//! worker.join(&studio).await;
//! worker.run().await;
//! let api = studio.api();
//! let job = api.submit(json!({"model": "synthetic", "task": {"kind": "image", "prompt": "a fox"}})).await;
//! api.until_job(&job, "done", Duration::from_secs(10)).await;
//! # }
//! ```

mod api;
mod binaries;
mod faulty_link;
mod home;
mod process;
mod raw_session;
mod raw_worker;
mod studio;
mod wait;
mod worker;

pub use api::{Answer, Api};
pub use binaries::binary;
pub use faulty_link::FaultyLink;
pub use home::Home;
pub use process::{Exit, Process};
pub use raw_session::{RawSession, Received};
pub use raw_worker::{Identity, RawWorker, Registration};
pub use studio::{StudioOptions, StudioProcess};
pub use wait::{POLL, wait_for, wait_until};
pub use worker::{Output, WorkerProcess};
