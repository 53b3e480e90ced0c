//! Stories about offers, claims and their ends, told to the coordinator with a small store behind it.

#[expect(clippy::unwrap_used, reason = "a story that breaks its own rules should panic")]
#[path = "story/stage.rs"]
mod stage;

#[expect(clippy::unwrap_used, reason = "as above")]
#[path = "story/fleet.rs"]
mod fleet;
#[path = "story/placement.rs"]
mod placement;
#[path = "story/rules.rs"]
mod rules;

use std::time::Duration;

use stage::{Said, Stage, base, ours};
use studio_protocol::{CloseCode, Feature, FeatureSet, RejectCode, UserPresence};

const SECOND: Duration = Duration::from_secs(1);

#[test]
fn a_job_is_offered_the_moment_it_is_submitted_and_acknowledged_once_done() {
    let mut stage = Stage::new();
    let worker = stage.connect("w-1", ours());
    stage.submit("job-1");
    assert_eq!(stage.heard(worker), [Said::Offer("job-1".into(), Some(1))]);
    stage.accept(worker, "job-1");
    assert_eq!(stage.state("job-1"), "running");
    stage.complete(worker, "job-1", Some(1));
    assert_eq!(stage.heard(worker), [Said::CompleteAck("job-1".into(), false)]);
    assert_eq!(stage.state("job-1"), "done");
}

#[test]
fn nothing_is_offered_before_the_first_heartbeat() {
    let mut stage = Stage::new();
    stage.submit("job-1");
    let worker = stage.open("w-1", ours());
    assert_eq!(stage.heard(worker), [Said::Welcome]);
    stage.heartbeat(worker, &[]);
    assert_eq!(stage.heard(worker), [Said::HeartbeatAck, Said::Offer("job-1".into(), Some(1))]);
}

#[test]
fn a_base_worker_gets_one_offer_at_a_time_and_no_attempt_numbers() {
    let mut stage = Stage::new();
    let worker = stage.connect("w-1", base());
    stage.submit("job-1");
    stage.submit("job-2");
    assert_eq!(stage.heard(worker), [Said::Offer("job-1".into(), None)]);
    stage.accept(worker, "job-1");
    stage.heartbeat(worker, &["job-1"]);
    assert_eq!(stage.heard(worker), [Said::HeartbeatAck]);
    stage.complete(worker, "job-1", None);
    assert_eq!(
        stage.heard(worker),
        [Said::CompleteAck("job-1".into(), false), Said::Offer("job-2".into(), None)]
    );
}

#[test]
fn slots_let_several_offers_out() {
    let mut stage = Stage::new();
    let mut capabilities = ours();
    capabilities.slots.insert("llm".to_owned(), 2);
    let worker = stage.connect("w-1", capabilities);
    for job in ["job-1", "job-2", "job-3"] {
        stage.submit(job);
    }
    let offers = stage.heard(worker);
    assert_eq!(offers, [Said::Offer("job-1".into(), Some(1)), Said::Offer("job-2".into(), Some(1))]);
}

#[test]
fn only_workers_that_fit_are_offered_a_job() {
    let mut stage = Stage::new();
    let with = |change: fn(&mut studio_protocol::Capabilities)| {
        let mut capabilities = ours();
        change(&mut capabilities);
        capabilities
    };
    let misfits = [
        stage.connect("w-off", with(|c| c.auto_enabled = false)),
        stage.connect("w-kind", with(|c| c.task_kinds = vec!["image".into()])),
        stage.connect("w-engine", with(|c| c.model_engines = vec!["sd-cpp".into()])),
        stage.connect("w-small", with(|c| c.vram_threshold_gb = 0.5)),
        stage.connect(
            "w-used",
            with(|c| (c.only_when_idle, c.user_presence) = (true, Some(UserPresence::Active))),
        ),
        stage.connect("w-unknown", with(|c| c.only_when_idle = true)),
    ];
    stage.submit("job-1");
    for worker in misfits {
        assert_eq!(stage.heard(worker), []);
    }
    let idle = stage
        .connect("w-idle", with(|c| (c.only_when_idle, c.user_presence) = (true, Some(UserPresence::Idle))));
    assert_eq!(stage.heard(idle), [Said::Offer("job-1".into(), Some(1))]);
}

#[test]
fn a_paused_worker_is_left_alone_until_it_goes_on() {
    let mut stage = Stage::new();
    let worker = stage.connect("w-1", ours());
    stage.pause("w-1", true);
    stage.submit("job-1");
    assert_eq!(stage.heard(worker), []);
    stage.pause("w-1", false);
    assert_eq!(stage.heard(worker), [Said::Offer("job-1".into(), Some(1))]);
}

#[test]
fn a_busy_worker_is_asked_again_after_its_next_heartbeat() {
    let mut stage = Stage::new();
    let worker = stage.connect("w-1", ours());
    stage.submit("job-1");
    stage.heard(worker);
    stage.reject(worker, "job-1", Some(RejectCode::Busy));
    assert_eq!(stage.state("job-1"), "queued");
    assert_eq!(stage.heard(worker), []);
    stage.heartbeat(worker, &[]);
    assert_eq!(stage.heard(worker), [Said::HeartbeatAck, Said::Offer("job-1".into(), Some(2))]);
    assert_eq!(stage.counted("job-1"), 0);
}

#[test]
fn a_job_that_is_refused_without_a_known_reason_goes_elsewhere_first() {
    let mut stage = Stage::new();
    let first = stage.connect("w-1", ours());
    stage.submit("job-1");
    stage.heard(first);
    stage.reject(first, "job-1", None);
    stage.heartbeat(first, &[]);
    assert_eq!(stage.heard(first), [Said::HeartbeatAck]);
    let second = stage.connect("w-2", ours());
    assert_eq!(stage.heard(second), [Said::Offer("job-1".into(), Some(2))]);
}

#[test]
fn a_job_that_everybody_refused_is_tried_again_after_a_while() {
    let mut stage = Stage::new();
    let worker = stage.connect("w-1", ours());
    stage.submit("job-1");
    stage.heard(worker);
    stage.reject(worker, "job-1", None);
    stage.pass_with_heartbeats(worker, &[], 61 * SECOND);
    assert!(stage.heard(worker).contains(&Said::Offer("job-1".into(), Some(2))));
}

#[test]
fn a_job_that_does_not_fit_the_memory_does_not_stop_others() {
    let mut stage = Stage::new();
    let worker = stage.connect("w-1", ours());
    stage.submit("job-1");
    stage.submit("job-2");
    stage.heard(worker);
    stage.reject(worker, "job-1", Some(RejectCode::InsufficientMemory));
    assert_eq!(stage.heard(worker), [Said::Offer("job-2".into(), Some(1))]);
}

#[test]
fn a_returning_worker_that_names_its_job_keeps_it() {
    let mut stage = Stage::new();
    let worker = stage.run_job("w-1", "job-1");
    stage.cut(worker);
    stage.pass(28 * SECOND);
    let again = stage.open("w-1", ours());
    stage.heartbeat(again, &["job-1"]);
    stage.pass_with_heartbeats(again, &["job-1"], 120 * SECOND);
    assert_eq!(stage.state("job-1"), "running");
    stage.heard(again);
    stage.complete(again, "job-1", Some(1));
    assert_eq!(stage.heard(again), [Said::CompleteAck("job-1".into(), false)]);
}

#[test]
fn a_returning_worker_without_its_job_gives_it_back_at_once() {
    let mut stage = Stage::new();
    let worker = stage.run_job("w-1", "job-1");
    stage.cut(worker);
    let again = stage.connect("w-1", ours());
    assert_eq!(stage.heard(again), [Said::Offer("job-1".into(), Some(2))]);
    assert_eq!(stage.losses("job-1"), 1);
}

#[test]
fn a_worker_gone_for_good_loses_its_job_within_thirty_seconds() {
    let mut stage = Stage::new();
    let worker = stage.run_job("w-1", "job-1");
    stage.cut(worker);
    stage.pass(29 * SECOND);
    assert_eq!(stage.state("job-1"), "running");
    stage.pass(SECOND);
    assert_eq!(stage.state("job-1"), "queued");
}

#[test]
fn a_silent_worker_counts_as_gone_after_thirty_seconds() {
    let mut stage = Stage::new();
    let worker = stage.run_job("w-1", "job-1");
    stage.pass(29 * SECOND);
    assert_eq!(stage.heard(worker), []);
    stage.pass(SECOND);
    assert_eq!(stage.heard(worker), [Said::Close(CloseCode::Normal)]);
    assert_eq!(stage.state("job-1"), "queued");
}

#[test]
fn goodbye_gives_jobs_back_at_once_and_counts_nothing() {
    let mut stage = Stage::new();
    let leaver = stage.run_job("w-1", "job-1");
    let other = stage.connect("w-2", ours());
    stage.goodbye(leaver);
    assert_eq!(stage.heard(other), [Said::Offer("job-1".into(), Some(2))]);
    assert_eq!((stage.counted("job-1"), stage.losses("job-1")), (0, 0));
}

#[test]
fn a_released_job_goes_to_the_front_and_not_back_to_who_released_it() {
    let mut stage = Stage::new();
    let leaver = stage.run_job("w-1", "job-1");
    stage.submit("job-2");
    stage.release(leaver, "job-1");
    assert_eq!(stage.heard(leaver), []);
    let other = stage.connect("w-2", ours());
    assert_eq!(stage.heard(other), [Said::Offer("job-1".into(), Some(2))]);
    assert_eq!(stage.counted("job-1"), 0);
}

#[test]
fn the_older_of_two_sessions_ends_for_good_and_the_claim_moves() {
    let mut stage = Stage::new();
    let older = stage.run_job("w-1", "job-1");
    let newer = stage.open("w-1", ours());
    assert_eq!(stage.heard(older), [Said::Close(CloseCode::DuplicateWorker)]);
    stage.heartbeat(newer, &["job-1"]);
    stage.cut(older);
    assert_eq!(stage.state("job-1"), "running");
    assert_eq!(stage.heard(newer), [Said::Welcome, Said::HeartbeatAck]);
}

#[test]
fn a_hello_that_was_held_up_does_not_end_the_newer_session() {
    let mut stage = Stage::new();
    let late = stage.let_in();
    let newer = stage.run_job("w-1", "job-1");
    stage.say_hello(late, "w-1", ours());
    assert_eq!(stage.heard(late), [Said::Close(CloseCode::DuplicateWorker)]);
    stage.complete(newer, "job-1", Some(1));
    assert_eq!(stage.heard(newer), [Said::CompleteAck("job-1".into(), false)]);
}

#[test]
fn what_an_operator_decided_counts_for_a_worker_that_says_hello_later() {
    let mut stage = Stage::new();
    let (paused, removed) = (stage.let_in(), stage.let_in());
    stage.pause("w-1", true);
    stage.remove_worker("w-2");
    stage.say_hello(paused, "w-1", ours());
    stage.heartbeat(paused, &[]);
    stage.submit("job-1");
    assert_eq!(stage.heard(paused), [Said::Welcome, Said::HeartbeatAck]);
    stage.say_hello(removed, "w-2", ours());
    assert_eq!(stage.heard(removed), [Said::Close(CloseCode::WorkerDeleted)]);
}

#[test]
fn a_retryable_failure_is_counted_and_tried_elsewhere() {
    let mut stage = Stage::new();
    let first = stage.run_job("w-1", "job-1");
    let second = stage.connect("w-2", ours());
    stage.fail(first, "job-1", true);
    assert_eq!(stage.heard(first), [Said::FailAck("job-1".into(), false)]);
    assert_eq!(stage.heard(second), [Said::Offer("job-1".into(), Some(2))]);
    assert_eq!(stage.counted("job-1"), 1);
}

#[test]
fn the_only_worker_gets_a_failed_job_again_after_a_moment() {
    let mut stage = Stage::new();
    let only = stage.run_job("w-1", "job-1");
    stage.fail(only, "job-1", true);
    assert_eq!(stage.heard(only), [Said::FailAck("job-1".into(), false)]);
    stage.pass(2 * SECOND);
    assert_eq!(stage.heard(only), [Said::Offer("job-1".into(), Some(2))]);
}

#[test]
fn a_failure_for_good_is_final() {
    let mut stage = Stage::new();
    let worker = stage.run_job("w-1", "job-1");
    stage.fail(worker, "job-1", false);
    assert_eq!(stage.state("job-1"), "failed");
}

#[test]
fn frames_about_jobs_that_were_never_held_end_the_session() {
    for speak in [
        (|stage: &mut Stage, worker| stage.accept(worker, "job-9")) as fn(&mut Stage, _),
        |stage, worker| stage.complete(worker, "job-9", None),
        |stage, worker| stage.fail(worker, "job-9", true),
    ] {
        let mut stage = Stage::new();
        let worker = stage.connect("w-1", base());
        stage.submit_image("job-9");
        speak(&mut stage, worker);
        assert_eq!(stage.heard(worker), [Said::Close(CloseCode::ProtocolViolation)]);
        assert_eq!(stage.state("job-9"), "queued");
    }
}

#[test]
fn an_old_attempt_is_acknowledged_as_stale_and_changes_nothing() {
    let mut stage = Stage::new();
    let worker = stage.run_job("w-1", "job-1");
    stage.cut(worker);
    stage.pass(30 * SECOND);
    let again = stage.connect("w-1", ours());
    stage.heard(again);
    stage.complete(again, "job-1", Some(1));
    assert_eq!(stage.heard(again), [Said::CompleteAck("job-1".into(), true)]);
    assert_eq!(stage.state("job-1"), "offered");
    stage.accept(again, "job-1");
    stage.complete(again, "job-1", Some(2));
    assert_eq!(stage.state("job-1"), "done");
}

#[test]
fn a_result_that_was_acknowledged_is_acknowledged_again() {
    let mut stage = Stage::new();
    let worker = stage.run_job("w-1", "job-1");
    stage.complete(worker, "job-1", Some(1));
    stage.heard(worker);
    stage.complete(worker, "job-1", Some(1));
    assert_eq!(stage.heard(worker), [Said::CompleteAck("job-1".into(), false)]);
}

#[test]
fn a_cancelled_job_is_stopped_and_its_slot_waits_for_the_answer() {
    let mut stage = Stage::new();
    let worker = stage.run_job("w-1", "job-1");
    stage.submit("job-2");
    stage.cancel("job-1");
    assert_eq!(stage.heard(worker), [Said::Cancel("job-1".into())]);
    stage.fail(worker, "job-1", false);
    let heard = stage.heard(worker);
    assert!(heard.contains(&Said::FailAck("job-1".into(), true)), "{heard:?}");
    assert!(heard.contains(&Said::Offer("job-2".into(), Some(1))), "{heard:?}");
    assert_eq!(stage.state("job-1"), "cancelled");
}

#[test]
fn a_base_worker_whose_job_was_cancelled_gets_the_next_one_after_an_idle_heartbeat() {
    let mut stage = Stage::new();
    let worker = stage.connect("w-1", base());
    stage.submit("job-1");
    stage.accept(worker, "job-1");
    stage.submit("job-2");
    stage.heard(worker);
    stage.cancel("job-1");
    stage.heartbeat(worker, &["job-1"]);
    assert_eq!(stage.heard(worker), [Said::HeartbeatAck]);
    stage.heartbeat(worker, &[]);
    assert_eq!(stage.heard(worker), [Said::HeartbeatAck, Said::Offer("job-2".into(), None)]);
}

#[test]
fn a_late_result_of_a_cancelled_job_frees_the_base_worker_at_once() {
    let mut stage = Stage::new();
    let worker = stage.connect("w-1", base());
    stage.submit("job-1");
    stage.accept(worker, "job-1");
    stage.submit("job-2");
    stage.cancel("job-1");
    stage.heard(worker);
    stage.complete(worker, "job-1", None);
    let heard = stage.heard(worker);
    assert!(heard.contains(&Said::CompleteAck("job-1".into(), false)), "{heard:?}");
    assert!(heard.contains(&Said::Offer("job-2".into(), None)), "{heard:?}");
    assert_eq!(stage.state("job-1"), "cancelled");
}

#[test]
fn an_offer_without_an_answer_comes_back_and_a_late_accept_is_told_to_stop() {
    let mut stage = Stage::new();
    let mute = stage.connect("w-1", ours());
    stage.submit("job-1");
    stage.pass_with_heartbeats(mute, &[], 31 * SECOND);
    assert_eq!(stage.state("job-1"), "queued");
    stage.heard(mute);
    stage.accept(mute, "job-1");
    assert_eq!(stage.heard(mute), [Said::Cancel("job-1".into())]);
}

#[test]
fn a_job_that_no_heartbeat_names_comes_back_within_75_seconds() {
    let mut stage = Stage::new();
    let worker = stage.run_job("w-1", "job-1");
    stage.pass_with_heartbeats(worker, &[], 74 * SECOND);
    assert_eq!(stage.state("job-1"), "queued");
    assert_eq!(stage.losses("job-1"), 1);
}

#[test]
fn a_studio_that_restarts_waits_for_its_workers() {
    let mut stage = Stage::new();
    stage.run_job("w-1", "job-1");
    stage.restart();
    stage.pass(45 * SECOND);
    let again = stage.open("w-1", ours());
    stage.heartbeat(again, &["job-1"]);
    stage.complete(again, "job-1", Some(1));
    assert_eq!(stage.state("job-1"), "done");
}

#[test]
fn an_offer_from_before_a_restart_waits_for_the_first_heartbeat() {
    let mut stage = Stage::new();
    let worker = stage.connect("w-1", ours());
    stage.submit("job-1");
    assert_eq!(stage.heard(worker), [Said::Offer("job-1".into(), Some(1))]);
    stage.restart();
    stage.pass(15 * SECOND);
    let again = stage.open("w-1", ours());
    stage.pass(20 * SECOND);
    assert_eq!(stage.state("job-1"), "offered");
    stage.heartbeat(again, &["job-1"]);
    assert_eq!(stage.state("job-1"), "running");
}

#[test]
fn a_studio_that_restarts_does_not_wait_for_ever() {
    let mut stage = Stage::new();
    stage.run_job("w-1", "job-1");
    stage.restart();
    stage.pass(61 * SECOND);
    assert_eq!(stage.state("job-1"), "queued");
}

#[test]
fn a_heartbeat_that_names_an_offered_job_accepts_it() {
    let mut stage = Stage::new();
    let worker = stage.connect("w-1", ours());
    stage.submit("job-1");
    stage.heartbeat(worker, &["job-1"]);
    assert_eq!(stage.state("job-1"), "running");
}

#[test]
fn a_removed_worker_is_closed_and_its_job_goes_on_elsewhere() {
    let mut stage = Stage::new();
    let removed = stage.run_job("w-1", "job-1");
    let other = stage.connect("w-2", ours());
    stage.remove_worker("w-1");
    assert_eq!(stage.heard(removed), [Said::Close(CloseCode::WorkerDeleted)]);
    assert_eq!(stage.heard(other), [Said::Offer("job-1".into(), Some(2))]);
}

#[test]
fn a_worker_stays_on_the_model_that_it_has_loaded_but_not_for_ever() {
    let mut stage = Stage::new();
    let worker = stage.connect("w-1", ours());
    stage.submit_model("job-a0", "a");
    for n in 0..3 {
        stage.submit_model(&format!("job-b{n}"), "b");
    }
    for n in 1..100 {
        stage.submit_model(&format!("job-a{n}"), "a");
    }
    let order = stage.work_off(worker);
    let first_b = order.iter().position(|job| job.starts_with("job-b")).unwrap();
    assert_eq!(first_b, 64, "{order:?}");
    let switches = order.windows(2).filter(|pair| pair[0].as_bytes()[4] != pair[1].as_bytes()[4]).count();
    assert_eq!(switches, 2, "{order:?}");
}

#[test]
fn higher_priority_wins_over_a_loaded_model() {
    let mut stage = Stage::new();
    let worker = stage.connect("w-1", ours());
    stage.submit_model("job-a0", "a");
    stage.submit_model("job-a1", "a");
    stage.submit_priority("job-b0", "b", 5);
    assert_eq!(stage.work_off(worker), ["job-a0", "job-b0", "job-a1"]);
}

#[test]
fn a_store_that_cannot_commit_acknowledges_nothing() {
    let mut stage = Stage::new();
    let worker = stage.run_job("w-1", "job-1");
    stage.break_store();
    stage.complete(worker, "job-1", Some(1));
    assert_eq!(stage.heard(worker), [Said::Close(CloseCode::Normal)]);
    stage.mend_store();
    let again = stage.open("w-1", ours());
    stage.heartbeat(again, &["job-1"]);
    stage.complete(again, "job-1", Some(1));
    assert_eq!(stage.state("job-1"), "done");
}

#[test]
fn an_acceptance_that_the_store_cannot_note_counts_and_is_noted_later() {
    let mut stage = Stage::new();
    let worker = stage.connect("w-1", ours());
    stage.submit("job-1");
    stage.break_store();
    stage.accept(worker, "job-1");
    stage.mend_store();
    assert_eq!(stage.state("job-1"), "offered");
    stage.pass_with_heartbeats(worker, &[], 31 * SECOND);
    assert_eq!(stage.state("job-1"), "offered", "it was taken: it has the patience of a running job");
    stage.heartbeat(worker, &["job-1"]);
    assert_eq!(stage.state("job-1"), "running");
}

#[test]
fn a_store_that_cannot_claim_keeps_the_job_waiting() {
    let mut stage = Stage::new();
    let worker = stage.connect("w-1", ours());
    stage.break_store();
    stage.submit("job-1");
    assert_eq!(stage.heard(worker), []);
    stage.mend_store();
    stage.heartbeat(worker, &[]);
    assert_eq!(stage.heard(worker), [Said::HeartbeatAck, Said::Offer("job-1".into(), Some(1))]);
}

#[test]
fn a_lost_job_that_the_store_cannot_take_back_keeps_nobody_waiting_and_still_counts() {
    let mut stage = Stage::new();
    let worker = stage.run_job("w-1", "job-1");
    stage.cut(worker);
    stage.break_store();
    let again = stage.connect("w-1", ours());
    stage.submit("job-2");
    stage.mend_store();
    stage.heartbeat(again, &[]);
    assert_eq!(stage.heard(again), [Said::HeartbeatAck, Said::Offer("job-2".into(), Some(1))]);
    stage.pass(2 * SECOND);
    assert_eq!(stage.state("job-1"), "queued");
    assert_eq!(stage.losses("job-1"), 1);
}

#[test]
fn a_worker_that_names_a_job_before_the_store_could_take_it_back_keeps_it() {
    let mut stage = Stage::new();
    let worker = stage.connect("w-1", ours());
    stage.submit("job-1");
    stage.pass_with_heartbeats(worker, &[], 29 * SECOND);
    stage.break_store();
    stage.pass_with_heartbeats(worker, &[], 2 * SECOND);
    stage.heartbeat(worker, &["job-1"]);
    stage.mend_store();
    stage.pass_with_heartbeats(worker, &["job-1"], 10 * SECOND);
    assert_eq!(stage.state("job-1"), "running");
}

#[test]
fn extensions_that_were_not_agreed_on_are_ignored() {
    let mut stage = Stage::new();
    let mut capabilities = base();
    capabilities.features = FeatureSet::of(&[Feature::Progress]);
    let worker = stage.connect("w-1", capabilities);
    stage.submit("job-1");
    stage.accept(worker, "job-1");
    stage.release(worker, "job-1");
    stage.goodbye(worker);
    assert_eq!(stage.state("job-1"), "running");
}

#[test]
fn json_for_a_job_whose_result_is_uploaded_is_a_violation() {
    let mut stage = Stage::new();
    let mut capabilities = ours();
    capabilities.task_kinds.push("image".to_owned());
    let worker = stage.connect("w-1", capabilities);
    stage.submit_image("job-1");
    stage.accept(worker, "job-1");
    stage.heard(worker);
    stage.complete(worker, "job-1", Some(1));
    assert_eq!(stage.heard(worker), [Said::Close(CloseCode::ProtocolViolation)]);
    assert_eq!(stage.state("job-1"), "running");
}
