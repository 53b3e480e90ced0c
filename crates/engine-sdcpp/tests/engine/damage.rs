//! Damaged files: a failure or a dead process, never a hang.

use std::fs;
use std::io::{Read, Write};
use std::path::{Path, PathBuf};

use engine_protocol::Event;
use serde_json::json;
use tempfile::TempDir;
use tiny_models::{Weights, zimage};

use crate::peer::{Peer, load};
use crate::tiny::{FILES, model_dir};

/// A folder with the model, of which one file may be changed.
fn copy_with(file: &str, bytes: &[u8]) -> TempDir {
    let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    for (_, name) in &FILES {
        if *name == file {
            fs::write(folder.path().join(name), bytes).unwrap();
        } else {
            fs::hard_link(model_dir().join(name), folder.path().join(name)).unwrap();
        }
    }
    folder
}

#[derive(Debug, PartialEq, Eq)]
enum End {
    Loaded,
    Failed(String),
    Died,
}

/// Loads what is in a folder; a process that died is replaced.
fn try_load(peer: &mut Peer, folder: &Path) -> End {
    let mut wanted = load(folder, &FILES, json!({"threads": 1}));
    wanted.dir = Some(folder.to_str().unwrap().to_owned());
    match peer.load(wanted).pop() {
        Some(Event::Loaded(_)) => End::Loaded,
        Some(Event::Failed(failed)) => End::Failed(failed.message),
        _ => {
            peer.ends();
            *peer = Peer::start();
            End::Died
        }
    }
}

#[test]
fn broken_files_are_refused_before_the_library_reads_them() {
    let mut peer = Peer::start();
    let whole = fs::read(model_dir().join(zimage::TRANSFORMER)).unwrap();
    let header = u64::from_le_bytes(whole[..8].try_into().unwrap()) as usize;
    let with_header = |length: u64| [&length.to_le_bytes(), &whole[8..]].concat();
    let mut refused = |what: &str, bytes: &[u8]| {
        let folder = copy_with(zimage::TRANSFORMER, bytes);
        let End::Failed(message) = try_load(&mut peer, folder.path()) else { panic!("{what}") };
        assert!(message.contains(zimage::TRANSFORMER), "{what}: {message}");
    };
    for end in
        [0, 1, 7, 8, 9, 100, 8 + header - 1, 8 + header, 8 + header + 1, whole.len() / 2, whole.len() - 1]
    {
        refused(&format!("cut off after {end} bytes"), &whole[..end]);
    }
    refused("another magic", &[b"GGML".as_slice(), &whole[4..]].concat());
    refused("zeros", &vec![0; whole.len()]);
    for length in [u64::MAX, u64::MAX - 8, 1 << 40, whole.len() as u64, 0, 1] {
        refused(&format!("a header of {length} bytes"), &with_header(length));
    }
    let cut = copy_with(zimage::LORA, b"LORA");
    assert!(
        matches!(try_load(&mut peer, cut.path()), End::Failed(message) if message.contains(zimage::LORA))
    );
    let whole = copy_with("", b"");
    assert_eq!(try_load(&mut peer, whole.path()), End::Loaded, "the engine is as good as new");
}

/// A file of the model whose head, where all is structure, is changed.
struct Victim {
    path: PathBuf,
    head: Vec<u8>,
}

/// Changes a few bytes of a file's head and loads the model, again and again; says how often what happened.
fn mutate(rounds: u64) -> [u64; 3] {
    let mut peer = Peer::start();
    let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    let victims = [zimage::TRANSFORMER, zimage::TEXT_ENCODER, zimage::VAE, zimage::LORA].map(|name| {
        let path = folder.path().join(name);
        fs::copy(model_dir().join(name), &path).unwrap();
        let mut file = fs::File::open(&path).unwrap();
        let mut length = [0; 8];
        file.read_exact(&mut length).unwrap();
        let mut head = length.to_vec();
        file.take(u64::from_le_bytes(length)).read_to_end(&mut head).unwrap();
        Victim { path, head }
    });
    let mut counts = [0; 3];
    for round in 0..rounds {
        let mut random = Weights::new(round);
        let victim = &victims[(round % 4) as usize];
        overwrite(&victim.path, &changed(&victim.head, &mut random));
        match try_load(&mut peer, folder.path()) {
            End::Loaded => counts[0] += 1,
            End::Failed(message) => {
                assert!(!message.is_empty());
                counts[1] += 1;
            }
            End::Died => counts[2] += 1,
        }
        overwrite(&victim.path, &victim.head);
    }
    assert_eq!(try_load(&mut peer, folder.path()), End::Loaded, "the engine is as good as new");
    counts
}

fn changed(head: &[u8], random: &mut Weights) -> Vec<u8> {
    let mut bytes = head.to_vec();
    for _ in 0..=random.next_u64() % 3 {
        let place = (random.next_u64() % bytes.len() as u64) as usize;
        bytes[place] = match random.next_u64() % 3 {
            0 => bytes[place] ^ (1 << (random.next_u64() % 8)),
            // What keeps the JSON whole more often.
            1 => b'0' + (random.next_u64() % 10) as u8,
            _ => random.next_u64() as u8,
        };
    }
    bytes
}

/// Changes the start of a file.
fn overwrite(path: &Path, head: &[u8]) {
    fs::OpenOptions::new().write(true).open(path).unwrap().write_all(head).unwrap();
}

#[test]
fn what_only_starts_like_a_gguf_is_no_model() {
    let mut peer = Peer::start();
    for seed in 0..20 {
        let mut random = Weights::new(seed);
        let counts = [random.next_u64() % 9, random.next_u64() % 9].map(u64::to_le_bytes);
        let rest: Vec<u8> = (0..64).flat_map(|_| random.next_u64().to_le_bytes()).collect();
        let file = [b"GGUF\x03\0\0\0".as_slice(), counts.as_flattened(), &rest].concat();
        let folder = copy_with(zimage::TRANSFORMER, &file);
        assert_ne!(try_load(&mut peer, folder.path()), End::Loaded, "seed {seed}");
    }
}

#[test]
fn random_changes_never_make_it_hang() {
    let [loaded, failed, died] = mutate(200);
    assert_eq!(loaded + failed + died, 200);
    assert!(failed > 100, "{loaded} loaded, {failed} failed, {died} died");
}

/// Takes some ten minutes: `cargo test -p engine-sdcpp --features all -- --ignored ten_thousand --nocapture`.
#[test]
#[ignore = "takes ten minutes"]
fn ten_thousand_random_changes_never_make_it_hang() {
    let [loaded, failed, died] = mutate(10_000);
    println!("{loaded} loaded, {failed} failed, {died} died");
    assert_eq!(loaded + failed + died, 10_000);
}
