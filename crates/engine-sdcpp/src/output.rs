//! Pixels into files.

use engine_protocol::Failure;
use image::codecs::jpeg::JpegEncoder;
use image::codecs::png::PngEncoder;
use image::{ExtendedColorType, ImageEncoder};

use crate::limits::{MAX_JPEG_SIDE, MAX_WEBP_SIDE};
use crate::sd::Picture;

/// A picture's file format.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Format {
    Png,
    Jpeg,
    WebP,
}

/// What the engine writes for image jobs.
pub(crate) const FORMATS: [&str; 4] = ["webp", "png", "jpg", "jpeg"];
/// Nothing that a person sees is lost.
const JPEG_QUALITY: u8 = 92;
/// The same for WebP, whose scale differs.
const WEBP_QUALITY: f32 = 90.0;

impl Format {
    /// The format of an extension.
    pub(crate) fn of(ext: &str) -> Result<Self, Failure> {
        Ok(match ext {
            "png" => Self::Png,
            "jpg" | "jpeg" => Self::Jpeg,
            "webp" => Self::WebP,
            other => {
                let (ext, known) = (crate::names::quoted(other), FORMATS.join(", "));
                return Err(Failure::bad_input(format!(
                    "pictures cannot be written as `{ext}`: use {known}"
                )));
            }
        })
    }

    /// Pixels a side that the format can hold.
    pub(crate) fn max_side(self) -> u32 {
        match self {
            Self::Png => u32::MAX,
            Self::Jpeg => MAX_JPEG_SIDE,
            Self::WebP => MAX_WEBP_SIDE,
        }
    }
}

/// The bytes of a picture's file.
pub(crate) fn encode(picture: &Picture, format: Format) -> Result<Vec<u8>, Failure> {
    let Picture { width, height, channels, bytes } = picture;
    if *channels != 3 || bytes.len() != *width as usize * *height as usize * 3 {
        return Err(Failure::internal(format!("the picture has {channels} channels, not 3")));
    }
    let mut file = Vec::new();
    let failed = |problem: String| Failure::internal(format!("the picture could not be encoded: {problem}"));
    match format {
        Format::Png => PngEncoder::new(&mut file)
            .write_image(bytes, *width, *height, ExtendedColorType::Rgb8)
            .map_err(|e| failed(e.to_string()))?,
        Format::Jpeg => JpegEncoder::new_with_quality(&mut file, JPEG_QUALITY)
            .write_image(bytes, *width, *height, ExtendedColorType::Rgb8)
            .map_err(|e| failed(e.to_string()))?,
        Format::WebP => {
            let encoder = webp::Encoder::from_rgb(bytes, *width, *height);
            let made = encoder.encode_simple(false, WEBP_QUALITY);
            file = made.map_err(|e| failed(format!("{e:?}")))?.to_vec();
        }
    }
    Ok(file)
}

/// Columns and rows of a grid: as square as can be, wider rather than higher.
pub(crate) fn grid_of(count: u32) -> (u32, u32) {
    let columns = (1..=count).find(|columns| columns * columns >= count).unwrap_or(1);
    (columns, count.div_ceil(columns))
}

/// Pictures of one size side by side, row after row, the places left over black.
pub(crate) fn grid(mut pictures: Vec<Picture>) -> Option<Picture> {
    if pictures.len() < 2 {
        return pictures.pop();
    }
    let (columns, rows) = grid_of(pictures.len() as u32);
    let (width, height) = (pictures[0].width, pictures[0].height);
    let (line, whole_line) = (width as usize * 3, width as usize * 3 * columns as usize);
    let mut bytes = vec![0; whole_line * (height * rows) as usize];
    for (index, picture) in pictures.iter().enumerate() {
        let (column, row) = (index % columns as usize, index / columns as usize);
        let start = row * height as usize * whole_line + column * line;
        for (y, pixels) in picture.bytes.chunks_exact(line).enumerate() {
            let at = start + y * whole_line;
            bytes[at..at + line].copy_from_slice(pixels);
        }
    }
    Some(Picture { width: width * columns, height: height * rows, channels: 3, bytes })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn grids_are_nearly_square() {
        let shapes: Vec<_> = (1..=7).map(grid_of).collect();
        assert_eq!(shapes, [(1, 1), (2, 1), (2, 2), (2, 2), (3, 2), (3, 2), (3, 3)]);
    }

    #[test]
    fn a_grid_keeps_the_order() {
        let tile = |value| Picture { width: 2, height: 1, channels: 3, bytes: vec![value; 6] };
        let grid = grid(vec![tile(1), tile(2), tile(3)]).unwrap();
        assert_eq!((grid.width, grid.height), (4, 2));
        let reds: Vec<u8> = grid.bytes.iter().copied().step_by(3).collect();
        assert_eq!(reds, [1, 1, 2, 2, 3, 3, 0, 0]);
    }

    #[test]
    fn every_format_is_what_it_says() {
        let bytes = (0..64 * 48 * 3).map(|i| (i % 251) as u8).collect();
        let picture = Picture { width: 64, height: 48, channels: 3, bytes };
        for ext in FORMATS {
            let file = encode(&picture, Format::of(ext).unwrap()).unwrap();
            assert_eq!(engine_protocol::media_matches(ext, &file), Some(true), "{ext}");
            let read = image::load_from_memory(&file).unwrap().to_rgb8();
            assert_eq!((read.width(), read.height()), (64, 48));
        }
        assert!(Format::of("tiff").unwrap_err().message.contains("`tiff`"));
    }
}
