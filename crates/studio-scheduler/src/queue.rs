//! The jobs that wait, in the order that they are offered.
//!
//! Jobs that the same sessions can serve share a class, so that matching looks at classes (there are as many as
//! models in use) and never at jobs or at the fleet.

use std::cmp::Reverse;
use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use studio_protocol::{JobId, ProjectId, TaskKind};

use crate::QueuedJob;

/// Index of a class; stable for the life of the queue.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct ClassId(pub(crate) usize);

/// What the jobs of a class have in common.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct ClassKey {
    pub kind: TaskKind,
    pub engine: Arc<str>,
    pub model: Arc<str>,
    pub vram_gb: f64,
    pub needs_options: bool,
}

/// The same, with the memory as bits.
type Key = (TaskKind, Arc<str>, Arc<str>, u64, bool);

/// Job numbers of one project at one priority, oldest first.
type Line = BTreeMap<i64, QueuedJob>;

#[derive(Debug)]
struct Class {
    key: ClassKey,
    lines: BTreeMap<Reverse<i32>, BTreeMap<ProjectId, Line>>,
    waiting: usize,
}

/// The job that a class would give next, and what it is compared by.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Candidate {
    pub class: ClassId,
    pub job: JobId,
    pub priority: i32,
    /// Jobs that the project was given so far.
    pub served: u64,
    pub seq: i64,
}

/// Every waiting job.
#[derive(Debug, Default)]
pub(crate) struct Queue {
    classes: Vec<Class>,
    by_key: HashMap<Key, ClassId>,
    places: HashMap<JobId, (ClassId, i32, ProjectId, i64)>,
    served: HashMap<ProjectId, u64>,
}

impl Queue {
    pub fn len(&self) -> usize {
        self.places.len()
    }

    pub fn class(&self, class: ClassId) -> &ClassKey {
        &self.classes[class.0].key
    }

    /// How many classes there are; a caller that keeps a list beside compares its length with this.
    pub fn class_count(&self) -> usize {
        self.classes.len()
    }

    pub fn class_ids(&self) -> impl Iterator<Item = ClassId> + use<> {
        (0..self.classes.len()).map(ClassId)
    }

    pub fn is_waiting(&self, class: ClassId) -> bool {
        self.classes[class.0].waiting > 0
    }

    /// Adds a job; one that is there already is moved to where it now belongs.
    pub fn insert(&mut self, job: QueuedJob) -> ClassId {
        self.remove(&job.id);
        let class = self.class_of(&job);
        self.join_round(&job.project);
        self.places.insert(job.id.clone(), (class, job.priority, job.project.clone(), job.seq));
        let entry = &mut self.classes[class.0];
        entry.waiting += 1;
        let lines = entry.lines.entry(Reverse(job.priority)).or_default();
        lines.entry(job.project.clone()).or_default().insert(job.seq, job);
        class
    }

    /// Takes a job out, as cancelled or as given to a worker.
    pub fn remove(&mut self, job: &JobId) -> Option<QueuedJob> {
        let (class, priority, project, seq) = self.places.remove(job)?;
        let entry = &mut self.classes[class.0];
        let lines = entry.lines.get_mut(&Reverse(priority))?;
        let line = lines.get_mut(&project)?;
        let job = line.remove(&seq)?;
        entry.waiting -= 1;
        if line.is_empty() {
            lines.remove(&project);
            if lines.is_empty() {
                entry.lines.remove(&Reverse(priority));
            }
        }
        Some(job)
    }

    /// Takes a job out for a worker: its project waits its turn again.
    pub fn take(&mut self, job: &JobId) -> Option<QueuedJob> {
        let job = self.remove(job)?;
        *self.served.entry(job.project.clone()).or_default() += 1;
        Some(job)
    }

    /// What `class` gives next to somebody who takes no job that `refused` names.
    pub fn head(&self, class: ClassId, refused: impl Fn(&JobId) -> bool) -> Option<Candidate> {
        let entry = &self.classes[class.0];
        for (Reverse(priority), lines) in &entry.lines {
            let heads = lines.iter().filter_map(|(project, line)| {
                let job = line.values().find(|job| !refused(&job.id))?;
                let served = self.served.get(project).copied().unwrap_or_default();
                Some(Candidate { class, job: job.id.clone(), priority: *priority, served, seq: job.seq })
            });
            if let Some(best) = heads.min_by_key(|head| (head.served, head.seq)) {
                return Some(best);
            }
        }
        None
    }

    fn class_of(&mut self, job: &QueuedJob) -> ClassId {
        let (engine, model) = (job.engine.clone(), job.model.clone());
        let key = (job.kind, engine.clone(), model.clone(), job.vram_gb.to_bits(), job.needs_options);
        if let Some(class) = self.by_key.get(&key) {
            return *class;
        }
        let class = ClassId(self.classes.len());
        let (kind, vram_gb, needs_options) = (job.kind, job.vram_gb, job.needs_options);
        let described = ClassKey { kind, engine, model, vram_gb, needs_options };
        self.classes.push(Class { key: described, lines: BTreeMap::new(), waiting: 0 });
        self.by_key.insert(key, class);
        class
    }

    /// A project that had nothing waiting starts level with the one that was served least, not with a credit.
    fn join_round(&mut self, project: &ProjectId) {
        if self.is_in_round(project) {
            return;
        }
        let active = self.classes.iter().flat_map(|class| class.lines.values()).flat_map(BTreeMap::keys);
        let least = active.filter_map(|other| self.served.get(other)).min().copied().unwrap_or_default();
        let served = self.served.entry(project.clone()).or_default();
        *served = (*served).max(least);
    }

    fn is_in_round(&self, project: &ProjectId) -> bool {
        self.classes.iter().flat_map(|class| class.lines.values()).any(|lines| lines.contains_key(project))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn job(seq: i64, project: &str, priority: i32) -> QueuedJob {
        QueuedJob {
            id: format!("job-{seq}").into(),
            seq,
            project: project.into(),
            kind: TaskKind::Image,
            engine: "synthetic".into(),
            model: "synthetic".into(),
            vram_gb: 0.0,
            priority,
            needs_options: false,
        }
    }

    fn drain(queue: &mut Queue) -> Vec<i64> {
        let mut order = Vec::new();
        while let Some(head) = queue.class_ids().find_map(|class| queue.head(class, |_| false)) {
            order.push(queue.take(&head.job).unwrap().seq);
        }
        order
    }

    #[test]
    fn higher_priority_first_then_oldest() {
        let mut queue = Queue::default();
        for (seq, priority) in [(1, 0), (2, 5), (3, 0), (4, 5)] {
            queue.insert(job(seq, "p", priority));
        }
        assert_eq!(drain(&mut queue), [2, 4, 1, 3]);
        assert_eq!(queue.len(), 0);
    }

    #[test]
    fn projects_take_turns() {
        let mut queue = Queue::default();
        for seq in 1..=4 {
            queue.insert(job(seq, "big", 0));
        }
        queue.insert(job(5, "small", 0));
        assert_eq!(drain(&mut queue), [1, 5, 2, 3, 4]);
    }

    #[test]
    fn a_project_that_comes_later_gets_no_credit_for_its_absence() {
        let mut queue = Queue::default();
        for seq in 1..=10 {
            queue.insert(job(seq, "busy", 0));
        }
        for _ in 0..6 {
            let head = queue.head(ClassId(0), |_| false).unwrap();
            queue.take(&head.job);
        }
        for seq in 11..=14 {
            queue.insert(job(seq, "late", 0));
        }
        assert_eq!(drain(&mut queue), [7, 11, 8, 12, 9, 13, 10, 14]);
    }

    #[test]
    fn a_job_that_comes_back_keeps_its_place() {
        let mut queue = Queue::default();
        for seq in 1..=3 {
            queue.insert(job(seq, "p", 0));
        }
        let first = queue.take(&"job-1".into()).unwrap();
        queue.insert(first);
        assert_eq!(drain(&mut queue), [1, 2, 3]);
    }

    #[test]
    fn refused_jobs_are_passed_over_and_priority_changes_move() {
        let mut queue = Queue::default();
        for seq in 1..=3 {
            queue.insert(job(seq, "p", 0));
        }
        let head = queue.head(ClassId(0), |id| id.as_str() == "job-1").unwrap();
        assert_eq!(head.job.as_str(), "job-2");
        queue.insert(job(3, "p", 9));
        assert_eq!(drain(&mut queue), [3, 1, 2]);
    }
}
