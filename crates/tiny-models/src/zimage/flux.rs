//! The denoiser of a Flux, all random: it takes reference pictures and distilled guidance, which Z-Image does not.
//!
//! It goes with the same VAE. Its one text encoder is a CLIP that says nothing, because CLIP's size is fixed: prompts do
//! not count.

use super::tensors::Tensors;

const DIM: usize = 128;
/// 16 channels of 2x2 latent pixels.
const PATCH: usize = 64;
const TIME: usize = 256;
/// What T5 and CLIP would tell.
const TEXT: usize = 4096;
const POOLED_TEXT: usize = 768;

pub(super) fn tensors() -> Tensors {
    let mut all = Tensors::default();
    linear(&mut all, "img_in", DIM, PATCH);
    linear(&mut all, "txt_in", DIM, TEXT);
    for (name, from) in [("time_in", TIME), ("guidance_in", TIME), ("vector_in", POOLED_TEXT)] {
        linear(&mut all, &format!("{name}.in_layer"), DIM, from);
        linear(&mut all, &format!("{name}.out_layer"), DIM, DIM);
    }
    for part in ["img", "txt"] {
        let name = |layer: &str| format!("double_blocks.0.{part}_{layer}");
        linear(&mut all, &name("mod.lin"), 6 * DIM, DIM);
        linear(&mut all, &name("attn.qkv"), 3 * DIM, DIM);
        linear(&mut all, &name("attn.proj"), DIM, DIM);
        linear(&mut all, &name("mlp.0"), 4 * DIM, DIM);
        linear(&mut all, &name("mlp.2"), DIM, 4 * DIM);
        norms(&mut all, &name("attn"));
    }
    linear(&mut all, "single_blocks.0.modulation.lin", 3 * DIM, DIM);
    linear(&mut all, "single_blocks.0.linear1", 7 * DIM, DIM);
    linear(&mut all, "single_blocks.0.linear2", DIM, 5 * DIM);
    norms(&mut all, "single_blocks.0");
    linear(&mut all, "final_layer.adaLN_modulation.1", 2 * DIM, DIM);
    linear(&mut all, "final_layer.linear", PATCH, DIM);
    all
}

/// A CLIP of zeros.
pub(super) fn clip() -> Tensors {
    const LAYERS: usize = 12;
    const TOKENS: usize = 49_408;
    const PLACES: usize = 77;
    let mut all = Tensors::default();
    let width = POOLED_TEXT;
    all.zeros("text_model.embeddings.token_embedding.weight", &[TOKENS, width]);
    all.zeros("text_model.embeddings.position_embedding.weight", &[PLACES, width]);
    for layer in 0..LAYERS {
        let name = |part: &str| format!("text_model.encoder.layers.{layer}.{part}");
        let attention = ["q_proj", "k_proj", "v_proj", "out_proj"].map(|part| format!("self_attn.{part}"));
        let attention = attention.iter().map(|part| (part.as_str(), width, width));
        for (part, to, from) in
            attention.chain([("mlp.fc1", 4 * width, width), ("mlp.fc2", width, 4 * width)])
        {
            all.zeros(&name(&format!("{part}.weight")), &[to, from]);
            all.constant(&name(&format!("{part}.bias")), to, 0.0);
        }
        for part in ["layer_norm1", "layer_norm2"] {
            all.constant(&name(&format!("{part}.weight")), width, 1.0);
            all.constant(&name(&format!("{part}.bias")), width, 0.0);
        }
    }
    all.constant("text_model.final_layer_norm.weight", width, 1.0);
    all.constant("text_model.final_layer_norm.bias", width, 0.0);
    all
}

fn norms(all: &mut Tensors, name: &str) {
    for norm in ["query_norm", "key_norm"] {
        all.near_one(&format!("{name}.norm.{norm}.scale"), DIM);
    }
}

fn linear(all: &mut Tensors, name: &str, to: usize, from: usize) {
    all.mixing(&format!("{name}.weight"), &[to, from], 1.0);
    all.bias(&format!("{name}.bias"), to);
}
