//! What clients bring for their jobs: taken in, named by tasks, fetched by workers.

use axum::body::Body;
use axum::http::{Request, header};
use futures_util::stream;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use crate::desk::{Answer, Desk, image};

const PICTURE: &[u8] = b"\x89PNG not really";

async fn bring(desk: &Desk, key: &str, query: &str, kind: &str, body: Body) -> Answer {
    let request = Request::post(format!("/api/v1/inputs{query}"))
        .header(header::AUTHORIZATION, format!("Bearer {key}"))
        .header(header::CONTENT_TYPE, kind)
        .body(body)
        .expect("a request");
    Answer::read(desk.send(request).await).await
}

fn edit(url: &str) -> Value {
    let mut job = image("an edit");
    job["task"]["initImageUrl"] = json!(url);
    job
}

#[tokio::test]
async fn an_input_is_kept_with_its_hash_and_named_by_a_task() {
    let desk = Desk::open().await;
    let key = desk.key("submitter", None).await;
    let chunks = stream::iter(PICTURE.chunks(3).map(|part| Ok::<_, std::io::Error>(part.to_vec())));
    let made = bring(&desk, &key, "", "image/png; x=1", Body::from_stream(chunks)).await;
    assert_eq!(made.status, 201);
    let made = made.ok();
    assert_eq!((&made["mime"], &made["bytes"]), (&json!("image/png"), &json!(PICTURE.len())));
    assert_eq!(made["sha256"], hex::encode(Sha256::digest(PICTURE)));
    let (id, url) = (made["id"].as_str().unwrap(), made["url"].as_str().unwrap());
    assert_eq!(url, format!("studio:///inputs/{id}"));
    let job = desk.id_of("/api/v1/jobs", edit(url)).await;
    let shown = desk.get(&format!("/api/v1/jobs/{job}")).await.ok();
    assert_eq!(shown["task"]["initImageUrl"], url, "no address with a signature in it is shown");
    let bytes = desk.get(&format!("/api/v1/inputs/{id}")).await;
    assert_eq!((&bytes.bytes[..], bytes.header("content-type")), (PICTURE, Some("image/png")));
}

#[tokio::test]
async fn only_what_engines_read_is_taken() {
    let desk = Desk::open().await;
    for kind in ["image/svg+xml", "text/html", "application/octet-stream", "", "image/*", "application/json"]
    {
        let refused = bring(&desk, &desk.admin, "", kind, Body::from("x")).await;
        assert_eq!(refused.problem(), (415, Some("Content-Type".into())), "{kind}");
        assert!(refused.json()["detail"].as_str().unwrap().contains("image/png"));
    }
    assert_eq!(bring(&desk, &desk.admin, "", "image/png", Body::empty()).await.problem().0, 400);
    let huge = vec![0_u8; 26 * 1024 * 1024];
    let announced = bring(&desk, &desk.admin, "", "image/png", Body::from(huge.clone())).await;
    assert_eq!(announced.problem().0, 413);
    let chunks = stream::iter((0..26).map(|_| Ok::<_, std::io::Error>(vec![0_u8; 1024 * 1024])));
    let streamed = bring(&desk, &desk.admin, "", "image/png", Body::from_stream(chunks)).await;
    assert_eq!(streamed.problem().0, 413);
    let cut = stream::iter([Ok(vec![1_u8]), Err(std::io::Error::other("reset"))]);
    assert_eq!(bring(&desk, &desk.admin, "", "image/png", Body::from_stream(cut)).await.problem().0, 400);
    assert!(desk.state.artefacts.keys().await.unwrap().is_empty(), "nothing stays of what was refused");
    let sound = bring(&desk, &desk.admin, "", "audio/x-wav", Body::from(huge)).await.ok();
    assert_eq!(sound["mime"], "audio/wav", "recordings may be longer than pictures are large");
}

#[tokio::test]
async fn a_task_names_inputs_of_its_own_project_only() {
    let desk = Desk::open().await;
    let red = desk.key("submitter", Some("red")).await;
    let own = bring(&desk, &red, "", "image/png", Body::from(PICTURE)).await.ok();
    assert_eq!(own["project"], "red");
    let refused = bring(&desk, &red, "?project=blue", "image/png", Body::from(PICTURE)).await;
    assert_eq!(refused.problem(), (403, Some("project".into())));
    let url = own["url"].as_str().unwrap();
    assert!(desk.call(&red, "POST", "/api/v1/jobs", Some(edit(url))).await.status.is_success());
    let blue = desk.key("submitter", Some("blue")).await;
    let stolen = desk.call(&blue, "POST", "/api/v1/jobs", Some(edit(url))).await;
    let missing = desk.call(&red, "POST", "/api/v1/jobs", Some(edit("studio:///inputs/in-0"))).await;
    for answer in [&stolen, &missing] {
        assert_eq!(answer.problem(), (400, Some("task".into())));
    }
    let hidden = |answer: &Answer, id: &str| answer.json()["detail"].as_str().unwrap().replace(id, "X");
    let id = own["id"].as_str().unwrap();
    assert_eq!(
        hidden(&stolen, id).replace("blue", "P"),
        hidden(&missing, "in-0").replace("red", "P"),
        "whether it is there is nobody else's business"
    );
    let path = format!("/api/v1/inputs/{id}");
    assert_eq!(desk.call(&blue, "GET", &path, None).await.problem().0, 404);
    for wrong in
        ["studio:///inputs/../admin.key", "studio:///models/m/f", "studio:x", "STUDIO:///inputs/in-1"]
    {
        let answer = desk.call(&red, "POST", "/api/v1/jobs", Some(edit(wrong))).await;
        assert_eq!(answer.problem(), (400, Some("task".into())), "{wrong}");
    }
    for id in ["..%2F..%2Fadmin.key", "%2e%2e", "in-1%00"] {
        assert_eq!(desk.get(&format!("/api/v1/inputs/{id}")).await.problem().0, 404, "{id}");
    }
}

#[tokio::test]
async fn an_address_for_a_worker_opens_one_input() {
    let desk = Desk::open().await;
    let made = bring(&desk, &desk.admin, "", "image/png", Body::from(PICTURE)).await.ok();
    let id = made["id"].as_str().unwrap();
    let far = "99999999999";
    let signature = desk.state.signer.sign("input-link", &[id, far]);
    let open = async |path: String| {
        Answer::read(desk.send(Request::get(path).body(Body::empty()).unwrap()).await).await
    };
    let good = open(format!("/files/inputs/{id}?expires={far}&signature={signature}")).await;
    assert_eq!((&good.bytes[..], good.header("content-type")), (PICTURE, Some("image/png")));
    let as_artefact = desk.state.signer.sign("artefact-link", &[id, far]);
    for wrong in [
        format!("/files/inputs/{id}?expires={far}&signature={as_artefact}"),
        format!("/files/inputs/in-0?expires={far}&signature={signature}"),
        format!("/files/inputs/{id}?expires=1&signature={signature}"),
        format!("/files/inputs/{id}"),
        format!("/files/{id}?expires={far}&signature={signature}"),
    ] {
        assert_eq!(open(wrong.clone()).await.problem().0, 403, "{wrong}");
    }
}
