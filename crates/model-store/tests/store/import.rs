//! Files that are on this machine already.

use std::fs;

use model_store::{FetchError, ModelStore, RemoveError, Settings};
use sha2::{Digest, Sha256};
use studio_protocol::ModelSource;

fn source(filename: &str) -> ModelSource {
    serde_json::from_value(serde_json::json!({
        "engine": "llama-cpp",
        "files": [{"role": "model", "url": format!("file:///{filename}"), "filename": filename}],
        "cliDefaults": {"cfgScale": 1.0, "steps": 1, "width": 64, "height": 64},
    }))
    .unwrap()
}

fn store() -> (tempfile::TempDir, ModelStore) {
    let dir = tempfile::tempdir().unwrap();
    let mut settings = Settings::new(dir.path().join("models"));
    settings.reserve = 0;
    (dir, ModelStore::open(settings).unwrap())
}

#[tokio::test]
async fn a_file_is_taken_with_its_hash_and_needs_no_network_from_then_on() {
    let (dir, store) = store();
    let theirs = dir.path().join("theirs.gguf");
    fs::write(&theirs, "weights").unwrap();
    let taken = store.import("mine", &source("m.gguf"), &theirs, |_| ()).await.unwrap();
    assert_eq!(taken.files[0].sha256, Some(hex::encode(Sha256::digest("weights"))));
    let folder = store.ensure("mine", &taken, |_| ()).await.unwrap();
    assert_eq!(fs::read_to_string(folder.join("m.gguf")).unwrap(), "weights");
    assert_eq!(fs::read_to_string(&theirs).unwrap(), "weights", "the owner's own file stays");
    let stored = store.stored().remove(0);
    assert!(stored.complete && !stored.in_use);
    assert_eq!((stored.files[0].name.as_str(), stored.files[0].bytes), ("m.gguf", 7));
    let again = ModelStore::open(Settings::new(store.root())).unwrap();
    assert!(again.stored()[0].complete, "remembered over a restart");
    store.remove("mine").await.unwrap();
    assert_eq!(fs::read_to_string(&theirs).unwrap(), "weights");
}

#[tokio::test]
async fn what_cannot_be_taken_is_said_and_leaves_nothing() {
    let (dir, store) = store();
    let (missing, folder) = (dir.path().join("gone.gguf"), dir.path().to_path_buf());
    for (from, words) in [(missing, "gone.gguf"), (folder, "is not a file")] {
        let error = store.import("mine", &source("m.gguf"), &from, |_| ()).await.unwrap_err();
        assert!(error.to_string().contains(words), "{error}");
    }
    let theirs = dir.path().join("theirs.gguf");
    fs::write(&theirs, "weights").unwrap();
    for (model, filename) in [("../x", "m.gguf"), ("mine", "../m.gguf"), ("mine", ".studio-model.json")] {
        let error = store.import(model, &source(filename), &theirs, |_| ()).await.unwrap_err();
        assert!(matches!(error, FetchError::Name(_)), "{error}");
    }
    assert!(store.stored().is_empty() && fs::read_dir(store.root()).unwrap().next().is_none());
    assert!(matches!(store.remove("../models").await, Err(RemoveError::Unknown(_))));
}

#[tokio::test]
async fn a_file_of_the_owner_that_changes_later_is_found_out() {
    let (dir, store) = store();
    let theirs = dir.path().join("theirs.gguf");
    fs::write(&theirs, "weights").unwrap();
    let taken = store.import("mine", &source("m.gguf"), &theirs, |_| ()).await.unwrap();
    fs::write(&theirs, "other bytes").unwrap();
    let copied = fs::read_to_string(store.root().join("mine/m.gguf")).unwrap() == "weights";
    assert_eq!(store.ensure("mine", &taken, |_| ()).await.is_ok(), copied, "a link is not trusted blindly");
    assert_eq!(fs::read_to_string(&theirs).unwrap(), "other bytes");
}
