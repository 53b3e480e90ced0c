//! API keys.

use rusqlite::{Row, params};
use studio_protocol::{ProjectId, Timestamp};

use crate::db::Db;
use crate::row::{At, id, optional_id, optional_time, time, word};
use crate::{ApiKey, KeyId, NewApiKey, Result, Role, SecretHash, StoreError};

const KEY: &str = "SELECT id, name, role, project, created_at, expires_at, last_used_at FROM api_keys";

impl Db {
    /// Stores a key by its hash.
    pub fn create_key(&mut self, new: &NewApiKey, now: Timestamp) -> Result<ApiKey> {
        const SQL: &str = "\
            INSERT INTO api_keys (id, name, role, hash, project, created_at, expires_at) \
            VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)";
        self.atomically(|db| {
            db.statement(SQL)?.execute(params![
                new.id.as_str(),
                new.name,
                new.role.as_str(),
                new.hash.as_str(),
                new.project.as_ref().map(ProjectId::as_str),
                now.as_millis(),
                new.expires_at.map(Timestamp::as_millis),
            ])?;
            db.key(&new.id)
        })
    }

    /// Whose key this is; its time may be over.
    pub fn key_by_hash(&self, hash: &SecretHash) -> Result<Option<ApiKey>> {
        let mut select = self.statement(&format!("{KEY} WHERE hash = ?1"))?;
        let mut rows = select.query([hash.as_str()])?;
        rows.next()?.map(key).transpose()
    }

    /// Every key that was not revoked, oldest first.
    pub fn keys(&self) -> Result<Vec<ApiKey>> {
        let mut select = self.statement(&format!("{KEY} ORDER BY seq"))?;
        select.query_and_then([], key)?.collect()
    }

    /// Makes a key useless at once; the last admin of the whole studio is kept, or nobody could make another.
    pub fn revoke_key(&mut self, id: &KeyId) -> Result<()> {
        self.atomically(|db| {
            let key = db.key(id)?;
            db.statement("DELETE FROM api_keys WHERE id = ?1")?.execute([id.as_str()])?;
            let counted = key.role == Role::Admin && key.project.is_none() && key.expires_at.is_none();
            if counted && !db.has_admin()? {
                let problem = "is the last admin key: create another one, or an admin user, first";
                return Err(StoreError::conflict("key", id.as_str(), problem));
            }
            Ok(())
        })
    }

    /// Keeps when a key was used last.
    pub fn note_key_used(&mut self, id: &KeyId, now: Timestamp) -> Result<()> {
        self.statement("UPDATE api_keys SET last_used_at = max(ifnull(last_used_at, 0), ?2) WHERE id = ?1")?
            .execute(params![id.as_str(), now.as_millis()])?;
        Ok(())
    }

    /// Whether somebody may administer the whole studio for good: an admin who is let in, or an admin key without
    /// a project and without an end.
    pub fn has_admin(&self) -> Result<bool> {
        const SQL: &str = "\
            SELECT 1 FROM api_keys WHERE role = 'admin' AND project IS NULL AND expires_at IS NULL \
            UNION ALL SELECT 1 FROM users WHERE role = 'admin' AND NOT disabled";
        Ok(self.statement(SQL)?.exists([])?)
    }

    /// The key called `id`.
    pub fn key(&self, id: &KeyId) -> Result<ApiKey> {
        let mut select = self.statement(&format!("{KEY} WHERE id = ?1"))?;
        let mut rows = select.query([id.as_str()])?;
        rows.next()?.map_or_else(|| Err(StoreError::not_found("key", id.as_str())), key)
    }
}

fn key(row: &Row<'_>) -> Result<ApiKey> {
    Ok(ApiKey {
        id: id(row, 0)?,
        name: row.get(1)?,
        role: word(row, 2, At("api_keys", "role"))?,
        project: optional_id(row, 3)?,
        created_at: time(row, 4)?,
        expires_at: optional_time(row, 5)?,
        last_used_at: optional_time(row, 6)?,
    })
}
