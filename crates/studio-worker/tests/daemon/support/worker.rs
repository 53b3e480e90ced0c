//! A daemon in this process.

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;
use std::sync::Arc;

use studio_runtime::{LogRing, Tasks};
use studio_worker::config::ConfigFile;
use studio_worker::daemon::{Daemon, Launch};
use studio_worker::engines::EngineProgram;
use studio_worker::{Exit, Home};
use tokio::sync::oneshot;

use super::{DEADLINE, Studio};

/// A config of a worker that has joined already.
pub fn approved_config(studio: &Studio) -> String {
    format!(
        "api_base_url = \"{}\"\ninstall_id = \"install-0\"\nworker_id = \"w-1\"\nauth_token = \"tok\"\nlocal_api_port = 0\n",
        studio.url()
    )
}

pub struct TestWorker {
    dir: Arc<tempfile::TempDir>,
    signals: Tasks,
    ended: oneshot::Receiver<Exit>,
    owner: Tasks,
}

impl TestWorker {
    /// Starts in a fresh folder with this config.
    pub fn start(config: &str) -> Self {
        let dir = Arc::new(tempfile::tempdir().unwrap());
        fs::write(dir.path().join("config.toml"), config).unwrap();
        Self::start_in(dir)
    }

    /// Starts with what an earlier worker left.
    pub fn start_in(dir: Arc<tempfile::TempDir>) -> Self {
        let home = Home::of_config(&dir.path().join("config.toml"));
        let config = ConfigFile::new(home.config()).load().unwrap();
        let engine = EngineProgram::synthetic(env!("CARGO_BIN_EXE_studio-worker"));
        let programs = BTreeMap::from([("synthetic".to_owned(), engine)]);
        let signals = Tasks::new();
        let launch = Launch { home, config, programs, log: LogRing::default() };
        let daemon = Daemon::new(launch, signals.clone()).unwrap();
        let (end, ended) = oneshot::channel();
        let owner = Tasks::new();
        owner.spawn(async move {
            let _ = end.send(Box::pin(daemon.run()).await);
        });
        Self { dir, signals, ended, owner }
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    pub fn config(&self) -> String {
        fs::read_to_string(self.path("config.toml")).unwrap()
    }

    /// The names in the spool.
    pub fn spool(&self) -> Vec<String> {
        let Ok(entries) = fs::read_dir(self.path("spool")) else { return Vec::new() };
        let mut names: Vec<String> =
            entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }

    /// As a first signal does.
    pub fn signal(&self) {
        self.signals.stop_softly();
    }

    /// Ends as `kill -9` would: nothing is said, nothing is cleaned up.
    pub async fn kill(self) -> Arc<tempfile::TempDir> {
        self.owner.stop_hard();
        self.signals.stop_hard();
        self.owner.join().await;
        self.dir
    }

    pub async fn exit(&mut self) -> Exit {
        tokio::time::timeout(DEADLINE * 10, &mut self.ended).await.expect("the worker does not end").unwrap()
    }

    pub fn has_ended(&mut self) -> bool {
        !matches!(self.ended.try_recv(), Err(oneshot::error::TryRecvError::Empty))
    }
}
