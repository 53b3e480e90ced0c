//! What an ONNX file says of itself, read without its weights.
//!
//! An ONNX file is one protobuf message; its fields are walked by their lengths, so that a cut or foreign file is
//! told here, in words, and not by native code.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{BufReader, ErrorKind, Read, Seek};
use std::path::Path;

/// Keys and values beside the graph.
pub(crate) type Metadata = BTreeMap<String, String>;

/// As much of a file as is looked at.
#[derive(Debug, Default)]
pub(super) struct Head {
    pub(super) metadata: Metadata,
    /// Of the graph.
    pub(super) outputs: usize,
}

/// Of `ModelProto`.
const IR_VERSION: u64 = 1;
const GRAPH: u64 = 7;
const METADATA: u64 = 14;
const LAST_MODEL_FIELD: u64 = 26;
/// Of `GraphProto`.
const GRAPH_OUTPUT: u64 = 12;
/// Of `StringStringEntryProto`.
const KEY: u64 = 1;
const VALUE: u64 = 2;

/// A key, or a list of tokens or languages; nothing else is so long.
const MAX_TEXT_BYTES: u64 = 4 * 1024 * 1024;
/// Deeper formats that the runtime reads as well: nothing is known of them here.
const ORT_MAGIC: &[u8] = b"ORTM";

/// Reads a file's head.
pub(super) fn read(path: &Path) -> Result<Head, String> {
    let mut file = File::open(path).map_err(|e| e.to_string())?;
    let length = file.metadata().map_err(|e| e.to_string())?.len();
    let mut magic = Vec::new();
    file.by_ref().take(8).read_to_end(&mut magic).map_err(|e| e.to_string())?;
    if magic.get(4..8) == Some(ORT_MAGIC) {
        return Ok(Head::default());
    }
    file.rewind().map_err(|e| e.to_string())?;
    let mut reader = Walk { reader: BufReader::new(file), at: 0 };
    reader.model(length)
}

/// A place in the file.
struct Walk<R> {
    reader: BufReader<R>,
    at: u64,
}

/// One field of a message: its number, and its bytes' length when it has any.
struct Field {
    number: u64,
    bytes: Option<u64>,
}

impl<R: Read + Seek> Walk<R> {
    fn model(&mut self, end: u64) -> Result<Head, String> {
        let (mut head, mut versions, mut graphs) = (Head::default(), 0, 0);
        while self.at < end {
            let field = self.field(end)?;
            match (field.number, field.bytes) {
                (IR_VERSION, None) => versions += 1,
                (GRAPH, Some(bytes)) => {
                    graphs += 1;
                    head.outputs = self.graph(bytes)?;
                }
                (METADATA, Some(bytes)) => {
                    let (key, value) = self.entry(bytes)?;
                    head.metadata.insert(key, value);
                }
                (0 | IR_VERSION | GRAPH | METADATA | LAST_MODEL_FIELD.., _) => {
                    return Err(format!("it is no ONNX file (field {} at byte {})", field.number, self.at));
                }
                (_, bytes) => self.skip(bytes.unwrap_or(0))?,
            }
        }
        match (versions, graphs) {
            (1.., 1) => Ok(head),
            _ => Err("it is no ONNX file, or its end is missing".to_owned()),
        }
    }

    fn graph(&mut self, bytes: u64) -> Result<usize, String> {
        let end = self.at + bytes;
        let mut outputs = 0;
        while self.at < end {
            let field = self.field(end)?;
            outputs += usize::from(field.number == GRAPH_OUTPUT);
            self.skip(field.bytes.unwrap_or(0))?;
        }
        Ok(outputs)
    }

    fn entry(&mut self, bytes: u64) -> Result<(String, String), String> {
        let end = self.at + bytes;
        let (mut key, mut value) = (String::new(), String::new());
        while self.at < end {
            let field = self.field(end)?;
            match (field.number, field.bytes) {
                (KEY, Some(bytes)) => key = self.text(bytes)?,
                (VALUE, Some(bytes)) => value = self.text(bytes)?,
                (_, bytes) => self.skip(bytes.unwrap_or(0))?,
            }
        }
        Ok((key, value))
    }

    /// The next field's key; a number's value is read over.
    fn field(&mut self, end: u64) -> Result<Field, String> {
        let at = self.at;
        let key = self.varint()?;
        let bytes = match key & 7 {
            0 => {
                self.varint()?;
                None
            }
            1 => Some(8),
            2 => Some(self.varint()?),
            5 => Some(4),
            kind => return Err(format!("it is no ONNX file (a field of kind {kind} at byte {at})")),
        };
        let left = end.saturating_sub(self.at);
        if bytes.is_some_and(|bytes| bytes > left) || self.at > end {
            let wanted = bytes.unwrap_or(0);
            return Err(format!("it is cut off: {wanted} bytes should follow byte {}, {left} do", self.at));
        }
        Ok(Field { number: key >> 3, bytes })
    }

    fn varint(&mut self) -> Result<u64, String> {
        let mut value = 0;
        for shift in (0..64).step_by(7) {
            let mut byte = [0];
            self.reader.read_exact(&mut byte).map_err(|e| self.problem(&e))?;
            self.at += 1;
            value |= u64::from(byte[0] & 0x7f) << shift;
            if byte[0] < 0x80 {
                return Ok(value);
            }
        }
        Err(format!("it is no ONNX file (a number without an end at byte {})", self.at))
    }

    fn text(&mut self, bytes: u64) -> Result<String, String> {
        if bytes > MAX_TEXT_BYTES {
            return Err(format!(
                "a text of {bytes} bytes at byte {}, at most {MAX_TEXT_BYTES} are read",
                self.at
            ));
        }
        let mut text = Vec::new();
        self.reader.by_ref().take(bytes).read_to_end(&mut text).map_err(|e| self.problem(&e))?;
        self.at += bytes;
        Ok(String::from_utf8_lossy(&text).into_owned())
    }

    fn skip(&mut self, bytes: u64) -> Result<(), String> {
        self.at += bytes;
        let step = i64::try_from(bytes).map_err(|_| format!("it is no ONNX file (a length of {bytes})"))?;
        self.reader.seek_relative(step).map_err(|e| self.problem(&e))
    }

    fn problem(&self, problem: &std::io::Error) -> String {
        if problem.kind() == ErrorKind::UnexpectedEof {
            return format!("it ends in the middle of a field, at byte {}", self.at);
        }
        problem.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn head(bytes: &[u8]) -> Result<Head, String> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("model.onnx");
        std::fs::write(&path, bytes).unwrap();
        read(&path)
    }

    #[test]
    fn a_whole_file_tells_its_metadata() {
        let file = &tiny_models::onnx::nemo_ctc()[0];
        let head = head(&file.bytes).unwrap();
        assert_eq!(head.metadata["subsampling_factor"], "4");
        assert_eq!(head.outputs, 1);
    }

    #[test]
    fn a_cut_file_is_told_wherever_it_is_cut_inside_of_the_graph() {
        let file = &tiny_models::onnx::nemo_ctc()[0];
        for cut in [1, 2, 5, 100, file.bytes.len() / 2] {
            let problem = head(&file.bytes[..cut]).unwrap_err();
            assert!(problem.contains("cut off") || problem.contains("end"), "{cut}: {problem}");
        }
    }

    #[test]
    fn other_files_are_told() {
        for other in [
            &b"GGUF\x03\0\0\0 and so on"[..],
            b"RIFF....WAVEfmt ",
            b"<!DOCTYPE html><html>",
            b"PK\x03\x04......",
        ] {
            assert!(head(other).is_err(), "{}", other.escape_ascii());
        }
    }
}
