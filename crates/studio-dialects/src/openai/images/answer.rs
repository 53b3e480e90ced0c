//! Answers with pictures: in pieces, so that nobody has to hold the bytes of all of them.

use serde_json::{Value, json};

use super::{ImagesRequest, Origin, ResponseFormat};

/// A picture that was made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Made {
    /// The address that opens it, where addresses are answered.
    pub url: Option<String>,
}

/// A part of an answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Piece {
    /// As it is.
    Text(String),
    /// The bytes of this picture, from 0, as base64.
    Base64(usize),
}

impl ImagesRequest {
    /// The whole answer; `created` is in seconds of Unix time.
    pub fn answer(&self, created: i64, pictures: &[Made]) -> Vec<Piece> {
        let mut text = format!("{{\"created\":{created},\"data\":[");
        let mut pieces = Vec::new();
        for (at, picture) in pictures.iter().enumerate() {
            text.push_str(if at == 0 { "{" } else { ",{" });
            match (self.response_format, &picture.url) {
                (ResponseFormat::Url, Some(url)) => {
                    text.push_str("\"url\":");
                    text.push_str(&Value::from(url.as_str()).to_string());
                }
                (ResponseFormat::Url, None) | (ResponseFormat::Base64, _) => {
                    text.push_str("\"b64_json\":\"");
                    pieces.push(Piece::Text(std::mem::take(&mut text)));
                    pieces.push(Piece::Base64(at));
                    text.push('"');
                }
            }
            text.push_str(",\"seed\":");
            text.push_str(&self.seed(at).to_string());
            text.push('}');
        }
        text.push_str("],");
        // Without its opening brace.
        text.push_str(&self.facts().to_string()[1..]);
        pieces.push(Piece::Text(text));
        pieces
    }

    /// The name of the event of a preview.
    pub fn partial_event(&self) -> &'static str {
        match self.origin {
            Origin::Edit => "image_edit.partial_image",
            Origin::Generation | Origin::Variation => "image_generation.partial_image",
        }
    }

    /// The name of the event of a picture.
    pub fn completed_event(&self) -> &'static str {
        match self.origin {
            Origin::Edit => "image_edit.completed",
            Origin::Generation | Origin::Variation => "image_generation.completed",
        }
    }

    /// The data of a preview's event: `base64` is the `index`th look at picture `at`.
    pub fn partial(&self, created: i64, at: usize, index: u32, base64: &str) -> String {
        let mut data = self.event(self.partial_event(), created, at);
        data["partial_image_index"] = index.into();
        data["b64_json"] = base64.into();
        data.to_string()
    }

    /// The data of the event of picture `at`, whose bytes are those of number 0.
    pub fn completed(&self, created: i64, at: usize) -> Vec<Piece> {
        let data = self.event(self.completed_event(), created, at).to_string();
        let head = format!("{},\"b64_json\":\"", &data[..data.len() - 1]);
        vec![Piece::Text(head), Piece::Base64(0), Piece::Text("\"}".to_owned())]
    }

    fn event(&self, name: &str, created: i64, at: usize) -> Value {
        let mut data = self.facts();
        data["type"] = name.into();
        data["created_at"] = created.into();
        data["image_index"] = at.into();
        data["seed"] = self.seed(at);
        data
    }

    fn seed(&self, at: usize) -> Value {
        self.tasks.get(at).map_or(Value::Null, |task| task["seed"].clone())
    }

    /// What every answer says of its pictures.
    fn facts(&self) -> Value {
        let format = if self.output_format == "jpg" { "jpeg" } else { self.output_format };
        let size = self.size.map_or_else(|| "auto".to_owned(), |(width, height)| format!("{width}x{height}"));
        json!({ "output_format": format, "size": size, "quality": "auto", "background": "opaque" })
    }
}
