//! `studio-worker window`: the process that draws; `ui` starts it and speaks to it over its standard input.

#[cfg(feature = "window")]
mod missing;
#[cfg(feature = "window")]
mod open;

use std::ffi::OsString;
use std::process::ExitCode;

use clap::{Args, ValueEnum};
use studio_runtime::LogFormat;

use crate::Home;
#[cfg(not(feature = "window"))]
use crate::lifetime::WindowExit;

/// Whether a window is dark.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Theme {
    Dark,
    Light,
}

/// How a window looks at first.
#[derive(Debug, Args)]
pub(super) struct Look {
    /// The page that it shows first, from 1
    #[arg(long, hide = true, value_name = "NUMBER")]
    page: Option<usize>,
    /// Dark or light whatever the system says; a desktop without a setting says nothing
    #[arg(long, hide = true, value_name = "THEME")]
    theme: Option<Theme>,
}

impl Look {
    /// For the process that opens the window.
    pub(super) fn args(&self) -> Vec<OsString> {
        let theme = self.theme.map(|theme| match theme {
            Theme::Dark => "dark",
            Theme::Light => "light",
        });
        let page = self.page.iter().flat_map(|page| ["--page".into(), page.to_string().into()]);
        page.chain(theme.iter().flat_map(|theme| ["--theme".into(), theme.into()])).collect()
    }
}

#[derive(Debug, Args)]
pub(super) struct Window {
    /// How the log on stderr is written
    #[arg(long, value_name = "FORMAT", default_value = "text", env = "STUDIO_WORKER_LOG_FORMAT")]
    log_format: LogFormat,
    #[command(flatten)]
    look: Look,
}

impl Window {
    #[cfg(feature = "window")]
    pub(super) fn execute(&self, home: &Home) -> ExitCode {
        self.open(home).map_or(ExitCode::FAILURE, |exit| (exit as u8).into())
    }

    #[cfg(not(feature = "window"))]
    pub(super) fn execute(&self, home: &Home) -> ExitCode {
        tracing::debug!("no window for `{}` with {self:?}", home.dir().display());
        (WindowExit::NotBuilt as u8).into()
    }
}
