//! What a client connects to, with names that resolve as a test says.

use std::net::IpAddr;

use super::*;

fn web(addresses: &'static [&str]) -> Web {
    let lookup: Lookup = Arc::new(move |_| {
        Box::pin(async move { Ok(addresses.iter().map(|text| text.parse::<IpAddr>().unwrap()).collect()) })
    });
    Web::with_lookup(WebSettings::default(), lookup)
}

async fn refusal(web: &Web, url: &str, purpose: Purpose) -> FetchError {
    let ask = Ask { url, purpose, from: None, if_range: None };
    web.get(&ask).await.err().unwrap()
}

#[tokio::test]
async fn a_public_name_that_leads_inside_is_not_connected_to() {
    let web = web(&["127.0.0.1", "10.0.0.1"]);
    let input = Purpose::Input { allow_private: false };
    let error = refusal(&web, "https://h.example/x?secret=1", input).await;
    let FetchError::Address { url, why } = &error else { panic!("{error}") };
    assert_eq!(url, "https://h.example/x?...");
    assert!(why.contains("h.example") && why.contains("address"), "{why}");
    assert!(!error.retryable());
}

#[tokio::test]
async fn localhost_is_this_machine_whatever_the_resolver_says() {
    let error = refusal(&web(&["8.8.8.8"]), "http://localhost:9/x", Purpose::Model).await;
    assert!(matches!(error, FetchError::Address { .. }), "{error}");
}
