//! Registrations: a machine asks to join, an operator or a join code decides, the machine fetches the answer.

mod decide;
mod join_codes;

use rusqlite::{Row, params};
use studio_protocol::{RequestId, Timestamp, WorkerId};

use crate::db::Db;
use crate::row::{At, id, optional_id, optional_time, time, word};
use crate::{
    NewRegistration, Poll, Registered, RegistrationRecord, RegistrationState, Result, SecretHash, StoreError,
};

/// Requests that may wait for a decision: more than any operator will look through, and a bound on what strangers
/// can make us store.
const MAX_PENDING: i64 = 10_000;
/// Rows of the list that operators look at.
const MAX_LISTED: i64 = 1_000;

impl Db {
    /// Stores a request to join, or renews the one that the same install waits with; a join code approves it.
    pub fn request_registration(
        &mut self,
        new: &NewRegistration,
        join: Option<&SecretHash>,
        now: Timestamp,
    ) -> Result<Registered> {
        self.atomically(|db| {
            if let Some(code) = join {
                db.use_join_code(code, now)?;
            }
            let request_id = match db.renew(new)? {
                Some(waiting) => waiting,
                None => db.insert_registration(new, join.is_some(), now)?,
            };
            if join.is_some() {
                db.statement("UPDATE registrations SET status = 'approved', decided_at = ?2 WHERE id = ?1")?
                    .execute(params![request_id.as_str(), now.as_millis()])?;
            }
            Ok(Registered { request_id, approved: join.is_some() })
        })
    }

    /// Answers a machine that asks for the decision; an approval rotates the token to the fresh one.
    ///
    /// `fresh_worker_id` is used when a join code approved the request and no worker was made of it yet.
    pub fn poll_registration(
        &mut self,
        id: &RequestId,
        secret_hash: &SecretHash,
        fresh_worker_id: &WorkerId,
        fresh_token_hash: &SecretHash,
        now: Timestamp,
    ) -> Result<Poll> {
        self.atomically(|db| {
            let Some((registration, secret)) = db.registration_with_secret(id)? else {
                return Ok(Poll::Unknown);
            };
            if secret != *secret_hash {
                return Ok(Poll::WrongSecret);
            }
            match registration.status {
                RegistrationState::Pending => Ok(Poll::Pending),
                RegistrationState::Rejected => {
                    Ok(Poll::Rejected { reason: registration.reason.unwrap_or_default() })
                }
                RegistrationState::Approved => {
                    let worker_id = match registration.worker_id.clone() {
                        Some(worker) => worker,
                        None => db.make_worker(&registration, fresh_worker_id, None, now)?.id,
                    };
                    db.statement("UPDATE workers SET token_hash = ?2 WHERE id = ?1")?
                        .execute(params![worker_id.as_str(), fresh_token_hash.as_str()])?;
                    Ok(Poll::Approved { worker_id })
                }
            }
        })
    }

    /// The latest requests, newest first; of one state or of all.
    pub fn registrations(&self, status: Option<RegistrationState>) -> Result<Vec<RegistrationRecord>> {
        let wheres = if status.is_some() { "WHERE status = ?1" } else { "WHERE ?1 IS NULL" };
        let sql = format!("{REGISTRATION} {wheres} ORDER BY seq DESC LIMIT {MAX_LISTED}");
        let mut select = self.statement(&sql)?;
        select.query_and_then([status.map(RegistrationState::as_str)], registration)?.collect()
    }

    /// Forgets refusals from before `before`; a machine that still asks is told to start anew.
    pub fn purge_registrations(&mut self, before: Timestamp) -> Result<usize> {
        let mut delete =
            self.statement("DELETE FROM registrations WHERE status = 'rejected' AND decided_at < ?1")?;
        Ok(delete.execute([before.as_millis()])?)
    }

    fn renew(&self, new: &NewRegistration) -> Result<Option<RequestId>> {
        const SQL: &str = "\
            UPDATE registrations SET secret_hash = ?2, capabilities = ?3, user_agent = ?4, source_addr = ?5 \
            WHERE install_id = ?1 AND status = 'pending' RETURNING id";
        let mut update = self.statement(SQL)?;
        let renewed = update.query_and_then(
            params![
                new.install_id,
                new.secret_hash.as_str(),
                new.capabilities_json,
                new.user_agent,
                new.source_addr
            ],
            |row| id(row, 0),
        )?;
        renewed.last().transpose()
    }

    fn insert_registration(&self, new: &NewRegistration, decided: bool, now: Timestamp) -> Result<RequestId> {
        const SQL: &str = "\
            INSERT INTO registrations \
                (id, install_id, secret_hash, status, capabilities, user_agent, source_addr, created_at) \
            VALUES (?1, ?2, ?3, 'pending', ?4, ?5, ?6, ?7)";
        let waiting: i64 = self
            .statement("SELECT count(*) FROM registrations WHERE status = 'pending'")?
            .query_row([], |row| row.get(0))?;
        if waiting >= MAX_PENDING && !decided {
            let problem =
                format!("cannot be taken: {waiting} requests wait for a decision; approve or reject some");
            return Err(StoreError::conflict("registration", new.request_id.as_str(), problem));
        }
        self.statement(SQL)?.execute(params![
            new.request_id.as_str(),
            new.install_id,
            new.secret_hash.as_str(),
            new.capabilities_json,
            new.user_agent,
            new.source_addr,
            now.as_millis(),
        ])?;
        if !decided {
            self.announce_registration(&new.request_id, now)?;
        }
        Ok(new.request_id.clone())
    }

    fn registration_with_secret(&self, id: &RequestId) -> Result<Option<(RegistrationRecord, SecretHash)>> {
        let mut select = self.statement(&format!("{REGISTRATION} WHERE id = ?1"))?;
        let mut rows = select.query([id.as_str()])?;
        rows.next()?.map(|row| Ok((registration(row)?, crate::row::id(row, 10)?))).transpose()
    }
}

const REGISTRATION: &str = "\
    SELECT id, install_id, status, capabilities, user_agent, source_addr, reason, worker, created_at, decided_at, \
        secret_hash \
    FROM registrations";

fn registration(row: &Row<'_>) -> Result<RegistrationRecord> {
    Ok(RegistrationRecord {
        id: id(row, 0)?,
        install_id: row.get(1)?,
        status: word(row, 2, At("registrations", "status"))?,
        capabilities_json: row.get(3)?,
        user_agent: row.get(4)?,
        source_addr: row.get(5)?,
        reason: row.get(6)?,
        worker_id: optional_id(row, 7)?,
        created_at: time(row, 8)?,
        decided_at: optional_time(row, 9)?,
    })
}
