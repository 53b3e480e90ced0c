//! From columns to domain types: what does not convert is named by table, column and row.

use std::str::FromStr;

use rusqlite::Row;
use rusqlite::types::{FromSql, ValueRef};
use studio_protocol::Timestamp;

use crate::{Result, StoreError};

/// Reads a column that holds one of a fixed set of words.
pub(crate) fn word<T: FromStr>(row: &Row<'_>, index: usize, at: At) -> Result<T> {
    let text = row.get_ref(index)?.as_str().map_err(rusqlite::Error::from)?;
    text.parse().map_err(|_| bad(row, at, text.to_owned()))
}

/// Reads JSON that this program wrote.
pub(crate) fn json<T: serde::de::DeserializeOwned>(row: &Row<'_>, index: usize, at: At) -> Result<T> {
    let text = row.get_ref(index)?.as_str().map_err(rusqlite::Error::from)?;
    serde_json::from_str(text).map_err(|error| bad(row, at, error.to_string()))
}

/// Reads an id, straight into its type.
pub(crate) fn id<T: for<'a> From<&'a str>>(row: &Row<'_>, index: usize) -> Result<T> {
    Ok(T::from(row.get_ref(index)?.as_str().map_err(rusqlite::Error::from)?))
}

/// Reads an id that may be absent.
pub(crate) fn optional_id<T: for<'a> From<&'a str>>(row: &Row<'_>, index: usize) -> Result<Option<T>> {
    if row.get_ref(index)? == ValueRef::Null { Ok(None) } else { id(row, index).map(Some) }
}

/// Reads a time.
pub(crate) fn time(row: &Row<'_>, index: usize) -> Result<Timestamp> {
    Ok(Timestamp::from_millis(row.get(index)?))
}

/// Reads a time that may be absent.
pub(crate) fn optional_time(row: &Row<'_>, index: usize) -> Result<Option<Timestamp>> {
    Ok(row.get::<_, Option<i64>>(index)?.map(Timestamp::from_millis))
}

/// Reads a number that is never negative.
pub(crate) fn count(row: &Row<'_>, index: usize) -> Result<u64> {
    Ok(row.get::<_, i64>(index)?.max(0).cast_unsigned())
}

/// Reads the only row of a query, if there is one.
pub(crate) fn optional<T>(result: Result<T>) -> Result<Option<T>> {
    match result {
        Ok(value) => Ok(Some(value)),
        Err(StoreError::Sqlite(error)) if *error == rusqlite::Error::QueryReturnedNoRows => Ok(None),
        Err(error) => Err(error),
    }
}

/// Where a value that does not convert stands; the row's first column is its identity.
#[derive(Debug, Clone, Copy)]
pub(crate) struct At(pub(crate) &'static str, pub(crate) &'static str);

fn bad(row: &Row<'_>, At(table, column): At, value: String) -> StoreError {
    let identity = row.get_ref(0).ok().and_then(|first| {
        String::column_result(first).or_else(|_| i64::column_result(first).map(|seq| seq.to_string())).ok()
    });
    StoreError::BadRow { table, column, row: identity.unwrap_or_default(), value }
}
