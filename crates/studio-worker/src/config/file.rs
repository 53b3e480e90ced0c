//! The file itself: created, read, changed.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

use studio_runtime::{Mode, write_atomic};
use toml_edit::{Document, DocumentMut, Item, RawString, Value, value};
use worker_core::Identity;

use super::template::TEMPLATE;
use super::values::{self, Variables};
use super::{Config, ConfigError, Key, PausedUntil};

/// One config file.
#[derive(Debug, Clone)]
pub struct ConfigFile(PathBuf);

/// Why a change was not written.
#[derive(Debug, thiserror::Error)]
pub enum EditError {
    /// The file, or its lock.
    #[error("could not change `{}`", path.display())]
    File {
        /// Which.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// What is there now cannot be read; it is left as it is.
    #[error(transparent)]
    Config(#[from] ConfigError),
}

impl ConfigFile {
    /// At `path`; nothing is read yet.
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self(path.into())
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.0
    }

    /// Reads it under the process's environment; a missing file is created with commented defaults.
    pub fn load_or_create(&self) -> Result<Config, ConfigError> {
        if !self.0.exists() {
            write_atomic(&self.0, TEMPLATE.as_bytes(), Mode::Private)
                .map_err(|source| ConfigError::File { act: "create", path: self.0.clone(), source })?;
        }
        self.load()
    }

    /// Reads it under the process's environment.
    pub fn load(&self) -> Result<Config, ConfigError> {
        self.load_with(&|name| std::env::var(name).ok())
    }

    /// Reads it with other variables.
    pub(super) fn load_with(&self, variables: Variables<'_>) -> Result<Config, ConfigError> {
        self.check(self.read()?, variables)
    }

    /// Changes values in place, all or none; the result is checked before it is written.
    pub fn edit(&self, change: impl FnOnce(&mut DocumentMut)) -> Result<(), EditError> {
        self.edit_if(|document| {
            change(document);
            true
        })
    }

    /// The same, but what `change` says no to is checked only.
    pub(super) fn edit_if(&self, change: impl FnOnce(&mut DocumentMut) -> bool) -> Result<(), EditError> {
        let failed = |source| EditError::File { path: self.0.clone(), source };
        let _guard = self.lock().map_err(failed)?;
        let text = match self.read() {
            Ok(text) => text,
            Err(ConfigError::File { source, .. }) if source.kind() == io::ErrorKind::NotFound => {
                TEMPLATE.clone()
            }
            Err(error) => return Err(error.into()),
        };
        let mut document: DocumentMut = text.parse().map_err(|error| self.syntax(&error))?;
        let is_wanted = change(&mut document);
        let after = document.to_string();
        // Variables may be what makes the config valid or not; the file has to stand on its own.
        self.check(after.clone(), &|_| None)?;
        if !is_wanted || after == text {
            return Ok(());
        }
        write_atomic(&self.0, after.as_bytes(), Mode::Private).map_err(failed)
    }

    /// Writes the registration.
    pub fn save_identity(&self, identity: &Identity) -> Result<(), EditError> {
        self.edit(|document| put_identity(document, identity))
    }

    /// Writes one setting.
    pub fn save(&self, key: Key, new: impl Into<Value>) -> Result<(), EditError> {
        self.edit(|document| put(document, key, Some(new.into())))
    }

    /// The settings that the file itself states.
    pub(super) fn keys_set(&self) -> Result<Vec<Key>, ConfigError> {
        let document = Document::parse(self.read()?).map_err(|error| self.syntax(&error))?;
        Ok(Key::ALL.into_iter().filter(|key| document.contains_key(key.as_str())).collect())
    }

    /// Writes a pause, or its end.
    pub fn save_pause(&self, paused: bool, until: Option<PausedUntil>) -> Result<(), EditError> {
        self.edit(|document| {
            put(document, Key::Paused, Some(paused.into()));
            put(document, Key::PausedUntil, until.map(|until| until.to_string().into()));
        })
    }

    fn read(&self) -> Result<String, ConfigError> {
        fs::read_to_string(&self.0).map_err(|source| ConfigError::File {
            act: "read",
            path: self.0.clone(),
            source,
        })
    }

    fn check(&self, text: String, variables: Variables<'_>) -> Result<Config, ConfigError> {
        let document = Document::parse(text).map_err(|error| self.syntax(&error))?;
        values::read(&document, variables)
            .map_err(|problems| ConfigError::Values { path: self.0.clone(), problems })
    }

    fn syntax(&self, error: &toml_edit::TomlError) -> ConfigError {
        ConfigError::Syntax { path: self.0.clone(), what: error.to_string().trim_end().to_owned() }
    }

    /// The file is replaced at each change, so the lock is a file beside it.
    fn lock(&self) -> io::Result<File> {
        let mut name = self.0.clone().into_os_string();
        name.push(".lock");
        if let Some(dir) = self.0.parent() {
            fs::create_dir_all(dir)?;
        }
        let file = File::options().create(true).append(true).open(name)?;
        file.lock()?;
        Ok(file)
    }
}

/// Replaces a value and keeps the comment after it, or removes it.
pub(super) fn put(document: &mut DocumentMut, key: Key, new: Option<Value>) {
    let Some(mut new) = new else {
        return remove(document, key);
    };
    match document.get_mut(key.as_str()) {
        Some(Item::Value(old)) => {
            *new.decor_mut() = old.decor().clone();
            *old = new;
        }
        Some(_) | None => {
            document.insert(key.as_str(), value(new));
        }
    }
}

/// What stands above a value is the owner's: it moves to what follows.
fn remove(document: &mut DocumentMut, key: Key) {
    let rest: Vec<String> = document
        .iter()
        .map(|(name, _)| name.to_owned())
        .skip_while(|name| name != key.as_str())
        .skip(1)
        .collect();
    let Some((removed, _)) = document.remove_entry(key.as_str()) else { return };
    let above = removed.leaf_decor().prefix().and_then(RawString::as_str).unwrap_or_default();
    if above.trim().is_empty() {
        return;
    }
    let joined =
        |old: Option<&RawString>| format!("{above}{}", old.and_then(RawString::as_str).unwrap_or_default());
    for name in rest {
        match document.get_mut(&name) {
            Some(Item::Value(_)) => {
                if let Some(mut next) = document.key_mut(&name) {
                    let decor = next.leaf_decor_mut();
                    let prefix = joined(decor.prefix());
                    decor.set_prefix(prefix);
                }
                return;
            }
            Some(Item::Table(table)) if !table.is_implicit() => {
                let prefix = joined(table.decor().prefix());
                return table.decor_mut().set_prefix(prefix);
            }
            Some(Item::Table(_) | Item::ArrayOfTables(_) | Item::None) | None => {}
        }
    }
    let trailing = joined(Some(document.trailing()));
    document.set_trailing(trailing);
}

fn put_identity(document: &mut DocumentMut, identity: &Identity) {
    let mut set = |key, text: Option<&str>| put(document, key, text.map(Value::from));
    set(Key::InstallId, identity.install_id());
    let (request, secret) = match identity {
        Identity::Pending { request_id, secret, .. } => (Some(request_id.as_str()), Some(secret.reveal())),
        Identity::Pristine { .. } | Identity::Approved { .. } | Identity::Rejected { .. } => (None, None),
    };
    set(Key::RegistrationRequestId, request);
    set(Key::RegistrationSecret, secret);
    let (worker, token) = match identity {
        Identity::Approved { worker_id, auth_token, .. } => {
            (Some(worker_id.as_str()), Some(auth_token.reveal()))
        }
        Identity::Pristine { .. } | Identity::Pending { .. } | Identity::Rejected { .. } => (None, None),
    };
    set(Key::WorkerId, worker);
    set(Key::AuthToken, token);
    let rejected = match identity {
        Identity::Rejected { reason, .. } => Some(reason.as_str()),
        Identity::Pristine { .. } | Identity::Pending { .. } | Identity::Approved { .. } => None,
    };
    set(Key::RegistrationRejected, rejected);
}

#[cfg(test)]
mod tests;
