//! `studio-worker run`: the daemon.

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::Context;
use clap::Args;
use engine_protocol::synthetic;
use studio_runtime::{LogFile, LogFormat, LogRing, Shutdown, Tasks, init_telemetry_with_ring};

use super::output;
use crate::config::{Config, ConfigFile};
use crate::daemon::{Daemon, Launch};
use crate::engines::EngineProgram;
use crate::lifetime::parent;
use crate::lock::{Holder, Lock, LockError};
use crate::{Exit, Home};

/// Shown unless `RUST_LOG` says otherwise.
const DEFAULT_FILTER: &str = "info";
/// What engine programs are called.
const ENGINE_PREFIX: &str = "studio-engine-";
/// The programs of this project and the word by which models name their engine; others are called by their file name.
pub(crate) const ENGINE_WORDS: [(&str, &str); 3] =
    [("llama", "llama-cpp"), ("sdcpp", "sd-cpp"), ("sherpa", "sherpa-onnx")];

#[derive(Debug, Args)]
pub(super) struct Run {
    /// Wait while another worker runs with this folder, then take over
    #[arg(long)]
    wait_for_lock: bool,
    /// End with the program that started this one: standard input is a pipe that it holds, and the end of the
    /// pipe has the effect of a signal
    #[arg(long)]
    end_with_parent: bool,
    /// How the log on stderr is written: `text` for people, `json` for collectors
    #[arg(long, value_name = "FORMAT", default_value = "text", env = "STUDIO_WORKER_LOG_FORMAT")]
    log_format: LogFormat,
}

impl Run {
    pub(super) fn execute(&self, home: Home) -> anyhow::Result<Exit> {
        if self.end_with_parent {
            parent::bind()
                .context("could not ask to be told of the end of the program that started this one")?;
        }
        let me = Holder::this_process();
        let taken =
            if self.wait_for_lock { Lock::wait(&home.lock(), &me) } else { Lock::take(&home.lock(), &me) };
        let _lock = match taken {
            Ok(lock) => lock,
            Err(held @ LockError::Held { .. }) => {
                output::note(held.to_string());
                return Ok(Exit::Clean);
            }
            Err(error) => return Err(error.into()),
        };
        // Read after the lock: until then another daemon may write it.
        let config = ConfigFile::new(home.config()).load_or_create()?;
        let folder = config.log_dir.clone().unwrap_or_else(|| home.logs());
        // The log's appender remarks upon a folder that is not there yet.
        std::fs::create_dir_all(&folder)
            .with_context(|| format!("could not write logs in `{}`", folder.display()))?;
        let file = LogFile { folder, name: "studio-worker".to_owned() };
        let log = LogRing::default();
        let _telemetry =
            init_telemetry_with_ring(DEFAULT_FILTER, self.log_format, Some(file), Some(log.clone()))?;
        tell_about(&home, &config);
        let programs = programs(&config)?;
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .context("could not start the runtime")?;
        let exit = runtime.block_on(async {
            let tasks = Tasks::new();
            let _signals = Shutdown::install(&tasks)?;
            if self.end_with_parent {
                parent::follow(&tasks).context("could not listen to the program that started this one")?;
            }
            let launch = Launch { home, config, programs, log };
            let daemon = Daemon::new(launch, tasks).context("could not use the spool")?;
            anyhow::Ok(Box::pin(daemon.run()).await)
        })?;
        // Blocking work that nobody waits for (a driver, a name server) must not hold the process.
        runtime.shutdown_background();
        tracing::info!("ended ({exit:?})");
        Ok(exit)
    }
}

fn tell_about(home: &Home, config: &Config) {
    tracing::info!(
        version = env!("CARGO_PKG_VERSION"),
        pid = std::process::id(),
        "studio-worker with `{}`",
        home.config().display()
    );
    for key in &config.unknown_keys {
        tracing::warn!("`{key}` in the config is not a setting of this version; it is kept");
    }
    if config.studio.is_plain_remote() {
        tracing::warn!(
            "`{}` is not encrypted: whoever listens on the way can take this worker's place",
            config.api_base_url
        );
    }
}

/// The built-in engine, the programs beside this one, and those of the engines folder, which win.
pub(crate) fn programs(config: &Config) -> anyhow::Result<BTreeMap<String, EngineProgram>> {
    let worker = std::env::current_exe().context("could not find this program's own file")?;
    let mut programs = BTreeMap::from([(synthetic::NAME.to_owned(), EngineProgram::synthetic(&worker))]);
    if let Some(beside) = worker.parent() {
        // A folder that cannot be listed, like one of single links, holds no engines.
        programs.extend(found_in(beside).unwrap_or_default());
    }
    if let Some(dir) = &config.engines_dir {
        programs.extend(
            found_in(dir).with_context(|| format!("could not read engines_dir `{}`", dir.display()))?,
        );
    }
    if !config.engines.is_empty() {
        for missing in config.engines.iter().filter(|word| !programs.contains_key(*word)) {
            tracing::warn!(
                "`{missing}` of `engines` is not here: `studio-worker doctor` says where it is looked for"
            );
        }
        programs.retain(|word, _| config.engines.contains(word));
    }
    Ok(programs)
}

fn found_in(dir: &Path) -> std::io::Result<BTreeMap<String, EngineProgram>> {
    let mut found = BTreeMap::new();
    for entry in std::fs::read_dir(dir)? {
        let path = entry?.path();
        let name =
            path.file_stem().and_then(|stem| stem.to_str()).and_then(|stem| stem.strip_prefix(ENGINE_PREFIX));
        let is_program =
            || path.extension().is_none_or(|ext| ext == std::env::consts::EXE_EXTENSION) && path.is_file();
        if let Some(name) = name.filter(|name| !name.is_empty() && *name != synthetic::NAME && is_program()) {
            let word = ENGINE_WORDS.iter().find(|(file, _)| *file == name).map_or(name, |(_, word)| *word);
            found.insert(word.to_owned(), EngineProgram::new(&path));
        }
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn engines_are_found_by_name() {
        let dir = tempfile::tempdir().unwrap();
        for name in [
            "studio-engine-llama",
            "studio-engine-",
            "readme.txt",
            "studio-engine-sdcpp.d",
            "studio-engine-mine",
        ] {
            std::fs::write(dir.path().join(name), "").unwrap();
        }
        let found = found_in(dir.path()).unwrap();
        assert_eq!(found.keys().collect::<Vec<_>>(), ["llama-cpp", "mine"]);
    }
}
