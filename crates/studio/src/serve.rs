//! `studio serve`: puts the parts together, and takes them apart in order.

mod limits;
mod lock;
mod rest;
mod sweep;
mod tls;

pub use lock::DataDirLock;
pub(crate) use tls::config as tls_config;

use std::net::{SocketAddr, TcpListener};
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use axum::Router;
use axum_server::Handle;
use clap::Args;
use studio_protocol::{MAX_ARTEFACT_BYTES, Timestamp};
use studio_runtime::{LogFormat, Shutdown, Tasks, Traces, studio_data_dir};
use studio_store::{Store, StoreError};

use crate::access::People;
use crate::artefacts::Artefacts;
use crate::events::Events;
use crate::live::Live;
use crate::lookups::Lookups;
use crate::metrics::Metrics;
use crate::minutes::{self, Minutes};
use crate::model_files::{Fetches, ModelFiles, public_url};
use crate::settings::{CLIENT_LINE, CLIENT_WAIT, Settings, TlsFiles};
use crate::signing::Signer;
use crate::state::AppState;
use crate::thumbnails::Thumbnails;
use crate::webhooks::Webhooks;
use crate::{api, coordinator, dashboard, dialects, first_start, http, seeds, webhooks, worker_api};

/// Requests that run when the studio is told to stop get this long; uploads are sent again by their workers.
const REQUEST_GRACE: Duration = Duration::from_secs(3);
/// Sessions and the coordinator get this long after that.
const TASK_GRACE: Duration = Duration::from_secs(3);
/// A client that opens a connection and sends no request head.
const HEAD_LIMIT: Duration = Duration::from_secs(15);

/// How to serve.
#[derive(Debug, Clone, Args)]
pub struct ServeArgs {
    /// Address and port to listen on
    #[arg(long, default_value = "127.0.0.1:4780", env = "STUDIO_LISTEN")]
    pub listen: SocketAddr,
    /// Where the database, the artefacts and the admin key are kept [default: the platform's data folder]
    #[arg(long, env = "STUDIO_DATA_DIR")]
    pub data_dir: Option<PathBuf>,
    /// Certificate chain, PEM: serve https
    #[arg(long, requires = "tls_key")]
    pub tls_cert: Option<PathBuf>,
    /// The certificate's key, PEM
    #[arg(long, requires = "tls_cert")]
    pub tls_key: Option<PathBuf>,
    /// How workers reach the studio, when it is not the address that they were given (a proxy that rewrites it)
    #[arg(long, value_name = "URL", env = "STUDIO_PUBLIC_URL", value_parser = public_url)]
    pub public_url: Option<String>,
    /// A proxy in front of the studio sets X-Forwarded-For, -Proto and -Host: take addresses from them
    #[arg(long)]
    pub trust_proxy: bool,
    /// The largest artefact that is taken, bytes
    #[arg(long, default_value_t = MAX_ARTEFACT_BYTES)]
    pub max_artefact_bytes: u64,
    /// How the log is written: `text` for people, `json` for collectors
    #[arg(long, value_name = "FORMAT", default_value = "text", env = "STUDIO_LOG_FORMAT")]
    pub log_format: LogFormat,
    /// Let webhooks be posted to addresses of the local network and of this machine, by plain http as well
    #[arg(long)]
    pub allow_private_webhooks: bool,
    /// Do not unpack the model starter-shapes, which takes 19 MB
    #[arg(long)]
    pub no_starter_model: bool,
    /// How long a client of /v1 may wait for its answer, seconds
    #[arg(long, default_value_t = CLIENT_WAIT.as_secs(), value_parser = clap::value_parser!(u64).range(1..))]
    pub client_wait_secs: u64,
    /// Clients of /v1 whose jobs may wait at once
    #[arg(long, default_value_t = CLIENT_LINE)]
    pub client_line: usize,
}

impl ServeArgs {
    fn settings(self) -> anyhow::Result<Settings> {
        let data_dir = match self.data_dir {
            Some(folder) => folder,
            None => studio_data_dir()?,
        };
        let tls = self.tls_cert.zip(self.tls_key).map(|(cert, key)| TlsFiles { cert, key });
        Ok(Settings {
            tls,
            public_url: self.public_url,
            trust_proxy: self.trust_proxy,
            max_artefact_bytes: self.max_artefact_bytes,
            allow_private_webhooks: self.allow_private_webhooks,
            starter_model: !self.no_starter_model,
            client_wait: Duration::from_secs(self.client_wait_secs),
            client_line: self.client_line,
            ..Settings::new(self.listen, data_dir)
        })
    }
}

/// Serves until a signal, then closes everything in order.
pub async fn run(args: ServeArgs) -> anyhow::Result<ExitCode> {
    let settings = args.settings()?;
    limits::raise_open_files();
    let tasks = Tasks::new();
    Shutdown::install(&tasks)?;
    let listener = listen(settings.listen)?;
    let address = listener.local_addr()?;
    let tls = settings.tls.as_ref().map(tls::config).transpose()?;
    warn_if_open(&settings, address);
    let state = open(settings, &tasks).await?;
    let handle = Handle::new();
    let stopping = handle.clone();
    let soft = tasks.soft().clone();
    tasks.spawn(async move {
        soft.cancelled().await;
        stopping.graceful_shutdown(Some(REQUEST_GRACE));
    });
    let scheme = if tls.is_some() { "https" } else { "http" };
    tracing::info!("studio {} serves {scheme}://{address}", env!("CARGO_PKG_VERSION"));
    first_start::offer_set_up(&state, address).await?;
    let served = tls::serve(listener, tls, handle, router(state.clone()), HEAD_LIMIT).await;
    tasks.stop_softly();
    close(state, &tasks).await;
    served.context("the server stopped")?;
    Ok(ExitCode::SUCCESS)
}

/// Every route of the studio.
pub fn router(state: AppState) -> Router {
    let observed = http::Observed { metrics: state.metrics.clone(), traces: state.traces.clone() };
    let pages = dashboard::router(state.clone());
    let dialects = dialects::router(state.clone());
    let routes = api::router(state.clone()).merge(pages).merge(dialects).merge(worker_api::router(state));
    routes
        .layer(axum::middleware::from_fn(rest::discard))
        .layer(axum::middleware::from_fn_with_state(observed, http::observe))
}

/// Opens the parts over `settings.data_dir`, creating what is missing; tests serve the result in process.
pub async fn open(settings: Settings, tasks: &Tasks) -> anyhow::Result<AppState> {
    let folder = &settings.data_dir;
    std::fs::create_dir_all(folder).with_context(|| format!("could not create `{}`", folder.display()))?;
    let lock = Arc::new(DataDirLock::take(&settings.data_dir)?);
    let store = Store::open(&settings.database())?;
    let artefacts = Artefacts::local(&settings.artefacts())
        .with_context(|| format!("could not open the artefact store `{}`", settings.artefacts().display()))?;
    let seeded = store.write(|db| db.seed_models(&seeds::models(), Timestamp::now())).await?;
    if seeded > 0 {
        tracing::info!("{seeded} models added to the registry");
    }
    let now = Timestamp::now();
    match store.write(move |db| db.cancel_attended("the studio was started again", now)).await {
        Ok(0) => {}
        Ok(left) => tracing::info!("{left} jobs cancelled whose clients waited when the studio stopped"),
        // They are made for nobody then; that is no reason not to start.
        Err(StoreError::Full) => {
            tracing::warn!("jobs whose clients are gone were not cancelled: the disk is full");
        }
        Err(error) => return Err(error.into()),
    }
    let model_files = ModelFiles::open(&settings.models())
        .with_context(|| format!("could not open the model files `{}`", settings.models().display()))?;
    let fetches = Fetches::open(&settings.models(), &settings.hub_tokens())
        .with_context(|| format!("could not open the model files `{}`", settings.models().display()))?;
    let signer = Signer::open(&settings.signing_key())?;
    let webhooks = Webhooks::new(settings.allow_private_webhooks)?;
    first_start::ensure_admin_key(&store, &settings).await?;
    first_start::ensure_starter_model(&store, &settings, &model_files).await?;
    let (events, live, metrics) = (Events::default(), Live::default(), Metrics::default());
    live.versions().note_all(&store).await?;
    let minutes = Minutes::open(&store).await?;
    let traces = Traces::from_env("studio", env!("CARGO_PKG_VERSION"));
    let counted = metrics.clone();
    store.on_commit(move |group| counted.committed(group.operations, group.took, group.stands));
    let coordinator = coordinator::spawn(
        tasks,
        store.clone(),
        events.clone(),
        live.clone(),
        metrics.clone(),
        traces.clone(),
    )
    .await?;
    let state = AppState {
        store,
        artefacts,
        coordinator,
        events,
        live,
        minutes,
        keys: Lookups::default(),
        people: People::default(),
        models: Lookups::default(),
        metrics,
        traces,
        thumbnails: Thumbnails::default(),
        model_files,
        fetches,
        webhooks,
        signer,
        settings: Arc::new(settings),
        tasks: tasks.clone(),
        lock,
    };
    sweep::spawn(&state).await?;
    minutes::spawn(&state);
    webhooks::spawn(&state);
    Ok(state)
}

fn listen(address: SocketAddr) -> anyhow::Result<TcpListener> {
    let listener = TcpListener::bind(address)
        .with_context(|| format!("could not listen on {address}: name another address with --listen"))?;
    listener.set_nonblocking(true)?;
    Ok(listener)
}

fn warn_if_open(settings: &Settings, address: SocketAddr) {
    if settings.tls.is_none() && !address.ip().is_loopback() && !settings.trust_proxy {
        tracing::warn!(
            "tokens travel in the clear on {address}: give --tls-cert and --tls-key, or serve behind a proxy that \
             does TLS and say --trust-proxy"
        );
    }
}

/// Sessions say why they end, the coordinator hears of it, the store commits what is under way.
async fn close(state: AppState, tasks: &Tasks) {
    let AppState { store, coordinator, traces, .. } = state;
    drop(coordinator);
    if tokio::time::timeout(TASK_GRACE, tasks.join()).await.is_err() {
        tasks.stop_hard();
        tasks.join().await;
    }
    store.close().await;
    // A collector that does not answer is not waited for.
    if let Err(error) = tokio::task::spawn_blocking(move || traces.close()).await {
        tracing::debug!(%error, "the last spans were not sent");
    }
    tracing::info!("studio stopped; open work is kept");
}
