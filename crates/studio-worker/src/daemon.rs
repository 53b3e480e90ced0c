//! The daemon: drives the core, carries out its effects, and ends cleanly.
//!
//! One task owns the core and everything that changes; sockets, uploads, requests and engines are tasks that
//! send `News`. Time is tokio's, so that tests can pause it.

mod asks;
mod effects;
mod first;
mod hear;
mod ledger;
mod local_jobs;
mod machine;
mod models;
mod pausing;
mod prepare;
mod registration;
mod settings;
mod show;
mod speeds;

use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use engine_protocol::Description;
use model_store::ModelStore;
use studio_protocol::JobId;
use studio_runtime::{LogRing, Tasks};
use tokio::sync::{mpsc, watch};
use tokio::time::Instant;
use worker_core::{EngineEvent, ExitReason, Input, Worker};

use crate::Exit;
use crate::capabilities::Sources;
use crate::config::{Config, ConfigFile};
use crate::draw::SystemDraw;
use crate::engines::{EngineProgram, Engines, JobEvent};
use crate::hardware::{DeviceMemory, Hardware, Room};
use crate::history::History;
use crate::home::Home;
use crate::http::Http;
use crate::local::{Api, Board, Parts, Place};
use crate::presence::{Needs, Probes};
use crate::session::Session;
use crate::shelf::Downloads;
use crate::spool::Spool;
use crate::status::StatusFile;
use crate::updates::Updates;
use crate::upload::Uploader;
use ledger::Ledger;
use local_jobs::LocalJobs;
pub(crate) use local_jobs::{EnginesKnown, Folder, Follow, LocalNews, Made, NewLocal, Update, feed};
pub(crate) use prepare::Files;
use prepare::{Prepared, Preparing};
use show::Shown;
use speeds::Speeds;

/// News that wait for the daemon: beyond it sockets and uploads wait, which is what should happen.
const INBOX: usize = 256;
/// Engine events that wait; progress beyond it is dropped by the engines.
const ENGINE_EVENTS: usize = 1_024;
/// How long engines get to end by themselves once nothing waits for their work.
const ENGINE_GRACE: Duration = Duration::from_secs(1);
/// How long the last tasks may take after everything was told to end.
const END_LIMIT: Duration = Duration::from_secs(3);

pub(crate) use asks::Ask;
use first::{clear_folder, engine_settings, first_status, known_engines, settings, slots};
pub(crate) use models::store_settings;

/// The engine that answers several chats in one go.
const BATCHING_ENGINE: &str = "llama-cpp";

/// What reaches the daemon's task.
pub(crate) enum News {
    /// For the core.
    Core(Input),
    /// What the studio answered to a question about the registration, by its number.
    Registration(u64, Box<Input>),
    /// An engine said what it can do.
    Described(String, Arc<Description>),
    /// What the GPU drivers say.
    Device(Option<DeviceMemory>),
    /// How much room there is on the disk and in memory.
    Room(Room),
    /// The owner changed the config file.
    Config(Box<Config>),
    /// A job has its files and inputs, or cannot have them.
    Prepared(Box<Prepared>),
    /// Models were loaded, unloaded, fetched or removed.
    Models,
    /// Something changed that is only shown: a download went on, a feed was read.
    Show,
    /// Somebody at this machine wants something.
    Ask(Ask),
    /// A program of this machine wants something of the engines.
    Local(LocalNews),
}

/// What the daemon's task woke up for.
enum Next {
    Signal,
    Engine(JobEvent),
    News(News),
    Deadline,
    Show,
    Status,
}

/// A daemon that is ready to run; its caller holds the lock.
pub struct Daemon {
    worker: Worker,
    config: Config,
    file: ConfigFile,
    home: Home,
    sources: Sources,
    tasks: Tasks,
    engines: Engines,
    engine_events: mpsc::Receiver<JobEvent>,
    inbox: mpsc::Receiver<News>,
    news: mpsc::Sender<News>,
    session: Option<Session>,
    /// Sessions that were told to close.
    closing: Vec<Tasks>,
    http: Arc<Http>,
    /// What the studio is asked about the registration.
    asking: Option<Tasks>,
    /// The number of that question: an answer to a former one may be on its way already.
    asked: u64,
    uploader: Uploader,
    uploads: BTreeMap<JobId, Tasks>,
    spool: Spool,
    files: Files,
    preparing: Preparing,
    updates: Updates,
    /// What the daemon goes by, for whoever shows settings.
    used: watch::Sender<Arc<Config>>,
    local_jobs: LocalJobs,
    speeds: Speeds,
    /// Results that this process wrote; those of an earlier one are checked before they are uploaded.
    fresh: HashSet<JobId>,
    status: StatusFile,
    /// What the local API shows.
    board: Board,
    probes: Probes,
    /// What they are asked for.
    needs: watch::Sender<Needs>,
    /// What its windows and commands are told beside that.
    shown: Shown,
    /// Jobs, for people.
    ledger: Ledger,
    log: LogRing,
}

/// What a daemon is made of.
#[derive(Debug)]
pub struct Launch {
    /// Its folder.
    pub home: Home,
    /// Its settings.
    pub config: Config,
    /// The engines, the synthetic one included.
    pub programs: BTreeMap<String, EngineProgram>,
    /// Where its log lines are kept for who asks.
    pub log: LogRing,
}

impl Daemon {
    /// Reads the spool and puts everything together; starts nothing yet.
    pub fn new(launch: Launch, tasks: Tasks) -> std::io::Result<Self> {
        let Launch { home, config, programs, log } = launch;
        let spool = Spool::new(home.spool());
        let found = spool.recover()?;
        for (path, reason) in &found.dropped {
            tracing::warn!("the result in `{}` cannot be used: {reason}", path.display());
        }
        clear_folder(&home.work())?;
        let models_root = config.models_root.clone().unwrap_or_else(|| home.models().to_path_buf());
        let slots = slots(&config, programs.contains_key(BATCHING_ENGINE));
        let shown = Shown::new(&home, &config, &programs);
        let board = Board::new(shown.first());
        let sources = Sources::new(Hardware::read(), known_engines(&programs));
        let engine_settings = engine_settings(&config, home.work(), models_root, programs);
        let file_settings = store_settings(&home, &config);
        let store = ModelStore::open(file_settings)?;
        let (events, engine_events) = mpsc::channel(ENGINE_EVENTS);
        let (news, inbox) = mpsc::channel(INBOX);
        let http = Arc::new(Http::default());
        let uploader =
            Uploader { http: Arc::clone(&http), studio: config.studio.clone(), spool: spool.clone() };
        let recorded = news.clone();
        let history = History::new(home.history(), config.history_days, tasks.clone(), move || {
            // A full inbox brings other news, which are followed by a new status too.
            let _ = recorded.try_send(News::Show);
        });
        let status = StatusFile::new(home.status(), first_status(&config));
        let files = Files { store, news: news.clone(), downloads: Downloads::default() };
        let used = watch::Sender::new(Arc::new(config.clone()));
        let updates = Updates::new(used.subscribe(), news.clone());
        Ok(Self {
            worker: Worker::new(
                settings(&config, slots),
                config.identity.clone(),
                found.entries,
                Box::new(SystemDraw),
            ),
            file: ConfigFile::new(home.config()),
            engines: Engines::new(&tasks, engine_settings, events),
            config,
            home,
            sources,
            tasks,
            engine_events,
            inbox,
            session: None,
            closing: Vec::new(),
            http,
            asking: None,
            asked: 0,
            uploader,
            uploads: BTreeMap::new(),
            files,
            updates,
            used,
            preparing: Preparing::default(),
            local_jobs: LocalJobs::default(),
            speeds: Speeds::default(),
            news,
            spool,
            fresh: HashSet::new(),
            status,
            board,
            needs: watch::Sender::new(Needs::default()),
            probes: Probes::default(),
            shown,
            ledger: Ledger::new(history),
            log,
        })
    }

    /// Looks at the machine in another way.
    #[must_use]
    pub fn with_probes(self, probes: Probes) -> Self {
        Self { probes, ..self }
    }

    /// Runs until a signal, the studio or the core ends it.
    pub async fn run(mut self) -> Exit {
        self.end_old_pause();
        let mut exit = self.step(Input::Machine(Box::new(self.sources.machine(&self.config)))).await;
        let api = self.serve_locally();
        self.watch_machine();
        self.tasks.spawn(self.updates.clone().look_now_and_then());
        let (soft, hard) = (self.tasks.soft().clone(), self.tasks.hard().clone());
        let mut told_to_end = false;
        loop {
            if let Some(reason) = exit {
                return self.end(reason, &api).await;
            }
            let deadline = self.worker.next_deadline().map(Instant::from_std);
            // What was received is dealt with outside of the select, so that nothing is dropped half way.
            let next = tokio::select! {
                biased;
                () = hard.cancelled() => return self.end_now(&api).await,
                () = soft.cancelled(), if !told_to_end => Next::Signal,
                Some(event) = self.engine_events.recv() => Next::Engine(event),
                Some(news) = self.inbox.recv() => Next::News(news),
                () = until(deadline) => Next::Deadline,
                () = until(self.board.due()) => Next::Show,
                () = until(self.status.due()) => Next::Status,
            };
            exit = match next {
                Next::Signal => {
                    told_to_end = true;
                    self.step(Input::Shutdown).await
                }
                Next::Engine(event) => self.engine_event(event).await,
                Next::News(news) => self.hear(news).await,
                Next::Deadline => self.step(Input::Tick).await,
                Next::Show => {
                    self.show();
                    None
                }
                Next::Status => {
                    self.write_status();
                    None
                }
            };
        }
    }

    /// Gives the core an input, carries out what it wants, and gives it what came of that at once.
    async fn step(&mut self, input: Input) -> Option<ExitReason> {
        self.status.touch();
        self.board.touch();
        let mut inputs = std::collections::VecDeque::from([input]);
        while let Some(input) = inputs.pop_front() {
            self.note(&input);
            for effect in self.worker.handle(Instant::now().into_std(), input) {
                match self.perform(effect).await {
                    effects::Performed::Nothing => {}
                    effects::Performed::Answer(answer) => inputs.push_back(answer),
                    effects::Performed::Exit(reason) => return Some(reason),
                }
            }
        }
        None
    }

    /// What people see of it.
    #[expect(clippy::wildcard_enum_match_arm, reason = "only some inputs are for people to see")]
    fn note(&mut self, input: &Input) {
        match input {
            Input::Log(entry) => self.ledger.line(entry),
            Input::Engine(EngineEvent::Progress { job, report }) => self.ledger.progress(job, report),
            Input::Engine(EngineEvent::Preview { job, mime, data }) => self.ledger.look(job, mime, data),
            _ => {}
        }
    }

    /// Begins to listen to this machine.
    fn serve_locally(&self) -> Api {
        if self.config.history_days == 0 {
            // What an earlier setting left goes at once.
            self.ledger.history().open();
        }
        let parts = Parts {
            board: self.board.published(),
            log: self.log.clone(),
            history: self.ledger.history().clone(),
            running: self.ledger.running(),
            asks: self.news.clone(),
            desk: self.desk(),
            place: Place { store: self.files.store.clone(), work: self.home.work() },
        };
        Api::start(self.config.local_api_port, self.home.dir(), parts)
    }

    fn write_status(&mut self) {
        self.sources.lanes = self.engines.lanes();
        let (snapshot, sources) = (self.worker.snapshot(), &self.sources);
        self.status.write(|status| {
            status.update(snapshot);
            status.engines = sources.engines.keys().cloned().collect();
            status.lanes.clone_from(&sources.lanes);
            status.present.clone_from(&sources.present);
        });
    }

    /// What was sent leaves, engines end, results stay in the spool.
    async fn end(mut self, reason: ExitReason, api: &Api) -> Exit {
        self.write_status();
        self.show();
        // Nobody reads news any more: what still comes in is thrown away instead of waiting.
        self.inbox.close();
        self.uploads.values().for_each(Tasks::stop_hard);
        self.engine_events.close();
        self.local_jobs.end_all(&mut self.ledger);
        if let Some(session) = self.session.take() {
            session.cut();
        }
        let closing = std::mem::take(&mut self.closing);
        let hard = self.tasks.hard().clone();
        let last_words = async {
            for session in &closing {
                session.join().await;
            }
        };
        tokio::select! {
            _ = async { tokio::join!(self.engines.stop_all(ENGINE_GRACE), last_words, api.stop()) } => {}
            () = hard.cancelled() => {}
        }
        api.close();
        self.end_tasks().await;
        reason.into()
    }

    /// The second signal.
    async fn end_now(self, api: &Api) -> Exit {
        api.close();
        self.engines.stop_all(Duration::ZERO).await;
        self.end_tasks().await;
        Exit::Clean
    }

    async fn end_tasks(self) {
        self.tasks.stop_hard();
        if tokio::time::timeout(END_LIMIT, self.tasks.join()).await.is_err() {
            tracing::warn!("{} tasks did not end within {} s", self.tasks.len(), END_LIMIT.as_secs());
        }
    }
}

async fn until(deadline: Option<Instant>) {
    match deadline {
        Some(deadline) => tokio::time::sleep_until(deadline).await,
        None => std::future::pending().await,
    }
}
