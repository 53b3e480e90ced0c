//! A transcriber in the shape of icefall's transducers: encoder, decoder and joiner.

use super::graph::{Attribute, Dim, Element, Graph};
use super::mel::{BINS, HTK, LEAST_CONTRAST};
use super::{TONES, TinyFile, tokens};

const SUBSAMPLING: i64 = 4;
/// Pieces that the decoder looks back on.
const CONTEXT: usize = 2;
/// Keeps the piece that was heard last from being heard again in the next frame.
const MUTE: f32 = -100.0;

/// Hears what [`nemo_ctc`](super::nemo_ctc) hears, but never the same piece twice in a row.
pub fn transducer() -> Vec<TinyFile> {
    vec![
        TinyFile::new("encoder", "encoder.onnx", encoder()),
        TinyFile::new("decoder", "decoder.onnx", decoder()),
        TinyFile::new("joiner", "joiner.onnx", joiner()),
        TinyFile::new("tokens", "tokens.txt", tokens(0, "<blk>")),
    ]
}

/// The blank, then the pieces.
fn vocabulary() -> usize {
    TONES.len() + 1
}

fn encoder() -> Vec<u8> {
    let mut graph = Graph::new();
    graph.input("x", Element::Float, &[Dim::Named("N"), Dim::Named("T"), Dim::Fixed(BINS)]);
    graph.input("x_lens", Element::Int64, &[Dim::Named("N")]);
    graph.output(
        "encoder_out",
        Element::Float,
        &[Dim::Named("N"), Dim::Named("T2"), Dim::Fixed(vocabulary())],
    );
    graph.output("encoder_out_lens", Element::Int64, &[Dim::Named("N")]);

    let contrasts = HTK.contrasts();
    let rows = contrasts.chunks(TONES.len()).flat_map(|row| [0.0].into_iter().chain(row.iter().copied()));
    graph.floats("contrasts", &[BINS, vocabulary()], &rows.collect::<Vec<f32>>());
    let mut bias = vec![LEAST_CONTRAST];
    bias.resize(TONES.len() + 1, 0.0);
    graph.floats("bias", &[vocabulary()], &bias);
    graph.ints("first", &[1], &[0]);
    graph.ints("last", &[1], &[i64::from(i32::MAX)]);
    graph.ints("axis", &[1], &[1]);
    graph.ints("step", &[1], &[SUBSAMPLING]);
    graph.ints("step_minus", &[], &[SUBSAMPLING - 1]);
    graph.ints("step_by", &[], &[SUBSAMPLING]);

    graph.node("Slice", &["x", "first", "last", "axis", "step"], "fewer");
    graph.node("MatMul", &["fewer", "contrasts"], "heard");
    graph.node("Add", &["heard", "bias"], "encoder_out");
    graph.node("Add", &["x_lens", "step_minus"], "rounded");
    graph.node("Div", &["rounded", "step_by"], "encoder_out_lens");
    graph.metadata(&[("model_type", "zipformer2"), ("version", "1"), ("comment", "tiny")]);
    graph.into_bytes("tiny_encoder")
}

fn decoder() -> Vec<u8> {
    let size = vocabulary();
    let mut graph = Graph::new();
    graph.input("y", Element::Int64, &[Dim::Named("N"), Dim::Fixed(CONTEXT)]);
    graph.output("decoder_out", Element::Float, &[Dim::Named("N"), Dim::Fixed(size)]);
    let muted = |row: usize, column: usize| if row == column && row > 0 { MUTE } else { 0.0 };
    let table = (0..size).flat_map(|row| (0..size).map(move |column| muted(row, column)));
    graph.floats("table", &[size, size], &table.collect::<Vec<f32>>());
    graph.index("newest", CONTEXT - 1);
    graph.node_with("Gather", &["y", "newest"], "last", &[("axis", Attribute::Int(1))]);
    // Before the first piece the context is -1 in places.
    graph.ints("none", &[], &[0]);
    graph.node("Max", &["last", "none"], "known");
    graph.node("Gather", &["table", "known"], "decoder_out");
    graph.metadata(&[("context_size", &CONTEXT.to_string()), ("vocab_size", &size.to_string())]);
    graph.into_bytes("tiny_decoder")
}

fn joiner() -> Vec<u8> {
    let size = Dim::Fixed(vocabulary());
    let mut graph = Graph::new();
    graph.input("encoder_out", Element::Float, &[Dim::Named("N"), size]);
    graph.input("decoder_out", Element::Float, &[Dim::Named("N"), size]);
    graph.output("logit", Element::Float, &[Dim::Named("N"), size]);
    graph.node("Add", &["encoder_out", "decoder_out"], "logit");
    graph.metadata(&[("joiner_dim", &vocabulary().to_string())]);
    graph.into_bytes("tiny_joiner")
}
