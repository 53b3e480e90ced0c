//! TCP, TLS and the upgrade.

use studio_protocol::{MAX_FRAME_BYTES, SUBPROTOCOL};
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::Error;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::handshake::client::Request;
use tokio_tungstenite::tungstenite::http::HeaderValue;
use tokio_tungstenite::tungstenite::http::header::{AUTHORIZATION, SEC_WEBSOCKET_PROTOCOL, USER_AGENT};
use tokio_tungstenite::tungstenite::protocol::WebSocketConfig;
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, client_async_tls_with_config};
use worker_core::{Secret, SocketEvent};

use crate::http;

pub(super) type Ws = WebSocketStream<MaybeTlsStream<TcpStream>>;

/// Opens a connection, without a limit of its own: the core gives up on it.
pub(super) async fn connect(url: &str, token: &Secret) -> Result<Ws, SocketEvent> {
    let request = request(url, token).map_err(|error| SocketEvent::Failed(http::told(&error)))?;
    let (host, port) =
        host_and_port(&request).ok_or_else(|| SocketEvent::Failed(format!("`{url}` names no host")))?;
    if request.uri().scheme_str() == Some("wss") {
        studio_runtime::install_crypto();
    }
    let stream = TcpStream::connect((host.as_str(), port))
        .await
        .map_err(|error| SocketEvent::Failed(format!("could not connect to {host}:{port}: {error}")))?;
    // Frames are small and answers wait for them: nothing may be held back for an ACK.
    if let Err(error) = stream.set_nodelay(true) {
        tracing::debug!("could not set TCP_NODELAY: {error}");
    }
    let limits = WebSocketConfig::default()
        .max_message_size(Some(MAX_FRAME_BYTES))
        .max_frame_size(Some(MAX_FRAME_BYTES));
    match client_async_tls_with_config(request, stream, Some(limits), None).await {
        Ok((ws, _)) => Ok(ws),
        Err(Error::Http(response)) => Err(SocketEvent::Refused {
            status: response.status().as_u16(),
            body: http::quoted(response.body().as_deref().unwrap_or_default()),
        }),
        Err(error) => Err(SocketEvent::Failed(http::told(&error))),
    }
}

fn request(url: &str, token: &Secret) -> Result<Request, Error> {
    let mut request = url.into_client_request()?;
    let mut bearer = HeaderValue::from_str(&format!("Bearer {}", token.reveal()))
        .map_err(|error| Error::HttpFormat(error.into()))?;
    bearer.set_sensitive(true);
    let headers = request.headers_mut();
    headers.insert(AUTHORIZATION, bearer);
    headers.insert(SEC_WEBSOCKET_PROTOCOL, HeaderValue::from_static(SUBPROTOCOL));
    headers.insert(USER_AGENT, HeaderValue::from_static(http::USER_AGENT));
    Ok(request)
}

fn host_and_port(request: &Request) -> Option<(String, u16)> {
    let uri = request.uri();
    let host = uri.host()?.trim_start_matches('[').trim_end_matches(']').to_owned();
    let default = if uri.scheme_str() == Some("wss") { 443 } else { 80 };
    Some((host, uri.port_u16().unwrap_or(default)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn target(url: &str) -> Option<(String, u16)> {
        host_and_port(&request(url, &Secret::new("tok")).unwrap())
    }

    #[test]
    fn ports_follow_the_scheme_and_brackets_go() {
        assert_eq!(target("ws://h/x"), Some(("h".into(), 80)));
        assert_eq!(target("wss://h/x"), Some(("h".into(), 443)));
        assert_eq!(target("ws://[::1]:4780/x"), Some(("::1".into(), 4780)));
    }

    #[test]
    fn the_upgrade_carries_bearer_and_subprotocol_and_shows_no_token() {
        let request = request("ws://h/x", &Secret::new("tok-123")).unwrap();
        assert_eq!(request.headers()[AUTHORIZATION], "Bearer tok-123");
        assert_eq!(request.headers()[SEC_WEBSOCKET_PROTOCOL], "studio-worker-v1");
        assert!(!format!("{request:?}").contains("tok-123"));
    }
}
