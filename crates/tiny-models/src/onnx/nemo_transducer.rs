//! A transcriber in the shape of NeMo's transducers that say how long a token lasts, as Parakeet does.

use super::graph::{Attribute, Dim, Element, Graph};
use super::mel::{BINS, LEAST_CONTRAST, SLANEY};
use super::{TONES, TinyFile, tokens};

const SUBSAMPLING: i64 = 4;
/// Pieces and the blank.
const VOCABULARY: usize = TONES.len() + 1;
const BLANK: usize = TONES.len();
/// How many frames a token may last, from none; here each lasts one.
const DURATIONS: [f32; 5] = [0.0, 1.0, 0.0, 0.0, 0.0];
/// Of the network that this one has not.
const LAYERS: usize = 1;
const HIDDEN: usize = 2;
/// Keeps the piece that was heard last from being heard again in the next frame.
const MUTE: f32 = -100.0;

/// Hears what [`nemo_ctc`](super::nemo_ctc) hears, but never the same piece twice in a row.
pub fn nemo_transducer() -> Vec<TinyFile> {
    vec![
        TinyFile::new("encoder", "encoder.onnx", encoder()),
        TinyFile::new("decoder", "decoder.onnx", decoder()),
        TinyFile::new("joiner", "joiner.onnx", joiner()),
        TinyFile::new("tokens", "tokens.txt", tokens(BLANK, "<blk>")),
    ]
}

fn encoder() -> Vec<u8> {
    let mut graph = Graph::new();
    let batch = Dim::Named("N");
    graph.input("audio_signal", Element::Float, &[batch, Dim::Fixed(BINS), Dim::Named("T")]);
    graph.input("length", Element::Int64, &[batch]);
    graph.output("outputs", Element::Float, &[batch, Dim::Fixed(VOCABULARY), Dim::Named("T2")]);
    graph.output("encoded_lengths", Element::Int64, &[batch]);
    let rows = SLANEY.contrasts();
    let rows = rows.chunks(TONES.len()).flat_map(|row| row.iter().copied().chain([0.0]));
    graph.floats("contrasts", &[BINS, VOCABULARY], &rows.collect::<Vec<f32>>());
    let mut bias = vec![0.0; VOCABULARY];
    bias[BLANK] = LEAST_CONTRAST;
    graph.floats("bias", &[VOCABULARY], &bias);
    graph.ints("first", &[1], &[0]);
    graph.ints("last", &[1], &[i64::from(i32::MAX)]);
    graph.ints("axis", &[1], &[1]);
    graph.ints("step", &[1], &[SUBSAMPLING]);
    graph.ints("step_minus", &[], &[SUBSAMPLING - 1]);
    graph.ints("step_by", &[], &[SUBSAMPLING]);
    let swap = [("perm", Attribute::Ints(&[0, 2, 1]))];
    graph.node_with("Transpose", &["audio_signal"], "frames", &swap);
    graph.node("Slice", &["frames", "first", "last", "axis", "step"], "fewer");
    graph.node("MatMul", &["fewer", "contrasts"], "heard");
    graph.node("Add", &["heard", "bias"], "rows");
    graph.node_with("Transpose", &["rows"], "outputs", &swap);
    graph.node("Add", &["length", "step_minus"], "rounded");
    graph.node("Div", &["rounded", "step_by"], "encoded_lengths");
    graph.metadata(&[
        ("model_type", "EncDecRNNTBPEModel"),
        ("vocab_size", &TONES.len().to_string()),
        ("subsampling_factor", &SUBSAMPLING.to_string()),
        ("normalize_type", "NA"),
        ("pred_rnn_layers", &LAYERS.to_string()),
        ("pred_hidden", &HIDDEN.to_string()),
        ("url", "tiny-tdt"),
    ]);
    graph.into_bytes("tiny_nemo_encoder")
}

fn decoder() -> Vec<u8> {
    let mut graph = Graph::new();
    let batch = Dim::Named("N");
    let state = [Dim::Fixed(LAYERS), batch, Dim::Fixed(HIDDEN)];
    graph.input("targets", Element::Int32, &[batch, Dim::Fixed(1)]);
    graph.input("target_length", Element::Int32, &[batch]);
    graph.input("states.1", Element::Float, &state);
    graph.input("states.2", Element::Float, &state);
    graph.output("outputs", Element::Float, &[batch, Dim::Fixed(VOCABULARY), Dim::Fixed(1)]);
    graph.output("prednet_lengths", Element::Int32, &[batch]);
    graph.output("next.1", Element::Float, &state);
    graph.output("next.2", Element::Float, &state);
    let muted = |row: usize, column: usize| if row == column && row != BLANK { MUTE } else { 0.0 };
    let table = (0..VOCABULARY).flat_map(|row| (0..VOCABULARY).map(move |column| muted(row, column)));
    graph.floats("table", &[VOCABULARY, VOCABULARY], &table.collect::<Vec<f32>>());
    graph.node("Gather", &["table", "targets"], "row");
    graph.node_with("Transpose", &["row"], "outputs", &[("perm", Attribute::Ints(&[0, 2, 1]))]);
    graph.node("Identity", &["target_length"], "prednet_lengths");
    graph.node("Identity", &["states.1"], "next.1");
    graph.node("Identity", &["states.2"], "next.2");
    graph.into_bytes("tiny_nemo_decoder")
}

fn joiner() -> Vec<u8> {
    let mut graph = Graph::new();
    let one = Dim::Fixed(1);
    let column = [one, Dim::Fixed(VOCABULARY), one];
    graph.input("encoder_outputs", Element::Float, &column);
    graph.input("decoder_outputs", Element::Float, &column);
    let width = Dim::Fixed(VOCABULARY + DURATIONS.len());
    graph.output("logits", Element::Float, &[one, one, one, width]);
    graph.floats("durations", &[1, 1, 1, DURATIONS.len()], &DURATIONS);
    graph.ints("shape", &[4], &[1, 1, 1, -1]);
    graph.node("Add", &["encoder_outputs", "decoder_outputs"], "column");
    graph.node("Reshape", &["column", "shape"], "row");
    graph.node_with("Concat", &["row", "durations"], "logits", &[("axis", Attribute::Int(3))]);
    graph.into_bytes("tiny_nemo_joiner")
}
