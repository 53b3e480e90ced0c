//! `model-fetch ROOT MODEL < source.json`: tries a model source out, with the store's usual limits.

use std::io::Read;

use model_store::{ModelStore, Settings};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [root, model] = arguments.as_slice() else {
        return Err("usage: model-fetch ROOT MODEL < source.json".into());
    };
    let mut json = String::new();
    std::io::stdin().read_to_string(&mut json)?;
    let source = studio_protocol::from_json(&json)?;
    let store = ModelStore::open(Settings::new(root))?;
    let folder = store
        .ensure(model, &source, |progress| {
            eprintln!("{} of {} bytes, {}", progress.bytes, progress.total, progress.file);
        })
        .await?;
    println!("{}", folder.display());
    Ok(())
}
