//! A loaded model.

use std::ffi::CString;
use std::path::PathBuf;
use std::ptr::{self, NonNull};

use diffusion_rs_sys as sys;

use super::callbacks::{Listener, listening};
use super::{BadText, Rng, Sampler, Scheduler, WeightType, c_path};

/// What a file is to the library.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum FileKind {
    Model,
    DiffusionModel,
    HighNoiseDiffusionModel,
    ClipL,
    ClipG,
    ClipVision,
    T5xxl,
    Llm,
    LlmVision,
    Vae,
    Taesd,
}

/// What to load, and how.
#[derive(Debug, Clone)]
pub(crate) struct ContextSettings {
    pub(crate) files: Vec<(FileKind, PathBuf)>,
    pub(crate) threads: i32,
    /// As the files have them, when absent.
    pub(crate) weight_type: Option<WeightType>,
    pub(crate) rng: Rng,
    pub(crate) maps_files: bool,
    pub(crate) flash_attention: bool,
    pub(crate) zero_cond_t: bool,
    /// Weights stay in the memory of the host, and go to the device when they are needed.
    pub(crate) offloads: bool,
}

/// A model in memory, freed when dropped.
#[derive(Debug)]
pub(crate) struct Context(NonNull<sys::sd_ctx_t>);

// SAFETY: the library keeps nothing that belongs to a thread, and every call holds `&mut self`.
unsafe impl Send for Context {}

impl Context {
    /// Loads a model; `None` when the library refuses, for reasons that the listener heard.
    pub(crate) fn new(settings: &ContextSettings, listener: &dyn Listener) -> Result<Option<Self>, BadText> {
        // SAFETY: numbers and null pointers only; the call below sets what zero is not right for.
        let mut params: sys::sd_ctx_params_t = unsafe { std::mem::zeroed() };
        // SAFETY: it is ours.
        unsafe { sys::sd_ctx_params_init(&raw mut params) };
        let mut paths: Vec<CString> = Vec::new();
        for (kind, path) in &settings.files {
            // The text does not move when the list grows.
            let path = c_path(path)?;
            *place(&mut params, *kind) = path.as_ptr();
            paths.push(path);
        }
        params.n_threads = settings.threads;
        if let Some(WeightType(weight_type)) = settings.weight_type {
            params.wtype = weight_type;
        }
        (params.rng_type, params.sampler_rng_type) = (settings.rng.0, settings.rng.0);
        // The other way, adding LoRAs to the weights, spoils the weights when the LoRAs change: pictures turn white, and
        // the process dies when there are none again.
        params.lora_apply_mode = sys::lora_apply_mode_t::LORA_APPLY_AT_RUNTIME;
        params.enable_mmap = settings.maps_files;
        params.flash_attn = settings.flash_attention;
        params.diffusion_flash_attn = settings.flash_attention;
        params.qwen_image_zero_cond_t = settings.zero_cond_t;
        params.params_backend = if settings.offloads { c"cpu".as_ptr() } else { ptr::null() };
        // SAFETY: every pointer of the parameters is null or a text that lives until after the call.
        let context = listening(listener, || unsafe { sys::new_sd_ctx(&raw const params) });
        drop(paths);
        Ok(NonNull::new(context).map(Self))
    }

    pub(super) fn raw(&mut self) -> *mut sys::sd_ctx_t {
        self.0.as_ptr()
    }

    /// Whether the model makes clips; otherwise it makes pictures.
    pub(crate) fn makes_clips(&self) -> bool {
        // SAFETY: the context is alive.
        unsafe { sys::sd_ctx_supports_video_generation(self.0.as_ptr()) }
    }

    /// The sampler that suits the model.
    pub(crate) fn usual_sampler(&self) -> Sampler {
        // SAFETY: the context is alive.
        Sampler(unsafe { sys::sd_get_default_sample_method(self.0.as_ptr()) })
    }

    /// The schedule that suits the model and a sampler.
    pub(crate) fn usual_scheduler(&self, sampler: Sampler) -> Scheduler {
        // SAFETY: the context is alive.
        Scheduler(unsafe { sys::sd_get_default_scheduler(self.0.as_ptr(), sampler.0) })
    }
}

impl Drop for Context {
    fn drop(&mut self) {
        // SAFETY: it came from `new_sd_ctx`, and nobody has it any more.
        unsafe { sys::free_sd_ctx(self.0.as_ptr()) };
    }
}

fn place(params: &mut sys::sd_ctx_params_t, kind: FileKind) -> &mut *const std::ffi::c_char {
    match kind {
        FileKind::Model => &mut params.model_path,
        FileKind::DiffusionModel => &mut params.diffusion_model_path,
        FileKind::HighNoiseDiffusionModel => &mut params.high_noise_diffusion_model_path,
        FileKind::ClipL => &mut params.clip_l_path,
        FileKind::ClipG => &mut params.clip_g_path,
        FileKind::ClipVision => &mut params.clip_vision_path,
        FileKind::T5xxl => &mut params.t5xxl_path,
        FileKind::Llm => &mut params.llm_path,
        FileKind::LlmVision => &mut params.llm_vision_path,
        FileKind::Vae => &mut params.vae_path,
        FileKind::Taesd => &mut params.taesd_path,
    }
}
