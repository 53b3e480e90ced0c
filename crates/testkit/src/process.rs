//! One process of a test: its log, its signals, its end.

use std::fs::{File, OpenOptions};
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};

use crate::wait::wait_for;

/// Lines of a log that a failed test prints: enough to see the end, too few to bury the assertion.
const PRINTED_LINES: usize = 200;

/// How a process ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exit {
    /// By itself, with this code.
    Code(i32),
    /// By a signal.
    Signal(i32),
}

impl From<ExitStatus> for Exit {
    fn from(status: ExitStatus) -> Self {
        match status.code() {
            Some(code) => Self::Code(code),
            None => Self::Signal(status.signal().unwrap_or_default()),
        }
    }
}

/// A child process that dies with its handle; what it writes goes to a file, which a failed test prints.
#[derive(Debug)]
pub struct Process {
    name: String,
    child: Child,
    log: PathBuf,
    ended: Option<Exit>,
}

impl Process {
    /// Starts `command`; its output is appended to `log`.
    pub fn start(name: &str, mut command: Command, log: &Path) -> Self {
        let file = append(log);
        let errors = file.try_clone().expect("a file handle can be cloned");
        command.stdin(Stdio::null()).stdout(file).stderr(errors);
        let child = command.spawn().unwrap_or_else(|error| panic!("{name} could not be started: {error}"));
        Self { name: name.to_owned(), child, log: log.to_owned(), ended: None }
    }

    /// Its process id.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Whether it runs.
    pub fn is_running(&mut self) -> bool {
        self.ended().is_none()
    }

    /// How it ended, if it did.
    pub fn ended(&mut self) -> Option<Exit> {
        if self.ended.is_none() {
            self.ended = self.child.try_wait().expect("a child can be asked").map(Exit::from);
        }
        self.ended
    }

    /// Waits for its end.
    pub async fn exit(&mut self, limit: Duration) -> Exit {
        let what = format!("{} (pid {}) ends", self.name, self.pid());
        wait_for(&what, limit, async || self.ended()).await
    }

    /// Ends it without a chance to say anything, and reaps it.
    pub fn kill9(&mut self) {
        if self.is_running() {
            self.child.kill().expect("a child can be killed");
            self.ended = Some(self.child.wait().expect("a killed child ends").into());
        }
    }

    /// Asks it to end as a supervisor does.
    pub fn sigterm(&self) {
        self.signal(Signal::TERM);
    }

    /// Asks it to end as Ctrl-C does.
    pub fn sigint(&self) {
        self.signal(Signal::INT);
    }

    /// Stops it in its tracks; [`Process::thaw`] lets it go on.
    pub fn freeze(&self) {
        self.signal(Signal::STOP);
    }

    /// Lets a frozen process go on.
    pub fn thaw(&self) {
        self.signal(Signal::CONT);
    }

    fn signal(&self, signal: Signal) {
        assert!(self.ended.is_none(), "{} ended already", self.name);
        let pid = i32::try_from(self.pid()).ok().and_then(Pid::from_raw).expect("a child has a pid");
        kill_process(pid, signal).unwrap_or_else(|error| panic!("{} takes no signal: {error}", self.name));
    }

    /// The process ids of its children, as the system knows them.
    pub fn children(&self) -> Vec<u32> {
        children_of(self.pid())
    }

    /// Everything that it wrote, earlier runs included.
    pub fn log(&self) -> String {
        read_log(&self.log)
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.kill9();
        if std::thread::panicking() {
            let log = self.log();
            let lines: Vec<&str> = log.lines().collect();
            let from = lines.len().saturating_sub(PRINTED_LINES);
            eprintln!("--- the log of {} ({:?}):\n{}\n---", self.name, self.ended, lines[from..].join("\n"));
        }
    }
}

/// The log at `path`, or nothing when there is none yet.
pub(crate) fn read_log(path: &Path) -> String {
    std::fs::read(path).map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).unwrap_or_default()
}

fn append(log: &Path) -> File {
    let opened = OpenOptions::new().create(true).append(true).open(log);
    opened.unwrap_or_else(|error| panic!("{} cannot be written: {error}", log.display()))
}

/// The children of `parent` from `/proc`; a zombie is none.
fn children_of(parent: u32) -> Vec<u32> {
    let processes = std::fs::read_dir("/proc").expect("this needs Linux");
    let pids = processes.filter_map(|entry| entry.ok()?.file_name().to_str()?.parse::<u32>().ok());
    pids.filter(|pid| {
        let Ok(stat) = std::fs::read_to_string(format!("/proc/{pid}/stat")) else { return false };
        // `pid (name) state ppid ...`, and the name may hold anything.
        let Some((_, rest)) = stat.rsplit_once(") ") else { return false };
        let mut fields = rest.split(' ');
        fields.next() != Some("Z") && fields.next().and_then(|ppid| ppid.parse().ok()) == Some(parent)
    })
    .collect()
}
