//! `studio-worker models`: what is on the disk and in memory, and what is to come and go.

mod add;

use anyhow::Context;
use clap::{Args, Subcommand};
use model_store::ModelStore;
use worker_local::{DiskUse, LoadModel, ModelFile, ModelPlace, ModelView, Models as Listed};

use super::{daemon, output, table};
use crate::config::ConfigFile;
use crate::daemon::store_settings;
use crate::{Exit, Home};

#[derive(Debug, Args)]
pub(super) struct Models {
    #[command(subcommand)]
    command: Option<Command>,
    /// For scripts
    #[arg(long, global = true)]
    json: bool,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// What is on the disk and in memory
    List,
    /// Fetch a model, or take it from a file of this machine
    Add(add::Add),
    /// Bring a model into memory before a job wants it
    Load {
        /// Which
        model: String,
        /// What it needs, GiB, where its engine cannot say
        #[arg(long)]
        vram_gb: Option<f64>,
        /// Keep it in memory from now on
        #[arg(long)]
        resident: bool,
    },
    /// Give a model's memory back once no job uses it
    Unload {
        /// Which
        model: String,
    },
    /// Delete a model's files, or break its download off
    Remove {
        /// Which
        model: String,
    },
}

impl Models {
    pub(super) fn execute(&self, home: &Home) -> anyhow::Result<Exit> {
        match &self.command {
            None | Some(Command::List) => self.show(&list(home)?),
            Some(Command::Add(add)) => add.execute(home, self.json),
            Some(Command::Load { model, vram_gb, resident }) => {
                let load = LoadModel { vram_gb: *vram_gb, resident: *resident };
                let daemon = daemon::required(home)?;
                let models = daemon.ask(async |client| client.load_model(model, &load).await)?;
                self.done(
                    &models,
                    &format!("{model} is being loaded; `studio-worker models` shows when it is there"),
                )
            }
            Some(Command::Unload { model }) => {
                let daemon = daemon::required(home)?;
                let models = daemon.ask(async |client| client.unload_model(model).await)?;
                self.done(&models, &format!("{model} leaves memory once no job uses it"))
            }
            Some(Command::Remove { model }) => {
                if let Some(daemon) = daemon::find(home)? {
                    daemon.ask(async |client| client.remove_model(model).await)?;
                } else {
                    let store = store(home)?;
                    super::join::block_on(async { Ok(store.remove(model).await?) })?;
                }
                output::line(format!("{model} is removed"));
                Ok(Exit::Clean)
            }
        }
    }

    fn done(&self, models: &Listed, words: &str) -> anyhow::Result<Exit> {
        if self.json {
            output::json(models)?;
        } else {
            output::line(words);
        }
        Ok(Exit::Clean)
    }

    fn show(&self, models: &Listed) -> anyhow::Result<Exit> {
        if self.json {
            output::json(models)?;
            return Ok(Exit::Clean);
        }
        let rows: Vec<_> = models.models.iter().map(row).collect();
        if rows.is_empty() {
            output::line("no models; jobs fetch what they need, or `studio-worker models add hf:OWNER/REPO`");
        } else {
            table::print(&["MODEL", "ENGINE", "STATE", "FILES", "MEMORY", "USED"], &rows);
        }
        for model in &models.models {
            if let Some(trouble) = &model.trouble {
                output::line(format!("{}: {trouble}", model.model));
            }
        }
        let disk = &models.disk;
        let cap = disk.cap_bytes.map(|cap| format!(" of {}", table::size(cap))).unwrap_or_default();
        let free = disk.free_bytes.map(|free| format!(", {} free", table::size(free))).unwrap_or_default();
        output::line(format!("{}: {}{cap}{free}", disk.folder, table::size(disk.used_bytes)));
        Ok(Exit::Clean)
    }
}

fn row(view: &ModelView) -> Vec<String> {
    let mut state = table::word(&view.place);
    if view.in_use {
        state.push_str(", in use");
    }
    if view.resident {
        state.push_str(", resident");
    }
    let memory = view.memory_bytes.map(table::size).unwrap_or_default();
    let used = view.used_at.map(|at| at.to_string()).unwrap_or_default();
    vec![view.model.clone(), view.engine.clone(), state, table::size(view.file_bytes), memory, used]
}

/// From the daemon, or from the disk where none runs.
fn list(home: &Home) -> anyhow::Result<Listed> {
    if let Some(daemon) = daemon::find(home)? {
        return daemon.ask(async |client| client.models().await);
    }
    let store = store(home)?;
    let disk = store.disk_use().with_context(|| format!("could not read `{}`", store.root().display()))?;
    let view = |stored: model_store::StoredModel| ModelView {
        model: stored.model,
        engine: stored.source.engine,
        place: if stored.complete { ModelPlace::Present } else { ModelPlace::Absent },
        file_bytes: stored.files.iter().map(|file| file.bytes).sum(),
        files: stored
            .files
            .into_iter()
            .map(|file| ModelFile {
                name: file.name,
                role: String::new(),
                bytes: file.bytes,
                sha256: file.sha256,
            })
            .collect(),
        memory_bytes: None,
        resident: false,
        in_use: false,
        used_at: None,
        trouble: None,
    };
    Ok(Listed {
        models: store.stored().into_iter().map(view).collect(),
        disk: DiskUse {
            folder: store.root().display().to_string(),
            used_bytes: disk.used,
            cap_bytes: disk.cap,
            free_bytes: disk.free,
        },
    })
}

fn store(home: &Home) -> anyhow::Result<ModelStore> {
    let config = ConfigFile::new(home.config()).load_or_create()?;
    let settings = store_settings(home, &config);
    let root = settings.root.clone();
    ModelStore::open(settings).with_context(|| format!("could not use `{}`", root.display()))
}
