//! A thousand jobs while everything that can be killed is killed: each is done once, and nobody has to help.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use e2e::{SOON, Story, chat, id_of, outcomes, picture};
use futures_util::{StreamExt, stream};
use rand::rngs::StdRng;
use rand::seq::IndexedRandom;
use rand::{RngExt, SeedableRng};
use serde_json::Value;
use sha2::{Digest, Sha256};
use testkit::{Api, Exit, FaultyLink, WorkerProcess, wait_for, wait_until};

const JOBS: usize = 1_000;
const FAULTS: usize = 60;
/// A fault strikes whenever this many more jobs are done, so that each of them meets a fleet at work.
const JOBS_PER_FAULT: usize = JOBS / (FAULTS + 1);
/// Replays a run: `E2E_CHAOS_SEED=7 cargo nextest run -p e2e chaos`.
const SEED_VARIABLE: &str = "E2E_CHAOS_SEED";
const DEFAULT_SEED: u64 = 1;
/// Long enough for a fault to meet a running job, short enough for a thousand of them.
const JOB_MS: &str = "60";
/// From one fault to the next: a restart of the studio, a reconnect delay, and some jobs.
const STEP_LIMIT: Duration = Duration::from_mins(1);
/// Artefacts that are fetched at once.
const AT_ONCE: usize = 8;

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Fault {
    KillWorker,
    KillEngine,
    KillStudio,
    CutSocket,
    /// Told to stop, as an update does it.
    StopWorker,
    StopStudio,
}

const ALL: [Fault; 6] = [
    Fault::KillWorker,
    Fault::KillEngine,
    Fault::KillStudio,
    Fault::CutSocket,
    Fault::StopWorker,
    Fault::StopStudio,
];

struct Fleet {
    story: Story,
    workers: Vec<(WorkerProcess, FaultyLink)>,
    batch: String,
    rng: StdRng,
    struck: BTreeMap<Fault, usize>,
    /// Jobs that ran on workers as they were killed: nothing else may be lost.
    at_risk: usize,
}

#[tokio::test]
async fn a_thousand_jobs_survive_sixty_faults() {
    let seed = std::env::var(SEED_VARIABLE).ok().and_then(|seed| seed.parse().ok()).unwrap_or(DEFAULT_SEED);
    println!("{SEED_VARIABLE}={seed}");
    let mut fleet = Fleet::assemble(seed).await;
    for fault in 0..FAULTS {
        fleet.until_done(fault * JOBS_PER_FAULT).await;
        fleet.strike().await;
    }
    println!("struck: {:?}", fleet.struck);
    for fault in ALL {
        assert!(fleet.struck.get(&fault).is_some_and(|times| *times > 0), "never struck: {fault:?}");
    }
    let batch = fleet.story.api.until_done(&fleet.batch, JOBS as u64, 2 * STEP_LIMIT).await;
    assert_eq!(batch["counts"]["failed"], 0, "{batch}");
    assert_eq!(batch["counts"]["quarantined"], 0, "{batch}");
    fleet.each_artefact_is_there_once().await;
}

impl Fleet {
    async fn assemble(seed: u64) -> Self {
        let story = Story::begin().await;
        let mut workers = Vec::new();
        for name in ["attic", "cellar"] {
            let link = FaultyLink::to(story.studio.address()).await;
            let mut worker = WorkerProcess::new(&story.home, name).with_env("SYNTHETIC_DELAY_MS", JOB_MS);
            worker.join_with(&link.url(), &story.api.join_code(1).await).await;
            // One that takes a picture and a chat at a time, and one that takes one job.
            worker.set("slots", if name == "attic" { "2" } else { "1" }).await;
            worker.run().await;
            workers.push((worker, link));
        }
        let jobs = (0..JOBS)
            .map(|n| if n % 3 == 0 { chat(&format!("tale {n}")) } else { picture(&format!("fox {n}")) });
        let batch = story.api.submit_batch("chaos", jobs.collect()).await;
        Self { story, workers, batch, rng: StdRng::seed_from_u64(seed), struck: BTreeMap::new(), at_risk: 0 }
    }

    async fn until_done(&self, count: usize) {
        self.story.api.until_done(&self.batch, count as u64, STEP_LIMIT).await;
    }

    async fn strike(&mut self) {
        let at = self.rng.random_range(0..self.workers.len());
        let wanted = *ALL.choose(&mut self.rng).expect("there are faults");
        let possible = match wanted {
            Fault::KillWorker => self.kill_worker(at).await,
            Fault::KillEngine => self.kill_engine(at),
            Fault::KillStudio => {
                self.story.studio.restart().await;
                true
            }
            Fault::StopWorker => self.stop_worker(at).await,
            Fault::StopStudio => {
                self.story.studio.sigterm();
                assert_eq!(self.story.studio.exit(SOON).await, Exit::Code(0));
                self.story.studio.restart().await;
                true
            }
            Fault::CutSocket => false,
        };
        let fault = if possible { wanted } else { Fault::CutSocket };
        if fault == Fault::CutSocket {
            self.workers[at].1.cut();
        }
        *self.struck.entry(fault).or_default() += 1;
    }

    /// Kills a worker and starts it again; `false` when that would make poison of a job that two workers lose.
    async fn kill_worker(&mut self, at: usize) -> bool {
        let (worker, _) = &mut self.workers[at];
        worker.freeze();
        // A frozen worker takes no more jobs: what it runs now is what it loses.
        let running = running_on(&self.story.api, &id_of(worker)).await;
        if lost_before(&self.story.api, &running).await {
            worker.thaw();
            return false;
        }
        self.at_risk += running.len();
        worker.kill9();
        worker.run().await;
        true
    }

    async fn stop_worker(&mut self, at: usize) -> bool {
        let (worker, _) = &mut self.workers[at];
        // One that has just been started may not listen to signals yet.
        self.story.until_online(worker).await;
        worker.sigterm();
        assert_eq!(worker.exit(SOON).await, Exit::Code(0));
        worker.run().await;
        true
    }

    fn kill_engine(&self, at: usize) -> bool {
        let Some(pid) = self.workers[at].0.engine_pids().first().copied() else { return false };
        kill9(pid)
    }

    async fn each_artefact_is_there_once(&mut self) {
        // A start sweeps what unfinished uploads left behind.
        self.story.studio.restart().await;
        let api = &self.story.api;
        let jobs = api.jobs(&format!("batch={}", self.batch)).await;
        assert_eq!(jobs.len(), JOBS);
        let pictures: Vec<&Value> = jobs.iter().filter(|job| job["kind"] == "image").collect();
        let artefacts: BTreeSet<&str> =
            pictures.iter().map(|job| job["artefact"]["id"].as_str().expect("an artefact")).collect();
        assert_eq!(artefacts.len(), pictures.len());
        let hashes: Vec<(String, String)> = stream::iter(&pictures)
            .map(|job| async move {
                let bytes = api.artefact(job["id"].as_str().expect("an id")).await;
                let told = job["artefact"]["sha256"].as_str().expect("a hash").to_owned();
                (hex::encode(Sha256::digest(bytes)), told)
            })
            .buffered(AT_ONCE)
            .collect()
            .await;
        assert!(hashes.iter().all(|(found, told)| found == told));
        let distinct: BTreeSet<&String> = hashes.iter().map(|(found, _)| found).collect();
        assert_eq!(distinct.len(), pictures.len(), "every prompt gave a picture of its own");
        let folder = self.story.studio.data_dir().join("artefacts");
        wait_until("the artefact store holds nothing else", SOON, async || files(&folder) == pictures.len())
            .await;
        let details: Vec<Value> = stream::iter(&jobs)
            .map(|job| api.job(job["id"].as_str().expect("an id")))
            .buffered(AT_ONCE)
            .collect()
            .await;
        let mut ends: BTreeMap<String, usize> = BTreeMap::new();
        details.iter().flat_map(outcomes).for_each(|outcome| *ends.entry(outcome).or_default() += 1);
        println!("attempts ended: {ends:?}; at risk: {}", self.at_risk);
        assert!(ends.get("lost").is_none_or(|lost| *lost <= self.at_risk), "lost without a kill: {ends:?}");
        for job in &details {
            let done = outcomes(job).iter().filter(|outcome| *outcome == "done").count();
            assert_eq!(done, 1, "{}", job["history"]);
        }
    }
}

/// The jobs that a frozen worker runs.
async fn running_on(api: &Api, worker: &str) -> Vec<String> {
    let mut former = None;
    // What the worker said before it was stopped may still be on its way.
    wait_for("the studio has heard what the worker said", SOON, async || {
        let now = api.jobs(&format!("state=running&worker={worker}")).await;
        let ids: Vec<String> = now.iter().map(|job| job["id"].as_str().expect("an id").to_owned()).collect();
        let settled = former.as_ref() == Some(&ids);
        former = Some(ids.clone());
        settled.then_some(ids)
    })
    .await
}

async fn lost_before(api: &Api, jobs: &[String]) -> bool {
    for id in jobs {
        if outcomes(&api.job(id).await).iter().any(|outcome| outcome == "lost") {
            return true;
        }
    }
    false
}

fn kill9(pid: u32) -> bool {
    let killed = std::process::Command::new("kill").args(["-9", &pid.to_string()]).status();
    killed.is_ok_and(|status| status.success())
}

fn files(folder: &std::path::Path) -> usize {
    let entries = std::fs::read_dir(folder).expect("a folder");
    entries
        .map(|entry| entry.expect("an entry").path())
        .map(|path| if path.is_dir() { files(&path) } else { 1 })
        .sum()
}
