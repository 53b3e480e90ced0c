//! What every story begins with: a studio, a worker that has joined it and is PM2's to start, and its workspace.

use std::path::PathBuf;
use std::time::Duration;

use e2e::{SOON, Story};
use serde_json::Value;
use testkit::{WorkerProcess, wait_for, wait_until};

use crate::{Pm2, Workspace, is_there, repository, running_as};

/// From the start of a script to a worker that is online: a build of one file on a busy machine.
pub const BUILT: Duration = Duration::from_mins(1);

/// The scene; PM2 ends first.
#[derive(Debug)]
pub struct Scene {
    /// Starts the scripts.
    pub pm2: Pm2,
    /// What they build.
    pub workspace: Workspace,
    /// Who they are at the studio: never started by the story itself.
    pub worker: WorkerProcess,
    /// Another one, which may do the jobs that the first gives back; not started.
    pub heir: WorkerProcess,
    /// The studio.
    pub story: Story,
}

impl Scene {
    /// One with nothing started but the studio.
    pub async fn begin() -> Self {
        let story = Story::begin().await;
        let worker = story.newcomer("attic").await;
        let heir = story.newcomer("heir").await;
        let workspace = Workspace::new(&story.home);
        let mut pm2 = Pm2::new(&story.home);
        pm2.set("STUDIO_WORKER_CONFIG", worker.config_path());
        pm2.set("STUDIO_WORKER_ENGINES", "synthetic");
        pm2.set("STUDIO_DEV_ROOT", workspace.root());
        pm2.set("STUDIO_DEV_DATA", story.home.join("data"));
        pm2.set("STUDIO_DEV_STUDIO", "none");
        Self { pm2, workspace, worker, heir, story }
    }

    /// Starts a script as the documentation says, with more options of PM2, and waits until its worker is online.
    pub async fn start(&self, script: &str, options: &[&str]) {
        self.start_only(script, options).await;
        self.until_online().await;
    }

    /// Starts a script.
    pub async fn start_only(&self, script: &str, options: &[&str]) {
        let path = repository().join("dev").join(format!("{script}.sh"));
        let log = self.log_path(script);
        let (path, log) = (path.to_string_lossy(), log.to_string_lossy());
        let arguments = ["start", &path, "--name", script, "--no-autorestart", "--log", &log];
        self.pm2.run(&[&arguments, options].concat()).await;
    }

    /// Waits until the studio sees the worker.
    pub async fn until_online(&self) {
        self.until_seen(true).await;
    }

    /// Waits until the studio does not see it any more.
    pub async fn until_offline(&self) {
        self.until_seen(false).await;
    }

    async fn until_seen(&self, online: bool) {
        let path = format!("/workers/{}", e2e::id_of(&self.worker));
        wait_until(&format!("the worker's `online` is {online}"), BUILT, async || {
            let request = self.story.api.request(reqwest::Method::GET, &path);
            self.story.api.send(request).await.is_ok_and(|seen| seen.body["online"] == online)
        })
        .await;
    }

    /// Starts the other worker.
    pub async fn heir_comes(&mut self) {
        self.heir.run().await;
        self.story.until_online(&self.heir).await;
    }

    /// Waits until the heir has done what the worker gave back, which counted no attempt.
    pub async fn done_by_heir(&self, job: &str) {
        let done = self.story.api.until_job(job, "done", BUILT).await;
        assert_eq!(e2e::outcomes(&done), ["released", "done"], "{done}");
        assert_eq!(done["attempts"], 1, "only the one that did it: {done}");
        assert_eq!(done["worker"], e2e::id_of(&self.heir).as_str(), "{done}");
    }

    /// Waits until the job is done at its first try.
    pub async fn done_at_once(&self, job: &str) -> Value {
        let done = self.story.api.until_job(job, "done", BUILT).await;
        assert_eq!(e2e::outcomes(&done), ["done"], "{done}");
        done
    }

    /// The daemon of the worker, which there is one of.
    pub async fn daemon(&self) -> u32 {
        let found = wait_for("one daemon runs", SOON, async || {
            let found = self.daemons();
            (found.len() == 1).then(|| found[0])
        });
        found.await
    }

    /// The daemons that run with the worker's folder.
    pub fn daemons(&self) -> Vec<u32> {
        running_as("run", &self.worker.config_path())
    }

    /// Everything of the worker that runs: windows, daemons.
    pub fn processes(&self) -> Vec<u32> {
        let config = self.worker.config_path();
        ["ui", "window", "run", "engine"].iter().flat_map(|word| running_as(word, &config)).collect()
    }

    /// Waits until nothing of the worker runs, and the studio knows that.
    pub async fn until_gone(&self, limit: Duration) {
        wait_until("nothing of the worker runs", limit, async || self.processes().is_empty()).await;
        self.until_offline().await;
    }

    /// Waits until the script's log has `words`.
    pub async fn until_said(&self, script: &str, words: &str) {
        wait_until(&format!("{script} says `{words}`"), BUILT, async || self.log(script).contains(words))
            .await;
    }

    /// What an app and its worker wrote.
    pub fn log(&self, app: &str) -> String {
        let of_ecosystem = self.story.home.join("data/logs").join(format!("{app}.log"));
        let read = |path: PathBuf| std::fs::read_to_string(path).unwrap_or_default();
        read(self.log_path(app)) + &read(of_ecosystem)
    }

    /// Starts the ecosystem file's apps.
    pub async fn start_ecosystem(&self) {
        let file = repository().join("dev/ecosystem.config.cjs");
        self.pm2.run(&["start", &file.to_string_lossy()]).await;
    }

    fn log_path(&self, script: &str) -> PathBuf {
        self.story.home.join(&format!("{script}.pm2.log"))
    }

    /// Waits until the process is gone.
    pub async fn until_dead(&self, pid: u32, limit: Duration) {
        wait_until(&format!("{pid} is gone"), limit, async || !is_there(pid)).await;
    }
}

impl Drop for Scene {
    fn drop(&mut self) {
        if std::thread::panicking() {
            let folders = [self.story.home.path().to_owned(), self.story.home.join("data/logs")];
            for entry in folders.iter().flat_map(std::fs::read_dir).flatten().flatten() {
                let path = entry.path();
                if path.to_string_lossy().ends_with(".pm2.log") || path.starts_with(&folders[1]) {
                    eprintln!(
                        "--- {}:\n{}\n---",
                        path.display(),
                        std::fs::read_to_string(&path).unwrap_or_default()
                    );
                }
            }
        }
    }
}
