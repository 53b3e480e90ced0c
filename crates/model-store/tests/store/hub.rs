//! Listing a repository of a hub.

use model_store::hub::{HubModel, choose, list};
use model_store::{FetchError, Web, WebSettings};
use serde_json::json;

use crate::server::{Reply, Server};

const HASH: &str = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08";

#[tokio::test]
async fn files_come_with_sizes_and_hashes_over_all_pages() {
    let server = Server::start(|request| match request.path.as_str() {
        "/api/models/o/r/tree/main?recursive=true" => {
            let items = json!([
                { "type": "directory", "path": "q", "size": 0, "oid": "x" },
                { "type": "file", "path": "README.md", "size": 10, "oid": "x" },
                { "type": "file", "path": "q/m Q4_K_M.gguf", "size": 134, "oid": "x",
                  "lfs": { "oid": HASH, "size": 5000, "pointerSize": 134 } },
            ]);
            let next = "</api/models/o/r/tree/main?cursor=2>; rel=\"next\"";
            Reply::new(200, items.to_string()).with("link", next)
        }
        "/api/models/o/r/tree/main?cursor=2" => {
            let items = json!([{ "type": "file", "path": "m-Q8_0.gguf", "size": 9000 }]);
            Reply::new(200, items.to_string()).with("link", "<https://evil.example/x>; rel=\"next\"")
        }
        "/api/models/o/gated/tree/main?recursive=true" => Reply::new(401, ""),
        "/api/models/o/odd/tree/main?recursive=true" => Reply::new(200, "<html>"),
        _ => Reply::new(404, ""),
    })
    .await;
    let web = Web::new(WebSettings::default());
    let model = |text: &str| HubModel::parse(text).unwrap();
    let files = list(&web, &server.base, &model("hf:o/r")).await.unwrap();
    assert_eq!(files.len(), 3);
    let chosen = choose(&files, None).unwrap()[0];
    assert_eq!((chosen.name(), chosen.size, chosen.sha256.as_deref()), ("m Q4_K_M.gguf", 5000, Some(HASH)));
    assert_eq!(chosen.url, server.url("o/r/resolve/main/q/m%20Q4_K_M.gguf"));

    let gated = list(&web, &server.base, &model("hf:o/gated")).await.unwrap_err();
    assert!(gated.to_string().contains(&format!("accept the licence at {}/o/gated", server.base)), "{gated}");
    let missing = list(&web, &server.base, &model("hf:o/none")).await.unwrap_err();
    assert!(matches!(missing, FetchError::NotThere(_)), "{missing}");
    let odd = list(&web, &server.base, &model("hf:o/odd")).await.unwrap_err();
    assert!(odd.to_string().contains("cannot be read"), "{odd}");
}
