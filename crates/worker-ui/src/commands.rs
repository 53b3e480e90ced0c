//! What the window asks of the controller.

use tokio::sync::mpsc;
use worker_local::{AddModel, ConfigChange, JobFilter, JoinAsk, LoadModel, PauseAsk, ShutdownAsk};

use crate::{Page, PictureKey};

/// Far more than a person clicks while the controller is busy; beyond that clicks are lost, not kept.
const CAPACITY: usize = 64;

/// One thing that the window asks for.
#[derive(Debug, Clone, PartialEq)]
pub enum Command {
    /// This page is shown: what only it needs is fetched from now on. `None`: the window is hidden.
    Look(Option<Page>),
    /// Looks for the daemon at once instead of at the next try.
    Reconnect,
    /// Starts a daemon, where whoever opened the window can.
    StartDaemon,
    /// Takes no more jobs.
    Pause(PauseAsk),
    /// Takes jobs again.
    Resume,
    /// Gives a running job back.
    Release {
        /// Which.
        id: String,
    },
    /// Lists the jobs of a filter from its beginning.
    ShowJobs(JobFilter),
    /// Lists older ones too.
    MoreJobs,
    /// Reads the log of a job; `None` closes it.
    OpenJob(Option<String>),
    /// These pictures are on the screen, with the number of the look at each (0 for a thumbnail).
    WantPictures(Vec<(PictureKey, u64)>),
    /// Forgets the log lines read so far.
    ClearLogs,
    /// Fetches a model.
    AddModel(AddModel),
    /// Brings a model into memory.
    LoadModel {
        /// Which.
        model: String,
        /// How.
        load: LoadModel,
    },
    /// Gives a model's memory back.
    UnloadModel {
        /// Which.
        model: String,
    },
    /// Deletes a model's files, or breaks its download off.
    RemoveModel {
        /// Which.
        model: String,
    },
    /// Reads the models or the config anew.
    Refresh,
    /// Changes settings.
    ChangeConfig(ConfigChange),
    /// Forgets who this worker is.
    ResetRegistration,
    /// Registers with a code.
    Join(JoinAsk),
    /// Looks for a newer version.
    CheckUpdate,
    /// Installs it.
    ApplyUpdate,
    /// Ends the daemon.
    Shutdown(ShutdownAsk),
}

impl Command {
    /// The same for commands that should not run side by side; `None` for those that change nothing.
    pub fn key(&self) -> Option<String> {
        match self {
            Self::Look(_)
            | Self::Reconnect
            | Self::ShowJobs(_)
            | Self::MoreJobs
            | Self::OpenJob(_)
            | Self::WantPictures(_)
            | Self::ClearLogs
            | Self::Refresh => None,
            Self::StartDaemon => Some("start".to_owned()),
            Self::Pause(_) | Self::Resume => Some("pause".to_owned()),
            Self::Release { id } => Some(format!("release {id}")),
            Self::AddModel(_) => Some("add".to_owned()),
            Self::LoadModel { model, .. } | Self::UnloadModel { model } | Self::RemoveModel { model } => {
                Some(format!("model {model}"))
            }
            Self::ChangeConfig(_) => Some("config".to_owned()),
            Self::ResetRegistration | Self::Join(_) => Some("registration".to_owned()),
            Self::CheckUpdate | Self::ApplyUpdate => Some("update".to_owned()),
            Self::Shutdown(_) => Some("shutdown".to_owned()),
        }
    }
}

/// Sends commands to the controller without ever waiting.
#[derive(Debug, Clone)]
pub struct Commands {
    sender: mpsc::Sender<Command>,
}

impl Commands {
    /// Both ends; the controller, or a test, holds the other.
    pub fn channel() -> (Self, mpsc::Receiver<Command>) {
        let (sender, receiver) = mpsc::channel(CAPACITY);
        (Self { sender }, receiver)
    }

    /// Sends one; `false` when the controller is too busy or has ended.
    pub fn send(&self, command: Command) -> bool {
        self.sender.try_send(command).is_ok()
    }
}
