//! Unmodified client libraries do every endpoint against a real fleet.

use std::path::Path;

use clients::{Fleet, python};

#[tokio::test]
async fn python_clients() {
    let fleet = Fleet::start().await;
    fleet
        .passes(&python(), &["-m", "pytest", "-q", "-x", "--no-header", "-p", "no:cacheprovider", "python"])
        .await;
    assert!(fleet.jobs_done().await > 50);
}

#[tokio::test]
async fn node_clients() {
    let fleet = Fleet::start().await;
    fleet.passes(Path::new("node"), &["--test", "--test-concurrency=1", "node/"]).await;
    assert!(fleet.jobs_done().await > 5);
}
