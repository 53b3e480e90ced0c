//! What operators decide about projects, workers and the queue as a whole.

use std::collections::BTreeMap;
use std::time::Duration;

use studio_protocol::{AcceptRules, Capabilities, TaskKind};
use studio_scheduler::{SessionId, WorkerLimits};

use crate::stage::{Said, Stage, base, ours};

const SECOND: Duration = Duration::from_secs(1);

fn offered(stage: &mut Stage, session: SessionId) -> Vec<String> {
    let offers = stage.heard(session).into_iter();
    offers.filter_map(|said| if let Said::Offer(job, _) = said { Some(job) } else { None }).collect()
}

fn with_slots(slots: u32) -> Capabilities {
    let mut capabilities = ours();
    capabilities.slots.insert("llm".to_owned(), slots);
    capabilities
}

#[test]
fn a_project_at_its_limit_waits_while_others_go_on() {
    let mut stage = Stage::new();
    stage.rule("small", 1.0, Some(1));
    let workers = ["w-1", "w-2", "w-3"].map(|worker| stage.connect(worker, ours()));
    for number in 0..3 {
        stage.submit_for("small", &format!("small-{number}"));
    }
    assert_eq!(offered(&mut stage, workers[0]), ["small-0"]);
    assert_eq!((offered(&mut stage, workers[1]), offered(&mut stage, workers[2])), (vec![], vec![]));
    stage.submit_for("other", "other-0");
    let others = [offered(&mut stage, workers[1]), offered(&mut stage, workers[2])];
    assert_eq!(others.concat(), ["other-0"]);
    stage.accept(workers[0], "small-0");
    stage.complete(workers[0], "small-0", None);
    let next: Vec<String> = workers.iter().flat_map(|worker| offered(&mut stage, *worker)).collect();
    assert_eq!(next, ["small-1"]);
}

#[test]
fn the_end_of_a_claim_at_one_worker_gives_work_to_another_that_waits() {
    let mut stage = Stage::new();
    stage.rule("small", 1.0, Some(1));
    let first = stage.connect("w-1", ours());
    stage.submit_for("small", "small-0");
    let second = stage.connect("w-2", ours());
    stage.submit_for("small", "small-1");
    assert_eq!((offered(&mut stage, first), offered(&mut stage, second)), (vec!["small-0".into()], vec![]));
    stage.accept(first, "small-0");
    // The worker that ran it is gone, so that the other one is the only one that could be asked.
    stage.goodbye(first);
    assert_eq!(offered(&mut stage, second), ["small-0"]);
    stage.cancel("small-0");
    stage.heartbeat(second, &[]);
    assert_eq!(offered(&mut stage, second), ["small-1"]);
}

#[test]
fn a_limit_that_is_raised_counts_at_once_and_one_that_is_lowered_takes_nothing_away() {
    let mut stage = Stage::new();
    stage.rule("p", 1.0, Some(0));
    let workers = ["w-1", "w-2", "w-3"].map(|worker| stage.connect(worker, ours()));
    for number in 0..3 {
        stage.submit_for("p", &format!("job-{number}"));
    }
    assert_eq!(stage.held_of("p"), 0);
    stage.rule("p", 1.0, Some(2));
    assert_eq!(stage.held_of("p"), 2);
    stage.rule("p", 1.0, Some(1));
    assert_eq!(stage.held_of("p"), 2);
    let holder = workers.iter().find_map(|worker| Some((*worker, offered(&mut stage, *worker).pop()?)));
    let (worker, job) = holder.unwrap();
    stage.accept(worker, &job);
    stage.complete(worker, &job, None);
    assert_eq!(stage.held_of("p"), 1);
    stage.rule("p", 1.0, None);
    assert_eq!(stage.held_of("p"), 2);
}

#[test]
fn claims_of_before_a_restart_count_towards_the_limit() {
    let mut stage = Stage::new();
    stage.rule("p", 1.0, Some(1));
    let worker = stage.connect("w-1", ours());
    stage.submit_for("p", "job-0");
    stage.accept(worker, "job-0");
    stage.submit_for("p", "job-1");
    stage.restart();
    let other = stage.connect("w-2", ours());
    assert_eq!(offered(&mut stage, other), Vec::<String>::new());
    stage.pass_with_heartbeats(other, &[], 62 * SECOND);
    assert_eq!(stage.held_of("p"), 1, "the lost job's place is taken again, by one of the two");
}

#[test]
fn a_queue_that_is_held_takes_jobs_in_and_offers_none() {
    let mut stage = Stage::new();
    let running = stage.run_job("w-1", "job-0");
    let idle = stage.connect("w-2", ours());
    stage.hold(true);
    stage.submit("job-1");
    stage.heartbeat(idle, &[]);
    assert_eq!(offered(&mut stage, idle), Vec::<String>::new());
    stage.complete(running, "job-0", Some(1));
    assert_eq!(stage.heard(running), [Said::CompleteAck("job-0".into(), false)]);
    assert_eq!((stage.state("job-0"), stage.state("job-1")), ("done", "queued"));
    stage.hold(false);
    let got = [offered(&mut stage, idle), offered(&mut stage, running)].concat();
    assert_eq!(got, ["job-1"]);
}

#[test]
fn a_worker_gets_only_what_its_limits_let_through() {
    let mut stage = Stage::new();
    let limits = |change: fn(&mut WorkerLimits)| {
        let mut limits = WorkerLimits::default();
        change(&mut limits);
        limits
    };
    // Before its session and during it.
    stage.limit("w-1", limits(|limits| limits.projects = Some(vec!["mine".into()])));
    let worker = stage.connect("w-1", with_slots(4));
    stage.submit_for("theirs", "theirs-0");
    stage.submit_for("mine", "mine-0");
    assert_eq!(offered(&mut stage, worker), ["mine-0"]);
    stage.limit("w-1", limits(|limits| limits.max_jobs = Some(2)));
    stage.submit_for("mine", "mine-1");
    assert_eq!(offered(&mut stage, worker), ["theirs-0"], "two at once, and the older first");
    stage.limit("w-1", limits(|limits| limits.kinds = Some(vec![TaskKind::Image])));
    assert_eq!(offered(&mut stage, worker), Vec::<String>::new());
    stage.limit("w-1", WorkerLimits::default());
    assert_eq!(offered(&mut stage, worker), ["mine-1"]);
}

#[test]
fn an_owner_says_of_which_projects_jobs_are_let_in_and_may_change_it() {
    let accepting = |projects: &[&str]| {
        let projects = projects.iter().map(|name| (*name).to_owned()).collect();
        let accept = AcceptRules { projects, max_pixels: None };
        Capabilities { accept: Some(accept), ..with_slots(4) }
    };
    let mut stage = Stage::new();
    let worker = stage.connect("w-1", accepting(&["mine"]));
    for (project, job) in [("theirs", "theirs-0"), ("mine", "mine-0")] {
        stage.submit_for(project, job);
    }
    assert_eq!(offered(&mut stage, worker), ["mine-0"]);
    stage.heartbeat_as(worker, &["mine-0"], accepting(&["mine"]));
    assert!(offered(&mut stage, worker).is_empty(), "it is not asked again and again");
    stage.heartbeat_as(worker, &["mine-0"], accepting(&[]));
    assert_eq!(offered(&mut stage, worker), ["theirs-0"], "no list lets everybody in");
}

#[test]
fn a_worker_with_limits_does_not_keep_others_from_work() {
    let mut stage = Stage::new();
    stage.limit("w-1", WorkerLimits { projects: Some(Vec::new()), ..WorkerLimits::default() });
    let picky = stage.connect("w-1", ours());
    let open = stage.connect("w-2", base());
    stage.submit("job-0");
    assert_eq!((offered(&mut stage, picky), offered(&mut stage, open)), (vec![], vec!["job-0".into()]));
}

/// A small generator of its own: the same histories on every machine.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as usize % sides
    }
}

#[test]
fn limits_hold_in_every_history_and_nobody_starves() {
    for seed in 0..60 {
        let mut dice = Dice(seed);
        let mut stage = Stage::new();
        let projects = ["a", "b", "c"];
        let mut limits = BTreeMap::new();
        let mut sessions: BTreeMap<String, (SessionId, Vec<String>)> = BTreeMap::new();
        let mut jobs = 0;
        for _ in 0..400 {
            let worker = format!("w-{}", dice.roll(5));
            match dice.roll(12) {
                0..=3 => {
                    stage.submit_for(projects[dice.roll(3)], &format!("job-{jobs}"));
                    jobs += 1;
                }
                4 => {
                    let project = projects[dice.roll(3)];
                    // A limit that is lowered below what runs is met as jobs end: here it only grows, or goes.
                    let before: Option<u64> = limits.get(project).copied().flatten();
                    let limit = before.map_or(Some(dice.roll(3) as u64), |limit| Some(limit + 1));
                    if stage.held_of(project) as u64 <= limit.unwrap_or(u64::MAX) {
                        limits.insert(project, limit);
                        stage.rule(project, 1.0 + dice.roll(4) as f64, limit);
                    }
                }
                5 => {
                    let session = stage.connect(&worker, with_slots(1 + dice.roll(3) as u32));
                    sessions.insert(worker, (session, Vec::new()));
                }
                6 => {
                    if let Some((session, _)) = sessions.remove(&worker) {
                        match dice.roll(2) {
                            0 => stage.cut(session),
                            _ => stage.goodbye(session),
                        }
                    }
                }
                7 => stage.pass(Duration::from_secs(1 + dice.roll(20) as u64)),
                8 if dice.roll(6) == 0 => {
                    stage.restart();
                    sessions.clear();
                }
                _ => {
                    let Some((session, held)) = sessions.get_mut(&worker) else { continue };
                    let news = offered(&mut stage, *session);
                    for job in &news {
                        stage.accept(*session, job);
                    }
                    held.extend(news);
                    let names: Vec<&str> = held.iter().map(String::as_str).collect();
                    stage.heartbeat(*session, &names);
                    if let Some(job) = (!held.is_empty()).then(|| held.remove(dice.roll(held.len()))) {
                        match dice.roll(4) {
                            0 => stage.fail(*session, &job, true),
                            1 => stage.release(*session, &job),
                            _ => stage.complete(*session, &job, None),
                        }
                    }
                }
            }
            for (project, limit) in &limits {
                let held = stage.held_of(project) as u64;
                assert!(limit.is_none_or(|limit| held <= limit), "seed {seed}: {project} has {held}");
            }
        }
        // With room for all, everything is done in the end.
        for project in projects {
            stage.rule(project, 1.0, Some(2));
        }
        let last = stage.connect("w-last", ours());
        for _ in 0..10 * jobs {
            stage.pass_with_heartbeats(last, &[], 61 * SECOND);
            stage.work_off(last);
            if projects.iter().map(|project| stage.done_of(project)).sum::<usize>() == jobs {
                break;
            }
        }
        let done: usize = projects.iter().map(|project| stage.done_of(project)).sum();
        assert_eq!(done, jobs, "seed {seed}");
    }
}
