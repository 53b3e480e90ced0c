//! People and their sessions.

use studio_store::{NewUser, PasswordHash, Role, SecretHash, StoreError, UserChange, UserId};

use crate::fixture::{Fixture, at};
use crate::keys::key;

fn user(name: &str, role: Role) -> NewUser {
    NewUser {
        id: UserId::from(format!("user-{name}")),
        name: name.to_owned(),
        role,
        password: password(name),
    }
}

fn password(of: &str) -> PasswordHash {
    PasswordHash::new(format!("$argon2id$ of {of}"))
}

fn session(name: &str) -> SecretHash {
    SecretHash::from(name)
}

pub fn a_name_is_taken_whatever_its_case(f: &mut Fixture) {
    let made = f.db.create_user(&user("Ärmel", Role::Viewer), at(1)).unwrap();
    assert_eq!((made.name.as_str(), made.disabled, made.last_seen_at), ("Ärmel", false, None));
    let again = NewUser { id: "user-2".into(), ..user("äRMEL", Role::Admin) };
    assert!(matches!(f.db.create_user(&again, at(2)), Err(StoreError::Conflict { what: "user", .. })));
    assert_eq!(f.db.user_by_name(" ÄRMEL ").unwrap(), Some((made.clone(), password("Ärmel"))));
    assert_eq!(f.db.user_by_name("armel").unwrap(), None);
    assert_eq!(f.db.users().unwrap(), [made]);
}

pub fn only_the_first_user_is_made_by_the_link(f: &mut Fixture) {
    assert!(!f.db.has_users().unwrap());
    let first = f.db.create_first_user(&user("ann", Role::Admin), &session("s"), at(5)).unwrap();
    assert_eq!(first.last_seen_at, Some(at(5)));
    assert_eq!(f.db.browser_session(&session("s")).unwrap().unwrap().user, first);
    let second = f.db.create_first_user(&user("bob", Role::Admin), &session("t"), at(6));
    assert!(matches!(second, Err(StoreError::Conflict { .. })));
    assert_eq!(f.db.users().unwrap(), [first]);
    assert_eq!(f.db.browser_session(&session("t")).unwrap(), None);
}

pub fn somebody_who_may_administer_stays(f: &mut Fixture) {
    let ann = f.db.create_user(&user("ann", Role::Admin), at(1)).unwrap().id;
    let bob = f.db.create_user(&user("bob", Role::Operator), at(1)).unwrap().id;
    let refused = [
        UserChange { role: Some(Role::Operator), ..UserChange::default() },
        UserChange { disabled: Some(true), ..UserChange::default() },
    ];
    for change in &refused {
        assert!(matches!(f.db.change_user(&ann, change), Err(StoreError::Conflict { .. })), "{change:?}");
    }
    assert!(matches!(f.db.remove_user(&ann), Err(StoreError::Conflict { .. })));
    // Nothing of it was stored.
    assert_eq!(f.db.user(&ann).unwrap().role, Role::Admin);
    // Others come and go.
    f.db.change_user(&bob, &refused[1]).unwrap();
    // An admin key for the whole studio will do, and then the last admin who is let in holds the key's place.
    f.db.create_key(&key("key-1", Role::Admin), at(2)).unwrap();
    f.db.change_user(&ann, &refused[1]).unwrap();
    assert!(matches!(f.db.revoke_key(&"key-1".into()), Err(StoreError::Conflict { .. })));
    f.db.change_user(&ann, &UserChange { disabled: Some(false), ..UserChange::default() }).unwrap();
    f.db.revoke_key(&"key-1".into()).unwrap();
    assert!(matches!(f.db.remove_user(&ann), Err(StoreError::Conflict { .. })));
}

pub fn a_session_ends_with_what_it_rests_on(f: &mut Fixture) {
    f.db.create_user(&user("ann", Role::Admin), at(1)).unwrap();
    let bob = f.db.create_user(&user("bob", Role::Viewer), at(1)).unwrap().id;
    let changes = [
        UserChange { role: Some(Role::Submitter), ..UserChange::default() },
        UserChange { password: Some(password("bob")), ..UserChange::default() },
        UserChange { disabled: Some(true), ..UserChange::default() },
    ];
    for change in &changes {
        f.db.start_session(&bob, &password("bob"), &session("s"), at(2)).unwrap().unwrap();
        f.db.change_user(&bob, change).unwrap();
        assert_eq!(f.db.browser_session(&session("s")).unwrap(), None, "{change:?}");
    }
    f.db.change_user(&bob, &UserChange { disabled: Some(false), ..UserChange::default() }).unwrap();
    f.db.start_session(&bob, &password("bob"), &session("s"), at(3)).unwrap().unwrap();
    f.db.change_user(&bob, &UserChange::default()).unwrap();
    assert!(f.db.browser_session(&session("s")).unwrap().is_some());
    assert!(f.db.end_session(&session("s")).unwrap());
    assert!(!f.db.end_session(&session("s")).unwrap());
    f.db.start_session(&bob, &password("bob"), &session("s"), at(3)).unwrap().unwrap();
    f.db.remove_user(&bob).unwrap();
    assert_eq!(f.db.browser_session(&session("s")).unwrap(), None);
}

pub fn a_sign_in_that_was_overtaken_is_refused(f: &mut Fixture) {
    f.db.create_user(&user("ann", Role::Admin), at(1)).unwrap();
    let bob = f.db.create_user(&user("bob", Role::Viewer), at(1)).unwrap().id;
    let other = UserChange { password: Some(password("another")), ..UserChange::default() };
    f.db.change_user(&bob, &other).unwrap();
    assert_eq!(f.db.start_session(&bob, &password("bob"), &session("s"), at(2)).unwrap(), None);
    f.db.change_user(&bob, &UserChange { disabled: Some(true), ..UserChange::default() }).unwrap();
    assert_eq!(f.db.start_session(&bob, &password("another"), &session("s"), at(2)).unwrap(), None);
    assert_eq!(f.db.browser_session(&session("s")).unwrap(), None);
}

pub fn another_password_ends_every_session_but_the_new_one(f: &mut Fixture) {
    let ann = f.db.create_user(&user("ann", Role::Admin), at(1)).unwrap().id;
    f.db.start_session(&ann, &password("ann"), &session("old"), at(2)).unwrap().unwrap();
    let wrong = f.db.replace_password(&ann, &password("x"), &password("new"), &session("new"), at(3));
    assert_eq!(wrong.unwrap(), None);
    assert!(f.db.browser_session(&session("old")).unwrap().is_some());
    let right = f.db.replace_password(&ann, &password("ann"), &password("new"), &session("new"), at(3));
    assert!(right.unwrap().is_some());
    assert_eq!(f.db.browser_session(&session("old")).unwrap(), None);
    assert!(f.db.browser_session(&session("new")).unwrap().is_some());
    assert_eq!(f.db.password_of(&ann).unwrap(), Some(password("new")));
}

pub fn sessions_grow_old_and_make_room(f: &mut Fixture) {
    let ann = f.db.create_user(&user("ann", Role::Admin), at(1)).unwrap().id;
    for number in 0..60_i64 {
        let name = format!("s{number}");
        f.db.start_session(&ann, &password("ann"), &session(&name), at(100 + number)).unwrap().unwrap();
        if number == 0 {
            f.db.note_session(&session("s0"), at(1_000)).unwrap();
        }
    }
    let kept = |f: &Fixture| {
        (0..60).filter(|n| f.db.browser_session(&session(&format!("s{n}"))).unwrap().is_some()).count()
    };
    assert_eq!(kept(f), 50);
    let used = f.db.browser_session(&session("s0")).unwrap().expect("it was in use");
    assert_eq!((used.created_at, used.seen_at), (at(100), at(1_000)));
    assert_eq!(f.db.purge_sessions(at(159), at(0)).unwrap(), 48);
    assert_eq!(f.db.purge_sessions(at(0), at(101)).unwrap(), 1, "it was in use, and yet is too old");
    assert_eq!(kept(f), 1);
}
