//! Checks what a worker needs, one finding for each thing, with what to do about it.

mod engines;
mod local;
mod studio;

use serde::Serialize;

use crate::config::ConfigFile;
use crate::home::Home;

/// How good it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Verdict {
    /// As it should be.
    Ok,
    /// Works, and somebody should know.
    Warn,
    /// Does not work.
    Error,
}

impl Verdict {
    /// The word.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Warn => "warn",
            Self::Error => "error",
        }
    }
}

/// One thing that was looked at.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// How good it is.
    pub verdict: Verdict,
    /// What was looked at.
    pub about: &'static str,
    /// What was found, and what to do.
    pub what: String,
}

impl Finding {
    fn ok(about: &'static str, what: impl Into<String>) -> Self {
        Self { verdict: Verdict::Ok, about, what: what.into() }
    }

    fn warn(about: &'static str, what: impl Into<String>) -> Self {
        Self { verdict: Verdict::Warn, about, what: what.into() }
    }

    fn error(about: &'static str, what: impl Into<String>) -> Self {
        Self { verdict: Verdict::Error, about, what: what.into() }
    }
}

/// Looks at everything; changes nothing but a missing config, which is created.
pub async fn examine(home: &Home) -> Vec<Finding> {
    let mut findings = Vec::new();
    let config = match ConfigFile::new(home.config()).load_or_create() {
        Ok(config) => config,
        Err(error) => {
            findings.push(Finding::error(
                "config",
                format!("{}; correct it, or move it away to start over", crate::http::told(&error)),
            ));
            findings.push(local::lock(home));
            return findings;
        }
    };
    findings.extend(local::config(home, &config));
    findings.push(local::lock(home));
    findings.push(local::registration(&config));
    findings.push(local::spool(home));
    findings.push(local::disk(home));
    findings.push(local::models(home, &config));
    findings.extend(studio::reachable(&config).await);
    findings.extend(engines::engines(&config).await);
    findings.push(engines::memory(&config));
    findings
}
