//! A value that fits a JSON schema, for the parts of the language that applications use.

use serde_json::{Map, Value, json};

use super::seed::Draw;
use super::words;
use crate::Failure;

/// Deeper schemas are refused: they are mistakes or attacks.
const MAX_DEPTH: usize = 16;
/// Words of the language that would change what fits and that are not understood here.
const UNKNOWN: &[&str] = &["$ref", "anyOf", "oneOf", "allOf", "not", "if", "pattern", "format", "multipleOf"];

/// A value that fits `schema`; a failure that names what is not understood.
pub(super) fn instance(schema: &Value, draw: &mut Draw) -> Result<Value, Failure> {
    nested(schema, draw, 0)
}

fn nested(schema: &Value, draw: &mut Draw, depth: usize) -> Result<Value, Failure> {
    if depth > MAX_DEPTH {
        return Err(refused(&format!("nested deeper than {MAX_DEPTH}")));
    }
    let Some(rules) = schema.as_object() else { return Ok(json!({})) };
    if let Some(word) = UNKNOWN.iter().find(|word| rules.contains_key(**word)) {
        return Err(refused(&format!("`{word}`")));
    }
    if let Some(fixed) = rules.get("const") {
        return Ok(fixed.clone());
    }
    if let Some(Value::Array(options)) = rules.get("enum")
        && !options.is_empty()
    {
        return Ok(options[draw.below(options.len())].clone());
    }
    let kind = match rules.get("type") {
        Some(Value::Array(kinds)) => kinds.first().and_then(Value::as_str),
        Some(kind) => kind.as_str(),
        None => Some("object"),
    };
    match kind.unwrap_or_default() {
        "object" => object(rules, draw, depth),
        "array" => array(rules, draw, depth),
        "string" => text(rules, draw),
        "integer" | "number" => number(rules, draw),
        "boolean" => Ok(json!(draw.below(2) == 1)),
        "null" => Ok(Value::Null),
        other => Err(refused(&format!("type `{other}`"))),
    }
}

fn object(rules: &Map<String, Value>, draw: &mut Draw, depth: usize) -> Result<Value, Failure> {
    let mut made = Map::new();
    if let Some(Value::Object(properties)) = rules.get("properties") {
        for (name, schema) in properties {
            made.insert(name.clone(), nested(schema, draw, depth + 1)?);
        }
    }
    for name in
        rules.get("required").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str)
    {
        made.entry(name).or_insert(Value::Null);
    }
    Ok(Value::Object(made))
}

fn array(rules: &Map<String, Value>, draw: &mut Draw, depth: usize) -> Result<Value, Failure> {
    /// What `minItems` may ask for.
    const MOST: u64 = 1_000;
    let least = rules.get("minItems").and_then(Value::as_u64).unwrap_or(1);
    let most = rules.get("maxItems").and_then(Value::as_u64).unwrap_or(least);
    if least > MOST {
        return Err(refused(&format!("`minItems` above {MOST}")));
    }
    let schema = rules.get("items").unwrap_or(&Value::Null);
    (0..least.min(most)).map(|_| nested(schema, draw, depth + 1)).collect::<Result<_, _>>().map(Value::Array)
}

fn text(rules: &Map<String, Value>, draw: &mut Draw) -> Result<Value, Failure> {
    /// What `minLength` may ask for.
    const MOST: u64 = 100_000;
    let least = rules.get("minLength").and_then(Value::as_u64).unwrap_or(0);
    let most = rules.get("maxLength").and_then(Value::as_u64).unwrap_or(u64::MAX);
    if least > MOST {
        return Err(refused(&format!("`minLength` above {MOST}")));
    }
    let mut made = words::text(draw, 4);
    while (made.len() as u64) < least {
        made = format!("{made} {}", words::text(draw, 4));
    }
    made.truncate(usize::try_from(most).unwrap_or(usize::MAX));
    Ok(Value::String(made))
}

fn number(rules: &Map<String, Value>, draw: &mut Draw) -> Result<Value, Failure> {
    let bound = |inclusive: &str, exclusive: &str, step: i64| {
        let exclusive = rules.get(exclusive).and_then(Value::as_i64).map(|bound| bound.saturating_add(step));
        exclusive.or_else(|| rules.get(inclusive).and_then(Value::as_f64).map(|bound| bound as i64))
    };
    let least = bound("minimum", "exclusiveMinimum", 1);
    let most = bound("maximum", "exclusiveMaximum", -1);
    let (least, most) = match (least, most) {
        (None, None) => (0, 100),
        (Some(least), None) => (least, least.saturating_add(100)),
        (None, Some(most)) => (most.saturating_sub(100), most),
        (Some(least), Some(most)) => (least, most),
    };
    if least > most {
        return Err(refused("a `minimum` above its `maximum`"));
    }
    let span = most.saturating_sub(least).clamp(0, 1_000).unsigned_abs() as usize;
    Ok(json!(least.saturating_add(i64::try_from(draw.below(span + 1)).unwrap_or(0))))
}

fn refused(what: &str) -> Failure {
    Failure::bad_input(format!("jsonSchema: the synthetic engine does not understand {what}"))
}

#[cfg(test)]
mod tests {
    use studio_protocol::Task;

    use super::*;
    use crate::synthetic::seed::Seed;

    fn made(schema: &Value) -> Result<Value, Failure> {
        let task: Task = serde_json::from_value(json!({"kind": "llm", "messages": []})).unwrap();
        instance(schema, &mut Seed::of(&task).draw(0))
    }

    #[test]
    fn values_fit_what_the_schema_says() {
        let value = made(&json!({
            "type": "object", "required": ["name", "extra"],
            "properties": {
                "name": {"type": "string", "minLength": 60, "maxLength": 70},
                "level": {"type": "integer", "minimum": 3, "maximum": 5},
                "kind": {"enum": ["cat"]},
                "tags": {"type": "array", "minItems": 2, "items": {"type": "boolean"}},
            }
        }))
        .unwrap();
        assert!((60..=70).contains(&value["name"].as_str().unwrap().len()), "{value}");
        assert!((3..=5).contains(&value["level"].as_i64().unwrap()), "{value}");
        assert_eq!(value["kind"], "cat");
        assert_eq!(value["tags"].as_array().unwrap().len(), 2);
        assert!(value.as_object().unwrap().contains_key("extra"));
    }

    #[test]
    fn what_is_not_understood_is_named() {
        for (schema, word) in [
            (json!({"$ref": "#/x"}), "$ref"),
            (json!({"type": "date"}), "date"),
            (json!({"type": "array", "minItems": 1_000_000}), "minItems"),
        ] {
            let failure = made(&schema).unwrap_err();
            assert!(failure.message.contains(word) && !failure.retryable, "{failure}");
        }
        let mut deep = json!({"type": "null"});
        for _ in 0..40 {
            deep = json!({"type": "array", "items": deep});
        }
        assert!(made(&deep).unwrap_err().message.contains("deeper"));
    }
}
