//! Pauses and the owner's rules: from the config and the local API to the core, and back to the config.

use std::time::Duration;

use studio_protocol::Timestamp;
use tokio::time::Instant;
use worker_core::{ExitReason, Input, Pause};
use worker_local::{Hold, PauseAsk, PauseUntil, PauseView, PauseWhen, Presence};

use super::Daemon;
use super::effects::told_if_failed;
use crate::config::{Config, PausedUntil};
use crate::presence::Needs;

impl Daemon {
    /// The owner pauses; a restart does not end it.
    pub(super) async fn pause(&mut self, ask: &PauseAsk) -> Option<ExitReason> {
        let until = match ask.until {
            PauseUntil::Resumed => None,
            PauseUntil::Minutes { minutes } => {
                Some(PausedUntil::At(Timestamp::now().plus_millis(i64::from(minutes) * 60_000)))
            }
            PauseUntil::At { at } => Some(PausedUntil::At(at)),
            PauseUntil::Idle => Some(PausedUntil::Idle),
        };
        self.save_pause(true, until);
        let pause = Pause {
            release: ask.when == PauseWhen::Now,
            free_memory: ask.free_memory,
            ..pause_until(until).unwrap_or_default()
        };
        self.step(Input::Pause(pause)).await
    }

    pub(super) async fn resume(&mut self) -> Option<ExitReason> {
        self.save_pause(false, None);
        self.step(Input::Resume).await
    }

    /// As it is from now on, in the file and here.
    pub(super) fn save_pause(&mut self, paused: bool, until: Option<PausedUntil>) {
        self.config.paused = paused;
        self.config.paused_until = until;
        told_if_failed(self.file.save_pause(paused, until));
        self.tell_needs();
    }

    /// Its time was over before this process started.
    pub(super) fn end_old_pause(&mut self) {
        if self.config.paused && first_pause(&self.config).is_none() {
            tracing::info!("the pause is over: taking jobs");
            self.save_pause(false, None);
        }
        self.tell_needs();
    }

    /// Somebody changed the file.
    pub(super) async fn pause_changed(&mut self, new: &Config) -> Option<ExitReason> {
        if (new.paused, new.paused_until) == (self.config.paused, self.config.paused_until) {
            return None;
        }
        (self.config.paused, self.config.paused_until) = (new.paused, new.paused_until);
        self.tell_needs();
        match first_pause(new) {
            Some(pause) => self.step(Input::Pause(pause)).await,
            None => self.step(Input::Resume).await,
        }
    }

    pub(super) async fn rules_changed(&mut self, new: &Config) -> Option<ExitReason> {
        if new.rules == self.config.rules {
            return None;
        }
        self.config.rules = new.rules.clone();
        let exit = self.step(Input::Rules(Box::new(new.rules.clone()))).await;
        self.tell_needs();
        exit
    }

    /// What the machine has to be looked at for.
    pub(super) fn tell_needs(&self) {
        let needs = needs(&self.config);
        self.needs.send_if_modified(|old| std::mem::replace(old, needs.clone()) != needs);
    }

    pub(super) fn pause_view(&self, pause: Option<Pause>) -> Option<PauseView> {
        let pause = pause?;
        // The clock on the wall said when; the core only knows how long.
        let until = match self.config.paused_until {
            Some(PausedUntil::At(at)) if pause.until.is_some() => Some(at),
            Some(PausedUntil::At(_) | PausedUntil::Idle) | None => None,
        };
        Some(PauseView { until, until_idle: pause.until_idle })
    }
}

pub(super) fn needs(config: &Config) -> Needs {
    let until_idle = config.paused && config.paused_until == Some(PausedUntil::Idle);
    Needs { rules: config.rules.clone(), until_idle }
}

/// The pause that the config asks for, unless its time is over.
pub(super) fn first_pause(config: &Config) -> Option<Pause> {
    if config.paused { pause_until(config.paused_until) } else { None }
}

/// The moment of the wall's clock as one of ours: a clock that is set later does not move it.
fn pause_until(until: Option<PausedUntil>) -> Option<Pause> {
    let at = match until {
        None => return Some(Pause::default()),
        Some(PausedUntil::Idle) => return Some(Pause { until_idle: true, ..Pause::default() }),
        Some(PausedUntil::At(at)) => at,
    };
    let left = u64::try_from(at.as_millis() - Timestamp::now().as_millis()).ok().filter(|left| *left > 0)?;
    let end = Instant::now().checked_add(Duration::from_millis(left))?;
    Some(Pause { until: Some(end.into_std()), ..Pause::default() })
}

pub(super) fn hold_view(hold: worker_core::Hold) -> Hold {
    Hold { rule: hold.rule.as_str().to_owned(), reason: hold.reason }
}

pub(super) fn presence_view(presence: Option<studio_protocol::UserPresence>) -> Presence {
    match presence {
        None => Presence::Unknown,
        Some(studio_protocol::UserPresence::Active) => Presence::Active,
        Some(studio_protocol::UserPresence::Idle) => Presence::Idle,
    }
}
