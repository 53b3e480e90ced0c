//! Every command once, and what they say when something is wrong.

use std::process::Command;
use std::time::Duration;

use serde_json::json;
use testkit::{Exit, Home, Process, StudioOptions, StudioProcess, wait_until};

use crate::shop::{Shop, run};

#[tokio::test]
async fn one_job_from_submission_to_its_file() {
    let shop = Shop::open().await;
    let mut worker = shop.worker().await;
    let submit =
        ["jobs", "submit", "--model", "synthetic", "--width", "64", "--ext", "png", "a fox", "--watch"];
    let (ran, ()) = tokio::join!(shop.run(&submit), worker.work(1));
    assert_eq!(ran.code, 0, "{ran:?}");
    assert!(ran.out.contains("done") && ran.out.contains("sha256"), "{ran:?}");
    let jobs = shop.json(&["jobs", "list", "--state", "done"]).await;
    let id = jobs["items"][0]["id"].as_str().unwrap();
    let shown = shop.json(&["jobs", "show", id, "--logs"]).await;
    assert_eq!(shown["task"], json!({ "kind": "image", "prompt": "a fox", "width": 64, "ext": "png" }));
    assert_eq!(shown["logs"], json!([]));
    let file = shop.path("fox.png");
    shop.ok(&["jobs", "result", id, "-o", &file.display().to_string()]).await;
    assert_eq!(std::fs::read(file).unwrap(), b"bytes of a fox");
    let text = shop.ok(&["jobs", "show", id]).await;
    assert!(text.contains("a fox") && text.contains("OUTCOME"), "{text}");
    assert!(shop.ok(&["jobs", "list"]).await.contains(id));
}

#[tokio::test]
async fn a_job_takes_any_field_files_and_a_count() {
    let shop = Shop::open().await;
    let picture = shop.file("start.png", "pixels");
    let submit = [
        "jobs",
        "submit",
        "--model",
        "synthetic",
        "--seed",
        "5",
        "--count",
        "3",
        "--init-image",
        &picture,
        "--lora",
        "ink=0.5",
        "--set",
        "eta=0.25",
        "a fox",
    ];
    let batch = shop.json(&submit).await;
    assert_eq!(batch["total"], 3);
    let jobs = shop.json(&["jobs", "list", "--batch", batch["id"].as_str().unwrap()]).await;
    let mut seeds = Vec::new();
    for job in jobs["items"].as_array().unwrap() {
        let mut task = shop.json(&["jobs", "show", job["id"].as_str().unwrap()]).await["task"].clone();
        seeds.push(task["seed"].take().as_u64().unwrap());
        let expected = json!({ "kind": "image", "prompt": "a fox", "seed": null, "eta": 0.25,
            "initImageUrl": "data:image/png;base64,cGl4ZWxz", "loras": [{ "name": "ink", "weight": 0.5 }] });
        assert_eq!(task, expected);
    }
    seeds.sort_unstable();
    assert_eq!(seeds, [5, 6, 7]);
    let stt = shop
        .json(&["jobs", "submit", "--model", "synthetic-stt", "--audio", "https://example.org/a.wav"])
        .await;
    let task = shop.json(&["jobs", "show", stt["id"].as_str().unwrap()]).await["task"].clone();
    assert_eq!(task, json!({ "kind": "audio_stt", "inputUrl": "https://example.org/a.wav" }));
    let prompts = shop.file("prompts.txt", "a fox\na hare\n");
    let batch = shop.json(&["batch", "submit", "--model", "synthetic", "--count", "2", &prompts]).await;
    assert_eq!(batch["total"], 4);
    let wrong =
        shop.run(&["jobs", "submit", "--model", "synthetic", "--init-image", "/nowhere.png", "x"]).await;
    assert!(wrong.code == 2 && wrong.err.contains("/nowhere.png"), "{wrong:?}");
}

#[tokio::test]
async fn a_watched_job_that_fails_has_an_exit_code_of_its_own() {
    let shop = Shop::open().await;
    let mut worker = shop.worker().await;
    let submit = ["--json", "jobs", "submit", "--model", "synthetic-chat", "please fail", "--watch"];
    let (ran, ()) = tokio::join!(shop.run(&submit), worker.work(1));
    assert_eq!(ran.code, 3, "{ran:?}");
    let last = ran.out.lines().last().unwrap();
    let last: serde_json::Value = serde_json::from_str(last).unwrap();
    assert_eq!((&last["state"], &last["error"]), (&json!("failed"), &json!("told to")));
    let id = last["id"].as_str().unwrap();
    assert!(shop.ok(&["jobs", "retry", id]).await.contains("queued"));
    assert!(shop.ok(&["jobs", "priority", id, "-5"]).await.contains("-5"));
    assert!(shop.ok(&["jobs", "cancel", id, "--reason", "enough"]).await.contains("cancelled"));
    assert_eq!(shop.run(&["jobs", "watch", id]).await.code, 3);
}

#[tokio::test]
async fn workers_are_let_in_named_paused_and_removed() {
    let shop = Shop::open().await;
    let worker = shop.worker().await;
    let list = shop.json(&["workers"]).await;
    assert_eq!(list["items"][0]["online"], true);
    let id = list["items"][0]["id"].as_str().unwrap();
    shop.ok(&["workers", "rename", id, "attic"]).await;
    assert!(shop.ok(&["workers", "pause", "attic"]).await.contains("paused"));
    assert!(shop.ok(&["workers", "list"]).await.contains("online, paused"));
    assert!(!shop.ok(&["workers", "resume", "attic"]).await.contains("paused"));
    assert!(shop.ok(&["workers", "show", "attic"]).await.contains("synthetic"));
    let status = shop.ok(&["status"]).await;
    assert!(status.contains("1 online of 1"), "{status}");
    shop.ok(&["workers", "remove", "attic"]).await;
    assert_eq!(shop.json(&["workers"]).await["items"], json!([]));
    drop(worker);

    let raw = testkit::RawWorker::new(&shop.studio.url());
    let first = raw.register(&testkit::RawWorker::synthetic(), None).await.request_id;
    let second = raw.register(&testkit::RawWorker::synthetic(), None).await.request_id;
    let waiting = shop.ok(&["workers", "registrations"]).await;
    assert!(waiting.contains(&first) && waiting.contains(&second), "{waiting}");
    assert!(shop.ok(&["workers", "approve", &first, "--name", "cellar"]).await.contains("cellar"));
    shop.ok(&["workers", "reject", &second, "--reason", "not ours"]).await;
    assert_eq!(shop.ok(&["workers", "registrations"]).await, "nothing to show");
    let again = shop.run(&["workers", "approve", &second]).await;
    assert_eq!(again.code, 1, "{again:?}");
}

#[tokio::test]
async fn models_are_added_shown_disabled_and_removed() {
    let shop = Shop::open().await;
    assert!(shop.ok(&["models"]).await.contains("z-image-turbo"));
    let add = [
        "models",
        "add",
        "mine",
        "--kind",
        "image",
        "--engine",
        "sd-cpp",
        "--vram-gb",
        "6",
        "--file",
        "model=https://example.org/m.gguf,approxBytes=5",
        "--default",
        "samplingMethod=euler",
        "--steps",
        "4",
    ];
    shop.ok(&add).await;
    let shown = shop.json(&["models", "show", "mine"]).await;
    assert_eq!(shown["source"]["cliDefaults"]["samplingMethod"], "euler");
    assert_eq!(shown["source"]["files"][0]["filename"], "m.gguf");
    let file = shop.file("model.json", &shown.to_string());
    shop.ok(&["models", "add", "other", "--from", &file]).await;
    assert!(shop.ok(&["models", "show", "other"]).await.contains("https://example.org/m.gguf"));
    assert!(shop.ok(&["models", "disable", "mine"]).await.contains("disabled"));
    assert!(shop.ok(&["models", "enable", "mine"]).await.contains("enabled"));
    shop.ok(&["models", "remove", "mine"]).await;
    assert_eq!(shop.run(&["models", "show", "mine"]).await.code, 1);
    let wrong = shop
        .run(&["models", "add", "x", "--kind", "image", "--engine", "e", "--file", "model=http://h/x"])
        .await;
    assert_eq!(wrong.code, 1);
    assert!(wrong.err.contains("source.files[0].url"), "{wrong:?}");
}

#[tokio::test]
async fn keys_open_what_their_role_opens() {
    let shop = Shop::open().await;
    let secret = shop.ok(&["keys", "create", "ci", "--role", "viewer"]).await;
    let file = shop.file("viewer.key", &format!("{secret}\n"));
    let as_viewer = |arguments: &[&str]| {
        let mut command = shop.studio.command(arguments);
        command.env_remove("STUDIO_API_KEY").env("STUDIO_API_KEY_FILE", &file);
        run(command)
    };
    assert_eq!(as_viewer(&["status"]).await.code, 0);
    let refused = as_viewer(&["keys", "list"]).await;
    assert_eq!(refused.code, 1);
    assert!(refused.err.contains("role viewer") && refused.err.contains("admin"), "{refused:?}");
    let keys = shop.json(&["keys"]).await;
    let key = keys["items"].as_array().unwrap().iter().find(|key| key["name"] == "ci").unwrap();
    shop.ok(&["keys", "revoke", key["id"].as_str().unwrap()]).await;
    assert_eq!(as_viewer(&["status"]).await.code, 1);
}

#[tokio::test]
async fn the_admin_key_of_the_data_directory_is_found() {
    let shop = Shop::open().await;
    let mut command = Command::new(env!("CARGO_BIN_EXE_studio"));
    command.args(["status", "--url", &shop.studio.url(), "--data-dir"]).arg(shop.studio.data_dir());
    command.env_remove("STUDIO_API_KEY").env_remove("STUDIO_API_KEY_FILE").env_remove("STUDIO_URL");
    assert_eq!(run(command).await.code, 0);
}

#[tokio::test]
async fn errors_say_what_to_do() {
    let shop = Shop::open().await;
    let wrong = shop.run(&["jobs", "submit", "--model", "nobody", "x"]).await;
    assert_eq!((wrong.code, wrong.out.as_str()), (1, ""));
    assert!(wrong.err.contains("nobody"), "{wrong:?}");
    let wrong = shop.run(&["--json", "jobs", "submit", "--model", "synthetic", "--width", "0", "x"]).await;
    let error: serde_json::Value = serde_json::from_str(&wrong.err).unwrap();
    assert_eq!(
        (&error["problem"]["field"], &error["problem"]["status"]),
        (&json!("task.width"), &json!(400))
    );
    assert_eq!(shop.run(&["jobs", "fly"]).await.code, 2);
    assert_eq!(shop.run(&["jobs", "show", ".."]).await.code, 1);
    let away = Command::new(env!("CARGO_BIN_EXE_studio"));
    let away = with(away, &["status", "--url", "http://127.0.0.1:9", "--api-key", "x"]);
    let ran = run(away).await;
    assert_eq!(ran.code, 1);
    assert!(ran.err.contains("is the studio running"), "{ran:?}");
    let ran = run(with(
        Command::new(env!("CARGO_BIN_EXE_studio")),
        &["status", "--url", "ftp://x", "--api-key", "x"],
    ));
    assert!(ran.await.err.contains("ftp://x"));
}

fn with(mut command: Command, arguments: &[&str]) -> Command {
    command.args(arguments).env_remove("STUDIO_URL").env_remove("STUDIO_API_KEY");
    command
}

#[tokio::test]
async fn events_are_printed_until_the_studio_stops() {
    let mut shop = Shop::open().await;
    let mut command = shop.studio.command(&["--json", "events"]);
    let log = shop.path("events.log");
    command.stdin(std::process::Stdio::null());
    let mut events = Process::start("events", command, &log);
    wait_until("the stream begins", Duration::from_secs(30), async || {
        std::fs::read_to_string(&log).is_ok_and(|text| text.contains("ready"))
    })
    .await;
    shop.ok(&["jobs", "submit", "--model", "synthetic", "x"]).await;
    shop.studio.sigterm();
    shop.studio.exit(Duration::from_secs(30)).await;
    assert_eq!(events.exit(Duration::from_secs(30)).await, Exit::Code(0));
    assert!(std::fs::read_to_string(&log).unwrap().contains("submitted"));
}

#[tokio::test]
async fn a_studio_with_its_own_certificate_is_reached_by_naming_it() {
    let home = Home::new();
    let made = rcgen::generate_simple_self_signed(vec!["127.0.0.1".to_owned()]).unwrap();
    std::fs::write(home.join("cert.pem"), made.cert.pem()).unwrap();
    std::fs::write(home.join("key.pem"), made.signing_key.serialize_pem()).unwrap();
    let path = |name: &str| home.join(name).display().to_string();
    let tls = ["--tls-cert".to_owned(), path("cert.pem"), "--tls-key".to_owned(), path("key.pem")];
    let studio =
        StudioProcess::spawn(&home, StudioOptions { arguments: tls.into(), ..StudioOptions::default() });
    let url = studio.url().replace("http:", "https:");
    let status = |more: &[&str]| {
        let command = Command::new(env!("CARGO_BIN_EXE_studio"));
        let mut command = with(command, &["status", "--url", &url, "--data-dir", &path("studio")]);
        command.args(more);
        run(command)
    };
    let cert = path("cert.pem");
    wait_until("the studio answers by TLS", Duration::from_secs(30), async || {
        status(&["--ca-cert", &cert]).await.code == 0
    })
    .await;
    let ran = status(&[]).await;
    assert!(ran.code == 1 && ran.err.to_lowercase().contains("certificate"), "{ran:?}");
}
