//! Frames: a big-endian `u32` length, then that many bytes of JSON.
//!
//! No length is trusted: memory grows with the bytes that arrived, never with what a length promises.

use std::io::{self, Read, Write};

use serde::Serialize;

use crate::MAX_FRAME_BYTES;
use crate::codec::to_json;

/// The bytes of a length.
const PREFIX: usize = size_of::<u32>();

/// Why a stream does not consist of frames.
#[derive(Debug, thiserror::Error)]
pub enum FrameError {
    /// Above [`MAX_FRAME_BYTES`]; mostly it is text that was never meant to be a frame.
    #[error("not a frame: `{}` read as a length is {bytes} bytes, at most {MAX_FRAME_BYTES} are allowed", quoted(*bytes))]
    TooLarge {
        /// The length.
        bytes: u32,
    },
    /// A frame has at least the two bytes of `{}`.
    #[error("an empty frame")]
    Empty,
    /// The stream ended inside of a frame.
    #[error("the stream ended inside of a frame, after {0} bytes of it")]
    Partial(usize),
    /// The stream itself failed.
    #[error("the stream failed")]
    Io(#[from] io::Error),
}

/// Writes one message as a frame, in one call.
pub fn write_frame<M: Serialize>(to: &mut impl Write, message: &M) -> io::Result<()> {
    to.write_all(&encode_frame(message)?)?;
    to.flush()
}

/// One message as the bytes of its frame; an error above [`MAX_FRAME_BYTES`].
pub fn encode_frame<M: Serialize>(message: &M) -> io::Result<Vec<u8>> {
    let json = to_json(message);
    if json.len() > MAX_FRAME_BYTES {
        let problem = format!("a message of {} bytes, at most {MAX_FRAME_BYTES} are allowed", json.len());
        return Err(io::Error::new(io::ErrorKind::InvalidInput, problem));
    }
    let length = u32::try_from(json.len()).expect("the limit is far below 4 GiB");
    let mut frame = Vec::with_capacity(PREFIX + json.len());
    frame.extend_from_slice(&length.to_be_bytes());
    frame.extend_from_slice(&json);
    Ok(frame)
}

/// Reads one frame's JSON; `None` at a clean end of the stream.
pub fn read_frame(from: &mut impl Read) -> Result<Option<Vec<u8>>, FrameError> {
    let mut prefix = Vec::with_capacity(PREFIX);
    match from.by_ref().take(PREFIX as u64).read_to_end(&mut prefix)? {
        0 => return Ok(None),
        PREFIX => {}
        got => return Err(FrameError::Partial(got)),
    }
    let length = checked_length([prefix[0], prefix[1], prefix[2], prefix[3]])?;
    let mut json = Vec::new();
    let got = from.by_ref().take(length as u64).read_to_end(&mut json)?;
    if got < length {
        return Err(FrameError::Partial(PREFIX + got));
    }
    Ok(Some(json))
}

/// Cuts a stream that arrives in pieces of any size into frames.
#[derive(Debug, Default)]
pub struct FrameDecoder {
    bytes: Vec<u8>,
    /// Where the next frame starts in `bytes`.
    start: usize,
}

/// A buffer that grew beyond this is given back once it is empty.
const KEPT_BUFFER: usize = 64 * 1024;

impl FrameDecoder {
    /// Takes what arrived.
    pub fn push(&mut self, bytes: &[u8]) {
        self.bytes.extend_from_slice(bytes);
    }

    /// The next whole frame's JSON; `None` until more arrives.
    pub fn next_frame(&mut self) -> Result<Option<Vec<u8>>, FrameError> {
        let waiting = &self.bytes[self.start..];
        let Some((prefix, rest)) = waiting.split_first_chunk::<PREFIX>() else { return Ok(None) };
        let length = checked_length(*prefix)?;
        let Some(json) = rest.get(..length) else { return Ok(None) };
        let json = json.to_vec();
        self.start += PREFIX + length;
        self.reclaim();
        Ok(Some(json))
    }

    /// Says whether the stream may end here.
    pub fn finish(&self) -> Result<(), FrameError> {
        match self.bytes.len() - self.start {
            0 => Ok(()),
            left => Err(FrameError::Partial(left)),
        }
    }

    fn reclaim(&mut self) {
        if self.start == self.bytes.len() {
            self.start = 0;
            self.bytes.clear();
            self.bytes.shrink_to(KEPT_BUFFER);
        } else if self.start > KEPT_BUFFER {
            self.bytes.drain(..self.start);
            self.start = 0;
        }
    }
}

fn checked_length(prefix: [u8; PREFIX]) -> Result<usize, FrameError> {
    let bytes = u32::from_be_bytes(prefix);
    match bytes as usize {
        0 => Err(FrameError::Empty),
        length if length > MAX_FRAME_BYTES => Err(FrameError::TooLarge { bytes }),
        length => Ok(length),
    }
}

fn quoted(length: u32) -> String {
    length.to_be_bytes().escape_ascii().to_string()
}
