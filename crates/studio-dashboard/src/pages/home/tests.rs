use studio_api::QueueState;

use super::*;
use crate::parts::tests::{check, shell};
use crate::samples;

fn sample() -> Home {
    Home {
        status: samples::status(120),
        overview: Some(samples::overview(240)),
        pending: Vec::new(),
        troubled: Vec::new(),
        workers: vec![samples::worker("w-1", "attic"), samples::worker("w-2", "cellar")],
        running: vec![samples::job("job-1", JobState::Running), samples::job("job-2", JobState::Running)],
        studio_url: "http://127.0.0.1:4780".to_owned(),
    }
}

fn new_studio() -> Home {
    Home {
        status: samples::status(0),
        overview: Some(samples::overview(0)),
        workers: Vec::new(),
        running: Vec::new(),
        ..sample()
    }
}

#[test]
fn a_new_studio_says_how_to_begin() {
    let text = check(&page(&shell(Role::Admin), &new_studio()));
    assert!(text.contains("Three steps") && text.contains("Add a worker"), "{text}");
    let text = check(&page(&shell(Role::Viewer), &new_studio()));
    assert!(text.contains("An operator of this studio does that") && !text.contains("data-api"));
}

#[test]
fn a_fleet_that_is_well_says_so() {
    let text = check(&page(&shell(Role::Operator), &sample()));
    assert!(text.contains("All is well") && text.contains("data-preview=\"job-1\""), "{text}");
    assert!(text.contains("plot-queue") && text.contains("step 5 of 20"));
}

#[test]
fn everything_that_needs_somebody_is_named() {
    let mut home = sample();
    home.pending.push(samples::registration("rr-1"));
    home.troubled =
        vec![samples::job("job-8", JobState::Failed), samples::job("job-9", JobState::Quarantined)];
    home.workers[0].online = false;
    home.workers[1].paused = true;
    let overview = home.overview.as_mut().unwrap();
    overview.queue = QueueState { paused: true, paused_at: Some(samples::before(600)) };
    overview.disk_free_bytes = 1_000_000_000;
    let text = check(&page(&shell(Role::Admin), &home));
    for needle in [
        "attic-pc</strong> asks to join",
        "The queue is held",
        "disk is nearly full",
        "1 job failed since yesterday, 1 took workers down",
        "is offline",
        "is paused",
    ] {
        assert!(text.contains(needle), "`{needle}` is missing: {text}");
    }
    let text = check(&page(&shell(Role::Viewer), &Home { pending: Vec::new(), ..home }));
    assert!(!text.contains("data-api"), "a viewer gets no button");
}

#[test]
fn who_sees_one_project_sees_no_plots() {
    let home = Home { overview: None, running: Vec::new(), ..sample() };
    let text = check(&page(&shell(Role::Submitter), &home));
    assert!(!text.contains("plot-queue") && text.contains("No job runs"));
}
