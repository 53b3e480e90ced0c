//! Jobs: from their submission to their end.

mod act;
mod attended;
mod cancel;
mod claim;
mod detail;
mod fail;
mod finish;
mod give_back;
mod list;
mod logs;
mod moved;
mod retry;
mod rows;
mod standing;
mod submit;

pub(crate) use cancel::cancel_one;
pub(crate) use give_back::requeue;
pub(crate) use retry::retry_one;
pub(crate) use rows::{JOB, job as job_row, job_of};
pub(crate) use standing::{Claim, end_attempt};
