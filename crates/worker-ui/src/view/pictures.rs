//! Small pictures, decoded away from the window, the least wanted let go.

use std::collections::HashMap;
use std::sync::Arc;

/// Some 90 pictures of 256 pixels: more than a window shows at once.
const MAX_BYTES: usize = 24 << 20;
/// Entries without a picture cost little, but there is no end to jobs.
const MAX_ENTRIES: usize = 4_000;

/// Which picture.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum PictureKey {
    /// Of a job's result.
    Thumbnail(String),
    /// Of a job that runs.
    Preview(String),
}

/// A picture as pixels.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Picture {
    /// Columns and rows.
    pub size: [usize; 2],
    /// Red, green, blue, opacity.
    pub rgba: Vec<u8>,
}

/// Pictures by job, with what could not be had among them.
#[derive(Debug, Clone, Default)]
pub struct Pictures {
    kept: HashMap<PictureKey, Kept>,
    bytes: usize,
    used: u64,
}

#[derive(Debug, Clone)]
struct Kept {
    picture: Option<Arc<Picture>>,
    look: u64,
    used: u64,
}

impl Pictures {
    /// The picture, if it is here.
    pub fn get(&self, key: &PictureKey) -> Option<&Arc<Picture>> {
        self.kept.get(key)?.picture.as_ref()
    }

    /// Whether nobody needs to ask: this look at it, or a later one, was fetched or cannot be had.
    pub fn settled(&self, key: &PictureKey, look: u64) -> bool {
        self.kept.get(key).is_some_and(|kept| kept.look >= look)
    }

    /// Bytes of all pixels.
    pub fn bytes(&self) -> usize {
        self.bytes
    }

    /// Keeps a look, and lets those go that were not wanted for the longest time.
    ///
    /// One that could not be had leaves an earlier one in its place.
    pub fn keep(&mut self, key: PictureKey, look: u64, picture: Option<Picture>) {
        self.used += 1;
        let earlier = self.forget(&key);
        let picture = picture.map(Arc::new).or(earlier);
        self.bytes += picture.as_deref().map_or(0, weight);
        self.kept.insert(key, Kept { picture, look, used: self.used });
        while self.bytes > MAX_BYTES || self.kept.len() > MAX_ENTRIES {
            let heavy = self.bytes > MAX_BYTES;
            let candidates = self.kept.iter().filter(|(_, kept)| kept.picture.is_some() || !heavy);
            let Some(oldest) = candidates.min_by_key(|(_, kept)| kept.used).map(|(key, _)| key.clone())
            else {
                break;
            };
            self.forget(&oldest);
        }
    }

    /// These are on the screen: they go last.
    pub fn touch<'a>(&mut self, keys: impl IntoIterator<Item = &'a PictureKey>) {
        self.used += 1;
        for key in keys {
            if let Some(kept) = self.kept.get_mut(key) {
                kept.used = self.used;
            }
        }
    }

    /// Asks anew for what could not be had.
    pub fn forget_failed(&mut self) {
        self.kept.retain(|_, kept| kept.picture.is_some());
    }

    fn forget(&mut self, key: &PictureKey) -> Option<Arc<Picture>> {
        let picture = self.kept.remove(key)?.picture?;
        self.bytes -= weight(&picture);
        Some(picture)
    }
}

fn weight(picture: &Picture) -> usize {
    picture.rgba.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(number: usize) -> PictureKey {
        PictureKey::Thumbnail(format!("job-{number}"))
    }

    fn picture() -> Picture {
        Picture { size: [512, 512], rgba: vec![0; 512 * 512 * 4] }
    }

    #[test]
    fn what_is_on_the_screen_stays_and_the_rest_is_bounded() {
        let mut pictures = Pictures::default();
        for number in 0..100 {
            pictures.keep(key(number), 0, Some(picture()));
            pictures.touch([&key(0)]);
        }
        assert!(pictures.bytes() <= MAX_BYTES);
        assert!(pictures.get(&key(0)).is_some() && pictures.get(&key(99)).is_some());
        assert!(pictures.get(&key(1)).is_none());
        for number in 100..2 * MAX_ENTRIES {
            pictures.keep(key(number), 0, None);
        }
        assert!(pictures.kept.len() <= MAX_ENTRIES);
    }

    #[test]
    fn a_newer_look_is_asked_for_and_what_cannot_be_had_is_not() {
        let mut pictures = Pictures::default();
        assert!(!pictures.settled(&key(1), 0));
        pictures.keep(key(1), 2, Some(picture()));
        assert!(pictures.settled(&key(1), 2) && !pictures.settled(&key(1), 3));
        pictures.keep(key(1), 3, None);
        assert!(pictures.settled(&key(1), 3) && pictures.get(&key(1)).is_some());
        pictures.keep(key(2), 0, None);
        pictures.forget_failed();
        assert!(pictures.settled(&key(1), 3) && !pictures.settled(&key(2), 0));
    }
}
