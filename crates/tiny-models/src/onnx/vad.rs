//! A detector of speech in the shape of Silero's fourth: what is loud is speech.

use super::TinyFile;
use super::graph::{Dim, Element, Graph};

/// Numbers of the state that it carries from window to window.
const STATE: [Dim; 3] = [Dim::Fixed(2), Dim::Fixed(1), Dim::Fixed(64)];
/// The mean of a window's absolute samples that is as likely speech as not.
const MIDDLE: f32 = 0.02;
/// How sure it is on either side of it.
const STEEPNESS: f32 = 1_000.0;

/// Finds speech in windows of 512 samples at 16 kHz.
pub fn vad() -> Vec<TinyFile> {
    let mut graph = Graph::new();
    graph.input("input", Element::Float, &[Dim::Fixed(1), Dim::Named("L")]);
    graph.input("sr", Element::Int64, &[Dim::Fixed(1)]);
    graph.input("h", Element::Float, &STATE);
    graph.input("c", Element::Float, &STATE);
    graph.output("output", Element::Float, &[Dim::Fixed(1), Dim::Fixed(1)]);
    graph.output("hn", Element::Float, &STATE);
    graph.output("cn", Element::Float, &STATE);
    graph.floats("middle", &[], &[MIDDLE]);
    graph.floats("steepness", &[], &[STEEPNESS]);
    graph.node("Abs", &["input"], "absolute");
    graph.node("ReduceMean", &["absolute"], "loudness");
    graph.node("Sub", &["loudness", "middle"], "louder");
    graph.node("Mul", &["louder", "steepness"], "logit");
    graph.node("Sigmoid", &["logit"], "output");
    graph.node("Identity", &["h"], "hn");
    graph.node("Identity", &["c"], "cn");
    vec![TinyFile::new("vad", "vad.onnx", graph.into_bytes("tiny_vad"))]
}
