//! `/v1/embeddings`: texts in, vectors out.
//!
//! A request of many texts is several jobs, because a result travels in one frame: 2,048 long vectors are too much.

use std::fmt::Write;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;
use serde_json::{Value, json};

use super::asked;
use crate::{Failure, Fields, Kind};

/// Texts of one request: what OpenAI takes.
pub const MAX_TEXTS: usize = 2_048;
/// Texts of one job: vectors of 8,192 numbers, 12 characters each, stay below the limit of a frame.
pub const TEXTS_PER_JOB: usize = 128;
/// The longest vector that any model gives, several times over.
const MAX_DIMENSIONS: u64 = 65_536;

/// Fields that are looked at, or ask for nothing.
const KNOWN: &[&str] = &["model", "input", "encoding_format", "dimensions", "user"];

/// A request that was read.
#[derive(Debug, Clone, PartialEq)]
pub struct EmbeddingsRequest {
    /// The registry's name.
    pub model: String,
    /// One for each job, in the order of the texts.
    pub tasks: Vec<Value>,
    /// What was asked for and is not looked at.
    pub ignored: Vec<String>,
    base64: bool,
    dimensions: Option<u64>,
    count: usize,
}

impl EmbeddingsRequest {
    /// Reads a body.
    pub fn read(request: &Value) -> Result<Self, Failure> {
        let fields = Fields::of(request, "")?;
        let model = asked::model(&fields)?;
        let texts = texts(&fields)?;
        let formats = [("float", false), ("base64", true)];
        let base64 = asked::word(&fields, "encoding_format", &formats)?.unwrap_or(false);
        let dimensions = fields.whole("dimensions", 1, MAX_DIMENSIONS)?;
        let count = texts.len();
        let tasks = texts.chunks(TEXTS_PER_JOB).map(task).collect();
        Ok(Self { model, tasks, ignored: asked::ignored(request, KNOWN), base64, dimensions, count })
    }

    /// The answer, from the results of the jobs in their order.
    pub fn answer(&self, results: &[String]) -> Result<String, Failure> {
        let mut answer = "{\"object\":\"list\",\"data\":[".to_owned();
        let (mut index, mut prompt, mut total) = (0, 0, 0);
        for result in results {
            let result: EngineResult = serde_json::from_str(result)
                .map_err(|error| asked::unreadable("the engine's embeddings", error))?;
            prompt += result.usage.prompt_tokens;
            total += result.usage.total_tokens;
            for vector in result.data {
                self.check(&vector.embedding)?;
                if index > 0 {
                    answer.push(',');
                }
                // Fails only where memory does.
                let _ = write!(answer, "{{\"object\":\"embedding\",\"index\":{index},\"embedding\":");
                self.push(&vector.embedding, &mut answer);
                answer.push('}');
                index += 1;
            }
        }
        if index != self.count {
            let message = format!("the engine gave {index} vectors for {} texts", self.count);
            return Err(Failure::new(Kind::Internal, message));
        }
        let rest = json!({
            "model": self.model,
            "usage": { "prompt_tokens": prompt, "total_tokens": total },
        });
        // `rest` without its opening brace.
        let _ = write!(answer, "],{}", &rest.to_string()[1..]);
        Ok(answer)
    }

    fn check(&self, vector: &[f32]) -> Result<(), Failure> {
        match self.dimensions {
            Some(asked) if asked != vector.len() as u64 => Err(Failure::invalid(
                "dimensions",
                format!(
                    "the model `{}` gives vectors of {} dimensions and cannot shorten them to {asked}: leave \
                     `dimensions` out",
                    self.model,
                    vector.len()
                ),
            )),
            _ => Ok(()),
        }
    }

    fn push(&self, vector: &[f32], answer: &mut String) {
        if self.base64 {
            let bytes: Vec<u8> = vector.iter().flat_map(|number| number.to_le_bytes()).collect();
            answer.push('"');
            STANDARD.encode_string(bytes, answer);
            answer.push('"');
        } else {
            answer.push_str(&Value::from(vector.to_vec()).to_string());
        }
    }
}

#[derive(Deserialize)]
struct EngineResult {
    data: Vec<EngineVector>,
    #[serde(default)]
    usage: EngineUsage,
}

#[derive(Deserialize)]
struct EngineVector {
    embedding: Vec<f32>,
}

#[derive(Default, Deserialize)]
struct EngineUsage {
    #[serde(default)]
    prompt_tokens: u64,
    #[serde(default)]
    total_tokens: u64,
}

fn task(texts: &[String]) -> Value {
    json!({ "kind": "llm", "messages": [], "embed": texts })
}

fn texts(fields: &Fields<'_>) -> Result<Vec<String>, Failure> {
    const NAME: &str = "input";
    let is_token = |item: &Value| item.is_number() || item.is_array();
    if fields.get(NAME).and_then(Value::as_array).is_some_and(|items| items.iter().any(is_token)) {
        return Err(fields.error(NAME, "is made of tokens, and tokens are another model's: send texts"));
    }
    let texts = fields.texts(NAME)?.ok_or_else(|| fields.error(NAME, "is missing"))?;
    match texts.len() {
        0 => return Err(fields.error(NAME, "is an empty list")),
        1..=MAX_TEXTS => {}
        count => {
            let why = format!("has {count} texts, at most {MAX_TEXTS} are taken at once");
            return Err(fields.error(NAME, why));
        }
    }
    if let Some(at) = texts.iter().position(|text| text.is_empty()) {
        return Err(fields.error(NAME, format!("text {at} is empty")));
    }
    Ok(texts.into_iter().map(str::to_owned).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(body: &Value) -> Result<EmbeddingsRequest, Failure> {
        EmbeddingsRequest::read(body)
    }

    fn result(vectors: &[&[f32]]) -> String {
        let data: Vec<Value> = vectors.iter().map(|vector| json!({ "embedding": vector })).collect();
        json!({ "data": data, "usage": { "prompt_tokens": 3, "total_tokens": 3 } }).to_string()
    }

    #[test]
    fn a_text_and_a_list_become_tasks() {
        let one = read(&json!({ "model": "m", "input": "hello", "user": "u", "new": 1 })).unwrap();
        assert_eq!(one.tasks, [json!({ "kind": "llm", "messages": [], "embed": ["hello"] })]);
        assert_eq!((one.model.as_str(), one.ignored), ("m", vec!["new".to_owned()]));
        let many: Vec<String> = (0..300).map(|at| at.to_string()).collect();
        let tasks = read(&json!({ "model": "m", "input": many })).unwrap().tasks;
        let sizes: Vec<usize> = tasks.iter().map(|task| task["embed"].as_array().unwrap().len()).collect();
        assert_eq!(sizes, [128, 128, 44]);
        assert_eq!(tasks[2]["embed"][43], "299");
    }

    #[test]
    fn vectors_come_as_numbers_or_as_base64() {
        let floats = read(&json!({ "model": "m", "input": ["a", "b"] })).unwrap();
        let answer = floats.answer(&[result(&[&[0.5, -1.0], &[0.25, 2.0]])]).unwrap();
        assert_eq!(
            serde_json::from_str::<Value>(&answer).unwrap(),
            json!({
                "object": "list", "model": "m", "usage": { "prompt_tokens": 3, "total_tokens": 3 },
                "data": [
                    { "object": "embedding", "index": 0, "embedding": [0.5, -1.0] },
                    { "object": "embedding", "index": 1, "embedding": [0.25, 2.0] },
                ],
            })
        );
        let base64 = read(&json!({ "model": "m", "input": "a", "encoding_format": "base64" })).unwrap();
        let answer: Value =
            serde_json::from_str(&base64.answer(&[result(&[&[0.5, -1.0]])]).unwrap()).unwrap();
        assert_eq!(answer["data"][0]["embedding"], "AAAAPwAAgL8=");
    }

    #[test]
    fn several_jobs_make_one_answer() {
        let many = vec!["x"; 129];
        let request = read(&json!({ "model": "m", "input": many })).unwrap();
        let first: Vec<&[f32]> = vec![&[1.0]; 128];
        let answer = request.answer(&[result(&first), result(&[&[2.0]])]).unwrap();
        let answer: Value = serde_json::from_str(&answer).unwrap();
        assert_eq!(answer["data"][128], json!({ "object": "embedding", "index": 128, "embedding": [2.0] }));
        assert_eq!(answer["usage"]["total_tokens"], 6);
        assert!(request.answer(&[result(&first)]).unwrap_err().message.contains("128 vectors for 129"));
    }

    #[test]
    fn dimensions_are_those_of_the_model() {
        let asks = |dimensions| {
            let request = read(&json!({ "model": "m", "input": "a", "dimensions": dimensions })).unwrap();
            request.answer(&[result(&[&[1.0, 2.0]])])
        };
        assert!(asks(2).is_ok());
        let wrong = asks(1).unwrap_err();
        assert_eq!(wrong.param.as_deref(), Some("dimensions"));
        assert!(wrong.message.contains("of 2 dimensions"), "{}", wrong.message);
    }

    #[test]
    fn what_cannot_be_embedded_is_refused() {
        for (body, param, word) in [
            (json!({ "input": "a" }), "model", "/v1/models"),
            (json!({ "model": "m" }), "input", "missing"),
            (json!({ "model": "m", "input": [] }), "input", "empty list"),
            (json!({ "model": "m", "input": ["a", ""] }), "input", "text 1"),
            (json!({ "model": "m", "input": [1, 2] }), "input", "tokens"),
            (json!({ "model": "m", "input": [[1], [2]] }), "input", "tokens"),
            (json!({ "model": "m", "input": 7 }), "input", "not a text"),
            (json!({ "model": "m", "input": [true] }), "input[0]", "not a text"),
            (json!({ "model": "m", "input": vec!["x"; 2_049] }), "input", "2049"),
            (
                json!({ "model": "m", "input": "a", "encoding_format": "int8" }),
                "encoding_format",
                "float, base64",
            ),
            (json!({ "model": "m", "input": "a", "dimensions": 0 }), "dimensions", "within 1"),
        ] {
            let wrong = read(&body).unwrap_err();
            assert_eq!(wrong.param.as_deref(), Some(param), "{body}: {}", wrong.message);
            assert!(wrong.message.contains(word), "{body}: {}", wrong.message);
        }
    }
}
