//! Models through the local API: brought from a server of this machine, taken from files, loaded, removed.

use std::fs;

use serde_json::json;
use sha2::{Digest, Sha256};
use tokio::net::TcpListener;
use worker_local::{AddModel, Client, ClientError, LoadModel, ModelPlace, ModelView, Problem};

use crate::support::{Answer, Studio, TestWorker, approved_config, client, slow_chat, until_some};

const WEIGHTS: &str = "these are the weights";

fn synthetic(url: &str) -> AddModel {
    let sha256 = hex::encode(Sha256::digest(WEIGHTS));
    let source = json!({
        "engine": "synthetic",
        "files": [{"role": "model", "url": url, "filename": "m.bin", "approxBytes": WEIGHTS.len(), "sha256": sha256}],
        "cliDefaults": {"cfgScale": 1.0, "steps": 4, "width": 64, "height": 64},
    });
    AddModel {
        model: "synthetic-mine".into(),
        source: Some(serde_json::from_value(source).unwrap()),
        from: None,
    }
}

fn from(model: &str, from: &str) -> AddModel {
    AddModel { model: model.into(), source: None, from: Some(from.into()) }
}

fn refused<T: std::fmt::Debug>(answer: Result<T, ClientError>) -> Problem {
    match answer.unwrap_err() {
        ClientError::Refused(problem) => problem,
        other => panic!("{other}"),
    }
}

async fn view(client: &Client, model: &str) -> Option<ModelView> {
    client.models().await.unwrap().models.into_iter().find(|view| view.model == model)
}

async fn at(client: &Client, model: &str, place: ModelPlace) -> ModelView {
    until_some(&format!("{model} is {place:?}"), async || {
        view(client, model).await.filter(|view| view.place == place)
    })
    .await
}

#[tokio::test]
async fn a_model_is_added_loaded_kept_unloaded_and_removed() {
    let studio = Studio::start().await;
    studio.answer(|_| Answer::of(200, WEIGHTS));
    let worker = TestWorker::start(&approved_config(&studio));
    let client = client(&worker.path("")).await;
    assert!(client.models().await.unwrap().models.is_empty());
    client.add_model(&synthetic(&format!("{}/m.bin", studio.url()))).await.unwrap();
    let there = at(&client, "synthetic-mine", ModelPlace::Present).await;
    assert_eq!((there.engine.as_str(), there.file_bytes), ("synthetic", WEIGHTS.len() as u64));
    assert_eq!((there.files[0].role.as_str(), there.files[0].name.as_str()), ("model", "m.bin"));
    assert!(there.files[0].sha256.is_some() && there.used_at.is_some() && !there.in_use);
    let load = LoadModel { vram_gb: None, resident: true };
    client.load_model("synthetic-mine", &load).await.unwrap();
    let loaded = at(&client, "synthetic-mine", ModelPlace::Loaded).await;
    assert!(loaded.resident);
    assert!(worker.config().contains("resident_models = [\"synthetic-mine\"]"), "{}", worker.config());
    let problem = refused(client.remove_model("synthetic-mine").await);
    assert!(problem.status == 409 && problem.detail.contains("unload"), "{problem:?}");
    client.unload_model("synthetic-mine").await.unwrap();
    at(&client, "synthetic-mine", ModelPlace::Present).await;
    client.remove_model("synthetic-mine").await.unwrap();
    assert!(!worker.path("models/synthetic-mine").exists());
    assert_eq!(refused(client.load_model("absent", &LoadModel::default()).await).status, 404);
    assert_eq!(refused(client.remove_model("absent").await).status, 404);
    assert_eq!(refused(client.unload_model("absent").await).status, 409);
}

#[tokio::test]
async fn a_model_that_a_job_uses_is_not_removed() {
    let mut studio = Studio::start().await;
    studio.answer(|_| Answer::of(200, WEIGHTS));
    let worker = TestWorker::start(&approved_config(&studio));
    let mut peer = studio.session(&["progress", "resume"]).await;
    let client = client(&worker.path("")).await;
    let mut claim = slow_chat("job-1", 3_000);
    claim["model"] = json!("synthetic-mine");
    claim["modelSource"] =
        serde_json::to_value(synthetic(&format!("{}/m.bin", studio.url())).source).unwrap();
    peer.offer(claim).await;
    peer.expect("accept").await;
    let busy = until_some("the job runs", async || {
        view(&client, "synthetic-mine").await.filter(|view| view.in_use && view.place == ModelPlace::Loaded)
    });
    busy.await;
    let problem = refused(client.remove_model("synthetic-mine").await);
    assert_eq!(problem.status, 409);
    assert!(worker.path("models/synthetic-mine/m.bin").exists());
    peer.expect("completeJson").await;
}

#[tokio::test]
async fn a_download_is_shown_and_broken_off() {
    let studio = Studio::start().await;
    let worker = TestWorker::start(&approved_config(&studio));
    let client = client(&worker.path("")).await;
    // It takes the connection and never says a word.
    let silent = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/m.bin", silent.local_addr().unwrap());
    let models = client.add_model(&synthetic(&url)).await.unwrap();
    assert_eq!(models.models[0].place, ModelPlace::Downloading);
    let status = client.status(None).await.unwrap();
    assert_eq!((status.downloads[0].model.as_str(), status.downloads[0].total_bytes), ("synthetic-mine", 21));
    client.add_model(&synthetic(&url)).await.unwrap();
    let (_connection, _) = silent.accept().await.unwrap();
    client.remove_model("synthetic-mine").await.unwrap();
    assert!(view(&client, "synthetic-mine").await.is_none());
    let over = until_some("nothing is shown", async || {
        client.status(None).await.ok().filter(|status| status.downloads.is_empty())
    });
    over.await;
}

#[tokio::test]
async fn a_file_of_this_machine_becomes_a_model_if_it_is_one() {
    let studio = Studio::start().await;
    let worker = TestWorker::start(&approved_config(&studio));
    let client = client(&worker.path("")).await;
    let path = worker.path("theirs.gguf");
    fs::write(&path, gguf("qwen3")).unwrap();
    client.add_model(&from("mine", path.to_str().unwrap())).await.unwrap();
    let there = at(&client, "mine", ModelPlace::Present).await;
    assert_eq!((there.engine.as_str(), there.files[0].name.as_str()), ("llama-cpp", "theirs.gguf"));
    let (notes, gone) = (worker.path("notes.gguf"), worker.path("gone.gguf"));
    fs::write(&notes, "no model at all").unwrap();
    for (from_where, words) in [
        (notes.to_str().unwrap(), "notes.gguf"),
        (gone.to_str().unwrap(), "gone.gguf"),
        (worker.path("").to_str().unwrap(), "is not a file"),
        ("theirs.gguf", "whole path"),
        ("hf:nobody", "hf:OWNER/REPO"),
        ("http://example.com/x.gguf", "example.com"),
    ] {
        let problem = refused(client.add_model(&from("other", from_where)).await);
        assert!(problem.status == 422 && problem.detail.contains(words), "{from_where}: {problem:?}");
    }
    for name in ["../x", "a/b", ".x", "nul", ""] {
        let problem = refused(client.add_model(&from(name, path.to_str().unwrap())).await);
        assert_eq!(problem.status, 422, "{name}");
        assert!(matches!(refused(client.remove_model(name).await).status, 404 | 405), "{name}");
    }
    assert_eq!(fs::read_dir(worker.path("models")).unwrap().count(), 1);
    assert!(path.exists() && fs::read(&notes).is_ok(), "the owner's files stay");
}

#[tokio::test]
async fn a_hub_is_asked_which_file_and_what_cannot_be_fetched_is_told() {
    let studio = Studio::start().await;
    let listing = json!([
        {"type": "file", "path": "m-Q4_K_M.gguf", "size": gguf("qwen3").len()},
        {"type": "file", "path": "README.md", "size": 3},
    ]);
    studio.answer(move |request| match request.path.as_str() {
        path if path.contains("/api/models/o/r/") => Answer::json(listing.clone()),
        path if path.ends_with("/m-Q4_K_M.gguf") => {
            Answer::of(200, String::from_utf8(gguf("qwen3")).unwrap())
        }
        path if path.contains("/plain.gguf") => Answer::of(200, String::from_utf8(gguf("bert")).unwrap()),
        _ => Answer::of(404, "no"),
    });
    let program = crate::support::Program::new(Some(&approved_config(&studio)));
    let mut command = program.command(&["run"]);
    let mut running = command.env("HF_ENDPOINT", studio.url()).spawn().unwrap();
    let client = client(program.dir.path()).await;
    client.add_model(&from("r", "hf:o/r")).await.unwrap();
    let there = at(&client, "r", ModelPlace::Present).await;
    assert_eq!((there.engine.as_str(), there.files[0].name.as_str()), ("llama-cpp", "m-Q4_K_M.gguf"));
    client.add_model(&from("plain", &format!("{}/a/plain.gguf?x=1", studio.url()))).await.unwrap();
    at(&client, "plain", ModelPlace::Present).await;
    let problem = refused(client.add_model(&from("none", "hf:o/r:other.gguf")).await);
    assert!(problem.detail.contains("other.gguf"), "{problem:?}");
    let trouble = view(&client, "none").await.unwrap();
    assert!(trouble.place == ModelPlace::Absent && trouble.trouble.unwrap().contains("other.gguf"));
    client.remove_model("none").await.unwrap();
    assert!(view(&client, "none").await.is_none());
    running.kill().await.unwrap();
}

/// The least that says of itself which architecture it has.
fn gguf(architecture: &str) -> Vec<u8> {
    let key = "general.architecture";
    let mut head = b"GGUF\x03\0\0\0".to_vec();
    head.extend(0_u64.to_le_bytes());
    head.extend(1_u64.to_le_bytes());
    head.extend((key.len() as u64).to_le_bytes());
    head.extend(key.as_bytes());
    head.extend(8_u32.to_le_bytes());
    head.extend((architecture.len() as u64).to_le_bytes());
    head.extend(architecture.as_bytes());
    head
}
