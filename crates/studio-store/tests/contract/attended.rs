//! Jobs whose clients wait for them.

use studio_store::{JobState, Submission};

use crate::fixture::{Fixture, W1};

pub fn what_is_left_of_the_former_run_is_called_off(f: &mut Fixture) {
    let jobs: Vec<_> = (0..4).map(|_| f.new_job("chat")).collect();
    let ids: Vec<_> = jobs.iter().map(|job| job.id.clone()).collect();
    let now = f.tick();
    f.db.submit_attended(Submission { batch: None, jobs, idempotency: None }, now).unwrap();
    let other = f.submit("chat");
    let [waits, runs, done, left] = &ids[..] else { panic!("four jobs") };
    f.start(runs, W1);
    f.start(done, W1);
    f.complete(done, W1, None);
    f.db.unattend(left).unwrap();
    assert_eq!(f.db.cancel_attended("started again", now).unwrap(), 2);
    let states = [waits, runs, done, left, &other].map(|job| f.state(job));
    let (off, queued) = (JobState::Cancelled, JobState::Queued);
    assert_eq!(states, [off, off, JobState::Done, queued, queued]);
    assert_eq!(f.job(runs).error.as_deref(), Some("started again"));
    assert_eq!(f.db.cancel_attended("again", now).unwrap(), 0);
}
