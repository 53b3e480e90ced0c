//! A tiny trained picture model inside of the program, and how it comes to the disk.
//!
//! It is there so that a new studio can draw at once, without a download; its files are mostly zeros and are packed.

use std::fs::{self, File};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use flate2::read::GzDecoder;
use serde_json::Map;
use studio_protocol::{CliDefaults, FileRole, ModelFile, ModelSource};

/// What the registry and the folder of the files are called.
pub const MODEL: &str = "starter-shapes";
/// Device memory of a job, GiB: weights, activations and the engine's own buffers, with room.
pub const VRAM_GB: f64 = 0.3;
/// The only side that it was trained for, pixels.
const SIDE: u32 = 128;
/// Where its measured quality is reached.
const STEPS: u32 = 8;
/// Zeros of this length are skipped when a file is written, so that they take no room on most file systems.
const BLOCK_BYTES: usize = 64 * 1024;

/// One file of the model.
#[derive(Debug)]
pub struct StarterFile {
    /// Its plain name.
    pub filename: &'static str,
    /// What it is to the engine.
    pub role: FileRole,
    /// Its length once unpacked.
    pub bytes: u64,
    /// Lowercase hex, of the unpacked file.
    pub sha256: &'static str,
    packed: &'static [u8],
}

/// Every file, in the order of the registry entry.
pub const FILES: [StarterFile; 3] = [
    StarterFile {
        filename: "transformer.safetensors",
        role: FileRole::DiffusionModel,
        bytes: 11_149_024,
        sha256: "f1ee34f9e92041f392c5a3f3700c04d86205ff25dfd5744145b203567775329f",
        packed: include_bytes!("../assets/transformer.safetensors.gz"),
    },
    StarterFile {
        filename: "text_encoder.safetensors",
        role: FileRole::TextEncoder,
        bytes: 21_697_816,
        sha256: "aaf749f9b47d2a839d96c2573e7979346eec688c8870d27e1709535c12ce955c",
        packed: include_bytes!("../assets/text_encoder.safetensors.gz"),
    },
    StarterFile {
        filename: "vae.safetensors",
        role: FileRole::Vae,
        bytes: 40_583_852,
        sha256: "e5483ed29d71e72bef49c788f91130c42e11b485b3a0eb04fa83dc968de3e616",
        packed: include_bytes!("../assets/vae.safetensors.gz"),
    },
];

/// The source of the registry entry; its files come from the studio itself.
pub fn source() -> ModelSource {
    let file = |file: &StarterFile| ModelFile {
        role: file.role.clone(),
        url: format!("studio:///models/{MODEL}/{}", file.filename),
        mirrors: Vec::new(),
        filename: file.filename.to_owned(),
        approx_bytes: Some(file.bytes),
        sha256: Some(file.sha256.to_owned()),
    };
    // The same numbers on every device, so that a picture can be compared.
    let more =
        Map::from_iter([("samplingMethod".to_owned(), "euler".into()), ("rng".to_owned(), "cpu".into())]);
    let cli_defaults = CliDefaults { cfg_scale: 1.0, steps: STEPS, width: SIDE, height: SIDE, more };
    ModelSource { engine: "sd-cpp".to_owned(), files: FILES.iter().map(file).collect(), cli_defaults }
}

/// Writes the files to `root/starter-shapes`, each in place only when it is whole, and returns their paths.
pub fn unpack(root: &Path) -> io::Result<Vec<PathBuf>> {
    let folder = root.join(MODEL);
    fs::create_dir_all(&folder)?;
    FILES.iter().map(|file| unpack_one(file, &folder)).collect()
}

fn unpack_one(file: &StarterFile, folder: &Path) -> io::Result<PathBuf> {
    let path = folder.join(file.filename);
    let part = path.with_added_extension("part");
    let written = File::create(&part).and_then(|out| {
        let bytes = copy_sparse(&mut GzDecoder::new(file.packed), &out)?;
        if bytes != file.bytes {
            let problem = format!("`{}` unpacks to {bytes} bytes in place of {}", file.filename, file.bytes);
            return Err(io::Error::new(io::ErrorKind::InvalidData, problem));
        }
        out.sync_all()
    });
    match written.and_then(|()| fs::rename(&part, &path)) {
        Ok(()) => Ok(path),
        Err(error) => {
            // It may not have come into being at all.
            let _ = fs::remove_file(&part);
            Err(error)
        }
    }
}

fn copy_sparse(from: &mut impl Read, mut to: &File) -> io::Result<u64> {
    let mut block = vec![0; BLOCK_BYTES];
    let mut total = 0;
    loop {
        let filled = fill(from, &mut block)?;
        if filled == 0 {
            // Zeros at the end were skipped only.
            to.set_len(total)?;
            return Ok(total);
        }
        if block[..filled].iter().all(|byte| *byte == 0) {
            to.seek(SeekFrom::Start(total + filled as u64))?;
        } else {
            to.write_all(&block[..filled])?;
        }
        total += filled as u64;
    }
}

/// Reads until the block is full or nothing more comes.
fn fill(from: &mut impl Read, block: &mut [u8]) -> io::Result<usize> {
    let mut filled = 0;
    while filled < block.len() {
        match from.read(&mut block[filled..])? {
            0 => break,
            read => filled += read,
        }
    }
    Ok(filled)
}

#[cfg(test)]
mod tests {
    use sha2::{Digest, Sha256};

    use super::*;

    #[test]
    fn what_is_unpacked_has_the_sizes_and_hashes_that_are_told() {
        let dir = tempfile::tempdir().unwrap();
        let paths = unpack(dir.path()).unwrap();
        assert_eq!(paths.len(), FILES.len());
        for (file, path) in FILES.iter().zip(&paths) {
            let bytes = fs::read(path).unwrap();
            assert_eq!(bytes.len() as u64, file.bytes, "{}", file.filename);
            assert_eq!(hex::encode(Sha256::digest(&bytes)), file.sha256, "{}", file.filename);
        }
        let left = fs::read_dir(dir.path().join(MODEL)).unwrap().count();
        assert_eq!(left, FILES.len(), "nothing half-written stays");
    }

    #[test]
    fn unpacking_again_replaces_what_is_damaged() {
        let dir = tempfile::tempdir().unwrap();
        let path = unpack(dir.path()).unwrap().remove(0);
        fs::write(&path, b"damaged").unwrap();
        unpack(dir.path()).unwrap();
        assert_eq!(fs::metadata(&path).unwrap().len(), FILES[0].bytes);
    }

    #[test]
    fn a_folder_that_cannot_be_made_is_an_error() {
        let dir = tempfile::tempdir().unwrap();
        fs::write(dir.path().join(MODEL), b"in the way").unwrap();
        assert!(unpack(dir.path()).is_err());
    }

    #[test]
    fn the_entry_names_each_file_with_its_hash() {
        let source = source();
        let named: Vec<_> = source.files.iter().map(|file| file.sha256.as_deref().unwrap()).collect();
        assert_eq!(named, FILES.map(|file| file.sha256));
        assert!(source.files.iter().all(ModelFile::has_plain_name));
        assert_eq!((source.cli_defaults.width, source.cli_defaults.height), (SIDE, SIDE));
    }
}
