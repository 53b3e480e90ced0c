//! Jobs through one slot, with the time of each step.

use std::time::{Duration, Instant};

use anyhow::{Context, bail, ensure};
use futures_util::{SinkExt, StreamExt};
use serde_json::json;
use studio_protocol::{
    API_PREFIX, ChatMessage, CliDefaults, JobAck, JobId, LlmTask, ModelSource, Offer, OfferClaim,
    StudioFrame, Task, WorkerFrame,
};
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::Message;

use super::peer::{Acks, Peer, PeerSession};
use crate::samples::Samples;

/// Between two offers that are measured one at a time.
const PAUSE: Duration = Duration::from_millis(10);
/// How long the control works on a job: its two frames must not leave as one packet.
const CONTROL_WORK: Duration = Duration::from_micros(200);

/// Where the time of jobs went.
#[derive(Debug)]
pub struct Split {
    /// All of them.
    pub whole: Duration,
    /// The offer leaves, the accept is here.
    pub accept: Samples,
    /// The accept is here, the result is here.
    pub result: Samples,
    /// The result is here, its acknowledgement and the next offer have left: the peer's own time.
    pub next: Samples,
}

/// Offers `count` jobs one after the other; the next one leaves with the acknowledgement of the last.
pub async fn jobs(session: &mut PeerSession, count: usize) -> anyhow::Result<Split> {
    let (mut accepts, mut results, mut nexts) = (Vec::new(), Vec::new(), Vec::new());
    let started = Instant::now();
    session.send(&[offer(0)]).await?;
    let mut offered = Instant::now();
    for number in 0..count {
        accept(session).await?;
        let accepted = Instant::now();
        let job_id = result(session).await?;
        let done = Instant::now();
        let mut frames = vec![StudioFrame::CompleteAck(JobAck { job_id, stale: false })];
        if number + 1 < count {
            frames.push(offer(number + 1));
        }
        session.send(&frames).await?;
        accepts.push(accepted - offered);
        results.push(done - accepted);
        offered = Instant::now();
        nexts.push(offered - done);
    }
    let whole = started.elapsed();
    let [accept, result, next] = [accepts, results, nexts].map(Samples::millis);
    Ok(Split { whole, accept, result, next })
}

/// Offers `count` jobs with pauses, and returns how long the accepts took.
pub async fn offers(session: &mut PeerSession, count: usize) -> anyhow::Result<Samples> {
    let mut times = Vec::with_capacity(count);
    for number in 0..count {
        tokio::time::sleep(PAUSE).await;
        let offered = Instant::now();
        session.send(&[offer(number)]).await?;
        accept(session).await?;
        times.push(offered.elapsed());
        let job_id = result(session).await?;
        session.send(&[StudioFrame::CompleteAck(JobAck { job_id, stale: false })]).await?;
    }
    Ok(Samples::millis(times))
}

async fn accept(session: &mut PeerSession) -> anyhow::Result<()> {
    let frame = answer(session).await?;
    ensure!(matches!(frame, WorkerFrame::Accept(_)), "expected an accept, got {frame:?}");
    Ok(())
}

async fn result(session: &mut PeerSession) -> anyhow::Result<JobId> {
    let frame = answer(session).await?;
    let WorkerFrame::CompleteJson(complete) = frame else { bail!("expected a result, got {frame:?}") };
    Ok(complete.job_id)
}

/// The next frame that decides something about a job.
async fn answer(session: &mut PeerSession) -> anyhow::Result<WorkerFrame> {
    loop {
        let frame = session.frame().await?;
        if !matches!(frame, WorkerFrame::LogBatch(_) | WorkerFrame::Progress(_)) {
            return Ok(frame);
        }
    }
}

fn offer(number: usize) -> StudioFrame {
    let cli_defaults =
        CliDefaults { cfg_scale: 1.0, steps: 8, width: 512, height: 512, more: serde_json::Map::new() };
    let content = format!("say something about job {number}");
    let task = LlmTask {
        messages: vec![ChatMessage { role: "user".to_owned(), content, ..ChatMessage::default() }],
        max_tokens: 16,
        temperature: 0.5,
        ..LlmTask::default()
    };
    // Fresh ids: a worker knows what it has done.
    let id = format!("job-{:032x}", rand::random::<u128>());
    StudioFrame::Offer(Box::new(Offer {
        claim: OfferClaim {
            asset_name: id.clone(),
            job_id: id.into(),
            project: "default".into(),
            model: "synthetic-chat".to_owned(),
            vram_gb_estimate: 0.0,
            task: Task::Llm(task),
            model_source: ModelSource { engine: "synthetic".to_owned(), files: Vec::new(), cli_defaults },
            attempt: Some(1),
            lease_ms: Some(30_000),
            traceparent: None,
        },
    }))
}

/// Jobs per second of a client that lets the system gather small packets: shows that the peer does delay its ACKs.
pub async fn control(peer: &Peer, count: usize) -> anyhow::Result<f64> {
    let client = async {
        let stream = TcpStream::connect(peer.address()).await?;
        let url = format!("ws://{}{API_PREFIX}/workers/w/connect", peer.address());
        let (mut socket, _) = tokio_tungstenite::client_async(url, stream).await?;
        let hello = json!({"type": "hello", "authToken": "t", "capabilities": {}});
        socket.send(Message::text(hello.to_string())).await?;
        while let Some(Ok(Message::Text(text))) = socket.next().await {
            let frame: serde_json::Value = serde_json::from_str(&text)?;
            let Some(job) = frame["claim"]["jobId"].as_str() else { continue };
            socket.send(Message::text(json!({"type": "accept", "jobId": job}).to_string())).await?;
            tokio::time::sleep(CONTROL_WORK).await;
            let result = json!({"type": "completeJson", "jobId": job, "result": {}});
            socket.send(Message::text(result.to_string())).await?;
        }
        Ok::<_, anyhow::Error>(())
    };
    let studio = async {
        let mut session = peer.session(Acks::AsLateAsCanBe).await?;
        let split = jobs(&mut session, count).await?;
        Ok::<_, anyhow::Error>(count as f64 / split.whole.as_secs_f64())
    };
    tokio::select! {
        rate = studio => rate,
        ended = client => { ended.context("the control failed")?; bail!("the control ended early") }
    }
}
