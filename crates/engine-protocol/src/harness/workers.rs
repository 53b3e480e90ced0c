//! The threads that work, and what they share with the reader.

use std::collections::{BTreeSet, HashMap};
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::mpsc::Receiver;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use studio_protocol::JobId;

use super::flag::Flag;
use super::wire::Wire;
use super::{Engine, LoadWork, Output, Work};
use crate::{Done, Event, Failed, Failure, Load, Loaded, MAX_MESSAGE_CHARS, Run, Stats, Unload, Unloaded};

/// Something to do.
#[derive(Debug)]
pub(super) enum Order {
    Load(Box<Load>),
    Run(Box<Run>),
    Unload(Unload),
}

/// What all threads share.
#[derive(Debug)]
pub(super) struct Bench<E> {
    engine: E,
    pub(super) wire: Wire,
    /// Orders that wait or are worked on.
    open: AtomicUsize,
    /// Of the jobs that wait or run.
    flags: Mutex<HashMap<JobId, Arc<Flag>>>,
    models: Mutex<BTreeSet<String>>,
    loads: AtomicU64,
    done: AtomicU64,
    failed: AtomicU64,
}

impl<E: Engine> Bench<E> {
    pub(super) fn new(engine: E, wire: Wire) -> Self {
        Self {
            engine,
            wire,
            open: AtomicUsize::new(0),
            flags: Mutex::default(),
            models: Mutex::default(),
            loads: AtomicU64::new(0),
            done: AtomicU64::new(0),
            failed: AtomicU64::new(0),
        }
    }

    /// Counts an order before it is queued, and makes a job cancellable from then on.
    pub(super) fn announce(&self, order: &Order) {
        self.open.fetch_add(1, Ordering::AcqRel);
        if let Order::Run(run) = order {
            locked(&self.flags).insert(run.job_id.clone(), Arc::default());
        }
    }

    pub(super) fn is_busy(&self) -> bool {
        self.open.load(Ordering::Acquire) > 0
    }

    pub(super) fn cancel(&self, job_id: &JobId) {
        if let Some(flag) = locked(&self.flags).get(job_id) {
            flag.raise();
        }
    }

    pub(super) fn stats(&self) -> Stats {
        Stats {
            loads: self.loads.load(Ordering::Relaxed),
            done: self.done.load(Ordering::Relaxed),
            failed: self.failed.load(Ordering::Relaxed),
            models: locked(&self.models).iter().cloned().collect(),
            memory_bytes: self.engine.memory_bytes(),
        }
    }

    /// Works until the reader hangs up.
    pub(super) fn work(&self, orders: &Mutex<Receiver<Order>>) {
        let _bomb = AbortOnPanic;
        loop {
            let order = locked(orders).recv();
            let Ok(order) = order else { return };
            let answer = match &order {
                Order::Load(load) => self.load(load),
                Order::Run(run) => self.run(run),
                Order::Unload(unload) => self.unload(unload),
            };
            // Before the answer: who reads it may ask, or end, this process at once.
            self.open.fetch_sub(1, Ordering::AcqRel);
            self.answer(&answer);
        }
    }

    fn load(&self, load: &Load) -> Event {
        let model = load.model.clone();
        match self.engine.load(load, &LoadWork { wire: &self.wire, model: &model }) {
            Ok(memory_bytes) => {
                self.loads.fetch_add(1, Ordering::Relaxed);
                locked(&self.models).insert(model.clone());
                Event::Loaded(Loaded { model, memory_bytes })
            }
            Err(failure) => Event::Failed(Failed::model(model, cut(failure))),
        }
    }

    fn run(&self, run: &Run) -> Event {
        let cancelled = locked(&self.flags).get(&run.job_id).cloned().unwrap_or_default();
        let work = Work { wire: &self.wire, run, cancelled, next_delta: AtomicU64::new(0) };
        let result = self.attempt(run, &work);
        locked(&self.flags).remove(&run.job_id);
        match result {
            Ok(done) => {
                self.done.fetch_add(1, Ordering::Relaxed);
                Event::Done(done)
            }
            Err(failure) => self.failed(&run.job_id, failure),
        }
    }

    fn attempt(&self, run: &Run, work: &Work<'_>) -> Result<Done, Failure> {
        work.check()?;
        if !locked(&self.models).contains(&run.model) {
            return Err(Failure::model(format!("model `{}` is not loaded", run.model)));
        }
        let job_id = run.job_id.clone();
        Ok(match self.engine.run(run, work)? {
            Output::Json(result) => Done { job_id, result: Some(result), file: None, ext: None },
            Output::File { ext } => {
                let path = work.out_path(&ext)?;
                let file = path.to_str().map(str::to_owned);
                let file = file.ok_or_else(|| Failure::internal("the result's path is not text"))?;
                Done { job_id, result: None, file: Some(file), ext: Some(ext) }
            }
        })
    }

    fn unload(&self, unload: &Unload) -> Event {
        if locked(&self.models).remove(&unload.model) {
            self.engine.unload(&unload.model);
        }
        Event::Unloaded(Unloaded { model: unload.model.clone() })
    }

    fn answer(&self, answer: &Event) {
        let Err(problem) = self.wire.say(answer) else { return };
        if let Event::Done(done) = answer {
            let failure = Failure {
                retryable: false,
                ..Failure::internal(format!("the result is too large: {problem}"))
            };
            let _ = self.wire.say(&self.failed(&done.job_id, failure));
        }
    }

    /// The end of a job that was not done.
    pub(super) fn failed(&self, job_id: &JobId, failure: Failure) -> Event {
        self.failed.fetch_add(1, Ordering::Relaxed);
        Event::Failed(Failed::job(job_id.clone(), cut(failure)))
    }
}

fn cut(mut failure: Failure) -> Failure {
    if let Some((end, _)) = failure.message.char_indices().nth(MAX_MESSAGE_CHARS) {
        failure.message.truncate(end);
    }
    failure
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A panic leaves an engine in a state that nobody knows: the process ends, its last words are on stderr.
struct AbortOnPanic;

impl Drop for AbortOnPanic {
    fn drop(&mut self) {
        if std::thread::panicking() {
            std::process::abort();
        }
    }
}
