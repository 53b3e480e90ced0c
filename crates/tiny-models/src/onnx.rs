//! Tiny speech models in the ONNX format, as sherpa-onnx wants them.
//!
//! Their weights are set by hand, so that tests know what they answer: the voice sings one note for each character,
//! and the transcribers know one word, or piece of a word, for each pitch of [`TONES`].

mod ctc;
mod graph;
mod mel;
mod nemo_transducer;
mod proto;
mod sense_voice;
mod transducer;
mod vad;
mod voice;
mod whisper;

pub use ctc::nemo_ctc;
pub use nemo_transducer::nemo_transducer;
pub use sense_voice::sense_voice;
pub use transducer::transducer;
pub use vad::vad;
pub use voice::{CHARACTER_SAMPLES, KOKORO_SPEAKERS, VOICE_RATE, kokoro, vits};
pub use whisper::whisper;

/// One file of a tiny model.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TinyFile {
    /// What it is to the engine.
    pub role: &'static str,
    /// A plain name.
    pub filename: &'static str,
    /// All of it.
    pub bytes: Vec<u8>,
}

impl TinyFile {
    fn new(role: &'static str, filename: &'static str, bytes: impl Into<Vec<u8>>) -> Self {
        Self { role, filename, bytes: bytes.into() }
    }
}

/// The pieces that the transcribers know, each with the pitch in Hz that they take for it.
///
/// A piece that starts with `▁` starts a word.
pub const TONES: &[(&str, f32)] = &[
    ("▁the", 400.0),
    ("▁qu", 600.0),
    ("ick", 900.0),
    ("▁brown", 1_300.0),
    ("▁fox", 1_800.0),
    ("▁jumps", 2_500.0),
    ("▁over", 3_400.0),
    ("▁dogs", 4_700.0),
];

/// `tokens.txt` of the transcribers: the pieces and, at `blank`, the blank.
fn tokens(blank: usize, name: &str) -> String {
    let mut pieces: Vec<&str> = TONES.iter().map(|(piece, _)| *piece).collect();
    pieces.insert(blank, name);
    let lines = pieces.iter().enumerate().map(|(id, piece)| format!("{piece} {id}\n"));
    lines.collect::<Vec<_>>().concat()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_bytes_every_time() {
        for make in
            [|| vits(0), || vits(3), kokoro, nemo_ctc, nemo_transducer, sense_voice, transducer, whisper, vad]
        {
            let files = make();
            assert_eq!(files, make());
            assert!(files.iter().all(|file| !file.bytes.is_empty()));
            assert!(files.iter().map(|file| file.bytes.len()).sum::<usize>() < 1_000_000);
        }
    }

    #[test]
    fn the_blank_lies_where_it_was_put() {
        assert!(tokens(0, "<blk>").starts_with("<blk> 0\n▁the 1\n"));
        assert!(tokens(TONES.len(), "<blk>").ends_with(&format!("\n<blk> {}\n", TONES.len())));
    }
}
