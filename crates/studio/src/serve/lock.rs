//! One studio for one data directory: two coordinators over one database would give the same job away twice.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{Read, Seek, Write};
use std::path::Path;

use anyhow::{Context, bail};

/// Held while the studio runs; the operating system lets go of it however the process ends.
#[derive(Debug)]
pub struct DataDirLock {
    _file: File,
}

impl DataDirLock {
    /// Takes the lock of `folder`, or says who has it.
    pub fn take(folder: &Path) -> anyhow::Result<Self> {
        let path = folder.join("studio.lock");
        let mut file =
            OpenOptions::new().read(true).write(true).create(true).truncate(false).open(&path).with_context(
                || {
                    format!(
                        "could not open `{}`: the data directory must be writable for this user",
                        path.display()
                    )
                },
            )?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                let mut holder = String::new();
                // Who it is only makes the message better.
                let _ = file.read_to_string(&mut holder);
                let holder = holder.trim();
                bail!(
                    "`{}` is in use by another studio ({holder}): stop that one, or name another --data-dir",
                    folder.display()
                );
            }
            Err(TryLockError::Error(error)) => {
                return Err(error).with_context(|| format!("could not lock `{}`", path.display()));
            }
        }
        file.rewind()?;
        file.set_len(0)?;
        write!(file, "pid {}", std::process::id())?;
        Ok(Self { _file: file })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_second_is_told_who_has_it_and_the_third_gets_it() {
        let folder = tempfile::tempdir().unwrap();
        let first = DataDirLock::take(folder.path()).unwrap();
        let refused = DataDirLock::take(folder.path()).unwrap_err().to_string();
        assert!(refused.contains(&format!("pid {}", std::process::id())), "{refused}");
        drop(first);
        DataDirLock::take(folder.path()).unwrap();
    }
}
