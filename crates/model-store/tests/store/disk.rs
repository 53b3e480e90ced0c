//! What is on the disk is believed only as far as it proves itself.

use std::fs;

use model_store::RemoveError;

use crate::fixtures::{Shop, bytes, hash, pinned, silent, source, unpinned};
use crate::server::{Reply, Server};

const LEN: usize = 50_000;

/// A model with a pinned and an unpinned file.
async fn model() -> (Server, Shop, studio_protocol::ModelSource) {
    let server = Server::start(|request| {
        let seed = if request.path == "/pinned" { 1 } else { 2 };
        Reply::file(request, &bytes(seed, LEN), Some("\"v1\""))
    })
    .await;
    let shop = Shop::new();
    let source = source(vec![
        pinned("pinned.bin", server.url("pinned"), &bytes(1, LEN)),
        unpinned("free.bin", server.url("free")),
    ]);
    shop.store.ensure("m", &source, silent).await.unwrap();
    (server, shop, source)
}

/// Changes a byte and nothing that a look from outside would tell.
fn tamper(path: &std::path::Path) {
    let modified = fs::metadata(path).unwrap().modified().unwrap();
    let mut bytes = fs::read(path).unwrap();
    bytes[10] ^= 1;
    fs::write(path, bytes).unwrap();
    fs::File::options().write(true).open(path).unwrap().set_modified(modified).unwrap();
}

#[tokio::test]
async fn what_is_complete_is_not_asked_for_again() {
    let (server, shop, source) = model().await;
    let asked = server.seen().len();
    shop.store.ensure("m", &source, silent).await.unwrap();
    shop.reopened().ensure("m", &source, silent).await.unwrap();
    assert_eq!(server.seen().len(), asked);
    let present = shop.reopened().present();
    assert_eq!((present[0].bytes, &present[0].source), (2 * LEN as u64, &source));
    let manifest: serde_json::Value = serde_json::from_slice(&shop.read("m/.studio-model.json")).unwrap();
    let free = manifest["files"].as_array().unwrap().iter().find(|file| file["filename"] == "free.bin");
    assert_eq!(free.unwrap()["sha256"], hash(&bytes(2, LEN)), "trusted on first use");
}

#[tokio::test]
async fn a_file_that_changed_is_hashed_and_replaced() {
    let (server, shop, source) = model().await;
    for (name, seed) in [("m/pinned.bin", 1), ("m/free.bin", 2)] {
        let asked = server.seen().len();
        fs::write(shop.root.join(name), bytes(9, LEN)).unwrap();
        assert!(shop.present().is_empty(), "{name}");
        shop.store.ensure("m", &source, silent).await.unwrap();
        assert!(shop.read(name) == bytes(seed, LEN));
        assert_eq!(server.seen().len(), asked + 1);
        // The same bytes with another time are fine.
        let asked = server.seen().len();
        fs::write(shop.root.join(name), bytes(seed, LEN)).unwrap();
        shop.store.ensure("m", &source, silent).await.unwrap();
        assert_eq!((server.seen().len(), shop.present()), (asked, vec!["m".to_owned()]));
    }
}

#[tokio::test]
async fn tampering_that_keeps_size_and_time_is_found_by_verify() {
    let (_server, shop, source) = model().await;
    assert_eq!(shop.store.verify("m").await.unwrap(), []);
    tamper(&shop.root.join("m/pinned.bin"));
    fs::remove_file(shop.root.join("m/free.bin")).unwrap();
    let damages = shop.store.verify("m").await.unwrap();
    assert_eq!(damages.len(), 2);
    let of = |name: &str| damages.iter().find(|damage| damage.filename == name).unwrap();
    assert_eq!(of("pinned.bin").expected, hash(&bytes(1, LEN)));
    assert_eq!(of("pinned.bin").found, Some(hash(&shop.read("m/pinned.bin"))));
    assert_eq!(of("free.bin").found, None);
    assert!(shop.present().is_empty());
    shop.store.ensure("m", &source, silent).await.unwrap();
    assert!(shop.read("m/pinned.bin") == bytes(1, LEN) && shop.has("m/free.bin"));
    assert!(shop.store.verify("unknown").await.is_err());
}

#[tokio::test]
async fn a_damaged_manifest_proves_nothing() {
    let (server, shop, source) = model().await;
    let path = shop.root.join("m/.studio-model.json");
    let good = fs::read_to_string(&path).unwrap();
    for text in ["", "{\"version\":1}", &good[..good.len() / 2], &good.replace("\"m\"", "\"n\"")] {
        fs::write(&path, text).unwrap();
        let store = shop.reopened();
        assert!(store.present().is_empty());
        let asked = server.seen().len();
        tamper(&shop.root.join("m/free.bin"));
        store.ensure("m", &source, silent).await.unwrap();
        // The pinned file proves itself, the other one cannot.
        assert_eq!(server.seen().len() - asked, 1, "{text}");
        assert!(shop.read("m/free.bin") == bytes(2, LEN) && shop.read("m/pinned.bin") == bytes(1, LEN));
    }
    // A hash that was changed there is not the pinned one, and the file decides.
    let good = fs::read_to_string(&path).unwrap();
    fs::write(&path, good.replace(&hash(&bytes(2, LEN)), &hash(b"lies"))).unwrap();
    tamper(&shop.root.join("m/pinned.bin"));
    let store = shop.reopened();
    assert_eq!(store.verify("m").await.unwrap().len(), 2);
    store.ensure("m", &source, silent).await.unwrap();
    assert!(shop.read("m/free.bin") == bytes(2, LEN) && shop.read("m/pinned.bin") == bytes(1, LEN));
}

#[tokio::test]
async fn files_that_somebody_put_there_are_taken_if_their_hash_is_right() {
    let server = Server::of(bytes(1, LEN)).await;
    let shop = Shop::new();
    fs::create_dir_all(shop.root.join("m")).unwrap();
    fs::write(shop.root.join("m/pinned.bin"), bytes(1, LEN)).unwrap();
    let good = source(vec![pinned("pinned.bin", server.url("x"), &bytes(1, LEN))]);
    shop.store.ensure("m", &good, silent).await.unwrap();
    assert!(server.seen().is_empty());
    // Of an unpinned one nobody knows where it comes from.
    fs::write(shop.root.join("m/free.bin"), bytes(2, LEN)).unwrap();
    let free = source(vec![unpinned("free.bin", server.url("x"))]);
    shop.store.ensure("m", &free, silent).await.unwrap();
    assert!(shop.read("m/free.bin") == bytes(1, LEN));
    assert!(!shop.has("m/pinned.bin"), "what the new source does not name is gone");
}

#[tokio::test]
async fn a_model_without_files_needs_nothing() {
    let shop = Shop::new();
    shop.store.ensure("m", &source(Vec::new()), silent).await.unwrap();
    assert!(!shop.has("m") && shop.present().is_empty());
}

#[tokio::test]
async fn a_source_that_changed_brings_its_new_files() {
    let server =
        Server::start(|request| Reply::file(request, &bytes(request.path.len() as u64, LEN), None)).await;
    let shop = Shop::new();
    for (path, seed) in [("x", 2), ("xy", 3)] {
        let source = source(vec![unpinned("m.bin", server.url(path))]);
        shop.store.ensure("m", &source, silent).await.unwrap();
        assert!(shop.read("m/m.bin") == bytes(seed, LEN));
    }
}

#[tokio::test]
async fn a_model_in_use_is_not_removed() {
    let (_server, shop, _) = model().await;
    let hold = shop.store.hold("m");
    assert!(matches!(shop.store.remove("m").await, Err(RemoveError::InUse(_))));
    assert_eq!(shop.present(), ["m"]);
    drop(hold);
    assert!(shop.store.remove("m").await.unwrap() >= 2 * LEN as u64);
    assert!(!shop.has("m") && shop.present().is_empty());
    assert!(matches!(shop.store.remove("m").await, Err(RemoveError::Unknown(_))));
    assert!(matches!(shop.store.remove("..").await, Err(RemoveError::Unknown(_))));
    assert_eq!(fs::read_dir(&shop.root).unwrap().count(), 0);
}
