//! Image jobs: from text, from a picture, from a part of one, from references.

use std::fs;

use engine_protocol::harness::{Output, Work};
use engine_protocol::{Failure, Run};
use studio_protocol::ImageTask;

use crate::asked::{Asked, check_prompt, check_size, engine_seed, seed_of, within};
use crate::engine::{Model, signature};
use crate::inputs;
use crate::limits::{MAX_BATCH, MAX_REFERENCES};
use crate::output::{self, Format};
use crate::parameters::{LoraWeight, Parameters, embed_parameters};
use crate::sd::Images;
use crate::watch::JobWatch;

/// How much of a start picture changes where nothing is asked: the library's own choice.
const USUAL_STRENGTH: f64 = 0.75;

/// Makes the picture, or the grid of pictures, of a job.
pub(crate) fn make(
    task: &ImageTask,
    run: &Run,
    model: &mut Model,
    work: &Work<'_>,
) -> Result<Output, Failure> {
    let format = Format::of(&task.ext)?;
    if model.context.makes_clips() {
        return Err(Failure::bad_input(format!("model `{}` makes clips: ask for a video", run.model)));
    }
    let count = pictures(task, format)?;
    let seed = seed_of(task.seed);
    let images = images(task, run, model, count, seed)?;
    work.check()?;
    let watch = JobWatch::new(work, run.preview, count);
    let made = model.context.images(&images, &watch).map_err(|bad| Failure::bad_input(bad.0))?;
    work.check()?;
    let mut made = made.ok_or_else(|| watch.failure())?;
    if task.seed.is_none() {
        eprintln!("picked the seed {seed}");
    }
    for picture in &mut made {
        if (picture.width, picture.height) != (task.width, task.height) {
            let size = format!("{}x{}", picture.width, picture.height);
            return Err(Failure::bad_input(format!(
                "the model makes {size} of {}x{}",
                task.width, task.height
            )));
        }
        if let (Some(init), Some(mask)) = (&images.init, &images.mask) {
            inputs::blend(picture, init, mask);
        }
    }
    let picture = output::grid(made).ok_or_else(|| Failure::internal("no picture was made"))?;
    let parameters = parameters(task, model, &images, seed, &run.model);
    let file = embed_parameters(output::encode(&picture, format)?, &parameters)
        .map_err(|problem| Failure::internal(format!("parameters could not be embedded: {problem}")))?;
    fs::write(work.out_path(&task.ext)?, file)
        .map_err(|problem| Failure::internal(format!("the picture could not be written: {problem}")))?;
    Ok(Output::File { ext: task.ext.clone() })
}

/// How many, when their grid fits the format.
fn pictures(task: &ImageTask, format: Format) -> Result<u32, Failure> {
    let count = task.batch_count.unwrap_or(1);
    if !(1..=MAX_BATCH).contains(&count) {
        return Err(Failure::bad_input(format!("batchCount {count}: use 1 to {MAX_BATCH}")));
    }
    let (columns, rows) = output::grid_of(count);
    let sides = (task.width.saturating_mul(columns), task.height.saturating_mul(rows));
    if sides.0.max(sides.1) > format.max_side() {
        return Err(Failure::bad_input(format!(
            "a grid of {}x{} pixels is more than {} can hold ({} a side): use png, or fewer pictures",
            sides.0,
            sides.1,
            task.ext,
            format.max_side()
        )));
    }
    Ok(count)
}

fn images(task: &ImageTask, run: &Run, model: &Model, count: u32, seed: u64) -> Result<Images, Failure> {
    let (width, height) = (task.width, task.height);
    check_prompt("prompt", &task.prompt)?;
    let negative_prompt = task.negative_prompt.clone().unwrap_or_default();
    check_prompt("negativePrompt", &negative_prompt)?;
    check_size(&model.version, width, height)?;
    let asked = Asked {
        sampler: task.sampling_method.as_deref(),
        scheduler: task.scheduler.as_deref(),
        steps: task.steps,
        cfg_scale: task.cfg_scale,
        guidance: task.guidance,
        eta: task.eta,
        flow_shift: task.flow_shift,
    };
    let sampling = asked.sampling(model)?;
    let loras = task
        .loras
        .iter()
        .map(|lora| {
            let weight = within("a LoRA's weight", lora.weight, -10.0, 10.0)?;
            Ok((model.files.lora(&lora.name)?.path.clone(), weight))
        })
        .collect::<Result<_, Failure>>()?;
    let clip_skip = task.clip_skip.or(model.settings.clip_skip);
    let clip_skip = clip_skip.map(|layers| within("clipSkip", f64::from(layers), 0.0, 12.0)).transpose()?;
    let strength = within("denoise", task.denoise.unwrap_or(USUAL_STRENGTH), 0.0, 1.0)?;
    if task.mask_url.is_some() && task.init_image_url.is_none() {
        return Err(Failure::bad_input("maskUrl without initImageUrl: there is no picture to repaint"));
    }
    let read = |url: &str, what: &str| inputs::read(run.input(url)?, what);
    let init = task.init_image_url.as_deref().map(|url| read(url, "start picture")).transpose()?;
    let mask = task.mask_url.as_deref().map(|url| read(url, "mask")).transpose()?;
    let references: Vec<&String> = task.ref_image_url.iter().chain(&task.ref_image_urls).collect();
    check_references(&model.version, references.len())?;
    let references = references
        .into_iter()
        .map(|url| Ok(inputs::whole(&read(url, "reference picture")?)))
        .collect::<Result<_, Failure>>()?;
    Ok(Images {
        prompt: task.prompt.clone(),
        negative_prompt,
        clip_skip: clip_skip.map(|layers| layers as i32),
        width: width.cast_signed(),
        height: height.cast_signed(),
        sampling,
        seed: engine_seed(seed),
        count: count.cast_signed(),
        init: init.map(|picture| inputs::fit(&picture, width, height)),
        mask: mask.map(|picture| inputs::fit_mask(&picture, width, height)),
        references,
        strength,
        loras,
        tiles: task.vae_tiling.unwrap_or(model.settings.tiles),
    })
}

/// Families of models that take reference pictures, as the library names them.
///
/// Not Z-Image: the library means to, and reads beyond a list's end when it does.
const TAKES_REFERENCES: [&str; 8] = [
    "Flux",
    "Flux.2",
    "Flux.2 klein",
    "Qwen Image",
    "Longcat-Image",
    "HiDream O1",
    "Instruct-Pix2Pix",
    "SDXL Instruct-Pix2Pix",
];

/// Refuses references that the model would leave out in silence, or that end the process.
fn check_references(version: &str, count: usize) -> Result<(), Failure> {
    if count > MAX_REFERENCES {
        return Err(Failure::bad_input(format!("{count} reference pictures, at most {MAX_REFERENCES}")));
    }
    if count > 0 && !TAKES_REFERENCES.contains(&version) {
        return Err(Failure::bad_input(format!("{version} models take no reference pictures")));
    }
    Ok(())
}

fn parameters(task: &ImageTask, model: &Model, images: &Images, seed: u64, name: &str) -> Parameters {
    let sampling = &images.sampling;
    let stem = |name: &str| model.files.lora(name).map_or_else(|_| name.to_owned(), |lora| lora.name.clone());
    let loras = task.loras.iter().map(|lora| LoraWeight { name: stem(&lora.name), weight: lora.weight });
    Parameters {
        prompt: task.prompt.clone(),
        negative_prompt: task.negative_prompt.clone(),
        seed,
        steps: task.steps,
        sampler: sampling.sampler.name(),
        scheduler: sampling.scheduler.name(),
        cfg_scale: task.cfg_scale.unwrap_or(model.settings.cfg_scale),
        guidance: task.guidance,
        flow_shift: task.flow_shift.or(model.settings.flow_shift),
        eta: task.eta,
        clip_skip: task.clip_skip.or(model.settings.clip_skip),
        denoise: images.init.as_ref().map(|_| task.denoise.unwrap_or(USUAL_STRENGTH)),
        loras: loras.collect(),
        batch_count: task.batch_count.filter(|count| *count > 1),
        width: task.width,
        height: task.height,
        model: name.to_owned(),
        model_hash: model.files.hash.clone(),
        engine: signature(),
    }
}
