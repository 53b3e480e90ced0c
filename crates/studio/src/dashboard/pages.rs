//! The pages of each area: where they are and who may see them.

mod asked;
mod batches;
mod gallery;
mod home;
mod jobs;
mod playground;

use studio_store::Role;

use super::{PageRoute, page};

/// Every page.
pub fn routes() -> Vec<PageRoute> {
    vec![
        page("/", Role::Viewer, home::show),
        page("/batches", Role::Viewer, batches::list),
        page("/batches/{id}", Role::Viewer, batches::show),
        page("/gallery", Role::Viewer, gallery::list),
        page("/jobs", Role::Viewer, jobs::list),
        page("/jobs/{id}", Role::Viewer, jobs::show),
        page("/playground", Role::Submitter, playground::show),
    ]
}
