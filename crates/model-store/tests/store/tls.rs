//! https, from a server whose certificate the owner trusts.

use std::io::{BufRead, BufReader, Write};
use std::net::TcpListener;
use std::sync::Arc;

use rustls::pki_types::PrivateKeyDer;
use rustls::{ServerConfig, ServerConnection, Stream};

use crate::fixtures::{Shop, silent, source, unpinned};

/// Serves connections until the test ends: `/x` is a file, the rest leads to plain http.
fn serve() -> (u16, String) {
    studio_runtime::install_crypto();
    let cert = rcgen::generate_simple_self_signed(["127.0.0.1".to_owned()]).unwrap();
    let pem = cert.cert.pem();
    let key = PrivateKeyDer::try_from(cert.signing_key.serialize_der()).unwrap();
    let config = ServerConfig::builder()
        .with_no_client_auth()
        .with_single_cert(vec![cert.cert.der().clone()], key)
        .unwrap();
    let config = Arc::new(config);
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    std::thread::spawn(move || {
        for mut tcp in listener.incoming().flatten() {
            let mut tls = ServerConnection::new(config.clone()).unwrap();
            let mut stream = BufReader::new(Stream::new(&mut tls, &mut tcp));
            let mut lines = Vec::new();
            let mut line = String::new();
            // A client that does not trust us ends the handshake.
            while stream.read_line(&mut line).is_ok_and(|bytes| bytes > 2) {
                lines.push(std::mem::take(&mut line));
            }
            let answer = match lines.first() {
                Some(first) if first.starts_with("GET /x ") => {
                    "HTTP/1.1 200 OK\r\ncontent-length: 8\r\nconnection: close\r\n\r\nthe file".to_owned()
                }
                Some(_) => format!(
                    "HTTP/1.1 302 Found\r\nlocation: http://127.0.0.1:{port}/x\r\ncontent-length: 0\r\nconnection: close\r\n\r\n"
                ),
                None => continue,
            };
            let _ = stream.get_mut().write_all(answer.as_bytes());
            let _ = stream.get_mut().flush();
        }
    });
    (port, pem)
}

#[tokio::test]
async fn https_needs_a_trusted_certificate_and_never_becomes_http() {
    let (port, pem) = serve();
    let dir = tempfile::tempdir().unwrap();
    let ca = dir.path().join("ca.pem");
    std::fs::write(&ca, pem).unwrap();
    let of = |path: &str| source(vec![unpinned("m.bin", format!("https://127.0.0.1:{port}/{path}"))]);

    let stranger = Shop::new();
    let error = stranger.store.ensure("m", &of("x"), silent).await.unwrap_err().to_string();
    assert!(error.contains("certificate"), "{error}");

    let shop = Shop::with(|settings| settings.web.ca = Some(ca));
    shop.store.ensure("m", &of("x"), silent).await.unwrap();
    assert_eq!(shop.read("m/m.bin"), b"the file");
    let error = shop.store.ensure("n", &of("away"), silent).await.unwrap_err().to_string();
    assert!(error.contains("from https to http"), "{error}");
}
