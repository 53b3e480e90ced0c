//! The file that says where the server is and what opens it.

use std::path::{Path, PathBuf};
use std::sync::Mutex;

use studio_runtime::{Mode, write_atomic};
use worker_local::Discovery;

/// Written once, and removed by the same daemon.
#[derive(Debug)]
pub(super) struct DiscoveryFile {
    folder: PathBuf,
    state: Mutex<State>,
}

#[derive(Debug)]
enum State {
    Unwritten,
    Written(Box<Discovery>),
    Removed,
}

impl DiscoveryFile {
    pub(super) fn new(folder: &Path) -> Self {
        Self { folder: folder.to_path_buf(), state: Mutex::new(State::Unwritten) }
    }

    /// Blocks the thread until it is on the disk; does nothing once it was removed.
    pub(super) fn write(&self, found: &Discovery) {
        let Ok(mut state) = self.state.lock() else { return };
        if matches!(*state, State::Removed) {
            return;
        }
        let path = self.folder.join(Discovery::FILE);
        let written = serde_json::to_vec_pretty(found)
            .map_err(std::io::Error::other)
            .and_then(|bytes| write_atomic(&path, &bytes, Mode::Private));
        match written {
            Ok(()) => *state = State::Written(Box::new(found.clone())),
            Err(error) => tracing::warn!(
                "the window and commands cannot find this worker, could not write `{}`: {error}",
                path.display()
            ),
        }
    }

    /// Unless another daemon has written it meanwhile.
    pub(super) fn remove(&self) {
        let Ok(mut state) = self.state.lock() else { return };
        let State::Written(ours) = std::mem::replace(&mut *state, State::Removed) else { return };
        if Discovery::read(&self.folder).is_ok_and(|found| found.as_ref() == Some(&*ours)) {
            let _ = std::fs::remove_file(self.folder.join(Discovery::FILE));
        }
    }
}

#[cfg(test)]
mod tests {
    use studio_protocol::Timestamp;

    use super::*;

    fn found(token: &str) -> Discovery {
        Discovery {
            url: "http://127.0.0.1:1".into(),
            token: token.into(),
            pid: 1,
            version: "1".into(),
            started_at: Timestamp::from_millis(0),
        }
    }

    #[test]
    fn it_is_private_and_goes_with_its_daemon_only() {
        let dir = tempfile::tempdir().unwrap();
        let (one, two) = (DiscoveryFile::new(dir.path()), DiscoveryFile::new(dir.path()));
        one.write(&found("one"));
        two.write(&found("two"));
        one.remove();
        assert_eq!(Discovery::read(dir.path()).unwrap(), Some(found("two")));
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            let mode = std::fs::metadata(dir.path().join(Discovery::FILE)).unwrap().permissions().mode();
            assert_eq!(mode & 0o777, 0o600);
        }
        two.remove();
        assert_eq!(Discovery::read(dir.path()).unwrap(), None);
    }

    #[test]
    fn a_daemon_that_has_ended_writes_nothing() {
        let dir = tempfile::tempdir().unwrap();
        let file = DiscoveryFile::new(dir.path());
        file.remove();
        file.write(&found("late"));
        assert_eq!(Discovery::read(dir.path()).unwrap(), None);
    }
}
