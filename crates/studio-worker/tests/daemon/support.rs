//! A studio under the test's control, and workers in process and out of it.

mod api;
#[cfg(feature = "window")]
mod desktop;
mod http;
mod program;
mod studio;
mod worker;

use std::time::Duration;

pub use api::{client, until_some};
#[cfg(feature = "window")]
pub use desktop::{Desktop, Notified, Panel, x_server};
pub use http::{Answer, Request};
pub use program::{Program, Running, gone, is_alive, kill};
pub use studio::{Peer, Studio};
pub use worker::{TestWorker, approved_config};

use serde_json::{Value, json};

/// A condition that has not come true by then never will.
pub const DEADLINE: Duration = Duration::from_secs(20);

/// Waits for `check` to give something; `what` is told when it never does.
pub async fn until<T>(what: &str, mut check: impl FnMut() -> Option<T>) -> T {
    let end = std::time::Instant::now() + DEADLINE;
    loop {
        if let Some(value) = check() {
            return value;
        }
        assert!(std::time::Instant::now() < end, "never happened: {what}");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

pub fn chat(job: &str) -> Value {
    claim(
        job,
        json!({"kind": "llm", "messages": [{"role": "user", "content": format!("hello {job}")}], "maxTokens": 16}),
    )
}

/// A chat that takes `millis` on the synthetic engine.
pub fn slow_chat(job: &str, millis: u64) -> Value {
    claim(
        job,
        json!({"kind": "llm", "messages": [{"role": "user", "content": format!("[[delay={millis}]] {job}")}]}),
    )
}

pub fn picture(job: &str) -> Value {
    claim(
        job,
        json!({"kind": "image", "prompt": "ein Füchschen \"im\" Wald", "width": 64, "height": 48, "ext": "png"}),
    )
}

/// A picture that takes `millis` on the synthetic engine.
pub fn slow_picture(job: &str, millis: u64) -> Value {
    claim(
        job,
        json!({"kind": "image", "prompt": format!("[[delay={millis}]] a fox"), "width": 64, "height": 48, "ext": "png"}),
    )
}

pub fn claim(job: &str, task: Value) -> Value {
    json!({
        "jobId": job, "gameId": "g", "assetName": "a", "model": "synthetic", "vramGbEstimate": 0.0, "task": task,
        "modelSource": {"engine": "synthetic", "files": [],
            "cliDefaults": {"cfgScale": 1.0, "steps": 4, "width": 64, "height": 64}},
    })
}

pub fn with_attempt(mut claim: Value, attempt: u32) -> Value {
    claim["attempt"] = json!(attempt);
    claim
}
