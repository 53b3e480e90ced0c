//! Which models are on their way, how fast, and what went wrong last.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use model_store::Progress;
use studio_protocol::ModelSource;
use studio_runtime::Tasks;
use worker_local::Download;

/// How much the newest second counts: a stall shows within seconds, one slow piece does not.
const WEIGHT: f64 = 0.3;
/// Between two measurements of the speed.
const MEASURED_EVERY: Duration = Duration::from_millis(500);
/// Troubles that are remembered; each model has one.
const MOST_TROUBLES: usize = 64;

/// Shared by everybody who brings models; clones are the same one.
#[derive(Debug, Clone, Default)]
pub(crate) struct Downloads(Arc<Mutex<State>>);

#[derive(Debug, Default)]
struct State {
    moving: BTreeMap<String, Moving>,
    troubles: BTreeMap<String, String>,
}

#[derive(Debug, Default)]
struct Moving {
    /// Those who wait for it.
    watchers: usize,
    /// The task that brings it for the owner.
    asked: Option<Tasks>,
    /// Something has to be brought; until then its files are looked at only.
    seen: bool,
    file: String,
    bytes: u64,
    total: u64,
    speed: Option<f64>,
    measured: Option<(Instant, u64)>,
}

/// As long as it lives the model is on its way.
#[derive(Debug)]
pub(crate) struct Watching {
    downloads: Downloads,
    model: String,
}

impl Downloads {
    /// The owner wants a model; `None` when that is under way already.
    pub(super) fn begin(&self, model: &str, tasks: Tasks, source: &ModelSource) -> Option<Watching> {
        let mut state = self.state();
        state.troubles.remove(model);
        let moving = state.moving.entry(model.to_owned()).or_default();
        if moving.asked.is_some() {
            return None;
        }
        moving.asked = Some(tasks);
        moving.seen = true;
        moving.total = source.files.iter().filter_map(|file| file.approx_bytes).sum();
        moving.file = source.files.first().map(|file| file.filename.clone()).unwrap_or_default();
        moving.watchers += 1;
        Some(Watching { downloads: self.clone(), model: model.to_owned() })
    }

    /// Somebody brings a model, or looks whether it is all here.
    pub(crate) fn watch(&self, model: &str) -> Watching {
        self.state().moving.entry(model.to_owned()).or_default().watchers += 1;
        Watching { downloads: self.clone(), model: model.to_owned() }
    }

    /// What runs, by model.
    pub(crate) fn shown(&self) -> Vec<Download> {
        let state = self.state();
        let moving = state.moving.iter().filter(|(_, moving)| moving.seen);
        moving
            .map(|(model, moving)| Download {
                model: model.clone(),
                file: moving.file.clone(),
                bytes: moving.bytes,
                total_bytes: moving.total,
                bytes_per_second: moving.speed.map(|speed| speed.round() as u64),
            })
            .collect()
    }

    /// What went wrong with models last.
    pub(super) fn troubles(&self) -> BTreeMap<String, String> {
        self.state().troubles.clone()
    }

    /// Remembers how it ended; whether something was remembered before.
    pub(crate) fn remember(&self, model: &str, trouble: Option<String>) -> bool {
        let mut state = self.state();
        let before = state.troubles.remove(model);
        if let Some(trouble) = trouble
            && state.troubles.len() < MOST_TROUBLES
        {
            state.troubles.insert(model.to_owned(), trouble);
        }
        before.is_some()
    }

    /// Breaks the owner's download off and waits for its end; false when there is none.
    pub(super) async fn stop(&self, model: &str) -> bool {
        let asked = self.state().moving.get(model).and_then(|moving| moving.asked.clone());
        let Some(tasks) = asked else { return false };
        tasks.stop_hard();
        tasks.join().await;
        true
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Watching {
    /// Takes up how far it is; whether that is worth showing.
    pub(crate) fn note(&self, progress: &Progress) -> bool {
        let mut state = self.downloads.state();
        let Some(moving) = state.moving.get_mut(&self.model) else { return false };
        moving.seen |= progress.files_done < progress.files && progress.bytes < progress.total.max(1);
        moving.file.clone_from(&progress.file);
        (moving.bytes, moving.total) = (progress.bytes, progress.total);
        moving.measure(Instant::now());
        moving.seen
    }
}

impl Drop for Watching {
    fn drop(&mut self) {
        let mut state = self.downloads.state();
        let Some(moving) = state.moving.get_mut(&self.model) else { return };
        moving.watchers = moving.watchers.saturating_sub(1);
        if moving.watchers == 0 {
            state.moving.remove(&self.model);
        }
    }
}

impl Moving {
    fn measure(&mut self, now: Instant) {
        let Some((then, bytes)) = self.measured else {
            self.measured = Some((now, self.bytes));
            return;
        };
        let took = now.saturating_duration_since(then);
        if took < MEASURED_EVERY {
            return;
        }
        let speed = self.bytes.saturating_sub(bytes) as f64 / took.as_secs_f64();
        self.speed = Some(self.speed.map_or(speed, |old| old + WEIGHT * (speed - old)));
        self.measured = Some((now, self.bytes));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn progress(bytes: u64, files_done: usize) -> Progress {
        Progress { bytes, total: 1_000, file: "m.gguf".into(), files_done, files: 1 }
    }

    #[test]
    fn a_model_that_is_only_looked_at_is_no_download() {
        let downloads = Downloads::default();
        let watching = downloads.watch("m");
        assert!(!watching.note(&progress(1_000, 1)) && downloads.shown().is_empty());
        assert!(watching.note(&progress(10, 0)));
        assert_eq!((downloads.shown()[0].bytes, downloads.shown()[0].total_bytes), (10, 1_000));
        let other = downloads.watch("m");
        drop(watching);
        assert_eq!(downloads.shown().len(), 1, "somebody else waits for it");
        drop(other);
        assert!(downloads.shown().is_empty());
    }

    #[test]
    fn speed_follows_the_line() {
        let mut moving = Moving::default();
        let start = Instant::now();
        for second in 0..20 {
            moving.bytes = second * 100;
            moving.measure(start + Duration::from_secs(second));
        }
        assert!((moving.speed.unwrap() - 100.0).abs() < 1e-6);
        for second in 20..40 {
            moving.measure(start + Duration::from_secs(second));
        }
        assert!(moving.speed.unwrap() < 1.0, "it stands still");
    }

    #[test]
    fn what_went_wrong_is_remembered_until_it_goes_well() {
        let downloads = Downloads::default();
        assert!(!downloads.remember("m", Some("no".into())));
        assert_eq!(downloads.troubles()["m"], "no");
        assert!(downloads.remember("m", None) && downloads.troubles().is_empty());
    }
}
