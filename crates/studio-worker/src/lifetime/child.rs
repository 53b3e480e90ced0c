//! A child that is spoken to over its standard input.

use std::io;
use std::process::{ExitStatus, Stdio};

use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader, Lines};
use tokio::process::{Child, ChildStdin, ChildStdout, Command};

/// A running child; dropping it closes the pipe, which it takes as the word to end.
#[derive(Debug)]
pub(super) struct Spoken {
    /// Boxed: those who hold one mostly hold none.
    child: Box<Child>,
    stdin: Option<ChildStdin>,
}

impl Spoken {
    /// Starts it from this thread, whose end it is told of.
    pub(super) fn start(command: &mut Command) -> io::Result<Self> {
        let mut child = command.stdin(Stdio::piped()).spawn()?;
        Ok(Self { stdin: child.stdin.take(), child: Box::new(child) })
    }

    /// Its process, while it runs.
    pub(super) fn pid(&self) -> Option<u32> {
        self.child.id()
    }

    /// What it prints, where that is a pipe; once.
    pub(super) fn lines(&mut self) -> Option<Lines<BufReader<ChildStdout>>> {
        self.child.stdout.take().map(|stdout| BufReader::new(stdout).lines())
    }

    /// Says a line; a child that cannot hear is about to end, which [`ended`](Self::ended) tells.
    pub(super) async fn say(&mut self, line: &str) {
        if let Some(stdin) = &mut self.stdin
            && stdin.write_all(format!("{line}\n").as_bytes()).await.is_err()
        {
            self.stdin = None;
        }
    }

    /// How it ended; may be dropped at any time.
    pub(super) async fn ended(&mut self) -> io::Result<ExitStatus> {
        self.child.wait().await
    }

    /// Leaves it no choice, and returns when it is gone.
    pub(super) async fn kill(&mut self) -> io::Result<()> {
        self.child.kill().await
    }
}
