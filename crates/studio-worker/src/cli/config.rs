//! `studio-worker config`: shows and changes settings.

use std::collections::BTreeMap;

use anyhow::bail;
use clap::{Args, Subcommand};
use serde_json::{Value as Json, json};
use toml_edit::Value;
use worker_local::{ConfigChange, ConfigView, Setting};

use super::{daemon, output};
use crate::config::{ChangeError, ConfigFile, Key, shown};
use crate::{Exit, Home};

#[derive(Debug, Args)]
pub(super) struct Config {
    #[command(subcommand)]
    command: Option<Command>,
    /// For scripts
    #[arg(long, global = true)]
    json: bool,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Print one setting's value
    Get {
        /// Its name
        key: String,
    },
    /// Change one setting
    Set {
        /// Its name
        key: String,
        /// Its value; names with commas between them for a list
        value: String,
    },
    /// Let one setting be what it is by itself
    Unset {
        /// Its name
        key: String,
    },
    /// Every setting with what it means
    List,
    /// Print where the config file is
    Path,
}

impl Config {
    pub(super) fn execute(&self, home: &Home) -> anyhow::Result<Exit> {
        match &self.command {
            None => show(home, self.json),
            Some(Command::Path) => {
                output::line(home.config().display().to_string());
                Ok(Exit::Clean)
            }
            Some(Command::Get { key }) => get(home, key, self.json),
            Some(Command::List) => list(home, self.json),
            Some(Command::Set { key, value }) => {
                let parsed: Key = key.parse()?;
                let json = if parsed.is_list() { list_of(value) } else { value_of(value) };
                change(home, key, json, value)
            }
            Some(Command::Unset { key }) => change(home, key, Json::Null, "(unset)"),
        }
    }
}

fn show(home: &Home, json: bool) -> anyhow::Result<Exit> {
    let config = ConfigFile::new(home.config()).load_or_create()?;
    let shown: Vec<(&str, Json)> =
        Key::ALL.into_iter().map(|key| (key.as_str(), shown(&config, home, key))).collect();
    if json {
        output::json(&shown.into_iter().collect::<BTreeMap<_, _>>())?;
        return Ok(Exit::Clean);
    }
    output::line(format!("# {}", home.config().display()));
    for (key, value) in shown {
        let variable = key.parse::<Key>().map(Key::variable).unwrap_or_default();
        let from = if std::env::var_os(&variable).is_some() {
            format!("  # from {variable}")
        } else {
            String::new()
        };
        if value.is_null() {
            output::line(format!("# {key} is not set{from}"));
        } else {
            output::line(format!("{key} = {value}{from}"));
        }
    }
    for key in &config.unknown_keys {
        output::note(format!("warning: `{key}` is not a setting of this version; it is kept"));
    }
    Ok(Exit::Clean)
}

/// As a shell wants it: a text without quotes, nothing for what is not set.
fn get(home: &Home, name: &str, json: bool) -> anyhow::Result<Exit> {
    let key: Key = name.parse()?;
    let config = ConfigFile::new(home.config()).load_or_create()?;
    let value = shown(&config, home, key);
    match value {
        value if json => output::json(&value)?,
        Json::Null => output::line(""),
        Json::String(text) => output::line(text),
        Json::Array(items) => {
            let names =
                items.iter().map(|item| item.as_str().map_or_else(|| item.to_string(), str::to_owned));
            output::line(names.collect::<Vec<_>>().join(","));
        }
        value => output::line(value.to_string()),
    }
    Ok(Exit::Clean)
}

fn list(home: &Home, json: bool) -> anyhow::Result<Exit> {
    let view = match daemon::find(home) {
        Ok(Some(daemon)) => daemon.ask(async |client| client.config().await)?,
        Ok(None) => from_file(home)?,
        Err(error) => {
            output::note(format!("note: {error:#}"));
            from_file(home)?
        }
    };
    if json {
        output::json(&view)?;
        return Ok(Exit::Clean);
    }
    let mut section = "";
    for setting in &view.settings {
        if setting.section != section {
            section = &setting.section;
            output::line(format!("{}{section}", if section == view.settings[0].section { "" } else { "\n" }));
        }
        tell(setting);
    }
    if !view.restart_needed.is_empty() {
        output::note(format!("in use after a restart of the worker: {}", view.restart_needed.join(", ")));
    }
    Ok(Exit::Clean)
}

fn from_file(home: &Home) -> anyhow::Result<ConfigView> {
    let file = ConfigFile::new(home.config());
    file.load_or_create()?;
    Ok(file.view(home, None)?)
}

fn tell(setting: &Setting) {
    let value = match (&setting.value, &setting.default) {
        (Some(value), _) => value.to_string(),
        (None, Some(Json::String(words))) => format!("unset: {words}"),
        (None, Some(default)) => format!("unset: {default}"),
        (None, None) => "unset".to_owned(),
    };
    let from = setting.overridden_by.as_ref().map(|variable| format!("  (from {variable})"));
    output::line(format!("  {} = {}{}", setting.key, value, from.unwrap_or_default()));
    output::line(format!("      {}{}", setting.help, kind(setting)));
}

fn kind(setting: &Setting) -> String {
    use worker_local::SettingKind;
    match &setting.kind {
        SettingKind::Integer { min, max } => format!(" {min} to {max}."),
        SettingKind::Float { min, max, unit } => format!(" {min} to {max} {unit}."),
        SettingKind::Choice { words } => format!(" One of {}.", words.join(", ")),
        SettingKind::Flag | SettingKind::Text | SettingKind::Path | SettingKind::List => String::new(),
    }
}

/// Changes one setting: through the daemon where one runs, so that it is in use at once.
pub(super) fn change(home: &Home, name: &str, value: Json, told: &str) -> anyhow::Result<Exit> {
    let key: Key = name.parse()?;
    if key.is_registration() {
        bail!("`{name}` belongs to the registration: use `studio-worker register` or `join`");
    }
    let changes = BTreeMap::from([(name.to_owned(), value)]);
    match daemon::find(home) {
        Ok(Some(daemon)) if key.overridden_by().is_none() => {
            let view = daemon.ask(async |client| client.change_config(&ConfigChange { changes }).await)?;
            output::line(format!("{name} = {told}"));
            output::note(if view.restart_needed.iter().any(|waiting| waiting == name) {
                "the running worker takes it up when it is restarted"
            } else {
                "the running worker goes by it now"
            });
            return Ok(Exit::Clean);
        }
        Ok(_) => write(home, name, &changes)?,
        Err(error) => {
            write(home, name, &changes)?;
            output::note(format!("note: {error:#}"));
            output::note("a running worker takes changes of the file up within seconds, where it can");
        }
    }
    output::line(format!("{name} = {told}"));
    if let Some(variable) = key.overridden_by() {
        output::note(format!("{variable} is set and wins over the file"));
    }
    Ok(Exit::Clean)
}

/// A variable of this command's environment is not the daemon's: it does not stand against the file.
fn write(home: &Home, name: &str, changes: &BTreeMap<String, Json>) -> anyhow::Result<()> {
    match ConfigFile::new(home.config()).change_file(changes) {
        Ok(()) => Ok(()),
        Err(ChangeError::Refused(problems)) => {
            let about = |problem: &&worker_local::ConfigProblem| problem.key == name;
            let one = problems.iter().find(about).or(problems.first());
            match one {
                Some(problem) => bail!("{}: {}", problem.key, problem.problem),
                None => bail!("{name}: is refused"),
            }
        }
        Err(ChangeError::File(error)) => Err(error.into()),
    }
}

/// Names with commas between them.
fn list_of(text: &str) -> Json {
    text.split(',').map(str::trim).filter(|name| !name.is_empty()).collect::<Vec<_>>().into()
}

/// Numbers and booleans as such, everything else as text; quotes make a text of anything.
fn value_of(text: &str) -> Json {
    match text.parse::<Value>() {
        Ok(Value::Boolean(flag)) => json!(flag.into_value()),
        Ok(Value::Integer(whole)) => json!(whole.into_value()),
        Ok(Value::Float(float)) => json!(float.into_value()),
        Ok(Value::String(text)) => json!(text.into_value()),
        Ok(Value::Datetime(_) | Value::Array(_) | Value::InlineTable(_)) | Err(_) => json!(text),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_read_as_people_write_them() {
        for (text, value) in [
            ("true", json!(true)),
            ("4", json!(4)),
            ("4.5", json!(4.5)),
            ("https://h/x", json!("https://h/x")),
            ("\"4\"", json!("4")),
            ("[1]", json!("[1]")),
        ] {
            assert_eq!(value_of(text), value, "{text}");
        }
        assert_eq!(list_of("a, b,"), json!(["a", "b"]));
    }
}
