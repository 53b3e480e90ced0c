use std::path::PathBuf;
use std::time::Duration;

use serde_json::value::RawValue;
use studio_protocol::TaskKind;

use super::*;

fn entry(job: &str, output: Output) -> SpoolEntry {
    let kind = if matches!(output, Output::Json(_)) { TaskKind::Llm } else { TaskKind::Image };
    SpoolEntry {
        job_id: job.into(),
        worker_id: "w-1".into(),
        attempt: Some(1),
        kind,
        prompt: "p".into(),
        output,
    }
}

fn json(job: &str) -> SpoolEntry {
    entry(job, Output::Json(RawValue::from_string("{}".into()).unwrap()))
}

fn file(job: &str) -> SpoolEntry {
    entry(job, Output::File { path: PathBuf::from(job), ext: "png".into() })
}

fn ids(entries: &[Arc<SpoolEntry>]) -> Vec<&str> {
    entries.iter().map(|entry| entry.job_id.as_str()).collect()
}

fn with(entries: Vec<SpoolEntry>, taken_on: u64) -> Outbox {
    let mut outbox = Outbox::default();
    for entry in entries {
        let job = entry.job_id.clone();
        outbox.push(entry, taken_on);
        outbox.stored(&job, true);
    }
    outbox
}

#[test]
fn nothing_is_reported_before_it_is_stored() {
    let mut outbox = Outbox::default();
    outbox.push(json("a"), 1);
    outbox.push(file("b"), 1);
    assert!(outbox.take_json(1, true).is_empty());
    assert!(outbox.take_uploads(Instant::now()).is_empty());
    outbox.stored(&"a".into(), true);
    outbox.stored(&"b".into(), false);
    assert_eq!(ids(&outbox.take_json(1, true)), ["a"]);
    assert_eq!(ids(&outbox.take_uploads(Instant::now())), ["b"], "a full disk does not hold a result back");
    assert_eq!(ids(&outbox.memory_only()), ["b"]);
}

#[test]
fn a_result_is_sent_once_a_connection() {
    let mut outbox = with(vec![json("a"), json("b")], 1);
    assert_eq!(ids(&outbox.take_json(1, true)), ["a", "b"]);
    assert!(outbox.take_json(1, true).is_empty());
    assert!(outbox.acknowledged(&"a".into(), false));
    assert_eq!(ids(&outbox.take_json(2, true)), ["b"]);
    assert!(outbox.acknowledged(&"b".into(), true), "a stale acknowledgement ends it as well");
    assert!(outbox.is_empty());
}

#[test]
fn without_trust_older_claims_go_one_by_one_and_fresh_ones_at_once() {
    let mut outbox = Outbox::restored(vec![json("old-1"), json("old-2")]);
    outbox.push(json("fresh"), 7);
    outbox.stored(&"fresh".into(), true);
    assert_eq!(ids(&outbox.take_json(7, false)), ["old-1", "fresh"]);
    assert!(outbox.take_json(7, false).is_empty());
    outbox.acknowledged(&"old-1".into(), false);
    assert_eq!(ids(&outbox.take_json(7, false)), ["old-2"]);
    assert_eq!(outbox.blame(7, false), Blame::Dropped("old-2".into()));
    assert_eq!(outbox.job_ids().collect::<Vec<_>>(), [&JobId::from("fresh")]);
}

#[test]
fn a_violation_among_many_drops_none_at_first() {
    let mut outbox = Outbox::restored(vec![json("a"), json("b")]);
    assert_eq!(outbox.blame(1, true), Blame::Nothing);
    outbox.take_json(1, true);
    assert_eq!(outbox.blame(1, true), Blame::OneOfMany);
    assert_eq!(outbox.len(), 2);
}

#[test]
fn uploads_are_bounded_and_retried_with_backoff() {
    let start = Instant::now();
    let mut outbox = with(vec![file("a"), file("b"), file("c")], 1);
    assert_eq!(ids(&outbox.take_uploads(start)), ["a", "b"]);
    assert_eq!(outbox.upload_due(), None);
    assert_eq!(outbox.upload_failed(&"a".into(), start, 1.0), 1);
    assert_eq!(ids(&outbox.take_uploads(start)), ["c"]);
    outbox.remove(&"b".into());
    assert_eq!(outbox.upload_due(), Some(start + Duration::from_secs(1)));
    assert!(outbox.take_uploads(start).is_empty());
    outbox.session_opened();
    assert_eq!(ids(&outbox.take_uploads(start)), ["a"], "a new session ends the wait");
}

#[test]
fn an_adopted_result_is_stored_and_sent_again_for_the_new_claim() {
    let mut outbox = with(vec![json("a")], 1);
    outbox.take_json(1, true);
    let adopted = outbox.adopt(&"a".into(), Some(2), 1).unwrap();
    assert_eq!(adopted.attempt, Some(2));
    assert!(outbox.take_json(1, true).is_empty());
    assert!(!outbox.acknowledged(&"a".into(), true), "that was the former claim's");
    outbox.stored(&"a".into(), true);
    assert_eq!(ids(&outbox.take_json(1, true)), ["a"]);
    assert!(outbox.acknowledged(&"a".into(), false));
    assert!(outbox.adopt(&"a".into(), Some(3), 1).is_none());
}

#[test]
fn a_late_stale_acknowledgement_does_not_take_the_adopted_result_along() {
    let mut outbox = with(vec![json("a")], 1);
    outbox.take_json(1, true);
    outbox.adopt(&"a".into(), Some(2), 1);
    outbox.stored(&"a".into(), true);
    outbox.take_json(1, true);
    assert!(!outbox.acknowledged(&"a".into(), true));
    assert!(outbox.acknowledged(&"a".into(), true));
}
