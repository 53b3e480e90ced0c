//! Files that come with a request: kept in a folder of its own until its jobs have ended.

use std::collections::BTreeMap;
use std::path::Path;

use studio_dialects::media::Media;
use studio_dialects::{Failure, Kind};
use uuid::Uuid;

use crate::daemon::Folder;

/// The files of one request.
#[derive(Debug, Default)]
pub(super) struct Files {
    folder: Option<Folder>,
    /// What tasks name, and where it is.
    pub(super) paths: BTreeMap<String, String>,
}

impl Files {
    /// Writes a file; what tasks name it by. The same for every request: a task must not depend on when it came.
    pub(super) async fn store(&mut self, work: &Path, media: Media, bytes: &[u8]) -> Result<String, Failure> {
        let failed = |error: std::io::Error| {
            Failure::new(Kind::Internal, format!("a file of the request could not be written: {error}"))
        };
        let folder = self
            .folder
            .get_or_insert_with(|| Folder::new(work.join(format!("upload-{}", Uuid::new_v4()))))
            .path()
            .to_path_buf();
        tokio::fs::create_dir_all(&folder).await.map_err(failed)?;
        let number = self.paths.len() + 1;
        let path =
            std::path::absolute(folder.join(format!("input-{number}.{}", media.ext))).map_err(failed)?;
        tokio::fs::write(&path, bytes).await.map_err(failed)?;
        let text = path.to_str().ok_or_else(|| {
            Failure::new(Kind::Internal, format!("the path {} is not text", path.display()))
        })?;
        let name = format!("upload:{number}");
        self.paths.insert(name.clone(), text.to_owned());
        Ok(name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn files_go_with_their_request() {
        let work = tempfile::tempdir().unwrap();
        let mut files = Files::default();
        for number in 1..=2 {
            let name = files.store(work.path(), Media::PNG, b"x").await.unwrap();
            assert_eq!(name, format!("upload:{number}"));
            assert!(Path::new(&files.paths[&name]).extension().is_some_and(|ext| ext == "png"));
        }
        assert_eq!(std::fs::read_dir(work.path()).unwrap().count(), 1);
        drop(files);
        assert_eq!(std::fs::read_dir(work.path()).unwrap().count(), 0);
    }
}
