//! The pages before anybody is signed in, as a browser without JavaScript uses them.

use axum::body::Body;
use axum::http::Request;
use serde_json::json;

use crate::desk::{Answer, Desk, PASSWORD};

/// A browser's cookies and the token of the form that it shows.
struct Shown {
    cookie: String,
    token: String,
}

async fn show(desk: &Desk, path: &str) -> Shown {
    let answer = desk.plain("GET", path, None, &[]).await;
    assert_eq!(answer.status, 200, "{path}");
    let cookie = answer.header("set-cookie").expect("a cookie");
    assert!(cookie.contains("SameSite=Strict") && cookie.contains("HttpOnly"), "{cookie}");
    let token = between(&text(&answer), "name=\"form\" value=\"", "\"");
    Shown { cookie: between(cookie, "", ";"), token }
}

fn between(text: &str, before: &str, after: &str) -> String {
    let rest = text.split_once(before).map_or("", |(_, rest)| rest);
    rest.split(after).next().unwrap_or_default().to_owned()
}

fn text(answer: &Answer) -> String {
    String::from_utf8(answer.bytes.to_vec()).expect("a page is text")
}

async fn send(desk: &Desk, path: &str, cookie: &str, fields: &[(&str, &str)]) -> Answer {
    let body = form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish();
    let request = Request::post(path)
        .header("content-type", "application/x-www-form-urlencoded")
        .header("cookie", cookie)
        .body(Body::from(body))
        .expect("a request");
    Answer::read(desk.send(request).await).await
}

fn session(answer: &Answer) -> String {
    answer.header("set-cookie").expect("a cookie").split(';').next().unwrap_or_default().to_owned()
}

#[tokio::test]
async fn the_first_account_is_made_with_the_link_and_its_page() {
    let desk = Desk::open().await;
    let answer = desk.plain("GET", "/sign-in", None, &[]).await;
    assert_eq!((answer.status.as_u16(), answer.header("location")), (303, Some("/set-up")));
    let without = desk.plain("GET", "/set-up", None, &[]).await;
    assert!(text(&without).contains("studio users set-up-link"));
    assert_eq!(desk.plain("GET", "/set-up?token=guessed", None, &[]).await.status, 403);
    let link = desk.post("/api/v1/set-up/link", json!({})).await.ok();
    let path = link["path"].as_str().unwrap();
    let shown = show(&desk, path).await;
    let token = path.split('=').nth(1).unwrap();
    let fields = |password| {
        [("form", shown.token.as_str()), ("token", token), ("name", "ann"), ("password", password)]
    };
    let short = send(&desk, "/set-up", &shown.cookie, &fields("short")).await;
    assert_eq!(short.status, 400);
    assert!(text(&short).contains("at least 10") && text(&short).contains("value=\"ann\""));
    let made = send(&desk, "/set-up", &shown.cookie, &fields(PASSWORD)).await;
    assert_eq!((made.status.as_u16(), made.header("location")), (303, Some("/")));
    let cookie = session(&made);
    let me = desk.plain("GET", "/api/v1/session", None, &[("cookie", &cookie)]).await.ok();
    assert_eq!((me["name"].as_str(), me["role"].as_str()), (Some("ann"), Some("admin")));
    let again = desk.plain("GET", path, None, &[]).await;
    assert_eq!((again.status.as_u16(), again.header("location")), (303, Some("/sign-in")));
}

#[tokio::test]
async fn somebody_signs_in_comes_back_and_signs_out() {
    let desk = Desk::open().await;
    desk.user("ann", "viewer").await;
    let answer = desk.plain("GET", "/?a=1", None, &[("accept", "text/html")]).await;
    let to = answer.header("location").unwrap().to_owned();
    assert_eq!(to, "/sign-in?next=%2F%3Fa%3D1");
    let shown = show(&desk, &to).await;
    let wrong =
        [("form", shown.token.as_str()), ("next", "/?a=1"), ("name", "ann"), ("password", "wrong guess")];
    let refused = send(&desk, "/sign-in", &shown.cookie, &wrong).await;
    assert_eq!(refused.status, 401);
    assert!(text(&refused).contains("role=\"alert\"") && text(&refused).contains("value=\"/?a=1\""));
    assert!(!text(&refused).contains("wrong guess"), "a password is not shown again");
    let right = [("form", shown.token.as_str()), ("next", "/?a=1"), ("name", "ann"), ("password", PASSWORD)];
    let welcome = send(&desk, "/sign-in", &shown.cookie, &right).await;
    assert_eq!((welcome.status.as_u16(), welcome.header("location")), (303, Some("/?a=1")));
    let cookie = session(&welcome);
    let page = desk.plain("GET", "/", None, &[("cookie", &cookie)]).await;
    assert_eq!(page.status, 200);
    let already = desk.plain("GET", "/sign-in?next=/jobs", None, &[("cookie", &cookie)]).await;
    assert_eq!(already.header("location"), Some("/jobs"));

    let csrf = between(&text(&page), "name=\"csrf\" content=\"", "\"");
    let forged = send(&desk, "/sign-out", &cookie, &[("csrf", "0")]).await;
    assert_eq!(forged.problem().0, 403);
    assert_eq!(desk.plain("GET", "/", None, &[("cookie", &cookie)]).await.status, 200);
    let out = send(&desk, "/sign-out", &cookie, &[("csrf", &csrf)]).await;
    assert_eq!((out.status.as_u16(), out.header("location")), (303, Some("/sign-in")));
    assert_eq!(session(&out), "studio_session=");
    assert_eq!(desk.plain("GET", "/", None, &[("cookie", &cookie)]).await.status, 303);
}

#[tokio::test]
async fn nobody_is_sent_to_another_site() {
    let desk = Desk::open().await;
    desk.user("ann", "viewer").await;
    for next in
        ["https://evil.example", "//evil.example", "/\\evil.example", "/\t/evil.example", "javascript:1", ""]
    {
        let shown = show(&desk, "/sign-in").await;
        let fields =
            [("form", shown.token.as_str()), ("next", next), ("name", "ann"), ("password", PASSWORD)];
        let answer = send(&desk, "/sign-in", &shown.cookie, &fields).await;
        assert_eq!((answer.status.as_u16(), answer.header("location")), (303, Some("/")), "{next:?}");
        let query = form_urlencoded::Serializer::new(String::new()).append_pair("next", next).finish();
        let cookie = session(&answer);
        let answer = desk.plain("GET", &format!("/sign-in?{query}"), None, &[("cookie", &cookie)]).await;
        assert_eq!(answer.header("location"), Some("/"), "{next:?}");
        let page = text(&desk.plain("GET", &format!("/sign-in?{query}"), None, &[]).await);
        assert!(page.contains("name=\"next\" value=\"/\""), "{next:?}");
    }
}

#[tokio::test]
async fn a_form_of_another_browser_or_page_signs_nobody_in() {
    let desk = Desk::open().await;
    desk.user("ann", "viewer").await;
    let (mine, other) = (show(&desk, "/sign-in").await, show(&desk, "/sign-in").await);
    let fields = |token| [("form", token), ("name", "ann"), ("password", PASSWORD)];
    for (cookie, token) in
        [(&mine.cookie, other.token.as_str()), (&mine.cookie, ""), (&String::new(), &mine.token)]
    {
        let answer = send(&desk, "/sign-in", cookie, &fields(token)).await;
        assert_eq!(answer.status, 403);
        assert!(
            answer
                .headers
                .get_all("set-cookie")
                .iter()
                .all(|cookie| !cookie.to_str().unwrap().contains("session"))
        );
    }
    let request =
        Request::post("/sign-in").header("cookie", &mine.cookie).header("sec-fetch-site", "cross-site");
    let body = form_urlencoded::Serializer::new(String::new()).extend_pairs(fields(&mine.token)).finish();
    let answer = desk.send(request.body(Body::from(body)).unwrap()).await;
    assert_eq!(answer.status(), 403);
    assert_eq!(send(&desk, "/sign-in", &mine.cookie, &fields(&mine.token)).await.status, 303);
}

#[tokio::test]
async fn the_pages_are_strict_kept_by_nobody_and_bounded() {
    let desk = Desk::open().await;
    desk.user("ann", "viewer").await;
    let answer = desk.plain("GET", "/sign-in", None, &[]).await;
    assert_eq!(answer.header("cache-control"), Some("no-store"));
    // With `no-referrer` the browser would hide from us where a form comes from.
    assert_eq!(answer.header("referrer-policy"), Some("same-origin"));
    assert!(answer.header("content-security-policy").unwrap().contains("form-action 'self'"));
    let shown = show(&desk, "/sign-in").await;
    let large = "x".repeat(20_000);
    let fields = [("form", shown.token.as_str()), ("name", "ann"), ("password", large.as_str())];
    assert_eq!(send(&desk, "/sign-in", &shown.cookie, &fields).await.status, 413);
    for _ in 0..10 {
        let fields = [("form", shown.token.as_str()), ("name", "ann"), ("password", "wrong guess")];
        send(&desk, "/sign-in", &shown.cookie, &fields).await;
    }
    let fields = [("form", shown.token.as_str()), ("name", "ann"), ("password", PASSWORD)];
    let limited = send(&desk, "/sign-in", &shown.cookie, &fields).await;
    assert_eq!(limited.status, 429);
    assert!(limited.header("retry-after").is_some() && text(&limited).contains("too many wrong passwords"));
}
