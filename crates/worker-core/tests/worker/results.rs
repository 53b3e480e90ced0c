//! A finished result is never lost, and never reported where it may not be.

use std::time::Duration;

use serde_json::json;
use serde_json::value::RawValue;
use studio_protocol::{FeatureSet, JobAck, StudioFrame, TaskKind};
use worker_core::{
    Effect, Identity, Input, MAX_UPLOADS, MAX_WAITING_RESULTS, Output, SPOOL_RETRY, Secret, Settings,
    SpoolEntry, UploadOutcome,
};

use crate::support::{Story, all_features, approved, attempt, chat, picture};

fn entry(job: &str) -> SpoolEntry {
    SpoolEntry {
        job_id: job.into(),
        worker_id: "w-1".into(),
        attempt: Some(3),
        kind: TaskKind::Llm,
        prompt: "hi".into(),
        output: Output::Json(RawValue::from_string("{}".into()).unwrap()),
    }
}

fn restarted(jobs: &[&str]) -> Story {
    Story::with(Settings::default(), approved(), jobs.iter().map(|job| entry(job)).collect())
}

fn ack(job: &str, stale: bool) -> StudioFrame {
    StudioFrame::CompleteAck(JobAck { job_id: job.into(), stale })
}

fn completed(story: &mut Story) -> Vec<String> {
    let frames = story.sent().into_iter().filter(|frame| frame["type"] == "completeJson");
    frames.map(|frame| frame["jobId"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn a_json_result_is_written_then_sent_then_kept_until_its_acknowledgement() {
    let mut story = Story::open(all_features());
    story.offer(attempt(chat("job-1"), 2));
    story.finish_json("job-1");
    let spooled = story.wanted.iter().position(|effect| matches!(effect, Effect::Spool(_))).unwrap();
    let sent = story.wanted.iter().rposition(|effect| matches!(effect, Effect::Send(_))).unwrap();
    assert!(spooled < sent);
    let frame = story.sent().pop().unwrap();
    assert_eq!(
        frame,
        json!({"type": "completeJson", "jobId": "job-1", "result": {"object": "chat.completion"}, "prompt": "hi", "attempt": 2})
    );
    assert!(!story.forgets("job-1"));
    story.frame(ack("job-1", false));
    assert!(story.forgets("job-1"));
}

#[test]
fn a_result_that_was_made_offline_is_sent_right_after_the_first_heartbeat() {
    let mut story = Story::open(all_features());
    story.offer(chat("job-1"));
    story.closed(None);
    story.finish_json("job-1");
    story.sent();
    story.reconnect(all_features());
    let sent = story.sent();
    assert_eq!(sent[1]["heldJobs"], json!(["job-1"]));
    assert!(sent[1].get("currentJobId").is_none(), "nothing runs");
    assert_eq!(sent[2]["type"], "completeJson");
}

#[test]
fn results_of_an_earlier_process_are_sent_again_until_they_are_acknowledged() {
    for _ in 0..2 {
        let mut story = restarted(&["job-1", "job-2"]);
        story.reconnect(all_features());
        assert_eq!(completed(&mut story), ["job-1", "job-2"]);
        assert!(!story.forgets("job-1"));
        story.frame(ack("job-1", true));
        assert!(story.forgets("job-1") && !story.forgets("job-2"), "stale ends it as well");
    }
}

#[test]
fn results_of_another_identity_are_dropped() {
    let other =
        Identity::Approved { install_id: "i".into(), worker_id: "w-2".into(), auth_token: Secret::new("t") };
    let mut story = Story::with(Settings::default(), other, vec![entry("job-1")]);
    assert!(story.forgets("job-1"));
    story.reconnect(all_features());
    assert!(completed(&mut story).is_empty());
}

#[test]
fn a_base_studio_gets_old_results_one_by_one_and_what_it_calls_a_violation_is_dropped() {
    let mut story = restarted(&["a", "b", "c"]);
    story.reconnect(FeatureSet::NONE);
    assert_eq!(completed(&mut story), ["a"]);
    story.frame(ack("a", false));
    assert_eq!(completed(&mut story), ["b"]);
    story.closed(Some(4002));
    assert!(story.forgets("b") && !story.forgets("c"));
    story.reconnect(FeatureSet::NONE);
    assert_eq!(completed(&mut story), ["c"]);
}

#[test]
fn a_studio_of_ours_that_calls_one_of_many_a_violation_gets_them_one_by_one() {
    let mut story = restarted(&["a", "b"]);
    story.reconnect(all_features());
    assert_eq!(completed(&mut story).len(), 2);
    story.closed(Some(4002));
    assert!(!story.forgets("a") && !story.forgets("b"));
    story.reconnect(all_features());
    assert_eq!(completed(&mut story), ["a"]);
    story.closed(Some(4002));
    story.reconnect(all_features());
    assert_eq!(completed(&mut story), ["b"], "no loop over the same result");
}

#[test]
fn a_binary_result_is_uploaded_and_the_slot_is_free_meanwhile() {
    let mut story = Story::open(all_features());
    story.offer(attempt(picture("job-1"), 1));
    story.finish_file("job-1");
    assert_eq!(story.uploads("job-1"), 1);
    story.offer(picture("job-2"));
    assert!(story.runs("job-2"));
    story.pass(Duration::from_secs(5));
    let heartbeat = story.sent().pop().unwrap();
    assert_eq!(
        (&heartbeat["currentJobId"], &heartbeat["heldJobs"]),
        (&json!("job-2"), &json!(["job-2", "job-1"]))
    );
    story.uploaded("job-1", Some(1), UploadOutcome::Taken);
    assert!(story.forgets("job-1"));
}

#[test]
fn a_base_studio_hears_of_an_upload_as_the_current_job() {
    let mut story = Story::open(FeatureSet::NONE);
    story.offer(picture("job-1"));
    story.finish_file("job-1");
    story.pass(Duration::from_secs(5));
    assert_eq!(story.sent().pop().unwrap()["currentJobId"], "job-1");
}

#[test]
fn an_upload_is_retried_with_backoff_and_at_once_when_the_studio_is_back() {
    let mut story = Story::open(all_features());
    story.offer(attempt(picture("job-1"), 1));
    story.finish_file("job-1");
    for (failure, seconds) in [(1, 1), (2, 2), (3, 4)] {
        story.uploaded("job-1", Some(1), UploadOutcome::TryAgain("503".into()));
        story.pass(Duration::from_secs(seconds) - Duration::from_millis(1));
        assert_eq!(story.uploads("job-1"), failure);
        story.pass(Duration::from_millis(1));
        assert_eq!(story.uploads("job-1"), failure + 1);
    }
    story.uploaded("job-1", Some(1), UploadOutcome::TryAgain("503".into()));
    story.closed(None);
    story.reconnect(all_features());
    assert_eq!(story.uploads("job-1"), 5);
}

#[test]
fn a_refused_upload_is_not_retried() {
    for (status, failed) in [(409, false), (404, false), (401, false), (400, true), (413, true)] {
        let mut story = Story::open(all_features());
        story.offer(attempt(picture("job-1"), 1));
        story.finish_file("job-1");
        story.sent();
        story.uploaded("job-1", Some(1), UploadOutcome::Refused { status, body: "no".into() });
        assert!(story.forgets("job-1"), "{status}");
        let fails: Vec<_> = story.sent().into_iter().filter(|frame| frame["type"] == "fail").collect();
        assert_eq!(fails.len() == 1, failed, "{status}");
        story.pass(Duration::from_mins(2));
        assert_eq!(story.uploads("job-1"), 1);
    }
}

#[test]
fn uploads_are_bounded_and_nothing_is_uploaded_before_the_first_session() {
    let mut jobs: Vec<SpoolEntry> = ["a", "b", "c", "d"].map(entry).into();
    for job in &mut jobs {
        job.kind = TaskKind::Image;
        job.output = Output::File { path: "/spool/x".into(), ext: "png".into() };
    }
    let mut story = Story::with(Settings::default(), approved(), jobs);
    let uploads = |story: &Story| story.wanted.iter().filter(|e| matches!(e, Effect::Upload(_))).count();
    story.give(Input::Tick);
    assert_eq!(uploads(&story), 0);
    story.reconnect(all_features());
    assert_eq!(uploads(&story), MAX_UPLOADS);
    story.uploaded("a", Some(3), UploadOutcome::Taken);
    assert_eq!(uploads(&story), MAX_UPLOADS + 1);
}

#[test]
fn an_engine_that_fails_on_a_full_disk_fails_one_job_and_not_all() {
    let mut story = Story::open(all_features());
    story.offer(picture("job-1"));
    story.fail("job-1", "no space left on device", true);
    assert!(story.wants(|effect| matches!(effect, Effect::CheckSpool)));
    story.give(Input::SpoolChecked { writable: false });
    assert!(story.logged("no new jobs are taken"));
    story.offer(picture("job-2"));
    assert_eq!(story.sent().pop().unwrap()["code"], "busy");
    story.pass(SPOOL_RETRY);
    story.give(Input::SpoolChecked { writable: true });
    story.offer(picture("job-3"));
    assert!(story.runs("job-3"));
}

#[test]
fn lost_bytes_fail_the_job_so_that_it_is_made_again() {
    let mut story = Story::open(all_features());
    story.offer(attempt(picture("job-1"), 1));
    story.finish_file("job-1");
    story.uploaded("job-1", Some(1), UploadOutcome::PayloadLost("sha256 differs".into()));
    let fail = story.sent().pop().unwrap();
    assert_eq!((&fail["type"], &fail["retryable"]), (&json!("fail"), &json!(true)));
    assert!(story.forgets("job-1"));
}

#[test]
fn with_a_full_disk_the_result_is_reported_from_memory_and_no_more_is_taken() {
    let mut story = Story::open(all_features());
    story.offer(chat("job-1"));
    story.disk_full = true;
    story.finish_json("job-1");
    assert_eq!(completed(&mut story), ["job-1"]);
    assert!(story.logged("no space left"));
    story.offer(chat("job-2"));
    assert_eq!(story.sent()[0]["code"], "busy");
    story.pass(SPOOL_RETRY);
    assert!(story.wants(|effect| matches!(effect, Effect::CheckSpool)));
    story.give(Input::SpoolChecked { writable: false });
    story.offer(chat("job-3"));
    assert_eq!(story.sent().pop().unwrap()["code"], "busy");
    story.disk_full = false;
    story.wanted.clear();
    story.give(Input::SpoolChecked { writable: true });
    assert!(
        story.wants(|effect| matches!(effect, Effect::Spool(_))),
        "what was in memory alone is written now"
    );
    story.offer(chat("job-4"));
    assert!(story.runs("job-4"));
}

#[test]
fn too_many_unacknowledged_results_stop_new_offers() {
    let mut story = Story::open(all_features());
    for n in 0..MAX_WAITING_RESULTS {
        let job = format!("job-{n}");
        story.offer(chat(&job));
        story.finish_json(&job);
    }
    story.sent();
    story.offer(chat("one-more"));
    assert_eq!(story.sent()[0]["code"], "busy");
    story.frame(ack("job-0", false));
    story.offer(chat("now"));
    assert!(story.runs("now"));
}

#[test]
fn a_job_that_is_offered_again_while_it_runs_is_not_started_twice() {
    let mut story = Story::open(all_features());
    story.offer(attempt(chat("job-1"), 1));
    story.closed(None);
    story.reconnect(all_features());
    story.wanted.clear();
    story.offer(attempt(chat("job-1"), 2));
    assert!(!story.runs("job-1"));
    assert_eq!(story.sent(), [json!({"type": "accept", "jobId": "job-1", "attempt": 2})]);
    story.finish_json("job-1");
    assert_eq!(story.sent().pop().unwrap()["attempt"], 2);
}

#[test]
fn a_job_whose_result_waits_is_answered_with_it_when_it_is_offered_again() {
    let mut story = restarted(&["job-1"]);
    story.reconnect(all_features());
    story.wanted.clear();
    story.offer(attempt(chat("job-1"), 4));
    assert!(!story.runs("job-1"));
    let sent = story.sent();
    assert_eq!((&sent[0]["type"], &sent[1]["type"]), (&json!("accept"), &json!("completeJson")));
    assert_eq!(sent[1]["attempt"], 4);
    story.frame(ack("job-1", true));
    assert!(!story.forgets("job-1"), "the stale one is that of the former claim");
    story.frame(ack("job-1", false));
    assert!(story.forgets("job-1"));
}

#[test]
fn a_result_of_the_wrong_sort_is_a_failure() {
    let mut story = Story::open(all_features());
    story.offer(picture("job-1"));
    story.finish_json("job-1");
    assert_eq!(story.sent_types(), ["accept", "fail"]);
    assert!(!story.wants(|effect| matches!(effect, Effect::Spool(_))));
}

#[test]
fn a_removed_worker_stops_its_jobs_and_drops_its_results() {
    let mut story = restarted(&["done"]);
    story.reconnect(all_features());
    story.offer(chat("running"));
    story.closed(Some(4004));
    assert!(story.stops("running") && story.forgets("running") && story.forgets("done"));
    story.wanted.clear();
    story.finish_json("running");
    assert!(story.forgets("running"), "late output of a job that is no longer ours is cleared away");
}

#[test]
fn the_late_end_of_a_former_upload_says_nothing_about_the_new_claim() {
    let mut story = Story::open(all_features());
    story.offer(attempt(picture("job-1"), 1));
    story.finish_file("job-1");
    story.offer(attempt(picture("job-1"), 2));
    assert_eq!(story.uploads("job-1"), 2, "again, for the new claim");
    story.uploaded("job-1", Some(1), UploadOutcome::Refused { status: 409, body: "stale".into() });
    assert!(!story.forgets("job-1"));
    story.uploaded("job-1", Some(2), UploadOutcome::Taken);
    assert!(story.forgets("job-1"));
}
