//! Who takes part: workers of this project and of the base protocol, and how they come by their identities.

use studio_protocol::{CliDefaults, ModelSource, RequestId, WorkerId};
use studio_store::{Model, NewRegistration, Poll, RegistrationState};
use worker_core::{Identity, Secret};

use super::client::MODELS;
use super::host::{Host, HostId, Sort};
use super::studio::hash;
use super::{Event, World};
use crate::trace::note;

/// How often an operator looks at registrations, in milliseconds.
const APPROVAL_MS: u64 = 9_000;

/// How fast machines are, against each other.
const SPEEDS: [f64; 4] = [0.5, 1.0, 1.1, 4.0];

impl World {
    pub(super) fn seed_models(&mut self) {
        let models = MODELS.map(|(id, kind, engine, vram_gb)| {
            let cli_defaults =
                CliDefaults { cfg_scale: 1.0, steps: 8, width: 64, height: 64, more: serde_json::Map::new() };
            let source = ModelSource { engine: engine.to_owned(), files: Vec::new(), cli_defaults };
            Model { id: id.to_owned(), kind, vram_gb, enabled: true, source }
        });
        let wall = self.wall();
        self.db.seed_models(&models, wall).expect("models go into an empty database");
    }

    pub(super) fn make_fleet(&mut self) {
        let (ours, bases) = (2 + self.dice.below(3), self.dice.below(3));
        for n in 0..ours + bases {
            let sort = match n {
                _ if n >= ours => Sort::Base,
                _ => Sort::Ours { slots: if self.dice.chance(0.3) { 2 } else { 1 } },
            };
            let name = format!("{}{n}", if n >= ours { "base" } else { "pc" });
            let identity = if sort == Sort::Base || self.dice.chance(0.8) {
                self.enrol(&name)
            } else {
                Identity::Pristine { install_id: None }
            };
            let mut host = Host::new(name, sort, identity);
            host.speed = *self.dice.pick(&SPEEDS).unwrap_or(&1.0);
            if n == 0 {
                // Every job has somebody who can do it.
                host.engines.push("special");
                host.vram_gb = 12.0;
            } else if self.dice.chance(0.4) {
                host.engines.push("special");
                host.free_vram_gb = (sort != Sort::Base && self.dice.chance(0.5)).then_some(5.0);
            }
            self.hosts.push(host);
            let delay = self.dice.millis(0, 8_000);
            self.after(delay, Event::HostStart { host: HostId(n) });
        }
        self.after(std::time::Duration::from_millis(APPROVAL_MS), Event::Approve);
    }

    pub(super) fn fresh_identity(&mut self) -> (WorkerId, String) {
        self.next_identity += 1;
        let n = self.next_identity;
        (WorkerId::from(format!("w-{n}")), format!("token-{n}"))
    }

    /// A registration from request to token, in one go.
    fn enrol(&mut self, name: &str) -> Identity {
        let (worker, token) = self.fresh_identity();
        let (install_id, secret) = (format!("install of {worker}"), format!("secret of {worker}"));
        let wall = self.wall();
        let new = NewRegistration {
            request_id: RequestId::from(format!("rr-{worker}")),
            install_id: install_id.clone(),
            secret_hash: hash(&secret),
            capabilities_json: format!(r#"{{"machineName":"{name}"}}"#),
            user_agent: "studio-worker/0.1.0".to_owned(),
            source_addr: "192.0.2.1".to_owned(),
        };
        let enrolled = (|| {
            let registered = self.db.request_registration(&new, None, wall)?;
            self.db.approve(&registered.request_id, &worker, Some(name), wall)?;
            self.db.poll_registration(&registered.request_id, &hash(&secret), &worker, &hash(&token), wall)
        })();
        match enrolled {
            Ok(Poll::Approved { worker_id }) => {
                Identity::Approved { install_id, worker_id, auth_token: Secret::new(token) }
            }
            other => {
                self.checker.broken(format!("{name} could not be enrolled: {other:?}"));
                Identity::Pristine { install_id: None }
            }
        }
    }

    /// A base worker that was removed comes back as another.
    pub(super) fn enrol_base(&mut self, id: HostId) {
        let name = self.hosts[id.0].name.clone();
        let identity = self.enrol(&name);
        note!(self, "{name}: is {:?} now", identity.worker_id());
        self.hosts[id.0].identity = identity;
    }

    pub(super) fn approve_all(&mut self) {
        self.after(std::time::Duration::from_millis(APPROVAL_MS), Event::Approve);
        if !self.studio.is_up() {
            return;
        }
        let waiting = self.db.registrations(Some(RegistrationState::Pending)).unwrap_or_default();
        for registration in waiting {
            let (worker, _) = self.fresh_identity();
            note!(self, "operator: approves {} as {worker}", registration.id);
            if let Err(error) = self.db.approve(&registration.id, &worker, None, self.wall()) {
                self.checker.broken(format!("{} could not be approved: {error}", registration.id));
            }
        }
    }
}
