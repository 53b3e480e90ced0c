//! PM2 with a daemon, apps and logs of its own.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use serde_json::Value;
use testkit::{Home, wait_for};

use crate::processes::{is_there, send, tree};

/// One command of PM2: Node starts, finds the daemon or starts it, and a stop waits for what is stopped.
const COMMAND_LIMIT: Duration = Duration::from_secs(90);

/// A PM2 whose daemon and apps end with it.
#[derive(Debug)]
pub struct Pm2 {
    program: PathBuf,
    home: PathBuf,
    environment: Vec<(String, String)>,
}

impl Pm2 {
    /// One whose files lie in `home`; its daemon starts with its first command.
    pub fn new(home: &Home) -> Self {
        let program = Path::new(env!("CARGO_MANIFEST_DIR")).join("node_modules/pm2/bin/pm2");
        assert!(program.is_file(), "{} is not there: cargo xtask setup", program.display());
        Self { program, home: home.join("pm2"), environment: Vec::new() }
    }

    /// Sets a variable for the apps that are started from now on.
    pub fn set(&mut self, key: &str, value: impl AsRef<OsStr>) {
        self.environment.retain(|(known, _)| known != key);
        self.environment.push((key.to_owned(), value.as_ref().to_string_lossy().into_owned()));
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(&self.program);
        command
            .args(arguments)
            .stdin(Stdio::null())
            // What the runner of the tests is told is not meant for the apps.
            .env_remove("CARGO_TARGET_DIR")
            .env_remove("RUST_LOG")
            .env_remove("DISPLAY")
            .env("PM2_HOME", &self.home)
            .env("PM2_DISCRETE_MODE", "true")
            .envs(self.environment.iter().map(|(key, value)| (key, value)));
        command
    }

    /// Runs a command that must succeed, and returns what it wrote.
    pub async fn run(&self, arguments: &[&str]) -> String {
        let running = tokio::process::Command::from(self.command(arguments)).kill_on_drop(true).output();
        let ended = tokio::time::timeout(COMMAND_LIMIT, running).await;
        let ended =
            ended.unwrap_or_else(|_| panic!("pm2 {arguments:?} did not end within {COMMAND_LIMIT:?}"));
        let ended = ended.unwrap_or_else(|error| panic!("pm2 cannot be started: {error}"));
        let said = String::from_utf8_lossy(&ended.stdout).into_owned();
        let errors = String::from_utf8_lossy(&ended.stderr);
        assert!(ended.status.success(), "pm2 {arguments:?}: {said}{errors}");
        said
    }

    /// What PM2 knows of the app `name`.
    pub async fn app(&self, name: &str) -> Value {
        let listed = self.run(&["jlist"]).await;
        let list = listed.lines().rev().find(|line| line.starts_with('[')).unwrap_or("[]");
        let list: Value = serde_json::from_str(list).unwrap_or_else(|error| panic!("{error}: {listed}"));
        let apps = list.as_array().cloned().unwrap_or_default();
        apps.into_iter().find(|app| app["name"] == name).unwrap_or_else(|| panic!("no app {name}: {listed}"))
    }

    /// Its state: `online`, `stopped`, `errored`.
    pub async fn state(&self, name: &str) -> String {
        self.app(name).await["pm2_env"]["status"].as_str().unwrap_or_default().to_owned()
    }

    /// The process that PM2 started for it.
    pub async fn pid(&self, name: &str) -> u32 {
        let pid = self.app(name).await["pid"].as_u64().unwrap_or_default();
        u32::try_from(pid).ok().filter(|pid| *pid != 0).unwrap_or_else(|| panic!("{name} has no process"))
    }

    /// Waits until the app is in `state`.
    pub async fn until(&self, name: &str, state: &str, limit: Duration) {
        wait_for(&format!("{name} is {state}"), limit, async || {
            (self.state(name).await == state).then_some(())
        })
        .await;
    }

    /// The daemon's process.
    pub fn daemon(&self) -> Option<u32> {
        let pid = std::fs::read_to_string(self.home.join("pm2.pid")).ok()?;
        pid.trim().parse().ok().filter(|pid| is_there(*pid))
    }
}

impl Drop for Pm2 {
    fn drop(&mut self) {
        // Whatever the story left running: the daemon's whole tree, at once.
        if let Some(daemon) = self.daemon() {
            for pid in tree(daemon) {
                if is_there(pid) {
                    send(pid, rustix::process::Signal::KILL);
                }
            }
        }
        if std::thread::panicking() {
            let daemon = std::fs::read_to_string(self.home.join("pm2.log")).unwrap_or_default();
            eprintln!("--- pm2:\n{daemon}\n---");
        }
    }
}
