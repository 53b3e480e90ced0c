//! The audit log.

use studio_store::{AuditFilter, NewAudit};

use crate::fixture::{Fixture, at};

fn line(time: i64, actor: &str, action: &str, target: Option<&str>) -> NewAudit {
    NewAudit {
        at: at(time),
        actor: actor.to_owned(),
        actor_id: Some(format!("user-{actor}")),
        action: action.to_owned(),
        target: target.map(str::to_owned),
        status: 200,
        detail_json: None,
    }
}

fn whole(f: &Fixture) -> Vec<(String, u64, i64)> {
    let page = f.db.audit(&AuditFilter::default(), None, 500).unwrap();
    page.items.into_iter().map(|line| (line.action, line.times, line.at.as_millis())).collect()
}

pub fn the_same_thing_in_a_row_is_one_line(f: &mut Fixture) {
    for time in 1..=3 {
        f.db.note_audit(&line(time, "ann", "POST /jobs", None)).unwrap();
    }
    f.db.note_audit(&line(4, "bob", "POST /jobs", None)).unwrap();
    f.db.note_audit(&line(5, "ann", "POST /jobs", None)).unwrap();
    f.db.note_audit(&line(6, "ann", "POST /jobs", Some("job-1"))).unwrap();
    f.db.note_audit(&line(6, "ann", "POST /jobs", Some("job-2"))).unwrap();
    // An hour later it is told again.
    f.db.note_audit(&line(3_600_000, "ann", "POST /jobs", Some("job-2"))).unwrap();
    let jobs = |times, at| ("POST /jobs".to_owned(), times, at);
    assert_eq!(whole(f), [jobs(1, 3_600_000), jobs(1, 6), jobs(1, 6), jobs(1, 5), jobs(1, 4), jobs(3, 3)]);
}

pub fn lines_are_found_by_actor_and_action(f: &mut Fixture) {
    for (time, actor, action) in
        [(1, "ann", "sign-in"), (2, "bob", "sign-in"), (3, "ann", "POST /keys"), (4, "ann", "sign-out")]
    {
        f.db.note_audit(&line(time, actor, action, None)).unwrap();
    }
    let find = |actor: Option<&str>, action: Option<&str>| {
        let filter = AuditFilter { actor: actor.map(str::to_owned), action: action.map(str::to_owned) };
        let page = f.db.audit(&filter, None, 10).unwrap();
        page.items.iter().map(|line| line.at.as_millis()).collect::<Vec<_>>()
    };
    assert_eq!(find(Some("ann"), None), [4, 3, 1]);
    assert_eq!(find(Some("user-bob"), None), [2]);
    assert_eq!(find(None, Some("sign-")), [4, 2, 1]);
    assert_eq!(find(Some("ann"), Some("sign-in")), [1]);
    assert_eq!(find(None, Some("%")), [0_i64; 0]);
    let first = f.db.audit(&AuditFilter::default(), None, 3).unwrap();
    let second = f.db.audit(&AuditFilter::default(), first.next_cursor, 3).unwrap();
    assert_eq!((first.items.len(), second.items.len(), second.next_cursor), (3, 1, None));
}

pub fn the_log_is_bounded(f: &mut Fixture) {
    for time in 0..102_500 {
        f.db.note_audit(&line(time, "ann", if time % 2 == 0 { "even" } else { "odd" }, None)).unwrap();
    }
    let mut kept = 0;
    let mut cursor = None;
    loop {
        let page = f.db.audit(&AuditFilter::default(), cursor, 500).unwrap();
        kept += page.items.len();
        cursor = page.next_cursor;
        if cursor.is_none() {
            break;
        }
    }
    assert_eq!(kept, 100_500);
    assert_eq!(f.db.purge_audit(at(102_499)).unwrap(), 100_499);
    assert_eq!(whole(f), [("odd".to_owned(), 1, 102_499)]);
}
