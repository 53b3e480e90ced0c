//! Between a dialect and whoever runs the jobs.

use std::borrow::Cow;

use serde_json::Value;

use crate::{Answer, Failure};

/// The longest answer where neither the request nor the model says: clients expect an answer to end where the model
/// ends it, and one that never does must not hold a worker for ever.
const OPEN_ANSWER_TOKENS: u32 = 16_384;

/// A request that can be run.
pub struct Asked {
    /// The registry's name of the model.
    pub model: String,
    /// An `llm` task without its `kind` for each answer that is wanted; what it leaves out, the model decides.
    pub tasks: Vec<Value>,
    /// Whether pieces are wanted.
    pub stream: bool,
    /// Whether an answer may call one tool at most.
    pub one_call: bool,
    /// Says the answers.
    pub writer: Box<dyn Writer>,
}

impl Asked {
    /// Takes its tasks; those that are to end where the model ends them get a limit, unless the model has one.
    pub fn take_tasks(&mut self, model_has_limit: bool) -> Vec<Value> {
        let mut tasks = std::mem::take(&mut self.tasks);
        for fields in tasks.iter_mut().filter_map(Value::as_object_mut).filter(|_| !model_has_limit) {
            fields.entry("maxTokens").or_insert(OPEN_ANSWER_TOKENS.into());
        }
        tasks
    }
}

impl std::fmt::Debug for Asked {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { model, tasks, stream, one_call, writer: _ } = self;
        f.debug_struct("Asked")
            .field("model", model)
            .field("tasks", tasks)
            .field("stream", stream)
            .field("one_call", one_call)
            .finish_non_exhaustive()
    }
}

/// What an answer needs and a request does not have.
#[derive(Debug, Clone)]
pub struct Origin {
    /// Unique; ids of answers are made of it.
    pub id: String,
    /// Seconds since 1970.
    pub created: i64,
}

/// One server-sent event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Event {
    /// Its name, in dialects that name them.
    pub name: Option<&'static str>,
    /// JSON, or a word.
    pub data: Cow<'static, str>,
}

impl Event {
    /// One without a name.
    pub fn data(json: &Value) -> Self {
        Self { name: None, data: json.to_string().into() }
    }

    /// One whose name is its `type`.
    pub fn named(name: &'static str, json: &Value) -> Self {
        Self { name: Some(name), data: json.to_string().into() }
    }
}

/// Says answers in a dialect.
///
/// Pieces come as [`begin`](Self::begin), then [`delta`](Self::delta) and one [`done`](Self::done) for each answer, then
/// [`end`](Self::end); or [`failed`](Self::failed), after which nothing follows.
pub trait Writer: Send {
    /// A worker has begun.
    fn begin(&mut self) -> Vec<Event>;
    /// Answer number `at` has grown.
    fn delta(&mut self, at: usize, text: &str, reasoning: &str) -> Vec<Event>;
    /// Answer number `at` is complete; its text was told by deltas to the last character.
    fn done(&mut self, at: usize, answer: &Answer) -> Vec<Event>;
    /// Every answer is complete.
    fn end(&mut self) -> Vec<Event>;
    /// There will be no more.
    fn failed(&mut self, failure: &Failure, request_id: &str) -> Vec<Event>;
    /// The answers as a whole.
    fn whole(&self, answers: &[Answer]) -> Value;
}
