//! What a running job shows of itself: its text as it grows, and what its picture looks like so far.
//!
//! A text leaves in pieces, numbered from 0 for each attempt. They are kept while the job runs, so that a studio
//! that was away hears the whole text again; it knows by the numbers what it has.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use studio_protocol::{DELTA_INTERVAL, MAX_PREVIEW_BYTES, MAX_STREAM_BYTES, PREVIEW_INTERVAL};

/// Pieces that leave together after a reconnect: quick for a reader, and far from filling the queue of a socket.
const PIECES_AT_ONCE: usize = 16;
/// Pieces that leave ahead of the result: what was held back for an instant, not a text that nobody has heard.
const LAST_PIECES: usize = 4;
/// A studio that says nothing for this long, though it acknowledges a heartbeat every 5 s, gets no text either:
/// it would only fill the queue of the socket.
pub(crate) const STREAM_PATIENCE: Duration = Duration::from_secs(6);

/// A part of a text; it does not change any more once it has left.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Piece {
    pub(crate) index: u64,
    pub(crate) text: String,
    pub(crate) reasoning: String,
}

/// The text of one job.
#[derive(Debug)]
pub(crate) struct Stream {
    pieces: VecDeque<Piece>,
    /// The number of the first piece that is kept.
    first: u64,
    /// Pieces below have left, on whatever connection.
    fixed: u64,
    /// The next piece to leave on connection `socket`.
    next: u64,
    socket: u64,
    bytes: usize,
    next_at: Instant,
    /// It can never be whole again.
    is_over: bool,
}

impl Stream {
    pub(crate) fn new(now: Instant, socket: u64) -> Self {
        Self {
            pieces: VecDeque::new(),
            first: 0,
            fixed: 0,
            next: 0,
            socket,
            bytes: 0,
            next_at: now,
            is_over: false,
        }
    }

    /// The text grows; what has not left yet is one piece.
    pub(crate) fn note(&mut self, text: &str, reasoning: &str) {
        if self.is_over || (text.is_empty() && reasoning.is_empty()) {
            return;
        }
        self.bytes += text.len() + reasoning.len();
        if self.bytes > MAX_STREAM_BYTES {
            self.forget_sent();
        }
        if self.bytes > MAX_STREAM_BYTES {
            return self.give_up();
        }
        if let Some(piece) = self.pieces.back_mut().filter(|piece| piece.index >= self.fixed) {
            piece.text.push_str(text);
            piece.reasoning.push_str(reasoning);
        } else {
            let index = self.first + self.pieces.len() as u64;
            self.pieces.push_back(Piece { index, text: text.to_owned(), reasoning: reasoning.to_owned() });
        }
    }

    /// When something may leave on connection `socket`.
    pub(crate) fn due(&self, socket: u64) -> Option<Instant> {
        let next = if socket == self.socket { self.next } else { 0 };
        let has_more = next < self.first + self.pieces.len() as u64;
        (!self.is_over && has_more).then_some(self.next_at)
    }

    /// What leaves on connection `socket` now.
    pub(crate) fn take(&mut self, now: Instant, socket: u64) -> Vec<Piece> {
        self.speak_on(socket);
        if self.is_over || now < self.next_at {
            return Vec::new();
        }
        self.take_up_to(now, PIECES_AT_ONCE)
    }

    /// What leaves on connection `socket` before the result, which says it all; nothing follows.
    pub(crate) fn finish(&mut self, now: Instant, socket: u64) -> Vec<Piece> {
        self.speak_on(socket);
        let last = if self.is_over { Vec::new() } else { self.take_up_to(now, LAST_PIECES) };
        self.give_up();
        last
    }

    /// The next attempt hears it from the beginning.
    pub(crate) fn again(&mut self) {
        self.next = 0;
        self.give_up_if_cut();
    }

    /// Nothing leaves before.
    pub(crate) fn hold(&mut self, until: Instant) {
        self.next_at = self.next_at.max(until);
    }

    fn take_up_to(&mut self, now: Instant, most: usize) -> Vec<Piece> {
        let from = usize::try_from(self.next.saturating_sub(self.first)).unwrap_or(usize::MAX);
        let out: Vec<Piece> = self.pieces.iter().skip(from).take(most).cloned().collect();
        if let Some(last) = out.last() {
            self.next = last.index + 1;
            self.fixed = self.fixed.max(self.next);
            self.next_at = now + DELTA_INTERVAL;
        }
        out
    }

    fn speak_on(&mut self, socket: u64) {
        if self.socket != socket {
            self.socket = socket;
            self.again();
        }
    }

    fn forget_sent(&mut self) {
        while self.pieces.front().is_some_and(|piece| piece.index < self.next) {
            let Some(piece) = self.pieces.pop_front() else { return };
            self.bytes -= piece.text.len() + piece.reasoning.len();
            self.first = piece.index + 1;
        }
    }

    /// A text whose beginning is gone cannot be told again.
    fn give_up_if_cut(&mut self) {
        if self.first > 0 {
            self.give_up();
        }
    }

    fn give_up(&mut self) {
        self.is_over = true;
        self.pieces = VecDeque::new();
    }
}

/// The latest look of a picture that has not left.
#[derive(Debug)]
pub(crate) struct Looks {
    latest: Option<(String, String)>,
    next_at: Instant,
}

impl Looks {
    pub(crate) fn new(now: Instant) -> Self {
        Self { latest: None, next_at: now }
    }

    /// One that is too large is dropped.
    pub(crate) fn note(&mut self, mime: String, data: String) {
        if data.len() <= MAX_PREVIEW_BYTES {
            self.latest = Some((mime, data));
        }
    }

    /// Nothing leaves before.
    pub(crate) fn hold(&mut self, until: Instant) {
        self.next_at = self.next_at.max(until);
    }

    pub(crate) fn due(&self) -> Option<Instant> {
        self.latest.is_some().then_some(self.next_at)
    }

    /// Its type and bytes, at most once in a [`PREVIEW_INTERVAL`].
    pub(crate) fn take(&mut self, now: Instant) -> Option<(String, String)> {
        if now < self.next_at {
            return None;
        }
        let latest = self.latest.take()?;
        self.next_at = now + PREVIEW_INTERVAL;
        Some(latest)
    }
}

#[cfg(test)]
mod tests;
