//! Accounts and the audit log.

use reqwest::Method;

use super::{Client, ClientError, pairs};
use crate::api::types::{AuditEntry, CreatedUser, Items, NewUser, Session, SetUpLink, User, UserPatch};

impl Client {
    /// `GET /api/v1/session`
    pub async fn who_am_i(&self) -> Result<Session, ClientError> {
        self.get(&["session"], &()).await
    }

    /// `GET /api/v1/users`
    pub async fn users(&self) -> Result<Vec<User>, ClientError> {
        Ok(self.get::<Items<User>>(&["users"], &()).await?.items)
    }

    /// `POST /api/v1/users`
    pub async fn create_user(&self, new: &NewUser) -> Result<CreatedUser, ClientError> {
        self.post(&["users"], new).await
    }

    /// `PATCH /api/v1/users/{id}`
    pub async fn change_user(&self, id: &str, change: &UserPatch) -> Result<User, ClientError> {
        self.json(self.request(Method::PATCH, &["users", id])?.json(change)).await
    }

    /// `DELETE /api/v1/users/{id}`
    pub async fn remove_user(&self, id: &str) -> Result<(), ClientError> {
        self.send(self.request(Method::DELETE, &["users", id])?).await.map(drop)
    }

    /// `POST /api/v1/set-up/link`
    pub async fn set_up_link(&self) -> Result<SetUpLink, ClientError> {
        self.json(self.request(Method::POST, &["set-up", "link"])?).await
    }

    /// `GET /api/v1/audit`
    pub async fn audit(
        &self,
        actor: Option<&str>,
        action: Option<&str>,
        limit: u32,
        cursor: Option<&str>,
    ) -> Result<Items<AuditEntry>, ClientError> {
        let limit = limit.to_string();
        let query =
            pairs(&[("actor", actor), ("action", action), ("limit", Some(&limit)), ("cursor", cursor)]);
        self.get(&["audit"], &query).await
    }
}
