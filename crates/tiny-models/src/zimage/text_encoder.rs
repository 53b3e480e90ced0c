//! A Qwen3 with random words and two random layers; the others hand on what they get.

use super::tensors::Tensors;

/// Numbers that stand for a token.
pub(super) const HIDDEN: usize = 32;
/// Of Qwen2's tokenizer, which stable-diffusion.cpp brings along.
const VOCABULARY: usize = 151_936;
const LAYERS: usize = 36;
const RANDOM_LAYERS: usize = 2;
const HEAD: usize = 128;
const QUERIES: usize = 32 * HEAD;
const KEYS: usize = 8 * HEAD;
const FEED_FORWARD: usize = 64;

pub(super) fn tensors() -> Tensors {
    let mut all = Tensors::default();
    all.normal("model.embed_tokens.weight", &[VOCABULARY, HIDDEN], 1.0);
    all.near_one("model.norm.weight", HIDDEN);
    for layer in 0..LAYERS {
        let name = |part: &str| format!("model.layers.{layer}.{part}.weight");
        for (matrix, shape) in [
            ("self_attn.q_proj", [QUERIES, HIDDEN]),
            ("self_attn.k_proj", [KEYS, HIDDEN]),
            ("self_attn.v_proj", [KEYS, HIDDEN]),
            ("self_attn.o_proj", [HIDDEN, QUERIES]),
            ("mlp.gate_proj", [FEED_FORWARD, HIDDEN]),
            ("mlp.up_proj", [FEED_FORWARD, HIDDEN]),
            ("mlp.down_proj", [HIDDEN, FEED_FORWARD]),
        ] {
            if layer < RANDOM_LAYERS {
                all.mixing(&name(matrix), &shape, 1.0);
            } else {
                all.zeros(&name(matrix), &shape);
            }
        }
        for (norm, count) in [
            ("self_attn.q_norm", HEAD),
            ("self_attn.k_norm", HEAD),
            ("input_layernorm", HIDDEN),
            ("post_attention_layernorm", HIDDEN),
        ] {
            all.near_one(&name(norm), count);
        }
    }
    all
}
