//! Video jobs, for the models that make clips.

use std::fs;

use engine_protocol::harness::{Output, Work};
use engine_protocol::{Failure, Run};
use studio_protocol::VideoTask;

use crate::asked::{Asked, check_prompt, check_size, engine_seed, seed_of, within};
use crate::clip::{Clip, Format};
use crate::engine::{Model, signature};
use crate::inputs;
use crate::limits::{MAX_FPS, MAX_FRAMES, USUAL_FPS};
use crate::parameters::Parameters;
use crate::sd::Video;
use crate::watch::JobWatch;

/// Makes the clip of a job.
pub(crate) fn make(
    task: &VideoTask,
    run: &Run,
    model: &mut Model,
    work: &Work<'_>,
) -> Result<Output, Failure> {
    let format = Format::of(&task.ext)?;
    if !model.context.makes_clips() {
        return Err(Failure::bad_input(format!("model `{}` makes pictures, no clips", run.model)));
    }
    let seed = seed_of(task.seed);
    let video = video(task, run, model, seed)?;
    work.check()?;
    let watch = JobWatch::new(work, run.preview, 1);
    let frames = model.context.video(&video, &watch).map_err(|bad| Failure::bad_input(bad.0))?;
    work.check()?;
    let frames = frames.ok_or_else(|| watch.failure())?;
    let clip = Clip {
        frames,
        fps: video.fps as u32,
        parameters: Parameters {
            prompt: task.prompt.clone(),
            negative_prompt: task.negative_prompt.clone(),
            seed,
            steps: video.sampling.steps as u32,
            sampler: video.sampling.sampler.name(),
            scheduler: video.sampling.scheduler.name(),
            cfg_scale: task.cfg_scale.unwrap_or(model.settings.cfg_scale),
            flow_shift: task.flow_shift.or(model.settings.flow_shift),
            width: task.width,
            height: task.height,
            model: run.model.clone(),
            model_hash: model.files.hash.clone(),
            engine: signature(),
            ..Parameters::default()
        },
    };
    let alive = || {
        work.heartbeat();
        work.check()
    };
    let file = clip.encode(format, &alive)?;
    fs::write(work.out_path(&task.ext)?, file)
        .map_err(|problem| Failure::internal(format!("the clip could not be written: {problem}")))?;
    Ok(Output::File { ext: task.ext.clone() })
}

fn video(task: &VideoTask, run: &Run, model: &Model, seed: u64) -> Result<Video, Failure> {
    let (width, height) = (task.width, task.height);
    check_prompt("prompt", &task.prompt)?;
    let negative_prompt = task.negative_prompt.clone().unwrap_or_default();
    check_prompt("negativePrompt", &negative_prompt)?;
    check_size(&model.version, width, height)?;
    let asked = Asked {
        sampler: task.sampling_method.as_deref(),
        steps: task.steps.unwrap_or(model.settings.steps),
        cfg_scale: task.cfg_scale,
        flow_shift: task.flow_shift,
        ..Asked::default()
    };
    let fps = within("fps", task.fps.unwrap_or(USUAL_FPS), 1.0, MAX_FPS)?.round();
    let seconds = within("seconds", task.seconds, 0.0, f64::from(MAX_FRAMES))?;
    let frames = (seconds * fps).round().max(1.0);
    if frames > MAX_FRAMES as f32 {
        return Err(Failure::bad_input(format!(
            "{seconds} s at {fps} a second: at most {MAX_FRAMES} pictures"
        )));
    }
    let init = match task.init_image_url.as_deref() {
        Some(url) => Some(inputs::fit(&inputs::read(run.input(url)?, "start picture")?, width, height)),
        None => None,
    };
    Ok(Video {
        prompt: task.prompt.clone(),
        negative_prompt,
        width: width.cast_signed(),
        height: height.cast_signed(),
        sampling: asked.sampling(model)?,
        seed: engine_seed(seed),
        frames: frames as i32,
        fps: fps as i32,
        init,
        tiles: model.settings.tiles,
    })
}
