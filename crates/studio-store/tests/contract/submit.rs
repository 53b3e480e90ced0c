//! Taking jobs in.

use studio_store::{Idempotency, StoreError, Submission, Submitted};

use crate::fixture::{Fixture, at, model};

pub fn jobs_wait_in_the_order_of_submission(f: &mut Fixture) {
    let jobs = vec![f.new_job("chat"), f.new_job("paint"), f.new_job("chat")];
    let submitted = f.submit_all(jobs).unwrap();
    let ids: Vec<_> = submitted.jobs.iter().map(|job| job.id.as_str()).collect();
    assert_eq!(ids, ["job-1", "job-2", "job-3"]);
    assert!(submitted.jobs.is_sorted_by(|a, b| a.seq < b.seq));
    assert_eq!(&*submitted.jobs[1].engine, "synthetic");
    assert!((submitted.jobs[1].vram_gb - 1.5).abs() < f64::EPSILON);
    assert_eq!(f.db.open_work().unwrap().0, submitted.jobs);
    assert_eq!(f.db.counts().unwrap().queued, 3);
    assert_eq!(f.db.projects().unwrap().len(), 1);
    assert_eq!(f.db.projects().unwrap()[0].counts.queued, 3);
}

pub fn an_unknown_or_disabled_model_is_refused_and_nothing_is_stored(f: &mut Fixture) {
    f.db.set_model_enabled("paint", false, at(1)).unwrap();
    for name in ["paint", "dream"] {
        let jobs = vec![f.new_job("chat"), f.new_job(name)];
        let error = f.submit_all(jobs).unwrap_err();
        assert!(matches!(error, StoreError::Invalid { field: "model", .. }), "{error:?}");
        assert!(error.to_string().contains(name), "{error}");
    }
    assert_eq!(f.db.counts().unwrap().total(), 0);
    assert_eq!(f.db.projects().unwrap(), []);
}

pub fn a_model_of_another_kind_is_refused(f: &mut Fixture) {
    let mut job = f.new_job("chat");
    "paint".clone_into(&mut job.model);
    let error = f.submit_all(vec![job]).unwrap_err().to_string();
    assert!(error.contains("image") && error.contains("llm"), "{error}");
}

pub fn an_empty_or_huge_submission_is_refused(f: &mut Fixture) {
    let huge = (0..10_001).map(|_| f.new_job("chat")).collect();
    for jobs in [Vec::new(), huge] {
        let error = f.submit_all(jobs).unwrap_err();
        assert!(matches!(error, StoreError::Invalid { field: "jobs", .. }), "{error:?}");
    }
    let mut job = f.new_job("chat");
    job.max_attempts = 0;
    let error = f.submit_all(vec![job]).unwrap_err();
    assert!(matches!(error, StoreError::Invalid { field: "maxAttempts", .. }), "{error:?}");
}

fn request(f: &mut Fixture, client: &str, body: u8, jobs: usize) -> studio_store::Result<Submitted> {
    let jobs = (0..jobs).map(|_| f.new_job("chat")).collect();
    request_of(f, client, body, jobs)
}

fn request_of(
    f: &mut Fixture,
    client: &str,
    body: u8,
    jobs: Vec<studio_store::NewJob>,
) -> studio_store::Result<Submitted> {
    let key = Idempotency { key_id: client.into(), key: "k".to_owned(), body_sha256: [body; 32] };
    let now = f.tick();
    f.db.submit(Submission { batch: None, jobs, idempotency: Some(key) }, now)
}

pub fn a_repeated_request_gets_the_first_answer(f: &mut Fixture) {
    let first = request(f, "key-1", 1, 3).unwrap();
    f.submit("chat");
    let again = request(f, "key-1", 1, 3).unwrap();
    assert!(again.jobs.is_empty());
    let ids: Vec<_> = first.jobs.into_iter().map(|job| job.id).collect();
    assert_eq!(again.replayed.unwrap().jobs, ids);
    assert_eq!(f.db.counts().unwrap().queued, 4);
    // Another client may use the same words.
    assert!(request(f, "key-2", 1, 3).unwrap().replayed.is_none());
}

pub fn the_same_key_with_another_body_is_a_conflict(f: &mut Fixture) {
    request(f, "key-1", 1, 1).unwrap();
    let error = request(f, "key-1", 2, 1).unwrap_err();
    assert!(matches!(error, StoreError::Conflict { .. }), "{error:?}");
    assert_eq!(f.db.counts().unwrap().queued, 1);
}

pub fn a_refused_request_leaves_its_key_free(f: &mut Fixture) {
    let unknown = vec![f.new_job("dream")];
    request_of(f, "key-1", 1, unknown).unwrap_err();
    f.db.put_model(&model("dream", studio_protocol::TaskKind::Llm), at(1)).unwrap();
    let known = vec![f.new_job("dream")];
    assert!(request_of(f, "key-1", 1, known).unwrap().replayed.is_none());
}

pub fn forgotten_keys_can_be_used_again(f: &mut Fixture) {
    request(f, "key-1", 1, 1).unwrap();
    let later = f.tick();
    assert_eq!(f.db.purge_idempotency(at(0)).unwrap(), 0);
    assert_eq!(f.db.purge_idempotency(later).unwrap(), 1);
    assert!(request(f, "key-1", 2, 1).unwrap().replayed.is_none());
}
