//! Addresses that need no other credential: signed, for one artefact and one moment at which they expire.
//!
//! Nothing about them is stored. What is signed is the file's name and the moment, so that a signature is worth
//! nothing for another artefact, another extension or a later moment.

use std::time::Duration;

use studio_api::ArtefactLink;
use studio_protocol::Timestamp;

use crate::signing::Signer;
use crate::state::AppState;

/// To what a signed address leads; a signature for the one is none for the other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Link {
    /// `/files/{artefact}.{ext}`, for clients.
    Artefact,
    /// `/files/inputs/{input}`, for workers.
    Input,
}

impl Link {
    fn purpose(self) -> &'static str {
        match self {
            Self::Artefact => "artefact-link",
            Self::Input => "input-link",
        }
    }

    fn folder(self) -> &'static str {
        match self {
            Self::Artefact => "/files",
            Self::Input => "/files/inputs",
        }
    }
}

/// A link that is passed on is out of its maker's hands: a week is enough for a report or a chat.
pub const MAX_LINK_TTL: Duration = Duration::from_hours(7 * 24);

/// Why an address opens nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LinkError {
    /// It was good once.
    Expired,
    /// It never was.
    Forged,
}

/// An address below `base` that anybody may fetch the artefact from until `ttl` is over.
///
/// `base` is how the asking client reaches the studio, as [`base`](crate::model_files::base) tells.
pub fn artefact_url(state: &AppState, base: &str, artefact: &str, ext: &str, ttl: Duration) -> ArtefactLink {
    let file = format!("{artefact}.{ext}");
    let (path, expires_at) = signed_path(&state.signer, Link::Artefact, &file, Timestamp::now(), ttl);
    ArtefactLink { url: format!("{base}{path}"), expires_at }
}

/// Path and query that open `file` until `ttl` from `now` is over, and when that is.
pub fn signed_path(
    signer: &Signer,
    link: Link,
    file: &str,
    now: Timestamp,
    ttl: Duration,
) -> (String, Timestamp) {
    // Whole seconds, as they stand in the address; never less than was asked for.
    let ttl = i64::try_from(ttl.as_millis()).unwrap_or(i64::MAX / 2);
    let expires = (now.as_millis() + ttl + 999) / 1000;
    let text = expires.to_string();
    let signature = signer.sign(link.purpose(), &[file, &text]);
    let path = format!("{}/{file}?expires={text}&signature={signature}", link.folder());
    (path, Timestamp::from_millis(expires * 1000))
}

/// Whether the signature is for `file`, and it is not too late.
pub fn check(
    signer: &Signer,
    link: Link,
    file: &str,
    expires: &str,
    signature: &str,
    now: Timestamp,
) -> Result<(), LinkError> {
    // First the signature: to whom it is not known, expired and forged look the same.
    if !signer.verify(link.purpose(), &[file, expires], signature) {
        return Err(LinkError::Forged);
    }
    // What we signed is a number.
    let expires: i64 = expires.parse().map_err(|_| LinkError::Forged)?;
    if now.as_millis() >= expires.saturating_mul(1000) {
        return Err(LinkError::Expired);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parts(path: &str) -> (&str, &str, &str) {
        let (file, query) = path.strip_prefix("/files/").unwrap().split_once('?').unwrap();
        let (expires, signature) = query.split_once('&').unwrap();
        (file, expires.strip_prefix("expires=").unwrap(), signature.strip_prefix("signature=").unwrap())
    }

    #[test]
    fn a_link_is_for_one_file_and_one_moment() {
        let signer = Signer::new(&[7; 32]);
        let at = |millis| Timestamp::from_millis(millis);
        let (path, until) =
            signed_path(&signer, Link::Artefact, "art-1.webp", at(1), Duration::from_secs(999));
        assert_eq!(until, at(1_000_000));
        let (file, expires, signature) = parts(&path);
        let check = |signer: &Signer, file: &str, expires: &str, signature: &str, now| {
            check(signer, Link::Artefact, file, expires, signature, now)
        };
        assert_eq!(check(&signer, file, expires, signature, at(999_999)), Ok(()));
        assert_eq!(check(&signer, file, expires, signature, at(1_000_000)), Err(LinkError::Expired));
        for (file, expires, signature) in [
            ("art-2.webp", expires, signature),
            ("art-1.html", expires, signature),
            ("art-1", expires, signature),
            (file, "1001", signature),
            (file, "01000", signature),
            (file, "+1000", signature),
            (file, "", signature),
            (file, expires, ""),
            (file, expires, &signature[1..]),
            (file, expires, signature.to_uppercase().as_str()),
        ] {
            assert_eq!(
                check(&signer, file, expires, signature, at(0)),
                Err(LinkError::Forged),
                "{file} {expires}"
            );
        }
        assert_eq!(check(&Signer::new(&[8; 32]), file, expires, signature, at(0)), Err(LinkError::Forged));
        let as_input = super::check(&signer, Link::Input, file, expires, signature, at(0));
        assert_eq!(as_input, Err(LinkError::Forged), "what is for the one is not for the other");
        // A signature that never was good is not said to have expired.
        assert_eq!(check(&signer, file, expires, "00", at(2_000_000)), Err(LinkError::Forged));
    }
}
