//! The certificate that the studio serves with.

use std::time::Duration;

use anyhow::{Context, anyhow};
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use studio_protocol::Timestamp;
use x509_parser::parse_x509_certificate;

use super::findings::Findings;
use super::places::private;
use crate::serve::tls_config;
use crate::settings::TlsFiles;

/// Who renews by hand needs this long; programs that renew do it before.
const SOON: Duration = Duration::from_hours(30 * 24);

/// Looks at both files.
pub fn look(files: &TlsFiles, findings: &mut Findings) {
    if let Err(error) = tls_config(files) {
        let advice = "give --tls-cert the chain, leaf first, and --tls-key the leaf's key, both PEM";
        return findings.fail("tls", format!("{error:#}"), advice);
    }
    private("tls", &files.key, findings);
    match validity(files) {
        Ok((from, until)) => lifetime(from, until, findings),
        Err(error) => findings.fail("tls", format!("{error:#}"), "get another certificate"),
    }
}

fn lifetime(from: i64, until: i64, findings: &mut Findings) {
    const RENEW: &str = "renew it and start the studio again";
    let now = Timestamp::now().as_millis() / 1000;
    let day = |seconds: i64| Timestamp::from_millis(seconds.saturating_mul(1000));
    if until <= now {
        findings.fail("tls", format!("the certificate expired at {}", day(until)), RENEW);
    } else if from > now {
        findings.fail("tls", format!("the certificate is not valid before {}", day(from)), "set the clock");
    } else if until - now < SOON.as_secs().cast_signed() {
        findings.warn("tls", format!("the certificate expires at {}", day(until)), RENEW);
    } else {
        findings.ok("tls", format!("the files go together, valid until {}", day(until)));
    }
}

/// When all of the chain is valid, in seconds of Unix.
fn validity(files: &TlsFiles) -> anyhow::Result<(i64, i64)> {
    let path = files.cert.display();
    let (mut from, mut until) = (i64::MIN, i64::MAX);
    for der in CertificateDer::pem_file_iter(&files.cert).with_context(|| format!("`{path}`"))? {
        let der = der.with_context(|| format!("`{path}`"))?;
        let (_, cert) =
            parse_x509_certificate(&der).map_err(|error| anyhow!("`{path}` cannot be read: {error}"))?;
        from = from.max(cert.validity().not_before.timestamp());
        until = until.min(cert.validity().not_after.timestamp());
    }
    Ok((from, until))
}
