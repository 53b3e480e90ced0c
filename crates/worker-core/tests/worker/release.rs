//! The owner gives a job back, and the history hears how every job ended.

use serde_json::json;
use studio_protocol::{Cancel, FeatureSet, JobAck, StudioFrame};
use worker_core::{Effect, Input, JobEnd};

use crate::support::{Story, all_features, attempt, chat};

/// How a job ended, each time that it was told.
fn ends(story: &Story, job: &str) -> Vec<String> {
    let told = story.wanted.iter().filter_map(|effect| match effect {
        Effect::Ended { job: id, end } if id.as_str() == job => Some(match end {
            JobEnd::Done(entry) => format!("done {}", entry.job_id),
            JobEnd::Failed(error) => format!("failed {error}"),
            JobEnd::Cancelled => "cancelled".to_owned(),
            JobEnd::Released(reason) => format!("released {reason}"),
        }),
        _ => None,
    });
    told.collect()
}

#[test]
fn a_job_goes_back_once_its_engine_has_stopped() {
    let mut story = Story::open(all_features());
    story.offer(attempt(chat("job-1"), 2));
    story.sent();
    story.give(Input::Release("job-1".into()));
    story.give(Input::Release("job-1".into()));
    assert!(story.stops("job-1") && story.sent_types().is_empty());
    story.stopped("job-1");
    let sent = story.sent();
    assert_eq!((sent.len(), &sent[0]["type"], &sent[0]["attempt"]), (1, &json!("release"), &json!(2)));
    assert_eq!(ends(&story, "job-1"), ["released the worker's owner gave it back"]);
    assert!(story.forgets("job-1"));
    // The slot is free, and nothing is said twice.
    story.stopped("job-1");
    story.offer(chat("job-2"));
    assert_eq!(story.sent_types(), ["accept"]);
}

#[test]
fn a_base_studio_gets_a_failure_that_may_be_tried_again() {
    let mut story = Story::open(FeatureSet::NONE);
    story.offer(chat("job-1"));
    story.sent();
    story.give(Input::Release("job-1".into()));
    story.stopped("job-1");
    let sent = story.sent();
    assert_eq!((&sent[0]["type"], &sent[0]["retryable"]), (&json!("fail"), &json!(true)));
    assert!(sent[0]["error"].as_str().unwrap().contains("owner"));
}

#[test]
fn without_a_session_nothing_is_owed_and_nothing_is_said() {
    let mut story = Story::open(all_features());
    story.offer(attempt(chat("job-1"), 1));
    story.closed(None);
    story.give(Input::Release("job-1".into()));
    story.stopped("job-1");
    assert_eq!(ends(&story, "job-1").len(), 1);
    story.sent();
    assert!(story.worker.snapshot().jobs.is_empty());
}

#[test]
fn a_job_that_is_done_meanwhile_counts_and_a_cancel_wins() {
    let mut story = Story::open(all_features());
    story.offer(chat("job-1"));
    story.give(Input::Release("job-1".into()));
    story.finish_json("job-1");
    assert!(story.sent_types().contains(&"completeJson".to_owned()));
    assert_eq!(ends(&story, "job-1"), ["done job-1"]);
    story.frame(StudioFrame::CompleteAck(JobAck { job_id: "job-1".into(), stale: false }));
    story.offer(chat("job-2"));
    story.give(Input::Release("job-2".into()));
    story.frame(StudioFrame::Cancel(Cancel { job_id: "job-2".into(), reason: String::new() }));
    story.stopped("job-2");
    assert_eq!(ends(&story, "job-2"), ["cancelled"]);
}

#[test]
fn every_job_that_ran_ends_once() {
    let mut story = Story::open(all_features());
    story.offer(chat("job-1"));
    story.fail("job-1", "boom", false);
    assert_eq!(ends(&story, "job-1"), ["failed boom"]);
    story.offer(chat("job-2"));
    story.give(Input::Shutdown);
    story.pass(std::time::Duration::from_secs(6));
    assert_eq!(ends(&story, "job-2"), ["released the worker is shutting down"]);
}

#[test]
fn the_owners_drain_finishes_what_runs() {
    let mut story = Story::open(all_features());
    story.offer(chat("job-1"));
    story.give(Input::Drain);
    assert_eq!(story.exit(), None);
    story.finish_json("job-1");
    story.frame(StudioFrame::CompleteAck(JobAck { job_id: "job-1".into(), stale: false }));
    assert!(story.exit().is_some());
}
