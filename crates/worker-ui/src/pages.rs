//! The pages: plain functions that draw a view and send commands.

mod about;
mod config;
mod jobs;
mod logs;
mod models;
mod worker;

pub use about::{AboutState, about_ui};
pub use config::{ConfigState, config_ui};
pub use jobs::{JobsState, jobs_ui};
pub use logs::{LogsState, logs_ui};
pub use models::{ModelsState, models_ui};
pub use worker::{WorkerState, worker_ui};
