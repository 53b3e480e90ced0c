//! The rules for addresses, one by one.

use super::*;
use crate::Secret;

const INPUT: Purpose = Purpose::Input { allow_private: false };

fn url(text: &str) -> Url {
    Url::parse(text).unwrap()
}

fn begin(text: &str, purpose: Purpose) -> Result<Route<'static>, String> {
    Route::begin(url(text), purpose, None)
}

fn ip(text: &str) -> IpAddr {
    text.parse().unwrap()
}

#[test]
fn every_address_has_its_class() {
    for (text, class) in [
        ("8.8.8.8", Class::Public),
        ("2001:4860::8888", Class::Public),
        ("10.1.2.3", Class::Private),
        ("172.16.0.1", Class::Private),
        ("172.32.0.1", Class::Public),
        ("192.168.1.1", Class::Private),
        ("100.64.0.1", Class::Private),
        ("fd00::1", Class::Private),
        ("127.9.9.9", Class::Loopback),
        ("::1", Class::Loopback),
        ("169.254.169.254", Class::LinkLocal),
        ("fe80::1", Class::LinkLocal),
        ("0.0.0.0", Class::Nowhere),
        ("::", Class::Nowhere),
        ("255.255.255.255", Class::Nowhere),
        ("224.0.0.1", Class::Nowhere),
        ("ff02::1", Class::Nowhere),
        // The same machines in disguise.
        ("::ffff:10.0.0.1", Class::Private),
        ("::ffff:127.0.0.1", Class::Loopback),
        ("64:ff9b::a9fe:a9fe", Class::LinkLocal),
        ("2002:7f00:1::", Class::Loopback),
        ("64:ff9b:1::a9fe:a9fe", Class::Private),
        ("::a9fe:a9fe", Class::Nowhere),
    ] {
        assert_eq!(Class::of(ip(text)), class, "{text}");
    }
}

#[test]
fn models_come_by_https_or_from_this_machine() {
    for good in [
        "https://h.example/x",
        "https://192.168.1.2/x",
        "http://127.0.0.1:1/x",
        "http://[::1]/x",
        "http://localhost/x",
        // Another way to write 127.0.0.1.
        "http://2130706433/x",
    ] {
        assert!(begin(good, Purpose::Model).is_ok(), "{good}");
    }
    for bad in [
        "http://h.example/x",
        "http://10.0.0.1/x",
        "http://localhost.example/x",
        "http://0.0.0.0/x",
        "https://0.0.0.0/x",
        "ftp://h/x",
        "file:///etc/passwd",
    ] {
        assert!(begin(bad, Purpose::Model).is_err(), "{bad}");
    }
}

#[test]
fn inputs_do_not_come_from_the_local_network() {
    for bad in
        ["https://10.0.0.1/x", "https://[fd00::1]/x", "https://169.254.169.254/x", "http://h.example/x"]
    {
        assert!(begin(bad, INPUT).is_err(), "{bad}");
    }
    for good in ["https://h.example/x", "http://127.0.0.1:1/x", "https://localhost/x"] {
        assert!(begin(good, INPUT).is_ok(), "{good}");
    }
    assert!(begin("https://10.0.0.1/x", Purpose::Input { allow_private: true }).is_ok());
    // A name is judged when it is looked up.
    assert_eq!(begin("https://h.example/x", INPUT).unwrap().reach(), Reach::PUBLIC);
}

#[test]
fn redirects_do_not_lead_inside() {
    for bad in [
        "http://h.example/x",
        "http://127.0.0.1/x",
        "https://127.0.0.1/x",
        "https://192.168.0.1/x",
        "https://[::ffff:10.0.0.1]/x",
        "https://169.254.169.254/latest",
        "file:///etc/passwd",
    ] {
        let mut route = begin("https://h.example/x", Purpose::Model).unwrap();
        assert!(route.follow(url(bad), Some(ip("8.8.8.8"))).is_err(), "{bad}");
    }
    let mut route = begin("https://h.example/x", Purpose::Model).unwrap();
    route.follow(url("https://cdn.example/x"), Some(ip("8.8.8.8"))).unwrap();
    assert_eq!(route.reach(), Reach::PUBLIC);
}

#[test]
fn a_redirect_may_stay_among_machines_of_the_first_sort() {
    let mut nas = begin("https://nas.example/x", Purpose::Model).unwrap();
    nas.follow(url("https://192.168.0.7/x"), Some(ip("192.168.0.5"))).unwrap();
    assert!(nas.follow(url("https://127.0.0.1/x"), Some(ip("192.168.0.7"))).is_err());
    let mut local = begin("http://127.0.0.1:1/x", Purpose::Model).unwrap();
    local.follow(url("http://127.0.0.1:2/x"), Some(ip("127.0.0.1"))).unwrap();
    assert!(local.follow(url("https://10.0.0.1/x"), Some(ip("127.0.0.1"))).is_err());
    // The machine that answers second does not widen the reach.
    let mut lured = begin("https://h.example/x", Purpose::Model).unwrap();
    lured.follow(url("https://i.example/x"), Some(ip("8.8.8.8"))).unwrap();
    assert!(lured.follow(url("https://10.0.0.1/x"), Some(ip("10.0.0.9"))).is_err());
}

#[test]
fn the_studio_may_be_anywhere_and_stays_there() {
    let trusted = Trusted { base: url("http://10.0.0.2:4780/api"), bearer: Some(Secret::new("key")) };
    let begin = |text: &str| Route::begin(url(text), INPUT, Some(&trusted));
    let mut route = begin("http://10.0.0.2:4780/api/models/x").unwrap();
    assert!(route.trusted().is_some());
    route.follow(url("http://10.0.0.2:4780/other"), None).unwrap();
    assert!(route.trusted().is_none(), "its bearer is for its own part of the host only");
    assert!(route.follow(url("http://10.0.0.2:4781/api/x"), None).is_err());
    assert!(route.follow(url("https://h.example/x"), None).is_err());
    for bad in ["http://10.0.0.2:4780/apix", "http://10.0.0.2/api/x", "http://10.0.0.3:4780/api/x"] {
        assert!(begin(bad).is_err(), "{bad}");
    }
    // Dots do not climb out of the base.
    assert!(begin("http://10.0.0.2:4780/api/../x").is_err());
    assert!(begin("http://10.0.0.2:4780/api/%2e%2e/x").is_err());
}

#[test]
fn only_the_first_host_gets_the_token() {
    let mut route = begin("https://h.example/x", Purpose::Model).unwrap();
    assert!(route.is_at_home());
    route.follow(url("https://user:pass@h.example/y"), None).unwrap();
    assert!(route.is_at_home() && route.url().username().is_empty());
    route.follow(url("https://cdn.h.example/y"), None).unwrap();
    assert!(!route.is_at_home());
}

#[tokio::test]
async fn a_name_resolves_to_what_may_be_reached() {
    let addresses = |texts: &'static [&str]| -> Lookup {
        Arc::new(move |_| Box::pin(async move { Ok(texts.iter().map(|text| ip(text)).collect()) }))
    };
    let resolve = async |reach, texts| {
        let resolver = Resolver { reach, lookup: addresses(texts) };
        resolver
            .resolve("h.example".parse().unwrap())
            .await
            .map(|found| found.map(|a| a.ip()).collect::<Vec<_>>())
    };
    let found = resolve(Reach::PUBLIC, &["10.0.0.1", "8.8.8.8"]).await.unwrap();
    assert_eq!(found, [ip("8.8.8.8")]);
    let error = resolve(Reach::PUBLIC, &["10.0.0.1", "::1"]).await.unwrap_err();
    assert!(error.downcast_ref::<OutOfReach>().is_some(), "{error}");
    assert!(resolve(Reach::ANY, &["10.0.0.1"]).await.is_ok());
    assert!(resolve(Reach::ANY, &["0.0.0.0"]).await.is_err());
}

#[test]
fn credentials_are_cut() {
    assert_eq!(shown(&url("https://u:p@h/x?token=t#f")), "https://h/x?...");
    assert_eq!(shown_text("https://u:p@h/x?token=t"), "https://h/x");
    assert_eq!(shown_text("htp//u:p@h/x"), "h/x");
    let (one, other) = (identity("https://h/x?id=1"), identity("https://h/x?id=2"));
    assert!(one != other && !one.contains("id"), "{one}");
    assert_eq!(identity("https://h/x"), "https://h/x");
}
