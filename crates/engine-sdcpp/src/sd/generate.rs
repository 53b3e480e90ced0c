//! Pictures and clips from a loaded model.

use std::ffi::{CString, c_int};
use std::path::PathBuf;
use std::ptr;

use diffusion_rs_sys as sys;

use super::callbacks::{Listener, copied, listening};
use super::{BadText, Context, Picture, Sampler, Scheduler, c_path, c_text};

/// How noise becomes a picture; what is absent is the model's own.
#[derive(Debug, Clone)]
pub(crate) struct Sampling {
    pub(crate) sampler: Sampler,
    pub(crate) scheduler: Scheduler,
    pub(crate) steps: i32,
    pub(crate) cfg_scale: f32,
    pub(crate) guidance: Option<f32>,
    pub(crate) eta: Option<f32>,
    pub(crate) flow_shift: Option<f32>,
}

/// Pictures to make.
#[derive(Debug, Clone)]
pub(crate) struct Images {
    pub(crate) prompt: String,
    pub(crate) negative_prompt: String,
    pub(crate) clip_skip: Option<i32>,
    pub(crate) width: i32,
    pub(crate) height: i32,
    pub(crate) sampling: Sampling,
    /// Of the first; the others follow.
    pub(crate) seed: i64,
    pub(crate) count: i32,
    /// Of the wanted size, as all but references.
    pub(crate) init: Option<Picture>,
    pub(crate) mask: Option<Picture>,
    pub(crate) references: Vec<Picture>,
    pub(crate) strength: f32,
    pub(crate) loras: Vec<(PathBuf, f32)>,
    pub(crate) tiles: bool,
}

/// A clip to make.
#[derive(Debug, Clone)]
pub(crate) struct Video {
    pub(crate) prompt: String,
    pub(crate) negative_prompt: String,
    pub(crate) width: i32,
    pub(crate) height: i32,
    pub(crate) sampling: Sampling,
    pub(crate) seed: i64,
    pub(crate) frames: i32,
    pub(crate) fps: i32,
    pub(crate) init: Option<Picture>,
    pub(crate) tiles: bool,
}

impl Context {
    /// Makes pictures; `None` when the library fails, for reasons that the listener heard.
    pub(crate) fn images(
        &mut self,
        wanted: &Images,
        listener: &dyn Listener,
    ) -> Result<Option<Vec<Picture>>, BadText> {
        // SAFETY: numbers and null pointers only; the call below sets what zero is not right for.
        let mut params: sys::sd_img_gen_params_t = unsafe { std::mem::zeroed() };
        // SAFETY: it is ours.
        unsafe { sys::sd_img_gen_params_init(&raw mut params) };
        let (prompt, negative) = (c_text(&wanted.prompt)?, c_text(&wanted.negative_prompt)?);
        (params.prompt, params.negative_prompt) = (prompt.as_ptr(), negative.as_ptr());
        (params.width, params.height) = (wanted.width, wanted.height);
        (params.seed, params.batch_count) = (wanted.seed, wanted.count);
        params.clip_skip = wanted.clip_skip.unwrap_or(params.clip_skip);
        params.strength = wanted.strength;
        params.vae_tiling_params.enabled = wanted.tiles;
        set_sampling(&mut params.sample_params, &wanted.sampling);
        if let Some(init) = &wanted.init {
            params.init_image = borrowed(init);
        }
        if let Some(mask) = &wanted.mask {
            params.mask_image = borrowed(mask);
        }
        let mut references: Vec<sys::sd_image_t> = wanted.references.iter().map(borrowed).collect();
        params.ref_images = if references.is_empty() { ptr::null_mut() } else { references.as_mut_ptr() };
        params.ref_images_count = c_int::try_from(references.len()).unwrap_or(c_int::MAX);
        params.auto_resize_ref_image = true;
        let paths = wanted.loras.iter().map(|(path, _)| c_path(path)).collect::<Result<Vec<CString>, _>>()?;
        let loras: Vec<sys::sd_lora_t> = paths
            .iter()
            .zip(&wanted.loras)
            .map(|(path, (_, weight))| sys::sd_lora_t {
                is_high_noise: false,
                multiplier: *weight,
                path: path.as_ptr(),
            })
            .collect();
        (params.loras, params.lora_count) = (loras.as_ptr(), loras.len() as u32);
        let context = self.raw();
        let made = listening(listener, || {
            // SAFETY: the context is alive, and every pointer of the parameters is null or borrowed from what lives
            // until after the call; the library only reads through them.
            unsafe { sys::generate_image(context, &raw const params) }
        });
        // SAFETY: the library returns null or as many pictures as it was asked for.
        Ok(unsafe { taken(made, wanted.count) })
    }

    /// Makes the pictures of a clip; `None` when the library fails, for reasons that the listener heard.
    pub(crate) fn video(
        &mut self,
        wanted: &Video,
        listener: &dyn Listener,
    ) -> Result<Option<Vec<Picture>>, BadText> {
        // SAFETY: numbers and null pointers only; the call below sets what zero is not right for.
        let mut params: sys::sd_vid_gen_params_t = unsafe { std::mem::zeroed() };
        // SAFETY: it is ours.
        unsafe { sys::sd_vid_gen_params_init(&raw mut params) };
        let (prompt, negative) = (c_text(&wanted.prompt)?, c_text(&wanted.negative_prompt)?);
        (params.prompt, params.negative_prompt) = (prompt.as_ptr(), negative.as_ptr());
        (params.width, params.height) = (wanted.width, wanted.height);
        (params.video_frames, params.fps) = (wanted.frames, wanted.fps);
        params.seed = wanted.seed;
        params.vae_tiling_params.enabled = wanted.tiles;
        set_sampling(&mut params.sample_params, &wanted.sampling);
        let high_noise_steps = params.high_noise_sample_params.sample_steps;
        set_sampling(&mut params.high_noise_sample_params, &wanted.sampling);
        // The library shares the steps between the two models of Wan 2.2.
        params.high_noise_sample_params.sample_steps = high_noise_steps;
        if let Some(init) = &wanted.init {
            params.init_image = borrowed(init);
        }
        let context = self.raw();
        let (mut frames, mut count) = (ptr::null_mut(), 0);
        let is_made = listening(listener, || {
            // SAFETY: as for pictures; the two results are ours, and null says that sound is not wanted.
            unsafe {
                sys::generate_video(
                    context,
                    &raw const params,
                    &raw mut frames,
                    &raw mut count,
                    ptr::null_mut(),
                )
            }
        });
        // SAFETY: the library sets a list of pictures and their number, or leaves null.
        let frames = unsafe { taken(frames, count) };
        Ok(frames.filter(|_| is_made))
    }
}

fn set_sampling(params: &mut sys::sd_sample_params_t, wanted: &Sampling) {
    params.sample_method = wanted.sampler.0;
    params.scheduler = wanted.scheduler.0;
    params.sample_steps = wanted.steps;
    params.guidance.txt_cfg = wanted.cfg_scale;
    if let Some(guidance) = wanted.guidance {
        params.guidance.distilled_guidance = guidance;
    }
    if let Some(eta) = wanted.eta {
        params.eta = eta;
    }
    if let Some(shift) = wanted.flow_shift {
        params.flow_shift = shift;
    }
}

/// A view for the library, which only reads it.
fn borrowed(picture: &Picture) -> sys::sd_image_t {
    sys::sd_image_t {
        width: picture.width,
        height: picture.height,
        channel: picture.channels,
        data: picture.bytes.as_ptr().cast_mut(),
    }
}

/// Copies the library's pictures and frees them; `None` when one of them is missing.
///
/// # Safety
///
/// `pictures` must be null or a list of `count` pictures that the library gave away.
unsafe fn taken(pictures: *mut sys::sd_image_t, count: c_int) -> Option<Vec<Picture>> {
    let length = usize::try_from(count).ok()?;
    if pictures.is_null() {
        return None;
    }
    // SAFETY: as the caller promises.
    let copies = unsafe { std::slice::from_raw_parts(pictures, length).iter().map(|p| copied(p)).collect() };
    // SAFETY: they were given away, and are not used after this.
    unsafe { sys::free_sd_images(pictures, count) };
    copies
}
