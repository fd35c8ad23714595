//! What sockets speak, as an AsyncAPI 3 document for people and machines: `asyncapi.json` beside this file.
//!
//! The document is written by hand and holds the contract. The tests here hold the code to it, and everything that the
//! server's tests say and hear over sockets is checked against its schemas.

use std::sync::LazyLock;

/// The document, with the version of this program: the same for whoever asks over HTTP or by command.
pub fn document() -> &'static str {
    static DOCUMENT: LazyLock<String> =
        LazyLock::new(|| include_str!("asyncapi.json").replacen("{version}", env!("CARGO_PKG_VERSION"), 1));
    &DOCUMENT
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::fs;
    use std::path::Path;

    use serde_json::Value;

    use super::*;
    use crate::api::Code;
    use crate::ws::Encoding;
    use crate::ws::close::Close;
    use crate::ws::incoming::{self, Message, Op};
    use crate::ws::limits;

    /// A list of the variants of an enum with their names, and a match that does not compile when one is missing.
    macro_rules! named {
        ($function:ident($type:ty), $all:ident: $($variant:pat => $name:literal),* $(,)?) => {
            const $all: &[&str] = &[$($name),*];

            fn $function(value: &$type) -> &'static str {
                match value { $($variant => $name),* }
            }
        };
    }

    /// All variants of an enum without data, by a match that does not compile when one is missing.
    macro_rules! every {
        ($type:ident: $($variant:ident),* $(,)?) => {{
            let _ = |value: $type| match value { $($type::$variant => ()),* };
            [$($type::$variant),*]
        }};
    }

    named!(type_of(Message), INCOMING:
        Message::Hello(_) => "hello",
        Message::Subscribe(..) => "subscribe",
        Message::Unsubscribe(..) => "unsubscribe",
        Message::Command(..) => "command",
        Message::Auth(..) => "auth",
        Message::Visibility(..) => "visibility",
    );

    named!(name_of(Op), OPS:
        Op::Reserve => "reserve",
        Op::Update => "update",
        Op::Cancel => "cancel",
        Op::Accept => "accept",
        Op::Decline => "decline",
        Op::CheckIn => "check_in",
        Op::UndoCheckIn => "undo_check_in",
        Op::Promote => "promote",
        Op::Remove => "remove",
        Op::SetCapacity => "set_capacity",
        Op::PauseWaitlist => "pause_waitlist",
    );

    fn described() -> Value {
        serde_json::from_str(document()).unwrap()
    }

    fn set<'a>(names: impl IntoIterator<Item = &'a str>) -> BTreeSet<String> {
        names.into_iter().map(str::to_owned).collect()
    }

    fn texts(values: &Value) -> BTreeSet<String> {
        set(values
            .as_array()
            .unwrap()
            .iter()
            .map(|value| value.as_str().unwrap()))
    }

    /// The types of the messages that operations send or receive.
    fn types(document: &Value, action: &str) -> BTreeSet<String> {
        let operations = document["operations"].as_object().unwrap().values();
        let replies = |operation: &Value| operation["reply"]["messages"].as_array().cloned();
        let messages = operations.flat_map(|operation| {
            let own = (operation["action"] == action).then(|| operation["messages"].as_array().cloned());
            let replied = (action == "receive").then(|| replies(operation));
            [own, replied].into_iter().flatten().flatten().flatten()
        });
        messages
            .map(|message| {
                let message = message["$ref"].as_str().unwrap();
                message.rsplit('/').next().unwrap().to_owned()
            })
            .collect()
    }

    /// The texts between `before` and the next quotation mark.
    fn quoted<'a>(source: &'a str, before: &'a str) -> impl Iterator<Item = &'a str> {
        source
            .split(before)
            .skip(1)
            .map(|rest| rest.split('"').next().unwrap())
    }

    /// The sources of this folder and of what it shows, apart from their tests.
    fn sources(folder: &Path, found: &mut Vec<String>) {
        for entry in fs::read_dir(folder).unwrap().map(Result::unwrap) {
            let path = entry.path();
            if path.is_dir() {
                sources(&path, found);
            } else if path.extension().is_some_and(|ending| ending == "rs") && !path.ends_with("asyncapi.rs")
            {
                let source = fs::read_to_string(path).unwrap();
                found.push(source.split("#[cfg(test)]").next().unwrap().to_owned());
            }
        }
    }

    #[test]
    fn it_is_of_this_version() {
        assert_eq!(described()["info"]["version"], env!("CARGO_PKG_VERSION"));
        assert_eq!(described()["asyncapi"], "3.0.0");
    }

    #[test]
    fn it_has_every_message_that_a_client_may_say_and_the_server_takes_each_of_its_examples() {
        let document = described();
        assert_eq!(types(&document, "send"), set(INCOMING.iter().copied()));
        let mut ops = BTreeSet::new();
        for kind in INCOMING {
            let examples = document["components"]["messages"][kind]["examples"].as_array();
            for example in examples.unwrap() {
                let message = incoming::message(example["payload"].clone());
                let message = message.unwrap_or_else(|_| panic!("{example} is no message"));
                assert_eq!(type_of(&message), *kind);
                if let Message::Command(_, command) = &message {
                    ops.insert(name_of(&command.op.0).to_owned());
                }
            }
        }
        assert_eq!(ops, set(OPS.iter().copied()));
        assert_eq!(texts(&document["components"]["schemas"]["op"]["enum"]), ops);
    }

    #[test]
    fn it_has_every_message_that_the_server_may_say() {
        let src = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
        let mut found = Vec::new();
        sources(&src.join("ws"), &mut found);
        sources(&src.join("api/views"), &mut found);
        let said = found.iter().flat_map(|source| {
            [
                quoted(source, "kind: \""),
                quoted(source, "kind: Some(\""),
                quoted(source, "serialize_entry(\"type\", \""),
            ]
            .into_iter()
            .flatten()
        });
        let document = described();
        assert_eq!(types(&document, "receive"), set(said));
        let messages = document["components"]["messages"].as_object().unwrap();
        let all = &types(&document, "receive") | &set(INCOMING.iter().copied());
        assert_eq!(set(messages.keys().map(String::as_str)), all);
    }

    #[test]
    fn it_has_every_reason_to_close() {
        let all = every!(Close: GoingAway, TooBig, Protocol, Unauthenticated, Forbidden, Revoked, Draining,
            Overloaded, Slow, TooManySockets, TokenExpired);
        let described: Vec<Value> = described()["x-close-codes"].as_array().unwrap().clone();
        let table: Vec<_> = described
            .iter()
            .map(|close| {
                assert!(close["when"].is_string() && close["then"].is_string(), "{close}");
                (
                    close["code"].as_u64().unwrap() as u16,
                    close["reason"].as_str().unwrap(),
                )
            })
            .collect();
        assert_eq!(table, all.map(|close| (close.code(), close.reason())));
    }

    #[test]
    fn its_codes_of_errors_are_codes_of_ours_and_are_explained() {
        let document = described();
        let schema = &document["components"]["schemas"]["errorCode"];
        let known = set(Code::ALL.iter().map(|code| code.as_str()));
        let codes = texts(&schema["enum"]);
        assert!(codes.is_subset(&known), "{:?}", &codes - &known);
        let table = schema["description"].as_str().unwrap();
        assert_eq!(set(quoted(&table.replace("` |", "\""), "\n| `")), codes);
    }

    #[test]
    fn it_has_the_forms_of_messages_and_the_bounds_of_sockets() {
        let document = described();
        let protocols = document["x-sub-protocols"].as_array().unwrap();
        let names: Vec<&str> = protocols
            .iter()
            .map(|protocol| protocol["name"].as_str().unwrap())
            .collect();
        assert_eq!(names, Encoding::ALL.map(Encoding::protocol));
        let description = document["info"]["description"].as_str().unwrap();
        for bound in [
            format!("{} KiB per message", limits::MESSAGE_BYTES_MAX / 1_024),
            format!("{} levels", limits::MESSAGE_DEPTH_MAX),
            format!("{} subscriptions", limits::SUBSCRIPTIONS_MAX),
            format!("{} commands in flight", limits::COMMANDS_MAX),
            format!("{} that are answered with many RSVPs", limits::LONG_ANSWERS_MAX),
            format!(
                "{} messages at once and {} per second",
                limits::MESSAGES_BURST,
                limits::MESSAGES_PER_S
            ),
            format!("{} KiB of answers", limits::QUEUE_BYTES_MAX / 1_024),
            format!("{} s in which", limits::STALL_LIMIT.as_secs()),
            format!("`hello` within {} s", limits::HELLO_LIMIT.as_secs()),
            format!("pings every {} s", limits::PING_EVERY.as_secs()),
            format!("silent for {} s", limits::SILENCE_LIMIT.as_secs()),
        ] {
            assert!(description.contains(&bound), "{bound}");
        }
        let welcome = &document["components"]["messages"]["welcome"]["examples"][0]["payload"];
        assert_eq!(welcome["limits"]["message_bytes"], limits::MESSAGE_BYTES_MAX);
    }
}
