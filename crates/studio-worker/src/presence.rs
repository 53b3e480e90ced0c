//! Looks at the machine for the owner's rules: whether somebody uses it, what runs on it, what it runs on.
//!
//! Nothing is looked at before a rule, or a pause until nobody uses the machine, needs it.

mod idle;
mod power;
mod programs;
mod screen;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use studio_protocol::UserPresence;
use studio_runtime::Tasks;
use tokio::sync::{mpsc, oneshot, watch};
use worker_core::{Input, LocalTime, Rules, Seen};

use crate::daemon::News;

/// Between two looks: a game has its memory within seconds, and a look takes a few milliseconds of one processor.
const INTERVAL: Duration = Duration::from_secs(5);

/// How the machine is looked at; each look may block its thread for a moment.
#[derive(Clone)]
pub struct Probes {
    /// How long nobody has touched it, where that can be told.
    pub idle: Arc<dyn Fn() -> Option<Duration> + Send + Sync>,
    /// Whether a program fills the screen, where that can be seen.
    pub fullscreen: Arc<dyn Fn() -> Option<bool> + Send + Sync>,
    /// Where Linux tells of batteries and mains.
    pub power_supplies: PathBuf,
    /// Between two looks.
    pub interval: Duration,
}

impl std::fmt::Debug for Probes {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Probes").field("power_supplies", &self.power_supplies).finish_non_exhaustive()
    }
}

impl Default for Probes {
    fn default() -> Self {
        Self {
            idle: Arc::new(idle::idle_for),
            fullscreen: Arc::new(screen::is_filled),
            power_supplies: power::SYSFS.into(),
            interval: INTERVAL,
        }
    }
}

/// What has to be looked at.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Needs {
    pub(crate) rules: Rules,
    /// A pause ends once nobody uses the machine.
    pub(crate) until_idle: bool,
}

impl Needs {
    fn any(&self) -> bool {
        self.rules.any() || self.until_idle
    }

    fn presence(&self) -> bool {
        self.rules.only_when_idle || self.until_idle
    }
}

impl Probes {
    /// Blocks the thread.
    pub(crate) fn look(&self, needs: &Needs) -> Seen {
        let rules = &needs.rules;
        let presence = || {
            let is_idle = (self.idle)()? >= rules.idle_after;
            Some(if is_idle { UserPresence::Idle } else { UserPresence::Active })
        };
        Seen {
            presence: needs.presence().then(presence).flatten(),
            fullscreen: rules.pause_on_fullscreen.then(|| (self.fullscreen)()).flatten(),
            programs: programs::running(&rules.pause_for_programs),
            on_battery: rules.pause_on_battery.then(|| power::on_battery(&self.power_supplies)).flatten(),
            local: (!rules.schedule.is_always()).then(local_time),
        }
    }
}

fn local_time() -> LocalTime {
    let now = jiff::Zoned::now();
    LocalTime {
        weekday: now.weekday().to_monday_zero_offset().unsigned_abs(),
        minute: u16::from(now.hour().unsigned_abs()) * 60 + u16::from(now.minute().unsigned_abs()),
    }
}

/// Looks as long as something needs it, and tells the daemon what has changed.
pub(crate) async fn watch(
    tasks: Tasks,
    probes: Probes,
    mut needs: watch::Receiver<Needs>,
    news: mpsc::Sender<News>,
) {
    let mut told: Option<Seen> = None;
    let mut unseen = Unseen::default();
    loop {
        let wanted = needs.borrow_and_update().clone();
        if !wanted.any() {
            told = None;
            if needs.changed().await.is_err() {
                return;
            }
            continue;
        }
        let Some(seen) = look(&tasks, &probes, &wanted).await else { return };
        unseen.tell(&wanted, &seen);
        if told.as_ref() != Some(&seen) {
            told = Some(seen.clone());
            if news.send(News::Core(Input::Seen(Box::new(seen)))).await.is_err() {
                return;
            }
        }
        tokio::select! {
            changed = needs.changed() => {
                if changed.is_err() {
                    return;
                }
                // Whoever changed the rules waits for a look that knows them.
                told = None;
            }
            () = tokio::time::sleep(probes.interval) => {}
        }
    }
}

async fn look(tasks: &Tasks, probes: &Probes, needs: &Needs) -> Option<Seen> {
    let (answer, answered) = oneshot::channel();
    let (probes, needs) = (probes.clone(), needs.clone());
    tasks.spawn_blocking(move || {
        let _ = answer.send(probes.look(&needs));
    });
    answered.await.ok()
}

/// What was told to be invisible: each is said once.
#[derive(Debug, Default)]
struct Unseen {
    presence: bool,
    fullscreen: bool,
    power: bool,
}

impl Unseen {
    fn tell(&mut self, needs: &Needs, seen: &Seen) {
        if needs.presence() && seen.presence.is_none() && !std::mem::replace(&mut self.presence, true) {
            tracing::warn!(
                "nobody can tell whether somebody uses this machine (no desktop session is reached): \
                 it counts as used, and a pause until it is idle ends only by hand"
            );
        }
        if needs.rules.pause_on_fullscreen
            && seen.fullscreen.is_none()
            && !std::mem::replace(&mut self.fullscreen, true)
        {
            tracing::warn!("`pause_on_fullscreen` has no effect: {}", screen::WHY_UNSEEN);
        }
        if needs.rules.pause_on_battery
            && seen.on_battery.is_none()
            && !std::mem::replace(&mut self.power, true)
        {
            tracing::warn!("`pause_on_battery` has no effect: {}", power::WHY_UNSEEN);
        }
    }
}
