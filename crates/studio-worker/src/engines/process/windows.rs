//! Windows: the engine itself is killed through its handle; its children end with their pipes.

use tokio::process::{Child, Command};

/// An engine and its children.
#[derive(Debug)]
pub(super) struct Group;

/// Keeps Ctrl-C for the daemon.
pub(super) fn isolate(command: &mut Command) {
    const CREATE_NEW_PROCESS_GROUP: u32 = 0x0000_0200;
    command.creation_flags(CREATE_NEW_PROCESS_GROUP);
}

impl Group {
    pub(super) fn of(_child: &Child) -> Self {
        Self
    }

    /// Nothing beyond what `Child` does by itself.
    pub(super) fn kill(&self) {}

    /// Nothing is remembered.
    pub(super) fn forget(&mut self) {}
}
