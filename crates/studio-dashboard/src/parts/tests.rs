//! What is true of every piece of markup, and what tests render with.

use std::collections::HashSet;

use maud::{Markup, html};
use studio_protocol::Timestamp;
use studio_store::{JobState, Role};

use super::*;
use crate::layout::{Area, Counts, Shell, Viewer};

/// Somebody of `role` on the home page.
pub fn shell(role: Role) -> Shell {
    Shell {
        title: "Home".to_owned(),
        area: Some(Area::Home),
        viewer: Some(Viewer { name: "Ada".to_owned(), role, csrf: "token".to_owned() }),
        version: "0.1.0".to_owned(),
        counts: Counts::default(),
        now: Timestamp::from_millis(1_779_710_400_000),
    }
}

/// The text of `html`, which must keep what every page keeps: nothing inline, ids once, labels and names that lead
/// somewhere.
pub fn check(html: &Markup) -> String {
    let text = html.0.clone();
    for banned in [" style=", " onclick=", " onload=", "<style", "javascript:"] {
        assert!(!text.contains(banned), "`{banned}` is inline: {text}");
    }
    for (at, _) in text.match_indices("<script") {
        assert!(
            text[at..].starts_with("<script src=") || text[at..].starts_with("<script type=\"module\" src=")
        );
    }
    let ids: Vec<&str> = values(&text, " id=\"").collect();
    let unique: HashSet<&str> = ids.iter().copied().collect();
    let twice: Vec<&&str> =
        ids.iter().filter(|id| ids.iter().filter(|other| other == id).count() > 1).collect();
    assert!(twice.is_empty(), "ids stand twice: {twice:?}");
    for target in values(&text, " for=\"") {
        assert!(unique.contains(target), "a label is for `{target}`, which is not there");
    }
    for list in values(&text, " aria-labelledby=\"").chain(values(&text, " aria-describedby=\"")) {
        for target in list.split(' ') {
            assert!(unique.contains(target), "`{target}` is named and not there");
        }
    }
    for target in values(&text, " data-open=\"") {
        assert!(unique.contains(target), "a button opens `{target}`, which is not there");
    }
    for call in values(&text, " data-api=\"").chain(values(&text, " data-each=\"")) {
        let (method, path) = call.split_once(' ').expect("method and address");
        assert!(["POST", "PUT", "PATCH", "DELETE"].contains(&method) && path.starts_with("/api/"), "{call}");
    }
    for tag in values(&text, " data-live=\"") {
        assert!(!tag.is_empty());
    }
    live_regions_have_ids(&text);
    text
}

fn live_regions_have_ids(text: &str) {
    for (at, _) in text.match_indices(" data-live=\"") {
        let start = text[..at].rfind('<').expect("an attribute stands in a tag");
        let end = at + text[at..].find('>').expect("a tag ends");
        assert!(text[start..end].contains(" id=\""), "a live region has no id: {}", &text[start..end]);
    }
}

fn values<'a>(text: &'a str, attribute: &'a str) -> impl Iterator<Item = &'a str> {
    text.match_indices(attribute).filter_map(move |(at, _)| text[at + attribute.len()..].split('"').next())
}

#[test]
fn the_small_parts_render() {
    let now = Timestamp::from_millis(1_000);
    for state in JobState::ALL {
        assert!(check(&job_state(*state)).contains(state.as_str()));
    }
    assert!(check(&time(now, now)).contains("datetime=\"1970-01-01T00:00:01.000Z\""));
    assert!(check(&meter("Memory", 3.0, 4.0, 0.9, "3 of 4")).contains("value=\"0.7500\""));
    assert!(check(&meter("Memory", 3.0, 0.0, 0.9, "unknown")).contains("value=\"0.0000\""));
    assert!(check(&more(Some("/jobs?cursor=1"))).contains("Older"));
    assert_eq!(check(&more(None)), "");
    assert!(check(&tabs("Settings", &[("Users", "/u"), ("Keys", "/k")], "/k")).contains("/k\" aria-current"));
    assert!(check(&copy("code", "a & b")).contains("a &amp; b"));
    assert!(check(&empty("Nothing", &html! { p { "Yet" } })).contains("Nothing"));
    assert!(check(&badge("good", "online")).contains("badge good"));
}

#[test]
fn progress_shows_for_running_jobs_alone() {
    let mut job = crate::samples::job("job-1", JobState::Running);
    assert!(check(&job_progress(&job)).contains("step"));
    job.state = JobState::Queued;
    assert!(check(&job_progress(&job)).contains("hidden"));
}
