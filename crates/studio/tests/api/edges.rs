//! The edges: sizes, media types, addresses that lead nowhere, hostile text, headers of every answer.

use axum::body::Body;
use axum::http::Request;
use serde_json::{Value, json};
use studio::api::{MAX_JOBS, MAX_SUBMISSION_BYTES};

use crate::desk::{Answer, Desk, image};

async fn post(desk: &Desk, path: &str, media_type: Option<&str>, body: Body) -> Answer {
    let mut request = Request::post(path).header("authorization", format!("Bearer {}", desk.admin));
    if let Some(media_type) = media_type {
        request = request.header("content-type", media_type);
    }
    Answer::read(desk.send(request.body(body).expect("a request")).await).await
}

#[tokio::test]
async fn a_body_that_is_too_large_is_refused_with_the_limit() {
    let desk = Desk::open().await;
    let large = "x".repeat(MAX_SUBMISSION_BYTES + 1024 * 1024);
    let submission = image(&large).to_string();
    let answer = post(&desk, "/api/v1/jobs", Some("application/json"), Body::from(submission.clone())).await;
    assert_eq!(answer.problem(), (413, None));
    assert!(answer.json()["detail"].as_str().unwrap().contains(&MAX_SUBMISSION_BYTES.to_string()));
    // In pieces and without a length it is no different.
    let pieces = submission.into_bytes().chunks(1 << 20).map(<[u8]>::to_vec).collect::<Vec<_>>();
    let stream = futures_util::stream::iter(pieces.into_iter().map(Ok::<_, std::io::Error>));
    let answer = post(&desk, "/api/v1/batches", Some("application/json"), Body::from_stream(stream)).await;
    assert_eq!(answer.problem().0, 413);
    let name = json!({ "name": "x".repeat(2 << 20), "role": "viewer" }).to_string();
    let answer = post(&desk, "/api/v1/keys", Some("application/json"), Body::from(name)).await;
    assert_eq!(answer.problem().0, 413);
    assert_eq!(desk.get("/api/v1/jobs").await.ok()["items"], json!([]));
}

#[tokio::test]
async fn ten_thousand_jobs_are_taken_and_one_more_is_not() {
    let desk = Desk::open().await;
    let jobs = |count: usize| json!({ "jobs": vec![image("x"); count] });
    let batch = desk.post("/api/v1/batches", jobs(MAX_JOBS)).await.ok();
    assert_eq!(batch["total"], MAX_JOBS);
    assert_eq!(desk.post("/api/v1/batches", jobs(MAX_JOBS + 1)).await.problem(), (413, Some("jobs".into())));
    assert_eq!(desk.post("/api/v1/jobs", jobs(MAX_JOBS + 1)).await.problem(), (413, Some("jobs".into())));
    let status = desk.get("/api/v1/status").await.ok();
    assert_eq!(status["jobs"]["queued"], MAX_JOBS);
}

#[tokio::test]
async fn a_large_prompt_comes_back_whole() {
    let desk = Desk::open().await;
    let prompt = "ü🦊\u{0}\"\\".repeat(200_000);
    let id = desk.image(&prompt).await;
    let detail = desk.get(&format!("/api/v1/jobs/{id}")).await.ok();
    assert!(detail["task"]["prompt"] == prompt.as_str());
}

#[tokio::test]
async fn only_json_is_read() {
    let desk = Desk::open().await;
    let body = || Body::from(image("x").to_string());
    for media_type in
        [None, Some("text/plain"), Some("multipart/form-data; boundary=x"), Some("application/xml")]
    {
        let answer = post(&desk, "/api/v1/jobs", media_type, body()).await;
        assert_eq!(answer.problem().0, 415, "{media_type:?}");
    }
    let answer = post(&desk, "/api/v1/jobs", Some("application/json; charset=utf-8"), body()).await;
    assert_eq!(answer.status, 201);
    let deep = "[".repeat(100_000);
    let broken: [&[u8]; 6] =
        [b"", b"{", b"nonsense", b"{\"model\":\"synthetic\"", b"\xff\xfe{}", deep.as_bytes()];
    for bytes in broken {
        let answer = post(&desk, "/api/v1/jobs", Some("application/json"), Body::from(bytes.to_vec())).await;
        assert_eq!(answer.problem().0, 400, "{:?}", String::from_utf8_lossy(&bytes[..bytes.len().min(40)]));
    }
    let lists = [
        ("/api/v1/jobs", r#"["synthetic",{"kind":"image","prompt":"x"}]"#),
        ("/api/v1/jobs", r#"{"jobs":[["synthetic",{"kind":"image","prompt":"x"}]]}"#),
        ("/api/v1/batches", r#"{"jobs":[["synthetic",{"kind":"image","prompt":"x"}]]}"#),
        ("/api/v1/join-codes", "[60, 1]"),
    ];
    for (path, list) in lists {
        let answer = post(&desk, path, Some("application/json"), Body::from(list)).await;
        assert_eq!(answer.problem().0, 400, "values in the order of the fields: {path} {list}");
    }
    let deep =
        format!(r#"{{"model":"synthetic","task":{{"kind":"image","prompt":{}}}}}"#, "[".repeat(100_000));
    let answer = post(&desk, "/api/v1/jobs", Some("application/json"), Body::from(deep)).await;
    assert_eq!(answer.problem().0, 400);
}

#[tokio::test]
async fn unknown_keys_are_ignored_and_nulls_are_absent() {
    let desk = Desk::open().await;
    let body = json!({ "model": "synthetic", "task": { "kind": "image", "prompt": "x", "seed": null, "new": 1 },
        "project": null, "assetName": null, "priority": null, "maxAttempts": null, "jobs": null, "later": {} });
    let job = desk.post("/api/v1/jobs", body).await.ok();
    assert_eq!(job["project"], "default");
    let detail = desk.get(&format!("/api/v1/jobs/{}", job["id"].as_str().unwrap())).await.ok();
    assert_eq!(detail["task"], json!({ "kind": "image", "prompt": "x", "new": 1 }));
}

#[tokio::test]
async fn ids_are_looked_up_and_never_followed() {
    let desk = Desk::open().await;
    let long = "x".repeat(5_000);
    let hostile =
        ["..%2F..%2Fadmin.key", "%2Fetc%2Fpasswd", "..%5C..%5Cx", "job-1'%20OR%20'1'='1", "%00", "*", &long];
    for id in hostile {
        for route in ["jobs", "batches", "artefacts", "models", "workers"] {
            let answer = desk.get(&format!("/api/v1/{route}/{id}")).await;
            assert_eq!(answer.problem().0, 404, "{route}/{id}");
            assert!(answer.bytes.len() < 1_000, "an answer does not grow with the question");
        }
    }
    assert_eq!(desk.get("/api/v1/jobs/%ff%fe").await.problem(), (400, Some("id".into())));
}

#[tokio::test]
async fn nowhere_is_said_as_a_problem() {
    let desk = Desk::open().await;
    for path in [
        "/api",
        "/api/v1",
        "/api/v1/",
        "/api/v1/nothing",
        "/api/v2/jobs",
        "/api/v1/jobs/a/b/c",
        "/favicon.ico",
    ] {
        assert_eq!(desk.get(path).await.problem().0, 404, "{path}");
    }
    for (method, path) in [("DELETE", "/api/v1/jobs"), ("POST", "/api/v1/status"), ("PUT", "/healthz")] {
        let answer = desk.call(&desk.admin, method, path, Some(json!({}))).await;
        assert_eq!(answer.problem().0, 405, "{method} {path}");
        assert!(answer.header("allow").is_some_and(|allow| allow.contains("GET")));
    }
}

#[tokio::test]
async fn every_answer_is_data_to_a_browser() {
    let desk = Desk::open().await;
    for path in ["/healthz", "/readyz", "/api/v1/status", "/api/v1/nothing", "/api/v1/jobs/none"] {
        let answer = desk.get(path).await;
        assert_eq!(answer.header("x-content-type-options"), Some("nosniff"), "{path}");
        assert_eq!(answer.header("x-frame-options"), Some("DENY"), "{path}");
        assert_eq!(answer.header("cache-control"), Some("no-store"), "{path}");
        assert!(
            answer.header("content-security-policy").unwrap().starts_with("default-src 'none'"),
            "{path}"
        );
    }
}

#[tokio::test]
async fn status_counts_what_there_is() {
    let desk = Desk::open().await;
    desk.worker().await;
    desk.image("a").await;
    let now = desk.get("/api/v1/status").await.ok();
    assert_eq!(now["version"], env!("CARGO_PKG_VERSION"));
    assert_eq!(
        (&now["workers"], &now["workersOnline"], &now["jobs"]["queued"]),
        (&json!(1), &json!(0), &json!(1))
    );
    let total = now["jobs"].as_object().unwrap().values().filter_map(Value::as_u64).sum::<u64>();
    assert_eq!(total, 1);
}
