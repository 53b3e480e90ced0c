//! Unmodified client libraries do every endpoint against a real fleet, and a browser opens every page of its dashboard.

use std::path::Path;

use clients::{Alone, Fleet, python};

#[tokio::test]
async fn python_clients() {
    let fleet = Fleet::start().await;
    fleet
        .passes(&python(), &["-m", "pytest", "-q", "-x", "--no-header", "-p", "no:cacheprovider", "python"])
        .await;
    assert!(fleet.jobs_done().await > 50);
}

#[tokio::test]
async fn python_clients_of_a_worker_alone() {
    let arguments = ["-m", "pytest", "-q", "-x", "--no-header", "-p", "no:cacheprovider", "python_worker"];
    Alone::start().await.passes(&python(), &arguments).await;
}

#[tokio::test]
async fn node_clients() {
    let fleet = Fleet::start().await;
    fleet.passes(Path::new("node"), &["--test", "--test-concurrency=1", "node/"]).await;
    assert!(fleet.jobs_done().await > 5);
}

#[tokio::test]
async fn browser_first_run() {
    Fleet::of(&[]).await.is_browsed("first_run").await;
}

#[tokio::test]
async fn browser_workers() {
    Fleet::start().await.with_newcomer("newcomer").await.is_browsed("workers").await;
}

#[tokio::test]
async fn browser_jobs() {
    Fleet::start().await.supervised().is_browsed("jobs").await;
}

#[tokio::test]
async fn browser_results() {
    Fleet::start().await.is_browsed("results").await;
}

#[tokio::test]
async fn browser_playground() {
    Fleet::start().await.is_browsed("playground").await;
}

#[tokio::test]
async fn browser_models() {
    Fleet::start().await.is_browsed("models").await;
}

#[tokio::test]
async fn browser_settings() {
    Fleet::start().await.is_browsed("settings").await;
}

#[tokio::test]
async fn browser_everybody() {
    Fleet::start().await.is_browsed("everybody").await;
}
