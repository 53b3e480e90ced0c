//! `/v1/audio`: speech from text, text from speech.

mod pcm;
mod speech;
mod subtitles;
mod talk;
mod transcript;

pub use pcm::{PCM_MIME, PcmStream};
pub use speech::SpeechRequest;
pub use talk::TranscriptTalk;
pub use transcript::{Body, TranscriptRequest};
