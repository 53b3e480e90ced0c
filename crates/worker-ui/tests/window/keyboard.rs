//! Everything that can be used is reached with the Tab key.

use std::collections::BTreeSet;

use eframe::egui::{Key, Role};
use egui_kittest::kittest::{NodeT, Queryable};
use worker_ui::{Page, View, samples};

use crate::harness::{Window, window};

/// More than any page has controls.
const STEPS: usize = 150;

fn is_control(role: Role) -> bool {
    matches!(role, Role::Button | Role::TextInput | Role::CheckBox | Role::RadioButton | Role::ComboBox)
}

fn names(window: &Window, wanted: impl Fn(&egui_kittest::Node<'_>) -> bool) -> BTreeSet<String> {
    let controls = window.query_all_by(|node| is_control(node.role()) && !node.is_disabled());
    controls.filter(wanted).filter_map(|node| node.accesskit_node().label()).collect()
}

/// Goes once around the window, and says what was never reached.
fn missed(page: Page, view: View) -> BTreeSet<String> {
    let mut window = window(page, view);
    let mut missed = names(&window, |_| true);
    assert!(missed.len() > 6, "{missed:?}");
    for _ in 0..STEPS {
        window.key_press(Key::Tab);
        window.step();
        for reached in names(&window, |node| node.accesskit_node().is_focused()) {
            missed.remove(&reached);
        }
        if missed.is_empty() {
            break;
        }
    }
    missed
}

#[test]
fn tab_reaches_every_control_of_every_page() {
    let nothing = BTreeSet::new();
    for (page, view) in [
        (Page::Models, samples::few()),
        (Page::Worker, samples::pending()),
        (Page::Worker, samples::none()),
        (Page::Config, samples::none()),
        (Page::About, samples::few()),
        (Page::Jobs, samples::unreachable()),
        (Page::Jobs, samples::rejected()),
    ] {
        assert_eq!(missed(page, view), nothing, "{page:?}");
    }
}
