//! Pictures that jobs start from.

use std::fs::File;
use std::io::BufReader;
use std::path::Path;

use engine_protocol::Failure;
use image::imageops::FilterType;
use image::{DynamicImage, ImageDecoder, ImageReader, Limits};

use crate::limits::{MAX_DECODE_BYTES, MAX_INPUT_BYTES, MAX_INPUT_SIDE};
use crate::sd::Picture;

/// Reads a picture, upright, as its EXIF says.
pub(crate) fn read(path: &Path, what: &str) -> Result<DynamicImage, Failure> {
    decode(path).map_err(|problem| Failure::bad_input(format!("the {what} cannot be read: {problem}")))
}

fn decode(path: &Path) -> Result<DynamicImage, String> {
    let file = File::open(path).map_err(|e| e.to_string())?;
    let bytes = file.metadata().map_err(|e| e.to_string())?.len();
    if bytes > MAX_INPUT_BYTES {
        return Err(format!("{bytes} bytes, at most {MAX_INPUT_BYTES}"));
    }
    let mut reader =
        ImageReader::new(BufReader::new(file)).with_guessed_format().map_err(|e| e.to_string())?;
    let mut limits = Limits::default();
    limits.max_image_width = Some(MAX_INPUT_SIDE);
    limits.max_image_height = Some(MAX_INPUT_SIDE);
    limits.max_alloc = Some(MAX_DECODE_BYTES);
    reader.limits(limits);
    let mut decoder = reader.into_decoder().map_err(|e| e.to_string())?;
    let orientation = decoder.orientation().map_err(|e| e.to_string())?;
    let mut picture = DynamicImage::from_decoder(decoder).map_err(|e| e.to_string())?;
    picture.apply_orientation(orientation);
    Ok(picture)
}

/// The middle of a picture at a size: scaled until it covers it, the rest cut off.
pub(crate) fn fit(picture: &DynamicImage, width: u32, height: u32) -> Picture {
    let fitting = if (picture.width(), picture.height()) == (width, height) {
        picture.to_rgb8()
    } else {
        picture.resize_to_fill(width, height, FilterType::CatmullRom).to_rgb8()
    };
    Picture { width, height, channels: 3, bytes: fitting.into_raw() }
}

/// The same for a mask, in one channel.
pub(crate) fn fit_mask(picture: &DynamicImage, width: u32, height: u32) -> Picture {
    let fitting = picture.resize_to_fill(width, height, FilterType::Triangle).to_luma8();
    Picture { width, height, channels: 1, bytes: fitting.into_raw() }
}

/// As it is, in three channels.
pub(crate) fn whole(picture: &DynamicImage) -> Picture {
    fit(picture, picture.width(), picture.height())
}

/// `made` where the mask is white, `init` where it is black: a model only nearly keeps what it was not to repaint.
pub(crate) fn blend(made: &mut Picture, init: &Picture, mask: &Picture) {
    let pixels = made.bytes.chunks_exact_mut(3).zip(init.bytes.chunks_exact(3)).zip(&mask.bytes);
    for ((made, init), white) in pixels {
        let white = u32::from(*white);
        for (made, init) in made.iter_mut().zip(init) {
            let mixed = u32::from(*made) * white + u32::from(*init) * (255 - white);
            *made = (mixed / 255) as u8;
        }
    }
}

#[cfg(test)]
mod tests {
    use image::{Rgb, RgbImage};

    use super::*;

    fn halves(width: u32, height: u32) -> DynamicImage {
        let colour = |x, _| if x < width / 2 { Rgb([0, 0, 0]) } else { Rgb([255, 255, 255]) };
        RgbImage::from_fn(width, height, colour).into()
    }

    #[test]
    fn a_picture_of_another_shape_covers_the_size() {
        let fitted = fit(&halves(400, 100), 64, 64);
        assert_eq!((fitted.width, fitted.height, fitted.bytes.len()), (64, 64, 64 * 64 * 3));
        assert!(fitted.bytes[0] < 3 && fitted.bytes[63 * 3] > 252);
    }

    #[test]
    fn what_is_no_picture_or_too_large_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("p.png");
        RgbImage::new(MAX_INPUT_SIDE + 1, 1).save(&path).unwrap();
        let problem = read(&path, "start picture").unwrap_err().message;
        assert!(problem.contains("start picture"), "{problem}");
        std::fs::write(&path, "not a picture").unwrap();
        assert!(read(&path, "mask").is_err());
        assert!(read(&folder.path().join("none"), "mask").is_err());
        File::create(&path).unwrap().set_len(MAX_INPUT_BYTES + 1).unwrap();
        assert!(read(&path, "mask").unwrap_err().message.contains("26214401 bytes"));
    }

    #[test]
    fn black_keeps_and_white_takes() {
        let solid = |value| Picture { width: 3, height: 1, channels: 3, bytes: vec![value; 9] };
        let mut made = solid(200);
        let mask = Picture { width: 3, height: 1, channels: 1, bytes: vec![0, 255, 128] };
        blend(&mut made, &solid(100), &mask);
        assert_eq!(made.bytes, [100, 100, 100, 200, 200, 200, 150, 150, 150]);
    }
}
