//! Events on their way to the daemon, whose channel may be full while it talks to an engine's task.

use std::collections::VecDeque;

use tokio::sync::mpsc;

use super::JobEvent;
use super::lane::Load;

/// Events that may wait here before the engine's output is left unread: a burst of tokens of every slot.
const MOST: usize = 4_096;

/// Sends at once where there is room, and keeps the order where there is none.
#[derive(Debug)]
pub(super) struct Outbox {
    events: mpsc::Sender<JobEvent>,
    waiting: VecDeque<JobEvent>,
    /// Told of every end.
    load: Load,
}

impl Outbox {
    pub(super) fn new(events: mpsc::Sender<JobEvent>, load: Load) -> Self {
        Self { events, waiting: VecDeque::new(), load }
    }

    /// Sends what must not be lost.
    pub(super) fn post(&mut self, event: JobEvent) {
        if event.is_end() {
            self.load.less();
        }
        if !self.waiting.is_empty() {
            return self.waiting.push_back(event);
        }
        if let Err(mpsc::error::TrySendError::Full(event)) = self.events.try_send(event) {
            self.waiting.push_back(event);
        }
    }

    /// Sends what the next one makes up for; dropped while the daemon is behind.
    pub(super) fn post_if_room(&mut self, event: JobEvent) {
        if self.waiting.is_empty() {
            let _ = self.events.try_send(event);
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.waiting.is_empty()
    }

    pub(super) fn has_room(&self) -> bool {
        self.waiting.len() < MOST
    }

    /// Sends one waiting event; may be dropped at any time.
    pub(super) async fn flush_one(&mut self) {
        match self.events.reserve().await {
            Ok(permit) => {
                if let Some(event) = self.waiting.pop_front() {
                    permit.send(event);
                }
            }
            Err(_) => self.waiting.clear(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stopped(job: usize) -> JobEvent {
        JobEvent::Stopped { job_id: format!("job-{job}").into() }
    }

    #[tokio::test]
    async fn what_must_arrive_arrives_in_order_and_the_rest_gives_way() {
        let (events, mut heard) = mpsc::channel(2);
        let mut outbox = Outbox::new(events, Load::default());
        for job in 0..5 {
            outbox.post(stopped(job));
        }
        outbox.post_if_room(stopped(99));
        let mut jobs = Vec::new();
        while jobs.len() < 5 {
            if !outbox.is_empty() {
                tokio::select! {
                    biased;
                    Some(event) = heard.recv() => jobs.push(format!("{event:?}")),
                    () = outbox.flush_one() => {}
                }
            } else if let Some(event) = heard.recv().await {
                jobs.push(format!("{event:?}"));
            }
        }
        let expected: Vec<String> = (0..5).map(|job| format!("{:?}", stopped(job))).collect();
        assert_eq!(jobs, expected);
        assert!(heard.try_recv().is_err());
    }

    #[tokio::test]
    async fn room_that_opens_belongs_to_what_waits() {
        let (events, mut heard) = mpsc::channel(1);
        let mut outbox = Outbox::new(events, Load::default());
        outbox.post(stopped(0));
        outbox.post(stopped(1));
        heard.recv().await.unwrap();
        outbox.post(stopped(2));
        outbox.flush_one().await;
        assert_eq!(format!("{:?}", heard.recv().await.unwrap()), format!("{:?}", stopped(1)));
    }

    #[tokio::test]
    async fn without_a_reader_nothing_piles_up() {
        let (events, heard) = mpsc::channel(1);
        let mut outbox = Outbox::new(events, Load::default());
        outbox.post(stopped(1));
        outbox.post(stopped(2));
        drop(heard);
        outbox.flush_one().await;
        assert!(outbox.is_empty());
    }
}
