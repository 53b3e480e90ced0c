//! What was acknowledged survives `kill -9`: a child process writes and reports, is killed, and the file is read.

#![expect(clippy::unwrap_used, reason = "all of this is a test, its helpers included")]

#[path = "support/fixture.rs"]
mod fixture;

use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::mpsc;

use studio_protocol::{JobId, TaskKind};
use studio_store::{Db, Store, Submission};

use fixture::{Fixture, at, model};

const PLACE: &str = "STUDIO_STORE_CRASH_TEST";
/// Enough for several groups, and a kill in the middle of one.
const ACKNOWLEDGED: usize = 300;

#[test]
fn what_was_acknowledged_survives_a_kill() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("studio.db");
    for _ in 0..3 {
        let acknowledged = write_until_killed(&path);
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let store = Store::open(&path).unwrap();
        let found = runtime.block_on(store.read(move |db| db.jobs_by_id(&acknowledged))).unwrap();
        assert!(found.len() >= ACKNOWLEDGED, "only {} are there", found.len());
        assert_eq!(runtime.block_on(store.read(Db::integrity_check)).unwrap(), Vec::<String>::new());
        let (counts, waiting) =
            runtime.block_on(store.read(|db| Ok((db.counts()?, db.open_work()?.0.len())))).unwrap();
        assert_eq!(counts.queued, waiting as u64);
        runtime.block_on(store.close());
    }
}

/// Starts this test program as the writer; gives back what it said was stored.
fn write_until_killed(path: &Path) -> Vec<JobId> {
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "the_writer_that_is_killed", "--ignored", "--nocapture"])
        .env(PLACE, path)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines().map_while(Result::ok);
    let stored = |line: &str| line.strip_prefix("stored ").map(JobId::from);
    let mut acknowledged: Vec<_> =
        lines.by_ref().filter_map(|line| stored(&line)).take(ACKNOWLEDGED).collect();
    assert_eq!(acknowledged.len(), ACKNOWLEDGED, "the writer ended early");
    child.kill().unwrap();
    acknowledged.extend(lines.filter_map(|line| stored(&line)));
    child.wait().unwrap();
    acknowledged
}

#[test]
#[ignore = "the other half of what_was_acknowledged_survives_a_kill, in a process of its own"]
fn the_writer_that_is_killed() {
    let Some(path) = std::env::var_os(PLACE) else { return };
    let store = Store::open(Path::new(&path)).unwrap();
    store.write_then(|db| db.put_model(&model("chat", TaskKind::Llm), at(1)), |stored| stored.unwrap());
    let mut f = Fixture::new(Db::open_in_memory().unwrap());
    let (stored, acknowledgements) = mpsc::sync_channel::<JobId>(64);
    std::thread::spawn(move || {
        let mut out = std::io::stdout();
        for id in acknowledgements {
            writeln!(out, "stored {id}").unwrap();
        }
    });
    let run = std::process::id();
    for number in 0.. {
        let mut job = f.new_job("chat");
        job.id = format!("job-{run}-{number}").into();
        let id = job.id.clone();
        let stored = stored.clone();
        let new = Submission { batch: None, jobs: vec![job], idempotency: None };
        store.write_then(
            move |db| db.submit(new, at(2)),
            move |outcome| {
                // A refusal because too much waits is no acknowledgement.
                if outcome.is_ok() {
                    stored.send(id).unwrap();
                }
            },
        );
    }
}
