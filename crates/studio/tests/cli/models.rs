//! `studio models`: files of this machine, files of a hub, and the model that a studio is born with.

use std::path::Path;

use axum::Router;
use axum::extract::Query;
use axum::routing::get;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use crate::shop::{Shop, run};

/// The head of a GGUF whose metadata says its architecture, and some weights.
fn gguf(architecture: &str) -> Vec<u8> {
    let text = |text: &str| [&(text.len() as u64).to_le_bytes()[..], text.as_bytes()].concat();
    let parts: [&[u8]; 6] = [
        b"GGUF\x03\0\0\0\0\0\0\0\0\0\0\0\x01\0\0\0\0\0\0\0",
        &text("general.architecture"),
        &8_u32.to_le_bytes(),
        &text(architecture),
        &[7; 3000],
        architecture.as_bytes(),
    ];
    parts.concat()
}

fn hash(bytes: &[u8]) -> String {
    hex::encode(Sha256::digest(bytes))
}

fn put(shop: &Shop, name: &str, bytes: &[u8]) -> String {
    let path = shop.path(name);
    std::fs::write(&path, bytes).unwrap();
    path.display().to_string()
}

#[tokio::test]
async fn files_of_this_machine_become_a_model_of_the_studio() {
    let shop = Shop::open().await;
    let bytes = gguf("qwen3");
    let file = put(&shop, "Tiny Chat-Q8_0.gguf", &bytes);
    let told = shop.ok(&["models", "add", &file]).await;
    assert!(told.contains("tiny-chat-q8_0") && told.contains("llm by llama-cpp"), "{told}");
    let shown = shop.json(&["models", "show", "tiny-chat-q8_0"]).await;
    let entry = &shown["source"]["files"][0];
    assert_eq!(entry["url"], "studio:///models/tiny-chat-q8_0/Tiny%20Chat-Q8_0.gguf");
    assert_eq!((&entry["role"], &entry["sha256"]), (&json!("model"), &json!(hash(&bytes))));
    assert_eq!(entry["approxBytes"], bytes.len());
    assert_eq!((&shown["enabled"], &shown["files"][0]["present"]), (&json!(true), &json!(true)));
    let stored = shop.studio.data_dir().join("models/tiny-chat-q8_0/Tiny Chat-Q8_0.gguf");
    assert_eq!(std::fs::read(stored).unwrap(), bytes);
    let text = shop.ok(&["models", "show", "tiny-chat-q8_0"]).await;
    assert!(text.contains(&hash(&bytes)[..12]) && text.contains("HERE"), "{text}");
    shop.ok(&["models", "add", &file]).await; // Again is cheap, and harmless.

    let vae = put(&shop, "ae.safetensors", b"\x30\0\0\0\0\0\0\0{\"decoder.conv_in.weight\":{}}");
    let picture = put(&shop, "p.gguf", &gguf("flux"));
    shop.ok(&["models", "add", "drawn", &picture, &file, &vae, "--steps", "4", "--vram-gb", "3"]).await;
    let shown = shop.json(&["models", "show", "drawn"]).await;
    let roles: Vec<_> =
        shown["source"]["files"].as_array().unwrap().iter().map(|file| file["role"].clone()).collect();
    assert_eq!(roles, ["diffusion-model", "text-encoder", "vae"]);
    assert_eq!((&shown["kind"], &shown["source"]["engine"]), (&json!("image"), &json!("sd-cpp")));
    assert_eq!((&shown["vramGb"], &shown["source"]["cliDefaults"]["steps"]), (&json!(3.0), &json!(4)));

    let wrong = shop.run(&["models", "add", "alone", &vae]).await;
    assert!(wrong.code == 1 && wrong.err.contains("--kind"), "{wrong:?}");
    let wrong = shop.run(&["models", "add", "gone.gguf"]).await;
    assert!(wrong.code == 1 && wrong.err.contains("gone.gguf"), "{wrong:?}");
    shop.ok(&["models", "remove", "drawn"]).await;
    assert!(!shop.studio.data_dir().join("models/drawn").exists());
}

/// A hub with one repository.
async fn hub(tasks: &studio_runtime::Tasks) -> String {
    let small = gguf("qwen3");
    let large = gguf("llama");
    let file = |path: &str, bytes: &[u8]| json!({ "type": "file", "path": path, "size": bytes.len(), "lfs": { "oid": hash(bytes), "size": bytes.len() } });
    let readme = json!({ "type": "file", "path": "README.md", "size": 3 });
    let listed = json!([readme, file("chat-Q4_K_M.gguf", &small), file("chat-Q8_0.gguf", &large)]);
    let list = move |_: Query<Value>| {
        let listed = listed.clone();
        async move { axum::Json(listed) }
    };
    let routes = Router::new()
        .route("/api/models/someone/chat-GGUF/tree/main", get(list))
        .route("/someone/chat-GGUF/resolve/main/chat-Q4_K_M.gguf", get(|| async move { small }))
        .route("/someone/chat-GGUF/resolve/main/chat-Q8_0.gguf", get(|| async move { large }));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tasks.spawn(async move { axum::serve(listener, routes).await.unwrap() });
    format!("http://{address}")
}

#[tokio::test]
async fn a_model_of_a_hub_is_pinned_and_fetched_to_the_studio() {
    let tasks = studio_runtime::Tasks::new();
    let endpoint = hub(&tasks).await;
    let shop = Shop::open().await;
    let with_hub = async |arguments: &[&str]| {
        let mut command = shop.studio.command(arguments);
        command.env("HF_ENDPOINT", &endpoint);
        run(command).await
    };
    let added = with_hub(&["models", "add", "hf:someone/chat-GGUF"]).await;
    assert_eq!(added.code, 0, "{added:?}");
    let shown = shop.json(&["models", "show", "chat"]).await;
    let file = &shown["source"]["files"][0];
    assert_eq!(file["url"], format!("{endpoint}/someone/chat-GGUF/resolve/main/chat-Q4_K_M.gguf"));
    assert_eq!(file["sha256"], hash(&gguf("qwen3")));
    assert_eq!((&shown["kind"], &shown["files"][0]["present"]), (&json!("llm"), &json!(false)));
    let fetched = shop.ok(&["models", "fetch", "chat"]).await;
    assert!(fetched.contains("every file is on the studio"), "{fetched}");
    assert_eq!(shop.json(&["models", "show", "chat"]).await["files"][0]["present"], true);
    let dropped = shop.json(&["models", "drop", "chat"]).await;
    assert_eq!(dropped["files"][0]["present"], false);

    let named = with_hub(&["models", "add", "mine", "hf:someone/chat-GGUF:chat-Q8_0.gguf"]).await;
    assert_eq!(named.code, 0, "{named:?}");
    assert_eq!(
        shop.json(&["models", "show", "mine"]).await["source"]["files"][0]["filename"],
        "chat-Q8_0.gguf"
    );
    for wrong in ["hf:someone/chat-GGUF:none.gguf", "hf:someone/else", "hf:someone"] {
        let ran = with_hub(&["models", "add", wrong]).await;
        assert!(ran.code == 1 && !ran.err.is_empty(), "{wrong}: {ran:?}");
    }
    tasks.stop_hard();
}

#[tokio::test]
async fn a_fetch_that_fails_says_why() {
    let shop = Shop::open().await;
    let file = "model=http://127.0.0.1:9/m.gguf";
    shop.ok(&["models", "add", "far", "--kind", "llm", "--engine", "llama-cpp", "--file", file]).await;
    shop.ok(&["models", "fetch", "far", "--no-wait"]).await;
    shop.ok(&["models", "drop", "far"]).await;
    let shown = shop.json(&["models", "show", "far"]).await;
    assert!(shown.get("fetch").is_none(), "it was called off: {shown}");
}

#[tokio::test]
async fn the_doctor_looks_at_model_files() {
    let shop = Shop::open().await;
    shop.ok(&["models", "add", &put(&shop, "tiny.gguf", &gguf("qwen3"))]).await;
    let doctor = async |deep: bool| {
        let mut arguments = vec!["--json", "doctor"];
        arguments.extend(deep.then_some("--deep"));
        let mut command = shop.studio.command(&arguments);
        command.arg("--data-dir").arg(shop.studio.data_dir());
        let report: Value = serde_json::from_str(&run(command).await.out).unwrap();
        let findings = report.as_array().or(report["findings"].as_array()).unwrap().clone();
        findings.into_iter().find(|finding| finding["check"] == "models").unwrap()
    };
    assert_eq!(doctor(true).await["level"], "ok");
    let path = shop.studio.data_dir().join("models/tiny/tiny.gguf");
    let (length, time) = (gguf("qwen3").len(), modified(&path));
    std::fs::write(&path, vec![0; length]).unwrap();
    std::fs::File::options().write(true).open(&path).unwrap().set_modified(time).unwrap();
    assert_eq!(doctor(false).await["level"], "ok", "hashes were not asked for");
    let found = doctor(true).await;
    assert!(
        found["level"] == "warn" && found["detail"].as_str().unwrap().contains("tiny/tiny.gguf"),
        "{found}"
    );
    std::fs::remove_file(&path).unwrap();
    assert_eq!(doctor(false).await["level"], "warn");
}

fn modified(path: &Path) -> std::time::SystemTime {
    std::fs::metadata(path).unwrap().modified().unwrap()
}

#[tokio::test]
async fn a_later_start_looks_at_the_starter_model_and_leaves_it_alone() {
    let mut shop = Shop::open().await;
    let folder = shop.studio.data_dir().join("models").join(starter_models::MODEL);
    let path = folder.join(starter_models::FILES[0].filename);
    let first = modified(&path);
    shop.studio.restart().await;
    assert_eq!(modified(&path), first);
    std::fs::remove_file(&path).unwrap();
    shop.studio.restart().await;
    assert!(path.exists(), "what is missing is unpacked again");
    shop.ok(&["models", "remove", starter_models::MODEL]).await;
    assert!(!folder.exists());
    shop.studio.restart().await;
    assert!(!folder.exists(), "what an operator removed stays removed");
}
