//! The pages of each area: where they are and who may see them.

mod asked;
mod batches;
mod gallery;
mod home;
mod jobs;
mod models;
mod playground;
mod settings;
mod workers;

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
        page("/workers", Role::Viewer, workers::list),
        page("/workers/{id}", Role::Viewer, workers::show),
        page("/models", Role::Viewer, models::list),
        page("/models/{id}", Role::Viewer, models::show),
        page("/add-model", Role::Operator, models::add),
        page("/settings", Role::Viewer, settings::first),
        page("/settings/account", Role::Viewer, settings::account),
        page("/settings/users", Role::Admin, settings::users),
        page("/settings/keys", Role::Admin, settings::keys),
        page("/settings/projects", Role::Operator, settings::projects),
        page("/settings/webhooks", Role::Operator, settings::webhooks),
        page("/settings/webhooks/{id}", Role::Operator, settings::webhook),
        page("/settings/retention", Role::Operator, settings::retention),
        page("/settings/audit", Role::Admin, settings::audit),
    ]
}
