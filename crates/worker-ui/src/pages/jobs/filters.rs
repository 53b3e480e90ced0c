//! Which jobs of the history are listed.

use std::time::Duration;

use eframe::egui::{Align, Layout, RichText, Ui};
use studio_protocol::TaskKind;
use worker_local::{JobEnd, JobFilter, Origin};

use crate::theme::palette;
use crate::widgets::{choice, link_button};
use crate::{Command, Commands, View, words};

/// Typing goes on within it; each question reads the whole history.
const TYPING: f64 = 0.25;

/// What the fields say.
#[derive(Debug, Default, Clone, PartialEq)]
pub(super) struct Filters {
    pub(super) search: String,
    kind: Option<TaskKind>,
    end: Option<JobEnd>,
    origin: Option<Origin>,
    day: Option<String>,
    /// The text as the latest frame had it.
    typed: String,
    /// When the text is taken as it is.
    due: Option<f64>,
    /// What was asked for last.
    asked: Option<JobFilter>,
}

impl Filters {
    /// Whether any job may be missing for them.
    pub(super) fn any(&self) -> bool {
        self.filter() != JobFilter::default()
    }

    /// All jobs again.
    pub(super) fn clear(&mut self) {
        *self = Self { asked: self.asked.take(), ..Self::default() };
    }

    fn filter(&self) -> JobFilter {
        let search = self.search.trim();
        JobFilter {
            kind: self.kind,
            end: self.end,
            origin: self.origin,
            day: self.day.clone(),
            search: (!search.is_empty()).then(|| search.to_owned()),
            ..JobFilter::default()
        }
    }
}

/// Draws the filters, and asks for other jobs when they change.
pub(super) fn filters_ui(ui: &mut Ui, view: &View, filters: &mut Filters, commands: &Commands) {
    ui.horizontal_wrapped(|ui| {
        let kinds = all("all", TaskKind::ALL, |kind| words::kind(kind).to_owned());
        let ends = [JobEnd::Done, JobEnd::Failed, JobEnd::Cancelled, JobEnd::Released];
        let ends = all("all", ends, |end| words::end(end).0.to_owned());
        let origins =
            all("anybody", [Origin::Studio, Origin::Local], |origin| words::origin(origin).to_owned());
        let days = view.history.days.iter().map(|day| day.day.clone());
        let days = all("all", days, |day| view.clock.day(&day));
        choice(ui, "Kind", &mut filters.kind, &kinds);
        choice(ui, "Result", &mut filters.end, &ends);
        choice(ui, "Asked by", &mut filters.origin, &origins);
        choice(ui, "Day", &mut filters.day, &days);
        if filters.any() && link_button(ui, "Clear filters").clicked() {
            filters.clear();
        }
        ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
            ui.label(RichText::new(count(view)).color(palette(ui).soft));
        });
    });
    ui.add_space(2.0);
    ask(ui, filters, commands);
}

fn all<T: Clone>(
    none: &str,
    each: impl IntoIterator<Item = T>,
    words: impl Fn(T) -> String,
) -> Vec<(Option<T>, String)> {
    let first = (None, none.to_owned());
    std::iter::once(first).chain(each.into_iter().map(|value| (Some(value.clone()), words(value)))).collect()
}

/// How many are listed, or how many there are where that is known.
fn count(view: &View) -> String {
    let history = &view.history;
    let here = history.rows.len() as u64;
    if history.busy && here == 0 {
        return "Reading…".to_owned();
    }
    if !history.more {
        return words::count(here, "job", "jobs");
    }
    let known = history.days.iter().map(|day| day.jobs).sum::<u64>();
    if history.filter == JobFilter::default() && known > here {
        return words::count(known, "job", "jobs");
    }
    format!("more than {}", words::count(here, "job", "jobs"))
}

fn ask(ui: &Ui, filters: &mut Filters, commands: &Commands) {
    let filter = filters.filter();
    // Before the first question, the list is the controller's: all jobs.
    let asked = filters.asked.clone().unwrap_or_default();
    if filter == asked {
        filters.due = None;
        return;
    }
    let now = ui.input(|input| input.time);
    let typing = JobFilter { search: asked.search.clone(), ..filter.clone() } == asked;
    if typing {
        if filters.typed != filters.search {
            filters.typed.clone_from(&filters.search);
            filters.due = Some(now + TYPING);
        }
        let due = filters.due.unwrap_or(now);
        if now < due {
            ui.ctx().request_repaint_after(Duration::from_secs_f64(due - now));
            return;
        }
    }
    if commands.send(Command::ShowJobs(filter.clone())) {
        filters.asked = Some(filter);
        filters.due = None;
    }
}
