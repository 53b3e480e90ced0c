//! The processes of the demo: one studio, two workers.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::fs::{self, File};
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use rustix::process::{Pid, Signal, kill_process};

use super::stop::Stop;
use super::studio_api::StudioApi;
use crate::shell::{run as run_command, target_dir};

/// Where a studio listens by default; another port when that one is taken.
const USUAL_PORT: u16 = 4780;
/// From start to the first answer: a debug build with an empty database.
const READY_LIMIT: Duration = Duration::from_secs(20);
/// What a process may take to end when asked: a worker's own grace is 5 s.
const END_LIMIT: Duration = Duration::from_secs(8);
/// Between two looks at a process that starts or ends.
const LOOK: Duration = Duration::from_millis(50);
/// Lines of a log that a failure shows.
const LAST_LINES: usize = 8;

/// The studio and the workers by name.
pub struct Fleet {
    home: PathBuf,
    engines: &'static str,
    delay: Duration,
    address: SocketAddr,
    studio: Option<Child>,
    workers: BTreeMap<String, Child>,
}

impl Fleet {
    /// Nothing runs yet; everything will live in `home`.
    pub fn new(home: &Path, engines: &'static str, delay: Duration) -> Self {
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, free_port()));
        Self { home: home.to_owned(), engines, delay, address, studio: None, workers: BTreeMap::new() }
    }

    /// Starts the studio and waits until it answers.
    pub fn start_studio(&mut self, stop: &Stop) -> Result<StudioApi> {
        let mut serve = self.program("studio");
        serve
            .arg("serve")
            .arg("--data-dir")
            .arg(self.data_dir())
            .arg("--listen")
            .arg(self.address.to_string());
        self.studio = Some(self.spawn("studio", serve)?);
        let url = format!("http://{}", self.address);
        let started = Instant::now();
        while !StudioApi::is_ready(&url) {
            self.check()?;
            if started.elapsed() > READY_LIMIT {
                bail!("the studio did not answer within {READY_LIMIT:?}");
            }
            stop.pause(LOOK)?;
        }
        let key = self.data_dir().join("admin.key");
        let key = fs::read_to_string(&key).with_context(|| format!("could not read {}", key.display()))?;
        Ok(StudioApi::new(&url, key.trim()))
    }

    /// Lets a worker join with a code, and starts it.
    pub fn join_worker(&mut self, api: &StudioApi, name: &str) -> Result<()> {
        let code = api.join_code()?;
        let mut join = self.worker(name);
        let log = self.log(&format!("{name}-join"))?;
        join.args(["join", api.url(), &code]).stdin(Stdio::null()).stdout(log.try_clone()?).stderr(log);
        run_command(&mut join)?;
        let config = self.config(name);
        let id =
            fs::read_to_string(&config).with_context(|| format!("could not read {}", config.display()))?;
        let id =
            id.lines().find_map(|line| line.strip_prefix("worker_id")).context("no worker_id after join")?;
        api.rename_worker(id.trim_matches([' ', '=', '"']), name)?;
        self.run_worker(name)
    }

    /// Starts a worker that has joined.
    pub fn run_worker(&mut self, name: &str) -> Result<()> {
        let mut run = self.worker(name);
        run.arg("run").env("SYNTHETIC_DELAY_MS", self.delay.as_millis().to_string());
        run.env("STUDIO_WORKER_ENGINES", self.engines);
        // Two workers share this machine: more threads than processors would only wait for each other.
        let processors = std::thread::available_parallelism().map_or(1, usize::from);
        run.env("STUDIO_WORKER_ENGINE_THREADS", (processors / 2).max(1).to_string());
        let child = self.spawn(name, run)?;
        self.workers.insert(name.to_owned(), child);
        Ok(())
    }

    /// Kills a worker: it gets no chance to say anything.
    pub fn kill(&mut self, name: &str) -> Result<()> {
        let mut child = self.workers.remove(name).with_context(|| format!("no worker {name}"))?;
        child.kill().and_then(|()| child.wait()).with_context(|| format!("could not kill {name}"))?;
        Ok(())
    }

    /// The process id of a worker.
    pub fn pid(&self, name: &str) -> Result<u32> {
        Ok(self.workers.get(name).with_context(|| format!("no worker {name}"))?.id())
    }

    /// An error when a process ended that should run.
    pub fn check(&mut self) -> Result<()> {
        let studio = self.studio.iter_mut().map(|child| ("the studio", child));
        for (name, child) in studio.chain(self.workers.iter_mut().map(|(name, child)| (name.as_str(), child)))
        {
            if let Some(status) = child.try_wait()? {
                bail!("{name} ended by itself with {status}");
            }
        }
        Ok(())
    }

    /// The command line client, ready to be typed.
    pub fn cli(&self) -> String {
        let program = target_dir().join("debug/studio");
        let key = self.data_dir().join("admin.key");
        format!("{} --url http://{} --api-key-file {}", program.display(), self.address, key.display())
    }

    /// The ends of the logs, for a failure.
    pub fn last_words(&self) -> String {
        let mut words = String::from("\nthe logs end with");
        for name in ["studio", "attic-join", "attic", "cellar-join", "cellar"] {
            let Ok(log) = fs::read_to_string(self.home.join(format!("{name}.log"))) else { continue };
            let lines: Vec<&str> = log.lines().collect();
            for line in &lines[lines.len().saturating_sub(LAST_LINES)..] {
                let _ = write!(words, "\n  {name}: {line}");
            }
        }
        words
    }

    /// Asks every process to end, workers first, waits for them, and kills what does not end; a signal hastens it.
    pub fn end(&mut self, stop: &Stop) {
        let workers = std::mem::take(&mut self.workers).into_values().collect();
        end_all(workers, stop);
        end_all(self.studio.take().into_iter().collect(), stop);
    }

    fn data_dir(&self) -> PathBuf {
        self.home.join("studio")
    }

    fn config(&self, name: &str) -> PathBuf {
        self.home.join(name).join("config.toml")
    }

    fn program(&self, name: &str) -> Command {
        let mut command = Command::new(target_dir().join("debug").join(name));
        command.current_dir(&self.home);
        command
    }

    fn worker(&self, name: &str) -> Command {
        let mut command = self.program("studio-worker");
        command.arg("--config").arg(self.config(name));
        command
    }

    fn log(&self, name: &str) -> Result<File> {
        let path = self.home.join(format!("{name}.log"));
        let opened = File::options().create(true).append(true).open(&path);
        opened.with_context(|| format!("could not write {}", path.display()))
    }

    fn spawn(&self, name: &str, mut command: Command) -> Result<Child> {
        let log = self.log(name)?;
        command.stdin(Stdio::null()).stdout(log.try_clone()?).stderr(log);
        // A group of its own: Ctrl-C reaches the demo alone, which then ends the others in order.
        command.process_group(0).spawn().with_context(|| format!("could not start {name}"))
    }
}

impl Drop for Fleet {
    fn drop(&mut self) {
        for child in self.workers.values_mut().chain(&mut self.studio) {
            let _ = child.kill().and_then(|()| child.wait());
        }
    }
}

fn end_all(mut children: Vec<Child>, stop: &Stop) {
    for child in &children {
        if let Some(pid) = i32::try_from(child.id()).ok().and_then(Pid::from_raw) {
            let _ = kill_process(pid, Signal::TERM);
        }
    }
    let asked = Instant::now();
    while children.iter_mut().any(|child| matches!(child.try_wait(), Ok(None))) {
        if stop.pause(LOOK).is_err() || asked.elapsed() > END_LIMIT {
            break;
        }
    }
    for child in &mut children {
        let _ = child.kill().and_then(|()| child.wait());
    }
}

fn free_port() -> u16 {
    let bind =
        |port| TcpListener::bind((Ipv4Addr::LOCALHOST, port)).and_then(|listener| listener.local_addr());
    bind(USUAL_PORT).or_else(|_| bind(0)).map_or(USUAL_PORT, |address| address.port())
}
