//! The folder of all models: who has which files, who uses them, and who brings them.

mod bring;
mod call;
mod import;
mod list;
mod room;
mod verify;

use std::collections::{BTreeMap, HashMap};
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock, Weak};
use std::time::{Duration, SystemTime};

use studio_protocol::ModelSource;
use tokio::sync::Semaphore;

pub use list::{StoredFile, StoredModel};
pub(crate) use room::Room;
pub use verify::Damage;

use crate::disk::{Footprint, Promises, free_bytes};
use crate::manifest::{Manifest, now_ms};
use crate::settings::{MAX_PARALLEL_FILES, MAX_RESERVE_BYTES};
use crate::{FetchError, Progress, RemoveError, Settings, Trusted, Web, names};
use call::Calls;

/// A folder that is on its way out begins with this; no model's id can.
const LEAVING: &str = ".leaving-";
/// How old the use on the disk may be: the order of eviction needs no more.
const USE_SAVED_EVERY: Duration = Duration::from_mins(5);

/// The models on this disk; clones are the same store.
#[derive(Clone)]
pub struct ModelStore(Arc<Inner>);

/// What every part of the store shares.
pub(crate) struct Inner {
    root: PathBuf,
    cap: RwLock<Option<u64>>,
    reserve: u64,
    parallel: usize,
    web: Web,
    /// Downloads at a time, over all models.
    permits: Semaphore,
    models: Mutex<BTreeMap<String, Model>>,
    calls: Calls,
    /// One at a time brings the same bytes; the others link them.
    contents: Mutex<HashMap<String, Weak<tokio::sync::Mutex<()>>>>,
    /// One at a time looks for room, or two would evict for the same bytes.
    room_turn: tokio::sync::Mutex<()>,
    promises: Promises,
    leaving: AtomicU64,
}

/// What is known of one model.
#[derive(Default)]
struct Model {
    manifest: Option<Manifest>,
    /// Somebody has it loaded.
    holds: usize,
    /// Somebody brings or checks it.
    busy: usize,
    /// One at a time changes its folder.
    turn: Arc<tokio::sync::Mutex<()>>,
    used_on_disk_ms: u64,
}

/// A model whose files are all here.
#[derive(Debug, Clone, PartialEq)]
pub struct PresentModel {
    /// Its id.
    pub model: String,
    /// Of all files together.
    pub bytes: u64,
    /// Their names.
    pub files: Vec<String>,
    /// When a job used it last, or when it came.
    pub last_used: SystemTime,
    /// Never evicted.
    pub pinned: bool,
    /// How to run it, as it was brought.
    pub source: ModelSource,
}

/// What models take of the disk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DiskUse {
    /// All files below the root, unfinished ones too.
    pub used: u64,
    /// What the disk still has; `None` where the platform does not tell.
    pub free: Option<u64>,
    /// What models may take.
    pub cap: Option<u64>,
}

/// As long as it lives the model is neither evicted nor removed.
pub struct Hold {
    inner: Arc<Inner>,
    model: String,
}

/// A model that is brought or checked at this moment.
pub(crate) struct Busy {
    inner: Arc<Inner>,
    model: String,
}

impl ModelStore {
    /// Reads what is there; unfinished downloads stay and are continued when they are asked for.
    pub fn open(settings: Settings) -> io::Result<Self> {
        let Settings { root, disk_cap, reserve, parallel_files, web } = settings;
        fs::create_dir_all(&root)?;
        let mut models = BTreeMap::new();
        for folder in fs::read_dir(&root)? {
            let path = folder?.path();
            let Some(name) = path.file_name().and_then(|name| name.to_str()) else { continue };
            if name.starts_with(LEAVING) {
                // Somebody died while removing it; again at the next start if it fails.
                let _ = fs::remove_dir_all(&path);
            } else if names::is_plain_id(name)
                && let Some(manifest) = Manifest::read(&path)
            {
                let used_on_disk_ms = manifest.last_used_ms;
                let model = Model { manifest: Some(manifest), used_on_disk_ms, ..Model::default() };
                models.insert(name.to_owned(), model);
            }
        }
        let parallel = parallel_files.clamp(1, MAX_PARALLEL_FILES);
        Ok(Self(Arc::new(Inner {
            root,
            cap: RwLock::new(disk_cap),
            reserve: reserve.min(MAX_RESERVE_BYTES),
            parallel,
            web: Web::new(web),
            permits: Semaphore::new(parallel),
            models: Mutex::new(models),
            calls: Calls::default(),
            contents: Mutex::default(),
            room_turn: tokio::sync::Mutex::default(),
            promises: Promises::default(),
            leaving: AtomicU64::new(0),
        })))
    }

    /// The model's folder, once every file in it is complete and checked.
    ///
    /// Calls for the same model share one download. Dropping the future stops the download when nobody else waits;
    /// what has come stays for the next call. Take a [`hold`](Self::hold) first if the model is to be used:
    /// otherwise it may be evicted as soon as it is there.
    pub async fn ensure(
        &self,
        model: &str,
        source: &ModelSource,
        progress: impl Fn(Progress) + Send + Sync,
    ) -> Result<PathBuf, FetchError> {
        if names::files_of(model, source)?.is_empty() {
            return Ok(self.0.root.join(model));
        }
        let call = self.0.calls.join(&self.0, model, source);
        call.watched(progress).await
    }

    /// The folder with a folder for each model.
    pub fn root(&self) -> &Path {
        &self.0.root
    }

    /// The models whose files are all here and look as they did when they were checked.
    pub fn present(&self) -> Vec<PresentModel> {
        let models = self.0.models();
        let present = |(name, model): (&String, &Model)| {
            let manifest = model.manifest.as_ref().filter(|manifest| manifest.is_complete())?;
            let folder = self.0.root.join(name);
            let fits = |entry: &crate::manifest::Entry| {
                fs::metadata(folder.join(&entry.filename)).is_ok_and(|meta| entry.fits(&meta))
            };
            manifest.files.iter().all(fits).then(|| PresentModel {
                model: name.clone(),
                bytes: manifest.bytes(),
                files: manifest.files.iter().map(|entry| entry.filename.clone()).collect(),
                last_used: manifest.last_used(),
                pinned: manifest.pinned,
                source: manifest.source.clone(),
            })
        };
        models.iter().filter_map(present).collect()
    }

    /// Deletes a model's folder; the bytes that the disk has got back.
    pub async fn remove(&self, model: &str) -> Result<u64, RemoveError> {
        if !names::is_plain_id(model) || !self.0.root.join(model).exists() {
            return Err(RemoveError::Unknown(model.to_owned()));
        }
        let (inner, name) = (self.0.clone(), model.to_owned());
        let work = tokio::task::spawn_blocking(move || {
            let freed = Footprint::of(&inner.root)?.freed_with(&[name.clone()].into());
            Ok(inner.discard(&name)?.then_some(freed))
        });
        let failed = |source| RemoveError::Disk { model: model.to_owned(), source };
        let freed = work.await.unwrap_or_else(|error| Err(io::Error::other(error))).map_err(failed)?;
        freed.ok_or_else(|| RemoveError::InUse(model.to_owned()))
    }

    /// A job uses the model: it is evicted later than others.
    pub fn mark_used(&self, model: &str) {
        self.0.mark_used(model);
    }

    /// Whether the model is kept whatever room others need; remembered over restarts.
    pub fn set_pinned(&self, model: &str, pinned: bool) -> Result<(), FetchError> {
        self.0.change(model, |manifest| manifest.pinned = pinned)
    }

    /// Keeps a model while it is used; it need not be here yet.
    pub fn hold(&self, model: &str) -> Hold {
        self.0.models().entry(model.to_owned()).or_default().holds += 1;
        Hold { inner: self.0.clone(), model: model.to_owned() }
    }

    /// What models take; looks at every file.
    pub fn disk_use(&self) -> io::Result<DiskUse> {
        let used = Footprint::of(&self.0.root)?.used();
        Ok(DiskUse { used, free: free_bytes(&self.0.root), cap: self.0.cap() })
    }

    /// Another cap; it counts from the next download on.
    pub fn set_disk_cap(&self, cap: Option<u64>) {
        *self.0.cap.write().unwrap_or_else(PoisonError::into_inner) = cap;
    }

    /// Bytes a second over all downloads; counts at once.
    pub fn set_bandwidth(&self, rate: Option<u64>) {
        self.0.web.set_bandwidth(rate);
    }

    /// Another studio, or another token for it.
    pub fn set_trusted(&self, trusted: Option<Trusted>) {
        self.0.web.set_trusted(trusted);
    }

    /// The way to other machines that the store uses, for inputs and hubs.
    pub fn web(&self) -> &Web {
        &self.0.web
    }
}

impl Inner {
    fn models(&self) -> MutexGuard<'_, BTreeMap<String, Model>> {
        self.models.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn cap(&self) -> Option<u64> {
        *self.cap.read().unwrap_or_else(PoisonError::into_inner)
    }

    /// Changes a manifest in memory and on the disk; those of models without one are not changed.
    ///
    /// The lock is held over the write, so that an older version never replaces a newer one.
    fn change(&self, model: &str, change: impl FnOnce(&mut Manifest)) -> Result<(), FetchError> {
        let mut models = self.models();
        let Some(known) = models.get_mut(model) else { return Ok(()) };
        let Some(manifest) = known.manifest.as_mut() else { return Ok(()) };
        change(manifest);
        known.used_on_disk_ms = manifest.last_used_ms;
        manifest.write(&self.root.join(model))
    }

    fn mark_used(&self, model: &str) {
        let now = now_ms();
        let is_due = {
            let mut models = self.models();
            let Some(known) = models.get_mut(model) else { return };
            let Some(manifest) = known.manifest.as_mut() else { return };
            manifest.last_used_ms = now;
            Duration::from_millis(now.saturating_sub(known.used_on_disk_ms)) >= USE_SAVED_EVERY
        };
        if is_due && let Err(error) = self.change(model, |_| {}) {
            tracing::warn!(model, %error, "the use of a model is not remembered");
        }
    }

    fn busy(self: &Arc<Self>, model: &str) -> Busy {
        self.models().entry(model.to_owned()).or_default().busy += 1;
        Busy { inner: self.clone(), model: model.to_owned() }
    }

    fn turn(&self, model: &str) -> Arc<tokio::sync::Mutex<()>> {
        self.models().entry(model.to_owned()).or_default().turn.clone()
    }

    /// Models that may go, the one that was not used for longest first.
    fn evictable(&self) -> Vec<String> {
        let models = self.models();
        let mut able: Vec<(u64, &String)> = models
            .iter()
            .filter(|(_, model)| model.holds == 0 && model.busy == 0)
            .filter_map(|(name, model)| Some((model.manifest.as_ref()?, name)))
            .filter(|(manifest, _)| !manifest.pinned)
            .map(|(manifest, name)| (manifest.last_used_ms, name))
            .collect();
        able.sort();
        able.into_iter().map(|(_, name)| name.clone()).collect()
    }

    /// Deletes a model's folder unless it is in use. It is renamed first, under the lock that [`Hold`]s are taken
    /// with: whoever comes later finds no model, never half of one.
    fn discard(&self, model: &str) -> io::Result<bool> {
        let away = {
            let mut models = self.models();
            if models.get(model).is_some_and(|known| known.holds > 0 || known.busy > 0) {
                return Ok(false);
            }
            let number = self.leaving.fetch_add(1, Ordering::Relaxed);
            let away = self.root.join(format!("{LEAVING}{}-{number}", std::process::id()));
            fs::rename(self.root.join(model), &away)?;
            models.remove(model);
            away
        };
        fs::remove_dir_all(away).map(|()| true)
    }

    fn release(&self, model: &str, count: fn(&mut Model) -> &mut usize) {
        let mut models = self.models();
        let Some(known) = models.get_mut(model) else { return };
        let count = count(known);
        *count = count.saturating_sub(1);
        if known.manifest.is_none() && known.holds == 0 && known.busy == 0 {
            models.remove(model);
        }
    }
}

impl Hold {
    /// Which model it holds.
    pub fn model(&self) -> &str {
        &self.model
    }
}

impl Drop for Hold {
    fn drop(&mut self) {
        self.inner.mark_used(&self.model);
        self.inner.release(&self.model, |model| &mut model.holds);
    }
}

impl Drop for Busy {
    fn drop(&mut self) {
        self.inner.release(&self.model, |model| &mut model.busy);
    }
}
