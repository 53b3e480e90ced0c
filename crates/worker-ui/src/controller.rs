//! Follows the daemon on a thread of its own: status and logs by long polling, everything else when it is asked for.
//!
//! Knows nothing of egui, so that tests drive it directly. One task, the actor, owns the view and changes it; requests run
//! as tasks beside it and tell it their answers. What changed is published as a new [`View`], after which the window is
//! woken.

mod actor;
mod asks;
mod fetch;
mod history;
mod link;
mod pictures;

use std::path::PathBuf;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

use jiff::tz::TimeZone;
use studio_runtime::Tasks;
use tokio::sync::watch;

use crate::{Commands, View, WindowHandle};
use actor::Actor;

/// A request that runs when the window ends has nobody left to tell; a daemon that starts takes longer and needs nobody.
const END_LIMIT: Duration = Duration::from_millis(500);

/// Starts a daemon and returns once it is on its way; may block.
pub type StartDaemon = Arc<dyn Fn() -> Result<(), String> + Send + Sync>;
/// Sees every view on the controller's thread; must not block.
pub type OnView = Box<dyn FnMut(&View) + Send>;

/// What the controller needs.
pub struct ControllerOptions {
    /// The config folder, where the daemon writes how it is reached.
    pub folder: PathBuf,
    /// Woken with every view, and shown when a second start asks for it.
    pub window: WindowHandle,
    /// Starts a daemon, where there is somebody who can.
    pub start_daemon: Option<StartDaemon>,
    /// For the tray and notifications.
    pub on_view: Option<OnView>,
    /// Of the times that people read.
    pub zone: TimeZone,
    /// The daemon's version must be the same.
    pub version: String,
}

impl ControllerOptions {
    /// For the daemon of `folder`, in this machine's time zone.
    pub fn new(folder: PathBuf, window: WindowHandle) -> Self {
        Self {
            folder,
            window,
            start_daemon: None,
            on_view: None,
            zone: TimeZone::system(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
        }
    }
}

/// The thread that follows the daemon; ends when this is dropped.
#[derive(Debug)]
pub struct Controller {
    commands: Commands,
    views: watch::Receiver<Arc<View>>,
    tasks: Tasks,
    thread: Option<JoinHandle<()>>,
}

impl Controller {
    /// Begins to look for the daemon.
    pub fn start(options: ControllerOptions) -> std::io::Result<Self> {
        studio_runtime::install_crypto();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let tasks = Tasks::new();
        let (commands, asked) = Commands::channel();
        let (publish, views) = watch::channel(Arc::new(View::default()));
        let owner = tasks.clone();
        let thread = std::thread::Builder::new().name("controller".to_owned()).spawn(move || {
            runtime.block_on(async {
                let stop = owner.soft().clone();
                let actor = Actor::new(options, publish, owner.clone());
                tokio::select! {
                    biased;
                    () = stop.cancelled() => {}
                    () = actor.run(asked) => {}
                }
                owner.stop_hard();
            });
            runtime.shutdown_timeout(END_LIMIT);
        })?;
        Ok(Self { commands, views, tasks, thread: Some(thread) })
    }

    /// Where commands go.
    pub fn commands(&self) -> &Commands {
        &self.commands
    }

    /// The newest view.
    pub fn view(&self) -> Arc<View> {
        Arc::clone(&self.views.borrow())
    }

    /// Every newest view, for those who wait for one.
    pub fn views(&self) -> watch::Receiver<Arc<View>> {
        self.views.clone()
    }
}

impl Drop for Controller {
    fn drop(&mut self) {
        self.tasks.stop_softly();
        if let Some(thread) = self.thread.take() {
            // It panicked, which the panic hook has told already.
            let _ = thread.join();
        }
    }
}
