//! A vision projector ("mmproj"): a SigLIP with random weights and Janus-Pro's projector, the smallest that mtmd takes.

use std::io;
use std::path::Path;

use super::writer::{GgufWriter, Meta};
use crate::Weights;

/// What to write; it fits a [`super::LanguageModel`] of the embedding length `projection`.
#[derive(Debug, Clone)]
pub struct VisionProjector {
    /// Of the weights.
    pub seed: u64,
    /// The embedding length of the language model.
    pub projection: usize,
}

/// Pictures are scaled to this square.
const IMAGE_SIDE: usize = 32;
/// Each patch becomes one token: four for a picture.
const PATCH_SIDE: usize = 16;
const EMBEDDING: usize = 32;
const FEED_FORWARD: usize = 64;
const HEADS: usize = 2;
const BLOCKS: usize = 1;
const COLOURS: usize = 3;
const EPSILON: f32 = 1e-6;

impl Default for VisionProjector {
    fn default() -> Self {
        Self { seed: 7, projection: super::Size::TINY.embedding }
    }
}

impl VisionProjector {
    /// Tokens that one picture takes.
    pub const TOKENS: usize = (IMAGE_SIDE / PATCH_SIDE) * (IMAGE_SIDE / PATCH_SIDE);

    /// The whole file.
    pub fn bytes(&self) -> Vec<u8> {
        let mut writer = GgufWriter::default();
        header(&mut writer, self.projection);
        self.tensors(&mut writer);
        writer.bytes()
    }

    /// Writes the file.
    pub fn write(&self, path: &Path) -> io::Result<()> {
        std::fs::write(path, self.bytes())
    }

    fn tensors(&self, writer: &mut GgufWriter) {
        let mut random = |name: String, shape: &[usize]| {
            let inputs = shape[..shape.len() - 1].iter().product::<usize>().max(1);
            let count = shape.iter().product();
            let data = Weights::for_tensor(self.seed, &name).tensor(count, 1.0 / (inputs as f32).sqrt());
            writer.tensor(name, shape, data);
        };
        random("v.patch_embd.weight".to_owned(), &[PATCH_SIDE, PATCH_SIDE, COLOURS, EMBEDDING]);
        random("v.patch_embd.bias".to_owned(), &[EMBEDDING]);
        random("v.position_embd.weight".to_owned(), &[EMBEDDING, Self::TOKENS]);
        let mut layer = |name: String, inputs: usize, outputs: usize| {
            random(format!("{name}.weight"), &[inputs, outputs]);
            random(format!("{name}.bias"), &[outputs]);
        };
        for block in 0..BLOCKS {
            for part in ["attn_q", "attn_k", "attn_v", "attn_out"] {
                layer(format!("v.blk.{block}.{part}"), EMBEDDING, EMBEDDING);
            }
            layer(format!("v.blk.{block}.ffn_up"), EMBEDDING, FEED_FORWARD);
            layer(format!("v.blk.{block}.ffn_down"), FEED_FORWARD, EMBEDDING);
        }
        layer("mm.0".to_owned(), EMBEDDING, self.projection);
        layer("mm.1".to_owned(), self.projection, self.projection);
        let mut norm = |name: String| {
            writer.tensor(format!("{name}.weight"), &[EMBEDDING], vec![1.0; EMBEDDING]);
            writer.tensor(format!("{name}.bias"), &[EMBEDDING], vec![0.0; EMBEDDING]);
        };
        for block in 0..BLOCKS {
            norm(format!("v.blk.{block}.ln1"));
            norm(format!("v.blk.{block}.ln2"));
        }
        norm("v.post_ln".to_owned());
    }
}

fn header(writer: &mut GgufWriter, projection: usize) {
    writer.meta("general.architecture", Meta::Text("clip".to_owned()));
    writer.meta("general.file_type", Meta::U32(0));
    writer.meta("clip.has_vision_encoder", Meta::Bool(true));
    writer.meta("clip.projector_type", Meta::Text("janus_pro".to_owned()));
    writer.meta("clip.use_gelu", Meta::Bool(true));
    let mut number = |key: &str, value: usize| {
        writer.meta(format!("clip.vision.{key}"), Meta::U32(value as u32));
    };
    number("image_size", IMAGE_SIDE);
    number("patch_size", PATCH_SIDE);
    number("embedding_length", EMBEDDING);
    number("feed_forward_length", FEED_FORWARD);
    number("block_count", BLOCKS);
    number("attention.head_count", HEADS);
    number("projection_dim", projection);
    writer.meta("clip.vision.attention.layer_norm_epsilon", Meta::F32(EPSILON));
    writer.meta("clip.vision.image_mean", Meta::F32s(vec![0.5; COLOURS]));
    writer.meta("clip.vision.image_std", Meta::F32s(vec![0.5; COLOURS]));
}
