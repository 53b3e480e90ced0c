//! Connections: two directions that never reorder, and can be slow, silent, or cut with either side none the wiser.

use std::collections::VecDeque;
use std::time::Duration;

use studio_protocol::WorkerId;
use studio_scheduler::SessionId;

use super::host::HostId;
use super::{Event, World};
use crate::trace::note;

/// A packet that was held up arrives within this after the hole: TCP tries again at growing intervals.
const RETRANSMIT_MS: u64 = 6_000;
/// A path that swallows one connection's packets does so for up to this.
const MAX_FREEZE_MS: u64 = 60_000;
/// No packet is under way for longer in a network without faults.
const HELD_UP: Duration = Duration::from_secs(2);
/// A slow packet takes up to this.
const SLOW_MS: u64 = 900;

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct ConnId(pub u64);

#[derive(Debug, Clone)]
pub(crate) enum Packet {
    /// The request for a session.
    Upgrade { token: String },
    /// 101.
    Opened,
    /// Another answer.
    Refused(u16),
    /// A frame.
    Text(String),
    /// A close frame, or without a code the end of the stream.
    Close(Option<u16>),
    /// Nobody listens there.
    NoListener,
}

#[derive(Debug, Default)]
struct Lane {
    /// When due, when sent, what.
    queue: VecDeque<(Duration, Duration, Packet)>,
    is_scheduled: bool,
    last: Duration,
}

/// One connection of a worker's process to the studio.
#[derive(Debug)]
pub(crate) struct Conn {
    pub host: HostId,
    /// Of the worker's process.
    pub life: u32,
    /// The worker's own number of it.
    pub socket: u64,
    pub worker: WorkerId,
    pub worker_open: bool,
    /// The studio's process accepted it and has it open.
    pub studio_open: bool,
    /// Drawn at the upgrade, with whether the worker was paused then.
    pub number: Option<(SessionId, bool)>,
    /// Hello was accepted.
    pub session: Option<SessionId>,
    pub has_lease: bool,
    pub has_options: bool,
    /// Nothing passes any more.
    is_dead: bool,
    /// After so many packets from the worker, nothing of it arrives for a while, on this connection alone.
    freeze: Option<(u32, Duration)>,
    frozen_until: Duration,
    up: Lane,
    down: Lane,
}

impl Conn {
    fn lane(&mut self, up: bool) -> &mut Lane {
        if up { &mut self.up } else { &mut self.down }
    }

    pub fn is_sound(&self) -> bool {
        !self.is_dead && self.worker_open && self.studio_open && self.session.is_some()
    }

    /// Whether something is on its way for longer than a healthy network takes.
    pub fn is_held_up(&self, now: Duration) -> bool {
        let first_sent = [&self.up, &self.down].into_iter().filter_map(|lane| Some(lane.queue.front()?.1));
        self.frozen_until > now || first_sent.min().is_some_and(|sent| sent + HELD_UP < now)
    }
}

impl World {
    pub(super) fn latency(&mut self) -> Duration {
        if !self.is_calm && self.dice.chance(self.climate.slow_packet) {
            return self.dice.millis(5, SLOW_MS);
        }
        self.dice.micros(100, 4_000)
    }

    pub(super) fn open_conn(&mut self, host: HostId, socket: u64, worker: WorkerId, token: String) -> ConnId {
        let may_freeze = !self.is_calm && self.dice.chance(self.climate.frozen_conn);
        let freeze = may_freeze.then(|| {
            (u32::try_from(self.dice.below(4)).unwrap_or_default(), self.dice.millis(2_000, MAX_FREEZE_MS))
        });
        self.next_conn += 1;
        let id = ConnId(self.next_conn);
        let conn = Conn {
            host,
            life: self.hosts[host.0].life,
            socket,
            worker,
            worker_open: true,
            studio_open: false,
            number: None,
            session: None,
            has_lease: false,
            has_options: false,
            is_dead: false,
            freeze,
            frozen_until: Duration::ZERO,
            up: Lane::default(),
            down: Lane::default(),
        };
        self.conns.insert(id, conn);
        self.push(id, true, Packet::Upgrade { token });
        id
    }

    /// Sends in one direction.
    pub(super) fn push(&mut self, id: ConnId, up: bool, packet: Packet) {
        let latency = self.latency();
        let now = self.now;
        let Some(conn) = self.conns.get_mut(&id).filter(|conn| !conn.is_dead) else { return };
        let lane = conn.lane(up);
        lane.last = lane.last.max(now + latency);
        let due = lane.last;
        lane.queue.push_back((due, now, packet));
        if !std::mem::replace(&mut lane.is_scheduled, true) {
            self.at(due, Event::Deliver { conn: id, up });
        }
    }

    pub(super) fn deliver(&mut self, id: ConnId, up: bool) {
        let retransmit = self.dice.millis(0, RETRANSMIT_MS);
        let Some(conn) = self.conns.get_mut(&id) else { return };
        let hole_until = self.hosts[conn.host.0].hole_until;
        let now = self.now;
        if hole_until > now {
            return self.at(hole_until + retransmit, Event::Deliver { conn: id, up });
        }
        if up && conn.frozen_until > now {
            let until = conn.frozen_until;
            return self.at(until, Event::Deliver { conn: id, up });
        }
        if up && let Some((packets, length)) = &mut conn.freeze {
            if let Some(left) = packets.checked_sub(1) {
                *packets = left;
            } else {
                conn.frozen_until = now + *length;
                conn.freeze = None;
                return self.at(now, Event::Deliver { conn: id, up });
            }
        }
        let lane = conn.lane(up);
        lane.is_scheduled = false;
        let Some((_, sent, packet)) = lane.queue.pop_front() else { return };
        if let Some((due, _, _)) = lane.queue.front() {
            lane.is_scheduled = true;
            let due = (*due).max(now);
            self.at(due, Event::Deliver { conn: id, up });
        }
        if up {
            self.studio_hears(id, sent, packet);
        } else {
            self.worker_hears(id, packet);
        }
    }

    fn worker_hears(&mut self, id: ConnId, packet: Packet) {
        let Some(conn) = self.conns.get_mut(&id) else { return };
        let (host, life, socket, is_open) = (conn.host, conn.life, conn.socket, conn.worker_open);
        if !is_open || self.hosts[host.0].life != life {
            return;
        }
        if matches!(packet, Packet::Close(_) | Packet::Refused(_) | Packet::NoListener) {
            conn.worker_open = false;
        }
        if self.hosts[host.0].is_base() {
            self.base_hears(host, id, &packet);
        } else {
            self.ours_hears(host, socket, packet);
        }
    }

    /// The worker's side closes; what it sent before still arrives.
    pub(super) fn worker_closes(&mut self, id: ConnId, code: Option<u16>) {
        if let Some(conn) = self.conns.get_mut(&id).filter(|conn| conn.worker_open) {
            conn.worker_open = false;
            self.push(id, true, Packet::Close(code));
        }
    }

    /// The studio's side closes; what it sent before still arrives.
    pub(super) fn studio_closes(&mut self, id: ConnId, code: Option<u16>) {
        if let Some(conn) = self.conns.get_mut(&id).filter(|conn| conn.studio_open) {
            conn.studio_open = false;
            self.push(id, false, Packet::Close(code));
        }
    }

    /// A process is gone: its system closes the connection, unless its machine is off.
    pub(super) fn worker_side_dies(&mut self, host: HostId, life: u32, is_told: bool) {
        for id in self.conns_where(|conn| conn.host == host && conn.life == life && conn.worker_open) {
            let loses_tail = self.dice.chance(0.5);
            let Some(conn) = self.conns.get_mut(&id) else { continue };
            conn.worker_open = false;
            if !is_told {
                conn.is_dead = true;
                continue;
            }
            if loses_tail {
                conn.up.queue.clear();
            }
            self.push(id, true, Packet::Close(None));
        }
    }

    pub(super) fn studio_side_dies(&mut self, is_told: bool) {
        for id in self.conns_where(|conn| conn.studio_open) {
            let loses_tail = self.dice.chance(0.5);
            let Some(conn) = self.conns.get_mut(&id) else { continue };
            conn.studio_open = false;
            if !is_told {
                conn.is_dead = true;
                continue;
            }
            if loses_tail {
                conn.down.queue.clear();
            }
            self.push(id, false, Packet::Close(None));
        }
    }

    /// A connection breaks.
    pub(super) fn cut_something(&mut self) {
        let open = self.conns_where(Conn::is_sound);
        let Some(id) = self.dice.pick(&open).copied() else { return };
        let (worker_told, studio_told) = (self.dice.chance(0.6), self.dice.chance(0.6));
        note!(self, "fault: c{} is cut, worker told: {worker_told}, studio told: {studio_told}", id.0);
        let Some(conn) = self.conns.get_mut(&id) else { return };
        conn.up.queue.clear();
        conn.down.queue.clear();
        // What a side sends from now on goes nowhere; the end is all that either may still hear.
        if worker_told {
            self.push(id, false, Packet::Close(None));
        }
        if studio_told {
            self.push(id, true, Packet::Close(None));
        }
        if let Some(conn) = self.conns.get_mut(&id) {
            conn.is_dead = true;
        }
    }

    pub(super) fn conns_where(&self, test: impl Fn(&Conn) -> bool) -> Vec<ConnId> {
        self.conns.iter().filter(|(_, conn)| test(conn)).map(|(id, _)| *id).collect()
    }
}
