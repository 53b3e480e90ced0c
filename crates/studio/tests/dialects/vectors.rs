//! `/v1/models` and `/v1/embeddings` over a real fleet.

use reqwest::Method;
use serde_json::{Value, json};

use crate::client::Client;
use crate::fleet::{Fleet, answered, client, refused, unpacked};
use crate::served::Served;

const EMBEDDINGS: &str = "/v1/embeddings";

fn asks(input: &Value) -> Value {
    json!({"model": "synthetic-chat", "input": input})
}

#[tokio::test]
async fn models_that_may_be_named_are_listed() {
    let studio = Served::start().await;
    let key = crate::fleet::key_of(&studio);
    let get = async |path: &str| {
        client().get(format!("{}{path}", studio.url)).bearer_auth(&key).send().await.unwrap()
    };
    let list = answered(get("/v1/models").await).await;
    assert_eq!(list["object"], "list");
    let of = |list: &Value, id: &str| {
        list["data"].as_array().unwrap().iter().find(|model| model["id"] == id).cloned()
    };
    let chat = of(&list, "synthetic-chat").unwrap();
    assert_eq!(
        chat,
        json!({"id": "synthetic-chat", "object": "model", "created": 0, "owned_by": "studio", "kind": "llm",
            "engine": "synthetic"})
    );
    assert_eq!(of(&list, "sd-turbo").unwrap()["owned_by"], "stabilityai");
    assert_eq!(answered(get("/v1/models/synthetic-chat").await).await, chat);

    studio.api.patch("/models/synthetic-chat", &json!({"enabled": false})).await;
    assert!(of(&answered(get("/v1/models").await).await, "synthetic-chat").is_none());
    for gone in ["synthetic-chat", "nobody"] {
        let (status, param, message) = refused(get(&format!("/v1/models/{gone}")).await).await;
        assert_eq!((status, param), (404, json!("model")), "{message}");
        assert!(message.contains(gone), "{message}");
    }
    let without = client().get(format!("{}/v1/models", studio.url)).send().await.unwrap();
    assert_eq!(refused(without).await.0, 401);
}

#[tokio::test]
async fn who_may_only_look_makes_nothing() {
    let studio = Served::start().await;
    let made = studio.api.post("/keys", &json!({"name": "eyes", "role": "viewer"})).await;
    let viewer = Client::new(&studio.url, made["secret"].as_str().unwrap());
    for path in [
        EMBEDDINGS,
        "/v1/images/generations",
        "/v1/images/edits",
        "/v1/images/variations",
        "/v1/audio/speech",
        "/v1/audio/transcriptions",
        "/v1/audio/translations",
    ] {
        assert_eq!(refused(viewer.post(path, &json!({})).await).await.0, 403, "{path}");
        let without = viewer.request(Method::POST, path).json(&json!({})).send().await.unwrap();
        assert_eq!(refused(without).await.0, 401, "{path}");
    }
}

#[tokio::test]
async fn texts_become_vectors_in_their_order() {
    let fleet = Fleet::open().await;
    let one = answered(fleet.post(EMBEDDINGS, asks(&json!("a small fox"))).await).await;
    assert_eq!((&one["object"], &one["model"]), (&json!("list"), &json!("synthetic-chat")));
    assert_eq!(one["usage"], json!({"prompt_tokens": 3, "total_tokens": 3}));
    let vector: Vec<f32> = serde_json::from_value(one["data"][0]["embedding"].clone()).unwrap();
    assert_eq!(vector.len(), 64);
    let mut body = asks(&json!(["the night train", "a small fox"]));
    body["encoding_format"] = json!("base64");
    let two = answered(fleet.post(EMBEDDINGS, body).await).await;
    assert_eq!(two["data"][1]["index"], 1);
    let bytes = unpacked(&two["data"][1]["embedding"]);
    let same: Vec<f32> =
        bytes.chunks_exact(4).map(|four| f32::from_le_bytes(four.try_into().unwrap())).collect();
    assert_eq!(same, vector);

    let many: Vec<String> = (0..130).map(|at| format!("text {at}")).collect();
    let response = fleet.post(EMBEDDINGS, asks(&json!(many))).await;
    assert_eq!(fleet.tasks(&response).await.len(), 2);
    let answer = answered(response).await;
    assert_eq!(answer["data"].as_array().unwrap().len(), 130);
    assert_eq!(answer["data"][129]["index"], 129);
    let last = answered(fleet.post(EMBEDDINGS, asks(&json!("text 129"))).await).await;
    assert_eq!(last["data"][0]["embedding"], answer["data"][129]["embedding"]);
}

#[tokio::test]
async fn texts_that_cannot_be_embedded_are_refused() {
    let fleet = Fleet::open().await;
    let mut shorter = asks(&json!("a"));
    shorter["dimensions"] = json!(16);
    for (body, status, param, word) in [
        (asks(&json!([1, 2, 3])), 400, json!("input"), "tokens"),
        (asks(&json!([])), 400, json!("input"), "empty"),
        (shorter, 400, json!("dimensions"), "64 dimensions"),
        (json!({"model": "synthetic", "input": "a"}), 400, json!("model"), "image"),
        (asks(&json!("[[fail-for-good]]")), 422, Value::Null, "fails for good"),
    ] {
        let (is, at, message) = refused(fleet.post(EMBEDDINGS, body).await).await;
        assert_eq!((is, at), (status, param), "{message}");
        assert!(message.contains(word), "{message}");
    }
}

#[tokio::test]
async fn who_hangs_up_ends_the_embedding() {
    let fleet = Fleet::open().await;
    let texts = vec!["[[delay=60000]]"; 200];
    fleet.hang_up(fleet.request(Method::POST, EMBEDDINGS).json(&asks(&json!(texts))), 2).await;
}
