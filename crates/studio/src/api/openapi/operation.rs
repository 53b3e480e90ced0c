//! One operation of the document, and what many of them share.

use std::collections::BTreeMap;

use axum::http::Method;
use serde_json::{Map, Value, json};
use utoipa::ToSchema;
use utoipa::openapi::{RefOr, Schema};

use crate::api::auth::Access;
use crate::api::query::MAX_LIMIT;

/// What operations are about.
pub const TAGS: [(&str, &str); 14] = [
    ("studio", "The studio itself"),
    ("queue", "What waits, and whether it moves"),
    ("jobs", "One thing to be made, each"),
    ("batches", "Jobs that were submitted together"),
    ("artefacts", "What jobs made, and what they are given"),
    ("models", "What jobs may name"),
    ("workers", "Who does the work"),
    ("registrations", "Who wants to be a worker"),
    ("projects", "Whose jobs they are"),
    ("webhooks", "Who is told what happens"),
    ("keys", "Keys of programs"),
    ("users", "People"),
    ("session", "Who asks"),
    ("audit", "What everybody did"),
];

/// Statuses that are answered with a problem, and when.
const PROBLEMS: [(u16, &str); 14] = [
    (400, "A field, parameter or header has a value that cannot be; `field` names it"),
    (401, "No key or session, or one that is not good"),
    (403, "The caller may not do this"),
    (404, "Nothing by this name that the caller may see"),
    (408, "The body stopped coming"),
    (409, "The state of the thing forbids it"),
    (413, "The body is larger than this address takes"),
    (415, "The body's media type is not the one of this address"),
    (416, "No byte is in the range"),
    (429, "Too much at once; `Retry-After` says when to ask again"),
    (500, "A fault of the studio; its log says more"),
    (502, "A server elsewhere failed"),
    (503, "The studio cannot do this now; `Retry-After` says when to ask again"),
    (507, "The studio's disk is full"),
];

/// The answers that operations refer to.
pub fn problems() -> Value {
    let schema = json!({ "$ref": "#/components/schemas/Problem" });
    let one = |(status, description): (u16, &str)| {
        let content = json!({ "application/problem+json": { "schema": schema } });
        (format!("Problem{status}"), json!({ "description": description, "content": content }))
    };
    Value::Object(PROBLEMS.map(one).into_iter().collect())
}

/// Schemas by name, as operations come to need them.
#[derive(Default)]
pub struct Schemas(BTreeMap<String, RefOr<Schema>>);

impl Schemas {
    fn reference<T: ToSchema>(&mut self) -> Value {
        let name = T::name().into_owned();
        let mut needed = Vec::new();
        T::schemas(&mut needed);
        self.0.extend(needed);
        self.0.insert(name.clone(), T::schema());
        json!({ "$ref": format!("#/components/schemas/{name}") })
    }

    /// For `components`.
    pub fn json(mut self) -> Value {
        self.reference::<crate::api::Problem>();
        let all = self.0.into_iter().map(|(name, schema)| {
            let mut json = serde_json::to_value(schema).unwrap_or_default();
            bound_integers(&mut json);
            (name, json)
        });
        Value::Object(all.collect())
    }
}

/// `format` alone does not bind readers: say how far the numbers reach.
fn bound_integers(value: &mut Value) {
    match value {
        Value::Object(fields) => {
            let is_unsigned = fields.get("minimum").and_then(Value::as_f64) == Some(0.0);
            if fields.get("format").and_then(Value::as_str) == Some("int32") {
                fields.insert(
                    "maximum".to_owned(),
                    if is_unsigned { json!(u32::MAX) } else { json!(i32::MAX) },
                );
                fields.entry("minimum").or_insert(json!(i32::MIN));
            }
            if is_unsigned && fields.get("format").and_then(Value::as_str) == Some("int64") {
                fields.insert("format".to_owned(), json!("uint64"));
                fields.insert("maximum".to_owned(), json!(u64::MAX));
            }
            fields.values_mut().for_each(bound_integers);
        }
        Value::Array(values) => values.iter_mut().for_each(bound_integers),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

/// What most bodies are.
const JSON: &[&str] = &["application/json"];

type MakeSchema = fn(&mut Schemas) -> Value;

struct Body {
    media: &'static [&'static str],
    schema: MakeSchema,
    required: bool,
}

struct Answer {
    status: u16,
    description: &'static str,
    content: Vec<(&'static str, MakeSchema)>,
    headers: Vec<(&'static str, &'static str)>,
}

/// What one route is asked and answers.
pub struct Operation {
    pub method: Method,
    pub path: &'static str,
    tag: &'static str,
    id: &'static str,
    summary: &'static str,
    description: Option<&'static str>,
    parameters: Vec<Value>,
    body: Option<Body>,
    answers: Vec<Answer>,
    /// Beyond those that every operation of its form has.
    problems: Vec<u16>,
    reads_query: bool,
}

fn bytes(_: &mut Schemas) -> Value {
    json!({ "type": "string", "format": "binary" })
}

fn text(_: &mut Schemas) -> Value {
    json!({ "type": "string" })
}

fn any(_: &mut Schemas) -> Value {
    json!({})
}

/// `tag`, `operationId` and a summary for a route.
pub fn operation(
    method: Method,
    path: &'static str,
    tag: &'static str,
    id: &'static str,
    summary: &'static str,
) -> Operation {
    let mut operation = Operation {
        method,
        path,
        tag,
        id,
        summary,
        description: None,
        parameters: Vec::new(),
        body: None,
        answers: Vec::new(),
        problems: Vec::new(),
        reads_query: false,
    };
    for name in path.split('/').filter_map(|part| part.strip_prefix('{')?.strip_suffix('}')) {
        operation.parameters.push(json!({
            "name": name, "in": "path", "required": true, "schema": { "type": "string", "minLength": 1 },
        }));
        operation.problems.extend([400, 404]);
    }
    operation
}

impl Operation {
    /// More than the summary.
    pub fn about(mut self, text: &'static str) -> Self {
        self.description = Some(text);
        self
    }

    /// A query parameter that may be absent.
    pub fn query(mut self, name: &'static str, schema: &Value, description: &'static str) -> Self {
        self.parameters
            .push(json!({ "name": name, "in": "query", "schema": schema, "description": description }));
        self.reads_query = true;
        self
    }

    /// A query parameter that is one of a type's words; empty, as forms send it, stands for any.
    pub fn words(self, name: &'static str, words: &[&str], description: &'static str) -> Self {
        let all: Vec<&str> = words.iter().copied().chain([""]).collect();
        self.query(name, &json!({ "type": "string", "enum": all }), description)
    }

    /// A query parameter that is any text.
    pub fn text_query(self, name: &'static str, description: &'static str) -> Self {
        self.query(name, &json!({ "type": "string" }), description)
    }

    /// A list in pages.
    pub fn paged(self) -> Self {
        let number = json!({ "type": "integer", "minimum": 1, "maximum": MAX_LIMIT });
        let limit = json!({ "anyOf": [number, { "const": "" }], "default": 50 });
        self.query("limit", &limit, "The length of a page").query(
            "cursor",
            &json!({ "type": "string", "pattern": "^(c[0-9a-f]{1,15})?$" }),
            "`nextCursor` of the page before",
        )
    }

    /// A header that may be absent.
    pub fn header(mut self, name: &'static str, schema: &Value, description: &'static str) -> Self {
        self.parameters
            .push(json!({ "name": name, "in": "header", "schema": schema, "description": description }));
        self.problems.push(400);
        self
    }

    /// A JSON body that has to be there.
    pub fn takes<T: ToSchema>(self) -> Self {
        self.takes_schema(Schemas::reference::<T>)
    }

    /// A JSON body of a form that needs more than one type.
    pub fn takes_schema(mut self, schema: MakeSchema) -> Self {
        self.body = Some(Body { media: JSON, schema, required: true });
        self
    }

    /// One job, or several.
    pub fn takes_one_of<A: ToSchema, B: ToSchema>(self) -> Self {
        self.takes_schema(|schemas| json!({ "anyOf": [schemas.reference::<A>(), schemas.reference::<B>()] }))
    }

    /// A JSON body; none stands for the default.
    pub fn may_take<T: ToSchema>(mut self) -> Self {
        self.body = Some(Body { media: JSON, schema: Schemas::reference::<T>, required: false });
        self
    }

    /// A body of any bytes.
    pub fn takes_bytes(mut self) -> Self {
        self.body = Some(Body { media: &["application/octet-stream"], schema: bytes, required: true });
        self.problems.extend([408, 507]);
        self
    }

    fn answer(
        mut self,
        status: u16,
        description: &'static str,
        content: Vec<(&'static str, MakeSchema)>,
    ) -> Self {
        self.answers.push(Answer { status, description, content, headers: Vec::new() });
        self
    }

    /// An answer in JSON.
    pub fn json_answer<T: ToSchema>(self, status: u16, description: &'static str) -> Self {
        self.answer(status, description, vec![("application/json", Schemas::reference::<T>)])
    }

    /// One thing, or several.
    pub fn either_answer<A: ToSchema, B: ToSchema>(self, status: u16, description: &'static str) -> Self {
        let schema: MakeSchema =
            |schemas| json!({ "anyOf": [schemas.reference::<A>(), schemas.reference::<B>()] });
        self.answer(status, description, vec![("application/json", schema)])
    }

    /// A page of a list, or the whole of a short one.
    pub fn items<T: ToSchema>(self, description: &'static str) -> Self {
        let schema: MakeSchema = |schemas| {
            json!({
                "type": "object",
                "required": ["items", "nextCursor"],
                "properties": {
                    "items": { "type": "array", "items": schemas.reference::<T>() },
                    "nextCursor": {
                        "type": ["string", "null"],
                        "description": "Hand it in as `cursor` for the next page; null on the last one",
                    },
                },
            })
        };
        self.answer(200, description, vec![("application/json", schema)])
    }

    /// An answer in JSON of any form.
    pub fn any_json(self, status: u16, description: &'static str) -> Self {
        self.answer(status, description, vec![("application/json", any)])
    }

    /// Bytes, whole or in part.
    pub fn file(self, description: &'static str) -> Self {
        let all = vec![("*/*", bytes as MakeSchema)];
        self.header("Range", &json!({ "type": "string" }), "Of bytes")
            .header("If-None-Match", &json!({ "type": "string" }), "An ETag that is known")
            .answer(200, description, all.clone())
            .answer(206, "The part that was asked for", all)
            .answer(304, "It is the one that is known", Vec::new())
            .or([416])
    }

    /// Server-sent events.
    pub fn events(self, description: &'static str) -> Self {
        self.answer(200, description, vec![("text/event-stream", text)])
    }

    /// An answer of another media type.
    pub fn other(self, status: u16, media: &'static str, description: &'static str) -> Self {
        self.answer(status, description, vec![(media, bytes)])
    }

    /// A body of one of these media types.
    pub fn takes_media(mut self, media: &'static [&'static str]) -> Self {
        self.body = Some(Body { media, schema: bytes, required: true });
        self.problems.extend([408, 415, 507]);
        self
    }

    /// An answer without a body.
    pub fn empty(self, status: u16, description: &'static str) -> Self {
        self.answer(status, description, Vec::new())
    }

    /// A header of the latest answer.
    pub fn with(mut self, name: &'static str, description: &'static str) -> Self {
        if let Some(answer) = self.answers.last_mut() {
            answer.headers.push((name, description));
        }
        self
    }

    /// Problems beyond those of every operation of its form.
    pub fn or<const N: usize>(mut self, problems: [u16; N]) -> Self {
        self.problems.extend(problems);
        self
    }

    /// As it stands in the document; `access` is the one of its route.
    pub fn json(self, access: Option<Access>, schemas: &mut Schemas) -> Value {
        let statuses = self.statuses(access);
        let mut json = json!({ "operationId": self.id, "tags": [self.tag], "summary": self.summary });
        if let Some(description) = self.description {
            json["description"] = description.into();
        }
        match access {
            Some(Access::AtLeast(role)) => json["x-role"] = role.as_str().into(),
            // Whatever the role, and no key.
            Some(Access::User) => json["security"] = json!([{ "cookie": [] }]),
            Some(Access::Open | Access::Signed) | None => json["security"] = json!([]),
        }
        if !self.parameters.is_empty() {
            json["parameters"] = self.parameters.into();
        }
        if let Some(body) = self.body {
            let schema = (body.schema)(schemas);
            let content: Map<String, Value> =
                body.media.iter().map(|media| ((*media).to_owned(), json!({ "schema": schema }))).collect();
            json["requestBody"] = json!({ "required": body.required, "content": content });
        }
        let mut responses = Map::new();
        for answer in self.answers {
            let mut response = json!({ "description": answer.description });
            for (media, schema) in answer.content {
                response["content"][media] = json!({ "schema": schema(schemas) });
            }
            for (name, description) in answer.headers {
                let header = json!({ "description": description, "schema": { "type": "string" } });
                response["headers"][name] = header;
            }
            responses.insert(answer.status.to_string(), response);
        }
        for status in statuses {
            let reference = json!({ "$ref": format!("#/components/responses/Problem{status}") });
            responses.insert(status.to_string(), reference);
        }
        json["responses"] = responses.into();
        json
    }

    fn statuses(&self, access: Option<Access>) -> Vec<u16> {
        let mut statuses = self.problems.clone();
        // The store and the disk may fail whatever is asked.
        statuses.extend([500, 503]);
        if matches!(access, Some(Access::AtLeast(_) | Access::User)) {
            statuses.extend([401, 403]);
        }
        if self.reads_query {
            statuses.push(400);
        }
        if self.body.is_some() {
            statuses.extend([400, 413]);
        }
        if self.body.as_ref().is_some_and(|body| body.media == JSON) {
            statuses.push(415);
        }
        if self.method != Method::GET {
            statuses.push(507);
        }
        statuses.sort_unstable();
        statuses.dedup();
        statuses
    }
}
