//! Clients that call addresses which users of a server name: the same judgement as for downloads.

use std::time::Duration;

use reqwest::Url;

use crate::reach::{Class, Reach, Resolver, is_loopback_host, literal, system_lookup};

/// Calls addresses that somebody else named; clones share connections.
///
/// https to public machines. With `allow_private` also machines of the local network and this one, those by plain http
/// as well. Never link-local machines, where clouds keep their secrets. Redirects are not followed, proxies not used,
/// and what is connected to is what was judged.
#[derive(Debug, Clone)]
pub struct Callers {
    https: reqwest::Client,
    http: reqwest::Client,
    allow_private: bool,
}

impl Callers {
    /// `limit` is for a whole call.
    pub fn new(user_agent: &str, allow_private: bool, limit: Duration) -> reqwest::Result<Self> {
        studio_runtime::install_crypto();
        let client = |reach| {
            reqwest::Client::builder()
                .user_agent(user_agent)
                .timeout(limit)
                .redirect(reqwest::redirect::Policy::none())
                .no_proxy()
                .dns_resolver(Resolver { reach, lookup: system_lookup() })
        };
        Ok(Self {
            https: client(https_reach(allow_private)).https_only(true).build()?,
            // The platform's roots would be read for nothing.
            http: client(http_reach()).tls_certs_only([]).build()?,
            allow_private,
        })
    }

    /// Reads an address and says why it may not be called; what its name resolves to is judged when it is called.
    pub fn check(&self, text: &str) -> Result<Url, String> {
        check(text, self.allow_private)
    }

    /// The client for an address that was checked.
    pub fn client(&self, url: &Url) -> &reqwest::Client {
        if url.scheme() == "https" { &self.https } else { &self.http }
    }
}

fn https_reach(allow_private: bool) -> Reach {
    if allow_private { Reach::PUBLIC.with(Class::Private).with(Class::Loopback) } else { Reach::PUBLIC }
}

/// Plain http stays within the local network.
fn http_reach() -> Reach {
    Reach::LOOPBACK.with(Class::Private)
}

fn check(text: &str, allow_private: bool) -> Result<Url, String> {
    let url = Url::parse(text).map_err(|error| format!("it is no address: {error}"))?;
    let reach = match url.scheme() {
        "https" => https_reach(allow_private),
        "http" if allow_private => http_reach(),
        "http" => return Err("plain http is not allowed, use https".to_owned()),
        scheme => return Err(format!("`{scheme}` is not a scheme to call, use https")),
    };
    if url.host_str().is_none_or(str::is_empty) {
        return Err("it names no host".to_owned());
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err("it has a user or a password in it, which would stand in logs".to_owned());
    }
    if let Some(ip) = literal(&url) {
        reach.allows(ip)?;
    } else if is_loopback_host(&url) && !allow_private {
        return Err("`localhost` is a loopback address, which may not be called".to_owned());
    }
    Ok(url)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_public_https_unless_the_owner_says_so() {
        for (url, public, private) in [
            ("https://hooks.example/x?y", true, true),
            ("https://93.184.216.34/", true, true),
            ("http://hooks.example/", false, true),
            ("http://93.184.216.34/", false, false),
            ("https://127.0.0.1/", false, true),
            ("http://127.0.0.1:9/", false, true),
            ("http://10.0.0.7/", false, true),
            ("https://192.168.1.1/", false, true),
            ("https://localhost/", false, true),
            ("https://[::1]/", false, true),
            ("https://[::ffff:127.0.0.1]/", false, true),
            ("https://2130706433/", false, true),
            ("https://0x7f.1/", false, true),
            ("http://169.254.169.254/latest", false, false),
            ("https://[fe80::1]/", false, false),
            ("https://0.0.0.0/", false, false),
            ("https://me:secret@hooks.example/", false, false),
            ("ftp://hooks.example/", false, false),
            ("file:///etc/passwd", false, false),
            ("hooks.example", false, false),
            ("", false, false),
        ] {
            assert_eq!(check(url, false).is_ok(), public, "{url}");
            assert_eq!(check(url, true).is_ok(), private, "{url} within the local network");
        }
    }

    #[tokio::test]
    async fn a_name_is_judged_by_what_it_resolves_to() {
        let callers = Callers::new("test", false, Duration::from_secs(10)).unwrap();
        let url = Url::parse("https://localhost:9/").unwrap();
        let error = callers.client(&url).post(url).send().await.unwrap_err();
        assert!(studio_runtime::told(&error).contains("is not public"), "{error:?}");
    }
}
