//! One chat at a time: streaming, stops, counts, ends.

use serde_json::{Value, json};
use tiny_models::gguf::{LanguageModel, vocabulary};

use crate::peer::{Folder, Peer, says};

/// What the tiny model says to this is long and has no stop of its own for a while.
fn answer(peer: &mut Peer, more: &Value) -> crate::peer::Done {
    peer.done(&says("hello world", more))
}

#[test]
fn an_answer_streams_in_order_and_counts_its_tokens() {
    let mut peer = Peer::tiny(&LanguageModel::default(), &json!({}));
    let done = answer(&mut peer, &json!({"maxTokens": 24}));
    assert_eq!(done.streamed(), done.content());
    let indexes: Vec<u64> = done.deltas.iter().map(|delta| delta.index).collect();
    assert_eq!(indexes, (0..done.deltas.len() as u64).collect::<Vec<_>>());
    assert_eq!((done.finish(), done.usage("completion_tokens")), ("length", 24));
    assert_eq!(done.usage("total_tokens"), done.usage("prompt_tokens") + 24);
    assert_eq!(done.result["object"], "chat.completion");
    // `<|im_start|>`, `user` in its tokens, and so on: more than the words, fewer than the letters.
    assert!((8..60).contains(&done.usage("prompt_tokens")), "{}", done.result);
}

#[test]
fn a_stop_text_ends_the_answer_and_is_never_shown() {
    let mut peer = Peer::tiny(&LanguageModel::default(), &json!({}));
    let free = answer(&mut peer, &json!({"maxTokens": 40}));
    let whole = free.content().to_owned();
    let letters: Vec<(usize, char)> = whole.char_indices().collect();
    // Every stop text of some length that starts within the answer: many of them are split over tokens.
    let mut split = 0;
    for start in (3..letters.len() - 6).step_by(4) {
        let stop = &whole[letters[start].0..letters[start + 5].0];
        if stop.contains('\u{fffd}') {
            continue;
        }
        let done = answer(&mut peer, &json!({"maxTokens": 40, "stop": ["never said", stop]}));
        let expected = &whole[..whole.find(stop).unwrap()];
        assert_eq!(done.content(), expected, "stop {stop:?}");
        assert_eq!(done.streamed(), expected, "a delta leaked some of {stop:?}");
        assert_eq!(done.finish(), "stop");
        assert!(done.usage("completion_tokens") <= 40);
        let tokens = free.deltas.iter().filter(|delta| delta.text.contains(stop)).count();
        split += usize::from(tokens == 0);
    }
    assert!(split >= 2, "no stop text was split over tokens in {whole:?}");
}

#[test]
fn the_system_text_and_the_template_variables_reach_the_model() {
    let template = "{% for m in messages %}{{ m.role }}: {{ m.content }}\n{% endfor %}{{ mood }}\n";
    let mut peer = Peer::tiny(&LanguageModel::default(), &json!({"chatTemplate": template}));
    let plain = answer(&mut peer, &json!({"maxTokens": 12}));
    let system = answer(&mut peer, &json!({"maxTokens": 12, "system": "be brief"}));
    let mood = answer(&mut peer, &json!({"maxTokens": 12, "chatTemplateKwargs": {"mood": "glad"}}));
    assert!(system.usage("prompt_tokens") > plain.usage("prompt_tokens"));
    assert!(mood.usage("prompt_tokens") > plain.usage("prompt_tokens"));
    assert_ne!(plain.content(), system.content());
    assert_ne!(plain.content(), mood.content());
    let defaults = json!({"chatTemplate": template, "chatTemplateKwargs": {"mood": "glad"}});
    let mut other = Peer::tiny(&LanguageModel::default(), &defaults);
    assert_eq!(answer(&mut other, &json!({"maxTokens": 12})).content(), mood.content());
}

#[test]
fn a_template_that_refuses_is_quoted() {
    let template = "{{ raise_exception('only questions, please') }}";
    let mut peer = Peer::tiny(&LanguageModel::default(), &json!({"chatTemplate": template}));
    let failed = peer.refused(&says("hello", &json!({})));
    assert!(failed.message.contains("only questions, please") && !failed.retryable, "{}", failed.message);
}

#[test]
fn a_model_without_a_template_says_so() {
    let model = LanguageModel { chat_template: None, ..LanguageModel::default() };
    let failed = Peer::tiny(&model, &json!({})).refused(&says("hello", &json!({})));
    assert!(failed.message.contains("chatTemplate"), "{}", failed.message);
}

#[test]
fn characters_are_whole_in_every_delta() {
    // A model that draws bytes at random says many halves of characters.
    let mut peer = Peer::tiny(&LanguageModel::default(), &json!({}));
    for seed in 0..4 {
        let sampled =
            json!({"maxTokens": 60, "temperature": 2.0, "topK": 0, "topP": 1.0, "minP": 0.0, "seed": seed});
        let done = answer(&mut peer, &sampled);
        assert_eq!(done.streamed(), done.content());
    }
}

#[test]
fn an_answer_ends_where_the_model_ends_it() {
    let known = vocabulary();
    assert!(known.id("<|im_end|>").is_some());
    let mut peer = Peer::tiny(&LanguageModel::default(), &json!({}));
    let stopped = (0..60).find_map(|seed| {
        let sampled =
            json!({"maxTokens": 400, "temperature": 3.0, "topK": 0, "topP": 1.0, "minP": 0.0, "seed": seed});
        let done = answer(&mut peer, &sampled);
        (done.finish() == "stop").then_some(done)
    });
    let done = stopped.expect("a hot model draws its end among a few hundred tokens");
    assert!(done.usage("completion_tokens") < 400 && !done.content().contains("<|im_end|>"));
}

#[test]
fn files_and_settings_are_checked_by_name() {
    let folder = Folder::with(&LanguageModel::default());
    let mut peer = Peer::start();
    let mut problem = |files: &[(&str, &str)], more: &Value| {
        let failed = peer.load(&folder.load(files, more)).unwrap_err();
        failed.message
    };
    assert!(problem(&[("model", "gone.gguf")], &json!({})).contains("`gone.gguf` is missing"));
    assert!(problem(&[("vae", "tiny.gguf")], &json!({})).contains("role `vae`"));
    assert!(problem(&[("tokens", "tiny.gguf")], &json!({})).contains("role `tokens`"));
    assert!(problem(&[], &json!({})).contains("no file with the role `model`"));
    assert!(problem(&[("model", "../tiny.gguf")], &json!({})).contains("plain file name"));
    assert!(problem(&[("model", "tiny.gguf")], &json!({"kvType": 8})).contains("kvType"));
    assert!(
        problem(&[("model", "tiny.gguf")], &json!({"chatTemplate": "{% if %}"})).contains("chat template")
    );
    let memory = peer.load(&folder.load(&[("model", "tiny.gguf")], &json!({"contextSize": 1024}))).unwrap();
    // The file, and keys and values of 2 layers, 32 numbers each, 2 bytes a number, for 1024 tokens.
    let file = std::fs::metadata(folder.path("tiny.gguf")).unwrap().len();
    assert!((file / 2..2 * file + 1_000_000).contains(&memory.unwrap()), "{memory:?} for a file of {file}");
}

#[test]
fn a_model_in_two_files_is_loaded_by_the_first() {
    let model = LanguageModel::default();
    let expected = answer(&mut Peer::tiny(&model, &json!({})), &json!({"maxTokens": 8}));
    let folder = Folder::empty();
    let names = ["two-00001-of-00002.gguf", "two-00002-of-00002.gguf"];
    for (name, bytes) in names.iter().zip(model.halves()) {
        std::fs::write(folder.path(name), bytes).unwrap();
    }
    let load = folder.load(&[("model", names[1]), ("model", names[0])], &json!({}));
    let mut peer = Peer::start();
    peer.load(&load).unwrap();
    assert_eq!(answer(&mut peer, &json!({"maxTokens": 8})).content(), expected.content());
    std::fs::remove_file(folder.path(names[1])).unwrap();
    let failed = Peer::start().load(&load).unwrap_err();
    assert!(failed.message.contains("`two-00002-of-00002.gguf` is missing"), "{}", failed.message);
}

#[test]
fn cache_types_and_batches_change_the_computation_only() {
    let mut usual = Peer::tiny(&LanguageModel::default(), &json!({}));
    let task = says(&"the quick brown fox ".repeat(20), &json!({"maxTokens": 10}));
    let expected = usual.done(&task);
    for more in [
        json!({"kvType": "f32"}),
        json!({"flashAttention": true}),
        json!({"flashAttention": false}),
        json!({"batchSize": 16, "parallel": 2}),
        json!({"mmap": false, "gpuLayers": 0}),
        json!({"threads": 2, "contextSize": 4096}),
    ] {
        let mut peer = Peer::tiny(&LanguageModel::default(), &more);
        assert_eq!(peer.done(&task).content(), expected.content(), "{more}");
    }
}

#[test]
fn the_cache_takes_what_its_type_and_size_say() {
    let folder = Folder::with(&LanguageModel::default());
    let mut peer = Peer::start();
    let mut memory = |more: Value| peer.load(&folder.load(&[("model", "tiny.gguf")], &more));
    let base = memory(json!({"contextSize": 1024})).unwrap().unwrap();
    let cell = 2 * 2 * 32 * 2;
    assert_eq!(memory(json!({"contextSize": 2048})).unwrap().unwrap() - base, 1024 * cell);
    assert_eq!(memory(json!({"contextSize": 1024, "kvType": "f32"})).unwrap().unwrap() - base, 1024 * cell);
    // Blocks of 32 numbers do not fit heads of 16.
    let failed = memory(json!({"kvType": "q8_0"})).unwrap_err();
    assert!(failed.message.contains("context"), "{}", failed.message);
    assert!(memory(json!({})).is_ok(), "the process goes on");
}
