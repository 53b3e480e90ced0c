//! `/`: what needs attention, and how the fleet is doing.

use axum::extract::State;
use studio_dashboard::{Area, pages};

use crate::dashboard::visit::{Answer, Page, Visit};
use crate::state::AppState;

pub async fn show(State(_state): State<AppState>, visit: Visit) -> Answer {
    Ok(Page(pages::home::page(&visit.shell("Home", Area::Home))))
}
