//! Downloads that are continued, and those that must not be.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use model_store::FetchError;

use crate::fixtures::{Shop, bytes, hash, pinned, silent, source, unpinned, until};
use crate::server::{Framing, Reply, Server};

const LEN: usize = 1_000_000;

/// Cuts the first answer, stays away until it is told, then is honest.
async fn cut_then(
    after: impl Fn(&crate::server::Request) -> Reply + Send + Sync + 'static,
    body: Vec<u8>,
) -> (Server, Arc<AtomicBool>) {
    let back = Arc::new(AtomicBool::new(false));
    let is_back = back.clone();
    let server = Server::start(move |request| {
        if request.number == 0 {
            Reply::file(request, &body, Some("\"v1\"")).cut(600_000)
        } else if is_back.load(Ordering::SeqCst) {
            after(request)
        } else {
            Reply::new(503, "")
        }
    })
    .await;
    (server, back)
}

#[tokio::test]
async fn a_cut_download_goes_on_where_it_stopped() {
    let body = bytes(1, LEN);
    let copy = body.clone();
    let (server, back) =
        cut_then(move |request| Reply::file(request, &copy, Some("\"v1\"")), body.clone()).await;
    for file in [pinned("m.bin", server.url("pinned"), &body), unpinned("m.bin", server.url("unpinned"))] {
        back.store(false, Ordering::SeqCst);
        let shop = Shop::new();
        let source = source(vec![file]);
        let error = shop.store.ensure("m", &source, silent).await.unwrap_err();
        assert!(matches!(error, FetchError::Busy { status: 503, .. }) && error.retryable(), "{error}");
        assert!(shop.has("m/m.bin.part") && !shop.has("m/m.bin"));
        back.store(true, Ordering::SeqCst);
        // Another process, which knows only what is on the disk.
        shop.reopened().ensure("m", &source, silent).await.unwrap();
        assert!(shop.read("m/m.bin") == body);
        let last = server.seen().pop().unwrap();
        assert_eq!((last.from(), last.header("if-range")), (Some(600_000), Some("\"v1\"")));
    }
}

#[tokio::test]
async fn versions_are_never_mixed() {
    let (old, new) = (bytes(2, LEN), bytes(3, LEN));
    let copy = new.clone();
    let honest = move |request: &crate::server::Request| Reply::file(request, &copy, Some("\"v2\""));
    let copy = new.clone();
    // It ignores If-Range and sends the rest of another version.
    let blind = move |request: &crate::server::Request| {
        let mut plain = request.clone();
        plain.headers.remove("if-range");
        Reply::file(&plain, &copy, Some("\"v2\""))
    };
    let honest: Box<dyn Fn(&crate::server::Request) -> Reply + Send + Sync> = Box::new(honest);
    for after in [honest, Box::new(blind)] {
        let (server, back) = cut_then(after, old.clone()).await;
        let shop = Shop::new();
        let source = source(vec![unpinned("m.bin", server.url("x"))]);
        shop.store.ensure("m", &source, silent).await.unwrap_err();
        back.store(true, Ordering::SeqCst);
        shop.store.ensure("m", &source, silent).await.unwrap();
        assert!(shop.read("m/m.bin") == new);
    }
}

#[tokio::test]
async fn an_unpinned_part_without_a_version_starts_over() {
    let body = bytes(4, LEN);
    let copy = body.clone();
    let server = Server::start(move |request| {
        let reply = Reply::file(request, &copy, None);
        if request.number == 0 { reply.cut(500_000) } else { reply }
    })
    .await;
    let shop = Shop::new();
    shop.store.ensure("m", &source(vec![unpinned("m.bin", server.url("x"))]), silent).await.unwrap();
    assert!(shop.read("m/m.bin") == body);
    assert!(server.seen().iter().all(|request| request.from().is_none()));
}

#[tokio::test]
async fn the_rest_of_a_pinned_file_comes_from_another_address() {
    let body = bytes(5, LEN);
    let copy = body.clone();
    let server = Server::start(move |request| match (request.path.as_str(), request.number) {
        ("/first", 0) => Reply::file(request, &copy, Some("\"a\"")).cut(700_000),
        ("/first", _) => Reply::new(404, ""),
        _ => Reply::file(request, &copy, Some("\"b\"")),
    })
    .await;
    let shop = Shop::new();
    let mut file = pinned("m.bin", server.url("second"), &body);
    file.mirrors = vec![server.url("first")];
    shop.store.ensure("m", &source(vec![file]), silent).await.unwrap();
    assert!(shop.read("m/m.bin") == body);
    assert_eq!(server.sent(), LEN as u64);
}

#[tokio::test]
async fn a_part_that_was_changed_on_the_disk_is_found_out() {
    let body = bytes(6, LEN);
    let copy = body.clone();
    let (server, back) =
        cut_then(move |request| Reply::file(request, &copy, Some("\"v1\"")), body.clone()).await;
    let shop = Shop::new();
    let source = source(vec![pinned("m.bin", server.url("x"), &body)]);
    shop.store.ensure("m", &source, silent).await.unwrap_err();
    let part = shop.root.join("m/m.bin.part");
    let mut damaged = std::fs::read(&part).unwrap();
    damaged[1000] ^= 1;
    std::fs::write(&part, damaged).unwrap();
    back.store(true, Ordering::SeqCst);
    shop.store.ensure("m", &source, silent).await.unwrap();
    assert!(shop.read("m/m.bin") == body);
}

#[tokio::test]
async fn a_download_that_was_complete_but_for_its_name_asks_for_nothing() {
    let body = bytes(7, 1000);
    let server = Server::of(body.clone()).await;
    let shop = Shop::new();
    std::fs::create_dir_all(shop.root.join("m")).unwrap();
    std::fs::write(shop.root.join("m/m.bin.part"), &body).unwrap();
    let url = server.url("x");
    let facts = serde_json::json!({ "url": url, "sha256": hash(&body), "length": 1000 });
    std::fs::write(shop.root.join("m/m.bin.part.json"), facts.to_string()).unwrap();
    shop.store.ensure("m", &source(vec![pinned("m.bin", url, &body)]), silent).await.unwrap();
    assert!(shop.read("m/m.bin") == body);
    assert!(server.seen().is_empty());
}

#[tokio::test]
async fn a_body_that_nobody_measured_needs_a_hash() {
    let body = bytes(8, LEN);
    let copy = body.clone();
    let server = Server::start(move |request| match request.path.as_str() {
        "/bare" => Reply::new(200, &copy[..]).framed(Framing::Nothing),
        "/page" => Reply::new(200, "<html>log in</html>").with("content-type", "text/html; charset=utf-8"),
        _ => Reply::new(200, &copy[..]).framed(Framing::Chunked),
    })
    .await;
    let shop = Shop::new();
    let unpinned = |path: &str| source(vec![unpinned("m.bin", server.url(path))]);
    for (path, why) in [("bare", "how long"), ("page", "web page")] {
        let error = shop.store.ensure("m", &unpinned(path), silent).await.unwrap_err().to_string();
        assert!(error.contains(why) && error.contains("sha256"), "{error}");
    }
    shop.store.ensure("chunked", &unpinned("chunked"), silent).await.unwrap();
    let pinned = source(vec![pinned("m.bin", server.url("bare"), &body)]);
    shop.store.ensure("m", &pinned, silent).await.unwrap();
    assert!(shop.read("m/m.bin") == body && shop.read("chunked/m.bin") == body);
}

#[tokio::test]
async fn dropping_the_last_caller_stops_the_download_and_keeps_the_part() {
    let body = bytes(9, 4_000_000);
    let copy = body.clone();
    let server = Server::start(move |request| {
        let pace = Some((50_000, std::time::Duration::from_millis(5)));
        Reply { pace, ..Reply::file(request, &copy, Some("\"v1\"")) }
    })
    .await;
    let shop = Shop::new();
    let source = source(vec![pinned("m.bin", server.url("x"), &body)]);
    {
        let mut one = Box::pin(shop.store.ensure("m", &source, silent));
        let mut other = Box::pin(shop.store.ensure("m", &source, silent));
        let came = |bytes: u64| {
            let part = shop.root.join("m/m.bin.part");
            move || std::fs::metadata(&part).is_ok_and(|meta| meta.len() >= bytes)
        };
        tokio::select! {
            _ = &mut one => panic!("too fast"),
            _ = &mut other => panic!("too fast"),
            () = until("half a megabyte", came(500_000)) => {}
        }
        // One caller goes, the other one's download goes on.
        drop(one);
        tokio::select! {
            _ = &mut other => panic!("too fast"),
            () = until("a megabyte", came(1_000_000)) => {}
        }
        assert_eq!(server.seen().len(), 1);
    }
    let kept = std::fs::metadata(shop.root.join("m/m.bin.part")).unwrap().len();
    shop.store.ensure("m", &source, silent).await.unwrap();
    assert!(shop.read("m/m.bin") == body);
    let from = server.seen().pop().unwrap().from().unwrap() as u64;
    assert!(server.seen().len() == 2 && from >= kept, "{from} of {kept}");
}
