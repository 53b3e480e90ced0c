//! The session: connecting, frames, heartbeats, and how it ends (protocol section 3).

use std::time::Instant;

use studio_protocol::{
    CONNECT_LIMIT, CloseCode, CompleteJson, Fail, Feature, HEARTBEAT_INTERVAL, Heartbeat, Hello, JobAck,
    JobId, LEASE, LogLevel, MAX_HELD_JOBS, ModelCommand, StudioFrame, Welcome, WorkerClose, WorkerFrame,
};

use crate::backoff::reconnect_delay;
use crate::link::{Link, Open};
use crate::outbox::Blame;
use crate::{Effect, ExitReason, Identity, Output, Pause, SocketEvent, Worker};

impl Worker {
    pub(crate) fn link_due(&mut self, now: Instant) {
        match &self.link {
            Link::Waiting { until } if *until <= now => self.connect(now),
            Link::Connecting { .. } | Link::Greeting { .. } | Link::Open(_)
                if self.link.dead_at().is_some_and(|at| at <= now) =>
            {
                let reason = self.link.silence();
                self.push(Effect::Close(WorkerClose::SessionEnded));
                self.lost(now, &reason);
            }
            Link::Open(open) if open.next_heartbeat <= now => self.heartbeat(now),
            Link::Off
            | Link::Waiting { .. }
            | Link::Connecting { .. }
            | Link::Greeting { .. }
            | Link::Open(_) => {}
        }
    }

    fn connect(&mut self, now: Instant) {
        let Identity::Approved { worker_id, auth_token, .. } = self.identity.clone() else {
            self.link = Link::Off;
            return;
        };
        self.sockets += 1;
        self.link = Link::Connecting { socket: self.sockets, until: now + CONNECT_LIMIT };
        self.push(Effect::Connect { socket: self.sockets, worker_id, auth_token });
    }

    pub(crate) fn socket_event(&mut self, now: Instant, socket: u64, event: SocketEvent) {
        if self.link.socket() != Some(socket) {
            return;
        }
        match event {
            SocketEvent::Opened => self.opened(now, socket),
            SocketEvent::Failed(reason) => self.lost(now, &reason),
            SocketEvent::Refused { status: 401, body } => {
                self.log(
                    LogLevel::Error,
                    format!("the studio refused this worker's token; `studio-worker register --reset` registers anew: 401 {body}"),
                    None,
                );
                self.exit(ExitReason::AuthFailed);
            }
            SocketEvent::Refused { status: 404, .. } => self.revoked(now),
            SocketEvent::Refused { status, body } => {
                self.lost(now, &format!("the studio answered the upgrade with {status}: {body}"));
            }
            SocketEvent::Frame(frame) => {
                self.link.heard(now);
                self.frame(now, socket, *frame);
            }
            SocketEvent::UnknownFrame(what) => {
                self.link.heard(now);
                self.log(LogLevel::Warn, format!("ignored: {what}"), None);
            }
            SocketEvent::Unreadable(what) => self.violated(now, &what),
            SocketEvent::Closed(code) => self.closed(now, socket, code),
        }
    }

    fn opened(&mut self, now: Instant, socket: u64) {
        let Identity::Approved { auth_token, .. } = &self.identity else { return };
        let hello = Hello { auth_token: auth_token.reveal().to_owned(), capabilities: self.capabilities() };
        self.link = Link::Greeting { socket, heard: now };
        self.send(WorkerFrame::Hello(Box::new(hello)));
    }

    fn frame(&mut self, now: Instant, socket: u64, frame: StudioFrame) {
        let greeting = matches!(self.link, Link::Greeting { .. });
        match frame {
            StudioFrame::Welcome(welcome) if greeting => self.welcomed(now, socket, &welcome),
            StudioFrame::Error(error) => {
                let code = CloseCode::from(error.code);
                let reason = match code {
                    CloseCode::AuthFailed => WorkerClose::AuthFailed,
                    CloseCode::WorkerDeleted => WorkerClose::RegistrationRevoked,
                    CloseCode::ProtocolViolation => WorkerClose::ProtocolViolation,
                    CloseCode::Normal | CloseCode::DuplicateWorker | CloseCode::Other(_) => {
                        WorkerClose::SessionEnded
                    }
                };
                self.log(LogLevel::Error, format!("the studio ends the session: {}", error.message), None);
                self.push(Effect::Close(reason));
                self.closed(now, socket, Some(code));
            }
            StudioFrame::HeartbeatAck => {}
            _ if greeting => self.violated(now, "a frame before `welcome`"),
            StudioFrame::Welcome(_) => {
                self.log(LogLevel::Warn, "ignored: a second `welcome`".to_owned(), None);
            }
            StudioFrame::Offer(offer) => self.offered(now, socket, offer.claim),
            StudioFrame::BadOffer(offer) => self.bad_offer(socket, offer),
            StudioFrame::CompleteAck(ack) => self.complete_ack(&ack),
            StudioFrame::FailAck(ack) => self.fails.acknowledged(&ack.job_id),
            StudioFrame::Cancel(cancel) => self.cancel(socket, &cancel),
            StudioFrame::Pause => self.control("pause", |worker| worker.remote_pause(now)),
            StudioFrame::Resume => self.control("resume", |worker| worker.remote_resume(now)),
            StudioFrame::Drain => self.control("drain", Self::begin_drain),
            StudioFrame::LoadModel(model) => self.control("load a model", |worker| worker.load_model(model)),
            StudioFrame::UnloadModel(model) => {
                self.control("unload a model", |worker| worker.push(Effect::UnloadModel(model.model)));
            }
            StudioFrame::UpdateNow => {
                self.log(
                    LogLevel::Warn,
                    "ignored: this worker cannot do that on request yet".to_owned(),
                    None,
                );
            }
            StudioFrame::OfferRaw(_) => {} // Only ever written.
        }
    }

    fn welcomed(&mut self, now: Instant, socket: u64, welcome: &Welcome) {
        let features = welcome.features.intersection(self.settings.features());
        self.link = Link::Open(Open { socket, features, heard: now, next_heartbeat: now });
        self.failures = 0;
        self.was_welcomed = true;
        self.last_trouble = None;
        self.outbox.session_opened();
        self.log(LogLevel::Info, format!("session open as worker {}", welcome.worker_id), None);
        self.heartbeat(now);
        self.say_releases();
    }

    pub(crate) fn heartbeat(&mut self, now: Instant) {
        let resume = self.link.uses(Feature::Resume);
        let running = self.jobs.iter().map(|job| &job.id).next();
        // A base studio knows no held jobs: a job counts as running until its bytes have arrived.
        let current = running.or_else(|| self.outbox.first_upload().filter(|_| !resume)).cloned();
        let held_jobs = resume.then(|| self.held_jobs());
        let capabilities = self.capabilities();
        self.send(WorkerFrame::Heartbeat(Box::new(Heartbeat {
            capabilities,
            current_job_id: current,
            held_jobs,
        })));
        if let Link::Open(open) = &mut self.link {
            open.next_heartbeat = now + HEARTBEAT_INTERVAL;
        }
    }

    /// Everything whose claim must be kept: what runs, and what was not acknowledged.
    fn held_jobs(&self) -> Vec<JobId> {
        let mut held: Vec<JobId> = Vec::new();
        let all =
            self.jobs.iter().map(|job| &job.id).chain(self.outbox.job_ids()).chain(self.fails.job_ids());
        let all = all.chain(self.unsaid.iter().map(|release| &release.job_id));
        for id in all {
            if held.len() < MAX_HELD_JOBS && !held.contains(id) {
                held.push(id.clone());
            }
        }
        held
    }

    fn complete_ack(&mut self, ack: &JobAck) {
        if !self.outbox.acknowledged(&ack.job_id, ack.stale) {
            return;
        }
        if ack.stale {
            self.log(
                LogLevel::Warn,
                "the result came too late and was not taken".to_owned(),
                Some(&ack.job_id),
            );
        }
        self.push(Effect::Forget(ack.job_id.clone()));
    }

    fn control(&mut self, what: &str, act: impl FnOnce(&mut Self)) {
        if self.link.uses(Feature::Control) {
            self.log(LogLevel::Info, format!("the studio's operator asks: {what}"), None);
            act(self);
        } else {
            self.log(
                LogLevel::Warn,
                format!("refused: `{what}`, the owner switched remote control off"),
                None,
            );
        }
    }

    /// As with offers, a file name that is none is not passed on.
    fn load_model(&mut self, command: ModelCommand) {
        let files = command.model_source.iter().flat_map(|source| &source.files);
        if let Some(file) = files.into_iter().find(|file| !file.has_plain_name()) {
            let name = file.filename.escape_debug();
            let message = format!("refused: model file name `{name}` is not a plain name");
            return self.log(LogLevel::Error, message, None);
        }
        if self.is_ending() {
            return self.log(LogLevel::Warn, "refused: the worker is about to end".to_owned(), None);
        }
        if self.wants_memory().is_some() {
            return self.log(LogLevel::Warn, "refused: the owner wants the memory".to_owned(), None);
        }
        self.push(Effect::LoadModel(Box::new(command)));
    }

    /// An operator's pause holds until somebody ends it.
    fn remote_pause(&mut self, now: Instant) {
        self.pause_for(now, Pause::default());
        self.push(Effect::SavePaused(true));
    }

    fn remote_resume(&mut self, now: Instant) {
        self.resume(now);
        self.push(Effect::SavePaused(false));
    }

    /// Notes a failure for the studio; [`Worker::report_on_session`] sends it.
    pub(crate) fn fail(
        &mut self,
        id: &JobId,
        attempt: Option<u32>,
        error: String,
        retryable: bool,
        taken_on: u64,
    ) {
        self.fails.push(Fail { job_id: id.clone(), error, retryable, attempt }, taken_on);
    }

    /// Sends what waits for an open session: failures, results, progress, logs.
    pub(crate) fn report_on_session(&mut self, now: Instant) {
        let Some(open) = self.link.open() else { return };
        let socket = open.socket;
        let (resume, lease) = (open.features.has(Feature::Resume), open.features.has(Feature::Lease));
        for fail in self.fails.take_unsent(socket, resume, lease) {
            self.send(WorkerFrame::Fail(fail));
        }
        self.show(now);
        let trust = self.trusts();
        for entry in self.outbox.take_json(socket, trust) {
            if let Output::Json(result) = &entry.output {
                self.send(WorkerFrame::CompleteJson(CompleteJson {
                    job_id: entry.job_id.clone(),
                    result: result.clone(),
                    prompt: Some(entry.prompt.clone()),
                    attempt: entry.attempt.filter(|_| lease),
                }));
            }
        }
        if self.link.uses(Feature::Progress) {
            let frames: Vec<_> =
                self.jobs.iter_mut().filter_map(|job| job.take_progress(now, lease)).collect();
            for frame in frames {
                self.send(WorkerFrame::Progress(frame));
            }
        }
        if let Some(batch) = self.logs.take(now) {
            self.send(WorkerFrame::LogBatch(batch));
        }
    }

    fn violated(&mut self, now: Instant, what: &str) {
        self.log(LogLevel::Error, format!("the studio broke the protocol: {what}"), None);
        self.push(Effect::Close(WorkerClose::ProtocolViolation));
        self.lost(now, &format!("protocol violation by the studio: {what}"));
    }

    fn closed(&mut self, now: Instant, socket: u64, code: Option<CloseCode>) {
        match code {
            Some(CloseCode::AuthFailed) => {
                self.log(LogLevel::Error, "the studio refused this worker's token (4001); `studio-worker register --reset` registers anew".to_owned(), None);
                self.exit(ExitReason::AuthFailed);
            }
            Some(CloseCode::DuplicateWorker) => {
                self.log(
                    LogLevel::Error,
                    "another worker holds this worker id (4003): a copied config folder, or a second machine; \
                     give one of them an identity of its own with `studio-worker register --reset`"
                        .to_owned(),
                    None,
                );
                self.exit(ExitReason::DuplicateWorker);
            }
            Some(CloseCode::WorkerDeleted) => self.revoked(now),
            Some(CloseCode::ProtocolViolation) => {
                self.blame(socket);
                self.log(LogLevel::Error, "the studio reports a protocol violation (4002)".to_owned(), None);
                self.lost(now, "closed with 4002, protocol violation");
            }
            Some(code @ (CloseCode::Normal | CloseCode::Other(_))) => {
                self.lost(now, &format!("closed by the studio with {}", code.as_u16()));
            }
            None => self.lost(now, "the connection was cut"),
        }
    }

    /// What was said before a violation must not end the next session as well.
    fn blame(&mut self, socket: u64) {
        self.fails.drop_sent_on(socket);
        match self.outbox.blame(socket, self.trusts()) {
            Blame::Nothing => {}
            Blame::OneOfMany => self.cautious = true,
            Blame::Dropped(job) => {
                self.log(LogLevel::Error, "the studio refuses the result for good".to_owned(), Some(&job));
                self.push(Effect::Forget(job));
            }
        }
    }

    /// The connection is gone; jobs go on, and the next try follows.
    fn lost(&mut self, now: Instant, reason: &str) {
        self.failures = self.failures.saturating_add(1);
        let limit = self.settings.reconnect_attempts;
        if limit > 0 && self.failures > limit {
            self.log(
                LogLevel::Error,
                format!("giving up after {} failures in a row: {reason}", self.failures),
                None,
            );
            self.exit(ExitReason::ReconnectsSpent);
            return;
        }
        self.heard_last = self.link.open().map(|open| open.heard).or(self.heard_last);
        let delay = reconnect_delay(self.failures, self.draw.jitter(), self.has_claims_at_stake(now));
        self.trouble(format!("not connected: {reason}"));
        self.link = Link::Waiting { until: now + delay };
    }

    /// Whether the studio still keeps something of ours that a late return would lose.
    fn has_claims_at_stake(&self, now: Instant) -> bool {
        let holds_something = !(self.jobs.is_empty() && self.outbox.is_empty() && self.fails.is_empty());
        holds_something && self.heard_last.is_some_and(|heard| now.saturating_duration_since(heard) < LEASE)
    }
}
