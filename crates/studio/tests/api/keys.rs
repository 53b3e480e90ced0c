//! API keys.

use serde_json::json;

use crate::desk::Desk;

#[tokio::test]
async fn a_key_is_shown_once_works_and_is_revoked() {
    let desk = Desk::open().await;
    let made = desk.post("/api/v1/keys", json!({ "name": "ci", "role": "viewer" })).await;
    assert_eq!(made.status, 201);
    let made = made.ok();
    let secret = made["secret"].as_str().unwrap();
    assert_eq!(desk.call(secret, "GET", "/api/v1/status", None).await.status, 200);
    let list = desk.get("/api/v1/keys").await.ok();
    assert!(!list.to_string().contains(secret));
    assert!(
        list["items"]
            .as_array()
            .unwrap()
            .iter()
            .any(|key| key["id"] == made["id"] && key["role"] == "viewer")
    );
    let path = format!("/api/v1/keys/{}", made["id"].as_str().unwrap());
    assert_eq!(desk.call(&desk.admin, "DELETE", &path, None).await.status, 204);
    assert_eq!(desk.call(secret, "GET", "/api/v1/status", None).await.problem().0, 401);
    assert_eq!(desk.call(&desk.admin, "DELETE", &path, None).await.problem().0, 404);
}

#[tokio::test]
async fn the_last_admin_key_stays() {
    let desk = Desk::open().await;
    let list = desk.get("/api/v1/keys").await.ok();
    let path = format!("/api/v1/keys/{}", list["items"][0]["id"].as_str().unwrap());
    assert_eq!(desk.call(&desk.admin, "DELETE", &path, None).await.problem().0, 409);
    let second = desk.key("admin", None).await;
    assert_eq!(desk.call(&second, "DELETE", &path, None).await.status, 204);
    assert_eq!(desk.get("/api/v1/keys").await.problem().0, 401);
}

#[tokio::test]
async fn a_wrong_key_request_is_named_by_field() {
    let desk = Desk::open().await;
    for (body, field) in [
        (json!({ "role": "viewer" }), "name"),
        (json!({ "name": "x" }), "role"),
        (json!({ "name": "x", "role": "god" }), "role"),
        (json!({ "name": " ", "role": "viewer" }), "name"),
        (json!({ "name": "x", "role": "viewer", "project": "" }), "project"),
    ] {
        assert_eq!(desk.post("/api/v1/keys", body).await.problem(), (400, Some(field.into())));
    }
}
