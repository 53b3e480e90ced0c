//! Makes room for a download: by the free space, by the cap, and by what may be evicted.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;

use super::Inner;
use super::bring::blocking;
use crate::FetchError;
use crate::disk::{Footprint, Promise, free_bytes};

/// Times that the disk is looked at again: others may hold what we chose, or write what we did not see.
const ROUNDS: usize = 4;

/// Where a download finds room.
pub(crate) struct Room<'a> {
    pub(super) inner: &'a Arc<Inner>,
    pub(super) folder: &'a Path,
}

/// What is too much, of which limit.
struct Over {
    cap: u64,
    free: u64,
}

impl Room<'_> {
    /// Promises `bytes` more to a download, and evicts models for it if there is a cap.
    pub(crate) async fn make(&self, promise: &Promise, bytes: u64) -> Result<(), FetchError> {
        if bytes <= promise.get() {
            promise.set(bytes);
            return Ok(());
        }
        let _turn = self.inner.room_turn.lock().await;
        let mut refusal = None;
        for _ in 0..ROUNDS {
            match self.round(promise, bytes).await? {
                None => {
                    promise.set(bytes);
                    return Ok(());
                }
                Some(again) => refusal = again,
            }
            if refusal.is_some() {
                break;
            }
        }
        Err(refusal.unwrap_or_else(|| self.full(bytes)))
    }

    /// `None` when there is room; `Some(None)` when something went and it is worth another look.
    async fn round(&self, promise: &Promise, bytes: u64) -> Result<Option<Option<FetchError>>, FetchError> {
        let inner = self.inner.clone();
        let wanted = self.inner.promises.total() + (bytes - promise.get().min(bytes));
        let refuse = self.refuse(bytes);
        blocking(self.folder, move || {
            let footprint =
                Footprint::of(&inner.root).map_err(|error| FetchError::disk("read", &inner.root, error))?;
            let over = inner.over(&footprint, wanted);
            let most = over.cap.max(over.free);
            if most == 0 {
                return Ok(None);
            }
            let mut able = if inner.cap().is_some() { inner.evictable() } else { Vec::new() };
            let freed =
                |able: &[String]| footprint.freed_with(&able.iter().cloned().collect::<BTreeSet<String>>());
            // Nothing goes if all of it would not be enough.
            let Some(enough) = (1..=able.len()).find(|count| freed(&able[..*count]) >= most) else {
                return Ok(Some(Some(refuse(&inner, &over, footprint.used() - freed(&able)))));
            };
            able.truncate(enough);
            for model in able {
                match inner.discard(&model) {
                    Ok(true) => tracing::info!(model, "evicted: others need the room"),
                    Ok(false) => tracing::debug!(model, "not evicted: somebody uses it now"),
                    Err(error) => tracing::warn!(model, %error, "could not evict"),
                }
            }
            Ok(Some(None))
        })
        .await
    }

    fn refuse(&self, needed: u64) -> impl FnOnce(&Inner, &Over, u64) -> FetchError + Send + 'static {
        let folder = self.inner.root.clone();
        move |inner, over, in_use| match inner.cap() {
            Some(cap) if over.cap > 0 => FetchError::Cap { needed, cap, in_use },
            _ => FetchError::DiskFull {
                needed,
                free: free_bytes(&folder).unwrap_or(0),
                reserve: inner.reserve,
                folder,
            },
        }
    }

    /// Whether the disk still has what is to come, while it comes.
    pub(crate) fn check_free(&self, to_come: u64) -> Result<(), FetchError> {
        match free_bytes(self.folder) {
            Some(free) if free < self.inner.reserve => Err(self.full(to_come)),
            Some(_) | None => Ok(()),
        }
    }

    /// The disk has no room for `needed` more.
    pub(crate) fn full(&self, needed: u64) -> FetchError {
        FetchError::DiskFull {
            folder: self.inner.root.clone(),
            needed,
            free: free_bytes(self.folder).unwrap_or(0),
            reserve: self.inner.reserve,
        }
    }
}

impl Inner {
    fn over(&self, footprint: &Footprint, wanted: u64) -> Over {
        let cap = self.cap().map_or(0, |cap| footprint.used().saturating_add(wanted).saturating_sub(cap));
        let free =
            free_bytes(&self.root).map_or(0, |free| wanted.saturating_add(self.reserve).saturating_sub(free));
        Over { cap, free }
    }
}
