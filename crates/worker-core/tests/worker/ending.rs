//! Signals and drains: nothing more is taken, what runs gets its grace, the rest goes back.

use std::time::Duration;

use serde_json::json;
use studio_protocol::{FeatureSet, JobAck, StudioFrame, TaskKind, WorkerClose};
use worker_core::{Effect, ExitReason, Identity, Input, Machine, Settings, UploadOutcome};

use crate::support::{Story, all_features, attempt, chat, machine, picture};

const GRACE: Duration = Duration::from_secs(5);

#[test]
fn an_idle_worker_says_goodbye_and_ends_at_once() {
    let mut story = Story::open(all_features());
    story.give(Input::Shutdown);
    assert_eq!(story.sent_types(), ["goodbye"]);
    assert_eq!((story.close(), story.exit()), (Some(WorkerClose::SessionEnded), Some(ExitReason::Stopped)));
}

#[test]
fn a_base_studio_hears_no_goodbye() {
    let mut story = Story::open(FeatureSet::NONE);
    story.give(Input::Shutdown);
    assert!(story.sent_types().is_empty());
    assert_eq!(story.close(), Some(WorkerClose::SessionEnded));
}

#[test]
fn a_job_may_finish_within_the_grace_and_its_result_is_acknowledged_before_the_end() {
    let mut story = Story::open(all_features());
    story.offer(chat("job-1"));
    story.give(Input::Shutdown);
    story.offer(chat("job-2"));
    let sent = story.sent();
    let rejects: Vec<_> = sent.iter().filter(|frame| frame["type"] == "reject").collect();
    assert_eq!((rejects.len(), &rejects[0]["code"]), (1, &json!("busy")));
    story.pass(GRACE - Duration::from_secs(1));
    story.finish_json("job-1");
    assert_eq!(story.exit(), None, "not before the acknowledgement");
    story.frame(StudioFrame::CompleteAck(JobAck { job_id: "job-1".into(), stale: false }));
    assert_eq!(story.exit(), Some(ExitReason::Stopped));
    assert!(story.sent_types().ends_with(&["goodbye".to_owned()]));
}

#[test]
fn a_drain_waits_for_local_jobs_and_a_signal_does_not() {
    let local = |jobs: u32| {
        let local_jobs = (jobs > 0).then_some((TaskKind::Llm, jobs)).into_iter().collect();
        Input::Machine(Box::new(Machine { local_jobs, ..machine() }))
    };
    let mut drained = Story::open(all_features());
    drained.give(local(1));
    drained.give(Input::Drain);
    assert_eq!(drained.exit(), None);
    drained.give(local(0));
    assert_eq!(drained.exit(), Some(ExitReason::Stopped));
    let mut told = Story::open(all_features());
    told.give(local(1));
    told.give(Input::Shutdown);
    assert_eq!(told.exit(), Some(ExitReason::Stopped));
}

#[test]
fn after_the_grace_the_job_is_released_and_its_engine_stopped() {
    let mut story = Story::open(all_features());
    story.offer(attempt(chat("job-1"), 2));
    story.give(Input::Shutdown);
    story.pass(GRACE);
    let sent = story.sent();
    let release = sent.iter().find(|frame| frame["type"] == "release").unwrap();
    assert_eq!((&release["jobId"], &release["attempt"]), (&json!("job-1"), &json!(2)));
    assert_eq!(sent.last().unwrap()["type"], "goodbye");
    assert!(story.stops("job-1"));
    assert_eq!(story.exit(), Some(ExitReason::Stopped));
    assert!(matches!(story.wanted.last(), Some(Effect::Exit(_))));
}

#[test]
fn a_base_studio_gets_a_retryable_failure_instead_of_a_release() {
    let mut story = Story::open(FeatureSet::NONE);
    story.offer(chat("job-1"));
    story.give(Input::Shutdown);
    story.pass(GRACE);
    let fail = story.sent().into_iter().find(|frame| frame["type"] == "fail").unwrap();
    assert_eq!(fail["retryable"], true);
}

#[test]
fn a_result_that_could_not_be_told_stays_in_the_spool_and_no_goodbye_gives_its_claim_away() {
    let mut story = Story::open(all_features());
    story.offer(attempt(picture("job-1"), 1));
    story.finish_file("job-1");
    story.give(Input::Shutdown);
    story.uploaded("job-1", Some(1), UploadOutcome::TryAgain("503".into()));
    story.pass(GRACE);
    assert_eq!(story.exit(), Some(ExitReason::Stopped));
    assert!(!story.sent_types().contains(&"goodbye".to_owned()));
    assert!(!story.forgets("job-1"));
}

#[test]
fn without_a_session_an_idle_worker_ends_at_once_and_a_busy_one_gets_the_grace() {
    let mut story = Story::open(all_features());
    story.closed(None);
    story.give(Input::Shutdown);
    assert_eq!(story.exit(), Some(ExitReason::Stopped));
    let mut story = Story::open(all_features());
    story.offer(chat("job-1"));
    story.closed(None);
    story.give(Input::Shutdown);
    assert_eq!(story.exit(), None);
    story.finish_json("job-1");
    assert_eq!(story.exit(), Some(ExitReason::Stopped), "the result is in the spool");
    assert!(!story.forgets("job-1"));
}

#[test]
fn a_worker_that_is_not_approved_ends_at_once() {
    let mut story = Story::with(Settings::default(), Identity::Pristine { install_id: None }, Vec::new());
    story.give(Input::Shutdown);
    assert_eq!(story.exit(), Some(ExitReason::Stopped));
}

#[test]
fn a_drain_waits_for_what_runs_however_long_it_takes() {
    let mut story = Story::open(all_features());
    story.offer(chat("job-1"));
    story.frame(StudioFrame::Drain);
    story.pass(Duration::from_hours(2));
    assert_eq!(story.exit(), None);
    story.sent();
    story.offer(chat("job-2"));
    assert_eq!(story.sent()[0]["code"], "busy");
    story.finish_json("job-1");
    story.frame(StudioFrame::CompleteAck(JobAck { job_id: "job-1".into(), stale: false }));
    assert_eq!(story.exit(), Some(ExitReason::Stopped));
}

#[test]
fn a_signal_cuts_a_drain_short() {
    let mut story = Story::open(all_features());
    story.offer(chat("job-1"));
    story.frame(StudioFrame::Drain);
    story.give(Input::Shutdown);
    story.pass(GRACE);
    assert_eq!(story.exit(), Some(ExitReason::Stopped));
    assert!(story.sent_types().contains(&"release".to_owned()));
}
