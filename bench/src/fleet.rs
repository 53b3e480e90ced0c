//! Many workers in one process, each with a socket of its own.

mod register;
mod session;

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use anyhow::bail;
use studio_protocol::{Capabilities, Feature, FeatureSet, TaskKind};
use studio_runtime::Tasks;
use tokio::sync::{Semaphore, mpsc, watch};

use crate::programs::Studio;

/// Connections that are being opened at a time, at the start: a fleet is not switched on by one switch.
const CONNECTING: usize = 64;
/// How often counters are looked at.
const POLL: Duration = Duration::from_millis(2);

/// The model of the jobs that fleets are given.
pub const MODEL: &str = "synthetic-chat";

/// Who a worker is.
#[derive(Debug, Clone)]
pub struct Identity {
    worker_id: String,
    token: String,
}

/// What workers do with an offer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Habit {
    /// Accept, and report a result in the same breath.
    Finish,
    /// Accept, and keep the job until [`Fleet::finish`].
    Hold,
}

/// An offer's job, and when its frame was read.
pub type Arrival = (String, Instant);

/// What every session knows and counts.
#[derive(Debug)]
struct Shared {
    address: SocketAddr,
    capabilities: String,
    habit: Habit,
    finish: watch::Receiver<bool>,
    arrivals: Option<mpsc::UnboundedSender<Arrival>>,
    gate: Semaphore,
    online: AtomicUsize,
    offers: AtomicUsize,
    stored: AtomicUsize,
    stale: AtomicUsize,
    ended: AtomicUsize,
}

/// Workers that stay connected until the handle goes.
#[derive(Debug)]
pub struct Fleet {
    shared: Arc<Shared>,
    finish: watch::Sender<bool>,
    tasks: Tasks,
}

impl Drop for Fleet {
    fn drop(&mut self) {
        self.tasks.stop_hard();
    }
}

impl Fleet {
    /// Registers `count` workers; the studio must take their addresses from a proxy.
    pub async fn register(studio: &Studio, count: usize) -> anyhow::Result<Vec<Identity>> {
        register::all(studio, &capabilities(), count).await
    }

    /// Connects them, a few at a time; the first offer can come before the last one is there.
    pub fn connect(
        studio: &Studio,
        identities: &[Identity],
        habit: Habit,
        arrivals: Option<mpsc::UnboundedSender<Arrival>>,
    ) -> anyhow::Result<Self> {
        let (finish, finishing) = watch::channel(false);
        let shared = Arc::new(Shared {
            address: studio.address(),
            capabilities: serde_json::to_string(&capabilities())?,
            habit,
            finish: finishing,
            arrivals,
            gate: Semaphore::new(CONNECTING),
            online: AtomicUsize::new(0),
            offers: AtomicUsize::new(0),
            stored: AtomicUsize::new(0),
            stale: AtomicUsize::new(0),
            ended: AtomicUsize::new(0),
        });
        let tasks = Tasks::new();
        for identity in identities {
            tasks.spawn(session::live(shared.clone(), identity.clone()));
        }
        Ok(Self { shared, finish, tasks })
    }

    /// Reports a result for every job that is held, and from now on for each that comes.
    pub fn finish(&self) {
        self.finish.send_replace(true);
    }

    /// Workers that were welcomed and are still connected.
    pub fn online(&self) -> usize {
        self.shared.online.load(Ordering::Relaxed)
    }

    /// Offers that arrived so far.
    pub fn offers(&self) -> usize {
        self.shared.offers.load(Ordering::Relaxed)
    }

    /// Results that the studio has said to be stored.
    pub fn stored(&self) -> usize {
        self.shared.stored.load(Ordering::Relaxed)
    }

    /// Results that the studio has said to come too late.
    pub fn stale(&self) -> usize {
        self.shared.stale.load(Ordering::Relaxed)
    }

    /// Waits until `count` says `wanted`.
    pub async fn until(
        &self,
        what: &str,
        count: impl Fn(&Self) -> usize,
        wanted: usize,
        limit: Duration,
    ) -> anyhow::Result<()> {
        let started = Instant::now();
        while count(self) < wanted {
            let ended = self.shared.ended.load(Ordering::Relaxed);
            if ended > 0 {
                bail!("{ended} workers were sent away for good while waiting for {what}");
            }
            if started.elapsed() > limit {
                bail!("{} of {wanted} {what} after {limit:?}", count(self));
            }
            tokio::time::sleep(POLL).await;
        }
        Ok(())
    }
}

/// As the real worker describes itself on a machine with a graphics card, so that heartbeats have their usual size.
fn capabilities() -> Capabilities {
    let kinds: Vec<String> = TaskKind::ALL.iter().map(|kind| kind.as_str().to_owned()).collect();
    let models = vec!["llama-cpp:*".to_owned(), "sd-cpp:*".to_owned(), "synthetic*".to_owned()];
    Capabilities {
        machine_name: "workstation-07".to_owned(),
        username: "render".to_owned(),
        agent_version: env!("CARGO_PKG_VERSION").to_owned(),
        engine: "multi".to_owned(),
        vram_total_gb: 24.0,
        vram_threshold_gb: 22.5,
        auto_enabled: true,
        auto_start: true,
        supported_models_per_kind: kinds.iter().map(|kind| (kind.clone(), models.clone())).collect(),
        supported_models: models,
        task_kinds: kinds,
        model_engines: ["llama-cpp", "sd-cpp", "synthetic"].map(str::to_owned).into(),
        features: FeatureSet::of(&[
            Feature::Progress,
            Feature::Cancel,
            Feature::Lease,
            Feature::Resume,
            Feature::Release,
            Feature::Goodbye,
        ]),
        ..Capabilities::default()
    }
}
