//! The pages: each a function from who looks and what there is to markup.

pub mod access;
pub mod batch;
pub mod batches;
pub mod gallery;
pub mod home;
pub mod job;
pub mod jobs;
pub mod join;
mod links;
mod made;
pub mod models;
pub mod pace;
pub mod playground;
pub mod problem;
pub mod samples;
pub mod settings;
mod task;
pub mod workers;

use maud::{Markup, html};

use crate::assets;

/// What pages about work have beyond the others in their heads.
fn work_head() -> Markup {
    html! { link rel="stylesheet" href=(assets::url("work.css")); }
}
