//! Old artefacts and old jobs go, and nothing else.

use studio_protocol::JobId;
use studio_store::{ArtefactId, JobState};

use crate::fixture::{Fixture, W1, at};

/// A picture that was made at the fixture's time.
fn made(f: &mut Fixture, id: &str) -> JobId {
    let job = f.submit("paint");
    f.start(&job, W1);
    f.upload(&job, W1, None, id).unwrap();
    job
}

fn artefacts(f: &Fixture, before: i64) -> Vec<ArtefactId> {
    walk(|after| f.db.expired_artefacts(&"p".into(), at(before), after, 2).unwrap())
}

fn jobs(f: &Fixture, before: i64) -> Vec<JobId> {
    walk(|after| f.db.expired_jobs(&"p".into(), at(before), after, 2).unwrap())
}

fn walk<T>(slice: impl Fn(i64) -> studio_store::Slice<T>) -> Vec<T> {
    let (mut all, mut after) = (Vec::new(), 0);
    loop {
        let part = slice(after);
        all.extend(part.expired);
        match part.next {
            Some(next) => after = next,
            None => return all,
        }
    }
}

pub fn old_artefacts_go_and_their_jobs_stay(f: &mut Fixture) {
    let old: Vec<_> = (1..=3).map(|n| made(f, &format!("art-{n}"))).collect();
    let chat = f.submit("chat");
    let cut = f.tick().as_millis();
    let new = made(f, "art-4");
    assert_eq!(artefacts(f, 0), []);
    assert!(f.db.expired_artefacts(&"q".into(), at(cut), 0, 9).unwrap().expired.is_empty());
    let expired = artefacts(f, cut);
    assert_eq!(expired, ["art-1".into(), "art-2".into(), "art-3".into()]);
    assert_eq!(f.db.delete_artefacts(&expired).unwrap(), ["ab/art-1", "ab/art-2", "ab/art-3"]);
    assert_eq!(f.db.delete_artefacts(&expired).unwrap(), Vec::<String>::new(), "again is fine");
    assert_eq!(f.db.artefact_keys().unwrap(), ["ab/art-4"]);
    for job in &old {
        assert_eq!((f.state(job), f.job(job).artefact), (JobState::Done, None));
    }
    assert!(f.job(&new).artefact.is_some());
    assert_eq!(f.state(&chat), JobState::Queued);
}

pub fn old_jobs_go_with_everything_and_batches_keep_their_counts(f: &mut Fixture) {
    let (batch, in_batch) = f.submit_batch("batch-1", "chat", 3);
    for job in &in_batch[..2] {
        f.start(job, W1);
        f.complete(job, W1, None);
    }
    let picture = made(f, "art-1");
    let failed = f.submit("chat");
    f.start(&failed, W1);
    f.fail(&failed, W1, None, false);
    let waits = f.submit("chat");
    let cut = f.tick().as_millis();
    let late = f.submit("chat");
    f.start(&late, W1);
    f.complete(&late, W1, None);
    let before = f.db.counts().unwrap();
    let expired = jobs(f, cut);
    assert_eq!(expired, [in_batch[0].clone(), in_batch[1].clone(), picture.clone(), failed.clone()]);
    let counts = f.db.batch(&batch).unwrap().counts;
    // Meanwhile one of them was given another chance.
    f.db.retry(&failed, at(cut)).unwrap();
    let deleted = f.db.delete_jobs(&expired, at(cut)).unwrap();
    assert_eq!((&deleted.jobs[..], &deleted.keys[..]), (&expired[..3], &["ab/art-1".to_owned()][..]));
    assert!(f.db.job(&picture).is_err() && f.db.job(&in_batch[0]).is_err());
    assert_eq!(f.db.batch(&batch).unwrap().counts, counts);
    let after = f.db.counts().unwrap();
    assert_eq!((after.done, after.queued), (before.done - 3, before.queued + 1));
    assert_eq!(f.db.counts().unwrap().total(), 4);
    for job in [&in_batch[2], &failed, &waits, &late] {
        assert!(f.db.job(job).is_ok(), "{job}");
    }
    assert!(f.db.integrity_check().unwrap().is_empty());
}

pub fn the_newest_job_keeps_its_place_in_the_order(f: &mut Fixture) {
    let job = f.submit("chat");
    f.start(&job, W1);
    f.complete(&job, W1, None);
    assert_eq!(jobs(f, i64::MAX), std::slice::from_ref(&job));
    assert!(f.db.delete_jobs(std::slice::from_ref(&job), at(i64::MAX)).unwrap().jobs.is_empty());
    f.submit("chat");
    assert_eq!(f.db.delete_jobs(std::slice::from_ref(&job), at(i64::MAX)).unwrap().jobs, [job]);
}

pub fn bytes_that_another_row_names_stay(f: &mut Fixture) {
    let first = made(f, "art-1");
    let second = f.submit("paint");
    f.start(&second, W1);
    let now = f.tick();
    let mut same = crate::fixture::new_artefact("art-2");
    "ab/art-1".clone_into(&mut same.key);
    f.db.complete_artefact(&second, &W1.into(), None, &same, now).unwrap();
    f.submit("chat");
    assert_eq!(f.db.delete_jobs(&[first], at(i64::MAX)).unwrap().keys, Vec::<String>::new());
    assert_eq!(f.db.delete_artefacts(&["art-2".into()]).unwrap(), ["ab/art-1"]);
}
