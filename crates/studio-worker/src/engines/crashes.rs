//! Which models take their engine down.

use std::collections::{BTreeMap, BTreeSet};

use studio_protocol::JobId;

/// This many crashes of a model in a row, and it is refused until the daemon restarts.
const MOST: usize = 3;

/// Counts crashes for each model; a finished job wipes the model's slate.
#[derive(Debug, Default)]
pub(super) struct Crashes {
    models: BTreeMap<String, Record>,
}

#[derive(Debug, Default)]
struct Record {
    /// While it was being loaded.
    loads: usize,
    /// While they ran. One job counts once, so that a single poisonous job cannot take a model away from all others.
    jobs: BTreeSet<JobId>,
    last: String,
}

impl Record {
    fn count(&self) -> usize {
        self.loads + self.jobs.len()
    }
}

impl Crashes {
    /// The engine went down while `model` was being loaded.
    pub(super) fn at_load(&mut self, model: &str, how: &str) {
        let record = self.models.entry(model.to_owned()).or_default();
        record.loads += 1;
        how.clone_into(&mut record.last);
    }

    /// The engine went down while `job` ran on `model`.
    pub(super) fn at_job(&mut self, model: &str, job: &JobId, how: &str) {
        let record = self.models.entry(model.to_owned()).or_default();
        record.jobs.insert(job.clone());
        how.clone_into(&mut record.last);
    }

    /// A job of `model` was done.
    pub(super) fn forgive(&mut self, model: &str) {
        self.models.remove(model);
    }

    /// Why `model` is refused, if it is.
    pub(super) fn refusal(&self, model: &str) -> Option<String> {
        let record = self.models.get(model).filter(|record| record.count() >= MOST)?;
        Some(format!(
            "model `{model}` crashed its engine {} times in a row and is refused until the worker restarts; the last time: {}",
            record.count(),
            record.last
        ))
    }

    /// Whether no model has a crash on its slate.
    pub(super) fn is_empty(&self) -> bool {
        self.models.is_empty()
    }

    /// Every model that is refused.
    pub(super) fn refusals(&self) -> BTreeMap<String, String> {
        self.models.keys().filter_map(|model| Some((model.clone(), self.refusal(model)?))).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn three_crashes_in_a_row_and_a_model_is_refused() {
        let mut crashes = Crashes::default();
        crashes.at_job("m", &"job-1".into(), "signal 6");
        crashes.at_load("m", "signal 9");
        assert_eq!(crashes.refusal("m"), None);
        crashes.at_job("m", &"job-2".into(), "signal 11");
        let refusal = crashes.refusal("m").unwrap();
        assert!(refusal.contains("`m`") && refusal.contains("signal 11"), "{refusal}");
        assert_eq!(crashes.refusal("other"), None);
        assert_eq!(crashes.refusals().len(), 1);
    }

    #[test]
    fn a_finished_job_wipes_the_slate() {
        let mut crashes = Crashes::default();
        for job in ["job-1", "job-2", "job-3", "job-4"] {
            crashes.at_job("m", &job.into(), "signal 6");
            crashes.forgive("m");
        }
        assert_eq!(crashes.refusal("m"), None);
    }

    #[test]
    fn one_poisonous_job_does_not_take_the_model_away() {
        let mut crashes = Crashes::default();
        for _ in 0..9 {
            crashes.at_job("m", &"job-1".into(), "signal 6");
        }
        assert_eq!(crashes.refusal("m"), None);
    }
}
