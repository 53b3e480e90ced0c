//! A new model: from the hub, from files of this machine, or as JSON.

use maud::{Markup, html};

use crate::assets;
use crate::layout::{Shell, page as document};
use crate::parts::{field, number, select, text, text_area};

const KINDS: [(&str, &str); 6] = [
    ("llm", "text"),
    ("image", "image"),
    ("audio_tts", "speech"),
    ("audio_stt", "transcript"),
    ("video", "video"),
    ("mesh", "mesh"),
];
const ENGINES: [(&str, &str); 3] =
    [("llama-cpp", "llama-cpp"), ("sd-cpp", "sd-cpp"), ("sherpa-onnx", "sherpa-onnx")];
const EXAMPLE: &str = r#"{
  "kind": "llm",
  "vramGb": 3.5,
  "source": {
    "engine": "llama-cpp",
    "files": [
      { "role": "model", "url": "https://…/model.gguf", "filename": "model.gguf", "sha256": "…" }
    ],
    "cliDefaults": { "cfgScale": 1, "steps": 20, "width": 512, "height": 512, "contextSize": 8192 }
  }
}"#;

/// The page; `roles` are words for what a file is to its model.
pub fn page(shell: &Shell, roles: &[&str]) -> Markup {
    let content = html! {
        nav.crumbs aria-label="Way back" { a href="/models" { "Models" } }
        div.page-head { h1 { "Add a model" } }
        (from_hub())
        (from_files(roles))
        (as_json())
        script type="module" src=(assets::url("upload.js")) {}
    };
    document(shell, &content)
}

fn from_hub() -> Markup {
    html! {
        section.card aria-labelledby="hub-title" {
            h2 #hub-title { "From Hugging Face" }
            p.faint { "The studio looks at the files, guesses what they are, and pins their hashes. Workers fetch them when a job needs them." }
            form.form data-api="POST /api/v1/models" data-then="/models/{id}" {
                (text_area("hub-sources", "sources", "Addresses", "One a line: hf:OWNER/REPO, perhaps @REVISION and :FILE, perhaps a role before it, like vae=hf:OWNER/REPO:ae.safetensors", "", "data-type=\"list\" required rows=\"3\" spellcheck=\"false\" placeholder=\"hf:Qwen/Qwen3-4B-GGUF:Q8_0\""))
                div.form-row {
                    (text("hub-id", "id", "Name", "From the address when empty", "", "maxlength=\"100\""))
                    (select("hub-kind", "kind", "Makes", "", &with_guess(&KINDS), ""))
                    (select("hub-engine", "engine", "Engine", "", &with_guess(&ENGINES), ""))
                    (number("hub-vram", "vramGb", "GPU memory, GiB", "A little more than its files when empty", "", "min=\"0\" step=\"any\""))
                }
                div.actions { button.primary type="submit" { "Add" } }
            }
        }
    }
}

fn from_files(roles: &[&str]) -> Markup {
    let options: Vec<(&str, &str)> = roles.iter().map(|role| (*role, *role)).collect();
    html! {
        section.card aria-labelledby="files-title" {
            h2 #files-title { "From a file of this machine" }
            p.faint { "The file goes to the studio, and workers get it from there. More files are added on the model's page." }
            form.form data-add-model-file="" {
                (field("file-file", "File", "", &html! { input type="file" id="file-file" name="file" required; }))
                div.form-row {
                    (text("file-id", "id", "Name", "Letters, digits, - _ .", "", "required maxlength=\"100\" pattern=\"[A-Za-z0-9_\\-][A-Za-z0-9_.\\-]*\""))
                    (select("file-kind", "kind", "Makes", "", &KINDS, "llm"))
                    (select("file-engine", "engine", "Engine", "", &ENGINES, "llama-cpp"))
                    (select("file-role", "role", "The file is its", "", &options, "model"))
                    (number("file-vram", "vramGb", "GPU memory, GiB", "A little more than the file when empty", "", "min=\"0\" step=\"any\""))
                }
                progress max="1" value="0" hidden aria-label="Upload" {}
                div.actions { button.primary type="submit" { "Upload and add" } }
            }
        }
    }
}

fn as_json() -> Markup {
    html! {
        details.more #as-json {
            summary { "As JSON" }
            form.form data-api="PUT /api/v1/models/{id}" data-then="/models/{id}" {
                (text("json-id", "id", "Name", "", "", "required maxlength=\"100\""))
                (text_area("json-entry", "entry", "Entry", "", EXAMPLE, "data-root data-type=\"json\" required spellcheck=\"false\""))
                div.actions { button.primary type="submit" { "Add" } }
            }
        }
    }
}

fn with_guess<'a>(options: &[(&'a str, &'a str)]) -> Vec<(&'a str, &'a str)> {
    std::iter::once(("", "what the files are")).chain(options.iter().copied()).collect()
}
