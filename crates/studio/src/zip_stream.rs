//! Writes ZIP archives as a stream: nothing is known ahead of an entry's end, and nothing is gone back to.
//!
//! Entries are stored as they are (pictures and sound are compressed already), so that an archive costs no more than
//! its bytes. Sizes and checksums follow each entry; the directory at the end names them again, which is what readers
//! go by. Entries and archives beyond 4 GiB, and more than 65,535 entries, get the 64-bit fields of the format.

use bytes::Bytes;

/// Sizes follow the data, names are UTF-8.
const FLAGS: u16 = (1 << 3) | (1 << 11);
const STORED: u16 = 0;
/// Readers need this version of the format: 4.5 has the 64-bit fields.
const NEEDED: u16 = 45;
/// 1 January 1980: the earliest that the format knows, for archives that are equal when their contents are.
const DOS_DATE: u16 = (1 << 5) | 1;
const MAX_32: u64 = u32::MAX as u64;
const EXTRA_64: u16 = 1;

/// An archive on its way; its caller sends what each step gives back, in order.
#[derive(Debug, Default)]
pub struct ZipStream {
    offset: u64,
    entries: Vec<Entry>,
    open: Option<Open>,
}

#[derive(Debug)]
struct Entry {
    name: String,
    offset: u64,
    bytes: u64,
    crc: u32,
}

#[derive(Debug)]
struct Open {
    name: String,
    offset: u64,
    bytes: u64,
    crc: crc32fast::Hasher,
}

impl ZipStream {
    /// Begins an entry; the one before has to be ended.
    pub fn begin(&mut self, name: &str) -> Bytes {
        let mut out = Vec::with_capacity(64 + name.len());
        put32(&mut out, 0x0403_4b50);
        put16(&mut out, NEEDED);
        put16(&mut out, FLAGS);
        put16(&mut out, STORED);
        put16(&mut out, 0);
        put16(&mut out, DOS_DATE);
        put32(&mut out, 0);
        put32(&mut out, u32::MAX);
        put32(&mut out, u32::MAX);
        put16(&mut out, name.len() as u16);
        put16(&mut out, 20);
        out.extend_from_slice(name.as_bytes());
        // With this field the sizes behind the data have 64 bits.
        put16(&mut out, EXTRA_64);
        put16(&mut out, 16);
        put64(&mut out, 0);
        put64(&mut out, 0);
        self.open = Some(Open {
            name: name.to_owned(),
            offset: self.offset,
            bytes: 0,
            crc: crc32fast::Hasher::new(),
        });
        self.sent(out)
    }

    /// Notes a part of the entry that is open; the part itself is sent as it is.
    pub fn data(&mut self, part: &[u8]) {
        if let Some(open) = &mut self.open {
            open.crc.update(part);
            open.bytes += part.len() as u64;
            self.offset += part.len() as u64;
        }
    }

    /// Ends the entry that is open.
    pub fn end(&mut self) -> Bytes {
        let Some(Open { name, offset, bytes, crc }) = self.open.take() else { return Bytes::new() };
        let crc = crc.finalize();
        self.entries.push(Entry { name, offset, bytes, crc });
        let mut out = Vec::with_capacity(24);
        put32(&mut out, 0x0807_4b50);
        put32(&mut out, crc);
        put64(&mut out, bytes);
        put64(&mut out, bytes);
        self.sent(out)
    }

    /// The directory, and with it the end of the archive.
    pub fn finish(mut self) -> Bytes {
        let start = self.offset;
        let mut out = Vec::new();
        for entry in &self.entries {
            directory_entry(&mut out, entry);
        }
        let size = out.len() as u64;
        let count = self.entries.len() as u64;
        if start > MAX_32 || size > MAX_32 || count > u64::from(u16::MAX) {
            let record = start + size;
            put32(&mut out, 0x0606_4b50);
            put64(&mut out, 44);
            put16(&mut out, NEEDED);
            put16(&mut out, NEEDED);
            put32(&mut out, 0);
            put32(&mut out, 0);
            put64(&mut out, count);
            put64(&mut out, count);
            put64(&mut out, size);
            put64(&mut out, start);
            put32(&mut out, 0x0706_4b50);
            put32(&mut out, 0);
            put64(&mut out, record);
            put32(&mut out, 1);
        }
        let few = u16::try_from(count).unwrap_or(u16::MAX);
        put32(&mut out, 0x0605_4b50);
        put16(&mut out, 0);
        put16(&mut out, 0);
        put16(&mut out, few);
        put16(&mut out, few);
        put32(&mut out, small(size));
        put32(&mut out, small(start));
        put16(&mut out, 0);
        self.sent(out)
    }

    fn sent(&mut self, out: Vec<u8>) -> Bytes {
        self.offset += out.len() as u64;
        out.into()
    }
}

fn directory_entry(out: &mut Vec<u8>, entry: &Entry) {
    let is_large = entry.bytes > MAX_32 || entry.offset > MAX_32;
    put32(out, 0x0201_4b50);
    put16(out, NEEDED);
    put16(out, NEEDED);
    put16(out, FLAGS);
    put16(out, STORED);
    put16(out, 0);
    put16(out, DOS_DATE);
    put32(out, entry.crc);
    let bytes = if is_large { u32::MAX } else { entry.bytes as u32 };
    put32(out, bytes);
    put32(out, bytes);
    put16(out, entry.name.len() as u16);
    put16(out, if is_large { 28 } else { 0 });
    put16(out, 0);
    put16(out, 0);
    put16(out, 0);
    put32(out, 0);
    put32(out, if is_large { u32::MAX } else { entry.offset as u32 });
    out.extend_from_slice(entry.name.as_bytes());
    if is_large {
        put16(out, EXTRA_64);
        put16(out, 24);
        put64(out, entry.bytes);
        put64(out, entry.bytes);
        put64(out, entry.offset);
    }
}

fn small(number: u64) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}

fn put16(out: &mut Vec<u8>, number: u16) {
    out.extend_from_slice(&number.to_le_bytes());
}

fn put32(out: &mut Vec<u8>, number: u32) {
    out.extend_from_slice(&number.to_le_bytes());
}

fn put64(out: &mut Vec<u8>, number: u64) {
    out.extend_from_slice(&number.to_le_bytes());
}

#[cfg(test)]
mod tests {
    use std::io::Write;
    use std::process::Command;

    use super::*;

    fn archive(entries: &[(&str, &[&[u8]])]) -> Vec<u8> {
        let mut zip = ZipStream::default();
        let mut out = Vec::new();
        for (name, parts) in entries {
            out.extend_from_slice(&zip.begin(name));
            for part in *parts {
                zip.data(part);
                out.extend_from_slice(part);
            }
            out.extend_from_slice(&zip.end());
        }
        out.extend_from_slice(&zip.finish());
        out
    }

    /// Python's own reader: names and contents, checked by their checksums.
    fn read(archive: &[u8]) -> String {
        const SCRIPT: &str = "import sys, zipfile\n\
            z = zipfile.ZipFile(sys.argv[1])\n\
            assert z.testzip() is None\n\
            print('|'.join(f'{i.filename}={z.read(i)[:20].decode()}' for i in z.infolist()))";
        let mut file = tempfile::NamedTempFile::new().unwrap();
        file.write_all(archive).unwrap();
        let ran = Command::new("python3").args(["-c", SCRIPT]).arg(file.path()).output().unwrap();
        assert!(ran.status.success(), "{}", String::from_utf8_lossy(&ran.stderr));
        String::from_utf8(ran.stdout).unwrap().trim().to_owned()
    }

    #[test]
    fn another_reader_finds_what_went_in() {
        assert_eq!(read(&archive(&[])), "");
        let written = archive(&[("a/\u{fc}.txt", &[b"one ", b"two"]), ("empty", &[]), ("b.json", &[b"{}"])]);
        assert_eq!(read(&written), "a/\u{fc}.txt=one two|empty=|b.json={}");
    }

    #[test]
    fn more_entries_than_sixteen_bits_count() {
        let names: Vec<String> = (0..70_000).map(|n| format!("{n}")).collect();
        let entries: Vec<(&str, &[&[u8]])> = names.iter().map(|name| (name.as_str(), &[][..])).collect();
        let found = read(&archive(&entries));
        assert_eq!(found.split('|').count(), 70_000);
    }

    #[test]
    fn an_entry_beyond_four_gibibytes_is_told_in_sixty_four_bits() {
        let mut zip = ZipStream::default();
        zip.begin("large");
        zip.open.as_mut().unwrap().bytes = 5_000_000_000;
        zip.offset += 5_000_000_000;
        zip.end();
        zip.begin("after");
        zip.end();
        let end = zip.finish();
        let find = |signature: u32| {
            let bytes = signature.to_le_bytes();
            end.windows(4).filter(|window| *window == bytes).count()
        };
        assert_eq!((find(0x0606_4b50), find(0x0706_4b50), find(0x0605_4b50)), (1, 1, 1));
        let large = 5_000_000_000_u64.to_le_bytes();
        assert_eq!(end.windows(8).filter(|window| *window == large).count(), 2);
    }
}
