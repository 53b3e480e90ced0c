//! Faults strike, and stop.

use std::time::Duration;

use studio_store::JobState;
use worker_core::{Input, Pause};

use super::host::{Host, HostId, Process};
use super::requests::{Body, From};
use super::{Event, World};
use crate::climate::Fault;
use crate::trace::note;

/// The time of day jumps by this.
const DAY_MS: i64 = 24 * 60 * 60 * 1_000;
/// How often the operator sees to what is left once faults have stopped.
const SEE_TO: Duration = Duration::from_secs(10);
/// The longest that a network swallows everything.
const MAX_HOLE_MS: u64 = 40_000;

impl World {
    pub(super) fn strike(&mut self, fault: Fault, mean: Duration) {
        if self.is_calm {
            return;
        }
        let next = mean.mul_f64(0.1 + 1.8 * self.dice.unit());
        self.after(next, Event::Fault { fault, mean });
        self.faults += 1;
        match fault {
            Fault::StudioCrash => self.crash_studio(),
            Fault::StudioStop if self.studio.is_up() => {
                self.stop_studio();
                let pause = self.dice.millis(300, 20_000);
                self.after(pause, Event::StudioStart);
            }
            Fault::StudioStop => {}
            Fault::WorkerCrash => {
                if let Some(host) = self.some_host(|_| true) {
                    self.crash_host(host);
                }
            }
            Fault::PowerLoss => {
                if let Some(host) = self.some_host(|_| true) {
                    self.kill_host(host, false);
                    let pause = self.dice.millis(3_000, 70_000);
                    self.after(pause, Event::HostStart { host });
                }
            }
            Fault::WorkerStop => self.stop_some_worker(),
            Fault::Cut => self.cut_something(),
            Fault::Hole => {
                if let Some(host) = self.some_host(|_| true) {
                    self.make_hole(host);
                }
            }
            Fault::Outage => (0..self.hosts.len()).for_each(|host| self.make_hole(HostId(host))),
            Fault::SpoolFull => {
                if let Some(host) = self.some_host(|host| !host.is_base()) {
                    note!(self, "fault: the disk of {} is full", self.hosts[host.0].name);
                    self.hosts[host.0].spool_full = true;
                    let pause = self.dice.millis(3_000, 60_000);
                    self.after(pause, Event::SpoolRoom { host });
                }
            }
            Fault::StoreFull => {
                let until = self.now + self.dice.millis(500, 12_000);
                note!(self, "fault: the disk of the studio is full until {until:?}");
                self.studio.full_until = until;
                self.trouble_store(until + Duration::from_secs(5));
            }
            Fault::Stall => {
                let until = self.now + self.dice.millis(100, 4_000);
                note!(self, "fault: the disk of the studio stalls until {until:?}");
                self.studio.stalled_until = until;
                self.trouble_store(until + Duration::from_secs(1));
            }
            Fault::ClockJump => {
                self.wall_shift += if self.dice.chance(0.5) { DAY_MS } else { -DAY_MS };
                note!(self, "fault: it is {} now", self.wall());
            }
            Fault::Cancel => {
                if let Some(job) = self.some_job(|entry| entry.state.is_open()) {
                    self.request(From::Client, Body::Cancel { job });
                }
            }
            Fault::Retry => {
                let ended =
                    |state| matches!(state, JobState::Failed | JobState::Cancelled | JobState::Quarantined);
                if let Some(job) = self.some_job(|entry| ended(entry.state)) {
                    self.request(From::Client, Body::Retry { job });
                }
            }
            Fault::Priority => {
                if let Some(job) = self.some_job(|entry| entry.state.is_open()) {
                    let priority = if self.dice.chance(0.5) { 7 } else { -7 };
                    self.request(From::Client, Body::Priority { job, priority });
                }
            }
            Fault::OperatorPause => self.pause_some_worker(true),
            Fault::OwnerPause => self.pause_some_worker(false),
            Fault::Remove => {
                if let Some(worker) = self.some_host(|_| true).and_then(|host| self.hosts[host.0].worker_id())
                {
                    note!(self, "operator: removes {worker}");
                    self.request(From::Client, Body::Remove { worker });
                }
            }
            Fault::Clone => self.copy_some_host(),
        }
    }

    /// A running host, at random.
    fn some_host(&mut self, test: impl Fn(&Host) -> bool) -> Option<HostId> {
        let running = self.hosts.iter().enumerate().filter(|(_, host)| host.process.is_some() && test(host));
        let ids: Vec<HostId> = running.map(|(id, _)| HostId(id)).collect();
        self.dice.pick(&ids).copied()
    }

    pub(super) fn crash_studio(&mut self) {
        if !self.studio.is_up() {
            return;
        }
        let is_told = self.dice.chance(0.8);
        self.kill_studio(is_told);
        let pause = self.dice.millis(200, 40_000);
        self.after(pause, Event::StudioStart);
    }

    pub(super) fn crash_host(&mut self, host: HostId) {
        self.kill_host(host, true);
        let most =
            if self.is_calm { 3_000 } else { *self.dice.pick(&[2_000, 20_000, 70_000]).unwrap_or(&2_000) };
        let pause = self.dice.millis(200, most);
        self.after(pause, Event::HostStart { host });
    }

    fn stop_some_worker(&mut self) {
        let Some(host) = self.some_host(|_| true) else { return };
        note!(self, "fault: {} gets SIGTERM", self.hosts[host.0].name);
        if self.hosts[host.0].is_base() {
            self.stop_base(host);
            let pause = self.dice.millis(500, 40_000);
            return self.after(pause, Event::HostStart { host });
        }
        if let Some(ours) = self.ours(host) {
            ours.is_stopping = true;
        }
        self.drive(host, Input::Shutdown);
    }

    fn make_hole(&mut self, host: HostId) {
        let until = self.now + self.dice.millis(500, MAX_HOLE_MS);
        note!(self, "fault: the network of {} is away until {until:?}", self.hosts[host.0].name);
        self.hosts[host.0].hole_until = self.hosts[host.0].hole_until.max(until);
    }

    pub(super) fn spool_room(&mut self, host: HostId) {
        self.hosts[host.0].spool_full = false;
    }

    fn pause_some_worker(&mut self, operator: bool) {
        let Some(host) = self.some_host(|host| !host.is_base() && host.worker_id().is_some()) else { return };
        self.set_paused(host, operator, true);
        let pause = self.dice.millis(2_000, 40_000);
        self.after(pause, Event::Unpause { host, operator });
    }

    pub(super) fn unpause(&mut self, host: HostId, operator: bool) {
        self.set_paused(host, operator, false);
    }

    fn set_paused(&mut self, host: HostId, operator: bool, paused: bool) {
        let name = &self.hosts[host.0].name;
        note!(self, "{}: pauses {name}: {paused}", if operator { "operator" } else { "owner" });
        if !operator {
            self.hosts[host.0].owner_paused = paused;
            // Half of the owners want their machine back at once.
            let pause = Pause { release: self.dice.chance(0.5), ..Pause::default() };
            return self.drive(host, if paused { Input::Pause(pause) } else { Input::Resume });
        }
        if let Some(worker) = self.hosts[host.0].worker_id() {
            self.request(From::Client, Body::Pause { worker, paused });
        }
    }

    fn copy_some_host(&mut self) {
        let Some(original) =
            self.some_host(|host| !host.is_base() && !host.is_copy && host.worker_id().is_some())
        else {
            return;
        };
        let host = &self.hosts[original.0];
        let Some(worker) = host.worker_id() else { return };
        let mut copy = Host::new(format!("{}-copy", host.name), host.sort, host.identity.clone());
        (copy.engines, copy.vram_gb) = (host.engines.clone(), host.vram_gb);
        (copy.speed, copy.is_copy) = (host.speed, true);
        note!(self, "fault: {} is started with the identity {worker}", copy.name);
        self.checker.twins.insert(worker);
        let id = HostId(self.hosts.len());
        self.hosts.push(copy);
        self.start_host(id);
    }

    /// Of two workers with one identity the original goes on.
    pub(super) fn resolve(&mut self, host: HostId) {
        if self.hosts[host.0].is_copy {
            self.hosts[host.0].is_gone = true;
            return;
        }
        let worker = self.hosts[host.0].worker_id();
        let copies = (0..self.hosts.len()).filter(|id| self.hosts[*id].is_copy);
        for id in copies.filter(|id| self.hosts[*id].worker_id() == worker).collect::<Vec<_>>() {
            self.kill_host(HostId(id), true);
            self.hosts[id].is_gone = true;
        }
        self.start_host(host);
    }

    /// Faults stop: everything that is broken is mended.
    pub(super) fn calm(&mut self) {
        note!(self, "the weather calms");
        self.is_calm = true;
        self.studio.full_until = Duration::ZERO;
        self.studio.stalled_until = Duration::ZERO;
        self.start_studio();
        for id in 0..self.hosts.len() {
            let host = &mut self.hosts[id];
            host.spool_full = false;
            host.hole_until = Duration::ZERO;
            host.owner_paused = false;
            if host.is_copy {
                self.kill_host(HostId(id), true);
                self.hosts[id].is_gone = true;
                continue;
            }
            match &host.process {
                Some(Process::Ours(_)) => self.drive(HostId(id), Input::Resume),
                Some(Process::Base(_)) => {}
                None => {
                    let pause = self.dice.millis(100, 3_000);
                    self.after(pause, Event::HostStart { host: HostId(id) });
                }
            }
        }
        self.after(SEE_TO, Event::SeeTo);
    }

    /// The operator lifts pauses, and gives jobs that the weather spoilt another chance.
    pub(super) fn see_to(&mut self) {
        self.after(SEE_TO, Event::SeeTo);
        for job in self.checker.wasted() {
            self.request(From::Client, Body::Retry { job });
        }
        let paused = self.db.workers().unwrap_or_default().into_iter().filter(|record| record.paused);
        for record in paused.collect::<Vec<_>>() {
            self.request(From::Client, Body::Pause { worker: record.id, paused: false });
        }
    }
}
