//! `/api/v1` against a whole studio in this process: every route, every role, every error with its field.

mod access;
mod artefacts;
mod batches;
mod desk;
mod edges;
mod events;
mod jobs;
mod keys;
mod metrics;
mod models;
mod pages;
mod projects;
mod roles;
mod workers;
