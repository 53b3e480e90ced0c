//! The least MP4 that plays: one track of AV1, its tables in front, so that it plays while it arrives.

use super::av1::Packets;

/// No turning, no scaling.
const UPRIGHT: [u32; 9] = [0x1_0000, 0, 0, 0, 0x1_0000, 0, 0, 0, 0x4000_0000];
/// "Undetermined", three letters of five bits.
const NO_LANGUAGE: u32 = 0x55c4;

/// The bytes of the file.
pub(super) fn file(width: u32, height: u32, fps: u32, packets: &Packets) -> Vec<u8> {
    let brands = [b"isom".as_slice(), &[0, 0, 2, 0], b"isom", b"iso2", b"av01", b"mp41"].concat();
    let head = plain("ftyp", &[brands]);
    // The tables say where the pictures start, which depends on how long the tables are, and not on what they say.
    let tables = |start: usize| tables(width, height, fps, packets, start as u32);
    let start = head.len() + tables(0).len() + 8;
    let pictures: Vec<Vec<u8>> = packets.frames.iter().map(|frame| frame.bytes.clone()).collect();
    [head, tables(start), plain("mdat", &pictures)].concat()
}

fn tables(width: u32, height: u32, fps: u32, packets: &Packets, start: u32) -> Vec<u8> {
    let count = packets.frames.len() as u32;
    let samples = plain(
        "stbl",
        &[
            full("stsd", 0, &[numbers(&[1]), picture_format(width, height, &packets.sequence)]),
            // Every picture lasts one tick.
            full("stts", 0, &[numbers(&[1, count, 1])]),
            full("stss", 0, &[key_frames(packets)]),
            // All in one piece.
            full("stsc", 0, &[numbers(&[1, 1, count, 1])]),
            full("stsz", 0, &[numbers(&[0, count]), sizes(packets)]),
            full("stco", 0, &[numbers(&[1, start])]),
        ],
    );
    let here = full("url ", 1, &[]);
    let media = plain(
        "minf",
        &[full("vmhd", 1, &[vec![0; 8]]), plain("dinf", &[full("dref", 0, &[numbers(&[1]), here])]), samples],
    );
    let media = plain(
        "mdia",
        &[
            full("mdhd", 0, &[numbers(&[0, 0, fps, count, NO_LANGUAGE << 16])]),
            full("hdlr", 0, &[numbers(&[0]), b"vide".to_vec(), vec![0; 13]]),
            media,
        ],
    );
    let track = numbers(&[0, 0, 1, 0, count, 0, 0, 0, 0]);
    let size = numbers(&[width << 16, height << 16]);
    let track = plain("trak", &[full("tkhd", 3, &[track, numbers(&UPRIGHT), size]), media]);
    let movie = numbers(&[0, 0, fps, count, 0x1_0000, 0x0100_0000, 0, 0]);
    let movie = full("mvhd", 0, &[movie, numbers(&UPRIGHT), vec![0; 24], numbers(&[2])]);
    plain("moov", &[movie, track])
}

fn picture_format(width: u32, height: u32, sequence: &[u8]) -> Vec<u8> {
    const DOTS_PER_INCH: u32 = 72 << 16;
    // The first reference, then fields that older codecs used.
    let reference = [vec![0; 6], vec![0, 1], vec![0; 16]].concat();
    let size = numbers(&[width << 16 | height, DOTS_PER_INCH, DOTS_PER_INCH, 0]);
    // One picture a sample, no name, 24 bits of colour.
    let rest = [vec![0, 1], vec![0; 32], vec![0, 24, 0xff, 0xff]].concat();
    plain("av01", &[reference, size, rest, plain("av1C", &[sequence.to_vec()])])
}

fn key_frames(packets: &Packets) -> Vec<u8> {
    let keys = (1..).zip(&packets.frames).filter(|(_, frame)| frame.is_key).map(|(number, _)| number);
    let keys: Vec<u32> = keys.collect();
    [numbers(&[keys.len() as u32]), numbers(&keys)].concat()
}

fn sizes(packets: &Packets) -> Vec<u8> {
    packets.frames.iter().flat_map(|frame| (frame.bytes.len() as u32).to_be_bytes()).collect()
}

fn numbers(numbers: &[u32]) -> Vec<u8> {
    numbers.iter().flat_map(|number| number.to_be_bytes()).collect()
}

/// A box with a version, which is 0, and flags.
fn full(name: &str, flags: u32, parts: &[Vec<u8>]) -> Vec<u8> {
    plain(name, &[numbers(&[flags]), parts.concat()])
}

/// Length, name, content.
fn plain(name: &str, parts: &[Vec<u8>]) -> Vec<u8> {
    let content = parts.concat();
    [&(content.len() as u32 + 8).to_be_bytes(), name.as_bytes(), &content].concat()
}

#[cfg(test)]
mod tests {
    use super::super::av1::Encoded;
    use super::*;

    #[test]
    fn the_tables_point_to_the_pictures() {
        let frame = |number, is_key, bytes: &[u8]| Encoded { number, is_key, bytes: bytes.to_vec() };
        let frames = vec![frame(0, true, b"first"), frame(1, false, b"second"), frame(2, true, b"3")];
        let file = file(64, 32, 5, &Packets { sequence: vec![0x81, 0, 0, 0], frames });
        let place = |name: &[u8]| file.windows(name.len()).position(|window| window == name).unwrap();
        let number = |at: usize| u32::from_be_bytes(file[at..at + 4].try_into().unwrap());
        assert_eq!(number(place(b"stco") + 12) as usize, place(b"firstsecond3"));
        let sizes = place(b"stsz") + 12;
        assert_eq!([0, 4, 8, 12].map(|at| number(sizes + at)), [3, 5, 6, 1]);
        let keys = place(b"stss") + 8;
        assert_eq!([0, 4, 8].map(|at| number(keys + at)), [2, 1, 3]);
        // Every length leads to the next box, and the last to the end.
        let (mut at, mut names) = (0, Vec::new());
        while at < file.len() {
            names.push(file[at + 4..at + 8].to_vec());
            at += number(at) as usize;
        }
        assert_eq!((at, names), (file.len(), vec![b"ftyp".to_vec(), b"moov".to_vec(), b"mdat".to_vec()]));
    }
}
