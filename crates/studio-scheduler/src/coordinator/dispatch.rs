//! Matching: who is offered what.
//!
//! For each class of jobs there is a list of the sessions that could take one of them now. It changes when a
//! session changes, so that an offer costs a look at the classes and not at the queue or the fleet.

use std::cmp::Reverse;
use std::collections::BTreeSet;
use std::ops::Bound;
use std::time::Instant;

use super::{Claim, ClaimState, Coordinator, Rank};
use crate::queue::{Candidate, ClassId};
use crate::{SessionId, StoreOp};

impl Coordinator {
    /// Takes a session out of every list.
    pub(super) fn withdraw(&mut self, session: SessionId) {
        for (class, rank) in self.ranks.remove(&session).unwrap_or_default() {
            self.ready[class.0].remove(&rank);
        }
    }

    /// Puts a session into the lists of the classes that it could serve now, and takes it out of the others.
    pub(super) fn rank(&mut self, id: SessionId) {
        self.withdraw(id);
        self.track_classes();
        let Some(session) = self.sessions.get(&id).filter(|session| session.takes_offers()) else { return };
        let Some(worker) = self.workers.get(&session.worker).filter(|worker| !worker.paused) else { return };
        let claims = worker.claims.iter().filter_map(|job| self.claims.get(job));
        let running: Vec<_> =
            claims.filter(|claim| claim.takes_a_slot()).map(|claim| claim.job.kind).collect();
        let mut ranks = Vec::new();
        for class in self.queue.class_ids() {
            let key = self.queue.class(class);
            let same = running.iter().filter(|kind| **kind == key.kind).count();
            if session.can_serve(key) && session.has_slot(key.kind, running.len(), same) {
                let is_cold = session.resident.as_ref() != Some(&key.model);
                ranks.push((class, (is_cold, session.free_since, id)));
            }
        }
        for (class, rank) in &ranks {
            self.ready[class.0].insert(*rank);
        }
        self.ranks.insert(id, ranks);
    }

    /// A class that is new is matched with every session once.
    fn track_classes(&mut self) {
        if self.ready.len() < self.queue.class_count() {
            self.ready.resize_with(self.queue.class_count(), BTreeSet::new);
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
        while self.queue.is_waiting(class) {
            let after = passed.map_or(Bound::Unbounded, Bound::Excluded);
            let next = self.ready[class.0].range((after, Bound::Unbounded)).next();
            let Some(rank) = next.copied() else { return };
            match self.best_for(rank.2) {
                Some(best) => self.offer(now, rank.2, &best),
                None => passed = Some(rank), // It refused every job there is.
            }
        }
    }

    /// The job that a session should do next.
    fn best_for(&self, id: SessionId) -> Option<Candidate> {
        let session = self.sessions.get(&id)?;
        let may_stay = session.streak < self.timing.resident_streak;
        let open = self.ranks.get(&id)?.iter().filter(|(class, _)| self.queue.is_waiting(*class));
        let heads = open.filter_map(|(class, (is_cold, _, _))| {
            let head = self.queue.head(*class, |job| session.is_refused(job))?;
            Some((head, *is_cold != may_stay))
        });
        let best = heads.min_by_key(|(head, is_preferred)| {
            (Reverse(head.priority), !is_preferred, head.served, head.seq)
        });
        best.map(|(head, _)| head)
    }

    fn offer(&mut self, now: Instant, session: SessionId, best: &Candidate) {
        let Some(state) = self.sessions.get_mut(&session) else { return };
        let Some(job) = self.queue.take(&best.job) else { return };
        state.given(&job.model);
        let worker = state.worker.clone();
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
