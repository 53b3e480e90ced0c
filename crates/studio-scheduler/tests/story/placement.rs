//! Which worker gets which job: loaded models, measured speeds, and what a task needs.

use std::time::Duration;

use studio_protocol::{Capabilities, Feature, FeatureSet, RejectCode};

use crate::fleet::{JOB, LOAD, Machine, submit, work_off};
use crate::stage::{Said, Stage, base, ours};

fn offered(stage: &mut Stage, session: studio_scheduler::SessionId) -> Vec<String> {
    let offers = stage.heard(session).into_iter();
    offers.filter_map(|said| if let Said::Offer(job, _) = said { Some(job) } else { None }).collect()
}

fn with(loaded: &[&str], present: &[&str], speed: Option<f64>) -> Capabilities {
    let names = |models: &[&str]| models.iter().map(|model| (*model).to_owned()).collect();
    Capabilities {
        loaded_models: names(loaded),
        present_models: names(present),
        model_speeds: speed.into_iter().map(|speed| ("m".to_owned(), speed)).collect(),
        ..ours()
    }
}

#[test]
fn a_job_that_states_options_waits_for_a_worker_that_knows_them() {
    let mut stage = Stage::new();
    let old = stage.connect("w-base", base());
    let without = Capabilities { features: FeatureSet::of(&[Feature::Lease]), ..base() };
    let older = stage.connect("w-older", without);
    stage.submit("tuned-1");
    assert_eq!((offered(&mut stage, old), offered(&mut stage, older)), (vec![], vec![]));
    let new = stage.connect("w-new", ours());
    assert_eq!(offered(&mut stage, new), ["tuned-1"]);
    stage.submit("plain-1");
    assert_eq!(offered(&mut stage, old), ["plain-1"]);
}

#[test]
fn loaded_goes_before_present_and_present_before_neither() {
    let mut stage = Stage::new();
    let cold = stage.connect("w-cold", with(&["other"], &["other"], None));
    let present = stage.connect("w-present", with(&[], &["m"], None));
    let loaded = stage.connect("w-loaded", with(&["m"], &["m"], None));
    for (job, session) in [("job-1", loaded), ("job-2", present), ("job-3", cold)] {
        stage.submit_model(job, "m");
        assert_eq!(offered(&mut stage, session), [job]);
    }
}

#[test]
fn among_equals_the_faster_goes_first_unless_it_is_noise() {
    let mut stage = Stage::new();
    let slow = stage.connect("w-slow", with(&["m"], &[], Some(1.0)));
    let fast = stage.connect("w-fast", with(&["m"], &[], Some(2.0)));
    stage.submit_model("job-1", "m");
    assert_eq!(offered(&mut stage, fast), ["job-1"]);
    stage.complete(fast, "job-1", None);
    // Who waits longer goes first now, although the other measured a little more.
    stage.heartbeat_as(fast, &[], with(&["m"], &[], Some(1.1)));
    stage.heartbeat_as(slow, &[], with(&["m"], &[], Some(1.05)));
    stage.submit_model("job-2", "m");
    assert_eq!(offered(&mut stage, slow), ["job-2"]);
}

#[test]
fn a_much_slower_worker_waits_even_with_the_model_loaded_and_is_used_once_the_others_are_busy() {
    let mut stage = Stage::new();
    let slow = stage.connect("w-slow", with(&["m"], &["m"], Some(1.0)));
    let fast = stage.connect("w-fast", with(&[], &["m"], Some(30.0)));
    stage.submit_model("job-1", "m");
    stage.submit_model("job-2", "m");
    assert_eq!(offered(&mut stage, fast), ["job-1"]);
    assert_eq!(offered(&mut stage, slow), ["job-2"]);
    stage.complete(slow, "job-2", None);
    // Without the fast one nobody is slow.
    stage.cut(fast);
    let other = stage.connect("w-other", with(&[], &["m"], Some(2.0)));
    stage.submit_model("job-3", "m");
    assert_eq!((offered(&mut stage, slow), offered(&mut stage, other)), (vec!["job-3".to_owned()], vec![]));
}

#[test]
fn a_worker_that_was_never_measured_is_tried_once() {
    let mut stage = Stage::new();
    let known = stage.connect("w-known", with(&["m"], &[], Some(5.0)));
    let new = stage.connect("w-new", with(&["m"], &[], None));
    stage.submit_model("job-1", "m");
    assert_eq!(offered(&mut stage, new), ["job-1"]);
    stage.fail(new, "job-1", false);
    stage.submit_model("job-2", "m");
    assert_eq!(offered(&mut stage, known), ["job-2"], "what fails before it is measured draws no more jobs");
}

#[test]
fn a_refused_job_does_not_count_as_loaded() {
    let mut stage = Stage::new();
    let small = stage.connect("w-small", ours());
    stage.submit_model("a-1", "a");
    assert_eq!(offered(&mut stage, small), ["a-1"]);
    stage.reject(small, "a-1", Some(RejectCode::InsufficientMemory));
    let roomy = stage.connect("w-roomy", with(&[], &["a"], None));
    assert_eq!(offered(&mut stage, roomy), ["a-1"]);
    stage.complete(roomy, "a-1", None);
    stage.heartbeat_as(roomy, &[], with(&[], &["a"], None));
    stage.heartbeat(small, &[]);
    stage.submit_model("a-2", "a");
    assert_eq!(offered(&mut stage, roomy), ["a-2"], "the one that has it on disk");
}

#[test]
fn a_batch_on_one_model_is_loaded_once_by_each_worker() {
    let mut stage = Stage::new();
    let mut machines = ["w-1", "w-2", "w-3"].map(|name| Machine::new(&mut stage, name, 1.0));
    (0..200).for_each(|n| submit(&mut stage, "m", n));
    work_off(&mut stage, &mut machines, 200);
    assert_eq!(machines.each_ref().map(|machine| machine.loads), [1, 1, 1]);
}

#[test]
fn two_models_on_two_workers_settle() {
    let mut stage = Stage::new();
    let mut machines = ["w-1", "w-2"].map(|name| Machine::new(&mut stage, name, 1.0));
    // More than the streak after which a worker turns to models that nobody has loaded.
    for n in 0..150 {
        submit(&mut stage, "a", n);
        submit(&mut stage, "b", n);
    }
    let took = work_off(&mut stage, &mut machines, 280);
    assert_eq!(machines.each_ref().map(|machine| machine.loads), [1, 1], "after {took:?}");
    assert_ne!(machines[0].loaded, machines[1].loaded);
}

#[test]
fn a_third_model_is_served_although_two_workers_have_settled() {
    let mut stage = Stage::new();
    let mut machines = ["w-1", "w-2"].map(|name| Machine::new(&mut stage, name, 4.0));
    for n in 0..200 {
        submit(&mut stage, "a", n);
        submit(&mut stage, "b", n);
    }
    submit(&mut stage, "c", 0);
    work_off(&mut stage, &mut machines, 140);
    assert_eq!(stage.state("c:0"), "done");
    let loads: usize = machines.iter().map(|machine| machine.loads).sum();
    // One each to settle, one for the third model, and each of the two that were left gets its model back.
    assert!(loads <= 5, "{loads} loads");
}

#[test]
fn unequal_workers_share_a_batch_by_their_speeds() {
    let mut stage = Stage::new();
    let mut machines = [("w-slow", 1.0), ("w-fast", 4.0)].map(|(name, s)| Machine::new(&mut stage, name, s));
    let jobs = 100;
    (0..jobs).for_each(|n| submit(&mut stage, "m", n));
    let took = work_off(&mut stage, &mut machines, jobs);
    let best = LOAD + JOB.mul_f64(jobs as f64 / 5.0);
    assert!(took <= best.mul_f64(1.15), "{took:?}, the best split takes {best:?}");
    assert!((10..=30).contains(&machines[0].done), "the slow one did {} of {jobs}", machines[0].done);
}

#[test]
fn what_an_operator_asks_goes_to_those_who_agreed_to_it() {
    let mut stage = Stage::new();
    let (ours, base) = (stage.connect("w-1", ours()), stage.connect("w-2", base()));
    for worker in ["w-1", "w-2", "w-gone"] {
        stage.load(worker, "m");
    }
    assert_eq!(stage.heard(ours), [Said::Load("m".into())]);
    assert_eq!(stage.heard(base), []);
}

#[test]
fn only_the_text_of_the_current_attempt_is_shown() {
    let mut stage = Stage::new();
    let first = stage.run_job("w-1", "job-1");
    stage.say(first, "job-1", "a", Some(1));
    stage.cut(first);
    stage.pass(Duration::from_secs(31));
    let second = stage.connect("w-2", ours());
    stage.accept(second, "job-1");
    let again = stage.connect("w-1", ours());
    stage.say(again, "job-1", "stale", Some(1));
    stage.say(second, "job-1", "of an older attempt", Some(1));
    stage.say(second, "job-1", "b", Some(2));
    assert_eq!(stage.heard(again), [], "a stale text is no violation");
    let texts: Vec<&str> = stage.texts.iter().map(|(_, text)| text.as_str()).collect();
    assert_eq!(texts, ["a", "b"]);
}

#[test]
fn a_text_that_was_not_agreed_on_is_ignored() {
    let mut stage = Stage::new();
    let worker = stage.connect("w-1", base());
    stage.submit("job-1");
    stage.accept(worker, "job-1");
    stage.say(worker, "job-1", "x", None);
    assert!(stage.texts.is_empty());
    assert_eq!(stage.state("job-1"), "running");
}
