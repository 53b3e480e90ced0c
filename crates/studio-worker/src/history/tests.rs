use std::fs;
use std::io::Write;
use std::time::Duration;

use rusqlite::Connection;
use studio_protocol::TaskKind;
use worker_local::Origin;

use super::*;

const LIMIT: Duration = Duration::from_secs(20);

struct Place {
    dir: tempfile::TempDir,
    tasks: Tasks,
}

impl Place {
    fn new() -> Self {
        Self { dir: tempfile::tempdir().unwrap(), tasks: Tasks::new() }
    }

    fn path(&self) -> PathBuf {
        self.dir.path().join("history.db")
    }

    fn history(&self, days: u32) -> History {
        History::new(self.path(), days, self.tasks.clone(), || {})
    }

    /// Everything that was recorded is on the disk.
    async fn settled(&self) {
        let end = std::time::Instant::now() + LIMIT;
        while !self.tasks.is_empty() {
            assert!(std::time::Instant::now() < end, "the disk is never done");
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    }
}

fn over(id: &str, ended_at: Timestamp) -> Over {
    let job = RunningJob {
        id: id.into(),
        origin: Origin::Studio,
        kind: TaskKind::Llm,
        model: "m".into(),
        project: "p".into(),
        name: "n".into(),
        prompt: format!("100% of {id}"),
        started_at: ended_at,
        stage: None,
        step: 0,
        steps: 0,
        eta_ms: None,
        bytes: None,
        total_bytes: None,
        preview: 0,
    };
    Over { job, ended_at, end: JobEnd::Done, reason: None, lines: vec![line("a")], picture: None }
}

fn line(message: &str) -> JobLine {
    let (level, category) = ("info".into(), "worker".into());
    JobLine { ts: Timestamp::from_millis(1), level, category, message: message.into() }
}

async fn ids(history: &History, filter: JobFilter) -> Vec<String> {
    history.list(filter).await.unwrap().jobs.into_iter().map(|job| job.id).collect()
}

#[tokio::test]
async fn pages_go_back_in_time_without_a_gap() {
    let place = Place::new();
    let history = place.history(30);
    for number in 0..250 {
        history.record(over(&format!("job-{number}"), Timestamp::now()));
    }
    place.settled().await;
    let mut before = None;
    let mut seen = Vec::new();
    loop {
        let page = history.list(JobFilter { before, ..JobFilter::default() }).await.unwrap();
        seen.extend(page.jobs.into_iter().map(|job| job.seq));
        before = page.next;
        if before.is_none() {
            break;
        }
    }
    assert_eq!(seen, (1..=250).rev().collect::<Vec<_>>());
    assert_eq!(history.last(), 250);
    assert_eq!(
        ids(&history, JobFilter { search: Some("100% of JOB-24".into()), ..JobFilter::default() })
            .await
            .len(),
        11
    );
    assert_eq!(ids(&history, JobFilter { limit: Some(0), ..JobFilter::default() }).await, ["job-249"]);
}

#[tokio::test]
async fn a_second_try_is_a_record_of_its_own_and_late_lines_go_to_the_newest() {
    let place = Place::new();
    let history = place.history(30);
    history.record(over("job-1", Timestamp::now()));
    history.record(Over { end: JobEnd::Failed, ..over("job-1", Timestamp::now()) });
    history.late("job-1".into(), line("b"));
    history.late("job-2".into(), line("c"));
    place.settled().await;
    assert_eq!(ids(&history, JobFilter::default()).await.len(), 2);
    assert_eq!(history.job("job-1".into()).await.unwrap().unwrap().end, JobEnd::Failed);
    assert_eq!(history.log("job-1".into()).await.unwrap().unwrap(), [line("a"), line("b")]);
    assert_eq!(history.log("job-2".into()).await.unwrap(), None);
}

#[tokio::test]
async fn what_is_too_old_leaves_with_its_log_and_no_days_delete_everything() {
    let place = Place::new();
    let history = place.history(2);
    let now = Timestamp::now();
    history.record(over("old", now.plus_millis(-3 * 86_400_000)));
    history.record(over("new", now));
    place.settled().await;
    assert_eq!(ids(&history, JobFilter::default()).await, ["new"]);
    let lines: i64 = Connection::open(place.path())
        .unwrap()
        .query_row("SELECT count(*) FROM lines", [], |row| row.get(0))
        .unwrap();
    assert_eq!(lines, 1);
    history.keep(0);
    history.record(over("none", now));
    place.settled().await;
    assert_eq!(history.list(JobFilter::default()).await.unwrap_err(), HistoryError::Off);
    assert_eq!(fs::read_dir(place.dir.path()).unwrap().count(), 0);
    history.keep(2);
    history.record(over("again", now));
    place.settled().await;
    assert_eq!(ids(&history, JobFilter::default()).await, ["again"]);
}

#[tokio::test]
async fn ten_thousand_jobs_are_kept_and_no_more() {
    let place = Place::new();
    let history = place.history(30);
    for _ in 0..11 {
        for number in 0..1_000 {
            history.record(over(&format!("job-{number}"), Timestamp::now()));
        }
        place.settled().await;
    }
    let days = history.days().await.unwrap();
    assert_eq!(days.iter().map(|day| day.jobs).sum::<u64>(), 10_000);
    assert_eq!(history.last(), 11_000);
}

#[tokio::test]
async fn a_file_that_breaks_is_begun_anew_and_one_of_a_newer_worker_is_left_alone() {
    let place = Place::new();
    fs::write(place.path(), "no database at all, ".repeat(1_000)).unwrap();
    let history = place.history(30);
    history.record(over("job-1", Timestamp::now()));
    place.settled().await;
    assert_eq!(ids(&history, JobFilter::default()).await, ["job-1"]);
    drop(history);
    Connection::open(place.path()).unwrap().pragma_update(None, "user_version", 9).unwrap();
    let history = place.history(30);
    history.record(over("job-2", Timestamp::now()));
    place.settled().await;
    let error = history.list(JobFilter::default()).await.unwrap_err();
    assert!(error.to_string().contains("version 9"), "{error}");
}

#[tokio::test]
async fn a_file_that_is_held_costs_records_and_no_time_of_the_worker() {
    let place = Place::new();
    let history = place.history(30);
    history.open();
    place.settled().await;
    let other = Connection::open(place.path()).unwrap();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    let start = std::time::Instant::now();
    history.record(over("lost", Timestamp::now()));
    assert!(start.elapsed() < Duration::from_secs(1));
    place.settled().await;
    other.execute_batch("ROLLBACK").unwrap();
    history.record(over("kept", Timestamp::now()));
    place.settled().await;
    assert_eq!(ids(&history, JobFilter::default()).await, ["kept"]);
}

#[cfg(unix)]
#[tokio::test]
async fn every_file_of_it_is_its_owners_alone() {
    use std::os::unix::fs::PermissionsExt;
    let place = Place::new();
    let mut file = File::create(place.path()).unwrap();
    file.set_permissions(fs::Permissions::from_mode(0o644)).unwrap();
    file.flush().unwrap();
    let history = place.history(30);
    history.record(over("job-1", Timestamp::now()));
    place.settled().await;
    let files: Vec<_> = fs::read_dir(place.dir.path()).unwrap().map(Result::unwrap).collect();
    assert!(files.len() > 1, "the log of the database is there too");
    for file in files {
        assert_eq!(file.metadata().unwrap().permissions().mode() & 0o777, 0o600, "{file:?}");
    }
}
