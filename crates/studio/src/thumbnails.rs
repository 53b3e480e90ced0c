//! Small pictures of large ones: made when somebody first asks, kept beside the artefact.
//!
//! What comes from workers may be built to take a decoder's memory: dimensions and bytes are looked at before anything
//! is decoded, and few are decoded at once.

use std::collections::HashMap;
use std::io::Cursor;
use std::sync::{Arc, Mutex, PoisonError};

use bytes::{Bytes, BytesMut};
use futures_util::{TryStreamExt, stream};
use image::codecs::jpeg::JpegEncoder;
use image::codecs::webp::WebPEncoder;
use image::{DynamicImage, ImageDecoder, ImageFormat, ImageReader, Limits};
use studio_store::Artefact;
use tokio::sync::Semaphore;

use crate::artefacts::{ArtefactError, Artefacts};

/// Sizes of the longer side that may be asked for: a grid, and a grid on a dense screen.
pub const SIZES: [u32; 2] = [256, 512];
/// Files above this are not looked into: no picture of a sensible size has more.
const MAX_FILE_BYTES: u64 = 64 * 1024 * 1024;
/// Pixels above this are not decoded: 160 MB of memory each.
const MAX_PIXELS: u64 = 40_000_000;
/// What one decoder may take beside the picture itself.
const MAX_DECODER_BYTES: u64 = 256 * 1024 * 1024;
/// Pictures that are decoded at once; the others wait.
const AT_ONCE: usize = 2;
/// Good enough for a thumbnail, at a few KiB.
const JPEG_QUALITY: u8 = 82;
/// Larger than any thumbnail that is made here.
const MAX_THUMBNAIL_BYTES: u64 = 4 * 1024 * 1024;

/// Makes thumbnails; clones share the work.
#[derive(Clone)]
pub struct Thumbnails {
    decoders: Arc<Semaphore>,
    under_way: UnderWay,
}

/// Who makes which thumbnail, by its key.
type UnderWay = Arc<Mutex<HashMap<String, Arc<tokio::sync::Mutex<()>>>>>;

/// One request's place among those for the same thumbnail; also who hangs up leaves none behind.
struct Turn<'a> {
    under_way: &'a UnderWay,
    key: &'a str,
    line: Arc<tokio::sync::Mutex<()>>,
}

impl<'a> Turn<'a> {
    fn of(under_way: &'a UnderWay, key: &'a str) -> Self {
        let mut lines = under_way.lock().unwrap_or_else(PoisonError::into_inner);
        let line = lines.entry(key.to_owned()).or_default().clone();
        Self { under_way, key, line }
    }
}

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        // Those who wait keep their line; whoever comes later finds the thumbnail, or begins a new one.
        self.under_way.lock().unwrap_or_else(PoisonError::into_inner).remove(self.key);
    }
}

/// A thumbnail's bytes.
#[derive(Debug, Clone)]
pub struct Thumbnail {
    /// JPEG, or WebP where the picture is see-through.
    pub bytes: Bytes,
    /// Which of them.
    pub mime: &'static str,
}

/// Why there is no thumbnail.
#[derive(Debug, thiserror::Error)]
pub enum ThumbnailError {
    /// It is sound, text, a film, or something that only calls itself a picture.
    #[error("the artefact is no picture: {0}")]
    NoPicture(String),
    /// The bytes.
    #[error(transparent)]
    Artefact(#[from] ArtefactError),
    /// The studio itself.
    #[error("a thumbnail could not be made: {0}")]
    Failed(String),
}

impl Default for Thumbnails {
    fn default() -> Self {
        Self { decoders: Arc::new(Semaphore::new(AT_ONCE)), under_way: Arc::default() }
    }
}

/// Where the thumbnail of what lies at `key` is kept: beside it, so that whoever deletes one finds the other.
pub fn key_of(key: &str, size: u32) -> String {
    format!("{key}.thumbnail-{size}")
}

/// What a thumbnail was made from; `None` when the key is not one of a thumbnail.
pub fn origin_of(key: &str) -> Option<&str> {
    let (origin, size) = key.rsplit_once(".thumbnail-")?;
    size.parse().is_ok_and(|size| SIZES.contains(&size)).then_some(origin)
}

impl Thumbnails {
    /// The thumbnail of a picture, made now if it is the first time; equal requests wait for the same work.
    pub async fn get(
        &self,
        artefacts: &Artefacts,
        artefact: &Artefact,
        size: u32,
    ) -> Result<Thumbnail, ThumbnailError> {
        let Some(format) = format_of(&artefact.mime) else {
            return Err(ThumbnailError::NoPicture(format!("it is of the type {}", artefact.mime)));
        };
        if artefact.bytes > MAX_FILE_BYTES {
            let why = format!("it has {} bytes, at most {MAX_FILE_BYTES} are looked into", artefact.bytes);
            return Err(ThumbnailError::NoPicture(why));
        }
        let key = key_of(&artefact.key, size);
        if let Some(bytes) = kept(artefacts, &key).await? {
            return Ok(Thumbnail::of(bytes));
        }
        let turn = Turn::of(&self.under_way, &key);
        let _mine = turn.line.lock().await;
        self.make(artefacts, artefact, &key, format, size).await
    }

    async fn make(
        &self,
        artefacts: &Artefacts,
        artefact: &Artefact,
        key: &str,
        format: ImageFormat,
        size: u32,
    ) -> Result<Thumbnail, ThumbnailError> {
        // Whoever had the turn before has made it.
        if let Some(bytes) = kept(artefacts, key).await? {
            return Ok(Thumbnail::of(bytes));
        }
        let failed = |error: &dyn std::fmt::Display| ThumbnailError::Failed(error.to_string());
        let permit = self.decoders.clone().acquire_owned().await.map_err(|error| failed(&error))?;
        let bytes = read(artefacts, &artefact.key, MAX_FILE_BYTES).await?;
        let small = tokio::task::spawn_blocking(move || {
            let small = shrink(bytes, format, size);
            drop(permit);
            small
        });
        let small = small.await.map_err(|error| failed(&error))?.map_err(ThumbnailError::NoPicture)?;
        let chunk = stream::iter([Ok::<_, String>(small.clone())]);
        artefacts.put(key, MAX_THUMBNAIL_BYTES, chunk).await?;
        Ok(Thumbnail::of(small))
    }
}

impl Thumbnail {
    fn of(bytes: Bytes) -> Self {
        let mime = if bytes.starts_with(&[0xff, 0xd8]) { "image/jpeg" } else { "image/webp" };
        Self { bytes, mime }
    }
}

/// Formats that a thumbnail can be made of; the bytes must be what the type says.
fn format_of(mime: &str) -> Option<ImageFormat> {
    match mime {
        "image/png" => Some(ImageFormat::Png),
        "image/jpeg" => Some(ImageFormat::Jpeg),
        "image/webp" => Some(ImageFormat::WebP),
        "image/gif" => Some(ImageFormat::Gif),
        _ => None,
    }
}

async fn kept(artefacts: &Artefacts, key: &str) -> Result<Option<Bytes>, ArtefactError> {
    match read(artefacts, key, MAX_THUMBNAIL_BYTES).await {
        Ok(bytes) => Ok(Some(bytes)),
        Err(ArtefactError::NotFound(_)) => Ok(None),
        Err(error) => Err(error),
    }
}

async fn read(artefacts: &Artefacts, key: &str, most: u64) -> Result<Bytes, ArtefactError> {
    let mut stream = artefacts.get(key, None).await?;
    let mut bytes = BytesMut::new();
    while let Some(chunk) = stream.try_next().await? {
        bytes.extend_from_slice(&chunk);
        if bytes.len() as u64 > most {
            return Err(ArtefactError::TooLarge(most));
        }
    }
    Ok(bytes.freeze())
}

/// The first frame, within a square of `size`, never larger than it was.
fn shrink(bytes: Bytes, format: ImageFormat, size: u32) -> Result<Bytes, String> {
    let told = |error: image::ImageError| error.to_string();
    let mut limits = Limits::default();
    limits.max_alloc = Some(MAX_DECODER_BYTES);
    let mut reader = ImageReader::with_format(Cursor::new(bytes), format);
    reader.limits(limits);
    let decoder = reader.into_decoder().map_err(told)?;
    let (width, height) = decoder.dimensions();
    let pixels = u64::from(width) * u64::from(height);
    if pixels == 0 || pixels > MAX_PIXELS || decoder.total_bytes() > MAX_DECODER_BYTES {
        return Err(format!("{width}x{height} are more pixels than the {MAX_PIXELS} that are looked into"));
    }
    let picture = DynamicImage::from_decoder(decoder).map_err(told)?;
    let small = if width.max(height) > size { picture.thumbnail(size, size) } else { picture };
    let mut out = Vec::new();
    let encoded = if small.color().has_alpha() {
        small.to_rgba8().write_with_encoder(WebPEncoder::new_lossless(&mut out))
    } else {
        small.to_rgb8().write_with_encoder(JpegEncoder::new_with_quality(&mut out, JPEG_QUALITY))
    };
    encoded.map_err(told)?;
    Ok(out.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn png(width: u32, height: u32, see_through: bool) -> Bytes {
        let mut out = Vec::new();
        let picture = if see_through {
            DynamicImage::new_rgba8(width, height)
        } else {
            DynamicImage::new_rgb8(width, height)
        };
        picture.write_to(&mut Cursor::new(&mut out), ImageFormat::Png).unwrap();
        out.into()
    }

    fn dimensions(bytes: &Bytes) -> (u32, u32) {
        ImageReader::new(Cursor::new(bytes)).with_guessed_format().unwrap().into_dimensions().unwrap()
    }

    #[test]
    fn a_picture_gets_smaller_and_keeps_its_shape() {
        let small = shrink(png(1000, 500, false), ImageFormat::Png, 256).unwrap();
        assert_eq!(dimensions(&small), (256, 128));
        assert_eq!(Thumbnail::of(small).mime, "image/jpeg");
        let small = shrink(png(300, 900, true), ImageFormat::Png, 512).unwrap();
        assert_eq!(dimensions(&small), (171, 512));
        assert_eq!(Thumbnail::of(small).mime, "image/webp");
        let small = shrink(png(20, 10, false), ImageFormat::Png, 256).unwrap();
        assert_eq!(dimensions(&small), (20, 10), "never larger than it was");
    }

    /// 70 KiB that would be 2.5 GB.
    fn bomb() -> Bytes {
        let mut bytes = png(1, 1, false).to_vec();
        let side: u32 = 30_000;
        bytes[16..20].copy_from_slice(&side.to_be_bytes());
        bytes[20..24].copy_from_slice(&side.to_be_bytes());
        let crc = crc32fast::hash(&bytes[12..29]);
        bytes[29..33].copy_from_slice(&crc.to_be_bytes());
        bytes.into()
    }

    #[test]
    fn what_would_take_the_memory_is_refused_before_it_is_decoded() {
        let error = shrink(bomb(), ImageFormat::Png, 256).unwrap_err();
        assert!(error.contains("30000x30000"), "{error}");
        for wrong in [&b"<svg onload=alert(1)>"[..], b"", b"\x89PNG\r\n\x1a\n", b"GIF89a"] {
            for format in [ImageFormat::Png, ImageFormat::Gif, ImageFormat::Jpeg, ImageFormat::WebP] {
                assert!(shrink(Bytes::from_static(wrong), format, 256).is_err());
            }
        }
    }

    #[test]
    fn a_key_tells_what_it_is_a_thumbnail_of() {
        assert_eq!(origin_of(&key_of("job-1/art-1", 256)), Some("job-1/art-1"));
        assert_eq!(origin_of("job-1/art-1"), None);
        assert_eq!(origin_of("job-1/art-1.thumbnail-99"), None);
    }
}
