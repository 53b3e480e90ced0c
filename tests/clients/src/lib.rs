//! What other people's programs need to be run from a test: a fleet, keys, and their interpreters.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use e2e::{Story, id_of};
use serde_json::{Value, json};
use testkit::{Home, POLL, StudioOptions, WorkerProcess, wait_for};

/// The longest that one suite may take: a debug build on a busy machine.
const SUITE_LIMIT: Duration = Duration::from_mins(8);

/// A studio and its workers with the synthetic engine; the workers end with it.
pub struct Fleet {
    story: Story,
    workers: BTreeMap<String, WorkerProcess>,
    revives: bool,
}

impl Fleet {
    /// A studio with two workers, and a model in its registry that none of them can run.
    pub async fn start() -> Self {
        let fleet = Self::of(&["attic", "cellar"]).await;
        let defaults = json!({"cfgScale": 1, "steps": 1, "width": 64, "height": 64});
        let source = json!({"engine": "no-such-engine", "files": [], "cliDefaults": defaults});
        let unknown = json!({"kind": "llm", "vramGb": 1.0, "source": source});
        fleet.story.api.put("/models/nobody-runs-this", &unknown).await;
        fleet
    }

    /// A studio with these workers in service.
    pub async fn of(names: &[&str]) -> Self {
        // Their receivers are the tests' own.
        let arguments = vec!["--allow-private-webhooks".to_owned()];
        let story = Story::begin_with(StudioOptions { arguments, ..StudioOptions::default() }).await;
        let mut workers = BTreeMap::new();
        for name in names {
            workers.insert((*name).to_owned(), story.worker(name).await);
        }
        Self { story, workers, revives: false }
    }

    /// Adds a worker that has asked to join and runs; it works as soon as somebody approves it.
    #[must_use]
    pub async fn with_newcomer(mut self, name: &str) -> Self {
        let mut worker = WorkerProcess::new(&self.story.home, name);
        worker.succeed(&["register", "--api-base-url", &self.story.studio.url()]).await;
        worker.run().await;
        self.workers.insert(name.to_owned(), worker);
        self
    }

    /// Starts workers that are killed anew, as a supervisor would.
    #[must_use]
    pub fn supervised(self) -> Self {
        Self { revives: true, ..self }
    }

    async fn key(&self, project: &str) -> String {
        let key = json!({"name": project, "role": "submitter", "project": project});
        let made = self.story.api.post("/keys", &key).await;
        made["secret"].as_str().map_or_else(|| panic!("no secret in {made}"), str::to_owned)
    }

    /// Runs `program` in this crate's folder, with the fleet in its environment; panics with what it wrote when it fails.
    pub async fn passes(&self, program: &Path, arguments: &[&str]) {
        let mut command = tokio::process::Command::new(program);
        command
            .args(arguments)
            .env("STUDIO_KEY", self.key("clients").await)
            .env("STUDIO_OTHER_KEY", self.key("others").await);
        succeeds(&self.story, command).await;
    }

    /// Runs the tests of one file of `browser/`.
    pub async fn is_browsed(mut self, file: &str) {
        let mut command = tokio::process::Command::new("node");
        let workers = self.workers.iter().map(|(name, worker)| {
            let id = worker.config_value("worker_id").map(|_| id_of(worker));
            (name.clone(), json!({ "pid": worker.pid(), "id": id }))
        });
        let workers: serde_json::Map<String, Value> = workers.collect();
        command
            .args(["--test", &format!("browser/{file}.test.mjs")])
            .env("STUDIO_WORKERS", Value::Object(workers).to_string());
        let Self { story, workers, revives } = &mut self;
        if *revives {
            tokio::select! {
                () = succeeds(story, command) => {}
                never = revive(workers) => match never {},
            }
        } else {
            succeeds(story, command).await;
        }
    }

    /// A line of the studio's status, to see that something was done at all.
    pub async fn jobs_done(&self) -> u64 {
        let status: Value = self.story.api.get("/status").await;
        status["jobs"]["done"].as_u64().unwrap_or_default()
    }
}

/// A worker with the synthetic engine that no studio is in reach of; it ends with this.
pub struct Alone {
    worker: WorkerProcess,
    _home: Home,
}

impl Alone {
    /// Starts it, and waits until local programs can find it.
    pub async fn start() -> Self {
        let home = Home::new();
        let mut worker = WorkerProcess::new(&home, "alone");
        // Nobody listens on the discard port, and a free one is taken for the worker's own.
        for (key, value) in [("api_base_url", "http://127.0.0.1:9"), ("local_api_port", "0")] {
            worker.set(key, value).await;
        }
        worker.run().await;
        let found = worker.folder().join("local-api.json");
        wait_for("the worker's local API", e2e::SOON, async || found.is_file().then_some(())).await;
        Self { worker, _home: home }
    }

    /// Runs `program` in this crate's folder, with the worker's folder in its environment; panics with what it wrote when
    /// it fails.
    pub async fn passes(&self, program: &Path, arguments: &[&str]) {
        let mut command = tokio::process::Command::new(program);
        command.args(arguments).env("WORKER_FOLDER", self.worker.folder());
        ends_well(command).await;
    }
}

async fn succeeds(story: &Story, mut command: tokio::process::Command) {
    command.env("STUDIO_URL", story.studio.url()).env("STUDIO_ADMIN_KEY", story.studio.admin_key());
    ends_well(command).await;
}

async fn ends_well(mut command: tokio::process::Command) {
    command
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .env("PYTHONDONTWRITEBYTECODE", "1")
        .stdin(Stdio::null())
        .kill_on_drop(true);
    let what = command.as_std().get_program().to_string_lossy().into_owned();
    let ended = tokio::time::timeout(SUITE_LIMIT, command.output()).await;
    let ended = ended.unwrap_or_else(|_| panic!("{what} did not end within {SUITE_LIMIT:?}"));
    let ended = ended.unwrap_or_else(|error| panic!("{what}: {error}: cargo xtask setup"));
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    assert!(ended.status.success(), "{}\n{}", text(&ended.stdout), text(&ended.stderr));
}

/// Starts what has ended, for as long as it is awaited.
async fn revive(workers: &mut BTreeMap<String, WorkerProcess>) -> Infallible {
    loop {
        for worker in workers.values_mut() {
            if worker.ended().is_some() {
                worker.run().await;
            }
        }
        tokio::time::sleep(POLL).await;
    }
}

/// The Python that `cargo xtask setup` made; panics with what to type when it is not there.
pub fn python() -> PathBuf {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(".venv/bin/python");
    assert!(path.is_file(), "{} is not there: cargo xtask setup", path.display());
    path
}
