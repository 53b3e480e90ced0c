//! Rewrites the sources of offers: where the studio has a file, its worker is told the address.
//!
//! What an offer of a model looks like is worked out once and kept until a file changes; what is left for each
//! worker is to put its own address into the gaps.

use std::collections::HashMap;
use std::sync::Arc;

use serde_json::Value;
use serde_json::value::RawValue;
use studio_protocol::WorkerId;

use super::address::worker_part;
use super::{ModelFiles, StudioAddress};

/// Stands where base and worker go while a source is JSON; an address cannot hold it.
const GAP: &str = "\u{0}studio\u{0}";
/// The same, as it stands in JSON text.
const GAP_IN_JSON: &str = "\\u0000studio\\u0000";
/// Models whose offers are kept; beyond it all are worked out anew, which costs microseconds each.
const MAX_TEMPLATES: usize = 256;

#[derive(Debug)]
pub(super) struct Template {
    /// What it was made from.
    source: Box<str>,
    /// JSON, cut at the gaps.
    parts: Vec<String>,
}

impl ModelFiles {
    /// The source as this worker should see it; `None` when there is nothing to change.
    ///
    /// `base` is how the worker reaches the studio, as [`base`](super::base) tells.
    pub fn for_worker(
        &self,
        model: &str,
        source: &RawValue,
        worker: &WorkerId,
        base: &str,
    ) -> Option<Box<RawValue>> {
        let text = source.get();
        if !text.contains("studio:") && self.held(model).is_empty() {
            return None;
        }
        let template = self.template(model, text)?;
        if template.parts.len() == 1 {
            return None;
        }
        let address = serde_json::to_string(&format!("{base}{}", worker_part(worker))).ok()?;
        RawValue::from_string(template.parts.join(address.trim_matches('"'))).ok()
    }

    fn template(&self, model: &str, source: &str) -> Option<Arc<Template>> {
        if let Some(known) = self.state().templates.get(model).filter(|known| &*known.source == source) {
            return Some(known.clone());
        }
        let (parts, stored) = self.parts(model, source)?;
        let template = Arc::new(Template { source: source.into(), parts });
        let mut state = self.state();
        // A file that came or went meanwhile: this one is right for this offer, and not kept.
        let is_current = stored.iter().all(|(model, held)| match state.held.get(model) {
            Some(now) => Arc::ptr_eq(now, held),
            None => held.is_empty(),
        });
        if is_current {
            if state.templates.len() >= MAX_TEMPLATES {
                state.templates.clear();
            }
            state.templates.insert(model.to_owned(), template.clone());
        }
        Some(template)
    }

    /// The rewritten source, and what was known of the files that it was made from.
    fn parts(&self, model: &str, source: &str) -> Option<(Vec<String>, HashMap<String, super::Held>)> {
        let mut source: Value = serde_json::from_str(source).ok()?;
        let mut seen = HashMap::from([(model.to_owned(), self.held(model))]);
        for file in source.get_mut("files")?.as_array_mut()? {
            self.rewrite(model, file, &mut seen);
        }
        let parts = source.to_string().split(GAP_IN_JSON).map(str::to_owned).collect();
        Some((parts, seen))
    }

    fn rewrite(&self, model: &str, file: &mut Value, seen: &mut HashMap<String, super::Held>) -> Option<()> {
        let stated = file.get("sha256").and_then(Value::as_str).map(str::to_owned);
        let own =
            StudioAddress { model: model.to_owned(), filename: file.get("filename")?.as_str()?.to_owned() };
        let url = file.get("url")?.as_str()?.to_owned();
        let mut mirrors: Vec<String> = match file.get("mirrors").and_then(Value::as_array) {
            Some(mirrors) => mirrors.iter().filter_map(Value::as_str).map(str::to_owned).collect(),
            None => Vec::new(),
        };
        let mut hash = None;
        let mut told = |address: &StudioAddress| {
            let held = seen.entry(address.model.clone()).or_insert_with(|| self.held(&address.model));
            if let Some(stored) = held.get(&address.filename) {
                hash.get_or_insert_with(|| stored.sha256.clone());
            }
            format!("{GAP}{}", address.file_part())
        };
        let read = |url: &str| StudioAddress::parse(url).and_then(Result::ok);
        let is_ours = read(&url).is_some() || mirrors.iter().any(|mirror| read(mirror).is_some());
        for mirror in &mut mirrors {
            if let Some(address) = read(mirror) {
                *mirror = told(&address);
            }
        }
        if let Some(address) = read(&url) {
            file["url"] = told(&address).into();
        }
        if !is_ours {
            // A copy that is not what the registry names is of no use to anybody.
            let held = self.held(model);
            let copy = held.get(&own.filename)?;
            if stated.as_ref().is_some_and(|stated| *stated != copy.sha256) {
                return None;
            }
            mirrors.insert(0, told(&own));
        }
        if !mirrors.is_empty() {
            file["mirrors"] = mirrors.into();
        }
        if let (None, Some(hash)) = (stated, hash) {
            file["sha256"] = hash.into();
        }
        Some(())
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::model_files::StoredFile;

    const BASE: &str = "https://studio.lan:1/x";
    const FILES: &str = "https://studio.lan:1/x/graphics/api/workers/w-1/models";

    struct Desk {
        files: ModelFiles,
        _dir: tempfile::TempDir,
    }

    impl Desk {
        fn with(files: &[(&str, &str)]) -> Self {
            let dir = tempfile::tempdir().unwrap();
            let desk = Self { files: ModelFiles::open(dir.path()).unwrap(), _dir: dir };
            for (model, filename) in files {
                desk.put(model, filename);
            }
            desk
        }

        fn put(&self, model: &str, filename: &str) {
            std::fs::create_dir_all(self.files.folder(model)).unwrap();
            std::fs::write(self.files.folder(model).join(filename), b"x").unwrap();
            self.files.note(model, filename, &StoredFile { sha256: hash(filename), bytes: 1 }).unwrap();
        }

        fn offer(&self, model: &str, source: &Value) -> Option<Value> {
            let raw = RawValue::from_string(source.to_string()).unwrap();
            let told = self.files.for_worker(model, &raw, &WorkerId::from("w-1"), BASE)?;
            Some(serde_json::from_str(told.get()).unwrap())
        }
    }

    fn hash(filename: &str) -> String {
        format!("{:064x}", filename.len())
    }

    #[expect(clippy::needless_pass_by_value, reason = "called with fresh values")]
    fn source(files: Value) -> Value {
        json!({ "engine": "sd-cpp", "files": files, "cliDefaults": { "steps": 8, "later": true } })
    }

    #[test]
    fn an_address_of_the_studio_becomes_one_that_the_worker_can_fetch() {
        let desk = Desk::with(&[("m", "a b.gguf")]);
        let file = json!({ "role": "model", "url": "studio:///models/m/a%20b.gguf", "filename": "a b.gguf", "x": 1 });
        let told = desk.offer("m", &source(json!([file]))).unwrap();
        let expected = json!({ "role": "model", "url": format!("{FILES}/m/files/a%20b.gguf"),
            "filename": "a b.gguf", "x": 1, "sha256": hash("a b.gguf") });
        assert_eq!(told, source(json!([expected])));
    }

    #[test]
    fn a_copy_comes_first_and_brings_its_hash() {
        let desk = Desk::with(&[("m", "a")]);
        let file = json!({ "role": "model", "url": "https://far/a", "filename": "a", "mirrors": ["https://near/a"] });
        let other = json!({ "role": "vae", "url": "https://far/v", "filename": "v" });
        let told = desk.offer("m", &source(json!([file, other]))).unwrap();
        assert_eq!(told["files"][0]["url"], "https://far/a");
        assert_eq!(told["files"][0]["mirrors"], json!([format!("{FILES}/m/files/a"), "https://near/a"]));
        assert_eq!(told["files"][0]["sha256"], hash("a"));
        assert_eq!(told["files"][1], other);
    }

    #[test]
    fn a_copy_of_something_else_is_not_offered() {
        let desk = Desk::with(&[("m", "a")]);
        let file =
            json!({ "role": "model", "url": "https://far/a", "filename": "a", "sha256": "ff".repeat(32) });
        assert_eq!(desk.offer("m", &source(json!([file]))), None);
    }

    #[test]
    fn a_mirror_at_the_studio_is_rewritten_and_not_doubled() {
        let desk = Desk::with(&[("m", "a")]);
        let file = json!({ "role": "model", "url": "https://far/a", "filename": "a", "mirrors": ["studio:///models/m/a"] });
        let told = desk.offer("m", &source(json!([file]))).unwrap();
        assert_eq!(told["files"][0]["mirrors"], json!([format!("{FILES}/m/files/a")]));
    }

    #[test]
    fn what_has_nothing_to_do_with_the_studio_is_left_alone() {
        let desk = Desk::with(&[("other", "a")]);
        let file = json!({ "role": "model", "url": "https://far/a", "filename": "a" });
        assert_eq!(desk.offer("m", &source(json!([file]))), None);
        assert_eq!(desk.offer("m", &source(json!([]))), None);
    }

    #[test]
    fn every_change_is_seen_by_the_next_offer() {
        let desk = Desk::with(&[]);
        let entry = source(json!([{ "role": "model", "url": "https://far/a", "filename": "a" }]));
        assert_eq!(desk.offer("m", &entry), None);
        desk.put("m", "a");
        assert!(desk.offer("m", &entry).is_some());
        let pinned =
            source(json!([{ "role": "model", "url": "https://far/a", "filename": "a", "sha256": "0" }]));
        assert_eq!(desk.offer("m", &pinned), None, "the entry changed");
        assert!(desk.offer("m", &entry).is_some());
        desk.files.remove("m", &[]).unwrap();
        assert_eq!(desk.offer("m", &entry), None);
    }

    #[test]
    fn each_worker_gets_an_address_of_its_own() {
        let desk = Desk::with(&[("m", "a")]);
        let entry = source(json!([{ "role": "model", "url": "studio:///models/m/a", "filename": "a" }]));
        let raw = RawValue::from_string(entry.to_string()).unwrap();
        for worker in ["w-1", "w-2", "w\"3"] {
            let told = desk.files.for_worker("m", &raw, &WorkerId::from(worker), BASE).unwrap();
            let told: Value = serde_json::from_str(told.get()).unwrap();
            let encoded = worker.replace('"', "%22");
            let expected = format!("{BASE}/graphics/api/workers/{encoded}/models/m/files/a");
            assert_eq!(told["files"][0]["url"], expected.as_str());
        }
    }
}
