//! Which sessions could be offered a job of each class, and in which order.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use crate::SessionId;
use crate::queue::ClassId;
use crate::session::{Pace, Warmth};

/// How many steps of [`crate::SPEED_RATIO`] below the fastest make a session one that is used only when all others
/// are busy, whatever it has loaded: about four times as slow, more than loading a model is worth.
const MUCH_SLOWER_STEPS: i32 = 6;

/// Who is offered a job first: not much slower than the fastest, the model is loaded, then who is faster, then who
/// waits longest.
pub(super) type Rank = (bool, Warmth, Pace, u64, SessionId);

/// A session as one class sees it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Fit {
    pub class: ClassId,
    pub warmth: Warmth,
    pub pace: Pace,
    /// Set when it has room: how long it waits.
    pub free_since: Option<u64>,
}

#[derive(Debug, Default)]
struct Class {
    /// The sessions that could be offered one of its jobs now, best first.
    ready: BTreeSet<Rank>,
    /// How many sessions have its model loaded, busy ones included.
    loaded: usize,
    /// How many sessions have each speed, busy ones included.
    paces: BTreeMap<Pace, usize>,
}

impl Class {
    fn fastest(&self) -> Option<i32> {
        self.paces.keys().find_map(|pace| match pace {
            Pace::Measured(step) => Some(*step),
            Pace::Untried | Pace::Unknown => None,
        })
    }

    fn rank(&self, fit: &Fit, session: SessionId) -> Option<Rank> {
        let is_slow = match (fit.pace, self.fastest()) {
            (Pace::Measured(step), Some(fastest)) => step - fastest >= MUCH_SLOWER_STEPS,
            (Pace::Untried | Pace::Unknown, _) | (Pace::Measured(_), None) => false,
        };
        Some((is_slow, fit.warmth, fit.pace, fit.free_since?, session))
    }

    fn count(&mut self, fit: &Fit) {
        self.loaded += usize::from(fit.warmth == Warmth::Loaded);
        *self.paces.entry(fit.pace).or_default() += 1;
    }

    fn uncount(&mut self, fit: &Fit) {
        self.loaded -= usize::from(fit.warmth == Warmth::Loaded);
        if let Some(sessions) = self.paces.get_mut(&fit.pace) {
            *sessions -= 1;
            if *sessions == 0 {
                self.paces.remove(&fit.pace);
            }
        }
    }
}

/// Every session's place in every class that it serves.
#[derive(Debug, Default)]
pub(super) struct Standing {
    classes: Vec<Class>,
    fits: HashMap<SessionId, Vec<Fit>>,
}

impl Standing {
    pub fn class_count(&self) -> usize {
        self.classes.len()
    }

    pub fn grow(&mut self, classes: usize) {
        self.classes.resize_with(classes, Class::default);
    }

    /// The session that is offered a job of `class` first, after `passed`.
    pub fn next(&self, class: ClassId, passed: Option<Rank>) -> Option<Rank> {
        use std::ops::Bound;
        let after = passed.map_or(Bound::Unbounded, Bound::Excluded);
        self.classes[class.0].ready.range((after, Bound::Unbounded)).next().copied()
    }

    /// The classes that a session has room for.
    pub fn open(&self, session: SessionId) -> impl Iterator<Item = &Fit> {
        self.fits.get(&session).into_iter().flatten().filter(|fit| fit.free_since.is_some())
    }

    /// Whether a session has the model of `class` loaded.
    pub fn is_loaded(&self, class: ClassId) -> bool {
        self.classes[class.0].loaded > 0
    }

    /// Puts a session where it now belongs; without `fits` it is nowhere.
    pub fn set(&mut self, session: SessionId, fits: Vec<Fit>) {
        let former = self.fits.remove(&session).unwrap_or_default();
        let touched: BTreeSet<ClassId> = former.iter().chain(&fits).map(|fit| fit.class).collect();
        let fastest: Vec<(ClassId, Option<i32>)> =
            touched.into_iter().map(|class| (class, self.classes[class.0].fastest())).collect();
        for fit in &former {
            let class = &mut self.classes[fit.class.0];
            if let Some(rank) = class.rank(fit, session) {
                class.ready.remove(&rank);
            }
        }
        for fit in &former {
            self.classes[fit.class.0].uncount(fit);
        }
        for fit in &fits {
            self.classes[fit.class.0].count(fit);
        }
        for (class, before) in fastest {
            if self.classes[class.0].fastest() != before {
                self.measure_again(class);
            }
        }
        for fit in &fits {
            let class = &mut self.classes[fit.class.0];
            if let Some(rank) = class.rank(fit, session) {
                class.ready.insert(rank);
            }
        }
        if !fits.is_empty() {
            self.fits.insert(session, fits);
        }
    }

    /// The fastest session of a class is another: who is much slower is compared anew. Rare, because steps are wide.
    fn measure_again(&mut self, id: ClassId) {
        let class = &mut self.classes[id.0];
        let ready = std::mem::take(&mut class.ready);
        let ready = ready.into_iter().filter_map(|(_, warmth, pace, free_since, session)| {
            class.rank(&Fit { class: id, warmth, pace, free_since: Some(free_since) }, session)
        });
        class.ready = ready.collect();
    }
}
