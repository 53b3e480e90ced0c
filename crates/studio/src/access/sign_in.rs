//! Signing in, the first account, another password: everything that checks a secret that a person typed.

use std::net::IpAddr;
use std::time::{Duration, Instant};

use axum::http::HeaderMap;
use serde_json::json;
use studio_protocol::Timestamp;
use studio_store::{NewUser, Role, SecretHash, User};

use super::audit::{self, Actor};
use super::passwords;
use super::peer::Peer;
use super::sessions::{self, SignedIn};
use crate::api::Problem;
use crate::api::commit::commit;
use crate::api::text::{MAX_USER_NAME_CHARS, checked_name};
use crate::api::types::{ChangePassword, SetUp, SignIn};
use crate::events::{Area, StudioEvent};
use crate::rate::{RateLimit, network};
use crate::state::AppState;
use crate::{ids, secrets};

/// Wrong passwords from one address within [`WINDOW`]: more than anybody mistypes.
pub const TRIES_OF_ADDRESS: usize = 10;
/// And for one name, from everywhere: several people behind their own addresses do not lock each other out, and who
/// has many addresses gets no further than a few thousand tries a day.
pub const TRIES_OF_NAME: usize = 30;
/// After this long a try is forgotten.
pub const WINDOW: Duration = Duration::from_mins(10);

/// How often somebody may be wrong.
#[derive(Debug)]
pub struct SignInLimits {
    addresses: RateLimit<IpAddr>,
    names: RateLimit<String>,
}

impl Default for SignInLimits {
    fn default() -> Self {
        Self {
            addresses: RateLimit::new(TRIES_OF_ADDRESS, WINDOW),
            names: RateLimit::new(TRIES_OF_NAME, WINDOW),
        }
    }
}

/// One try that counts until it is known to be right.
struct Try<'a> {
    limits: &'a SignInLimits,
    address: IpAddr,
    name: String,
}

impl<'a> Try<'a> {
    fn begin(limits: &'a SignInLimits, peer: &Peer, name: &str) -> Result<Self, Problem> {
        let now = Instant::now();
        let address = network(peer.address);
        let name: String = name.trim().to_lowercase().chars().take(MAX_USER_NAME_CHARS).collect();
        limits.addresses.admit(address, now).map_err(wait)?;
        limits.names.admit(name.clone(), now).map_err(wait)?;
        Ok(Self { limits, address, name })
    }

    fn was_right(self) {
        self.limits.addresses.forgive(&self.address);
        self.limits.names.forgive(&self.name);
    }
}

fn wait(length: Duration) -> Problem {
    let seconds = length.as_secs() + 1;
    Problem::too_many_requests(format!("too many wrong passwords: wait {seconds} s, then try again"))
        .after(seconds)
}

/// Lets somebody in who knows their password, always with a new session; the one that the browser had ends.
pub async fn sign_in(
    state: &AppState,
    peer: &Peer,
    headers: &HeaderMap,
    given: SignIn,
) -> Result<SignedIn, Problem> {
    let attempt = Try::begin(&state.people.limits, peer, &given.name)?;
    let wanted = given.name.clone();
    let found = state.store.read(move |db| db.user_by_name(&wanted)).await?;
    let hash = found.as_ref().map(|(_, hash)| hash.clone());
    let fits = state.people.passwords.verify(given.password, hash).await?;
    let signed_in = match found {
        Some((user, verified)) if fits => {
            let secret = secrets::token();
            let (old, fresh, now) =
                (sessions::named(headers, peer), secrets::hash(&secret), Timestamp::now());
            let id = user.id.clone();
            let started = commit(
                state,
                move |db| {
                    let started = db.start_session(&id, &verified, &fresh, now)?;
                    if let (Some(_), Some(old)) = (&started, &old) {
                        db.end_session(old)?;
                    }
                    Ok(started)
                },
                |state, _| state.people.sessions.forget(),
            );
            match started.await? {
                Some(user) => Ok(SignedIn::new(state, peer, user, &secret)?),
                None => Err(Some(user)),
            }
        }
        found => Err(found.map(|(user, _)| user)),
    };
    let detail = json!({ "address": peer.address.to_string() });
    match signed_in {
        Ok(signed_in) => {
            attempt.was_right();
            audit::note(&state.store, Actor::of(&signed_in.user), "sign-in", 200, Some(detail));
            Ok(signed_in)
        }
        Err(known) => {
            // A name that nobody has may be a password in the wrong field: it is not kept.
            let actor = known.as_ref().map_or_else(Actor::unknown, Actor::of);
            audit::note(&state.store, actor, "sign-in", 401, Some(detail));
            Err(Problem::wrong_password())
        }
    }
}

/// Makes the first account, an admin, for whoever has the link, and lets them in.
pub async fn make_first_user(state: &AppState, peer: &Peer, given: SetUp) -> Result<SignedIn, Problem> {
    let link = &state.people.set_up;
    if !link.is_good(&given.token, Instant::now()) {
        return Err(Problem::forbidden(
            "this link is not good: it was used, is more than a day old, or a newer one was made; \
             `studio users set-up-link` makes one while nobody has an account",
        ));
    }
    let name = checked_name(given.name)?;
    passwords::check("password", &name, &given.password)?;
    let password = state.people.passwords.hash(given.password).await?;
    let new = NewUser { id: ids::user(), name, role: Role::Admin, password };
    let secret = secrets::token();
    let (session, now) = (secrets::hash(&secret), Timestamp::now());
    let user = commit(
        state,
        move |db| db.create_first_user(&new, &session, now),
        |state, _| {
            state.people.set_up.use_up();
            state.people.sessions.forget();
            state.events.publish(StudioEvent::Changed { what: Area::Users });
        },
    )
    .await?;
    let detail = json!({ "address": peer.address.to_string() });
    audit::note(&state.store, Actor::of(&user), "set-up", 200, Some(detail));
    SignedIn::new(state, peer, user, &secret)
}

/// Gives somebody who knows their password another one; ends their other sessions and begins a new one here.
pub async fn change_password(
    state: &AppState,
    peer: &Peer,
    user: &User,
    given: ChangePassword,
) -> Result<SignedIn, Problem> {
    passwords::check("new", &user.name, &given.new)?;
    // Somebody who found a browser open must not find the password too.
    let attempt = Try::begin(&state.people.limits, peer, &user.name)?;
    let id = user.id.clone();
    let current = state.store.read(move |db| db.password_of(&id)).await?;
    let fits = state.people.passwords.verify(given.current, current.clone()).await?;
    let Some(verified) = current.filter(|_| fits) else {
        return Err(Problem::invalid("current", "this is not the current password"));
    };
    attempt.was_right();
    let password = state.people.passwords.hash(given.new).await?;
    let secret = secrets::token();
    let (id, session, now) = (user.id.clone(), secrets::hash(&secret), Timestamp::now());
    let changed = commit(
        state,
        move |db| db.replace_password(&id, &verified, &password, &session, now),
        |state, _| sessions_changed(state),
    );
    match changed.await? {
        Some(user) => SignedIn::new(state, peer, user, &secret),
        None => Err(Problem::conflict("the account has just been changed: sign in again")),
    }
}

/// Ends one session; whether there was one.
pub async fn sign_out(state: &AppState, session: SecretHash) -> Result<bool, Problem> {
    commit(state, move |db| db.end_session(&session), |state, _| sessions_changed(state)).await
}

/// After sessions may have ended: nobody is let in from memory, and open streams look again.
pub fn sessions_changed(state: &AppState) {
    state.people.sessions.forget();
    state.events.publish(StudioEvent::Changed { what: Area::Users });
}
