//! A studio over a temporary folder, spoken to without a network, and a worker that exists in its store only.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::http::{HeaderMap, Method, Request, StatusCode, header};
use axum::response::Response;
use bytes::Bytes;
use serde_json::{Value, json};
use studio::{AppState, Settings, serve};
use studio_protocol::{JobId, RequestId, Timestamp, WorkerId};
use studio_runtime::Tasks;
use studio_store::{ArtefactId, ClaimOutcome, CommitOutcome, NewArtefact, NewRegistration};
use tempfile::TempDir;
use tower::ServiceExt;

/// Answers in these tests: the largest is a list of 10,000 jobs.
const MAX_ANSWER_BYTES: usize = 64 * 1024 * 1024;

static NEXT: AtomicUsize = AtomicUsize::new(1);

pub struct Desk {
    pub state: AppState,
    pub admin: String,
    router: Router,
    tasks: Tasks,
    dir: Arc<TempDir>,
}

/// The password of every account that a desk makes.
pub const PASSWORD: &str = "correct horse battery";

/// Somebody who is signed in.
#[derive(Debug, Clone)]
pub struct Browser {
    /// For the header `Cookie`.
    pub cookie: String,
    /// For the header `X-CSRF-Token`.
    pub csrf: String,
}

/// An answer, read to its end.
#[derive(Debug)]
pub struct Answer {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub bytes: Bytes,
}

impl Desk {
    pub async fn open() -> Self {
        Self::open_with(|_| {}).await
    }

    /// A studio that was started in another way than usual.
    pub async fn open_with(change: impl FnOnce(&mut Settings)) -> Self {
        Self::open_in(Arc::new(tempfile::tempdir().expect("a temporary folder")), change).await
    }

    /// The next run of the same studio, after one that ended without a word.
    pub async fn reopen(self) -> Self {
        let (dir, tasks) = (self.dir.clone(), self.tasks.clone());
        drop(self);
        tasks.join().await;
        Self::open_in(dir, |_| {}).await
    }

    async fn open_in(dir: Arc<TempDir>, change: impl FnOnce(&mut Settings)) -> Self {
        let mut settings = Settings::new(([127, 0, 0, 1], 0).into(), dir.path().join("data"));
        settings.starter_model = false;
        change(&mut settings);
        let key_file = settings.admin_key();
        let tasks = Tasks::new();
        let state = serve::open(settings, &tasks).await.expect("a new studio opens");
        let admin =
            std::fs::read_to_string(key_file).expect("the first start writes a key").trim().to_owned();
        Self { router: serve::router(state.clone()), state, admin, tasks, dir }
    }

    /// Stops, and starts again over the same data.
    pub async fn restart(self) -> Self {
        let settings = (*self.state.settings).clone();
        let (admin, dir, lock) = (self.admin.clone(), self.dir.clone(), Arc::downgrade(&self.state.lock));
        self.tasks.stop_hard();
        self.tasks.join().await;
        self.state.store.clone().close().await;
        drop(self);
        assert!(lock.upgrade().is_none(), "somebody still holds the studio");
        let tasks = Tasks::new();
        let state = serve::open(settings, &tasks).await.expect("the studio opens again");
        Self { router: serve::router(state.clone()), state, admin, tasks, dir }
    }

    /// Waits for what is written without anybody waiting for it: the audit log, times of use.
    pub async fn settle(&self) {
        self.state.store.write(|_| Ok(())).await.expect("the store works");
    }

    /// Any request; the answer's body is not read.
    pub async fn send(&self, request: Request<Body>) -> Response {
        self.router.clone().oneshot(request).await.expect("a router always answers")
    }

    /// A request with a key and perhaps JSON.
    pub async fn call(&self, key: &str, method: &str, path: &str, body: Option<Value>) -> Answer {
        self.call_with(key, method, path, body, &[]).await
    }

    pub async fn call_with(
        &self,
        key: &str,
        method: &str,
        path: &str,
        body: Option<Value>,
        headers: &[(&str, &str)],
    ) -> Answer {
        let method: Method = method.parse().expect("a method");
        let mut request = Request::builder().method(method).uri(path);
        request = request.header(header::AUTHORIZATION, format!("Bearer {key}"));
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let request = match body {
            Some(json) => {
                request.header(header::CONTENT_TYPE, "application/json").body(Body::from(json.to_string()))
            }
            None => request.body(Body::empty()),
        };
        Answer::read(self.send(request.expect("a request")).await).await
    }

    pub async fn get(&self, path: &str) -> Answer {
        self.call(&self.admin, "GET", path, None).await
    }

    pub async fn post(&self, path: &str, body: Value) -> Answer {
        self.call(&self.admin, "POST", path, Some(body)).await
    }

    /// A request of somebody who is signed in, from a page of theirs.
    pub async fn browse(&self, who: &Browser, method: &str, path: &str, body: Option<Value>) -> Answer {
        let headers = [("cookie", who.cookie.as_str()), ("x-csrf-token", who.csrf.as_str())];
        self.plain(method, path, body, &headers).await
    }

    /// A request with these headers and no others.
    pub async fn plain(
        &self,
        method: &str,
        path: &str,
        body: Option<Value>,
        headers: &[(&str, &str)],
    ) -> Answer {
        let mut request = Request::builder().method(method).uri(path);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let request = match body {
            Some(json) => {
                request.header(header::CONTENT_TYPE, "application/json").body(Body::from(json.to_string()))
            }
            None => request.body(Body::empty()),
        };
        Answer::read(self.send(request.expect("a request")).await).await
    }

    /// Makes an account; its id.
    pub async fn user(&self, name: &str, role: &str) -> String {
        let new = json!({ "name": name, "role": role, "password": PASSWORD });
        self.id_of("/api/v1/users", new).await
    }

    /// Signs an account in.
    pub async fn sign_in(&self, name: &str) -> Browser {
        let body = json!({ "name": name, "password": PASSWORD });
        Browser::of(&self.plain("POST", "/api/v1/session", Some(body), &[]).await)
    }

    /// An account of this role, signed in.
    pub async fn browser(&self, role: &str) -> Browser {
        self.user(role, role).await;
        self.sign_in(role).await
    }

    pub async fn key(&self, role: &str, project: Option<&str>) -> String {
        let made = self.post("/api/v1/keys", json!({ "name": role, "role": role, "project": project })).await;
        made.ok()["secret"].as_str().expect("a new key has a secret").to_owned()
    }

    /// Submits a picture and returns its id.
    pub async fn image(&self, prompt: &str) -> String {
        self.id_of("/api/v1/jobs", image(prompt)).await
    }

    /// Posts and returns the id of what was made.
    pub async fn id_of(&self, path: &str, body: Value) -> String {
        self.post(path, body).await.ok()["id"].as_str().expect("it has an id").to_owned()
    }

    /// A worker that asked to join; its registration.
    pub async fn registration(&self) -> RequestId {
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let request_id = RequestId::from(format!("rr-{number}"));
        let new = NewRegistration {
            request_id: request_id.clone(),
            install_id: format!("install-{number}"),
            secret_hash: "00".into(),
            capabilities_json: json!({ "machineName": format!("pc-{number}"), "vramTotalGb": 8.0 })
                .to_string(),
            user_agent: "studio-worker/0.1.0".to_owned(),
            source_addr: "127.0.0.1".to_owned(),
        };
        let now = Timestamp::now();
        self.state.store.write(move |db| db.request_registration(&new, None, now)).await.expect("it may ask");
        request_id
    }

    /// An approved worker.
    pub async fn worker(&self) -> WorkerId {
        let registration = self.registration().await;
        WorkerId::from(self.id_of(&format!("/api/v1/registrations/{registration}/approve"), json!({})).await)
    }

    /// Lets the worker take a job.
    pub async fn start(&self, worker: &WorkerId, job: &str) {
        let (worker, job, now) = (worker.clone(), JobId::from(job), Timestamp::now());
        let taken = self.state.store.write(move |db| {
            let claimed = db.claim(&job, &worker, now)?;
            Ok(matches!(claimed, ClaimOutcome::Claimed(_)) && db.accept(&job, &worker, None, now)?)
        });
        assert!(taken.await.expect("the store works"), "the job cannot be taken");
    }

    /// Lets the worker take a job and bring an artefact.
    pub async fn finish(
        &self,
        worker: &WorkerId,
        job: &str,
        ext: &str,
        content: &'static [u8],
    ) -> ArtefactId {
        self.start(worker, job).await;
        let key = format!("{job}/1");
        let stream = futures_util::stream::iter([Ok::<_, String>(Bytes::from_static(content))]);
        let stored = self.state.artefacts.put(&key, 1 << 20, stream).await.expect("the artefact store works");
        let new = NewArtefact {
            id: ArtefactId::from(format!("art-of-{job}")),
            key,
            sha256: stored.sha256,
            bytes: stored.bytes,
            ext: ext.to_owned(),
            mime: studio_protocol::mime_of_ext(ext).to_owned(),
            meta: Some("{\"steps\":8}".to_owned()),
        };
        let id = new.id.clone();
        let (worker, job, now) = (worker.clone(), JobId::from(job), Timestamp::now());
        let done =
            self.state.store.write(move |db| db.complete_artefact(&job, &worker, None, &new, now)).await;
        assert_eq!(done.expect("the store works"), CommitOutcome::Committed);
        id
    }

    /// Lets the worker take a job and answer with JSON.
    pub async fn answer(&self, worker: &WorkerId, job: &str, result: &'static str) {
        self.start(worker, job).await;
        let (worker, job, now) = (worker.clone(), JobId::from(job), Timestamp::now());
        let done = self
            .state
            .store
            .write(move |db| db.complete_json(&job, &worker, None, result, Some("hi"), now))
            .await;
        assert_eq!(done.expect("the store works"), CommitOutcome::Committed);
    }

    /// Lets the worker take a job and fail it for good.
    pub async fn fail(&self, worker: &WorkerId, job: &str, error: &'static str) {
        self.start(worker, job).await;
        let (worker, job, now) = (worker.clone(), JobId::from(job), Timestamp::now());
        self.state
            .store
            .write(move |db| db.fail(&job, &worker, None, error, false, now))
            .await
            .expect("the store works");
    }

    /// The first step of a shutdown.
    pub fn stop_softly(&self) {
        self.tasks.stop_softly();
    }
}

impl Browser {
    /// From the answer to a sign-in.
    #[track_caller]
    pub fn of(answer: &Answer) -> Self {
        let session = answer.ok();
        let cookie = answer.header("set-cookie").expect("a cookie").split(';').next().unwrap_or_default();
        let csrf = session["csrf"].as_str().expect("a token");
        Self { cookie: cookie.to_owned(), csrf: csrf.to_owned() }
    }
}

impl Drop for Desk {
    fn drop(&mut self) {
        self.tasks.stop_hard();
    }
}

impl Answer {
    pub async fn read(response: Response) -> Self {
        let (parts, body) = response.into_parts();
        let bytes = to_bytes(body, MAX_ANSWER_BYTES).await.expect("the answer has an end");
        Self { status: parts.status, headers: parts.headers, bytes }
    }

    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.bytes)
            .unwrap_or_else(|error| panic!("{error}: {}", String::from_utf8_lossy(&self.bytes)))
    }

    /// The JSON of an answer that must be a good one.
    #[track_caller]
    pub fn ok(&self) -> Value {
        assert!(self.status.is_success(), "{}: {}", self.status, String::from_utf8_lossy(&self.bytes));
        self.json()
    }

    /// Checks a problem's form and returns its status and field.
    #[track_caller]
    pub fn problem(&self) -> (u16, Option<String>) {
        let text = String::from_utf8_lossy(&self.bytes);
        assert_eq!(self.header("content-type"), Some("application/problem+json"), "{}: {text}", self.status);
        let problem = self.json();
        assert_eq!(problem["status"], self.status.as_u16());
        for part in ["type", "title", "detail"] {
            assert!(problem[part].as_str().is_some_and(|text| !text.is_empty()), "{part}: {text}");
        }
        (self.status.as_u16(), problem["field"].as_str().map(str::to_owned))
    }

    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(|value| value.to_str().expect("a plain header"))
    }
}

pub fn image(prompt: &str) -> Value {
    json!({ "model": "synthetic", "task": { "kind": "image", "prompt": prompt } })
}

pub fn chat(text: &str) -> Value {
    let messages = json!([{ "role": "user", "content": text }]);
    json!({ "model": "synthetic-chat", "task": { "kind": "llm", "messages": messages } })
}
