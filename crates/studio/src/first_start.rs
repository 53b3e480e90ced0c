//! The first admin key: made once, kept where only the studio's user can read it.

use anyhow::Context;
use studio_protocol::Timestamp;
use studio_runtime::{Mode, write_atomic};
use studio_store::{Db, NewApiKey, Role, Store};

use crate::settings::Settings;
use crate::{ids, secrets};

/// Makes an admin key when there is none at all, and says where it is.
///
/// The file is written first: a crash in between leaves a key that opens nothing, which the next start replaces.
pub async fn ensure_admin_key(store: &Store, settings: &Settings) -> anyhow::Result<()> {
    let path = settings.admin_key();
    let keys = store.read(Db::keys).await?;
    if keys.iter().any(|key| key.role == Role::Admin) {
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
    };
    store.write(move |db| db.create_key(&key, Timestamp::now())).await?;
    tracing::info!("the admin key is in {}", path.display());
    Ok(())
}
