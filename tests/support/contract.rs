//! What sockets may say and hear: the schemas of the server's own AsyncAPI document.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use jsonschema::Validator;
use serde_json::{Value, json};

/// The schemas of all messages that go one way, by type.
struct Schemas(BTreeMap<String, Validator>);

/// What clients send.
static SENT: LazyLock<Schemas> = LazyLock::new(|| Schemas::of("send"));
/// What they receive.
static RECEIVED: LazyLock<Schemas> = LazyLock::new(|| Schemas::of("receive"));

/// The document that describes the sockets.
pub(crate) fn asyncapi() -> &'static Value {
    static DOCUMENT: LazyLock<Value> =
        LazyLock::new(|| serde_json::from_str(turnout::ws::asyncapi::document()).unwrap());
    &DOCUMENT
}

/// A schema of the document by its JSON pointer, such as `/components/schemas/rsvp`.
pub(crate) fn schema(pointer: &str) -> Validator {
    let schema = json!({"$ref": format!("#{pointer}"), "components": asyncapi()["components"]});
    jsonschema::draft202012::options()
        .should_validate_formats(true)
        .build(&schema)
        .unwrap_or_else(|error| panic!("{pointer}: {error}"))
}

/// What a value has against a schema, one complaint per line; nothing if it fits.
pub(crate) fn complaints(schema: &Validator, value: &Value) -> String {
    let complaints = schema.iter_errors(value);
    let lines: Vec<String> = complaints
        .map(|error| format!("{}: {error}", error.instance_path()))
        .collect();
    lines.join("\n")
}

/// Checks that a message of the server is as described.
pub(crate) fn assert_received(message: &Value) {
    RECEIVED.assert_fits(message);
}

/// Checks that a message of a client is as described.
pub(crate) fn assert_sent(message: &Value) {
    SENT.assert_fits(message);
}

/// Checks that a message of a client is not as described: a test that says something wrong on purpose means it.
pub(crate) fn assert_not_sendable(message: &Value) {
    assert!(SENT.complaints(message).is_some(), "{message} is as described");
}

impl Schemas {
    fn of(action: &str) -> Self {
        let operations = asyncapi()["operations"].as_object().unwrap();
        let mut schemas = BTreeMap::new();
        for operation in operations.values() {
            let mut messages = Vec::new();
            if operation["action"] == action {
                messages.extend(operation["messages"].as_array().unwrap());
            }
            if action == "receive" {
                messages.extend(operation["reply"]["messages"].as_array().into_iter().flatten());
            }
            for message in messages {
                let kind = message["$ref"].as_str().unwrap().rsplit('/').next().unwrap();
                schemas
                    .entry(kind.to_owned())
                    .or_insert_with(|| schema(&format!("/components/messages/{kind}/payload")));
            }
        }
        Self(schemas)
    }

    fn complaints(&self, message: &Value) -> Option<String> {
        let kind = message["type"].as_str().unwrap_or_default();
        let Some(schema) = self.0.get(kind) else {
            return Some("there is no such type".to_owned());
        };
        Some(complaints(schema, message)).filter(|complaints| !complaints.is_empty())
    }

    fn assert_fits(&self, message: &Value) {
        if let Some(complaints) = self.complaints(message) {
            panic!("{message} is not as described:\n{complaints}");
        }
    }
}
