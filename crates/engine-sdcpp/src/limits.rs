//! Every bound of the engine, with its reason.

use std::time::Duration;

/// Pixels a side of a picture: what the largest models were trained for, doubled.
pub(crate) const MAX_SIDE: u32 = 4096;
/// Pixels a side: below it there is nothing to see, and attention has too few tokens.
pub(crate) const MIN_SIDE: u32 = 64;
/// Denoising steps: more add nothing with any sampler.
pub(crate) const MAX_STEPS: u32 = 200;
/// Pictures of one job: what a person looks at side by side.
pub(crate) const MAX_BATCH: u32 = 16;
/// Pictures of a clip: half a minute at 32 a second, more than any model of today keeps together.
pub(crate) const MAX_FRAMES: u32 = 1024;
/// Pictures a second of a clip.
pub(crate) const MAX_FPS: f64 = 60.0;
/// Of a clip that states none: what Wan was trained with.
pub(crate) const USUAL_FPS: f64 = 16.0;
/// Characters of a prompt: text encoders read some hundred tokens, and the rest only takes memory.
pub(crate) const MAX_PROMPT_CHARS: usize = 20_000;

/// Bytes of an input picture: what the daemon fetches at most.
pub(crate) const MAX_INPUT_BYTES: u64 = 25 * 1024 * 1024;
/// Pixels a side of an input picture.
pub(crate) const MAX_INPUT_SIDE: u32 = 8192;
/// Memory for decoding one: the largest allowed picture in 16 bits with alpha.
pub(crate) const MAX_DECODE_BYTES: u64 = 8192 * 8192 * 8;
/// Reference pictures: more than models take.
pub(crate) const MAX_REFERENCES: usize = 8;

/// Pixels a side that WebP can hold.
pub(crate) const MAX_WEBP_SIDE: u32 = 16_383;
/// Pixels a side that JPEG can hold.
pub(crate) const MAX_JPEG_SIDE: u32 = 65_535;

/// Between two previews: what the studio protocol allows.
pub(crate) const PREVIEW_INTERVAL: Duration = Duration::from_secs(1);
/// Between two events that only say that a load goes on.
pub(crate) const LOADING_INTERVAL: Duration = Duration::from_millis(250);
/// Lines of the library that explain a failure.
pub(crate) const KEPT_LINES: usize = 12;

/// Bytes of a safetensors header: the format's own limit.
pub(crate) const MAX_HEADER_BYTES: u64 = 100_000_000;
/// Dimensions of a tensor: what stable-diffusion.cpp has room for.
pub(crate) const MAX_DIMENSIONS: usize = 5;
/// Tensors or metadata entries of a GGUF: far above the largest model's.
pub(crate) const MAX_GGUF_ENTRIES: u64 = 1_000_000;
