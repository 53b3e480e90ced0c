//! The least WebM that plays and can be jumped in: one track of AV1, a cluster for every key frame, and an index.

use super::av1::{Encoded, Packets};

/// Milliseconds of a tick: the usual, and fine enough for 60 pictures a second.
const TICK_NANOSECONDS: u64 = 1_000_000;
/// Places in a cluster are 16 bits with a sign.
const MAX_CLUSTER_MS: u64 = 30_000;

/// The bytes of the file.
pub(super) fn file(
    width: u32,
    height: u32,
    fps: u32,
    packets: &Packets,
    app: &str,
    comment: &str,
) -> Vec<u8> {
    let time = |number: u64| number * 1000 / u64::from(fps);
    let end = packets.frames.len() as u64 * 1000 / u64::from(fps);
    let info = master(
        0x1549_a966,
        &[
            number(0x2a_d7b1, TICK_NANOSECONDS),
            float(0x4489, end as f64),
            text(0x4d80, app),
            text(0x5741, app),
        ],
    );
    let video = master(0xe0, &[number(0xb0, u64::from(width)), number(0xba, u64::from(height))]);
    let track = master(
        0xae,
        &[
            number(0xd7, 1),
            number(0x73c5, 1),
            // Video, without frames that are out of order.
            number(0x83, 1),
            number(0x9c, 0),
            number(0x23_e383, 1_000_000_000 / u64::from(fps)),
            text(0x86, "V_AV1"),
            element(0x63a2, &packets.sequence),
            video,
        ],
    );
    let tracks = master(0x1654_ae6b, &[track]);
    let simple_tag = master(0x67c8, &[text(0x45a3, "COMMENT"), text(0x4487, comment)]);
    let tags = master(0x1254_c367, &[master(0x7373, &[master(0x63c0, &[]), simple_tag])]);
    let mut segment = [info, tracks, tags].concat();
    let mut cues = Vec::new();
    for cluster in clusters(&packets.frames, &time) {
        let start = time(cluster[0].number);
        let place = master(0xb7, &[number(0xf7, 1), number(0xf1, segment.len() as u64)]);
        cues.push(master(0xbb, &[number(0xb3, start), place]));
        let mut parts = vec![number(0xe7, start)];
        parts.extend(cluster.iter().map(|frame| block(frame, time(frame.number) - start)));
        segment.extend(master(0x1f43_b675, &parts));
    }
    segment.extend(master(0x1c53_bb6b, &cues));
    let head = master(
        0x1a45_dfa3,
        &[
            number(0x4286, 1),
            number(0x42f7, 1),
            number(0x42f2, 4),
            number(0x42f3, 8),
            text(0x4282, "webm"),
            number(0x4287, 4),
            number(0x4285, 2),
        ],
    );
    [head, element(0x1853_8067, &segment)].concat()
}

/// Runs of frames that start with one that stands alone, or when the former run is long enough.
fn clusters<'a>(frames: &'a [Encoded], time: &impl Fn(u64) -> u64) -> Vec<&'a [Encoded]> {
    let mut clusters = Vec::new();
    let mut start = 0;
    for index in 1..=frames.len() {
        let ends = frames.get(index).is_none_or(|frame| {
            frame.is_key || time(frame.number).saturating_sub(time(frames[start].number)) > MAX_CLUSTER_MS
        });
        if ends {
            clusters.push(&frames[start..index]);
            start = index;
        }
    }
    clusters.retain(|cluster| !cluster.is_empty());
    clusters
}

/// A simple block of track 1.
fn block(frame: &Encoded, since_cluster: u64) -> Vec<u8> {
    let place = i16::try_from(since_cluster).unwrap_or(i16::MAX).to_be_bytes();
    let flags = if frame.is_key { 0x80 } else { 0 };
    element(0xa3, &[&[0x81, place[0], place[1], flags], frame.bytes.as_slice()].concat())
}

fn master(id: u32, parts: &[Vec<u8>]) -> Vec<u8> {
    element(id, &parts.concat())
}

fn number(id: u32, number: u64) -> Vec<u8> {
    let bytes = number.to_be_bytes();
    let zeros = bytes.iter().take(7).take_while(|byte| **byte == 0).count();
    element(id, &bytes[zeros..])
}

fn float(id: u32, number: f64) -> Vec<u8> {
    element(id, &number.to_be_bytes())
}

fn text(id: u32, text: &str) -> Vec<u8> {
    element(id, text.as_bytes())
}

/// Id, length in eight bytes, content.
fn element(id: u32, content: &[u8]) -> Vec<u8> {
    let id = id.to_be_bytes();
    let zeros = id.iter().take_while(|byte| **byte == 0).count();
    let length = (content.len() as u64 | 1 << 56).to_be_bytes();
    [&id[zeros..], &length, content].concat()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn elements_are_written_as_ebml_says() {
        assert_eq!(number(0xd7, 1), [0xd7, 1, 0, 0, 0, 0, 0, 0, 1, 1]);
        assert_eq!(number(0x4286, 0x0102), [0x42, 0x86, 1, 0, 0, 0, 0, 0, 0, 2, 1, 2]);
        assert_eq!(number(0x9c, 0), [0x9c, 1, 0, 0, 0, 0, 0, 0, 1, 0]);
    }

    #[test]
    fn a_key_frame_starts_a_cluster() {
        let frame = |number, is_key| Encoded { number, is_key, bytes: Vec::new() };
        let frames = [frame(0, true), frame(1, false), frame(2, true), frame(600, false), frame(601, false)];
        let lengths: Vec<usize> =
            clusters(&frames, &|number| number * 100).iter().map(|run| run.len()).collect();
        assert_eq!(lengths, [2, 1, 2]);
    }
}
