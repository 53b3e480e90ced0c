//! Cutting a query's rows into pages.

use crate::{Cursor, Page, Result};

/// Rows of one page: a screen or a download step, not a dump.
const MAX_PAGE: u32 = 500;

/// A limit that can be served.
pub(crate) fn clamped(limit: u32) -> u32 {
    limit.clamp(1, MAX_PAGE)
}

/// Takes up to `limit` of the rows and their seqs; one more means that there is a next page.
pub(crate) fn page<T>(rows: impl Iterator<Item = Result<(T, i64)>>, limit: u32) -> Result<Page<T>> {
    let mut items = Vec::new();
    let mut last = 0;
    for row in rows {
        if items.len() == limit as usize {
            return Ok(Page { items, next_cursor: Some(Cursor(last)) });
        }
        let (item, seq) = row?;
        items.push(item);
        last = seq;
    }
    Ok(Page { items, next_cursor: None })
}
