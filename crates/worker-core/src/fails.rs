//! Failures that the studio has not acknowledged.

use studio_protocol::{Fail, JobId};

/// Failures kept at once: far above any number of slots, so that a studio that never acknowledges cannot fill the memory.
const MAX_FAILS: usize = 1_024;

#[derive(Debug)]
struct Waiting {
    fail: Fail,
    /// The connection on which the claim was taken.
    taken_on: u64,
    /// The connection on which it was sent last.
    sent_on: Option<u64>,
}

/// In memory only: a failure that is lost costs another try, not a result.
#[derive(Debug, Default)]
pub(crate) struct Fails(Vec<Waiting>);

impl Fails {
    pub(crate) fn push(&mut self, fail: Fail, taken_on: u64) {
        self.acknowledged(&fail.job_id);
        if self.0.len() == MAX_FAILS {
            self.0.remove(0);
        }
        self.0.push(Waiting { fail, taken_on, sent_on: None });
    }

    /// What is to be sent on connection `socket`.
    ///
    /// Without `resume` the studio may have given a claim of an earlier connection away: to fail it would end
    /// the session, so these are dropped, and the claim comes back when no heartbeat names it.
    pub(crate) fn take_unsent(&mut self, socket: u64, resume: bool, lease: bool) -> Vec<Fail> {
        if !resume {
            self.0.retain(|waiting| waiting.taken_on == socket);
        }
        let unsent = self.0.iter_mut().filter(|waiting| waiting.sent_on != Some(socket));
        unsent
            .map(|waiting| {
                waiting.sent_on = Some(socket);
                Fail { attempt: waiting.fail.attempt.filter(|_| lease), ..waiting.fail.clone() }
            })
            .collect()
    }

    pub(crate) fn acknowledged(&mut self, job: &JobId) {
        self.0.retain(|waiting| waiting.fail.job_id != *job);
    }

    /// The studio ended connection `socket` over something that was said on it.
    pub(crate) fn drop_sent_on(&mut self, socket: u64) {
        self.0.retain(|waiting| waiting.sent_on != Some(socket));
    }

    pub(crate) fn clear(&mut self) {
        self.0.clear();
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(crate) fn job_ids(&self) -> impl Iterator<Item = &JobId> {
        self.0.iter().map(|waiting| &waiting.fail.job_id)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fail(job: &str) -> Fail {
        Fail { job_id: job.into(), error: "boom".into(), retryable: true, attempt: Some(2) }
    }

    #[test]
    fn a_failure_is_sent_once_a_connection_until_it_is_acknowledged() {
        let mut fails = Fails::default();
        fails.push(fail("a"), 1);
        assert_eq!(fails.take_unsent(1, true, true), [fail("a")]);
        assert!(fails.take_unsent(1, true, true).is_empty());
        assert_eq!(fails.take_unsent(2, true, true).len(), 1);
        fails.acknowledged(&"a".into());
        assert!(fails.is_empty());
    }

    #[test]
    fn a_base_studio_hears_only_of_claims_of_this_connection() {
        let mut fails = Fails::default();
        fails.push(fail("old"), 1);
        fails.push(fail("new"), 2);
        let sent = fails.take_unsent(2, false, false);
        assert_eq!(sent.iter().map(|fail| fail.job_id.as_str()).collect::<Vec<_>>(), ["new"]);
        assert_eq!(sent[0].attempt, None);
    }

    #[test]
    fn what_ended_a_session_is_not_said_again() {
        let mut fails = Fails::default();
        fails.push(fail("a"), 1);
        fails.take_unsent(1, true, true);
        fails.push(fail("b"), 1);
        fails.drop_sent_on(1);
        assert_eq!(fails.job_ids().collect::<Vec<_>>(), [&JobId::from("b")]);
    }

    #[test]
    fn they_are_bounded() {
        let mut fails = Fails::default();
        (0..MAX_FAILS + 3).for_each(|n| fails.push(fail(&n.to_string()), 1));
        assert_eq!(fails.0.len(), MAX_FAILS);
        assert_eq!(fails.job_ids().next(), Some(&"3".into()));
    }
}
