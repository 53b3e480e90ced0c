//! `studio-worker pause` and `resume`: the owner takes the machine back, and gives it again.

use std::time::Duration;

use anyhow::bail;
use clap::Args;
use jiff::ToSpan;
use studio_protocol::Timestamp;
use worker_local::{PauseAsk, PauseUntil, PauseWhen, Status};

use super::{daemon, output};
use crate::config::{ConfigFile, Key};
use crate::{Exit, Home};

/// A week: who wants longer pauses until the owner resumes.
const MAX_MINUTES: u64 = 7 * 24 * 60;

#[derive(Debug, Args)]
pub(super) struct Pause {
    /// How long, like 15m, 1h or 2h30m
    #[arg(long = "for", value_name = "TIME", value_parser = parse_minutes, group = "until")]
    minutes: Option<u32>,
    /// Until midnight
    #[arg(long, group = "until")]
    until_tomorrow: bool,
    /// Until nobody uses the machine
    #[arg(long, group = "until")]
    until_idle: bool,
    /// Give what runs back to the studio at once, instead of finishing it
    #[arg(long)]
    now: bool,
    /// Stop the engines, so that their memory is free
    #[arg(long)]
    free_memory: bool,
}

#[derive(Debug, Args)]
pub(super) struct Resume {}

impl Pause {
    pub(super) fn execute(&self, home: &Home) -> anyhow::Result<Exit> {
        let Some(daemon) = daemon::find(home)? else { return self.write(home) };
        let ask = PauseAsk {
            until: self.until()?,
            when: if self.now { PauseWhen::Now } else { PauseWhen::AfterJob },
            free_memory: self.free_memory,
        };
        let status = daemon.ask(async |client| client.pause(&ask).await)?;
        output::line(told(&status));
        Ok(Exit::Clean)
    }

    fn until(&self) -> anyhow::Result<PauseUntil> {
        Ok(match self.minutes {
            Some(minutes) => PauseUntil::Minutes { minutes },
            None if self.until_idle => PauseUntil::Idle,
            None if self.until_tomorrow => PauseUntil::At { at: midnight()? },
            None => PauseUntil::Resumed,
        })
    }

    /// Without a worker there is nobody who could end a pause by itself.
    fn write(&self, home: &Home) -> anyhow::Result<Exit> {
        if self.until()? != PauseUntil::Resumed {
            bail!("no worker runs: only a pause without an end can be set now, `studio-worker pause`");
        }
        ConfigFile::new(home.config()).save(Key::Paused, true)?;
        output::line("paused: the next worker of this folder takes no jobs until `studio-worker resume`");
        Ok(Exit::Clean)
    }
}

impl Resume {
    #[expect(clippy::unused_self, reason = "as every command")]
    pub(super) fn execute(&self, home: &Home) -> anyhow::Result<Exit> {
        let Some(daemon) = daemon::find(home)? else {
            ConfigFile::new(home.config()).save(Key::Paused, false)?;
            output::line("the next worker of this folder takes jobs");
            return Ok(Exit::Clean);
        };
        let status = daemon.ask(async |client| client.resume().await)?;
        output::line(told(&status));
        Ok(Exit::Clean)
    }
}

fn told(status: &Status) -> String {
    let paused = match &status.pause {
        Some(pause) if pause.until_idle => "paused until nobody uses the machine".to_owned(),
        Some(pause) => match pause.until {
            Some(until) => format!("paused until {until}"),
            None => "paused until `studio-worker resume`".to_owned(),
        },
        None => match status.holds.first() {
            Some(hold) => format!("not paused, but takes no jobs: {}", hold.reason),
            None => "takes jobs".to_owned(),
        },
    };
    match (status.pause.is_some(), status.jobs.len()) {
        (false, _) | (true, 0) => paused,
        (true, 1) => format!("{paused}; one job is finished first"),
        (true, jobs) => format!("{paused}; {jobs} jobs are finished first"),
    }
}

fn midnight() -> anyhow::Result<Timestamp> {
    let tomorrow = jiff::Zoned::now().checked_add(1.day())?.start_of_day()?;
    Ok(Timestamp::from_millis(tomorrow.timestamp().as_millisecond()))
}

/// `15m`, `1h`, `2h30m`, `1d`; a bare number is minutes.
fn parse_minutes(text: &str) -> Result<u32, String> {
    let wrong = || format!("`{text}` is not a time like 15m, 1h or 2h30m, up to a week");
    let mut minutes = 0_u64;
    let mut digits = String::new();
    for c in text.trim().chars() {
        let unit = match c {
            '0'..='9' => {
                digits.push(c);
                continue;
            }
            'm' => 1,
            'h' => 60,
            'd' => 24 * 60,
            _ => return Err(wrong()),
        };
        let number: u64 = std::mem::take(&mut digits).parse().map_err(|_| wrong())?;
        minutes = number.checked_mul(unit).and_then(|more| minutes.checked_add(more)).ok_or_else(wrong)?;
    }
    if !digits.is_empty() {
        if minutes > 0 {
            return Err(wrong());
        }
        minutes = digits.parse().map_err(|_| wrong())?;
    }
    let whole = (1..=MAX_MINUTES).contains(&minutes).then_some(minutes).ok_or_else(wrong)?;
    u32::try_from(Duration::from_mins(whole).as_secs() / 60).map_err(|_| wrong())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_written_as_people_do() {
        for (text, minutes) in
            [("15m", 15), ("1h", 60), ("2h30m", 150), ("1d", 1440), ("45", 45), ("7d", 10_080)]
        {
            assert_eq!(parse_minutes(text), Ok(minutes), "{text}");
        }
        for wrong in ["", "0", "m", "1x", "1h5", "8d", "-5m", "99999999999999999999h"] {
            assert!(parse_minutes(wrong).is_err(), "{wrong}");
        }
        assert!(midnight().unwrap() > Timestamp::now());
    }
}
