//! The way out: frames on what was standard output.

use std::fs::File;
use std::io::{self, Write};
use std::sync::{Mutex, PoisonError};

use crate::{Event, encode_frame};

/// Writes one whole frame at a time, from any thread.
#[derive(Debug)]
pub(super) struct Wire(Mutex<File>);

impl Wire {
    /// Takes standard output for frames and points the old one to stderr, so that a stray print does no harm.
    #[cfg(unix)]
    pub(super) fn take_stdout() -> io::Result<Self> {
        let private = rustix::io::fcntl_dupfd_cloexec(io::stdout(), 3)?;
        rustix::stdio::dup2_stdout(io::stderr())?;
        Ok(Self(Mutex::new(File::from(private))))
    }

    /// Takes standard output for frames.
    #[cfg(windows)]
    pub(super) fn take_stdout() -> io::Result<Self> {
        use std::os::windows::io::AsHandle;
        let private = io::stdout().as_handle().try_clone_to_owned()?;
        Ok(Self(Mutex::new(File::from(private))))
    }

    /// Says `event`; an error is one about its size.
    ///
    /// A daemon that does not listen any more is noticed by the reader, so that is no error here.
    pub(super) fn say(&self, event: &Event) -> io::Result<()> {
        let frame = encode_frame(event)?;
        self.raw(&frame);
        Ok(())
    }

    pub(super) fn raw(&self, bytes: &[u8]) {
        let mut out = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let _ = out.write_all(bytes);
    }
}
