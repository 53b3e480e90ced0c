//! Pieces that pages share.
//!
//! What a script changes in place carries a `data-` attribute: `data-job` on anything that shows a job,
//! `data-live` on a region that is fetched again, `data-api` on what calls the API.

mod forms;
mod icon;
mod plot;
mod show;

pub use forms::{Button, button, check as check_box, dialog, field, hidden, number, select, text, text_area};
pub use icon::{Icon, icon};
pub use plot::{Plot, Series, plot};
pub use show::{
    badge, bytes, copy, count, dom_id, duration_ms, empty, gib, job_progress, job_state, kind, meter, more,
    ratio, segment, tabs, time, tone_of,
};

#[cfg(test)]
pub(crate) mod tests;
