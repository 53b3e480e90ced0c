//! API keys.

use rusqlite::{Row, params};
use studio_protocol::{ProjectId, Timestamp};

use crate::db::Db;
use crate::row::{At, id, optional_id, time, word};
use crate::{ApiKey, KeyId, NewApiKey, Result, Role, SecretHash, StoreError};

const KEY: &str = "SELECT id, name, role, project, created_at FROM api_keys";

impl Db {
    /// Stores a key by its hash.
    pub fn create_key(&mut self, new: &NewApiKey, now: Timestamp) -> Result<ApiKey> {
        const SQL: &str = "\
            INSERT INTO api_keys (id, name, role, hash, project, created_at) VALUES (?1, ?2, ?3, ?4, ?5, ?6)";
        self.atomically(|db| {
            db.statement(SQL)?.execute(params![
                new.id.as_str(),
                new.name,
                new.role.as_str(),
                new.hash.as_str(),
                new.project.as_ref().map(ProjectId::as_str),
                now.as_millis(),
            ])?;
            db.find_key(&new.id)
        })
    }

    /// Whose key this is, while it is good.
    pub fn key_by_hash(&self, hash: &SecretHash) -> Result<Option<ApiKey>> {
        let mut select = self.statement(&format!("{KEY} WHERE hash = ?1"))?;
        let mut rows = select.query([hash.as_str()])?;
        rows.next()?.map(key).transpose()
    }

    /// Every key that is good, oldest first.
    pub fn keys(&self) -> Result<Vec<ApiKey>> {
        let mut select = self.statement(&format!("{KEY} ORDER BY seq"))?;
        select.query_and_then([], key)?.collect()
    }

    /// Makes a key useless at once; the last admin key of the whole studio is kept, or nobody could make another.
    pub fn revoke_key(&mut self, id: &KeyId) -> Result<()> {
        const OTHER_ADMINS: &str =
            "SELECT 1 FROM api_keys WHERE role = 'admin' AND project IS NULL AND id <> ?1";
        self.atomically(|db| {
            let key = db.find_key(id)?;
            let counts = key.role == Role::Admin && key.project.is_none();
            if counts && !db.statement(OTHER_ADMINS)?.exists([id.as_str()])? {
                let problem = "is the last admin key: create another one first";
                return Err(StoreError::conflict("key", id.as_str(), problem));
            }
            db.statement("DELETE FROM api_keys WHERE id = ?1")?.execute([id.as_str()])?;
            Ok(())
        })
    }

    fn find_key(&self, id: &KeyId) -> Result<ApiKey> {
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
    })
}
