//! The owner's rules: which of them keep jobs away, by what is seen of the machine.

mod schedule;

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use studio_protocol::UserPresence;

pub use schedule::{LocalTime, Schedule, ScheduleError};

/// How long the cause of a rule has to be gone before jobs are taken again: between two programs of a player, or two
/// looks that disagree, no model is loaded and thrown out again.
pub const HOLD_LINGER: Duration = Duration::from_secs(30);
/// Untouched for this long, the machine is nobody's.
pub const DEFAULT_IDLE_AFTER: Duration = Duration::from_mins(5);

/// What the owner wants.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rules {
    /// Jobs only while nobody uses the machine.
    pub only_when_idle: bool,
    /// Untouched for this long, nobody uses it.
    pub idle_after: Duration,
    /// No jobs while a program fills the screen.
    pub pause_on_fullscreen: bool,
    /// No jobs while one of these runs.
    pub pause_for_programs: Vec<String>,
    /// No jobs without mains.
    pub pause_on_battery: bool,
    /// Jobs only at these times.
    pub schedule: Schedule,
    /// What a rule does to running jobs when it begins: they go back and engines end at once, or they are finished first.
    /// Unset: at once for a full screen and for programs.
    pub free_memory: Option<bool>,
}

impl Default for Rules {
    fn default() -> Self {
        Self {
            only_when_idle: false,
            idle_after: DEFAULT_IDLE_AFTER,
            pause_on_fullscreen: false,
            pause_for_programs: Vec::new(),
            pause_on_battery: false,
            schedule: Schedule::default(),
            free_memory: None,
        }
    }
}

/// Which rule; its word is the setting that it comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Rule {
    /// Nobody may use the machine.
    OnlyWhenIdle,
    /// A program fills the screen.
    Fullscreen,
    /// A listed program runs.
    Programs,
    /// No mains.
    Battery,
    /// Not at this time.
    Schedule,
}

impl Rule {
    /// In the order in which they are told.
    pub const ALL: [Self; 5] =
        [Self::OnlyWhenIdle, Self::Fullscreen, Self::Programs, Self::Battery, Self::Schedule];

    /// The setting.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::OnlyWhenIdle => "only_when_idle",
            Self::Fullscreen => "pause_on_fullscreen",
            Self::Programs => "pause_for_programs",
            Self::Battery => "pause_on_battery",
            Self::Schedule => "schedule",
        }
    }
}

/// What is seen of the machine now; what nobody looked at, or cannot be seen, is absent.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Seen {
    /// Whether somebody uses the machine.
    pub presence: Option<UserPresence>,
    /// Whether a program fills the screen.
    pub fullscreen: Option<bool>,
    /// Which of the listed programs run.
    pub programs: Vec<String>,
    /// Whether the machine runs on battery.
    pub on_battery: Option<bool>,
    /// The clock on the wall.
    pub local: Option<LocalTime>,
}

/// A rule that keeps jobs away now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hold {
    /// Which.
    pub rule: Rule,
    /// For people.
    pub reason: String,
}

impl Rules {
    /// Whether any rule needs a look at the machine.
    pub fn any(&self) -> bool {
        Rule::ALL.into_iter().any(|rule| self.is_set(rule))
    }

    fn is_set(&self, rule: Rule) -> bool {
        match rule {
            Rule::OnlyWhenIdle => self.only_when_idle,
            Rule::Fullscreen => self.pause_on_fullscreen,
            Rule::Programs => !self.pause_for_programs.is_empty(),
            Rule::Battery => self.pause_on_battery,
            Rule::Schedule => !self.schedule.is_always(),
        }
    }

    /// Whether running jobs go back when this rule begins to hold.
    pub fn is_urgent(&self, rule: Rule) -> bool {
        self.free_memory.unwrap_or(matches!(rule, Rule::Fullscreen | Rule::Programs))
    }

    /// Why the rule keeps jobs away, if it does.
    ///
    /// Presence that nobody can tell counts as somebody; a screen, a battery or a clock that nobody can see keeps
    /// nothing away.
    pub fn reason(&self, rule: Rule, seen: &Seen) -> Option<String> {
        if !self.is_set(rule) {
            return None;
        }
        match rule {
            Rule::OnlyWhenIdle => match seen.presence {
                Some(UserPresence::Idle) => None,
                Some(UserPresence::Active) => Some("somebody uses the machine".to_owned()),
                None => Some("nobody can tell whether somebody uses the machine".to_owned()),
            },
            Rule::Fullscreen => {
                (seen.fullscreen == Some(true)).then(|| "a program fills the screen".to_owned())
            }
            Rule::Programs => {
                let names: Vec<_> = seen.programs.iter().map(|name| format!("`{name}`")).collect();
                let verb = if names.len() == 1 { "runs" } else { "run" };
                (!names.is_empty()).then(|| format!("{} {verb}", names.join(", ")))
            }
            Rule::Battery => {
                (seen.on_battery == Some(true)).then(|| "the machine runs on battery".to_owned())
            }
            Rule::Schedule => {
                let now = seen.local.filter(|now| !self.schedule.allows(*now))?;
                let next = self.schedule.next_start(now)?;
                Some(format!("the schedule allows no jobs before {next}"))
            }
        }
    }
}

/// A hold, and when it ends.
#[derive(Debug, Clone)]
struct Held {
    reason: String,
    /// Set while its cause is gone.
    ends: Option<Instant>,
    /// There is no cause yet: nobody has looked.
    is_blind: bool,
}

/// The rules over time.
#[derive(Debug, Default)]
pub(crate) struct Owner {
    pub(crate) rules: Rules,
    /// Absent before the first look.
    pub(crate) seen: Option<Seen>,
    held: BTreeMap<Rule, Held>,
}

/// What came of a look.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Change {
    /// From no hold to some, or back.
    pub(crate) turned: bool,
    /// A rule that takes the machine back at once has begun to hold.
    pub(crate) urgent: bool,
}

impl Owner {
    pub(crate) fn new(rules: Rules) -> Self {
        Self { rules, ..Self::default() }
    }

    /// Other rules hold from now on.
    pub(crate) fn set_rules(&mut self, rules: Rules) {
        self.rules = rules;
        if !self.rules.any() {
            self.seen = None;
        }
    }

    /// Brings the holds up to `now`.
    pub(crate) fn update(&mut self, now: Instant) -> Change {
        let was_held = self.is_held();
        let mut urgent = false;
        for rule in Rule::ALL {
            let is_set = self.rules.is_set(rule);
            let reason = match &self.seen {
                Some(seen) => self.rules.reason(rule, seen),
                None => is_set.then(|| "the machine was not looked at yet".to_owned()),
            };
            let is_blind = self.seen.is_none();
            match (reason, self.held.get_mut(&rule)) {
                (Some(reason), held) => {
                    let is_new = held.is_none_or(|held| held.is_blind);
                    urgent |= is_new && !is_blind && self.rules.is_urgent(rule);
                    self.held.insert(rule, Held { reason, ends: None, is_blind });
                }
                (None, Some(held)) => {
                    let lingers = is_set && rule != Rule::Schedule && !held.is_blind;
                    if !lingers || *held.ends.get_or_insert(now + HOLD_LINGER) <= now {
                        self.held.remove(&rule);
                    }
                }
                (None, None) => {}
            }
        }
        Change { turned: was_held != self.is_held(), urgent }
    }

    /// When a hold ends by itself.
    pub(crate) fn due(&self) -> Option<Instant> {
        self.held.values().filter_map(|held| held.ends).min()
    }

    pub(crate) fn is_held(&self) -> bool {
        !self.held.is_empty()
    }

    /// Whether a rule wants the memory back, and whether at once.
    pub(crate) fn wants_memory(&self) -> Option<bool> {
        let causes = self.held.iter().filter(|(_, held)| !held.is_blind);
        causes.map(|(rule, _)| self.rules.is_urgent(*rule)).max()
    }

    pub(crate) fn holds(&self) -> impl Iterator<Item = Hold> {
        self.held.iter().map(|(rule, held)| Hold { rule: *rule, reason: held.reason.clone() })
    }

    pub(crate) fn first_reason(&self) -> Option<&str> {
        self.held.values().next().map(|held| held.reason.as_str())
    }

    pub(crate) fn presence(&self) -> Option<UserPresence> {
        self.seen.as_ref().and_then(|seen| seen.presence)
    }
}

#[cfg(test)]
mod tests;
