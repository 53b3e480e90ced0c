//! Which addresses may be asked: the rules of the protocol's section 1, and those against being led inside.
//!
//! The first address of a request decides how far it may go. A redirect never leads from https to http, and never
//! to a private machine unless the request began at one of that very sort. Names are judged by the addresses that
//! they resolve to, at the moment they are connected to ([`Resolver`]).

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::Arc;

use futures_util::future::BoxFuture;
use reqwest::Url;
use reqwest::dns::{Addrs, Name, Resolve, Resolving};

use sha2::{Digest, Sha256};

use crate::Trusted;

/// Of a hash that tells two addresses of one owner apart.
const IDENTITY_CHARS: usize = 16;

/// What sort of machine an address belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Class {
    Public = 1,
    Private = 2,
    Loopback = 4,
    LinkLocal = 8,
    /// No machine: unspecified, multicast, broadcast, reserved.
    Nowhere = 16,
}

impl Class {
    pub(crate) fn of(ip: IpAddr) -> Self {
        match ip {
            IpAddr::V4(ip) => Self::of_v4(ip),
            IpAddr::V6(ip) => Self::of_v6(ip),
        }
    }

    fn of_v4(ip: Ipv4Addr) -> Self {
        match ip.octets() {
            [127, ..] => Self::Loopback,
            [169, 254, ..] => Self::LinkLocal,
            [0 | 224..=255, ..] => Self::Nowhere,
            // Private, shared by providers, protocol assignments, benchmarks.
            [10, ..]
            | [172, 16..=31, ..]
            | [192, 168, ..]
            | [100, 64..=127, ..]
            | [192, 0, 0, _]
            | [198, 18..=19, ..] => Self::Private,
            _ => Self::Public,
        }
    }

    fn of_v6(ip: Ipv6Addr) -> Self {
        if let Some(inner) = embedded_v4(ip) {
            return Self::of_v4(inner);
        }
        match ip.segments() {
            [0, 0, 0, 0, 0, 0, 0, 1] => Self::Loopback,
            [0 | 0xff00..=0xffff, ..] => Self::Nowhere,
            [0xfe80..=0xfebf, ..] => Self::LinkLocal,
            // Unique local, site-local, and what a network's own translator maps to its IPv4 machines.
            [0xfc00..=0xfdff | 0xfec0..=0xfeff, ..] | [0x64, 0xff9b, 1, ..] => Self::Private,
            _ => Self::Public,
        }
    }

    fn word(self) -> &'static str {
        match self {
            Self::Public => "public",
            Self::Private => "private",
            Self::Loopback => "loopback",
            Self::LinkLocal => "link-local",
            Self::Nowhere => "unusable",
        }
    }
}

/// The address that a mapped, translated or tunnelled one stands for.
fn embedded_v4(ip: Ipv6Addr) -> Option<Ipv4Addr> {
    let v4 = |high: u16, low: u16| Ipv4Addr::from_bits((u32::from(high) << 16) | u32::from(low));
    match ip.segments() {
        [0, 0, 0, 0, 0, 0xffff, high, low]
        | [0x64, 0xff9b, 0, 0, 0, 0, high, low]
        | [0x2002, high, low, ..] => Some(v4(high, low)),
        _ => None,
    }
}

/// A set of classes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Reach(u8);

impl Reach {
    pub(crate) const PUBLIC: Self = Self(Class::Public as u8);
    pub(crate) const LOOPBACK: Self = Self(Class::Loopback as u8);
    /// Every machine.
    pub(crate) const ANY: Self =
        Self(Class::Public as u8 | Class::Private as u8 | Class::Loopback as u8 | Class::LinkLocal as u8);

    pub(crate) fn with(self, class: Class) -> Self {
        Self(self.0 | class as u8)
    }

    pub(crate) fn allows(self, ip: IpAddr) -> Result<(), String> {
        let class = Class::of(ip);
        if self.0 & class as u8 != 0 {
            return Ok(());
        }
        Err(format!("{ip} is a {} address, which this request may not reach", class.word()))
    }
}

/// What is fetched.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Purpose {
    /// A file that the owner of the studio put into the registry.
    Model,
    /// An address that came with a job.
    Input {
        /// Whether it may name a machine of the local network.
        allow_private: bool,
    },
}

/// One request and the redirects that it followed.
#[derive(Debug)]
pub(crate) struct Route<'a> {
    purpose: Purpose,
    trusted: Option<&'a Trusted>,
    first: Url,
    current: Url,
    reach: Reach,
}

impl<'a> Route<'a> {
    /// Begins at `url`; the error says which rule forbids it.
    pub(crate) fn begin(url: Url, purpose: Purpose, trusted: Option<&'a Trusted>) -> Result<Self, String> {
        let trusted = trusted.filter(|trusted| is_below(&trusted.base, &url));
        let reach = match (trusted, url.scheme()) {
            (Some(_), "http" | "https") => Reach::ANY,
            (_, "http") if is_loopback_host(&url) => Reach::LOOPBACK,
            (_, "http") => return Err("plain http is for loopback hosts only, use https".to_owned()),
            (_, "https") => match purpose {
                Purpose::Model | Purpose::Input { allow_private: true } => Reach::ANY,
                Purpose::Input { allow_private: false } if is_loopback_host(&url) => Reach::LOOPBACK,
                Purpose::Input { allow_private: false } => Reach::PUBLIC,
            },
            (_, scheme) => return Err(format!("`{scheme}` is not a scheme to download with, use https")),
        };
        let route = Self { purpose, trusted, first: url.clone(), current: url, reach };
        route.check_literal()?;
        Ok(route)
    }

    /// Follows a redirect; `from` is the machine that answered.
    pub(crate) fn follow(&mut self, mut to: Url, from: Option<IpAddr>) -> Result<(), String> {
        // A server has no business to log us in somewhere else.
        let _ = to.set_username("");
        let _ = to.set_password(None);
        to.set_fragment(None);
        if self.trusted.is_some() {
            if !is_same_origin(&self.first, &to) {
                return Err("the studio redirects to another host".to_owned());
            }
            self.current = to;
            return Ok(());
        }
        let downgrade = self.current.scheme() == "https" || self.first.scheme() == "https";
        match to.scheme() {
            "https" => {}
            "http" if downgrade => return Err("a redirect leads from https to http".to_owned()),
            "http" if is_loopback_host(&to) => {}
            "http" => return Err("a redirect leads to plain http".to_owned()),
            scheme => return Err(format!("a redirect leads to `{scheme}`")),
        }
        if self.is_first() {
            self.reach = match (self.purpose, from) {
                (Purpose::Input { allow_private: true }, _) => Reach::ANY,
                (_, Some(ip)) => Reach::PUBLIC.with(Class::of(ip)),
                (_, None) => Reach::PUBLIC,
            };
        }
        self.current = to;
        self.check_literal().map_err(|why| format!("a redirect leads inside: {why}"))
    }

    /// The address to ask now.
    pub(crate) fn url(&self) -> &Url {
        &self.current
    }

    /// Where it may lead.
    pub(crate) fn reach(&self) -> Reach {
        self.reach
    }

    /// The server that is trusted with its bearer at this step.
    pub(crate) fn trusted(&self) -> Option<&'a Trusted> {
        self.trusted.filter(|trusted| is_below(&trusted.base, &self.current))
    }

    /// Whether this is still the host that the request was meant for: no other gets its token.
    pub(crate) fn is_at_home(&self) -> bool {
        is_same_origin(&self.first, &self.current)
    }

    fn is_first(&self) -> bool {
        self.first == self.current
    }

    /// No name is looked up for a literal address, so that it is checked here.
    fn check_literal(&self) -> Result<(), String> {
        if self.current.host_str().is_none_or(str::is_empty) {
            return Err("it names no host".to_owned());
        }
        literal(&self.current).map_or(Ok(()), |ip| self.reach.allows(ip))
    }
}

/// Whether `url` belongs to the server of `base`.
fn is_below(base: &Url, url: &Url) -> bool {
    let folder = base.path().trim_end_matches('/');
    is_same_origin(base, url)
        && url.path().strip_prefix(folder).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

fn is_same_origin(one: &Url, other: &Url) -> bool {
    one.scheme() == other.scheme()
        && one.host_str() == other.host_str()
        && one.port_or_known_default() == other.port_or_known_default()
}

pub(crate) fn literal(url: &Url) -> Option<IpAddr> {
    url.host_str()?.trim_start_matches('[').trim_end_matches(']').parse().ok()
}

pub(crate) fn is_loopback_host(url: &Url) -> bool {
    match literal(url) {
        Some(ip) => Class::of(ip) == Class::Loopback,
        None => url.host_str().is_some_and(|host| host.trim_end_matches('.') == "localhost"),
    }
}

/// Looks names up.
pub(crate) type Lookup = Arc<dyn Fn(String) -> BoxFuture<'static, io::Result<Vec<IpAddr>>> + Send + Sync>;

/// The system's way.
pub(crate) fn system_lookup() -> Lookup {
    Arc::new(|host| {
        Box::pin(async move {
            Ok(tokio::net::lookup_host((host, 0)).await?.map(|address| address.ip()).collect())
        })
    })
}

/// Gives a client only addresses that it may reach, so that what was checked is what is connected to.
pub(crate) struct Resolver {
    pub(crate) reach: Reach,
    pub(crate) lookup: Lookup,
}

/// A name has no address that may be reached.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub(crate) struct OutOfReach(pub(crate) String);

impl Resolve for Resolver {
    fn resolve(&self, name: Name) -> Resolving {
        let (reach, lookup) = (self.reach, self.lookup.clone());
        Box::pin(async move {
            let host = name.as_str().to_owned();
            let found = lookup(host.clone()).await?;
            let mut refused = None;
            let mut allowed = Vec::with_capacity(found.len());
            for ip in found {
                match reach.allows(ip) {
                    Ok(()) => allowed.push(SocketAddr::new(ip, 0)),
                    Err(why) => refused = Some(why),
                }
            }
            match refused {
                Some(why) if allowed.is_empty() => {
                    Err(OutOfReach(format!("`{host}` is not public: {why}")).into())
                }
                _ => Ok(Box::new(allowed.into_iter()) as Addrs),
            }
        })
    }
}

/// An address as it may be logged: without user, password and query.
pub(crate) fn shown(url: &Url) -> String {
    let mut url = url.clone();
    let _ = url.set_username("");
    let _ = url.set_password(None);
    url.set_fragment(None);
    if url.query().is_some() {
        url.set_query(Some("..."));
    }
    url.into()
}

/// The same for a text that is no address.
pub(crate) fn shown_text(text: &str) -> String {
    const QUOTED_CHARS: usize = 200;
    let text = text.split(['?', '#']).next().unwrap_or_default();
    let text = match text.split_once("://") {
        Some((scheme, rest)) => {
            let rest = rest.rsplit_once('@').map_or(rest, |(_, rest)| rest);
            format!("{scheme}://{rest}")
        }
        None => text.rsplit_once('@').map_or(text, |(_, rest)| rest).to_owned(),
    };
    text.chars().take(QUOTED_CHARS).collect::<String>().escape_debug().to_string()
}

/// What tells one address from another, without its credentials: those are hashed.
pub(crate) fn identity(address: &str) -> String {
    let shown = shown_text(address);
    if shown == address {
        return shown;
    }
    let hash = hex::encode(Sha256::digest(address.as_bytes()));
    format!("{shown}#{}", &hash[..IDENTITY_CHARS])
}

#[cfg(test)]
mod tests;
