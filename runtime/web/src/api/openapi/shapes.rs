//! What holds for all shapes of the document, and their attributes do not say each by itself.

use std::collections::BTreeSet;

use serde_json::{Map, Value, json};

/// What is before the name of a shape that is referred to.
const SCHEMAS: &str = "#/components/schemas/";
/// The shape that attributes make of a time, which says no more than that it is text.
const TIME: &str = "String";
/// What is before the name of a shape of whose items a page is.
const PAGE: &str = "Page_";

/// Makes the shapes say what the handlers do:
/// - A time is RFC 3339.
/// - A page refers to the shape of its items.
/// - A file is bytes.
/// - A parameter is there or not; there is no `null` in a path, a query or a header.
/// - What is answered has all its fields, `null` where there is nothing to say; what is left out instead is never `null`.
///   What is sent may leave out what may be `null`.
pub(super) fn mend(document: &mut Value) {
    times(document);
    files(document);
    parameters(document);
    let sent = sent(document);
    let Some(schemas) = document
        .pointer_mut("/components/schemas")
        .and_then(Value::as_object_mut)
    else {
        return;
    };
    schemas.remove(TIME);
    let names: BTreeSet<String> = schemas.keys().cloned().collect();
    for (name, schema) in schemas {
        let of = name.strip_prefix(PAGE).filter(|of| names.contains(*of));
        if let (Some(of), Some(items)) = (of, schema.pointer_mut("/properties/items/items")) {
            *items = json!({ "$ref": format!("{SCHEMAS}{of}") });
        }
        if !sent.contains(name) {
            all_there(schema);
        }
    }
}

fn times(value: &mut Value) {
    if let Value::Object(fields) = value
        && referred(fields) == Some(TIME)
    {
        fields.remove("$ref");
        fields.insert("type".to_owned(), json!("string"));
        fields.insert("format".to_owned(), json!("date-time"));
    }
    within(value, times);
}

/// Of bodies that are neither JSON nor text.
fn files(value: &mut Value) {
    if let Value::Object(fields) = value
        && let Some(Value::Object(content)) = fields.get_mut("content")
    {
        let is_file = |kind: &str| !kind.ends_with("json") && !kind.starts_with("text/");
        for (_, body) in content.iter_mut().filter(|(kind, _)| is_file(kind)) {
            *body = json!({ "schema": { "type": "string", "format": "binary" } });
        }
    }
    within(value, files);
}

fn parameters(value: &mut Value) {
    if let Value::Object(fields) = value
        && let Some(Value::Array(parameters)) = fields.get_mut("parameters")
    {
        for parameter in parameters {
            if let Some(kind) = parameter.pointer_mut("/schema/type")
                && let Some(Value::String(other)) = kind
                    .as_array()
                    .and_then(|kinds| kinds.iter().find(|kind| *kind != "null"))
            {
                *kind = json!(other);
            }
        }
    }
    within(value, parameters);
}

/// Requires each field that may be `null`.
fn all_there(schema: &mut Value) {
    let Value::Object(fields) = schema else { return };
    if let Some(Value::Array(parts)) = fields.get_mut("allOf") {
        parts.iter_mut().for_each(all_there);
    }
    let Some(Value::Object(properties)) = fields.get("properties") else {
        return;
    };
    let nullable = properties.iter().filter(|(_, property)| may_be_null(property));
    let nullable: Vec<Value> = nullable.map(|(name, _)| json!(name)).collect();
    let required = fields.entry("required").or_insert_with(|| json!([]));
    if let Value::Array(required) = required {
        for name in nullable {
            if !required.contains(&name) {
                required.push(name);
            }
        }
    }
    if fields.get("required") == Some(&json!([])) {
        fields.remove("required");
    }
}

fn may_be_null(property: &Value) -> bool {
    let is_null = |shape: &Value| shape.get("type").is_some_and(|kind| kind == "null");
    match (property.get("type"), property.get("oneOf")) {
        (Some(Value::Array(kinds)), _) => kinds.contains(&json!("null")),
        (None, Some(Value::Array(shapes))) => shapes.iter().any(is_null),
        // Nothing is said of it: it is any JSON.
        (None, _) => property.get("$ref").is_none() && property.get("allOf").is_none(),
        (Some(_), _) => false,
    }
}

/// The names of the shapes that requests bring.
fn sent(document: &Value) -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    let paths = document.get("paths").and_then(Value::as_object);
    let items = paths
        .into_iter()
        .flat_map(Map::values)
        .filter_map(Value::as_object);
    for operation in items.flat_map(Map::values) {
        if let Some(body) = operation.get("requestBody") {
            names_in(document, body, &mut names);
        }
    }
    names
}

/// Adds the names of all shapes that `value` refers to, and those that they refer to.
fn names_in(document: &Value, value: &Value, names: &mut BTreeSet<String>) {
    match value {
        Value::Object(fields) => {
            if let Some(name) = referred(fields)
                && names.insert(name.to_owned())
                && let Some(shape) = document.pointer(&format!("/components/schemas/{name}"))
            {
                names_in(document, shape, names);
            }
            fields.values().for_each(|value| names_in(document, value, names));
        }
        Value::Array(items) => items.iter().for_each(|value| names_in(document, value, names)),
        _ => (),
    }
}

/// The name of the shape that is referred to.
fn referred(fields: &Map<String, Value>) -> Option<&str> {
    fields.get("$ref")?.as_str()?.strip_prefix(SCHEMAS)
}

fn within(value: &mut Value, change: fn(&mut Value)) {
    match value {
        Value::Object(fields) => fields.values_mut().for_each(change),
        Value::Array(items) => items.iter_mut().for_each(change),
        _ => (),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn schemas(of: Value) -> Value {
        let mut document = json!({
            "paths": { "/x": { "post": { "requestBody": { "content": {
                "application/json": { "schema": { "$ref": "#/components/schemas/Sent" } },
                "audio/wav": { "schema": { "type": "array" } },
            } } } } },
            "components": { "schemas": of },
        });
        mend(&mut document);
        let wav = "/paths/~1x/post/requestBody/content/audio~1wav/schema/format";
        assert_eq!(document.pointer(wav), Some(&json!("binary")));
        document["components"]["schemas"].take()
    }

    #[test]
    fn what_is_answered_has_all_its_fields_and_what_is_sent_may_leave_some_out() {
        let shape = json!({ "type": "object", "required": ["a"], "properties": {
            "a": { "type": "string" },
            "left_out": { "type": "string" },
            "none": { "type": ["string", "null"] },
            "other": { "oneOf": [{ "type": "null" }, { "$ref": "#/components/schemas/String" }] },
            "within": { "$ref": "#/components/schemas/Within" },
        } });
        let made =
            schemas(json!({ "Sent": shape, "Told": { "allOf": [shape] }, "String": {}, "Within": shape }));
        assert_eq!(made["Sent"]["required"], json!(["a"]));
        assert_eq!(made["Within"]["required"], json!(["a"]));
        assert_eq!(
            made["Told"]["allOf"][0]["required"],
            json!(["a", "none", "other"])
        );
    }

    #[test]
    fn times_and_pages_say_what_they_are() {
        let made = schemas(json!({
            "Line": { "type": "object", "properties": { "at": { "$ref": "#/components/schemas/String" } } },
            "Page_Line": { "properties": { "items": { "items": { "type": "object" } } } },
            "String": { "type": "string" },
        }));
        assert_eq!(
            made["Line"]["properties"]["at"],
            json!({ "type": "string", "format": "date-time" })
        );
        assert_eq!(
            made["Page_Line"]["properties"]["items"]["items"],
            json!({ "$ref": "#/components/schemas/Line" })
        );
        assert_eq!(made.get("String"), None);
    }
}
