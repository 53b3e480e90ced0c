//! How machines join.

use studio_protocol::RequestId;
use studio_store::{Poll, RegistrationState, StoreError};

use crate::fixture::{Fixture, W1, W2, at, registration};

fn poll(f: &mut Fixture, request: &RequestId, secret: &str, token: &str) -> Poll {
    let now = f.tick();
    f.db.poll_registration(request, &secret.into(), &"w-fresh".into(), &token.into(), now).unwrap()
}

fn ask(f: &mut Fixture, request: &str, install: &str, join: Option<&str>) -> studio_store::Result<RequestId> {
    let now = f.tick();
    let new = registration(request, install, "secret");
    let code = join.map(Into::into);
    f.db.request_registration(&new, code.as_ref(), now).map(|registered| {
        assert_eq!(registered.approved, join.is_some());
        registered.request_id
    })
}

pub fn an_operator_lets_a_machine_in(f: &mut Fixture) {
    let request = ask(f, "rr-1", "i", None).unwrap();
    assert_eq!(poll(f, &request, "secret", "t"), Poll::Pending);
    assert_eq!(poll(f, &request, "guess", "t"), Poll::WrongSecret);
    assert_eq!(poll(f, &"rr-x".into(), "secret", "t"), Poll::Unknown);
    let now = f.tick();
    let worker = f.db.approve(&request, &W1.into(), Some("den"), now).unwrap();
    assert_eq!((worker.name.as_str(), &worker.token_hash), ("den", &None));
    assert_eq!(poll(f, &request, "secret", "t"), Poll::Approved { worker_id: W1.into() });
    let shown = f.db.registrations(Some(RegistrationState::Approved)).unwrap();
    assert_eq!((shown[0].worker_id.clone(), shown[0].decided_at), (Some(W1.into()), Some(now)));
    assert_eq!(f.db.registrations(Some(RegistrationState::Pending)).unwrap(), []);
    assert_eq!(f.db.registrations(None).unwrap(), shown);
}

pub fn each_poll_rotates_the_token(f: &mut Fixture) {
    let request = ask(f, "rr-1", "i", None).unwrap();
    let now = f.tick();
    f.db.approve(&request, &W1.into(), None, now).unwrap();
    for token in ["t1", "t2"] {
        poll(f, &request, "secret", token);
        let worker = f.db.worker(&W1.into()).unwrap().unwrap();
        assert_eq!(worker.token_hash, Some(token.into()));
    }
    assert_eq!(poll(f, &request, "guess", "t3"), Poll::WrongSecret);
    assert_eq!(f.db.worker(&W1.into()).unwrap().unwrap().token_hash, Some("t2".into()));
}

pub fn the_same_install_waits_once(f: &mut Fixture) {
    let first = ask(f, "rr-1", "i", None).unwrap();
    let mut again = registration("rr-2", "i", "other secret");
    "studio-worker/0.2.0".clone_into(&mut again.user_agent);
    let now = f.tick();
    assert_eq!(f.db.request_registration(&again, None, now).unwrap().request_id, first);
    assert_eq!(poll(f, &first, "secret", "t"), Poll::WrongSecret);
    assert_eq!(poll(f, &first, "other secret", "t"), Poll::Pending);
    let shown = f.db.registrations(None).unwrap();
    assert_eq!((shown.len(), shown[0].user_agent.as_str()), (1, "studio-worker/0.2.0"));
}

pub fn a_refusal_carries_its_reason(f: &mut Fixture) {
    let request = ask(f, "rr-1", "i", None).unwrap();
    let now = f.tick();
    f.db.reject(&request, "not ours", now).unwrap();
    assert_eq!(poll(f, &request, "secret", "t"), Poll::Rejected { reason: "not ours".to_owned() });
    // After a reset the machine may ask again.
    assert_ne!(ask(f, "rr-2", "i", None).unwrap(), request);
    let later = f.tick();
    assert_eq!(f.db.purge_registrations(later).unwrap(), 1);
    assert_eq!(poll(f, &request, "secret", "t"), Poll::Unknown);
}

pub fn a_decision_is_final(f: &mut Fixture) {
    let (yes, no) = (ask(f, "rr-1", "i", None).unwrap(), ask(f, "rr-2", "j", None).unwrap());
    let now = f.tick();
    f.db.approve(&yes, &W1.into(), None, now).unwrap();
    f.db.reject(&no, "", now).unwrap();
    for request in [yes, no] {
        assert!(matches!(f.db.approve(&request, &W2.into(), None, now), Err(StoreError::Conflict { .. })));
        assert!(matches!(f.db.reject(&request, "", now), Err(StoreError::Conflict { .. })));
    }
    assert!(matches!(f.db.reject(&"rr-x".into(), "", now), Err(StoreError::NotFound { .. })));
}

pub fn a_join_code_approves_at_once(f: &mut Fixture) {
    f.db.create_join_code(&"code".into(), at(1_000_000), 1, at(1)).unwrap();
    let waiting = ask(f, "rr-0", "i", None).unwrap();
    let request = ask(f, "rr-1", "i", Some("code")).unwrap();
    assert_eq!(request, waiting);
    assert_eq!(poll(f, &request, "secret", "t1"), Poll::Approved { worker_id: "w-fresh".into() });
    let now = f.tick();
    let again =
        f.db.poll_registration(&request, &"secret".into(), &"w-other".into(), &"t2".into(), now).unwrap();
    assert_eq!(again, Poll::Approved { worker_id: "w-fresh".into() });
    let workers = f.db.workers().unwrap();
    assert_eq!((workers.len(), &workers[0].token_hash), (1, &Some("t2".into())));
}

pub fn a_join_code_is_good_for_its_uses_and_its_time(f: &mut Fixture) {
    f.db.create_join_code(&"twice".into(), at(1_000_000), 2, at(1)).unwrap();
    f.db.create_join_code(&"past".into(), at(500), 2, at(1)).unwrap();
    ask(f, "rr-1", "i", Some("twice")).unwrap();
    ask(f, "rr-2", "j", Some("twice")).unwrap();
    for code in ["twice", "past", "guess"] {
        let error = ask(f, "rr-3", "k", Some(code)).unwrap_err();
        assert!(matches!(error, StoreError::Invalid { field: "joinCode", .. }), "{code}: {error:?}");
    }
    // A bad code leaves no request behind.
    assert_eq!(f.db.registrations(None).unwrap().len(), 2);
    assert!(f.db.create_join_code(&"none".into(), at(1_000_000), 0, at(1)).is_err());
}

pub fn a_removed_worker_is_unknown_to_its_poll(f: &mut Fixture) {
    let request = ask(f, "rr-1", "i", None).unwrap();
    let now = f.tick();
    f.db.approve(&request, &W1.into(), None, now).unwrap();
    f.db.remove_worker(&W1.into(), now).unwrap();
    assert_eq!(poll(f, &request, "secret", "t"), Poll::Unknown);
    assert_eq!(f.db.workers().unwrap(), []);
}
