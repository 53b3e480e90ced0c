//! Guessing: passwords, links, codes; who may try how often, and what the answers give away.

use std::net::SocketAddr;

use axum::body::Body;
use axum::extract::ConnectInfo;
use axum::http::Request;
use serde_json::{Value, json};
use studio_protocol::REGISTRATIONS_PER_WINDOW;

use crate::desk::{Answer, Desk};

async fn from(desk: &Desk, address: &str, path: &str, body: Value, headers: &[(&str, &str)]) -> Answer {
    let mut request = Request::post(path).header("content-type", "application/json");
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    request = request.extension(ConnectInfo(SocketAddr::new(address.parse().expect("an address"), 1)));
    Answer::read(desk.send(request.body(Body::from(body.to_string())).expect("a request")).await).await
}

#[tokio::test]
async fn a_header_makes_nobody_another_address() {
    let desk = Desk::open().await;
    desk.user("ann", "viewer").await;
    let mut last = 0;
    for guess in 0..11 {
        let pretended = format!("198.51.100.{guess}");
        let headers = [
            ("x-forwarded-for", pretended.as_str()),
            ("x-real-ip", &pretended),
            ("forwarded", &format!("for={pretended}")),
            ("x-client-ip", &pretended),
            ("cf-connecting-ip", &pretended),
        ];
        let body = json!({ "name": format!("ann{guess}"), "password": "a wrong guess" });
        last = from(&desk, "192.0.2.1", "/api/v1/session", body, &headers).await.status.as_u16();
    }
    assert_eq!(last, 429);
    // Behind a proxy the last address counts, which is the one that the proxy wrote.
    let desk = Desk::open_with(|settings| settings.trust_proxy = true).await;
    desk.user("ann", "viewer").await;
    for guess in 0..11 {
        let pretended = format!("198.51.100.{guess}, 203.0.113.7");
        let body = json!({ "name": format!("ann{guess}"), "password": "a wrong guess" });
        last = from(&desk, "127.0.0.1", "/api/v1/session", body, &[("x-forwarded-for", &pretended)])
            .await
            .status
            .as_u16();
    }
    assert_eq!(last, 429);
}

/// Join codes have 80 bits, and a network has few tries: one of IPv6 counts as one.
#[tokio::test]
async fn join_codes_are_not_guessed_from_one_network() {
    let desk = Desk::open().await;
    let code = desk.post("/api/v1/join-codes", json!({})).await.ok()["code"].as_str().unwrap().to_owned();
    assert!(code.chars().filter(char::is_ascii_alphanumeric).count() >= 16, "{code}");
    let mut last = 0;
    for guess in 0..=REGISTRATIONS_PER_WINDOW {
        let body = json!({
            "installId": format!("install-{guess}"),
            "registrationSecretHash": "0".repeat(64),
            "capabilities": { "machineName": "x", "vramTotalGb": 1.0 },
            "userAgent": "x",
            "joinCode": "0000-0000-0000-0000",
        });
        let address = format!("2001:db8::{guess}:1");
        last =
            from(&desk, &address, "/graphics/api/workers/register-request", body, &[]).await.status.as_u16();
    }
    assert_eq!(last, 429);
    assert_eq!(desk.get("/api/v1/workers").await.ok()["items"], json!([]), "a wrong code lets nobody in");
}

/// A wrong link, a used one and one after the first account are answered alike, and say nothing of the right one.
#[tokio::test]
async fn a_set_up_link_is_not_guessed() {
    let desk = Desk::open().await;
    let path = desk.post("/api/v1/set-up/link", json!({})).await.ok()["path"].as_str().unwrap().to_owned();
    let token = path.rsplit('=').next().unwrap().to_owned();
    assert_eq!(token.len(), 64);
    let set_up = async |token: &str| {
        let body = json!({ "token": token, "name": "mallory", "password": "correct horse battery" });
        from(&desk, "192.0.2.1", "/api/v1/set-up", body, &[]).await
    };
    let wrong =
        [String::new(), "0".repeat(64), token.to_uppercase(), token[..63].to_owned(), format!("{token}0")];
    let mut answers = Vec::new();
    for wrong in wrong.iter().filter(|wrong| **wrong != token) {
        let refused = set_up(wrong).await;
        assert_eq!(refused.problem().0, 403, "{wrong}");
        let told = String::from_utf8_lossy(&refused.bytes).into_owned();
        assert!(!told.contains(&token[..16]), "{told}");
        answers.push(told);
    }
    assert!(answers.windows(2).all(|pair| pair[0] == pair[1]));
    assert_eq!(set_up(&token).await.status, 200);
    assert_eq!(set_up(&token).await.problem().0, 403);
}

/// What is wrong with a secret is said without it.
#[tokio::test]
async fn no_answer_repeats_a_secret() {
    let desk = Desk::open().await;
    let ann = desk.browser("admin").await;
    let secret = 987_654_321_987_u64;
    let shapes = [
        json!(secret),
        json!([secret.to_string()]),
        json!({ "x": secret.to_string() }),
        json!(secret.to_string()),
    ];
    let user = desk.user("bob", "viewer").await;
    for shape in shapes {
        let mut answers = vec![
            from(&desk, "192.0.2.1", "/api/v1/session", json!({ "name": "x", "password": shape }), &[]).await,
            from(
                &desk,
                "192.0.2.1",
                "/api/v1/set-up",
                json!({ "token": shape, "name": "x", "password": shape }),
                &[],
            )
            .await,
            desk.browse(
                &ann,
                "POST",
                "/api/v1/session/password",
                Some(json!({ "current": shape, "new": "x" })),
            )
            .await,
            desk.browse(
                &ann,
                "POST",
                "/api/v1/session/password",
                Some(json!({ "current": "x", "new": shape })),
            )
            .await,
            desk.call(
                &desk.admin,
                "PATCH",
                &format!("/api/v1/users/{user}"),
                Some(json!({ "password": shape })),
            )
            .await,
        ];
        let key = format!("Bearer sk-studio-{secret}");
        answers.push(desk.plain("GET", "/api/v1/jobs", None, &[("authorization", &key)]).await);
        answers.push(desk.plain("GET", "/v1/models", None, &[("authorization", &key)]).await);
        let cookie = format!("studio_session={secret}");
        answers.push(desk.plain("GET", "/api/v1/jobs", None, &[("cookie", &cookie)]).await);
        let link = format!("/files/x.png?expires=1&signature={secret}");
        answers.push(desk.plain("GET", &link, None, &[]).await);
        answers.push(desk.plain("GET", &format!("/set-up?token={secret}"), None, &[]).await);
        for answer in answers {
            let told = String::from_utf8_lossy(&answer.bytes);
            assert!(!told.contains(&secret.to_string()), "{}: {told}", answer.status);
        }
    }
}
