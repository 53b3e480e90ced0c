//! Reads bodies strictly: a wrong value is answered with the path of its field.

use axum::body::Body;
use axum::extract::{FromRequest, Request};
use axum::http::{HeaderMap, header};
use bytes::{Bytes, BytesMut};
use futures_util::StreamExt;
use serde::de::DeserializeOwned;

use super::problem::Problem;

/// A submission: 10,000 jobs with prompts of several KiB each.
pub const MAX_SUBMISSION_BYTES: usize = 64 * 1024 * 1024;
/// Every other request: names, reasons, one model with its files.
pub const MAX_BODY_BYTES: usize = 1024 * 1024;
/// How much of a body that is too large is read and thrown away: a client that is still sending would
/// otherwise see a reset connection where the answer says what is wrong.
const MAX_DISCARDED_BYTES: usize = 2 * MAX_SUBMISSION_BYTES;

/// A JSON body of at most [`MAX_BODY_BYTES`].
pub struct ApiJson<T>(pub T);

impl<S: Send + Sync, T: DeserializeOwned> FromRequest<S> for ApiJson<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, _: &S) -> Result<Self, Problem> {
        let (parts, body) = request.into_parts();
        let bytes = json_bytes(&parts.headers, body, MAX_BODY_BYTES).await?;
        Ok(Self(parse(&bytes)?))
    }
}

/// The same where an empty body stands for the default.
pub struct OptionalJson<T>(pub T);

impl<S: Send + Sync, T: DeserializeOwned + Default> FromRequest<S> for OptionalJson<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, _: &S) -> Result<Self, Problem> {
        let (parts, body) = request.into_parts();
        let bytes = limited(&parts.headers, body, MAX_BODY_BYTES).await?;
        if bytes.is_empty() {
            return Ok(Self(T::default()));
        }
        must_be_json(&parts.headers)?;
        Ok(Self(parse(&bytes)?))
    }
}

/// The bytes of a submission, not parsed yet: their hash belongs to the `Idempotency-Key`.
pub struct SubmissionBody(pub Bytes);

impl<S: Send + Sync> FromRequest<S> for SubmissionBody {
    type Rejection = Problem;

    async fn from_request(request: Request, _: &S) -> Result<Self, Problem> {
        let (parts, body) = request.into_parts();
        Ok(Self(json_bytes(&parts.headers, body, MAX_SUBMISSION_BYTES).await?))
    }
}

/// Parses JSON; the error names the path of the wrong field.
pub fn parse<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, Problem> {
    let first = bytes.iter().find(|byte| !byte.is_ascii_whitespace());
    // serde by itself would read a list of values in the order of the fields as well.
    if first == Some(&b'[') {
        return Err(Problem::invalid("", "the body is a JSON list, an object is needed"));
    }
    let mut reader = serde_json::Deserializer::from_slice(bytes);
    let value = serde_path_to_error::deserialize(&mut reader).map_err(|error| told(&error))?;
    reader.end().map_err(|error| Problem::invalid("", format!("the body is not one JSON value: {error}")))?;
    Ok(value)
}

/// What is wrong and where: for a field that is missing the path ends with its name.
pub fn told(error: &serde_path_to_error::Error<serde_json::Error>) -> Problem {
    let path = error.path().to_string();
    let path = if path == "." { String::new() } else { path };
    let detail = error.inner().to_string();
    if error.inner().is_syntax() || error.inner().is_eof() {
        return Problem::invalid("", format!("the body is not valid JSON: {detail}"));
    }
    match quoted(&detail, "missing field `") {
        Some(missing) => {
            let path = if path.is_empty() { missing.to_owned() } else { format!("{path}.{missing}") };
            Problem::invalid(path, detail)
        }
        None => Problem::invalid(path, detail),
    }
}

/// The name that serde quotes after `before`.
pub(super) fn quoted<'a>(detail: &'a str, before: &str) -> Option<&'a str> {
    detail.strip_prefix(before)?.split('`').next()
}

/// The bytes of a JSON body of at most `limit` bytes.
pub async fn json_bytes(headers: &HeaderMap, body: Body, limit: usize) -> Result<Bytes, Problem> {
    let bytes = limited(headers, body, limit).await?;
    must_be_json(headers)?;
    Ok(bytes)
}

/// Refuses what is not JSON by its own word.
pub fn must_be_json(headers: &HeaderMap) -> Result<(), Problem> {
    let found = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
    let essence = found.map(|text| text.split(';').next().unwrap_or_default().trim().to_ascii_lowercase());
    match essence.as_deref() {
        Some("application/json") => Ok(()),
        Some(other) if other.starts_with("application/") && other.ends_with("+json") => Ok(()),
        _ => Err(Problem::media_type(found)),
    }
}

/// The bytes of a body of at most `limit` bytes.
pub async fn limited(headers: &HeaderMap, body: Body, limit: usize) -> Result<Bytes, Problem> {
    let announced = headers
        .get(header::CONTENT_LENGTH)
        .and_then(|value| value.to_str().ok())
        .and_then(|text| text.parse::<usize>().ok());
    let mut body = body.into_data_stream();
    let mut taken = BytesMut::new();
    let mut total = 0;
    let mut too_large = announced.is_some_and(|length| length > limit);
    // A client that asks before it sends is spared the sending.
    let asks = headers
        .get(header::EXPECT)
        .is_some_and(|value| value.as_bytes().eq_ignore_ascii_case(b"100-continue"));
    if too_large && (asks || announced.is_some_and(|length| length > MAX_DISCARDED_BYTES)) {
        return Err(Problem::too_large(limit));
    }
    while let Some(chunk) = body.next().await {
        let chunk = chunk.map_err(|error| Problem::invalid("", format!("the body ended early: {error}")))?;
        total += chunk.len();
        too_large |= total > limit;
        if total > MAX_DISCARDED_BYTES {
            break;
        }
        if too_large {
            taken = BytesMut::new();
        } else {
            taken.extend_from_slice(&chunk);
        }
    }
    if too_large { Err(Problem::too_large(limit)) } else { Ok(taken.freeze()) }
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;

    use super::*;

    #[derive(Debug, Deserialize)]
    struct Outer {
        list: Vec<Inner>,
    }

    #[derive(Debug, Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Inner {
        some_number: u8,
    }

    #[test]
    fn a_wrong_value_is_named_by_its_path() {
        let field = |json: &str| parse::<Outer>(json.as_bytes()).unwrap_err().field;
        assert_eq!(
            field(r#"{"list":[{"someNumber":1},{"someNumber":"x"}]}"#).as_deref(),
            Some("list[1].someNumber")
        );
        assert_eq!(field(r#"{"list":[{"someNumber":999}]}"#).as_deref(), Some("list[0].someNumber"));
        assert_eq!(field(r#"{"list":[{}]}"#).as_deref(), Some("list[0].someNumber"));
        assert_eq!(field("{}").as_deref(), Some("list"));
        assert_eq!(field("[]"), None);
        assert_eq!(field(" [[]]"), None);
        let whole = parse::<Outer>(br#"{"list":[]}"#).unwrap();
        assert!(whole.list.iter().all(|inner| inner.some_number > 0));
    }

    #[test]
    fn what_is_not_json_is_said() {
        for text in ["", "{", "nonsense", "{\"list\":[]} trailing"] {
            let problem = parse::<Outer>(text.as_bytes()).unwrap_err();
            assert_eq!(problem.status, 400);
            assert!(problem.detail.contains("JSON"), "{text}: {}", problem.detail);
        }
    }

    #[test]
    fn a_media_type_decides() {
        let with = |text: &'static str| {
            let mut headers = HeaderMap::new();
            headers.insert(header::CONTENT_TYPE, text.parse().unwrap());
            must_be_json(&headers).is_ok()
        };
        assert!(with("application/json"));
        assert!(with("Application/JSON; charset=utf-8"));
        assert!(with("application/merge-patch+json"));
        assert!(!with("text/plain"));
        assert!(!with("multipart/form-data"));
        assert!(must_be_json(&HeaderMap::new()).is_err());
    }
}
