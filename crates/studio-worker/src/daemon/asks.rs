//! What people and programs of this machine ask of the daemon, through the local API.

use std::sync::Arc;

use worker_core::{ExitReason, Input};
use worker_local::{JoinAsk, Origin, PauseAsk, Status};

use super::Daemon;
use crate::config::Config;
use crate::local::{Refusal, Reply};

/// One question, and where its answer goes: the status that shows what came of it.
#[derive(Debug)]
pub(crate) enum Ask {
    /// What is going on?
    Look {
        /// To whom it is told.
        reply: Reply,
    },
    /// Bring the window to the front.
    Raise {
        /// To whom it is told.
        reply: Reply,
    },
    /// Go by these settings, which are in the file.
    Config {
        /// All of them.
        config: Box<Config>,
        /// To whom it is told.
        reply: Reply,
    },
    /// Be another worker.
    ResetRegistration {
        /// To whom it is told.
        reply: Reply,
    },
    /// Register with a code.
    Join {
        /// Which.
        ask: JoinAsk,
        /// To whom it is told.
        reply: Reply,
    },
    /// Take no more jobs.
    Pause {
        /// How, and how long.
        ask: PauseAsk,
        /// To whom it is told.
        reply: Reply,
    },
    /// Take jobs again.
    Resume {
        /// To whom it is told.
        reply: Reply,
    },
    /// Stop a job that runs here; a studio's goes to somebody else.
    Release {
        /// Which.
        job: String,
        /// To whom it is told.
        reply: Reply,
    },
    /// End, as after a signal.
    Shutdown {
        /// Once what runs is finished, however long it takes.
        after_jobs: bool,
        /// To whom it is told.
        reply: Reply,
    },
}

impl Daemon {
    /// Does what was asked, and says so with a status that shows it.
    pub(super) async fn asked(&mut self, ask: Ask) -> Option<ExitReason> {
        match ask {
            Ask::Look { reply } => {
                self.board.look();
                self.ledger.history().open();
                let status = if self.board.is_due() { self.show() } else { self.board.shown() };
                reply.send(Ok(status));
                None
            }
            Ask::Raise { reply } => {
                self.shown.raises += 1;
                self.done(None, reply)
            }
            Ask::Config { config, reply } => {
                let exit = self.config_changed(*config).await;
                self.done(exit, reply)
            }
            Ask::ResetRegistration { reply } => self.reset_registration(reply).await,
            Ask::Join { ask, reply } => self.join(ask, reply).await,
            Ask::Pause { ask, reply } => {
                let exit = self.pause(&ask).await;
                self.done(exit, reply)
            }
            Ask::Resume { reply } => {
                let exit = self.resume().await;
                self.done(exit, reply)
            }
            Ask::Release { job, reply } => {
                let exit = match self.ledger.origin(&job) {
                    Some(Origin::Studio) => self.step(Input::Release(job.into())).await,
                    // Its end comes as the engine's event, and whoever waits for it is told.
                    Some(Origin::Local) => {
                        self.call_off_local(&job.into(), "its owner called it off").await;
                        None
                    }
                    None => {
                        let detail = format!("job `{}` does not run here", job.escape_debug());
                        reply.send(Err(Refusal::not_found(detail)));
                        return None;
                    }
                };
                self.done(exit, reply)
            }
            Ask::Shutdown { after_jobs, reply } => {
                tracing::info!(after_jobs, "asked to end through the local API");
                let input = if after_jobs {
                    Input::Drain
                } else {
                    self.tasks.stop_softly();
                    Input::Shutdown
                };
                let exit = self.step(input).await;
                self.done(exit, reply)
            }
        }
    }

    /// Publishes what came of it at once, and answers.
    pub(super) fn done(&mut self, exit: Option<ExitReason>, reply: Reply) -> Option<ExitReason> {
        let status: Arc<Status> = self.show();
        reply.send(Ok(status));
        exit
    }
}
