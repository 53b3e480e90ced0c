//! Models, workers and who wants to be one.

use axum::http::Method;
use serde_json::json;

use super::operation::{Operation, operation};
use crate::api::types;

pub fn operations() -> Vec<Operation> {
    let mut all = models();
    all.extend(workers());
    all.extend(registrations());
    all
}

fn models() -> Vec<Operation> {
    vec![
        operation(Method::GET, "/api/v1/models", "models", "listModels", "The registry")
            .items::<types::ModelDetail>("Every model"),
        operation(
            Method::POST,
            "/api/v1/models",
            "models",
            "addModel",
            "Add a model from addresses of a hub",
        )
        .takes::<types::AddModel>()
        .json_answer::<types::Model>(200, "It was there before")
        .json_answer::<types::Model>(201, "It is new")
        .or([409]),
        operation(
            Method::GET,
            "/api/v1/models/{id}",
            "models",
            "getModel",
            "A model and where its files are",
        )
        .json_answer::<types::ModelDetail>(200, "The model"),
        operation(
            Method::PUT,
            "/api/v1/models/{id}",
            "models",
            "putModel",
            "Add a model, or replace its entry",
        )
        .takes::<types::PutModel>()
        .json_answer::<types::Model>(200, "It was there before")
        .json_answer::<types::Model>(201, "It is new"),
        operation(Method::PATCH, "/api/v1/models/{id}", "models", "changeModel", "Allow or forbid a model")
            .takes::<types::ModelPatch>()
            .json_answer::<types::Model>(200, "The model afterwards"),
        operation(
            Method::DELETE,
            "/api/v1/models/{id}",
            "models",
            "removeModel",
            "Remove a model with its files",
        )
        .empty(204, "It is gone")
        .or([409]),
        operation(
            Method::PUT,
            "/api/v1/models/{id}/files/{filename}",
            "models",
            "putModelFile",
            "Bring a file that the entry names",
        )
        .takes_bytes()
        .json_answer::<types::ModelDetail>(200, "In place of another")
        .json_answer::<types::ModelDetail>(201, "The studio has it now")
        .or([409]),
        operation(
            Method::DELETE,
            "/api/v1/models/{id}/files",
            "models",
            "removeModelFiles",
            "Delete the studio's copies of what can be had elsewhere",
        )
        .json_answer::<types::ModelDetail>(200, "The model afterwards"),
        operation(
            Method::POST,
            "/api/v1/models/{id}/fetch",
            "models",
            "fetchModel",
            "Begin to fetch the files that the studio lacks",
        )
        .json_answer::<types::ModelDetail>(202, "How far it is; ask the model for more"),
    ]
}

fn workers() -> Vec<Operation> {
    vec![
        operation(Method::GET, "/api/v1/workers", "workers", "listWorkers", "Who works for this studio")
            .items::<types::Worker>("Every worker"),
        operation(Method::GET, "/api/v1/workers/{id}", "workers", "getWorker", "A worker and what it holds")
            .json_answer::<types::Worker>(200, "The worker"),
        operation(
            Method::PATCH,
            "/api/v1/workers/{id}",
            "workers",
            "changeWorker",
            "Rename or pause a worker",
        )
        .takes::<types::WorkerPatch>()
        .json_answer::<types::Worker>(200, "The worker afterwards"),
        operation(
            Method::DELETE,
            "/api/v1/workers/{id}",
            "workers",
            "removeWorker",
            "Send a worker away for good",
        )
        .empty(204, "It is gone; its jobs wait again"),
        operation(
            Method::GET,
            "/api/v1/workers/{id}/logs",
            "workers",
            "getWorkerLogs",
            "What a worker lately logged about itself",
        )
        .query(
            "after",
            &json!({ "type": "string", "pattern": "^[0-9]{0,19}$" }),
            "Only lines with a later number",
        )
        .items::<types::WorkerLog>("Oldest first"),
        operation(
            Method::POST,
            "/api/v1/workers/{id}/drain",
            "workers",
            "drainWorker",
            "Let a worker finish and go",
        )
        .json_answer::<types::Worker>(200, "The worker afterwards"),
        operation(
            Method::POST,
            "/api/v1/workers/{id}/resume",
            "workers",
            "resumeWorker",
            "Offer it jobs again",
        )
        .json_answer::<types::Worker>(200, "The worker afterwards"),
        operation(
            Method::POST,
            "/api/v1/workers/{id}/models/{model}/load",
            "workers",
            "loadModel",
            "Ask a worker to bring a model into memory",
        )
        .empty(202, "It was asked; its heartbeats tell what came of it")
        .or([409]),
        operation(
            Method::POST,
            "/api/v1/workers/{id}/models/{model}/unload",
            "workers",
            "unloadModel",
            "Ask a worker to drop a model from memory",
        )
        .empty(202, "It was asked; its heartbeats tell what came of it")
        .or([409]),
    ]
}

fn registrations() -> Vec<Operation> {
    vec![
        operation(
            Method::GET,
            "/api/v1/registrations",
            "registrations",
            "listRegistrations",
            "Requests to become a worker",
        )
        .words("status", &["pending", "approved", "rejected"], "Only in this state")
        .items::<types::Registration>("Every request"),
        operation(
            Method::POST,
            "/api/v1/registrations/{id}/approve",
            "registrations",
            "approveRegistration",
            "Let a worker in",
        )
        .may_take::<types::Approve>()
        .json_answer::<types::Worker>(200, "The new worker")
        .or([409]),
        operation(
            Method::POST,
            "/api/v1/registrations/{id}/reject",
            "registrations",
            "rejectRegistration",
            "Refuse a worker",
        )
        .may_take::<types::Reason>()
        .json_answer::<types::Registration>(200, "The request afterwards")
        .or([409]),
        operation(
            Method::POST,
            "/api/v1/join-codes",
            "registrations",
            "createJoinCode",
            "Make a code that lets workers in without a click",
        )
        .may_take::<types::NewJoinCode>()
        .json_answer::<types::JoinCode>(201, "The code, shown once"),
    ]
}
