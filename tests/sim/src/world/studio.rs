//! The studio's process: the scheduler between sockets and store, with the shell's rules for sessions.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use studio_protocol::{
    CloseCode, DecodeError, ErrorFrame, Feature, HELLO_LIMIT, StudioFrame, WorkerFrame, WorkerId,
    decode_worker_frame, encode,
};
use studio_scheduler::{Coordinator, Effect, Input, ProjectRules, SessionId, StoreOp, Timing};
use studio_store::SecretHash;

use super::net::{ConnId, Packet};
use super::writer::Change;
use super::{Event, World};
use crate::Mutation;
use crate::trace::note;

/// How often the studio's shell looks at its clock.
const TICK: Duration = Duration::from_millis(250);
/// What a studio that stops closes its sessions with.
const GOING_AWAY: u16 = 1001;

#[derive(Default)]
pub(crate) struct Studio {
    /// Counts processes.
    pub life: u32,
    pub coordinator: Option<Coordinator>,
    pub changes: VecDeque<Change>,
    pub is_writing: bool,
    pub stalled_until: Duration,
    pub full_until: Duration,
    pub last_news: Duration,
    pub sessions: BTreeMap<SessionId, ConnId>,
    next_session: u64,
}

impl Studio {
    pub fn is_up(&self) -> bool {
        self.coordinator.is_some()
    }

    pub fn has_changes(&self) -> bool {
        !self.changes.is_empty()
    }
}

/// As the store keeps it.
pub(super) fn hash(secret: &str) -> SecretHash {
    SecretHash::new(format!("hash of {secret}"))
}

impl World {
    pub(super) fn start_studio(&mut self) {
        if self.studio.is_up() {
            return;
        }
        self.studio.life += 1;
        let life = self.studio.life;
        note!(self, "studio: starts, life {life}");
        let (queued, mut held) = match self.db.open_work() {
            Ok(work) => work,
            Err(error) => return self.checker.broken(format!("open work cannot be read: {error}")),
        };
        self.checker.restored(&queued, &held);
        if self.has_mutation(Mutation::ForgottenClaims) {
            held.clear();
        }
        self.checker.watch.studio_started(self.now);
        self.studio.coordinator = Some(Coordinator::new(Timing::default()));
        if let Some((project, most)) = self.checker.limit.clone() {
            let rules = ProjectRules { weight: 2.0, max_running: Some(most as u64) };
            self.tell(Input::Projects(vec![(project, rules)]));
        }
        self.tell(Input::Restored { queued, held });
        self.after(TICK, Event::StudioTick { life });
    }

    /// The process is gone, with all that it had not handed to the disk.
    pub(super) fn kill_studio(&mut self, is_told: bool) {
        let waiting = self.studio.changes.len();
        note!(self, "studio: dies with {waiting} changes unwritten, peers told: {is_told}");
        self.studio_side_dies(is_told);
        self.forget_studio();
    }

    /// SIGTERM: sessions end, the store is closed.
    pub(super) fn stop_studio(&mut self) {
        note!(self, "studio: stops");
        for conn in self.conns_where(|conn| conn.studio_open) {
            self.studio_closes(conn, Some(GOING_AWAY));
        }
        self.write_all();
        self.forget_studio();
    }

    fn forget_studio(&mut self) {
        self.studio.coordinator = None;
        self.studio.changes.clear();
        self.studio.is_writing = false;
        self.studio.sessions.clear();
        self.checker.watch.studio_stopped();
        self.requests_are_lost();
    }

    pub(super) fn studio_tick(&mut self, life: u32) {
        if self.studio.is_up() && self.studio.life == life {
            self.tell(Input::Tick);
            self.after(TICK, Event::StudioTick { life });
        }
    }

    pub(super) fn news(&mut self, life: u32, input: Input) {
        if self.studio.life == life {
            self.tell(input);
        }
    }

    pub(super) fn session_closed(&mut self, life: u32, session: SessionId) {
        if self.studio.life == life {
            self.tell(Input::Closed { session });
        }
    }

    /// Gives the scheduler an input and carries out what it wants.
    pub(super) fn tell(&mut self, input: Input) {
        let now = self.instant();
        let Some(coordinator) = &mut self.studio.coordinator else { return };
        for effect in coordinator.handle(now, input) {
            match effect {
                Effect::Send(session, frame) => self.studio_sends(session, &frame),
                Effect::Close { session, code, message } => self.studio_ends(session, code, &message),
                Effect::Store(op) => {
                    let suspicion = self.checker.suspicion(self.now, &op);
                    self.hand_over(Change::Op { op, suspicion });
                }
                Effect::Delta(delta) => self.checker.text(&delta),
                Effect::Progress(_) | Effect::Preview(_) => {}
            }
        }
    }

    #[expect(clippy::wildcard_enum_match_arm, reason = "only some frames matter here")]
    fn studio_sends(&mut self, session: SessionId, frame: &StudioFrame) {
        let Some(conn_id) = self.studio.sessions.get(&session).copied() else { return };
        let Some(conn) = self.conns.get_mut(&conn_id) else { return };
        let (worker, has_lease, has_options) = (conn.worker.clone(), conn.has_lease, conn.has_options);
        match frame {
            StudioFrame::OfferRaw(offer) => {
                let (job, attempt) = (&offer.claim.job_id, offer.claim.attempt);
                let current = self.checker.ledger.0.get(job).map(|entry| entry.attempt);
                note!(self, "studio: offers {job}#{attempt:?} to {worker} s{}", session.0);
                if !has_options && self.checker.needs_options(job) {
                    self.checker
                        .broken(format!("{job} was offered to {worker}, which does not know its options"));
                }
                if self.checker.watch.is_barred_worker(self.now, &worker) {
                    self.checker.broken(format!("{job} was offered to {worker}, which is paused or removed"));
                }
                match attempt.or(current) {
                    Some(attempt) if has_lease => self.checker.offered(&worker, job, attempt),
                    _ => self.checker.watch.offered(&worker),
                }
            }
            StudioFrame::CompleteAck(ack) => {
                note!(self, "studio: acknowledges {} to {worker}, stale: {}", ack.job_id, ack.stale);
                self.checker.complete_acked(&worker, &ack.job_id, ack.stale, has_lease);
            }
            StudioFrame::FailAck(ack) => {
                note!(
                    self,
                    "studio: acknowledges the failure of {} to {worker}, stale: {}",
                    ack.job_id,
                    ack.stale
                );
            }
            StudioFrame::Cancel(cancel) => {
                note!(self, "studio: cancels {} at {worker}: {}", cancel.job_id, cancel.reason);
            }
            _ => {}
        }
        self.push(conn_id, false, Packet::Text(encode(frame)));
    }

    /// The scheduler ends a session.
    fn studio_ends(&mut self, session: SessionId, code: CloseCode, message: &str) {
        let Some(conn_id) = self.studio.sessions.remove(&session) else { return };
        let Some(conn) = self.conns.get(&conn_id) else { return };
        let worker = conn.worker.clone();
        note!(self, "studio: closes s{} of {worker} with {}: {message}", session.0, code.as_u16());
        self.checker.closed(&worker, code, message);
        self.session_ended(&worker);
        self.say_and_close(conn_id, code, message);
        let life = self.studio.life;
        self.after(Duration::from_millis(1), Event::SessionClosed { life, session });
    }

    fn say_and_close(&mut self, conn: ConnId, code: CloseCode, message: &str) {
        let error = ErrorFrame { code: code.error_code(), message: message.to_owned() };
        self.push(conn, false, Packet::Text(encode(&StudioFrame::Error(error))));
        self.studio_closes(conn, Some(code.as_u16()));
    }

    /// A worker is without a session, unless a newer one took over.
    fn session_ended(&mut self, worker: &WorkerId) {
        let is_elsewhere = |conn: &ConnId| self.conns.get(conn).is_some_and(|conn| conn.worker == *worker);
        if !self.studio.sessions.values().any(is_elsewhere) {
            self.checker.watch.session_closed(self.now, worker);
        }
    }

    pub(super) fn studio_hears(&mut self, id: ConnId, sent: Duration, packet: Packet) {
        let Some(conn) = self.conns.get(&id) else { return };
        match packet {
            Packet::Upgrade { token } => self.upgrade(id, &token),
            Packet::Text(text) if conn.studio_open => self.studio_reads(id, sent, &text),
            Packet::Close(_) if conn.studio_open => {
                let (worker, session) = (conn.worker.clone(), conn.session);
                self.studio_closes(id, None);
                let Some(session) = session.filter(|session| self.studio.sessions.remove(session).is_some())
                else {
                    return;
                };
                note!(self, "studio: s{} of {worker} is gone", session.0);
                self.session_ended(&worker);
                self.tell(Input::Closed { session });
            }
            Packet::Text(_) | Packet::Close(_) | Packet::Opened | Packet::Refused(_) | Packet::NoListener => {
            }
        }
    }

    fn upgrade(&mut self, id: ConnId, token: &str) {
        let Some(conn) = self.conns.get(&id) else { return };
        if !self.studio.is_up() {
            return self.push(id, false, Packet::NoListener);
        }
        let let_in = match self.db.worker(&conn.worker) {
            Ok(None) => Err(404),
            Ok(Some(record)) if record.token_hash != Some(hash(token)) => Err(401),
            Ok(Some(record)) => Ok(record.paused),
            Err(_) => Err(500),
        };
        let paused = match let_in {
            Ok(paused) => paused,
            Err(status) => {
                note!(self, "studio: answers {} with {status}", conn.worker);
                return self.push(id, false, Packet::Refused(status));
            }
        };
        self.studio.next_session += 1;
        let number = SessionId(self.studio.next_session);
        if let Some(conn) = self.conns.get_mut(&id) {
            (conn.studio_open, conn.number) = (true, Some((number, paused)));
        }
        self.push(id, false, Packet::Opened);
        self.after(HELLO_LIMIT, Event::HelloLimit { conn: id });
    }

    pub(super) fn hello_limit(&mut self, id: ConnId) {
        if self.conns.get(&id).is_some_and(|conn| conn.studio_open && conn.session.is_none()) {
            self.say_and_close(id, CloseCode::ProtocolViolation, "no hello within 10 s");
        }
    }

    fn studio_reads(&mut self, id: ConnId, sent: Duration, text: &str) {
        let Some(conn) = self.conns.get(&id) else { return };
        let (worker, session, number) = (conn.worker.clone(), conn.session, conn.number);
        let frame = match decode_worker_frame(text) {
            Ok(frame) => frame,
            Err(DecodeError::UnknownType(_)) => return,
            Err(error) => {
                return self.checker.broken(format!("{worker} sent a frame that cannot be read: {error}"));
            }
        };
        let Some(session) = session else {
            self.checker.watch.heard(self.now, &worker, sent);
            return self.hello(id, worker, number, frame);
        };
        if self.studio.sessions.get(&session) != Some(&id) {
            return; // Closed by the scheduler a moment ago.
        }
        self.checker.watch.heard(self.now, &worker, sent);
        self.note_frame(&worker, session, &frame);
        if let Some(input) = self.input_of(session, &worker, frame) {
            self.tell(input);
        }
    }

    fn hello(&mut self, id: ConnId, worker: WorkerId, number: Option<(SessionId, bool)>, frame: WorkerFrame) {
        let WorkerFrame::Hello(hello) = frame else {
            return self.checker.broken(format!("{worker} spoke before hello: {frame:?}"));
        };
        // As in the studio, nothing is read anew: what changed since the upgrade is the scheduler's to know.
        let Some((session, paused)) = number else { return };
        let features = hello.capabilities.features.intersection(Timing::default().features);
        if let Some(conn) = self.conns.get_mut(&id) {
            (conn.session, conn.has_lease) = (Some(session), features.has(Feature::Lease));
            conn.has_options = features.has(Feature::Options);
        }
        note!(self, "studio: s{} of {worker} opens on c{}", session.0, id.0);
        self.sessions_opened += 1;
        self.studio.sessions.insert(session, id);
        self.checker.watch.session_opened(self.now, &worker);
        let capabilities = Arc::new(hello.capabilities);
        self.tell(Input::Opened { session, worker, capabilities, paused });
    }

    fn note_frame(&mut self, worker: &WorkerId, session: SessionId, frame: &WorkerFrame) {
        let s = session.0;
        match frame {
            WorkerFrame::Heartbeat(beat) => {
                beat.held().for_each(|job| self.checker.named(worker, job));
                let held: Vec<_> = beat.held().collect();
                if !held.is_empty() {
                    note!(self, "studio: hears heartbeat of {worker} s{s} with {held:?}");
                }
            }
            WorkerFrame::Accept(accept) => {
                note!(self, "studio: hears accept {}#{:?} of {worker} s{s}", accept.job_id, accept.attempt);
            }
            WorkerFrame::Reject(reject) => {
                note!(self, "studio: hears reject {} of {worker} s{s}: {}", reject.job_id, reject.reason);
                if reject.code.is_none() {
                    self.checker.watch.rejected_without_reason(self.now, worker, &reject.job_id);
                }
            }
            WorkerFrame::CompleteJson(done) => {
                note!(self, "studio: hears complete {}#{:?} of {worker} s{s}", done.job_id, done.attempt);
            }
            WorkerFrame::Fail(fail) => {
                let (job, attempt, error) = (&fail.job_id, fail.attempt, &fail.error);
                note!(self, "studio: hears fail {job}#{attempt:?} of {worker} s{s}: {error}");
            }
            WorkerFrame::Release(release) => {
                note!(
                    self,
                    "studio: hears release {}#{:?} of {worker} s{s}",
                    release.job_id,
                    release.attempt
                );
            }
            WorkerFrame::Goodbye(_) => note!(self, "studio: hears goodbye of {worker} s{s}"),
            WorkerFrame::Hello(_)
            | WorkerFrame::LogBatch(_)
            | WorkerFrame::ReadyForMore
            | WorkerFrame::Progress(_)
            | WorkerFrame::Preview(_)
            | WorkerFrame::Delta(_) => {}
        }
    }

    /// As the studio's socket task does it.
    fn input_of(&mut self, session: SessionId, worker: &WorkerId, frame: WorkerFrame) -> Option<Input> {
        Some(match frame {
            WorkerFrame::Hello(_) => {
                self.checker.broken(format!("{worker} said hello twice"));
                return None;
            }
            WorkerFrame::Heartbeat(mut heartbeat) => {
                if self.has_mutation(Mutation::LostHeldJobs) {
                    heartbeat.held_jobs = None;
                }
                let capabilities = Arc::new(std::mem::take(&mut heartbeat.capabilities));
                Input::Heartbeat(session, heartbeat, capabilities)
            }
            WorkerFrame::Accept(accept) => Input::Accept(session, accept),
            WorkerFrame::Reject(reject) => Input::Reject(session, reject),
            WorkerFrame::CompleteJson(complete) => {
                if self.has_mutation(Mutation::EarlyAck) {
                    let ack = studio_protocol::JobAck { job_id: complete.job_id.clone(), stale: false };
                    self.studio_sends(session, &StudioFrame::CompleteAck(ack));
                }
                Input::CompleteJson(session, complete)
            }
            WorkerFrame::Fail(fail) => Input::Fail(session, fail),
            WorkerFrame::Progress(progress) => Input::Progress(session, progress),
            WorkerFrame::Preview(preview) => Input::Preview(session, preview),
            WorkerFrame::Release(release) => Input::Release(session, release),
            WorkerFrame::Goodbye(_) => Input::Goodbye(session),
            WorkerFrame::Delta(delta) if self.has_mutation(Mutation::LostPiece) && delta.index % 3 == 1 => {
                Input::Seen(session)
            }
            WorkerFrame::Delta(delta) => Input::Delta(session, delta),
            WorkerFrame::LogBatch(_) | WorkerFrame::ReadyForMore => Input::Seen(session),
        })
    }

    pub(super) fn hand_over(&mut self, change: Change) {
        if let Change::Op { op: StoreOp::Lose { .. } | StoreOp::GiveBack { .. }, .. } = &change {
            note!(self, "studio: wants {change}");
        }
        self.studio.changes.push_back(change);
        self.wake_writer();
    }
}
