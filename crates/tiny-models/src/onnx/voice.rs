//! Voices in the shapes of VITS and Kokoro that sing one note for each character.

use super::TinyFile;
use super::graph::{Attribute, Dim, Element, Graph};

/// Samples a second.
pub const VOICE_RATE: u32 = 22_050;
/// Samples of one character at normal speed.
pub const CHARACTER_SAMPLES: u32 = 1_024;

const SYMBOLS: &str = "_^$ abcdefghijklmnopqrstuvwxyz.,!?'";

/// `speakers` voices, each a pitch above the last; 0: the model knows no speakers, as single voices do.
pub fn vits(speakers: u32) -> Vec<TinyFile> {
    let mut graph = Graph::new();
    let one = [Dim::Fixed(1)];
    graph.input("x", Element::Int64, &[Dim::Fixed(1), Dim::Named("L")]);
    graph.input("x_length", Element::Int64, &one);
    graph.input("noise_scale", Element::Float, &one);
    graph.input("length_scale", Element::Float, &one);
    graph.input("noise_scale_w", Element::Float, &one);
    if speakers > 0 {
        graph.input("sid", Element::Int64, &one);
    } else {
        graph.ints("sid", &[1], &[0]);
    }
    graph.output("y", Element::Float, &[Dim::Fixed(1), Dim::Fixed(1), Dim::Named("S")]);
    graph.ints("audio", &[3], &[1, 1, -1]);
    graph.node("Squeeze", &["length_scale"], "pace");
    graph.node("Add", &["sid", "one"], "octave");
    sing(&mut graph, "x");
    graph.node("Reshape", &["sound", "audio"], "y");

    let (rate, speakers) = (VOICE_RATE.to_string(), speakers.to_string());
    graph.metadata(&[
        ("model_type", "vits"),
        ("comment", "tiny"),
        ("language", "English"),
        ("voice", "en-us"),
        ("has_espeak", "0"),
        ("n_speakers", &speakers),
        ("num_speakers", &speakers),
        ("sample_rate", &rate),
        ("add_blank", "0"),
        ("jieba", "0"),
        ("punctuation", ". , ! ?"),
        ("frontend", "characters"),
        ("use_icu", "0"),
    ]);
    vec![
        TinyFile::new("model", "model.onnx", graph.into_bytes("tiny_vits")),
        TinyFile::new("tokens", "tokens.txt", tokens()),
        TinyFile::new("lexicon", "lexicon.txt", "hello h e l l o\nworld w o r l d\ntest t e s t\n"),
    ]
}

/// The names of the speakers of [`kokoro`], each a pitch above the last.
pub const KOKORO_SPEAKERS: [&str; 3] = ["anna", "bert", "carl"];
/// Sizes of a speaker's style: one for each length of a sentence, of which only the first number counts here.
const STYLES: usize = 510;
const STYLE: usize = 4;

/// Three voices in the shape of Kokoro, which read words of their lexicon only.
pub fn kokoro() -> Vec<TinyFile> {
    let mut graph = Graph::new();
    graph.input("tokens", Element::Int64, &[Dim::Fixed(1), Dim::Named("L")]);
    graph.input("style", Element::Float, &[Dim::Fixed(1), Dim::Fixed(STYLE)]);
    graph.input("speed", Element::Float, &[Dim::Fixed(1)]);
    graph.output("audio", Element::Float, &[Dim::Named("S")]);
    graph.index("first", 0);
    graph.floats("normal", &[], &[1.0]);
    graph.ints("single", &[1], &[1]);
    graph.node("Squeeze", &["speed"], "speed_scalar");
    graph.node("Div", &["normal", "speed_scalar"], "pace");
    graph.node("Reshape", &["style", "flat"], "style_flat");
    graph.node("Gather", &["style_flat", "first"], "octave_f");
    graph.node_with("Cast", &["octave_f"], "octave_scalar", &to(Element::Int64));
    graph.node("Reshape", &["octave_scalar", "single"], "octave");
    sing(&mut graph, "tokens");
    graph.node("Identity", &["sound"], "audio");
    graph.metadata(&[
        ("model_type", "kokoro"),
        ("version", "1"),
        ("language", "English"),
        ("voice", "en-us"),
        ("has_espeak", "0"),
        ("sample_rate", &VOICE_RATE.to_string()),
        ("n_speakers", &KOKORO_SPEAKERS.len().to_string()),
        ("style_dim", &format!("{STYLES},1,{STYLE}")),
        ("speaker_names", &KOKORO_SPEAKERS.join(",")),
    ]);
    let style = |number: usize| (number / (STYLES * STYLE) + 1) as f32;
    let voices = (0..KOKORO_SPEAKERS.len() * STYLES * STYLE).flat_map(|number| style(number).to_le_bytes());
    vec![
        TinyFile::new("model", "model.onnx", graph.into_bytes("tiny_kokoro")),
        TinyFile::new("voices", "voices.bin", voices.collect::<Vec<u8>>()),
        TinyFile::new("tokens", "tokens.txt", tokens()),
        TinyFile::new("lexicon", "lexicon.txt", "hello || h e l o\nworld || w o r l d\n"),
    ]
}

fn tokens() -> String {
    let lines: Vec<String> =
        SYMBOLS.chars().enumerate().map(|(id, symbol)| format!("{symbol} {id}\n")).collect();
    lines.concat()
}

fn to(element: Element) -> [(&'static str, Attribute<'static>); 1] {
    [("to", Attribute::Int(element as i64))]
}

/// Makes `sound`, a row of samples, from the symbols of `characters`, a `pace` (a scalar) and an `octave` (a list of one).
fn sing(graph: &mut Graph, characters: &str) {
    graph.ints("zero", &[], &[0]);
    graph.ints("one", &[], &[1]);
    graph.index("hop", CHARACTER_SAMPLES as usize);
    graph.floats("hop_f", &[], &[CHARACTER_SAMPLES as f32]);
    graph.ints("flat", &[1], &[-1]);
    graph.floats("notes", &[SYMBOLS.len() * CHARACTER_SAMPLES as usize], &notes());

    // How many samples there are, and which character each belongs to.
    graph.node("Reshape", &[characters, "flat"], "symbols");
    graph.node("Size", &[characters], "length");
    graph.node_with("Cast", &["length"], "length_f", &to(Element::Float));
    graph.node("Mul", &["hop_f", "pace"], "samples_each");
    graph.node("Mul", &["length_f", "samples_each"], "samples_f");
    graph.node_with("Cast", &["samples_f"], "samples", &to(Element::Int64));
    graph.node("Range", &["zero", "samples", "one"], "at");
    graph.node_with("Cast", &["at"], "at_f", &to(Element::Float));
    graph.node("Div", &["at_f", "samples_each"], "place_f");
    graph.node_with("Cast", &["place_f"], "place_of", &to(Element::Int64));
    graph.node("Sub", &["length", "one"], "last");
    graph.node("Min", &["place_of", "last"], "place");
    graph.node("Gather", &["symbols", "place"], "symbol");

    // Where in the symbol's note it lies: faster for higher voices.
    graph.node("Mul", &["at", "octave"], "turned");
    graph.node("Mod", &["turned", "hop"], "phase");
    graph.node("Mul", &["symbol", "hop"], "note");
    graph.node("Add", &["note", "phase"], "index");
    graph.node("Gather", &["notes", "index"], "sound");
}

/// A sine for each symbol that closes after [`CHARACTER_SAMPLES`], so that notes follow each other without a click.
fn notes() -> Vec<f32> {
    (0..SYMBOLS.len()).flat_map(note).collect()
}

fn note(symbol: usize) -> impl Iterator<Item = f32> {
    // The first of them is about 215 Hz.
    let turns = (10 + symbol) as f32;
    (0..CHARACTER_SAMPLES).map(move |at| {
        let turn = (at as f32 * turns / CHARACTER_SAMPLES as f32).fract();
        0.4 * sine(turn)
    })
}

/// Two parabolas: platforms differ in the last bit of `sin`, and the bytes must not.
fn sine(turn: f32) -> f32 {
    let x = turn * 2.0 - 1.0;
    -4.0 * x * (1.0 - x.abs())
}
