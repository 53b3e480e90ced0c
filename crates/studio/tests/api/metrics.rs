//! `/metrics`: what is counted, who may see it, and that the dashboard and the alerts ask for what is there.

#![expect(clippy::unwrap_used, reason = "helpers of tests")]

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use crate::desk::{Desk, image};

const DASHBOARD: &str = include_str!("../../../../packaging/grafana/studio.json");
const ALERTS: &str = include_str!("../../../../packaging/prometheus/alerts.yml");

/// Told by connected workers only; the check of the whole API has one and looks at these.
const OF_WORKERS: [&str; 3] = ["studio_worker_engines", "studio_models_loaded", "studio_models_present"];

async fn scrape(desk: &Desk) -> String {
    let answer = desk.get("/metrics").await;
    assert_eq!(answer.status, 200);
    assert!(
        answer.header("content-type").unwrap().starts_with("application/openmetrics-text; version=1.0.0")
    );
    String::from_utf8(answer.bytes.to_vec()).unwrap()
}

/// Every value by its name and labels.
fn values(text: &str) -> BTreeMap<String, f64> {
    let lines = text.lines().filter(|line| !line.starts_with('#'));
    lines
        .map(|line| line.rsplit_once(' ').unwrap())
        .map(|(k, v)| (k.to_owned(), v.parse().unwrap()))
        .collect()
}

#[tokio::test]
async fn what_happened_is_counted() {
    let desk = Desk::open().await;
    let worker = desk.worker().await;
    let first = desk.image("a").await;
    desk.finish(&worker, &first, "png", b"four").await;
    let mut red = image("b");
    red["project"] = "red".into();
    desk.id_of("/api/v1/jobs", red).await;
    let cancelled = desk.image("c").await;
    desk.post(&format!("/api/v1/jobs/{cancelled}/cancel"), serde_json::json!({})).await.ok();
    desk.get("/api/v1/jobs/none-of-them").await;

    let text = scrape(&desk).await;
    assert!(text.ends_with("# EOF\n"));
    let values = values(&text);
    let expected = [
        ("studio_jobs{state=\"queued\"}", 1.0),
        ("studio_jobs{state=\"done\"}", 1.0),
        ("studio_jobs{state=\"cancelled\"}", 1.0),
        ("studio_open_jobs{state=\"queued\",kind=\"image\"}", 1.0),
        ("studio_waiting_jobs_by_model{model=\"synthetic\"}", 1.0),
        ("studio_waiting_jobs_by_project{project=\"red\"}", 1.0),
        ("studio_workers{state=\"offline\"}", 1.0),
        ("studio_sessions", 0.0),
        ("studio_artefact_bytes", 4.0),
        ("studio_http_requests_total{route=\"/api/v1/jobs\",method=\"POST\",status=\"201\"}", 3.0),
        ("studio_http_requests_total{route=\"/api/v1/jobs/{id}\",method=\"GET\",status=\"404\"}", 1.0),
        ("studio_http_request_seconds_count{route=\"/api/v1/jobs\",method=\"POST\"}", 3.0),
    ];
    for (name, value) in expected {
        assert_eq!(values.get(name), Some(&value), "{name}\n{text}");
    }
    assert!(values["studio_store_commit_seconds_count"] >= 3.0);
    assert!(values["process_resident_memory_bytes"] > 1e6);
}

#[tokio::test]
async fn ids_never_become_labels() {
    let desk = Desk::open().await;
    for n in 0..50 {
        desk.get(&format!("/api/v1/jobs/job-{n}")).await;
        desk.get(&format!("/nowhere/{n}")).await;
        desk.call(&desk.admin, &format!("X-{n}"), "/api/v1/jobs", None).await;
    }
    let text = scrape(&desk).await;
    let series = values(&text).keys().filter(|name| name.starts_with("studio_http_requests_total")).count();
    assert!(series <= 6, "{series} series\n{text}");
}

#[tokio::test]
async fn a_key_of_one_project_does_not_see_the_others() {
    let desk = Desk::open().await;
    let key = desk.key("admin", Some("red")).await;
    assert_eq!(desk.call(&key, "GET", "/metrics", None).await.problem().0, 403);
    let key = desk.key("viewer", None).await;
    assert_eq!(desk.call(&key, "GET", "/metrics", None).await.status, 200);
}

/// What can be asked for: a histogram is asked for by its parts, a counter with its suffix.
fn names(text: &str) -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    for line in text.lines().filter_map(|line| line.strip_prefix("# TYPE ")) {
        let (name, kind) = line.split_once(' ').unwrap();
        let suffixes: &[&str] = match kind {
            "counter" => &["_total"],
            "histogram" => &["_bucket", "_sum", "_count"],
            _ => &[""],
        };
        names.extend(suffixes.iter().map(|suffix| format!("{name}{suffix}")));
    }
    names
}

fn asked(expression: &str) -> impl Iterator<Item = &str> {
    let words = expression.split(|c: char| !c.is_ascii_alphanumeric() && c != '_');
    words.filter(|word| word.starts_with("studio_") || word.starts_with("process_"))
}

fn expressions(value: &Value, found: &mut Vec<String>) {
    match value {
        Value::Object(fields) => {
            found.extend(fields.get("expr").and_then(Value::as_str).map(str::to_owned));
            fields.values().for_each(|value| expressions(value, found));
        }
        Value::Array(values) => values.iter().for_each(|value| expressions(value, found)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

#[tokio::test]
async fn the_dashboard_and_the_alerts_ask_for_what_is_there() {
    let desk = Desk::open().await;
    desk.image("a").await;
    desk.state.metrics.first_token("chat", std::time::Duration::from_millis(7));
    desk.state.metrics.tokens("chat", 3, 4);
    let mut names = names(&scrape(&desk).await);
    names.extend(OF_WORKERS.map(str::to_owned));
    let mut all = Vec::new();
    expressions(&serde_json::from_str(DASHBOARD).unwrap(), &mut all);
    let panels = all.len();
    assert!(panels >= 25, "{panels} queries");
    all.extend(ALERTS.lines().filter_map(|line| line.trim().strip_prefix("expr: ")).map(str::to_owned));
    assert!(all.len() >= panels + 8, "alerts without an expression on their line");
    for expression in &all {
        let mut count = 0;
        for name in asked(expression) {
            assert!(names.contains(name), "`{name}` of `{expression}` is not in {names:?}");
            count += 1;
        }
        assert!(count > 0, "`{expression}` asks for nothing of ours");
    }
    let asked_for: BTreeSet<&str> = all.iter().flat_map(|expression| asked(expression)).collect();
    let families: BTreeSet<&str> =
        names.iter().map(String::as_str).filter(|n| n.starts_with("studio_")).collect();
    for name in families {
        let stem = name.trim_end_matches("_bucket").trim_end_matches("_sum").trim_end_matches("_count");
        assert!(asked_for.iter().any(|asked| asked.starts_with(stem)), "no panel shows {name}");
    }
}
