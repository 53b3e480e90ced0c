//! The studio, jobs, batches and what they made.

use axum::http::Method;
use serde_json::json;
use studio_protocol::TaskKind;

use super::operation::{Operation, operation};
use crate::api::types;

/// Some of the media types that inputs have; others that mean the same are taken too.
const INPUTS: &[&str] = &[
    "image/png",
    "image/jpeg",
    "image/webp",
    "image/gif",
    "image/bmp",
    "audio/wav",
    "audio/mpeg",
    "audio/ogg",
];

pub fn operations() -> Vec<Operation> {
    let mut all = studio();
    all.extend(jobs());
    all.extend(batches());
    all.extend(artefacts());
    all
}

fn studio() -> Vec<Operation> {
    vec![
        operation(Method::GET, "/api/v1/openapi.json", "studio", "getDocument", "This document")
            .any_json(200, "OpenAPI 3.1"),
        operation(Method::GET, "/api/v1/status", "studio", "getStatus", "What the studio is doing")
            .json_answer::<types::Status>(200, "Counts of jobs and workers"),
        operation(Method::GET, "/api/v1/overview", "studio", "getOverview", "The last day, minute by minute")
            .json_answer::<types::Overview>(200, "Minutes, queue and disk"),
        operation(Method::GET, "/api/v1/queue", "queue", "getQueue", "Whether the queue gives out jobs")
            .json_answer::<types::QueueState>(200, "The queue"),
        operation(Method::PATCH, "/api/v1/queue", "queue", "changeQueue", "Hold the queue, or let it go on")
            .takes::<types::QueuePatch>()
            .json_answer::<types::QueueState>(200, "The queue afterwards"),
        operation(Method::GET, "/api/v1/events", "studio", "watchEvents", "What changes, as it changes")
            .about(
                "Starts with `ready`: all that changes after it is told. Who fell behind, or comes back with \
                 `Last-Event-ID`, gets `lagged` and should look at what it shows again.",
            )
            .text_query("batch", "Only jobs of this batch; keys of one project name one, or a job")
            .text_query("job", "Only this job, with its text as it grows")
            .text_query(
                "types",
                "Only these events, with commas between: job, progress, preview, delta, worker, registration, \
                 submitted, changed",
            )
            .events("Server-sent events, without an end")
            .or([404]),
    ]
}

fn jobs() -> Vec<Operation> {
    let kinds = TaskKind::ALL.map(TaskKind::as_str);
    vec![
        operation(Method::GET, "/api/v1/jobs", "jobs", "listJobs", "Jobs, newest first")
            .text_query("state", "Only in this state, or in one of several with commas between")
            .words("kind", &kinds, "Only of this kind")
            .text_query("model", "Only of this model")
            .text_query("batch", "Only of this batch")
            .text_query("project", "Only of this project")
            .text_query("worker", "Only what this worker holds or ended")
            .text_query("q", "Part of the asset name, or the whole id")
            .text_query("newerThan", "The page of jobs before this cursor: back to what is newer")
            .paged()
            .json_answer::<types::JobPage>(200, "A page of jobs"),
        submission(operation(Method::POST, "/api/v1/jobs", "jobs", "submitJobs", "Submit jobs, all or none"))
            .takes_one_of::<types::NewJob, types::NewJobs>()
            .either_answer::<types::Job, types::Jobs>(
                201,
                "One job for one without `count`, else all of them",
            )
            .with("Location", "Of a single job")
            .with("Idempotency-Replayed", "`true` where a former request made the jobs"),
        operation(
            Method::GET,
            "/api/v1/jobs/{id}",
            "jobs",
            "getJob",
            "A job with its task, tries and result",
        )
        .json_answer::<types::JobDetail>(200, "The job"),
        operation(Method::PATCH, "/api/v1/jobs/{id}", "jobs", "changeJob", "Change a waiting job's priority")
            .takes::<types::JobPatch>()
            .json_answer::<types::JobDetail>(200, "The job afterwards")
            .or([409]),
        operation(
            Method::GET,
            "/api/v1/jobs/{id}/result",
            "jobs",
            "getJobResult",
            "The JSON that a job made",
        )
        .any_json(200, "As its worker sent it"),
        operation(
            Method::GET,
            "/api/v1/jobs/{id}/artefact",
            "jobs",
            "getJobArtefact",
            "The bytes that a job made",
        )
        .file("All of them"),
        operation(
            Method::GET,
            "/api/v1/jobs/{id}/logs",
            "jobs",
            "getJobLogs",
            "What workers logged of a job",
        )
        .items::<types::JobLog>("Every line, oldest first"),
        operation(Method::POST, "/api/v1/jobs/{id}/cancel", "jobs", "cancelJob", "Call a job off")
            .may_take::<types::Reason>()
            .json_answer::<types::JobDetail>(200, "The job, cancelled now or before")
            .or([409]),
        operation(
            Method::POST,
            "/api/v1/jobs/actions",
            "jobs",
            "actOnJobs",
            "Cancel, retry or reorder many jobs: those that are named, or that a filter finds",
        )
        .takes::<types::JobActions>()
        .json_answer::<types::ActionResults>(200, "What came of it for each"),
        operation(
            Method::POST,
            "/api/v1/jobs/{id}/move",
            "jobs",
            "moveJob",
            "Move a waiting job among those of its project and priority",
        )
        .takes::<types::MoveJob>()
        .json_answer::<types::JobDetail>(200, "The job afterwards")
        .or([409]),
        operation(Method::POST, "/api/v1/jobs/{id}/retry", "jobs", "retryJob", "Let an ended job wait again")
            .json_answer::<types::JobDetail>(200, "The job, waiting")
            .or([409]),
    ]
}

fn batches() -> Vec<Operation> {
    vec![
        operation(Method::GET, "/api/v1/batches", "batches", "listBatches", "Batches, newest first")
            .text_query("project", "Only of this project")
            .paged()
            .items::<types::Batch>("A page of batches"),
        submission(operation(
            Method::POST,
            "/api/v1/batches",
            "batches",
            "submitBatch",
            "Submit jobs that belong together",
        ))
        .takes::<types::NewBatch>()
        .json_answer::<types::Batch>(201, "The batch")
        .with("Location", "Of the batch")
        .with("Idempotency-Replayed", "`true` where a former request made the batch"),
        operation(Method::GET, "/api/v1/batches/{id}", "batches", "getBatch", "A batch and how far it is")
            .json_answer::<types::Batch>(200, "The batch"),
        operation(
            Method::POST,
            "/api/v1/batches/{id}/cancel",
            "batches",
            "cancelBatch",
            "Call off what is open of a batch",
        )
        .may_take::<types::Reason>()
        .json_answer::<types::BatchChange>(200, "The batch afterwards"),
        operation(
            Method::GET,
            "/api/v1/batches/{id}/zip",
            "batches",
            "downloadBatch",
            "All that a batch made, as a zip",
        )
        .other(200, "application/zip", "Written as it is sent"),
        operation(
            Method::POST,
            "/api/v1/batches/{id}/retry",
            "batches",
            "retryBatch",
            "Let what did not succeed wait again",
        )
        .json_answer::<types::BatchChange>(200, "The batch afterwards")
        .or([409]),
    ]
}

fn artefacts() -> Vec<Operation> {
    vec![
        operation(Method::GET, "/api/v1/artefacts", "artefacts", "listArtefacts", "Artefacts, newest first")
            .text_query("batch", "Only of this batch")
            .text_query("project", "Only of this project")
            .text_query("model", "Only of this model")
            .words("kind", &TaskKind::ALL.map(TaskKind::as_str), "Only of this kind")
            .paged()
            .items::<types::Artefact>("A page of artefacts, shorter where others may not be seen")
            .or([404]),
        operation(
            Method::GET,
            "/api/v1/artefacts/{id}",
            "artefacts",
            "getArtefact",
            "The bytes of an artefact",
        )
        .file("All of them"),
        operation(
            Method::DELETE,
            "/api/v1/artefacts/{id}",
            "artefacts",
            "removeArtefact",
            "Delete an artefact",
        )
        .empty(204, "Its bytes are gone"),
        operation(
            Method::POST,
            "/api/v1/artefacts/{id}/link",
            "artefacts",
            "linkArtefact",
            "Make an address that needs no key and expires",
        )
        .may_take::<types::NewArtefactLink>()
        .json_answer::<types::ArtefactLink>(200, "The address"),
        operation(
            Method::GET,
            "/api/v1/artefacts/{id}/thumbnail",
            "artefacts",
            "getThumbnail",
            "A small picture of a picture",
        )
        .text_query("size", "The longest side, pixels: one of two")
        .header("If-None-Match", &json!({ "type": "string" }), "An ETag that is known")
        .other(200, "image/*", "The thumbnail")
        .empty(304, "It is the one that is known"),
        operation(
            Method::POST,
            "/api/v1/inputs",
            "artefacts",
            "bringInput",
            "Bring a picture or a recording for a task",
        )
        .text_query("project", "Whose it is; that of the key when absent")
        .takes_media(INPUTS)
        .json_answer::<types::Input>(201, "What tasks name it by, and until when it is kept"),
        operation(Method::GET, "/api/v1/inputs/{id}", "artefacts", "getInput", "The bytes of an input")
            .file("All of them"),
    ]
}

/// What every submission may say.
fn submission(operation: Operation) -> Operation {
    let schema = json!({ "type": "string", "minLength": 1, "maxLength": 255, "pattern": "^[!-~]+$" });
    operation.header("Idempotency-Key", &schema, "Makes a repeated request harmless").or([409, 429])
}
