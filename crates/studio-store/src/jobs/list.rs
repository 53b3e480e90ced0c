//! Lists of jobs: filters, cursor, no sorting and (free text aside) no scanning.

use std::cmp::Reverse;

use rusqlite::types::Value;
use studio_protocol::JobId;

use super::rows::{JOB, job as job_row};
use crate::db::Db;
use crate::page::{clamped, page};
use crate::text::like_pattern;
use crate::{BatchId, Cursor, Job, JobFilter, JobState, Page, Result, StateCounts, StoreError};

impl Db {
    /// One page of the jobs that the filter lets through, newest first.
    pub fn jobs(&self, filter: &JobFilter, cursor: Option<Cursor>, limit: u32) -> Result<Page<Job>> {
        let limit = clamped(limit);
        let batch = match &filter.batch {
            Some(batch) => match self.batch_seq(batch)? {
                Some(seq) => Some(seq),
                None => return Ok(Page { items: Vec::new(), next_cursor: None }),
            },
            None => None,
        };
        self.job_page(filter, batch, cursor.map(From::Older), limit)
    }

    /// The page before: the jobs that came next after `than`, newest first; its cursor leads back to `than`.
    ///
    /// A job that is not there any more has none after it: the list starts anew.
    pub fn jobs_newer(&self, filter: &JobFilter, than: &JobId, limit: u32) -> Result<Page<Job>> {
        let limit = clamped(limit);
        let empty = Page { items: Vec::new(), next_cursor: None };
        let batch = match &filter.batch {
            Some(batch) => match self.batch_seq(batch)? {
                Some(seq) => Some(seq),
                None => return Ok(empty),
            },
            None => None,
        };
        let mut select = self.statement("SELECT seq FROM jobs WHERE id = ?1")?;
        let mut rows = select.query([than.as_str()])?;
        let Some(seq) = rows.next()?.map(|row| row.get::<_, i64>(0)).transpose()? else { return Ok(empty) };
        let mut page = self.job_page(filter, batch, Some(From::Newer(seq)), limit)?;
        page.items.reverse();
        page.next_cursor = Some(Cursor(seq + 1));
        Ok(page)
    }

    fn job_page(
        &self,
        filter: &JobFilter,
        batch: Option<i64>,
        from: Option<From>,
        limit: u32,
    ) -> Result<Page<Job>> {
        let mut states: Vec<Option<JobState>> = filter.states.iter().copied().map(Some).collect();
        states.sort_unstable();
        states.dedup();
        if states.is_empty() || states.len() == JobState::ALL.len() {
            states = vec![None];
        }
        // One query a state, because several states at once would have to be sorted.
        let mut rows = Vec::new();
        for state in &states {
            let (sql, values) = query(filter, *state, batch, from, limit);
            let mut select = self.statement(&sql)?;
            let found = select.query_and_then(rusqlite::params_from_iter(values), |row| {
                Ok((job_row(row)?, row.get::<_, i64>(1)?))
            })?;
            rows.extend(found.collect::<Result<Vec<_>>>()?);
        }
        if states.len() > 1 {
            match from {
                Some(From::Newer(_)) => rows.sort_unstable_by_key(|(_, seq)| *seq),
                Some(From::Older(_)) | None => rows.sort_unstable_by_key(|(_, seq)| Reverse(*seq)),
            }
        }
        page(rows.into_iter().map(Ok), limit)
    }

    /// How many jobs of the filter are in each state, where that is written down; its states are not looked at.
    pub fn counts_of(&self, filter: &JobFilter) -> Result<Option<StateCounts>> {
        let JobFilter { states: _, kind, model, batch, project, worker, text } = filter;
        if kind.is_some() || model.is_some() || worker.is_some() || text.is_some() {
            return Ok(None);
        }
        let counts = match (batch, project) {
            (None, None) => self.counts(),
            (None, Some(project)) => self.project(project).map(|project| project.counts),
            (Some(batch), project) => match self.batch(batch) {
                Ok(batch) if project.as_ref().is_none_or(|project| *project == batch.project) => {
                    Ok(batch.counts)
                }
                Ok(_) => Ok(StateCounts::default()),
                Err(error) => Err(error),
            },
        };
        match counts {
            Err(StoreError::NotFound { .. }) => Ok(Some(StateCounts::default())),
            counts => counts.map(Some),
        }
    }

    /// A batch's place in the order of arrival.
    pub(crate) fn batch_seq(&self, batch: &BatchId) -> Result<Option<i64>> {
        let mut select = self.statement("SELECT seq FROM batches WHERE id = ?1")?;
        let mut rows = select.query([batch.as_str()])?;
        Ok(rows.next()?.map(|row| row.get(0)).transpose()?)
    }
}

/// The conditions, the most selective first: its index drives the query, a `+` keeps the others from doing so.
fn conditions(filter: &JobFilter, state: Option<JobState>, batch: Option<i64>) -> Vec<(&'static str, Value)> {
    let text = |text: &str| Value::Text(text.to_owned());
    let is_done = state == Some(JobState::Done);
    let state = state.map(|state| ("state", text(state.as_str())));
    let (early, late) = if is_done { (None, state) } else { (state, None) };
    [
        batch.map(|seq| ("batch", Value::Integer(seq))),
        filter.worker.as_ref().map(|worker| ("worker", text(worker.as_str()))),
        early,
        filter.model.as_ref().map(|model| ("model", text(model))),
        filter.project.as_ref().map(|project| ("project", text(project.as_str()))),
        filter.kind.map(|kind| ("kind", text(kind.as_str()))),
        late,
    ]
    .into_iter()
    .flatten()
    .collect()
}

/// Where a page begins, and in which direction it goes.
#[derive(Clone, Copy)]
enum From {
    Older(Cursor),
    Newer(i64),
}

fn query(
    filter: &JobFilter,
    state: Option<JobState>,
    batch: Option<i64>,
    from: Option<From>,
    limit: u32,
) -> (String, Vec<Value>) {
    let mut wheres = Vec::new();
    let mut values = Vec::new();
    for (column, value) in conditions(filter, state, batch) {
        let plus = if wheres.is_empty() { "" } else { "+" };
        values.push(value);
        wheres.push(format!("{plus}j.{column} = ?{}", values.len()));
    }
    let mut order = "DESC";
    match from {
        None => {}
        Some(From::Older(Cursor(before))) => {
            values.push(Value::Integer(before));
            wheres.push(format!("j.seq < ?{}", values.len()));
        }
        Some(From::Newer(after)) => {
            values.push(Value::Integer(after));
            wheres.push(format!("j.seq > ?{}", values.len()));
            order = "ASC";
        }
    }
    if let Some(text) = filter.text.as_deref().filter(|text| !text.is_empty()) {
        values.push(Value::Text(text.to_owned()));
        values.push(Value::Text(like_pattern(text)));
        let (id, like) = (values.len() - 1, values.len());
        wheres.push(format!("(+j.id = ?{id} OR j.asset_name LIKE ?{like} ESCAPE '\\')"));
    }
    // One more than asked for tells whether there is a next page.
    values.push(Value::Integer(i64::from(limit) + 1));
    let wheres = if wheres.is_empty() { String::new() } else { format!(" WHERE {}", wheres.join(" AND ")) };
    (format!("{JOB}{wheres} ORDER BY j.seq {order} LIMIT ?{}", values.len()), values)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plan(filter: &JobFilter, batch: Option<i64>) -> String {
        plan_from(filter, batch, From::Older(Cursor(100)))
    }

    fn plan_from(filter: &JobFilter, batch: Option<i64>, from: From) -> String {
        let db = Db::open_in_memory().unwrap();
        let (sql, values) = query(filter, filter.states.first().copied(), batch, Some(from), 50);
        let mut explain = db.conn.prepare(&format!("EXPLAIN QUERY PLAN {sql}")).unwrap();
        let steps = explain
            .query_map(rusqlite::params_from_iter(values), |row| row.get::<_, String>(3))
            .unwrap()
            .collect::<rusqlite::Result<Vec<_>>>()
            .unwrap();
        steps.join("\n")
    }

    #[test]
    fn no_list_sorts_or_scans() {
        let all = JobFilter {
            states: vec![JobState::Failed],
            kind: Some(studio_protocol::TaskKind::Image),
            model: Some("m".to_owned()),
            batch: None,
            project: Some("p".into()),
            worker: Some("w".into()),
            text: Some("fox".to_owned()),
        };
        // Every combination of filters.
        for bits in 0..128_u32 {
            let has = |bit: u32| bits & (1 << bit) != 0;
            let mut filter = all.clone();
            filter.states.truncate(usize::from(has(0)));
            filter.kind = filter.kind.filter(|_| has(1));
            filter.model = filter.model.filter(|_| has(2));
            filter.project = filter.project.filter(|_| has(3));
            filter.worker = filter.worker.filter(|_| has(4));
            filter.text = filter.text.filter(|_| has(5));
            for from in [From::Older(Cursor(100)), From::Newer(100)] {
                let plan = plan_from(&filter, has(6).then_some(1), from);
                assert!(plan.starts_with("SEARCH j USING"), "{filter:?}: {plan}");
                assert!(!plan.contains("TEMP B-TREE") && !plan.contains("SCAN"), "{filter:?}: {plan}");
            }
        }
    }

    #[test]
    fn the_most_selective_filter_drives() {
        let failed =
            JobFilter { states: vec![JobState::Failed], model: Some("m".to_owned()), ..JobFilter::default() };
        assert!(plan(&failed, None).contains("jobs_by_state"), "{}", plan(&failed, None));
        let done = JobFilter { states: vec![JobState::Done], ..failed };
        assert!(plan(&done, None).contains("jobs_by_model"), "{}", plan(&done, None));
        assert!(plan(&done, Some(1)).contains("jobs_by_batch"), "{}", plan(&done, Some(1)));
    }
}
