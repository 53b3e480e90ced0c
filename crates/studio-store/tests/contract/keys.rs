//! API keys.

use studio_store::{NewApiKey, Role, StoreError};

use crate::fixture::{Fixture, at};

pub fn key(id: &str, role: Role) -> NewApiKey {
    NewApiKey {
        id: id.into(),
        name: format!("the {id}"),
        role,
        hash: format!("hash of {id}").into(),
        project: None,
        expires_at: None,
    }
}

pub fn a_key_is_found_by_its_hash_until_it_is_revoked(f: &mut Fixture) {
    f.db.create_key(&key("key-1", Role::Admin), at(1)).unwrap();
    let made =
        f.db.create_key(&NewApiKey { project: Some("p".into()), ..key("key-2", Role::Viewer) }, at(2))
            .unwrap();
    assert_eq!(f.db.key_by_hash(&"hash of key-2".into()).unwrap(), Some(made.clone()));
    assert_eq!(f.db.key_by_hash(&"hash of nothing".into()).unwrap(), None);
    assert_eq!(f.db.keys().unwrap().len(), 2);
    f.db.revoke_key(&made.id).unwrap();
    assert_eq!(f.db.key_by_hash(&"hash of key-2".into()).unwrap(), None);
    assert!(matches!(f.db.revoke_key(&made.id), Err(StoreError::NotFound { what: "key", .. })));
    assert!(
        Role::Viewer < Role::Submitter && Role::Submitter < Role::Operator && Role::Operator < Role::Admin
    );
}

pub fn the_last_admin_key_stays(f: &mut Fixture) {
    f.db.create_key(&key("key-1", Role::Admin), at(1)).unwrap();
    let of_a_project = NewApiKey { project: Some("p".into()), ..key("key-2", Role::Admin) };
    f.db.create_key(&of_a_project, at(1)).unwrap();
    assert!(matches!(f.db.revoke_key(&"key-1".into()), Err(StoreError::Conflict { .. })));
    f.db.create_key(&key("key-3", Role::Admin), at(1)).unwrap();
    f.db.revoke_key(&"key-1".into()).unwrap();
}

pub fn a_key_that_ends_is_no_admin_for_good(f: &mut Fixture) {
    f.db.create_key(&key("key-1", Role::Admin), at(1)).unwrap();
    let ending = NewApiKey { expires_at: Some(at(100)), ..key("key-2", Role::Admin) };
    let made = f.db.create_key(&ending, at(1)).unwrap();
    assert!(!made.is_expired(at(99)) && made.is_expired(at(100)));
    assert!(matches!(f.db.revoke_key(&"key-1".into()), Err(StoreError::Conflict { .. })));
    f.db.revoke_key(&made.id).unwrap();
    assert!(f.db.has_admin().unwrap());
}

pub fn the_last_use_of_a_key_is_kept(f: &mut Fixture) {
    let made = f.db.create_key(&key("key-1", Role::Viewer), at(1)).unwrap();
    assert_eq!(made.last_used_at, None);
    for time in [5, 9, 7] {
        f.db.note_key_used(&made.id, at(time)).unwrap();
    }
    assert_eq!(f.db.keys().unwrap()[0].last_used_at, Some(at(9)));
}
