//! Matching: who is offered what.
//!
//! For each class of jobs there is a list of the sessions that could take one of them now. It changes when a
//! session changes, so that an offer costs a look at the classes and not at the queue or the fleet.

use std::cmp::Reverse;
use std::time::Instant;

use studio_protocol::ProjectId;

use super::standing::{Fit, Rank};
use super::{Claim, ClaimState, Coordinator};
use crate::queue::{Candidate, ClassId};
use crate::session::Warmth;
use crate::{SessionId, StoreOp};

impl Coordinator {
    /// Takes a session out of every list.
    pub(super) fn withdraw(&mut self, session: SessionId) {
        self.standing.set(session, Vec::new());
    }

    /// Puts a session into the lists of the classes that it could serve now, and takes it out of the others.
    pub(super) fn rank(&mut self, id: SessionId) {
        self.track_classes();
        let fits = self.fits(id);
        self.standing.set(id, fits.unwrap_or_default());
    }

    fn fits(&self, id: SessionId) -> Option<Vec<Fit>> {
        let session = self.sessions.get(&id).filter(|session| session.takes_offers())?;
        let worker = self.workers.get(&session.worker).filter(|worker| !worker.paused)?;
        let claims = worker.claims.iter().filter_map(|job| self.claims.get(job));
        let running: Vec<_> =
            claims.filter(|claim| claim.takes_a_slot()).map(|claim| claim.job.kind).collect();
        let fit = |class| {
            let key = self.queue.class(class);
            let same = running.iter().filter(|kind| **kind == key.kind).count();
            let has_slot = session.has_slot(key.kind, running.len(), same);
            session.can_serve(key).then(|| Fit {
                class,
                warmth: session.warmth(&key.model),
                pace: session.pace(&key.model),
                free_since: has_slot.then_some(session.free_since),
            })
        };
        Some(self.queue.class_ids().filter_map(fit).collect())
    }

    /// A class that is new is matched with every session once.
    fn track_classes(&mut self) {
        if self.standing.class_count() < self.queue.class_count() {
            self.standing.grow(self.queue.class_count());
            let sessions: Vec<SessionId> = self.sessions.keys().copied().collect();
            for session in sessions {
                self.rank(session);
            }
        }
    }

    /// A session may have room: offers it jobs until it has none, or none is left for it.
    pub(super) fn dispatch_session(&mut self, now: Instant, id: SessionId) {
        while let Some(best) = self.best_for(id) {
            self.offer(now, id, &best);
        }
    }

    /// Jobs of a class are there: offers them until none is left, or nobody for them.
    pub(super) fn dispatch_class(&mut self, now: Instant, class: ClassId) {
        self.track_classes();
        let mut passed: Option<Rank> = None;
        while self.may_offer(class) {
            let Some(rank) = self.standing.next(class, passed) else { return };
            let (.., session) = rank;
            match self.best_for(session) {
                Some(best) => self.offer(now, session, &best),
                None => passed = Some(rank), // It refused every job there is.
            }
        }
    }

    /// Whether there is a job of the class that somebody may have.
    fn may_offer(&self, class: ClassId) -> bool {
        !self.is_held && self.queue.has_for(class, |project| self.has_room_for(project))
    }

    /// The job that a session should do next.
    fn best_for(&self, id: SessionId) -> Option<Candidate> {
        if self.is_held {
            return None;
        }
        let session = self.sessions.get(&id)?;
        let may_have = |project: &ProjectId| session.takes_project(project) && self.has_room_for(project);
        let may_stay = session.streak < self.timing.resident_streak;
        let open = self.standing.open(id).filter(|fit| self.queue.is_waiting(fit.class));
        let heads = open.filter_map(|fit| {
            let head = self.queue.head(fit.class, may_have, |job| session.is_refused(job))?;
            let is_loaded = fit.warmth == Warmth::Loaded;
            // Whoever has a model loaded serves it: a worker that has to load one loads one that is left out.
            let is_served = self.standing.is_loaded(fit.class);
            Some((head, is_served, is_loaded))
        });
        let best = heads.min_by_key(|(head, is_served, is_loaded)| {
            let had_its_streak = may_stay || *is_served;
            (Reverse(head.priority), had_its_streak, !is_loaded, *is_served, head.turn, head.place)
        });
        best.map(|(head, ..)| head)
    }

    fn offer(&mut self, now: Instant, session: SessionId, best: &Candidate) {
        let Some(state) = self.sessions.get_mut(&session) else { return };
        let Some(job) = self.queue.take(&best.job) else { return };
        state.given(&job.model);
        let worker = state.worker.clone();
        self.count_in(&job.project);
        let id = job.id.clone();
        if let Some(holder) = self.workers.get_mut(&worker) {
            holder.claims.insert(id.clone());
        }
        self.tickets += 1;
        let claim = Claim {
            job,
            worker: worker.clone(),
            session: Some(session),
            attempt: 0,
            ticket: self.tickets,
            state: ClaimState::Offering,
            unrecorded: false,
            going: None,
            confirmed: now,
        };
        self.claims.insert(id.clone(), claim);
        self.rank(session);
        self.store(StoreOp::Claim { session, ticket: self.tickets, job: id, worker });
    }

    /// A session's slot is free: last in line among those that wait.
    pub(super) fn freed(&mut self, now: Instant, id: SessionId) {
        let Some(session) = self.sessions.get_mut(&id) else { return };
        self.frees += 1;
        session.free_since = self.frees;
        self.rank(id);
        self.dispatch_session(now, id);
    }
}
