//! What the daemon's side of an engine costs: `cargo run --release -p studio-worker --example engine_round_trip`.
//!
//! Asks the synthetic engine for one chat after the other, each when the former is finished, and prints how long a
//! job takes from `Engines::run` to `JobEvent::Finished`.

use std::process::ExitCode;
use std::time::{Duration, Instant};

use engine_protocol::synthetic;
use studio_protocol::{CliDefaults, ModelSource, Task};
use studio_runtime::Tasks;
use studio_worker::engines::{EngineJob, EngineProgram, EngineSettings, Engines, JobEvent};
use tokio::sync::mpsc;

const WARM_UP: usize = 500;
const JOBS: usize = 10_000;

fn main() -> anyhow::Result<ExitCode> {
    // The engine is this very program.
    if std::env::args().nth(1).as_deref() == Some("engine") {
        return Ok(synthetic::main());
    }
    tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(measure())?;
    Ok(ExitCode::SUCCESS)
}

async fn measure() -> anyhow::Result<()> {
    let folder = tempfile::tempdir()?;
    let settings = EngineSettings::new(folder.path(), folder.path())
        .with(synthetic::NAME, EngineProgram::synthetic(std::env::current_exe()?));
    let (tasks, (said, mut events)) = (Tasks::new(), mpsc::channel(64));
    let engines = Engines::new(&tasks, settings, said);
    let mut times = Vec::with_capacity(JOBS);
    for number in 0..WARM_UP + JOBS {
        let job = chat(number)?;
        let start = Instant::now();
        engines.run(job).await;
        loop {
            match events.recv().await {
                Some(JobEvent::Finished { .. }) => break,
                Some(JobEvent::Failed { error, .. }) => anyhow::bail!("job {number}: {error}"),
                Some(_) => {}
                None => anyhow::bail!("the engines are gone"),
            }
        }
        if number >= WARM_UP {
            times.push(start.elapsed());
        }
    }
    engines.stop_all(Duration::from_secs(2)).await;
    times.sort_unstable();
    let at = |part: f64| times[((times.len() - 1) as f64 * part) as usize];
    println!("{JOBS} chats: p50 {:?}, p90 {:?}, p99 {:?}, max {:?}", at(0.5), at(0.9), at(0.99), at(1.0));
    Ok(())
}

fn chat(number: usize) -> anyhow::Result<EngineJob> {
    let task = format!(r#"{{"kind":"llm","messages":[{{"role":"user","content":"chat {number}"}}]}}"#);
    let defaults =
        CliDefaults { cfg_scale: 1.0, steps: 8, width: 512, height: 512, more: serde_json::Map::default() };
    Ok(EngineJob {
        job_id: format!("job-{number}").into(),
        attempt: None,
        engine: synthetic::NAME.to_owned(),
        model: "synthetic".to_owned(),
        source: ModelSource { engine: synthetic::NAME.to_owned(), files: Vec::new(), cli_defaults: defaults },
        vram_gb: 0.0,
        task: serde_json::from_str::<Task>(&task)?,
        out_dir: std::env::temp_dir(),
        inputs: std::collections::BTreeMap::new(),
        stream: false,
        preview: false,
        traceparent: None,
    })
}
