//! The jobs that wait, in the order that they are offered.
//!
//! Jobs that the same sessions can serve share a class, so that matching looks at classes (there are as many as
//! models in use) and never at jobs or at the fleet.
//!
//! Projects take turns by their weights. Each has a `turn` in virtual time, which goes on by 1/weight with every job
//! that it is given; whoever's turn is the earliest is next. So of two projects that always have work, one with
//! three times the weight gets three times the jobs.

use std::cmp::Reverse;
use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use studio_protocol::{JobId, ProjectId, TaskKind};

use crate::{MAX_WEIGHT, MIN_WEIGHT, QueuedJob};

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

/// What one job of weight 1 moves a turn by; large enough that the steps of [`MAX_WEIGHT`] differ from each other.
const STEP: f64 = (1_u64 << 24) as f64;

/// How far behind a turn may be when it counts, in jobs of weight 1: as much as one worker does in a row for the
/// model that it has loaded. Without this, a project whose jobs no worker could take for a day would then keep
/// everybody else waiting for a day.
const MOST_CREDIT: u64 = 64 * STEP as u64;

/// Where a job stands in its line: its place, then the order of arrival.
type Place = (i64, i64);

/// The jobs of one project at one priority, in the order that they are offered.
type Line = BTreeMap<Place, QueuedJob>;

#[derive(Debug)]
struct Class {
    key: ClassKey,
    lines: BTreeMap<Reverse<i32>, BTreeMap<ProjectId, Line>>,
    waiting: usize,
}

#[derive(Debug)]
struct Project {
    /// When it is its turn, in virtual time.
    turn: u64,
    /// What a job moves that by.
    step: u64,
    waiting: usize,
}

impl Default for Project {
    fn default() -> Self {
        Self { turn: 0, step: STEP as u64, waiting: 0 }
    }
}

/// The job that a class would give next, and what it is compared by.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Candidate {
    pub class: ClassId,
    pub job: JobId,
    pub priority: i32,
    /// Its project's turn.
    pub turn: u64,
    pub place: Place,
}

/// Every waiting job.
#[derive(Debug, Default)]
pub(crate) struct Queue {
    classes: Vec<Class>,
    by_key: HashMap<Key, ClassId>,
    places: HashMap<JobId, (ClassId, i32, ProjectId, Place)>,
    projects: HashMap<ProjectId, Project>,
    /// The turn of the project that was given a job last.
    now: u64,
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

    /// Whether a job of the class waits whose project `may` have one more.
    pub fn has_for(&self, class: ClassId, may: impl Fn(&ProjectId) -> bool) -> bool {
        self.classes[class.0].lines.values().flat_map(BTreeMap::keys).any(may)
    }

    /// The classes in which jobs of a project wait.
    pub fn classes_of(&self, project: &ProjectId) -> Vec<ClassId> {
        if self.projects.get(project).is_none_or(|project| project.waiting == 0) {
            return Vec::new();
        }
        let has_some =
            |class: &ClassId| self.classes[class.0].lines.values().any(|lines| lines.contains_key(project));
        self.class_ids().filter(has_some).collect()
    }

    /// Changes a project's share from its next turn on.
    pub fn set_weight(&mut self, project: &ProjectId, weight: f64) {
        let weight = if weight.is_finite() { weight.clamp(MIN_WEIGHT, MAX_WEIGHT) } else { 1.0 };
        self.projects.entry(project.clone()).or_default().step = (STEP / weight) as u64;
    }

    /// Adds a job; one that is there already is moved to where it now belongs.
    pub fn insert(&mut self, job: QueuedJob) -> ClassId {
        self.remove(&job.id);
        let class = self.class_of(&job);
        self.join_round(&job.project);
        let place = (job.place, job.seq);
        self.places.insert(job.id.clone(), (class, job.priority, job.project.clone(), place));
        let entry = &mut self.classes[class.0];
        entry.waiting += 1;
        let lines = entry.lines.entry(Reverse(job.priority)).or_default();
        lines.entry(job.project.clone()).or_default().insert(place, job);
        class
    }

    /// Takes a job out, as cancelled or as given to a worker.
    pub fn remove(&mut self, job: &JobId) -> Option<QueuedJob> {
        let (class, priority, project, place) = self.places.remove(job)?;
        let entry = &mut self.classes[class.0];
        let lines = entry.lines.get_mut(&Reverse(priority))?;
        let line = lines.get_mut(&project)?;
        let job = line.remove(&place)?;
        entry.waiting -= 1;
        if let Some(project) = self.projects.get_mut(&project) {
            project.waiting -= 1;
        }
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
        if let Some(project) = self.projects.get_mut(&job.project) {
            self.now = project.turn.max(self.now.saturating_sub(MOST_CREDIT));
            project.turn = self.now + project.step;
        }
        Some(job)
    }

    /// What `class` gives next to somebody who `may` have jobs of a project and takes no job that `refused` names.
    pub fn head(
        &self,
        class: ClassId,
        may: impl Fn(&ProjectId) -> bool,
        refused: impl Fn(&JobId) -> bool,
    ) -> Option<Candidate> {
        let entry = &self.classes[class.0];
        for (Reverse(priority), lines) in &entry.lines {
            let heads = lines.iter().filter(|(project, _)| may(project)).filter_map(|(project, line)| {
                let (place, job) = line.iter().find(|(_, job)| !refused(&job.id))?;
                let turn = self.projects.get(project).map_or(0, |project| project.turn);
                Some(Candidate { class, job: job.id.clone(), priority: *priority, turn, place: *place })
            });
            if let Some(best) = heads.min_by_key(|head| (head.turn, head.place)) {
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

    /// A project that had nothing waiting starts level with the one whose turn is next, not with a credit.
    fn join_round(&mut self, name: &ProjectId) {
        if let Some(project) = self.projects.get_mut(name).filter(|project| project.waiting > 0) {
            project.waiting += 1;
            return;
        }
        let waiting = self.projects.values().filter(|project| project.waiting > 0);
        let next = waiting.map(|project| project.turn).min();
        let next = next.map_or(self.now, |turn| turn.max(self.now.saturating_sub(MOST_CREDIT)));
        let project = self.projects.entry(name.clone()).or_default();
        project.turn = project.turn.max(next);
        project.waiting = 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn job(seq: i64, project: &str, priority: i32) -> QueuedJob {
        QueuedJob {
            id: format!("job-{seq}").into(),
            seq,
            place: seq,
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
        while let Some(head) = queue.class_ids().find_map(|class| queue.head(class, |_| true, |_| false)) {
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
            let head = queue.head(ClassId(0), |_| true, |_| false).unwrap();
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
        let head = queue.head(ClassId(0), |_| true, |id| id.as_str() == "job-1").unwrap();
        assert_eq!(head.job.as_str(), "job-2");
        queue.insert(job(3, "p", 9));
        assert_eq!(drain(&mut queue), [3, 1, 2]);
    }

    /// Gives out `jobs` jobs and tells how many each of the projects got.
    fn shares(queue: &mut Queue, projects: &[&str], jobs: usize) -> Vec<usize> {
        let mut got = vec![0; projects.len()];
        for _ in 0..jobs {
            let head = queue.head(ClassId(0), |_| true, |_| false).unwrap();
            let taken = queue.take(&head.job).unwrap();
            got[projects.iter().position(|name| *name == taken.project.as_str()).unwrap()] += 1;
        }
        got
    }

    #[test]
    fn projects_get_jobs_by_their_weights_and_nobody_starves() {
        let projects = ["a", "b", "c", "d"];
        for weights in
            [[1.0, 1.0, 1.0, 1.0], [1.0, 2.0, 3.0, 4.0], [0.1, 10.0, 1.0, 5.0], [1000.0, 1.0, 7.5, 0.5]]
        {
            let mut queue = Queue::default();
            for (project, weight) in projects.iter().zip(weights) {
                queue.set_weight(&(*project).into(), weight);
            }
            for seq in 0..40_000 {
                queue.insert(job(seq, projects[seq as usize % 4], 0));
            }
            let jobs = 8_000;
            let got = shares(&mut queue, &projects, jobs);
            let all: f64 = weights.iter().sum();
            for (got, weight) in got.iter().zip(weights) {
                let due = jobs as f64 * weight / all;
                assert!((*got as f64 - due).abs() <= 1.0 + due * 0.02, "{weights:?}: {got} of {due}");
            }
        }
    }

    #[test]
    fn a_weight_that_changes_counts_from_the_next_turn_on() {
        let mut queue = Queue::default();
        for seq in 0..4_000 {
            queue.insert(job(seq, ["a", "b"][seq as usize % 2], 0));
        }
        assert_eq!(shares(&mut queue, &["a", "b"], 100), [50, 50]);
        queue.set_weight(&"a".into(), 3.0);
        assert_eq!(shares(&mut queue, &["a", "b"], 400), [300, 100]);
        queue.set_weight(&"b".into(), 0.0);
        assert_eq!(shares(&mut queue, &["a", "b"], 400)[1], 1, "even the smallest weight gets its turn");
    }

    #[test]
    fn whoever_could_not_be_served_for_long_catches_up_a_little_only() {
        let mut queue = Queue::default();
        for seq in 0..4_000 {
            queue.insert(job(seq, ["kept", "busy"][seq as usize % 2], 0));
        }
        for _ in 0..1_000 {
            let head = queue.head(ClassId(0), |project| project.as_str() == "busy", |_| false).unwrap();
            queue.take(&head.job);
        }
        let got = shares(&mut queue, &["kept", "busy"], 200);
        assert!(got[1] >= 65, "{got:?}");
        assert!(got[0] > got[1], "{got:?}");
    }

    #[test]
    fn a_place_goes_before_the_order_of_arrival_within_its_line() {
        let mut queue = Queue::default();
        for seq in 1..=3 {
            queue.insert(job(seq, "p", 0));
        }
        queue.insert(QueuedJob { place: 1, ..job(3, "p", 0) });
        assert_eq!(drain(&mut queue), [1, 3, 2]);
    }
}
