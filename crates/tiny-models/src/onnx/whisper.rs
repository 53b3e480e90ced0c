//! A transcriber in the shape of Whisper: it hears nothing, and says a greeting in the language that it is asked for.

use super::TinyFile;
use super::graph::{Attribute, Dim, Element, Graph};
use super::mel::BINS;

/// What it can say, as base64: Whisper's own tokens are bytes, not texts.
const TEXTS: &[(&str, &str)] =
    &[(" hello", "IGhlbGxv"), (" world", "IHdvcmxk"), (" hallo", "IGhhbGxv"), (" welt", "IHdlbHQ=")];
const HELLO: usize = 0;
const WORLD: usize = 1;
const HALLO: usize = 2;
const WELT: usize = 3;
const END: usize = 4;
const START: usize = 5;
const ENGLISH: usize = 6;
const GERMAN: usize = 7;
const TRANSLATE: usize = 8;
const TRANSCRIBE: usize = 9;
const NO_SPEECH: usize = 10;
const NO_TIMES: usize = 11;
/// The first of the tokens that are times, each 20 ms after the last.
const FIRST_TIME: usize = 12;
const LATER_TIME: usize = FIRST_TIME + 1;
const TIMES: usize = 1_501;
const VOCABULARY: usize = FIRST_TIME + TIMES;
const LAYERS: usize = 1;
const STATE: usize = 2;
const CONTEXT: usize = 448;

/// Which token follows which, and how much it wants to: what a prompt's tokens want is added up.
const WISHES: &[(usize, usize, f32)] = &[
    // The language that is heard when none is asked for.
    (START, GERMAN, 1.0),
    (ENGLISH, HELLO, 12.0),
    (GERMAN, HALLO, 12.0),
    // The translation of everything is English.
    (TRANSLATE, HELLO, 24.0),
    (HELLO, WORLD, 12.0),
    (WORLD, END, 13.0),
    (HALLO, WELT, 12.0),
    (WELT, END, 13.0),
    (FIRST_TIME, HELLO, 12.0),
    (LATER_TIME, END, 13.0),
];
/// How much every time wants to follow a last word: less than the end does, but all of them together more.
const TIMES_WISH: f32 = 8.0;
/// The end of a sentence, one second after its start, wants it a little more.
const ONE_SECOND: usize = FIRST_TIME + 50;

/// Says "hello world" in English, "hallo welt" in German; it takes every recording for German.
pub fn whisper() -> Vec<TinyFile> {
    let tokens: Vec<String> =
        TEXTS.iter().enumerate().map(|(id, (_, base64))| format!("{base64} {id}\n")).collect();
    vec![
        TinyFile::new("encoder", "encoder.onnx", encoder()),
        TinyFile::new("decoder", "decoder.onnx", decoder()),
        TinyFile::new("tokens", "tokens.txt", tokens.concat()),
    ]
}

fn encoder() -> Vec<u8> {
    let mut graph = Graph::new();
    graph.input("mel", Element::Float, &[Dim::Named("N"), Dim::Fixed(BINS), Dim::Named("T")]);
    for name in ["n_layer_cross_k", "n_layer_cross_v"] {
        graph.output(
            name,
            Element::Float,
            &[Dim::Fixed(LAYERS), Dim::Named("N"), Dim::Named("T"), Dim::Fixed(STATE)],
        );
    }
    graph.floats("mean", &[BINS, STATE], &vec![1.0 / BINS as f32; BINS * STATE]);
    graph.ints("axis", &[1], &[0]);
    graph.node_with("Transpose", &["mel"], "frames", &[("perm", Attribute::Ints(&[0, 2, 1]))]);
    graph.node("MatMul", &["frames", "mean"], "loudness");
    graph.node("Unsqueeze", &["loudness", "axis"], "n_layer_cross_k");
    graph.node("Identity", &["n_layer_cross_k"], "n_layer_cross_v");
    let number = |number: usize| number.to_string();
    let numbers = |numbers: &[usize]| numbers.iter().copied().map(number).collect::<Vec<_>>().join(",");
    graph.metadata(&[
        ("model_type", "whisper-tiny-models"),
        ("version", "1"),
        ("n_mels", &number(BINS)),
        ("n_audio_ctx", "1500"),
        ("n_audio_state", &STATE.to_string()),
        ("n_audio_head", "1"),
        ("n_audio_layer", "1"),
        ("n_text_layer", &LAYERS.to_string()),
        ("n_text_ctx", &CONTEXT.to_string()),
        ("n_text_state", &STATE.to_string()),
        ("n_text_head", "1"),
        ("n_vocab", &number(VOCABULARY)),
        ("sot", &number(START)),
        ("eot", &number(END)),
        ("blank_id", &number(HELLO)),
        ("translate", &number(TRANSLATE)),
        ("transcribe", &number(TRANSCRIBE)),
        ("is_multilingual", "1"),
        ("no_speech", &number(NO_SPEECH)),
        ("no_timestamps", &number(NO_TIMES)),
        ("sot_sequence", &numbers(&[START, ENGLISH, TRANSCRIBE])),
        ("all_language_tokens", &numbers(&[ENGLISH, GERMAN])),
        ("all_language_codes", "en,de"),
        ("non_speech_tokens", &number(NO_SPEECH)),
    ]);
    graph.into_bytes("tiny_whisper_encoder")
}

fn decoder() -> Vec<u8> {
    let mut graph = Graph::new();
    let cache = [Dim::Fixed(LAYERS), Dim::Named("N"), Dim::Fixed(CONTEXT), Dim::Fixed(STATE)];
    let cross = [Dim::Fixed(LAYERS), Dim::Named("N"), Dim::Named("T"), Dim::Fixed(STATE)];
    graph.input("tokens", Element::Int64, &[Dim::Named("N"), Dim::Named("L")]);
    graph.input("in_n_layer_self_k_cache", Element::Float, &cache);
    graph.input("in_n_layer_self_v_cache", Element::Float, &cache);
    graph.input("n_layer_cross_k", Element::Float, &cross);
    graph.input("n_layer_cross_v", Element::Float, &cross);
    graph.input("offset", Element::Int64, &[Dim::Fixed(1)]);
    graph.output("logits", Element::Float, &[Dim::Named("N"), Dim::Named("L"), Dim::Fixed(VOCABULARY)]);
    graph.output("out_n_layer_self_k_cache", Element::Float, &cache);
    graph.output("out_n_layer_self_v_cache", Element::Float, &cache);

    // All times but the first share a row.
    let rows = LATER_TIME + 1;
    let mut wishes = vec![0.0; rows * VOCABULARY];
    for last in [WORLD, WELT] {
        wishes[last * VOCABULARY + LATER_TIME..(last + 1) * VOCABULARY].fill(TIMES_WISH);
        wishes[last * VOCABULARY + ONE_SECOND] = TIMES_WISH + 1.0;
    }
    for (last, next, wish) in WISHES {
        wishes[last * VOCABULARY + next] = *wish;
    }
    graph.floats("wishes", &[rows, VOCABULARY], &wishes);
    graph.index("later_time", LATER_TIME);
    graph.ints("axis", &[], &[1]);
    graph.node("Min", &["tokens", "later_time"], "known");
    graph.node("Gather", &["wishes", "known"], "each");
    graph.node("CumSum", &["each", "axis"], "logits");
    graph.node("Identity", &["in_n_layer_self_k_cache"], "out_n_layer_self_k_cache");
    graph.node("Identity", &["in_n_layer_self_v_cache"], "out_n_layer_self_v_cache");
    graph.into_bytes("tiny_whisper_decoder")
}
