//! Offers, progress, failures, cancels, pauses.

use std::time::Duration;

use serde_json::json;
use studio_protocol::{
    BadOffer, Cancel, FeatureSet, LogEntry, LogLevel, StudioFrame, Timestamp, UserPresence,
};
use worker_core::{Effect, EngineEvent, Input, Machine, Pause, ProgressReport, Settings};

use crate::support::{Story, all_features, approved, attempt, chat, machine, picture};

#[test]
fn an_offer_is_accepted_before_the_engine_starts() {
    let mut story = Story::open(all_features());
    story.offer(attempt(chat("job-1"), 2));
    let accept = story.wanted.iter().position(|effect| matches!(effect, Effect::Send(_)));
    let run = story.wanted.iter().position(|effect| matches!(effect, Effect::Run { .. }));
    assert!(accept < run && accept.is_some(), "{:?}", story.wanted);
    assert_eq!(story.sent(), [json!({"type": "accept", "jobId": "job-1", "attempt": 2})]);
}

#[test]
fn a_running_job_is_named_in_every_heartbeat() {
    let mut story = Story::open(all_features());
    story.offer(chat("job-1"));
    story.sent();
    story.pass(Duration::from_secs(5));
    let heartbeat = story.sent().pop().unwrap();
    assert_eq!((&heartbeat["currentJobId"], &heartbeat["heldJobs"]), (&json!("job-1"), &json!(["job-1"])));
}

#[test]
fn a_second_offer_is_refused_as_busy_until_the_first_is_done() {
    let mut story = Story::open(FeatureSet::NONE);
    story.offer(chat("job-1"));
    story.offer(chat("job-2"));
    let sent = story.sent();
    assert_eq!(sent[1]["type"], "reject");
    assert_eq!((&sent[1]["jobId"], &sent[1]["code"]), (&json!("job-2"), &json!("busy")));
    story.finish_json("job-1");
    story.offer(chat("job-3"));
    assert!(story.runs("job-3"));
}

#[test]
fn slots_are_counted_for_each_kind() {
    let mut story = Story::with(
        Settings { slots: Settings::same_slots(2), ..Settings::default() },
        approved(),
        Vec::new(),
    )
    .connect(all_features());
    for job in ["c1", "c2", "c3"] {
        story.offer(chat(job));
    }
    story.offer(picture("p1"));
    assert_eq!(story.sent_types(), ["accept", "accept", "reject", "accept"]);
    story.pass(Duration::from_secs(5));
    let heartbeat = story.sent().pop().unwrap();
    assert_eq!(heartbeat["capabilities"]["slots"], json!({"image": 2, "llm": 2}));
    assert!(heartbeat["capabilities"]["features"].as_array().unwrap().contains(&json!("slots")));
}

#[test]
fn one_slot_is_the_base_protocol_and_not_announced() {
    let mut story = Story::open(all_features());
    story.pass(Duration::from_secs(5));
    let heartbeat = story.sent().pop().unwrap();
    assert!(heartbeat["capabilities"].get("slots").is_none());
    let features = heartbeat["capabilities"]["features"].clone();
    assert_eq!(
        features,
        json!([
            "progress", "preview", "stream", "cancel", "lease", "resume", "release", "goodbye", "control",
            "options"
        ])
    );
}

#[test]
fn the_owner_and_the_machine_decide_what_is_taken() {
    let mut story = Story::open(all_features());
    story.give(Input::Pause(Pause::default()));
    story.sent();
    story.offer(chat("a"));
    assert_eq!(story.sent()[0]["code"], "paused");
    story.give(Input::Resume);
    story.sent();
    let mut busy = machine();
    busy.capabilities.only_when_idle = true;
    busy.capabilities.user_presence = Some(UserPresence::Active);
    story.give(Input::Machine(Box::new(busy)));
    story.wanted.clear();
    story.offer(chat("b"));
    assert_eq!(story.sent()[0]["code"], "paused");
    story.give(Input::Machine(Box::new(Machine { free_vram_gb: Some(1.2), ..machine() })));
    story.wanted.clear();
    story.offer(chat("c"));
    let reject = &story.sent()[0];
    assert_eq!(reject["code"], "insufficient_memory");
    assert!(reject["reason"].as_str().unwrap().contains("1.0 GiB"), "{reject}");
}

#[test]
fn what_this_build_cannot_do_is_failed_by_name() {
    let mut story = Story::open(all_features());
    let mut offer = attempt(chat("job-1"), 4);
    offer["modelSource"]["engine"] = json!("warp-drive");
    story.offer(offer);
    let sent = story.sent();
    assert_eq!(sent.len(), 1, "{sent:?}");
    assert_eq!(
        (&sent[0]["type"], &sent[0]["attempt"], &sent[0]["retryable"]),
        (&json!("fail"), &json!(4), &json!(true))
    );
    assert!(sent[0]["error"].as_str().unwrap().contains("warp-drive"));
    let problem = "task kind `hologram` is not known to this worker".to_owned();
    story.frame(StudioFrame::BadOffer(BadOffer { job_id: "job-2".into(), attempt: None, problem }));
    let sent = story.sent();
    assert_eq!((&sent[0]["type"], &sent[0]["jobId"]), (&json!("fail"), &json!("job-2")));
    assert_eq!(story.close(), None, "the session goes on");
}

#[test]
fn a_failure_frees_the_slot_and_is_repeated_after_a_reconnect_until_it_is_acknowledged() {
    let mut story = Story::open(all_features());
    story.offer(chat("job-1"));
    story.fail("job-1", "out of memory", true);
    assert_eq!(story.sent_types(), ["accept", "fail"]);
    story.closed(None);
    story.reconnect(all_features());
    let sent = story.sent();
    assert_eq!(sent[1]["heldJobs"], json!(["job-1"]));
    assert_eq!(sent[2]["type"], "fail");
    story.frame(StudioFrame::FailAck(serde_json::from_value(json!({"jobId": "job-1"})).unwrap()));
    story.closed(None);
    story.reconnect(all_features());
    assert!(!story.sent_types().contains(&"fail".to_owned()));
}

#[test]
fn progress_is_an_extension_and_limited_to_four_a_second() {
    let report = |step| ProgressReport { step, steps: 100, ..ProgressReport::default() };
    let mut story = Story::open(FeatureSet::NONE);
    story.offer(chat("job-1"));
    story.give(Input::Engine(EngineEvent::Progress { job: "job-1".into(), report: report(1) }));
    assert_eq!(story.sent_types(), ["accept"]);
    let mut story = Story::open(all_features());
    story.offer(chat("job-1"));
    for step in 0..100 {
        story.give(Input::Engine(EngineEvent::Progress { job: "job-1".into(), report: report(step) }));
        story.pass(Duration::from_millis(10));
    }
    let sent: Vec<_> = story.sent().into_iter().filter(|frame| frame["type"] == "progress").collect();
    assert!((4..=5).contains(&sent.len()), "{}", sent.len());
    story.pass(Duration::from_millis(250));
    assert!(story.sent().iter().all(|frame| frame["step"] == 99), "the latest report is not lost");
}

fn cancel(job: &str) -> StudioFrame {
    StudioFrame::Cancel(Cancel { job_id: job.into(), reason: "not needed".into() })
}

#[test]
fn a_cancel_stops_the_engine_and_is_answered_once_it_has_stopped() {
    let mut story = Story::open(all_features());
    story.offer(chat("job-1"));
    story.frame(cancel("job-1"));
    assert!(story.stops("job-1"));
    assert_eq!(story.sent_types(), ["accept"]);
    story.offer(chat("job-2"));
    assert_eq!(story.sent()[0]["code"], "busy", "the slot is free when the engine is");
    story.stopped("job-1");
    let sent = story.sent();
    assert_eq!(sent[0]["type"], "fail");
    assert_eq!((&sent[0]["error"], &sent[0]["retryable"]), (&json!("cancelled"), &json!(false)));
}

#[test]
fn a_result_that_overtakes_the_cancel_is_thrown_away() {
    let mut story = Story::open(all_features());
    story.offer(picture("job-1"));
    story.frame(cancel("job-1"));
    story.finish_file("job-1");
    assert_eq!(story.sent_types(), ["accept", "fail"]);
    assert!(story.forgets("job-1"));
    assert_eq!(story.uploads("job-1"), 0);
}

#[test]
fn a_cancel_ends_an_upload_but_not_a_result_that_was_sent() {
    let mut story = Story::open(all_features());
    story.offer(picture("job-1"));
    story.finish_file("job-1");
    story.frame(cancel("job-1"));
    assert_eq!(story.sent_types(), ["accept", "fail"]);
    assert!(story.forgets("job-1"));
    story.offer(chat("job-2"));
    story.finish_json("job-2");
    story.frame(cancel("job-2"));
    assert_eq!(story.sent_types(), ["accept", "completeJson"]);
    assert!(!story.forgets("job-2"), "its acknowledgement is under way");
}

#[test]
fn an_operator_pauses_and_resumes_where_the_owner_lets_him() {
    let mut story = Story::open(all_features());
    story.frame(StudioFrame::Pause);
    assert!(story.wants(|effect| matches!(effect, Effect::SavePaused(true))));
    story.pass(Duration::from_secs(5));
    assert_eq!(story.sent().pop().unwrap()["capabilities"]["autoEnabled"], false);
    story.frame(StudioFrame::Resume);
    assert!(story.wants(|effect| matches!(effect, Effect::SavePaused(false))));
    let settings = Settings { remote_control: false, ..Settings::default() };
    let mut story = Story::with(settings, approved(), Vec::new()).connect(all_features());
    story.frame(StudioFrame::Pause);
    assert!(!story.wants(|effect| matches!(effect, Effect::SavePaused(_))));
    assert!(story.logged("switched remote control off"));
}

#[test]
fn log_entries_wait_for_a_session_and_leave_once_a_second() {
    let entry = |text: &str| {
        Input::Log(LogEntry {
            ts: Timestamp::from_millis(0),
            level: LogLevel::Info,
            category: "engine".into(),
            message: text.into(),
            job_id: Some("job-1".into()),
        })
    };
    let mut story = Story::new();
    story.give(entry("early"));
    assert!(story.sent_types().is_empty());
    story.reconnect(all_features());
    assert_eq!(story.sent_types(), ["hello", "logBatch"]);
    for n in 0..50 {
        story.give(entry(&n.to_string()));
        story.pass(Duration::from_millis(50));
    }
    let batches = story.sent_types().len();
    assert!((2..=3).contains(&batches), "{batches}");
}
