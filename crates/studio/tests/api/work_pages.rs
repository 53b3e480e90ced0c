//! The dashboard's pages about work, as a browser without scripts gets them.

use axum::body::Body;
use axum::http::Request;
use serde_json::json;

use crate::desk::{Answer, Desk, image};

async fn page_as(desk: &Desk, key: &str, path: &str) -> (u16, String) {
    let request =
        Request::get(path).header("accept", "text/html").header("authorization", format!("Bearer {key}"));
    let answer = Answer::read(desk.send(request.body(Body::empty()).expect("a request")).await).await;
    (answer.status.as_u16(), String::from_utf8(answer.bytes.to_vec()).expect("a page is text"))
}

async fn page(desk: &Desk, path: &str) -> String {
    let (status, text) = page_as(desk, &desk.admin, path).await;
    assert_eq!(status, 200, "{path}: {text}");
    text
}

fn rows(page: &str) -> usize {
    page.matches("class=\"job-row\"").count()
}

#[tokio::test]
async fn the_list_is_filtered_and_paged_without_a_script() {
    let desk = Desk::open().await;
    let mut many = image("landscape");
    many["count"] = json!(120);
    many["assetName"] = json!("landscape");
    desk.post("/api/v1/jobs", many).await.ok();
    let other = desk.image("other").await;
    desk.post(&format!("/api/v1/jobs/{other}/cancel"), json!({})).await.ok();

    let first = page(&desk, "/jobs?limit=50").await;
    assert_eq!(rows(&first), 50);
    assert!(first.contains("data-count=\"queued\">120<") && !first.contains("rel=\"prev\""));
    let older = link(&first, "next");
    let second = page(&desk, &older).await;
    assert_eq!(rows(&second), 50);
    let back = page(&desk, &link(&second, "prev")).await;
    assert_eq!(ids(&back), ids(&first), "back on the first page");
    let last = page(&desk, &link(&second, "next")).await;
    assert_eq!((rows(&last), last.contains("rel=\"next\"")), (21, false));
    let middle = page(&desk, &link(&last, "prev")).await;
    assert_eq!(ids(&middle), ids(&second));

    assert_eq!(rows(&page(&desk, "/jobs?state=cancelled").await), 1);
    assert_eq!(rows(&page(&desk, "/jobs?q=landscape-007&kind=image&project=default").await), 1);
    assert!(page(&desk, "/jobs?q=fox").await.contains("Nothing matches"));
    let wrong = page(&desk, "/jobs?kind=statue&limit=7").await;
    assert!(wrong.contains("`statue` is not one of") && rows(&wrong) == 0);
    assert_eq!(
        rows(&page(&desk, "/jobs?newer=job-x").await),
        100,
        "a job that is gone leads to the first page"
    );
}

/// Where the link of this relation leads.
fn link(page: &str, rel: &str) -> String {
    let from = page.split(&format!("rel=\"{rel}\" href=\"")).nth(1).expect("there is such a link");
    from.split('"').next().unwrap_or_default().replace("&amp;", "&")
}

fn ids(page: &str) -> Vec<&str> {
    page.split("class=\"job-row\" id=\"").skip(1).filter_map(|rest| rest.split('"').next()).collect()
}

#[tokio::test]
async fn a_job_and_its_batch_tell_all_there_is() {
    let desk = Desk::open().await;
    let worker = desk.worker().await;
    let one = json!({ "assetName": "fox", "task": { "kind": "image", "prompt": "a <fox>", "seed": 7 } });
    let batch = desk
        .id_of("/api/v1/batches", json!({ "name": "Animals", "model": "synthetic", "jobs": [one] }))
        .await;
    let listed = desk.get("/api/v1/jobs").await.ok();
    let job = listed["items"][0]["id"].as_str().expect("an id").to_owned();
    let waiting = page(&desk, &format!("/jobs/{job}")).await;
    assert!(
        waiting.contains("waits for a worker")
            && waiting.contains("a &lt;fox&gt;")
            && waiting.contains("/cancel\"")
    );
    assert!(page(&desk, "/batches").await.contains("waiting"));

    let artefact = desk.finish(&worker, &job, "webp", b"picture").await;
    let done = page(&desk, &format!("/jobs/{job}")).await;
    assert!(done.contains(&format!("src=\"/api/v1/artefacts/{artefact}\"")) && !done.contains("/cancel\""));
    let ended = page(&desk, &format!("/batches/{batch}")).await;
    assert!(ended.contains("1 of 1, 100 %") && ended.contains(&format!("/batches/{batch}/zip")), "{ended}");
    let gallery = page(&desk, &format!("/gallery?kind=image&batch={batch}")).await;
    assert!(gallery.contains("a &lt;fox&gt;") && gallery.contains("seed 7"));
    assert!(page(&desk, "/gallery?batch=batch-x").await.contains("there is no batch `batch-x`"));
    let again = page(&desk, &format!("/playground?from={job}")).await;
    assert!(again.contains("a &lt;fox&gt;</textarea>") && again.contains("value=\"7\""), "{again}");
    let shown = page(&desk, &format!("/playground?job={job}")).await;
    assert!(shown.contains(&format!("data-stage=\"{job}\"")));
    assert!(page(&desk, "/playground?job=job-x").await.contains("there is no job `job-x`"));
}

#[tokio::test]
async fn nobody_sees_other_projects_or_what_they_may_not_do() {
    let desk = Desk::open().await;
    let foreign = desk.image("foreign").await;
    let bound = desk.key("viewer", Some("mine")).await;
    for path in [format!("/jobs/{foreign}"), "/batches/batch-x".to_owned(), "/jobs/job-x".to_owned()] {
        assert_eq!(page_as(&desk, &bound, &path).await.0, 404, "{path}");
    }
    let (_, list) = page_as(&desk, &bound, "/jobs").await;
    assert!(
        rows(&list) == 0 && !list.contains("data-bulk") && !list.contains("PATCH /api/v1/queue"),
        "{list}"
    );
    assert_eq!(page_as(&desk, &bound, "/playground").await.0, 403);
    let (_, refused) = page_as(&desk, &bound, "/jobs?project=default").await;
    assert!(refused.contains("good for the project `mine` only"));
}
