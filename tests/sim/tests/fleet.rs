//! Two hundred seeds hold every rule, a seed replays, and the checker can fail.

use sim::{Mutation, Options, Report, run};

/// The seeds of a quarter, so that a test runner can use its cores.
const QUARTER: u64 = 50;

fn holds(seeds: std::ops::Range<u64>) {
    for seed in seeds {
        let report = run(seed, Options::default());
        if let Some(violation) = &report.violation {
            panic!(
                "{}\nseed {seed} at {:?}: {violation}\nreplay: cargo run -p sim -- --seed {seed} --trace",
                report.tail.join("\n"),
                report.time
            );
        }
        assert!(report.jobs > 0 && report.sessions > 0, "nothing happened in seed {seed}");
    }
}

#[test]
fn the_first_quarter_of_the_seeds_holds_every_rule() {
    holds(0..QUARTER);
}

#[test]
fn the_second_quarter_of_the_seeds_holds_every_rule() {
    holds(QUARTER..2 * QUARTER);
}

#[test]
fn the_third_quarter_of_the_seeds_holds_every_rule() {
    holds(2 * QUARTER..3 * QUARTER);
}

#[test]
fn the_last_quarter_of_the_seeds_holds_every_rule() {
    holds(3 * QUARTER..4 * QUARTER);
}

#[test]
fn a_seed_replays_exactly() {
    let reports = |seed| -> [Report; 2] { [run(seed, Options::default()), run(seed, Options::default())] };
    for seed in [1, 7, 42] {
        let [first, second] = reports(seed);
        assert_eq!(first, second);
    }
    assert_ne!(run(1, Options::default()).hash, run(2, Options::default()).hash);
}

/// The first of `seeds` seeds in which the checker sees the bug.
fn found(mutation: Mutation, seeds: u64) -> String {
    let options = Options { mutation: Some(mutation), ..Options::default() };
    (0..seeds)
        .find_map(|seed| run(seed, options).violation)
        .unwrap_or_else(|| panic!("{mutation:?} was not noticed within {seeds} seeds"))
}

#[test]
fn the_checker_notices_bugs_that_are_put_in() {
    for (mutation, seeds, about) in [
        (Mutation::EarlyAck, 5, "was told that its result"),
        (Mutation::EarlyForget, 40, "although the worker has it"),
        (Mutation::LateUpload, 150, "by the rules it is"),
        (Mutation::ForgottenClaims, 20, ""),
        (Mutation::LostHeldJobs, 20, "although the worker has it"),
        (Mutation::LostPiece, 20, "after a gap"),
        (Mutation::RepeatedSubmission, 20, "when it was repeated"),
    ] {
        let violation = found(mutation, seeds);
        assert!(violation.contains(about), "{mutation:?}: {violation}");
    }
}
