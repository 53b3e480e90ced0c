//! What the studio signs: addresses that open one thing for a while, and what it tells others.
//!
//! Every signature and every derived secret comes from one key in a private file; none of them is stored.

use std::path::Path;

use anyhow::{Context, bail};
use hmac::digest::KeyInit;
use hmac::{Hmac, Mac};
use sha2::Sha256;
use studio_runtime::{Mode, write_atomic};
use subtle::ConstantTimeEq;

/// Length of the key: that of the hash.
const KEY_BYTES: usize = 32;
/// What SHA-256 takes at a time.
const BLOCK_BYTES: usize = 64;

/// Signs with the studio's key; clones share it.
#[derive(Clone)]
pub struct Signer(Hmac<Sha256>);

impl std::fmt::Debug for Signer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Signer")
    }
}

impl Signer {
    /// Reads the key from `path`, or draws one and writes it there.
    pub fn open(path: &Path) -> anyhow::Result<Self> {
        if let Some(signer) = Self::load(path)? {
            return Ok(signer);
        }
        let key: [u8; KEY_BYTES] = rand::random();
        write_atomic(path, format!("{}\n", hex::encode(key)).as_bytes(), Mode::Private)
            .with_context(|| format!("could not write `{}`", path.display()))?;
        Ok(Self::new(&key))
    }

    /// Reads the key from `path`; nothing is made where there is none.
    pub fn load(path: &Path) -> anyhow::Result<Option<Self>> {
        match std::fs::read_to_string(path) {
            Ok(text) => {
                let key = read(&text).with_context(|| format!("`{}` is damaged", path.display()))?;
                Ok(Some(Self::new(&key)))
            }
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error).with_context(|| format!("could not read `{}`", path.display())),
        }
    }

    /// With a key at hand.
    pub fn new(key: &[u8; KEY_BYTES]) -> Self {
        // A key that is shorter than a block is padded with zeros: RFC 2104.
        let mut block = [0; BLOCK_BYTES];
        block[..KEY_BYTES].copy_from_slice(key);
        Self(<Hmac<Sha256> as KeyInit>::new(&block.into()))
    }

    /// 32 bytes that only this studio can compute for `purpose` and `parts`.
    pub fn derive(&self, purpose: &str, parts: &[&str]) -> [u8; KEY_BYTES] {
        let mut mac = self.0.clone();
        for part in std::iter::once(&purpose).chain(parts) {
            // With its length, so that no two lists of parts read the same.
            mac.update(&(part.len() as u64).to_be_bytes());
            mac.update(part.as_bytes());
        }
        mac.finalize().into_bytes().into()
    }

    /// The same as 64 hex characters.
    pub fn sign(&self, purpose: &str, parts: &[&str]) -> String {
        hex::encode(self.derive(purpose, parts))
    }

    /// Whether `signature` is what [`sign`](Self::sign) gives; takes the same time for every wrong one.
    pub fn verify(&self, purpose: &str, parts: &[&str], signature: &str) -> bool {
        self.sign(purpose, parts).as_bytes().ct_eq(signature.as_bytes()).into()
    }
}

fn read(text: &str) -> anyhow::Result<[u8; KEY_BYTES]> {
    let bytes = hex::decode(text.trim()).context("it is not hex")?;
    match <[u8; KEY_BYTES]>::try_from(bytes) {
        Ok(key) => Ok(key),
        Err(bytes) => bail!("it has {} bytes, not {KEY_BYTES}: restore it from a backup", bytes.len()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_signature_is_good_for_what_was_signed_only() {
        let signer = Signer::new(&[7; KEY_BYTES]);
        let signature = signer.sign("artefact", &["a-1", "99"]);
        assert!(signer.verify("artefact", &["a-1", "99"], &signature));
        for (purpose, parts) in
            [("artefact", &["a-1", "98"][..]), ("artefact", &["a-19", "9"]), ("input", &["a-1", "99"])]
        {
            assert!(!signer.verify(purpose, parts, &signature), "{purpose} {parts:?}");
        }
        assert!(!signer.verify("artefact", &["a-1", "99"], &signature[1..]));
        assert!(!Signer::new(&[8; KEY_BYTES]).verify("artefact", &["a-1", "99"], &signature));
    }

    #[test]
    fn the_key_outlives_the_process_and_damage_is_named() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("studio.key");
        let first = Signer::open(&path).unwrap().sign("x", &[]);
        assert_eq!(Signer::open(&path).unwrap().sign("x", &[]), first);
        std::fs::write(&path, "abc").unwrap();
        assert!(format!("{:#}", Signer::open(&path).unwrap_err()).contains("studio.key"));
    }
}
