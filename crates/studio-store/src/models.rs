//! The model registry.

use rusqlite::{Row, params};
use studio_protocol::{ModelSource, Timestamp};

use crate::db::Db;
use crate::row::{At, json, word};
use crate::{Model, Result, StoreError};

const MODEL: &str = "SELECT id, kind, vram_gb, enabled, source FROM models";

impl Db {
    /// Puts in the entries that this studio never had, so that a removed one stays removed; tells how many.
    pub fn seed_models(&mut self, models: &[Model], now: Timestamp) -> Result<usize> {
        self.atomically(|db| {
            let mut added = 0;
            for model in models {
                let mark = format!("seeded model {}", model.id);
                let first = db
                    .statement("INSERT OR IGNORE INTO meta (key, value) VALUES (?1, ?2)")?
                    .execute(params![mark, now.to_string()])?;
                if first == 1 && db.find_model(&model.id)?.is_none() {
                    db.upsert_model(model, now)?;
                    added += 1;
                }
            }
            Ok(added)
        })
    }

    /// Every model, by name.
    pub fn models(&self) -> Result<Vec<Model>> {
        let mut select = self.statement(&format!("{MODEL} ORDER BY id"))?;
        select.query_and_then([], model)?.collect()
    }

    /// A model by its name.
    pub fn model(&self, id: &str) -> Result<Model> {
        self.find_model(id)?.ok_or_else(|| StoreError::not_found("model", id))
    }

    /// Makes or replaces an entry; its kind is fixed while jobs of it are open. See [`Db::queued_of_model`].
    pub fn put_model(&mut self, model: &Model, now: Timestamp) -> Result<()> {
        if model.id.is_empty() {
            return Err(StoreError::invalid("id", "is empty: a model needs a name"));
        }
        if !model.vram_gb.is_finite() || model.vram_gb < 0.0 {
            return Err(StoreError::invalid(
                "vramGb",
                format!("{} is not an amount of memory", model.vram_gb),
            ));
        }
        self.atomically(|db| {
            if db.find_model(&model.id)?.is_some_and(|former| former.kind != model.kind) {
                db.refuse_while_open(&model.id, "its kind cannot change")?;
            }
            db.upsert_model(model, now)
        })
    }

    /// Removes an entry that no open job needs.
    pub fn remove_model(&mut self, id: &str) -> Result<()> {
        self.atomically(|db| {
            db.refuse_while_open(id, "disable it and wait, or cancel them")?;
            match db.statement("DELETE FROM models WHERE id = ?1")?.execute([id])? {
                0 => Err(StoreError::not_found("model", id)),
                _ => Ok(()),
            }
        })
    }

    /// Lets a model take new jobs, or not; jobs that wait for it are not affected.
    pub fn set_model_enabled(&mut self, id: &str, enabled: bool, now: Timestamp) -> Result<Model> {
        self.atomically(|db| {
            db.statement("UPDATE models SET enabled = ?2, updated_at = ?3 WHERE id = ?1")?
                .execute(params![id, enabled, now.as_millis()])?;
            db.model(id)
        })
    }

    fn find_model(&self, id: &str) -> Result<Option<Model>> {
        let mut select = self.statement(&format!("{MODEL} WHERE id = ?1"))?;
        let mut rows = select.query([id])?;
        rows.next()?.map(model).transpose()
    }

    fn refuse_while_open(&self, id: &str, advice: &str) -> Result<()> {
        const SQL: &str = "\
            SELECT 1 FROM jobs WHERE state IN ('queued', 'offered', 'running') AND +model = ?1 LIMIT 1";
        if self.statement(SQL)?.exists([id])? {
            return Err(StoreError::conflict("model", id, format!("has open jobs: {advice}")));
        }
        Ok(())
    }

    fn upsert_model(&self, model: &Model, now: Timestamp) -> Result<()> {
        const SQL: &str = "\
            INSERT INTO models (id, kind, engine, vram_gb, enabled, source, created_at, updated_at) \
            VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?7) \
            ON CONFLICT (id) DO UPDATE SET kind = excluded.kind, engine = excluded.engine, \
                vram_gb = excluded.vram_gb, enabled = excluded.enabled, source = excluded.source, \
                updated_at = excluded.updated_at";
        self.statement(SQL)?.execute(params![
            model.id,
            model.kind.as_str(),
            model.source.engine,
            model.vram_gb,
            model.enabled,
            source_json(&model.source)?,
            now.as_millis(),
        ])?;
        Ok(())
    }
}

fn source_json(source: &ModelSource) -> Result<String> {
    serde_json::to_string(source).map_err(|error| StoreError::invalid("source", error.to_string()))
}

fn model(row: &Row<'_>) -> Result<Model> {
    Ok(Model {
        id: row.get(0)?,
        kind: word(row, 1, At("models", "kind"))?,
        vram_gb: row.get(2)?,
        enabled: row.get(3)?,
        source: json(row, 4, At("models", "source"))?,
    })
}
