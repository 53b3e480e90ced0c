//! What a new studio needs: an admin key that only its user can read, and a model to draw with.

use std::io::Write;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use anyhow::Context;
use studio_protocol::Timestamp;
use studio_runtime::{Mode, write_atomic};
use studio_store::{Db, NewApiKey, Role, Store};

use crate::model_files::{ModelFiles, StoredFile, check_room};
use crate::settings::Settings;
use crate::state::AppState;
use crate::{ids, secrets};

/// Makes an admin key when nobody may administer the studio, and says where it is.
///
/// The file is written first: a crash in between leaves a key that opens nothing, which the next start replaces.
pub async fn ensure_admin_key(store: &Store, settings: &Settings) -> anyhow::Result<()> {
    let path = settings.admin_key();
    if store.read(Db::has_admin).await? {
        return Ok(());
    }
    let secret = secrets::api_key();
    write_atomic(&path, format!("{secret}\n").as_bytes(), Mode::Private)
        .with_context(|| format!("could not write the admin key to `{}`", path.display()))?;
    let key = NewApiKey {
        id: ids::key(),
        name: "first admin".to_owned(),
        role: Role::Admin,
        hash: secrets::hash(&secret),
        project: None,
        expires_at: None,
    };
    store.write(move |db| db.create_key(&key, Timestamp::now())).await?;
    tracing::info!("the admin key is in {}", path.display());
    Ok(())
}

/// While nobody has an account: says where the first one is made, with a link that is good once.
pub async fn offer_set_up(state: &AppState, address: SocketAddr) -> anyhow::Result<()> {
    if state.store.read(Db::has_users).await? {
        return Ok(());
    }
    let scheme = if state.settings.tls.is_some() { "https" } else { "http" };
    let own = || format!("{scheme}://{}", reachable(address));
    let base =
        state.settings.public_url.as_deref().map_or_else(own, |url| url.trim_end_matches('/').to_owned());
    let link = format!("{base}{}", state.people.set_up.issue());
    tracing::info!("nobody has an account yet: make the first one at {link}");
    // For whoever starts it by hand; without a reader the log has it too.
    let _ = writeln!(std::io::stdout(), "{link}");
    Ok(())
}

/// An address that a browser of this machine can open: nobody can connect to "every address".
fn reachable(address: SocketAddr) -> SocketAddr {
    let ip = match address.ip() {
        ip if !ip.is_unspecified() => ip,
        IpAddr::V4(_) => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(_) => Ipv6Addr::LOCALHOST.into(),
    };
    SocketAddr::new(ip, address.port())
}

/// Unpacks the starter model when the registry still has it and its files are not there; what is there is not read.
pub async fn ensure_starter_model(
    store: &Store,
    settings: &Settings,
    files: &ModelFiles,
) -> anyhow::Result<()> {
    let held = files.held(starter_models::MODEL);
    let is_there = |file: &starter_models::StarterFile| {
        held.get(file.filename).is_some_and(|held| held.sha256 == file.sha256)
    };
    if !settings.starter_model || starter_models::FILES.iter().all(is_there) {
        return Ok(());
    }
    let models = store.read(Db::models).await?;
    let wanted = starter_models::source().files;
    if !models.iter().any(|model| model.id == starter_models::MODEL && model.source.files == wanted) {
        return Ok(()); // Removed by an operator, or made into something else.
    }
    let bytes = starter_models::FILES.iter().map(|file| file.bytes).sum();
    if let Err(problem) = check_room(files.root(), bytes) {
        // Results and the database come first; the next start looks again.
        tracing::warn!("the model {} was not unpacked: {problem}", starter_models::MODEL);
        return Ok(());
    }
    let root = files.root().to_owned();
    let unpacked = tokio::task::spawn_blocking(move || starter_models::unpack(&root)).await?;
    let noted = unpacked.and_then(|_| {
        for file in &starter_models::FILES {
            let stored = StoredFile { sha256: file.sha256.to_owned(), bytes: file.bytes };
            files.note(starter_models::MODEL, file.filename, &stored)?;
        }
        Ok(())
    });
    // A studio without it is still a studio.
    match noted {
        Ok(()) => tracing::info!("the model {} is ready", starter_models::MODEL),
        Err(error) => tracing::warn!("could not unpack the model {}: {error}", starter_models::MODEL),
    }
    Ok(())
}
