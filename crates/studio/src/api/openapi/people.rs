//! Keys and people.

use axum::http::Method;

use super::operation::{Operation, operation};
use crate::api::types;

pub fn operations() -> Vec<Operation> {
    keys()
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
