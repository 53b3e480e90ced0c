//! A few pictures of whole pages, compared pixel by pixel: what no label says.
//!
//! `UPDATE_SNAPSHOTS=true` makes them anew. A software renderer is enough; without any, the tests fail and say so.

use eframe::egui::{Theme, Vec2};
use egui_kittest::kittest::Queryable;
use worker_ui::{Page, samples};

use crate::harness::{sized, snapshot};

const USUAL: Vec2 = Vec2::new(1120.0, 740.0);
const SMALL: Vec2 = Vec2::new(760.0, 520.0);

#[test]
fn jobs_by_night() {
    let mut window = sized(Page::Jobs, samples::few(), Theme::Dark, USUAL);
    snapshot(&mut window, "jobs-dark");
}

#[test]
fn jobs_by_day_with_details() {
    let mut window = sized(Page::Jobs, samples::with_detail(samples::few()), Theme::Light, USUAL);
    window.get_all_by_label_contains("Done").next().unwrap().click();
    window.run();
    snapshot(&mut window, "jobs-detail-light");
}

#[test]
fn jobs_in_a_small_window() {
    let mut window = sized(Page::Jobs, samples::few(), Theme::Light, SMALL);
    snapshot(&mut window, "jobs-small-light");
}

#[test]
fn no_jobs_by_night() {
    let mut window = sized(Page::Jobs, samples::none(), Theme::Dark, SMALL);
    snapshot(&mut window, "jobs-none-dark");
}
