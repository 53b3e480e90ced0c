//! Signing in: right, wrong, too often, too large, too slow, from elsewhere.

use std::net::SocketAddr;

use axum::body::Body;
use axum::extract::ConnectInfo;
use axum::http::{Request, StatusCode};
use futures_util::StreamExt;
use serde_json::{Value, json};

use crate::desk::{Answer, Browser, Desk, PASSWORD};

/// A sign-in from an address.
async fn from(desk: &Desk, address: &str, name: &str, password: &str) -> Answer {
    let body = json!({ "name": name, "password": password }).to_string();
    let mut request = Request::post("/api/v1/session").header("content-type", "application/json");
    request = request.extension(ConnectInfo(SocketAddr::new(address.parse().expect("an address"), 1)));
    Answer::read(desk.send(request.body(Body::from(body)).expect("a request")).await).await
}

#[tokio::test]
async fn a_wrong_name_and_a_wrong_password_are_told_alike() {
    let desk = Desk::open().await;
    desk.user("ann", "viewer").await;
    let id = desk.user("bob", "viewer").await;
    let kept_out = json!({ "disabled": true });
    desk.call(&desk.admin, "PATCH", &format!("/api/v1/users/{id}"), Some(kept_out)).await.ok();
    let mut answers = Vec::new();
    for (name, password) in [("ann", "wrong"), ("nobody", PASSWORD), ("bob", PASSWORD), ("", ""), ("ann", "")]
    {
        let answer = from(&desk, "192.0.2.1", name, password).await;
        assert_eq!(answer.problem().0, 401, "{name}");
        assert_eq!(answer.header("set-cookie"), None);
        answers.push(answer.bytes);
    }
    assert!(answers.windows(2).all(|pair| pair[0] == pair[1]));
    desk.settle().await;
    let log = desk.get("/api/v1/audit?action=sign-in").await.ok();
    let actors: Vec<_> = log["items"].as_array().unwrap().iter().map(|line| line["actor"].as_str()).collect();
    // A name that nobody has may be a password: it is not written down.
    assert_eq!(actors, [Some("ann"), Some("unknown"), Some("bob"), Some("unknown"), Some("ann")]);
}

#[tokio::test]
async fn who_guesses_has_to_wait_and_others_do_not() {
    let desk = Desk::open().await;
    desk.user("ann", "viewer").await;
    let (attacker, other) = ("192.0.2.1", "192.0.2.2");
    // Right ones do not count.
    for _ in 0..12 {
        assert_eq!(from(&desk, attacker, "ann", PASSWORD).await.status, 200);
    }
    for _ in 0..10 {
        assert_eq!(from(&desk, attacker, "ann", "wrong guess").await.status, 401);
    }
    let limited = from(&desk, attacker, "ann", "wrong guess").await;
    assert_eq!(limited.problem().0, 429);
    let wait: u64 = limited.header("retry-after").unwrap().parse().unwrap();
    assert!((1..=601).contains(&wait), "{wait}");
    // The right one tells nothing now, nor does another name.
    assert_eq!(from(&desk, attacker, "ann", PASSWORD).await.problem().0, 429);
    assert_eq!(from(&desk, attacker, "bob", PASSWORD).await.problem().0, 429);
    assert_eq!(from(&desk, other, "ann", PASSWORD).await.status, 200);
    // A whole network of IPv6 is one address.
    for host in 0..10 {
        assert_eq!(from(&desk, &format!("2001:db8::{host}"), "x", "wrong guess").await.status, 401);
    }
    assert_eq!(from(&desk, "2001:db8::99", "ann", PASSWORD).await.status, 429);
}

#[tokio::test]
async fn one_name_is_not_guessed_from_many_addresses() {
    let desk = Desk::open().await;
    desk.user("ann", "viewer").await;
    let limited = futures_util::stream::iter(0..40_u8)
        .then(|host| {
            let desk = &desk;
            async move { from(desk, &format!("198.51.100.{host}"), "Ann ", "wrong guess").await.status }
        })
        .filter(|status| std::future::ready(*status == StatusCode::TOO_MANY_REQUESTS))
        .count();
    assert_eq!(limited.await, 10);
    assert_eq!(from(&desk, "203.0.113.1", "ann", PASSWORD).await.problem().0, 429);
    assert_eq!(from(&desk, "203.0.113.1", "bob", "wrong guess").await.problem().0, 401);
}

#[tokio::test]
async fn a_sign_in_always_begins_a_new_session() {
    let desk = Desk::open().await;
    desk.user("ann", "viewer").await;
    let planted = format!("studio_session={}", "a".repeat(64));
    let body = json!({ "name": "ann", "password": PASSWORD });
    let answer = desk.plain("POST", "/api/v1/session", Some(body.clone()), &[("cookie", &planted)]).await;
    let first = Browser::of(&answer);
    assert_ne!(first.cookie, planted);
    assert_eq!(desk.plain("GET", "/api/v1/session", None, &[("cookie", &planted)]).await.problem().0, 401);
    let answer = desk.plain("POST", "/api/v1/session", Some(body), &[("cookie", &first.cookie)]).await;
    let second = Browser::of(&answer);
    assert_ne!((&first.cookie, &first.csrf), (&second.cookie, &second.csrf));
    // The browser has one session: the one before ended with the sign-in.
    assert_eq!(desk.browse(&first, "GET", "/api/v1/session", None).await.problem().0, 401);
    assert_eq!(desk.browse(&second, "GET", "/api/v1/session", None).await.status, 200);
}

#[tokio::test]
async fn cookies_say_where_they_belong() {
    let plain = Desk::open().await;
    plain.user("ann", "viewer").await;
    let cookie = |answer: &Answer| answer.header("set-cookie").unwrap().to_owned();
    let answer = from(&plain, "127.0.0.1", "ann", PASSWORD).await;
    let text = cookie(&answer);
    assert!(text.starts_with("studio_session=") && !text.contains("Secure"), "{text}");
    for part in ["; Path=/", "; HttpOnly", "; SameSite=Lax", "; Max-Age=604800"] {
        assert!(text.contains(part), "{part}: {text}");
    }
    assert!(!text.contains("Domain"), "{text}");
    let session = text.split([';', '=']).nth(1).unwrap();
    let stored = plain.state.store.read(|db| db.browser_session(&"x".into())).await.unwrap();
    assert!(stored.is_none() && session.len() == 64);

    // Behind a proxy that does TLS the cookie is for https and for this host alone.
    let proxied = Desk::open_with(|settings| settings.trust_proxy = true).await;
    proxied.user("ann", "viewer").await;
    let body = || Some(json!({ "name": "ann", "password": PASSWORD }));
    let https = ("x-forwarded-proto", "https");
    let text = cookie(&proxied.plain("POST", "/api/v1/session", body(), &[https]).await);
    assert!(text.starts_with("__Host-studio_session=") && text.contains("; Secure"), "{text}");
    let pair = text.split(';').next().unwrap();
    assert_eq!(proxied.plain("GET", "/api/v1/session", None, &[https, ("cookie", pair)]).await.status, 200);
    // Under the plain name anybody on the way could have set it.
    let renamed = pair.trim_start_matches("__Host-");
    let answer = proxied.plain("GET", "/api/v1/session", None, &[https, ("cookie", renamed)]).await;
    assert_eq!(answer.problem().0, 401);
    // A studio that was not told of a proxy does not believe in one.
    let text = cookie(&plain.plain("POST", "/api/v1/session", body(), &[https]).await);
    assert!(!text.contains("Secure"), "{text}");
}

#[tokio::test]
async fn a_page_of_somebody_else_signs_nobody_in() {
    let desk = Desk::open().await;
    desk.user("ann", "viewer").await;
    let body = || Some(json!({ "name": "ann", "password": PASSWORD }));
    for header in [("sec-fetch-site", "cross-site"), ("origin", "http://evil.example"), ("origin", "null")] {
        let answer = desk.plain("POST", "/api/v1/session", body(), &[("host", "studio.lan"), header]).await;
        assert_eq!(answer.problem().0, 403, "{header:?}");
    }
    let ours = [("host", "studio.lan"), ("origin", "http://studio.lan")];
    assert_eq!(desk.plain("POST", "/api/v1/session", body(), &ours).await.status, 200);
    // What a form without JavaScript on another page could send is no JSON.
    let request = Request::post("/api/v1/session").header("content-type", "text/plain");
    let answer = desk.send(request.body(Body::from(body().unwrap().to_string())).unwrap()).await;
    assert_eq!(answer.status(), StatusCode::UNSUPPORTED_MEDIA_TYPE);
}

#[tokio::test]
async fn a_large_body_is_refused() {
    let desk = Desk::open().await;
    let large = json!({ "name": "ann", "password": "x".repeat(20_000) });
    for path in ["/api/v1/session", "/api/v1/set-up"] {
        assert_eq!(desk.plain("POST", path, Some(large.clone()), &[]).await.problem().0, 413, "{path}");
    }
}

#[tokio::test]
async fn what_is_not_a_sign_in_is_named_by_field() {
    let desk = Desk::open().await;
    let cases: [(Value, Option<&str>); 3] = [
        (json!({ "name": "ann" }), Some("password")),
        (json!({ "name": 1, "password": "x" }), Some("name")),
        (json!([]), None),
    ];
    for (body, field) in cases {
        let answer = desk.plain("POST", "/api/v1/session", Some(body), &[]).await;
        assert_eq!(answer.problem(), (400, field.map(str::to_owned)));
    }
}
