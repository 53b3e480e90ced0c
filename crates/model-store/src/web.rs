//! Asks other machines for files: addresses, redirects, tokens, and what their refusals mean.

mod refusal;

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::Duration;

use bytes::Bytes;
use reqwest::header::{ACCEPT_ENCODING, AUTHORIZATION, HeaderValue, IF_RANGE, LOCATION, RANGE};
use reqwest::{Response, StatusCode, Url};
use tokio::time::timeout;

use crate::bandwidth::Bandwidth;
use crate::reach::{Lookup, OutOfReach, Purpose, Reach, Resolver, Route, shown, shown_text, system_lookup};
use crate::tokens::token_for;
use crate::{FetchError, Patience, Secret, Trusted, WebSettings};
use studio_runtime::told;

/// Redirects that are followed; browsers follow 20, hubs need 2.
const MAX_REDIRECTS: usize = 10;
/// Connections that are kept for the next file of the same host.
const IDLE_CONNECTIONS: usize = 2;
/// A next file comes at once or much later.
const IDLE_LIMIT: Duration = Duration::from_secs(30);
/// Where tokens would go if the owner named no file.
const NO_TOKENS_FILE: &str = "a tokens file (none is set)";

/// The way to other machines; clones share connections, bandwidth and settings.
#[derive(Clone)]
pub struct Web(Arc<Inner>);

struct Inner {
    clients: Mutex<HashMap<(Reach, bool), reqwest::Client>>,
    lookup: Lookup,
    user_agent: String,
    tokens: Option<PathBuf>,
    ca: Option<PathBuf>,
    trusted: RwLock<Option<Trusted>>,
    bandwidth: Bandwidth,
    patience: Patience,
}

/// What to ask for.
pub(crate) struct Ask<'a> {
    pub(crate) url: &'a str,
    pub(crate) purpose: Purpose,
    /// Only from this byte on.
    pub(crate) from: Option<u64>,
    /// Only if it is still this version.
    pub(crate) if_range: Option<&'a str>,
}

/// An answer of any status but a redirect.
pub(crate) struct Answer {
    pub(crate) response: Response,
    /// The address that was asked first, as it may be logged.
    pub(crate) asked: String,
    /// Whether a token went to the host that was asked first.
    sent_token: bool,
    first: Url,
}

impl Web {
    /// Nothing is sent yet.
    pub fn new(settings: WebSettings) -> Self {
        Self::with_lookup(settings, system_lookup())
    }

    pub(crate) fn with_lookup(settings: WebSettings, lookup: Lookup) -> Self {
        let WebSettings { user_agent, bandwidth, tokens, trusted, ca, patience } = settings;
        let user_agent =
            user_agent.unwrap_or_else(|| concat!("model-store/", env!("CARGO_PKG_VERSION")).to_owned());
        Self(Arc::new(Inner {
            clients: Mutex::default(),
            lookup,
            user_agent,
            tokens,
            ca,
            trusted: RwLock::new(trusted),
            bandwidth: Bandwidth::new(bandwidth),
            patience,
        }))
    }

    /// Bytes a second over all downloads; counts at once.
    pub fn set_bandwidth(&self, rate: Option<u64>) {
        self.0.bandwidth.set(rate);
    }

    /// Another studio, or another token for it.
    pub fn set_trusted(&self, trusted: Option<Trusted>) {
        *self.0.trusted.write().unwrap_or_else(PoisonError::into_inner) = trusted;
    }

    pub(crate) fn patience(&self) -> Patience {
        self.0.patience
    }

    /// Asks, and follows redirects as far as they may lead.
    pub(crate) async fn get(&self, ask: &Ask<'_>) -> Result<Answer, FetchError> {
        let url = Url::parse(ask.url)
            .map_err(|error| FetchError::Address { url: shown_text(ask.url), why: error.to_string() })?;
        let asked = shown(&url);
        let refused = |why: String| FetchError::Address { url: asked.clone(), why };
        let trusted = self.0.trusted.read().unwrap_or_else(PoisonError::into_inner).clone();
        let first = url.clone();
        let mut route = Route::begin(url, ask.purpose, trusted.as_ref()).map_err(refused)?;
        let mut sent_token = false;
        for _ in 0..=MAX_REDIRECTS {
            let (response, sent) = self.step(&route, ask, &asked).await?;
            sent_token |= sent;
            let peer = response.remote_addr().map(|address| address.ip());
            if let Some(ip) = peer {
                route.reach().allows(ip).map_err(refused)?;
            }
            let Some(to) = redirect_of(&response, route.url()) else {
                return Ok(Answer { response, asked, sent_token, first });
            };
            route.follow(to.map_err(refused)?, peer).map_err(refused)?;
        }
        Err(refused(format!("it redirects more than {MAX_REDIRECTS} times")))
    }

    /// The next piece of a body; `None` at its end.
    pub(crate) async fn piece(
        &self,
        response: &mut Response,
        asked: &str,
    ) -> Result<Option<Bytes>, FetchError> {
        let failed = |why: String| FetchError::Unreachable { url: asked.to_owned(), why };
        match timeout(self.0.patience.stall, response.chunk()).await {
            Ok(Ok(Some(piece))) => {
                self.0.bandwidth.take(piece.len()).await;
                Ok(Some(piece))
            }
            Ok(Ok(None)) => Ok(None),
            Ok(Err(error)) => Err(failed(told(&error.without_url()))),
            Err(_) => Err(failed(self.silence())),
        }
    }

    async fn step(
        &self,
        route: &Route<'_>,
        ask: &Ask<'_>,
        asked: &str,
    ) -> Result<(Response, bool), FetchError> {
        let tls = route.url().scheme() == "https";
        let client = self.client(route.reach(), tls)?;
        let mut request = client
            .get(route.url().clone())
            // Another coding would make lengths and ranges those of other bytes.
            .header(ACCEPT_ENCODING, "identity");
        if let Some(from) = ask.from {
            request = request.header(RANGE, format!("bytes={from}-"));
        }
        if let Some(version) = ask.if_range {
            request = request.header(IF_RANGE, version);
        }
        let bearer = self.bearer(route)?;
        if let Some(bearer) = &bearer {
            let mut value = HeaderValue::from_str(&format!("Bearer {}", bearer.reveal())).map_err(|_| {
                FetchError::Address { url: asked.to_owned(), why: "its token is not plain text".to_owned() }
            })?;
            value.set_sensitive(true);
            request = request.header(AUTHORIZATION, value);
        }
        let failed = |why: String| FetchError::Unreachable { url: asked.to_owned(), why };
        match timeout(self.0.patience.stall, request.send()).await {
            Ok(Ok(response)) => Ok((response, bearer.is_some())),
            Ok(Err(error)) => {
                let error = error.without_url();
                Err(match out_of_reach(&error) {
                    Some(why) => FetchError::Address { url: asked.to_owned(), why },
                    None => failed(told(&error)),
                })
            }
            Err(_) => Err(failed(self.silence())),
        }
    }

    fn bearer(&self, route: &Route<'_>) -> Result<Option<Secret>, FetchError> {
        if let Some(trusted) = route.trusted() {
            return Ok(trusted.bearer.clone());
        }
        let has_login = !route.url().username().is_empty();
        match &self.0.tokens {
            Some(path) if route.is_at_home() && !has_login => token_for(path, route.url()),
            _ => Ok(None),
        }
    }

    fn silence(&self) -> String {
        format!("not a byte came for {:?}", self.0.patience.stall)
    }

    /// Clients differ in what their resolver gives them.
    fn client(&self, reach: Reach, tls: bool) -> Result<reqwest::Client, FetchError> {
        let mut clients = self.0.clients.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(client) = clients.get(&(reach, tls)) {
            return Ok(client.clone());
        }
        studio_runtime::install_crypto();
        let failed = |why: String| FetchError::Unreachable { url: "https".to_owned(), why };
        let mut builder = reqwest::Client::builder()
            .user_agent(&self.0.user_agent)
            .connect_timeout(self.0.patience.connect)
            .pool_max_idle_per_host(IDLE_CONNECTIONS)
            .pool_idle_timeout(IDLE_LIMIT)
            .redirect(reqwest::redirect::Policy::none())
            // A proxy would connect in our place, to whatever it likes.
            .no_proxy()
            .dns_resolver(Resolver { reach, lookup: self.0.lookup.clone() });
        if !tls {
            // The platform's roots would be read for nothing.
            builder = builder.tls_certs_only([]);
        } else if let Some(ca) = &self.0.ca {
            let pem = std::fs::read(ca).map_err(|error| FetchError::disk("read", ca, error))?;
            let certs = reqwest::Certificate::from_pem_bundle(&pem)
                .map_err(|error| failed(format!("{} holds no certificates: {error}", ca.display())))?;
            builder = builder.tls_certs_merge(certs);
        }
        let client = builder.build().map_err(|error| failed(told(&error)))?;
        Ok(clients.entry((reach, tls)).or_insert(client).clone())
    }

    /// Where tokens go, for messages.
    pub(crate) fn tokens_place(&self) -> String {
        self.0.tokens.as_ref().map_or_else(|| NO_TOKENS_FILE.to_owned(), |path| path.display().to_string())
    }
}

/// Where a redirect leads; `Err` when it says so in a way that cannot be read.
fn redirect_of(response: &Response, base: &Url) -> Option<Result<Url, String>> {
    let status = response.status();
    let is_redirect = matches!(
        status,
        StatusCode::MOVED_PERMANENTLY
            | StatusCode::FOUND
            | StatusCode::SEE_OTHER
            | StatusCode::TEMPORARY_REDIRECT
            | StatusCode::PERMANENT_REDIRECT
    );
    if !is_redirect {
        return None;
    }
    let to = response.headers().get(LOCATION).and_then(|value| value.to_str().ok());
    Some(match to {
        None => Err(format!("it answers {} without an address", status.as_u16())),
        Some(to) => base.join(to).map_err(|error| format!("it redirects to no address: {error}")),
    })
}

fn out_of_reach(error: &reqwest::Error) -> Option<String> {
    let mut source = std::error::Error::source(error);
    while let Some(cause) = source {
        if let Some(OutOfReach(why)) = cause.downcast_ref() {
            return Some(why.clone());
        }
        source = cause.source();
    }
    None
}

#[cfg(test)]
mod tests;
