//! The controller against a daemon that a test plays: it follows, loses and finds it again, and never keeps too much.
#![expect(clippy::unwrap_used, reason = "a test fails where something is not as it should be")]

use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::extract::{Path as Segment, Query, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post, put};
use axum::{Json, Router};
use serde::Deserialize;
use studio_runtime::Tasks;
use tokio::runtime::Runtime;
use tokio::sync::watch;
use worker_local::{
    ConfigChange, ConfigProblem, Discovery, JobFilter, JobPage, LogPage, PREFIX, PauseAsk, PauseView,
    Problem, Status,
};
use worker_ui::controller::{Controller, ControllerOptions};
use worker_ui::{Command, Link, Page, PictureKey, View, WindowAsks, samples, window_channel};

/// Everything here answers within milliseconds; a machine under load may not.
const PATIENCE: Duration = Duration::from_secs(20);

/// What the daemon answers with; a new status wakes those who wait.
struct Daemon {
    status: watch::Sender<Status>,
    token: String,
    jobs: AtomicU64,
    lines: AtomicU64,
    log_questions: AtomicU64,
    picture: Vec<u8>,
    asked: Mutex<Vec<JobFilter>>,
}

struct Running {
    daemon: Arc<Daemon>,
    tasks: Tasks,
    runtime: Runtime,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase", default)]
struct After {
    after: Option<u64>,
    wait_ms: Option<u64>,
}

impl Running {
    fn start(folder: &Path, pid: u32, version: &str) -> Self {
        let runtime =
            tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        let mut picture = std::io::Cursor::new(Vec::new());
        image::RgbImage::new(64, 64).write_to(&mut picture, image::ImageFormat::Png).unwrap();
        let token = format!("token-{pid}");
        let status = Status { pid, version: version.to_owned(), last_record: 600, ..samples::status() };
        let daemon = Arc::new(Daemon {
            status: watch::channel(status).0,
            token: token.clone(),
            jobs: AtomicU64::new(600),
            lines: AtomicU64::new(100),
            log_questions: AtomicU64::new(0),
            picture: picture.into_inner(),
            asked: Mutex::default(),
        });
        let listener = runtime.block_on(tokio::net::TcpListener::bind("127.0.0.1:0")).unwrap();
        let found = Discovery {
            url: format!("http://{}", listener.local_addr().unwrap()),
            token,
            pid,
            version: version.to_owned(),
            started_at: samples::now(),
        };
        let tasks = Tasks::new();
        let router = router(Arc::clone(&daemon));
        runtime.block_on(async {
            tasks.spawn(async move { axum::serve(listener, router).await.unwrap() });
        });
        std::fs::write(folder.join(Discovery::FILE), serde_json::to_vec(&found).unwrap()).unwrap();
        Self { daemon, tasks, runtime }
    }

    fn change(&self, change: impl FnOnce(&mut Status)) {
        self.daemon.status.send_modify(|status| {
            status.generation += 1;
            change(status);
        });
    }

    /// As a crash would: the file that says where it was stays.
    fn kill(self) {
        self.tasks.stop_hard();
        self.runtime.shutdown_timeout(Duration::from_secs(1));
    }
}

fn router(daemon: Arc<Daemon>) -> Router {
    let api = Router::new()
        .route("/status", get(status))
        .route("/logs", get(logs))
        .route("/jobs", get(jobs))
        .route("/jobs/days", get(|| async { Json(samples::history(100, false).days) }))
        .route("/jobs/{id}/log", get(|| async { Json(samples::job_lines()) }))
        .route("/jobs/{id}/thumbnail", get(thumbnail))
        .route("/pause", post(pause))
        .route("/config", put(config))
        .route("/models", get(|| async { Json(samples::models()) }));
    Router::new().nest(PREFIX, api).with_state(daemon)
}

async fn status(
    State(daemon): State<Arc<Daemon>>,
    Query(after): Query<After>,
    headers: HeaderMap,
) -> Response {
    if headers["authorization"] != format!("Bearer {}", daemon.token) {
        return refuse(StatusCode::UNAUTHORIZED, "the token is another one", Vec::new());
    }
    let mut statuses = daemon.status.subscribe();
    let newer = statuses.wait_for(|status| after.after.is_none_or(|after| status.generation > after));
    let wait = Duration::from_millis(after.wait_ms.unwrap_or(0));
    let _ = tokio::time::timeout(wait, newer).await;
    let status = daemon.status.borrow().clone();
    Json(status).into_response()
}

async fn logs(State(daemon): State<Arc<Daemon>>, Query(after): Query<After>) -> Json<LogPage> {
    daemon.log_questions.fetch_add(1, Ordering::Relaxed);
    let after_line = after.after.unwrap_or(0);
    let deadline = tokio::time::Instant::now() + Duration::from_millis(after.wait_ms.unwrap_or(0));
    while daemon.lines.load(Ordering::Relaxed) <= after_line && tokio::time::Instant::now() < deadline {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    let last = daemon.lines.load(Ordering::Relaxed);
    let lines = samples::log_lines(last).into_iter().filter(|line| line.seq > after_line).collect();
    Json(LogPage { lines, last, gap: false })
}

async fn jobs(State(daemon): State<Arc<Daemon>>, Query(filter): Query<JobFilter>) -> Json<JobPage> {
    daemon.asked.lock().unwrap().push(filter.clone());
    let newest = daemon.jobs.load(Ordering::Relaxed);
    let before = filter.before.unwrap_or(newest + 1);
    let count = u64::from(filter.limit.unwrap_or(100));
    let first = before.saturating_sub(count).max(1);
    let next = (first > 1).then_some(first);
    Json(JobPage { jobs: (first..before).rev().map(samples::record).collect(), next })
}

async fn thumbnail(State(daemon): State<Arc<Daemon>>, Segment(id): Segment<String>) -> Response {
    if id == "gone" {
        return refuse(StatusCode::NOT_FOUND, "there is no picture", Vec::new());
    }
    daemon.picture.clone().into_response()
}

async fn pause(State(daemon): State<Arc<Daemon>>, Json(_): Json<PauseAsk>) -> Json<Status> {
    daemon.status.send_modify(|status| {
        status.generation += 1;
        status.pause = Some(PauseView { until: None, until_idle: false });
    });
    let status = daemon.status.borrow().clone();
    Json(status)
}

async fn config(Json(change): Json<ConfigChange>) -> Response {
    if change.changes.is_empty() {
        return Json(samples::config()).into_response();
    }
    let problem =
        ConfigProblem { key: "vram_threshold_gb".into(), problem: "is more than the card has".into() };
    refuse(StatusCode::UNPROCESSABLE_ENTITY, "a setting was refused", vec![problem])
}

fn refuse(status: StatusCode, detail: &str, problems: Vec<ConfigProblem>) -> Response {
    let problem =
        Problem { status: status.as_u16(), code: "refused".into(), detail: detail.into(), problems };
    (status, Json(problem)).into_response()
}

/// A controller, and who it wakes.
struct Stage {
    folder: tempfile::TempDir,
    controller: Controller,
    asks: WindowAsks,
    runtime: Runtime,
}

impl Stage {
    fn new() -> Self {
        Self::with(|_| {})
    }

    fn with(change: impl FnOnce(&mut ControllerOptions)) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let (window, asks) = window_channel();
        let mut options = ControllerOptions::new(folder.path().to_owned(), window);
        change(&mut options);
        let controller = Controller::start(options).unwrap();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        Self { folder, controller, asks, runtime }
    }

    fn daemon(&self, pid: u32) -> Running {
        Running::start(self.folder.path(), pid, env!("CARGO_PKG_VERSION"))
    }

    fn send(&self, command: Command) {
        assert!(self.controller.commands().send(command));
    }

    fn until(&self, what: &str, is: impl Fn(&View) -> bool) -> Arc<View> {
        let mut views = self.controller.views();
        let seen = async { views.wait_for(|view| is(view)).await.map(|view| Arc::clone(&view)) };
        match self.runtime.block_on(async { tokio::time::timeout(PATIENCE, seen).await }) {
            Ok(view) => view.unwrap(),
            Err(late) => panic!("{what}: {late}; {:?}", self.controller.view()),
        }
    }
}

fn pid(view: &View) -> Option<u32> {
    view.status.as_ref().map(|status| status.pid)
}

#[test]
fn it_finds_the_daemon_follows_it_and_finds_the_next_one() {
    let stage = Stage::new();
    assert_eq!(stage.controller.view().link, Link::Starting);
    let first = stage.daemon(1);
    stage.until("the first daemon", |view| view.link == Link::Up && pid(view) == Some(1));
    first.change(|status| status.waiting_results = 3);
    stage.until("a change", |view| view.status.as_ref().is_some_and(|status| status.waiting_results == 3));
    first.kill();
    let gone = stage.until("that it is gone", |view| matches!(view.link, Link::Unreachable { .. }));
    assert_eq!(pid(&gone), Some(1), "what was known stays");
    stage.send(Command::Resume);
    stage.until("that nothing can be asked", |view| {
        view.toasts.iter().any(|toast| toast.text.contains("not running"))
    });
    let second = stage.daemon(2);
    stage.until("the second daemon", |view| view.link == Link::Up && pid(view) == Some(2));
    second.kill();
    std::fs::remove_file(stage.folder.path().join(Discovery::FILE)).unwrap();
    stage.until("that it ended cleanly", |view| match &view.link {
        Link::Unreachable { words } => words.starts_with("No worker runs for the config folder"),
        Link::Starting | Link::Up | Link::OtherVersion { .. } => false,
    });
}

#[test]
fn another_version_is_told_and_the_right_one_is_taken_once_it_is_there() {
    let stage = Stage::new();
    let _old = Running::start(stage.folder.path(), 1, "0.0.1");
    stage.until("the other version", |view| view.link == Link::OtherVersion { daemon: "0.0.1".into() });
    let _new = stage.daemon(2);
    stage.until("this version", |view| view.link == Link::Up);
}

#[test]
fn a_token_that_is_not_the_daemons_is_no_daemon() {
    let stage = Stage::new();
    let running = stage.daemon(1);
    let path = stage.folder.path().join(Discovery::FILE);
    let found = std::fs::read_to_string(&path).unwrap();
    stage.until("the daemon", |view| view.link == Link::Up);
    std::fs::write(&path, found.replace("token-1", "token-0")).unwrap();
    running.kill();
    stage.until("that it is gone", |view| matches!(view.link, Link::Unreachable { .. }));
}

#[test]
fn a_start_is_asked_for_and_its_failure_told() {
    let stage =
        Stage::with(|options| options.start_daemon = Some(Arc::new(|| Err("no such program".into()))));
    stage.send(Command::StartDaemon);
    stage.until("the failure", |view| view.toasts.iter().any(|toast| toast.text == "no such program"));
    assert!(!stage.controller.view().is_pending(&Command::StartDaemon));
}

#[test]
fn the_end_of_the_own_daemon_is_told_until_one_runs_again() {
    let stage = Stage::new();
    stage.send(Command::DaemonEnded(Some(3)));
    let view = stage.until("the end", |view| matches!(view.link, Link::Unreachable { .. }));
    assert_eq!(view.ended, Some(3));
    // Its owner starts one: until that answers, its absence is no news again.
    stage.send(Command::DaemonEnded(None));
    let view = stage.until("the start", |view| view.link == Link::Starting);
    assert_eq!(view.ended, None);
    stage.send(Command::DaemonEnded(Some(4)));
    stage
        .until("the next end", |view| view.ended == Some(4) && matches!(view.link, Link::Unreachable { .. }));
    let _running = stage.daemon(1);
    let view = stage.until("the next one", |view| view.link == Link::Up);
    assert_eq!(view.ended, None);
}

#[test]
fn what_cannot_be_opened_is_told() {
    let stage = Stage::new();
    stage.send(Command::OpenPath("/nowhere/at/all".into()));
    stage.until("the failure", |view| view.toasts.iter().any(|toast| toast.text.contains("/nowhere/at/all")));
}

#[test]
fn the_history_comes_page_by_page_and_is_kept_up() {
    let stage = Stage::new();
    let running = stage.daemon(1);
    stage.send(Command::Look(Some(Page::Jobs)));
    let view = stage.until("the first page", |view| view.history.rows.len() == 250);
    assert!(view.history.more);
    stage.send(Command::MoreJobs);
    stage.until("the second page", |view| view.history.rows.len() == 500);
    running.daemon.jobs.store(603, Ordering::Relaxed);
    running.change(|status| status.last_record = 603);
    let view = stage.until("the new ones", |view| view.history.rows.len() == 503);
    let seqs: Vec<_> = view.history.rows.iter().map(|row| row.seq).collect();
    assert!(seqs.windows(2).all(|pair| pair[0] == pair[1] + 1), "no hole and no double");
    assert!(!view.history.days.is_empty());

    let filter = JobFilter { search: Some("fox".into()), ..JobFilter::default() };
    stage.send(Command::ShowJobs(filter.clone()));
    stage.until("the filtered ones", |view| view.history.filter == filter && view.history.rows.len() == 250);
    let asked = running.daemon.asked.lock().unwrap().last().cloned().unwrap();
    assert_eq!(asked, JobFilter { limit: Some(250), ..filter });

    stage.send(Command::OpenJob(Some("a".into())));
    stage.until("its log", |view| view.job.as_ref().is_some_and(|job| !job.busy && !job.lines.is_empty()));
}

#[test]
fn pictures_are_fetched_when_they_are_seen_and_what_is_not_there_is_not_asked_for_again() {
    let stage = Stage::new();
    let _running = stage.daemon(1);
    stage.until("the daemon", |view| view.link == Link::Up);
    let key = |id: &str| PictureKey::Thumbnail(id.to_owned());
    stage.send(Command::WantPictures(vec![(key("a"), 0), (key("gone"), 0), (key("b"), 0)]));
    let view = stage.until("the pictures", |view| {
        view.pictures.get(&key("b")).is_some() && view.pictures.settled(&key("gone"), 0)
    });
    assert_eq!(view.pictures.get(&key("a")).unwrap().size, [64, 64]);
    assert!(view.pictures.get(&key("gone")).is_none());
}

#[test]
fn logs_are_followed_while_they_are_seen_and_not_otherwise() {
    let stage = Stage::new();
    let running = stage.daemon(1);
    let daemon = &running.daemon;
    stage.until("the daemon", |view| view.link == Link::Up);
    assert_eq!(daemon.log_questions.load(Ordering::Relaxed), 0);
    stage.send(Command::Look(Some(Page::Logs)));
    stage.until("the first lines", |view| view.logs.last() == 100);
    daemon.lines.store(25_000, Ordering::Relaxed);
    let view = stage.until("more lines", |view| view.logs.last() == 25_000);
    assert!(view.logs.rows().len() <= 10_000, "the buffer is bounded");
    stage.send(Command::Look(Some(Page::About)));
    stage.send(Command::ClearLogs);
    stage.until("that they are cleared", |view| view.logs.rows().is_empty());
    let asked = daemon.log_questions.load(Ordering::Relaxed);
    daemon.lines.store(25_001, Ordering::Relaxed);
    running.change(|status| status.waiting_results = 1);
    stage.until("a later status", |view| {
        view.status.as_ref().is_some_and(|status| status.waiting_results == 1)
    });
    assert_eq!(daemon.log_questions.load(Ordering::Relaxed), asked);
    stage.send(Command::Look(Some(Page::Logs)));
    stage.until("what was missed", |view| view.logs.last() == 25_001);
}

#[test]
fn commands_change_the_view_at_once_and_refusals_are_told() {
    let stage = Stage::new();
    let _running = stage.daemon(1);
    stage.until("the daemon", |view| view.link == Link::Up);
    stage.send(Command::Pause(PauseAsk::default()));
    let view =
        stage.until("the pause", |view| view.status.as_ref().is_some_and(|status| status.pause.is_some()));
    assert!(!view.is_pending(&Command::Resume));
    // This daemon knows no release.
    stage.send(Command::Release { id: "a".into() });
    stage.until("the refusal", |view| view.toasts.iter().any(|toast| toast.text.contains("404")));

    stage.send(Command::ChangeConfig(ConfigChange::default()));
    stage.until("that it is saved", |view| view.saving.saved == 1 && view.config.value.is_some());
    let change = ConfigChange { changes: [("vram_threshold_gb".to_owned(), 99.into())].into() };
    stage.send(Command::ChangeConfig(change));
    let view = stage.until("why not", |view| view.saving.trouble.is_some());
    assert_eq!(view.saving.problems[0].key, "vram_threshold_gb");
    assert_eq!(view.saving.saved, 1);
}

#[test]
fn a_second_start_raises_the_window_and_a_first_look_does_not() {
    let stage = Stage::new();
    let running = stage.daemon(1);
    running.change(|status| status.raises = 4);
    stage.until("the daemon", |view| view.link == Link::Up);
    assert_eq!(stage.asks.next(), None);
    running.change(|status| status.raises = 5);
    stage.until("the raise", |view| view.status.as_ref().is_some_and(|status| status.raises == 5));
    assert_eq!(stage.asks.next(), Some(worker_ui::WindowAsk::Show));
}

#[test]
fn an_idle_daemon_wakes_nobody() {
    let seen = Arc::new(AtomicU64::new(0));
    let count = Arc::clone(&seen);
    let stage = Stage::with(move |options| {
        options.on_view = Some(Box::new(move |_| {
            count.fetch_add(1, Ordering::Relaxed);
        }));
    });
    let running = stage.daemon(1);
    stage.send(Command::Look(Some(Page::Logs)));
    stage.until("everything", |view| view.link == Link::Up && view.logs.last() == 100);
    let before = seen.load(Ordering::Relaxed);
    // Two questions are open now, and neither is answered: only this change is a view.
    running.change(|status| status.waiting_results = 1);
    stage.until("a change", |view| view.status.as_ref().is_some_and(|status| status.waiting_results == 1));
    assert_eq!(seen.load(Ordering::Relaxed), before + 1);
}
