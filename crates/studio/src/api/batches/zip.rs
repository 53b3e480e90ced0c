//! `GET /api/v1/batches/{id}/zip`: all that a batch made, as one archive that is written while it is sent.
//!
//! First `manifest.json`, which says of every job what was asked, how it was made and which file it is; then the
//! files. Memory does not grow with the batch: jobs are read a few at a time, bytes a piece at a time.

use std::collections::HashSet;

use anyhow::Context;
use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderValue, Method, header};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use futures_util::{TryStreamExt, stream};
use serde::Serialize;
use serde_json::Value;
use serde_json::value::RawValue;
use studio_protocol::{JobId, TaskKind, rewrite_inputs};
use studio_store::{Artefact, Batch, BatchId, JobDetail, JobState};
use tokio::sync::mpsc;

use super::visible;
use crate::api::archive_name::{archive_name, plain};
use crate::api::auth::Caller;
use crate::api::convert;
use crate::api::problem::Problem;
use crate::api::query::Id;
use crate::artefacts::ArtefactError;
use crate::state::AppState;
use crate::zip_stream::ZipStream;

/// Pieces that wait for a client that reads slowly.
const PIECES: usize = 4;
/// Jobs that are read at once: each of them may carry a task of some megabytes.
const JOBS_AT_ONCE: u32 = 8;
/// The entry that says what the others are.
const MANIFEST: &str = "manifest.json";

pub async fn download(
    State(state): State<AppState>,
    caller: Caller,
    Id(id): Id,
    method: Method,
) -> Result<Response, Problem> {
    let id = BatchId::from(id);
    let batch = state.store.read(move |db| visible(db, &caller, &id)).await?;
    let name = plain(batch.name.as_deref().unwrap_or_default()).unwrap_or_else(|| batch.id.to_string());
    let body = if method == Method::HEAD { Body::empty() } else { start(&state, batch) };
    let mut response = body.into_response();
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/zip"));
    if let Ok(value) = HeaderValue::from_str(&format!("attachment; filename=\"{name}.zip\"")) {
        headers.insert(header::CONTENT_DISPOSITION, value);
    }
    Ok(response)
}

fn start(state: &AppState, batch: Batch) -> Body {
    let (pieces, receiver) = mpsc::channel(PIECES);
    let writing = state.clone();
    state.tasks.spawn(async move {
        let id = batch.id.clone();
        let mut archive = Archive { state: writing, zip: ZipStream::default(), pieces };
        if let Err(error) = archive.write(&batch).await
            && !archive.pieces.is_closed()
        {
            tracing::warn!(batch = %id, "an archive could not be written to its end: {error:#}");
            // An archive that just ends would look whole to nobody, but an error looks like one at once.
            let _ = archive.pieces.send(Err(std::io::Error::other("the archive could not be written"))).await;
        }
    });
    Body::from_stream(stream::unfold(
        receiver,
        |mut pieces| async move { Some((pieces.recv().await?, pieces)) },
    ))
}

struct Archive {
    state: AppState,
    zip: ZipStream,
    pieces: mpsc::Sender<std::io::Result<Bytes>>,
}

/// What the manifest says of a job.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Line<'a> {
    job: &'a JobId,
    state: JobState,
    /// The entry of the archive; absent when the job made nothing.
    #[serde(skip_serializing_if = "Option::is_none")]
    file: Option<String>,
    asset_name: &'a str,
    model: &'a str,
    kind: TaskKind,
    #[serde(skip_serializing_if = "Option::is_none")]
    seed: Option<&'a Value>,
    task: &'a Value,
    #[serde(skip_serializing_if = "Option::is_none")]
    meta: Option<&'a RawValue>,
    #[serde(skip_serializing_if = "Option::is_none")]
    sha256: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    bytes: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<&'a str>,
}

/// One job with all that it made.
type Made = (i64, JobDetail, Option<Artefact>);

impl Archive {
    async fn write(&mut self, batch: &Batch) -> anyhow::Result<()> {
        let named = self.manifest(batch).await?;
        let mut after = 0;
        loop {
            let page = self.page(&batch.id, after).await?;
            let Some((last, ..)) = page.last() else { break };
            after = *last;
            for (seq, detail, artefact) in page {
                // What was made since is not in the manifest.
                if named.contains(&seq) {
                    self.file(detail, artefact).await?;
                }
            }
        }
        let end = std::mem::take(&mut self.zip).finish();
        self.send(end).await
    }

    /// Writes the manifest; gives back whose files it names.
    async fn manifest(&mut self, batch: &Batch) -> anyhow::Result<HashSet<i64>> {
        let mut named = HashSet::new();
        self.begin(MANIFEST).await?;
        let head = serde_json::to_string(&convert::batch(batch.clone()))?;
        self.text(format!("{{\"batch\":{head},\"jobs\":[")).await?;
        let (mut after, mut comma) = (0, "\n");
        loop {
            let page = self.page(&batch.id, after).await?;
            let Some((last, ..)) = page.last() else { break };
            after = *last;
            for (seq, detail, artefact) in &page {
                let file = entry_name(detail, artefact.as_ref());
                if file.is_some() {
                    named.insert(*seq);
                }
                self.text(format!("{comma}{}", line(detail, artefact.as_ref(), file)?)).await?;
                comma = ",\n";
            }
        }
        self.text("\n]}\n".to_owned()).await?;
        self.end().await?;
        Ok(named)
    }

    async fn page(&self, batch: &BatchId, after: i64) -> anyhow::Result<Vec<Made>> {
        let batch = batch.clone();
        let page = self.state.store.read(move |db| db.made_by_batch(&batch, after, JOBS_AT_ONCE));
        page.await.context("the batch's jobs")
    }

    async fn file(&mut self, detail: JobDetail, artefact: Option<Artefact>) -> anyhow::Result<()> {
        let Some(name) = entry_name(&detail, artefact.as_ref()) else { return Ok(()) };
        let Some(artefact) = artefact else {
            self.begin(&name).await?;
            self.text(detail.result_json.unwrap_or_default()).await?;
            return self.end().await;
        };
        let mut bytes = match self.state.artefacts.get(&artefact.key, None).await {
            Ok(bytes) => bytes,
            Err(ArtefactError::NotFound(_)) => {
                // It was deleted since the page was read; else the disk has lost it.
                tracing::warn!(artefact = %artefact.id, "an artefact is not there and left out of an archive");
                return Ok(());
            }
            Err(error) => return Err(error.into()),
        };
        self.begin(&name).await?;
        while let Some(piece) = bytes.try_next().await? {
            self.zip.data(&piece);
            self.send(piece).await?;
        }
        self.end().await
    }

    async fn begin(&mut self, name: &str) -> anyhow::Result<()> {
        let head = self.zip.begin(name);
        self.send(head).await
    }

    async fn text(&mut self, text: String) -> anyhow::Result<()> {
        self.zip.data(text.as_bytes());
        self.send(text.into()).await
    }

    async fn end(&mut self) -> anyhow::Result<()> {
        let tail = self.zip.end();
        self.send(tail).await
    }

    async fn send(&self, piece: Bytes) -> anyhow::Result<()> {
        if piece.is_empty() {
            return Ok(());
        }
        self.pieces.send(Ok(piece)).await.context("the client is gone")
    }
}

fn entry_name(detail: &JobDetail, artefact: Option<&Artefact>) -> Option<String> {
    let ext = match artefact {
        Some(artefact) => artefact.ext.as_str(),
        None => detail.result_json.as_ref().map(|_| "json")?,
    };
    Some(archive_name(&detail.job.asset_name, &detail.job.id, ext))
}

fn line(detail: &JobDetail, artefact: Option<&Artefact>, file: Option<String>) -> anyhow::Result<String> {
    let mut task: Value = serde_json::from_str(&detail.task_json).unwrap_or_default();
    // A picture that the client sent within the task would make the manifest as large as the pictures.
    rewrite_inputs(&mut task, |address| {
        let is_data = address.get(..5).is_some_and(|scheme| scheme.eq_ignore_ascii_case("data:"));
        is_data.then(|| format!("data: ({} characters)", address.len()))
    });
    let seed = task.get("seed");
    let meta: Option<&RawValue> = artefact
        .and_then(|artefact| artefact.meta.as_deref())
        .and_then(|meta| serde_json::from_str(meta).ok());
    let job = &detail.job;
    Ok(serde_json::to_string(&Line {
        job: &job.id,
        state: job.state,
        file,
        asset_name: &job.asset_name,
        model: &job.model,
        kind: job.kind,
        seed,
        task: &task,
        meta,
        sha256: artefact.map(|artefact| artefact.sha256.as_str()),
        bytes: artefact.map(|artefact| artefact.bytes),
        error: job.error.as_deref(),
    })?)
}
