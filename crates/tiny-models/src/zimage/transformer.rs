//! The denoiser, all random, and a LoRA for it.

use super::tensors::Tensors;
use super::text_encoder::HIDDEN;

const DIM: usize = 384;
const FEED_FORWARD: usize = DIM / 3 * 8;
const HEAD: usize = 128;
/// 16 channels of 2x2 latent pixels.
const PATCH: usize = 64;
/// What the time embedding is handed on as.
const MODULATION: usize = 256;
const LORA_RANK: usize = 4;

pub(super) fn tensors() -> Tensors {
    let mut all = Tensors::default();
    linear(&mut all, "x_embedder", DIM, PATCH);
    all.near_one("cap_embedder.0.weight", HIDDEN);
    linear(&mut all, "cap_embedder.1", DIM, HIDDEN);
    linear(&mut all, "t_embedder.mlp.0", DIM, MODULATION);
    linear(&mut all, "t_embedder.mlp.2", MODULATION, DIM);
    for pad in ["x_pad_token", "cap_pad_token"] {
        all.normal(pad, &[1, DIM], 0.5);
    }
    block(&mut all, "noise_refiner.0", true);
    block(&mut all, "context_refiner.0", false);
    block(&mut all, "layers.0", true);
    linear(&mut all, "final_layer.adaLN_modulation.1", DIM, MODULATION);
    linear(&mut all, "final_layer.linear", PATCH, DIM);
    all
}

/// Changes what the one main layer adds.
pub(super) fn lora() -> Tensors {
    let mut all = Tensors::default();
    let target = "diffusion_model.layers.0.feed_forward.w2";
    all.mixing(&format!("{target}.lora_A.weight"), &[LORA_RANK, FEED_FORWARD], 1.0);
    all.mixing(&format!("{target}.lora_B.weight"), &[DIM, LORA_RANK], 4.0);
    all
}

fn block(all: &mut Tensors, name: &str, is_modulated: bool) {
    all.mixing(&format!("{name}.attention.qkv.weight"), &[3 * DIM, DIM], 1.0);
    all.mixing(&format!("{name}.attention.out.weight"), &[DIM, DIM], 1.0);
    for norm in ["q_norm", "k_norm"] {
        all.near_one(&format!("{name}.attention.{norm}.weight"), HEAD);
    }
    for (matrix, shape) in
        [("w1", [FEED_FORWARD, DIM]), ("w2", [DIM, FEED_FORWARD]), ("w3", [FEED_FORWARD, DIM])]
    {
        all.mixing(&format!("{name}.feed_forward.{matrix}.weight"), &shape, 1.0);
    }
    for norm in ["attention_norm1", "attention_norm2", "ffn_norm1", "ffn_norm2"] {
        all.near_one(&format!("{name}.{norm}.weight"), DIM);
    }
    if is_modulated {
        linear(all, &format!("{name}.adaLN_modulation.0"), 4 * DIM, MODULATION);
    }
}

fn linear(all: &mut Tensors, name: &str, to: usize, from: usize) {
    all.mixing(&format!("{name}.weight"), &[to, from], 1.0);
    all.bias(&format!("{name}.bias"), to);
}
