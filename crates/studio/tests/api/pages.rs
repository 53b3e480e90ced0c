//! The dashboard: who sees which page, and with which headers.

use std::io::Read;

use axum::body::Body;
use axum::http::{Request, StatusCode};
use studio::api::Access;
use studio::dashboard::pages;
use studio_store::Role;

use crate::desk::{Answer, Desk};

/// A page as a browser asks for it.
async fn page(desk: &Desk, key: Option<&str>, path: &str) -> Answer {
    let mut request = Request::get(path).header("accept", "text/html,*/*");
    if let Some(key) = key {
        request = request.header("authorization", format!("Bearer {key}"));
    }
    Answer::read(desk.send(request.body(Body::empty()).expect("a request")).await).await
}

fn text(answer: &Answer) -> String {
    String::from_utf8(answer.bytes.to_vec()).expect("a page is text")
}

#[tokio::test]
async fn every_page_asks_for_its_role_and_no_less() {
    let desk = Desk::open().await;
    let mut keys = Vec::new();
    for role in Role::ALL {
        keys.push((*role, desk.key(role.as_str(), None).await));
    }
    for route in pages() {
        let Access::AtLeast(least) = route.access else { panic!("{} is open", route.path) };
        let path = route.path.replace("{id}", "nothing-there");
        let answer = page(&desk, None, &path).await;
        assert_eq!(answer.status, StatusCode::SEE_OTHER, "{path}");
        assert!(answer.header("location").unwrap().starts_with("/sign-in"), "{path}");
        for (role, key) in &keys {
            let answer = page(&desk, Some(key), &path).await;
            assert_eq!(
                answer.status == StatusCode::FORBIDDEN,
                *role < least,
                "{path} as {role}: {}",
                answer.status
            );
            if answer.status.is_redirection() {
                continue;
            }
            assert_eq!(answer.header("content-type"), Some("text/html; charset=utf-8"), "{path} as {role}");
            assert_ne!(answer.status, StatusCode::INTERNAL_SERVER_ERROR, "{path} as {role}");
        }
    }
}

#[tokio::test]
async fn pages_run_nothing_but_our_own_scripts_and_are_not_kept() {
    let desk = Desk::open().await;
    for path in ["/", "/nowhere"] {
        let answer = page(&desk, Some(&desk.admin), path).await;
        let policy = answer.header("content-security-policy").unwrap();
        assert!(
            policy.starts_with("default-src 'none'; script-src 'self'; style-src 'self';"),
            "{path}: {policy}"
        );
        assert!(!policy.contains("unsafe") && policy.contains("frame-ancestors 'none'"), "{path}: {policy}");
        assert_eq!(answer.header("cache-control"), Some("no-store"), "{path}");
        assert_eq!(answer.header("x-content-type-options"), Some("nosniff"), "{path}");
    }
}

#[tokio::test]
async fn assets_are_kept_for_as_long_as_they_are_of_this_build() {
    let desk = Desk::open().await;
    for asset in studio_dashboard::assets::ALL.iter() {
        let answer = page(&desk, None, &studio_dashboard::assets::url(asset.name)).await;
        assert_eq!((answer.status, answer.bytes.as_ref()), (StatusCode::OK, asset.bytes), "{}", asset.name);
        assert_eq!(answer.header("content-type"), Some(asset.mime));
        assert!(answer.header("cache-control").unwrap().contains("immutable"), "{}", asset.name);
    }
    let old = page(&desk, None, "/assets/0000/live.js").await;
    assert_eq!((old.status, old.header("cache-control")), (StatusCode::OK, Some("no-cache")));
    for path in ["/assets/0000/none.js", "/assets/0000/..%2fstyle.css"] {
        assert_eq!(page(&desk, None, path).await.status, StatusCode::NOT_FOUND, "{path}");
    }
}

#[tokio::test]
async fn an_address_that_nobody_has_is_a_page_for_people_and_a_problem_for_programs() {
    let desk = Desk::open().await;
    let answer = page(&desk, Some(&desk.admin), "/nowhere").await;
    assert_eq!(answer.status, StatusCode::NOT_FOUND);
    assert!(text(&answer).contains("`/nowhere` is no page of this studio"));
    assert_eq!(page(&desk, None, "/nowhere").await.status, StatusCode::SEE_OTHER);
    assert_eq!(page(&desk, Some(&desk.admin), "/api/v1/nowhere").await.problem().0, 404);
    assert_eq!(desk.get("/nowhere").await.problem().0, 404);
}

#[tokio::test]
async fn pages_travel_compressed_and_event_streams_do_not() {
    let desk = Desk::open().await;
    let request = |path: &str| {
        Request::get(path)
            .header("accept", "text/html")
            .header("accept-encoding", "gzip, br")
            .header("authorization", format!("Bearer {}", desk.admin))
            .body(Body::empty())
            .unwrap()
    };
    let answer = Answer::read(desk.send(request("/")).await).await;
    assert_eq!(answer.header("content-encoding"), Some("gzip"));
    let mut page = String::new();
    flate2::read::GzDecoder::new(answer.bytes.as_ref()).read_to_string(&mut page).unwrap();
    assert!(page.starts_with("<!DOCTYPE html>"), "{page}");
    let stream = desk.send(request("/api/v1/events")).await;
    assert!(!stream.headers().contains_key("content-encoding"));
}

#[tokio::test]
async fn pages_show_what_there_is_and_offer_what_the_role_may_do() {
    let desk = Desk::open().await;
    let worker = desk.worker().await;
    let registration = desk.registration().await;
    let job = desk.image("broken").await;
    desk.fail(&worker, &job, "no <memory> left").await;
    let operator = desk.key("operator", None).await;
    let viewer = desk.key("viewer", None).await;

    let home = text(&page(&desk, Some(&operator), "/").await);
    assert!(home.contains(&format!("/api/v1/registrations/{registration}/approve")), "{home}");
    assert!(home.contains("no &lt;memory&gt; left") && home.contains("is offline"), "{home}");
    let home = text(&page(&desk, Some(&viewer), "/").await);
    assert!(!home.contains("asks to join") && !home.contains("data-api"), "{home}");

    let path = format!("/workers/{worker}");
    assert!(
        text(&page(&desk, Some(&operator), &path).await).contains(&format!("/api/v1/workers/{worker}/drain"))
    );
    assert!(!text(&page(&desk, Some(&viewer), &path).await).contains("data-api"));
    let models = text(&page(&desk, Some(&viewer), "/models").await);
    assert!(models.contains("/models/synthetic") && !models.contains("data-api"), "{models}");
    assert_eq!(page(&desk, Some(&viewer), "/workers/w-none").await.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn a_key_of_one_project_sees_no_numbers_of_others() {
    let desk = Desk::open().await;
    let worker = desk.worker().await;
    let job = desk.image("theirs").await;
    desk.fail(&worker, &job, "their secret trouble").await;
    let bound = desk.key("operator", Some("red")).await;
    for path in ["/", "/workers", &format!("/workers/{worker}"), "/settings/projects", "/settings/keys"] {
        let shown = text(&page(&desk, Some(&bound), path).await);
        assert!(!shown.contains("secret trouble") && !shown.contains(&job), "{path}: {shown}");
        assert!(!shown.contains("plot-queue"), "{path}");
    }
}
