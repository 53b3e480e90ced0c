//! Projects, with their quotas and counts, and whether the queue as a whole is held.

use rusqlite::{Row, params};
use studio_protocol::{ProjectId, Timestamp};
use studio_scheduler::{MAX_WEIGHT, MIN_WEIGHT, ProjectRules};

use crate::db::Db;
use crate::row::{At, count, id, optional, optional_time, time, word};
use crate::{JobState, Project, ProjectChange, Result, StateCounts, StoreError};

const PROJECT: &str = "\
    SELECT id, weight, max_queued, max_running, keep_artefacts_days, keep_jobs_days, \
        queued, held, done, failed, cancelled, quarantined, created_at \
    FROM projects";

impl Db {
    /// Every project, by name.
    pub fn projects(&self) -> Result<Vec<Project>> {
        let mut select = self.statement(&format!("{PROJECT} ORDER BY id"))?;
        let mut projects = select.query_and_then([], project)?.collect::<Result<Vec<_>>>()?;
        self.split_held(&mut projects)?;
        Ok(projects)
    }

    /// One project.
    pub fn project(&self, id: &ProjectId) -> Result<Project> {
        let mut select = self.statement(&format!("{PROJECT} WHERE id = ?1"))?;
        let found = select.query_row([id.as_str()], |row| Ok(project(row)));
        let found = optional(found.map_err(StoreError::from).and_then(|project| project))?;
        let mut projects = [found.ok_or_else(|| StoreError::not_found("project", id.as_str()))?];
        self.split_held(&mut projects)?;
        let [project] = projects;
        Ok(project)
    }

    /// What the scheduler has to honour, of every project that has rules of its own.
    pub fn project_rules(&self) -> Result<Vec<(ProjectId, ProjectRules)>> {
        let all = self.projects()?.into_iter().map(|project| (project.id.clone(), project.rules()));
        Ok(all.filter(|(_, rules)| *rules != ProjectRules::default()).collect())
    }

    /// Changes a project; `make`: one that is not there is made.
    pub fn change_project(
        &mut self,
        id: &ProjectId,
        change: &ProjectChange,
        make: bool,
        now: Timestamp,
    ) -> Result<Project> {
        const SQL: &str = "\
            UPDATE projects SET weight = ?2, max_queued = ?3, max_running = ?4, keep_artefacts_days = ?5, \
                keep_jobs_days = ?6 \
            WHERE id = ?1";
        check(change)?;
        self.atomically(|db| {
            if make {
                insert_project(db, id, now)?;
            }
            let before = db.project(id)?;
            let number = |limit: Option<u64>| limit.map(|limit| i64::try_from(limit).unwrap_or(i64::MAX));
            db.statement(SQL)?.execute(params![
                id.as_str(),
                change.weight.unwrap_or(before.weight),
                number(change.max_queued.unwrap_or(before.max_queued)),
                number(change.max_running.unwrap_or(before.max_running)),
                change.keep_artefacts_days.unwrap_or(before.keep_artefacts_days),
                change.keep_jobs_days.unwrap_or(before.keep_jobs_days),
            ])?;
            db.project(id)
        })
    }

    /// Forgets a project that has no jobs.
    pub fn remove_project(&mut self, id: &ProjectId) -> Result<()> {
        const USED: &str = "\
            SELECT 1 FROM jobs WHERE project = ?1 UNION ALL SELECT 1 FROM batches WHERE project = ?1 LIMIT 1";
        self.atomically(|db| {
            if db.statement(USED)?.exists([id.as_str()])? {
                let problem = "has jobs: a project goes when the last of them is deleted";
                return Err(StoreError::conflict("project", id.as_str(), problem));
            }
            let removed = db.statement("DELETE FROM projects WHERE id = ?1")?.execute([id.as_str()])?;
            if removed == 0 { Err(StoreError::not_found("project", id.as_str())) } else { Ok(()) }
        })
    }

    /// Since when an operator holds the queue; `None` while it goes on.
    pub fn queue_paused_at(&self) -> Result<Option<Timestamp>> {
        let mut select = self.statement("SELECT paused_at FROM queue WHERE id = 1")?;
        let mut rows = select.query([])?;
        rows.next()?.map_or(Ok(None), |row| optional_time(row, 0))
    }

    /// Holds the queue, or lets it go on; a queue that is held already keeps its time. Tells since when it is held.
    pub fn set_queue_paused(&mut self, paused: bool, now: Timestamp) -> Result<Option<Timestamp>> {
        const SQL: &str =
            "UPDATE queue SET paused_at = CASE WHEN ?1 THEN coalesce(paused_at, ?2) END WHERE id = 1";
        self.atomically(|db| {
            db.statement(SQL)?.execute(params![paused, now.as_millis()])?;
            db.queue_paused_at()
        })
    }

    /// Which of the held jobs are offered and which run; there are no more of them than a fleet can hold.
    fn split_held(&self, projects: &mut [Project]) -> Result<()> {
        const SQL: &str = "\
            SELECT project, state, count(*) FROM jobs WHERE state IN ('offered', 'running') GROUP BY 1, 2";
        if projects.iter().all(|project| project.counts.running == 0) {
            return Ok(());
        }
        let mut select = self.statement(SQL)?;
        let mut rows = select.query([])?;
        while let Some(row) = rows.next()? {
            let of: ProjectId = id(row, 0)?;
            let state: JobState = word(row, 1, At("jobs", "state"))?;
            let Some(project) = projects.iter_mut().find(|project| project.id == of) else { continue };
            if state == JobState::Offered {
                let offered = count(row, 2)?.min(project.counts.running);
                project.counts.running -= offered;
                project.counts.offered = offered;
            }
        }
        Ok(())
    }
}

fn check(change: &ProjectChange) -> Result<()> {
    if let Some(weight) = change.weight
        && !(MIN_WEIGHT..=MAX_WEIGHT).contains(&weight)
    {
        let problem = format!("{weight} is not within {MIN_WEIGHT} to {MAX_WEIGHT}");
        return Err(StoreError::invalid("weight", problem));
    }
    for (field, days) in
        [("keepArtefactsDays", change.keep_artefacts_days), ("keepJobsDays", change.keep_jobs_days)]
    {
        if days == Some(Some(0)) {
            return Err(StoreError::invalid(
                field,
                "0 days would delete results before they are fetched: at least 1",
            ));
        }
    }
    Ok(())
}

/// Notes a project that has its first job.
pub(crate) fn insert_project(db: &Db, project: &ProjectId, now: Timestamp) -> Result<()> {
    db.statement("INSERT OR IGNORE INTO projects (id, created_at) VALUES (?1, ?2)")?
        .execute(params![project.as_str(), now.as_millis()])?;
    Ok(())
}

/// Takes `jobs` more waiting jobs of a project, unless that is more than it may have; call it before they are counted.
pub(crate) fn admit(db: &Db, project: &ProjectId, jobs: u64, now: Timestamp) -> Result<()> {
    let mut select = db.statement("SELECT max_queued, queued FROM projects WHERE id = ?1")?;
    let mut rows = select.query([project.as_str()])?;
    let Some(row) = rows.next()? else { return insert_project(db, project, now) };
    let Some(limit) = row.get::<_, Option<i64>>(0)? else { return Ok(()) };
    let (limit, queued) = (limit.max(0), (row.get::<_, i64>(1)? + db.tally.queued(project)).max(0));
    if queued.saturating_add(i64::try_from(jobs).unwrap_or(i64::MAX)) <= limit {
        return Ok(());
    }
    Err(StoreError::Quota {
        project: project.clone(),
        queued: queued.cast_unsigned(),
        adding: jobs,
        limit: limit.cast_unsigned(),
    })
}

fn project(row: &Row<'_>) -> Result<Project> {
    let limit = |index: usize| -> Result<Option<u64>> {
        Ok(row.get::<_, Option<i64>>(index)?.map(|limit| limit.max(0).cast_unsigned()))
    };
    Ok(Project {
        id: id(row, 0)?,
        weight: row.get(1)?,
        max_queued: limit(2)?,
        max_running: limit(3)?,
        keep_artefacts_days: row.get(4)?,
        keep_jobs_days: row.get(5)?,
        counts: StateCounts {
            queued: count(row, 6)?,
            offered: 0,
            running: count(row, 7)?,
            done: count(row, 8)?,
            failed: count(row, 9)?,
            cancelled: count(row, 10)?,
            quarantined: count(row, 11)?,
        },
        created_at: time(row, 12)?,
    })
}
