use proptest::prelude::*;

use super::*;

fn rules() -> Rules {
    Rules {
        only_when_idle: true,
        pause_on_fullscreen: true,
        pause_for_programs: vec!["game".into()],
        pause_on_battery: true,
        schedule: Schedule::parse(&["mon-fri 18:00-08:00"]).unwrap(),
        ..Rules::default()
    }
}

fn free() -> Seen {
    Seen {
        presence: Some(UserPresence::Idle),
        fullscreen: Some(false),
        programs: Vec::new(),
        on_battery: Some(false),
        local: Some(LocalTime { weekday: 0, minute: 20 * 60 }),
    }
}

fn owner(rules: Rules) -> Owner {
    Owner::new(rules)
}

fn told(owner: &Owner) -> Vec<&'static str> {
    owner.holds().map(|hold| hold.rule.as_str()).collect()
}

#[test]
fn each_rule_says_why_it_holds() {
    let mut rules = rules();
    let day = Some(LocalTime { weekday: 1, minute: 9 * 60 });
    let seen = Seen {
        presence: None,
        fullscreen: Some(true),
        programs: vec!["game".into()],
        on_battery: Some(true),
        local: day,
    };
    let said: Vec<_> = Rule::ALL.into_iter().map(|rule| rules.reason(rule, &seen).unwrap()).collect();
    assert_eq!(
        said,
        [
            "nobody can tell whether somebody uses the machine",
            "a program fills the screen",
            "`game` runs",
            "the machine runs on battery",
            "the schedule allows no jobs before tue 18:00",
        ]
    );
    assert!(Rule::ALL.into_iter().all(|rule| rules.reason(rule, &free()).is_none()));
    rules = Rules::default();
    assert!(!rules.any() && Rule::ALL.into_iter().all(|rule| rules.reason(rule, &seen).is_none()));
}

#[test]
fn what_cannot_be_seen_keeps_nothing_away_but_an_unknown_presence_does() {
    let mut owner = owner(rules());
    owner.seen = Some(Seen::default());
    owner.update(Instant::now());
    assert_eq!(told(&owner), ["only_when_idle"]);
}

#[test]
fn before_the_first_look_nothing_is_taken_and_after_it_nothing_lingers() {
    let now = Instant::now();
    let mut owner = owner(rules());
    assert_eq!(owner.update(now), Change { turned: true, urgent: false });
    assert_eq!((owner.is_held(), owner.wants_memory()), (true, None));
    owner.seen = Some(free());
    assert_eq!(owner.update(now), Change { turned: true, urgent: false });
    assert!(!owner.is_held());
}

#[test]
fn a_hold_begins_at_once_and_ends_after_its_cause_was_gone_for_a_while() {
    let start = Instant::now();
    let mut owner = owner(rules());
    owner.seen = Some(Seen { fullscreen: Some(true), ..free() });
    assert_eq!(owner.update(start), Change { turned: true, urgent: true });
    assert_eq!(owner.wants_memory(), Some(true));
    owner.seen = Some(free());
    assert_eq!(owner.update(start), Change::default());
    assert_eq!(owner.due(), Some(start + HOLD_LINGER));
    // It comes back in between, and goes again.
    owner.seen = Some(Seen { fullscreen: Some(true), ..free() });
    assert_eq!(owner.update(start + HOLD_LINGER / 2), Change::default());
    owner.seen = Some(free());
    owner.update(start + HOLD_LINGER);
    assert!(owner.is_held());
    let change = owner.update(start + HOLD_LINGER * 2);
    assert_eq!((change.turned, owner.is_held()), (true, false));
}

#[test]
fn a_schedule_and_a_rule_that_is_switched_off_end_at_once() {
    let now = Instant::now();
    let mut owner = owner(rules());
    owner.seen =
        Some(Seen { on_battery: Some(true), local: Some(LocalTime { weekday: 2, minute: 600 }), ..free() });
    owner.update(now);
    assert_eq!(told(&owner), ["pause_on_battery", "schedule"]);
    assert_eq!(owner.wants_memory(), Some(false), "neither is urgent");
    owner.seen = Some(Seen { on_battery: Some(true), ..free() });
    owner.update(now);
    assert_eq!(told(&owner), ["pause_on_battery"]);
    owner.set_rules(Rules { pause_on_battery: false, ..rules() });
    owner.update(now);
    assert!(!owner.is_held());
}

#[test]
fn the_owner_says_whether_rules_are_urgent() {
    let by_default = Rules::default();
    let urgent: Vec<_> = Rule::ALL.into_iter().filter(|rule| by_default.is_urgent(*rule)).collect();
    assert_eq!(urgent, [Rule::Fullscreen, Rule::Programs]);
    for wanted in [true, false] {
        let rules = Rules { free_memory: Some(wanted), ..Rules::default() };
        assert!(Rule::ALL.into_iter().all(|rule| rules.is_urgent(rule) == wanted));
    }
}

fn seen() -> impl Strategy<Value = Seen> {
    let presence = prop_oneof![Just(None), Just(Some(UserPresence::Idle)), Just(Some(UserPresence::Active))];
    (presence, any::<Option<bool>>(), any::<bool>(), any::<Option<bool>>(), 0u8..7, 0u16..1_440).prop_map(
        |(presence, fullscreen, runs, on_battery, weekday, minute)| Seen {
            presence,
            fullscreen,
            programs: if runs { vec!["game".into()] } else { Vec::new() },
            on_battery,
            local: Some(LocalTime { weekday, minute }),
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 256, failure_persistence: None, ..ProptestConfig::default() })]

    /// Whatever is seen in whatever rhythm: a cause holds at once, and a hold outlives its last cause by the linger.
    #[test]
    fn holds_follow_their_causes(looks in prop::collection::vec((seen(), 0u64..40), 1..60)) {
        let mut owner = owner(rules());
        let mut now = Instant::now();
        let mut last_cause: BTreeMap<Rule, Instant> = BTreeMap::new();
        for (seen, pause) in looks {
            // What was seen before holds until the next look.
            if let Some(before) = &owner.seen {
                for rule in Rule::ALL {
                    if owner.rules.reason(rule, before).is_some() {
                        last_cause.insert(rule, now);
                    }
                }
            }
            owner.seen = Some(seen.clone());
            owner.update(now);
            for rule in Rule::ALL {
                let is_caused = owner.rules.reason(rule, &seen).is_some();
                let lingers = rule != Rule::Schedule
                    && last_cause.get(&rule).is_some_and(|last| now - *last < HOLD_LINGER);
                prop_assert_eq!(owner.held.contains_key(&rule), is_caused || lingers, "{:?}", rule);
            }
            // The shell ticks when a hold is due.
            let end = now + Duration::from_secs(pause);
            while let Some(due) = owner.due().filter(|due| *due <= end) {
                let before = owner.held.len();
                owner.update(due);
                prop_assert!(owner.held.len() < before, "a deadline that changes nothing");
            }
            owner.update(end);
            now = end;
        }
    }
}
