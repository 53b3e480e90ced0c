//! Cookies, read and written strictly.

use axum::http::{HeaderMap, HeaderValue, header};

/// Names a session.
pub const SESSION: &str = "studio_session";
/// Ties a form to the browser that it was sent to, before anybody signed in.
pub const FORM: &str = "studio_form";
/// A secret in a cookie: 32 bytes in hex.
const SECRET_CHARS: usize = 64;

/// What a request says for one cookie.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cookie<'a> {
    /// Nothing.
    Absent,
    /// One secret.
    One(&'a str),
    /// Several, or what is no secret of ours: somebody planted one, and which of them counts would depend on paths.
    Unclear,
}

/// The name of a cookie on this connection: with https nobody but this host, through https, can have set it.
pub fn name(base: &str, is_https: bool) -> String {
    if is_https { format!("__Host-{base}") } else { base.to_owned() }
}

/// Reads the cookie `base`.
pub fn read<'a>(headers: &'a HeaderMap, base: &str, is_https: bool) -> Cookie<'a> {
    let wanted = name(base, is_https);
    let mut found = Cookie::Absent;
    for value in headers.get_all(header::COOKIE) {
        let Ok(text) = value.to_str() else { continue };
        for pair in text.split(';') {
            let Some((name, value)) = pair.split_once('=') else { continue };
            if name.trim() != wanted {
                continue;
            }
            let value = value.trim();
            let is_secret = value.len() == SECRET_CHARS && value.bytes().all(|byte| byte.is_ascii_hexdigit());
            found = if found == Cookie::Absent && is_secret { Cookie::One(value) } else { Cookie::Unclear };
        }
    }
    found
}

/// How long a browser keeps a cookie and with which requests it comes.
#[derive(Debug, Clone, Copy)]
pub struct Terms {
    /// `Lax` or `Strict`.
    pub same_site: &'static str,
    /// Seconds; 0 deletes it, `None` keeps it while the browser runs.
    pub max_age: Option<u64>,
}

/// The value of `Set-Cookie`; no script can read the cookie.
pub fn set(base: &str, secret: &str, is_https: bool, terms: Terms) -> Option<HeaderValue> {
    let name = name(base, is_https);
    let secure = if is_https { "; Secure" } else { "" };
    let age = terms.max_age.map(|seconds| format!("; Max-Age={seconds}")).unwrap_or_default();
    let text = format!("{name}={secret}; Path=/; HttpOnly; SameSite={}{secure}{age}", terms.same_site);
    HeaderValue::try_from(text).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    const A: &str = "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";

    fn of(values: &[String], is_https: bool) -> String {
        let mut headers = HeaderMap::new();
        for value in values {
            headers.append(header::COOKIE, value.parse().unwrap());
        }
        format!("{:?}", read(&headers, SESSION, is_https))
    }

    #[test]
    fn one_secret_counts_and_only_under_its_name() {
        let one = format!("One({A:?})");
        assert_eq!(of(&[format!("a=b; studio_session={A}; c")], false), one);
        assert_eq!(of(&[format!("__Host-studio_session={A}; studio_session=x")], true), one);
        assert_eq!(of(&[format!("studio_session={A}")], true), "Absent");
        assert_eq!(of(&[format!("xstudio_session={A}")], false), "Absent");
        assert_eq!(of(&["studio_session=short".to_owned()], false), "Unclear");
        assert_eq!(of(&[format!("studio_session={A}; studio_session={A}")], false), "Unclear");
        assert_eq!(of(&[format!("studio_session={A}"), format!("studio_session={A}")], false), "Unclear");
    }

    #[test]
    fn no_script_sees_it_and_https_keeps_it() {
        let terms = Terms { same_site: "Lax", max_age: Some(7) };
        let plain = set(SESSION, "s", false, terms).unwrap();
        assert_eq!(plain, "studio_session=s; Path=/; HttpOnly; SameSite=Lax; Max-Age=7");
        let secure = set(SESSION, "s", true, Terms { same_site: "Strict", max_age: None }).unwrap();
        assert_eq!(secure, "__Host-studio_session=s; Path=/; HttpOnly; SameSite=Strict; Secure");
    }
}
