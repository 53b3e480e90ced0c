//! Sessions of people in browsers, by the hash of their cookie.

use rusqlite::params;
use studio_protocol::Timestamp;

use crate::db::Db;
use crate::row::time;
use crate::users::{COLUMNS, user};
use crate::{BrowserSession, PasswordHash, Result, SecretHash, User, UserId};

/// Browsers of one person that stay signed in; the one that was away longest makes room for the next.
const MAX_SESSIONS_OF_USER: u32 = 50;

impl Db {
    /// Signs `id` in, when they are let in and `verified` still is what their password is compared to: both may have
    /// changed while the password was checked.
    pub fn start_session(
        &mut self,
        id: &UserId,
        verified: &PasswordHash,
        session: &SecretHash,
        now: Timestamp,
    ) -> Result<Option<User>> {
        const SQL: &str = "SELECT 1 FROM users WHERE id = ?1 AND password = ?2 AND NOT disabled";
        self.atomically(|db| {
            if !db.statement(SQL)?.exists([id.as_str(), verified.as_str()])? {
                return Ok(None);
            }
            db.insert_session(id, session, now).map(Some)
        })
    }

    /// Gives `id` another password when `verified` still is the current one; ends every session, starts `session`.
    pub fn replace_password(
        &mut self,
        id: &UserId,
        verified: &PasswordHash,
        password: &PasswordHash,
        session: &SecretHash,
        now: Timestamp,
    ) -> Result<Option<User>> {
        const SQL: &str = "UPDATE users SET password = ?3 WHERE id = ?1 AND password = ?2 AND NOT disabled";
        self.atomically(|db| {
            let changed = db.statement(SQL)?.execute([id.as_str(), verified.as_str(), password.as_str()])?;
            if changed == 0 {
                return Ok(None);
            }
            db.end_sessions_of(id)?;
            db.insert_session(id, session, now).map(Some)
        })
    }

    pub(crate) fn insert_session(&self, id: &UserId, session: &SecretHash, now: Timestamp) -> Result<User> {
        const INSERT: &str = "\
            INSERT INTO browser_sessions (hash, user, created_at, seen_at) \
            SELECT ?2, seq, ?3, ?3 FROM users WHERE id = ?1";
        const BOUND: &str = "\
            DELETE FROM browser_sessions WHERE hash IN ( \
                SELECT s.hash FROM browser_sessions s JOIN users u ON u.seq = s.user WHERE u.id = ?1 \
                ORDER BY s.seen_at DESC, s.hash = ?2 DESC LIMIT -1 OFFSET ?3)";
        self.statement(INSERT)?.execute(params![id.as_str(), session.as_str(), now.as_millis()])?;
        self.statement(BOUND)?.execute(params![id.as_str(), session.as_str(), MAX_SESSIONS_OF_USER])?;
        self.statement("UPDATE users SET last_seen_at = ?2 WHERE id = ?1")?
            .execute(params![id.as_str(), now.as_millis()])?;
        self.user(id)
    }

    /// The session with this hash; its time may be over.
    pub fn browser_session(&self, hash: &SecretHash) -> Result<Option<BrowserSession>> {
        let sql = format!(
            "SELECT {COLUMNS}, s.created_at, s.seen_at FROM browser_sessions s JOIN users u ON u.seq = s.user \
             WHERE s.hash = ?1"
        );
        let mut select = self.statement(&sql)?;
        let mut rows = select.query([hash.as_str()])?;
        let found = rows.next()?.map(|row| {
            Ok(BrowserSession { user: user(row)?, created_at: time(row, 6)?, seen_at: time(row, 7)? })
        });
        found.transpose()
    }

    /// Keeps that a session was used.
    pub fn note_session(&mut self, hash: &SecretHash, now: Timestamp) -> Result<()> {
        self.statement("UPDATE browser_sessions SET seen_at = max(seen_at, ?2) WHERE hash = ?1")?
            .execute(params![hash.as_str(), now.as_millis()])?;
        Ok(())
    }

    /// Signs a browser out; whether it was signed in.
    pub fn end_session(&mut self, hash: &SecretHash) -> Result<bool> {
        Ok(self.statement("DELETE FROM browser_sessions WHERE hash = ?1")?.execute([hash.as_str()])? > 0)
    }

    /// Forgets sessions that were last used, or started, before these times; tells how many.
    pub fn purge_sessions(&mut self, seen_before: Timestamp, made_before: Timestamp) -> Result<usize> {
        let mut purge =
            self.statement("DELETE FROM browser_sessions WHERE seen_at < ?1 OR created_at < ?2")?;
        Ok(purge.execute([seen_before.as_millis(), made_before.as_millis()])?)
    }

    pub(crate) fn end_sessions_of(&self, id: &UserId) -> Result<()> {
        self.statement("DELETE FROM browser_sessions WHERE user = (SELECT seq FROM users WHERE id = ?1)")?
            .execute([id.as_str()])?;
        Ok(())
    }
}
