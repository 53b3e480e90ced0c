//! What is written down of a request that changes something: who, what, to which thing, with which outcome.
//!
//! Never a body: those hold prompts and secrets.

use axum::http::StatusCode;
use axum::response::Response;
use serde_json::Value;
use studio_protocol::Timestamp;
use studio_store::{NewAudit, Store, User};

/// For a client that went away before its answer was there; what it asked for may be done.
const CLIENT_WENT_AWAY: u16 = 499;
/// Of a target that is kept: ids are shorter, names of files may be as long as they like.
const MAX_TARGET_CHARS: usize = 200;

/// Who did something.
#[derive(Debug, Clone)]
pub struct Actor {
    /// As people know them.
    pub name: String,
    /// Of the user or key.
    pub id: Option<String>,
}

impl Actor {
    /// Somebody with an account.
    pub fn of(user: &User) -> Self {
        Self { name: user.name.clone(), id: Some(user.id.to_string()) }
    }

    /// A stranger.
    pub fn unknown() -> Self {
        Self { name: "unknown".to_owned(), id: None }
    }
}

/// The thing that a handler made, put into its answer: its address could not name it yet.
#[derive(Debug, Clone)]
pub struct Target(pub String);

/// Writes a line that stands for itself.
pub fn note(store: &Store, actor: Actor, action: &str, status: u16, detail: Option<Value>) {
    let line = NewAudit {
        at: Timestamp::now(),
        actor: actor.name,
        actor_id: actor.id,
        action: action.to_owned(),
        target: None,
        status,
        detail_json: detail.map(|detail| detail.to_string()),
    };
    write(store, line);
}

/// A request that is under way; it is written down however it ends.
#[derive(Debug)]
pub struct Entry {
    store: Store,
    line: Option<NewAudit>,
}

impl Entry {
    /// For a request whose caller is known.
    pub fn open(store: &Store, actor: Actor, action: String, target: &str) -> Self {
        let line = NewAudit {
            at: Timestamp::now(),
            actor: actor.name,
            actor_id: actor.id,
            action,
            target: clipped(target),
            status: CLIENT_WENT_AWAY,
            detail_json: None,
        };
        Self { store: store.clone(), line: Some(line) }
    }

    /// The request has its answer.
    pub fn close(mut self, response: &Response) {
        if let Some(line) = &mut self.line {
            line.status = response.status().as_u16();
            if let Some(Target(made)) = response.extensions().get::<Target>() {
                line.target = clipped(made);
            }
        }
    }
}

impl Drop for Entry {
    fn drop(&mut self) {
        if let Some(line) = self.line.take() {
            write(&self.store, line);
        }
    }
}

fn write(store: &Store, line: NewAudit) {
    store.write_then(
        move |db| db.note_audit(&line),
        |noted| {
            if let Err(error) = noted {
                tracing::warn!("could not write a line of the audit log: {error}");
            }
        },
    );
}

fn clipped(target: &str) -> Option<String> {
    let text: String = target.chars().filter(|c| !c.is_control()).take(MAX_TARGET_CHARS).collect();
    (!text.is_empty()).then_some(text)
}

/// Adds what was made to an answer.
pub fn made(mut response: Response, id: &str) -> Response {
    debug_assert!(response.status() == StatusCode::CREATED);
    response.extensions_mut().insert(Target(id.to_owned()));
    response
}
