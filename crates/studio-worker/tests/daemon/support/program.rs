//! The real program in a folder of its own.

use std::fs;
use std::path::PathBuf;
use std::process::{ExitStatus, Output, Stdio};

use tokio::process::{Child, Command};

use super::DEADLINE;

pub struct Program {
    pub dir: tempfile::TempDir,
}

impl Program {
    pub fn new(config: Option<&str>) -> Self {
        let dir = tempfile::tempdir().unwrap();
        if let Some(config) = config {
            fs::write(dir.path().join("config.toml"), config).unwrap();
        }
        Self { dir }
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    pub fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_studio-worker"));
        command.arg("--config").arg(self.path("config.toml")).args(args);
        // What the developer's shell has set must not decide a test.
        for (name, _) in std::env::vars_os() {
            if name.to_string_lossy().starts_with("STUDIO_WORKER_") || name == "RUST_LOG" {
                command.env_remove(name);
            }
        }
        // Nor whether there is a display.
        for name in ["DISPLAY", "WAYLAND_DISPLAY", "XDG_RUNTIME_DIR"] {
            command.env_remove(name);
        }
        // Nor what else was built beside the worker's program.
        command.env("STUDIO_WORKER_ENGINES", "synthetic");
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true);
        command
    }

    pub async fn run(&self, args: &[&str]) -> Output {
        let output = self.command(args).output();
        tokio::time::timeout(DEADLINE, output).await.expect("the command does not end").unwrap()
    }

    /// Starts the daemon; its log goes to a file.
    pub fn start(&self, args: &[&str]) -> Running {
        let log = fs::File::options().create(true).append(true).open(self.path("stderr.log")).unwrap();
        Running { child: self.command(args).stdout(Stdio::null()).stderr(log).spawn().unwrap() }
    }

    /// What the daemon's log files hold.
    pub fn file_log(&self) -> String {
        let files = fs::read_dir(self.path("logs")).into_iter().flatten().flatten();
        let daemons = files.filter(|file| file.file_name().to_string_lossy().starts_with("studio-worker"));
        daemons.map(|file| fs::read_to_string(file.path()).unwrap()).collect()
    }

    pub fn log(&self) -> String {
        fs::read_to_string(self.path("stderr.log")).unwrap_or_default()
    }
}

pub struct Running {
    child: Child,
}

impl Running {
    pub fn pid(&self) -> u32 {
        self.child.id().unwrap()
    }

    pub fn signal(&self, signal: rustix::process::Signal) {
        let pid = rustix::process::Pid::from_raw(i32::try_from(self.pid()).unwrap()).unwrap();
        rustix::process::kill_process(pid, signal).unwrap();
    }

    pub async fn end(&mut self) -> ExitStatus {
        tokio::time::timeout(DEADLINE, self.child.wait()).await.expect("the program does not end").unwrap()
    }

    /// The engines that it runs, by their process ids.
    pub fn children(&self) -> Vec<u32> {
        let pid = self.pid();
        let Ok(text) = fs::read_to_string(format!("/proc/{pid}/task/{pid}/children")) else {
            return Vec::new();
        };
        text.split_whitespace().map(|pid| pid.parse().unwrap()).collect()
    }
}

/// Whether a process is there and no zombie.
pub fn is_alive(pid: u32) -> bool {
    fs::read_to_string(format!("/proc/{pid}/stat")).is_ok_and(|stat| !stat.contains(") Z "))
}
