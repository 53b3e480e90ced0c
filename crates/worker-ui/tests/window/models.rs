//! The page Models.

use std::sync::Arc;

use eframe::egui::{Theme, Vec2};
use egui_kittest::kittest::Queryable;
use worker_local::{AddModel, LoadModel, Models};
use worker_ui::{Command, Fetched, Page, View, samples};

use crate::harness::{Window, is_disabled, looks, press, show, sized, text, typed, window};

fn page() -> Window {
    window(Page::Models, samples::few())
}

#[test]
fn every_place_has_its_models_and_what_can_be_done() {
    let mut window = page();
    for heading in ["Downloading", "In memory", "On this disk", "Not here", "Graphics memory", "Disk"] {
        window.get_by_label(heading);
    }
    window.get_by_label("Graphics memory: 8.0 of 10.0 GiB for models");
    window.get_by_label_contains("2.0 GiB of 7.0 GiB");
    window.get_by_label("the file's checksum is not the one that was announced");
    press(&mut window, "Load whisper-small");
    press(&mut window, "Unload qwen3-8b");
    let load = Command::LoadModel { model: "whisper-small".into(), load: LoadModel::default() };
    let unload = Command::UnloadModel { model: "qwen3-8b".into() };
    assert_eq!(window.state_mut().sent(), [load, unload]);
}

#[test]
fn files_are_removed_after_a_question_and_never_under_a_job() {
    let mut window = page();
    assert!(is_disabled(&window, "Remove z-image-turbo"));
    press(&mut window, "Remove whisper-small");
    assert!(window.state_mut().sent().is_empty());
    window.get_by_label_contains("Its files, 1.0 GiB, are deleted");
    press(&mut window, "Remove its files");
    let remove = Command::RemoveModel { model: "whisper-small".into() };
    assert_eq!(window.state_mut().sent(), [remove]);
}

#[test]
fn a_download_is_stopped_after_a_question() {
    let mut window = page();
    press(&mut window, "Stop the download of flux-schnell");
    press(&mut window, "Stop the download");
    assert_eq!(window.state_mut().sent(), [Command::RemoveModel { model: "flux-schnell".into() }]);
}

#[test]
fn a_model_is_loaded_with_what_it_needs_and_kept() {
    let mut window = page();
    press(&mut window, "Files of whisper-small");
    window.get_by_label("whisper-small-q4_k.gguf");
    typed(&mut window, "Memory that whisper-small needs, GiB", "much");
    assert!(is_disabled(&window, "Load whisper-small with this memory"));
    press(&mut window, "Less of whisper-small");
    press(&mut window, "Files of whisper-small");
    typed(&mut window, "Memory that whisper-small needs, GiB", "2.5");
    press(&mut window, "Load whisper-small and keep it in memory");
    let load = LoadModel { vram_gb: Some(2.5), resident: true };
    assert_eq!(window.state_mut().sent(), [Command::LoadModel { model: "whisper-small".into(), load }]);

    press(&mut window, "Files of z-image-turbo");
    press(&mut window, "Keep z-image-turbo in memory");
    let load = LoadModel { vram_gb: None, resident: true };
    assert_eq!(window.state_mut().sent(), [Command::LoadModel { model: "z-image-turbo".into(), load }]);
}

#[test]
fn a_model_is_added_from_a_source() {
    let mut window = page();
    assert!(is_disabled(&window, "Add"));
    typed(&mut window, "Name of the model", "sdxl");
    window.get_by_label("Say where it comes from");
    typed(&mut window, "Where the model comes from", "hf:stabilityai/sdxl:sd_xl.safetensors");
    press(&mut window, "Add");
    let add = AddModel {
        model: "sdxl".into(),
        source: None,
        from: Some("hf:stabilityai/sdxl:sd_xl.safetensors".into()),
    };
    assert_eq!(window.state_mut().sent(), [Command::AddModel(add)]);

    let mut models = (*samples::few().models.value.unwrap()).clone();
    models.models[3].model = "sdxl".into();
    show(&mut window, View { models: Fetched::here(models), ..samples::few() });
    assert!(is_disabled(&window, "Add"), "the form begins anew");
}

#[test]
fn a_model_that_failed_is_added_again() {
    let mut window = page();
    press(&mut window, "Add kokoro-82m again");
    assert_eq!(text(&window, "Name of the model"), "kokoro-82m");
}

#[test]
fn what_was_asked_is_not_asked_twice() {
    let view = samples::few();
    let pending = Arc::new([String::from("model whisper-small")].into());
    let window = window(Page::Models, View { pending, ..view });
    assert!(is_disabled(&window, "Load whisper-small"));
    assert!(!is_disabled(&window, "Unload qwen3-8b"));
}

#[test]
fn nothing_and_trouble_have_their_words() {
    let empty = Fetched::here(Models::default());
    let mut window = window(Page::Models, View { models: empty, ..samples::none() });
    window.get_by_label("No models yet");
    show(&mut window, View { models: Fetched::default(), ..samples::none() });
    window.get_by_label("Looking for models");
    let trouble = Fetched { value: None, trouble: Some("The worker does not answer".into()) };
    show(&mut window, View { models: trouble, ..samples::none() });
    window.get_by_label("The worker does not answer");
    press(&mut window, "Try again");
    assert_eq!(window.state_mut().sent(), [Command::Refresh]);
}

#[test]
fn it_looks_right() {
    let small = sized(Page::Models, samples::few(), Theme::Light, Vec2::new(720.0, 480.0));
    looks([("models-dark", page()), ("models-small-light", small)]);
}
