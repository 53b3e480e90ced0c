//! `studio-worker ui`: a window for the worker of this folder, and the worker itself where none runs.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use anyhow::Context;
use clap::Args;
use studio_runtime::{LogFile, LogFormat, Shutdown, Tasks, init_telemetry};
use worker_local::{Client, Discovery};

use super::output;
use crate::config::ConfigFile;
use crate::lifetime::{Children, Supervisor};
use crate::lock::{self, Holder, Lock, LockError, LockState};
use crate::{Exit, Home};

/// Shown unless `RUST_LOG` says otherwise.
const DEFAULT_FILTER: &str = "info";

#[derive(Debug, Args)]
pub(super) struct Ui {
    /// How the logs on stderr are written: `text` for people, `json` for collectors
    #[arg(long, value_name = "FORMAT", default_value = "text", env = "STUDIO_WORKER_LOG_FORMAT")]
    log_format: LogFormat,
    #[command(flatten)]
    look: super::window::Look,
}

impl Ui {
    /// `config` is as it was given: children find everything else by it, as this process did.
    pub(super) fn execute(&self, home: &Home, config: Option<&Path>) -> anyhow::Result<Exit> {
        let me = Holder::this_process();
        let _lock = match Lock::take(&home.window_lock(), &me) {
            Ok(lock) => lock,
            Err(LockError::Held { holder, .. }) => return Ok(second(home, holder.as_ref())),
            Err(error) => return Err(error.into()),
        };
        let _telemetry = init_telemetry(DEFAULT_FILTER, self.log_format, Some(log_file(home)))?;
        let children = Children {
            program: std::env::current_exe().context("could not find this program's own file")?,
            daemon: self.child(config, &["run", "--end-with-parent"]),
            window: [self.child(config, &["window"]), self.look.args()].concat(),
        };
        // Children are told of the end of the thread that started them: this one lasts as long as the process.
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .context("could not start the runtime")?;
        let exit = runtime.block_on(async {
            let signals = Tasks::new();
            let _signals = Shutdown::install(&signals)?;
            anyhow::Ok(Supervisor::new(home, children, signals).run().await)
        })?;
        runtime.shutdown_background();
        Ok(exit)
    }

    fn child(&self, config: Option<&Path>, words: &[&str]) -> Vec<OsString> {
        let mut args: Vec<OsString> = words.iter().map(OsString::from).collect();
        args.extend(["--log-format".into(), self.log_format.to_string().into()]);
        if let Some(config) = config {
            args.extend(["--config".into(), config.into()]);
        }
        args
    }
}

/// Beside the daemon's: a window that was started from a menu has no stderr that anybody sees.
pub(super) fn log_file(home: &Home) -> LogFile {
    let told = ConfigFile::new(home.config()).load().ok().and_then(|config| config.log_dir);
    let folder: PathBuf = told.unwrap_or_else(|| home.logs());
    LogFile { folder, name: "window".to_owned() }
}

/// Another one has this folder: its window comes to the front where it shows one, and this process ends without harm.
fn second(home: &Home, holder: Option<&Holder>) -> Exit {
    let dir = home.dir().display();
    let who = holder.map_or_else(String::new, |Holder { pid, command, started_at }| {
        format!(
            ": pid {pid}, since {started_at}, started as `{command}`; stop it with `kill {pid}`, or give this one \
             a folder of its own with --config"
        )
    });
    output::note(format!("`studio-worker ui` runs for `{dir}` already{who}"));
    if matches!(lock::look(&home.shown_lock()), Ok(LockState::Free)) {
        output::note(
            "it shows no window yet: no display answers where it was started, or its log says what else is missing. \
             Its worker runs all the same; to have the window on this display, stop it and start it here",
        );
        return Exit::Clean;
    }
    match raise(home) {
        Ok(()) => output::note("it was asked to come to the front"),
        Err(error) => output::note(format!("it could not be asked to come to the front: {error:#}")),
    }
    Exit::Clean
}

fn raise(home: &Home) -> anyhow::Result<()> {
    let found = Discovery::read(home.dir())?.context("its worker is not ready yet")?;
    studio_runtime::install_crypto();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async { Client::new(found)?.raise().await })?;
    Ok(())
}
