//! HTTP: requests that may be lost before or after they had their effect.

use std::time::Duration;

use studio_protocol::{Capabilities, JobId, RegistrationStatus, RequestId, WorkerId};
use studio_store::{NewRegistration, Poll};
use worker_core::{Input, PollAnswer, PostAnswer};

use super::host::HostId;
use super::studio::hash;
use super::writer::Change;
use super::{Event, World};
use crate::trace::note;

/// The daemon's limit for the requests of a registration.
const ANSWER_LIMIT: Duration = Duration::from_secs(15);

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct ReqId(pub u64);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum From {
    Host { host: HostId, life: u32 },
    Client,
}

#[derive(Debug, Clone)]
pub(crate) enum Body {
    Register { install_id: String, secret: String, capabilities: Box<Capabilities> },
    Poll { request_id: RequestId, secret: String },
    Upload { worker: WorkerId, token: String, job: JobId, attempt: Option<u32>, run: u64 },
    Submit { index: usize },
    Cancel { job: JobId },
    Retry { job: JobId },
    Priority { job: JobId, priority: i32 },
    Pause { worker: WorkerId, paused: bool },
    Remove { worker: WorkerId },
}

#[derive(Debug, Clone)]
pub(crate) enum Answer {
    Status(u16),
    Registered(RequestId),
    Polled(RegistrationStatus),
    Jobs(Vec<JobId>),
    /// Refused, reset, or never heard of again.
    Lost,
}

#[derive(Debug)]
pub(crate) struct Request {
    from: From,
    body: Body,
    /// The studio has it and has not answered.
    is_open: bool,
    is_lost: bool,
    answer: Option<Answer>,
}

impl World {
    pub(super) fn request(&mut self, from: From, body: Body) -> ReqId {
        self.next_request += 1;
        let req = ReqId(self.next_request);
        let transfer =
            if matches!(body, Body::Upload { .. }) { self.dice.millis(1, 2_500) } else { Duration::ZERO };
        let delay = self.latency() + transfer;
        let is_lost = !self.is_calm && self.dice.chance(self.climate.request_loss / 2.0);
        if matches!(body, Body::Register { .. } | Body::Poll { .. }) {
            self.after(ANSWER_LIMIT, Event::GiveUp { req });
        }
        self.requests.insert(req, Request { from, body, is_open: false, is_lost, answer: None });
        self.after(delay, Event::Request { req });
        req
    }

    /// When a machine's network is back, if it is away.
    fn hole(&mut self, from: From) -> Option<Duration> {
        let From::Host { host, .. } = from else { return None };
        let until = self.hosts[host.0].hole_until;
        (until > self.now).then(|| until + self.dice.millis(0, 6_000))
    }

    pub(super) fn request_arrives(&mut self, req: ReqId) {
        let Some(request) = self.requests.get(&req) else { return };
        let (from, body, is_lost) = (request.from, request.body.clone(), request.is_lost);
        if let Some(later) = self.hole(from) {
            return self.at(later, Event::Request { req });
        }
        if is_lost || !self.studio.is_up() {
            return self.answer(req, Answer::Lost);
        }
        if let Some(request) = self.requests.get_mut(&req) {
            request.is_open = true;
        }
        match body {
            Body::Register { install_id, secret, capabilities } => {
                self.take_registration(req, install_id, &secret, &capabilities);
            }
            Body::Poll { request_id, secret } => self.take_poll(req, &request_id, &secret),
            Body::Upload { worker, token, job, attempt, run } => {
                self.take_upload(req, worker, &token, job, attempt, run);
            }
            Body::Submit { index } => self.hand_over(Change::Submit { req, index }),
            Body::Cancel { job } => self.hand_over(Change::Cancel { req, job }),
            Body::Retry { job } => self.hand_over(Change::Retry { req, job }),
            Body::Priority { job, priority } => self.hand_over(Change::Priority { req, job, priority }),
            Body::Pause { worker, paused } => self.hand_over(Change::Pause { req, worker, paused }),
            Body::Remove { worker } => self.hand_over(Change::Remove { req, worker }),
        }
    }

    fn take_registration(
        &mut self,
        req: ReqId,
        install_id: String,
        secret: &str,
        capabilities: &Capabilities,
    ) {
        let new = NewRegistration {
            request_id: RequestId::from(format!("rr-{}", req.0)),
            install_id,
            secret_hash: hash(secret),
            capabilities_json: studio_protocol::encode(capabilities),
            user_agent: "studio-worker/0.1.0".to_owned(),
            source_addr: "192.0.2.1".to_owned(),
        };
        match self.db.request_registration(&new, None, self.wall()) {
            Ok(registered) => self.answer(req, Answer::Registered(registered.request_id)),
            Err(error) => self.checker.broken(format!("a registration was refused: {error}")),
        }
    }

    fn take_poll(&mut self, req: ReqId, request_id: &RequestId, secret: &str) {
        let (worker, token) = self.fresh_identity();
        let answer =
            match self.db.poll_registration(request_id, &hash(secret), &worker, &hash(&token), self.wall()) {
                Ok(Poll::Unknown) => Answer::Status(404),
                Ok(Poll::WrongSecret) => Answer::Status(401),
                Ok(Poll::Pending) => Answer::Polled(RegistrationStatus::Pending),
                Ok(Poll::Approved { worker_id }) => {
                    Answer::Polled(RegistrationStatus::Approved { worker_id, auth_token: token })
                }
                Ok(Poll::Rejected { reason }) => Answer::Polled(RegistrationStatus::Rejected { reason }),
                Err(_) => Answer::Status(500),
            };
        self.answer(req, answer);
    }

    /// As the studio does: refused early when the job is not held, committed by the writer otherwise.
    fn take_upload(
        &mut self,
        req: ReqId,
        worker: WorkerId,
        token: &str,
        job: JobId,
        attempt: Option<u32>,
        run: u64,
    ) {
        let record = self.db.worker(&worker).ok().flatten();
        let Some(record) = record else { return self.answer(req, Answer::Status(404)) };
        if record.token_hash != Some(hash(token)) {
            return self.answer(req, Answer::Status(401));
        }
        let found = self.db.jobs_by_id(std::slice::from_ref(&job)).ok().and_then(|mut jobs| jobs.pop());
        let is_held =
            found.is_some_and(|found| found.state.is_held() && found.worker.as_ref() == Some(&worker));
        if is_held {
            self.hand_over(Change::Artefact { req, worker, job, attempt, run, ext: "webp".to_owned() });
        } else {
            self.answer(req, Answer::Status(409));
        }
    }

    pub(super) fn answer(&mut self, req: ReqId, answer: Answer) {
        let delay = self.latency();
        let is_lost = !self.is_calm && self.dice.chance(self.climate.request_loss / 2.0);
        let Some(request) = self.requests.get_mut(&req) else { return };
        request.is_open = false;
        request.answer = Some(if is_lost { Answer::Lost } else { answer });
        self.after(delay, Event::Answer { req });
    }

    /// The studio is gone; whoever waited is told by its system.
    pub(super) fn requests_are_lost(&mut self) {
        let open: Vec<ReqId> =
            self.requests.iter().filter(|(_, request)| request.is_open).map(|(req, _)| *req).collect();
        for req in open {
            self.answer(req, Answer::Lost);
        }
    }

    /// A process is gone, and with it the registration requests that have not arrived.
    ///
    /// One that is delivered later all the same would take the worker's token away: each approved poll makes a
    /// fresh one, and the protocol has nothing against it.
    pub(super) fn requests_die(&mut self, id: HostId, dead: u32) {
        self.requests.retain(|_, request| {
            let is_poll = matches!(request.body, Body::Register { .. } | Body::Poll { .. });
            let is_dead = matches!(request.from, From::Host { host, life } if host == id && life == dead);
            request.answer.is_some() || request.is_open || !(is_poll && is_dead)
        });
    }

    /// The connection is closed: nothing of it reaches anybody any more.
    pub(super) fn give_up(&mut self, req: ReqId) {
        let Some(request) = self.requests.remove(&req) else { return };
        if let From::Host { host, life } = request.from
            && self.hosts[host.0].life == life
        {
            self.host_hears(host, req, request.body, Answer::Lost);
        }
    }

    pub(super) fn answer_arrives(&mut self, req: ReqId) {
        let Some(request) = self.requests.get(&req) else { return };
        if let Some(later) = self.hole(request.from) {
            return self.at(later, Event::Answer { req });
        }
        let Some(Request { from, body, answer: Some(answer), .. }) = self.requests.remove(&req) else {
            return;
        };
        match from {
            From::Client => self.client_hears(&body, answer),
            From::Host { host, life } if self.hosts[host.0].life == life => {
                self.host_hears(host, req, body, answer);
            }
            From::Host { .. } => {}
        }
    }

    fn host_hears(&mut self, host: HostId, req: ReqId, body: Body, answer: Answer) {
        match (body, answer) {
            (Body::Upload { job, attempt, .. }, answer) => {
                if self.hosts[host.0].is_base() {
                    self.base_upload_answered(host, req, &answer);
                } else {
                    self.upload_answered(host, req, job, attempt, &answer);
                }
            }
            (Body::Register { .. }, Answer::Registered(request_id)) => {
                self.drive(host, Input::Registered(PostAnswer::Taken(request_id)));
            }
            (Body::Register { .. }, other) => {
                self.drive(host, Input::Registered(PostAnswer::Failed(format!("{other:?}"))));
            }
            (Body::Poll { .. }, Answer::Polled(status)) => {
                note!(self, "{}: hears that its registration is {status:?}", self.hosts[host.0].name);
                self.drive(host, Input::Polled(PollAnswer::Status(status)));
            }
            (Body::Poll { .. }, Answer::Status(404)) => self.drive(host, Input::Polled(PollAnswer::Unknown)),
            (Body::Poll { .. }, other) => {
                self.drive(host, Input::Polled(PollAnswer::Failed(format!("{other:?}"))));
            }
            (
                Body::Submit { .. }
                | Body::Cancel { .. }
                | Body::Retry { .. }
                | Body::Priority { .. }
                | Body::Pause { .. }
                | Body::Remove { .. },
                _,
            ) => {}
        }
    }
}
