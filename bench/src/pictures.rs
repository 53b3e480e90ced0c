//! Real pictures of the starter model: what the whole way costs beside the bare engine, and what loading anew would.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command as Program, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, bail};
use clap::Args;
use engine_protocol::{Command, Event, Hello, Load, PROTOCOLS, Run, decode_event, encode_frame, read_frame};
use serde_json::json;
use studio_protocol::{JobId, Task};

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
        let mut engine = Bare::start(&self.engine, &self.models)?;
        engine.picture(0, &self.models)?;
        let started = Instant::now();
        for number in 1..=pictures {
            engine.picture(number, &self.models)?;
        }
        Ok(started.elapsed() / pictures as u32)
    }

    /// A process and a load for each picture.
    fn alone(&self, pictures: usize) -> anyhow::Result<Duration> {
        let started = Instant::now();
        for number in 0..pictures {
            Bare::start(&self.engine, &self.models)?.picture(number, &self.models)?;
        }
        Ok(started.elapsed() / pictures.max(1) as u32)
    }
}

/// An engine process that is spoken to directly.
struct Bare {
    process: Child,
    output: ChildStdout,
}

impl Bare {
    fn start(engine: &Path, models: &Path) -> anyhow::Result<Self> {
        let mut program = Program::new(engine);
        program.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
        let mut process = program.spawn().with_context(|| {
            format!(
                "`{}` did not start: cargo build --release -p engine-sdcpp --features engine-sdcpp/all",
                engine.display()
            )
        })?;
        let output = process.stdout.take().context("its output is piped")?;
        let mut bare = Self { process, output };
        bare.say(&Command::Hello(Hello { protocols: PROTOCOLS.to_vec(), host: "bench".to_owned() }))?;
        bare.until(|event| matches!(event, Event::Ready(_)))?;
        let dir = models.join(starter_models::MODEL);
        bare.say(&Command::Load(Box::new(Load {
            model: starter_models::MODEL.to_owned(),
            source: starter_models::source(),
            dir: dir.to_str().map(str::to_owned),
        })))?;
        bare.until(|event| matches!(event, Event::Loaded(_)))?;
        Ok(bare)
    }

    fn picture(&mut self, number: usize, folder: &Path) -> anyhow::Result<()> {
        let task: Task = serde_json::from_value(task(number))?;
        self.say(&Command::Run(Box::new(Run {
            job_id: JobId::from(format!("job-{number}")),
            model: starter_models::MODEL.to_owned(),
            task,
            out_dir: folder.to_str().map(str::to_owned),
            inputs: std::collections::BTreeMap::new(),
            stream: false,
            preview: false,
        })))?;
        self.until(|event| matches!(event, Event::Done(_)))
    }

    fn say(&mut self, command: &Command) -> anyhow::Result<()> {
        let input = self.process.stdin.as_mut().context("its input is piped")?;
        input.write_all(&encode_frame(command)?).context("the engine does not listen")
    }

    fn until(&mut self, is_it: impl Fn(&Event) -> bool) -> anyhow::Result<()> {
        while let Some(frame) = read_frame(&mut self.output)? {
            let event = decode_event(&frame)?;
            if let Event::Failed(failed) = &event {
                bail!("the engine failed: {}", failed.message);
            }
            if is_it(&event) {
                return Ok(());
            }
        }
        bail!("the engine ended")
    }
}

impl Drop for Bare {
    fn drop(&mut self) {
        let _ = self.process.kill().and_then(|()| self.process.wait());
    }
}
