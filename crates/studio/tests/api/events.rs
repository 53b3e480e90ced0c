//! The event stream.

use std::time::Duration;

use axum::body::{Body, BodyDataStream};
use axum::http::Request;
use futures_util::StreamExt;
use serde_json::{Value, json};
use studio::StudioEvent;
use studio_protocol::{JobId, Progress, WorkerId};
use studio_store::JobState;

use crate::desk::{Desk, image};

/// An event that is on its way is here much sooner.
const SOON: Duration = Duration::from_secs(10);

struct Stream {
    body: BodyDataStream,
    text: String,
}

impl Stream {
    async fn open(desk: &Desk, query: &str, last_id: Option<&str>) -> Self {
        let mut request = Request::get(format!("/api/v1/events{query}"));
        request = request.header("authorization", format!("Bearer {}", desk.admin));
        if let Some(id) = last_id {
            request = request.header("last-event-id", id);
        }
        let response = desk.send(request.body(Body::empty()).expect("a request")).await;
        assert_eq!(response.status(), 200);
        assert_eq!(response.headers()["content-type"], "text/event-stream");
        Self { body: response.into_body().into_data_stream(), text: String::new() }
    }

    /// The next event's name and data; `None` at the end of the stream.
    async fn next(&mut self) -> Option<(String, Value)> {
        loop {
            if let Some((event, rest)) = self.text.split_once("\n\n") {
                let field = |name: &str| {
                    let line = event.lines().find_map(|line| line.strip_prefix(&format!("{name}: ")));
                    line.map(str::to_owned)
                };
                let named = field("event").map(|name| (name, field("data").expect("an event has data")));
                let rest = rest.to_owned();
                self.text = rest;
                if let Some((name, data)) = named {
                    return Some((name, serde_json::from_str(&data).expect("data is JSON")));
                }
                continue;
            }
            let chunk = tokio::time::timeout(SOON, self.body.next()).await.expect("an event in time")?;
            self.text.push_str(
                std::str::from_utf8(&chunk.expect("the stream goes on")).expect("whole characters"),
            );
        }
    }
}

fn progress(job: &str) -> StudioEvent {
    let frame = json!({ "jobId": job, "step": 3, "steps": 8 });
    StudioEvent::Progress(serde_json::from_value::<Progress>(frame).expect("a frame"))
}

#[tokio::test]
async fn changes_are_told_as_they_happen() {
    let desk = Desk::open().await;
    let mut stream = Stream::open(&desk, "", None).await;
    assert_eq!(stream.next().await.unwrap().0, "ready");
    let job = desk.image("a").await;
    assert_eq!(stream.next().await.unwrap().0, "submitted");
    desk.post(&format!("/api/v1/jobs/{job}/cancel"), json!({})).await.ok();
    let (name, data) = stream.next().await.unwrap();
    assert_eq!((name.as_str(), &data), ("job", &json!({ "type": "job", "id": job, "state": "cancelled" })));
    let registration = desk.registration().await;
    desk.post(&format!("/api/v1/registrations/{registration}/approve"), json!({})).await.ok();
    let (name, data) = stream.next().await.unwrap();
    assert_eq!((name.as_str(), data["id"].as_str()), ("registration", Some(registration.as_str())));
}

#[tokio::test]
async fn a_watcher_of_a_batch_hears_of_its_jobs_only() {
    let desk = Desk::open().await;
    let batch = desk.id_of("/api/v1/batches", json!({ "jobs": [image("a")] })).await;
    let jobs = desk.get(&format!("/api/v1/jobs?batch={batch}")).await.ok();
    let own = jobs["items"][0]["id"].as_str().unwrap().to_owned();
    let other = desk.image("b").await;
    let mut stream = Stream::open(&desk, &format!("?batch={batch}&types=progress,job"), None).await;
    assert_eq!(stream.next().await.unwrap().0, "ready");
    desk.state.events.publish(progress(&other));
    desk.state.events.publish(StudioEvent::Worker { id: WorkerId::from("w-1"), online: true });
    desk.state.events.publish(progress(&own));
    let (name, data) = stream.next().await.unwrap();
    assert_eq!(
        (name.as_str(), data["jobId"].as_str(), &data["step"]),
        ("progress", Some(own.as_str()), &json!(3))
    );
    let done = StudioEvent::Job { id: JobId::from(own.as_str()), state: JobState::Done, worker: None };
    desk.state.events.publish(done);
    assert_eq!(stream.next().await.unwrap().1["state"], "done");
}

#[tokio::test]
async fn a_watcher_that_was_away_or_fell_behind_is_told_to_look_again() {
    let desk = Desk::open().await;
    let mut back = Stream::open(&desk, "", Some("17")).await;
    assert_eq!(back.next().await.unwrap().0, "lagged");
    let mut slow = Stream::open(&desk, "?types=job", None).await;
    assert_eq!(slow.next().await.unwrap().0, "ready");
    for at in 0..10_000 {
        let id = JobId::from(format!("job-{at}"));
        desk.state.events.publish(StudioEvent::Job { id, state: JobState::Done, worker: None });
    }
    let (name, data) = slow.next().await.unwrap();
    assert_eq!(name, "lagged");
    assert!(data["missed"].as_u64().unwrap() > 0);
    assert_eq!(slow.next().await.unwrap().0, "job", "it goes on with what is still known");
}

#[tokio::test]
async fn the_stream_ends_when_the_studio_stops() {
    let desk = Desk::open().await;
    let mut stream = Stream::open(&desk, "", None).await;
    assert_eq!(stream.next().await.unwrap().0, "ready");
    desk.stop_softly();
    assert_eq!(stream.next().await, None);
    assert_eq!(desk.get("/readyz").await.problem().0, 503);
    assert_eq!(desk.get("/healthz").await.status, 200);
}

#[tokio::test]
async fn a_wrong_filter_is_named() {
    let desk = Desk::open().await;
    for (query, status, field) in [
        ("?types=job,gossip", 400, Some("types")),
        ("?type=job", 400, Some("type")),
        ("?batch=batch-0", 404, None),
    ] {
        let answer = desk.get(&format!("/api/v1/events{query}")).await;
        assert_eq!(answer.problem(), (status, field.map(str::to_owned)), "{query}");
    }
}
