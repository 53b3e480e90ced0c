use serde_json::json;
use studio_api::{AuditEntry, Counts, Delivery, DeliveryState, Key, Project, User, Webhook};
use studio_store::JobState;

use super::*;
use crate::parts::tests::{check, shell};
use crate::samples::before;

fn user(id: &str, name: &str) -> User {
    User {
        id: id.to_owned(),
        name: name.to_owned(),
        role: Role::Operator,
        disabled: id == "user-2",
        created_at: before(100),
        last_seen_at: (id == "user-1").then(|| before(10)),
    }
}

fn project(id: &str, limit: Option<u64>) -> Project {
    Project {
        id: id.to_owned(),
        weight: 2.5,
        max_queued: limit,
        max_running: limit,
        keep_artefacts_days: limit.map(|_| 30),
        keep_jobs_days: None,
        counts: Counts::from([(JobState::Queued, 1_200), (JobState::Running, 2)]),
        created_at: before(1_000),
    }
}

#[test]
fn tabs_are_those_that_the_role_may_open() {
    let text = check(&account(&shell(Role::Viewer), true));
    assert!(!text.contains("/settings/users") && text.contains("session/password"), "{text}");
    let text = check(&account(&shell(Role::Admin), false));
    assert!(text.contains("/settings/audit") && !text.contains("password"));
}

#[test]
fn nobody_can_lock_themselves_out_here() {
    let text = check(&users(&shell(Role::Admin), &[user("user-1", "Ada"), user("user-2", "Bob")]));
    assert!(text.contains("Let in Bob") && !text.contains("Keep out Ada"), "{text}");
    assert!(text.contains("never signed in") && text.contains("change-user-2"));
    assert!(check(&users(&shell(Role::Admin), &[])).contains("Nobody has an account"));
}

#[test]
fn keys_are_shown_without_their_secrets() {
    let key: Key = serde_json::from_value(json!({
        "id": "key-1", "name": "ci", "role": "submitter", "project": "red", "createdAt": before(5)
    }))
    .unwrap();
    let text = check(&keys(&shell(Role::Admin), &[key], &[project("red", None)], "http://studio"));
    for needle in ["Revoke ci", "DELETE /api/v1/keys/key-1", "http://studio/v1", "ttlDays"] {
        assert!(text.contains(needle), "`{needle}` is missing: {text}");
    }
    assert!(check(&keys(&shell(Role::Admin), &[], &[], "http://studio")).contains("No keys"));
}

#[test]
fn projects_show_their_limits() {
    let all = [project("red", Some(2_000)), project("default", None)];
    let text = check(&projects(&shell(Role::Admin), &all));
    assert!(
        text.contains("at most 2\u{202f}000") && text.contains("no limit") && text.contains("weight 2.5"),
        "{text}"
    );
    assert!(check(&projects(&shell(Role::Admin), &[])).contains("No projects yet"));
    let text = check(&projects(&shell(Role::Admin), &[project("a b/c", None), project("a_b-c", None)]));
    assert!(
        text.contains("PATCH /api/v1/projects/a%20b%2Fc\"") && text.contains("?project=a%20b%2Fc"),
        "{text}"
    );
    let text = check(&retention(&shell(Role::Admin), &all, 10, 100));
    assert!(
        text.contains("kept for 30 days")
            && text.contains("kept for good")
            && text.contains("value=\"0.9000\"")
    );
    assert!(check(&retention(&shell(Role::Admin), &[], 0, 0)).contains("nothing to keep"));
}

#[test]
fn webhooks_tell_what_became_of_them() {
    let hook = Webhook {
        id: "hook-1".to_owned(),
        url: "https://example.com/hook".to_owned(),
        events: vec!["job.done".to_owned()],
        project: Some("red".to_owned()),
        disabled: false,
        created_at: before(50),
    };
    let delivery = |state| Delivery {
        id: format!("msg-{state:?}"),
        event: "job.done".to_owned(),
        state,
        attempts: 2,
        status: Some(500),
        error: Some("the answer was 500".to_owned()),
        created_at: before(20),
        next_at: (state == DeliveryState::Waiting).then(|| before(-60)),
    };
    let data = Hooks {
        hooks: vec![hook.clone(), Webhook { id: "hook-2".to_owned(), disabled: true, ..hook.clone() }],
        projects: Vec::new(),
    };
    let text = check(&webhooks(&shell(Role::Admin), &data));
    assert!(
        text.contains("POST /api/v1/webhooks/hook-1/test")
            && text.contains("Enable https://example.com/hook")
    );
    assert!(check(&webhooks(&shell(Role::Admin), &Hooks::default())).contains("No webhooks"));
    let log = [DeliveryState::Waiting, DeliveryState::Delivered, DeliveryState::Failed].map(delivery);
    let text = check(&deliveries(&shell(Role::Admin), &hook, &log, Some("?cursor=1")));
    for needle in ["again <time", "delivered", "given up", "the answer was 500", "Older"] {
        assert!(text.contains(needle), "`{needle}` is missing: {text}");
    }
    assert!(check(&deliveries(&shell(Role::Admin), &hook, &[], None)).contains("Nothing was sent yet"));
}

#[test]
fn the_audit_log_names_who_did_what() {
    let entry: AuditEntry = serde_json::from_value(json!({
        "at": before(3), "actor": "Ada", "action": "DELETE /api/v1/workers/{id}", "target": "w-1", "status": 403,
        "detail": { "name": "attic" }
    }))
    .unwrap();
    let audit = Audit { entries: vec![entry], actor: "Ada".to_owned(), older: Some("?cursor=2".to_owned()) };
    let text = check(&super::audit(&shell(Role::Admin), &audit));
    assert!(text.contains("badge bad") && text.contains("Everybody") && text.contains("attic"), "{text}");
    assert!(check(&super::audit(&shell(Role::Admin), &Audit::default())).contains("Nobody did anything"));
}
