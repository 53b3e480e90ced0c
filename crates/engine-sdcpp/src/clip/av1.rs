//! AV1 by rav1e.

use engine_protocol::Failure;
use rav1e::prelude::{
    ChromaSampling, ColorDescription, ColorPrimaries, Config, EncoderConfig, EncoderStatus, FrameType,
    MatrixCoefficients, Packet, PixelRange, Rational, SpeedSettings, TransferCharacteristics,
};

use crate::sd::Picture;

/// What an encoder made of a clip.
#[derive(Debug)]
pub(crate) struct Packets {
    /// For the head of the file.
    pub(crate) sequence: Vec<u8>,
    /// In the order of the pictures.
    pub(crate) frames: Vec<Encoded>,
}

/// One picture.
#[derive(Debug)]
pub(crate) struct Encoded {
    pub(crate) number: u64,
    /// Whether it can be shown without the ones before.
    pub(crate) is_key: bool,
    pub(crate) bytes: Vec<u8>,
}

/// Of 0 (slow) to 10: clips are short, and their making took minutes.
const SPEED: u8 = 8;
/// Of 0 (lossless) to 255: hardly a difference to be seen.
const QUANTIZER: usize = 80;
/// Threads at most: rav1e splits a small picture in vain.
const MAX_THREADS: usize = 8;
/// Starts every packet and is left out in WebM: a temporal delimiter.
const DELIMITER: [u8; 2] = [0x12, 0x00];

/// Encodes pictures of one size; `alive` is called between them and may end the work.
pub(super) fn encode(
    frames: &[Picture],
    fps: u32,
    alive: &dyn Fn() -> Result<(), Failure>,
) -> Result<Packets, Failure> {
    let failed = |problem: String| Failure::internal(format!("the clip could not be encoded: {problem}"));
    let (width, height) = (frames[0].width as usize, frames[0].height as usize);
    let config = EncoderConfig {
        width,
        height,
        time_base: Rational::new(1, u64::from(fps)),
        chroma_sampling: ChromaSampling::Cs420,
        pixel_range: PixelRange::Limited,
        color_description: Some(ColorDescription {
            color_primaries: ColorPrimaries::BT709,
            transfer_characteristics: TransferCharacteristics::BT709,
            matrix_coefficients: MatrixCoefficients::BT709,
        }),
        quantizer: QUANTIZER,
        // Every second at least, so that players can jump.
        max_key_frame_interval: u64::from(fps),
        min_key_frame_interval: 0,
        speed_settings: SpeedSettings::from_preset(SPEED),
        ..EncoderConfig::default()
    };
    let threads = std::thread::available_parallelism().map_or(1, usize::from).min(MAX_THREADS);
    let config = Config::new().with_encoder_config(config).with_threads(threads);
    let mut context = config.new_context::<u8>().map_err(|e| failed(e.to_string()))?;
    let sequence = context.container_sequence_header();
    for picture in frames {
        alive()?;
        let mut frame = context.new_frame();
        for (plane, bytes) in frame.planes.iter_mut().zip(yuv(picture)) {
            let stride = if bytes.len() == width * height { width } else { width.div_ceil(2) };
            plane.copy_from_raw_u8(&bytes, stride, 1);
        }
        context.send_frame(frame).map_err(|e| failed(e.to_string()))?;
    }
    context.flush();
    let mut encoded = Vec::with_capacity(frames.len());
    loop {
        alive()?;
        match context.receive_packet() {
            Ok(packet) => encoded.push(without_delimiter(&packet)),
            Err(EncoderStatus::Encoded) => {}
            Err(EncoderStatus::LimitReached) => break,
            Err(problem) => return Err(failed(problem.to_string())),
        }
    }
    Ok(Packets { sequence, frames: encoded })
}

fn without_delimiter(packet: &Packet<u8>) -> Encoded {
    let bytes = packet.data.strip_prefix(&DELIMITER).unwrap_or(&packet.data).to_vec();
    Encoded { number: packet.input_frameno, is_key: packet.frame_type == FrameType::KEY, bytes }
}

/// Brightness of every pixel, and both colour differences of every 2x2 pixels, by BT.709 in the limited range.
fn yuv(picture: &Picture) -> [Vec<u8>; 3] {
    let (width, height) = (picture.width as usize, picture.height as usize);
    let pixel = |x: usize, y: usize| {
        let at = (y * width + x) * 3;
        [0, 1, 2].map(|c| f32::from(picture.bytes[at + c]))
    };
    let byte = |value: f32| value.round().clamp(0.0, 255.0) as u8;
    let mut luma = Vec::with_capacity(width * height);
    for y in 0..height {
        for x in 0..width {
            let [r, g, b] = pixel(x, y);
            luma.push(byte(16.0 + 0.1826 * r + 0.6142 * g + 0.0620 * b));
        }
    }
    let (mut blue, mut red) = (Vec::new(), Vec::new());
    for y in (0..height).step_by(2) {
        for x in (0..width).step_by(2) {
            let corners = [(0, 0), (1, 0), (0, 1), (1, 1)];
            let around = corners.map(|(dx, dy)| pixel((x + dx).min(width - 1), (y + dy).min(height - 1)));
            let [r, g, b] = [0, 1, 2].map(|c| around.iter().map(|pixel| pixel[c]).sum::<f32>() / 4.0);
            blue.push(byte(128.0 - 0.1006 * r - 0.3386 * g + 0.4392 * b));
            red.push(byte(128.0 + 0.4392 * r - 0.3989 * g - 0.0403 * b));
        }
    }
    [luma, blue, red]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn colours_become_their_usual_numbers() {
        let of = |rgb: [u8; 3]| {
            let picture = Picture { width: 2, height: 2, channels: 3, bytes: rgb.repeat(4) };
            yuv(&picture).map(|plane| plane[0])
        };
        assert_eq!(of([0, 0, 0]), [16, 128, 128]);
        assert_eq!(of([255, 255, 255]), [235, 128, 128]);
        assert_eq!(of([255, 0, 0]), [63, 102, 240]);
    }
}
