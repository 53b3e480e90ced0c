//! The log over the local API; the ring is filled by the real program only.

use rustix::process::Signal;
use worker_local::{Client, LogSeverity};

use super::found;
use crate::support::{Program, Studio, approved_config, claim};

#[tokio::test]
async fn lines_come_once_they_are_written() {
    let mut studio = Studio::start().await;
    let program = Program::new(Some(&approved_config(&studio)));
    let mut running = program.start(&["run"]);
    let mut peer = studio.session(&[]).await;
    studio_runtime::install_crypto();
    let client = Client::new(found(&program.path("")).await).unwrap();
    let page = client.logs(0, None, false).await.unwrap();
    assert!(page.lines.windows(2).all(|pair| pair[0].seq + 1 == pair[1].seq) && !page.gap);
    assert!(page.lines.iter().any(|line| line.message.contains("session open as worker w-1")), "{page:?}");
    let fail = claim(
        "job-1",
        serde_json::json!({"kind": "llm", "messages": [{"role": "user", "content": "[[fail]]"}]}),
    );
    let waiting = client.logs(page.last, Some(LogSeverity::Warn), true);
    let (next, ()) = tokio::join!(waiting, peer.offer(fail));
    let next = next.unwrap();
    assert!(
        next.lines.iter().all(|line| line.level <= LogSeverity::Warn && line.seq > page.last),
        "{next:?}"
    );
    assert!(next.lines.iter().any(|line| line.job.as_deref() == Some("job-1")), "{next:?}");
    running.signal(Signal::TERM);
    running.end().await;
}
