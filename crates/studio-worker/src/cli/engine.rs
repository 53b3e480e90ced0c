//! `studio-worker engine NAME`: the engines that are built in, each in a process of its own.

use std::process::ExitCode;

use clap::Args;
use engine_protocol::synthetic;

use crate::Exit;

#[derive(Debug, Args)]
pub(super) struct Engine {
    /// Which
    name: String,
}

impl Engine {
    pub(super) fn execute(&self) -> ExitCode {
        if self.name == synthetic::NAME {
            return synthetic::main();
        }
        super::output::note(format!("error: engine `{}` is not built in", self.name));
        Exit::Usage.into()
    }
}
