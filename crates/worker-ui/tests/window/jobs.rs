//! The page Jobs: what runs, the history, filters, details and keys.

use std::sync::Arc;

use eframe::egui::{Key, OutputCommand};
use egui_kittest::kittest::Queryable;
use studio_protocol::TaskKind;
use worker_local::{JobEnd, JobFilter};
use worker_ui::{Command, History, Page, View, samples};

use crate::harness::{Window, show, window};

fn row(number: u64) -> String {
    let record = samples::record(number);
    let title = if record.name.is_empty() { record.prompt } else { record.name };
    title.split(',').next().unwrap().to_owned()
}

fn selected(window: &Window) -> Vec<String> {
    use eframe::egui::accesskit::{Role, Toggled};
    use egui_kittest::kittest::NodeT;
    window
        .get_all_by_role(Role::ListItem)
        .filter(|node| node.accesskit_node().toggled() == Some(Toggled::True))
        .map(|node| node.accesskit_node().label().unwrap_or_default())
        .collect()
}

#[test]
fn a_running_job_says_how_far_it_is_and_can_be_given_back() {
    let mut window = window(Page::Jobs, samples::few());
    window.get_by_label("Running, step 14 of 20, about 35 s left");
    window.get_by_label("Progress of meadow-at-dawn");
    window.get_by_label("Loading the model, 3.0 GiB of 5.0 GiB");
    window.get_by_label("Give back").click();
    window.run();
    window.get_by_label("Give this job back?");
    window.get_all_by_label("Give back").last().unwrap().click();
    window.run();
    let id = samples::busy().jobs[0].id.clone();
    assert_eq!(window.state_mut().sent(), [Command::Release { id: id.clone() }]);

    let mut view = samples::few();
    view.pending = Arc::new([format!("release {id}")].into());
    show(&mut window, view);
    window.get_by_label("Give back").click();
    window.run();
    assert!(window.query_by_label("Give this job back?").is_none(), "it is on its way");
}

#[test]
fn the_history_has_days_and_only_rows_that_are_seen() {
    let window = window(Page::Jobs, samples::many());
    window.get_by_label("10,000 jobs");
    let rows = window.get_all_by_role(eframe::egui::accesskit::Role::ListItem).count();
    assert!((5..40).contains(&rows), "{rows}");
}

#[test]
fn arrows_move_enter_opens_and_escape_closes() {
    let mut window = window(Page::Jobs, samples::few());
    window.key_press(Key::ArrowDown);
    window.key_press(Key::ArrowDown);
    window.run();
    assert!(selected(&window)[0].starts_with(&row(9_999)));
    window.key_press(Key::Enter);
    window.run();
    let id = samples::record(9_999).id;
    assert_eq!(window.state_mut().sent(), [Command::OpenJob(Some(id))]);
    window.get_by_label("Close the details");
    window.key_press(Key::End);
    window.run();
    assert!(selected(&window)[0].starts_with(&row(9_977)), "the list follows");
    let id = samples::record(9_977).id;
    assert_eq!(window.state_mut().sent(), [Command::OpenJob(Some(id))]);
    window.key_press(Key::Escape);
    window.run();
    assert_eq!(window.state_mut().sent(), [Command::OpenJob(None)]);
    assert!(window.query_by_label("Close the details").is_none());
    window.key_press(Key::Home);
    window.run();
    assert!(selected(&window)[0].starts_with(&row(10_000)));
}

#[test]
fn details_show_the_log_and_copy_the_id() {
    let mut window = window(Page::Jobs, samples::with_detail(samples::few()));
    window.get_all_by_label_contains("14:25").next().unwrap().click();
    window.run();
    window.get_by_label("claimed, attempt 1");
    window.get_by_label_contains("Picture of");
    window.get_by_label("Copy the job's id").click();
    window.step();
    let copied = window.output().platform_output.commands.clone();
    assert_eq!(copied, [OutputCommand::CopyText(samples::record(10_000).id)]);
    window.run();
    window.get_by_label("Close the details").click();
    window.run();
    assert!(window.query_by_label("claimed, attempt 1").is_none());
}

#[test]
fn filters_and_search_ask_for_other_jobs_and_can_be_cleared() {
    let mut window = window(Page::Jobs, samples::few());
    window.get_by_label("Kind: all").click();
    window.run();
    window.get_all_by_label("Picture").last().unwrap().click();
    window.run();
    let filter = JobFilter { kind: Some(TaskKind::Image), ..JobFilter::default() };
    assert_eq!(window.state_mut().sent(), [Command::ShowJobs(filter.clone())]);
    window.get_by_label("Result: all").click();
    window.run();
    window.get_all_by_label("Failed").last().unwrap().click();
    window.run();
    let filter = JobFilter { end: Some(JobEnd::Failed), ..filter };
    assert_eq!(window.state_mut().sent(), [Command::ShowJobs(filter.clone())]);

    window.key_press_modifiers(eframe::egui::Modifiers::COMMAND, Key::F);
    window.run();
    window.get_by_label("Search jobs").type_text("fox");
    window.step();
    assert!(window.state_mut().sent().is_empty(), "typing goes on");
    window.run_steps(4);
    let filter = JobFilter { search: Some("fox".into()), ..filter };
    assert_eq!(window.state_mut().sent(), [Command::ShowJobs(filter)]);

    let history = History { generation: 9, ..History::default() };
    show(&mut window, View { history: Arc::new(history), ..samples::few() });
    window.get_by_label("No job matches");
    window.get_by_label("Show all jobs").click();
    window.run_steps(6);
    assert_eq!(window.state_mut().sent(), [Command::ShowJobs(JobFilter::default())]);
}

#[test]
fn older_jobs_are_asked_for_before_the_end_is_seen() {
    let view = View { history: Arc::new(samples::history(200, true)), ..samples::few() };
    let mut window = window(Page::Jobs, view);
    assert!(window.state_mut().sent().is_empty());
    window.key_press(Key::End);
    window.run();
    assert!(window.state_mut().sent().contains(&Command::MoreJobs));
}

#[test]
fn no_jobs_yet_and_no_answer_are_told_apart() {
    let mut window = window(Page::Jobs, samples::none());
    window.get_by_label("No job runs now");
    window.get_by_label("No jobs yet");
    show(&mut window, samples::troubled());
    window.get_by_label("The history could not be read");
    window.get_by_label_contains("connection refused");
    window.get_by_label("Try again").click();
    window.run();
    assert_eq!(window.state_mut().sent(), [Command::Refresh]);
}
