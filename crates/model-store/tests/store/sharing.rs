//! The same bytes are fetched once.

use crate::fixtures::{Shop, bytes, pinned, silent, source, unpinned};
use crate::server::{Reply, Server};

const LEN: usize = 300_000;

#[tokio::test]
async fn calls_for_one_model_share_one_download() {
    let server = Server::of(bytes(1, LEN)).await;
    let shop = Shop::new();
    let source = source(vec![unpinned("m.bin", server.url("x"))]);
    let calls = (0..5).map(|_| shop.store.ensure("m", &source, silent));
    for done in futures_util::future::join_all(calls).await {
        assert_eq!(done.unwrap(), shop.root.join("m"));
    }
    shop.store.ensure("m", &source, silent).await.unwrap();
    assert_eq!(server.seen().len(), 1);
}

#[tokio::test]
async fn a_failure_is_shared_too_and_not_remembered() {
    let server = Server::start(|_| Reply::new(404, "")).await;
    let shop = Shop::new();
    let source = source(vec![unpinned("m.bin", server.url("x"))]);
    let calls = (0..3).map(|_| shop.store.ensure("m", &source, silent));
    assert!(futures_util::future::join_all(calls).await.iter().all(Result::is_err));
    assert_eq!(server.seen().len(), 1);
    shop.store.ensure("m", &source, silent).await.unwrap_err();
    assert_eq!(server.seen().len(), 2);
}

#[tokio::test]
async fn models_with_the_same_file_share_it() {
    let body = bytes(2, LEN);
    let server = Server::of(body.clone()).await;
    let shop = Shop::new();
    let file = pinned("one.bin", server.url("x"), &body);
    let mut other = file.clone();
    other.filename = "other.bin".to_owned();
    let (one, other) = (source(vec![file]), source(vec![other]));
    let both = tokio::join!(shop.store.ensure("a", &one, silent), shop.store.ensure("b", &other, silent));
    both.0.and(both.1).unwrap();
    shop.store.ensure("c", &one, silent).await.unwrap();
    assert_eq!((server.seen().len(), server.sent()), (1, LEN as u64));
    assert!(shop.read("b/other.bin") == body && shop.read("c/one.bin") == body);
    let used = shop.store.disk_use().unwrap().used;
    assert!((LEN as u64..LEN as u64 + 10_000).contains(&used), "{used}: links take no room");
    // The last owner takes the bytes along.
    assert!(shop.store.remove("a").await.unwrap() < 10_000);
    assert!(shop.store.remove("b").await.unwrap() < 10_000);
    assert!(shop.store.remove("c").await.unwrap() > LEN as u64);
    assert!(shop.present().is_empty());
}

#[tokio::test]
async fn an_unpinned_file_is_shared_only_while_it_comes() {
    let server = Server::start(|request| {
        // What it serves changes with each request.
        Reply::file(request, &bytes(request.number as u64, LEN), None)
    })
    .await;
    let shop = Shop::new();
    let source = source(vec![unpinned("m.bin", server.url("x"))]);
    let both = tokio::join!(shop.store.ensure("a", &source, silent), shop.store.ensure("b", &source, silent));
    both.0.and(both.1).unwrap();
    assert_eq!(server.seen().len(), 1);
    tokio::time::sleep(std::time::Duration::from_millis(5)).await;
    shop.store.ensure("c", &source, silent).await.unwrap();
    assert!(shop.read("a/m.bin") == shop.read("b/m.bin") && shop.read("a/m.bin") != shop.read("c/m.bin"));
}

#[tokio::test]
async fn several_files_come_side_by_side() {
    let server =
        Server::start(|request| Reply::file(request, &bytes(request.path.len() as u64, LEN), None)).await;
    let shop = Shop::with(|settings| settings.parallel_files = 2);
    let file = |name: &str| unpinned(name, server.url(name));
    let source = source(["a", "bb", "ccc", "dddd"].map(file).into());
    shop.store.ensure("m", &source, silent).await.unwrap();
    for (name, number) in [("a", 2), ("bb", 3), ("ccc", 4), ("dddd", 5)] {
        assert!(shop.read(&format!("m/{name}")) == bytes(number, LEN));
    }
    let present = shop.store.present();
    assert_eq!((present[0].bytes, present[0].files.len()), (4 * LEN as u64, 4));
}
