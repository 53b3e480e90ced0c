//! How a worker joins a studio (protocol sections 2 and 7).

use std::time::Instant;

use studio_protocol::{LogLevel, REGISTRATION_TICK, RegistrationStatus, WorkerClose};

use crate::link::Link;
use crate::{Effect, Identity, JobEnd, PollAnswer, PostAnswer, Secret, Worker};

/// What a registration under way needs besides [`Identity`].
#[derive(Debug, Default)]
pub(crate) struct Registering {
    /// Of the request that is being tried, kept while it is retried.
    secret: Option<Secret>,
    /// The owner's code, until the studio has answered to it.
    code: Option<Secret>,
    /// The next tick; none yet: at once.
    next: Option<Instant>,
}

impl Registering {
    pub(crate) fn due(&self, identity: &Identity) -> Option<Instant> {
        match identity {
            Identity::Pristine { .. } | Identity::Pending { .. } => self.next,
            Identity::Rejected { .. } if self.code.is_some() => self.next,
            Identity::Approved { .. } | Identity::Rejected { .. } => None,
        }
    }
}

impl Worker {
    pub(crate) fn registration_due(&mut self, now: Instant) {
        if self.is_ending() || self.registering.next.is_some_and(|next| next > now) {
            return;
        }
        match self.identity.clone() {
            Identity::Pristine { install_id } => {
                self.registering.next = Some(now + REGISTRATION_TICK);
                self.ask(install_id);
            }
            Identity::Pending { install_id, .. } | Identity::Rejected { install_id, .. }
                if self.registering.code.is_some() =>
            {
                self.registering.next = Some(now + REGISTRATION_TICK);
                self.ask(Some(install_id).filter(|id| !id.is_empty()));
            }
            Identity::Pending { request_id, secret, .. } => {
                self.registering.next = Some(now + REGISTRATION_TICK);
                self.push(Effect::Poll { request_id, secret });
            }
            Identity::Approved { .. } => {
                if matches!(self.link, Link::Off) {
                    self.link = Link::Waiting { until: now };
                }
            }
            Identity::Rejected { .. } => {}
        }
    }

    fn ask(&mut self, install_id: Option<String>) {
        let install_id = if let Some(install_id) = install_id {
            install_id
        } else {
            let install_id = self.draw.install_id();
            self.save(Identity::Pristine { install_id: Some(install_id.clone()) });
            install_id
        };
        let secret = match self.registering.secret.clone() {
            Some(secret) => secret,
            None => self.registering.secret.insert(self.draw.secret()).clone(),
        };
        let capabilities = Box::new(self.capabilities());
        let join_code = self.registering.code.clone();
        self.push(Effect::Register { install_id, secret, capabilities, join_code });
    }

    pub(crate) fn registered(&mut self, now: Instant, answer: PostAnswer) {
        let joining = self.registering.code.take().is_some();
        let install_id = match &self.identity {
            Identity::Pristine { install_id: Some(install_id) } => install_id.clone(),
            Identity::Pending { install_id, .. } | Identity::Rejected { install_id, .. } if joining => {
                install_id.clone()
            }
            Identity::Pristine { install_id: None }
            | Identity::Pending { .. }
            | Identity::Rejected { .. }
            | Identity::Approved { .. } => return,
        };
        match (answer, self.registering.secret.clone()) {
            (PostAnswer::Taken(request_id), Some(secret)) if joining => {
                self.last_trouble = None;
                // The code has approved it by now, if it was good.
                self.registering.next = None;
                self.save(Identity::Pending { install_id, request_id, secret });
            }
            (PostAnswer::Failed(reason), _) if joining => {
                self.registering.secret = None;
                self.trouble(format!("could not join with the code: {reason}"));
            }
            (PostAnswer::Taken(request_id), Some(secret)) => {
                self.last_trouble = None;
                self.log(
                    LogLevel::Info,
                    format!("registration {request_id} waits for an operator's approval"),
                    None,
                );
                self.registering.next = Some(now + REGISTRATION_TICK);
                self.save(Identity::Pending { install_id, request_id, secret });
            }
            (PostAnswer::Failed(reason), _) => self.trouble(format!("registration is tried again: {reason}")),
            (PostAnswer::Taken(_), None) => {}
        }
    }

    pub(crate) fn polled(&mut self, now: Instant, answer: PollAnswer) {
        let Identity::Pending { install_id, .. } = &self.identity else { return };
        let install_id = install_id.clone();
        match answer {
            PollAnswer::Status(RegistrationStatus::Pending) => self.last_trouble = None,
            PollAnswer::Status(RegistrationStatus::Approved { worker_id, auth_token }) => {
                self.last_trouble = None;
                self.registering = Registering::default();
                self.log(LogLevel::Info, format!("approved as worker {worker_id}"), None);
                self.save(Identity::Approved { install_id, worker_id, auth_token: Secret::new(auth_token) });
                self.link = Link::Waiting { until: now };
            }
            PollAnswer::Status(RegistrationStatus::Rejected { reason }) => {
                self.registering = Registering::default();
                let why = if reason.is_empty() { "without a reason" } else { &reason };
                self.trouble(format!(
                    "the studio's operator refused this worker ({why}); `studio-worker register --reset` asks again"
                ));
                self.save(Identity::Rejected { install_id, reason });
            }
            PollAnswer::Unknown => {
                self.registering.secret = None;
                self.trouble("the studio does not know the request any more, a new one follows".to_owned());
                self.save(Identity::Pristine { install_id: Some(install_id) });
            }
            PollAnswer::Failed(reason) => self.trouble(format!("the decision is asked for again: {reason}")),
        }
    }

    /// Asks with the owner's code, whatever an operator said or has not said yet.
    pub(crate) fn join(&mut self, now: Instant, code: Secret) {
        if self.identity.worker_id().is_some() {
            return self.log(LogLevel::Warn, "ignored a join code: this worker has joined".to_owned(), None);
        }
        self.last_trouble = None;
        let secret = self.registering.secret.take();
        self.registering = Registering { secret, code: Some(code), next: None };
        self.registration_due(now);
    }

    /// The owner wants to be another worker: what runs is given back, the studio hears goodbye, and a new one asks at once.
    pub(crate) fn reset_registration(&mut self, now: Instant) {
        self.log(LogLevel::Info, "the registration is forgotten; the worker registers anew".to_owned(), None);
        self.give_back("the worker registers anew");
        if self.link.socket().is_some() {
            self.push(Effect::Close(WorkerClose::SessionEnded));
        }
        self.forget_identity(now);
    }

    /// The studio removed this worker: everything that belongs to the old identity ends, and a new one asks at once.
    pub(crate) fn revoked(&mut self, now: Instant) {
        self.log(LogLevel::Warn, "the studio removed this worker; it registers again".to_owned(), None);
        self.forget_identity(now);
    }

    fn forget_identity(&mut self, now: Instant) {
        self.last_trouble = None;
        self.renegotiate = false;
        self.link = Link::Off;
        self.failures = 0;
        for job in self.jobs.take_all() {
            let end = JobEnd::Released("the studio removed this worker".to_owned());
            self.push(Effect::Stop(job.id.clone()));
            self.push(Effect::Ended { job: job.id.clone(), end });
            self.push(Effect::Forget(job.id));
        }
        for job in self.outbox.take_all() {
            self.log(
                LogLevel::Warn,
                "dropped the result: it belongs to the former registration".to_owned(),
                Some(&job),
            );
            self.push(Effect::Forget(job));
        }
        self.fails.clear();
        self.unsaid.clear();
        self.registering = Registering::default();
        self.save(Identity::Pristine { install_id: None });
        self.registration_due(now);
    }

    fn save(&mut self, identity: Identity) {
        self.identity = identity.clone();
        self.push(Effect::SaveIdentity(identity));
    }

    /// Tells the log what is wrong, once until it changes.
    pub(crate) fn trouble(&mut self, message: String) {
        if self.last_trouble.as_deref() != Some(&message) {
            self.log(LogLevel::Warn, message.clone(), None);
            self.last_trouble = Some(message);
        }
    }
}
