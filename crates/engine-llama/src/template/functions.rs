//! What transformers gives to templates beside Jinja itself.

use std::fmt::Write as _;

use minijinja::value::{Kwargs, Value as Jinja, ValueKind};
use minijinja::{Environment, Error, ErrorKind};
use serde_json::Value;

/// Makes them known.
pub fn install(environment: &mut Environment<'static>) {
    environment.add_function("raise_exception", |message: String| -> Result<String, Error> {
        Err(Error::new(ErrorKind::InvalidOperation, message))
    });
    environment.add_function("strftime_now", strftime_now);
    environment.add_filter("tojson", to_json);
}

fn strftime_now(format: &str) -> Result<String, Error> {
    let now = jiff::Timestamp::now().to_zoned(jiff::tz::TimeZone::UTC);
    jiff::fmt::strtime::format(format, &now)
        .map_err(|problem| Error::new(ErrorKind::InvalidOperation, format!("strftime_now: {problem}")))
}

/// Keys that models are used to see in this order; JSON from the wire has lost its own.
const ORDER: [&str; 13] = [
    "type",
    "id",
    "function",
    "role",
    "name",
    "description",
    "content",
    "arguments",
    "parameters",
    "properties",
    "items",
    "enum",
    "required",
];

/// A JSON value as Jinja sees it, with its keys in the usual order.
pub fn ordered(value: &Value) -> Jinja {
    match value {
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => Jinja::from_serialize(value),
        Value::Array(items) => items.iter().map(ordered).collect(),
        Value::Object(fields) => {
            let rank = |key: &str| ORDER.iter().position(|known| *known == key).unwrap_or(ORDER.len());
            let mut keys: Vec<&String> = fields.keys().collect();
            keys.sort_by_key(|key| rank(key));
            keys.into_iter().map(|key| (key.as_str(), ordered(&fields[key]))).collect()
        }
    }
}

/// How `json.dumps` is asked to write.
struct Style {
    indent: Option<usize>,
    item: String,
    key: String,
    ascii: bool,
    sorted: bool,
}

#[expect(clippy::needless_pass_by_value, reason = "filters take what minijinja hands over")]
fn to_json(value: &Jinja, kwargs: Kwargs) -> Result<String, Error> {
    let indent: Option<usize> = kwargs.get("indent")?;
    let separators: Option<Vec<String>> = kwargs.get("separators")?;
    let usual = if indent.is_some() { "," } else { ", " };
    let (item, key) = match separators.as_deref() {
        Some([item, key]) => (item.clone(), key.clone()),
        _ => (usual.to_owned(), ": ".to_owned()),
    };
    let ascii = kwargs.get::<Option<bool>>("ensure_ascii")?.unwrap_or(false);
    let sorted = kwargs.get::<Option<bool>>("sort_keys")?.unwrap_or(false);
    kwargs.assert_all_used()?;
    let mut out = String::new();
    write(&mut out, value, &Style { indent, item, key, ascii, sorted }, 1)?;
    Ok(out)
}

#[expect(clippy::wildcard_enum_match_arm, reason = "minijinja may add kinds; whatever prints is a text")]
fn write(out: &mut String, value: &Jinja, style: &Style, depth: usize) -> Result<(), Error> {
    match value.kind() {
        ValueKind::Undefined | ValueKind::None => out.push_str("null"),
        ValueKind::Bool => out.push_str(if value.is_true() { "true" } else { "false" }),
        ValueKind::Number => {
            let _ = write!(out, "{value}");
        }
        ValueKind::Map => {
            let mut keys: Vec<Jinja> = value.try_iter()?.collect();
            if style.sorted {
                keys.sort_by_key(ToString::to_string);
            }
            let entries =
                keys.into_iter().map(|key| value.get_item(&key).map(|item| (Some(key.to_string()), item)));
            list(out, ('{', '}'), entries.collect::<Result<_, _>>()?, style, depth)?;
        }
        ValueKind::Seq | ValueKind::Iterable => {
            list(out, ('[', ']'), value.try_iter()?.map(|item| (None, item)).collect(), style, depth)?;
        }
        _ => text(out, &value.to_string(), style.ascii),
    }
    Ok(())
}

type Entry = (Option<String>, Jinja);

fn list(
    out: &mut String,
    ends: (char, char),
    entries: Vec<Entry>,
    style: &Style,
    depth: usize,
) -> Result<(), Error> {
    let line = |out: &mut String, depth: usize| {
        if let Some(indent) = style.indent {
            out.push('\n');
            out.push_str(&" ".repeat(indent * depth));
        }
    };
    out.push(ends.0);
    let empty = entries.is_empty();
    for (at, (key, item)) in entries.into_iter().enumerate() {
        if at > 0 {
            out.push_str(&style.item);
        }
        line(out, depth);
        if let Some(key) = key {
            text(out, &key, style.ascii);
            out.push_str(&style.key);
        }
        write(out, &item, style, depth + 1)?;
    }
    if !empty {
        line(out, depth - 1);
    }
    out.push(ends.1);
    Ok(())
}

fn text(out: &mut String, text: &str, ascii: bool) {
    let quoted = serde_json::to_string(text).unwrap_or_default();
    if !ascii {
        out.push_str(&quoted);
        return;
    }
    for c in quoted.chars() {
        if c.is_ascii() {
            out.push(c);
            continue;
        }
        for unit in c.encode_utf16(&mut [0; 2]) {
            let _ = write!(out, "\\u{unit:04x}");
        }
    }
}
