//! Webhooks that would call inside: refused when they are made, in every spelling.

use serde_json::json;

use crate::desk::Desk;

const INSIDE: &[&str] = &[
    "https://169.254.169.254/latest/meta-data/",
    "https://[::ffff:169.254.169.254]/",
    "https://[::ffff:a9fe:a9fe]/",
    "https://[64:ff9b::169.254.169.254]/",
    "https://[64:ff9b:1::169.254.169.254]/",
    "https://[2002:a9fe:a9fe::]/",
    "https://[fe80::1]/",
    "https://[fd00:ec2::254]/",
    "https://[::1]/",
    "https://[::]/",
    "https://[0:0:0:0:0:0:0:1]/",
    "https://[::127.0.0.1]/",
    "https://0/",
    "https://127.1/",
    "https://0177.0.0.1/",
    "https://0x7f000001/",
    "https://2852039166/",
    "https://0xa9fea9fe/",
    "https://0251.0376.0251.0376/",
    "https://localhost/",
    "https://LOCALHOST/",
    "https://localhost./",
    "https://127.0.0.1./",
    "https://①②⑦.⓪.⓪.①/",
    "https://10.0.0.1/",
    "https://100.64.0.1/",
    "https://192.168.0.1/",
    "https://172.31.255.255/",
    "http://hooks.example/",
    "https://user@hooks.example/",
    "https://user:hunter2secret@hooks.example/",
    "https://hooks.example:hunter2secret@127.0.0.1/",
    "file:///etc/passwd",
    "gopher://127.0.0.1/",
    "//hooks.example/",
];

#[tokio::test]
async fn no_webhook_calls_inside() {
    let desk = Desk::open().await;
    let made = json!({ "url": "https://hooks.example/", "events": ["job.done"] });
    let hook = desk.id_of("/api/v1/webhooks", made).await;
    for url in INSIDE {
        let new = desk.post("/api/v1/webhooks", json!({ "url": url, "events": ["job.done"] })).await;
        assert_eq!(new.problem(), (400, Some("url".into())), "{url}");
        let path = format!("/api/v1/webhooks/{hook}");
        let patched = desk.call(&desk.admin, "PATCH", &path, Some(json!({ "url": url }))).await;
        assert_eq!(patched.problem(), (400, Some("url".into())), "{url}");
        for answer in [new, patched] {
            assert!(
                !String::from_utf8_lossy(&answer.bytes).contains("hunter2"),
                "{url}: a password is repeated"
            );
        }
    }
    let hooks = desk.get("/api/v1/webhooks").await.ok();
    assert_eq!(hooks["items"].as_array().map(Vec::len), Some(1));
}

/// Even a studio that may call its own network does not call what hands out credentials of machines.
#[tokio::test]
async fn the_owner_of_a_network_opens_that_network_only() {
    let desk = Desk::open_with(|settings| settings.allow_private_webhooks = true).await;
    for url in [
        "http://169.254.169.254/",
        "https://169.254.169.254/",
        "http://[::ffff:169.254.169.254]/",
        "http://[64:ff9b::169.254.169.254]/",
        "http://93.184.216.34/",
        "http://0.0.0.0/",
        "http://user:x@10.0.0.1/",
    ] {
        let refused = desk.post("/api/v1/webhooks", json!({ "url": url, "events": ["job.done"] })).await;
        assert_eq!(refused.problem(), (400, Some("url".into())), "{url}");
    }
}
