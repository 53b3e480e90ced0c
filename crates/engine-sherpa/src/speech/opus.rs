//! Opus in Ogg (RFC 7845).

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::Path;

use engine_protocol::Failure;
use engine_protocol::harness::Work;
use ogg::{PacketWriteEndInfo, PacketWriter};
use opusic_c::{Application, Bitrate, Channels, Encoder, SampleRate};

use super::unwritten;
use crate::native::Resampler;

/// Opus counts at this rate whatever it is fed with.
const RATE: u32 = 48_000;
/// 20 ms.
const FRAME: usize = 960;
/// Bits a second: speech of one voice is transparent to most ears.
const BITRATE: u32 = 48_000;
/// What the format allows a packet of one frame.
const MAX_PACKET: usize = 1_275;
/// One stream in a file of its own: any number will do, and the same one gives the same bytes.
const SERIAL: u32 = 1;

pub(super) fn write(path: &Path, sound: &[f32], rate: u32, work: &Work<'_>) -> Result<(), Failure> {
    let sound = resampled(sound, rate, work)?;
    let problem = |what: &str| unwritten(path, format!("libopus failed to {what}"));
    let mut encoder =
        Encoder::new(Channels::Mono, SampleRate::Hz48000, Application::Voip).map_err(|_| problem("start"))?;
    encoder.set_bitrate(Bitrate::Value(BITRATE)).map_err(|_| problem("set the bitrate"))?;
    // The decoder leaves out what the encoder needs to get going.
    let skip = encoder.get_look_ahead().map_err(|_| problem("tell its delay"))?;
    let file = File::create(path).map_err(|problem| unwritten(path, problem))?;
    let mut ogg = PacketWriter::new(BufWriter::new(file));
    let mut put = |packet: Vec<u8>, end, position| {
        ogg.write_packet(packet, SERIAL, end, position).map_err(|problem| unwritten(path, problem))
    };
    put(head(skip, rate), PacketWriteEndInfo::EndPage, 0)?;
    put(tags(), PacketWriteEndInfo::EndPage, 0)?;

    let end = sound.len() + skip as usize;
    let frames = end.div_ceil(FRAME);
    let mut frame = [0.0; FRAME];
    for at in 0..frames {
        work.check()?;
        let piece = sound.get(at * FRAME..).unwrap_or_default();
        let piece = &piece[..piece.len().min(FRAME)];
        frame[..piece.len()].copy_from_slice(piece);
        frame[piece.len()..].fill(0.0);
        let mut packet = vec![0; MAX_PACKET];
        let length =
            encoder.encode_float_to_slice(&frame, &mut packet).map_err(|_| problem("encode a frame"))?;
        packet.truncate(length);
        let last = at + 1 == frames;
        let info = if last { PacketWriteEndInfo::EndStream } else { PacketWriteEndInfo::NormalPacket };
        put(packet, info, ((at + 1) * FRAME).min(end) as u64)?;
    }
    ogg.into_inner().flush().map_err(|problem| unwritten(path, problem))
}

/// Second by second, so that a cancel is heard.
fn resampled(sound: &[f32], rate: u32, work: &Work<'_>) -> Result<Vec<f32>, Failure> {
    if rate == RATE {
        return Ok(sound.to_vec());
    }
    let mut resampler = Resampler::new(rate, RATE)?;
    let mut faster = Vec::new();
    for second in sound.chunks(rate as usize) {
        work.check()?;
        faster.extend(resampler.feed(second, false));
    }
    faster.extend(resampler.feed(&[], true));
    Ok(faster)
}

fn head(skip: u32, rate: u32) -> Vec<u8> {
    let mut head = b"OpusHead\x01\x01".to_vec();
    head.extend_from_slice(&(skip as u16).to_le_bytes());
    head.extend_from_slice(&rate.to_le_bytes());
    // No gain, and the plain mapping of one channel.
    head.extend_from_slice(&[0, 0, 0]);
    head
}

fn tags() -> Vec<u8> {
    let vendor = b"studio-engine-sherpa";
    let mut tags = b"OpusTags".to_vec();
    tags.extend_from_slice(&(vendor.len() as u32).to_le_bytes());
    tags.extend_from_slice(vendor);
    tags.extend_from_slice(&0_u32.to_le_bytes());
    tags
}
