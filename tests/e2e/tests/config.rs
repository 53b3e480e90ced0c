//! A worker whose config cannot be read says where and what, and leaves the file alone.

use e2e::{SOON, Story};
use testkit::{Exit, WorkerProcess};

async fn refused(worker: &mut WorkerProcess, text: &str) -> String {
    std::fs::write(worker.config_path(), text).expect("the config can be written");
    worker.run().await;
    assert_eq!(worker.exit(SOON).await, Exit::Code(1), "{}", worker.log());
    assert_eq!(worker.config(), text, "the file is left as it was");
    let log = worker.log();
    assert!(log.contains("config.toml"), "{log}");
    log
}

#[tokio::test]
async fn a_corrupt_config_ends_the_worker_with_the_place_of_the_mistake() {
    let story = Story::begin().await;
    let mut worker = story.newcomer("attic").await;
    let good = worker.config();
    let log = refused(&mut worker, "api_base_url = \"http://127.0.0.1:4780\"\nslots = = 1\n").await;
    assert!(log.contains("line 2") || log.contains("2:"), "{log}");
    refused(&mut worker, "\0\0\0\0").await;
    let mut broken = good.clone();
    broken.truncate(good.len() / 2);
    broken.push_str("\n[[[");
    refused(&mut worker, &broken).await;
    std::fs::write(worker.config_path(), good).expect("the config can be written");
    worker.run().await;
    story.until_online(&worker).await;
}

#[tokio::test]
async fn every_wrong_value_is_named_at_once_with_its_line() {
    let story = Story::begin().await;
    let mut worker = story.newcomer("attic").await;
    let text = "api_base_url = \"gopher://x\"\nslots = -1\nshutdown_grace_secs = \"soon\"\nmood = \"good\"\n";
    let log = refused(&mut worker, text).await;
    for (line, key) in [(1, "api_base_url"), (2, "slots"), (3, "shutdown_grace_secs")] {
        assert!(log.contains(&format!("line {line}: {key}")), "{key}: {log}");
    }
}
