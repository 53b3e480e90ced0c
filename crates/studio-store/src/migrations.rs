//! The schema and its versions (`PRAGMA user_version`).
//!
//! Migrations expand, then contract, so that the version before keeps working on a database that was migrated.
//! A migration is never edited once it was released, and uses no code that may change later.

use rusqlite::Connection;

/// In order; the version of a database is how many of them it has.
const MIGRATIONS: &[&str] = &[
    include_str!("migrations/0001_initial.sql"),
    include_str!("migrations/0002_needs_options.sql"),
    include_str!("migrations/0003_access.sql"),
    include_str!("migrations/0004_projects.sql"),
    include_str!("migrations/0005_minutes.sql"),
    include_str!("migrations/0006_artefacts.sql"),
    include_str!("migrations/0007_attended.sql"),
    include_str!("migrations/0008_traces.sql"),
];

/// What this program writes.
pub(crate) const SCHEMA_VERSION: i64 = 8;
const _: () = assert!(MIGRATIONS.len() == SCHEMA_VERSION as usize);

/// `STUD`: tells our files from other people's SQLite files.
pub(crate) const APPLICATION_ID: i64 = 0x5354_5544;

/// The version that a database has now.
pub(crate) fn version(conn: &Connection) -> rusqlite::Result<i64> {
    conn.pragma_query_value(None, "user_version", |row| row.get(0))
}

/// Brings a database that is not newer than this program up to [`SCHEMA_VERSION`], all or nothing.
pub(crate) fn migrate(conn: &mut Connection) -> rusqlite::Result<()> {
    let from = version(conn)?;
    if from >= SCHEMA_VERSION {
        return Ok(());
    }
    let tx = conn.transaction_with_behavior(rusqlite::TransactionBehavior::Immediate)?;
    for (sql, number) in MIGRATIONS.iter().zip(1..).filter(|(_, number)| *number > from) {
        tx.execute_batch(sql)?;
        tx.pragma_update(None, "user_version", number)?;
    }
    tx.pragma_update(None, "application_id", APPLICATION_ID)?;
    tx.commit()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A database of the first version, with a job in it.
    #[test]
    fn older_jobs_need_no_options() {
        let mut conn = Connection::open_in_memory().unwrap();
        conn.execute_batch(MIGRATIONS[0]).unwrap();
        conn.pragma_update(None, "user_version", 1).unwrap();
        let old = "INSERT INTO jobs (id, state, kind, model, project, asset_name, priority, max_attempts, created_at) \
            VALUES (?1, 'queued', 'llm', 'm', 'p', 'a', 0, 1, 0)";
        conn.execute(old, ["job-1"]).unwrap();
        migrate(&mut conn).unwrap();
        assert_eq!(version(&conn).unwrap(), SCHEMA_VERSION);
        // The version before may still write its rows.
        conn.execute(old, ["job-2"]).unwrap();
        let needing: i64 =
            conn.query_row("SELECT count(*) FROM jobs WHERE needs_options", [], |row| row.get(0)).unwrap();
        assert_eq!(needing, 0);
    }

    #[test]
    fn a_second_run_changes_nothing() {
        let mut conn = Connection::open_in_memory().unwrap();
        migrate(&mut conn).unwrap();
        assert_eq!(version(&conn).unwrap(), SCHEMA_VERSION);
        let before: i64 = conn.pragma_query_value(None, "schema_version", |row| row.get(0)).unwrap();
        migrate(&mut conn).unwrap();
        let after: i64 = conn.pragma_query_value(None, "schema_version", |row| row.get(0)).unwrap();
        assert_eq!(before, after);
    }
}
