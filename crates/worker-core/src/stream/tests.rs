use super::*;

fn texts(pieces: &[Piece]) -> Vec<(u64, &str)> {
    pieces.iter().map(|piece| (piece.index, piece.text.as_str())).collect()
}

#[test]
fn what_comes_between_two_pieces_is_one() {
    let start = Instant::now();
    let mut stream = Stream::new(start, 1);
    assert_eq!(stream.due(1), None);
    stream.note("a", "");
    assert_eq!(texts(&stream.take(start, 1)), [(0, "a")]);
    stream.note("b", "");
    stream.note("c", "hm");
    assert!(stream.take(start, 1).is_empty());
    assert_eq!(stream.due(1), Some(start + DELTA_INTERVAL));
    let sent = stream.take(start + DELTA_INTERVAL, 1);
    assert_eq!((texts(&sent), sent[0].reasoning.as_str()), (vec![(1, "bc")], "hm"));
    assert_eq!(stream.due(1), None);
}

#[test]
fn another_connection_hears_the_same_pieces_from_the_beginning() {
    let start = Instant::now();
    let mut stream = Stream::new(start, 1);
    for (n, text) in ["a", "b", "c"].into_iter().enumerate() {
        stream.note(text, "");
        let at = start + DELTA_INTERVAL * u32::try_from(n).unwrap();
        assert_eq!(stream.take(at, 1).len(), 1);
    }
    stream.note("d", "");
    stream.note("e", "");
    assert!(stream.due(2).is_some());
    let sent = stream.take(start + DELTA_INTERVAL * 9, 2);
    assert_eq!(texts(&sent), [(0, "a"), (1, "b"), (2, "c"), (3, "de")]);
}

#[test]
fn a_long_text_is_told_again_in_portions() {
    let start = Instant::now();
    let mut stream = Stream::new(start, 1);
    let most = u32::try_from(PIECES_AT_ONCE).unwrap();
    for n in 0..most + 3 {
        stream.note("x", "");
        stream.take(start + DELTA_INTERVAL * n, 1);
    }
    let later = start + DELTA_INTERVAL * 100;
    assert_eq!(stream.take(later, 2).len(), PIECES_AT_ONCE);
    assert!(stream.take(later, 2).is_empty());
    assert_eq!(stream.take(later + DELTA_INTERVAL, 2).len(), 3);
}

#[test]
fn memory_is_bounded_and_a_text_without_its_beginning_is_not_told_again() {
    let start = Instant::now();
    let mut stream = Stream::new(start, 1);
    let half = "x".repeat(MAX_STREAM_BYTES / 2 + 1);
    stream.note(&half, "");
    stream.take(start, 1);
    stream.note(&half, "");
    assert_eq!(stream.take(start + DELTA_INTERVAL, 1)[0].index, 1, "the same connection hears the rest");
    stream.note("y", "");
    assert_eq!(stream.take(start + DELTA_INTERVAL * 2, 2), []);
    stream.note("z", "");
    assert_eq!((stream.due(2), stream.pieces.len()), (None, 0));
}

#[test]
fn what_piles_up_while_nobody_listens_is_bounded() {
    let mut stream = Stream::new(Instant::now(), 1);
    let third = "x".repeat(MAX_STREAM_BYTES / 3);
    (0..4).for_each(|_| stream.note(&third, ""));
    assert_eq!((stream.due(1), stream.pieces.len()), (None, 0));
}

#[test]
fn the_last_piece_goes_ahead_of_the_result_and_nothing_follows() {
    let start = Instant::now();
    let mut stream = Stream::new(start, 1);
    stream.note("a", "");
    stream.take(start, 1);
    stream.note("b", "");
    assert_eq!(texts(&stream.finish(start, 1)), [(1, "b")]);
    stream.note("c", "");
    assert_eq!(stream.due(1), None);
    assert!(stream.take(start + DELTA_INTERVAL, 1).is_empty());
}

#[test]
fn looks_leave_once_a_second_and_the_latest_wins() {
    let start = Instant::now();
    let mut looks = Looks::new(start);
    let look = |data: &str| ("image/webp".to_owned(), data.to_owned());
    looks.note("image/webp".into(), "1".into());
    assert_eq!(looks.take(start), Some(look("1")));
    looks.note("image/webp".into(), "2".into());
    looks.note("image/webp".into(), "3".into());
    looks.note("image/webp".into(), "x".repeat(MAX_PREVIEW_BYTES + 1));
    assert_eq!(looks.take(start + PREVIEW_INTERVAL / 2), None);
    assert_eq!(looks.due(), Some(start + PREVIEW_INTERVAL));
    assert_eq!(looks.take(start + PREVIEW_INTERVAL), Some(look("3")));
    assert_eq!(looks.take(start + PREVIEW_INTERVAL * 9), None);
}
