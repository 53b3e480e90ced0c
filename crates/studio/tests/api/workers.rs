//! Registrations, join codes and workers.

use serde_json::{Value, json};

use crate::desk::Desk;

#[tokio::test]
async fn a_registration_is_approved_once_and_becomes_a_worker() {
    let desk = Desk::open().await;
    let id = desk.registration().await;
    let pending = desk.get("/api/v1/registrations?status=pending").await.ok();
    assert_eq!(pending["items"][0]["id"], id.as_str());
    assert!(pending["items"][0]["machineName"].as_str().unwrap().starts_with("pc-"));
    assert!(!pending.to_string().contains("secret"), "{pending}");
    assert_eq!(desk.get("/api/v1/status").await.ok()["registrationsPending"], 1);
    let approve = async |body: Value| desk.post(&format!("/api/v1/registrations/{id}/approve"), body).await;
    let worker = approve(json!({ "name": "attic" })).await.ok();
    assert_eq!((worker["name"].as_str(), &worker["online"]), (Some("attic"), &json!(false)));
    assert_eq!(approve(json!({})).await.problem().0, 409);
    assert_eq!(desk.post(&format!("/api/v1/registrations/{id}/reject"), json!({})).await.problem().0, 409);
    let decided = desk.get("/api/v1/registrations?status=approved").await.ok();
    assert_eq!(decided["items"][0]["worker"], worker["id"]);
    assert_eq!(desk.get("/api/v1/registrations?status=maybe").await.problem(), (400, Some("status".into())));
    assert_eq!(desk.post("/api/v1/registrations/rr-nobody/approve", json!({})).await.problem().0, 404);
    assert_eq!(approve(json!({ "name": 5 })).await.problem(), (400, Some("name".into())));
}

#[tokio::test]
async fn a_rejected_registration_keeps_the_reason() {
    let desk = Desk::open().await;
    let id = desk.registration().await;
    let rejected =
        desk.post(&format!("/api/v1/registrations/{id}/reject"), json!({ "reason": "not ours" })).await.ok();
    assert_eq!(
        (rejected["status"].as_str(), rejected["reason"].as_str()),
        (Some("rejected"), Some("not ours"))
    );
    assert_eq!(desk.post(&format!("/api/v1/registrations/{id}/approve"), json!({})).await.problem().0, 409);
}

#[tokio::test]
async fn a_worker_is_renamed_paused_and_removed_and_its_job_waits_again() {
    let desk = Desk::open().await;
    let worker = desk.worker().await;
    let path = format!("/api/v1/workers/{worker}");
    let change = async |body: Value| desk.call(&desk.admin, "PATCH", &path, Some(body)).await;
    assert_eq!(change(json!({ "name": "cellar" })).await.ok()["name"], "cellar");
    assert_eq!(change(json!({ "paused": true })).await.ok()["paused"], true);
    let both = change(json!({ "name": "attic", "paused": false })).await.ok();
    assert_eq!((both["name"].as_str(), &both["paused"]), (Some("attic"), &json!(false)));
    assert_eq!(change(json!({})).await.problem(), (400, None));
    assert_eq!(change(json!({ "name": "" })).await.problem(), (400, Some("name".into())));
    assert_eq!(change(json!({ "paused": "yes" })).await.problem(), (400, Some("paused".into())));
    let job = desk.image("a").await;
    desk.start(&worker, &job).await;
    assert_eq!(desk.get(&path).await.ok()["jobs"], json!([job]));
    let list = desk.get("/api/v1/workers").await.ok();
    assert_eq!(list["items"][0]["capabilities"]["vramTotalGb"], 8.0);
    assert!(!list.to_string().to_lowercase().contains("token"), "{list}");
    assert_eq!(desk.call(&desk.admin, "DELETE", &path, None).await.status, 204);
    assert_eq!(desk.get(&path).await.problem().0, 404);
    assert_eq!(desk.call(&desk.admin, "DELETE", &path, None).await.problem().0, 404);
    assert_eq!(change(json!({ "paused": true })).await.problem().0, 404);
    let waiting = desk.get(&format!("/api/v1/jobs/{job}")).await.ok();
    assert_eq!(waiting["state"], "queued");
}

#[tokio::test]
async fn join_codes_are_short_lived_and_bounded() {
    let desk = Desk::open().await;
    let code = desk.post("/api/v1/join-codes", json!({})).await;
    assert_eq!(code.status, 201);
    let code = code.ok();
    assert_eq!((code["code"].as_str().unwrap().len(), &code["uses"]), (19, &json!(1)));
    assert!(code["expiresAt"].is_string());
    let bare = desk.call(&desk.admin, "POST", "/api/v1/join-codes", None).await.ok();
    assert_ne!(bare["code"], code["code"]);
    assert_eq!(desk.post("/api/v1/join-codes", json!({ "ttlSeconds": 5, "uses": 3 })).await.ok()["uses"], 3);
    for (body, field) in [
        (json!({ "ttlSeconds": 0 }), "ttlSeconds"),
        (json!({ "ttlSeconds": 86401 }), "ttlSeconds"),
        (json!({ "ttlSeconds": -1 }), "ttlSeconds"),
        (json!({ "uses": 0 }), "uses"),
        (json!({ "uses": "many" }), "uses"),
    ] {
        assert_eq!(desk.post("/api/v1/join-codes", body).await.problem(), (400, Some(field.into())));
    }
}
