//! What is wrong with a config, all of it at once.

use std::fmt;
use std::io;
use std::path::PathBuf;

/// One thing that is wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// In the file, from 1; absent for an environment variable or a missing key.
    pub line: Option<usize>,
    /// The key or the variable.
    pub key: String,
    /// What is wrong, and what would be right.
    pub what: String,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.line {
            Some(line) => write!(f, "line {line}: {}: {}", self.key, self.what),
            None => write!(f, "{}: {}", self.key, self.what),
        }
    }
}

/// Why a config cannot be used; the file is left as it is.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// It cannot be read or created.
    #[error("could not {act} `{}`", path.display())]
    File {
        /// `read` or `create`.
        act: &'static str,
        /// Which.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// It is not TOML.
    #[error("`{}` is not valid TOML: {what}", path.display())]
    Syntax {
        /// Which.
        path: PathBuf,
        /// Line, column and what was expected.
        what: String,
    },
    /// Values are wrong.
    #[error("`{}` has {}:\n{}", path.display(), counted(problems), listed(problems))]
    Values {
        /// Which.
        path: PathBuf,
        /// All of them.
        problems: Vec<Problem>,
    },
}

fn counted(problems: &[Problem]) -> String {
    if problems.len() == 1 { "a problem".to_owned() } else { format!("{} problems", problems.len()) }
}

fn listed(problems: &[Problem]) -> String {
    problems.iter().map(|problem| format!("  {problem}")).collect::<Vec<_>>().join("\n")
}
