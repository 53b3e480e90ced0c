//! Lists and details.

use studio_protocol::{JobId, TaskKind};
use studio_store::{JobFilter, JobState};

use crate::fixture::{Fixture, W1, W2};

fn ids(f: &Fixture, filter: &JobFilter) -> Vec<JobId> {
    f.db.jobs(filter, None, 100).unwrap().items.into_iter().map(|job| job.id).collect()
}

pub fn pages_follow_each_other_without_gaps(f: &mut Fixture) {
    let mut all: Vec<_> = (0..7).map(|_| f.submit("chat")).collect();
    all.reverse();
    let (mut seen, mut cursor) = (Vec::new(), None);
    loop {
        let page = f.db.jobs(&JobFilter::default(), cursor, 3).unwrap();
        assert!((1..=3).contains(&page.items.len()));
        seen.extend(page.items.into_iter().map(|job| job.id));
        // What arrives meanwhile does not move the pages.
        f.submit("chat");
        cursor = page.next_cursor;
        if cursor.is_none() {
            break;
        }
    }
    assert_eq!(seen, all);
    assert_eq!(f.db.jobs(&JobFilter::default(), None, 0).unwrap().items.len(), 1);
}

pub fn a_page_back_holds_what_came_next(f: &mut Fixture) {
    let jobs: Vec<_> = (0..7).map(|_| f.submit("chat")).collect();
    let back = |than: &JobId, limit| {
        let page = f.db.jobs_newer(&JobFilter::default(), than, limit).unwrap();
        let ids: Vec<_> = page.items.into_iter().map(|job| job.id).collect();
        (ids, page.next_cursor)
    };
    let (ids, cursor) = back(&jobs[1], 3);
    assert_eq!(ids, [jobs[4].clone(), jobs[3].clone(), jobs[2].clone()]);
    let older = f.db.jobs(&JobFilter::default(), cursor, 2).unwrap().items;
    assert_eq!(older.iter().map(|job| &job.id).collect::<Vec<_>>(), [&jobs[1], &jobs[0]]);
    assert_eq!(back(&jobs[5], 3).0, [jobs[6].clone()]);
    assert_eq!(back(&"job-x".into(), 3).0, []);
    let none = JobFilter { batch: Some("batch-x".into()), ..JobFilter::default() };
    assert_eq!(f.db.jobs_newer(&none, &jobs[0], 3).unwrap().items, []);
}

pub fn filters_hold_together(f: &mut Fixture) {
    let (batch, jobs) = f.submit_batch("batch-1", "chat", 2);
    let picture = f.submit("paint");
    let mut other = f.new_job("chat");
    other.project = "q".into();
    let other_id = other.id.clone();
    f.submit_all(vec![other]).unwrap();
    f.start(&jobs[0], W1);
    f.start(&picture, W2);

    let none = JobFilter::default();
    let of = |filter: JobFilter| ids(f, &filter);
    assert_eq!(of(none.clone()).len(), 4);
    assert_eq!(
        of(JobFilter { batch: Some(batch.clone()), ..none.clone() }),
        [jobs[1].clone(), jobs[0].clone()]
    );
    let running = JobFilter { states: vec![JobState::Running], ..none.clone() };
    assert_eq!(of(running.clone()), [picture.clone(), jobs[0].clone()]);
    assert_eq!(of(JobFilter { batch: Some(batch), ..running.clone() }), [jobs[0].clone()]);
    assert_eq!(of(JobFilter { kind: Some(TaskKind::Image), ..none.clone() }), std::slice::from_ref(&picture));
    assert_eq!(of(JobFilter { model: Some("chat".to_owned()), ..running.clone() }), [jobs[0].clone()]);
    assert_eq!(of(JobFilter { project: Some("q".into()), ..none.clone() }), [other_id]);
    assert_eq!(of(JobFilter { worker: Some(W2.into()), ..none.clone() }), [picture]);
    assert_eq!(of(JobFilter { worker: Some(W2.into()), kind: Some(TaskKind::Llm), ..none.clone() }), []);
    assert_eq!(of(JobFilter { batch: Some("batch-x".into()), ..none }), []);
}

pub fn text_is_found_literally(f: &mut Fixture) {
    let mut jobs = Vec::new();
    for name in ["red fox", "100% fox", "snow_owl", "snowyowl"] {
        let mut job = f.new_job("chat");
        name.clone_into(&mut job.asset_name);
        jobs.push(job);
    }
    f.submit_all(jobs).unwrap();
    let found = |text: &str| ids(f, &JobFilter { text: Some(text.to_owned()), ..JobFilter::default() });
    assert_eq!(found("fox"), ["job-2".into(), "job-1".into()]);
    assert_eq!(found("%"), ["job-2".into()]);
    assert_eq!(found("w_o"), ["job-3".into()]);
    assert_eq!(found("job-4"), ["job-4".into()]);
    assert_eq!(found("").len(), 4);
    assert_eq!(found("x' OR 1=1"), []);
}

pub fn a_detail_has_task_history_and_result(f: &mut Fixture) {
    let job = f.submit("chat");
    f.start(&job, W1);
    f.fail(&job, W1, None, true);
    f.start(&job, W2);
    assert_eq!(f.detail(&job).history[1].outcome, None);
    f.complete(&job, W2, None);
    let json = serde_json::to_value(f.detail(&job)).unwrap();
    assert_eq!(json["state"], "done");
    assert_eq!(json["task"]["kind"], "llm");
    assert_eq!(json["result"]["ok"], true);
    assert_eq!(json["attempts"], 2);
    assert_eq!(json["history"][0]["outcome"], "failed");
    assert_eq!(json["history"][0]["error"], "the engine fell over");
    assert_eq!(json["history"][1]["outcome"], "done");
    assert_eq!(json["history"][1]["worker"], W2);
    assert_eq!(json["history"][1]["endedAt"], json["finishedAt"]);
    assert!(json.get("error").is_none(), "{json}");
    let listed = f.db.jobs_by_id(&["job-x".into(), job.clone()]).unwrap();
    assert_eq!(listed, [f.job(&job)]);
    assert!(f.db.job(&"job-x".into()).is_err());
}
