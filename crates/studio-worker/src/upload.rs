//! Brings the bytes of a result to the studio (protocol section 2.3), streamed from the disk.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use futures_util::StreamExt;
use reqwest::Body;
use reqwest::multipart::{Form, Part};
use studio_protocol::{
    ATTEMPT_HEADER, ApiBase, PART_EXT, PART_IMAGE, PART_PROMPT, artefact_filename, mime_of_ext,
};
use tokio::fs::File;
use tokio_util::io::ReaderStream;
use worker_core::{Output, Secret, SpoolEntry, UploadOutcome};

use crate::http::{self, Http};
use crate::registration::is_tls;
use crate::spool::Spool;

/// Without a byte sent or an answer for this long the upload is given up: longer than the read-idle limit of the
/// session, shorter than a claim that nobody renews lives.
const STALL_LIMIT: Duration = Duration::from_secs(30);
/// Read from the disk at once.
const CHUNK_BYTES: usize = 64 * 1024;

/// Everything that uploads need.
#[derive(Debug, Clone)]
pub struct Uploader {
    /// The client.
    pub http: Arc<Http>,
    /// Where to.
    pub studio: ApiBase,
    /// Where from.
    pub spool: Spool,
}

impl Uploader {
    /// Uploads one result; `check` has its bytes compared with their hash first.
    pub async fn upload(&self, entry: &SpoolEntry, token: &Secret, check: bool) -> UploadOutcome {
        let (Output::File { ext, .. }, Some(path)) = (&entry.output, self.spool.payload_of(entry)) else {
            return UploadOutcome::PayloadLost("the result is not a file".to_owned());
        };
        if check && let Err(reason) = self.check(entry).await {
            return UploadOutcome::PayloadLost(reason);
        }
        match self.try_upload(entry, token, ext, &path).await {
            Ok(outcome) | Err(outcome) => outcome,
        }
    }

    async fn check(&self, entry: &SpoolEntry) -> Result<(), String> {
        let (spool, entry) = (self.spool.clone(), entry.clone());
        let checked = tokio::task::spawn_blocking(move || spool.verify(&entry)).await;
        checked.map_err(|error| error.to_string())?.map_err(|error| error.to_string())
    }

    async fn try_upload(
        &self,
        entry: &SpoolEntry,
        token: &Secret,
        ext: &str,
        path: &Path,
    ) -> Result<UploadOutcome, UploadOutcome> {
        let sent = Arc::new(AtomicU64::new(0));
        let file = part(entry, ext, path.to_path_buf(), Arc::clone(&sent)).await?;
        let form = Form::new()
            .part(PART_PROMPT, Part::text(entry.prompt.clone()))
            .part(PART_EXT, Part::text(ext.to_owned()))
            .part(PART_IMAGE, file);
        let url = self.studio.complete_url(&entry.worker_id, &entry.job_id);
        let client = self.http.client(is_tls(&url)).map_err(|error| again(&error))?;
        let mut request = client.post(url).bearer_auth(token.reveal()).multipart(form);
        if let Some(attempt) = entry.attempt {
            request = request.header(ATTEMPT_HEADER, attempt);
        }
        let response = unless_stalled(request.send(), &sent).await?;
        let status = response.status();
        if status.is_success() {
            return Ok(UploadOutcome::Taken);
        }
        let body = http::quoted_body(response).await;
        if status.is_client_error() {
            return Ok(UploadOutcome::Refused { status: status.as_u16(), body });
        }
        Ok(UploadOutcome::TryAgain(format!("the studio answered {status}: {body}")))
    }
}

async fn part(
    entry: &SpoolEntry,
    ext: &str,
    path: PathBuf,
    sent: Arc<AtomicU64>,
) -> Result<Part, UploadOutcome> {
    let lost = |error: std::io::Error| UploadOutcome::PayloadLost(format!("`{}`: {error}", path.display()));
    let file = File::open(&path).await.map_err(lost)?;
    let length = file.metadata().await.map_err(lost)?.len();
    let stream = ReaderStream::with_capacity(file, CHUNK_BYTES).inspect(move |chunk| {
        let bytes = chunk.as_ref().map_or(0, |chunk| chunk.len() as u64);
        sent.fetch_add(bytes, Ordering::Relaxed);
    });
    Part::stream_with_length(Body::wrap_stream(stream), length)
        .file_name(artefact_filename(&entry.job_id, ext))
        .mime_str(mime_of_ext(ext))
        .map_err(|error| again(&error))
}

async fn unless_stalled(
    answer: impl Future<Output = reqwest::Result<reqwest::Response>>,
    sent: &AtomicU64,
) -> Result<reqwest::Response, UploadOutcome> {
    tokio::pin!(answer);
    let mut before = 0;
    loop {
        tokio::select! {
            answer = &mut answer => return answer.map_err(|error| again(&error)),
            () = tokio::time::sleep(STALL_LIMIT) => {
                let now = sent.load(Ordering::Relaxed);
                if now == before {
                    let limit = STALL_LIMIT.as_secs();
                    return Err(UploadOutcome::TryAgain(format!("nothing moved for {limit} s")));
                }
                before = now;
            }
        }
    }
}

fn again(error: &reqwest::Error) -> UploadOutcome {
    UploadOutcome::TryAgain(http::told(error))
}
