//! Where a worker keeps its things: all of them beside its config file.

use std::path::{Path, PathBuf};

use studio_runtime::{NoHome, worker_config_dir, worker_models_dir};

/// The name of the config file in the platform's folder.
const CONFIG_NAME: &str = "config.toml";

/// The folder of one worker; whoever holds its lock is the worker.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Home {
    config: PathBuf,
    dir: PathBuf,
    models: PathBuf,
}

impl Home {
    /// The platform's folder, or the one that holds `config`.
    pub fn locate(config: Option<&Path>) -> Result<Self, NoHome> {
        if let Some(config) = config {
            return Ok(Self::of_config(config));
        }
        let dir = worker_config_dir()?;
        Ok(Self { config: dir.join(CONFIG_NAME), dir, models: worker_models_dir()? })
    }

    /// The folder that holds `config`, models included.
    pub fn of_config(config: &Path) -> Self {
        let dir = match config.parent() {
            Some(parent) if !parent.as_os_str().is_empty() => parent.to_path_buf(),
            _ => PathBuf::from("."),
        };
        // Engines start in folders of their own: what they are told must not depend on where the daemon stands.
        let dir = std::path::absolute(&dir).unwrap_or(dir);
        let name = config.file_name().map_or_else(|| CONFIG_NAME.into(), ToOwned::to_owned);
        Self { config: dir.join(name), models: dir.join("models"), dir }
    }

    /// The config file.
    pub fn config(&self) -> &Path {
        &self.config
    }

    /// The folder of everything.
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// Held by the one daemon of this folder.
    pub fn lock(&self) -> PathBuf {
        self.dir.join("studio-worker.lock")
    }

    /// Held by the one window of this folder.
    pub fn window_lock(&self) -> PathBuf {
        self.dir.join("window.lock")
    }

    /// Held by the process that draws it, once it has found a display.
    pub fn shown_lock(&self) -> PathBuf {
        self.dir.join("window-shown.lock")
    }

    /// Finished results that the studio has not acknowledged.
    pub fn spool(&self) -> PathBuf {
        self.dir.join("spool")
    }

    /// Where engines write; on the file system of the spool, so that a result moves there without a copy.
    pub fn work(&self) -> PathBuf {
        self.dir.join("work")
    }

    /// Log files, unless the config names another folder.
    pub fn logs(&self) -> PathBuf {
        self.dir.join("logs")
    }

    /// What the worker did, for its owner.
    pub fn history(&self) -> PathBuf {
        self.dir.join("history.db")
    }

    /// What the daemon shows to `studio-worker status`.
    pub fn status(&self) -> PathBuf {
        self.dir.join("status.json")
    }

    /// Model files, unless the config names another folder.
    pub fn models(&self) -> &Path {
        &self.models
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everything_moves_with_the_config_file() {
        let home = Home::of_config(Path::new("/tmp/w1/my.toml"));
        assert_eq!(home.config(), Path::new("/tmp/w1/my.toml"));
        for path in [
            home.lock(),
            home.window_lock(),
            home.shown_lock(),
            home.spool(),
            home.work(),
            home.logs(),
            home.status(),
            home.history(),
            home.models().to_path_buf(),
        ] {
            assert!(path.starts_with("/tmp/w1"), "{}", path.display());
        }
    }

    #[test]
    fn a_bare_file_name_is_in_the_current_folder() {
        let home = Home::of_config(Path::new("my.toml"));
        assert!(home.dir().is_absolute());
        assert_eq!(home.dir(), std::env::current_dir().unwrap());
    }
}
