//! What a job asks for, checked before the library sees it: it aligns sizes and clamps numbers in silence, or aborts.

use std::hash::{BuildHasher, RandomState};

use engine_protocol::Failure;

use crate::engine::Model;
use crate::limits::{MAX_PROMPT_CHARS, MAX_SIDE, MAX_STEPS, MIN_SIDE};
use crate::names;
use crate::sd::Sampling;

/// What pictures and clips have in common.
#[derive(Debug, Default)]
pub(crate) struct Asked<'a> {
    pub(crate) sampler: Option<&'a str>,
    pub(crate) scheduler: Option<&'a str>,
    pub(crate) steps: u32,
    pub(crate) cfg_scale: Option<f64>,
    pub(crate) guidance: Option<f64>,
    pub(crate) eta: Option<f64>,
    pub(crate) flow_shift: Option<f64>,
}

impl Asked<'_> {
    /// With the model's defaults where nothing is asked.
    pub(crate) fn sampling(&self, model: &Model) -> Result<Sampling, Failure> {
        let settings = &model.settings;
        let sampler = self.sampler.map(names::sampler).transpose()?.or(settings.sampler);
        let sampler = sampler.unwrap_or_else(|| model.context.usual_sampler());
        let scheduler = self.scheduler.map(names::scheduler).transpose()?.or(settings.scheduler);
        let scheduler = scheduler.unwrap_or_else(|| model.context.usual_scheduler(sampler));
        let steps = self.steps;
        if !(1..=MAX_STEPS).contains(&steps) {
            return Err(Failure::bad_input(format!("{steps} steps: use 1 to {MAX_STEPS}")));
        }
        Ok(Sampling {
            sampler,
            scheduler,
            steps: steps.cast_signed(),
            cfg_scale: within("cfgScale", self.cfg_scale.unwrap_or(settings.cfg_scale), 0.0, 100.0)?,
            guidance: optional("guidance", self.guidance, 0.0, 100.0)?,
            eta: optional("eta", self.eta, 0.0, 10.0)?,
            flow_shift: optional("flowShift", self.flow_shift.or(settings.flow_shift), 0.01, 100.0)?,
        })
    }
}

fn optional(name: &str, number: Option<f64>, least: f64, most: f64) -> Result<Option<f32>, Failure> {
    number.map(|number| within(name, number, least, most)).transpose()
}

/// A number that must lie in a range.
pub(crate) fn within(name: &str, number: f64, least: f64, most: f64) -> Result<f32, Failure> {
    if (least..=most).contains(&number) {
        Ok(number as f32)
    } else {
        Err(Failure::bad_input(format!("{name} is {number}: use {least} to {most}")))
    }
}

/// Refuses a prompt that no model reads.
pub(crate) fn check_prompt(name: &str, prompt: &str) -> Result<(), Failure> {
    let chars = prompt.chars().count();
    if chars > MAX_PROMPT_CHARS {
        return Err(Failure::bad_input(format!(
            "the {name} has {chars} characters, at most {MAX_PROMPT_CHARS}"
        )));
    }
    if prompt.contains('\0') {
        return Err(Failure::bad_input(format!("the {name} has a zero character in it")));
    }
    Ok(())
}

/// Refuses a size that the model cannot do, and names the nearest that it can.
pub(crate) fn check_size(version: &str, width: u32, height: u32) -> Result<(), Failure> {
    let multiple = multiple_of(version);
    for (name, side) in [("width", width), ("height", height)] {
        if !(MIN_SIDE..=MAX_SIDE).contains(&side) {
            return Err(Failure::bad_input(format!("{name} {side}: use {MIN_SIDE} to {MAX_SIDE}")));
        }
    }
    if !width.is_multiple_of(multiple) || !height.is_multiple_of(multiple) {
        let nearest = |side: u32| {
            let rounded = (side + multiple / 2) / multiple * multiple;
            rounded.clamp(MIN_SIDE.next_multiple_of(multiple), MAX_SIDE)
        };
        return Err(Failure::bad_input(format!(
            "{width}x{height}: width and height must be multiples of {multiple} for {}, as {}x{}",
            if version.is_empty() { "this model" } else { version },
            nearest(width),
            nearest(height)
        )));
    }
    Ok(())
}

/// Pixels that one token, or the coarsest level of a U-Net, stands for.
fn multiple_of(version: &str) -> u32 {
    let is_unet = ["SD 1", "SD 2", "SDXS", "SDXL", "SVD"].iter().any(|name| version.starts_with(name));
    match version {
        _ if is_unet => 64,
        "Wan 2.2 TI2V" | "LTXAV" => 32,
        _ => 16,
    }
}

/// The seed of a job, or one that is short enough to be typed again.
pub(crate) fn seed_of(seed: Option<u64>) -> u64 {
    seed.unwrap_or_else(|| RandomState::new().hash_one("seed") >> 32)
}

/// For the library, which takes negative seeds for a wish for a random one and counts on from there for each picture.
///
/// The two highest bits do not count; its generators use 32 bits (`cpu`) or all (`cuda`) of what is left.
pub(crate) fn engine_seed(seed: u64) -> i64 {
    (seed & (u64::MAX >> 2)).cast_signed()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_that_a_model_cannot_do_are_refused_with_the_nearest() {
        let problem = |version, width, height| check_size(version, width, height).err().map(|e| e.message);
        assert_eq!(problem("Z-Image", 512, 768), None);
        assert!(problem("Z-Image", 500, 512).unwrap().contains("multiples of 16 for Z-Image, as 496x512"));
        assert!(problem("SDXL", 1000, 1024).unwrap().contains("as 1024x1024"));
        assert!(problem("Wan 2.2 TI2V", 720, 480).unwrap().contains("as 736x480"));
        assert!(problem("", 65, 64).unwrap().contains("this model"));
        assert!(problem("Z-Image", 8, 64).unwrap().contains("width 8"));
        assert!(problem("Z-Image", 64, 1_000_000).unwrap().contains("height 1000000"));
    }

    #[test]
    fn every_seed_is_one_that_the_library_takes() {
        for seed in [0, 42, u64::from(u32::MAX), i64::MAX as u64, u64::MAX] {
            let taken = engine_seed(seed);
            assert!(taken >= 0 && taken.checked_add(1_000_000).is_some());
            assert_eq!(taken as u32, seed as u32);
        }
        assert_eq!(seed_of(Some(u64::MAX)), u64::MAX);
        assert!(u32::try_from(seed_of(None)).is_ok());
        assert_ne!((seed_of(None), seed_of(None)), (seed_of(None), seed_of(None)));
    }

    #[test]
    fn numbers_out_of_range_are_named() {
        assert!(within("denoise", 1.5, 0.0, 1.0).unwrap_err().message.contains("denoise is 1.5"));
        assert!(check_prompt("prompt", &"x".repeat(MAX_PROMPT_CHARS + 1)).is_err());
        assert!(check_prompt("prompt", "a\0b").is_err());
    }
}
