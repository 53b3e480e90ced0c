//! Addresses of files that the studio itself serves: as the registry writes them, and as workers are told them.

use std::fmt::Write;

use axum::http::{HeaderMap, header};
use percent_encoding::percent_decode_str;
use reqwest::Url;
use studio_protocol::{API_PREFIX, WorkerId};

use crate::settings::Settings;

/// How an address in the registry begins.
const PREFIX: &str = "studio:///models/";

/// `studio:///models/<model>/<filename>`
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StudioAddress {
    /// The folder.
    pub model: String,
    /// The file in it.
    pub filename: String,
}

impl StudioAddress {
    /// Reads an address; `None` when it is one of another scheme, an error when it is one that leads nowhere.
    pub fn parse(url: &str) -> Option<Result<Self, String>> {
        if !url.get(..7).is_some_and(|scheme| scheme.eq_ignore_ascii_case("studio:")) {
            return None;
        }
        let wrong = || format!("`{url}`: a file of the studio is `{PREFIX}<model>/<filename>`");
        let parts = url.strip_prefix(PREFIX).and_then(|rest| rest.split_once('/'));
        let decoded = parts.and_then(|(model, filename)| Some((decode(model)?, decode(filename)?)));
        Some(match decoded {
            Some((model, filename)) if is_plain(&model) && !model.starts_with('.') && is_plain(&filename) => {
                Ok(Self { model, filename })
            }
            _ => Err(wrong()),
        })
    }

    /// Where a worker fetches it, below the studio's address.
    pub fn path(&self, worker: &WorkerId) -> String {
        format!("{}{}", worker_part(worker), self.file_part())
    }

    pub(super) fn file_part(&self) -> String {
        format!("/models/{}/files/{}", segment(&self.model), segment(&self.filename))
    }
}

impl std::fmt::Display for StudioAddress {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{PREFIX}{}/{}", segment(&self.model), segment(&self.filename))
    }
}

/// The prefix of everything that a worker asks for.
pub(super) fn worker_part(worker: &WorkerId) -> String {
    format!("{API_PREFIX}/workers/{}", segment(worker.as_str()))
}

fn decode(text: &str) -> Option<String> {
    Some(percent_decode_str(text).decode_utf8().ok()?.into_owned())
}

/// Whether a name stays within its folder, on every platform.
fn is_plain(name: &str) -> bool {
    let has_parts = name.contains(['/', '\\', ':', '?', '#']) || name.chars().any(char::is_control);
    !name.is_empty() && name != "." && name != ".." && !has_parts
}

/// Percent-encodes everything that is not unreserved (RFC 3986, section 2.3).
fn segment(text: &str) -> String {
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

/// The address under which whoever sent `headers` reaches this studio, without a slash at its end.
///
/// As `--public-url` says; else as the request was addressed, by the proxy's word where there is one that is trusted.
pub fn base(settings: &Settings, headers: &HeaderMap) -> String {
    if let Some(url) = &settings.public_url {
        return url.trim_end_matches('/').to_owned();
    }
    let own_scheme = if settings.tls.is_some() { "https" } else { "http" };
    let forwarded = |name: &str| settings.trust_proxy.then(|| last(headers, name)).flatten();
    let scheme = forwarded("x-forwarded-proto").filter(|scheme| matches!(*scheme, "http" | "https"));
    let host = forwarded("x-forwarded-host").or_else(|| headers.get(header::HOST)?.to_str().ok());
    let asked = host.and_then(|host| origin(scheme.unwrap_or(own_scheme), host));
    asked.unwrap_or_else(|| format!("{own_scheme}://{}", settings.listen))
}

/// The proxy that is nearest to us wrote the last entry.
fn last<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    let list = headers.get(name)?.to_str().ok()?;
    list.rsplit(',').next().map(str::trim).filter(|text| !text.is_empty())
}

/// Scheme, host and port, when `host` is no more than that.
fn origin(scheme: &str, host: &str) -> Option<String> {
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '.' | '_' | ':' | '[' | ']');
    if !host.chars().all(plain) {
        return None;
    }
    let url = Url::parse(&format!("{scheme}://{host}/")).ok()?;
    Some(url.as_str().strip_suffix('/')?.to_owned())
}

/// Checks what `--public-url` was given.
pub fn public_url(text: &str) -> Result<String, String> {
    let url = Url::parse(text).map_err(|error| error.to_string())?;
    let is_plain = url.query().is_none() && url.fragment().is_none() && url.username().is_empty();
    if !matches!(url.scheme(), "http" | "https") || !url.has_host() || !is_plain {
        return Err("it is not an http or https address like https://studio.example.org".to_owned());
    }
    let url = url.as_str().trim_end_matches('/');
    // As in a worker's own setting, the prefix may stand at the end or not.
    Ok(url.strip_suffix(API_PREFIX).unwrap_or(url).to_owned())
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use super::*;
    use crate::settings::TlsFiles;

    #[test]
    fn an_address_of_ours_is_read_and_written() {
        let address = StudioAddress::parse("studio:///models/z-image/my%20vae.gguf").unwrap().unwrap();
        assert_eq!((address.model.as_str(), address.filename.as_str()), ("z-image", "my vae.gguf"));
        assert_eq!(address.to_string(), "studio:///models/z-image/my%20vae.gguf");
        let path = address.path(&WorkerId::from("w-1"));
        assert_eq!(path, "/graphics/api/workers/w-1/models/z-image/files/my%20vae.gguf");
        assert_eq!(StudioAddress::parse("https://h/models/a/b"), None);
        assert_eq!(StudioAddress::parse("s"), None);
    }

    #[test]
    fn addresses_that_lead_out_of_the_folder_are_none() {
        for url in [
            "studio:",
            "studio:///models/a",
            "studio:///models/a/",
            "studio:///models//b",
            "studio://host/models/a/b",
            "studio:///other/a/b",
            "studio:///models/../b",
            "studio:///models/.records/b",
            "studio:///models/a/..",
            "studio:///models/a/%2e%2e",
            "studio:///models/a/b/c",
            "studio:///models/a/b%2Fc",
            "studio:///models/a/b%5Cc",
            "studio:///models/a/b%00",
            "studio:///models/a/%ff",
            "studio:///models/a/b?x",
            "STUDIO:///models/a/b",
        ] {
            assert!(StudioAddress::parse(url).unwrap().is_err(), "{url}");
        }
    }

    fn settings() -> Settings {
        Settings::new(([127, 0, 0, 1], 4780).into(), PathBuf::from("/d"))
    }

    fn asked(settings: &Settings, pairs: &[(&'static str, &str)]) -> String {
        let mut headers = HeaderMap::new();
        for (name, value) in pairs {
            headers.append(*name, value.parse().unwrap());
        }
        base(settings, &headers)
    }

    #[test]
    fn the_base_is_what_the_worker_asked_for() {
        let plain = settings();
        assert_eq!(asked(&plain, &[("host", "10.0.0.7:4780")]), "http://10.0.0.7:4780");
        assert_eq!(asked(&plain, &[("host", "[::1]:4780")]), "http://[::1]:4780");
        let proxied =
            [("host", "inner"), ("x-forwarded-host", "evil, studio.lan"), ("x-forwarded-proto", "https")];
        assert_eq!(asked(&plain, &proxied), "http://inner", "nobody said that there is a proxy");
        let trusting = Settings { trust_proxy: true, ..settings() };
        assert_eq!(asked(&trusting, &proxied), "https://studio.lan");
        assert_eq!(asked(&trusting, &[("host", "inner"), ("x-forwarded-proto", "gopher")]), "http://inner");
        let tls =
            Settings { tls: Some(TlsFiles { cert: PathBuf::new(), key: PathBuf::new() }), ..settings() };
        assert_eq!(asked(&tls, &[("host", "h")]), "https://h");
        let stated = Settings { public_url: Some("https://h/studio/".to_owned()), ..settings() };
        assert_eq!(asked(&stated, &[("host", "other")]), "https://h/studio");
    }

    #[test]
    fn a_host_that_is_more_than_a_host_is_not_believed() {
        for host in ["", "a b", "me@h", "h/x", "h?x", "h#x", "h\\x", "\"h"] {
            assert_eq!(asked(&settings(), &[("host", host)]), "http://127.0.0.1:4780", "{host}");
        }
        assert_eq!(asked(&settings(), &[]), "http://127.0.0.1:4780");
    }

    #[test]
    fn a_public_url_is_an_address_of_a_studio() {
        assert_eq!(public_url("https://h/x/").unwrap(), "https://h/x");
        assert_eq!(public_url("http://h:1/graphics/api").unwrap(), "http://h:1");
        for wrong in ["h", "ftp://h", "https://me@h", "https://h?x", "https://"] {
            assert!(public_url(wrong).is_err(), "{wrong}");
        }
    }
}
