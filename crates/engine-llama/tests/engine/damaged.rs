//! Damaged files: always a failure in words or a dead process, never a hang and never a wrong model.

use std::fs;

use engine_protocol::FailureClass;
use serde_json::json;
use tiny_models::Weights;
use tiny_models::gguf::LanguageModel;

use crate::peer::{FILE, Folder, Peer, says};

/// How many mutations are tried; `STUDIO_MUTATIONS` makes it 10,000 for a night.
const MUTATIONS: u64 = 300;

/// An engine that is started anew whenever a file killed it.
struct Victim {
    peer: Option<Peer>,
    folder: Folder,
}

impl Victim {
    fn new() -> Self {
        Self { peer: None, folder: Folder::empty() }
    }

    /// The failure's message; `None` when the engine died; an error when the file was loaded.
    fn try_file(&mut self, bytes: &[u8]) -> Result<Option<String>, ()> {
        // A new file each time: the old one may still be mapped.
        let _ = fs::remove_file(self.folder.path(FILE));
        fs::write(self.folder.path(FILE), bytes).unwrap();
        let load = self
            .folder
            .load(&[("model", FILE)], &json!({"contextSize": 256, "parallel": 1, "batchSize": 32}));
        let mut peer = self.peer.take().unwrap_or_else(Peer::start);
        match peer.try_load(&load) {
            None => {
                assert!(!peer.ended().success());
                Ok(None)
            }
            Some(Ok(_)) => {
                // Whatever it is now, using it ends in some way too.
                peer.begin("job", &says("hello", &json!({"maxTokens": 3})));
                self.peer = peer.survives("job").then_some(peer);
                Err(())
            }
            Some(Err(failed)) => {
                let known = [FailureClass::Model, FailureClass::Memory].contains(&failed.class);
                assert!(known && !failed.message.is_empty(), "{failed:?}");
                self.peer = Some(peer);
                Ok(Some(failed.message))
            }
        }
    }
}

#[test]
fn a_truncated_file_is_refused_wherever_it_is_cut() {
    let good = LanguageModel::default().bytes();
    let mut victim = Victim::new();
    for part in 0..200 {
        let end = good.len() * part / 200;
        let message = victim.try_file(&good[..end]).expect("half a file was loaded");
        let message = message.expect("a cut file is noticed before it is loaded");
        assert!(message.contains(FILE), "{message}");
    }
}

#[test]
fn nonsense_is_refused_in_words() {
    let good = LanguageModel::default().bytes();
    let with = |at: usize, bytes: &[u8]| {
        let mut bad = good.clone();
        bad[at..at + bytes.len()].copy_from_slice(bytes);
        bad
    };
    let mut victim = Victim::new();
    for (bytes, word) in [
        (b"<html>404 not found</html>".to_vec(), "no GGUF"),
        (Vec::new(), "ends"),
        (with(0, b"GGML"), "no GGUF"),
        (with(4, &77_u32.to_le_bytes()), "version 77"),
        (with(8, &u64::MAX.to_le_bytes()), "tensors"),
        (with(16, &u64::MAX.to_le_bytes()), "keys"),
        (with(24, &(u64::MAX / 2).to_le_bytes()), "a key"),
    ] {
        let message = victim.try_file(&bytes).expect("nonsense was loaded").expect("nonsense is noticed");
        assert!(message.contains(word), "{message}");
    }
}

#[test]
fn mutations_never_hang_it() {
    let count =
        std::env::var("STUDIO_MUTATIONS").ok().and_then(|count| count.parse().ok()).unwrap_or(MUTATIONS);
    let good = LanguageModel::default().bytes();
    // Beyond the header only numbers are hit, which change what the model says and nothing else.
    let header = 18_000.min(good.len());
    let mut victim = Victim::new();
    let (mut refused, mut died, mut loaded) = (0, 0, 0);
    for seed in 0..count {
        let mut random = Weights::new(seed);
        let mut bad = good.clone();
        for _ in 0..=random.next_u64() % 4 {
            let at = (random.next_u64() % header as u64) as usize;
            let value = random.next_u64();
            match value % 3 {
                0 => bad[at] = (value >> 8) as u8,
                1 => bad[at] ^= 1 << (value >> 8 & 7),
                _ => bad[at..at + 4].copy_from_slice(&((value >> 8) as u32).to_le_bytes()),
            }
        }
        match victim.try_file(&bad) {
            Ok(Some(_)) => refused += 1,
            Ok(None) => died += 1,
            Err(()) => loaded += 1,
        }
    }
    println!("{count} mutations: {refused} refused, {died} died, {loaded} loaded");
    assert!(refused > 0 && refused + died + loaded == count);
}
