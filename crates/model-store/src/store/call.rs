//! Calls for the same model are one download, which lives as long as somebody waits for it.

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use futures_util::FutureExt;
use futures_util::future::{BoxFuture, Shared, WeakShared};
use studio_protocol::{ModelSource, PROGRESS_INTERVAL};
use tokio::time::{MissedTickBehavior, interval};

use super::Inner;
use crate::progress::Meter;
use crate::{FetchError, Progress};

type Work = BoxFuture<'static, Result<PathBuf, FetchError>>;

/// The downloads under way, by model.
#[derive(Default)]
pub(super) struct Calls(Mutex<HashMap<String, Running>>);

struct Running {
    source: ModelSource,
    meter: Arc<Meter>,
    /// Weak: the callers own it, and the last one that goes stops it.
    work: WeakShared<Work>,
}

/// One caller's part of a download.
pub(super) struct Call {
    meter: Arc<Meter>,
    work: Shared<Work>,
}

impl Calls {
    pub(super) fn join(&self, inner: &Arc<Inner>, model: &str, source: &ModelSource) -> Call {
        let mut running = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        running.retain(|_, call| call.work.upgrade().is_some());
        if let Some(call) = running.get(model).filter(|call| call.source == *source)
            && let Some(work) = call.work.upgrade()
            // One that has ended tells what was, not what is.
            && work.peek().is_none()
        {
            return Call { meter: call.meter.clone(), work };
        }
        let meter = Arc::new(Meter::of(source));
        let work = inner.clone().bring(model.to_owned(), source.clone(), meter.clone()).boxed().shared();
        if let Some(weak) = work.downgrade() {
            let call = Running { source: source.clone(), meter: meter.clone(), work: weak };
            running.insert(model.to_owned(), call);
        }
        Call { meter, work }
    }
}

impl Call {
    /// Waits for the end, and tells now and then how far it is.
    pub(super) async fn watched(
        mut self,
        progress: impl Fn(Progress) + Send + Sync,
    ) -> Result<PathBuf, FetchError> {
        let mut ticks = interval(PROGRESS_INTERVAL);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut told = Progress::default();
        loop {
            let end = tokio::select! {
                biased; // The end has the last word.
                end = &mut self.work => Some(end),
                _ = ticks.tick() => None,
            };
            let now = self.meter.read();
            if now != told {
                told = now.clone();
                progress(now);
            }
            if let Some(end) = end {
                return end;
            }
        }
    }
}
