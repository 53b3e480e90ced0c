//! Keys of one project against everything of another: nothing leaks, nothing changes, under any address.

use axum::body::Body;
use axum::http::Request;
use futures_util::StreamExt;
use serde_json::{Value, json};
use studio_store::Role;

use super::blue::{Blue, MARK, PNG};
use super::table::{PAGES, ROUTES, Scope};
use crate::desk::{Answer, Desk, image};

/// A body with which the route would do something.
fn body(method: &str, path: &str, blue: &Blue) -> Option<Value> {
    let all = [&blue.queued, &blue.running, &blue.done, &blue.failed];
    Some(match (method, path) {
        ("GET", _) => return None,
        ("POST", "/api/v1/jobs") => {
            json!({ "model": "synthetic", "project": "blue", "task": { "kind": "image", "prompt": "x" } })
        }
        ("POST", "/api/v1/batches") => json!({ "project": "blue", "jobs": [image("x")] }),
        ("POST", "/api/v1/jobs/actions") => json!({ "action": "cancel", "ids": all }),
        ("PATCH", "/api/v1/jobs/{id}") => json!({ "priority": 7 }),
        ("POST", "/api/v1/jobs/{id}/move") => json!({ "to": "front" }),
        ("PATCH", "/api/v1/models/{id}") => json!({ "enabled": false }),
        ("PUT", "/api/v1/models/{id}") => {
            json!({ "kind": "image", "vramGb": 9.0, "source": { "engine": "synthetic", "files": [], "cliDefaults": {} } })
        }
        ("PATCH", "/api/v1/workers/{id}") => json!({ "name": "mine", "paused": true }),
        ("PATCH", "/api/v1/queue") => json!({ "paused": true }),
        ("PATCH" | "PUT", "/api/v1/projects/{id}") => json!({ "weight": 9, "maxQueued": 1 }),
        ("POST", "/api/v1/webhooks") => {
            json!({ "url": "https://x.example/", "events": ["job.done"], "project": "blue" })
        }
        ("PATCH", "/api/v1/webhooks/{id}") => json!({ "disabled": true }),
        ("POST", "/api/v1/webhooks/{id}/secret") => json!({ "rotate": true }),
        ("POST", "/api/v1/keys") => json!({ "name": "mine", "role": "admin", "project": "blue" }),
        ("POST", "/api/v1/users") => json!({ "name": "mallory", "role": "admin" }),
        ("PATCH", "/api/v1/users/{id}") => json!({ "role": "admin" }),
        _ => json!({}),
    })
}

fn text(answer: &Answer) -> String {
    String::from_utf8_lossy(&answer.bytes).into_owned()
}

/// What an answer to a stranger tells of the project; the stranger's own words do not count.
fn leaks(told: &str, asked: &str, blue: &Blue) -> Vec<String> {
    let mut found: Vec<String> = blue
        .ids()
        .iter()
        .filter(|id| !asked.contains(**id) && told.contains(**id))
        .map(ToString::to_string)
        .collect();
    found.extend(told.contains(MARK).then(|| MARK.to_owned()));
    // Names of projects: not even that there is one.
    found.extend((!asked.contains("blue") && told.contains("\"blue\"")).then(|| "blue".to_owned()));
    found
}

#[tokio::test]
async fn no_route_shows_or_changes_what_another_project_has() {
    let desk = Desk::open().await;
    let blue = Blue::of(&desk).await;
    let before = blue.snapshot(&desk).await;
    for role in Role::ALL {
        let key = desk.key(role.as_str(), Some("red")).await;
        for (method, path, _, scope) in ROUTES {
            if *path == "/api/v1/openapi.json" || path.starts_with("/files") || *path == "/api/v1/session" {
                continue; // Those have tests of their own, and tell nobody's things.
            }
            for at in blue.fill(path) {
                let sent = body(method, path, &blue);
                let asked = format!("{at} {}", sent.as_ref().map(Value::to_string).unwrap_or_default());
                let answer = desk.call(&key, method, &at, sent).await;
                let named = format!("{method} {at} as {role}: {}", answer.status);
                assert_eq!(
                    leaks(&text(&answer), &asked, &blue),
                    [] as [String; 0],
                    "{named}: {}",
                    text(&answer)
                );
                let of_blue = path.contains("{id}") && *scope == Scope::Own && !path.contains("workers");
                assert!(!of_blue || answer.status.is_client_error(), "{named}");
                assert!(*scope != Scope::Whole || answer.status.is_client_error(), "{named}");
                assert!(answer.status.as_u16() < 500 || answer.status == 503, "{named}");
            }
        }
        for (query, path) in [
            ("project=blue", "/api/v1/jobs"),
            ("project=blue", "/api/v1/batches"),
            ("project=blue", "/api/v1/artefacts"),
        ] {
            let answer = desk.call(&key, "GET", &format!("{path}?{query}"), None).await;
            assert_eq!(answer.problem(), (403, Some("project".into())), "{path}");
        }
        for query in [
            format!("batch={}", blue.batch),
            format!("worker={}", blue.worker),
            format!("q={MARK}"),
            "model=synthetic".to_owned(),
            "state=queued,running,done,failed".to_owned(),
            format!("newerThan={}", blue.done),
        ] {
            let answer = desk.call(&key, "GET", &format!("/api/v1/jobs?{query}"), None).await;
            assert_eq!(leaks(&text(&answer), &query, &blue), [] as [String; 0], "{query}");
            if answer.status.is_success() {
                let page = answer.ok();
                let known =
                    page["counts"].as_object().map_or(0, |all| all.values().filter_map(Value::as_u64).sum());
                assert_eq!((page["items"].as_array().map(Vec::len), known), (Some(0), 0), "{query}: {page}");
            }
        }
        let job = format!("/api/v1/events?job={}", blue.running);
        assert!(desk.call(&key, "GET", &job, None).await.status.is_client_error());
    }
    let after = blue.snapshot(&desk).await;
    for (was, is) in before.iter().zip(&after) {
        assert_eq!(without_times(was.clone()), without_times(is.clone()));
    }
}

/// Deliveries are tried and workers are seen meanwhile, by nobody's doing here.
fn without_times(mut value: Value) -> Value {
    match &mut value {
        Value::Object(fields) => {
            fields.retain(|name, _| !name.ends_with("At") && name != "lastDelivery" && name != "failing");
            fields.values_mut().for_each(|value| *value = without_times(value.take()));
        }
        Value::Array(items) => items.iter_mut().for_each(|value| *value = without_times(value.take())),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
    value
}

#[tokio::test]
async fn a_status_of_one_project_counts_that_project() {
    let desk = Desk::open().await;
    let blue = Blue::of(&desk).await;
    let red = desk.key("operator", Some("red")).await;
    assert_eq!(desk.call(&red, "POST", "/api/v1/jobs", Some(image("mine"))).await.status, 201);
    let status = desk.call(&red, "GET", "/api/v1/status", None).await.ok();
    let jobs = status["jobs"].as_object().unwrap();
    assert_eq!(jobs.values().filter_map(Value::as_u64).sum::<u64>(), 1, "{status}");
    assert_eq!(status["registrationsPending"], 0);
    let worker = desk.call(&red, "GET", &format!("/api/v1/workers/{}", blue.worker), None).await.ok();
    assert_eq!(worker["limits"]["projects"], json!([]), "it takes none of theirs, and says no more");
    let all = desk.get("/api/v1/status").await.ok();
    assert_eq!((&all["jobs"]["running"], &all["registrationsPending"]), (&json!(1), &json!(1)));
}

#[tokio::test]
async fn no_page_shows_what_another_project_has() {
    let desk = Desk::open().await;
    let blue = Blue::of(&desk).await;
    for role in Role::ALL {
        let key = desk.key(role.as_str(), Some("red")).await;
        for (path, _) in PAGES {
            for at in blue.fill(path) {
                for query in ["", "?project=blue", "?q=azure", &format!("?batch={}", blue.batch)] {
                    let page = desk.call(&key, "GET", &format!("{at}{query}"), None).await;
                    assert!(page.status.as_u16() < 500, "{at}{query} as {role}: {}", page.status);
                    let asked = format!("{at}{query}");
                    assert_eq!(leaks(&text(&page), &asked, &blue), [] as [String; 0], "{asked} as {role}");
                    assert!(!text(&page).contains(&blue.registration), "{asked} as {role}: who asks to join");
                }
            }
        }
    }
}

#[tokio::test]
async fn a_stream_of_one_project_is_silent_about_the_others() {
    let desk = Desk::open().await;
    let red = desk.key("viewer", Some("red")).await;
    let batch = json!({ "project": "red", "jobs": [image("mine")] });
    let batch = desk.id_of("/api/v1/batches", batch).await;
    let types = "job,progress,preview,delta,worker,registration,submitted,changed";
    let request = Request::get(format!("/api/v1/events?batch={batch}&types={types}"))
        .header("authorization", format!("Bearer {red}"))
        .body(Body::empty())
        .unwrap();
    let mut stream = desk.send(request).await.into_body().into_data_stream();
    let blue = Blue::of(&desk).await;
    // Ends what is told of: the last word is about the job that the key may see.
    desk.post(&format!("/api/v1/batches/{batch}/cancel"), json!({})).await.ok();
    let mut told = String::new();
    while !told.contains("cancelled") {
        told.push_str(&String::from_utf8_lossy(&stream.next().await.expect("it goes on").unwrap()));
    }
    assert_eq!(leaks(&told, "", &blue), [] as [String; 0], "{told}");
    assert!(!told.contains("event: worker") && !told.contains("event: registration"), "{told}");
}

/// Under `/v1` as well: a picture of another project is none.
#[tokio::test]
async fn a_task_cannot_borrow_an_input() {
    let desk = Desk::open().await;
    let blue = Blue::of(&desk).await;
    let red = desk.key("submitter", Some("red")).await;
    let url = format!("studio:///inputs/{}", blue.input);
    let content = json!([{ "type": "image_url", "image_url": { "url": url } }]);
    let messages = json!([{ "role": "user", "content": content }]);
    let nested = json!({ "model": "synthetic-chat", "task": { "kind": "llm", "messages": messages } });
    for field in ["initImageUrl", "maskImageUrl", "controlImageUrl"] {
        let mut job = image("x");
        job["task"]["initImageUrl"] = json!(url);
        job["task"][field] = json!(url);
        let refused = desk.call(&red, "POST", "/api/v1/jobs", Some(job)).await;
        assert!(refused.status.is_client_error(), "{field}: {}", text(&refused));
    }
    let refused = desk.call(&red, "POST", "/api/v1/jobs", Some(nested)).await;
    assert!(refused.status.is_client_error(), "{}", text(&refused));
    let asked = json!({ "model": "synthetic-chat", "messages": messages });
    let refused = desk.call(&red, "POST", "/v1/chat/completions", Some(asked)).await;
    assert!(!refused.status.is_success(), "{}", text(&refused));
    // An upload goes to the key's own project, whatever is asked.
    let bring = |query: &str| {
        Request::post(format!("/api/v1/inputs{query}"))
            .header("authorization", format!("Bearer {red}"))
            .header("content-type", "image/png")
            .body(Body::from(PNG))
            .unwrap()
    };
    assert_eq!(Answer::read(desk.send(bring("?project=blue")).await).await.problem().0, 403);
    assert_eq!(Answer::read(desk.send(bring("")).await).await.ok()["project"], "red");
}

/// The same word from two keys is two words; a key never gets the jobs of another one's submission.
#[tokio::test]
async fn an_idempotency_key_belongs_to_its_caller() {
    let desk = Desk::open().await;
    let (red, blue) = (desk.key("submitter", Some("red")).await, desk.key("submitter", Some("blue")).await);
    let word = [("idempotency-key", "the-same")];
    let mut made = Vec::new();
    for key in [&red, &blue] {
        let answer = desk.call_with(key, "POST", "/api/v1/jobs", Some(image("x")), &word).await;
        assert_eq!(answer.header("idempotency-replayed"), None);
        made.push(answer.ok());
    }
    assert_ne!(made[0]["id"], made[1]["id"]);
    assert_eq!((&made[0]["project"], &made[1]["project"]), (&json!("red"), &json!("blue")));
}

#[tokio::test]
async fn an_admin_of_one_project_makes_nobody_greater() {
    let desk = Desk::open().await;
    let red = desk.key("admin", Some("red")).await;
    let made =
        desk.call(&red, "POST", "/api/v1/keys", Some(json!({ "name": "x", "role": "admin" }))).await.ok();
    assert_eq!(made["project"], "red");
    let hook = json!({ "url": "https://x.example/", "events": ["job.done"] });
    assert_eq!(desk.call(&red, "POST", "/api/v1/webhooks", Some(hook)).await.ok()["project"], "red");
    let machines = json!({ "url": "https://x.example/", "events": ["worker.online"] });
    assert_eq!(desk.call(&red, "POST", "/api/v1/webhooks", Some(machines)).await.problem().0, 400);
}
