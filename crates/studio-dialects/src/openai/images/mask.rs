//! Masks: OpenAI's are transparent where a picture is to be repainted, those of tasks are white there.

use std::io::Cursor;

use image::{DynamicImage, GrayImage, ImageDecoder, ImageFormat, ImageReader, Limits, Luma};

use crate::Failure;

/// The longest side of a picture that comes in; what engines take.
const MAX_SIDE: u32 = 8_192;
/// Memory for one decoded picture: 8192x8192 in four channels.
const MAX_DECODE_BYTES: u64 = 256 * 1024 * 1024;

/// The mask that a picture's transparency stands for, as a PNG; `None` when all of it is opaque.
///
/// `field` is named where the picture cannot be read.
pub fn of_alpha(field: &str, bytes: &[u8]) -> Result<Option<Vec<u8>>, Failure> {
    let unreadable = |why: String| Failure::invalid(field, format!("the picture cannot be read: {why}"));
    let picture = decode(bytes).map_err(unreadable)?;
    let Some(picture) = picture else { return Ok(None) };
    let pixels = picture.to_rgba8();
    if pixels.pixels().all(|pixel| pixel.0[3] == u8::MAX) {
        return Ok(None);
    }
    let mask = GrayImage::from_fn(pixels.width(), pixels.height(), |x, y| {
        Luma([u8::MAX - pixels.get_pixel(x, y).0[3]])
    });
    let mut png = Vec::new();
    DynamicImage::ImageLuma8(mask)
        .write_to(&mut Cursor::new(&mut png), ImageFormat::Png)
        .map_err(|error| unreadable(error.to_string()))?;
    Ok(Some(png))
}

/// `None` for a picture that cannot be transparent.
fn decode(bytes: &[u8]) -> Result<Option<DynamicImage>, String> {
    let mut reader =
        ImageReader::new(Cursor::new(bytes)).with_guessed_format().map_err(|error| error.to_string())?;
    let mut limits = Limits::default();
    limits.max_image_width = Some(MAX_SIDE);
    limits.max_image_height = Some(MAX_SIDE);
    limits.max_alloc = Some(MAX_DECODE_BYTES);
    reader.limits(limits);
    let decoder = reader.into_decoder().map_err(|error| error.to_string())?;
    if !decoder.color_type().has_alpha() {
        return Ok(None);
    }
    DynamicImage::from_decoder(decoder).map(Some).map_err(|error| error.to_string())
}

#[cfg(test)]
mod tests {
    use image::{Rgba, RgbaImage};

    use super::*;

    fn png(picture: impl Into<DynamicImage>) -> Vec<u8> {
        let mut bytes = Vec::new();
        picture.into().write_to(&mut Cursor::new(&mut bytes), ImageFormat::Png).unwrap();
        bytes
    }

    #[test]
    fn a_hole_becomes_white() {
        let picture = RgbaImage::from_fn(4, 2, |x, _| Rgba([9, 9, 9, if x < 2 { 0 } else { 255 }]));
        let mask = of_alpha("mask", &png(picture)).unwrap().unwrap();
        let mask = image::load_from_memory(&mask).unwrap().to_luma8();
        assert_eq!((mask.width(), mask.height()), (4, 2));
        assert_eq!(mask.into_raw(), [255, 255, 0, 0, 255, 255, 0, 0]);
    }

    #[test]
    fn an_opaque_picture_stands_for_none() {
        let opaque = RgbaImage::from_pixel(2, 2, Rgba([1, 2, 3, 255]));
        assert_eq!(of_alpha("image", &png(opaque)).unwrap(), None);
        assert_eq!(of_alpha("image", &png(GrayImage::new(2, 2))).unwrap(), None);
    }

    #[test]
    fn what_is_no_picture_is_named() {
        let wrong = of_alpha("mask", b"not a picture").unwrap_err();
        assert_eq!(wrong.param.as_deref(), Some("mask"));
        let mut large = png(RgbaImage::new(MAX_SIDE + 1, 1));
        assert!(of_alpha("mask", &large).is_err());
        large.truncate(60);
        assert!(of_alpha("mask", &large).is_err());
    }
}
