//! Pauses and the owner's rules: what runs, what the studio hears, when memory is given back.

use std::time::Duration;

use serde_json::json;
use studio_protocol::{Capabilities, FeatureSet, StudioFrame, UserPresence};
use worker_core::{Effect, HOLD_LINGER, Input, Machine, Pause, Rules, Seen, Settings};

use crate::support::{Story, all_features, approved, attempt, chat, machine, picture};

const NOW: Pause = Pause { until: None, until_idle: false, release: true, free_memory: true };
const AFTER_JOB: Pause = Pause { release: false, ..NOW };

fn frees(story: &Story) -> Vec<bool> {
    let at_once =
        |effect: &Effect| if let Effect::FreeMemory { at_once } = effect { Some(*at_once) } else { None };
    story.wanted.iter().filter_map(at_once).collect()
}

fn with_rules(rules: Rules) -> Story {
    Story::with(Settings { rules, ..Settings::default() }, approved(), Vec::new()).connect(all_features())
}

fn look(story: &mut Story, seen: Seen) {
    story.give(Input::Seen(Box::new(seen)));
}

fn holds(story: &Story) -> Vec<String> {
    story.worker.snapshot().holds.into_iter().map(|hold| hold.reason).collect()
}

#[test]
fn a_pause_at_once_tells_the_studio_first_and_gives_the_job_back() {
    let mut story = Story::open(all_features());
    story.offer(attempt(picture("job-1"), 3));
    story.sent();
    story.give(Input::Pause(NOW));
    assert!(story.stops("job-1") && story.forgets("job-1"));
    assert_eq!(frees(&story), [true]);
    let sent = story.sent();
    let types: Vec<_> = sent.iter().map(|frame| frame["type"].as_str().unwrap()).collect();
    assert_eq!(types, ["heartbeat", "release"]);
    assert_eq!(
        (&sent[0]["capabilities"]["autoEnabled"], &sent[0]["heldJobs"]),
        (&json!(false), &json!(["job-1"]))
    );
    assert_eq!((&sent[1]["jobId"], &sent[1]["attempt"]), (&json!("job-1"), &json!(3)));
    story.stopped("job-1");
    assert!(story.sent_types().is_empty(), "it has not failed");
}

#[test]
fn a_base_studio_hears_of_a_retryable_failure() {
    let mut story = Story::open(FeatureSet::NONE);
    story.offer(picture("job-1"));
    story.sent();
    story.give(Input::Pause(NOW));
    let fail = story.sent().into_iter().find(|frame| frame["type"] == "fail").unwrap();
    assert_eq!((&fail["jobId"], &fail["retryable"]), (&json!("job-1"), &json!(true)));
    story.stopped("job-1");
    assert!(story.sent_types().is_empty());
}

#[test]
fn a_base_studio_hears_nothing_of_a_claim_that_went_with_its_connection() {
    let mut story = Story::open(FeatureSet::NONE);
    story.offer(picture("job-1"));
    story.closed(None);
    story.reconnect(FeatureSet::NONE);
    story.sent();
    story.give(Input::Pause(NOW));
    assert!(story.sent_types().is_empty(), "to fail it would end the session");
    assert!(story.stops("job-1"));
}

#[test]
fn a_pause_after_the_job_lets_it_finish_and_then_wants_the_memory() {
    let mut story = Story::open(all_features());
    story.offer(picture("job-1"));
    story.sent();
    story.give(Input::Pause(AFTER_JOB));
    assert!(!story.stops("job-1") && frees(&story).is_empty());
    story.offer(picture("job-2"));
    assert_eq!(story.sent_types(), ["reject"]);
    story.finish_file("job-1");
    assert_eq!(frees(&story), [false]);
    assert_eq!(story.uploads("job-1"), 1);
}

#[test]
fn a_result_that_is_being_written_is_kept() {
    let mut story = Story::open(all_features());
    story.offer(picture("job-1"));
    story.disk_full = true;
    story.finish_file("job-1");
    story.wanted.clear();
    story.give(Input::Pause(NOW));
    assert!(!story.stops("job-1") && !story.forgets("job-1"));
    assert_eq!(frees(&story), [true], "the engine has nothing to do with it any more");
    assert!(!story.sent_types().contains(&"release".to_owned()));
}

#[test]
fn what_was_given_back_is_not_taken_again_before_its_engine_has_stopped() {
    let mut story = Story::open(all_features());
    story.offer(attempt(chat("job-1"), 1));
    story.give(Input::Pause(Pause { free_memory: false, ..NOW }));
    story.give(Input::Resume);
    story.sent();
    story.offer(attempt(chat("job-1"), 2));
    assert_eq!(story.sent()[0]["code"], "busy");
    story.stopped("job-1");
    story.offer(attempt(chat("job-1"), 2));
    assert_eq!(story.sent_types(), ["accept"]);
}

#[test]
fn what_was_given_back_without_a_session_is_told_with_the_next_one() {
    let mut story = Story::open(all_features());
    story.offer(attempt(chat("job-1"), 1));
    story.closed(None);
    story.give(Input::Pause(NOW));
    assert!(story.stops("job-1"));
    story.sent();
    story.reconnect(all_features());
    let sent = story.sent();
    assert_eq!(sent[1]["heldJobs"], json!(["job-1"]), "{sent:?}");
    assert_eq!((&sent[2]["type"], &sent[2]["jobId"]), (&json!("release"), &json!("job-1")));
    story.closed(None);
    story.reconnect(all_features());
    assert!(!story.sent_types().contains(&"release".to_owned()), "once is enough");
}

#[test]
fn a_cancelled_job_ends_as_cancelled_and_not_as_given_back() {
    let mut story = Story::open(all_features());
    story.offer(picture("job-1"));
    let cancel = studio_protocol::Cancel { job_id: "job-1".into(), reason: "no".into() };
    story.frame(StudioFrame::Cancel(cancel));
    story.sent();
    story.give(Input::Pause(NOW));
    assert!(story.sent_types().is_empty());
    story.stopped("job-1");
    let fail = &story.sent()[0];
    assert_eq!((&fail["type"], &fail["error"]), (&json!("fail"), &json!("cancelled")));
}

#[test]
fn a_pause_ends_by_its_time_and_the_file_hears_of_it() {
    let mut story = Story::open(all_features());
    let minute = Duration::from_mins(1);
    story.give(Input::Pause(Pause { until: Some(story.now + minute), ..AFTER_JOB }));
    story.pass(minute - Duration::from_secs(1));
    assert!(story.worker.snapshot().pause.is_some());
    story.wanted.clear();
    story.pass(Duration::from_secs(1));
    assert_eq!(story.worker.snapshot().pause, None);
    assert!(story.wants(|effect| matches!(effect, Effect::SavePaused(false))));
    assert!(story.wants(|effect| matches!(effect, Effect::LoadResidents)));
    assert!(story.sent().iter().any(|frame| frame["capabilities"]["autoEnabled"] == true), "told at once");
}

#[test]
fn a_pause_until_idle_ends_when_nobody_uses_the_machine() {
    let mut story = Story::open(all_features());
    story.give(Input::Pause(Pause { until_idle: true, ..Pause::default() }));
    for presence in [None, Some(UserPresence::Active)] {
        look(&mut story, Seen { presence, ..Seen::default() });
        assert!(story.worker.snapshot().pause.is_some(), "{presence:?}");
    }
    look(&mut story, Seen { presence: Some(UserPresence::Idle), ..Seen::default() });
    assert_eq!(story.worker.snapshot().pause, None);
}

#[test]
fn an_operator_pauses_and_resumes_but_never_past_a_rule() {
    let mut story = with_rules(Rules { pause_on_battery: true, ..Rules::default() });
    look(&mut story, Seen { on_battery: Some(false), ..Seen::default() });
    story.frame(StudioFrame::Pause);
    assert!(story.wants(|effect| matches!(effect, Effect::SavePaused(true))));
    look(&mut story, Seen { on_battery: Some(true), ..Seen::default() });
    story.frame(StudioFrame::Resume);
    assert!(story.wants(|effect| matches!(effect, Effect::SavePaused(false))));
    story.sent();
    story.offer(chat("job-1"));
    let reject = &story.sent()[0];
    assert_eq!(
        (&reject["code"], &reject["reason"]),
        (&json!("paused"), &json!("the machine runs on battery"))
    );
}

#[test]
fn a_rule_that_wants_the_machine_back_releases_what_runs_and_lingers() {
    let mut story = with_rules(Rules { pause_on_fullscreen: true, ..Rules::default() });
    story.offer(chat("too-early"));
    assert_eq!(story.sent()[0]["reason"], "the machine was not looked at yet");
    look(&mut story, Seen { fullscreen: Some(false), ..Seen::default() });
    story.offer(picture("job-1"));
    story.sent();
    look(&mut story, Seen { fullscreen: Some(true), ..Seen::default() });
    assert!(story.stops("job-1"));
    assert_eq!(frees(&story), [true]);
    let release = story.sent().into_iter().find(|frame| frame["type"] == "release").unwrap();
    assert_eq!(release["reason"], "a program fills the screen");
    story.stopped("job-1");
    look(&mut story, Seen { fullscreen: Some(false), ..Seen::default() });
    story.wanted.clear();
    story.pass(HOLD_LINGER - Duration::from_secs(1));
    assert_eq!(holds(&story), ["a program fills the screen"]);
    story.pass(Duration::from_secs(1));
    assert!(holds(&story).is_empty());
    assert!(story.wants(|effect| matches!(effect, Effect::LoadResidents)));
    story.offer(picture("job-2"));
    assert!(story.runs("job-2"));
}

#[test]
fn the_owner_may_want_rules_to_wait_for_the_job() {
    let rules = Rules { pause_on_fullscreen: true, free_memory: Some(false), ..Rules::default() };
    let mut story = with_rules(rules);
    look(&mut story, Seen::default());
    story.offer(picture("job-1"));
    look(&mut story, Seen { fullscreen: Some(true), ..Seen::default() });
    assert!(!story.stops("job-1") && frees(&story).is_empty());
    story.finish_file("job-1");
    assert_eq!(frees(&story), [false]);
}

#[test]
fn rules_change_while_the_worker_runs() {
    let mut story = Story::open(all_features());
    story.offer(picture("job-1"));
    story.give(Input::Rules(Box::new(Rules { pause_on_battery: true, ..Rules::default() })));
    assert!(frees(&story).is_empty() && !story.stops("job-1"), "nobody has looked yet");
    look(&mut story, Seen { on_battery: Some(true), ..Seen::default() });
    assert_eq!(holds(&story).len(), 1);
    story.give(Input::Rules(Box::default()));
    assert!(holds(&story).is_empty());
}

#[test]
fn presence_is_told_and_a_worker_for_idle_hours_waits_for_them() {
    let mut story = with_rules(Rules { only_when_idle: true, ..Rules::default() });
    let capabilities = Capabilities { only_when_idle: true, ..machine().capabilities };
    story.give(Input::Machine(Box::new(Machine { capabilities, ..machine() })));
    look(&mut story, Seen { presence: Some(UserPresence::Active), ..Seen::default() });
    story.offer(chat("a"));
    // What the owner changed is told in a heartbeat of its own, before or after.
    assert!(story.sent().iter().any(|frame| frame["type"] == "reject" && frame["code"] == "paused"));
    look(&mut story, Seen { presence: Some(UserPresence::Idle), ..Seen::default() });
    story.pass(HOLD_LINGER);
    story.offer(chat("b"));
    let sent = story.sent();
    let told = sent.iter().rev().find(|frame| frame["type"] == "heartbeat").unwrap();
    assert_eq!(told["capabilities"]["userPresence"], "idle");
    assert!(story.runs("b"));
}

#[test]
fn a_worker_that_starts_paused_loads_nothing_before_it_goes_on() {
    let settings = Settings { pause: Some(Pause::default()), ..Settings::default() };
    let mut story = Story::with(settings, approved(), Vec::new());
    assert!(!story.wants(|effect| matches!(effect, Effect::LoadResidents)));
    story.give(Input::Resume);
    assert!(story.wants(|effect| matches!(effect, Effect::LoadResidents)));
}

#[test]
fn an_operator_loads_nothing_into_memory_that_the_owner_wants() {
    let mut story = Story::open(all_features());
    story.give(Input::Pause(NOW));
    let load = serde_json::from_value(json!({"model": "synthetic"})).unwrap();
    story.frame(StudioFrame::LoadModel(load));
    assert!(story.logged("the owner wants the memory"));
    assert!(!story.wants(|effect| matches!(effect, Effect::LoadModel(_))));
}
