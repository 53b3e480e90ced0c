//! Reads paths and query parameters strictly.

use std::str::FromStr;

use axum::extract::{FromRequestParts, Path};
use axum::http::request::Parts;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};
use studio_protocol::{TaskError, TaskKind};
use studio_store::Cursor;

use super::body::quoted;
use super::problem::Problem;

/// A page when nothing is said: what a screen shows.
const DEFAULT_LIMIT: u32 = 50;
/// The longest page: lists stay quick to make and to read.
pub const MAX_LIMIT: u32 = 500;

/// Query parameters; one that the route does not know is an error, because a filter that is silently
/// ignored shows more than was meant.
pub struct ApiQuery<T>(pub T);

impl<S: Send + Sync, T: DeserializeOwned> FromRequestParts<S> for ApiQuery<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        let mut stated = Map::new();
        for (name, value) in form_urlencoded::parse(parts.uri.query().unwrap_or_default().as_bytes()) {
            // `?state=` is what a form sends for "any".
            let known = if value.is_empty() { None } else { stated.insert(name.to_string(), value.into()) };
            if known.is_some() {
                return Err(Problem::invalid(
                    name.as_ref(),
                    format!("the parameter `{name}` is there twice"),
                ));
            }
        }
        serde_json::from_value(Value::Object(stated)).map(Self).map_err(|error| {
            let detail = error.to_string().replacen(" field ", " parameter ", 1);
            let named = quoted(&detail, "unknown parameter `").unwrap_or_default().to_owned();
            Problem::invalid(named, detail)
        })
    }
}

/// The `{id}` of a path, whatever it holds: ids are compared, never used as names of files.
pub struct Id(pub String);

impl<S: Send + Sync> FromRequestParts<S> for Id {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let Path(id) = Path::<String>::from_request_parts(parts, state)
            .await
            .map_err(|error| Problem::invalid("id", error.body_text()))?;
        Ok(Self(id))
    }
}

/// The parameters of every list.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PageQuery {
    limit: Option<String>,
    cursor: Option<String>,
}

impl PageQuery {
    /// From parameters that stand among others.
    pub fn new(limit: Option<String>, cursor: Option<String>) -> Self {
        Self { limit, cursor }
    }

    /// Where to start and how many.
    pub fn read(&self) -> Result<(Option<Cursor>, u32), Problem> {
        let cursor = word("cursor", self.cursor.as_deref())?;
        let limit = match self.limit.as_deref() {
            None => DEFAULT_LIMIT,
            Some(text) => {
                text.parse().ok().filter(|limit| (1..=MAX_LIMIT).contains(limit)).ok_or_else(|| {
                    Problem::invalid("limit", format!("`{text}` is not a number from 1 to {MAX_LIMIT}"))
                })?
            }
        };
        Ok((cursor, limit))
    }
}

/// A parameter that is one of a few words.
pub fn word<T>(name: &str, text: Option<&str>) -> Result<Option<T>, Problem>
where
    T: FromStr,
    T::Err: std::fmt::Display,
{
    text.map(|text| text.parse().map_err(|error: T::Err| Problem::invalid(name, error.to_string())))
        .transpose()
}

/// The same for one that lists some of them, with commas between.
pub fn words<T>(name: &str, text: Option<&str>) -> Result<Vec<T>, Problem>
where
    T: FromStr,
    T::Err: std::fmt::Display,
{
    let Some(text) = text else { return Ok(Vec::new()) };
    let of_word =
        |word: &str| word.trim().parse().map_err(|error: T::Err| Problem::invalid(name, error.to_string()));
    text.split(',').map(of_word).collect()
}

/// A parameter that is a kind of task.
pub fn kind(text: Option<&str>) -> Result<Option<TaskKind>, Problem> {
    text.map(|kind| kind.parse().map_err(|error: TaskError| Problem::invalid("kind", error.problem)))
        .transpose()
}

#[cfg(test)]
mod tests {
    use axum::http::Request;

    use super::*;

    async fn read<T: DeserializeOwned>(uri: &str) -> Result<T, Problem> {
        let (mut parts, ()) = Request::get(uri).body(()).unwrap().into_parts();
        ApiQuery::from_request_parts(&mut parts, &()).await.map(|query| query.0)
    }

    #[tokio::test]
    async fn unknown_and_repeated_parameters_are_named() {
        let problem = read::<PageQuery>("/?stat=done").await.unwrap_err();
        assert_eq!((problem.status, problem.field.as_deref()), (400, Some("stat")));
        let problem = read::<PageQuery>("/?limit=1&limit=2").await.unwrap_err();
        assert_eq!(problem.field.as_deref(), Some("limit"));
        assert!(read::<PageQuery>("/?limit=").await.unwrap().limit.is_none());
    }

    #[tokio::test]
    async fn limits_and_cursors_are_checked() {
        for text in ["0", "501", "-1", "ten", "1e2"] {
            let page: PageQuery = read(&format!("/?limit={text}")).await.unwrap();
            assert_eq!(page.read().unwrap_err().field.as_deref(), Some("limit"), "{text}");
        }
        let page: PageQuery = read("/?limit=500").await.unwrap();
        assert_eq!(page.read().unwrap().1, 500);
        let page: PageQuery = read("/?cursor=nonsense").await.unwrap();
        assert_eq!(page.read().unwrap_err().field.as_deref(), Some("cursor"));
    }
}
