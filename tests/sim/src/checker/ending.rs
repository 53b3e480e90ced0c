//! Whether everything came to rest, and whether the database says what happened.

use studio_protocol::JobId;
use studio_store::{Db, JobState};

use super::{Checker, Fate, run_of_json};

impl Checker {
    /// Jobs that somebody still has to see to.
    pub fn unfinished(&self) -> Vec<String> {
        let open = self.ledger.0.iter().filter(|(_, entry)| {
            let is_wasted = matches!(entry.state, JobState::Failed | JobState::Quarantined)
                && matches!(entry.spec.fate, Fate::Good | Fate::Flaky(_));
            entry.state.is_open() || is_wasted
        });
        open.map(|(job, entry)| {
            format!("{job} {} {:?}#{} {:?}", entry.state, entry.worker, entry.attempt, entry.spec)
        })
        .collect()
    }

    /// Jobs that can be done but ended otherwise, for the operator to try again.
    pub fn wasted(&self) -> Vec<JobId> {
        let wasted = self.ledger.0.iter().filter(|(_, entry)| {
            matches!(entry.state, JobState::Failed | JobState::Quarantined)
                && matches!(entry.spec.fate, Fate::Good | Fate::Flaky(_))
        });
        wasted.map(|(job, _)| job.clone()).collect()
    }

    /// Compares the database with what was seen, job by job.
    pub fn compare(&mut self, db: &Db) {
        let mut problems = Vec::new();
        for (job, entry) in &self.ledger.0 {
            let detail = match db.job(job) {
                Ok(detail) => detail,
                Err(error) => {
                    problems.push(format!("{job} cannot be read: {error}"));
                    continue;
                }
            };
            if detail.job.state != entry.state {
                problems.push(format!(
                    "{job} is {} in the store, {} by what was seen",
                    detail.job.state, entry.state
                ));
            }
            let mut seen = entry.history.clone();
            if let (JobState::Done, Some(worker)) = (entry.state, &entry.worker) {
                seen.push((entry.attempt, worker.clone(), studio_store::AttemptOutcome::Done));
            }
            let ended = detail.history.iter();
            let told: Vec<_> =
                ended.filter_map(|past| Some((past.number, past.worker.clone(), past.outcome?))).collect();
            if told != seen {
                problems.push(format!("{job} has the history {told:?}, seen was {seen:?}"));
            }
            if !seen.is_sorted_by(|a, b| a.0 < b.0) {
                problems.push(format!("{job} has attempts out of order: {seen:?}"));
            }
            let artefact = db.artefact_of_job(job).ok().flatten();
            let in_json = detail.result_json.as_deref().and_then(run_of_json);
            let in_file = artefact.and_then(|artefact| artefact.sha256.parse().ok());
            let result = if entry.spec.kind.result_is_json() { in_json } else { in_file };
            let other = if entry.spec.kind.result_is_json() { in_file } else { in_json };
            if result != entry.run || other.is_some() {
                problems.push(format!(
                    "{job} has the result {result:?} (and {other:?}), committed was {:?}",
                    entry.run
                ));
            }
            if self.promised.contains(job) && entry.state != JobState::Done {
                problems.push(format!("a result of {job} was acknowledged, and the job is {}", entry.state));
            }
        }
        for job in &self.acknowledged {
            if !self.ledger.0.contains_key(job) {
                problems.push(format!("{job} was acknowledged and is not there"));
            }
        }
        match db.counts() {
            Ok(counts) => {
                let total = format!("{counts:?}");
                let known = self.ledger.0.len();
                if counts.total() != known as u64 {
                    problems.push(format!("the store counts {total}, submitted were {known}"));
                }
            }
            Err(error) => problems.push(format!("the jobs cannot be counted: {error}")),
        }
        if let Ok(found) = db.integrity_check() {
            problems.extend(found);
        }
        if let Some(problem) = problems.into_iter().next() {
            self.broken(problem);
        }
    }
}
