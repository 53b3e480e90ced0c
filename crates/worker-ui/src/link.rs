//! What stands in the way of the pages, or above them: no daemon, another one, a studio that does not have this worker.
//!
//! What it is and what can be done is decided in `states`; this draws it. Each has a plain message and a button.

mod draw;
mod states;

use eframe::egui::Ui;
use worker_local::RegistrationState;

use crate::{Commands, Page, View};
use states::Place;

pub(crate) use states::ended_title;

/// Whether the page is drawn as well.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shown {
    /// Nothing, or a line above the page.
    Beside,
    /// A message in place of the page.
    Instead,
}

/// What the messages remember between frames.
#[derive(Debug, Default)]
pub struct LinkState {
    /// The worker was approved when it was seen last: a registration now is one anew.
    was_approved: bool,
}

impl LinkState {
    fn follow(&mut self, view: &View) {
        match view.status.as_ref().map(|status| status.registration.state) {
            Some(RegistrationState::Approved) => self.was_approved = true,
            // A rejection is an answer of its own, whatever was before.
            Some(RegistrationState::Rejected) => self.was_approved = false,
            Some(RegistrationState::Pristine | RegistrationState::Pending) | None => {}
        }
    }
}

/// Draws what stands in the way of the pages, if anything does.
pub fn link_ui(ui: &mut Ui, view: &View, page: Page, state: &mut LinkState, commands: &Commands) -> Shown {
    state.follow(view);
    let mut shown = Shown::Beside;
    for message in states::messages(view, state.was_approved) {
        match message.place {
            // Version, licence and the way out are there without a daemon too.
            Place::Instead if page == Page::About => draw::above(ui, view, &message, page, commands),
            Place::Instead => {
                draw::instead(ui, view, &message, commands);
                shown = Shown::Instead;
            }
            Place::Above => draw::above(ui, view, &message, page, commands),
        }
    }
    shown
}
