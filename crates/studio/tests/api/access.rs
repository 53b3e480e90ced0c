//! Accounts and sessions: who comes in, who stays in, and what is not let through.

mod forms;
mod sessions;
mod sign_in;
mod users;
