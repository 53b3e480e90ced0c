//! The owner changes who this worker is, through the local API.

use serde_json::json;
use worker_local::{ClientError, JoinAsk, RegistrationState, Status};

use crate::support::{Answer, Studio, TestWorker, approved_config, client, slow_chat, until_some};

fn code(code: &str, url: Option<String>) -> JoinAsk {
    JoinAsk { code: code.into(), api_base_url: url }
}

/// Takes one code, and lets everybody else wait for an operator.
fn with_codes(studio: &Studio) {
    studio.answer(|request| match (request.method.as_str(), request.path.as_str()) {
        ("POST", _) => match request.json().get("joinCode") {
            Some(code) if code == "GOOD" => {
                Answer::json(json!({"requestId": "rr-good", "status": "pending"}))
            }
            Some(_) => Answer::of(400, "joinCode: is unknown"),
            None => Answer::json(json!({"requestId": "rr-plain", "status": "pending"})),
        },
        (_, path) if path.ends_with("rr-good") => {
            Answer::json(json!({"status": "approved", "workerId": "w-9", "authToken": "tok-9"}))
        }
        _ => Answer::json(json!({"status": "pending"})),
    });
}

#[tokio::test]
async fn a_reset_gives_the_job_back_and_registers_as_another_worker() {
    let mut studio = Studio::start().await;
    with_codes(&studio);
    let worker = TestWorker::start(&approved_config(&studio));
    let mut peer = studio.session(&["progress", "resume", "release"]).await;
    let client = client(&worker.path("")).await;
    peer.offer(slow_chat("job-1", 5_000)).await;
    peer.expect("accept").await;
    let status = client.reset_registration().await.unwrap();
    assert_ne!(status.registration.worker_id.as_deref(), Some("w-1"));
    let (frames, _) = peer.closed().await;
    assert!(frames.iter().any(|frame| frame["type"] == "release" && frame["jobId"] == "job-1"), "{frames:?}");
    let status = registered(&client, |status| status.registration.request_id.is_some()).await;
    assert_eq!(status.registration.request_id.as_deref(), Some("rr-plain"));
    let text = worker.config();
    assert!(!text.contains("w-1") && !text.contains("install-0") && text.contains("rr-plain"), "{text}");
}

async fn registered(client: &worker_local::Client, is_it: impl Fn(&Status) -> bool) -> Status {
    until_some("the registration", async || client.status(None).await.ok().filter(|status| is_it(status)))
        .await
}

#[tokio::test]
async fn a_rejected_worker_joins_with_a_code_at_another_studio() {
    let mut studio = Studio::start().await;
    with_codes(&studio);
    let worker = TestWorker::start(
        "api_base_url = \"http://127.0.0.1:9\"\ninstall_id = \"i\"\nregistration_rejected = \"who is this\"\n",
    );
    let client = client(&worker.path("")).await;
    let rejected = client.status(None).await.unwrap().registration;
    assert_eq!(
        (rejected.state, rejected.reason.as_deref()),
        (RegistrationState::Rejected, Some("who is this"))
    );
    client.join(&code("BAD", Some(studio.url()))).await.unwrap();
    let status = registered(&client, |status| status.last_trouble.is_some()).await;
    assert!(status.last_trouble.unwrap().contains("joinCode: is unknown"));
    assert_eq!(status.registration.state, RegistrationState::Rejected, "nothing else was asked for");
    client.join(&code(" GOOD ", None)).await.unwrap();
    let peer = studio.session(&[]).await;
    let status = registered(&client, |status| status.registration.state == RegistrationState::Approved).await;
    assert_eq!(status.registration.worker_id.as_deref(), Some("w-9"));
    assert!(worker.config().contains(&studio.url()), "{}", worker.config());
    let again = client.join(&code("GOOD", None)).await.unwrap_err();
    assert!(
        matches!(again, ClientError::Refused(problem) if problem.status == 409 && problem.code == "joined")
    );
    drop(peer);
}

#[tokio::test]
async fn a_code_and_an_address_must_be_ones() {
    let studio = Studio::start().await;
    with_codes(&studio);
    let worker = TestWorker::start(&format!("api_base_url = \"{}\"\n", studio.url()));
    let client = client(&worker.path("")).await;
    for ask in [code("  ", None), code("GOOD", Some("ftp://x".into()))] {
        let error = client.join(&ask).await.unwrap_err();
        assert!(matches!(&error, ClientError::Refused(problem) if problem.status == 400), "{error}");
    }
    assert!(worker.config().contains(&studio.url()));
}
