use super::*;
use crate::events::StudioEvent;

fn delta(job: &str, attempt: u32, index: u64, text: &str) -> Delta {
    Delta { job_id: job.into(), index, text: text.into(), reasoning: None, attempt: Some(attempt) }
}

/// Text and whether it starts anew.
fn heard(watcher: &mut Watcher) -> Vec<(String, bool)> {
    let news = watcher.take(|_| true).into_iter();
    news.filter_map(|event| {
        if let StudioEvent::Delta { text, reset, .. } = event { Some((text, reset)) } else { None }
    })
    .collect()
}

#[test]
fn who_comes_late_gets_the_text_so_far_and_then_what_follows() {
    let streams = Streams::default();
    streams.grow(&delta("j", 1, 0, "a"));
    streams.grow(&delta("j", 1, 1, "b"));
    let mut watcher = streams.watch();
    assert_eq!(heard(&mut watcher), [("ab".to_owned(), false)]);
    assert_eq!(heard(&mut watcher), []);
    streams.grow(&delta("j", 1, 2, "c"));
    streams.grow(&delta("j", 1, 3, "d"));
    assert_eq!(heard(&mut watcher), [("cd".to_owned(), false)]);
}

#[test]
fn pieces_that_are_known_and_pieces_after_a_gap_change_nothing() {
    let streams = Streams::default();
    let mut watcher = streams.watch();
    for (index, text) in [(0, "a"), (0, "a"), (1, "b"), (0, "a"), (3, "d"), (2, "c")] {
        streams.grow(&delta("j", 1, index, text));
    }
    streams.grow(&delta("other", 1, 7, "without a beginning"));
    assert_eq!(heard(&mut watcher), [("abc".to_owned(), false)]);
}

#[test]
fn another_attempt_starts_anew_and_an_older_one_is_not_heard() {
    let streams = Streams::default();
    let mut watcher = streams.watch();
    streams.grow(&delta("j", 1, 0, "lost"));
    assert_eq!(heard(&mut watcher), [("lost".to_owned(), false)]);
    streams.grow(&delta("j", 2, 0, "new"));
    streams.grow(&delta("j", 1, 1, "late"));
    assert_eq!(heard(&mut watcher), [("new".to_owned(), true)]);
    assert_eq!(heard(&mut streams.watch()), [("new".to_owned(), false)]);
}

#[test]
fn the_end_of_a_text_can_still_be_read_and_a_text_that_counts_no_more_cannot() {
    let streams = Streams::default();
    let mut watcher = streams.watch();
    streams.grow(&delta("done", 1, 0, "a"));
    streams.end(&"done".into());
    streams.grow(&delta("done", 1, 1, "after the end"));
    assert_eq!(heard(&mut watcher), [("a".to_owned(), false)]);
    streams.grow(&delta("lost", 1, 0, "a"));
    streams.forget(&"lost".into());
    assert_eq!(heard(&mut watcher), []);
    assert!(watcher.ended(&"done".into()) && !watcher.ended(&"lost".into()));
}

#[test]
fn a_slow_watcher_sees_the_latest_picture_only() {
    let streams = Streams::default();
    let mut watcher = streams.watch();
    let look = |data: &str| Preview { job_id: "j".into(), mime: "image/webp".into(), data: data.into() };
    for data in ["1", "2", "3"] {
        streams.look(look(data));
    }
    let news = watcher.take(|_| true);
    assert!(matches!(&news[..], [StudioEvent::Preview(preview)] if preview.data == "3"), "{news:?}");
    assert!(watcher.take(|_| true).is_empty());
}

#[test]
fn a_long_text_loses_its_beginning_between_characters() {
    let streams = Streams::default();
    let word = "ä".repeat(1_000);
    for index in 0..300 {
        streams.grow(&delta("j", 1, index, &word));
    }
    let news = streams.watch().take(|_| true);
    let [StudioEvent::Delta { text, truncated: true, .. }] = &news[..] else { panic!("{}", news.len()) };
    assert!(text.len() <= MAX_STREAM_BYTES && text.chars().all(|c| c == 'ä'), "{}", text.len());
}

#[test]
fn many_jobs_are_told_in_portions_and_none_is_left_out() {
    let streams = Streams::default();
    for n in 0..100 {
        streams.grow(&delta(&format!("j{n}"), 1, 0, "x"));
    }
    let mut watcher = streams.watch();
    let portions: Vec<usize> = std::iter::from_fn(|| Some(heard(&mut watcher).len())).take(8).collect();
    assert_eq!(portions.iter().sum::<usize>(), 100);
    assert!(portions.iter().all(|portion| *portion <= 16), "{portions:?}");
}
