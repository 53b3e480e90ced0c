//! Pixels to a file of the format that its extension says.

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::Path;

use image::codecs::gif::GifEncoder;
use image::codecs::jpeg::JpegEncoder;
use image::codecs::png::{CompressionType, FilterType, PngEncoder};
use image::codecs::webp::WebPEncoder;
use image::{ExtendedColorType, ImageEncoder, ImageResult};

const JPEG_QUALITY: u8 = 88;
/// The fastest: its palette is searched in a thirtieth of the pixels.
const GIF_SPEED: i32 = 30;

pub(super) fn write(path: &Path, ext: &str, pixels: &[u8], width: u32, height: u32) -> ImageResult<()> {
    let mut out = BufWriter::new(File::create(path)?);
    encode(&mut out, ext, pixels, width, height)?;
    Ok(out.flush()?)
}

/// The same to any writer.
pub(super) fn encode(
    mut out: impl Write,
    ext: &str,
    pixels: &[u8],
    width: u32,
    height: u32,
) -> ImageResult<()> {
    let color = ExtendedColorType::Rgb8;
    match ext {
        "png" => PngEncoder::new_with_quality(&mut out, CompressionType::Fast, FilterType::Sub)
            .write_image(pixels, width, height, color),
        "webp" => WebPEncoder::new_lossless(&mut out).write_image(pixels, width, height, color),
        "gif" => GifEncoder::new_with_speed(&mut out, GIF_SPEED).encode(pixels, width, height, color),
        _ => JpegEncoder::new_with_quality(&mut out, JPEG_QUALITY).write_image(pixels, width, height, color),
    }
}
