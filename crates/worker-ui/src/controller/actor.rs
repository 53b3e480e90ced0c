//! The one task that owns the view: takes commands and answers, and publishes what changed.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use studio_protocol::Timestamp;
use studio_runtime::Tasks;
use tokio::sync::{Notify, mpsc, watch};
use tokio::time::Instant;
use worker_local::{Client, ClientError, ConfigView, JobDay, JobLine, JobPage, LogPage, Models, Status};

use super::asks::Answer;
use super::history::Listing;
use super::link::{LinkFact, Seeker};
use super::pictures::Gallery;
use super::{ControllerOptions, OnView, StartDaemon};
use crate::{
    Clock, Command, JobDetail, Link, LogBuffer, Page, Picture, PictureKey, Toast, Tone, View, WindowHandle,
};

/// A daemon that starts has found its hardware and engines by then; before, its absence is no news.
const START_GRACE: Duration = Duration::from_secs(10);
/// Answers wait here while the actor works, which is never long.
const FACTS: usize = 64;
/// The window shows fewer; those who look at views must not miss one.
const TOASTS: usize = 8;

/// What the tasks beside the actor tell it.
#[derive(Debug)]
pub(super) enum Fact {
    Link(LinkFact),
    Logs { round: u64, page: Result<LogPage, ClientError> },
    Jobs { round: u64, page: Result<JobPage, ClientError>, part: Part },
    Days { round: u64, days: Result<Vec<JobDay>, ClientError> },
    JobLog { id: String, lines: Result<Vec<JobLine>, ClientError> },
    Picture { key: PictureKey, look: u64, picture: Result<Option<Picture>, ClientError> },
    Models { round: u64, models: Result<Models, ClientError> },
    Config { round: u64, config: Result<ConfigView, ClientError> },
    Answer { command: Command, answer: Result<Answer, Refusal> },
}

/// Which part of the history an answer is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Part {
    First,
    Older,
    Newest,
}

/// Why a command was not done.
#[derive(Debug)]
pub(super) enum Refusal {
    Client(ClientError),
    Words(String),
}

/// Owns the view.
pub(super) struct Actor {
    pub(super) view: View,
    pub(super) client: Option<Client>,
    pub(super) facts: mpsc::Sender<Fact>,
    pub(super) tasks: Tasks,
    pub(super) look: Option<Page>,
    /// Rises with each daemon: answers of an earlier one are not about this one.
    pub(super) round: u64,
    pub(super) listing: Listing,
    pub(super) gallery: Gallery,
    pub(super) start_daemon: Option<StartDaemon>,
    /// Of the question for logs that waits for its answer.
    pub(super) log_tasks: Option<Tasks>,
    pub(super) models_busy: bool,
    pub(super) nudge: Arc<Notify>,
    heard: mpsc::Receiver<Fact>,
    publish: watch::Sender<Arc<View>>,
    window: WindowHandle,
    on_view: Option<OnView>,
    starting_until: Instant,
    next_toast: u64,
    changed: bool,
}

impl Actor {
    pub(super) fn new(options: ControllerOptions, publish: watch::Sender<Arc<View>>, tasks: Tasks) -> Self {
        let (facts, heard) = mpsc::channel(FACTS);
        let nudge = Arc::new(Notify::new());
        let seeker = Seeker {
            folder: options.folder,
            version: options.version,
            nudge: Arc::clone(&nudge),
            facts: facts.clone(),
        };
        tasks.spawn(seeker.run());
        let clock = Clock { zone: options.zone, now: Timestamp::now() };
        Self {
            view: View { clock, ..View::default() },
            client: None,
            facts,
            tasks,
            look: None,
            round: 0,
            listing: Listing::default(),
            gallery: Gallery::default(),
            start_daemon: options.start_daemon,
            log_tasks: None,
            models_busy: false,
            nudge,
            heard,
            publish,
            window: options.window,
            on_view: options.on_view,
            starting_until: Instant::now() + START_GRACE,
            next_toast: 1,
            changed: true,
        }
    }

    /// Ends when nobody can command it any more.
    pub(super) async fn run(mut self, mut commands: mpsc::Receiver<Command>) {
        loop {
            self.publish();
            tokio::select! {
                command = commands.recv() => match command {
                    Some(command) => self.command(command),
                    None => return,
                },
                Some(fact) = self.heard.recv() => self.fact(fact),
            }
            // What came in the meantime is one view, and one frame.
            while let Ok(command) = commands.try_recv() {
                self.command(command);
            }
            while let Ok(fact) = self.heard.try_recv() {
                self.fact(fact);
            }
        }
    }

    /// The view has changed: it is published before the next wait.
    pub(super) fn touch(&mut self) {
        self.changed = true;
    }

    pub(super) fn toast(&mut self, tone: Tone, text: impl Into<String>) {
        let toasts = Arc::make_mut(&mut self.view.toasts);
        toasts.push(Toast { id: self.next_toast, tone, text: text.into() });
        let too_many = toasts.len().saturating_sub(TOASTS);
        toasts.drain(..too_many);
        self.next_toast += 1;
        self.touch();
    }

    /// For a while, no daemon is no news.
    pub(super) fn expect_start(&mut self) {
        self.starting_until = Instant::now() + START_GRACE;
        self.view.ended = None;
        self.set_link(Link::Starting);
        self.nudge.notify_one();
    }

    /// The daemon that this program started has ended with a code, or runs again.
    pub(super) fn daemon_ended(&mut self, code: Option<i32>) {
        let ended = std::mem::replace(&mut self.view.ended, code);
        if ended.is_some() && code.is_none() && self.client.is_none() {
            self.expect_start();
        }
        if code.is_some() {
            self.starting_until = Instant::now();
            self.nudge.notify_one();
        }
        self.touch();
    }

    /// Takes a status in, unless a newer one of the same daemon is here.
    pub(super) fn take_status(&mut self, status: Status) {
        let earlier = self.view.status.as_deref();
        let same = earlier
            .is_some_and(|earlier| earlier.pid == status.pid && earlier.started_at == status.started_at);
        if same && earlier.is_some_and(|earlier| earlier.generation >= status.generation) {
            return;
        }
        if same && earlier.is_some_and(|earlier| earlier.raises < status.raises) {
            self.window.show();
        }
        let models_moved = earlier
            .is_none_or(|earlier| earlier.lanes != status.lanes || earlier.downloads != status.downloads);
        let last_record = status.last_record;
        self.view.status = Some(Arc::new(status));
        self.touch();
        self.listing.newest = last_record;
        if models_moved {
            self.refresh_models();
        }
        self.refresh_jobs();
    }

    fn fact(&mut self, fact: Fact) {
        match fact {
            Fact::Link(fact) => self.link(fact),
            Fact::Logs { round, page } if round == self.round => self.logs(page),
            Fact::Jobs { round, page, part } if round == self.listing.round => self.jobs(page, part),
            Fact::Days { round, days } if round == self.round => self.days(days),
            Fact::JobLog { id, lines } => self.job_log(&id, lines),
            Fact::Picture { key, look, picture } => self.picture(key, look, picture),
            Fact::Models { round, models } if round == self.round => self.models(models),
            Fact::Config { round, config } if round == self.round => self.config(config),
            Fact::Answer { command, answer } => self.answer(&command, answer),
            Fact::Logs { .. }
            | Fact::Jobs { .. }
            | Fact::Days { .. }
            | Fact::Models { .. }
            | Fact::Config { .. } => {}
        }
    }

    fn link(&mut self, fact: LinkFact) {
        match fact {
            LinkFact::Status(client, status) => {
                let known = self.view.status.as_deref();
                let new = self.client.as_ref().is_none_or(|earlier| earlier.found() != client.found())
                    || known
                        .is_none_or(|known| known.pid != status.pid || known.started_at != status.started_at);
                if new {
                    self.connected(client);
                }
                self.set_link(Link::Up);
                self.take_status(*status);
            }
            LinkFact::Other(client) => {
                let daemon = client.found().version.clone();
                self.disconnected();
                // It still can be told to end.
                self.client = Some(client);
                self.set_link(Link::OtherVersion { daemon });
            }
            LinkFact::Away(words) => {
                self.disconnected();
                let starting = Instant::now() < self.starting_until;
                self.set_link(if starting { Link::Starting } else { Link::Unreachable { words } });
            }
        }
    }

    fn connected(&mut self, client: Client) {
        self.client = Some(client);
        self.view.ended = None;
        self.round += 1;
        self.starting_until = Instant::now();
        self.models_busy = false;
        Arc::<LogBuffer>::make_mut(&mut self.view.logs).restart();
        Arc::make_mut(&mut self.view.pictures).forget_failed();
        self.gallery.stop();
        self.listing.stale();
        self.show_page();
    }

    fn disconnected(&mut self) {
        if self.client.take().is_none() {
            return;
        }
        self.round += 1;
        if let Some(tasks) = self.log_tasks.take() {
            tasks.stop_hard();
        }
        self.gallery.stop();
        self.stop_listing();
    }

    fn set_link(&mut self, link: Link) {
        if self.view.link != link {
            self.view.link = link;
            self.touch();
        }
    }

    fn publish(&mut self) {
        if !std::mem::take(&mut self.changed) {
            return;
        }
        self.view.clock.now = Timestamp::now();
        let view = Arc::new(self.view.clone());
        if let Some(on_view) = &mut self.on_view {
            on_view(&view);
        }
        self.publish.send_replace(view);
        self.window.wake();
    }

    /// Marks a command as one that has no answer yet; `false` when it has been sent before.
    pub(super) fn begin(&mut self, key: String) -> bool {
        self.touch();
        Arc::<BTreeSet<String>>::make_mut(&mut self.view.pending).insert(key)
    }

    pub(super) fn end(&mut self, key: &str) {
        Arc::make_mut(&mut self.view.pending).remove(key);
        self.touch();
    }

    /// The detail that is open, if it is about this job.
    pub(super) fn detail(&mut self, id: &str) -> Option<&mut JobDetail> {
        self.view.job.as_mut().map(Arc::make_mut).filter(|detail| detail.id == id)
    }
}
