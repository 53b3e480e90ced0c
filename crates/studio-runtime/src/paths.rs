//! Where the platform wants data and settings to be.

use std::path::PathBuf;

use directories::ProjectDirs;

/// The platform names no home folder for this user.
#[derive(Debug, thiserror::Error)]
#[error("this user has no home folder: name the {0} folder on the command line")]
pub struct NoHome(&'static str);

/// Where `studio` keeps its database and artefacts (`~/.local/share/studio` on Linux).
pub fn studio_data_dir() -> Result<PathBuf, NoHome> {
    Ok(dirs("studio").ok_or(NoHome("data"))?.data_dir().to_path_buf())
}

/// Where `studio-worker` keeps its settings (`~/.config/studio-worker` on Linux).
pub fn worker_config_dir() -> Result<PathBuf, NoHome> {
    Ok(dirs("studio-worker").ok_or(NoHome("config"))?.config_dir().to_path_buf())
}

/// Where `studio-worker` keeps models unless told otherwise (`~/.local/share/studio-worker/models` on Linux).
pub fn worker_models_dir() -> Result<PathBuf, NoHome> {
    Ok(dirs("studio-worker").ok_or(NoHome("models"))?.data_dir().join("models"))
}

fn dirs(program: &str) -> Option<ProjectDirs> {
    ProjectDirs::from("", "", program)
}
