//! A transcriber in the shape of SenseVoice: tones, after four tokens about them.

use super::graph::{Attribute, Dim, Element, Graph};
use super::mel::{BINS, FULL_HTK, LEAST_CONTRAST};
use super::{TONES, TinyFile, tokens};

/// Frames that are one row of input, and that a row moves on by.
const WINDOW: usize = 7;
const SHIFT: usize = 6;
const WIDTH: usize = WINDOW * BINS;
/// What it says first, after the pieces: the language, the mood, the event, whether numbers are written as such.
const MARKS: &[&str] = &["<|zh|>", "<|en|>", "<|NEUTRAL|>", "<|Speech|>", "<|withitn|>"];
/// The model's own numbers of languages, one of which is `en`; all others are taken for Chinese.
const LANGUAGES: &[(&str, usize)] = &[("auto", 0), ("zh", 3), ("en", 4), ("yue", 7), ("ja", 11), ("ko", 12)];
const ENGLISH: usize = 4;
const LANGUAGE_ROWS: usize = 16;

/// Hears what [`nemo_ctc`](super::nemo_ctc) hears, and says that it is Chinese unless it is told that it is English.
pub fn sense_voice() -> Vec<TinyFile> {
    let (first_mark, vocabulary) = (TONES.len() + 1, TONES.len() + 1 + MARKS.len());
    let mut graph = Graph::new();
    let batch = Dim::Named("N");
    graph.input("x", Element::Float, &[batch, Dim::Named("T"), Dim::Fixed(WIDTH)]);
    for name in ["x_length", "language", "text_norm"] {
        graph.input(name, Element::Int32, &[batch]);
    }
    graph.output("logits", Element::Float, &[batch, Dim::Named("T4"), Dim::Fixed(vocabulary)]);

    // The first frame of a row is enough.
    let mut contrasts = vec![0.0; WIDTH * vocabulary];
    for (bin, row) in FULL_HTK.contrasts().chunks(TONES.len()).enumerate() {
        contrasts[bin * vocabulary + 1..][..TONES.len()].copy_from_slice(row);
    }
    graph.floats("contrasts", &[WIDTH, vocabulary], &contrasts);
    let mut bias = vec![0.0; vocabulary];
    bias[0] = LEAST_CONTRAST;
    graph.floats("bias", &[vocabulary], &bias);
    let row = |mark: usize| {
        let mut row = vec![0.0; vocabulary];
        row[first_mark + mark] = 1.0;
        row
    };
    let languages = (0..LANGUAGE_ROWS).flat_map(|language| row(usize::from(language == ENGLISH)));
    graph.floats("languages", &[LANGUAGE_ROWS, vocabulary], &languages.collect::<Vec<f32>>());
    graph.floats("others", &[1, 3, vocabulary], &[row(2), row(3), row(4)].concat());
    graph.ints("axis", &[1], &[1]);

    graph.node("MatMul", &["x", "contrasts"], "heard");
    graph.node("Add", &["heard", "bias"], "rows");
    graph.node("Gather", &["languages", "language"], "spoken");
    graph.node("Unsqueeze", &["spoken", "axis"], "spoken_row");
    graph.node_with("Concat", &["spoken_row", "others", "rows"], "logits", &[("axis", Attribute::Int(1))]);

    let (zeros, ones) = (vec!["0"; WIDTH].join(","), vec!["1"; WIDTH].join(","));
    graph.metadata(&[
        ("model_type", "sense_voice_ctc"),
        ("comment", "tiny"),
        ("vocab_size", &vocabulary.to_string()),
        ("lfr_window_size", &WINDOW.to_string()),
        ("lfr_window_shift", &SHIFT.to_string()),
        ("normalize_samples", "1"),
        ("with_itn", "14"),
        ("without_itn", "15"),
        ("neg_mean", &zeros),
        ("inv_stddev", &ones),
    ]);
    for (language, number) in LANGUAGES {
        graph.metadata(&[(&format!("lang_{language}"), &number.to_string())]);
    }
    let marks = (first_mark..).zip(MARKS).map(|(number, mark)| format!("{mark} {number}\n"));
    let list = tokens(0, "<blank>") + &marks.collect::<Vec<_>>().concat();
    vec![
        TinyFile::new("model", "model.onnx", graph.into_bytes("tiny_sense_voice")),
        TinyFile::new("tokens", "tokens.txt", list),
    ]
}
