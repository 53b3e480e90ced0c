//! What the owner changes while the worker runs.

use studio_protocol::{Feature, FeatureSet, WorkerFrame};
use worker_core::{Effect, Identity, Input, Secret, Settings, SocketEvent};

use crate::support::{Story, all_features, chat, machine, welcome};

fn heartbeats(story: &mut Story) -> Vec<serde_json::Value> {
    story.sent().into_iter().filter(|frame| frame["type"] == "heartbeat").collect()
}

#[test]
fn what_the_owner_decided_is_in_a_heartbeat_at_once() {
    let mut story = Story::open(all_features());
    let mut changed = machine();
    changed.capabilities.vram_threshold_gb = 3.5;
    story.give(Input::Machine(Box::new(changed.clone())));
    assert_eq!(heartbeats(&mut story)[0]["capabilities"]["vramThresholdGb"], 3.5);
    changed.free_vram_gb = Some(1.0);
    story.give(Input::Machine(Box::new(changed)));
    assert!(heartbeats(&mut story).is_empty(), "what changes all the time waits for its turn");
}

#[test]
fn more_slots_are_agreed_upon_with_a_new_session_and_jobs_go_on() {
    let mut story = Story::open(all_features());
    story.offer(chat("job-1"));
    story.wanted.clear();
    story.give(Input::Settings(Box::new(Settings { slots: Settings::same_slots(3), ..Settings::default() })));
    assert!(story.close().is_some() && !story.stops("job-1"));
    let socket = story.wait_for_connect();
    story.socket(socket, SocketEvent::Opened);
    let hello = story.sent().remove(0);
    assert_eq!(hello["capabilities"]["slots"]["llm"], 3);
    story.frame(welcome(all_features()));
    assert_eq!(heartbeats(&mut story)[0]["heldJobs"][0], "job-1");
    story.wanted.clear();
    let settings = Settings { slots: Settings::same_slots(5), ..Settings::default() };
    story.give(Input::Settings(Box::new(settings)));
    assert_eq!(story.close(), None, "the number alone is in the heartbeat");
    assert_eq!(heartbeats(&mut story)[0]["capabilities"]["slots"]["llm"], 5);
}

#[test]
fn with_a_base_studio_a_new_session_waits_for_the_end_of_the_job() {
    let mut story = Story::open(FeatureSet::default());
    story.offer(chat("job-1"));
    story.wanted.clear();
    story.give(Input::Settings(Box::new(Settings { remote_control: false, ..Settings::default() })));
    assert_eq!(story.close(), None);
    story.fail("job-1", "no", false);
    assert!(story.close().is_some());
    let socket = story.wait_for_connect();
    story.socket(socket, SocketEvent::Opened);
    let hello = |effect: &Effect| match effect {
        Effect::Send(WorkerFrame::Hello(hello)) => !hello.capabilities.features.has(Feature::Control),
        _ => false,
    };
    assert!(story.wants(hello));
}

#[test]
fn a_studio_that_moved_is_connected_to_at_once() {
    let mut story = Story::open(all_features());
    story.give(Input::StudioMoved);
    assert!(story.close().is_some());
    story.wait_for_connect();
    let pending = Identity::Pending {
        install_id: "install-0".into(),
        request_id: "rr-1".into(),
        secret: Secret::new("s"),
    };
    let mut story = Story::with(Settings::default(), pending, Vec::new());
    story.wanted.clear();
    story.give(Input::StudioMoved);
    assert!(story.wants(|effect| matches!(effect, Effect::Poll { .. })));
}
