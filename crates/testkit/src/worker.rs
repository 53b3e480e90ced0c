//! A real worker process.

use std::ops::{Deref, DerefMut};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use crate::binaries::binary;
use crate::process::read_log;
use crate::wait::wait_for;
use crate::{Exit, Home, Process, StudioProcess};

/// A command of the worker that asks and ends.
const COMMAND_LIMIT: Duration = Duration::from_mins(1);

/// Names the engines that a worker uses.
const ENGINES: &str = "STUDIO_WORKER_ENGINES";

/// What a command wrote, and how it ended.
#[derive(Debug, Clone)]
pub struct Output {
    /// How it ended.
    pub exit: Exit,
    /// What it answered.
    pub stdout: String,
    /// What it said beside.
    pub stderr: String,
}

/// A `studio-worker` with a config folder of its own; derefs to the [`Process`] of its daemon once that was started.
#[derive(Debug)]
pub struct WorkerProcess {
    name: String,
    folder: PathBuf,
    log: PathBuf,
    environment: Vec<(String, String)>,
    daemon: Option<Process>,
}

impl WorkerProcess {
    /// One that has neither joined nor started; its files go into the folder `name` of `home`.
    pub fn new(home: &Home, name: &str) -> Self {
        let folder = home.join(name);
        std::fs::create_dir_all(&folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
        // Beside the folders of the home, so that a full disk under one of them does not silence the log.
        let log = home.join(&format!("{}.log", name.replace('/', "-")));
        // Whatever else was built lies beside the worker's program, and would start with every daemon.
        let environment = vec![(ENGINES.to_owned(), "synthetic".to_owned())];
        Self { name: name.to_owned(), folder, log, environment, daemon: None }
    }

    /// Uses these engines instead of the synthetic one, by the words of their models' sources.
    #[must_use]
    pub fn with_engines(mut self, engines: &[&str]) -> Self {
        self.environment.retain(|(key, _)| key != ENGINES);
        self.with_env(ENGINES, &engines.join(","))
    }

    /// Sets a variable for every command and daemon from now on.
    #[must_use]
    pub fn with_env(mut self, key: &str, value: &str) -> Self {
        self.environment.push((key.to_owned(), value.to_owned()));
        self
    }

    /// Its config file.
    pub fn config_path(&self) -> PathBuf {
        self.folder.join("config.toml")
    }

    /// The folder of its config file, spool, logs and lock.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// The text of its config file.
    pub fn config(&self) -> String {
        let path = self.config_path();
        std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
    }

    /// The value of a `key = "value"` line of its config file, without quotes.
    pub fn config_value(&self, key: &str) -> Option<String> {
        let config = self.config();
        let mut pairs = config.lines().filter_map(|line| line.split_once('='));
        let (_, value) = pairs.find(|(name, _)| name.trim() == key)?;
        Some(value.trim().trim_matches('"').to_owned())
    }

    /// A `studio-worker --config ... ARGUMENTS`, not yet started.
    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(binary("studio-worker"));
        command.arg("--config").arg(self.config_path()).args(arguments);
        command.envs(self.environment.iter().map(|(key, value)| (key, value)));
        command
    }

    /// Runs a command to its end.
    pub async fn output(&self, arguments: &[&str]) -> Output {
        let mut command = self.command(arguments);
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let running = tokio::process::Command::from(command).kill_on_drop(true).output();
        let what = format!("{} {arguments:?}", self.name);
        let ended = tokio::time::timeout(COMMAND_LIMIT, running).await;
        let ended = ended.unwrap_or_else(|_| panic!("{what} did not end within {COMMAND_LIMIT:?}"));
        let ended = ended.unwrap_or_else(|error| panic!("{what} could not be started: {error}"));
        Output {
            exit: ended.status.into(),
            stdout: String::from_utf8_lossy(&ended.stdout).into_owned(),
            stderr: String::from_utf8_lossy(&ended.stderr).into_owned(),
        }
    }

    /// Runs a command that must succeed, and returns what it wrote.
    pub async fn succeed(&self, arguments: &[&str]) -> String {
        let output = self.output(arguments).await;
        assert_eq!(
            output.exit,
            Exit::Code(0),
            "{} {arguments:?}: {}{}",
            self.name,
            output.stdout,
            output.stderr
        );
        output.stdout
    }

    /// Joins `studio` with a fresh join code.
    pub async fn join(&self, studio: &StudioProcess) {
        let code = studio.api().join_code(1).await;
        self.join_with(&studio.url(), &code).await;
    }

    /// Joins the studio that is reached at `url` (a [`crate::FaultyLink`], say).
    pub async fn join_with(&self, url: &str, code: &str) {
        self.succeed(&["join", url, code]).await;
    }

    /// Changes a setting.
    pub async fn set(&self, key: &str, value: &str) {
        self.succeed(&["config", "set", key, value]).await;
    }

    /// Starts the daemon; it connects in its own time.
    pub async fn run(&mut self) {
        self.run_with(&[]).await;
    }

    /// Starts `run` with more arguments, the daemon that ran before killed.
    #[expect(clippy::unused_async, reason = "a story awaits every step, and starting may come to wait")]
    pub async fn run_with(&mut self, arguments: &[&str]) {
        self.daemon = None;
        let command = self.command(&[&["run"], arguments].concat());
        self.daemon = Some(Process::start(&self.name, command, &self.log));
    }

    /// Waits until an engine process runs, and returns the pids.
    pub async fn engines(&self, limit: Duration) -> Vec<u32> {
        let what = format!("{} has an engine process", self.name);
        wait_for(&what, limit, async || Some(self.engine_pids()).filter(|pids| !pids.is_empty())).await
    }

    /// The pids of its engine processes.
    pub fn engine_pids(&self) -> Vec<u32> {
        self.daemon.as_ref().map(Process::children).unwrap_or_default()
    }

    /// Everything that its daemons wrote.
    pub fn log(&self) -> String {
        read_log(&self.log)
    }
}

impl Deref for WorkerProcess {
    type Target = Process;

    fn deref(&self) -> &Process {
        self.daemon.as_ref().expect("the worker was started")
    }
}

impl DerefMut for WorkerProcess {
    fn deref_mut(&mut self) -> &mut Process {
        self.daemon.as_mut().expect("the worker was started")
    }
}
