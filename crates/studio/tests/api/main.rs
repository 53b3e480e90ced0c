//! `/api/v1` against a whole studio in this process: every route, every role, every error with its field.

mod access;
mod artefacts;
mod batches;
mod desk;
mod edges;
mod events;
mod inputs;
mod jobs;
mod keys;
mod links;
mod metrics;
mod models;
mod pages;
mod projects;
mod receiver;
mod retention;
mod roles;
mod thumbnails;
mod webhooks;
mod work_pages;
mod workers;
mod zip;
