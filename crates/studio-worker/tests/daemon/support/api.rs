//! The local API of a worker under test.

use std::path::Path;

use worker_local::{Client, Discovery};

use super::{DEADLINE, until};

/// A client of the worker in `folder`, once it can be reached.
pub async fn client(folder: &Path) -> Client {
    studio_runtime::install_crypto();
    let found = until("the worker says where it is", || Discovery::read(folder).ok().flatten()).await;
    Client::new(found).unwrap()
}

/// As [`until`], where looking takes time itself.
pub async fn until_some<T>(what: &str, mut check: impl AsyncFnMut() -> Option<T>) -> T {
    let end = std::time::Instant::now() + DEADLINE;
    loop {
        if let Some(value) = check().await {
            return value;
        }
        assert!(std::time::Instant::now() < end, "never happened: {what}");
        tokio::time::sleep(std::time::Duration::from_millis(5)).await;
    }
}
