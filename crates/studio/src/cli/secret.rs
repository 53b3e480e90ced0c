//! Secrets that a person types: never from the command line, where other users of the machine see them.

use std::io::{self, BufRead, IsTerminal, Write};

use anyhow::{Context, bail};
use rustix::termios::{LocalModes, OptionalActions, Termios, tcgetattr, tcsetattr};

/// Asks for a new password, twice when somebody types it; otherwise it is the first line of the standard input.
pub fn new_password(name: &str) -> anyhow::Result<String> {
    if !io::stdin().is_terminal() {
        return read_line();
    }
    let first = ask(&format!("New password for {name}: "))?;
    let second = ask("The same again: ")?;
    if first != second {
        bail!("the two passwords differ: nothing was changed");
    }
    Ok(first)
}

fn ask(prompt: &str) -> anyhow::Result<String> {
    let mut err = io::stderr();
    write!(err, "{prompt}").and_then(|()| err.flush())?;
    let hidden = Hidden::begin().context("could not hide what is typed")?;
    let line = read_line();
    drop(hidden);
    // The line end that was typed was hidden too.
    writeln!(err)?;
    line
}

fn read_line() -> anyhow::Result<String> {
    let mut line = String::new();
    let read = io::stdin().lock().read_line(&mut line).context("could not read the password")?;
    if read == 0 {
        bail!("no password was given: type it, or send it to the standard input");
    }
    Ok(line.trim_end_matches(['\r', '\n']).to_owned())
}

/// While it lives, the terminal does not show what is typed.
struct Hidden(Termios);

impl Hidden {
    fn begin() -> rustix::io::Result<Self> {
        let before = tcgetattr(io::stdin())?;
        let mut hidden = before.clone();
        hidden.local_modes.remove(LocalModes::ECHO);
        tcsetattr(io::stdin(), OptionalActions::Flush, &hidden)?;
        Ok(Self(before))
    }
}

impl Drop for Hidden {
    fn drop(&mut self) {
        // Without a terminal there is nothing to show any more.
        let _ = tcsetattr(io::stdin(), OptionalActions::Flush, &self.0);
    }
}
