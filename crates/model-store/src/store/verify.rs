//! Hashes a model's files again.

use tokio::fs;

use super::bring::blocking;
use super::{Inner, ModelStore};
use crate::manifest::Entry;
use crate::{FetchError, names, sha};

/// A file that is not what it was.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Damage {
    /// Its name.
    pub filename: String,
    /// The hash that it had.
    pub expected: String,
    /// The hash that it has; `None` when it is gone.
    pub found: Option<String>,
}

impl ModelStore {
    /// Hashes every file of a model; damaged ones are forgotten, so that the next `ensure` brings them again.
    pub async fn verify(&self, model: &str) -> Result<Vec<Damage>, FetchError> {
        if !names::is_plain_id(model) {
            return Err(FetchError::Name(format!("no model can have the id `{}`", model.escape_debug())));
        }
        let _busy = self.0.busy(model);
        let turn = self.0.turn(model);
        let _turn = turn.lock().await;
        let Some(entries) = self.0.entries(model) else {
            return Err(FetchError::Name(format!("no files of a model `{model}` are here")));
        };
        let folder = self.0.root.join(model);
        let mut damages = Vec::new();
        for mut entry in entries {
            let path = folder.join(&entry.filename);
            let meta = fs::metadata(&path).await.ok();
            let found = match &meta {
                Some(_) => {
                    Some(sha::hex_of(&path).await.map_err(|error| FetchError::disk("read", &path, error))?)
                }
                None => None,
            };
            let (inner, name) = (self.0.clone(), model.to_owned());
            if let Some(meta) = meta.filter(|_| found.as_ref() == Some(&entry.sha256)) {
                if !entry.fits(&meta) {
                    entry.touch(&meta);
                    blocking(&folder, move || inner.change(&name, |manifest| manifest.put(entry))).await?;
                }
                continue;
            }
            let filename = entry.filename.clone();
            blocking(&folder, move || inner.change(&name, |manifest| manifest.forget(&filename))).await?;
            damages.push(Damage { filename: entry.filename, expected: entry.sha256, found });
        }
        Ok(damages)
    }
}

impl Inner {
    fn entries(&self, model: &str) -> Option<Vec<Entry>> {
        Some(self.models().get(model)?.manifest.as_ref()?.files.clone())
    }
}
