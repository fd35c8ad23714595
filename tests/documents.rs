//! The documents that describe the server: well-formed, and the same from wherever they are taken.

use std::process::Command;

use serde_json::Value;

use crate::support::{Server, asyncapi, complaints, schema};

/// Every value of the document with its JSON pointer.
fn everything() -> Vec<(String, &'static Value)> {
    let mut found = vec![(String::new(), asyncapi())];
    let mut at = 0;
    while let Some((pointer, value)) = found.get(at).cloned() {
        at += 1;
        match value {
            Value::Object(members) => found.extend(members.iter().map(|(name, member)| {
                let name = name.replace('~', "~0").replace('/', "~1");
                (format!("{pointer}/{name}"), member)
            })),
            Value::Array(items) => {
                let items = items.iter().enumerate();
                found.extend(items.map(|(n, item)| (format!("{pointer}/{n}"), item)));
            }
            _ => {}
        }
    }
    found
}

/// The schemas of the document, without those that are part of another one.
fn schemas() -> Vec<(String, &'static Value)> {
    let components = &asyncapi()["components"];
    let messages = components["messages"].as_object().unwrap();
    let payloads = messages.iter().map(|(name, message)| {
        let pointer = format!("/components/messages/{name}/payload");
        (pointer, &message["payload"])
    });
    let schemas = components["schemas"].as_object().unwrap();
    let schemas = schemas
        .iter()
        .map(|(name, schema)| (format!("/components/schemas/{name}"), schema));
    payloads.chain(schemas).collect()
}

fn is_in_a_schema(pointer: &str) -> bool {
    let is_payload = pointer.starts_with("/components/messages/") && pointer.contains("/payload");
    (is_payload || pointer.starts_with("/components/schemas/")) && !pointer.contains("/examples/")
}

fn target(reference: &Value) -> &'static Value {
    let pointer = reference["$ref"].as_str().unwrap().strip_prefix('#').unwrap();
    asyncapi()
        .pointer(pointer)
        .unwrap_or_else(|| panic!("{pointer} leads nowhere"))
}

fn members(pointer: &str) -> &'static serde_json::Map<String, Value> {
    asyncapi().pointer(pointer).unwrap().as_object().unwrap()
}

#[tokio::test]
async fn the_sockets_are_described_alike_over_http_and_by_the_program() {
    let server = Server::start().await;
    let url = format!("http://{}/asyncapi.json", server.address());
    let served = reqwest::get(url).await.unwrap();
    assert_eq!(served.status(), 200);
    assert_eq!(served.headers()["content-type"], "application/json");
    let served = served.text().await.unwrap();
    let folder = tempfile::tempdir().unwrap();
    let printed = Command::new(env!("CARGO_BIN_EXE_turnout"))
        .arg("asyncapi")
        .env_clear()
        // What is wrong with the configuration is no matter here.
        .env("TURNOUT_LISTEN", "nonsense")
        .current_dir(folder.path())
        .output()
        .unwrap();
    assert!(
        printed.status.success() && printed.stderr.is_empty(),
        "{printed:?}"
    );
    assert_eq!(served, String::from_utf8(printed.stdout).unwrap());
    assert_eq!(folder.path().read_dir().unwrap().count(), 0, "nothing is set up");
    let document: Value = serde_json::from_str(&served).unwrap();
    assert_eq!(document["info"]["version"], env!("CARGO_PKG_VERSION"));
    server.stop().await;
}

#[test]
fn every_reference_leads_somewhere_and_stands_alone() {
    let everything = everything();
    let references = everything.iter().filter(|(_, value)| value["$ref"].is_string());
    let mut count = 0;
    for (pointer, reference) in references {
        target(reference);
        assert_eq!(reference.as_object().unwrap().len(), 1, "{pointer}");
        count += 1;
    }
    assert!(count > 100);
}

#[test]
fn the_document_has_what_the_specification_requires() {
    let document = asyncapi();
    let known = [
        "asyncapi",
        "info",
        "defaultContentType",
        "servers",
        "channels",
        "operations",
        "components",
    ];
    for name in document.as_object().unwrap().keys() {
        assert!(known.contains(&name.as_str()) || name.starts_with("x-"), "{name}");
    }
    assert!(document["info"]["title"].is_string() && document["info"]["version"].is_string());
    for server in members("/servers").values() {
        assert!(
            server["host"].is_string() && server["protocol"].is_string(),
            "{server}"
        );
        let host = server["host"].as_str().unwrap();
        for name in server["variables"].as_object().unwrap().keys() {
            assert!(host.contains(&format!("{{{name}}}")), "{name} is not in {host}");
        }
    }
    let mut addresses = Vec::new();
    for (name, channel) in members("/channels") {
        let address = channel["address"].as_str().unwrap();
        let parameters = channel["parameters"].as_object();
        let named: Vec<&str> = address
            .split('{')
            .skip(1)
            .map(|rest| rest.split('}').next().unwrap())
            .collect();
        let described = parameters.map_or_else(Vec::new, |parameters| parameters.keys().collect());
        assert_eq!(named, described, "{name}");
        for (id, message) in channel["messages"].as_object().unwrap() {
            let message = target(message);
            assert_eq!(message["name"], id.as_str(), "{name}");
            assert!(message["payload"].is_object(), "{name}");
        }
        addresses.push(address);
    }
    addresses.sort_unstable();
    assert_eq!(
        addresses,
        [
            "/api/v1/activities/{id}/capacity",
            "/api/v1/rsvps/{id}/status",
            "/api/v1/ws"
        ]
    );
}

#[test]
fn operations_use_the_messages_of_their_channels() {
    let mut used = std::collections::BTreeSet::new();
    for (name, operation) in members("/operations") {
        let action = operation["action"].as_str().unwrap();
        assert!(["send", "receive"].contains(&action), "{name}");
        assert!(operation["summary"].is_string(), "{name}");
        assert_eq!(operation["reply"].is_object(), action == "send", "{name}");
        let sides = [Some(operation), operation.get("reply")];
        for side in sides.into_iter().flatten() {
            let channel = side["channel"]["$ref"].as_str().unwrap();
            assert!(target(&side["channel"])["address"].is_string(), "{name}");
            for message in side["messages"].as_array().unwrap() {
                target(message);
                let message = message["$ref"].as_str().unwrap();
                assert!(
                    message.starts_with(&format!("{channel}/messages/")),
                    "{name}: {message}"
                );
                used.insert(message.trim_start_matches('#').to_owned());
            }
        }
    }
    for channel in members("/channels").keys() {
        let messages = format!("/channels/{channel}/messages");
        for message in members(&messages).keys() {
            let message = format!("{messages}/{message}");
            assert!(used.contains(&message), "nobody uses {message}");
        }
    }
}

#[test]
fn schemas_are_schemas_of_both_drafts() {
    for (pointer, schema) in schemas() {
        if let Err(error) = jsonschema::draft202012::meta::validate(schema) {
            panic!("{pointer}: {error}");
        }
        // Without another format named, those of AsyncAPI are of draft 7.
        if let Err(error) = jsonschema::draft7::meta::validate(schema) {
            panic!("{pointer}: {error}");
        }
    }
}

#[test]
fn every_object_is_complete_and_every_member_described() {
    let everything = everything();
    let whole = everything
        .iter()
        .filter(|(pointer, schema)| is_in_a_schema(pointer) && schema["type"] == "object");
    let mut count = 0;
    for (pointer, schema) in whole {
        if *pointer == "/components/messages/command/payload/properties/args" {
            // Which members there are depends on the operation.
            continue;
        }
        assert_eq!(schema["additionalProperties"], false, "{pointer}");
        let none = serde_json::Map::new();
        let properties = schema["properties"].as_object().unwrap_or(&none);
        for required in schema["required"].as_array().into_iter().flatten() {
            assert!(
                properties.contains_key(required.as_str().unwrap()),
                "{pointer}: {required}"
            );
        }
        for (name, member) in properties {
            let mut member = member;
            while member["$ref"].is_string() {
                member = target(member);
            }
            let description = member["description"].as_str().unwrap_or_default();
            assert!(description.ends_with(['.', '|']), "{pointer}: {name}");
            count += 1;
        }
    }
    assert!(count > 100);
}

#[test]
fn every_example_fits_its_schema() {
    for (name, message) in members("/components/messages") {
        let examples = message["examples"].as_array().unwrap();
        assert!(!examples.is_empty(), "{name}");
        let whole = schema(&format!("/components/messages/{name}/payload"));
        for example in examples {
            let payload = &example["payload"];
            assert_eq!(payload["type"], name.as_str());
            let complaints = complaints(&whole, payload);
            assert!(
                complaints.is_empty(),
                "{name}, {}:\n{complaints}",
                example["name"]
            );
            let mut more = payload.clone();
            more["colour"] = "red".into();
            assert!(!whole.is_valid(&more), "{name} takes whatever comes");
        }
    }
    let everything = everything();
    let parts = everything
        .iter()
        .filter(|(pointer, value)| is_in_a_schema(pointer) && value["examples"].is_array());
    for (pointer, part) in parts {
        let part_schema = schema(pointer);
        for example in part["examples"].as_array().unwrap() {
            let complaints = complaints(&part_schema, example);
            assert!(complaints.is_empty(), "{pointer}: {complaints}");
        }
    }
}
