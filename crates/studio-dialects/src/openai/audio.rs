//! `/v1/audio`: speech from text, text from speech.

mod pcm;
mod speech;
mod subtitles;
mod transcript;

pub use pcm::{PCM_MIME, PcmStream};
pub use speech::SpeechRequest;
pub use transcript::{Body, TranscriptRequest};
