//! The decision on a registration, and the worker that comes of it.

use rusqlite::params;
use studio_protocol::{Capabilities, RequestId, Timestamp, WorkerId};

use crate::db::Db;
use crate::{RegistrationRecord, RegistrationState, Result, StoreError, WorkerRecord};

impl Db {
    /// Lets a machine join; without a name it gets the one that it calls itself.
    pub fn approve(
        &mut self,
        id: &RequestId,
        worker_id: &WorkerId,
        name: Option<&str>,
        now: Timestamp,
    ) -> Result<WorkerRecord> {
        self.atomically(|db| {
            let registration = db.undecided(id)?;
            db.statement("UPDATE registrations SET status = 'approved', decided_at = ?2 WHERE id = ?1")?
                .execute(params![id.as_str(), now.as_millis()])?;
            db.make_worker(&registration, worker_id, name, now)
        })
    }

    /// Refuses a machine; it is told the reason and stops asking.
    pub fn reject(&mut self, id: &RequestId, reason: &str, now: Timestamp) -> Result<RegistrationRecord> {
        const SQL: &str = "\
            UPDATE registrations SET status = 'rejected', reason = ?2, decided_at = ?3 WHERE id = ?1";
        self.atomically(|db| {
            db.undecided(id)?;
            db.statement(SQL)?.execute(params![id.as_str(), reason, now.as_millis()])?;
            db.known_registration(id)
        })
    }

    pub(super) fn make_worker(
        &self,
        registration: &RegistrationRecord,
        worker_id: &WorkerId,
        name: Option<&str>,
        now: Timestamp,
    ) -> Result<WorkerRecord> {
        const SQL: &str = "INSERT INTO workers (id, name, capabilities, created_at) VALUES (?1, ?2, ?3, ?4)";
        let name = name.map(str::trim).filter(|name| !name.is_empty()).map_or_else(
            || machine_name(&registration.capabilities_json).unwrap_or_else(|| worker_id.to_string()),
            str::to_owned,
        );
        self.statement(SQL)?.execute(params![
            worker_id.as_str(),
            name,
            registration.capabilities_json,
            now.as_millis()
        ])?;
        self.statement("UPDATE registrations SET worker = ?2 WHERE id = ?1")?
            .execute(params![registration.id.as_str(), worker_id.as_str()])?;
        self.known_worker(worker_id)
    }

    fn undecided(&self, id: &RequestId) -> Result<RegistrationRecord> {
        let registration = self.known_registration(id)?;
        if registration.status == RegistrationState::Pending {
            return Ok(registration);
        }
        Err(StoreError::conflict("registration", id.as_str(), format!("is {} already", registration.status)))
    }

    fn known_registration(&self, id: &RequestId) -> Result<RegistrationRecord> {
        let found = self.registration_with_secret(id)?;
        found
            .map(|(registration, _)| registration)
            .ok_or_else(|| StoreError::not_found("registration", id.as_str()))
    }
}

fn machine_name(capabilities_json: &str) -> Option<String> {
    let capabilities: Capabilities = serde_json::from_str(capabilities_json).ok()?;
    Some(capabilities.machine_name.trim().to_owned()).filter(|name| !name.is_empty())
}
