//! What operators decide about projects, workers and the queue as a whole; it counts from the next offer on.

use std::sync::Arc;
use std::time::Instant;

use studio_protocol::{ProjectId, WorkerId};

use super::Coordinator;
use crate::{ProjectRules, WorkerLimits};

/// A project's part of the fleet.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Share {
    max_running: Option<u64>,
    /// Claims on its jobs, those included whose end is not stored yet.
    held: u64,
}

impl Share {
    fn has_room(&self) -> bool {
        self.max_running.is_none_or(|most| self.held < most)
    }
}

impl Coordinator {
    /// Whether one more job of the project may be given to a worker.
    pub(super) fn has_room_for(&self, project: &ProjectId) -> bool {
        self.shares.get(project).is_none_or(Share::has_room)
    }

    /// A job of the project is claimed.
    pub(super) fn count_in(&mut self, project: &ProjectId) {
        match self.shares.get_mut(project) {
            Some(share) => share.held += 1,
            None => drop(self.shares.insert(project.clone(), Share { held: 1, ..Share::default() })),
        }
    }

    /// A claim on a job of the project is gone.
    pub(super) fn count_out(&mut self, project: &ProjectId) {
        let Some(share) = self.shares.get_mut(project) else { return };
        let was_full = !share.has_room();
        share.held = share.held.saturating_sub(1);
        if was_full && share.has_room() {
            self.unblocked.push(project.clone());
        }
    }

    /// Workers that wait may get what their projects kept from them until now.
    pub(super) fn serve_unblocked(&mut self, now: Instant) {
        for project in std::mem::take(&mut self.unblocked) {
            self.dispatch_project(now, &project);
        }
    }

    fn dispatch_project(&mut self, now: Instant, project: &ProjectId) {
        for class in self.queue.classes_of(project) {
            self.dispatch_class(now, class);
        }
    }

    pub(super) fn ruled(&mut self, now: Instant, projects: Vec<(ProjectId, ProjectRules)>) {
        for (project, rules) in &projects {
            self.queue.set_weight(project, rules.weight);
            self.shares.entry(project.clone()).or_default().max_running = rules.max_running;
        }
        for (project, _) in projects {
            self.dispatch_project(now, &project);
        }
    }

    pub(super) fn hold(&mut self, now: Instant, is_held: bool) {
        self.is_held = is_held;
        for class in self.queue.class_ids() {
            self.dispatch_class(now, class);
        }
    }

    pub(super) fn limited(&mut self, now: Instant, worker: &WorkerId, limits: WorkerLimits) {
        let limits = Arc::new(limits);
        self.limits.insert(worker.clone(), limits.clone());
        let Some(session) = self.session_of(worker) else { return };
        if let Some(state) = self.sessions.get_mut(&session) {
            state.limits = limits;
            self.rank(session);
            self.dispatch_session(now, session);
        }
    }
}
