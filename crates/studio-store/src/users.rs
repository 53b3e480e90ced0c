//! People: accounts, passwords, and that somebody can always administer.

use rusqlite::{Row, params};
use studio_protocol::Timestamp;

use crate::db::Db;
use crate::row::{At, id, optional_time, time, word};
use crate::{NewUser, PasswordHash, Result, Role, SecretHash, StoreError, User, UserChange, UserId};

/// The columns of [`user`], from the table `u`.
pub(crate) const COLUMNS: &str = "u.id, u.name, u.role, u.disabled, u.created_at, u.last_seen_at";

impl Db {
    /// Makes an account; the name may be taken in another case.
    pub fn create_user(&mut self, new: &NewUser, now: Timestamp) -> Result<User> {
        const SQL: &str = "\
            INSERT INTO users (id, name, folded, password, role, created_at) VALUES (?1, ?2, ?3, ?4, ?5, ?6)";
        self.atomically(|db| {
            let folded = folded(&new.name);
            if db.statement("SELECT 1 FROM users WHERE folded = ?1")?.exists([&folded])? {
                return Err(StoreError::conflict("user", &new.name, "exists already: choose another name"));
            }
            db.statement(SQL)?.execute(params![
                new.id.as_str(),
                new.name,
                folded,
                new.password.as_str(),
                new.role.as_str(),
                now.as_millis(),
            ])?;
            db.user(&new.id)
        })
    }

    /// Makes the first account of all and its first session; refused when there is anybody.
    pub fn create_first_user(&mut self, new: &NewUser, session: &SecretHash, now: Timestamp) -> Result<User> {
        self.atomically(|db| {
            if db.has_users()? {
                let problem = "has users already: sign in, or ask one of its admins for an account";
                return Err(StoreError::conflict("studio", "here", problem));
            }
            db.create_user(new, now)?;
            db.insert_session(&new.id, session, now)
        })
    }

    /// Whether anybody has an account.
    pub fn has_users(&self) -> Result<bool> {
        Ok(self.statement("SELECT 1 FROM users")?.exists([])?)
    }

    /// Everybody, in order of names.
    pub fn users(&self) -> Result<Vec<User>> {
        let mut select = self.statement(&format!("SELECT {COLUMNS} FROM users u ORDER BY u.folded"))?;
        select.query_and_then([], user)?.collect()
    }

    /// Who has this id.
    pub fn user(&self, wanted: &UserId) -> Result<User> {
        let mut select = self.statement(&format!("SELECT {COLUMNS} FROM users u WHERE u.id = ?1"))?;
        let mut rows = select.query([wanted.as_str()])?;
        rows.next()?.map_or_else(|| Err(StoreError::not_found("user", wanted.as_str())), user)
    }

    /// Who signs in with this name, and what their password is compared to.
    pub fn user_by_name(&self, name: &str) -> Result<Option<(User, PasswordHash)>> {
        self.with_password("u.folded", &folded(name))
    }

    /// What the password of `id` is compared to.
    pub fn password_of(&self, id: &UserId) -> Result<Option<PasswordHash>> {
        Ok(self.with_password("u.id", id.as_str())?.map(|(_, password)| password))
    }

    fn with_password(&self, column: &str, value: &str) -> Result<Option<(User, PasswordHash)>> {
        let sql = format!("SELECT {COLUMNS}, u.password FROM users u WHERE {column} = ?1");
        let mut select = self.statement(&sql)?;
        let mut rows = select.query([value])?;
        let found = rows
            .next()?
            .map(|row| Ok::<_, StoreError>((user(row)?, PasswordHash::new(row.get::<_, String>(6)?))));
        found.transpose()
    }

    /// Changes an account and ends its sessions; somebody who may administer has to remain.
    pub fn change_user(&mut self, id: &UserId, change: &UserChange) -> Result<User> {
        const SQL: &str = "\
            UPDATE users SET role = ifnull(?2, role), disabled = ifnull(?3, disabled), \
                password = ifnull(?4, password) \
            WHERE id = ?1";
        self.atomically(|db| {
            let had_admin = db.has_admin()?;
            db.user(id)?;
            db.statement(SQL)?.execute(params![
                id.as_str(),
                change.role.map(Role::as_str),
                change.disabled,
                change.password.as_ref().map(PasswordHash::as_str),
            ])?;
            db.must_have_admin(id, had_admin)?;
            if change.role.is_some() || change.disabled.is_some() || change.password.is_some() {
                db.end_sessions_of(id)?;
            }
            db.user(id)
        })
    }

    /// Removes an account with its sessions; somebody who may administer has to remain.
    pub fn remove_user(&mut self, id: &UserId) -> Result<User> {
        self.atomically(|db| {
            let had_admin = db.has_admin()?;
            let user = db.user(id)?;
            db.statement("DELETE FROM users WHERE id = ?1")?.execute([id.as_str()])?;
            db.must_have_admin(id, had_admin)?;
            Ok(user)
        })
    }

    fn must_have_admin(&self, id: &UserId, had_admin: bool) -> Result<()> {
        if had_admin && !self.has_admin()? {
            let problem = "is the last who may administer: make another admin first";
            return Err(StoreError::conflict("user", id.as_str(), problem));
        }
        Ok(())
    }
}

/// What makes two names the same.
fn folded(name: &str) -> String {
    name.trim().to_lowercase()
}

/// A row of [`COLUMNS`].
pub(crate) fn user(row: &Row<'_>) -> Result<User> {
    Ok(User {
        id: id(row, 0)?,
        name: row.get(1)?,
        role: word(row, 2, At("users", "role"))?,
        disabled: row.get(3)?,
        created_at: time(row, 4)?,
        last_seen_at: optional_time(row, 5)?,
    })
}
