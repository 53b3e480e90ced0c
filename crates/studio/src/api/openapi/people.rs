//! Projects, keys and people.

use axum::http::Method;

use super::operation::{Operation, operation};
use crate::api::types;

pub fn operations() -> Vec<Operation> {
    let mut all = projects();
    all.extend(webhooks());
    all.extend(keys());
    all.extend(session());
    all.extend(users());
    all
}

fn projects() -> Vec<Operation> {
    vec![
        operation(
            Method::GET,
            "/api/v1/projects",
            "projects",
            "listProjects",
            "Projects that the caller may see",
        )
        .items::<types::Project>("Every one of them"),
        operation(
            Method::GET,
            "/api/v1/projects/{id}",
            "projects",
            "getProject",
            "A project with its limits",
        )
        .json_answer::<types::Project>(200, "The project"),
        operation(
            Method::PUT,
            "/api/v1/projects/{id}",
            "projects",
            "putProject",
            "Make a project, or change it",
        )
        .may_take::<types::ProjectPatch>()
        .json_answer::<types::Project>(200, "The project afterwards"),
        operation(Method::PATCH, "/api/v1/projects/{id}", "projects", "changeProject", "Change a project")
            .takes::<types::ProjectPatch>()
            .json_answer::<types::Project>(200, "The project afterwards"),
        operation(
            Method::DELETE,
            "/api/v1/projects/{id}",
            "projects",
            "removeProject",
            "Remove an empty project",
        )
        .empty(204, "It is gone")
        .or([409]),
    ]
}

fn webhooks() -> Vec<Operation> {
    vec![
        operation(Method::GET, "/api/v1/webhooks", "webhooks", "listWebhooks", "Who is told what happens")
            .items::<types::Webhook>("Every webhook that the caller may see"),
        operation(
            Method::POST,
            "/api/v1/webhooks",
            "webhooks",
            "createWebhook",
            "Tell somebody what happens",
        )
        .takes::<types::NewWebhook>()
        .json_answer::<types::CreatedWebhook>(201, "The webhook with its secret")
        .or([409]),
        operation(Method::GET, "/api/v1/webhooks/{id}", "webhooks", "getWebhook", "A webhook")
            .json_answer::<types::Webhook>(200, "The webhook"),
        operation(Method::PATCH, "/api/v1/webhooks/{id}", "webhooks", "changeWebhook", "Change a webhook")
            .takes::<types::WebhookPatch>()
            .json_answer::<types::Webhook>(200, "The webhook afterwards"),
        operation(
            Method::DELETE,
            "/api/v1/webhooks/{id}",
            "webhooks",
            "removeWebhook",
            "Tell it nothing more",
        )
        .empty(204, "It is gone, with its log"),
        operation(
            Method::POST,
            "/api/v1/webhooks/{id}/secret",
            "webhooks",
            "showWebhookSecret",
            "What deliveries are signed with; another one when asked",
        )
        .may_take::<types::RotateSecret>()
        .json_answer::<types::WebhookSecret>(200, "The secret"),
        operation(
            Method::POST,
            "/api/v1/webhooks/{id}/test",
            "webhooks",
            "testWebhook",
            "Send something harmless",
        )
        .json_answer::<types::Delivery>(202, "The delivery, to be tried")
        .or([409]),
        operation(
            Method::GET,
            "/api/v1/webhooks/{id}/deliveries",
            "webhooks",
            "listDeliveries",
            "What a webhook was told, newest first",
        )
        .paged()
        .items::<types::Delivery>("A page of deliveries"),
        operation(
            Method::POST,
            "/api/v1/webhooks/{id}/deliveries/{delivery}/retry",
            "webhooks",
            "retryDelivery",
            "Try a delivery again now",
        )
        .json_answer::<types::Delivery>(202, "The delivery, to be tried")
        .or([409]),
    ]
}

fn keys() -> Vec<Operation> {
    vec![
        operation(Method::GET, "/api/v1/keys", "keys", "listKeys", "Keys, without their secrets")
            .items::<types::Key>("Every key"),
        operation(Method::POST, "/api/v1/keys", "keys", "createKey", "Make a key")
            .takes::<types::NewKey>()
            .json_answer::<types::CreatedKey>(201, "The key with its secret, shown once"),
        operation(Method::DELETE, "/api/v1/keys/{id}", "keys", "revokeKey", "Revoke a key")
            .about("The last key of an admin stays.")
            .empty(204, "It is good for nothing from now on")
            .or([409]),
    ]
}

fn session() -> Vec<Operation> {
    vec![
        operation(Method::POST, "/api/v1/session", "session", "signIn", "Sign in with name and password")
            .takes::<types::SignIn>()
            .json_answer::<types::Session>(200, "Who it is; the cookie is the session")
            .with("Set-Cookie", "The session")
            .or([401, 403, 429]),
        operation(Method::GET, "/api/v1/session", "session", "whoAmI", "Who asks, by key or by cookie")
            .json_answer::<types::Session>(200, "The caller"),
        operation(Method::DELETE, "/api/v1/session", "session", "signOut", "End this session")
            .empty(204, "The cookie is good for nothing from now on"),
        operation(
            Method::POST,
            "/api/v1/session/password",
            "session",
            "changePassword",
            "Another password for oneself; ends the other sessions",
        )
        .takes::<types::ChangePassword>()
        .json_answer::<types::Session>(200, "A new session")
        .or([429]),
        operation(
            Method::POST,
            "/api/v1/set-up",
            "session",
            "setUp",
            "Make the first account with a one-time link",
        )
        .takes::<types::SetUp>()
        .json_answer::<types::Session>(200, "The first admin, signed in")
        .with("Set-Cookie", "The session")
        .or([401, 403, 409, 429]),
        operation(
            Method::POST,
            "/api/v1/set-up/link",
            "session",
            "makeSetUpLink",
            "Make a link for the first account",
        )
        .json_answer::<types::SetUpLink>(201, "The link, shown once")
        .or([409]),
    ]
}

fn users() -> Vec<Operation> {
    vec![
        operation(Method::GET, "/api/v1/users", "users", "listUsers", "People with an account")
            .items::<types::User>("Every account"),
        operation(Method::POST, "/api/v1/users", "users", "createUser", "Make an account")
            .takes::<types::NewUser>()
            .json_answer::<types::CreatedUser>(201, "The account, with a password that the studio drew")
            .or([409]),
        operation(Method::PATCH, "/api/v1/users/{id}", "users", "changeUser", "Change an account")
            .takes::<types::UserPatch>()
            .json_answer::<types::User>(200, "The account afterwards")
            .or([409]),
        operation(Method::DELETE, "/api/v1/users/{id}", "users", "removeUser", "Remove an account")
            .empty(204, "It is gone, and its sessions have ended")
            .or([409]),
        operation(Method::GET, "/api/v1/audit", "audit", "listAudit", "What everybody did, newest first")
            .text_query("actor", "Only what this one did")
            .text_query("action", "Only this action")
            .paged()
            .items::<types::AuditEntry>("A page of entries"),
    ]
}
