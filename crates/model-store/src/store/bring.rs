//! Makes a model's folder complete: checks what is there, links what another model has, downloads the rest.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError, Weak};

use futures_util::stream::{self, StreamExt, TryStreamExt};
use studio_protocol::{ModelFile, ModelSource};
use tokio::fs;

use super::{Inner, Model, Room};
use crate::disk::Promise;
use crate::download::{Download, bytes_there};
use crate::manifest::{Entry, Manifest, now_ms};
use crate::progress::Meter;
use crate::{FetchError, names, reach, sha};

/// A file that is not here yet.
struct Missing<'a> {
    file: &'a ModelFile,
    index: usize,
    promise: Promise,
}

/// One model while it is brought.
struct Bringing<'a> {
    inner: &'a Arc<Inner>,
    model: &'a str,
    folder: &'a Path,
    meter: &'a Meter,
    started_ms: u64,
}

impl Inner {
    /// The model's folder with every file of `source` complete.
    pub(super) async fn bring(
        self: Arc<Self>,
        model: String,
        source: ModelSource,
        meter: Arc<Meter>,
    ) -> Result<PathBuf, FetchError> {
        let _busy = self.busy(&model);
        let turn = self.turn(&model);
        let _turn = turn.lock().await;
        let folder = self.root.join(&model);
        fs::create_dir_all(&folder).await.map_err(|error| FetchError::disk("make", &folder, error))?;
        let (inner, name, wanted) = (self.clone(), model.clone(), source.clone());
        let leftovers = blocking(&folder, move || inner.prepare(&name, &wanted)).await?;
        let bringing =
            Bringing { inner: &self, model: &model, folder: &folder, meter: &meter, started_ms: now_ms() };
        let missing = bringing.missing(&source).await?;
        if !missing.is_empty() {
            bringing.fetch(missing).await?;
        }
        for name in leftovers {
            for name in [format!("{name}.{}", names::PART), format!("{name}.{}", names::PART_FACTS), name] {
                // It may be gone, and on some platforms it is kept while somebody has it open.
                let _ = fs::remove_file(folder.join(name)).await;
            }
        }
        self.mark_used(&model);
        Ok(folder)
    }

    /// Writes down what the folder is to hold; the names of files that it held for a former source.
    pub(super) fn prepare(&self, model: &str, source: &ModelSource) -> Result<Vec<String>, FetchError> {
        let mut models = self.models();
        let known: &mut Model = models.entry(model.to_owned()).or_default();
        let manifest = known.manifest.get_or_insert_with(|| Manifest::new(model, source));
        let wanted = |name: &str| source.files.iter().any(|file| file.filename == name);
        let leftovers: Vec<String> =
            manifest.source.files.iter().map(|f| f.filename.clone()).filter(|name| !wanted(name)).collect();
        let folder = self.root.join(model);
        if manifest.source != *source || !folder.join(crate::manifest::MANIFEST).exists() {
            manifest.source = source.clone();
            manifest.files.retain(|entry| wanted(&entry.filename));
            manifest.write(&folder)?;
        }
        Ok(leftovers)
    }

    /// The lock of bytes that several models may want at once.
    fn content_turn(&self, key: &str) -> Arc<tokio::sync::Mutex<()>> {
        let mut contents = self.contents.lock().unwrap_or_else(PoisonError::into_inner);
        contents.retain(|_, turn| turn.strong_count() > 0);
        if let Some(turn) = contents.get(key).and_then(Weak::upgrade) {
            return turn;
        }
        let turn = Arc::default();
        contents.insert(key.to_owned(), Arc::downgrade(&turn));
        turn
    }

    /// Entries of any model for which `is_same` holds, with their paths.
    fn copies(&self, is_same: impl Fn(&Entry) -> bool) -> Vec<(PathBuf, Entry)> {
        let models = self.models();
        let manifests = models.iter().filter_map(|(name, model)| Some((name, model.manifest.as_ref()?)));
        manifests
            .flat_map(|(name, manifest)| manifest.files.iter().map(move |entry| (name, entry)))
            .filter(|(_, entry)| is_same(entry))
            .map(|(name, entry)| (self.root.join(name).join(&entry.filename), entry.clone()))
            .collect()
    }
}

impl Bringing<'_> {
    /// The files that have to be brought.
    async fn missing<'f>(&self, source: &'f ModelSource) -> Result<Vec<Missing<'f>>, FetchError> {
        let mut missing = Vec::new();
        for (index, file) in names::files_of(self.model, source)?.into_iter().enumerate() {
            if let Some(bytes) = self.checked(file).await? {
                self.meter.done(index, bytes);
            } else {
                self.meter.at(index, bytes_there(&self.folder.join(&file.filename)));
                missing.push(Missing { file, index, promise: self.inner.promises.add() });
            }
        }
        Ok(missing)
    }

    /// The size of a file that is here with the right bytes.
    async fn checked(&self, file: &ModelFile) -> Result<Option<u64>, FetchError> {
        let path = self.folder.join(&file.filename);
        let Ok(meta) = fs::metadata(&path).await else {
            self.forget(&file.filename).await?;
            return Ok(None);
        };
        let known = self.known(&file.filename).filter(|entry| entry.answers(file));
        if known.as_ref().is_some_and(|entry| entry.fits(&meta)) {
            return Ok(Some(meta.len()));
        }
        let pinned = pinned(self.model, file)?;
        let Some(expected) = pinned.or(known.map(|entry| entry.sha256)) else {
            // Nobody knows where it comes from; it is replaced once the right one is complete.
            self.forget(&file.filename).await?;
            return Ok(None);
        };
        let found = sha::hex_of(&path).await.map_err(|error| FetchError::disk("read", &path, error))?;
        if found == expected {
            self.put(Entry::new(file, &meta, found)).await?;
            return Ok(Some(meta.len()));
        }
        tracing::warn!(
            model = self.model,
            file = file.filename,
            expected,
            found,
            "a file has changed on the disk"
        );
        self.forget(&file.filename).await?;
        fs::remove_file(&path).await.map_err(|error| FetchError::disk("remove", &path, error))?;
        Ok(None)
    }

    async fn fetch(&self, missing: Vec<Missing<'_>>) -> Result<(), FetchError> {
        let room = Room { inner: self.inner, folder: self.folder };
        let needs: Vec<u64> = missing.iter().map(|missing| self.need(missing.file)).collect();
        // All of it or nothing: half of a model is of no use.
        let whole = self.inner.promises.add();
        room.make(&whole, needs.iter().sum()).await?;
        for (missing, need) in missing.iter().zip(needs) {
            missing.promise.set(need);
        }
        drop(whole);
        let files: Vec<_> = missing.into_iter().map(|missing| self.one(missing, &room)).collect();
        stream::iter(files).buffer_unordered(self.inner.parallel).try_collect().await
    }

    /// What is still to be written, as far as the source tells.
    fn need(&self, file: &ModelFile) -> u64 {
        if self.has_copy(file) {
            return 0;
        }
        file.approx_bytes.unwrap_or(0).saturating_sub(bytes_there(&self.folder.join(&file.filename)))
    }

    async fn one(&self, missing: Missing<'_>, room: &Room<'_>) -> Result<(), FetchError> {
        let Missing { file, index, promise } = missing;
        let pinned = pinned(self.model, file)?;
        let target = self.folder.join(&file.filename);
        let turn = self.inner.content_turn(pinned.as_deref().unwrap_or(&file.url));
        let _turn = turn.lock().await;
        let sha256 = if let Some(sha256) = self.linked(file, &target).await? {
            sha256
        } else {
            // The semaphore is never closed.
            let _permit = self.inner.permits.acquire().await;
            let download = Download {
                web: &self.inner.web,
                file,
                pinned: pinned.as_deref(),
                target: target.clone(),
                meter: self.meter,
                index,
                room,
                promise,
            };
            download.run().await?
        };
        if pinned.is_none() {
            let url = reach::shown_text(&file.url);
            tracing::warn!(
                model = self.model,
                file = file.filename,
                url,
                sha256,
                "trusted on first use: pin its sha256"
            );
        }
        let meta = fs::metadata(&target).await.map_err(|error| FetchError::disk("read", &target, error))?;
        let bytes = meta.len();
        self.put(Entry::new(file, &meta, sha256)).await?;
        self.meter.done(index, bytes);
        Ok(())
    }

    fn is_same(&self, file: &ModelFile) -> impl Fn(&Entry) -> bool {
        let pinned = file.sha256.as_deref().and_then(sha::normal);
        let (url, since) = (reach::identity(&file.url), self.started_ms);
        move |entry| match &pinned {
            Some(pinned) => entry.sha256 == *pinned,
            // What an address serves may change: only what came while we waited is the same.
            None => entry.url == url && entry.fetched_ms >= since,
        }
    }

    fn has_copy(&self, file: &ModelFile) -> bool {
        let fits =
            |(path, entry): &(PathBuf, Entry)| std::fs::metadata(path).is_ok_and(|meta| entry.fits(&meta));
        self.inner.copies(self.is_same(file)).iter().any(fits)
    }

    /// Takes the bytes from another model that has them; their hash, if there is one.
    async fn linked(&self, file: &ModelFile, target: &Path) -> Result<Option<String>, FetchError> {
        for (path, entry) in self.inner.copies(self.is_same(file)) {
            let fits = fs::metadata(&path).await.is_ok_and(|meta| entry.fits(&meta));
            if !fits || path == target {
                continue;
            }
            // A link does not replace what is there.
            let _ = fs::remove_file(target).await;
            match fs::hard_link(&path, target).await {
                Ok(()) => {
                    tracing::info!(model = self.model, file = file.filename, from = %path.display(), "linked");
                    return Ok(Some(entry.sha256));
                }
                // A file system without links: the download does it.
                Err(error) => tracing::info!(from = %path.display(), %error, "could not link, downloading"),
            }
        }
        Ok(None)
    }

    fn known(&self, filename: &str) -> Option<Entry> {
        let models = self.inner.models();
        models.get(self.model)?.manifest.as_ref()?.entry(filename).cloned()
    }

    async fn put(&self, entry: Entry) -> Result<(), FetchError> {
        let (inner, model) = (self.inner.clone(), self.model.to_owned());
        blocking(self.folder, move || inner.change(&model, |manifest| manifest.put(entry))).await
    }

    async fn forget(&self, filename: &str) -> Result<(), FetchError> {
        if self.known(filename).is_none() {
            return Ok(());
        }
        let (inner, model, filename) = (self.inner.clone(), self.model.to_owned(), filename.to_owned());
        blocking(self.folder, move || inner.change(&model, |manifest| manifest.forget(&filename))).await
    }
}

/// A hash that is none is an error of the registry, not of the file.
fn pinned(model: &str, file: &ModelFile) -> Result<Option<String>, FetchError> {
    let Some(text) = &file.sha256 else { return Ok(None) };
    sha::normal(text).map(Some).ok_or_else(|| {
        let name = &file.filename;
        FetchError::Name(format!(
            "sha256 of `{name}` of model `{model}` is not 64 hex digits: {}",
            text.escape_debug()
        ))
    })
}

/// Runs what waits for the disk on a thread for that.
pub(super) async fn blocking<T: Send + 'static>(
    folder: &Path,
    work: impl FnOnce() -> Result<T, FetchError> + Send + 'static,
) -> Result<T, FetchError> {
    let done = tokio::task::spawn_blocking(work).await;
    done.unwrap_or_else(|error| Err(FetchError::disk("use", folder, io::Error::other(error))))
}
