//! Newer versions: looked for in a feed, told, not installed.

use serde_json::json;
use worker_local::{ClientError, UpdateState};

use crate::support::{Answer, Studio, TestWorker, approved_config, client};

#[tokio::test]
async fn a_newer_version_is_found_and_told_but_not_installed() {
    let studio = Studio::start().await;
    studio.answer(|_| {
        Answer::json(
            json!({"schema": 1, "releases": [{"version": "999.0.1", "assets": []}, {"version": "0.0.1"}]}),
        )
    });
    let feed = format!("auto_update_feed = \"{}/feed.json\"\n", studio.url());
    let worker = TestWorker::start(&format!("{}{feed}", approved_config(&studio)));
    let client = client(&worker.path("")).await;
    let view = client.update().await.unwrap();
    assert_eq!((view.state, view.current.as_str()), (UpdateState::Unknown, env!("CARGO_PKG_VERSION")));
    let status = |error: ClientError| match error {
        ClientError::Refused(problem) => (problem.status, problem.detail),
        other => panic!("{other}"),
    };
    assert_eq!(status(client.apply_update().await.unwrap_err()).0, 409);
    let view = client.check_update().await.unwrap();
    assert_eq!(
        (view.state, view.latest.as_deref(), &view.trouble),
        (UpdateState::Available, Some("999.0.1"), &None)
    );
    assert!(view.checked_at.is_some());
    assert_eq!(client.status(None).await.unwrap().update, view);
    let (code, words) = status(client.apply_update().await.unwrap_err());
    assert!(code == 501 && words.contains("999.0.1") && words.contains("restart"), "{words}");
    studio.answer(|_| Answer::of(500, "broken"));
    let view = client.check_update().await.unwrap();
    assert!(view.trouble.unwrap().contains("500"));
    assert_eq!(view.state, UpdateState::Available, "what was known still is");
    studio.answer(|_| Answer::of(200, " ".repeat(2 << 20)));
    assert!(client.check_update().await.unwrap().trouble.unwrap().contains("larger than"));
}

#[tokio::test]
async fn only_a_feed_that_nobody_can_change_on_its_way_is_read() {
    let studio = Studio::start().await;
    let feed = "auto_update_feed = \"http://feeds.example/feed.json\"\n";
    let worker = TestWorker::start(&format!("{}{feed}", approved_config(&studio)));
    let view = client(&worker.path("")).await.check_update().await.unwrap();
    assert!(view.trouble.unwrap().contains("is not https"));
    let worker = TestWorker::start(&approved_config(&studio));
    let view = client(&worker.path("")).await.check_update().await.unwrap();
    assert!(view.trouble.unwrap().contains("auto_update_feed"));
}
