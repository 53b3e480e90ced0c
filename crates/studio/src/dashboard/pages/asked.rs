//! What the address of a page asks for. Unlike the API, a page passes over what it does not know.

use std::collections::HashMap;

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use studio_store::{Db, StoreError};

use crate::api::Caller;

/// The query of a page's address.
pub struct Asked(HashMap<String, String>);

impl<S: Send + Sync> FromRequestParts<S> for Asked {
    type Rejection = std::convert::Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Self::Rejection> {
        let query = parts.uri.query().unwrap_or_default();
        Ok(Self(form_urlencoded::parse(query.as_bytes()).into_owned().collect()))
    }
}

impl Asked {
    /// The value of a parameter; an empty one, as a form sends it for "any", is none.
    pub fn get(&self, name: &str) -> Option<String> {
        self.0.get(name).map(|value| value.trim()).filter(|value| !value.is_empty()).map(str::to_owned)
    }
}

/// Ids and names of the workers, for people who read ids.
pub fn worker_names(db: &Db) -> Result<Vec<(String, String)>, StoreError> {
    let mut names: Vec<_> =
        db.workers()?.into_iter().map(|worker| (worker.id.to_string(), worker.name)).collect();
    names.sort_by(|a, b| a.1.cmp(&b.1));
    Ok(names)
}

/// Names of models.
pub fn model_names(db: &Db) -> Result<Vec<String>, StoreError> {
    Ok(db.models()?.into_iter().map(|model| model.id).collect())
}

/// Names of the projects that the caller sees.
pub fn project_names(db: &Db, caller: &Caller) -> Result<Vec<String>, StoreError> {
    match caller.bound_to() {
        Some(own) => Ok(vec![own.to_string()]),
        None => Ok(db.projects()?.into_iter().map(|project| project.id.to_string()).collect()),
    }
}

#[cfg(test)]
mod tests {
    use axum::http::Request;

    use super::*;

    #[tokio::test]
    async fn empty_and_unknown_parameters_do_no_harm() {
        let (mut parts, ()) =
            Request::get("/jobs?state=&q=+a%26b+&later=1&q2").body(()).unwrap().into_parts();
        let Ok(asked) = Asked::from_request_parts(&mut parts, &()).await;
        assert_eq!((asked.get("state"), asked.get("q").as_deref()), (None, Some("a&b")));
    }
}
