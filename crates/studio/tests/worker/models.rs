//! Model files that workers fetch from the studio: addresses in offers, ranges, who may.

use std::time::Duration;

use reqwest::{Method, StatusCode, header};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use studio_protocol::{Capabilities, Feature, FeatureSet, ModelFile, ModelSource};
use studio_store::Model;
use testkit::{Identity, RawSession, RawWorker};

use crate::served::Served;

/// A model's bytes, long enough for ranges.
const BYTES: &[u8] = b"GGUF, and then the weights of a model that nobody trained";

fn hash() -> String {
    hex::encode(Sha256::digest(BYTES))
}

/// A model of the synthetic engine, so that a raw worker is offered its jobs.
fn entry(url: &str, more: &Value) -> Value {
    let mut file = json!({ "role": "model", "url": url, "filename": "m.gguf" });
    file.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    let defaults = json!({ "cfgScale": 1.0, "steps": 1, "width": 64, "height": 64 });
    json!({ "kind": "llm", "vramGb": 0.0, "source": { "engine": "synthetic", "files": [file], "cliDefaults": defaults } })
}

async fn put_entry(studio: &Served, entry: &Value) {
    let answer =
        studio.admin(Method::PUT, "/models/synthetic-own", Some(entry.to_string().into_bytes())).await;
    assert!(answer.status().is_success(), "{}", answer.text().await.unwrap());
}

async fn upload(studio: &Served, bytes: &[u8]) -> (StatusCode, Value) {
    let answer = studio.admin(Method::PUT, "/models/synthetic-own/files/m.gguf", Some(bytes.to_vec())).await;
    (answer.status(), answer.json().await.unwrap())
}

fn capabilities() -> Capabilities {
    let mut capabilities = RawWorker::synthetic();
    capabilities.supported_models.push("synthetic-own".into());
    for models in capabilities.supported_models_per_kind.values_mut() {
        models.push("synthetic-own".into());
    }
    capabilities
}

async fn worker(studio: &Served) -> (Identity, RawSession) {
    studio.worker(&capabilities()).await
}

/// Submits a job for the model and returns the source that the worker is offered.
async fn offered(studio: &Served, session: &mut RawSession) -> ModelSource {
    let task = json!({ "kind": "llm", "messages": [{ "role": "user", "content": "hi" }] });
    let job = studio.api.submit(json!({ "model": "synthetic-own", "task": task })).await;
    let claim = session.offer().await;
    assert_eq!(claim.job_id.as_str(), job);
    session.send_json(json!({ "type": "accept", "jobId": job })).await;
    session.send_json(json!({ "type": "fail", "jobId": job, "error": "seen", "retryable": false })).await;
    studio.until(&job, "failed").await;
    claim.model_source
}

async fn get(url: &str, token: &str, headers: &[(header::HeaderName, &str)]) -> reqwest::Response {
    let mut request = reqwest::Client::new().get(url).bearer_auth(token);
    for (name, value) in headers {
        request = request.header(name, *value);
    }
    request.send().await.unwrap()
}

#[tokio::test]
async fn an_uploaded_model_is_fetched_by_the_worker_that_is_offered_its_job() {
    let studio = Served::start().await;
    let (identity, mut session) = worker(&studio).await;
    put_entry(&studio, &entry("studio:///models/synthetic-own/m.gguf", &json!({}))).await;
    let (status, detail) = upload(&studio, BYTES).await;
    assert_eq!(status, StatusCode::CREATED);
    let expected = json!([{ "filename": "m.gguf", "pinned": false, "present": true, "bytes": BYTES.len(), "sha256": hash() }]);
    assert_eq!(detail["files"], expected);

    let file: ModelFile = offered(&studio, &mut session).await.files.remove(0);
    let expected = format!(
        "{}/graphics/api/workers/{}/models/synthetic-own/files/m.gguf",
        studio.url, identity.worker_id
    );
    assert_eq!((file.url.as_str(), file.sha256), (expected.as_str(), Some(hash())));
    let whole = get(&file.url, &identity.token, &[]).await;
    assert_eq!(whole.status(), StatusCode::OK);
    let etag = whole.headers()[header::ETAG].to_str().unwrap().to_owned();
    assert_eq!(etag, format!("\"{}\"", hash()));
    assert_eq!(whole.bytes().await.unwrap(), BYTES);

    let rest =
        get(&file.url, &identity.token, &[(header::RANGE, "bytes=10-"), (header::IF_RANGE, &etag)]).await;
    assert_eq!(rest.status(), StatusCode::PARTIAL_CONTENT);
    assert_eq!(
        rest.headers()[header::CONTENT_RANGE],
        format!("bytes 10-{}/{}", BYTES.len() - 1, BYTES.len())
    );
    assert_eq!(rest.headers()[header::CONTENT_LENGTH], (BYTES.len() - 10).to_string());
    assert_eq!(rest.bytes().await.unwrap(), BYTES[10..]);
    let other =
        get(&file.url, &identity.token, &[(header::RANGE, "bytes=10-"), (header::IF_RANGE, "\"old\"")]).await;
    assert_eq!((other.status(), other.bytes().await.unwrap().len()), (StatusCode::OK, BYTES.len()));
    let known = get(&file.url, &identity.token, &[(header::IF_NONE_MATCH, &etag)]).await;
    assert_eq!(known.status(), StatusCode::NOT_MODIFIED);
    let outside = get(&file.url, &identity.token, &[(header::RANGE, "bytes=1000-")]).await;
    assert_eq!(outside.status(), StatusCode::RANGE_NOT_SATISFIABLE);

    let head = reqwest::Client::new().head(&file.url).bearer_auth(&identity.token).send().await.unwrap();
    assert_eq!(head.headers()[header::CONTENT_LENGTH], BYTES.len().to_string());
    assert_eq!(head.headers()[header::ACCEPT_RANGES], "bytes");
    assert!(head.bytes().await.unwrap().is_empty());
}

#[tokio::test]
async fn only_the_worker_itself_gets_files_and_only_those_that_are_named() {
    let studio = Served::start().await;
    let (identity, _session) = worker(&studio).await;
    let stranger = studio.identity().await;
    put_entry(&studio, &entry("studio:///models/synthetic-own/m.gguf", &json!({}))).await;
    upload(&studio, BYTES).await;
    let base = format!("{}/graphics/api/workers", studio.url);
    let status = async |worker: &str, token: &str, rest: &str| {
        get(&format!("{base}/{worker}/models/{rest}"), token, &[]).await.status()
    };
    let (id, token) = (identity.worker_id.as_str(), identity.token.as_str());
    let file = "synthetic-own/files/m.gguf";
    assert_eq!(status(id, token, file).await, StatusCode::OK);
    assert_eq!(status(id, "wrong", file).await, StatusCode::UNAUTHORIZED);
    assert_eq!(status(id, &stranger.token, file).await, StatusCode::UNAUTHORIZED);
    assert_eq!(status(&stranger.worker_id, token, file).await, StatusCode::UNAUTHORIZED);
    assert_eq!(status("w-nobody", token, file).await, StatusCode::NOT_FOUND);
    let tokenless = reqwest::get(format!("{base}/{id}/models/{file}")).await.unwrap();
    assert_eq!(tokenless.status(), StatusCode::UNAUTHORIZED);
    // What lies in the folder and beside it is served by nobody's wish.
    std::fs::write(studio.home.join("studio/models/synthetic-own/stray.gguf"), b"stray").unwrap();
    for rest in [
        "synthetic-own/files/stray.gguf",
        "synthetic-own/files/..%2f..%2f..%2fadmin.key",
        "synthetic-own/files/%2e%2e%2f%2e%2e%2fadmin.key",
        "synthetic-own/files/..%2fsynthetic-own%2fm.gguf",
        "..%2fsynthetic-own/files/m.gguf",
        "..%2f..%2fstudio/files/admin.key",
        ".records/files/synthetic-own",
        ".records%2fsynthetic-own/files/m.gguf",
        "synthetic-own/files/m.gguf%00",
        "synthetic-own/files/M.GGUF",
        "nobody/files/m.gguf",
        "synthetic/files/m.gguf",
    ] {
        assert_eq!(status(id, token, rest).await, StatusCode::NOT_FOUND, "{rest}");
    }
    let put = studio.admin(Method::PUT, "/models/synthetic-own/files/..%2f..%2fx", Some(b"x".to_vec())).await;
    assert_eq!(put.status(), StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn a_copy_on_the_local_network_comes_before_the_address_far_away() {
    let studio = Served::start().await;
    let (identity, mut session) = worker(&studio).await;
    let far = "https://example.org/m.gguf";
    put_entry(&studio, &entry(far, &json!({ "mirrors": ["https://mirror.example.org/m.gguf"] }))).await;
    let before = offered(&studio, &mut session).await.files.remove(0);
    assert_eq!((before.mirrors.len(), before.sha256), (1, None));
    upload(&studio, BYTES).await;
    let after = offered(&studio, &mut session).await.files.remove(0);
    assert_eq!((after.url.as_str(), after.sha256), (far, Some(hash())));
    assert_eq!(after.mirrors[1], "https://mirror.example.org/m.gguf");
    let copy = get(&after.mirrors[0], &identity.token, &[]).await;
    assert_eq!(copy.bytes().await.unwrap(), BYTES);
    let dropped = studio.admin(Method::DELETE, "/models/synthetic-own/files", None).await;
    assert_eq!(dropped.json::<Value>().await.unwrap()["files"][0]["present"], false);
    assert_eq!(offered(&studio, &mut session).await.files[0].mirrors.len(), 1);
    assert_eq!(get(&after.mirrors[0], &identity.token, &[]).await.status(), StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn an_upload_that_is_not_the_pinned_file_changes_nothing() {
    let studio = Served::start().await;
    let url = "studio:///models/synthetic-own/m.gguf";
    put_entry(&studio, &entry(url, &json!({ "sha256": hash() }))).await;
    let (status, problem) = upload(&studio, b"something else").await;
    assert_eq!(status, StatusCode::BAD_REQUEST);
    assert!(problem["detail"].as_str().unwrap().contains(&hash()), "{problem}");
    assert_eq!(upload(&studio, BYTES).await.0, StatusCode::CREATED);
    assert_eq!(upload(&studio, BYTES).await.0, StatusCode::OK, "again is fine");
    assert_eq!(upload(&studio, b"something else").await.0, StatusCode::BAD_REQUEST);
    let detail = studio.api.get("/models/synthetic-own").await;
    assert_eq!((&detail["files"][0]["present"], &detail["files"][0]["pinned"]), (&json!(true), &json!(true)));
    let left = std::fs::read_dir(studio.home.join("studio/models/.incoming")).unwrap().count();
    assert_eq!(left, 0, "nothing half-written stays");
}

#[tokio::test]
async fn files_go_with_their_model_unless_another_needs_them() {
    let studio = Served::start().await;
    let url = "studio:///models/synthetic-own/m.gguf";
    put_entry(&studio, &entry(url, &json!({}))).await;
    upload(&studio, BYTES).await;
    let user = entry(url, &json!({})).to_string().into_bytes();
    studio.admin(Method::PUT, "/models/user", Some(user)).await.error_for_status().unwrap();
    let shown = studio.api.get("/models/user").await;
    assert_eq!(shown["files"][0]["present"], true, "it lies in the other's folder: {shown}");
    let remove =
        async |model: &str| studio.admin(Method::DELETE, &format!("/models/{model}"), None).await.status();
    assert_eq!(remove("synthetic-own").await, StatusCode::CONFLICT);
    let kept = studio.admin(Method::DELETE, "/models/synthetic-own/files", None).await;
    assert_eq!(kept.json::<Value>().await.unwrap()["files"][0]["present"], true, "only the studio has it");
    assert_eq!(remove("user").await, StatusCode::NO_CONTENT);
    assert_eq!(remove("synthetic-own").await, StatusCode::NO_CONTENT);
    assert!(!studio.home.join("studio/models/synthetic-own").exists());
}

#[tokio::test]
async fn a_file_that_the_entry_names_no_more_is_deleted() {
    let studio = Served::start().await;
    let url = "studio:///models/synthetic-own/m.gguf";
    put_entry(&studio, &entry(url, &json!({}))).await;
    upload(&studio, BYTES).await;
    let path = studio.home.join("studio/models/synthetic-own/m.gguf");
    put_entry(&studio, &entry(url, &json!({ "approxBytes": 5 }))).await;
    assert!(path.exists());
    let other = entry("https://example.org/n.gguf", &json!({ "filename": "n.gguf" }));
    put_entry(&studio, &other).await;
    assert!(!path.exists());
}

#[tokio::test]
async fn a_task_with_options_waits_for_a_worker_that_knows_them() {
    let studio = Served::start().await;
    let (_, mut base) = worker(&studio).await;
    let task = json!({ "kind": "image", "prompt": "a fox", "scheduler": "karras" });
    let job = studio.api.submit(json!({ "model": "synthetic", "task": task })).await;
    base.expect_silence(Duration::from_millis(400)).await;
    let features = FeatureSet::of(&[Feature::Options]);
    let (_, mut able) = studio.worker(&Capabilities { features, ..capabilities() }).await;
    assert_eq!(able.offer().await.job_id.as_str(), job);
}

#[tokio::test]
async fn the_public_address_is_what_workers_are_told() {
    let studio =
        Served::with(|settings| settings.public_url = Some("https://studio.example.org/x".to_owned())).await;
    let (identity, mut session) = worker(&studio).await;
    put_entry(&studio, &entry("studio:///models/synthetic-own/m.gguf", &json!({}))).await;
    let told = offered(&studio, &mut session).await.files.remove(0);
    let expected = format!(
        "https://studio.example.org/x/graphics/api/workers/{}/models/synthetic-own/files/m.gguf",
        identity.worker_id
    );
    assert_eq!(told.url, expected);
}

#[tokio::test]
async fn the_studio_fetches_what_the_registry_names_and_hands_it_on() {
    let far = testkit_file_server().await;
    let studio = Served::start().await;
    let (_, mut session) = worker(&studio).await;
    put_entry(&studio, &entry(&format!("{far}/m.gguf"), &json!({ "approxBytes": BYTES.len() }))).await;
    let begun = studio.admin(Method::POST, "/models/synthetic-own/fetch", None).await;
    assert_eq!(begun.status(), StatusCode::ACCEPTED);
    let until = async |state: &str| {
        let mut detail = Value::Null;
        testkit::wait_until("the fetch ends", Duration::from_secs(20), async || {
            detail = studio.api.get("/models/synthetic-own").await;
            detail["fetch"]["state"] != "running"
        })
        .await;
        assert_eq!(detail["fetch"]["state"], state, "{detail}");
        detail
    };
    let detail = until("done").await;
    assert_eq!(
        (&detail["files"][0]["sha256"], &detail["fetch"]["bytes"]),
        (&json!(hash()), &json!(BYTES.len()))
    );
    let told = offered(&studio, &mut session).await.files.remove(0);
    assert!(told.mirrors[0].starts_with(&studio.url), "{told:?}");
    studio.admin(Method::POST, "/models/synthetic-own/fetch", None).await.error_for_status().unwrap();
    until("done").await;

    put_entry(&studio, &entry(&format!("{far}/gone.gguf"), &json!({ "sha256": "ab".repeat(32) }))).await;
    studio.admin(Method::POST, "/models/synthetic-own/fetch", None).await.error_for_status().unwrap();
    let detail = until("failed").await;
    assert!(detail["fetch"]["error"].as_str().unwrap().contains("gone.gguf"), "{detail}");
    assert_eq!(detail["files"][0]["present"], false, "what is there is another file");
}

/// Somebody else's server, which has one file.
async fn testkit_file_server() -> String {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let routes = axum::Router::new().route("/m.gguf", axum::routing::get(|| async { BYTES }));
    let tasks = studio_runtime::Tasks::new();
    tasks.spawn(async move { axum::serve(listener, routes).await.unwrap() });
    format!("http://{address}")
}

#[tokio::test]
async fn a_first_start_unpacks_the_starter_model() {
    let studio = Served::with(|settings| settings.starter_model = true).await;
    let detail = studio.api.get(&format!("/models/{}", starter_models::MODEL)).await;
    let states = detail["files"].as_array().unwrap();
    assert_eq!(states.len(), starter_models::FILES.len());
    let folder = studio.home.join("studio/models").join(starter_models::MODEL);
    for (file, state) in starter_models::FILES.iter().zip(states) {
        assert_eq!(state["present"], true, "{state}");
        let bytes = std::fs::read(folder.join(file.filename)).unwrap();
        assert_eq!(hex::encode(Sha256::digest(bytes)), file.sha256, "{}", file.filename);
    }
    let (identity, _session) = worker(&studio).await;
    let file = &starter_models::FILES[1];
    let url = format!(
        "{}/graphics/api/workers/{}/models/{}/files/{}",
        studio.url,
        identity.worker_id,
        starter_models::MODEL,
        file.filename
    );
    let part = get(&url, &identity.token, &[(header::RANGE, "bytes=-8")]).await;
    assert_eq!(part.bytes().await.unwrap().len(), 8);
}

#[tokio::test]
async fn how_many_workers_have_a_model_is_told() {
    let studio = Served::start().await;
    let mut capabilities = capabilities();
    capabilities.present_models = vec!["synthetic".into(), "sd-turbo".into()];
    capabilities.loaded_models = vec!["synthetic".into()];
    let (_, _one) = studio.worker(&capabilities).await;
    let (_, _two) = studio.worker(&RawWorker::synthetic()).await;
    let workers = async |model: &str| studio.api.get(&format!("/models/{model}")).await["workers"].clone();
    assert_eq!(workers("synthetic").await, json!({ "present": 1, "loaded": 1 }));
    assert_eq!(workers("sd-turbo").await, json!({ "present": 1, "loaded": 0 }));
    let listed = studio.api.get("/models").await;
    let models: Vec<Model> = serde_json::from_value(listed["items"].clone()).unwrap();
    assert!(models.iter().any(|model| model.id == "sd-turbo"), "an entry still reads as a model");
}
