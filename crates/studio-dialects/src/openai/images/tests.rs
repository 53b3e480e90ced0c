use serde_json::{Value, json};

use super::*;

const SEED: u32 = 40;

fn read(body: &Value) -> Result<ImagesRequest, Failure> {
    ImagesRequest::generation(body, SEED)
}

fn form(texts: &[(&str, &str)], files: &[(&str, &str)]) -> Form {
    let mut form = Form::default();
    for (name, text) in texts {
        form.add_text(*name, *text);
    }
    for (name, address) in files {
        form.add_file(*name, *address);
    }
    form
}

fn joined(pieces: &[Piece], bytes: &[&str]) -> String {
    let part = |piece: &Piece| match piece {
        Piece::Text(text) => text.clone(),
        Piece::Base64(at) => bytes[*at].to_owned(),
    };
    pieces.iter().map(part).collect()
}

#[test]
fn a_task_states_what_was_stated() {
    let plain = read(&json!({ "model": "m", "prompt": "a fox" })).unwrap();
    assert_eq!(plain.tasks, [json!({ "kind": "image", "prompt": "a fox", "ext": "png", "seed": 40 })]);
    assert_eq!((plain.response_format, plain.stream), (ResponseFormat::Url, false));
    let full = read(&json!({
        "model": "m", "prompt": "a fox", "n": 2, "size": "640x480", "seed": 7, "steps": 9,
        "negative_prompt": "dogs", "cfg_scale": 2.5, "guidance": 3, "sampling_method": "euler",
        "scheduler": "karras", "output_format": "jpeg", "user": "u", "quality": "hd", "style": "vivid",
    }))
    .unwrap();
    assert_eq!(
        full.tasks[1],
        json!({
            "kind": "image", "prompt": "a fox", "width": 640, "height": 480, "seed": 8, "steps": 9,
            "negativePrompt": "dogs", "cfgScale": 2.5, "guidance": 3.0, "samplingMethod": "euler",
            "scheduler": "karras", "ext": "jpg",
        })
    );
    assert_eq!(full.tasks.len(), 2);
    assert_eq!(full.ignored, ["quality", "style"]);
    assert_eq!(full.response_format, ResponseFormat::Base64, "who names a format awaits bytes");
}

#[test]
fn what_asks_for_nothing_is_not_reported() {
    let body = json!({
        "model": "m", "prompt": "p", "size": "auto", "quality": "auto", "background": "auto", "seed": null,
    });
    assert_eq!(read(&body).unwrap().ignored, [""; 0]);
}

#[test]
fn wrong_requests_name_their_field() {
    for (change, param, word) in [
        (json!({ "model": null }), "model", "/v1/models"),
        (json!({ "prompt": null }), "prompt", "missing"),
        (json!({ "prompt": 5 }), "prompt", "not a text"),
        (json!({ "n": 0 }), "n", "within 1 to 10"),
        (json!({ "n": 11 }), "n", "within 1 to 10"),
        (json!({ "n": 10, "size": "4096x4096" }), "n", "fewer"),
        (json!({ "size": "large" }), "size", "1024x768"),
        (json!({ "size": "0x512" }), "size", "1024x768"),
        (json!({ "size": "512x9000" }), "size", "8192"),
        (json!({ "response_format": "gif" }), "response_format", "url, b64_json"),
        (json!({ "output_format": "tiff" }), "output_format", "png, jpeg, webp"),
        (json!({ "stream": true, "response_format": "url" }), "response_format", "b64_json"),
        (json!({ "partial_images": 9 }), "partial_images", "0 to 3"),
        (json!({ "background": "transparent" }), "background", "transparent"),
        (json!({ "steps": 0 }), "steps", "within 1"),
        (json!({ "seed": -1 }), "seed", "whole number"),
        (json!({ "cfg_scale": "7" }), "cfg_scale", "number"),
    ] {
        let mut body = json!({ "model": "m", "prompt": "p" });
        for (name, value) in change.as_object().unwrap() {
            body[name] = value.clone();
        }
        let wrong = read(&body).unwrap_err();
        assert_eq!(wrong.param.as_deref(), Some(param), "{body}: {}", wrong.message);
        assert!(wrong.message.contains(word), "{body}: {}", wrong.message);
    }
}

#[test]
fn an_edit_repaints_one_picture_or_follows_several() {
    let texts = [("model", "m"), ("prompt", "p"), ("n", "2"), ("strength", "0.5")];
    let one = ImagesRequest::edit(form(&texts, &[("image", "a"), ("mask", "b")]), SEED).unwrap();
    assert_eq!(
        one.tasks[0],
        json!({
            "kind": "image", "prompt": "p", "ext": "png", "seed": 40, "initImageUrl": "a", "maskUrl": "b",
            "denoise": 0.5,
        })
    );
    assert_eq!(one.tasks[1]["seed"], 41);
    let texts = [("model", "m"), ("prompt", "p")];
    let many = ImagesRequest::edit(form(&texts, &[("image[]", "a"), ("image[]", "b")]), SEED).unwrap();
    assert_eq!(many.tasks[0]["refImageUrls"], json!(["a", "b"]));
    let texts = [("model", "m"), ("prompt", "p"), ("image_role", "reference")];
    let one = ImagesRequest::edit(form(&texts, &[("image", "a")]), SEED).unwrap();
    assert_eq!(one.tasks[0]["refImageUrl"], "a");
}

#[test]
fn a_variation_needs_no_words() {
    let made = ImagesRequest::variation(form(&[("model", "m")], &[("image", "a")]), SEED).unwrap();
    assert_eq!(
        made.tasks,
        [
            json!({ "kind": "image", "prompt": "", "ext": "png", "seed": 40, "initImageUrl": "a", "denoise": 0.6 })
        ]
    );
}

#[test]
fn wrong_forms_name_their_field() {
    let texts = [("model", "m"), ("prompt", "p")];
    let images: Vec<(&str, &str)> = vec![("image", "a"); 16];
    for (texts, files, param) in [
        (&texts[..], &[][..], "image"),
        (&texts[..1], &[("image", "a")], "prompt"),
        (&texts[..], &images[..], "image"),
        (&texts[..], &[("image", "a"), ("image", "b"), ("mask", "m")], "mask"),
        (&texts[..], &[("image", "a"), ("file", "b")], "file"),
        (&[("model", "m"), ("prompt", "p"), ("image_role", "x")], &[("image", "a")], "image_role"),
        (&[("model", "m"), ("prompt", "p"), ("image_role", "start")], &images[..2], "image"),
        (&[("model", "m"), ("prompt", "p"), ("strength", "2")], &[("image", "a")], "strength"),
        (&[("model", "m"), ("prompt", "p"), ("n", "two")], &[("image", "a")], "n"),
    ] {
        let wrong = ImagesRequest::edit(form(texts, files), SEED).unwrap_err();
        assert_eq!(wrong.param.as_deref(), Some(param), "{texts:?} {files:?}: {}", wrong.message);
    }
    let two = ImagesRequest::variation(form(&[("model", "m")], &images[..2]), SEED).unwrap_err();
    assert_eq!(two.param.as_deref(), Some("image"));
}

#[test]
fn an_answer_is_json_whichever_way_pictures_come() {
    let base64 =
        read(&json!({ "model": "m", "prompt": "p", "n": 2, "size": "64x64", "response_format": "b64_json" }));
    let pictures = [Made { url: None }, Made { url: None }];
    let text = joined(&base64.unwrap().answer(1_700, &pictures), &["QQ==", "Qg=="]);
    assert_eq!(
        serde_json::from_str::<Value>(&text).unwrap(),
        json!({
            "created": 1_700, "output_format": "png", "size": "64x64", "quality": "auto", "background": "opaque",
            "data": [{ "b64_json": "QQ==", "seed": 40 }, { "b64_json": "Qg==", "seed": 41 }],
        })
    );
    let url = read(&json!({ "model": "m", "prompt": "p" })).unwrap();
    let pieces = url.answer(1, &[Made { url: Some("http://h/x?a=\"b\"".into()) }]);
    let answer: Value = serde_json::from_str(&joined(&pieces, &[])).unwrap();
    assert_eq!(answer["data"], json!([{ "url": "http://h/x?a=\"b\"", "seed": 40 }]));
}

#[test]
fn events_are_json_with_their_names() {
    let request =
        read(&json!({ "model": "m", "prompt": "p", "n": 2, "stream": true, "partial_images": 2 })).unwrap();
    assert_eq!((request.partial_images, request.response_format), (2, ResponseFormat::Base64));
    let partial: Value = serde_json::from_str(&request.partial(5, 1, 0, "QQ==")).unwrap();
    assert_eq!(
        partial,
        json!({
            "type": "image_generation.partial_image", "b64_json": "QQ==", "partial_image_index": 0, "created_at": 5,
            "image_index": 1, "seed": 41, "size": "auto", "quality": "auto", "background": "opaque",
            "output_format": "png",
        })
    );
    let text = joined(&request.completed(5, 1), &["Qg=="]);
    let completed: Value = serde_json::from_str(&text).unwrap();
    assert_eq!(
        (&completed["type"], &completed["b64_json"]),
        (&json!("image_generation.completed"), &json!("Qg=="))
    );
    let files = [("image", "a")];
    let edit =
        ImagesRequest::edit(form(&[("model", "m"), ("prompt", "p"), ("stream", "true")], &files), SEED);
    assert_eq!(edit.unwrap().completed_event(), "image_edit.completed");
}
