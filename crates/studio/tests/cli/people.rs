//! Accounts and the audit log.

use std::fs::File;

use crate::shop::{Ran, Shop, run_with};

const PASSWORD: &str = "correct horse battery";

/// Runs a command that reads a password.
async fn with_password(shop: &Shop, password: &str, arguments: &[&str]) -> Ran {
    let file = shop.file("password", &format!("{password}\n"));
    let input = File::open(file).expect("it was just written");
    let ran = run_with(shop.studio.command(arguments), input.into()).await;
    assert!(password.is_empty() || !format!("{ran:?}").contains(password), "{ran:?}");
    ran
}

#[tokio::test]
async fn accounts_are_steered_and_what_was_done_is_told() {
    let shop = Shop::open().await;
    let link = shop.ok(&["users", "set-up-link"]).await;
    assert!(link.starts_with(&shop.studio.url()) && link.contains("/set-up?token="), "{link}");
    assert!(shop.ok(&["users"]).await.contains("nothing to show"));

    assert_eq!(with_password(&shop, PASSWORD, &["users", "add", "Ann", "--role", "admin"]).await.code, 0);
    let short = with_password(&shop, "pw-12345", &["users", "add", "bob"]).await;
    assert!(short.code == 1 && short.err.contains("at least 10"), "{short:?}");
    let none = with_password(&shop, "", &["users", "add", "bob"]).await;
    assert_eq!(none.code, 1, "{none:?}");
    let made = shop.json(&["users", "add", "bob", "--generate"]).await;
    assert_eq!(made["password"].as_str().map(str::len), Some(19), "{made}");

    assert_eq!(shop.ok(&["users", "role", "BOB", "operator"]).await, "bob (operator)");
    assert_eq!(shop.ok(&["users", "disable", "bob"]).await, "bob (operator, disabled)");
    assert_eq!(shop.ok(&["users", "enable", "bob"]).await, "bob (operator)");
    let changed = with_password(&shop, "another good one", &["users", "password", "bob"]).await;
    assert_eq!(changed.code, 0, "{changed:?}");
    let unknown = shop.run(&["users", "disable", "eve"]).await;
    assert!(unknown.code == 1 && unknown.err.contains("nobody is called `eve`"), "{unknown:?}");
    let list = shop.json(&["users", "list"]).await;
    assert_eq!((&list["items"][0]["name"], &list["items"][1]["name"]), (&"Ann".into(), &"bob".into()));
    shop.ok(&["users", "remove", "bob"]).await;
    let late = shop.run(&["users", "set-up-link"]).await;
    assert!(late.code == 1 && late.err.contains("has an account already"), "{late:?}");

    let log = shop.json(&["audit", "--actor", "first admin", "--action", "PATCH /api/v1/users"]).await;
    assert_eq!(log["items"][0]["target"], made["id"], "{log}");
    assert_eq!(log["items"][0]["times"], 4, "{log}");
    let text = shop.ok(&["audit", "--limit", "2"]).await;
    assert!(text.contains("DELETE /api/v1/users/{id}") && text.lines().count() == 3, "{text}");
}

#[tokio::test]
async fn each_start_offers_the_link_while_nobody_has_an_account() {
    let mut shop = Shop::open().await;
    let link = |shop: &Shop| {
        let log = std::fs::read_to_string(shop.path("studio.log")).expect("the studio has a log");
        log.lines().rfind(|line| line.contains("/set-up?token=")).map(str::to_owned)
    };
    let first = link(&shop).expect("the first start tells it");
    shop.studio.restart().await;
    let second = link(&shop).expect("so does the next");
    assert_ne!(first.split("token=").last(), second.split("token=").last());
    with_password(&shop, PASSWORD, &["users", "add", "ann"]).await;
    shop.studio.restart().await;
    assert_eq!(link(&shop), Some(second), "nothing new is told");
}

#[tokio::test]
async fn a_key_that_ends_says_when() {
    let shop = Shop::open().await;
    let made = shop.json(&["keys", "create", "ci", "--ttl-days", "2"]).await;
    let end = made["expiresAt"].as_str().expect("it ends");
    assert!(shop.ok(&["keys"]).await.contains(end));
    let wrong = shop.run(&["keys", "create", "ci", "--ttl-days", "0"]).await;
    assert!(wrong.code == 1 && wrong.err.contains("ttlDays"), "{wrong:?}");
}
