//! Several settings at once for a form: what they are, and a change that is made as a whole or not at all.

use std::collections::BTreeMap;

use serde_json::Value as Json;
use toml_edit::{Array, Value};
use worker_local::{ConfigProblem, ConfigView, Setting};

use super::about::{self, About};
use super::file::put;
use super::{Config, ConfigError, ConfigFile, EditError, Key, shown};
use crate::Home;

/// Why a change was refused; nothing was written.
#[derive(Debug, thiserror::Error)]
pub enum ChangeError {
    /// What is wrong, by key.
    #[error("{}", listed(.0))]
    Refused(Vec<ConfigProblem>),
    /// The file cannot be read or written.
    #[error(transparent)]
    File(EditError),
}

fn listed(problems: &[ConfigProblem]) -> String {
    problems.iter().map(|p| format!("{}: {}", p.key, p.problem)).collect::<Vec<_>>().join("; ")
}

impl ConfigFile {
    /// Every setting with its value; `used` is what a running daemon goes by.
    pub fn view(&self, home: &Home, used: Option<&Config>) -> Result<ConfigView, ConfigError> {
        let config = self.load()?;
        let set = self.keys_set()?;
        let setting = |about: About| {
            let key = about.key;
            let overridden_by = key.overridden_by();
            let is_set = overridden_by.is_some() || set.contains(&key);
            Setting {
                key: key.as_str().to_owned(),
                section: about.section.to_owned(),
                label: about.label.to_owned(),
                help: about.help.to_owned(),
                kind: about.kind.told(),
                value: is_set.then(|| shown(&config, home, key)),
                default: Some(about.default.told()),
                overridden_by,
                live: key.is_live(),
            }
        };
        let restart_needed = used.map(|used| waiting_for_restart(used, &config, home)).unwrap_or_default();
        Ok(ConfigView {
            path: self.path().display().to_string(),
            settings: about::all().into_iter().map(setting).collect(),
            restart_needed,
        })
    }

    /// Writes all of `changes` or tells everything that is wrong with them; null unsets.
    ///
    /// What the environment of this process overrides is refused: the change would have no effect.
    pub fn change(&self, changes: &BTreeMap<String, Json>) -> Result<(), ChangeError> {
        let overridden = |name: &String| {
            let variable = name.parse::<Key>().ok()?.overridden_by()?;
            let problem = format!(
                "the variable {variable} of the worker's environment wins over the file: unset it and restart the worker"
            );
            Some(ConfigProblem { key: name.clone(), problem })
        };
        self.change_unless(changes, changes.keys().filter_map(overridden).collect())
    }

    /// The same, whatever this process's environment says.
    pub fn change_file(&self, changes: &BTreeMap<String, Json>) -> Result<(), ChangeError> {
        self.change_unless(changes, Vec::new())
    }

    fn change_unless(
        &self,
        changes: &BTreeMap<String, Json>,
        mut problems: Vec<ConfigProblem>,
    ) -> Result<(), ChangeError> {
        let mut values = Vec::new();
        for (name, json) in changes {
            match value_of(name, json) {
                Ok(pair) => values.push(pair),
                Err(problem) => problems.push(ConfigProblem { key: name.clone(), problem }),
            }
        }
        let changed = self.edit_if(|document| {
            for (key, value) in values {
                put(document, key, value);
            }
            problems.is_empty()
        });
        match changed {
            Ok(()) if problems.is_empty() => Ok(()),
            Ok(()) => Err(ChangeError::Refused(problems)),
            Err(EditError::Config(ConfigError::Values { problems: more, .. })) => {
                problems.extend(more.into_iter().map(|p| ConfigProblem { key: p.key, problem: p.what }));
                problems.sort_by(|one, other| one.key.cmp(&other.key));
                Err(ChangeError::Refused(problems))
            }
            Err(error) => Err(ChangeError::File(error)),
        }
    }
}

impl Key {
    /// The variable of the environment that wins over the file at this moment.
    pub fn overridden_by(self) -> Option<String> {
        let variable = self.variable();
        (!self.is_registration() && std::env::var_os(&variable).is_some()).then_some(variable)
    }
}

/// What differs between two configs and is not taken up by a running daemon.
pub fn waiting_for_restart(used: &Config, file: &Config, home: &Home) -> Vec<String> {
    let differs = |key: &Key| {
        !key.is_live() && !key.is_registration() && shown(used, home, *key) != shown(file, home, *key)
    };
    Key::ALL.into_iter().filter(differs).map(|key| key.as_str().to_owned()).collect()
}

/// The key, and what is to be written; the file's own check says whether it is right.
fn value_of(name: &str, json: &Json) -> Result<(Key, Option<Value>), String> {
    let key: Key = name.parse().map_err(|_| "is not a setting of this version".to_owned())?;
    if key.is_registration() {
        return Err("belongs to the registration: reset it, or join with a code".to_owned());
    }
    if json.is_null() {
        return Ok((key, None));
    }
    toml(json).map(|value| (key, Some(value))).ok_or_else(|| format!("`{json}` is not a value of a setting"))
}

fn toml(json: &Json) -> Option<Value> {
    match json {
        Json::Bool(flag) => Some((*flag).into()),
        Json::Number(number) => match number.as_i64() {
            Some(whole) => Some(whole.into()),
            // Forms often know one kind of number only.
            None => number.as_f64().map(|float| match float as i64 {
                whole if whole as f64 == float && number.is_f64() => whole.into(),
                _ => float.into(),
            }),
        },
        Json::String(text) => Some(text.as_str().into()),
        Json::Array(items) => items.iter().map(toml).collect::<Option<Array>>().map(Value::Array),
        Json::Null | Json::Object(_) => None,
    }
}

#[cfg(test)]
mod tests;
