//! Texts and pictures of running jobs, models on request, and what a worker can take.

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::{Value, json};
use studio_protocol::{FeatureSet, MAX_PREVIEW_BYTES, ModelCommand, StudioFrame, TaskKind};
use worker_core::{Effect, EngineEvent, Input, Machine, MemoryRule, Settings};

use crate::support::{Story, all_features, approved, attempt, chat, machine, picture};

const PIECE: Duration = Duration::from_millis(50);
const SECOND: Duration = Duration::from_secs(1);

impl Story {
    fn say(&mut self, job: &str, text: &str) {
        self.give(Input::Engine(EngineEvent::Delta { job: job.into(), text: text.into(), reasoning: None }));
    }

    fn look(&mut self, job: &str, data: &str) {
        let (mime, data) = ("image/webp".to_owned(), data.to_owned());
        self.give(Input::Engine(EngineEvent::Preview { job: job.into(), mime, data }));
    }

    fn sent_of(&mut self, kind: &str) -> Vec<Value> {
        self.sent().into_iter().filter(|frame| frame["type"] == kind).collect()
    }

    fn asks(&self, wanted: (bool, bool)) -> bool {
        self.wants(
            |effect| matches!(effect, Effect::Run { stream, preview, .. } if (*stream, *preview) == wanted),
        )
    }
}

fn pieces(frames: &[Value]) -> Vec<(u64, &str)> {
    frames.iter().map(|frame| (frame["index"].as_u64().unwrap(), frame["text"].as_str().unwrap())).collect()
}

#[test]
fn a_text_leaves_in_pieces_and_its_end_ahead_of_the_result() {
    let mut story = Story::open(all_features());
    story.offer(attempt(chat("job-1"), 3));
    assert!(story.asks((true, false)));
    story.sent();
    for word in ["a", "b", "c"] {
        story.say("job-1", word);
    }
    story.pass(PIECE);
    let sent = story.sent_of("delta");
    assert_eq!(pieces(&sent), [(0, "a"), (1, "bc")]);
    assert_eq!(sent[1]["attempt"], 3);
    story.say("job-1", "d");
    story.finish_json("job-1");
    story.say("job-1", "never");
    story.pass(SECOND);
    assert_eq!(story.sent_types(), ["delta", "completeJson"]);
}

#[test]
fn tokens_are_at_most_twenty_frames_a_second() {
    let mut story = Story::open(all_features());
    story.offer(chat("job-1"));
    for n in 0..500 {
        story.say("job-1", &format!("{n} "));
        story.pass(Duration::from_millis(4));
    }
    let sent = story.sent_of("delta");
    assert!((38..=42).contains(&sent.len()), "{} frames in two seconds", sent.len());
    let text: String = pieces(&sent).iter().map(|(_, text)| *text).collect();
    assert!(text.starts_with("0 1 2 ") && text.len() > 1_500, "{}", text.len());
}

#[test]
fn a_base_studio_is_shown_nothing() {
    let mut story = Story::open(FeatureSet::NONE);
    story.offer(chat("job-1"));
    assert!(story.asks((false, false)));
    story.say("job-1", "a");
    story.finish_json("job-1");
    story.pass(SECOND);
    assert_eq!(story.sent_types(), ["accept", "completeJson"]);
}

#[test]
fn a_studio_that_comes_back_hears_the_whole_text_again() {
    let mut story = Story::open(all_features());
    story.offer(chat("job-1"));
    story.say("job-1", "a");
    story.pass(PIECE);
    story.closed(None);
    story.say("job-1", "b");
    story.say("job-1", "c");
    story.sent();
    story.reconnect(all_features());
    story.pass(SECOND);
    assert_eq!(pieces(&story.sent_of("delta")), [(0, "a"), (1, "bc")]);
    story.closed(None);
    story.reconnect(FeatureSet::NONE);
    story.say("job-1", "d");
    story.pass(SECOND);
    assert_eq!(story.sent_of("delta"), [] as [Value; 0]);
}

#[test]
fn another_attempt_is_told_from_the_beginning() {
    let mut story = Story::open(all_features());
    story.offer(attempt(chat("job-1"), 1));
    story.say("job-1", "a");
    story.pass(PIECE);
    story.sent();
    story.offer(attempt(chat("job-1"), 2));
    story.say("job-1", "b");
    story.pass(PIECE);
    let sent = story.sent_of("delta");
    assert_eq!(pieces(&sent), [(0, "a"), (1, "b")]);
    assert!(sent.iter().all(|frame| frame["attempt"] == 2), "{sent:?}");
}

#[test]
fn a_studio_that_is_silent_gets_no_more_of_the_text_until_it_is_heard() {
    let mut story = Story::open(all_features());
    story.offer(chat("job-1"));
    story.sent();
    for n in 0..200 {
        story.say("job-1", &format!("{n} "));
        story.pass_in_silence(PIECE);
    }
    let sent = story.sent_of("delta").len();
    assert!((100..=125).contains(&sent), "{sent} frames in ten seconds of silence");
    story.frame(StudioFrame::HeartbeatAck);
    story.pass(PIECE);
    let rest = story.sent_of("delta");
    assert!(rest[0]["text"].as_str().unwrap().ends_with("199 "), "{rest:?}");
}

#[test]
fn looks_at_a_picture_leave_once_a_second_and_end_with_it() {
    let mut story = Story::open(all_features());
    story.offer(picture("job-1"));
    assert!(story.asks((false, true)));
    story.sent();
    for n in 0..8 {
        story.look("job-1", &n.to_string());
        story.pass(Duration::from_millis(250));
    }
    story.look("job-1", &"x".repeat(MAX_PREVIEW_BYTES + 1));
    let sent = story.sent_of("preview");
    let data: Vec<_> = sent.iter().map(|frame| frame["data"].as_str().unwrap()).collect();
    assert_eq!(data, ["0", "3", "7"]);
    story.look("job-1", "late");
    story.finish_file("job-1");
    story.pass(2 * SECOND);
    assert_eq!(story.sent_of("preview"), [] as [Value; 0]);
}

#[test]
fn a_cancelled_job_shows_nothing_more() {
    let mut story = Story::open(all_features());
    story.offer(chat("job-1"));
    let cancel = studio_protocol::Cancel { job_id: "job-1".into(), reason: "no".into() };
    story.frame(StudioFrame::Cancel(cancel));
    story.say("job-1", "a");
    story.pass(SECOND);
    assert_eq!(story.sent_of("delta"), [] as [Value; 0]);
}

#[test]
fn an_operator_loads_and_unloads_models_where_the_owner_lets_him() {
    let source = chat("x")["modelSource"].clone();
    let command = |source: &Value| ModelCommand {
        model: "m".into(),
        model_source: Some(serde_json::from_value(source.clone()).unwrap()),
        vram_gb_estimate: Some(2.0),
    };
    let loads = |effect: &Effect| matches!(effect, Effect::LoadModel(command) if command.model == "m");
    let mut story = Story::open(all_features());
    story.frame(StudioFrame::LoadModel(command(&source)));
    assert!(story.wants(loads));
    story.frame(StudioFrame::UnloadModel(command(&source)));
    assert!(story.wants(|effect| matches!(effect, Effect::UnloadModel(model) if model == "m")));
    let mut escaping = source.clone();
    escaping["files"] = json!([{"role": "model", "url": "https://h/x", "filename": "../x"}]);
    story.wanted.clear();
    story.frame(StudioFrame::LoadModel(command(&escaping)));
    assert!(!story.wants(loads) && story.logged("../x"));
    let settings = Settings { remote_control: false, ..Settings::default() };
    let mut story = Story::with(settings, approved(), Vec::new()).connect(all_features());
    story.frame(StudioFrame::LoadModel(command(&source)));
    assert!(!story.wants(loads) && story.logged("switched remote control off"));
}

#[test]
fn kinds_have_slots_of_their_own() {
    let slots = BTreeMap::from([(TaskKind::Llm, 3)]);
    let mut story = Story::with(Settings { slots, ..Settings::default() }, approved(), Vec::new())
        .connect(all_features());
    for job in ["c1", "c2", "c3", "c4"] {
        story.offer(chat(job));
    }
    for job in ["p1", "p2"] {
        story.offer(picture(job));
    }
    assert_eq!(story.sent_types(), ["accept", "accept", "accept", "reject", "accept", "reject"]);
    story.pass(Duration::from_secs(5));
    let heartbeat = story.sent().pop().unwrap();
    assert_eq!(heartbeat["capabilities"]["slots"], json!({"image": 1, "llm": 3}));
}

#[test]
fn local_jobs_hold_slots_as_those_of_the_studio_do() {
    let local = |jobs: &[(TaskKind, u32)]| {
        Input::Machine(Box::new(Machine { local_jobs: jobs.iter().copied().collect(), ..machine() }))
    };
    let mut one = Story::open(all_features());
    one.give(local(&[(TaskKind::Image, 1)]));
    one.offer(chat("c1"));
    assert_eq!(one.sent()[0]["code"], "busy", "one slot is for all kinds");
    one.give(local(&[]));
    one.offer(chat("c2"));
    assert!(one.runs("c2"));

    let settings = Settings { slots: BTreeMap::from([(TaskKind::Llm, 2)]), ..Settings::default() };
    let mut several = Story::with(settings.clone(), approved(), Vec::new()).connect(all_features());
    several.give(local(&[(TaskKind::Llm, 1)]));
    for job in [chat("c1"), chat("c2"), picture("p1")] {
        several.offer(job);
    }
    assert_eq!(several.sent_types(), ["accept", "reject", "accept"]);

    let mut base = Story::with(settings, approved(), Vec::new()).connect(FeatureSet::default());
    base.give(local(&[(TaskKind::Image, 1)]));
    base.offer(chat("c1"));
    assert_eq!(base.sent()[0]["code"], "busy", "a base studio offers one job at a time");
}

#[test]
fn what_the_machine_is_busy_with_is_said_when_an_offer_is_refused() {
    let mut story = Story::open(all_features());
    let busy_reason = Some("the disk for models is full".to_owned());
    story.give(Input::Machine(Box::new(Machine { busy_reason, ..machine() })));
    story.offer(chat("job-1"));
    let reject = &story.sent()[0];
    assert_eq!((&reject["code"], &reject["reason"]), (&json!("busy"), &json!("the disk for models is full")));
}

#[test]
fn memory_is_weighed_unless_the_model_has_it_already_or_the_owner_says_so() {
    let with = |loaded: &[&str]| {
        let mut machine = Machine { free_vram_gb: Some(1.0), ..machine() };
        machine.capabilities.loaded_models = loaded.iter().map(|model| (*model).to_owned()).collect();
        Input::Machine(Box::new(machine))
    };
    let mut story = Story::open(all_features());
    story.give(with(&[]));
    story.offer(chat("job-1"));
    assert_eq!(story.sent()[0]["code"], "insufficient_memory");
    story.give(with(&["synthetic"]));
    story.offer(chat("job-2"));
    assert!(story.runs("job-2"));
    let settings = Settings { memory: MemoryRule::Ignore, ..Settings::default() };
    let mut story = Story::with(settings, approved(), Vec::new()).connect(all_features());
    story.give(with(&[]));
    story.offer(chat("job-3"));
    assert!(story.runs("job-3"));
}

#[test]
fn a_job_that_does_not_fit_goes_back_for_another_try() {
    let mut story = Story::open(all_features());
    story.offer(chat("job-1"));
    story.sent();
    let error = "needs 6.0 GiB of device memory, 2.0 GiB are free".to_owned();
    story.give(Input::Engine(EngineEvent::OutOfMemory { job: "job-1".into(), error: error.clone() }));
    let fail = &story.sent()[0];
    assert_eq!((&fail["type"], &fail["retryable"]), (&json!("fail"), &json!(true)));
    assert_eq!(fail["error"], error);
    assert!(
        !story.wants(|effect| matches!(effect, Effect::CheckSpool)),
        "the disk has nothing to do with it"
    );
}
