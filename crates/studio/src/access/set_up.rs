//! The way in while nobody has an account: a link with a secret, good once and for a day.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use studio_store::SecretHash;
use subtle::ConstantTimeEq;

use crate::secrets;

/// Who starts a studio in the evening sets it up in the morning; a log that leaks later opens nothing.
pub const GOOD_FOR: Duration = Duration::from_hours(24);
/// Where the link leads.
pub const PATH: &str = "/set-up";

/// The link that is good now, if there is one; clones share it.
#[derive(Debug, Clone, Default)]
pub struct SetUpLink(Arc<Mutex<Option<Issued>>>);

#[derive(Debug)]
struct Issued {
    hash: SecretHash,
    until: Instant,
}

impl SetUpLink {
    /// Makes a link, as path and query; the one before is good no longer.
    pub fn issue(&self) -> String {
        let token = secrets::token();
        let issued = Issued { hash: secrets::hash(&token), until: Instant::now() + GOOD_FOR };
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(issued);
        format!("{PATH}?token={token}")
    }

    /// Whether `token` is the one of the link at `now`.
    pub fn is_good(&self, token: &str, now: Instant) -> bool {
        let issued = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        issued.as_ref().is_some_and(|issued| {
            let given = secrets::hash(token);
            now < issued.until && issued.hash.as_str().as_bytes().ct_eq(given.as_str().as_bytes()).into()
        })
    }

    /// The link was used.
    pub fn use_up(&self) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_latest_link_is_good_until_it_is_used_or_old() {
        let link = SetUpLink::default();
        let now = Instant::now();
        assert!(!link.is_good("", now));
        let token = |path: String| path.strip_prefix("/set-up?token=").unwrap().to_owned();
        let (first, second) = (token(link.issue()), token(link.issue()));
        assert!(!link.is_good(&first, now));
        assert!(link.is_good(&second, now) && !link.is_good(&second, now + 2 * GOOD_FOR));
        link.use_up();
        assert!(!link.is_good(&second, now));
    }
}
