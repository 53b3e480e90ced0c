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
