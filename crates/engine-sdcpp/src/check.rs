//! Looks a model's file over before a library that ends the process on errors reads it.

use std::collections::HashMap;
use std::fs::File;
use std::io::Read;
use std::path::Path;

use serde::Deserialize;
use serde_json::value::RawValue;

use crate::limits::{MAX_DIMENSIONS, MAX_GGUF_ENTRIES, MAX_HEADER_BYTES};

/// The file's size when it is a whole safetensors file or looks like a GGUF, else what is wrong with it.
pub(crate) fn check(path: &Path) -> Result<u64, String> {
    let mut file = File::open(path).map_err(|problem| problem.to_string())?;
    let metadata = file.metadata().map_err(|problem| problem.to_string())?;
    if !metadata.is_file() {
        return Err("it is not a file".to_owned());
    }
    let bytes = metadata.len();
    let mut head = [0; 24];
    file.read_exact(&mut head).map_err(|_| format!("{bytes} bytes are no model"))?;
    if head.starts_with(b"GGUF") {
        gguf(&head)?;
    } else if head.starts_with(b"PK\x03\x04") || head.starts_with(&[0x80, 0x02]) {
        return Err("it is a PyTorch checkpoint, which may hold code: convert it to safetensors".to_owned());
    } else {
        safetensors(path, u64::from_le_bytes(first(&head)), bytes)?;
    }
    Ok(bytes)
}

fn first<const N: usize>(bytes: &[u8]) -> [u8; N] {
    let mut first = [0; N];
    first.copy_from_slice(&bytes[..N]);
    first
}

fn gguf(head: &[u8; 24]) -> Result<(), String> {
    let version = u32::from_le_bytes(first(&head[4..]));
    if !(2..=3).contains(&version) {
        return Err(format!("GGUF version {version} is not 2 or 3"));
    }
    for (what, at) in [("tensors", 8), ("metadata entries", 16)] {
        let count = u64::from_le_bytes(first(&head[at..]));
        if count > MAX_GGUF_ENTRIES {
            return Err(format!("it says that it has {count} {what}"));
        }
    }
    Ok(())
}

#[derive(Deserialize)]
struct Tensor {
    dtype: String,
    shape: Vec<u64>,
    data_offsets: [u64; 2],
}

fn safetensors(path: &Path, header: u64, bytes: u64) -> Result<(), String> {
    let data = bytes.checked_sub(8).and_then(|rest| rest.checked_sub(header));
    let Some(data) = data.filter(|_| header <= MAX_HEADER_BYTES) else {
        return Err(format!(
            "neither safetensors nor GGUF: a header of {header} bytes in a file of {bytes} bytes"
        ));
    };
    let read = |path: &Path| -> std::io::Result<Vec<u8>> {
        let mut file = File::open(path)?;
        file.read_exact(&mut [0; 8])?;
        let mut json = Vec::new();
        file.take(header).read_to_end(&mut json)?;
        Ok(json)
    };
    let json = read(path).map_err(|problem| problem.to_string())?;
    let tensors: HashMap<String, Box<RawValue>> = serde_json::from_slice(&json).map_err(|problem| {
        format!("neither safetensors nor GGUF: its header is no JSON object: {problem}")
    })?;
    let mut count = 0;
    for (name, tensor) in &tensors {
        if name == "__metadata__" {
            let fits = serde_json::from_str::<HashMap<String, String>>(tensor.get()).is_ok();
            if !fits {
                return Err("its metadata is no JSON object of texts".to_owned());
            }
            continue;
        }
        let quoted = crate::names::quoted(name);
        let tensor = serde_json::from_str(tensor.get()).map_err(|e| format!("tensor `{quoted}`: {e}"))?;
        fits(&tensor, data).map_err(|problem| format!("tensor `{quoted}`: {problem}"))?;
        count += 1;
    }
    if count == 0 { Err("it holds no tensor".to_owned()) } else { Ok(()) }
}

fn fits(tensor: &Tensor, data: u64) -> Result<(), String> {
    let [start, end] = tensor.data_offsets;
    if start > end || end > data {
        return Err(format!("bytes {start} to {end} of {data}"));
    }
    if tensor.shape.len() > MAX_DIMENSIONS {
        return Err(format!("{} dimensions, at most {MAX_DIMENSIONS}", tensor.shape.len()));
    }
    let width = match tensor.dtype.as_str() {
        "BOOL" | "U8" | "I8" | "F8_E4M3" | "F8_E5M2" => 1,
        "U16" | "I16" | "F16" | "BF16" => 2,
        "U32" | "I32" | "F32" => 4,
        "U64" | "I64" | "F64" => 8,
        other => return Err(format!("the unknown number type `{}`", crate::names::quoted(other))),
    };
    let size = tensor.shape.iter().try_fold(width, |size: u64, length| size.checked_mul(*length));
    if size != Some(end - start) {
        return Err(format!("shape {:?} of {} in {} bytes", tensor.shape, tensor.dtype, end - start));
    }
    if tensor.shape.contains(&0) {
        return Err("it is empty".to_owned());
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn problem(bytes: &[u8]) -> String {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("model");
        std::fs::write(&path, bytes).unwrap();
        check(&path).err().unwrap_or_default()
    }

    fn safetensors_file(header: &str, data: usize) -> Vec<u8> {
        let length = (header.len() as u64).to_le_bytes();
        [&length, header.as_bytes(), &vec![0; data]].concat()
    }

    #[test]
    fn whole_files_pass() {
        let header = r#"{"__metadata__":{"a":"b"},"x":{"dtype":"F16","shape":[2,2],"data_offsets":[0,8]}}"#;
        assert_eq!(problem(&safetensors_file(header, 8)), "");
        assert_eq!(problem(&[b"GGUF".as_slice(), &[3, 0, 0, 0], &[1; 2], &[0; 14]].concat()), "");
    }

    #[test]
    fn broken_files_are_told_apart() {
        let tensor = |dtype: &str, shape: &str, end: u64| {
            format!(r#"{{"x":{{"dtype":"{dtype}","shape":{shape},"data_offsets":[0,{end}]}}}}"#)
        };
        for (header, data, word) in [
            (tensor("F16", "[2,2]", 8), 7, "bytes 0 to 8 of 7"),
            (tensor("F16", "[2,3]", 8), 8, "[2, 3]"),
            (tensor("F99", "[2,2]", 8), 8, "F99"),
            (tensor("F16", "[1,1,1,1,2,2]", 8), 8, "6 dimensions"),
            (tensor("F16", "[9223372036854775807,4]", 8), 8, "9223372036854775807"),
            (tensor("F16", "[-1]", 8), 8, "tensor `x`"),
            (tensor("F16", "[0]", 0), 8, "empty"),
            ("[]".repeat(20), 8, "no JSON object"),
            (r#"{"__metadata__":7}        "#.to_owned(), 8, "metadata"),
            (format!("{{}}{}", " ".repeat(20)), 8, "no tensor"),
        ] {
            let said = problem(&safetensors_file(&header, data));
            assert!(said.contains(word), "{header}: {said}");
        }
        assert!(problem(b"short").contains("5 bytes"));
        assert!(problem(&[0xff; 64]).contains("18446744073709551615"));
        assert!(problem(&[b"PK\x03\x04".as_slice(), &[0; 64]].concat()).contains("PyTorch"));
        assert!(problem(&[b"GGUF".as_slice(), &[9, 0, 0, 0], &[0; 16]].concat()).contains("version 9"));
        assert!(problem(&[b"GGUF".as_slice(), &[3, 0, 0, 0], &[0xff; 16]].concat()).contains("tensors"));
    }
}
