//! Commands: which request each is, and what its answer changes.

use std::future::Future;
use std::sync::Arc;

use worker_local::{Client, ClientError, ConfigView, Models, Status, UpdateView};

use super::actor::{Actor, Fact, Refusal};
use super::fetch::told;
use crate::{Command, Fetched, Link, LogBuffer, Saving, Tone};

/// What a command is answered with.
#[derive(Debug)]
pub(super) enum Answer {
    Started,
    Status(Box<Status>),
    Models(Models),
    Config(ConfigView),
    Update(UpdateView),
}

impl From<Status> for Answer {
    fn from(status: Status) -> Self {
        Self::Status(Box::new(status))
    }
}

impl From<Models> for Answer {
    fn from(models: Models) -> Self {
        Self::Models(models)
    }
}

impl From<ConfigView> for Answer {
    fn from(config: ConfigView) -> Self {
        Self::Config(config)
    }
}

impl From<UpdateView> for Answer {
    fn from(update: UpdateView) -> Self {
        Self::Update(update)
    }
}

impl Actor {
    pub(super) fn command(&mut self, command: Command) {
        match command {
            Command::Look(page) => self.look(page),
            Command::Reconnect => self.nudge.notify_one(),
            Command::ShowJobs(filter) => self.show_jobs(filter),
            Command::MoreJobs => self.more_jobs(),
            Command::OpenJob(id) => self.open_job(id),
            Command::WantPictures(wanted) => self.want_pictures(wanted),
            Command::ClearLogs => {
                Arc::<LogBuffer>::make_mut(&mut self.view.logs).clear();
                self.touch();
            }
            Command::Refresh => self.show_page(),
            Command::StartDaemon => self.start(command),
            Command::Pause(ref ask) => {
                let ask = ask.clone();
                self.ask(command, |client| async move { client.pause(&ask).await });
            }
            Command::Resume => self.ask(command, |client| async move { client.resume().await }),
            Command::Release { ref id } => {
                let id = id.clone();
                self.ask(command, |client| async move { client.release(&id).await });
            }
            Command::AddModel(ref add) => {
                let add = add.clone();
                self.ask(command, |client| async move { client.add_model(&add).await });
            }
            Command::LoadModel { ref model, ref load } => {
                let (model, load) = (model.clone(), load.clone());
                self.ask(command, |client| async move { client.load_model(&model, &load).await });
            }
            Command::UnloadModel { ref model } => {
                let model = model.clone();
                self.ask(command, |client| async move { client.unload_model(&model).await });
            }
            Command::RemoveModel { ref model } => {
                let model = model.clone();
                self.ask(command, |client| async move { client.remove_model(&model).await });
            }
            Command::ChangeConfig(ref change) => {
                let change = change.clone();
                self.ask(command, |client| async move { client.change_config(&change).await });
            }
            Command::ResetRegistration => {
                self.ask(command, |client| async move { client.reset_registration().await });
            }
            Command::Join(ref ask) => {
                let ask = ask.clone();
                self.ask(command, |client| async move { client.join(&ask).await });
            }
            Command::CheckUpdate => self.ask(command, |client| async move { client.check_update().await }),
            Command::ApplyUpdate => self.ask(command, |client| async move { client.apply_update().await }),
            Command::Shutdown(ask) => {
                self.ask(command, move |client| async move { client.shutdown(&ask).await });
            }
        }
    }

    /// Sends a command to the daemon, unless the same is on its way.
    fn ask<T, F>(&mut self, command: Command, request: impl FnOnce(Client) -> F)
    where
        T: Into<Answer>,
        F: Future<Output = Result<T, ClientError>> + Send + 'static,
    {
        let Some(client) = self.client.clone() else {
            self.toast(Tone::Bad, "The worker is not running, so nothing was changed");
            return;
        };
        if !command.key().is_none_or(|key| self.begin(key)) {
            return;
        }
        let request = request(client);
        let facts = self.facts.clone();
        self.tasks.spawn(async move {
            let answer = request.await.map(Into::into).map_err(Refusal::Client);
            let _ = facts.send(Fact::Answer { command, answer }).await;
        });
    }

    fn start(&mut self, command: Command) {
        let Some(start) = self.start_daemon.clone() else {
            self.toast(Tone::Bad, "Start it with `studio-worker run`, or through your service manager");
            return;
        };
        if !command.key().is_none_or(|key| self.begin(key)) {
            return;
        }
        self.expect_start();
        let facts = self.facts.clone();
        self.tasks.spawn(async move {
            let answer = match tokio::task::spawn_blocking(move || start()).await {
                Ok(started) => started.map(|()| Answer::Started).map_err(Refusal::Words),
                Err(panic) => Err(Refusal::Words(format!("the start broke off: {panic}"))),
            };
            let _ = facts.send(Fact::Answer { command, answer }).await;
        });
    }

    pub(super) fn answer(&mut self, command: &Command, answer: Result<Answer, Refusal>) {
        if let Some(key) = command.key() {
            self.end(&key);
        }
        match answer {
            Ok(answer) => {
                self.take_answer(answer);
                if let Some(words) = done(command) {
                    self.toast(Tone::Good, words);
                }
            }
            Err(refusal) if matches!(command, Command::ChangeConfig(_)) => self.config_refused(refusal),
            Err(Refusal::Client(error)) => self.toast(Tone::Bad, told(&error)),
            Err(Refusal::Words(words)) => {
                self.toast(Tone::Bad, words.clone());
                if matches!(command, Command::StartDaemon) {
                    self.view.link = Link::Unreachable { words };
                }
            }
        }
    }

    fn take_answer(&mut self, answer: Answer) {
        match answer {
            Answer::Started => self.nudge.notify_one(),
            Answer::Status(status) => self.take_status(*status),
            Answer::Models(models) => self.view.models = Fetched::here(models),
            Answer::Config(config) => {
                self.view.config = Fetched::here(config);
                self.view.saving = Saving { saved: self.view.saving.saved + 1, ..Saving::default() };
            }
            Answer::Update(update) => {
                if let Some(status) = &mut self.view.status {
                    Arc::make_mut(status).update = update;
                }
            }
        }
        self.touch();
    }

    fn config_refused(&mut self, refusal: Refusal) {
        let (problems, trouble) = match refusal {
            Refusal::Client(ClientError::Refused(problem)) => (problem.problems, problem.detail),
            Refusal::Client(error) => (Vec::new(), told(&error)),
            Refusal::Words(words) => (Vec::new(), words),
        };
        self.view.saving.problems = Arc::new(problems);
        self.view.saving.trouble = Some(trouble);
        self.touch();
    }
}

/// What is told when a command is done and the page does not show it by itself.
fn done(command: &Command) -> Option<&'static str> {
    match command {
        Command::Release { .. } => Some("The job was given back"),
        Command::ChangeConfig(_) => Some("The settings are saved"),
        Command::RemoveModel { .. } => Some("The model's files are removed"),
        Command::ResetRegistration => Some("The registration is reset"),
        Command::Join(_) => Some("The worker registers with the code"),
        Command::Shutdown(_) => Some("The worker is ending"),
        Command::Look(_)
        | Command::Reconnect
        | Command::StartDaemon
        | Command::Pause(_)
        | Command::Resume
        | Command::ShowJobs(_)
        | Command::MoreJobs
        | Command::OpenJob(_)
        | Command::WantPictures(_)
        | Command::ClearLogs
        | Command::AddModel(_)
        | Command::LoadModel { .. }
        | Command::UnloadModel { .. }
        | Command::Refresh
        | Command::CheckUpdate
        | Command::ApplyUpdate => None,
    }
}
