//! `studio-worker ui`: owns the daemon and the window of a folder, and ends with both.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use studio_runtime::Tasks;

use super::shown::{self, Heard, Shown};
use super::watched::{self, Is, Watched};
use super::words::{News, Wish};
use crate::{Exit, Home};

/// What the children of an owner are started with.
#[derive(Debug)]
pub(crate) struct Children {
    /// This program.
    pub(crate) program: PathBuf,
    /// Of the daemon.
    pub(crate) daemon: Vec<OsString>,
    /// Of the window.
    pub(crate) window: Vec<OsString>,
}

/// Both children and what ends them.
#[derive(Debug)]
pub(crate) struct Supervisor {
    daemon: Watched,
    window: Shown,
    signals: Tasks,
}

impl Supervisor {
    /// Attaches to the daemon of `home`, or starts one; the steps of `signals` end it.
    pub(crate) fn new(home: &Home, children: Children, signals: Tasks) -> Self {
        let Children { program, daemon, window } = children;
        let lock: &Path = &home.lock();
        Self {
            daemon: Watched::new(watched::Recipe {
                program: program.clone(),
                args: daemon,
                lock: lock.to_owned(),
            }),
            window: Shown::new(shown::Recipe { program, args: window }),
            signals,
        }
    }

    /// Runs until a signal, the user, or a daemon that nobody can be shown ends it.
    pub(crate) async fn run(mut self) -> Exit {
        let (asked, insisted) = (self.signals.soft().clone(), self.signals.hard().clone());
        loop {
            // Without a window there is nobody to ask: whoever started this one sees the code.
            if let Is::Ended(exit) = self.daemon.is()
                && !self.window.is_open()
            {
                return exit;
            }
            tokio::select! {
                biased;
                () = asked.cancelled() => break,
                () = self.daemon.changed() => self.tell().await,
                heard = self.window.heard() => match heard {
                    Heard::Quit => break,
                    Heard::Wish(Wish::Start) => {
                        self.daemon.start();
                        self.tell().await;
                    }
                    Heard::Opened => self.tell().await,
                    Heard::Nothing => {}
                },
            }
        }
        self.window.tell(News::Ends).await;
        let exit = self.daemon.finish(&insisted).await;
        self.window.close().await;
        exit
    }

    async fn tell(&mut self) {
        let news = match self.daemon.is() {
            Is::Own => News::RunsOwn,
            Is::Foreign => News::Runs,
            Is::Resting => News::Rests,
            Is::Ended(exit) => News::Ended(exit),
        };
        self.window.tell(news).await;
    }
}
