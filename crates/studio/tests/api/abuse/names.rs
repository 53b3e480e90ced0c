//! Names, prompts and errors with markup in them, and paths in the place of names.

use serde_json::{Value, json};

use super::blue::Blue;
use super::table::PAGES;
use crate::desk::{Desk, image};

const MARKUP: &str = "\"'><img src=x></title><script>alert(1)</script>";

/// Pages show it as text: nothing of it begins a tag, or leaves an attribute.
#[tokio::test]
async fn markup_is_text_on_every_page() {
    let desk = Desk::open().await;
    let blue = Blue::of(&desk).await;
    let worker = studio_protocol::WorkerId::from(blue.worker.as_str());
    let mut job = image(MARKUP);
    job["assetName"] = json!(MARKUP);
    let failed = desk.id_of("/api/v1/jobs", job.clone()).await;
    desk.fail(&worker, &failed, "\"'><img src=x onerror=alert(1)><script>alert(1)</script>").await;
    let done = desk.id_of("/api/v1/jobs", job.clone()).await;
    desk.finish(&worker, &done, "png", b"x").await;
    let waiting = desk.id_of("/api/v1/jobs", job).await;
    let mut named = image(MARKUP);
    named["assetName"] = json!(MARKUP);
    let batch = desk.id_of("/api/v1/batches", json!({ "name": MARKUP, "jobs": [named] })).await;
    let hook = json!({ "url": "https://h.example/?\"><script>alert(1)</script>", "events": ["job.done"] });
    let hook = desk.id_of("/api/v1/webhooks", hook).await;
    let put = async |method: &str, path: &str, body: Value| {
        desk.call(&desk.admin, method, path, Some(body)).await.ok();
    };
    put(
        "PATCH",
        &format!("/api/v1/workers/{}", blue.worker),
        json!({ "name": MARKUP, "limits": { "labels": [MARKUP], "projects": [MARKUP] } }),
    )
    .await;
    put("POST", "/api/v1/keys", json!({ "name": MARKUP, "role": "viewer", "project": MARKUP })).await;
    put("POST", "/api/v1/users", json!({ "name": MARKUP, "role": "viewer" })).await;
    let ids: [(&str, &str); 6] = [
        ("/jobs/{id}", &failed),
        ("/jobs/{id}", &done),
        ("/jobs/{id}", &waiting),
        ("/batches/{id}", &batch),
        ("/workers/{id}", &blue.worker),
        ("/settings/webhooks/{id}", &hook),
    ];
    let mut pages: Vec<String> = ids.iter().map(|(path, id)| path.replace("{id}", id)).collect();
    let escaped = form_urlencoded(MARKUP);
    for (path, _) in PAGES.iter().filter(|(path, _)| !path.contains('{')) {
        pages.push((*path).to_owned());
        for name in
            ["q", "project", "model", "state", "batch", "kind", "cursor", "newer", "next", "limit", "actor"]
        {
            pages.push(format!("{path}?{name}={escaped}"));
        }
    }
    pages.extend([format!("/jobs/{escaped}"), format!("/nowhere/{escaped}"), format!("/models/{escaped}")]);
    let mut shown = 0;
    for path in pages {
        let page = desk.call_with(&desk.admin, "GET", &path, None, &[("accept", "text/html")]).await;
        assert!(page.status.as_u16() < 500, "{path}: {}", page.status);
        let text = String::from_utf8_lossy(&page.bytes);
        for wrong in ["<img src=x", "<script>alert", "</title><script>", "\"'><", "javascript:"] {
            assert!(!text.contains(wrong), "{path} has {wrong}");
        }
        shown += usize::from(text.contains("&lt;script&gt;alert(1)"));
        let policy = page.header("content-security-policy").unwrap_or_default();
        assert!(!policy.contains("unsafe") && policy.contains("script-src 'self'"), "{path}: {policy}");
    }
    assert!(shown > 10, "the names are shown on {shown} pages");
}

fn form_urlencoded(text: &str) -> String {
    text.bytes().fold(String::new(), |out, byte| format!("{out}%{byte:02x}"))
}

/// Segments that climb, in every spelling, in the place of every id and name.
#[tokio::test]
async fn no_name_leads_out_of_its_folder() {
    let desk = Desk::open().await;
    for climb in [
        "..%2f..%2fstudio.db",
        "%2e%2e%2f%2e%2e%2fetc%2fpasswd",
        "..%5c..%5cstudio.db",
        "%2e%2e",
        "..%00.png",
        "%00",
        "%2fetc%2fpasswd",
        "C:%5cwindows%5cwin.ini",
        "....%2f%2f",
        "%c0%ae%c0%ae%c0%af",
        "%252e%252e%252f",
        "admin.key",
        ".incoming",
        "%ff%fe",
    ] {
        for path in [
            format!("/files/{climb}"),
            format!("/files/inputs/{climb}"),
            format!("/assets/x/{climb}"),
            format!("/assets/{climb}/style.css%00"),
            format!("/api/v1/artefacts/{climb}"),
            format!("/api/v1/artefacts/{climb}/thumbnail"),
            format!("/api/v1/inputs/{climb}"),
            format!("/api/v1/batches/{climb}/zip"),
            format!("/api/v1/jobs/{climb}/artefact"),
            format!("/api/v1/models/{climb}"),
            format!("/v1/models/{climb}"),
        ] {
            let answer = desk.get(&path).await;
            assert!(answer.status.is_client_error(), "GET {path}: {}", answer.status);
        }
        for (method, path) in [
            ("PUT", format!("/api/v1/models/synthetic/files/{climb}")),
            ("PUT", format!("/api/v1/models/{climb}/files/x.gguf")),
            ("DELETE", format!("/api/v1/models/{climb}/files")),
            ("POST", format!("/api/v1/models/{climb}/fetch")),
        ] {
            let answer = desk.call(&desk.admin, method, &path, None).await;
            assert!(answer.status.is_client_error(), "{method} {path}: {}", answer.status);
        }
    }
    let put = async |filename: &str, url: &str| {
        let mut model = desk.get("/api/v1/models/synthetic").await.ok();
        let file = json!({ "filename": filename, "url": url, "role": "model" });
        model["source"]["files"] = json!([file]);
        desk.call(&desk.admin, "PUT", "/api/v1/models/mine", Some(model)).await
    };
    assert_eq!(put("x.gguf", "https://x.example/f").await.status, 201, "a plain name is taken");
    for name in ["../x", "a\\b", "a\0b", "..", ".", "", "/etc/x", "a/b", "C:x"] {
        let refused = put(name, "https://x.example/f").await;
        assert_eq!(refused.problem(), (400, Some("source.files[0].filename".into())), "{name:?}");
    }
    for url in [
        "javascript:alert(1)",
        "data:text/html,x",
        "file:///etc/passwd",
        "https://me:hunter2secret@x.example/f",
        "studio:///models/../x",
    ] {
        let refused = put("x.gguf", url).await;
        assert_eq!(refused.problem(), (400, Some("source.files[0].url".into())), "{url}");
        assert!(!refused.json().to_string().contains("hunter2"), "{url}");
    }
}

/// Names of jobs become names of files in an archive: below its folder on every platform.
#[tokio::test]
async fn an_archive_has_no_names_that_climb() {
    let desk = Desk::open().await;
    let worker = desk.worker().await;
    let names = [
        "../../evil",
        "..\\..\\evil",
        "/etc/cron.d/evil",
        "C:\\evil",
        "a/../../b",
        "con",
        "x\u{202e}gnp.exe",
    ];
    let jobs: Vec<Value> = names
        .iter()
        .map(|name| {
            let mut job = image("x");
            job["assetName"] = json!(name);
            job
        })
        .collect();
    let batch = desk.id_of("/api/v1/batches", json!({ "jobs": jobs })).await;
    let listed = desk.get(&format!("/api/v1/jobs?batch={batch}")).await.ok();
    for job in listed["items"].as_array().unwrap() {
        desk.finish(&worker, job["id"].as_str().unwrap(), "png", b"x").await;
    }
    let zip = desk.get(&format!("/api/v1/batches/{batch}/zip")).await;
    let mut entries = 0;
    for at in zip.bytes.windows(4).enumerate().filter(|(_, w)| *w == b"PK\x01\x02").map(|(at, _)| at) {
        let length = usize::from(u16::from_le_bytes([zip.bytes[at + 28], zip.bytes[at + 29]]));
        let name = String::from_utf8_lossy(&zip.bytes[at + 46..at + 46 + length]).into_owned();
        let climbs = name.split('/').any(|part| part.is_empty() || part == "." || part == "..");
        assert!(!climbs && !name.contains(['\\', ':', '\0']), "{name}");
        entries += 1;
    }
    assert_eq!(entries, names.len() + 1);
}
