//! Rows that every request needs and that hardly ever change: asked of the database once, forgotten when they change.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Rows that are remembered; beyond it everything is forgotten, which costs one look-up each.
const MAX_ROWS: usize = 1_024;

/// A cache in front of a look-up; clones share it.
///
/// Whoever changes a row calls [`forget`](Self::forget) after the commit. A look-up that was under way then is not
/// remembered: it may have seen the row as it was.
#[derive(Debug, Clone)]
pub struct Lookups<K, V>(Arc<Mutex<Known<K, V>>>);

#[derive(Debug)]
struct Known<K, V> {
    rows: HashMap<K, V>,
    changes: u64,
}

impl<K, V> Default for Lookups<K, V> {
    fn default() -> Self {
        Self(Arc::new(Mutex::new(Known { rows: HashMap::new(), changes: 0 })))
    }
}

impl<K: Eq + Hash + Clone, V: Clone> Lookups<K, V> {
    /// The row of `key`, from memory or by `load`; that there is none is not remembered.
    pub async fn get<E>(
        &self,
        key: &K,
        load: impl Future<Output = Result<Option<V>, E>>,
    ) -> Result<Option<V>, E> {
        let changes = {
            let known = self.known();
            if let Some(row) = known.rows.get(key) {
                return Ok(Some(row.clone()));
            }
            known.changes
        };
        let loaded = load.await?;
        if let Some(row) = &loaded {
            let mut known = self.known();
            if known.changes == changes {
                if known.rows.len() >= MAX_ROWS {
                    known.rows.clear();
                }
                known.rows.insert(key.clone(), row.clone());
            }
        }
        Ok(loaded)
    }

    /// A row has changed.
    pub fn forget(&self) {
        let mut known = self.known();
        known.rows.clear();
        known.changes += 1;
    }

    fn known(&self) -> MutexGuard<'_, Known<K, V>> {
        // The map is whole after every statement.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(value: u32) -> std::future::Ready<Result<Option<u32>, ()>> {
        std::future::ready(Ok(Some(value)))
    }

    #[tokio::test]
    async fn what_was_found_is_not_asked_again_until_it_changes() {
        let lookups = Lookups::default();
        assert_eq!(lookups.get(&"a", found(1)).await, Ok(Some(1)));
        assert_eq!(lookups.get(&"a", found(2)).await, Ok(Some(1)));
        lookups.forget();
        assert_eq!(lookups.get(&"a", found(3)).await, Ok(Some(3)));
    }

    #[tokio::test]
    async fn what_is_not_there_is_asked_again() {
        let lookups = Lookups::<_, u32>::default();
        assert_eq!(lookups.get(&"a", async { Ok::<_, ()>(None) }).await, Ok(None));
        assert_eq!(lookups.get(&"a", found(1)).await, Ok(Some(1)));
    }

    #[tokio::test]
    async fn a_look_up_that_was_overtaken_by_a_change_is_not_remembered() {
        let lookups = Lookups::default();
        let overtaken = async {
            lookups.forget();
            found(1).await
        };
        assert_eq!(lookups.get(&"a", overtaken).await, Ok(Some(1)));
        assert_eq!(lookups.get(&"a", found(2)).await, Ok(Some(2)));
    }
}
