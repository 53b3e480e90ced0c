//! Numbers for Prometheus: counted where things happen, the state of things looked up when somebody asks.
//!
//! Every label has few values: words of ours, names of routes, and at most [`MAX_NAMES`] models or projects, so that
//! what a fleet grows to never makes the answer grow without bound.

mod labels;
mod process;
mod scrape;

use std::sync::Arc;
use std::time::Duration;

use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::{Histogram, exponential_buckets};
use prometheus_client::registry::Registry;
use studio_protocol::TaskKind;

use labels::{Dialect, Direction, Kind, Outcome, Request, Route, Version};

pub use scrape::get;

/// Models, engines or projects that are named; the others are counted as `other`.
const MAX_NAMES: usize = 50;

type Histograms<L> = Family<L, Histogram, fn() -> Histogram>;

/// What is counted; clones count the same.
#[derive(Debug, Clone)]
pub struct Metrics(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    registry: Registry,
    latest: scrape::Latest,
    queued: Family<Kind, Counter>,
    offers: Counter,
    attempts: Family<Outcome, Counter>,
    jobs: Family<Outcome, Counter>,
    waits: Histograms<Kind>,
    runs: Histograms<Kind>,
    sessions: Counter,
    artefacts: Counter,
    artefact_bytes: Counter,
    commits: Histogram,
    commit_sizes: Histogram,
    failed_commits: Counter,
    requests: Family<Request, Counter>,
    request_seconds: Histograms<Route>,
    first_tokens: Histograms<Dialect>,
    tokens: Family<Direction, Counter>,
    deliveries: Family<Outcome, Counter>,
}

/// Waits and runs: from a cached chat answer to a night in the queue.
fn job_seconds() -> Histogram {
    Histogram::new([
        0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 120.0, 300.0, 900.0, 3_600.0, 14_400.0,
    ])
}

/// Answers over HTTP, and first tokens.
fn answer_seconds() -> Histogram {
    Histogram::new([0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0])
}

impl Default for Metrics {
    fn default() -> Self {
        let mut registry = Registry::default();
        let version = Family::<Version, Gauge>::default();
        version.get_or_create(&Version { version: env!("CARGO_PKG_VERSION") }).set(1);
        registry.register("studio_build_info", "The version that runs", version);
        let mut inner = Inner {
            registry: Registry::default(),
            latest: scrape::Latest::default(),
            queued: Family::default(),
            offers: Counter::default(),
            attempts: Family::default(),
            jobs: Family::default(),
            waits: Family::new_with_constructor(job_seconds),
            runs: Family::new_with_constructor(job_seconds),
            sessions: Counter::default(),
            artefacts: Counter::default(),
            artefact_bytes: Counter::default(),
            commits: Histogram::new(exponential_buckets(0.0005, 2.0, 14)),
            commit_sizes: Histogram::new(exponential_buckets(1.0, 2.0, 11)),
            failed_commits: Counter::default(),
            requests: Family::default(),
            request_seconds: Family::new_with_constructor(answer_seconds),
            first_tokens: Family::new_with_constructor(answer_seconds),
            tokens: Family::default(),
            deliveries: Family::default(),
        };
        inner.begin();
        inner.register(&mut registry);
        inner.registry = registry;
        Self(Arc::new(inner))
    }
}

/// How tries end.
const ATTEMPTS: [&str; 9] = [
    "done",
    "failed",
    "lost",
    "rejected",
    "released",
    "unanswered",
    "never_sent",
    "cancelled",
    "worker_removed",
];
/// How jobs end.
const JOBS: [&str; 4] = ["done", "failed", "cancelled", "quarantined"];
/// What becomes of a try to tell a webhook.
const DELIVERIES: [&str; 3] = ["delivered", "retried", "failed"];

impl Inner {
    /// What can be counted stands with 0 from the start: a first failure would else not be seen as an increase.
    fn begin(&self) {
        for kind in TaskKind::ALL.map(TaskKind::as_str) {
            drop(self.queued.get_or_create(&Kind { kind }));
            drop(self.waits.get_or_create(&Kind { kind }));
            drop(self.runs.get_or_create(&Kind { kind }));
        }
        for outcome in ATTEMPTS {
            drop(self.attempts.get_or_create(&Outcome { outcome }));
        }
        for outcome in JOBS {
            drop(self.jobs.get_or_create(&Outcome { outcome }));
        }
        for outcome in DELIVERIES {
            drop(self.deliveries.get_or_create(&Outcome { outcome }));
        }
    }

    fn register(&self, registry: &mut Registry) {
        registry.register("studio_jobs_queued", "Jobs that came to wait, also again", self.queued.clone());
        registry.register("studio_offers", "Offers that were made to workers", self.offers.clone());
        registry.register("studio_attempts_ended", "Tries that ended, and how", self.attempts.clone());
        registry.register("studio_jobs_ended", "Jobs that ended, and how", self.jobs.clone());
        registry.register(
            "studio_job_wait_seconds",
            "From submission to the start of the first try",
            self.waits.clone(),
        );
        registry.register(
            "studio_job_run_seconds",
            "From the start of a try to its result",
            self.runs.clone(),
        );
        registry.register("studio_sessions_opened", "Sessions of workers that began", self.sessions.clone());
        registry.register(
            "studio_artefacts_stored",
            "Artefacts that workers brought",
            self.artefacts.clone(),
        );
        registry.register("studio_artefact_stored_bytes", "Their bytes", self.artefact_bytes.clone());
        registry.register(
            "studio_store_commit_seconds",
            "From the begin of a group of operations to its commit",
            self.commits.clone(),
        );
        registry.register(
            "studio_store_commit_operations",
            "Operations of a group",
            self.commit_sizes.clone(),
        );
        registry.register(
            "studio_store_commit_failures",
            "Groups that were undone",
            self.failed_commits.clone(),
        );
        registry.register("studio_http_requests", "Requests that were answered", self.requests.clone());
        registry.register(
            "studio_http_request_seconds",
            "From a request to the head of its answer",
            self.request_seconds.clone(),
        );
        registry.register(
            "studio_dialect_first_token_seconds",
            "From a request under /v1 to the first token of its answer",
            self.first_tokens.clone(),
        );
        registry.register(
            "studio_dialect_tokens",
            "Tokens of requests and answers under /v1",
            self.tokens.clone(),
        );
        registry.register(
            "studio_webhook_deliveries",
            "Tries to tell a webhook, and how",
            self.deliveries.clone(),
        );
    }
}

impl Metrics {
    /// Jobs came to wait.
    pub(crate) fn queued(&self, kind: TaskKind) {
        self.0.queued.get_or_create(&Kind { kind: kind.as_str() }).inc();
    }

    /// A worker was offered a job.
    pub(crate) fn offered(&self) {
        self.0.offers.inc();
    }

    /// A worker took a job for the first time.
    pub(crate) fn waited(&self, kind: TaskKind, wait: Duration) {
        self.0.waits.get_or_create(&Kind { kind: kind.as_str() }).observe(wait.as_secs_f64());
    }

    /// A try brought its result.
    pub(crate) fn ran(&self, kind: TaskKind, run: Duration) {
        self.0.runs.get_or_create(&Kind { kind: kind.as_str() }).observe(run.as_secs_f64());
    }

    /// A try ended.
    pub(crate) fn attempt_ended(&self, outcome: &'static str) {
        self.0.attempts.get_or_create(&Outcome { outcome }).inc();
    }

    /// A job ended.
    pub(crate) fn job_ended(&self, outcome: &'static str) {
        self.0.jobs.get_or_create(&Outcome { outcome }).inc();
    }

    /// A worker said hello.
    pub(crate) fn session_opened(&self) {
        self.0.sessions.inc();
    }

    /// A worker brought bytes.
    pub(crate) fn artefact_stored(&self, bytes: u64) {
        self.0.artefacts.inc();
        self.0.artefact_bytes.inc_by(bytes);
    }

    /// The store committed a group of operations, or undid it.
    pub(crate) fn committed(&self, operations: usize, took: Duration, stands: bool) {
        self.0.commits.observe(took.as_secs_f64());
        self.0.commit_sizes.observe(operations as f64);
        if !stands {
            self.0.failed_commits.inc();
        }
    }

    /// A request was answered; `route` is the pattern, never the path.
    pub(crate) fn answered(&self, route: &str, method: &'static str, status: u16, took: Duration) {
        let route = route.to_owned();
        self.0.requests.get_or_create(&Request { route: route.clone(), method, status }).inc();
        self.0.request_seconds.get_or_create(&Route { route, method }).observe(took.as_secs_f64());
    }

    /// A client of a dialect saw the first token of its answer.
    pub fn first_token(&self, route: &str, took: Duration) {
        let dialect = route.to_owned();
        self.0.first_tokens.get_or_create(&Dialect { dialect }).observe(took.as_secs_f64());
    }

    /// An answer of a dialect is complete.
    pub fn tokens(&self, route: &str, read: u64, written: u64) {
        let dialect = route.to_owned();
        self.0.tokens.get_or_create(&Direction { dialect: dialect.clone(), direction: "read" }).inc_by(read);
        self.0.tokens.get_or_create(&Direction { dialect, direction: "written" }).inc_by(written);
    }

    /// A webhook was told, or not: `delivered`, `retried` or `failed`.
    pub fn delivery(&self, outcome: &'static str) {
        self.0.deliveries.get_or_create(&Outcome { outcome }).inc();
    }
}
