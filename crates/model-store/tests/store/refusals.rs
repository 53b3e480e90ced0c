//! What servers refuse, what we refuse, and in which words.

use model_store::{FetchError, Secret, Trusted};
use reqwest::Url;

use crate::fixtures::{Shop, bytes, hash, pinned, silent, source, unpinned};
use crate::server::{Reply, Server};

async fn error_of(shop: &Shop, url: String) -> FetchError {
    shop.store.ensure("m", &source(vec![unpinned("m.bin", url)]), silent).await.unwrap_err()
}

#[tokio::test]
async fn each_status_says_what_to_do() {
    let server = Server::start(|request| {
        let path = request.path.split('?').next().unwrap();
        let status: u16 = path.rsplit('/').next().unwrap().parse().unwrap();
        Reply::new(status, "some words").with("retry-after", "3600")
    })
    .await;
    let shop = Shop::with(|settings| settings.web.tokens = Some("/home/x/tokens".into()));
    let gated = error_of(&shop, server.url("owner/repo/resolve/main/403?token=secret")).await;
    assert_eq!(
        gated.to_string(),
        format!(
            "gated: accept the licence at {}/owner/repo and put a token into /home/x/tokens",
            server.base
        )
    );
    let forbidden = error_of(&shop, server.url("401")).await.to_string();
    assert!(
        forbidden
            .ends_with("answers 401: it wants a token, put a line `127.0.0.1 TOKEN` into /home/x/tokens")
    );
    assert_eq!(
        error_of(&shop, server.url("404")).await.to_string(),
        format!("not there: {}/404", server.base)
    );
    let teapot = error_of(&shop, server.url("418")).await;
    assert!(teapot.to_string().ends_with("answers 418, which is not the file") && !teapot.retryable());
    // An hour is more than a job waits; the caller may come back.
    let busy = error_of(&shop, server.url("429")).await;
    assert!(busy.to_string().ends_with("answers 429 and asks to come back in 3600 s") && busy.retryable());
    assert_eq!(server.seen().len(), 5, "none of them is asked twice");
}

#[tokio::test]
async fn passing_failures_are_waited_out() {
    let body = bytes(1, 1000);
    let copy = body.clone();
    let server = Server::start(move |request| match request.number {
        0 => Reply::new(429, "").with("retry-after", "1"),
        1 => Reply::new(503, ""),
        2 => Reply { stall: true, ..Reply::new(200, &copy[..]).cut(500) },
        3 => Reply::new(200, &copy[..]).cut(0),
        _ => Reply::file(request, &copy, None),
    })
    .await;
    let shop = Shop::new();
    let started = std::time::Instant::now();
    let source = source(vec![pinned("m.bin", server.url("x"), &body)]);
    shop.store.ensure("m", &source, silent).await.unwrap();
    assert!(started.elapsed() >= std::time::Duration::from_secs(1), "Retry-After is honoured");
    assert!(shop.read("m/m.bin") == body && server.seen().len() == 5);
}

#[tokio::test]
async fn a_wrong_hash_is_told_with_both_after_every_address_was_tried() {
    let (right, wrong) = (bytes(1, 1000), bytes(2, 1000));
    let copy = wrong.clone();
    let server = Server::start(move |request| Reply::file(request, &copy, None)).await;
    let shop = Shop::new();
    let mut file = pinned("m.bin", server.url("second"), &right);
    let error = shop.store.ensure("m", &source(vec![file.clone()]), silent).await.unwrap_err();
    let both = format!("serves other bytes: sha256 {}, expected {}", hash(&wrong), hash(&right));
    assert!(error.to_string().contains(&both) && !error.retryable(), "{error}");
    file.mirrors = vec![server.url("first")];
    let error = shop.store.ensure("m", &source(vec![file]), silent).await.unwrap_err();
    let text = error.to_string();
    assert!(matches!(&error, FetchError::Everywhere { failures, .. } if failures.len() == 2), "{text}");
    assert_eq!(text.matches(&both).count(), 2, "{text}");
    assert!(!shop.has("m/m.bin") && !shop.has("m/m.bin.part"));
}

#[tokio::test]
async fn redirects_are_followed_to_a_point() {
    let server = Server::start(|request| match request.path.strip_prefix("/hops/") {
        Some("0") => Reply::file(request, b"the file", None),
        Some(left) => Reply::redirect(&format!("/hops/{}", left.parse::<u32>().unwrap() - 1)),
        None => match request.path.as_str() {
            "/circle" => Reply::redirect("/circle"),
            "/inside" => Reply::redirect("https://192.168.0.1/x"),
            "/metadata" => Reply::redirect("http://169.254.169.254/latest"),
            "/plain" => Reply::redirect("http://example.invalid/x"),
            "/file" => Reply::redirect("file:///etc/passwd"),
            _ => Reply::new(302, ""),
        },
    })
    .await;
    let shop = Shop::new();
    let source_of = |path: &str| source(vec![unpinned("m.bin", server.url(path))]);
    shop.store.ensure("ten", &source_of("hops/10"), silent).await.unwrap();
    for (path, why) in [
        ("hops/11", "more than 10 times"),
        ("circle", "more than 10 times"),
        ("inside", "leads inside: 192.168.0.1 is a private address"),
        ("metadata", "leads to plain http"),
        ("plain", "leads to plain http"),
        ("file", "leads to `file`"),
        ("nowhere", "without an address"),
    ] {
        let error = error_of(&shop, server.url(path)).await;
        assert!(error.to_string().contains(why) && !error.retryable(), "{path}: {error}");
    }
}

#[tokio::test]
async fn tokens_go_to_their_host_alone_and_never_into_words() {
    let elsewhere = Server::of(b"the file".to_vec()).await;
    let far = elsewhere.url("x");
    let server = Server::start(move |request| match request.path.as_str() {
        "/away" => Reply::redirect(&far),
        "/gone?key=query-secret" => Reply::new(404, ""),
        _ => Reply::file(request, b"the file", None),
    })
    .await;
    let dir = tempfile::tempdir().unwrap();
    let tokens = dir.path().join("tokens");
    studio_runtime::write_atomic(&tokens, b"127.0.0.1 token-secret\n", studio_runtime::Mode::Private)
        .unwrap();
    let shop = Shop::with(|settings| settings.web.tokens = Some(tokens.clone()));
    for path in ["here", "away"] {
        let source = source(vec![unpinned("m.bin", server.url(path))]);
        shop.store.ensure(path, &source, silent).await.unwrap();
    }
    assert!(server.seen().iter().all(|r| r.header("authorization") == Some("Bearer token-secret")));
    assert_eq!(elsewhere.seen()[0].header("authorization"), None, "another port is another host");
    let login = server.url("gone?key=query-secret").replace("http://", "http://user:password-secret@");
    let error = error_of(&shop, login).await;
    assert_eq!(error.to_string(), format!("not there: {}/gone?...", server.base));
    let basic = server.seen().pop().unwrap();
    assert!(basic.header("authorization").unwrap().starts_with("Basic "));
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        std::fs::set_permissions(&tokens, std::fs::Permissions::from_mode(0o644)).unwrap();
        let error = error_of(&shop, server.url("here")).await;
        assert!(matches!(error, FetchError::Tokens { .. }), "{error}");
        assert!(error.to_string().contains("chmod 600"), "{error}");
    }
}

#[tokio::test]
async fn the_studio_gets_its_bearer_below_its_base_and_redirects_nowhere() {
    let elsewhere = Server::of(b"the file".to_vec()).await;
    let far = elsewhere.url("x");
    let server = Server::start(move |request| match request.path.as_str() {
        "/api/away" => Reply::redirect(&far),
        "/api/moved" => Reply::redirect("/api/here"),
        _ => Reply::file(request, b"the file", None),
    })
    .await;
    let shop = Shop::new();
    let base = Url::parse(&server.url("api")).unwrap();
    shop.store.set_trusted(Some(Trusted { base, bearer: Some(Secret::new("worker-token")) }));
    for (model, path) in [("a", "api/here"), ("b", "other"), ("c", "api/moved")] {
        let source = source(vec![unpinned("m.bin", server.url(path))]);
        shop.store.ensure(model, &source, silent).await.unwrap();
    }
    let sent: Vec<_> = server.seen().iter().map(|r| r.header("authorization").map(str::to_owned)).collect();
    let bearer = Some("Bearer worker-token".to_owned());
    assert_eq!(sent, [bearer.clone(), None, bearer.clone(), bearer]);
    let error = error_of(&shop, server.url("api/away")).await;
    assert!(error.to_string().contains("redirects to another host"), "{error}");
    assert!(elsewhere.seen().is_empty());
}

#[tokio::test]
async fn names_that_leave_the_folder_are_refused() {
    let shop = Shop::new();
    for (model, file) in
        [("..", "x"), ("a/b", "x"), ("m", "../x"), ("m", "x.part"), ("m", ".studio-model.json")]
    {
        let source = source(vec![unpinned(file, "http://127.0.0.1:1/x".to_owned())]);
        let error = shop.store.ensure(model, &source, silent).await.unwrap_err();
        assert!(matches!(error, FetchError::Name(_)), "{error}");
    }
    let url = |name: &str| unpinned(name, format!("http://127.0.0.1:1/{name}"));
    let clash = source(vec![url("x"), url("X")]);
    let error = shop.store.ensure("m", &clash, silent).await.unwrap_err();
    assert!(error.to_string().contains("two different files"), "{error}");
    let mut odd = url("x");
    odd.sha256 = Some("abc".to_owned());
    let error = shop.store.ensure("m", &source(vec![odd]), silent).await.unwrap_err();
    assert!(error.to_string().contains("64 hex digits"), "{error}");
}
