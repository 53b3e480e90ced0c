//! What is read of the history.

use rusqlite::types::Value;
use rusqlite::{OptionalExtension, Row, params_from_iter};
use studio_protocol::Timestamp;
use worker_local::{JobDay, JobEnd, JobFilter, JobLine, JobPage, JobRecord, Origin};

use super::db::{Db, DbError, end_word, origin_word};

/// Records of a page unless the reader says otherwise.
const USUAL_PAGE: u32 = 100;
/// Records of a page at most.
const LARGEST_PAGE: u32 = 1_000;
const COLUMNS: &str = "seq, id, origin, kind, model, project, name, prompt, started_at, ended_at, day, ended, reason, has_thumbnail";
const NEWEST: &str = "(SELECT max(seq) FROM jobs WHERE id = ?)";

/// One page.
pub(super) fn list(db: &mut Db, filter: &JobFilter) -> Result<JobPage, DbError> {
    let limit = filter.limit.unwrap_or(USUAL_PAGE).clamp(1, LARGEST_PAGE);
    let mut wanted: Vec<&str> = Vec::new();
    let mut values: Vec<Value> = Vec::new();
    let mut want = |condition: &'static str, value: Option<Value>| {
        if let Some(value) = value {
            wanted.push(condition);
            values.push(value);
        }
    };
    let before = filter.before.map(|before| i64::try_from(before).unwrap_or(i64::MAX));
    want("seq < ?", before.map(Into::into));
    want("kind = ?", filter.kind.map(|kind| kind.as_str().to_owned().into()));
    want("ended = ?", filter.end.map(|end| end_word(end).to_owned().into()));
    want("origin = ?", filter.origin.map(|origin| origin_word(origin).to_owned().into()));
    want("day = ?", filter.day.clone().map(Into::into));
    // Without LIKE: what is looked for may hold its signs.
    let search = filter.search.as_ref().map(|search| search.trim().to_ascii_lowercase());
    want(
        "instr(lower(id || char(10) || model || char(10) || name || char(10) || prompt), ?) > 0",
        search.filter(|search| !search.is_empty()).map(Into::into),
    );
    let condition = if wanted.is_empty() { String::new() } else { format!("WHERE {}", wanted.join(" AND ")) };
    // One more tells whether there is a next page.
    let query = format!("SELECT {COLUMNS} FROM jobs {condition} ORDER BY seq DESC LIMIT {}", limit + 1);
    let mut statement = db.connection.prepare(&query)?;
    let mut jobs = statement.query_map(params_from_iter(values), record)?.collect::<Result<Vec<_>, _>>()?;
    let more = jobs.len() > limit as usize;
    jobs.truncate(limit as usize);
    let next = jobs.last().map(|job| job.seq).filter(|_| more);
    Ok(JobPage { jobs, next })
}

/// Newest first.
pub(super) fn days(db: &mut Db) -> Result<Vec<JobDay>, DbError> {
    let query = "SELECT day, count(*), sum(ended = 'failed') FROM jobs GROUP BY day ORDER BY day DESC";
    let mut statement = db.connection.prepare_cached(query)?;
    let day = |row: &Row<'_>| Ok(JobDay { day: row.get(0)?, jobs: number(row, 1)?, failed: number(row, 2)? });
    Ok(statement.query_map([], day)?.collect::<Result<_, _>>()?)
}

/// The newest of this id: a job may come back for another try.
pub(super) fn job(db: &mut Db, id: &str) -> Result<Option<JobRecord>, DbError> {
    let query = format!("SELECT {COLUMNS} FROM jobs WHERE seq = {NEWEST}");
    Ok(db.connection.prepare_cached(&query)?.query_row([id], record).optional()?)
}

/// In their order.
pub(super) fn log(db: &mut Db, id: &str) -> Result<Option<Vec<JobLine>>, DbError> {
    if job(db, id)?.is_none() {
        return Ok(None);
    }
    let query =
        format!("SELECT ts, level, category, message FROM lines WHERE job = {NEWEST} ORDER BY number");
    let mut statement = db.connection.prepare_cached(&query)?;
    let line = |row: &Row<'_>| {
        Ok(JobLine {
            ts: Timestamp::from_millis(row.get(0)?),
            level: row.get(1)?,
            category: row.get(2)?,
            message: row.get(3)?,
        })
    };
    Ok(Some(statement.query_map([id], line)?.collect::<Result<_, _>>()?))
}

/// Its type and bytes.
pub(super) fn thumbnail(db: &mut Db, id: &str) -> Result<Option<(String, Vec<u8>)>, DbError> {
    let query = format!("SELECT mime, bytes FROM thumbnails WHERE job = {NEWEST}");
    let mut statement = db.connection.prepare_cached(&query)?;
    Ok(statement.query_row([id], |row| Ok((row.get(0)?, row.get(1)?))).optional()?)
}

/// Counts and row numbers are never negative.
fn number(row: &Row<'_>, index: usize) -> rusqlite::Result<u64> {
    row.get::<_, i64>(index).map(i64::unsigned_abs)
}

fn record(row: &Row<'_>) -> rusqlite::Result<JobRecord> {
    let word = |index: usize| row.get::<_, String>(index);
    let unknown = |index: usize, word: String| {
        rusqlite::Error::FromSqlConversionFailure(
            index,
            rusqlite::types::Type::Text,
            format!("`{word}` is not known").into(),
        )
    };
    Ok(JobRecord {
        seq: number(row, 0)?,
        id: row.get(1)?,
        origin: match word(2)?.as_str() {
            "local" => Origin::Local,
            _ => Origin::Studio,
        },
        kind: {
            let kind = word(3)?;
            kind.parse().map_err(|_| unknown(3, kind))?
        },
        model: row.get(4)?,
        project: row.get(5)?,
        name: row.get(6)?,
        prompt: row.get(7)?,
        started_at: Timestamp::from_millis(row.get(8)?),
        ended_at: Timestamp::from_millis(row.get(9)?),
        day: row.get(10)?,
        end: match word(11)? {
            end if end == "done" => JobEnd::Done,
            end if end == "failed" => JobEnd::Failed,
            end if end == "cancelled" => JobEnd::Cancelled,
            end if end == "released" => JobEnd::Released,
            end => return Err(unknown(11, end)),
        },
        reason: row.get(12)?,
        has_thumbnail: row.get(13)?,
    })
}
