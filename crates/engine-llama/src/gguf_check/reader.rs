//! Little-endian numbers and texts of a file whose length is known.

use std::fs::File;
use std::io::{BufReader, Read};

use super::{GgufError, broken};

pub(super) struct Reader {
    file: BufReader<File>,
    at: u64,
    length: u64,
}

impl Reader {
    pub(super) fn new(file: File, length: u64) -> Self {
        Self { file: BufReader::new(file), at: 0, length }
    }

    pub(super) fn at(&self) -> u64 {
        self.at
    }

    pub(super) fn length(&self) -> u64 {
        self.length
    }

    pub(super) fn left(&self) -> u64 {
        self.length - self.at
    }

    pub(super) fn bytes(&mut self, count: u64, what: &str) -> Result<Vec<u8>, GgufError> {
        self.take(count, what)?;
        let mut bytes = vec![0; count as usize];
        self.file.read_exact(&mut bytes)?;
        Ok(bytes)
    }

    pub(super) fn u16(&mut self, what: &str) -> Result<u16, GgufError> {
        Ok(u16::from_le_bytes(self.array(what)?))
    }

    pub(super) fn u32(&mut self, what: &str) -> Result<u32, GgufError> {
        Ok(u32::from_le_bytes(self.array(what)?))
    }

    pub(super) fn u64(&mut self, what: &str) -> Result<u64, GgufError> {
        Ok(u64::from_le_bytes(self.array(what)?))
    }

    /// A text of at most `most` bytes.
    pub(super) fn text(&mut self, most: u64, what: &str) -> Result<String, GgufError> {
        let length = self.u64(what)?;
        if length > most {
            return Err(broken(format!("has {what} of {length} bytes, at most {most} are allowed")));
        }
        let bytes = self.bytes(length, what)?;
        String::from_utf8(bytes).map_err(|_| broken(format!("has {what} that is no UTF-8")))
    }

    pub(super) fn skip_text(&mut self, what: &str) -> Result<(), GgufError> {
        let length = self.u64(what)?;
        self.skip(length, what)
    }

    pub(super) fn skip(&mut self, count: u64, what: &str) -> Result<(), GgufError> {
        self.take(count, what)?;
        let offset = i64::try_from(count).map_err(|_| broken(format!("has {count} bytes for {what}")))?;
        self.file.seek_relative(offset)?;
        Ok(())
    }

    fn array<const N: usize>(&mut self, what: &str) -> Result<[u8; N], GgufError> {
        self.take(N as u64, what)?;
        let mut bytes = [0; N];
        self.file.read_exact(&mut bytes)?;
        Ok(bytes)
    }

    /// Nothing is read, and no memory is taken, beyond the end of the file.
    fn take(&mut self, count: u64, what: &str) -> Result<(), GgufError> {
        if count > self.left() {
            return Err(broken(format!(
                "ends within {}: {count} bytes are wanted at byte {}, the file has {}",
                what.escape_debug(),
                self.at,
                self.length
            )));
        }
        self.at += count;
        Ok(())
    }
}
