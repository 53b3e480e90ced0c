//! The model registry.

use serde_json::{Value, json};

use crate::desk::{Answer, Desk, image};

fn model() -> Value {
    let file = json!({ "role": "model", "url": "https://example.org/m.gguf", "filename": "m.gguf",
        "approxBytes": 12, "sha256": "ab".repeat(32) });
    let defaults =
        json!({ "cfgScale": 1.0, "steps": 8, "width": 512, "height": 512, "samplingMethod": "euler" });
    json!({ "kind": "image", "vramGb": 6.5, "source": { "engine": "sd-cpp", "files": [file], "cliDefaults": defaults } })
}

async fn put(desk: &Desk, id: &str, body: Value) -> Answer {
    desk.call(&desk.admin, "PUT", &format!("/api/v1/models/{id}"), Some(body)).await
}

#[tokio::test]
async fn a_new_studio_knows_the_seeds() {
    let desk = Desk::open().await;
    let models = desk.get("/api/v1/models").await.ok();
    let ids: Vec<_> = models["items"].as_array().unwrap().iter().map(|m| m["id"].as_str().unwrap()).collect();
    for id in ["synthetic", "synthetic-chat", "synthetic-tts", "synthetic-stt", "z-image-turbo"] {
        assert!(ids.contains(&id), "{id}: {ids:?}");
    }
}

#[tokio::test]
async fn a_model_is_made_replaced_disabled_and_removed() {
    let desk = Desk::open().await;
    assert_eq!(put(&desk, "mine", model()).await.status, 201);
    let shown = desk.get("/api/v1/models/mine").await.ok();
    assert_eq!((&shown["enabled"], &shown["source"]), (&json!(true), &model()["source"]));
    let mut changed = model();
    changed["vramGb"] = json!(2);
    changed["enabled"] = json!(false);
    assert_eq!(put(&desk, "mine", changed).await.status, 200);
    let mut job = image("a");
    job["model"] = json!("mine");
    assert_eq!(desk.post("/api/v1/jobs", job.clone()).await.problem(), (400, Some("model".into())));
    let patch =
        desk.call(&desk.admin, "PATCH", "/api/v1/models/mine", Some(json!({ "enabled": true }))).await;
    assert_eq!(patch.ok()["enabled"], true);
    let id = desk.id_of("/api/v1/jobs", job).await;
    let remove = async || desk.call(&desk.admin, "DELETE", "/api/v1/models/mine", None).await;
    assert_eq!(remove().await.problem().0, 409, "a job waits for it");
    desk.post(&format!("/api/v1/jobs/{id}/cancel"), json!({})).await.ok();
    assert_eq!(remove().await.status, 204);
    assert_eq!(remove().await.problem().0, 404);
    assert_eq!(desk.get("/api/v1/models/mine").await.problem().0, 404);
    assert_eq!(desk.get(&format!("/api/v1/jobs/{id}")).await.ok()["model"], "mine", "history stays");
}

#[tokio::test]
async fn what_no_worker_could_use_is_refused_by_field() {
    let desk = Desk::open().await;
    let with = |path: &str, value: Value| {
        let mut model = model();
        *model.pointer_mut(path).unwrap() = value;
        model
    };
    for (body, field) in [
        (json!({}), "kind"),
        (with("/kind", json!("sculpture")), "kind"),
        (with("/vramGb", json!("much")), "vramGb"),
        (with("/vramGb", json!(-1)), "vramGb"),
        (with("/source", json!({})), "source.engine"),
        (with("/source/engine", json!("")), "source.engine"),
        (with("/source/files", json!(null)), "source.files"),
        (with("/source/cliDefaults", json!({ "cfgScale": 1.0 })), "source.cliDefaults.steps"),
        (with("/source/files/0/url", json!("http://example.org/m")), "source.files[0].url"),
        (with("/source/files/0/url", json!("file:///etc/passwd")), "source.files[0].url"),
        (with("/source/files/0/url", json!("https://me:secret@example.org/m")), "source.files[0].url"),
        (with("/source/files/0/url", json!("nonsense")), "source.files[0].url"),
        (with("/source/files/0/filename", json!("../m")), "source.files[0].filename"),
        (with("/source/files/0/filename", json!("C:\\m")), "source.files[0].filename"),
        (with("/source/files/0/sha256", json!("abc")), "source.files[0].sha256"),
        (with("/source/files/0/role", json!("brain")), "source.files[0].role"),
        (with("/source/files/0/approxBytes", json!(-4)), "source.files[0].approxBytes"),
        (
            with("/source/files", json!([model()["source"]["files"][0], model()["source"]["files"][0]])),
            "source.files[1].filename",
        ),
    ] {
        let text = body.to_string();
        let answer = put(&desk, "mine", body).await;
        assert_eq!(answer.problem(), (400, Some(field.into())), "{text}: {}", answer.json()["detail"]);
    }
    for id in ["..", ".hidden", "a%2Fb", "a%20b", "m%C3%A4h", "%2e%2e%2fetc"] {
        let status = put(&desk, id, model()).await.status;
        assert!(status == 400 || status == 404, "{id}: {status}");
    }
    assert_eq!(
        put(&desk, "local", with("/source/files/0/url", json!("http://127.0.0.1:9/m"))).await.status,
        201
    );
}

#[tokio::test]
async fn addresses_of_a_hub_are_checked_before_it_is_asked() {
    let desk = Desk::open().await;
    let add = async |body: Value| desk.post("/api/v1/models", body).await.problem();
    for wrong in
        [json!([]), json!(["https://example.com/x.gguf"]), json!(["hf:nobody"]), json!(["brain=hf:a/b"])]
    {
        let (status, field) = add(json!({ "sources": wrong })).await;
        assert_eq!((status, field.as_deref()), (400, Some("sources")), "{wrong}");
    }
    let taken = add(json!({ "id": "synthetic", "sources": ["hf:a/b"] })).await;
    assert_eq!(taken, (409, Some("id".to_owned())));
}
