//! Clients that wait for their jobs: in which order they came, and a bell for each that rings when there is news.
//!
//! A bell says that there is something to look at and nothing more, so that no news queues up for anybody, and a
//! client is woken by its own job only.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use studio_protocol::JobId;
use studio_store::JobState;
use tokio::sync::watch;

/// Every client that waits; clones share.
#[derive(Debug, Clone, Default)]
pub struct Seats(Arc<Mutex<State>>);

#[derive(Debug, Default)]
struct State {
    /// How many have come.
    came: u64,
    seats: HashMap<JobId, Seat>,
}

#[derive(Debug)]
struct Seat {
    came: u64,
    bell: watch::Sender<JobState>,
}

impl Seats {
    /// A seat for the client of a job that is about to wait; `Err` says how many wait, when that is too many.
    pub fn take(&self, job: JobId, most: usize) -> Result<Place, usize> {
        let mut state = self.state();
        let waiting = state.waiting().count();
        if waiting >= most {
            return Err(waiting);
        }
        state.came += 1;
        let (bell, heard) = watch::channel(JobState::Queued);
        let came = state.came;
        state.seats.insert(job.clone(), Seat { came, bell });
        Ok(Place { seats: self.clone(), job, came, heard })
    }

    /// How many clients wait for their jobs to start.
    pub fn waiting(&self) -> usize {
        self.state().waiting().count()
    }

    pub(crate) fn ring(&self, job: &JobId) {
        if let Some(seat) = self.state().seats.get(job) {
            seat.bell.send_modify(|_| ());
        }
    }

    pub(crate) fn changed(&self, job: &JobId, now: JobState) {
        if let Some(seat) = self.state().seats.get(job) {
            seat.bell.send_replace(now);
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // The map is whole after every statement, so a panic elsewhere leaves nothing half done.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn waiting(&self) -> impl Iterator<Item = u64> {
        let waits = |seat: &&Seat| *seat.bell.borrow() == JobState::Queued;
        self.seats.values().filter(waits).map(|seat| seat.came)
    }
}

/// The seat of one client; given up by its drop.
#[derive(Debug)]
pub struct Place {
    seats: Seats,
    job: JobId,
    came: u64,
    heard: watch::Receiver<JobState>,
}

impl Place {
    /// The job that is waited for.
    pub fn job(&self) -> &JobId {
        &self.job
    }

    /// The job's state; [`changed`](Self::changed) waits for what comes after it.
    pub fn look(&mut self) -> JobState {
        *self.heard.borrow_and_update()
    }

    /// Waits for news.
    pub async fn changed(&mut self) {
        // An error cannot be: the other end stays in `seats` as long as this one is here.
        let _ = self.heard.changed().await;
    }

    /// Clients that came before and wait as well.
    pub fn ahead(&self) -> usize {
        self.seats.state().waiting().filter(|came| *came < self.came).count()
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.seats.state().seats.remove(&self.job);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_counted_from_its_front_and_has_an_end() {
        let seats = Seats::default();
        let first = seats.take("a".into(), 2).unwrap();
        let second = seats.take("b".into(), 2).unwrap();
        assert_eq!((first.ahead(), second.ahead()), (0, 1));
        assert_eq!(seats.take("c".into(), 2).unwrap_err(), 2);
        seats.changed(&"a".into(), JobState::Running);
        assert_eq!(second.ahead(), 0);
        drop(second);
        let third = seats.take("c".into(), 1).unwrap();
        assert_eq!((third.ahead(), seats.waiting()), (0, 1));
    }

    #[tokio::test]
    async fn news_of_one_job_wake_its_client_alone() {
        let seats = Seats::default();
        let mut one = seats.take("a".into(), 9).unwrap();
        let mut other = seats.take("b".into(), 9).unwrap();
        let _ = (one.look(), other.look());
        seats.ring(&"a".into());
        one.changed().await;
        assert_eq!(one.look(), JobState::Queued);
        assert!(!other.heard.has_changed().unwrap());
        seats.changed(&"b".into(), JobState::Done);
        other.changed().await;
        assert_eq!(other.look(), JobState::Done);
    }
}
