//! Batches by command: files of prompts, watching, downloading.

use std::collections::BTreeSet;

use serde_json::json;

use crate::shop::Shop;

#[tokio::test]
async fn a_file_of_prompts_becomes_a_folder_of_pictures() {
    let shop = Shop::open().await;
    let mut worker = shop.worker().await;
    let file = shop.file("animals.txt", "a fox\n\n# a comment\na hare\nan owl\n");
    let folder = shop.path("out");
    let folder_text = folder.display().to_string();
    let submit = [
        "batch",
        "submit",
        &file,
        "--model",
        "synthetic",
        "--ext",
        "png",
        "--download",
        folder_text.as_str(),
    ];
    let (ran, ()) = tokio::join!(shop.run(&submit), worker.work(3));
    assert_eq!(ran.code, 0, "{ran:?}");
    assert!(ran.err.contains("3 of 3 finished"), "{ran:?}");
    let names: BTreeSet<String> =
        folder.read_dir().unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    assert_eq!(names, ["animals-001.png", "animals-002.png", "animals-003.png"].map(str::to_owned).into());
    assert_eq!(std::fs::read(folder.join("animals-002.png")).unwrap(), b"bytes of a hare");

    let list = shop.json(&["batch", "list"]).await;
    let id = list["items"][0]["id"].as_str().unwrap();
    assert_eq!(list["items"][0]["name"], "animals");
    // A damaged file is fetched again, what is right stays.
    std::fs::write(folder.join("animals-001.png"), b"bytes of a fix").unwrap();
    let again = shop.json(&["batch", "download", id, &folder_text]).await;
    let fetched: Vec<_> = again["files"].as_array().unwrap().iter().map(|file| &file["fetched"]).collect();
    assert_eq!(fetched, [&json!(true), &json!(false), &json!(false)]);
    assert_eq!(std::fs::read(folder.join("animals-001.png")).unwrap(), b"bytes of a fox");
    assert!(shop.ok(&["batch", "list"]).await.contains("3/3"));
}

#[tokio::test]
async fn a_batch_with_failures_says_so_by_its_exit_code() {
    let shop = Shop::open().await;
    let mut worker = shop.worker().await;
    let jobs = [
        json!({ "model": "synthetic-chat", "task": { "kind": "llm", "messages": [{ "role": "user", "content": "hi" }] },
            "assetName": "g/../talk" }),
        json!({ "kind": "image", "prompt": "please fail" }),
    ];
    let file = shop.file("jobs.jsonl", &jobs.map(|job| job.to_string()).join("\n"));
    let id = shop.ok(&["batch", "submit", &file, "--model", "synthetic", "--name", "mixed"]).await;
    let watch = ["batch", "watch", id.as_str()];
    let (ran, ()) = tokio::join!(shop.run(&watch), worker.work(2));
    assert_eq!(ran.code, 3, "{ran:?}");
    assert!(ran.out.contains("batch retry"), "{ran:?}");
    let folder = shop.path("out");
    let text = shop.ok(&["batch", "download", &id, &folder.display().to_string()]).await;
    assert!(text.contains("1 jobs have no result"), "{text}");
    let answer: serde_json::Value =
        serde_json::from_slice(&std::fs::read(folder.join("g_.._talk.json")).unwrap()).unwrap();
    assert_eq!(answer["to"], "hi");

    assert!(shop.ok(&["batch", "retry", &id]).await.contains("1 jobs"));
    let cancelled = shop.json(&["batch", "cancel", &id]).await;
    assert_eq!(cancelled["changed"], 1);
    assert_eq!(shop.json(&["batch", "show", &id]).await["counts"]["cancelled"], 1);
}

#[tokio::test]
async fn watching_goes_on_over_a_restart_of_the_studio() {
    let mut shop = Shop::open().await;
    let file = shop.file("two.txt", "a\nb\n");
    let id = shop.ok(&["batch", "submit", &file, "--model", "synthetic"]).await;
    let log = shop.path("watch.log");
    let mut watch = testkit::Process::start("watch", shop.studio.command(&["batch", "watch", &id]), &log);
    let heard = async |what: &str| {
        testkit::wait_until(what, std::time::Duration::from_secs(30), async || {
            std::fs::read_to_string(&log).is_ok_and(|text| text.contains(what))
        })
        .await;
    };
    heard("0 of 2").await;
    shop.studio.kill9();
    heard("does not answer").await;
    shop.studio.restart().await;
    let mut worker = shop.worker().await;
    worker.work(2).await;
    assert_eq!(watch.exit(std::time::Duration::from_secs(30)).await, testkit::Exit::Code(0));
    heard("2 of 2").await;
}

#[tokio::test]
async fn the_same_command_with_the_same_key_makes_one_batch() {
    let shop = Shop::open().await;
    let file = shop.file("one.txt", "a\n");
    let submit = ["batch", "submit", &file, "--model", "synthetic", "--idempotency-key", "night-1"];
    let first = shop.ok(&submit).await;
    assert_eq!(shop.ok(&submit).await, first);
    assert_eq!(shop.json(&["batch", "list"]).await["items"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn files_that_cannot_be_submitted_are_told_by_line() {
    let shop = Shop::open().await;
    for (name, content, told) in [
        ("empty.txt", "\n# nothing\n", "nothing in it"),
        ("broken.jsonl", "{\"kind\":\"image\",\"prompt\":\"a\"}\n{oops\n", "line 2"),
        ("odd.jsonl", "{\"prompt\":\"a\"}\n", "line 1"),
        ("wrong.jsonl", "{\"kind\":\"image\",\"prompt\":5}\n", "jobs[0].task.prompt"),
    ] {
        let file = shop.file(name, content);
        let ran = shop.run(&["batch", "submit", &file, "--model", "synthetic"]).await;
        assert_eq!(ran.code, 1, "{ran:?}");
        assert!(ran.err.contains(told), "{ran:?}");
    }
    let file = shop.file("prompts.txt", "a\n");
    assert!(shop.run(&["batch", "submit", &file]).await.err.contains("--model"));
    assert_eq!(shop.run(&["batch", "submit", "/nowhere.txt", "--model", "synthetic"]).await.code, 1);
    assert_eq!(shop.json(&["batch", "list"]).await["items"], json!([]));
}
