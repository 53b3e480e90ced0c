//! Process groups of Unix.

use rustix::process::{Pid, Signal, kill_process_group};
use tokio::process::{Child, Command};

/// An engine and its children.
#[derive(Debug)]
pub(super) struct Group(Option<Pid>);

/// Gives what `command` starts a group of its own.
pub(super) fn isolate(command: &mut Command) {
    command.process_group(0);
}

impl Group {
    pub(super) fn of(child: &Child) -> Self {
        Self(child.id().and_then(|id| Pid::from_raw(id.cast_signed())))
    }

    /// SIGKILL to every process of the group.
    pub(super) fn kill(&self) {
        if let Some(leader) = self.0 {
            let _ = kill_process_group(leader, Signal::KILL);
        }
    }

    /// The leader was reaped and the rest killed: the number may soon be somebody else's.
    pub(super) fn forget(&mut self) {
        self.0 = None;
    }
}
