//! Join codes: short-lived permission to join without a click.

use rusqlite::params;
use studio_protocol::Timestamp;

use crate::db::Db;
use crate::{Result, SecretHash, StoreError};

impl Db {
    /// Makes a code good for `uses` machines until `expires_at`; forgets those that are past.
    pub fn create_join_code(
        &mut self,
        hash: &SecretHash,
        expires_at: Timestamp,
        uses: u32,
        now: Timestamp,
    ) -> Result<()> {
        const SQL: &str =
            "INSERT INTO join_codes (hash, expires_at, uses_left, created_at) VALUES (?1, ?2, ?3, ?4)";
        if uses == 0 {
            return Err(StoreError::invalid(
                "uses",
                "0 is not enough: a code is good for at least one machine",
            ));
        }
        self.atomically(|db| {
            db.statement("DELETE FROM join_codes WHERE expires_at <= ?1")?.execute([now.as_millis()])?;
            db.statement(SQL)?.execute(params![
                hash.as_str(),
                expires_at.as_millis(),
                uses,
                now.as_millis()
            ])?;
            Ok(())
        })
    }

    pub(super) fn use_join_code(&self, hash: &SecretHash, now: Timestamp) -> Result<()> {
        const SQL: &str = "\
            UPDATE join_codes SET uses_left = uses_left - 1 \
            WHERE hash = ?1 AND uses_left > 0 AND expires_at > ?2";
        let used = self.statement(SQL)?.execute(params![hash.as_str(), now.as_millis()])?;
        if used == 1 {
            return Ok(());
        }
        // One answer for all three cases: it tells a stranger nothing about the codes that exist.
        let problem = "is unknown, expired or used up: ask for a new one (`studio join-code`)";
        Err(StoreError::invalid("joinCode", problem))
    }
}
