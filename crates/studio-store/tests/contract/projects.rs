//! Projects: limits, counts, and the order of their jobs.

use studio_protocol::{JobId, TaskKind};
use studio_scheduler::ProjectRules;
use studio_store::{
    ActionOutcome, JobAction, JobFilter, JobState, Minute, MoveTo, NewJob, ProjectChange, StoreError,
    WorkerLimits,
};

use crate::fixture::{Fixture, W1, at};

fn jobs(f: &mut Fixture, project: &str, jobs: usize) -> Vec<NewJob> {
    (0..jobs).map(|_| NewJob { project: project.into(), ..f.new_job("chat") }).collect()
}

fn change(f: &mut Fixture, project: &str, change: &ProjectChange) -> studio_store::Project {
    f.db.change_project(&project.into(), change, true, at(5)).unwrap()
}

pub fn a_project_is_made_changed_and_removed_when_it_is_empty(f: &mut Fixture) {
    let none = ProjectChange::default();
    let unknown = f.db.change_project(&"red".into(), &none, false, at(5)).unwrap_err();
    assert!(matches!(unknown, StoreError::NotFound { .. }), "{unknown:?}");
    let made = change(f, "red", &none);
    assert_eq!((made.rules(), made.created_at), (ProjectRules::default(), at(5)));
    let changed = ProjectChange {
        weight: Some(2.5),
        max_queued: Some(Some(10)),
        max_running: Some(Some(3)),
        keep_artefacts_days: Some(Some(30)),
        ..none.clone()
    };
    change(f, "red", &changed);
    let kept = change(f, "red", &ProjectChange { max_running: Some(None), ..none.clone() });
    assert_eq!((kept.weight, kept.max_queued, kept.max_running), (2.5, Some(10), None));
    assert_eq!((kept.keep_artefacts_days, kept.keep_jobs_days), (Some(30), None));
    assert_eq!(f.db.project_rules().unwrap(), [("red".into(), kept.rules())]);
    for wrong in [
        ProjectChange { weight: Some(0.0), ..none.clone() },
        ProjectChange { weight: Some(f64::NAN), ..none.clone() },
        ProjectChange { weight: Some(1e9), ..none.clone() },
        ProjectChange { keep_jobs_days: Some(Some(0)), ..none },
    ] {
        let error = f.db.change_project(&"red".into(), &wrong, true, at(5)).unwrap_err();
        assert!(matches!(error, StoreError::Invalid { .. }), "{error:?}");
    }
    f.db.remove_project(&"red".into()).unwrap();
    assert!(matches!(f.db.remove_project(&"red".into()), Err(StoreError::NotFound { .. })));
    f.submit("chat");
    assert!(matches!(f.db.remove_project(&"p".into()), Err(StoreError::Conflict { .. })));
}

pub fn a_quota_is_all_or_nothing_and_follows_what_waits(f: &mut Fixture) {
    change(f, "red", &ProjectChange { max_queued: Some(Some(3)), ..ProjectChange::default() });
    let two = jobs(f, "red", 2);
    let ids: Vec<JobId> = two.iter().map(|job| job.id.clone()).collect();
    f.submit_all(two).unwrap();
    let mixed: Vec<NewJob> = jobs(f, "blue", 1).into_iter().chain(jobs(f, "red", 2)).collect();
    let error = f.submit_all(mixed.clone()).unwrap_err();
    let StoreError::Quota { project, queued, adding, limit } = error else { panic!("{error:?}") };
    assert_eq!((project.as_str(), queued, adding, limit), ("red", 2, 2, 3));
    assert_eq!(f.db.counts().unwrap().queued, 2);
    assert!(f.db.project(&"blue".into()).is_err(), "nothing of a refused submission is stored");
    // What a worker holds waits no more; what comes back does again, whatever the quota says.
    f.start(&ids[0], W1);
    f.submit_all(mixed).unwrap();
    f.lose(&ids[0], W1, 1);
    let counts = f.db.project(&"red".into()).unwrap().counts;
    assert_eq!((counts.queued, counts.running), (4, 0));
    let more = jobs(f, "red", 1);
    assert!(matches!(f.submit_all(more), Err(StoreError::Quota { queued: 4, adding: 1, .. })));
}

pub fn the_queue_is_held_and_goes_on(f: &mut Fixture) {
    assert_eq!(f.db.queue_paused_at().unwrap(), None);
    assert_eq!(f.db.set_queue_paused(true, at(7)).unwrap(), Some(at(7)));
    assert_eq!(f.db.set_queue_paused(true, at(9)).unwrap(), Some(at(7)));
    assert_eq!(f.db.set_queue_paused(false, at(9)).unwrap(), None);
}

pub fn a_job_is_moved_within_its_line(f: &mut Fixture) {
    let ids: Vec<JobId> = (0..5).map(|_| f.submit("chat")).collect();
    let order = |f: &Fixture| -> Vec<usize> {
        let mut waiting = f.db.open_work().unwrap().0;
        waiting.sort_by_key(|job| (job.place, job.seq));
        waiting.iter().map(|job| ids.iter().position(|id| *id == job.id).unwrap_or(9)).collect()
    };
    let go = |f: &mut Fixture, job: usize, to: &MoveTo| {
        let mut place = f.db.place_for(&ids[job], to).unwrap();
        if place.is_none() {
            f.db.spread(&ids[job], to).unwrap();
            place = f.db.place_for(&ids[job], to).unwrap();
        }
        f.db.set_place(&ids[job], place.expect("there is room after the spread")).unwrap();
    };
    go(f, 3, &MoveTo::Front);
    assert_eq!(order(f), [3, 0, 1, 2, 4]);
    go(f, 0, &MoveTo::Back);
    assert_eq!(order(f), [3, 1, 2, 4, 0]);
    go(f, 4, &MoveTo::Before(ids[1].clone()));
    assert_eq!(order(f), [3, 4, 1, 2, 0]);
    go(f, 1, &MoveTo::Front);
    // More often than numbers fit between two others.
    for round in 0..100 {
        let (moved, other) = if round % 2 == 0 { (4, 3) } else { (3, 4) };
        go(f, moved, &MoveTo::Before(ids[2].clone()));
        assert_eq!(order(f), [1, other, moved, 2, 0], "round {round}");
        go(f, 1, &MoveTo::Front);
        go(f, 0, &MoveTo::Back);
    }
    // Jobs that come later wait behind those that were moved back.
    f.submit("chat");
    assert_eq!(order(f).last(), Some(&9));
    let refused = |f: &Fixture, job: usize, to: MoveTo| f.db.place_for(&ids[job], &to).unwrap_err();
    assert!(matches!(refused(f, 1, MoveTo::Before(ids[1].clone())), StoreError::Conflict { .. }));
    assert!(matches!(refused(f, 1, MoveTo::Before("job-x".into())), StoreError::NotFound { .. }));
    f.db.set_priority(&ids[2], 5).unwrap();
    assert!(matches!(refused(f, 1, MoveTo::Before(ids[2].clone())), StoreError::Conflict { .. }));
    f.start(&ids[0], W1);
    assert!(matches!(refused(f, 0, MoveTo::Front), StoreError::Conflict { .. }));
}

pub fn one_action_on_many_jobs_tells_what_came_of_each(f: &mut Fixture) {
    let (waiting, running, done) = (f.submit("chat"), f.submit("chat"), f.submit("chat"));
    let theirs = jobs(f, "blue", 1);
    let other = theirs[0].id.clone();
    f.submit_all(theirs).unwrap();
    f.start(&running, W1);
    f.start(&done, W1);
    f.complete(&done, W1, None);
    let all = [waiting.clone(), running.clone(), done.clone(), other.clone(), "job-x".into()];
    let now = f.tick();
    let act = |f: &mut Fixture, action: &JobAction| -> Vec<ActionOutcome> {
        let outcomes = f.db.act(&all, action, Some(&"p".into()), now).unwrap();
        assert!(outcomes.iter().map(|(job, _)| job).eq(&all));
        outcomes.into_iter().map(|(_, outcome)| outcome).collect()
    };
    let changed = act(f, &JobAction::Priority(7));
    assert!(matches!(&changed[0], ActionOutcome::Waits(job) if job.priority == 7), "{changed:?}");
    assert_eq!(changed[1], ActionOutcome::Changed);
    assert!(matches!(&changed[2], ActionOutcome::Refused(why) if why.contains("done")), "{changed:?}");
    assert_eq!(changed[3..], [ActionOutcome::NotFound, ActionOutcome::NotFound]);
    let cancelled = act(f, &JobAction::Cancel { reason: "enough".to_owned() });
    assert_eq!(cancelled[..2], [ActionOutcome::Cancelled, ActionOutcome::Cancelled]);
    assert_eq!(f.state(&other), JobState::Queued);
    let retried = act(f, &JobAction::Retry);
    assert!(matches!(&retried[..2], [ActionOutcome::Waits(_), ActionOutcome::Waits(_)]), "{retried:?}");
    assert!(matches!(&retried[2], ActionOutcome::Refused(_)), "{retried:?}");
    assert_eq!(f.db.counts().unwrap().queued, 3);
}

pub fn several_states_are_listed_newest_first_with_the_counts_of_all(f: &mut Fixture) {
    let ids: Vec<JobId> = (0..9).map(|_| f.submit("chat")).collect();
    for (number, job) in ids.iter().enumerate() {
        match number % 3 {
            0 => drop(f.start(job, W1)),
            1 => {
                f.start(job, W1);
                f.fail(job, W1, None, false);
            }
            _ => {}
        }
    }
    let filter = JobFilter { states: vec![JobState::Failed, JobState::Running], ..JobFilter::default() };
    let mut seen = Vec::new();
    let mut cursor = None;
    loop {
        let page = f.db.jobs(&filter, cursor, 4).unwrap();
        seen.extend(page.items.into_iter().map(|job| job.id));
        cursor = page.next_cursor;
        if cursor.is_none() {
            break;
        }
    }
    let expected: Vec<JobId> = [7, 6, 4, 3, 1, 0].map(|number: usize| ids[number].clone()).into();
    assert_eq!(seen, expected);
    let counts = f.db.counts_of(&filter).unwrap().expect("they are written down");
    assert_eq!((counts.queued, counts.running, counts.failed), (3, 3, 3));
    let project = JobFilter { project: Some("p".into()), ..JobFilter::default() };
    assert_eq!(f.db.counts_of(&project).unwrap(), Some(counts));
    let nobody = JobFilter { project: Some("nobody".into()), ..JobFilter::default() };
    assert_eq!(f.db.counts_of(&nobody).unwrap().map(|counts| counts.total()), Some(0));
    let text = JobFilter { text: Some("x".to_owned()), ..JobFilter::default() };
    assert_eq!(f.db.counts_of(&text).unwrap(), None);
}

pub fn limits_of_a_worker_are_kept(f: &mut Fixture) {
    let worker = f.join("w-9");
    assert_eq!(f.db.worker_limits().unwrap(), []);
    let limits = WorkerLimits {
        kinds: Some(vec![TaskKind::Image]),
        projects: Some(vec!["red".into()]),
        max_jobs: Some(1),
        labels: vec!["attic".to_owned()],
    };
    assert_eq!(f.db.set_worker_limits(&worker, &limits).unwrap().limits, limits);
    assert!(f.db.set_worker_draining(&worker, true).unwrap().draining);
    assert_eq!(f.db.worker_limits().unwrap(), [(worker.clone(), limits)]);
    let free = f.db.set_worker_limits(&worker, &WorkerLimits::default()).unwrap();
    assert_eq!((free.limits, free.draining), (WorkerLimits::default(), true));
    assert!(matches!(f.db.set_worker_draining(&"w-x".into(), true), Err(StoreError::NotFound { .. })));
}

pub fn minutes_are_kept_and_forgotten(f: &mut Fixture) {
    let minute = |at: i64, done: u64| Minute { at, done, queued: 4, ..Minute::default() };
    for (at, done) in [(60_000, 1), (120_000, 2), (120_000, 3), (180_000, 4)] {
        f.db.add_minute(&minute(at, done)).unwrap();
    }
    assert_eq!(f.db.minutes(120_000).unwrap(), [minute(120_000, 5), minute(180_000, 4)]);
    assert_eq!(f.db.purge_minutes(120_001).unwrap(), 2);
    assert_eq!(f.db.minutes(0).unwrap(), [minute(180_000, 4)]);
}
