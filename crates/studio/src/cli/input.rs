//! Inputs of tasks that lie on this machine.

use std::io::Read;
use std::path::Path;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use studio_protocol::mime_of_ext;

/// The largest file that goes into a task itself: written as base64 it still fits into a frame.
const MAX_FILE_BYTES: u64 = 10 * 1024 * 1024;

/// An input: its address, or the bytes of a file as a `data:` address.
#[derive(Clone)]
pub struct Input {
    /// As it stands in the task.
    pub address: String,
}

impl Input {
    /// Takes an address as it is, and reads a file.
    pub fn read(text: &str) -> Result<Self, String> {
        if text.starts_with("data:") || text.contains("://") {
            return Ok(Self { address: text.to_owned() });
        }
        let mut bytes = Vec::new();
        let file = std::fs::File::open(text).map_err(|error| format!("`{text}`: {error}"))?;
        file.take(MAX_FILE_BYTES + 1)
            .read_to_end(&mut bytes)
            .map_err(|error| format!("`{text}`: {error}"))?;
        if bytes.len() as u64 > MAX_FILE_BYTES {
            return Err(format!(
                "`{text}` is larger than {} MiB: put it where the workers can fetch it by https, and give its address",
                MAX_FILE_BYTES / 1024 / 1024
            ));
        }
        let ext = Path::new(text).extension().and_then(|ext| ext.to_str()).unwrap_or_default();
        let mime = mime_of_ext(&ext.to_ascii_lowercase());
        Ok(Self { address: format!("data:{mime};base64,{}", STANDARD.encode(bytes)) })
    }
}

impl std::fmt::Debug for Input {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let start: String = self.address.chars().take(40).collect();
        f.debug_struct("Input").field("address", &start).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_become_addresses_and_addresses_stay() {
        assert_eq!(Input::read("https://h/a.png").unwrap().address, "https://h/a.png");
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("a.PNG");
        std::fs::write(&path, b"hello").unwrap();
        let input = Input::read(path.to_str().unwrap()).unwrap();
        assert_eq!(input.address, "data:image/png;base64,aGVsbG8=");
        assert!(Input::read("/nowhere/a.png").unwrap_err().contains("/nowhere/a.png"));
    }

    #[test]
    fn what_is_too_large_for_a_task_is_said() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("a.wav");
        std::fs::File::create(&path).unwrap().set_len(MAX_FILE_BYTES + 1).unwrap();
        assert!(Input::read(path.to_str().unwrap()).unwrap_err().contains("10 MiB"));
    }
}
