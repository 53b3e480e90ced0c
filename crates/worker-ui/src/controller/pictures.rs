//! Fetches and decodes the pictures that are on the screen, a few at a time.

use std::collections::HashSet;
use std::io::Cursor;
use std::sync::Arc;

use image::{ImageReader, Limits};
use studio_runtime::Tasks;
use worker_local::{Client, ClientError};

use super::actor::{Actor, Fact};
use crate::{Picture, PictureKey};

/// A list that is scrolled past needs none of what it showed: few are on their way at once.
const AT_ONCE: usize = 4;
/// Thumbnails and previews are smaller; what is not is made so.
const MAX_SIDE: u32 = 512;
/// A picture of a job is never larger in the memory of whoever decodes it.
const MAX_DECODED: u64 = 64 << 20;

/// Which pictures are wanted, and which are on their way.
#[derive(Debug, Default)]
pub(super) struct Gallery {
    wanted: Vec<(PictureKey, u64)>,
    coming: HashSet<PictureKey>,
    tasks: Option<Tasks>,
}

impl Gallery {
    /// Nobody is there to answer any more.
    pub(super) fn stop(&mut self) {
        if let Some(tasks) = self.tasks.take() {
            tasks.stop_hard();
        }
        self.coming.clear();
    }
}

impl Actor {
    /// These are on the screen now.
    pub(super) fn want_pictures(&mut self, wanted: Vec<(PictureKey, u64)>) {
        Arc::make_mut(&mut self.view.pictures).touch(wanted.iter().map(|(key, _)| key));
        self.gallery.wanted = wanted;
        self.fetch_pictures();
    }

    /// Asks for the next few that are missing.
    pub(super) fn fetch_pictures(&mut self) {
        let Some(client) = self.client.clone() else { return };
        let gallery = &mut self.gallery;
        for (key, look) in &gallery.wanted {
            if gallery.coming.len() >= AT_ONCE {
                return;
            }
            if gallery.coming.contains(key) || self.view.pictures.settled(key, *look) {
                continue;
            }
            gallery.coming.insert(key.clone());
            let tasks = gallery.tasks.get_or_insert_with(|| self.tasks.child());
            let (facts, client, key, look) = (self.facts.clone(), client.clone(), key.clone(), *look);
            tasks.spawn(async move {
                let picture = fetch(&client, &key).await;
                let _ = facts.send(Fact::Picture { key, look, picture }).await;
            });
        }
    }

    pub(super) fn picture(
        &mut self,
        key: PictureKey,
        look: u64,
        picture: Result<Option<Picture>, ClientError>,
    ) {
        if !self.gallery.coming.remove(&key) {
            return;
        }
        let picture = match picture {
            Ok(picture) => picture,
            // Whoever does not answer at all is asked again, with the next daemon.
            Err(ClientError::Refused(_) | ClientError::Strange { .. }) => None,
            Err(ClientError::Unreachable { .. } | ClientError::Setup(_)) => return,
        };
        Arc::make_mut(&mut self.view.pictures).keep(key, look, picture);
        self.touch();
        self.fetch_pictures();
    }
}

async fn fetch(client: &Client, key: &PictureKey) -> Result<Option<Picture>, ClientError> {
    let bytes = match key {
        PictureKey::Thumbnail(job) => client.thumbnail(job).await?,
        PictureKey::Preview(job) => client.preview(job).await?,
    };
    // Its panic would be a fault of the decoder, and as good as a picture that cannot be had.
    Ok(tokio::task::spawn_blocking(move || decode(bytes)).await.ok().flatten())
}

fn decode(bytes: Vec<u8>) -> Option<Picture> {
    let mut reader = ImageReader::new(Cursor::new(bytes)).with_guessed_format().ok()?;
    let mut limits = Limits::default();
    limits.max_alloc = Some(MAX_DECODED);
    reader.limits(limits);
    let mut picture = reader.decode().ok()?;
    if picture.width() > MAX_SIDE || picture.height() > MAX_SIDE {
        picture = picture.thumbnail(MAX_SIDE, MAX_SIDE);
    }
    let pixels = picture.into_rgba8();
    let size = [pixels.width() as usize, pixels.height() as usize];
    Some(Picture { size, rgba: pixels.into_raw() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_picture_is_decoded_and_made_small_and_anything_else_is_none() {
        let mut png = Cursor::new(Vec::new());
        image::RgbImage::new(1024, 256).write_to(&mut png, image::ImageFormat::Png).unwrap();
        let picture = decode(png.into_inner()).unwrap();
        assert_eq!(picture.size, [512, 128]);
        assert_eq!(picture.rgba.len(), 512 * 128 * 4);
        assert_eq!(decode(b"no picture".to_vec()), None);
        assert_eq!(decode(Vec::new()), None);
    }
}
