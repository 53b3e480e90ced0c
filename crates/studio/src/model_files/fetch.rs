//! Brings files that the registry names elsewhere into the studio's own folder.

use std::collections::HashMap;
use std::io;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use anyhow::{Context, bail};
use model_store::{ModelStore, Settings, WebSettings};
use studio_protocol::{ModelFile, ModelSource};
use studio_runtime::Tasks;
use studio_store::Model;
use tokio_util::sync::CancellationToken;

use super::{KEPT_FREE_BYTES, ModelFiles, StoredFile, StudioAddress};
use crate::api::types::{FetchState, ModelFetch};
use crate::client::hash_of;

/// Where files are while they come; a model's id cannot begin with a dot. What is here after a kill is gone on with.
const FETCHING: &str = ".fetching";

/// Fetches since the start of the studio, the latest of each model; clones share them.
#[derive(Clone)]
pub struct Fetches(Arc<Inner>);

struct Inner {
    store: ModelStore,
    latest: Mutex<HashMap<String, Fetch>>,
}

struct Fetch {
    progress: Arc<Mutex<ModelFetch>>,
    stop: CancellationToken,
}

impl Fetches {
    /// `root` is the folder of model files; `tokens` a private file with lines `host token`, for hubs that want one.
    pub fn open(root: &Path, tokens: &Path) -> io::Result<Self> {
        let web = WebSettings {
            user_agent: Some(concat!("studio/", env!("CARGO_PKG_VERSION")).to_owned()),
            tokens: Some(tokens.to_owned()),
            ..WebSettings::default()
        };
        let settings = Settings { reserve: KEPT_FREE_BYTES, web, ..Settings::new(root.join(FETCHING)) };
        let store = ModelStore::open(settings)?;
        Ok(Self(Arc::new(Inner { store, latest: Mutex::default() })))
    }

    /// The latest fetch of a model.
    pub fn of(&self, model: &str) -> Option<ModelFetch> {
        let progress = self.latest().get(model)?.progress.clone();
        Some(lock(&progress).clone())
    }

    /// Begins to fetch what is missing; one that is under way goes on.
    pub fn start(&self, tasks: &Tasks, files: &ModelFiles, model: &Model) {
        let fetch = {
            let mut latest = self.latest();
            let runs = |fetch: &Fetch| {
                lock(&fetch.progress).state == FetchState::Running && !fetch.stop.is_cancelled()
            };
            if latest.get(&model.id).is_some_and(runs) {
                return;
            }
            let progress = ModelFetch {
                state: FetchState::Running,
                bytes: 0,
                total_bytes: 0,
                filename: None,
                error: None,
            };
            // The soft step of a shutdown ends a download; it goes on where it was.
            let stop = tasks.soft().child_token();
            let fetch = Fetch { progress: Arc::new(Mutex::new(progress)), stop: stop.clone() };
            let progress = fetch.progress.clone();
            latest.insert(model.id.clone(), fetch);
            (progress, stop)
        };
        let (store, files, model) = (self.0.store.clone(), files.clone(), model.clone());
        tasks.spawn(async move {
            let (progress, stop) = fetch;
            let fetched = tokio::select! {
                fetched = bring(&store, &files, &model, &progress) => fetched,
                () = stop.cancelled() => Err(anyhow::anyhow!("stopped")),
            };
            let mut progress = lock(&progress);
            match fetched {
                Ok(()) => progress.state = FetchState::Done,
                Err(error) => {
                    tracing::warn!(model = model.id, "could not fetch the files of a model: {error:#}");
                    progress.state = FetchState::Failed;
                    progress.error = Some(format!("{error:#}"));
                }
            }
        });
    }

    /// Ends the fetch of a model, if there is one.
    pub fn stop(&self, model: &str) {
        if let Some(fetch) = self.latest().remove(model) {
            fetch.stop.cancel();
        }
    }

    /// Ends the fetch of a model for good: what has come of it is deleted.
    pub async fn forget(&self, model: &str) {
        self.stop(model);
        if let Err(error) = self.0.store.remove(model).await {
            tracing::debug!(model, %error, "nothing of a fetch was deleted");
        }
    }

    fn latest(&self) -> MutexGuard<'_, HashMap<String, Fetch>> {
        lock(&self.0.latest)
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // What is in them is whole after every statement.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

async fn bring(
    store: &ModelStore,
    files: &ModelFiles,
    model: &Model,
    progress: &Mutex<ModelFetch>,
) -> anyhow::Result<()> {
    let (missing, here) = missing(files, model)?;
    lock(progress).bytes = here;
    if missing.is_empty() {
        lock(progress).total_bytes = here;
        return Ok(());
    }
    let source = ModelSource { files: missing, ..model.source.clone() };
    let hold = store.hold(&model.id);
    let tell = |now: model_store::Progress| {
        let mut progress = lock(progress);
        progress.bytes = here + now.bytes;
        progress.total_bytes = here + now.total;
        progress.filename = Some(now.file).filter(|name| !name.is_empty());
    };
    let folder = store.ensure(&model.id, &source, tell).await?;
    for file in &source.files {
        place(files, &model.id, file, &folder.join(&file.filename)).await?;
    }
    drop(hold);
    // What is left is the store's own notes.
    if let Err(error) = store.remove(&model.id).await {
        tracing::debug!(%error, "a folder of a fetch is left");
    }
    let bytes = files.held(&model.id).values().map(|stored| stored.bytes).sum();
    let mut progress = lock(progress);
    progress.bytes = bytes;
    progress.total_bytes = bytes;
    Ok(())
}

/// The files that are to be fetched, with only those of their addresses that lead elsewhere; and the bytes that are here.
fn missing(files: &ModelFiles, model: &Model) -> anyhow::Result<(Vec<ModelFile>, u64)> {
    let (mut missing, mut here) = (Vec::new(), 0);
    for file in &model.source.files {
        let ours = StudioAddress::parse(&file.url).and_then(Result::ok);
        let (folder, filename) =
            ours.as_ref().map_or((&model.id, &file.filename), |ours| (&ours.model, &ours.filename));
        let held = files.held(folder);
        let fits = |stored: &&StoredFile| file.sha256.as_ref().is_none_or(|hash| *hash == stored.sha256);
        if let Some(stored) = held.get(filename).filter(fits) {
            here += stored.bytes;
            continue;
        }
        let elsewhere = |url: &&String| StudioAddress::parse(url).is_none();
        let mut urls: Vec<String> = file.mirrors.iter().filter(elsewhere).cloned().collect();
        urls.extend(Some(&file.url).filter(elsewhere).cloned());
        match urls.pop() {
            Some(url) => missing.push(ModelFile { url, mirrors: urls, ..file.clone() }),
            None => {
                bail!("`{}` is to come from the studio itself, and is not there: upload it", file.filename)
            }
        }
    }
    Ok((missing, here))
}

async fn place(files: &ModelFiles, model: &str, file: &ModelFile, from: &Path) -> anyhow::Result<()> {
    let failed = || format!("could not take `{}` in", file.filename);
    let sha256 = match &file.sha256 {
        // It was compared while the file came.
        Some(hash) => hash.clone(),
        None => hash_of(from).await.with_context(failed)?,
    };
    let bytes = tokio::fs::metadata(from).await.with_context(failed)?.len();
    let folder = files.folder(model);
    tokio::fs::create_dir_all(&folder).await.with_context(failed)?;
    tokio::fs::rename(from, folder.join(&file.filename)).await.with_context(failed)?;
    files.note(model, &file.filename, &StoredFile { sha256, bytes }).with_context(failed)
}
