//! The world of a run: its clock, its events in order, and everything that they happen to.

mod base;
mod client;
mod engine;
mod faults;
mod fleet;
mod host;
mod net;
mod ours;
mod requests;
mod studio;
mod writer;

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use studio_protocol::{JobId, ProjectId, Timestamp};
use studio_scheduler::{Input, SessionId};
use studio_store::Db;

use crate::checker::Checker;
use crate::climate::{Climate, Fault};
use crate::dice::Dice;
use crate::trace::{Trace, note};
use crate::{Mutation, Options, Report};

use client::Client;
use engine::{Ending, Plan};
use host::{Host, HostId};
use net::{Conn, ConnId};
use requests::{ReqId, Request};
use studio::Studio;

/// How often the checker looks at everything.
const LOOK_INTERVAL: Duration = Duration::from_secs(1);
/// Once faults have stopped, everything is at rest within this: the longest hang, a lost claim, a reconnect, and
/// the work that is left, several times over.
const CALM_LIMIT: Duration = Duration::from_mins(15);
/// How long the world goes on at rest, to see that it stays so.
const REST: Duration = Duration::from_secs(70);
/// What was held up before faults stopped arrives within this.
const LAST_WORD: Duration = Duration::from_secs(70);
/// Where the time of day starts: 2026-05-25T12:00:00Z.
const FIRST_WALL_TIME: i64 = 1_779_710_400_000;

/// Something that is due.
#[derive(Debug)]
pub(crate) enum Event {
    /// The first packet of a connection's direction is due.
    Deliver { conn: ConnId, up: bool },
    /// A connection should have said hello.
    HelloLimit { conn: ConnId },
    /// The studio looks at its clock.
    StudioTick { life: u32 },
    /// The store's writer takes some of what waits.
    WriterTurn { life: u32 },
    /// The scheduler hears of a commit.
    News { life: u32, input: Box<Input> },
    /// The studio's process starts.
    StudioStart,
    /// A session ended on the studio's side.
    SessionClosed { life: u32, session: SessionId },
    /// A worker's process starts.
    HostStart { host: HostId },
    /// A worker's process looks at its clock.
    HostTick { host: HostId, life: u32, turn: u64 },
    /// A worker's disk answers.
    Disk { host: HostId, life: u32, answer: Box<worker_core::Input> },
    /// An engine gets further.
    EngineStep { host: HostId, life: u32, run: u64, step: u32 },
    /// An engine ends.
    EngineEnd { host: HostId, life: u32, run: u64, ending: Ending },
    /// A request reaches the studio.
    Request { req: ReqId },
    /// Its answer reaches the client.
    Answer { req: ReqId },
    /// The client waits no longer.
    GiveUp { req: ReqId },
    /// The client submits.
    Submit { index: usize },
    /// A fault strikes.
    Fault { fault: Fault, mean: Duration },
    /// A pause ends.
    Unpause { host: HostId, operator: bool },
    /// A disk has room again.
    SpoolRoom { host: HostId },
    /// Somebody deals with a copied identity.
    Resolve { host: HostId },
    /// A base worker gets a new identity.
    Enrol { host: HostId },
    /// An operator approves what waits.
    Approve,
    /// The checker looks.
    Look,
    /// Faults stop.
    Calm,
    /// The operator sees to jobs that ended badly.
    SeeTo,
}

/// In every third run one project may not have all of the fleet; drawn by no dice, so that other runs stay the same.
fn limit(seed: u64) -> Option<(ProjectId, usize)> {
    seed.is_multiple_of(3).then(|| ("big".into(), if seed.is_multiple_of(2) { 1 } else { 2 }))
}

pub(crate) struct World {
    pub now: Duration,
    pub trace: Trace,
    pub checker: Checker,
    seed: u64,
    base: Instant,
    wall_shift: i64,
    events: BTreeMap<(Duration, u64), Event>,
    sequence: u64,
    dice: Dice,
    climate: Climate,
    mutation: Option<Mutation>,
    db: Db,
    studio: Studio,
    conns: BTreeMap<ConnId, Conn>,
    next_conn: u64,
    requests: BTreeMap<ReqId, Request>,
    next_request: u64,
    hosts: Vec<Host>,
    client: Client,
    plans: BTreeMap<JobId, Plan>,
    next_run: u64,
    next_identity: u64,
    is_calm: bool,
    rest_since: Option<Duration>,
    sessions_opened: u64,
    faults: u64,
    is_over: bool,
}

impl World {
    pub fn new(seed: u64, options: Options) -> Self {
        let mut dice = Dice::new(seed);
        let climate = Climate::new(&mut dice);
        Self {
            now: Duration::ZERO,
            trace: Trace::new(options.trace),
            checker: Checker::with_limit(limit(seed)),
            seed,
            base: Instant::now(),
            wall_shift: 0,
            events: BTreeMap::new(),
            sequence: 0,
            climate,
            dice,
            mutation: options.mutation,
            db: Db::open_in_memory().expect("a database in memory needs nothing but memory"),
            studio: Studio::default(),
            conns: BTreeMap::new(),
            next_conn: 0,
            requests: BTreeMap::new(),
            next_request: 0,
            hosts: Vec::new(),
            client: Client::default(),
            plans: BTreeMap::new(),
            next_run: 0,
            next_identity: 0,
            is_calm: false,
            rest_since: None,
            sessions_opened: 0,
            faults: 0,
            is_over: false,
        }
    }

    /// Lets everything happen that is due, until rest or the first violation.
    pub fn run(&mut self) {
        self.set_the_stage();
        while !self.is_over && self.checker.violation.is_none() {
            let Some(((at, _), event)) = self.events.pop_first() else { break };
            self.now = at;
            self.happen(event);
        }
        if self.checker.violation.is_none() {
            self.checker.compare(&self.db);
        }
    }

    pub fn report(self, panicked: Option<String>) -> Report {
        Report {
            seed: self.seed,
            hash: self.trace.hash,
            events: self.trace.lines,
            time: self.now,
            jobs: self.checker.ledger.0.len(),
            sessions: self.sessions_opened,
            faults: self.faults,
            violation: panicked.or(self.checker.violation),
            tail: self.trace.into_tail(),
        }
    }

    fn set_the_stage(&mut self) {
        self.seed_models();
        self.make_fleet();
        self.plan_submissions();
        self.at(self.climate.storm, Event::Calm);
        self.after(LOOK_INTERVAL, Event::Look);
        for (fault, mean) in self.climate.faults.clone() {
            note!(self, "climate: {fault:?} every {mean:?}");
            let first = mean.mul_f64(self.dice.unit());
            self.after(first, Event::Fault { fault, mean });
        }
        self.after(Duration::ZERO, Event::StudioStart);
    }

    fn happen(&mut self, event: Event) {
        match event {
            Event::Deliver { conn, up } => self.deliver(conn, up),
            Event::HelloLimit { conn } => self.hello_limit(conn),
            Event::StudioTick { life } => self.studio_tick(life),
            Event::WriterTurn { life } => self.writer_turn(life),
            Event::News { life, input } => self.news(life, *input),
            Event::StudioStart => self.start_studio(),
            Event::SessionClosed { life, session } => self.session_closed(life, session),
            Event::HostStart { host } => self.start_host(host),
            Event::HostTick { host, life, turn } => self.host_tick(host, life, turn),
            Event::Disk { host, life, answer } => self.disk_answers(host, life, *answer),
            Event::EngineStep { host, life, run, step } => self.engine_step(host, life, run, step),
            Event::EngineEnd { host, life, run, ending } => self.engine_end(host, life, run, &ending),
            Event::Request { req } => self.request_arrives(req),
            Event::Answer { req } => self.answer_arrives(req),
            Event::GiveUp { req } => self.give_up(req),
            Event::Submit { index } => self.submit(index),
            Event::Fault { fault, mean } => self.strike(fault, mean),
            Event::Unpause { host, operator } => self.unpause(host, operator),
            Event::SpoolRoom { host } => self.spool_room(host),
            Event::Resolve { host } => self.resolve(host),
            Event::Enrol { host } => self.enrol_base(host),
            Event::Approve => self.approve_all(),
            Event::Look => self.look(),
            Event::Calm => self.calm(),
            Event::SeeTo => self.see_to(),
        }
    }

    fn at(&mut self, at: Duration, event: Event) {
        self.sequence += 1;
        self.events.insert((at.max(self.now), self.sequence), event);
    }

    fn after(&mut self, delay: Duration, event: Event) {
        self.at(self.now + delay, event);
    }

    fn instant(&self) -> Instant {
        self.base + self.now
    }

    fn since_start(&self, instant: Instant) -> Duration {
        instant.saturating_duration_since(self.base)
    }

    /// The time of day, which may jump.
    fn wall(&self) -> Timestamp {
        let passed = i64::try_from(self.now.as_millis()).unwrap_or(i64::MAX);
        Timestamp::from_millis(FIRST_WALL_TIME + self.wall_shift + passed)
    }

    fn has_mutation(&self, mutation: Mutation) -> bool {
        self.mutation == Some(mutation)
    }

    fn look(&mut self) {
        let looks = self.idle_workers();
        self.checker.look(self.now, looks);
        if self.is_calm {
            self.look_for_rest();
        }
        self.after(LOOK_INTERVAL, Event::Look);
    }

    fn look_for_rest(&mut self) {
        let mut restless = self.checker.unfinished();
        restless.extend(self.client.restless());
        restless.extend(self.hosts.iter().flat_map(Host::restless));
        if self.now < self.climate.storm + LAST_WORD {
            restless.push("packets may be held up still".to_owned());
        }
        // At rest an operator may still write.
        if self.studio.has_changes() && self.rest_since.is_none() {
            restless.push("the store's writer has work".to_owned());
        }
        match (self.rest_since, restless.is_empty()) {
            (None, true) => {
                note!(self, "at rest");
                self.rest_since = Some(self.now);
            }
            (Some(since), true) => self.is_over = self.now >= since + REST,
            (Some(_), false) => {
                let what = restless.join("; ");
                self.checker.broken(format!("the fleet was at rest, and then it was not: {what}"));
            }
            (None, false) if self.now > self.climate.storm + CALM_LIMIT => {
                let what = restless.join("; ");
                self.checker.broken(format!("{CALM_LIMIT:?} after the last fault there is still: {what}"));
            }
            (None, false) => {}
        }
    }
}
