use studio_api::ModelFetch;
use studio_store::Role;

use super::*;
use crate::parts::tests::{check, shell};
use crate::samples;

fn fetching(state: FetchState) -> ModelDetail {
    let mut model = samples::model_detail("flux-dev");
    model.model.enabled = false;
    model.files[0].present = false;
    model.files[0].pinned = false;
    model.fetch = Some(ModelFetch {
        state,
        bytes: 5_000_000,
        total_bytes: 19_000_000,
        filename: Some("flux.gguf".to_owned()),
        error: (state == FetchState::Failed).then(|| "the host answered 404".to_owned()),
    });
    model
}

#[test]
fn the_list_shows_where_files_are() {
    let models = [samples::model_detail("starter-shapes"), fetching(FetchState::Running)];
    let text = check(&page(&shell(Role::Operator), &models));
    for needle in [
        "at the studio",
        "fetching",
        "5.0 MB of 19 MB",
        "data-poll",
        "Disable starter-shapes",
        "Enable flux-dev",
    ] {
        assert!(text.contains(needle), "`{needle}` is missing: {text}");
    }
    let text = check(&page(&shell(Role::Viewer), &models[..1]));
    assert!(!text.contains("data-api") && !text.contains("data-poll") && !text.contains("add-model"));
    assert!(check(&page(&shell(Role::Viewer), &[])).contains("The registry is empty"));
}

#[test]
fn one_model_is_told_with_its_files() {
    let text = check(&detail(&shell(Role::Operator), &samples::model_detail("starter-shapes")));
    for needle in
        ["from huggingface.co", "abababababababab…", "Drop files", "source.cliDefaults.steps", "data-root"]
    {
        assert!(text.contains(needle), "`{needle}` is missing: {text}");
    }
    let text = check(&detail(&shell(Role::Operator), &fetching(FetchState::Failed)));
    assert!(
        text.contains("the host answered 404") && text.contains("/fetch\"") && text.contains("not pinned")
    );
    let text = check(&detail(&shell(Role::Viewer), &fetching(FetchState::Done)));
    assert!(!text.contains("data-api") && text.contains("cfgScale"));
}

#[test]
fn files_of_the_studio_are_uploaded() {
    let mut model = fetching(FetchState::Done);
    model.model.source.files[0].url = "studio:flux-dev/flux-dev.gguf".to_owned();
    let text = check(&detail(&shell(Role::Operator), &model));
    assert!(text.contains("data-upload=\"/api/v1/models/flux-dev/files/flux-dev.gguf\""), "{text}");
    model.files.clear();
    model.model.source.files.clear();
    assert!(check(&detail(&shell(Role::Operator), &model)).contains("It needs no files"));
}

#[test]
fn a_model_is_added_in_three_ways() {
    let text = check(&add(&shell(Role::Operator), &["model", "vae"]));
    for needle in
        ["POST /api/v1/models\"", "data-add-model-file", "PUT /api/v1/models/{id}", "<option value=\"vae\">"]
    {
        assert!(text.contains(needle), "`{needle}` is missing: {text}");
    }
}
