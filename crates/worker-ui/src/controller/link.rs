//! Finds the daemon, follows its status, and finds it again when it is gone.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{Notify, mpsc};
use worker_local::{Client, ClientError, Discovery, Status};

use super::actor::Fact;
use super::fetch::told;

/// A daemon that restarts is back within moments, and reading a small file costs nothing.
const RETRY: Duration = Duration::from_millis(500);

/// What the link says.
#[derive(Debug)]
pub(super) enum LinkFact {
    /// Nobody answers, and why.
    Away(String),
    /// A daemon of another version answers, or one that speaks differently.
    Other(Client),
    /// A daemon answers: through this client, with this status.
    Status(Client, Box<Status>),
}

/// Where the daemon is looked for.
pub(super) struct Seeker {
    pub folder: PathBuf,
    pub version: String,
    pub nudge: Arc<Notify>,
    pub facts: mpsc::Sender<Fact>,
}

impl Seeker {
    /// Never ends by itself.
    pub(super) async fn run(self) {
        loop {
            let fact = match Discovery::read(&self.folder) {
                Ok(None) => {
                    LinkFact::Away(format!("No worker runs for the config folder {}", self.folder.display()))
                }
                Err(error) => LinkFact::Away(told(&error)),
                Ok(Some(found)) => self.follow(found).await,
            };
            self.tell(fact).await;
            tokio::select! {
                () = tokio::time::sleep(RETRY) => {}
                () = self.nudge.notified() => {}
            }
        }
    }

    /// Comes back when the daemon cannot be followed any more.
    async fn follow(&self, found: Discovery) -> LinkFact {
        let other = found.version != self.version;
        let client = match Client::new(found) {
            Ok(client) => client,
            Err(error) => return LinkFact::Away(told(&error)),
        };
        if other {
            return LinkFact::Other(client);
        }
        let mut after = None;
        loop {
            match client.status(after).await {
                Ok(status) => {
                    after = Some(status.generation);
                    self.tell(LinkFact::Status(client.clone(), Box::new(status))).await;
                }
                Err(ClientError::Strange { .. }) => return LinkFact::Other(client),
                Err(error) => return LinkFact::Away(told(&error)),
            }
        }
    }

    async fn tell(&self, fact: LinkFact) {
        // The actor ends with this task.
        let _ = self.facts.send(Fact::Link(fact)).await;
    }
}
