//! The programs under test, started on data of their own.

use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Context, bail};
use tempfile::TempDir;
use testkit::{Api, Process};

/// From a start to `/readyz`, with the work of a killed studio to restore.
const READY_LIMIT: Duration = Duration::from_mins(1);
/// How often it is asked: fine enough for a restart that takes a tenth of a second.
const READY_POLL: Duration = Duration::from_millis(5);
/// A worker's command that asks and ends.
const COMMAND_LIMIT: Duration = Duration::from_secs(30);

/// Where the programs and their data are.
#[derive(Debug)]
pub struct Programs {
    bin_dir: PathBuf,
    work_dir: PathBuf,
}

impl Programs {
    /// Looks for them in `bin_dir`, or beside this program.
    pub fn find(bin_dir: Option<PathBuf>, work_dir: PathBuf) -> anyhow::Result<Self> {
        let own = std::env::current_exe().context("this program does not know its own path")?;
        let beside = own.parent().map(Path::to_owned).unwrap_or_default();
        let programs = Self { bin_dir: bin_dir.unwrap_or(beside), work_dir };
        for name in ["studio", "studio-worker"] {
            let path = programs.path(name);
            if !path.is_file() {
                bail!(
                    "`{}` is not there: cargo build --release -p studio -p studio-worker, or name a folder with --bin-dir",
                    path.display()
                );
            }
        }
        Ok(programs)
    }

    /// Where data is kept.
    pub fn work_dir(&self) -> &Path {
        &self.work_dir
    }

    /// An empty folder that is deleted with its handle.
    pub fn folder(&self) -> anyhow::Result<TempDir> {
        let made = tempfile::Builder::new().prefix("studio-bench-").tempdir_in(&self.work_dir);
        made.with_context(|| format!("could not make a folder in `{}`", self.work_dir.display()))
    }

    /// A studio with its data in a new folder, ready; `arguments` follow `serve`.
    pub async fn studio(&self, arguments: &[&str]) -> anyhow::Result<Studio> {
        let folder = self.folder()?;
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, free_port()?));
        let arguments: Vec<String> = arguments.iter().map(|&argument| argument.to_owned()).collect();
        let program = self.path("studio");
        let process = serve(&program, folder.path(), address, &arguments);
        let mut studio = Studio { program, process, folder, address, arguments };
        studio.until_ready().await?;
        Ok(studio)
    }

    /// A worker that has neither joined nor started.
    pub fn worker(&self) -> anyhow::Result<Worker> {
        self.worker_with("synthetic")
    }

    /// A worker that uses this engine, whatever else lies beside its program.
    pub fn worker_with(&self, engine: &'static str) -> anyhow::Result<Worker> {
        Ok(Worker { program: self.path("studio-worker"), folder: self.folder()?, engine })
    }

    /// The program `name`, which may not be there.
    pub fn path(&self, name: &str) -> PathBuf {
        self.bin_dir.join(format!("{name}{}", std::env::consts::EXE_SUFFIX))
    }
}

/// A running studio; it ends, and its data goes, with its handle.
#[derive(Debug)]
pub struct Studio {
    program: PathBuf,
    process: Process,
    folder: TempDir,
    address: SocketAddr,
    arguments: Vec<String>,
}

impl Studio {
    /// The process.
    pub fn process(&mut self) -> &mut Process {
        &mut self.process
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// `http://127.0.0.1:PORT`.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Its API, as administrator.
    pub fn api(&self) -> anyhow::Result<Api> {
        Ok(Api::new(&self.url(), &self.admin_key()?))
    }

    /// The key that the first start wrote.
    pub fn admin_key(&self) -> anyhow::Result<String> {
        let path = self.folder.path().join("data/admin.key");
        let key =
            std::fs::read_to_string(&path).with_context(|| format!("could not read `{}`", path.display()))?;
        Ok(key.trim().to_owned())
    }

    /// Starts it again on the same address and data, and waits until it is ready.
    pub async fn start_again(&mut self) -> anyhow::Result<()> {
        self.process.kill9();
        self.process = serve(&self.program, self.folder.path(), self.address, &self.arguments);
        self.until_ready().await
    }

    async fn until_ready(&mut self) -> anyhow::Result<()> {
        let client = reqwest::Client::new();
        let url = format!("{}/readyz", self.url());
        let started = Instant::now();
        loop {
            if let Some(exit) = self.process.ended() {
                bail!("the studio ended before it was ready ({exit:?}):\n{}", self.process.log());
            }
            let answer = client.get(&url).timeout(READY_LIMIT).send().await;
            if answer.is_ok_and(|answer| answer.status().is_success()) {
                return Ok(());
            }
            if started.elapsed() > READY_LIMIT {
                bail!("the studio was not ready within {READY_LIMIT:?}:\n{}", self.process.log());
            }
            tokio::time::sleep(READY_POLL).await;
        }
    }
}

fn serve(program: &Path, folder: &Path, address: SocketAddr, arguments: &[String]) -> Process {
    let mut command = Command::new(program);
    command.arg("serve").arg("--data-dir").arg(folder.join("data"));
    command.arg("--listen").arg(address.to_string()).args(arguments);
    Process::start("studio", command, &folder.join("studio.log"))
}

/// The folder of a real worker.
#[derive(Debug)]
pub struct Worker {
    program: PathBuf,
    folder: TempDir,
    engine: &'static str,
}

impl Worker {
    /// Its config file.
    pub fn config_path(&self) -> PathBuf {
        self.folder.path().join("config.toml")
    }

    /// Joins the studio that is reached at `url`.
    pub async fn join(&self, url: &str, code: &str) -> anyhow::Result<()> {
        let command = self.command(&["join", url, code]);
        let running = tokio::process::Command::from(command).kill_on_drop(true).output();
        let output = tokio::time::timeout(COMMAND_LIMIT, running).await.context("`join` did not end")??;
        if !output.status.success() {
            bail!("`join` failed: {}", String::from_utf8_lossy(&output.stderr));
        }
        Ok(())
    }

    /// What `status --json` says.
    pub async fn status(&self) -> anyhow::Result<serde_json::Value> {
        let mut command = tokio::process::Command::from(self.command(&["status", "--json"]));
        let output = command.output().await.context("`status` did not start")?;
        serde_json::from_slice(&output.stdout).context("`status --json` did not write JSON")
    }

    /// Starts its daemon.
    pub fn run(&self) -> Process {
        Process::start("studio-worker", self.command(&["run"]), &self.folder.path().join("worker.log"))
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(&self.program);
        command.arg("--config").arg(self.config_path()).args(arguments);
        command.env("STUDIO_WORKER_ENGINES", self.engine);
        command
    }
}

/// A free port that no outgoing connection is given by the system: workers that keep trying while the studio is
/// down could else be connected to themselves.
fn free_port() -> anyhow::Result<u16> {
    const PORTS: std::ops::Range<u16> = 20_000..32_000;
    let length = PORTS.len() as u32;
    let start = std::process::id().wrapping_mul(7_919) % length;
    let mut ports = (0..length).map(|n| PORTS.start + ((start + n) % length) as u16);
    ports
        .find(|port| TcpListener::bind((Ipv4Addr::LOCALHOST, *port)).is_ok())
        .context("no free port on loopback")
}
