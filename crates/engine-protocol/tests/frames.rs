//! Frames survive any cutting of the stream, and nothing that is not a frame is taken for one.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::io::Cursor;

use engine_protocol::{
    Delta, Event, FrameDecoder, FrameError, MAX_FRAME_BYTES, decode_command, decode_event, encode_frame,
    read_frame, write_frame,
};
use proptest::prelude::*;

fn delta(index: u64, text: &str) -> Event {
    Event::Delta(Delta { job_id: "job-1".into(), index, text: text.to_owned(), reasoning: None })
}

fn texts(stream: &mut FrameDecoder) -> Vec<String> {
    std::iter::from_fn(|| stream.next_frame().unwrap())
        .map(|json| {
            let Event::Delta(delta) = decode_event(&json).unwrap() else { panic!("another event") };
            delta.text
        })
        .collect()
}

proptest! {
    #[test]
    fn frames_come_out_whole_whatever_the_pieces(
        said in prop::collection::vec(".{0,40}", 0..12),
        cuts in prop::collection::vec(1_usize..50, 1..20),
    ) {
        let mut stream = Vec::new();
        for (index, text) in said.iter().enumerate() {
            write_frame(&mut stream, &delta(index as u64, text)).unwrap();
        }
        let mut decoder = FrameDecoder::default();
        let (mut heard, mut rest, mut cuts) = (Vec::new(), stream.as_slice(), cuts.iter().cycle());
        while !rest.is_empty() {
            let (piece, left) = rest.split_at(rest.len().min(*cuts.next().unwrap()));
            decoder.push(piece);
            heard.extend(texts(&mut decoder));
            rest = left;
        }
        prop_assert_eq!(&heard, &said);
        prop_assert!(decoder.finish().is_ok());
        let mut cursor = Cursor::new(stream);
        let mut blocking = 0;
        while let Some(json) = read_frame(&mut cursor).unwrap() {
            prop_assert!(decode_event(&json).is_ok());
            blocking += 1;
        }
        prop_assert_eq!(blocking, said.len());
    }

    #[test]
    fn both_readers_agree_about_any_bytes(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        let mut decoder = FrameDecoder::default();
        decoder.push(&bytes);
        let mut cursor = Cursor::new(&bytes);
        loop {
            match (decoder.next_frame(), read_frame(&mut cursor)) {
                (Ok(Some(one)), Ok(Some(other))) => prop_assert_eq!(one, other),
                (Ok(None), Ok(None)) => {
                    prop_assert!(decoder.finish().is_ok());
                    break;
                }
                (Ok(None), Err(FrameError::Partial(blocking))) => {
                    prop_assert!(matches!(decoder.finish(), Err(FrameError::Partial(left)) if left == blocking));
                    break;
                }
                (Err(one), Err(other)) => {
                    prop_assert_eq!(one.to_string(), other.to_string());
                    break;
                }
                (one, other) => prop_assert!(false, "{:?} and {:?}", one, other),
            }
        }
    }

    #[test]
    fn any_json_is_read_or_refused_but_never_a_panic(text in "\\{\"type\":\"(run|load|done|ready|failed|x)\"(,\"[a-z]{1,6}\":[0-9\\[\\]\"{}a-z]{0,12}){0,3}\\}?") {
        let _ = decode_command(text.as_bytes());
        let _ = decode_event(text.as_bytes());
    }

    #[test]
    fn printable_text_is_never_a_frame(text in "[\\n\\t -~]{4,200}") {
        let mut decoder = FrameDecoder::default();
        decoder.push(text.as_bytes());
        let problem = decoder.next_frame().unwrap_err();
        prop_assert!(matches!(problem, FrameError::TooLarge { .. }), "{problem}");
    }
}

#[test]
fn the_error_about_stray_text_quotes_it() {
    let mut decoder = FrameDecoder::default();
    decoder.push(b"Loading model...\n");
    assert!(decoder.next_frame().unwrap_err().to_string().contains("`Load`"));
}

#[test]
fn lengths_at_the_limit() {
    let length = |bytes: usize| u32::try_from(bytes).unwrap().to_be_bytes();
    let mut decoder = FrameDecoder::default();
    decoder.push(&length(MAX_FRAME_BYTES));
    assert!(decoder.next_frame().unwrap().is_none(), "a promise costs no memory and is no error");
    let mut decoder = FrameDecoder::default();
    decoder.push(&length(MAX_FRAME_BYTES + 1));
    assert!(matches!(decoder.next_frame(), Err(FrameError::TooLarge { .. })));
    assert!(matches!(read_frame(&mut Cursor::new([0; 4])), Err(FrameError::Empty)));
    assert!(matches!(read_frame(&mut Cursor::new([0, 0, 0, 9, b'{'])), Err(FrameError::Partial(5))));
}

#[test]
fn a_message_above_the_limit_is_not_written() {
    let problem = encode_frame(&delta(0, &"x".repeat(MAX_FRAME_BYTES))).unwrap_err();
    assert!(problem.to_string().contains("at most"));
    let (mut at_limit, overhead) = (Vec::new(), encode_frame(&delta(0, "")).unwrap().len() - 4);
    write_frame(&mut at_limit, &delta(0, &"x".repeat(MAX_FRAME_BYTES - overhead))).unwrap();
    let json = read_frame(&mut Cursor::new(at_limit)).unwrap().unwrap();
    assert_eq!(json.len(), MAX_FRAME_BYTES);
}
