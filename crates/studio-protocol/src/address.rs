//! Where a studio is reached (protocol section 1).

use std::fmt::{self, Write};

use crate::{API_PREFIX, JobId, RequestId, WorkerId};

/// A studio's base address with [`API_PREFIX`] appended exactly once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ApiBase {
    tls: bool,
    /// Host, port and path, without the scheme.
    rest: String,
}

/// Why a base address cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AddressError {
    /// Not `http`, `https`, `ws` or `wss`.
    #[error("`{0}` does not start with http:// or https://")]
    Scheme(String),
    /// Nothing after the scheme.
    #[error("`{0}` names no host")]
    Host(String),
}

impl ApiBase {
    /// Reads an `api_base_url`: trailing slashes, query and fragment are dropped, an outer path is kept.
    pub fn parse(url: &str) -> Result<Self, AddressError> {
        let url = url.trim();
        let (scheme, rest) = url.split_once("://").ok_or_else(|| AddressError::Scheme(url.to_owned()))?;
        let tls = match scheme.to_ascii_lowercase().as_str() {
            "http" | "ws" => false,
            "https" | "wss" => true,
            _ => return Err(AddressError::Scheme(url.to_owned())),
        };
        let rest = rest.split(['?', '#']).next().unwrap_or_default().trim_end_matches('/');
        let host = rest.split('/').next().unwrap_or_default();
        let plain = !host.is_empty()
            && !host.starts_with(':')
            && !rest.contains(|c: char| c.is_whitespace() || c.is_control());
        if !plain {
            return Err(AddressError::Host(url.to_owned()));
        }
        let outer = rest.strip_suffix(API_PREFIX).unwrap_or(rest);
        Ok(Self { tls, rest: format!("{outer}{API_PREFIX}") })
    }

    /// Whether secrets would travel in the clear to another machine.
    pub fn is_plain_remote(&self) -> bool {
        !self.tls && !self.is_loopback()
    }

    /// Whether the host is this machine.
    pub fn is_loopback(&self) -> bool {
        let host = self.rest.split('/').next().unwrap_or_default();
        let host = host.rsplit_once('@').map_or(host, |(_, host)| host);
        let name = match host.strip_prefix('[') {
            Some(v6) => v6.split(']').next().unwrap_or_default(),
            None => host.split(':').next().unwrap_or_default(),
        };
        name.eq_ignore_ascii_case("localhost")
            || name.parse::<std::net::IpAddr>().is_ok_and(|ip| ip.is_loopback())
    }

    /// The studio's root, without the prefix.
    pub fn root(&self) -> String {
        let outer = self.rest.strip_suffix(API_PREFIX).unwrap_or(&self.rest);
        format!("{}://{outer}", self.http_scheme())
    }

    /// `POST` a registration here.
    pub fn register_url(&self) -> String {
        self.http("/workers/register-request")
    }

    /// `GET` the decision here.
    pub fn registration_url(&self, request: &RequestId) -> String {
        self.http(&format!("/workers/register-requests/{}", path_segment(request.as_str())))
    }

    /// `POST` a binary result here.
    pub fn complete_url(&self, worker: &WorkerId, job: &JobId) -> String {
        let (worker, job) = (path_segment(worker.as_str()), path_segment(job.as_str()));
        self.http(&format!("/workers/{worker}/jobs/{job}/complete"))
    }

    /// Open the session here.
    pub fn connect_url(&self, worker: &WorkerId) -> String {
        let scheme = if self.tls { "wss" } else { "ws" };
        format!("{scheme}://{}/workers/{}/connect", self.rest, path_segment(worker.as_str()))
    }

    fn http(&self, path: &str) -> String {
        format!("{}://{}{path}", self.http_scheme(), self.rest)
    }

    fn http_scheme(&self) -> &'static str {
        if self.tls { "https" } else { "http" }
    }
}

impl fmt::Display for ApiBase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.http(""))
    }
}

/// Percent-encodes everything that is not unreserved (RFC 3986, section 2.3), so that an id stays one segment.
fn path_segment(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~') {
            out.push(char::from(byte));
        } else {
            let _ = write!(out, "%{byte:02X}");
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn base(url: &str) -> String {
        ApiBase::parse(url).unwrap().to_string()
    }

    #[test]
    fn the_prefix_is_appended_once() {
        assert_eq!(base("http://h"), "http://h/graphics/api");
        assert_eq!(base("https://h/x/"), "https://h/x/graphics/api");
        assert_eq!(base("https://h/graphics/api///"), "https://h/graphics/api");
        assert_eq!(base("https://h/x/graphics/api?q=1#f"), "https://h/x/graphics/api");
        assert_eq!(base("wss://h:1/"), "https://h:1/graphics/api");
    }

    #[test]
    fn the_socket_follows_the_scheme() {
        let connect = |url: &str| ApiBase::parse(url).unwrap().connect_url(&"w-1".into());
        assert_eq!(connect("http://h:80"), "ws://h:80/graphics/api/workers/w-1/connect");
        assert_eq!(connect("https://h/x"), "wss://h/x/graphics/api/workers/w-1/connect");
    }

    #[test]
    fn other_schemes_and_missing_hosts_are_errors() {
        assert!(matches!(ApiBase::parse("ftp://h"), Err(AddressError::Scheme(_))));
        assert!(matches!(ApiBase::parse("h:4780"), Err(AddressError::Scheme(_))));
        assert!(matches!(ApiBase::parse("http:///x"), Err(AddressError::Host(_))));
        assert!(matches!(ApiBase::parse("http://a b"), Err(AddressError::Host(_))));
    }

    #[test]
    fn loopback_is_told_from_remote() {
        for url in ["http://127.0.0.1:4780", "http://[::1]:4780/x", "http://LOCALHOST"] {
            assert!(ApiBase::parse(url).unwrap().is_loopback(), "{url}");
        }
        assert!(ApiBase::parse("http://studio.example:4780").unwrap().is_plain_remote());
        assert!(!ApiBase::parse("https://studio.example").unwrap().is_plain_remote());
    }

    #[test]
    fn ids_stay_one_path_segment() {
        let base = ApiBase::parse("http://h").unwrap();
        assert!(
            base.complete_url(&"w/../x".into(), &"j?".into())
                .ends_with("/workers/w%2F..%2Fx/jobs/j%3F/complete")
        );
    }
}
