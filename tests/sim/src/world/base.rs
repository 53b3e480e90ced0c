//! A worker of the base protocol: no extensions, no spool, one job at a time.

use std::time::Duration;

use serde_json::value::RawValue;
use studio_protocol::{
    Accept, CompleteJson, Fail, HEARTBEAT_INTERVAL, Heartbeat, Hello, JobId, OfferClaim, READ_IDLE_LIMIT,
    Reject, RejectCode, StudioFrame, WorkerFrame, decode_studio_frame, encode,
};
use worker_core::{Identity, full_jitter};

use super::engine::{Ending, json_of};
use super::host::{HostId, Process};
use super::net::{ConnId, Packet};
use super::requests::{Answer, Body, From, ReqId};
use super::{Event, World};
use crate::trace::note;

/// How often it looks at its clock.
const TICK: Duration = Duration::from_millis(250);
/// TCP, TLS and the upgrade.
const CONNECT_LIMIT: Duration = Duration::from_secs(15);
/// An offer is refused without a reason this often.
const REFUSALS: f64 = 0.03;
/// Before an upload is tried again.
const UPLOAD_AGAIN: Duration = Duration::from_secs(2);

#[derive(Debug)]
enum Link {
    Waiting { until: Duration },
    Connecting { since: Duration },
    Greeting { since: Duration },
    Open { heard: Duration, next_beat: Duration },
}

#[derive(Debug)]
enum Stage {
    Running,
    /// Its JSON waits for a session.
    Done,
    Failed {
        error: &'static str,
        retryable: bool,
    },
    /// Its bytes are on their way, or are sent again at a time.
    Uploading(Option<ReqId>, Duration),
}

#[derive(Debug)]
pub(crate) struct BaseJob {
    pub id: JobId,
    run: u64,
    stage: Stage,
}

#[derive(Debug)]
pub(crate) struct Base {
    link: Link,
    conn: Option<ConnId>,
    failures: u32,
    pub job: Option<BaseJob>,
}

impl Base {
    pub fn idle_conn(&self) -> Option<ConnId> {
        let is_idle = self.job.is_none() && matches!(self.link, Link::Open { .. });
        self.conn.filter(|_| is_idle)
    }
}

impl World {
    pub(super) fn start_base(&mut self, id: HostId) {
        let link = Link::Waiting { until: self.now };
        let base = Base { link, conn: None, failures: 0, job: None };
        self.hosts[id.0].process = Some(Process::Base(base));
        self.base_tick(id);
    }

    fn base(&mut self, id: HostId) -> Option<&mut Base> {
        match &mut self.hosts[id.0].process {
            Some(Process::Base(base)) => Some(base),
            Some(Process::Ours(_)) | None => None,
        }
    }

    pub(super) fn base_tick(&mut self, id: HostId) {
        let now = self.now;
        self.plan_tick(id, now + TICK);
        let has_identity = self.hosts[id.0].worker_id().is_some();
        let Some(base) = self.base(id) else { return };
        let upload_due =
            matches!(&base.job, Some(BaseJob { stage: Stage::Uploading(None, at), .. }) if *at <= now);
        match base.link {
            Link::Waiting { until } if until <= now && has_identity => self.base_connects(id),
            Link::Connecting { since } if now > since + CONNECT_LIMIT => self.base_lost(id, true),
            Link::Greeting { since } if now > since + READ_IDLE_LIMIT => self.base_lost(id, true),
            Link::Open { heard, .. } if now > heard + READ_IDLE_LIMIT => self.base_lost(id, true),
            Link::Open { next_beat, .. } if next_beat <= now => self.base_beats(id),
            Link::Waiting { .. } | Link::Connecting { .. } | Link::Greeting { .. } | Link::Open { .. } => {}
        }
        if upload_due {
            self.base_uploads(id);
        }
    }

    fn base_connects(&mut self, id: HostId) {
        let host = &self.hosts[id.0];
        let (Some(worker), Some(token)) = (host.worker_id(), host.token().map(str::to_owned)) else { return };
        let conn = self.open_conn(id, 0, worker, token);
        let now = self.now;
        if let Some(base) = self.base(id) {
            (base.conn, base.link) = (Some(conn), Link::Connecting { since: now });
        }
    }

    fn base_lost(&mut self, id: HostId, closes: bool) {
        let jitter = self.dice.unit();
        let now = self.now;
        let Some(base) = self.base(id) else { return };
        base.failures += 1;
        base.link = Link::Waiting { until: now + full_jitter(base.failures, jitter) };
        if let Some(conn) = base.conn.take().filter(|_| closes) {
            self.worker_closes(conn, Some(1000));
        }
    }

    fn base_says(&mut self, id: HostId, frame: &WorkerFrame) {
        if let Some(conn) = self.base(id).and_then(|base| base.conn) {
            self.push(conn, true, Packet::Text(encode(frame)));
        }
    }

    fn base_beats(&mut self, id: HostId) {
        let now = self.now;
        let capabilities = self.hosts[id.0].capabilities();
        let Some(base) = self.base(id) else { return };
        base.link = match base.link {
            Link::Open { heard, .. } => Link::Open { heard, next_beat: now + HEARTBEAT_INTERVAL },
            Link::Waiting { .. } | Link::Connecting { .. } | Link::Greeting { .. } => return,
        };
        let current_job_id = base.job.as_ref().map(|job| job.id.clone());
        let beat = Heartbeat { capabilities, current_job_id, held_jobs: None };
        self.base_says(id, &WorkerFrame::Heartbeat(Box::new(beat)));
    }

    pub(super) fn base_hears(&mut self, id: HostId, conn: ConnId, packet: &Packet) {
        let now = self.now;
        let Some(base) = self.base(id).filter(|base| base.conn == Some(conn)) else { return };
        match packet {
            Packet::Opened => {
                base.link = Link::Greeting { since: now };
                let auth_token = self.hosts[id.0].token().unwrap_or_default().to_owned();
                let hello = Hello { auth_token, capabilities: self.hosts[id.0].capabilities() };
                self.base_says(id, &WorkerFrame::Hello(Box::new(hello)));
            }
            Packet::Text(text) => {
                if let Link::Open { heard, .. } = &mut base.link {
                    *heard = now;
                }
                match decode_studio_frame(text) {
                    Ok(frame) => self.base_reads(id, frame),
                    Err(error) => {
                        self.checker.broken(format!("the studio sent what cannot be read: {error}"));
                    }
                }
            }
            Packet::Refused(404) | Packet::Close(Some(4004)) => self.base_removed(id),
            Packet::Refused(401) | Packet::Close(Some(4001 | 4003)) => {
                let name = &self.hosts[id.0].name;
                self.checker.broken(format!("{name} was turned away for good: {packet:?}"));
            }
            Packet::Refused(_) | Packet::NoListener | Packet::Close(_) => self.base_lost(id, false),
            Packet::Upgrade { .. } => {}
        }
    }

    fn base_removed(&mut self, id: HostId) {
        note!(self, "{}: was removed", self.hosts[id.0].name);
        if let Some(worker) = self.hosts[id.0].worker_id() {
            self.checker.holds.identity_gone(&worker);
        }
        self.hosts[id.0].identity = Identity::Pristine { install_id: None };
        if let Some(base) = self.base(id) {
            base.job = None;
        }
        self.base_lost(id, false);
        let pause = self.dice.millis(2_000, 20_000);
        self.after(pause, Event::Enrol { host: id });
    }

    #[expect(clippy::wildcard_enum_match_arm, reason = "only some frames matter here")]
    fn base_reads(&mut self, id: HostId, frame: StudioFrame) {
        let now = self.now;
        match frame {
            StudioFrame::Welcome(_) => {
                if let Some(base) = self.base(id) {
                    base.link = Link::Open { heard: now, next_beat: now };
                    base.failures = 0;
                }
                self.base_beats(id);
                self.base_reports(id);
            }
            StudioFrame::Offer(offer) => self.base_offered(id, offer.claim),
            StudioFrame::Cancel(_) => {
                let name = &self.hosts[id.0].name;
                self.checker.broken(format!("{name} was sent `cancel`, which it does not know"));
            }
            _ => {}
        }
    }

    fn base_offered(&mut self, id: HostId, claim: OfferClaim) {
        let refuses = self.dice.chance(if self.is_calm { 0.0 } else { REFUSALS });
        let job_id = claim.job_id;
        if claim.attempt.is_some() {
            self.checker.broken(format!("{} was told an attempt", self.hosts[id.0].name));
        }
        let Some(base) = self.base(id) else { return };
        let code = base.job.as_ref().map(|_| RejectCode::Busy);
        if refuses || code.is_some() {
            let reject = Reject { job_id, reason: "no".to_owned(), code, attempt: None };
            return self.base_says(id, &WorkerFrame::Reject(reject));
        }
        if let Some(worker) = self.hosts[id.0].worker_id() {
            self.checker.holds.accepted(self.now, &worker, &job_id, None);
        }
        self.base_says(id, &WorkerFrame::Accept(Accept { job_id: job_id.clone(), attempt: None }));
        let run = self.start_engine(id, &job_id, false);
        if let Some(base) = self.base(id) {
            base.job = Some(BaseJob { id: job_id, run, stage: Stage::Running });
        }
    }

    pub(super) fn base_engine_end(&mut self, id: HostId, run: u64, ending: &Ending) {
        let now = self.now;
        let Some(base) = self.base(id) else { return };
        let Some(job) = base.job.as_mut().filter(|job| job.run == run) else { return };
        let job_id = job.id.clone();
        note!(self, "{}: run {run} of {job_id} ends: {ending:?}", self.hosts[id.0].name);
        let is_json = self.kind_of(&job_id).result_is_json();
        let stage = match ending {
            Ending::Finished if is_json => Stage::Done,
            Ending::Finished => Stage::Uploading(None, now),
            Ending::Failed { error, retryable } => Stage::Failed { error, retryable: *retryable },
            Ending::Stopped => return,
            Ending::Fatal => return self.crash_host(id),
        };
        if let Some(job) = self.base(id).and_then(|base| base.job.as_mut()) {
            job.stage = stage;
        }
        self.base_reports(id);
    }

    /// Says what it has to say, and forgets it.
    fn base_reports(&mut self, id: HostId) {
        let Some(base) = self.base(id).filter(|base| matches!(base.link, Link::Open { .. })) else { return };
        let Some(BaseJob { id: job, run, stage: Stage::Done | Stage::Failed { .. } }) = &base.job else {
            return;
        };
        let (job_id, run) = (job.clone(), *run);
        let frame = if let Some(Stage::Failed { error, retryable }) = base.job.take().map(|job| job.stage) {
            let (job_id, error) = (job_id.clone(), error.to_owned());
            WorkerFrame::Fail(Fail { job_id, error, retryable, attempt: None })
        } else {
            let result = RawValue::from_string(json_of(run)).expect("a number in an object is JSON");
            let job_id = job_id.clone();
            WorkerFrame::CompleteJson(CompleteJson { job_id, result, prompt: None, attempt: None })
        };
        self.base_says(id, &frame);
        if let Some(worker) = self.hosts[id.0].worker_id() {
            self.checker.holds.ended(&worker, &job_id);
        }
    }

    fn base_uploads(&mut self, id: HostId) {
        let host = &self.hosts[id.0];
        let (Some(worker), Some(token)) = (host.worker_id(), host.token().map(str::to_owned)) else { return };
        let from = From::Host { host: id, life: host.life };
        let Some(BaseJob { id: job, run, .. }) = self.base(id).and_then(|base| base.job.as_ref()) else {
            return;
        };
        let body = Body::Upload { worker, token, job: job.clone(), attempt: None, run: *run };
        let req = self.request(from, body);
        if let Some(job) = self.base(id).and_then(|base| base.job.as_mut()) {
            job.stage = Stage::Uploading(Some(req), Duration::ZERO);
        }
    }

    pub(super) fn base_upload_answered(&mut self, id: HostId, req: ReqId, answer: &Answer) {
        let again = self.now + UPLOAD_AGAIN;
        let Some(base) = self.base(id) else { return };
        let Some(job) = base.job.as_mut() else { return };
        if !matches!(job.stage, Stage::Uploading(Some(current), _) if current == req) {
            return;
        }
        let job_id = job.id.clone();
        if let Answer::Status(..500) = answer {
            base.job = None;
            if let Some(worker) = self.hosts[id.0].worker_id() {
                self.checker.holds.ended(&worker, &job_id);
            }
        } else {
            job.stage = Stage::Uploading(None, again);
        }
    }

    /// SIGTERM: what runs is failed, to be tried elsewhere.
    pub(super) fn stop_base(&mut self, id: HostId) {
        let Some(base) = self.base(id) else { return };
        let is_open = matches!(base.link, Link::Open { .. });
        if let Some(job) = base.job.take().filter(|_| is_open) {
            let error = "the worker stops".to_owned();
            let fail = Fail { job_id: job.id, error, retryable: true, attempt: None };
            self.base_says(id, &WorkerFrame::Fail(fail));
        }
        note!(self, "{}: stops", self.hosts[id.0].name);
        if let Some(conn) = self.base(id).and_then(|base| base.conn) {
            self.worker_closes(conn, Some(1000));
        }
        self.host_ended(id);
    }
}
