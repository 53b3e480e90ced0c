//! The page Config.

use std::collections::BTreeMap;
use std::sync::Arc;

use eframe::egui::{Theme, Vec2};
use egui_kittest::kittest::Queryable;
use serde_json::{Value, json};
use worker_local::{ConfigChange, ConfigProblem, ConfigView, ShutdownAsk};
use worker_ui::{Command, Fetched, Page, Saving, View, samples};

use crate::harness::{Window, control, copied, is_disabled, looks, press, show, sized, text, typed, window};

fn page() -> Window {
    window(Page::Config, samples::none())
}

fn with(change: impl FnOnce(&mut ConfigView)) -> View {
    let mut config = samples::config();
    change(&mut config);
    View { config: Fetched::here(config), ..samples::none() }
}

fn changes<const N: usize>(changes: [(&str, Value); N]) -> Command {
    let changes: BTreeMap<String, Value> =
        changes.into_iter().map(|(key, value)| (key.to_owned(), value)).collect();
    Command::ChangeConfig(ConfigChange { changes })
}

#[test]
fn every_kind_of_setting_is_changed_by_its_name_and_saved_at_once() {
    let mut window = page();
    assert!(is_disabled(&window, "Save") && is_disabled(&window, "Discard"));
    typed(&mut window, "Address of the studio", "https://other.example");
    typed(&mut window, "Memory for jobs, GiB", "7.5");
    typed(&mut window, "Models at once", "6");
    typed(&mut window, "Folder of the models", "/data/models");
    press(&mut window, "Pause on battery");
    typed(&mut window, "Pause while these run", "blender\nobs");
    press(&mut window, "Format of the log");
    press(&mut window, "json");
    window.get_by_label("7 changes, not saved yet");
    press(&mut window, "Save");
    let expected = changes([
        ("api_base_url", json!("https://other.example")),
        ("vram_threshold_gb", json!(7.5)),
        ("max_lanes", json!(6)),
        ("models_root", json!("/data/models")),
        ("pause_on_battery", json!(false)),
        ("pause_programs", json!(["blender", "obs"])),
        ("log_format", json!("json")),
    ]);
    assert_eq!(window.state_mut().sent(), [expected]);
}

#[test]
fn drafts_are_discarded_all_at_once() {
    let mut window = page();
    typed(&mut window, "Models at once", "6");
    press(&mut window, "Pause on battery");
    press(&mut window, "Discard");
    assert_eq!(text(&window, "Models at once"), "4");
    assert!(is_disabled(&window, "Save"));
    assert!(window.state_mut().sent().is_empty());
}

#[test]
fn what_is_wrong_is_said_at_the_field_and_nothing_is_sent() {
    let mut window = page();
    typed(&mut window, "Models at once", "99");
    press(&mut window, "Pause on battery");
    window.get_by_label("A whole number from 1 to 16");
    window.get_by_label("1 setting to put right before saving");
    assert!(is_disabled(&window, "Save"));
    typed(&mut window, "Models at once", "9");
    assert!(!is_disabled(&window, "Save"));
}

#[test]
fn what_the_worker_refuses_is_said_at_the_field_until_it_is_edited() {
    let mut window = page();
    typed(&mut window, "Folder of the models", "/nowhere");
    let problem = ConfigProblem { key: "models_root".into(), problem: "no such folder".into() };
    let saving = Saving {
        problems: Arc::new(vec![problem]),
        trouble: Some("1 setting was refused".into()),
        ..Saving::default()
    };
    show(&mut window, View { saving, ..samples::none() });
    window.get_by_label("no such folder");
    typed(&mut window, "Folder of the models", "/data");
    assert!(window.query_by_label("no such folder").is_none());
    press(&mut window, "Save");
    assert_eq!(window.state_mut().sent(), [changes([("models_root", json!("/data"))])]);

    let saving = Saving { trouble: Some("The worker does not answer".into()), ..Saving::default() };
    show(&mut window, View { saving, ..samples::none() });
    window.get_by_label("The worker does not answer");
}

#[test]
fn what_was_saved_is_no_draft_any_more() {
    let mut window = page();
    typed(&mut window, "Models at once", "6");
    let mut view = with(|config| config.settings[2].value = Some(json!(6)));
    view.saving = Saving { saved: 1, ..Saving::default() };
    show(&mut window, view);
    assert!(is_disabled(&window, "Save") && is_disabled(&window, "Discard"));
    assert_eq!(text(&window, "Models at once"), "6");
}

#[test]
fn a_setting_goes_back_to_its_default() {
    let view = with(|config| {
        config.settings[2].default = Some(json!(2));
        config.settings[3].default = Some(json!("the platform's data folder"));
    });
    let mut window = window(Page::Config, view);
    window.get_by_label_contains("Default: the platform's data folder");
    press(&mut window, "Use the default of Models at once");
    window.get_by_label("Default: 2");
    press(&mut window, "Save");
    assert_eq!(window.state_mut().sent(), [changes([("max_lanes", Value::Null)])]);
}

#[test]
fn the_environment_wins_and_says_so() {
    let mut window = window(
        Page::Config,
        with(|config| config.settings[2].overridden_by = Some("STUDIO_WORKER_MAX_LANES".into())),
    );
    window.get_by_label_contains("STUDIO_WORKER_MAX_LANES wins over the file");
    assert!(is_disabled(&window, "Models at once"));
    show(&mut window, samples::none());
    assert!(!is_disabled(&window, "Models at once"));
}

#[test]
fn a_restart_is_asked_for_where_it_is_needed() {
    let mut window = page();
    window.get_by_label_contains("in use after a restart of the worker: Format of the log");
    press(&mut window, "End the worker after its jobs");
    press(&mut window, "End after its jobs");
    assert_eq!(window.state_mut().sent(), [Command::Shutdown(ShutdownAsk { after_jobs: true })]);
    show(&mut window, with(|config| config.restart_needed.clear()));
    assert!(window.query_by_label("End the worker after its jobs").is_none());
}

#[test]
fn settings_are_searched() {
    let mut window = page();
    typed(&mut window, "Search settings", "BATTERY");
    control(&window, "Pause on battery");
    assert!(window.query_by_label("Models at once").is_none());
    typed(&mut window, "Search settings", "nothing like this");
    press(&mut window, "Show all settings");
    control(&window, "Models at once");
}

#[test]
fn the_path_is_copied_and_trouble_has_its_words() {
    let mut window = page();
    assert_eq!(
        copied(&mut window, "Copy the path of the config file").as_deref(),
        Some("/home/ada/.config/studio-worker/config.toml")
    );
    show(&mut window, View { config: Fetched::default(), ..samples::none() });
    window.get_by_label("Reading the settings");
    let trouble = Fetched { value: None, trouble: Some("No answer".into()) };
    show(&mut window, View { config: trouble, ..samples::none() });
    press(&mut window, "Try again");
    assert_eq!(window.state_mut().sent(), [Command::Refresh]);
}

#[test]
fn it_looks_right() {
    let mut dark = page();
    typed(&mut dark, "Models at once", "99");
    press(&mut dark, "Pause on battery");
    let small = sized(Page::Config, samples::none(), Theme::Light, Vec2::new(720.0, 480.0));
    looks([("config-dark", dark), ("config-small-light", small)]);
}
