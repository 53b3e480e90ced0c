//! Who sent a request, as far as the network tells.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use axum::extract::{ConnectInfo, FromRequestParts};
use axum::http::request::Parts;
use axum::http::{HeaderMap, header};
use std::convert::Infallible;

use crate::settings::Settings;
use crate::state::AppState;

/// Where a request comes from and how it came; the proxy's word is taken only where the studio was told of one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Peer {
    /// The client's.
    pub address: IpAddr,
    /// Whether the client speaks https, so that its cookies can be kept to that.
    pub is_https: bool,
    /// Host and port that the client asked for.
    pub host: Option<String>,
}

impl Peer {
    /// From a connection and the headers of a request on it.
    pub fn of(settings: &Settings, connection: Option<SocketAddr>, headers: &HeaderMap) -> Self {
        let forwarded = |name: &str| settings.trust_proxy.then(|| last(headers, name)).flatten();
        let direct = connection.map_or(Ipv4Addr::LOCALHOST.into(), |peer| peer.ip());
        let host = forwarded("x-forwarded-host").or_else(|| headers.get(header::HOST)?.to_str().ok());
        Self {
            address: forwarded("x-forwarded-for").and_then(|text| text.parse().ok()).unwrap_or(direct),
            is_https: settings.tls.is_some() || forwarded("x-forwarded-proto") == Some("https"),
            host: host.map(str::to_ascii_lowercase),
        }
    }

    /// From the parts of a request.
    pub fn of_parts(settings: &Settings, parts: &Parts) -> Self {
        let connection = parts.extensions.get::<ConnectInfo<SocketAddr>>().map(|info| info.0);
        Self::of(settings, connection, &parts.headers)
    }
}

/// The proxy that is nearest to us wrote the last entry.
fn last<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    let list = headers.get_all(name).iter().next_back()?.to_str().ok()?;
    list.rsplit(',').next().map(str::trim).filter(|text| !text.is_empty())
}

impl FromRequestParts<AppState> for Peer {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, state: &AppState) -> Result<Self, Infallible> {
        Ok(Self::of_parts(&state.settings, parts))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn peer(trust_proxy: bool, headers: &[(&'static str, &'static str)]) -> Peer {
        let mut settings = Settings::new(([127, 0, 0, 1], 0).into(), "data".into());
        settings.trust_proxy = trust_proxy;
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            map.append(*name, value.parse().unwrap());
        }
        Peer::of(&settings, Some(([10, 0, 0, 9], 1).into()), &map)
    }

    #[test]
    fn a_proxy_is_believed_where_there_is_one() {
        let headers = [
            ("host", "Inner:1"),
            ("x-forwarded-for", "1.1.1.1, 2.2.2.2"),
            ("x-forwarded-for", "3.3.3.3, 192.0.2.4"),
            ("x-forwarded-proto", "https"),
            ("x-forwarded-host", "studio.lan"),
        ];
        let direct = peer(false, &headers);
        assert_eq!((direct.address.to_string().as_str(), direct.is_https), ("10.0.0.9", false));
        assert_eq!(direct.host.as_deref(), Some("inner:1"));
        let behind = peer(true, &headers);
        assert_eq!((behind.address.to_string().as_str(), behind.is_https), ("192.0.2.4", true));
        assert_eq!(behind.host.as_deref(), Some("studio.lan"));
        assert_eq!(peer(true, &[("x-forwarded-for", "nonsense")]).address, IpAddr::from([10, 0, 0, 9]));
    }
}
