//! Whatever happens in whatever order: the promises that a worker keeps.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use proptest::prelude::*;
use serde_json::value::RawValue;
use studio_protocol::{
    Cancel, CloseCode, Delta, FeatureSet, JobAck, JobId, Offer, PREVIEW_INTERVAL, StudioFrame, WorkerFrame,
};
use worker_core::{
    Effect, EngineEvent, Input, Output, Pause, Rules, Seen, Settings, SocketEvent, SpoolEntry, SpoolOutcome,
    UploadOutcome, Worker,
};

use crate::support::{Counting, all_features, approved, attempt, chat, machine, picture, welcome};

#[derive(Debug, Clone, Copy)]
enum Step {
    Pass(u64),
    Open,
    Refuse,
    Welcome {
        base: bool,
    },
    Cut,
    Violation,
    Offer {
        job: u8,
        picture: bool,
    },
    Finish(u8),
    Fail(u8),
    Say(u8),
    Look(u8),
    Acknowledge {
        stale: bool,
    },
    Upload {
        taken: bool,
    },
    Cancel(u8),
    DiskFull(bool),
    Pause {
        release: bool,
        free_memory: bool,
        secs: Option<u64>,
    },
    Resume,
    /// Whether a program fills the screen.
    Screen(bool),
    Restart,
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        4 => (1u64..8_000).prop_map(Step::Pass),
        4 => Just(Step::Open),
        1 => Just(Step::Refuse),
        4 => any::<bool>().prop_map(|base| Step::Welcome { base }),
        1 => Just(Step::Cut),
        1 => Just(Step::Violation),
        6 => (0u8..6, any::<bool>()).prop_map(|(job, picture)| Step::Offer { job, picture }),
        5 => (0u8..6).prop_map(Step::Finish),
        1 => (0u8..6).prop_map(Step::Fail),
        6 => (0u8..6).prop_map(Step::Say),
        2 => (0u8..6).prop_map(Step::Look),
        3 => any::<bool>().prop_map(|stale| Step::Acknowledge { stale }),
        3 => any::<bool>().prop_map(|taken| Step::Upload { taken }),
        1 => (0u8..6).prop_map(Step::Cancel),
        1 => any::<bool>().prop_map(Step::DiskFull),
        2 => (any::<bool>(), any::<bool>(), any::<Option<u8>>()).prop_map(|(release, free_memory, secs)| {
            Step::Pause { release, free_memory, secs: secs.map(u64::from) }
        }),
        2 => Just(Step::Resume),
        2 => any::<bool>().prop_map(Step::Screen),
        1 => Just(Step::Restart),
    ]
}

#[derive(Debug, PartialEq)]
enum Line {
    Down,
    Opening(u64),
    Greeting(u64),
    Open(u64),
}

/// A world around one worker that checks every effect.
struct World {
    worker: Worker,
    slots: u32,
    now: Instant,
    line: Line,
    hello_sent: bool,
    last_heartbeat: Instant,
    attempts: u32,
    accepted: BTreeSet<JobId>,
    running: BTreeMap<JobId, bool>,
    /// All that engines said of their jobs.
    said: BTreeMap<JobId, String>,
    /// What the studio heard of it on this connection: attempt, next number, text.
    heard: BTreeMap<JobId, (Option<u32>, u64, String)>,
    /// When it last saw a picture of it.
    shown: BTreeMap<JobId, Instant>,
    cancelled: BTreeSet<JobId>,
    /// On disk.
    spool: BTreeMap<JobId, SpoolEntry>,
    /// Finished, not done with.
    owed: BTreeSet<JobId>,
    /// The studio said that it is done with these.
    settled: BTreeSet<JobId>,
    unacknowledged: Vec<JobId>,
    uploads: Vec<(JobId, Option<u32>)>,
    delivered: BTreeSet<JobId>,
    disk_full: bool,
    violation: bool,
    /// Stopped, and their engines have not said so yet.
    ending: Vec<JobId>,
    /// Given back on request, their engines stopped.
    released: BTreeSet<JobId>,
    /// Engine processes were ended and no model was loaded since.
    is_free: bool,
}

impl World {
    fn new(slots: u32) -> Self {
        let mut world = Self {
            worker: Worker::new(settings(slots), approved(), Vec::new(), Box::new(Counting::default())),
            slots,
            now: Instant::now(),
            line: Line::Down,
            hello_sent: false,
            last_heartbeat: Instant::now(),
            attempts: 0,
            accepted: BTreeSet::new(),
            running: BTreeMap::new(),
            said: BTreeMap::new(),
            heard: BTreeMap::new(),
            shown: BTreeMap::new(),
            cancelled: BTreeSet::new(),
            spool: BTreeMap::new(),
            owed: BTreeSet::new(),
            settled: BTreeSet::new(),
            unacknowledged: Vec::new(),
            uploads: Vec::new(),
            delivered: BTreeSet::new(),
            disk_full: false,
            violation: false,
            ending: Vec::new(),
            released: BTreeSet::new(),
            is_free: true,
        };
        world.give(Input::Machine(Box::new(machine())));
        world.take(Step::Screen(false));
        world
    }

    fn give(&mut self, input: Input) {
        for effect in self.worker.handle(self.now, input) {
            self.check(effect);
        }
        assert!(
            self.worker.next_deadline().is_none_or(|at| at > self.now),
            "a deadline that has passed already would spin the shell"
        );
    }

    fn check(&mut self, effect: Effect) {
        match effect {
            Effect::Connect { socket, .. } => {
                assert_eq!(self.line, Line::Down, "one connection at a time");
                self.line = Line::Opening(socket);
            }
            Effect::Close(_) => self.line = Line::Down,
            Effect::Send(frame) => self.sent(frame),
            Effect::Run { claim, stream, preview } => {
                assert!(!(stream && preview), "no job has both");
                self.said.remove(&claim.job_id);
                self.heard.remove(&claim.job_id);
                self.shown.remove(&claim.job_id);
                assert!(self.accepted.contains(&claim.job_id), "run before accept");
                let snapshot = self.worker.snapshot();
                assert!(
                    snapshot.pause.is_none() && snapshot.holds.is_empty(),
                    "a job is taken during a pause"
                );
                assert!(!self.ending.contains(&claim.job_id), "two runs of one job at once");
                self.released.remove(&claim.job_id);
                self.is_free = false;
                assert!(
                    self.running.insert(claim.job_id, claim.task.kind().result_is_json()).is_none(),
                    "run twice"
                );
                let kinds = if self.slots > 1 { 2 } else { 1 };
                assert!(self.running.len() <= self.slots as usize * kinds, "more jobs than slots");
            }
            Effect::Stop(job) => {
                let was_running = self.running.remove(&job).is_some();
                let snapshot = self.worker.snapshot();
                if snapshot.pause.is_some() || !snapshot.holds.is_empty() {
                    let is_whole = was_running && !self.owed.contains(&job);
                    assert!(is_whole || self.cancelled.contains(&job), "given back with a result");
                    self.released.insert(job.clone());
                } else {
                    assert!(self.cancelled.contains(&job), "stopped without a reason");
                }
                // The engine takes its time: until then the job must not be taken again.
                self.ending.push(job);
            }
            Effect::Spool(entry) => {
                let job = entry.job_id.clone();
                let outcome = if self.disk_full {
                    SpoolOutcome::NotWritten("full".into())
                } else {
                    self.spool.insert(job.clone(), (*entry).clone());
                    SpoolOutcome::Written
                };
                self.give(Input::Spooled { job, outcome });
            }
            Effect::CheckSpool => self.give(Input::SpoolChecked { writable: !self.disk_full }),
            Effect::Upload(entry) => {
                self.uploads.retain(|(job, _)| *job != entry.job_id);
                self.uploads.push((entry.job_id.clone(), entry.attempt));
            }
            Effect::Forget(job) => {
                let excused = self.settled.contains(&job) || self.cancelled.contains(&job) || self.violation;
                assert!(!self.owed.remove(&job) || excused, "{job} was forgotten, and nobody has it");
                self.spool.remove(&job);
                self.uploads.retain(|(id, _)| *id != job);
            }
            Effect::Exit(reason) => panic!("nobody asked for an end: {reason:?}"),
            Effect::SaveIdentity(_) | Effect::Register { .. } | Effect::Poll { .. } => {
                panic!("it is approved")
            }
            Effect::LoadModel(_) | Effect::UnloadModel(_) => panic!("nobody asked for a model"),
            Effect::FreeMemory { at_once } => {
                assert!(!self.worker.snapshot().holds.is_empty() || self.worker.snapshot().pause.is_some());
                // Those that were called off end with the process.
                let stays = self.running.keys().filter(|job| !self.cancelled.contains(*job)).count();
                assert!(stays == 0, "an engine is ended under a job (at once: {at_once})");
                self.is_free = true;
            }
            Effect::LoadResidents => self.is_free = false,
            Effect::SavePaused(_) | Effect::Log { .. } | Effect::Ended { .. } => {}
        }
    }

    fn sent(&mut self, frame: WorkerFrame) {
        if let WorkerFrame::Hello(_) = frame {
            assert!(matches!(self.line, Line::Greeting(_)) && !self.hello_sent, "hello once, first");
            self.hello_sent = true;
            return;
        }
        assert!(matches!(self.line, Line::Open(_)), "{frame:?} outside of a session");
        match frame {
            WorkerFrame::Heartbeat(heartbeat) => {
                assert!(
                    heartbeat
                        .current_job_id
                        .is_none_or(|job| !self.settled.contains(&job) || self.running.contains_key(&job))
                );
                if let Some(held) = heartbeat.held_jobs {
                    for job in self.running.keys().chain(&self.owed) {
                        assert!(held.contains(job), "{job} is held and not named");
                    }
                }
                self.last_heartbeat = self.now;
            }
            WorkerFrame::Accept(accept) => {
                self.accepted.insert(accept.job_id);
            }
            WorkerFrame::CompleteJson(result) => {
                assert!(self.spool.contains_key(&result.job_id) || self.disk_full || !self.owed.is_empty());
                self.said.remove(&result.job_id);
                self.delivered.insert(result.job_id.clone());
                self.unacknowledged.push(result.job_id);
            }
            WorkerFrame::Hello(_)
            | WorkerFrame::Reject(_)
            | WorkerFrame::Fail(_)
            | WorkerFrame::LogBatch(_)
            | WorkerFrame::Progress(_) => {}
            WorkerFrame::Delta(delta) => self.heard_more(delta),
            WorkerFrame::Preview(preview) => {
                assert!(self.running.contains_key(&preview.job_id), "a look at a job that has ended");
                let last = self.shown.insert(preview.job_id, self.now);
                assert!(last.is_none_or(|last| self.now - last >= PREVIEW_INTERVAL), "too many previews");
            }
            WorkerFrame::Release(release) => {
                assert!(self.released.remove(&release.job_id), "released twice, or without a pause");
                self.said.remove(&release.job_id);
            }
            WorkerFrame::ReadyForMore | WorkerFrame::Goodbye(_) => {
                panic!("never asked for: {frame:?}")
            }
        }
    }

    /// Numbers have no gap, texts are what the engine said, and both end with the job.
    fn heard_more(&mut self, delta: Delta) {
        let said = self.said.get(&delta.job_id).expect("a piece of a text that nobody says");
        let heard = self.heard.entry(delta.job_id).or_insert_with(|| (delta.attempt, 0, String::new()));
        if heard.0 != delta.attempt {
            *heard = (delta.attempt, 0, String::new());
        }
        assert_eq!(delta.index, heard.1, "a gap, or a piece twice");
        heard.1 += 1;
        heard.2.push_str(&delta.text);
        assert!(said.starts_with(&heard.2), "{heard:?} is not how {said} begins");
    }

    fn socket(&mut self, event: SocketEvent) {
        let socket = match self.line {
            Line::Down => return,
            Line::Opening(socket) | Line::Greeting(socket) | Line::Open(socket) => socket,
        };
        self.give(Input::Socket { socket, event });
    }

    fn frame(&mut self, frame: StudioFrame) {
        if matches!(self.line, Line::Open(_)) {
            self.socket(SocketEvent::Frame(Box::new(frame)));
        }
    }

    /// The socket is gone before the worker hears of it.
    fn end_line(&mut self, event: SocketEvent) {
        let socket = match self.line {
            Line::Down => return,
            Line::Opening(socket) | Line::Greeting(socket) | Line::Open(socket) => socket,
        };
        self.line = Line::Down;
        self.unacknowledged.clear();
        self.give(Input::Socket { socket, event });
    }

    fn open(&mut self) {
        if let Line::Opening(socket) = self.line {
            self.line = Line::Greeting(socket);
            self.hello_sent = false;
            self.socket(SocketEvent::Opened);
        }
    }

    fn welcome(&mut self, features: FeatureSet) {
        if let Line::Greeting(socket) = self.line {
            self.line = Line::Open(socket);
            self.heard.clear();
            self.unacknowledged.clear();
            self.socket(SocketEvent::Frame(Box::new(welcome(features))));
        }
    }

    /// Engines say their last words.
    fn engines_end(&mut self) {
        for job in std::mem::take(&mut self.ending) {
            self.give(Input::Engine(EngineEvent::Stopped { job }));
        }
    }

    fn pass(&mut self, millis: u64) {
        self.engines_end();
        let end = self.now + Duration::from_millis(millis);
        while let Some(at) = self.worker.next_deadline().filter(|at| *at <= end) {
            self.now = self.now.max(at);
            self.give(Input::Tick);
            if matches!(self.line, Line::Open(_)) {
                assert!(self.now - self.last_heartbeat <= Duration::from_secs(5), "a heartbeat is late");
                self.frame(StudioFrame::HeartbeatAck);
            }
        }
        self.now = end;
    }

    fn take(&mut self, step: Step) {
        let id = |n: u8| JobId::from(format!("job-{n}"));
        match step {
            Step::Pass(millis) => self.pass(millis),
            Step::Open => self.open(),
            Step::Refuse => {
                if matches!(self.line, Line::Opening(_)) {
                    self.end_line(SocketEvent::Refused { status: 503, body: String::new() });
                }
            }
            Step::Welcome { base } => self.welcome(if base { FeatureSet::NONE } else { all_features() }),
            Step::Cut => self.end_line(SocketEvent::Closed(None)),
            Step::Violation => {
                self.violation = true;
                self.end_line(SocketEvent::Closed(Some(CloseCode::ProtocolViolation)));
                self.violation = false;
            }
            Step::Offer { job, picture: is_picture } => {
                self.attempts += 1;
                let name = format!("job-{job}");
                // A job keeps its kind.
                let is_json = self.running.get(&id(job)).copied();
                let is_picture = is_json.map_or(is_picture, |json| !json);
                let claim = if is_picture { picture(&name) } else { chat(&name) };
                let claim = serde_json::from_value(attempt(claim, self.attempts)).unwrap();
                if !self.running.contains_key(&id(job)) && !self.owed.contains(&id(job)) {
                    self.settled.remove(&id(job));
                    self.cancelled.remove(&id(job));
                }
                self.frame(StudioFrame::Offer(Box::new(Offer { claim })));
            }
            Step::Finish(job) => {
                let Some(is_json) = self.running.remove(&id(job)) else { return };
                if !self.cancelled.contains(&id(job)) {
                    self.owed.insert(id(job));
                }
                let output = if is_json {
                    Output::Json(RawValue::from_string("{}".into()).unwrap())
                } else {
                    Output::File { path: "/out".into(), ext: "png".into() }
                };
                self.give(Input::Engine(EngineEvent::Finished { job: id(job), output }));
            }
            Step::Say(job) => {
                if self.running.get(&id(job)).copied() != Some(true) {
                    return;
                }
                let said = self.said.entry(id(job)).or_default();
                let text = format!("{} ", said.len());
                said.push_str(&text);
                self.give(Input::Engine(EngineEvent::Delta { job: id(job), text, reasoning: None }));
            }
            Step::Look(job) => {
                if self.running.get(&id(job)).copied() == Some(false) {
                    let (mime, data) = ("image/webp".to_owned(), "AAAA".to_owned());
                    self.give(Input::Engine(EngineEvent::Preview { job: id(job), mime, data }));
                }
            }
            Step::Fail(job) => {
                if self.running.remove(&id(job)).is_some() {
                    self.give(Input::Engine(EngineEvent::Failed {
                        job: id(job),
                        error: "boom".into(),
                        retryable: true,
                    }));
                }
            }
            Step::Acknowledge { stale } => {
                if !self.unacknowledged.is_empty() && matches!(self.line, Line::Open(_)) {
                    let job_id = self.unacknowledged.remove(0);
                    self.settled.insert(job_id.clone());
                    self.frame(StudioFrame::CompleteAck(JobAck { job_id, stale }));
                }
            }
            Step::Upload { taken } => {
                if self.uploads.is_empty() {
                    return;
                }
                let (job, attempt) = self.uploads.remove(0);
                let outcome = if taken {
                    self.settled.insert(job.clone());
                    self.delivered.insert(job.clone());
                    UploadOutcome::Taken
                } else {
                    UploadOutcome::TryAgain("503".into())
                };
                self.give(Input::Uploaded { job, attempt, outcome });
            }
            Step::Cancel(job) => {
                if matches!(self.line, Line::Open(_)) {
                    self.cancelled.insert(id(job));
                }
                self.frame(StudioFrame::Cancel(Cancel { job_id: id(job), reason: "no".into() }));
            }
            Step::DiskFull(full) => self.disk_full = full,
            Step::Pause { release, free_memory, secs } => {
                let until = secs.map(|secs| self.now + Duration::from_secs(secs));
                self.give(Input::Pause(Pause { until, until_idle: false, release, free_memory }));
                let running = self.running.keys().filter(|job| !self.cancelled.contains(*job)).count();
                assert!(!release || self.worker.snapshot().pause.is_none() || running == 0);
            }
            Step::Resume => self.give(Input::Resume),
            Step::Screen(full) => {
                self.give(Input::Seen(Box::new(Seen { fullscreen: Some(full), ..Seen::default() })));
            }
            Step::Restart => self.restart(),
        }
    }

    /// `kill -9`: only what is on disk survives.
    fn restart(&mut self) {
        let spool: Vec<_> = self.spool.values().cloned().collect();
        self.owed.retain(|job| self.spool.contains_key(job));
        (self.line, self.running, self.is_free) = (Line::Down, BTreeMap::new(), true);
        self.shown.clear();
        self.ending.clear();
        self.released.clear();
        self.uploads.clear();
        self.unacknowledged.clear();
        self.worker = Worker::new(settings(self.slots), approved(), spool, Box::new(Counting::default()));
        self.give(Input::Machine(Box::new(machine())));
    }

    /// The studio is well and acknowledges everything.
    fn calm_down(&mut self) {
        self.disk_full = false;
        self.engines_end();
        self.take(Step::Screen(false));
        self.take(Step::Resume);
        for _ in 0..200 {
            self.pass(1_000);
            self.open();
            self.welcome(all_features());
            for _ in 0..4 {
                self.take(Step::Acknowledge { stale: false });
                self.take(Step::Upload { taken: true });
            }
        }
    }
}

fn settings(slots: u32) -> Settings {
    let rules = Rules { pause_on_fullscreen: true, ..Rules::default() };
    Settings { slots: Settings::same_slots(slots), rules, ..Settings::default() }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 512, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_worker_keeps_its_promises(slots in 1u32..3, steps in prop::collection::vec(step(), 1..120)) {
        let mut world = World::new(slots);
        for step in steps {
            world.take(step);
        }
        world.calm_down();
        let never_arrived: Vec<_> = world.owed.iter().filter(|job| !world.cancelled.contains(*job)).collect();
        prop_assert!(never_arrived.is_empty(), "never arrived: {never_arrived:?}");
        prop_assert!(!world.is_free || world.worker.snapshot().jobs.is_empty());
        prop_assert!(!world.is_free, "resident models came back");
        prop_assert!(world.spool.keys().all(|job| world.cancelled.contains(job)), "left in the spool: {:?}", world.spool.keys());
    }
}
