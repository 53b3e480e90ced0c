//! A user at the command line: submit, watch, download, back up while it runs, restore, look after it.

use std::path::Path;
use std::process::{Command, Stdio};

use e2e::{SOON, Story};
use image::GenericImageView;
use testkit::{Exit, StudioOptions};

/// Runs a command to its end, with the runtime free to go on.
async fn run(mut command: Command) -> (Exit, String, String) {
    command.stdin(Stdio::null());
    let output = tokio::task::spawn_blocking(move || command.output()).await.expect("it was not aborted");
    let output = output.expect("studio can be started");
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    (output.status.into(), text(&output.stdout), text(&output.stderr))
}

async fn succeed(command: Command) -> String {
    let told = format!("{command:?}");
    let (exit, stdout, stderr) = run(command).await;
    assert_eq!(exit, Exit::Code(0), "{told}: {stdout}{stderr}");
    stdout
}

fn decode(path: &Path) -> (u32, u32) {
    let bytes = std::fs::read(path).expect("a file that was downloaded");
    let format = image::guess_format(&bytes).expect("a picture");
    let by_name = image::ImageFormat::from_path(path).expect("a picture's name");
    assert_eq!(format, by_name, "{}: bytes and name agree", path.display());
    image::load_from_memory(&bytes).expect("it decodes").dimensions()
}

#[tokio::test]
async fn prompts_become_files_and_a_backup_brings_them_back() {
    let story = Story::begin().await;
    let _first = story.worker("attic").await;
    let _second = story.worker("cellar").await;
    let prompts = story.home.join("prompts.txt");
    let lines: Vec<String> = (0..12).map(|n| format!("a fox in season {n}")).collect();
    std::fs::write(&prompts, format!("# foxes\n\n{}\n", lines.join("\n"))).expect("the home can be written");
    let folder = story.home.join("out");

    let file = prompts.to_str().expect("a plain path");
    let submit = [
        "batch",
        "submit",
        file,
        "--model",
        "synthetic",
        "--width",
        "96",
        "--height",
        "64",
        "--watch",
        "--json",
    ];
    let said = succeed(story.studio.command(&submit)).await;
    let last: serde_json::Value = serde_json::from_str(said.lines().last().expect("lines")).expect("JSON");
    let batch = last["id"].as_str().expect("a batch").to_owned();
    assert_eq!(last["counts"]["done"], 12, "{last}");

    let out = folder.to_str().expect("a plain path");
    succeed(story.studio.command(&["batch", "download", &batch, out])).await;
    let mut files: Vec<_> =
        std::fs::read_dir(&folder).expect("a folder").map(|entry| entry.expect("an entry").path()).collect();
    files.sort();
    assert_eq!(files.len(), 12, "{files:?}");
    for file in &files {
        assert_eq!(decode(file), (96, 64), "{}", file.display());
    }
    let again = succeed(story.studio.command(&["batch", "download", &batch, out])).await;
    assert!(again.contains("12 were there already"), "{again}");

    let jsonl = story.home.join("mixed.jsonl");
    let mixed = [
        r#"{"model": "synthetic", "task": {"kind": "image", "prompt": "a hare", "width": 32, "height": 32, "ext": "png"}}"#,
        r#"{"model": "synthetic", "task": {"kind": "image", "prompt": "a hare", "width": 32, "height": 32, "ext": "jpg"}}"#,
        r#"{"model": "synthetic-chat", "task": {"kind": "llm", "messages": [{"role": "user", "content": "hi"}]}}"#,
        r#"{"model": "synthetic-tts", "task": {"kind": "audio_tts", "text": "good evening"}}"#,
    ];
    std::fs::write(&jsonl, mixed.join("\n")).expect("the home can be written");
    let mixed_out = story.home.join("mixed");
    let (file, out) = (jsonl.to_str().expect("a plain path"), mixed_out.to_str().expect("a plain path"));
    succeed(story.studio.command(&["batch", "submit", file, "--download", out])).await;
    let mut kinds: Vec<String> = std::fs::read_dir(&mixed_out)
        .expect("a folder")
        .map(|entry| entry.expect("an entry").path())
        .map(|path| path.extension().expect("an extension").to_string_lossy().into_owned())
        .collect();
    kinds.sort();
    assert_eq!(kinds, ["jpg", "json", "png", "wav"]);

    // While it runs, with a job in hand.
    let held = story.running(e2e::picture("a slow fox [[delay=4000]]")).await;
    let data = story.studio.data_dir().to_str().expect("a plain path").to_owned();
    let backup = story.home.join("backup");
    let kept = backup.to_str().expect("a plain path");
    succeed(story.studio.command(&["backup", kept, "--data-dir", &data])).await;
    let report = succeed(story.studio.command(&["doctor", "--deep", "--data-dir", &data])).await;
    assert!(report.contains("every hash is right"), "{report}");
    story.until(&held, "done").await;

    let restored = story.home.join("restored");
    let target = restored.to_str().expect("a plain path");
    succeed(story.studio.command(&["restore", kept, "--data-dir", target])).await;
    let (exit, _, said) = run(story.studio.command(&["restore", kept, "--data-dir", target])).await;
    assert_eq!(exit, Exit::Code(1), "a restore overwrites nothing");
    assert!(said.contains("not empty"), "{said}");
    succeed(story.studio.command(&["doctor", "--deep", "--data-dir", target])).await;
    let options = StudioOptions { data_dir: Some(restored), ..StudioOptions::default() };
    let second = testkit::StudioProcess::start_with(&story.home, options).await;
    let api = second.api();
    let seen = api.get(&format!("/batches/{batch}")).await;
    assert_eq!(seen["counts"]["done"], 12, "{seen}");
    for job in api.jobs(&format!("batch={batch}")).await {
        let id = job["id"].as_str().expect("an id");
        assert_eq!(api.artefact(id).await, story.api.artefact(id).await);
    }
}

#[tokio::test]
async fn a_watch_survives_a_restart_of_the_studio_and_failures_are_told_by_the_exit_code() {
    let mut story = Story::begin().await;
    let _worker = story.worker("attic").await;
    let prompts = story.home.join("prompts.txt");
    std::fs::write(&prompts, "one [[delay=2500]]\ntwo\nthree [[fail-for-good]]\n")
        .expect("the home can be written");
    let file = prompts.to_str().expect("a plain path");
    let command = story.studio.command(&["batch", "submit", file, "--model", "synthetic", "--watch"]);
    let restart = async {
        testkit::wait_until("a job runs", SOON, async || !story.api.jobs("state=running").await.is_empty())
            .await;
        story.studio.restart().await;
    };
    let ((exit, stdout, stderr), ()) = tokio::join!(run(command), restart);
    assert_eq!(exit, Exit::Code(3), "{stdout}{stderr}");
    assert!(stdout.contains("failed"), "{stdout}");
}

#[tokio::test]
async fn a_key_opens_what_its_role_may_do() {
    let story = Story::begin().await;
    let made =
        succeed(story.studio.command(&["keys", "create", "reader", "--role", "viewer", "--json"])).await;
    let made: serde_json::Value = serde_json::from_str(&made).expect("JSON");
    let secret = made["key"].as_str().or(made["secret"].as_str()).expect("the key, once").to_owned();
    let mut listing = story.studio.command(&["jobs", "list"]);
    listing.env("STUDIO_API_KEY", &secret);
    succeed(listing).await;
    let mut submitting = story.studio.command(&["jobs", "submit", "--model", "synthetic", "a fox"]);
    submitting.env("STUDIO_API_KEY", &secret);
    let (exit, _, said) = run(submitting).await;
    assert_eq!(exit, Exit::Code(1), "{said}");
    assert!(said.contains("submitter") || said.contains("viewer"), "{said}");
}
