//! The shell around a worker of this project: the core decides, this carries it out on simulated things.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use studio_protocol::{
    CloseCode, DecodeError, JobId, LogEntry, LogLevel, StudioFrame, WorkerFrame, decode_studio_frame, encode,
};
use worker_core::{
    Effect, ExitReason, Identity, Input, Pause, Settings, SocketEvent, SpoolEntry, SpoolOutcome,
    UploadOutcome, Worker,
};

use super::host::{HostId, Process, Sort};
use super::net::{ConnId, Packet};
use super::requests::{Answer, Body, From, ReqId};
use super::{Event, World};
use crate::Mutation;
use crate::dice::Drawn;
use crate::trace::note;

/// A core whose deadline has passed is asked again after this.
const LEAST_WAIT: Duration = Duration::from_micros(100);

/// A process of this project's worker.
pub(crate) struct Ours {
    core: Worker,
    conn: Option<ConnId>,
    /// Uploads under way, with the request of each.
    pub uploads: BTreeMap<JobId, ReqId>,
    /// Engines under way, with the run of each.
    pub engines: BTreeMap<JobId, u64>,
    /// Jobs whose result was called stale.
    told_stale: BTreeSet<JobId>,
    pub is_stopping: bool,
}

impl Ours {
    /// The connection of a worker that could take a job.
    pub fn idle_conn(&self) -> Option<ConnId> {
        let state = self.core.snapshot();
        let takes = state.link == "open"
            && state.pause.is_none()
            && state.holds.is_empty()
            && !state.ending
            && !state.spool_full;
        // A result on its way takes the slot too, as far as the studio knows.
        self.conn.filter(|_| takes && state.jobs.is_empty() && state.waiting_results == 0)
    }
}

impl World {
    pub(super) fn start_ours(&mut self, id: HostId) {
        let draw = Box::new(Drawn(self.dice.fork()));
        let host = &mut self.hosts[id.0];
        let Sort::Ours { slots } = host.sort else { return };
        let settings = Settings {
            slots: Settings::same_slots(slots),
            pause: host.owner_paused.then(Pause::default),
            ..Settings::default()
        };
        let spool = host.spool.values().cloned().collect();
        let machine = host.machine();
        let core = Worker::new(settings, host.identity.clone(), spool, draw);
        host.process = Some(Process::Ours(Box::new(Ours {
            core,
            conn: None,
            uploads: BTreeMap::new(),
            engines: BTreeMap::new(),
            told_stale: BTreeSet::new(),
            is_stopping: false,
        })));
        self.drive(id, Input::Machine(Box::new(machine)));
        self.drive(id, Input::Tick);
    }

    pub(super) fn ours(&mut self, id: HostId) -> Option<&mut Ours> {
        match &mut self.hosts[id.0].process {
            Some(Process::Ours(ours)) => Some(ours),
            Some(Process::Base(_)) | None => None,
        }
    }

    /// Gives the core an input, carries out what it wants, and plans its next look at the clock.
    pub(super) fn drive(&mut self, id: HostId, input: Input) {
        let mut inputs = VecDeque::from([input]);
        while let Some(input) = inputs.pop_front() {
            let now = self.instant();
            let Some(ours) = self.ours(id) else { return };
            for effect in ours.core.handle(now, input) {
                self.carry_out(id, effect, &mut inputs);
            }
        }
        let deadline = self.ours(id).and_then(|ours| ours.core.next_deadline());
        if let Some(deadline) = deadline {
            let at = self.since_start(deadline).max(self.now + LEAST_WAIT);
            self.plan_tick(id, at);
        }
    }

    fn carry_out(&mut self, id: HostId, effect: Effect, inputs: &mut VecDeque<Input>) {
        match effect {
            Effect::Register { install_id, secret, capabilities, join_code: _ } => {
                let secret = secret.reveal().to_owned();
                self.request(self.sender(id), Body::Register { install_id, secret, capabilities });
            }
            Effect::Poll { request_id, secret } => {
                let secret = secret.reveal().to_owned();
                self.request(self.sender(id), Body::Poll { request_id, secret });
            }
            Effect::SaveIdentity(identity) => self.save_identity(id, identity),
            Effect::SavePaused(paused) => self.hosts[id.0].owner_paused = paused,
            Effect::Connect { socket, worker_id, auth_token } => {
                let token = auth_token.reveal().to_owned();
                let conn = self.open_conn(id, socket, worker_id, token);
                note!(self, "{}: connects, c{}", self.hosts[id.0].name, conn.0);
                if let Some(former) = self.ours(id).and_then(|ours| ours.conn.replace(conn)) {
                    self.worker_closes(former, None);
                }
            }
            Effect::Send(frame) => self.ours_sends(id, &frame),
            Effect::Close(reason) => {
                note!(self, "{}: closes, {}", self.hosts[id.0].name, reason.as_str());
                if let Some(conn) = self.ours(id).and_then(|ours| ours.conn.take()) {
                    self.worker_closes(conn, Some(1000));
                }
            }
            Effect::Run { claim, .. } => {
                let run = self.start_engine(id, &claim.job_id, true);
                inputs.push_back(Input::Machine(Box::new(self.hosts[id.0].machine())));
                if let Some(ours) = self.ours(id) {
                    ours.engines.insert(claim.job_id, run);
                }
            }
            Effect::LoadModel(_) | Effect::UnloadModel(_) => {
                self.checker.broken("a model was asked for, and no operator did");
            }
            Effect::Stop(job) => self.stop_engine(id, &job),
            Effect::Spool(entry) => self.spool(id, &entry),
            Effect::CheckSpool => {
                let writable = !self.hosts[id.0].spool_full;
                self.disk_will_answer(id, Input::SpoolChecked { writable });
            }
            Effect::Upload(entry) => self.upload(id, &entry),
            Effect::Forget(job) => {
                let host = &mut self.hosts[id.0];
                host.spool.remove(&job);
                host.unsure.remove(&job);
                let worker = host.worker_id();
                if let Some(ours) = self.ours(id) {
                    ours.uploads.remove(&job);
                    if ours.told_stale.remove(&job)
                        && let Some(worker) = worker
                    {
                        self.checker.holds.ended(&worker, &job);
                    }
                }
            }
            Effect::Log { level, message, job } => {
                if level != LogLevel::Info {
                    let about = job.as_ref().map_or("", |job| job.as_str());
                    note!(self, "{}: log: {about} {message}", self.hosts[id.0].name);
                }
                if let Some(job) = job {
                    let ts = self.wall();
                    let category = "worker".to_owned();
                    inputs.push_back(Input::Log(LogEntry {
                        ts,
                        level,
                        category,
                        message,
                        job_id: Some(job),
                    }));
                }
            }
            // Owners of this world keep no history, and engines have no memory of their own.
            Effect::Ended { .. } | Effect::FreeMemory { .. } | Effect::LoadResidents => {}
            Effect::Exit(reason) => self.exit(id, reason),
        }
    }

    fn sender(&self, id: HostId) -> From {
        From::Host { host: id, life: self.hosts[id.0].life }
    }

    fn save_identity(&mut self, id: HostId, identity: Identity) {
        let former = std::mem::replace(&mut self.hosts[id.0].identity, identity);
        note!(self, "{}: is {} now", self.hosts[id.0].name, self.hosts[id.0].identity.word());
        if let Some(worker) = former.worker_id() {
            self.checker.holds.identity_gone(worker);
        }
    }

    #[expect(clippy::wildcard_enum_match_arm, reason = "only some frames matter here")]
    fn ours_sends(&mut self, id: HostId, frame: &WorkerFrame) {
        let Some(worker) = self.hosts[id.0].worker_id() else {
            return self.checker.broken(format!("{} speaks without an identity", self.hosts[id.0].name));
        };
        let Some(conn) = self.ours(id).and_then(|ours| ours.conn) else {
            return self.checker.broken(format!("{worker} speaks without a connection: {frame:?}"));
        };
        match frame {
            WorkerFrame::Accept(accept) => {
                self.checker.holds.accepted(self.now, &worker, &accept.job_id, accept.attempt);
            }
            WorkerFrame::Fail(fail) => self.checker.holds.ended(&worker, &fail.job_id),
            WorkerFrame::Release(release) => self.checker.holds.ended(&worker, &release.job_id),
            WorkerFrame::CompleteJson(done) if self.has_mutation(Mutation::EarlyForget) => {
                self.hosts[id.0].spool.remove(&done.job_id);
            }
            _ => {}
        }
        self.push(conn, true, Packet::Text(encode(frame)));
    }

    fn spool(&mut self, id: HostId, entry: &Arc<SpoolEntry>) {
        let host = &mut self.hosts[id.0];
        let job = entry.job_id.clone();
        let outcome = if host.spool_full {
            SpoolOutcome::NotWritten("no space left on device".to_owned())
        } else {
            let former = host.spool.insert(job.clone(), SpoolEntry::clone(entry));
            host.unsure.entry(job.clone()).or_insert(former);
            SpoolOutcome::Written
        };
        note!(self, "{}: spools {job}#{:?}: {outcome:?}", self.hosts[id.0].name, entry.attempt);
        if let Some(ours) = self.ours(id) {
            ours.engines.remove(&job);
        }
        self.disk_will_answer(id, Input::Spooled { job, outcome });
    }

    fn disk_will_answer(&mut self, id: HostId, answer: Input) {
        let delay = self.dice.micros(50, 3_000);
        let life = self.hosts[id.0].life;
        self.after(delay, Event::Disk { host: id, life, answer: Box::new(answer) });
    }

    pub(super) fn disk_answers(&mut self, id: HostId, life: u32, answer: Input) {
        let host = &mut self.hosts[id.0];
        if host.life != life {
            return;
        }
        if let Input::Spooled { job, outcome } = &answer {
            host.unsure.remove(job);
            if let Some(worker) = host.worker_id() {
                self.checker.holds.finished(&worker, job, *outcome == SpoolOutcome::Written);
            }
        }
        self.drive(id, answer);
    }

    fn upload(&mut self, id: HostId, entry: &Arc<SpoolEntry>) {
        let token = self.hosts[id.0].token().unwrap_or_default().to_owned();
        note!(self, "{}: uploads {}#{:?}", self.hosts[id.0].name, entry.job_id, entry.attempt);
        let body = Body::Upload {
            worker: entry.worker_id.clone(),
            token,
            job: entry.job_id.clone(),
            attempt: entry.attempt,
            run: super::engine::run_of(&entry.output),
        };
        let req = self.request(self.sender(id), body);
        if let Some(ours) = self.ours(id) {
            ours.uploads.insert(entry.job_id.clone(), req);
        }
        if self.has_mutation(Mutation::EarlyForget) {
            self.hosts[id.0].spool.remove(&entry.job_id);
        }
    }

    pub(super) fn upload_answered(
        &mut self,
        id: HostId,
        req: ReqId,
        job: JobId,
        attempt: Option<u32>,
        answer: &Answer,
    ) {
        let worker = self.hosts[id.0].worker_id();
        let Some(ours) = self.ours(id) else { return };
        if ours.uploads.get(&job) != Some(&req) {
            return;
        }
        ours.uploads.remove(&job);
        let outcome = match answer {
            Answer::Status(200) => UploadOutcome::Taken,
            Answer::Status(status @ 400..=499) => {
                UploadOutcome::Refused { status: *status, body: "refused".to_owned() }
            }
            Answer::Status(_)
            | Answer::Registered(_)
            | Answer::Polled(_)
            | Answer::Jobs(_)
            | Answer::Lost => UploadOutcome::TryAgain(format!("{answer:?}")),
        };
        note!(self, "{}: upload of {job}#{attempt:?}: {outcome:?}", self.hosts[id.0].name);
        if let (Some(worker), UploadOutcome::Taken | UploadOutcome::Refused { .. }) = (worker, &outcome)
            && self.checker.holds.find(&worker, &job, attempt.unwrap_or_default()).is_some()
        {
            self.checker.holds.ended(&worker, &job);
        }
        self.drive(id, Input::Uploaded { job, attempt, outcome });
    }

    pub(super) fn ours_hears(&mut self, id: HostId, socket: u64, packet: Packet) {
        let event = match packet {
            Packet::Opened => SocketEvent::Opened,
            Packet::Refused(status) => SocketEvent::Refused { status, body: String::new() },
            Packet::NoListener => SocketEvent::Failed("connection refused".to_owned()),
            Packet::Close(code) => SocketEvent::Closed(code.map(CloseCode::from)),
            Packet::Text(text) => match decode_studio_frame(&text) {
                Ok(frame) => {
                    self.told(id, &frame);
                    SocketEvent::Frame(Box::new(frame))
                }
                Err(DecodeError::UnknownType(name)) => SocketEvent::UnknownFrame(name),
                Err(error) => {
                    return self.checker.broken(format!("the studio sent what cannot be read: {error}"));
                }
            },
            Packet::Upgrade { .. } => return,
        };
        self.drive(id, Input::Socket { socket, event });
    }

    /// What the worker was told counts for what it may give up.
    #[expect(clippy::wildcard_enum_match_arm, reason = "only some frames matter here")]
    fn told(&mut self, id: HostId, frame: &StudioFrame) {
        let Some(worker) = self.hosts[id.0].worker_id() else { return };
        match frame {
            StudioFrame::CompleteAck(ack) if ack.stale => {
                if let Some(ours) = self.ours(id) {
                    ours.told_stale.insert(ack.job_id.clone());
                }
            }
            StudioFrame::CompleteAck(ack) => self.checker.holds.ended(&worker, &ack.job_id),
            StudioFrame::Cancel(cancel) => self.checker.holds.ended(&worker, &cancel.job_id),
            StudioFrame::BadOffer(offer) => {
                self.checker
                    .broken(format!("{worker} cannot read the offer of {}: {}", offer.job_id, offer.problem));
            }
            _ => {}
        }
    }

    fn exit(&mut self, id: HostId, reason: ExitReason) {
        let is_stopping = self.ours(id).is_some_and(|ours| ours.is_stopping);
        let worker = self.hosts[id.0].worker_id();
        note!(self, "{}: exits, {reason:?}", self.hosts[id.0].name);
        self.host_ended(id);
        let has_twin = worker.is_some_and(|worker| self.checker.twins.contains(&worker));
        match reason {
            ExitReason::Stopped if is_stopping => {
                let pause =
                    if self.is_calm { self.dice.millis(500, 2_000) } else { self.dice.millis(500, 45_000) };
                self.after(pause, Event::HostStart { host: id });
            }
            ExitReason::DuplicateWorker if has_twin => {
                let pause = self.dice.millis(10_000, 90_000);
                self.after(pause, Event::Resolve { host: id });
            }
            ExitReason::Stopped
            | ExitReason::AuthFailed
            | ExitReason::DuplicateWorker
            | ExitReason::ReconnectsSpent => {
                let name = &self.hosts[id.0].name;
                self.checker.broken(format!("{name} exited for no good reason: {reason:?}"));
            }
        }
    }
}
