//! Jobs per second through the store: submit (500 at a time), claim, accept, complete, every step on disk.
//!
//! `cargo run --release -p studio-store --example throughput [JOBS] [SLOTS]`; the database lies in a folder below
//! the current one, because the temporary folder may be memory.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex};
use std::time::{Duration, Instant};

use studio_protocol::{CliDefaults, JobId, ModelSource, TaskKind, Timestamp, WorkerId};
use studio_store::{ClaimOutcome, CommitOutcome, Db, Model, NewBatch, NewJob, Store, StoreError, Submission};

const JOBS: usize = 50_000;
/// Jobs under way at a time: a fleet of this many busy workers.
const SLOTS: usize = 2_000;
const BATCH: usize = 500;
const TASK: &str = r#"{"kind":"llm","messages":[{"role":"user","content":"Tell me about the red fox"}]}"#;
const RESULT: &str = r#"{"object":"chat.completion","choices":[{"index":0,"message":{"role":"assistant","content":"It is red, and it is a fox."}}]}"#;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut args = std::env::args().skip(1);
    let jobs = args.next().map_or(Ok(JOBS), |text| text.parse())?;
    let slots = args.next().map_or(Ok(SLOTS), |text| text.parse())?;
    let folder = tempfile::tempdir_in(".")?;
    let store = Store::open(&folder.path().join("studio.db"))?;
    let runtime = tokio::runtime::Builder::new_current_thread().build()?;
    runtime.block_on(store.write(|db| db.put_model(&model(), Timestamp::now())))?;

    let run = Arc::new(Run::new(store.clone(), slots));
    let began = Instant::now();
    for first in (0..jobs).step_by(BATCH) {
        run.submit(first..(first + BATCH).min(jobs));
    }
    let submitted = began.elapsed();
    run.wait(jobs, Duration::from_mins(10))?;
    let took = began.elapsed();

    let counts = runtime.block_on(store.read(Db::counts))?;
    runtime.block_on(store.close());
    println!(
        "{jobs} jobs, {slots} at a time, {BATCH} per submission: {took:.2?} (queued after {submitted:.2?})"
    );
    println!("{:.0} jobs/s, {} done", jobs as f64 / took.as_secs_f64(), counts.done);
    run.report();
    Ok(())
}

fn model() -> Model {
    let cli_defaults =
        CliDefaults { cfg_scale: 1.0, steps: 8, width: 512, height: 512, more: serde_json::Map::new() };
    let source = ModelSource { engine: "synthetic".to_owned(), files: Vec::new(), cli_defaults };
    Model { id: "synthetic".to_owned(), kind: TaskKind::Llm, vram_gb: 1.0, enabled: true, source }
}

/// A scheduler without any judgement: first come, first served, to whichever slot is free.
struct Run {
    store: Store,
    state: Mutex<State>,
    progress: Condvar,
    done: AtomicUsize,
}

struct State {
    waiting: VecDeque<JobId>,
    free: Vec<WorkerId>,
    step_times: Vec<Duration>,
    problem: Option<String>,
}

impl Run {
    fn new(store: Store, slots: usize) -> Self {
        let state = State {
            waiting: VecDeque::new(),
            free: (0..slots).map(|n| WorkerId::from(format!("w-{n:032x}"))).collect(),
            step_times: Vec::new(),
            problem: None,
        };
        Self { store, state: Mutex::new(state), progress: Condvar::new(), done: AtomicUsize::new(0) }
    }

    fn submit(self: &Arc<Self>, numbers: std::ops::Range<usize>) {
        let jobs = numbers.clone().map(new_job).collect();
        let id = format!("batch-{:032x}", numbers.start).into();
        let batch = Some(NewBatch { id, name: None, project: "default".into() });
        let new = Submission { batch, jobs, idempotency: None };
        let run = self.clone();
        self.store.write_then(
            move |db| db.submit(new, Timestamp::now()),
            move |outcome| match outcome {
                Ok(submitted) => {
                    let mut state = run.state.lock().expect("no holder panics");
                    state.waiting.extend(submitted.jobs.into_iter().map(|job| job.id));
                    drop(state);
                    run.assign();
                }
                Err(error) => run.give_up(&error),
            },
        );
    }

    fn assign(self: &Arc<Self>) {
        loop {
            let mut state = self.state.lock().expect("no holder panics");
            if state.waiting.is_empty() {
                return;
            }
            let Some(worker) = state.free.pop() else { return };
            let Some(job) = state.waiting.pop_front() else { return };
            drop(state);
            self.claim(job, worker);
        }
    }

    fn claim(self: &Arc<Self>, job: JobId, worker: WorkerId) {
        let (wanted, by) = (job.clone(), worker.clone());
        self.step(
            move |db| db.claim(&wanted, &by, Timestamp::now()),
            move |run, outcome| match outcome {
                ClaimOutcome::Claimed(claimed) => run.accept(job, worker, claimed.attempt),
                ClaimOutcome::NotQueued => run.give_up(&StoreError::Busy),
            },
        );
    }

    fn accept(self: &Arc<Self>, job: JobId, worker: WorkerId, attempt: u32) {
        let (accepted_job, accepter) = (job.clone(), worker.clone());
        self.step(
            move |db| db.accept(&accepted_job, &accepter, Some(attempt), Timestamp::now()),
            move |run, _| run.complete(job, worker, attempt),
        );
    }

    fn complete(self: &Arc<Self>, job: JobId, worker: WorkerId, attempt: u32) {
        let completer = worker.clone();
        self.step(
            move |db| db.complete_json(&job, &completer, Some(attempt), RESULT, Some("hi"), Timestamp::now()),
            move |run, outcome| {
                if outcome != CommitOutcome::Committed {
                    return run.give_up(&StoreError::Busy);
                }
                run.state.lock().expect("no holder panics").free.push(worker);
                run.done.fetch_add(1, Ordering::Relaxed);
                run.progress.notify_one();
                run.assign();
            },
        );
    }

    fn step<T: Send + 'static>(
        self: &Arc<Self>,
        op: impl FnOnce(&mut Db) -> Result<T, StoreError> + Send + 'static,
        then: impl FnOnce(&Arc<Self>, T) + Send + 'static,
    ) {
        let run = self.clone();
        let began = Instant::now();
        self.store.write_then(op, move |outcome| {
            run.state.lock().expect("no holder panics").step_times.push(began.elapsed());
            match outcome {
                Ok(value) => then(&run, value),
                Err(error) => run.give_up(&error),
            }
        });
    }

    fn give_up(&self, error: &StoreError) {
        self.state.lock().expect("no holder panics").problem.get_or_insert(error.to_string());
        self.progress.notify_one();
    }

    fn wait(&self, jobs: usize, limit: Duration) -> Result<(), String> {
        let deadline = Instant::now() + limit;
        let mut state = self.state.lock().expect("no holder panics");
        while self.done.load(Ordering::Relaxed) < jobs {
            if let Some(problem) = &state.problem {
                return Err(problem.clone());
            }
            let left = deadline.checked_duration_since(Instant::now()).ok_or("the time is up")?;
            state = self.progress.wait_timeout(state, left).expect("no holder panics").0;
        }
        Ok(())
    }

    fn report(&self) {
        let mut times = std::mem::take(&mut self.state.lock().expect("no holder panics").step_times);
        times.sort_unstable();
        let at = |share: f64| times[((times.len() - 1) as f64 * share) as usize];
        println!(
            "one step, queued to durable: p50 {:.2?}, p99 {:.2?}, max {:.2?}",
            at(0.5),
            at(0.99),
            at(1.0)
        );
    }
}

fn new_job(number: usize) -> NewJob {
    NewJob {
        id: format!("job-{number:032x}").into(),
        project: "default".into(),
        asset_name: format!("foxes/{number}"),
        model: "synthetic".to_owned(),
        kind: TaskKind::Llm,
        task_json: TASK.to_owned(),
        priority: 0,
        max_attempts: 5,
        needs_options: false,
    }
}
