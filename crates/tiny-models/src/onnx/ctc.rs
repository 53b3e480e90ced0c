//! A transcriber in the shape of NeMo's CTC models.

use super::graph::{Attribute, Dim, Element, Graph};
use super::mel::{BINS, LEAST_CONTRAST, SLANEY};
use super::{TONES, TinyFile, tokens};

/// Frames that become one: what most models of this kind do.
const SUBSAMPLING: i64 = 4;

/// Hears one piece of [`TONES`] for each pitch, and nothing in silence.
pub fn nemo_ctc() -> Vec<TinyFile> {
    let vocabulary = TONES.len() + 1;
    let mut graph = Graph::new();
    graph.input("audio_signal", Element::Float, &[Dim::Fixed(1), Dim::Fixed(BINS), Dim::Named("T")]);
    graph.input("length", Element::Int64, &[Dim::Fixed(1)]);
    graph.output("logprobs", Element::Float, &[Dim::Fixed(1), Dim::Named("T2"), Dim::Fixed(vocabulary)]);

    graph.floats("contrasts", &[BINS, vocabulary], &with_blank(&SLANEY.contrasts()));
    let mut bias = vec![0.0; TONES.len()];
    bias.push(LEAST_CONTRAST);
    graph.floats("bias", &[vocabulary], &bias);
    graph.ints("first", &[1], &[0]);
    graph.ints("last", &[1], &[i64::from(i32::MAX)]);
    graph.ints("axis", &[1], &[1]);
    graph.ints("step", &[1], &[SUBSAMPLING]);

    graph.node_with("Transpose", &["audio_signal"], "frames", &[("perm", Attribute::Ints(&[0, 2, 1]))]);
    graph.node("Slice", &["frames", "first", "last", "axis", "step"], "fewer");
    graph.node("MatMul", &["fewer", "contrasts"], "heard");
    graph.node("Add", &["heard", "bias"], "logits");
    graph.node_with("LogSoftmax", &["logits"], "logprobs", &[("axis", Attribute::Int(-1))]);

    graph.metadata(&[
        ("vocab_size", &vocabulary.to_string()),
        ("subsampling_factor", &SUBSAMPLING.to_string()),
        ("normalize_type", "NA"),
        ("model_type", "EncDecCTCModelBPE"),
        ("is_giga_am", "0"),
    ]);
    vec![
        TinyFile::new("model", "model.onnx", graph.into_bytes("tiny_ctc")),
        TinyFile::new("tokens", "tokens.txt", tokens(TONES.len(), "<blk>")),
    ]
}

/// A last column of zeros.
fn with_blank(matrix: &[f32]) -> Vec<f32> {
    matrix.chunks(TONES.len()).flat_map(|row| row.iter().copied().chain([0.0])).collect()
}
