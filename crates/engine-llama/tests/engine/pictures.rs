//! Pictures in a chat.

use std::collections::BTreeMap;
use std::fs;

use serde_json::{Value, json};
use tiny_models::gguf::{LanguageModel, VisionProjector};

use crate::peer::{Done, FILE, Folder, PROJECTOR, Peer, says};

const RED: &str = "https://pictures.invalid/red.ppm";
const BLUE: &str = "https://pictures.invalid/blue.ppm";

/// A folder with both models and two pictures.
fn folder() -> Folder {
    let folder = Folder::with(&LanguageModel::default());
    VisionProjector::default().write(&folder.path(PROJECTOR)).unwrap();
    for (name, colour) in [("red.ppm", [255, 0, 0]), ("blue.ppm", [0, 0, 255])] {
        let mut picture = b"P6 48 40 255\n".to_vec();
        picture.extend(colour.repeat(48 * 40));
        fs::write(folder.path(name), picture).unwrap();
    }
    fs::write(folder.path("text.ppm"), "no picture").unwrap();
    folder
}

fn seeing(folder: &Folder) -> Peer {
    let mut peer = Peer::start();
    let files = [("model", FILE), ("text-encoder-vision", PROJECTOR)];
    peer.load(&folder.load(&files, &json!({}))).unwrap();
    peer
}

fn inputs(folder: &Folder, pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
    let path = |name: &str| folder.path(name).to_str().unwrap().to_owned();
    pairs.iter().map(|&(url, name)| (url.to_owned(), path(name))).collect()
}

fn asked(peer: &mut Peer, folder: &Folder, urls: &[&str]) -> Done {
    let task = says("what is it?", &json!({"maxTokens": 16, "images": urls}));
    peer.begin_with("job", &task, inputs(folder, &[(RED, "red.ppm"), (BLUE, "blue.ppm")]));
    peer.end("job").unwrap_or_else(|failed| panic!("{}", failed.message))
}

#[test]
fn what_is_said_depends_on_the_picture() {
    let folder = folder();
    let mut peer = seeing(&folder);
    let (red, blue) = (asked(&mut peer, &folder, &[RED]), asked(&mut peer, &folder, &[BLUE]));
    assert_ne!(red.content(), blue.content());
    assert_eq!(asked(&mut peer, &folder, &[RED]).content(), red.content());
    let both = asked(&mut peer, &folder, &[RED, BLUE]);
    let tokens = VisionProjector::TOKENS as u64;
    assert!(both.usage("prompt_tokens") >= red.usage("prompt_tokens") + tokens, "{}", both.result);
    let words = peer.done(&says("what is it?", &json!({"maxTokens": 16})));
    assert!(red.usage("prompt_tokens") >= words.usage("prompt_tokens") + tokens);
}

#[test]
fn pictures_and_words_go_side_by_side() {
    let folder = folder();
    let mut peer = seeing(&folder);
    let words = says("the quick brown fox", &json!({"maxTokens": 60}));
    let (expected, red) = (peer.done(&words), asked(&mut peer, &folder, &[RED]));
    peer.begin("words", &words);
    let task = says("what is it?", &json!({"maxTokens": 16, "images": [RED]}));
    peer.begin_with("picture", &task, inputs(&folder, &[(RED, "red.ppm")]));
    let ends = peer.ends(&["words", "picture"]);
    assert_eq!(ends[0].as_ref().unwrap().content(), expected.content());
    assert_eq!(ends[1].as_ref().unwrap().content(), red.content());
}

#[test]
fn what_cannot_be_seen_is_refused_in_words() {
    let folder = folder();
    let task = says("what is it?", &json!({"images": [RED]}));
    let mut blind = Peer::serving(&folder, &json!({}));
    blind.begin_with("job", &task, inputs(&folder, &[(RED, "red.ppm")]));
    assert!(blind.end("job").unwrap_err().message.contains("text-encoder-vision"));
    let mut peer = seeing(&folder);
    let mut problem = |task: &Value, name: &str| {
        peer.begin_with("job", task, inputs(&folder, &[(RED, name)]));
        peer.end("job").unwrap_err().message
    };
    assert!(problem(&task, "text.ppm").contains("`text.ppm` is no picture"));
    assert!(problem(&task, "gone.ppm").contains("gone.ppm"));
    let marked = says("what is <__media__>?", &json!({"images": [RED]}));
    assert!(problem(&marked, "red.ppm").contains("<__media__>"));
    let mut other = Peer::start();
    let files = [("model", FILE), ("text-encoder-vision", FILE)];
    let failed = other.try_load(&folder.load(&files, &json!({})));
    assert!(failed.is_none_or(|end| end.is_err()), "a language model is no projector");
}
