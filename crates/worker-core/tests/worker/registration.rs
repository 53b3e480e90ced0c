//! Joining a studio, every answer of it.

use std::time::Duration;

use studio_protocol::{REGISTRATION_TICK, RegistrationStatus};
use worker_core::{Effect, Identity, Input, PollAnswer, PostAnswer, Secret, Settings, SocketEvent};

use crate::support::{Story, all_features, approved};

fn pristine() -> Story {
    let mut story = Story::with(Settings::default(), Identity::Pristine { install_id: None }, Vec::new());
    story.give(Input::Tick);
    story
}

fn pending() -> Story {
    let mut story = pristine();
    story.give(Input::Registered(PostAnswer::Taken("rr-1".into())));
    story.wanted.clear();
    story
}

fn requests(story: &Story) -> Vec<(String, String)> {
    let request = |effect: &Effect| match effect {
        Effect::Register { install_id, secret, .. } => Some((install_id.clone(), secret.reveal().to_owned())),
        _ => None,
    };
    story.wanted.iter().filter_map(request).collect()
}

fn polls(story: &Story) -> usize {
    story.wanted.iter().filter(|effect| matches!(effect, Effect::Poll { .. })).count()
}

#[test]
fn the_install_id_is_saved_before_the_first_request() {
    let story = pristine();
    let order: Vec<bool> = story
        .wanted
        .iter()
        .filter(|effect| matches!(effect, Effect::SaveIdentity(_) | Effect::Register { .. }))
        .map(|effect| matches!(effect, Effect::SaveIdentity(_)))
        .collect();
    assert_eq!(order, [true, false]);
    assert_eq!(story.saved(), Some(&Identity::Pristine { install_id: Some("install-1".into()) }));
}

#[test]
fn a_failed_request_is_retried_on_the_tick_with_the_same_id_and_secret() {
    let mut story = pristine();
    story.give(Input::Registered(PostAnswer::Failed("connection refused".into())));
    story.pass(REGISTRATION_TICK - Duration::from_millis(1));
    assert_eq!(requests(&story).len(), 1);
    story.pass(Duration::from_millis(1));
    let all = requests(&story);
    assert_eq!(all.len(), 2);
    assert_eq!(all[0], all[1]);
}

#[test]
fn a_taken_request_is_saved_and_polled_every_tick() {
    let mut story = pristine();
    story.give(Input::Registered(PostAnswer::Taken("rr-1".into())));
    assert_eq!(
        story.saved(),
        Some(&Identity::Pending {
            install_id: "install-1".into(),
            request_id: "rr-1".into(),
            secret: Secret::new("secret-1")
        })
    );
    story.pass(REGISTRATION_TICK);
    assert_eq!(polls(&story), 1);
    story.give(Input::Polled(PollAnswer::Status(RegistrationStatus::Pending)));
    story.give(Input::Polled(PollAnswer::Failed("500".into())));
    story.pass(REGISTRATION_TICK);
    assert_eq!(polls(&story), 2);
    assert_eq!(requests(&story).len(), 1, "a pending worker does not ask anew");
}

#[test]
fn approval_is_saved_without_the_secret_and_connects_at_once() {
    let mut story = pending();
    let status = RegistrationStatus::Approved { worker_id: "w-9".into(), auth_token: "tok-9".into() };
    story.give(Input::Polled(PollAnswer::Status(status)));
    assert_eq!(
        story.saved(),
        Some(&Identity::Approved {
            install_id: "install-1".into(),
            worker_id: "w-9".into(),
            auth_token: Secret::new("tok-9")
        })
    );
    assert!(
        story.wants(
            |effect| matches!(effect, Effect::Connect { worker_id, .. } if worker_id.as_str() == "w-9")
        )
    );
}

#[test]
fn a_rejected_worker_stays_up_and_never_asks_again() {
    let mut story = pending();
    story.give(Input::Polled(PollAnswer::Status(RegistrationStatus::Rejected {
        reason: "unknown machine".into(),
    })));
    assert_eq!(
        story.saved(),
        Some(&Identity::Rejected { install_id: "install-1".into(), reason: "unknown machine".into() })
    );
    assert!(story.logged("unknown machine") && story.logged("register --reset"));
    story.wanted.clear();
    story.pass(REGISTRATION_TICK * 100);
    assert!(story.wanted.is_empty(), "{:?}", story.wanted);
    assert_eq!(story.worker.next_deadline(), None);
}

#[test]
fn a_forgotten_request_is_asked_anew_on_the_tick_with_the_same_id_and_another_secret() {
    let mut story = pending();
    story.pass(REGISTRATION_TICK);
    story.give(Input::Polled(PollAnswer::Unknown));
    assert_eq!(story.saved(), Some(&Identity::Pristine { install_id: Some("install-1".into()) }));
    assert!(requests(&story).is_empty());
    story.pass(REGISTRATION_TICK);
    assert_eq!(requests(&story), [("install-1".to_owned(), "secret-2".to_owned())]);
}

#[test]
fn a_removed_worker_registers_anew_at_once_under_a_new_install_id() {
    let endings: [fn(&mut Story); 2] = [
        |story| {
            let socket = story.wait_for_connect();
            story.socket(socket, SocketEvent::Refused { status: 404, body: String::new() });
        },
        |story| {
            story.reconnect(all_features());
            story.closed(Some(4004));
        },
    ];
    for end in endings {
        let mut story = Story::with(Settings::default(), approved(), Vec::new());
        end(&mut story);
        assert_eq!(requests(&story).len(), 1);
        assert_eq!(requests(&story)[0].0, "install-1", "not install-0, the old one");
        assert!(story.exit().is_none());
    }
}

#[test]
fn late_answers_change_nothing() {
    let mut story = Story::open(all_features());
    story.give(Input::Registered(PostAnswer::Taken("rr-1".into())));
    story.give(Input::Polled(PollAnswer::Unknown));
    assert!(story.saved().is_none());
}

#[test]
fn secrets_are_not_shown() {
    let text = format!("{:?} {:?}", Secret::new("hunter2"), approved());
    assert!(!text.contains("hunter2") && !text.contains("\"tok\""), "{text}");
}

fn codes(story: &Story) -> Vec<Option<String>> {
    let code = |effect: &Effect| match effect {
        Effect::Register { join_code, .. } => Some(join_code.as_ref().map(|code| code.reveal().to_owned())),
        _ => None,
    };
    story.wanted.iter().filter_map(code).collect()
}

fn rejected() -> Story {
    let identity = Identity::Rejected { install_id: "install-0".into(), reason: "no".into() };
    Story::with(Settings::default(), identity, Vec::new())
}

#[test]
fn a_reset_gives_jobs_back_closes_the_session_and_asks_as_another_worker() {
    let mut story = Story::open(all_features());
    story.offer(crate::support::chat("job-1"));
    story.wanted.clear();
    story.give(Input::ResetRegistration);
    assert!(story.stops("job-1") && story.forgets("job-1"));
    assert_eq!(story.close(), Some(studio_protocol::WorkerClose::SessionEnded));
    assert_eq!(story.saved(), Some(&Identity::Pristine { install_id: Some("install-1".into()) }));
    assert_eq!(requests(&story), [("install-1".to_owned(), "secret-1".to_owned())]);
    let order: Vec<&str> = story
        .wanted
        .iter()
        .filter_map(|effect| match effect {
            Effect::Send(_) => Some("release"),
            Effect::Close(_) => Some("close"),
            Effect::Register { .. } => Some("register"),
            _ => None,
        })
        .collect();
    assert_eq!(order, ["release", "close", "register"]);
    story.closed(Some(1000));
    assert_eq!(story.exit(), None, "late news of the old session say nothing");
}

#[test]
fn a_reset_leaves_a_rejection() {
    let mut story = rejected();
    story.give(Input::ResetRegistration);
    assert_eq!(requests(&story), [("install-1".to_owned(), "secret-1".to_owned())]);
    assert_eq!(codes(&story), [None]);
}

#[test]
fn a_code_is_asked_with_at_once_and_its_decision_too() {
    for mut story in [pristine(), pending(), rejected()] {
        story.wanted.clear();
        story.give(Input::Join(Secret::new("CODE")));
        assert_eq!(codes(&story), [Some("CODE".to_owned())]);
        story.give(Input::Registered(PostAnswer::Taken("rr-9".into())));
        assert_eq!(
            story.saved().and_then(Identity::request_id).map(studio_protocol::RequestId::as_str),
            Some("rr-9")
        );
        assert_eq!(polls(&story), 1, "nobody has to wait for the tick");
        let status = RegistrationStatus::Approved { worker_id: "w-9".into(), auth_token: "tok-9".into() };
        story.give(Input::Polled(PollAnswer::Status(status)));
        assert!(story.wants(|effect| matches!(effect, Effect::Connect { .. })));
    }
}

#[test]
fn a_code_that_is_not_taken_is_forgotten_and_leaves_everything_as_it_was() {
    let mut story = rejected();
    story.give(Input::Join(Secret::new("CODE")));
    story.give(Input::Registered(PostAnswer::Failed("400: joinCode: is unknown".into())));
    assert!(story.worker.snapshot().last_trouble.unwrap().contains("joinCode: is unknown"));
    assert_eq!(story.worker.identity().word(), "rejected");
    story.wanted.clear();
    story.pass(REGISTRATION_TICK * 3);
    assert!(story.wanted.is_empty(), "{:?}", story.wanted);
    let mut story = pending();
    story.give(Input::Join(Secret::new("CODE")));
    story.give(Input::Registered(PostAnswer::Failed("no".into())));
    story.pass(REGISTRATION_TICK);
    assert_eq!((codes(&story).len(), polls(&story)), (1, 1), "the former request is still asked for");
}

#[test]
fn a_worker_that_has_joined_ignores_a_code() {
    let mut story = Story::open(all_features());
    story.give(Input::Join(Secret::new("CODE")));
    assert!(codes(&story).is_empty() && story.logged("has joined"));
}
