//! Real pictures of the starter model: what the whole way costs beside the bare engine, and what loading anew would.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use anyhow::Context;
use clap::Args;
use engine_protocol::{Event, Load};
use serde_json::json;

use crate::bare::{Bare, run_of};
use crate::programs::Programs;
use crate::report::{Report, Target};

/// The worker connects.
const START_LIMIT: Duration = Duration::from_secs(30);
/// A hundred pictures on a busy machine.
const BATCH_LIMIT: Duration = Duration::from_mins(15);
/// What the way may add to a picture (docs/benchmarks.md): a share of it, and a constant.
const SHARE: f64 = 0.02;
const CONSTANT_MS: f64 = 20.0;

/// How it is measured.
#[derive(Debug, Args)]
pub struct Options {
    /// Pictures of the batch, and of the bare engine
    #[arg(long, default_value_t = 100)]
    pictures: usize,
    /// Pictures with a process each
    #[arg(long, default_value_t = 20)]
    processes: usize,
}

/// Measures.
pub async fn run(programs: &Programs, options: &Options) -> anyhow::Result<Report> {
    let mut report = Report::new("pictures", "pictures of starter-shapes, 128 x 128, 8 steps");
    let folder = programs.folder()?;
    starter_models::unpack(folder.path()).context("could not unpack the starter model")?;
    let scene = Scene { engine: programs.path("studio-engine-sdcpp"), models: folder.path().to_owned() };

    // Half before and half after: the machine may not be equally busy all the time.
    let half = (options.pictures / 2).max(1);
    let before = scene.bare(half)?;
    let (piped, loads) = piped(programs, options.pictures).await?;
    let bare = (before + scene.bare(half)?) / 2;
    report.row("the bare engine, its model loaded, per picture", millis(bare), "ms");
    report.row("through studio and worker, per picture", millis(piped), "ms");
    let allowed = millis(bare) * SHARE + CONSTANT_MS;
    report.judged("  what the way adds", millis(piped) - millis(bare), "ms", Target::AtMost(allowed));
    report.judged("  loads of the batch", loads, "", Target::AtMost(1.0));
    let alone = scene.alone(options.processes)?;
    report.row("a process for each, its model loaded anew, per picture", millis(alone), "ms");
    report.row("  times the batch", alone.as_secs_f64() / piped.as_secs_f64(), "x");
    Ok(report)
}

fn millis(time: Duration) -> f64 {
    time.as_secs_f64() * 1_000.0
}

fn task(number: usize) -> serde_json::Value {
    json!({"kind": "image", "prompt": "two large green circles at the top of a purple background", "seed": number,
        "steps": 8, "width": 128, "height": 128, "ext": "webp"})
}

/// A batch over the real programs; per picture, with how often the model was loaded.
async fn piped(programs: &Programs, pictures: usize) -> anyhow::Result<(Duration, f64)> {
    let studio = programs.studio(&[]).await?;
    let api = studio.api()?;
    let worker = programs.worker_with("sd-cpp")?;
    worker.join(&studio.url(), &api.join_code(1).await).await?;
    let _process = worker.run();
    api.until_online(1, START_LIMIT).await;
    let job = |number: usize| json!({"model": starter_models::MODEL, "task": task(number)});
    // The first picture fetches and loads the model.
    let first = api.submit(job(0)).await;
    api.until_job(&first, "done", BATCH_LIMIT).await;
    let started = Instant::now();
    let batch = api.submit_batch("bench", (1..=pictures).map(job).collect()).await;
    api.until_done(&batch, pictures as u64, BATCH_LIMIT).await;
    let took = started.elapsed();
    let status = worker.status().await?;
    let lanes = status["status"]["lanes"].as_array().context("the status has lanes")?;
    let lane =
        lanes.iter().find(|lane| lane["model"] == starter_models::MODEL).context("the model has a lane")?;
    let loads = lane["process"]["loads"].as_f64().context("a lane counts loads")?;
    Ok((took / pictures as u32, loads))
}

/// The engine without any of our programs around it.
struct Scene {
    engine: PathBuf,
    models: PathBuf,
}

impl Scene {
    /// One process, one load, then pictures; per picture without the first.
    fn bare(&self, pictures: usize) -> anyhow::Result<Duration> {
        let mut engine = self.start()?;
        self.picture(&mut engine, 0)?;
        let started = Instant::now();
        for number in 1..=pictures {
            self.picture(&mut engine, number)?;
        }
        Ok(started.elapsed() / pictures as u32)
    }

    /// A process and a load for each picture.
    fn alone(&self, pictures: usize) -> anyhow::Result<Duration> {
        let started = Instant::now();
        for number in 0..pictures {
            self.picture(&mut self.start()?, number)?;
        }
        Ok(started.elapsed() / pictures.max(1) as u32)
    }

    fn start(&self) -> anyhow::Result<Bare> {
        let dir = self.models.join(starter_models::MODEL);
        Bare::start(
            &self.engine,
            "engine-sdcpp --features engine-sdcpp/all",
            Load {
                model: starter_models::MODEL.to_owned(),
                source: starter_models::source(),
                dir: dir.to_str().map(str::to_owned),
            },
        )
    }

    fn picture(&self, engine: &mut Bare, number: usize) -> anyhow::Result<()> {
        let mut run = run_of(&format!("job-{number}"), starter_models::MODEL, task(number))?;
        run.out_dir = self.models.to_str().map(str::to_owned);
        engine.run(run)?;
        engine.until(|event| matches!(event, Event::Done(_)))
    }
}
