//! Connecting, greeting, heartbeats, and every way a session ends.

use std::time::Duration;

use serde_json::json;
use studio_protocol::{
    CONNECT_LIMIT, ErrorCode, ErrorFrame, FeatureSet, HEARTBEAT_INTERVAL, READ_IDLE_LIMIT, StudioFrame,
    WorkerClose,
};
use worker_core::{Effect, ExitReason, Input, Settings, SocketEvent, UploadOutcome};

use crate::support::{Story, all_features, approved, attempt, chat, machine, picture, welcome};

const SECOND: Duration = Duration::from_secs(1);

fn connects(story: &Story) -> usize {
    story.wanted.iter().filter(|effect| matches!(effect, Effect::Connect { .. })).count()
}

#[test]
fn hello_comes_first_and_alone_until_the_welcome() {
    let mut story = Story::new();
    let socket = story.wait_for_connect();
    story.socket(socket, SocketEvent::Opened);
    let sent = story.sent();
    assert_eq!(sent.len(), 1);
    assert_eq!((&sent[0]["type"], &sent[0]["authToken"]), (&json!("hello"), &json!("tok")));
    assert_eq!(sent[0]["capabilities"]["autoEnabled"], json!(true));
    story.pass_in_silence(READ_IDLE_LIMIT - SECOND);
    assert!(story.sent().is_empty());
    story.frame(welcome(all_features()));
    let sent = story.sent();
    assert_eq!(sent[0]["type"], "heartbeat", "right after the welcome");
    assert!(sent[0].get("currentJobId").is_none());
    assert_eq!(sent[0]["heldJobs"], json!([]));
}

#[test]
fn a_base_studio_hears_nothing_of_extensions() {
    let mut story = Story::new();
    story.reconnect(FeatureSet::NONE);
    let heartbeat = story.sent().pop().unwrap();
    assert!(heartbeat.get("heldJobs").is_none());
    story.offer(chat("job-1"));
    story.finish_json("job-1");
    for frame in story.sent() {
        assert!(frame.get("attempt").is_none(), "{frame}");
    }
}

#[test]
fn heartbeats_come_every_five_seconds() {
    let mut story = Story::open(all_features());
    story.pass(HEARTBEAT_INTERVAL * 12);
    assert_eq!(story.sent().iter().filter(|frame| frame["type"] == "heartbeat").count(), 12);
}

#[test]
fn an_engine_that_comes_later_is_told_at_once() {
    let mut story = Story::open(all_features());
    story.pass(Duration::ZERO);
    story.sent();
    let mut machine = machine();
    machine.capabilities.model_engines.push("llama-cpp".into());
    story.give(Input::Machine(Box::new(machine.clone())));
    story.pass(Duration::ZERO);
    let told = |story: &mut Story| -> Vec<_> {
        story.sent().into_iter().filter(|frame| frame["type"] == "heartbeat").collect()
    };
    let heartbeats = told(&mut story);
    assert_eq!(heartbeats.len(), 1, "{heartbeats:?}");
    assert!(heartbeats[0]["capabilities"]["modelEngines"].to_string().contains("llama-cpp"));
    story.give(Input::Machine(Box::new(machine)));
    story.pass(Duration::ZERO);
    assert!(told(&mut story).is_empty(), "nothing new, nothing sent");
}

#[test]
fn a_silent_studio_is_given_up_after_the_read_idle_limit() {
    let mut story = Story::open(all_features());
    story.pass_in_silence(READ_IDLE_LIMIT - Duration::from_millis(1));
    assert_eq!(story.close(), None);
    story.pass_in_silence(Duration::from_millis(1));
    assert_eq!(story.close(), Some(WorkerClose::SessionEnded));
    story.pass_in_silence(SECOND);
    assert_eq!(connects(&story), 1);
}

#[test]
fn a_missing_welcome_and_an_unanswered_upgrade_are_given_up() {
    let mut story = Story::new();
    let socket = story.wait_for_connect();
    story.pass_in_silence(CONNECT_LIMIT);
    assert_eq!(story.close(), Some(WorkerClose::SessionEnded));
    assert!(story.logged("no answer to the upgrade"));
    story.socket(socket, SocketEvent::Opened);
    assert!(story.sent().is_empty(), "news of a connection that was given up");
    story.pass_in_silence(SECOND);
    let socket = story.wait_for_connect();
    story.socket(socket, SocketEvent::Opened);
    story.pass_in_silence(READ_IDLE_LIMIT);
    assert!(story.logged("no welcome"));
}

#[test]
fn delays_double_up_to_the_cap_and_start_over_after_a_welcome() {
    let mut story = Story::new();
    let mut delays = Vec::new();
    for _ in 0..7 {
        let socket = story.wait_for_connect();
        let failed_at = story.now;
        story.socket(socket, SocketEvent::Failed("connection refused".into()));
        delays.push(story.worker.next_deadline().unwrap() - failed_at);
    }
    assert_eq!(delays.iter().map(Duration::as_secs).collect::<Vec<_>>(), [1, 2, 4, 8, 16, 30, 30]);
    story.reconnect(all_features());
    story.closed(None);
    assert_eq!(story.worker.next_deadline().unwrap() - story.now, SECOND);
}

#[test]
fn the_same_trouble_is_told_once() {
    let mut story = Story::new();
    for _ in 0..5 {
        let socket = story.wait_for_connect();
        story.socket(socket, SocketEvent::Failed("connection refused".into()));
    }
    let told = story
        .wanted
        .iter()
        .filter(|e| matches!(e, Effect::Log { message, .. } if message.contains("refused")));
    assert_eq!(told.count(), 1);
}

#[test]
fn a_refused_upgrade_is_told_with_its_body_and_retried() {
    let mut story = Story::new();
    let socket = story.wait_for_connect();
    story.socket(socket, SocketEvent::Refused { status: 503, body: "starting up".into() });
    assert!(story.logged("503: starting up"));
    story.wait_for_connect();
}

#[test]
fn a_refused_token_ends_the_worker_and_keeps_the_config() {
    let mut story = Story::new();
    let socket = story.wait_for_connect();
    story.socket(socket, SocketEvent::Refused { status: 401, body: String::new() });
    assert_eq!(story.exit(), Some(ExitReason::AuthFailed));
    assert!(story.saved().is_none());
}

#[test]
fn every_close_code_has_its_effect() {
    for (code, exit, reconnects) in [
        (Some(1000), None, true),
        (Some(4001), Some(ExitReason::AuthFailed), false),
        (Some(4002), None, true),
        (Some(4003), Some(ExitReason::DuplicateWorker), false),
        (Some(4004), None, false),
        (Some(1006), None, true),
        (Some(4999), None, true),
        (None, None, true),
    ] {
        let mut story = Story::open(all_features());
        story.closed(code);
        story.pass_in_silence(SECOND);
        assert_eq!(story.exit(), exit, "{code:?}");
        assert_eq!(connects(&story) == 1, reconnects, "{code:?}");
        if exit.is_some() {
            assert!(matches!(story.wanted.last(), Some(Effect::Exit(_))), "nothing follows an exit");
            assert!(story.worker.handle(story.now, Input::Tick).is_empty());
            assert_eq!(story.worker.next_deadline(), None);
        }
    }
}

#[test]
fn an_error_frame_has_the_effect_of_its_close_code() {
    for (code, exit, close) in [
        (ErrorCode::AuthFailed, Some(ExitReason::AuthFailed), WorkerClose::AuthFailed),
        (ErrorCode::ProtocolViolation, None, WorkerClose::ProtocolViolation),
        (ErrorCode::DuplicateWorker, Some(ExitReason::DuplicateWorker), WorkerClose::SessionEnded),
        (ErrorCode::WorkerDeleted, None, WorkerClose::RegistrationRevoked),
        (ErrorCode::InternalError, None, WorkerClose::SessionEnded),
    ] {
        for welcomed in [true, false] {
            let mut story = Story::new();
            let socket = story.wait_for_connect();
            story.socket(socket, SocketEvent::Opened);
            if welcomed {
                story.frame(welcome(all_features()));
            }
            story.frame(StudioFrame::Error(ErrorFrame { code, message: "because".into() }));
            assert_eq!((story.exit(), story.close()), (exit, Some(close)), "{code:?}");
            assert!(story.logged("because"));
        }
    }
}

#[test]
fn reconnect_attempts_are_unlimited_unless_the_owner_limits_them() {
    let mut story =
        Story::with(Settings { reconnect_attempts: 2, ..Settings::default() }, approved(), Vec::new());
    for _ in 0..2 {
        let socket = story.wait_for_connect();
        story.socket(socket, SocketEvent::Failed("refused".into()));
        assert_eq!(story.exit(), None);
    }
    let socket = story.wait_for_connect();
    story.socket(socket, SocketEvent::Failed("refused".into()));
    assert_eq!(story.exit(), Some(ExitReason::ReconnectsSpent), "two reconnects after the first failure");
}

#[test]
fn unknown_frames_are_skipped_and_unreadable_ones_end_the_session() {
    let mut story = Story::open(all_features());
    story.on_socket(|| SocketEvent::UnknownFrame("unknown frame type `teaParty`".into()));
    assert!(story.logged("teaParty"));
    assert_eq!(story.close(), None);
    story.on_socket(|| SocketEvent::Unreadable("frame `completeAck`: missing field `jobId`".into()));
    assert_eq!(story.close(), Some(WorkerClose::ProtocolViolation));
    assert!(story.logged("missing field"));
    story.wait_for_connect();
}

#[test]
fn a_frame_before_the_welcome_breaks_the_protocol() {
    let mut story = Story::new();
    let socket = story.wait_for_connect();
    story.socket(socket, SocketEvent::Opened);
    story.frame(StudioFrame::Drain);
    assert_eq!(story.close(), Some(WorkerClose::ProtocolViolation));
}

#[test]
fn frames_of_any_kind_keep_the_session_alive() {
    let mut story = Story::open(all_features());
    for _ in 0..10 {
        story.pass_in_silence(READ_IDLE_LIMIT - SECOND);
        story.on_socket(|| SocketEvent::UnknownFrame("x".into()));
    }
    assert_eq!(story.close(), None);
}

#[test]
fn nothing_follows_an_exit_even_if_it_is_due() {
    let mut story = Story::open(all_features());
    story.offer(picture("job-1"));
    story.finish_file("job-1");
    story.uploaded("job-1", None, UploadOutcome::TryAgain("503".into()));
    story.now += SECOND * 4;
    story.closed(Some(4001));
    assert!(matches!(story.wanted.last(), Some(Effect::Exit(ExitReason::AuthFailed))), "{:?}", story.wanted);
}

#[test]
fn a_worker_that_holds_a_claim_keeps_trying_to_return_within_its_lease() {
    let mut story = Story::open(all_features());
    story.offer(attempt(picture("job-1"), 1));
    let start = story.now;
    story.closed(None);
    let mut longest = Duration::ZERO;
    while story.now < start + Duration::from_secs(24) {
        let before = story.now;
        let socket = story.wait_for_connect();
        longest = longest.max(story.now - before);
        story.socket(socket, SocketEvent::Failed("refused".into()));
    }
    assert_eq!(longest, Duration::from_secs(4), "the longest wait, all jitter drawn at its most");
}

#[test]
fn a_worker_that_holds_nothing_backs_off_as_far_as_the_protocol_says() {
    let mut story = Story::open(all_features());
    story.closed(None);
    let mut longest = Duration::ZERO;
    for _ in 0..8 {
        let before = story.now;
        let socket = story.wait_for_connect();
        longest = longest.max(story.now - before);
        story.socket(socket, SocketEvent::Failed("refused".into()));
    }
    assert_eq!(longest, Duration::from_secs(30));
}

#[test]
fn a_signal_is_followed_by_a_heartbeat_that_wants_no_more_offers() {
    let mut story = Story::open(all_features());
    story.offer(attempt(picture("job-1"), 1));
    story.sent();
    story.give(Input::Shutdown);
    story.pass(Duration::ZERO);
    let heartbeats: Vec<_> = story.sent().into_iter().filter(|frame| frame["type"] == "heartbeat").collect();
    assert_eq!(heartbeats.len(), 1, "{heartbeats:?}");
    assert_eq!(heartbeats[0]["capabilities"]["autoEnabled"], false);
    assert_eq!(heartbeats[0]["currentJobId"], "job-1");
}
