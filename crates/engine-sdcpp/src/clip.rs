//! Pictures one after the other into the file of a clip.

mod av1;
mod mp4;
mod webm;

use engine_protocol::Failure;
use image::codecs::gif::{GifEncoder, Repeat};
use image::{Delay, Frame, RgbImage};

use crate::parameters::{Parameters, embed_parameters};
use crate::sd::Picture;

/// A clip's file format.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Format {
    Mp4,
    WebM,
    WebP,
    Gif,
}

/// What the engine writes for video jobs.
pub(crate) const FORMATS: [&str; 4] = ["mp4", "webm", "webp", "gif"];
/// Of animated WebP: frames hide what a single picture would show.
const WEBP_QUALITY: f32 = 80.0;
/// Of the palette search, 1 (slow) to 30.
const GIF_SPEED: i32 = 10;

impl Format {
    /// The format of an extension.
    pub(crate) fn of(ext: &str) -> Result<Self, Failure> {
        Ok(match ext {
            "mp4" => Self::Mp4,
            "webm" => Self::WebM,
            "webp" => Self::WebP,
            "gif" => Self::Gif,
            other => {
                let (ext, known) = (crate::names::quoted(other), FORMATS.join(", "));
                return Err(Failure::bad_input(format!("clips cannot be written as `{ext}`: use {known}")));
            }
        })
    }
}

/// Pictures of one size, and how they were made.
#[derive(Debug)]
pub(crate) struct Clip {
    pub(crate) frames: Vec<Picture>,
    pub(crate) fps: u32,
    pub(crate) parameters: Parameters,
}

impl Clip {
    /// The bytes of the clip's file; `alive` is called between its pictures and may end the work.
    pub(crate) fn encode(
        &self,
        format: Format,
        alive: &dyn Fn() -> Result<(), Failure>,
    ) -> Result<Vec<u8>, Failure> {
        let Some(first) = self.frames.first() else { return Err(Failure::internal("no picture was made")) };
        let is_like_first =
            |frame: &Picture| (frame.width, frame.height, frame.channels) == (first.width, first.height, 3);
        if !self.frames.iter().all(is_like_first) {
            return Err(Failure::internal("the pictures of the clip differ in size"));
        }
        match format {
            Format::Mp4 => {
                let packets = av1::encode(&self.frames, self.fps, alive)?;
                Ok(mp4::file(first.width, first.height, self.fps, &packets))
            }
            Format::WebM => {
                let packets = av1::encode(&self.frames, self.fps, alive)?;
                let comment = self.parameters.text();
                Ok(webm::file(first.width, first.height, self.fps, &packets, &signature(), &comment))
            }
            Format::WebP => self.webp(first),
            Format::Gif => self.gif(alive),
        }
    }

    fn webp(&self, first: &Picture) -> Result<Vec<u8>, Failure> {
        let failed = |problem: String| Failure::internal(format!("the clip could not be encoded: {problem}"));
        let mut config =
            webp::WebPConfig::new().map_err(|()| failed("libwebp has no defaults".to_owned()))?;
        config.quality = WEBP_QUALITY;
        let mut encoder = webp::AnimEncoder::new(first.width, first.height, &config);
        for (index, frame) in self.frames.iter().enumerate() {
            let time = i32::try_from(index * 1000 / self.fps as usize).unwrap_or(i32::MAX);
            encoder.add_frame(webp::AnimFrame::from_rgb(&frame.bytes, frame.width, frame.height, time));
        }
        let file = encoder.try_encode().map_err(|problem| failed(format!("{problem:?}")))?.to_vec();
        embed_parameters(file, &self.parameters).map_err(|problem| failed(problem.to_string()))
    }

    fn gif(&self, alive: &dyn Fn() -> Result<(), Failure>) -> Result<Vec<u8>, Failure> {
        let failed = |problem: image::ImageError| {
            Failure::internal(format!("the clip could not be encoded: {problem}"))
        };
        let mut file = Vec::new();
        let mut encoder = GifEncoder::new_with_speed(&mut file, GIF_SPEED);
        encoder.set_repeat(Repeat::Infinite).map_err(failed)?;
        for frame in &self.frames {
            alive()?;
            let picture = RgbImage::from_raw(frame.width, frame.height, frame.bytes.clone());
            let picture = picture.ok_or_else(|| Failure::internal("a picture of the clip is too short"))?;
            let rgba = image::DynamicImage::from(picture).to_rgba8();
            let delay = Delay::from_numer_denom_ms(1000, self.fps);
            encoder.encode_frame(Frame::from_parts(rgba, 0, 0, delay)).map_err(failed)?;
        }
        drop(encoder);
        Ok(file)
    }
}

fn signature() -> String {
    crate::engine::signature()
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;
    use std::io::Cursor;

    use image::AnimationDecoder;
    use image::codecs::gif::GifDecoder;
    use image::codecs::webp::WebPDecoder;

    use super::*;

    /// A bright square that wanders to the right over a dark ground.
    fn clip(count: u32) -> Clip {
        let frame = |number: u32| {
            let pixel = |x: u32, y: u32| {
                let is_square = (number * 8..number * 8 + 16).contains(&x) && (8..24).contains(&y);
                if is_square { [230, 200, 40] } else { [20, 30, 60] }
            };
            let bytes = (0..32).flat_map(|y| (0..64).flat_map(move |x| pixel(x, y))).collect();
            Picture { width: 64, height: 32, channels: 3, bytes }
        };
        let parameters = Parameters { prompt: "a square".to_owned(), ..Parameters::default() };
        Clip { frames: (0..count).map(frame).collect(), fps: 5, parameters }
    }

    fn encoded(format: Format) -> Vec<u8> {
        clip(4).encode(format, &|| Ok(())).unwrap()
    }

    fn check_frames(frames: &[Frame]) {
        assert_eq!(frames.len(), 4);
        for (number, frame) in frames.iter().enumerate() {
            let (over, delay) = frame.delay().numer_denom_ms();
            assert_eq!(over / delay, 200, "frame {number}");
            let red = |x, y| frame.buffer().get_pixel(x, y).0[0];
            assert!(red(number as u32 * 8 + 8, 16) > 180 && red(60, 2) < 60, "frame {number}");
        }
    }

    #[test]
    fn animated_webp_plays_and_tells_how_it_was_made() {
        let file = encoded(Format::WebP);
        let decoder = WebPDecoder::new(Cursor::new(&file)).unwrap();
        check_frames(&decoder.into_frames().collect_frames().unwrap());
        assert_eq!(crate::read_parameters(&file).unwrap().prompt, "a square");
    }

    #[test]
    fn gif_plays() {
        let decoder = GifDecoder::new(Cursor::new(encoded(Format::Gif))).unwrap();
        check_frames(&decoder.into_frames().collect_frames().unwrap());
    }

    #[test]
    fn webm_holds_every_picture_of_av1() {
        let file = encoded(Format::WebM);
        assert_eq!(engine_protocol::media_matches("webm", &file), Some(true));
        let holds = |what: &[u8]| file.windows(what.len()).filter(|window| *window == what).count();
        assert_eq!((holds(b"V_AV1"), holds(b"webm"), holds(b"a square")), (1, 1, 1));
        // Blocks of track 1 at 0, 200, 400 and 600 ms; only the first stands alone.
        for (time, flags) in [(0_u16, 0x80), (200, 0), (400, 0), (600, 0)] {
            let [high, low] = time.to_be_bytes();
            assert_eq!(holds(&[0x81, high, low, flags]), 1, "{time} ms");
        }
    }

    #[test]
    fn mp4_holds_av1() {
        let file = encoded(Format::Mp4);
        assert_eq!(engine_protocol::media_matches("mp4", &file), Some(true));
        let holds = |what: &[u8]| file.windows(what.len()).filter(|window| *window == what).count();
        assert_eq!((holds(b"moov"), holds(b"mdat"), holds(b"av1C")), (1, 1, 1));
    }

    #[test]
    fn work_that_is_cancelled_ends_between_pictures() {
        for format in [Format::WebM, Format::Gif] {
            let asked = Cell::new(0);
            let alive = || {
                asked.set(asked.get() + 1);
                if asked.get() < 3 { Ok(()) } else { Err(Failure::cancelled()) }
            };
            assert_eq!(clip(4).encode(format, &alive).unwrap_err(), Failure::cancelled());
            assert_eq!(asked.get(), 3);
        }
        assert!(clip(0).encode(Format::WebP, &|| Ok(())).is_err());
    }

    #[test]
    fn formats_that_it_lacks_are_refused_by_name() {
        for ext in FORMATS {
            assert!(Format::of(ext).is_ok());
        }
        assert!(Format::of("avi").unwrap_err().message.contains("`avi`: use mp4, webm, webp, gif"));
    }
}
