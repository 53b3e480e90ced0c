//! Carries out what the core wants.

use std::collections::BTreeMap;
use std::fs;
use std::sync::Arc;

use studio_protocol::{JobId, OfferClaim, TaskKind, WorkerFrame};
use worker_core::{
    Effect, EngineEvent, ExitReason, Identity, Input, Output, Secret, SocketEvent, SpoolEntry, SpoolOutcome,
    UploadOutcome,
};

use super::{Daemon, News, models};
use crate::config::EditError;
use crate::engines::EngineJob;
use crate::http::told;
use crate::logbatch::{self, Category};
use crate::registration;
use crate::session::Session;
use crate::spool::{Spool, file_stem};

/// What came of an effect.
pub(super) enum Performed {
    Nothing,
    /// For the core, before anything else happens.
    Answer(Input),
    Exit(ExitReason),
}

impl Daemon {
    pub(super) async fn perform(&mut self, effect: Effect) -> Performed {
        match effect {
            Effect::Send(frame) => return self.send(&frame),
            Effect::Run { claim, stream, preview } => self.run_job(*claim, stream, preview).await,
            Effect::Stop(job) if self.preparing.stop(&job) => {
                self.ended(&job);
                return Performed::Answer(Input::Engine(EngineEvent::Stopped { job }));
            }
            Effect::Stop(job) => self.engines.cancel(&job).await,
            Effect::LoadModel(command) => self.load_model(*command),
            Effect::UnloadModel(model) => self.unload_model(model),
            Effect::Spool(entry) => return self.write_result(entry),
            Effect::Forget(job) => self.forget(&job),
            Effect::Upload(entry) => self.upload(entry),
            Effect::CheckSpool => {
                return Performed::Answer(Input::SpoolChecked { writable: self.spool.is_writable() });
            }
            Effect::Connect { socket, worker_id, auth_token } => {
                let url = self.config.studio.connect_url(&worker_id);
                let session = Session::open(&self.tasks, socket, url, auth_token, self.news.clone());
                if let Some(old) = self.session.replace(session) {
                    old.cut();
                }
            }
            Effect::Close(reason) => {
                if let Some(session) = self.session.take() {
                    self.closing.retain(|tasks| !tasks.is_empty());
                    self.closing.push(session.close(reason));
                }
            }
            Effect::Register { install_id, secret, capabilities, join_code } => {
                let (http, studio) = (Arc::clone(&self.http), self.config.studio.clone());
                self.ask(async move {
                    let code = join_code.as_ref().map(Secret::reveal);
                    let ask = registration::ask(&http, &studio, &install_id, &secret, *capabilities, code);
                    Input::Registered(ask.await)
                });
            }
            Effect::Poll { request_id, secret } => {
                let (http, studio) = (Arc::clone(&self.http), self.config.studio.clone());
                self.ask(async move {
                    Input::Polled(registration::poll(&http, &studio, &request_id, &secret).await)
                });
            }
            Effect::FreeMemory { at_once } => self.engines.free_memory(at_once).await,
            Effect::LoadResidents => {
                self.engines.use_memory().await;
                self.load_residents();
            }
            Effect::SaveIdentity(identity) => {
                told_if_failed(self.file.save_identity(&identity));
                self.files.store.set_trusted(models::trusted(&self.config, &identity));
            }
            Effect::SavePaused(paused) => {
                self.save_pause(paused, None);
            }
            Effect::Log { level, message, job } => {
                if let Some(entry) = logbatch::log(Category::Worker, level, &message, job.as_ref()) {
                    return Performed::Answer(Input::Log(entry));
                }
            }
            Effect::Ended { job, end } => self.record(&job, end),
            Effect::Exit(reason) => return Performed::Exit(reason),
        }
        Performed::Nothing
    }

    fn send(&mut self, frame: &WorkerFrame) -> Performed {
        let Some(session) = &self.session else { return Performed::Nothing };
        if session.send(frame).is_ok() {
            return Performed::Nothing;
        }
        tracing::warn!("the studio does not read what it is sent: cutting the connection");
        let socket = session.number();
        if let Some(session) = self.session.take() {
            session.cut();
        }
        Performed::Answer(Input::Socket { socket, event: SocketEvent::Closed(None) })
    }

    /// Asks about the registration beside the daemon; the answer comes as news, and a former question has none.
    fn ask(&mut self, request: impl Future<Output = Input> + Send + 'static) {
        let (news, tasks) = (self.news.clone(), self.tasks.child());
        tasks.spawn(async move {
            let answer = request.await;
            let _ = news.send(News::Core(answer)).await;
        });
        if let Some(former) = self.asking.replace(tasks) {
            former.stop_hard();
        }
    }

    async fn run_job(&mut self, claim: OfferClaim, stream: bool, preview: bool) {
        self.ledger.begin(&claim);
        // The owner may look where the studio does not; what it did not ask for the core keeps from it.
        let preview = preview
            || self.board.is_watched() && matches!(claim.task.kind(), TaskKind::Image | TaskKind::Video);
        let job = EngineJob {
            out_dir: self.home.work().join(file_stem(&claim.job_id)),
            job_id: claim.job_id,
            attempt: claim.attempt,
            engine: claim.model_source.engine.clone(),
            model: claim.model,
            source: claim.model_source,
            vram_gb: claim.vram_gb_estimate,
            task: claim.task,
            inputs: BTreeMap::new(),
            stream,
            preview,
            traceparent: claim.traceparent,
        };
        let trace = job.traceparent.as_deref().and_then(|text| text.split('-').nth(1));
        tracing::debug!(job = %job.job_id, attempt = job.attempt, trace, model = job.model, "started");
        self.speeds.begin(&job.job_id, &job.model, &job.task);
        if job.source.files.is_empty() && job.task.inputs().is_empty() {
            return self.engines.run(job).await;
        }
        let tasks = self.tasks.child();
        self.preparing.begin(&job.job_id, tasks.clone());
        tasks.spawn(self.files.clone().prepare(job));
    }

    /// A frame's worth of JSON is written at once; a file is hashed and moved beside the daemon.
    fn write_result(&mut self, entry: Arc<SpoolEntry>) -> Performed {
        self.break_off_upload(&entry.job_id);
        self.fresh.insert(entry.job_id.clone());
        if matches!(entry.output, Output::Json(_)) {
            return Performed::Answer(spooled(&self.spool, &entry));
        }
        let (spool, news) = (self.spool.clone(), self.news.clone());
        self.tasks.spawn_blocking(move || {
            let _ = news.blocking_send(News::Core(spooled(&spool, &entry)));
        });
        Performed::Nothing
    }

    fn upload(&mut self, entry: Arc<SpoolEntry>) {
        self.break_off_upload(&entry.job_id);
        let Identity::Approved { auth_token, .. } = self.worker.identity() else { return };
        let token: Secret = auth_token.clone();
        let check = !self.fresh.contains(&entry.job_id);
        let (uploader, news) = (self.uploader.clone(), self.news.clone());
        let tasks = self.tasks.child();
        let job = entry.job_id.clone();
        tasks.spawn(async move {
            let outcome: UploadOutcome = uploader.upload(&entry, &token, check).await;
            let input = Input::Uploaded { job: entry.job_id.clone(), attempt: entry.attempt, outcome };
            let _ = news.send(News::Core(input)).await;
        });
        self.uploads.insert(job, tasks);
    }

    fn forget(&mut self, job: &JobId) {
        self.break_off_upload(job);
        self.fresh.remove(job);
        if let Err(error) = self.spool.remove(job) {
            tracing::warn!(%job, "could not delete its result: {error}");
        }
        let _ = fs::remove_dir_all(self.home.work().join(file_stem(job)));
    }

    fn break_off_upload(&mut self, job: &JobId) {
        if let Some(upload) = self.uploads.remove(job) {
            upload.stop_hard();
        }
    }
}

fn spooled(spool: &Spool, entry: &SpoolEntry) -> Input {
    let outcome = match spool.write(entry) {
        Ok(()) => SpoolOutcome::Written,
        Err(error) => SpoolOutcome::NotWritten(error.to_string()),
    };
    Input::Spooled { job: entry.job_id.clone(), outcome }
}

pub(super) fn told_if_failed(written: Result<(), EditError>) {
    if let Err(error) = written {
        tracing::error!("{}; the change is lost when the worker ends", told(&error));
    }
}
