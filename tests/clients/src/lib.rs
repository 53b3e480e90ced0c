//! What other people's client libraries need to be run from a test: a fleet, keys, and their interpreters.

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use e2e::Story;
use serde_json::{Value, json};
use testkit::WorkerProcess;

/// The longest that one suite may take: a debug build on a busy machine.
const SUITE_LIMIT: Duration = Duration::from_mins(8);

/// A studio and two workers with the synthetic engine; the workers end with it.
pub struct Fleet {
    story: Story,
    _workers: Vec<WorkerProcess>,
}

impl Fleet {
    /// Starts one; a model is in its registry that none of its workers can run.
    pub async fn start() -> Self {
        let story = Story::begin().await;
        let workers = vec![story.worker("first").await, story.worker("second").await];
        let unknown = json!({"kind": "llm", "vramGb": 1.0, "source": {"engine": "no-such-engine", "files": [],
            "cliDefaults": {"cfgScale": 1.0, "steps": 1, "width": 64, "height": 64}}});
        story.api.put("/models/nobody-runs-this", &unknown).await;
        Self { story, _workers: workers }
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
            .current_dir(env!("CARGO_MANIFEST_DIR"))
            .env("STUDIO_URL", self.story.studio.url())
            .env("STUDIO_KEY", self.key("clients").await)
            .env("STUDIO_OTHER_KEY", self.key("others").await)
            .env("STUDIO_ADMIN_KEY", self.story.studio.admin_key())
            .env("PYTHONDONTWRITEBYTECODE", "1")
            .stdin(Stdio::null())
            .kill_on_drop(true);
        let ended = tokio::time::timeout(SUITE_LIMIT, command.output()).await;
        let ended =
            ended.unwrap_or_else(|_| panic!("{} did not end within {SUITE_LIMIT:?}", program.display()));
        let ended = ended.unwrap_or_else(|error| panic!("{}: {error}: cargo xtask setup", program.display()));
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        assert!(ended.status.success(), "{}\n{}", text(&ended.stdout), text(&ended.stderr));
    }

    /// A line of the studio's status, to see that something was done at all.
    pub async fn jobs_done(&self) -> u64 {
        let status: Value = self.story.api.get("/status").await;
        status["jobs"]["done"].as_u64().unwrap_or_default()
    }
}

/// The Python that `cargo xtask setup` made; panics with what to type when it is not there.
pub fn python() -> PathBuf {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(".venv/bin/python");
    assert!(path.is_file(), "{} is not there: cargo xtask setup", path.display());
    path
}
