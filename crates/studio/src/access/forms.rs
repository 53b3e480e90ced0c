//! Forms that anybody may send before they are signed in: small, in time, and from a page of ours.

use std::collections::HashMap;
use std::time::Duration;

use axum::body::Body;
use axum::extract::{FromRequest, Request};
use axum::http::{HeaderMap, HeaderValue};
use serde::de::DeserializeOwned;

use super::cookies::{self, Cookie, Terms};
use super::peer::Peer;
use crate::api::Problem;
use crate::api::body;
use crate::secrets;
use crate::signing::Signer;
use crate::state::AppState;

/// A name, a password and a token, with room for escapes; whoever sends it is a stranger.
pub const MAX_BYTES: usize = 16 * 1024;
/// A form comes in one packet: who sends it slowly holds a connection on purpose.
const LIMIT: Duration = Duration::from_secs(10);
/// What tokens of forms are derived for.
const PURPOSE: &str = "form";

/// A JSON body from a stranger.
pub struct SmallJson<T>(pub T);

impl<T: DeserializeOwned> FromRequest<AppState> for SmallJson<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &AppState) -> Result<Self, Problem> {
        let (parts, body) = request.into_parts();
        must_be_from_here(&parts.headers, &Peer::of_parts(&state.settings, &parts))?;
        body::must_be_json(&parts.headers)?;
        Ok(Self(body::parse(&small(&parts.headers, body, LIMIT).await?)?))
    }
}

/// The fields of a form.
pub async fn fields(headers: &HeaderMap, body: Body) -> Result<HashMap<String, String>, Problem> {
    let bytes = small(headers, body, LIMIT).await?;
    Ok(form_urlencoded::parse(&bytes).into_owned().collect())
}

async fn small(headers: &HeaderMap, body: Body, limit: Duration) -> Result<bytes::Bytes, Problem> {
    match tokio::time::timeout(limit, body::limited(headers, body, MAX_BYTES)).await {
        Ok(bytes) => bytes,
        Err(_) => Err(Problem::timeout(format!("the body took more than {} s", limit.as_secs()))),
    }
}

/// Refuses what a browser says comes from a page of somebody else; programs say nothing.
pub fn must_be_from_here(headers: &HeaderMap, peer: &Peer) -> Result<(), Problem> {
    let text = |name: &str| headers.get(name).map(|value| value.to_str().unwrap_or_default());
    let is_ours = match (text("sec-fetch-site"), text("origin")) {
        (Some(site), _) => matches!(site, "same-origin" | "none"),
        (None, Some(origin)) => {
            let host = origin.split_once("://").map(|(_, host)| host.to_ascii_lowercase());
            host.is_some() && host == peer.host
        }
        (None, None) => true,
    };
    if is_ours {
        return Ok(());
    }
    Err(Problem::forbidden(
        "this form was sent from a page of somebody else: open the studio's own page; behind a proxy that changes the \
         host, start the studio with --trust-proxy",
    ))
}

/// What ties a form to the browser that it is shown in.
#[derive(Debug)]
pub struct Tie {
    /// In the form.
    pub token: String,
    /// For the browser, when it has none yet.
    pub cookie: Option<HeaderValue>,
}

/// Ties a form to whoever asks for it.
pub fn tie(signer: &Signer, peer: &Peer, headers: &HeaderMap) -> Tie {
    match cookies::read(headers, cookies::FORM, peer.is_https) {
        Cookie::One(secret) => Tie { token: signer.sign(PURPOSE, &[secret]), cookie: None },
        Cookie::Absent | Cookie::Unclear => {
            let secret = secrets::token();
            let terms = Terms { same_site: "Strict", max_age: None };
            let cookie = cookies::set(cookies::FORM, &secret, peer.is_https, terms);
            Tie { token: signer.sign(PURPOSE, &[&secret]), cookie }
        }
    }
}

/// Refuses a form whose token does not go with the browser's cookie, or that comes from elsewhere.
pub fn must_be_tied(
    signer: &Signer,
    peer: &Peer,
    headers: &HeaderMap,
    token: Option<&String>,
) -> Result<(), Problem> {
    must_be_from_here(headers, peer)?;
    match (cookies::read(headers, cookies::FORM, peer.is_https), token) {
        (Cookie::One(secret), Some(token)) if signer.verify(PURPOSE, &[secret], token) => Ok(()),
        _ => Err(Problem::forbidden(
            "this form is from an older page, or the browser keeps no cookies: it is shown again, send it again",
        )),
    }
}

/// Where somebody goes who has signed in: only an address of this studio, whatever a link says.
pub fn local(next: Option<&str>) -> &str {
    const MAX_CHARS: usize = 2_000;
    let is_local = |next: &&str| {
        // A browser drops tabs and line ends and takes `\` for `/`: what is left must still be a path.
        let plain = next.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'\\');
        plain && next.starts_with('/') && !next.starts_with("//") && next.len() <= MAX_CHARS
    };
    next.filter(is_local).unwrap_or("/")
}

/// The address of the sign-in page that leads back to `wanted`.
pub fn sign_in_address(wanted: &str) -> String {
    match local(Some(wanted)) {
        "/" => "/sign-in".to_owned(),
        next => format!(
            "/sign-in?{}",
            form_urlencoded::Serializer::new(String::new()).append_pair("next", next).finish()
        ),
    }
}

#[cfg(test)]
mod tests {
    use axum::http::header;

    use super::*;

    #[test]
    fn only_addresses_of_this_studio_are_gone_to() {
        for good in ["/", "/jobs", "/jobs/job-1?tab=log&q=%2F%2F#x", "/a//b"] {
            assert_eq!(local(Some(good)), good);
        }
        for bad in [
            "",
            "jobs",
            "//evil.example",
            "/\\evil.example",
            "\\\\evil.example",
            "https://evil.example",
            "/\t/evil.example",
            "/\n/evil.example",
            " /jobs",
            "javascript:alert(1)",
            "/jobs\\..",
            "/j\u{f6}bs",
        ] {
            assert_eq!(local(Some(bad)), "/", "{bad:?}");
        }
        assert_eq!(local(None), "/");
        assert_eq!(sign_in_address("/jobs?state=done"), "/sign-in?next=%2Fjobs%3Fstate%3Ddone");
        assert_eq!(sign_in_address("//evil.example"), "/sign-in");
    }

    #[test]
    fn a_page_of_somebody_else_is_told_apart() {
        let peer =
            Peer { address: [127, 0, 0, 1].into(), is_https: false, host: Some("studio.lan:4780".into()) };
        let ours = |headers: &[(&'static str, &'static str)]| {
            let mut map = HeaderMap::new();
            for (name, value) in headers {
                map.insert(*name, value.parse().unwrap());
            }
            must_be_from_here(&map, &peer).is_ok()
        };
        assert!(ours(&[]));
        assert!(ours(&[("sec-fetch-site", "same-origin"), ("origin", "null")]));
        assert!(ours(&[("origin", "http://Studio.lan:4780")]));
        assert!(!ours(&[("sec-fetch-site", "same-site")]));
        assert!(!ours(&[("sec-fetch-site", "cross-site"), ("origin", "http://studio.lan:4780")]));
        for origin in
            ["null", "http://evil.example", "http://studio.lan", "http://studio.lan:4780.evil.example", ""]
        {
            assert!(!ours(&[("origin", origin)]), "{origin}");
        }
    }

    #[tokio::test]
    async fn a_body_that_stops_coming_is_given_up() {
        let pieces = futures_util::stream::once(async { Ok::<_, std::io::Error>("name=") });
        let body = Body::from_stream(futures_util::StreamExt::chain(pieces, futures_util::stream::pending()));
        let problem = small(&HeaderMap::new(), body, Duration::from_millis(20)).await.unwrap_err();
        assert_eq!(problem.status, 408);
    }

    #[test]
    fn a_form_is_good_in_its_browser_only() {
        let signer = Signer::new(&[3; 32]);
        let peer = Peer { address: [127, 0, 0, 1].into(), is_https: false, host: None };
        let first = tie(&signer, &peer, &HeaderMap::new());
        let pair =
            |tie: &Tie| tie.cookie.as_ref().unwrap().to_str().unwrap().split(';').next().unwrap().to_owned();
        let mut mine = HeaderMap::new();
        mine.insert(header::COOKIE, pair(&first).parse().unwrap());
        let second = tie(&signer, &peer, &mine);
        assert!(second.cookie.is_none() && second.token == first.token, "two tabs share it");
        assert!(must_be_tied(&signer, &peer, &mine, Some(&first.token)).is_ok());
        let mut other = HeaderMap::new();
        other.insert(header::COOKIE, pair(&tie(&signer, &peer, &HeaderMap::new())).parse().unwrap());
        for (headers, token) in
            [(&other, Some(&first.token)), (&HeaderMap::new(), Some(&first.token)), (&mine, None)]
        {
            assert_eq!(must_be_tied(&signer, &peer, headers, token).unwrap_err().status, 403);
        }
    }
}
