//! A studio and two workers on this machine, a batch, and a worker that dies in the middle.
//!
//! Everything runs in a temporary folder; only what the batch made is kept, in `target/demo`. Whatever happens, and
//! on Ctrl-C, the processes are asked to end, waited for, and killed if they do not.

mod artefacts;
mod batch;
mod fleet;
mod progress;
mod sheet;
mod stop;
mod studio_api;

use std::fs::{self, File, TryLockError};
use std::io::{IsTerminal, stdout};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};

use crate::setup;
use crate::shell::{command, run as run_command, target_dir};
use fleet::Fleet;
use progress::Progress;
use stop::{Stop, Stopped};
use studio_api::StudioApi;

/// How long each job of the synthetic engine takes: long enough to watch, short enough to wait for.
const JOB_DELAY: Duration = Duration::from_millis(1_200);
/// When this share of the batch is done, one worker is killed.
const KILL_AT: f64 = 0.4;
/// How long the killed worker stays away: one sees the other go on alone.
const AWAY: Duration = Duration::from_secs(3);
/// How often the studio is asked.
const TICK: Duration = Duration::from_millis(200);
/// A batch that takes longer does not end: 32 jobs on two workers need half a minute.
const BATCH_LIMIT: Duration = Duration::from_mins(5);

#[derive(clap::Args)]
pub struct Arguments {
    /// End after the batch, also in a terminal
    #[arg(long)]
    pub exit: bool,
    /// The programs are built already
    #[arg(long)]
    pub built: bool,
    /// The synthetic engine instead of the starter model: no C++ is compiled
    #[arg(long)]
    pub quick: bool,
}

/// Runs the demo to its end, or until Ctrl-C.
pub fn run(arguments: &Arguments) -> Result<()> {
    match until_end(arguments) {
        Err(error) if error.is::<Stopped>() => {
            println!("\nstopped; no process is left");
            Ok(())
        }
        ended => ended,
    }
}

fn until_end(arguments: &Arguments) -> Result<()> {
    let folder = target_dir().join("demo");
    let _lock = lock(&folder)?;
    let stop = Stop::install()?;
    let show_of = if arguments.quick { Show::Synthetic } else { Show::Starter };
    if !arguments.built {
        build(show_of, &stop)?;
    }
    let home = tempfile::Builder::new().prefix("studio-demo-").tempdir().context("no temporary folder")?;
    let mut fleet = Fleet::new(home.path(), show_of.engines(), show_of.delay());
    let shown = show(&mut fleet, show_of, &stop, &folder, arguments.exit);
    fleet.end(&stop);
    if shown.as_ref().is_err_and(|error| !error.is::<Stopped>()) {
        eprintln!("{}", fleet.last_words());
    }
    shown
}

/// What the fleet makes.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Show {
    /// Real pictures of the starter model, on stable-diffusion.cpp.
    Starter,
    /// Drawings and chats of the synthetic engine.
    Synthetic,
}

impl Show {
    fn engines(self) -> &'static str {
        match self {
            Self::Starter => "sd-cpp",
            Self::Synthetic => "synthetic",
        }
    }

    fn delay(self) -> Duration {
        match self {
            Self::Starter => Duration::ZERO,
            Self::Synthetic => JOB_DELAY,
        }
    }
}

fn build(show: Show, stop: &Stop) -> Result<()> {
    let mut arguments = vec!["build", "--package", "studio", "--package", "studio-worker"];
    match show {
        Show::Starter => {
            setup::engines()?;
            println!(
                "building studio, studio-worker and the picture engine (C++: minutes, the first time) ..."
            );
            println!("without it: cargo demo --quick");
            arguments.extend(["--package", "engine-sdcpp", "--features", "engine-sdcpp/sdcpp"]);
        }
        Show::Synthetic => println!("building studio and studio-worker ..."),
    }
    let built = run_command(&mut command("cargo", &arguments));
    // Ctrl-C reaches cargo too: that is no failed build.
    stop.pause(Duration::ZERO)?;
    built
}

fn show(fleet: &mut Fleet, show: Show, stop: &Stop, folder: &Path, exit: bool) -> Result<()> {
    let api = fleet.start_studio(stop)?;
    println!("studio    {}", api.url());
    println!("dashboard {}{} (makes your account there)", api.url(), api.set_up_link()?);
    for name in ["attic", "cellar"] {
        fleet.join_worker(&api, name)?;
        println!("worker    {name}, pid {}, joined with a code", fleet.pid(name)?);
    }
    let jobs = batch::jobs(show);
    let batch = api.submit("demo", &jobs)?;
    println!("batch     {}\n", batch::told(show, &jobs));

    watch(fleet, stop, &api, &batch, jobs.len() as u64)?;
    let files = artefacts::download(&api, &batch, folder)?;
    println!("\nfiles     {} in {}", files.len(), folder.display());
    if show == Show::Starter {
        let sheet = sheet::make(&files, folder)?;
        println!("sheet     {}", sheet.path.display());
        println!("judged    {} of {} pictures show all that their prompts ask for", sheet.right, files.len());
    }
    if exit || !stdout().is_terminal() {
        return Ok(());
    }
    println!("dashboard {}", api.url());
    println!("studio    runs on, with both workers; try");
    println!("          {} jobs list", fleet.cli());
    println!("stop      Ctrl-C");
    loop {
        stop.pause(TICK)?;
        fleet.check()?;
    }
}

/// Follows the batch to its end; on the way one worker is killed, and started again.
fn watch(fleet: &mut Fleet, stop: &Stop, api: &StudioApi, batch: &str, total: u64) -> Result<()> {
    let started = Instant::now();
    let mut progress = Progress::new(total);
    let mut killed: Option<(String, Instant)> = None;
    let mut back = false;
    loop {
        let state = api.batch(batch)?;
        let running = api.running(batch)?;
        progress.show(&state, &running);
        let lost = state.failed + state.cancelled + state.quarantined;
        ensure!(lost == 0, "{lost} jobs of the batch did not end well");
        if state.done == total {
            break;
        }
        let due = killed.is_none() && state.done as f64 >= KILL_AT * total as f64;
        if let Some(job) = running.first().filter(|_| due) {
            fleet.kill(&job.worker)?;
            progress.say(&format!("killed worker {} with -9 while it made `{}`", job.worker, job.asset_name));
            killed = Some((job.worker.clone(), Instant::now()));
        }
        if let Some((name, when)) = &killed
            && !back
            && when.elapsed() >= AWAY
        {
            fleet.run_worker(name)?;
            progress.say(&format!("started worker {name} again, pid {}", fleet.pid(name)?));
            back = true;
        }
        ensure!(started.elapsed() < BATCH_LIMIT, "the batch was not done within {BATCH_LIMIT:?}");
        stop.pause(TICK)?;
        fleet.check()?;
    }
    progress.end();
    let Some((name, _)) = killed else { bail!("the batch was over before a worker could be killed") };
    if !back {
        fleet.run_worker(&name)?;
    }
    let again = api.begun_again(batch)?;
    println!(
        "nothing was lost: {total} of {total} jobs are done, {again} of them begun again after worker {name} was killed"
    );
    Ok(())
}

/// One demo at a time: the folder of its results is shared.
fn lock(folder: &Path) -> Result<File> {
    let parent: PathBuf = folder.parent().map(Path::to_owned).unwrap_or_default();
    fs::create_dir_all(&parent).with_context(|| format!("could not create {}", parent.display()))?;
    let path = folder.with_extension("lock");
    let file = File::create(&path).with_context(|| format!("could not create {}", path.display()))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => bail!("another `cargo demo` is running: stop it with Ctrl-C first"),
        Err(TryLockError::Error(error)) => {
            Err(error).with_context(|| format!("could not lock {}", path.display()))
        }
    }
}
