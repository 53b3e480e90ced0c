//! Which version of the worker's program is the newest that this studio knows of.

use std::cmp::Ordering;
use std::sync::{Arc, Mutex, PoisonError};

use studio_protocol::Capabilities;
use studio_store::{Db, Store, StoreError};

/// Clones share what they know; a studio knows its own version, its workers' programs come with it.
#[derive(Debug, Clone)]
pub struct Versions(Arc<Mutex<Version>>);

impl Default for Versions {
    fn default() -> Self {
        let own = Version::read(env!("CARGO_PKG_VERSION"));
        Self(Arc::new(Mutex::new(own.unwrap_or_default())))
    }
}

impl Versions {
    /// A worker runs this version; text that is none of ours is not compared.
    pub(crate) fn note(&self, version: &str) {
        let Some(version) = Version::read(version) else { return };
        let mut newest = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if *newest < version {
            *newest = version;
        }
    }

    /// What every worker said last, those included that are not there.
    pub(crate) async fn note_all(&self, store: &Store) -> Result<(), StoreError> {
        for worker in store.read(Db::workers).await? {
            let capabilities: Capabilities =
                serde_json::from_str(&worker.capabilities_json).unwrap_or_default();
            self.note(&capabilities.agent_version);
        }
        Ok(())
    }

    /// Whether a newer version than this one is known.
    pub fn is_outdated(&self, version: &str) -> bool {
        let newest = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        Version::read(version).is_some_and(|version| version < *newest)
    }
}

/// `1.2.3`, `studio-worker/1.2.3`, `1.2.3-rc.1+build`; what stands before a release comes before it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
struct Version {
    numbers: [u64; 3],
    before: Option<String>,
}

impl Version {
    fn read(text: &str) -> Option<Self> {
        let text = text.rsplit_once('/').map_or(text, |(_, version)| version).trim();
        let text = text.strip_prefix('v').unwrap_or(text);
        let text = text.split_once('+').map_or(text, |(version, _)| version);
        let (numbers, before) =
            text.split_once('-').map_or((text, None), |(numbers, before)| (numbers, Some(before)));
        let mut parts = numbers.split('.').map(str::parse);
        let mut next = || parts.next()?.ok();
        let numbers = [next()?, next()?, next()?];
        parts.next().is_none().then(|| Self { numbers, before: before.map(str::to_owned) })
    }
}

impl PartialOrd for Version {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Version {
    fn cmp(&self, other: &Self) -> Ordering {
        self.numbers.cmp(&other.numbers).then_with(|| match (&self.before, &other.before) {
            (None, None) => Ordering::Equal,
            (None, Some(_)) => Ordering::Greater,
            (Some(_), None) => Ordering::Less,
            (Some(one), Some(two)) => by_parts(one, two),
        })
    }
}

/// `rc.2` comes before `rc.10`, numbers come before words, fewer parts before more.
fn by_parts(one: &str, two: &str) -> Ordering {
    let key = |part: &str| {
        part.parse::<u64>().map_or_else(|_| (1, 0, part.to_owned()), |number| (0, number, String::new()))
    };
    one.split('.').map(key).cmp(two.split('.').map(key))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_compared_by_their_numbers() {
        let order =
            ["0.9.0", "studio-worker/0.10.0-rc.2", "0.10.0-rc.10", "0.10.0", "v0.10.1+linux", "1.0.0"];
        let versions: Vec<Version> = order.iter().map(|text| Version::read(text).unwrap()).collect();
        assert!(versions.is_sorted_by(|a, b| a < b), "{versions:?}");
        for none in ["", "1.2", "1.2.3.4", "one.two.three", "studio-worker/"] {
            assert_eq!(Version::read(none), None, "{none}");
        }
    }

    #[test]
    fn a_worker_is_outdated_once_a_newer_one_is_known() {
        let versions = Versions::default();
        let own = env!("CARGO_PKG_VERSION");
        assert!(!versions.is_outdated(own) && versions.is_outdated("0.0.1"));
        versions.note("studio-worker/99.0.0");
        assert!(
            versions.is_outdated(own) && !versions.is_outdated("99.0.0") && !versions.is_outdated("unknown")
        );
    }
}
