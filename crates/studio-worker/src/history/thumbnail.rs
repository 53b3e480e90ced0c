//! A small picture of what a job made.

use std::fs::File;
use std::io::{BufReader, Cursor};

use image::codecs::jpeg::JpegEncoder;
use image::codecs::webp::WebPEncoder;
use image::{DynamicImage, ImageDecoder, ImageError, ImageReader, Limits};

/// The longer side, pixels.
const SIDE: u32 = 256;
/// More pixels than any model makes, and few enough for a machine that has work to do.
const MOST_PIXELS: u64 = 64 << 20;
/// What a decoder may take, bytes.
const MOST_BYTES: u64 = 512 << 20;
/// Small pictures show every flaw, and this one has few.
const QUALITY: u8 = 80;
/// Files that may hold a picture.
pub(super) const EXTENSIONS: [&str; 5] = ["gif", "jpeg", "jpg", "png", "webp"];

/// It, encoded.
#[derive(Debug)]
pub(super) struct Thumbnail {
    pub(super) mime: &'static str,
    pub(super) bytes: Vec<u8>,
}

/// Of a picture, or the first one of an animation; an engine may have written anything.
pub(super) fn make(file: File) -> Result<Thumbnail, ImageError> {
    let mut reader = ImageReader::new(BufReader::new(file)).with_guessed_format()?;
    let mut limits = Limits::default();
    limits.max_alloc = Some(MOST_BYTES);
    reader.limits(limits);
    let decoder = reader.into_decoder()?;
    let (width, height) = decoder.dimensions();
    if u64::from(width) * u64::from(height) > MOST_PIXELS || decoder.total_bytes() > MOST_BYTES {
        return Err(ImageError::Limits(image::error::LimitError::from_kind(
            image::error::LimitErrorKind::DimensionError,
        )));
    }
    let picture = DynamicImage::from_decoder(decoder)?;
    let small = if width.max(height) > SIDE { picture.thumbnail(SIDE, SIDE) } else { picture };
    let mut bytes = Vec::new();
    let out = Cursor::new(&mut bytes);
    let mime = if small.color().has_alpha() {
        small.to_rgba8().write_with_encoder(WebPEncoder::new_lossless(out))?;
        "image/webp"
    } else {
        small.to_rgb8().write_with_encoder(JpegEncoder::new_with_quality(out, QUALITY))?;
        "image/jpeg"
    };
    Ok(Thumbnail { mime, bytes })
}

#[cfg(test)]
mod tests {
    use image::ImageFormat;

    use super::*;

    fn file(bytes: &[u8]) -> File {
        use std::io::{Seek, Write};
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(bytes).unwrap();
        file.rewind().unwrap();
        file
    }

    fn encoded(picture: &DynamicImage, format: ImageFormat) -> Vec<u8> {
        let mut bytes = Vec::new();
        picture.write_to(&mut Cursor::new(&mut bytes), format).unwrap();
        bytes
    }

    fn size(thumbnail: &Thumbnail) -> (u32, u32) {
        let picture = image::load_from_memory(&thumbnail.bytes).unwrap();
        (picture.width(), picture.height())
    }

    #[test]
    fn a_picture_gets_smaller_and_keeps_its_shape() {
        let (opaque, clear) = (DynamicImage::new_rgb8(1_000, 500), DynamicImage::new_rgba8(300, 900));
        let small = make(file(&encoded(&opaque, ImageFormat::Jpeg))).unwrap();
        assert_eq!((size(&small), small.mime), ((256, 128), "image/jpeg"));
        let small = make(file(&encoded(&clear, ImageFormat::WebP))).unwrap();
        assert_eq!((size(&small), small.mime), ((85, 256), "image/webp"));
        let small = make(file(&encoded(&DynamicImage::new_rgb8(20, 10), ImageFormat::Gif))).unwrap();
        assert_eq!(size(&small), (20, 10), "never larger than it was");
    }

    #[test]
    fn what_would_take_the_memory_or_is_no_picture_is_refused() {
        let mut bomb = encoded(&DynamicImage::new_rgb8(1, 1), ImageFormat::Png);
        let side = 30_000_u32.to_be_bytes();
        bomb[16..20].copy_from_slice(&side);
        bomb[20..24].copy_from_slice(&side);
        // The check sum of the changed header.
        bomb[29..33].copy_from_slice(&[0xe9, 0x45, 0x6f, 0xed]);
        let refused = make(file(&bomb)).unwrap_err();
        assert!(matches!(refused, ImageError::Limits(_)), "{refused}");
        for wrong in [&b"<svg onload=alert(1)>"[..], b"", b"\x89PNG\r\n\x1a\n", b"GIF89a"] {
            assert!(make(file(wrong)).is_err());
        }
    }
}
