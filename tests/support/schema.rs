//! Whether a document is as a JSON Schema says.

use serde_json::Value;

/// The part of JSON Schema that our schemas use; faults with their paths.
pub(crate) fn validate(root: &Value, schema: &Value, value: &Value, path: &str, faults: &mut Vec<String>) {
    if let Some(target) = schema["$ref"].as_str().and_then(|r| r.strip_prefix('#')) {
        let target = root.pointer(target).unwrap_or_else(|| panic!("{target} is defined"));
        return validate(root, target, value, path, faults);
    }
    let mut fail = |why: &str| faults.push(format!("{path}: {why}: {value}"));
    if schema.get("const").is_some_and(|c| c != value) {
        fail("not the constant");
    }
    if schema["enum"].as_array().is_some_and(|e| !e.contains(value)) {
        fail("not one of the words");
    }
    if !has_type(&schema["type"], value) {
        fail("wrong type");
    }
    if let (Some(least), Some(number)) = (schema["minimum"].as_i64(), value.as_i64())
        && number < least
    {
        fail("too small");
    }
    for name in schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str) {
        if value.get(name).is_none() {
            fail(&format!("lacks {name}"));
        }
    }
    if let (Some(fields), Some(properties)) = (value.as_object(), schema["properties"].as_object()) {
        for (name, field) in fields {
            match properties.get(name) {
                Some(schema) => validate(root, schema, field, &format!("{path}/{name}"), faults),
                None => faults.push(format!("{path}: unknown field {name}")),
            }
        }
    }
    for (i, item) in value.as_array().into_iter().flatten().enumerate() {
        validate(root, &schema["items"], item, &format!("{path}/{i}"), faults);
    }
}

fn has_type(types: &Value, value: &Value) -> bool {
    let is = |name: &str| match name {
        "object" => value.is_object(),
        "array" => value.is_array(),
        "string" => value.is_string(),
        "integer" => value.is_i64() || value.is_u64(),
        "boolean" => value.is_boolean(),
        "null" => value.is_null(),
        _ => false,
    };
    match types {
        Value::String(name) => is(name),
        Value::Array(names) => names.iter().filter_map(Value::as_str).any(is),
        _ => true,
    }
}
