//! The local API: what the window, the commands and local programs say to the daemon of this machine.
//!
//! One task accepts on loopback; `guard` stands in front of every route; handlers read what the daemon publishes and ask its
//! task for everything that changes something. Each topic has a module with its `routes()`.

mod answer;
mod board;
mod body;
mod config;
mod desk;
mod discovery;
mod guard;
mod jobs;
mod logs;
mod models;
mod openai;
mod pause;
mod registration;
mod running;
mod server;
mod status;
mod update;
mod wait;

use std::path::Path;
use std::sync::Arc;

use axum::Router;
use rand::Rng;
use studio_protocol::Timestamp;
use studio_runtime::{LogRing, Tasks};
use tokio::sync::{mpsc, oneshot};
use tokio_util::sync::CancellationToken;
use worker_local::{Discovery, PREFIX, Status};

pub(crate) use answer::Refusal;
pub(crate) use board::{Board, Published};
pub(crate) use desk::Desk;
use discovery::DiscoveryFile;
pub(crate) use openai::Place;
pub(crate) use running::Running;

use crate::daemon::{Ask, News};
use crate::history::History;

/// Routes of one topic, below [`PREFIX`].
pub(crate) type Routes = Router<Arc<Local>>;

/// Bytes of a token: nobody guesses 256 bits.
const TOKEN_BYTES: usize = 32;

/// What the daemon gives to the handlers.
#[derive(Debug)]
pub(crate) struct Parts {
    /// What it publishes.
    pub(crate) board: Published,
    /// The latest log lines.
    pub(crate) log: LogRing,
    /// Jobs that are over.
    pub(crate) history: History,
    /// Jobs that run.
    pub(crate) running: Arc<Running>,
    /// To its task.
    pub(crate) asks: mpsc::Sender<News>,
    /// For what needs no turn of its task.
    pub(crate) desk: Desk,
    /// What the dialect's routes need.
    pub(crate) place: Place,
}

/// What the handlers share.
#[derive(Debug)]
pub(crate) struct Local {
    /// What the daemon published last.
    pub(crate) board: Published,
    /// The latest log lines.
    pub(crate) log: LogRing,
    /// Jobs that are over.
    pub(crate) history: History,
    /// Jobs that run.
    pub(crate) running: Arc<Running>,
    /// To the daemon's task.
    asks: mpsc::Sender<News>,
    /// What the dialect's routes need.
    place: Place,
    /// The daemon is about to end: nobody is kept waiting any more.
    pub(crate) ending: CancellationToken,
    /// For what needs no turn of the daemon's task.
    pub(crate) desk: Desk,
}

impl Local {
    /// Has the daemon's task do something, and returns the status that shows it.
    pub(crate) async fn ask(&self, ask: impl FnOnce(Reply) -> Ask) -> Result<Arc<Status>, Refusal> {
        let (reply, answered) = oneshot::channel();
        self.asks.send(News::Ask(ask(Reply(reply)))).await.map_err(|_| Refusal::ending())?;
        answered.await.map_err(|_| Refusal::ending())?
    }
}

/// Where the answer to an [`Ask`] goes; dropping it says that the worker is about to end.
#[derive(Debug)]
pub(crate) struct Reply(oneshot::Sender<Result<Arc<Status>, Refusal>>);

impl Reply {
    /// It was done, and `status` shows it, or it was not, and why.
    pub(crate) fn send(self, answer: Result<Arc<Status>, Refusal>) {
        // Whoever asked may have gone.
        let _ = self.0.send(answer);
    }
}

/// Every topic's routes.
fn routes() -> Routes {
    Router::new()
        .merge(config::routes())
        .merge(jobs::routes())
        .merge(logs::routes())
        .merge(models::routes())
        .merge(pause::routes())
        .merge(registration::routes())
        .merge(status::routes())
        .merge(update::routes())
}

/// The running server; it ends with this handle.
#[derive(Debug)]
pub(crate) struct Api {
    tasks: Tasks,
    file: Arc<DiscoveryFile>,
}

impl Api {
    /// Begins to listen, beside everything else; a server that cannot be is told in the log.
    pub(crate) fn start(port: u16, folder: &Path, parts: Parts) -> Self {
        // Not the daemon's own: at the first signal the daemon drains, and people want to see that.
        let tasks = Tasks::new();
        let file = Arc::new(DiscoveryFile::new(folder));
        let Parts { board, log, history, running, asks, desk, place } = parts;
        let ending = tasks.soft().clone();
        let local = Arc::new(Local { board, log, history, running, asks, desk, place, ending });
        let serve = {
            let (tasks, file) = (tasks.clone(), Arc::clone(&file));
            async move {
                let listener = match server::listen(port).await {
                    Ok(listener) => listener,
                    Err(error) => {
                        tracing::warn!(
                            "no local API, the window and commands cannot reach this worker: {error}"
                        );
                        return;
                    }
                };
                let token = new_token();
                let found = Discovery {
                    url: format!("http://127.0.0.1:{}", listener.port),
                    token: token.clone(),
                    pid: std::process::id(),
                    version: env!("CARGO_PKG_VERSION").to_owned(),
                    started_at: Timestamp::now(),
                };
                tracing::info!("the local API is at {}", found.url);
                tasks.spawn_blocking(move || file.write(&found));
                let guard = guard::Guard::new(listener.port, token);
                let app = Router::new().nest(PREFIX, routes()).merge(openai::routes()).with_state(local);
                server::serve(listener, guard::protect(app, guard), &tasks).await;
            }
        };
        tasks.spawn(serve);
        Self { tasks, file }
    }

    /// Lets answers that are on their way leave, and everybody else go.
    pub(crate) async fn stop(&self) {
        self.tasks.stop_softly();
        if tokio::time::timeout(server::LAST_ANSWERS, self.tasks.join()).await.is_err() {
            tracing::debug!("local requests were broken off");
        }
        self.close();
    }

    /// Stops at once, and removes the discovery file.
    pub(crate) fn close(&self) {
        self.tasks.stop_hard();
        self.file.remove();
    }
}

impl Drop for Api {
    fn drop(&mut self) {
        self.tasks.stop_hard();
    }
}

fn new_token() -> String {
    let mut bytes = [0; TOKEN_BYTES];
    rand::rng().fill_bytes(&mut bytes);
    hex::encode(bytes)
}
