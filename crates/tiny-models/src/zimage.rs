//! A tiny Z-Image: the transformer, text encoder and VAE that stable-diffusion.cpp loads, and a LoRA for it; beside it
//! the transformer of a tiny Flux.
//!
//! Sizes are the least that stable-diffusion.cpp's fixed ones allow: heads of 128, a feed-forward width that is a
//! multiple of 256, Qwen3's 36 layers, 32 and 8 heads and 151,936 tokens, and a VAE encoder of 128 to 512 channels.
//! What they make much larger than random weights need be is zeros: layers that hand their input on.
//! `tools/reference/zimage.py` builds the same model for diffusers.

mod flux;
mod tensors;
mod text_encoder;
mod transformer;
mod vae;

use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::{fs, io};

/// File of the role `diffusion-model`.
pub const TRANSFORMER: &str = "transformer.safetensors";
/// File of the role `text-encoder`.
pub const TEXT_ENCODER: &str = "text_encoder.safetensors";
/// File of the role `vae`.
pub const VAE: &str = "vae.safetensors";
/// File of the role `lora`.
pub const LORA: &str = "tiny_style.safetensors";
/// File of the role `diffusion-model` of a Flux, which goes with the same VAE.
pub const FLUX: &str = "flux.safetensors";
/// File of the role `clip-l` of that Flux.
pub const CLIP: &str = "clip_l.safetensors";

/// Draws every tensor.
const SEED: u64 = 20_260_101;

/// Writes the six files into `dir`.
pub fn write(dir: &Path) -> io::Result<()> {
    fs::create_dir_all(dir)?;
    transformer::tensors().write(&dir.join(TRANSFORMER))?;
    text_encoder::tensors().write(&dir.join(TEXT_ENCODER))?;
    vae::tensors().write(&dir.join(VAE))?;
    transformer::lora().write(&dir.join(LORA))?;
    flux::tensors().write(&dir.join(FLUX))?;
    flux::clip().write(&dir.join(CLIP))
}

/// The folder of the six files below `root`, written if it is not there yet.
///
/// Safe to call from several threads and processes at once; a change of the code that makes them gives them a new folder.
pub fn cached(root: &Path) -> io::Result<PathBuf> {
    static WRITING: Mutex<()> = Mutex::new(());
    let _writing = WRITING.lock().unwrap_or_else(PoisonError::into_inner);
    let dir = root.join(format!("tiny-zimage-{:016x}", version()));
    if dir.is_dir() {
        return Ok(dir);
    }
    let fresh = root.join(format!("tiny-zimage-{}.part", std::process::id()));
    write(&fresh)?;
    match fs::rename(&fresh, &dir) {
        // Another process was faster, and wrote the same.
        Err(_) if dir.is_dir() => fs::remove_dir_all(&fresh)?,
        renamed => renamed?,
    }
    Ok(dir)
}

/// Changes with the code of this module.
fn version() -> u64 {
    let code = concat!(
        include_str!("zimage.rs"),
        include_str!("zimage/flux.rs"),
        include_str!("zimage/tensors.rs"),
        include_str!("zimage/text_encoder.rs"),
        include_str!("zimage/transformer.rs"),
        include_str!("zimage/vae.rs"),
        include_str!("weights.rs"),
    );
    crate::Weights::for_tensor(SEED, code).next_u64()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_files_can_be_read_back() {
        let root = std::env::temp_dir().join(format!("tiny-zimage-test-{}", std::process::id()));
        let dir = cached(&root).unwrap();
        assert_eq!(cached(&root).unwrap(), dir);
        for (file, tensor, shape) in [
            (TRANSFORMER, "layers.0.attention.qkv.weight", vec![1152, 384]),
            (TEXT_ENCODER, "model.layers.35.self_attn.q_proj.weight", vec![4096, 32]),
            (VAE, "encoder.conv_out.weight", vec![32, 512, 3, 3]),
            (FLUX, "txt_in.weight", vec![128, 4096]),
            (LORA, "diffusion_model.layers.0.feed_forward.w2.lora_A.weight", vec![4, 1024]),
        ] {
            let bytes = fs::read(dir.join(file)).unwrap();
            let tensors = safetensors::SafeTensors::deserialize(&bytes).unwrap();
            assert_eq!(tensors.tensor(tensor).unwrap().shape(), shape, "{file} {tensor}");
        }
        fs::remove_dir_all(&root).unwrap();
    }
}
