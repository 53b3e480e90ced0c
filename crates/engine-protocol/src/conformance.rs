//! Checks that a program is an engine, whatever it is written in.
//!
//! Every rule of the protocol that can be seen from outside is tried on real processes of the program: what it says,
//! what it leaves on disk, and how it ends.

mod peer;
mod rules;

use std::fmt;
use std::process::Command as Program;
use std::time::Duration;

use studio_protocol::{CliDefaults, ModelSource, Task};

/// What an engine is checked with.
#[derive(Debug, Clone)]
pub struct Settings {
    /// A model that it serves.
    pub model: String,
    /// Where the model comes from.
    pub source: ModelSource,
    /// The folder of the model's files.
    pub model_dir: Option<String>,
    /// One small task for each kind that the engine may serve; kinds without one are skipped.
    pub tasks: Vec<Task>,
    /// A task that takes more than 5 s, to be cancelled and cut off; without one those rules are skipped.
    pub slow: Option<Task>,
    /// Whether the same task must give the same bytes.
    pub deterministic: bool,
    /// For every answer; make it longer for real models.
    pub limit: Duration,
}

impl Settings {
    /// For `model` of `engine`, without files, with small tasks for pictures, chats and speech.
    pub fn new(engine: &str, model: &str) -> Self {
        let tasks = [
            r#"{"kind":"image","prompt":"a fox in snow","width":96,"height":64,"steps":2,"seed":7,"ext":"webp"}"#,
            r#"{"kind":"llm","messages":[{"role":"user","content":"Say something short."}],"maxTokens":16}"#,
            r#"{"kind":"audio_tts","text":"one two three"}"#,
        ];
        let defaults =
            CliDefaults { cfg_scale: 1.0, steps: 2, width: 96, height: 64, more: serde_json::Map::default() };
        Self {
            model: model.to_owned(),
            source: ModelSource { engine: engine.to_owned(), files: Vec::new(), cli_defaults: defaults },
            model_dir: None,
            tasks: tasks.map(|task| serde_json::from_str(task).expect("a task of this crate")).to_vec(),
            slow: None,
            deterministic: false,
            limit: Duration::from_secs(30),
        }
    }
}

/// What became of one rule.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// Kept.
    Kept,
    /// Broken, and how.
    Broken(String),
    /// Not tried, and why.
    Skipped(String),
}

/// Every rule with its outcome.
#[derive(Debug, Clone, Default)]
pub struct Report {
    /// In the order of the trials.
    pub rules: Vec<(String, Outcome)>,
}

impl Report {
    /// Whether no rule was broken.
    pub fn conforms(&self) -> bool {
        !self.rules.iter().any(|(_, outcome)| matches!(outcome, Outcome::Broken(_)))
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (rule, outcome) in &self.rules {
            match outcome {
                Outcome::Kept => writeln!(f, "ok    {rule}")?,
                Outcome::Broken(how) => writeln!(f, "ERROR {rule}: {how}")?,
                Outcome::Skipped(why) => writeln!(f, "skip  {rule}: {why}")?,
            }
        }
        Ok(())
    }
}

/// Tries every rule on processes that `program` describes anew each time.
pub fn check(program: impl Fn() -> Program, settings: &Settings) -> Report {
    rules::all(&program, settings)
}
