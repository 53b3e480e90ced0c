//! The real engines behind the real programs: pictures, chats and speech, from submission to artefact.

mod chats;
mod pictures;
mod speech;
mod stages;

use std::path::Path;
use std::process::Command;
use std::time::Duration;

use e2e::{SOON, Story};
use serde_json::Value;
use testkit::{Home, WorkerProcess};

/// A batch of a hundred small pictures, or a chat while the other core compiles something.
const BATCH: Duration = Duration::from_mins(8);
/// One real job, its model fetched and loaded.
const JOB: Duration = Duration::from_mins(1);

/// A worker in service with these engines.
async fn worker_with(story: &Story, name: &str, engines: &[&str]) -> WorkerProcess {
    let mut worker = WorkerProcess::new(&story.home, name).with_engines(engines);
    worker.join(&story.studio).await;
    worker.run().await;
    story.until_online(&worker).await;
    worker
}

/// Puts files into the studio's registry the way its operator does.
fn add_model(story: &Story, arguments: &[&str]) {
    let added = ran(story.studio.command(&[&["models", "add"], arguments].concat()));
    assert!(added.status.success(), "{}", String::from_utf8_lossy(&added.stderr));
}

fn ran(mut command: Command) -> std::process::Output {
    command.output().unwrap_or_else(|error| panic!("{command:?}: {error}"))
}

/// What the worker's status, which follows within a second, says of the model's lane once its jobs are done.
async fn lane(worker: &WorkerProcess, model: &str) -> Value {
    testkit::wait_for(&format!("an idle lane of {model}"), SOON, async || {
        let status = worker.succeed(&["status", "--json"]).await;
        let status: Value = serde_json::from_str(&status).expect("JSON");
        let lanes = status["status"]["lanes"].as_array().cloned().unwrap_or_default();
        lanes.into_iter().find(|lane| lane["model"] == model && lane["process"]["running"] == 0)
    })
    .await
}

/// A folder for model files that a test makes.
fn folder(home: &Home, name: &str) -> std::path::PathBuf {
    let folder = home.join(name);
    std::fs::create_dir_all(&folder).expect("a folder");
    folder
}

fn text(path: &Path) -> &str {
    path.to_str().expect("a path that is text")
}
