//! A real studio process.

use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::ops::{Deref, DerefMut};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicU16, Ordering};
use std::time::{Duration, Instant};

use crate::binaries::binary;
use crate::wait::POLL;
use crate::{Api, Home, Process};

/// From start to `/readyz`: a debug build on a busy machine, with a database to recover.
const READY_LIMIT: Duration = Duration::from_secs(30);

/// How a studio is started.
#[derive(Debug, Clone, Default)]
pub struct StudioOptions {
    /// Absent: `studio` in the home.
    pub data_dir: Option<PathBuf>,
    /// More of the command line, after `serve`.
    pub arguments: Vec<String>,
    /// More of the environment.
    pub environment: Vec<(String, String)>,
    /// A program in front, with its arguments (`prlimit --fsize=...`, `faketime ...`).
    pub wrapper: Vec<String>,
}

/// `studio serve` on a port of its own; derefs to its [`Process`].
#[derive(Debug)]
pub struct StudioProcess {
    process: Process,
    address: SocketAddr,
    data_dir: PathBuf,
    log: PathBuf,
    options: StudioOptions,
}

impl StudioProcess {
    /// Starts one with its data in `home` and waits until it is ready.
    pub async fn start(home: &Home) -> Self {
        Self::start_with(home, StudioOptions::default()).await
    }

    /// The same with `options`.
    pub async fn start_with(home: &Home, options: StudioOptions) -> Self {
        let mut studio = Self::spawn(home, options);
        studio.until_ready().await;
        studio
    }

    /// Starts one that need not become ready.
    pub fn spawn(home: &Home, options: StudioOptions) -> Self {
        let data_dir = options.data_dir.clone().unwrap_or_else(|| home.join("studio"));
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, free_port()));
        let log = home.join("studio.log");
        let process = Process::start("studio", serve(&options, &data_dir, address), &log);
        Self { process, address, data_dir, log, options }
    }

    /// Waits for `/readyz`; panics when the process ends before.
    pub async fn until_ready(&mut self) {
        studio_runtime::install_crypto();
        let client = reqwest::Client::new();
        let url = format!("{}/readyz", self.url());
        let started = Instant::now();
        loop {
            if let Some(exit) = self.process.ended() {
                panic!("the studio ended before it was ready: {exit:?}");
            }
            let answer = client.get(&url).timeout(READY_LIMIT).send().await;
            if answer.is_ok_and(|answer| answer.status().is_success()) {
                return;
            }
            assert!(started.elapsed() < READY_LIMIT, "the studio was not ready within {READY_LIMIT:?}");
            tokio::time::sleep(POLL).await;
        }
    }

    /// Starts it again on the same port and data, killed first if it runs, and waits until it is ready.
    pub async fn restart(&mut self) {
        self.respawn();
        self.until_ready().await;
    }

    /// Starts it again, without waiting for anything.
    pub fn respawn(&mut self) {
        self.process.kill9();
        let command = serve(&self.options, &self.data_dir, self.address);
        self.process = Process::start("studio", command, &self.log);
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// `http://127.0.0.1:PORT`.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Database, artefacts, admin key.
    pub fn data_dir(&self) -> &Path {
        &self.data_dir
    }

    /// The key that the first start wrote.
    pub fn admin_key(&self) -> String {
        let path = self.data_dir.join("admin.key");
        let key = std::fs::read_to_string(&path);
        key.unwrap_or_else(|error| panic!("{}: {error}", path.display())).trim().to_owned()
    }

    /// Its API, as administrator.
    pub fn api(&self) -> Api {
        Api::new(&self.url(), &self.admin_key())
    }

    /// A `studio` command that speaks to it as administrator, ready for more arguments.
    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(binary("studio"));
        command.args(arguments).env("STUDIO_URL", self.url()).env("STUDIO_API_KEY", self.admin_key());
        command
    }
}

impl Deref for StudioProcess {
    type Target = Process;

    fn deref(&self) -> &Process {
        &self.process
    }
}

impl DerefMut for StudioProcess {
    fn deref_mut(&mut self) -> &mut Process {
        &mut self.process
    }
}

fn serve(options: &StudioOptions, data_dir: &Path, address: SocketAddr) -> Command {
    let mut command = match options.wrapper.split_first() {
        Some((wrapper, arguments)) => {
            let mut command = Command::new(wrapper);
            command.args(arguments).arg(binary("studio"));
            command
        }
        None => Command::new(binary("studio")),
    };
    command.arg("serve").arg("--data-dir").arg(data_dir).arg("--listen").arg(address.to_string());
    command.args(&options.arguments).envs(options.environment.iter().map(|(key, value)| (key, value)));
    command
}

/// A port that is free now and that no outgoing connection is given by the system: a client that keeps trying
/// while the studio is down could else be connected to itself.
fn free_port() -> u16 {
    const FIRST: u16 = 20_000;
    const PORTS: u16 = 12_000;
    static NEXT: AtomicU16 = AtomicU16::new(0);
    // Tests are processes side by side: each begins elsewhere.
    let start = std::process::id().wrapping_mul(7_919) as u16 % PORTS;
    for _ in 0..PORTS {
        let port = FIRST + (start + NEXT.fetch_add(1, Ordering::Relaxed) % PORTS) % PORTS;
        if TcpListener::bind((Ipv4Addr::LOCALHOST, port)).is_ok() {
            return port;
        }
    }
    panic!("no free port on loopback")
}
