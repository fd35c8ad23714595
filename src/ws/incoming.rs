//! What clients say: from the bytes of a frame to messages.
//!
//! A frame of either form becomes values first and messages then, so that both forms are judged alike. What is no
//! value at all is an error of the protocol; what is no message is told what is wrong with it.

use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use turnout_actors::domain::{ActivityId, History, Seq};

use super::encoding::Encoding;
use super::limits::MESSAGE_DEPTH_MAX;
use crate::api::{Problem, Word, validation_problem};

/// The longest `id` of a message, in characters.
const ID_MAX_CHARS: usize = 64;

/// What a client says.
pub(super) enum Message {
    Hello(Hello),
    Subscribe(Id, Subscribe),
    Unsubscribe(Id, ActivityId),
    Command(Id, Box<Command>),
    Auth(Id, String),
    Visibility(Id, bool),
}

/// What a client calls its message, to know the answer by.
pub(super) type Id = String;

/// A message that cannot be understood.
pub(super) struct Wrong {
    /// What the client calls it, where that can be read.
    pub(super) id: Option<Id>,
    pub(super) problem: Problem,
}

/// What came is no message, and whatever follows could not be told from it.
#[derive(Debug)]
pub(super) struct NotParsable;

/// The first message.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Hello {
    pub(super) token: Option<String>,
    /// Each is judged by itself, so that one that is wrong is no harm to the others.
    pub(super) subscribe: Option<Vec<Value>>,
}

/// Whose changes are to be told, and from where on.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Subscribe {
    pub(super) activity: ActivityId,
    pub(super) epoch: Option<History>,
    pub(super) seq: Option<Seq>,
    pub(super) token: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Unsubscribe {
    activity: ActivityId,
}

/// An order.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Command {
    pub(super) key: Option<String>,
    pub(super) activity: ActivityId,
    pub(super) op: Word<Op>,
    pub(super) args: Option<Value>,
    pub(super) if_version: Option<u32>,
}

/// What can be ordered.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Op {
    Reserve,
    Update,
    Cancel,
    Accept,
    Decline,
    CheckIn,
    UndoCheckIn,
    Promote,
    Remove,
    SetCapacity,
    PauseWaitlist,
}

impl Op {
    /// Whether there is a version that it could be meant for: that of the own RSVP, or of the activity.
    pub(super) const fn has_version(self) -> bool {
        match self {
            Self::Update
            | Self::Cancel
            | Self::Accept
            | Self::Decline
            | Self::SetCapacity
            | Self::PauseWaitlist => true,
            Self::Reserve | Self::CheckIn | Self::UndoCheckIn | Self::Promote | Self::Remove => false,
        }
    }

    /// Whether it is answered with as many RSVPs as it takes.
    pub(super) const fn is_about_several(self) -> bool {
        matches!(self, Self::Promote | Self::Remove)
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Auth {
    token: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Visibility {
    hidden: bool,
}

/// A command as nearly all are sent.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct PlainCommand {
    #[serde(rename = "type")]
    _kind: CommandKind,
    id: Id,
    key: Option<String>,
    activity: ActivityId,
    op: Word<Op>,
    args: Option<Value>,
    if_version: Option<u32>,
}

#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
enum CommandKind {
    Command,
}

/// The message of a frame that holds one command in JSON and nothing wrong. Everything else is for the thorough way,
/// which takes several times as long.
pub(super) fn plain_command(encoding: Encoding, frame: &[u8]) -> Option<Message> {
    // A derived struct would also take a list of its fields in order.
    if encoding != Encoding::Json || frame.first() != Some(&b'{') {
        return None;
    }
    let plain: PlainCommand = serde_json::from_slice(frame).ok()?;
    let fits = plain.id.chars().count() <= ID_MAX_CHARS
        && plain.args.as_ref().is_none_or(|args| is_flat_enough(args, 1));
    let command = Command {
        key: plain.key,
        activity: plain.activity,
        op: plain.op,
        args: plain.args,
        if_version: plain.if_version,
    };
    fits.then(|| Message::Command(plain.id, Box::new(command)))
}

/// The messages of a frame.
pub(super) fn values(encoding: Encoding, frame: &[u8]) -> Result<Vec<Value>, NotParsable> {
    match encoding {
        Encoding::Json => serde_json::Deserializer::from_slice(frame)
            .into_iter::<Value>()
            .map(|value| {
                value
                    .ok()
                    .filter(|value| is_flat_enough(value, 0))
                    .ok_or(NotParsable)
            })
            .collect(),
        Encoding::MessagePack => {
            let (mut rest, mut values) = (frame, Vec::new());
            while !rest.is_empty() {
                let mut reader = rmp_serde::Deserializer::new(&mut rest);
                reader.set_max_depth(MESSAGE_DEPTH_MAX);
                values.push(Value::deserialize(&mut reader).map_err(|_| NotParsable)?);
            }
            Ok(values)
        }
    }
}

/// Whether a value at this depth nests no deeper than allowed. The parser itself stops at a depth that its stack can
/// bear.
fn is_flat_enough(value: &Value, depth: usize) -> bool {
    depth <= MESSAGE_DEPTH_MAX
        && match value {
            Value::Array(items) => items.iter().all(|item| is_flat_enough(item, depth + 1)),
            Value::Object(members) => members.values().all(|member| is_flat_enough(member, depth + 1)),
            _ => true,
        }
}

impl Message {
    /// What the client calls it.
    pub(super) fn id(&self) -> Option<&str> {
        match self {
            Self::Hello(_) => None,
            Self::Subscribe(id, _)
            | Self::Unsubscribe(id, _)
            | Self::Command(id, _)
            | Self::Auth(id, _)
            | Self::Visibility(id, _) => Some(id),
        }
    }
}

/// A value as a message.
pub(super) fn message(value: Value) -> Result<Message, Wrong> {
    let wrong = |id, problem| Wrong { id, problem };
    let Value::Object(mut members) = value else {
        return Err(wrong(None, Problem::field("", "must be an object")));
    };
    let kind = members.remove("type");
    let Some(Value::String(kind)) = kind else {
        let id = readable_id(members.get("id"));
        return Err(wrong(id, Problem::field("type", "must be a text")));
    };
    if kind == "hello" {
        return arguments(Value::Object(members))
            .map(Message::Hello)
            .map_err(|problem| wrong(None, problem));
    }
    let id = id(members.remove("id")).map_err(|problem| wrong(None, problem))?;
    let rest = Value::Object(members);
    let message = match kind.as_str() {
        "subscribe" => arguments(rest).map(|subscribe| Message::Subscribe(id.clone(), subscribe)),
        "unsubscribe" => {
            arguments(rest).map(|Unsubscribe { activity }| Message::Unsubscribe(id.clone(), activity))
        }
        "command" => arguments(rest).map(|command| Message::Command(id.clone(), Box::new(command))),
        "auth" => arguments(rest).map(|Auth { token }| Message::Auth(id.clone(), token)),
        "visibility" => arguments(rest).map(|Visibility { hidden }| Message::Visibility(id.clone(), hidden)),
        _ => Err(Problem::field(
            "type",
            "must be one of: \"hello\", \"subscribe\", \"unsubscribe\", \"command\", \"auth\", \"visibility\"",
        )),
    };
    message.map_err(|problem| wrong(Some(id), problem))
}

/// A value as the fields of a message, or as the arguments of a command.
pub(super) fn arguments<T: DeserializeOwned>(value: Value) -> Result<T, Problem> {
    // A derived struct would also take a list of its fields in order.
    if !value.is_object() {
        return Err(Problem::field("", "must be an object"));
    }
    // Keeping track of where it is takes time, which only wrong values should take.
    T::deserialize(&value)
        .or_else(|_| serde_path_to_error::deserialize(value).map_err(|error| validation_problem(&error)))
}

fn id(value: Option<Value>) -> Result<Id, Problem> {
    match value {
        None => Err(Problem::field("id", "is required")),
        value => readable_id(value.as_ref())
            .ok_or_else(|| Problem::field("id", "must be a text of at most 64 characters")),
    }
}

fn readable_id(value: Option<&Value>) -> Option<Id> {
    let id = value?.as_str()?;
    (id.chars().count() <= ID_MAX_CHARS).then(|| id.to_owned())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const ACTIVITY: &str = "00000000-0000-0000-0000-000000000007";

    fn refusal(value: &Value) -> (Option<Id>, String) {
        let Err(Wrong { id, problem }) = message(value.clone()) else {
            panic!("{value} is a message")
        };
        let errors = problem
            .extras()
            .iter()
            .find(|(name, _)| *name == "errors")
            .unwrap();
        let error = &errors.1[0];
        (
            id,
            format!(
                "{}: {}",
                error["field"].as_str().unwrap(),
                error["message"].as_str().unwrap()
            ),
        )
    }

    #[test]
    fn a_frame_holds_one_or_more_messages_in_either_form() {
        let (one, other) = (json!({"type": "a"}), json!({"type": "b", "n": [1, null]}));
        let both = [one.clone(), other.clone()];
        assert_eq!(
            values(Encoding::Json, format!("{one}\n{other}\n").as_bytes()).unwrap(),
            both
        );
        let packed = [
            rmp_serde::to_vec(&one).unwrap(),
            rmp_serde::to_vec(&other).unwrap(),
        ]
        .concat();
        assert_eq!(values(Encoding::MessagePack, &packed).unwrap(), both);
    }

    #[test]
    fn a_plain_command_means_what_it_means_in_the_thorough_way() {
        let frame = |more: &str| {
            format!(r#"{{"type":"command","id":"c","activity":"{ACTIVITY}","op":"cancel"{more}}}"#)
        };
        let plain = |frame: &str| plain_command(Encoding::Json, frame.as_bytes()).is_some();
        let thorough = |frame: &str| {
            let mut values = values(Encoding::Json, frame.as_bytes()).ok()?;
            let Ok(Message::Command(id, command)) = message(values.pop()?) else {
                return None;
            };
            values.is_empty().then_some((id, command))
        };
        for more in [
            "",
            r#","key":"k","args":{"n":[1,{"a":null}]},"if_version":7"#,
            r#","key":null,"args":null,"if_version":null"#,
        ] {
            let frame = frame(more);
            let Some(Message::Command(id, command)) = plain_command(Encoding::Json, frame.as_bytes()) else {
                panic!("{frame} is plain")
            };
            let (same_id, same) = thorough(&frame).unwrap();
            assert_eq!(id, same_id);
            assert_eq!(
                (
                    command.key,
                    command.activity,
                    command.op.0,
                    command.args,
                    command.if_version
                ),
                (same.key, same.activity, same.op.0, same.args, same.if_version)
            );
        }
        // What the thorough way refuses is not plain either.
        let deep = format!(r#","args":{{"a":{}0{}}}"#, "[".repeat(31), "]".repeat(31));
        let long = frame("").replacen("\"c\"", &format!("\"{}\"", "é".repeat(65)), 1);
        let wrong = [&deep, r#","x":1"#, r#","if_version":1.0"#, r#","key":7"#].map(frame);
        for frame in wrong.iter().chain([&long]) {
            assert!(!plain(frame) && thorough(frame).is_none(), "{frame}");
        }
        let listed = format!(r#"["command","c",null,"{ACTIVITY}","cancel",null,null]"#);
        assert!(!plain(&listed) && !plain(&listed.replacen('[', " [", 1)));
        let several = format!("{}{}", frame(""), frame(""));
        assert!(!plain(&several) && !plain(&frame("").replace("command", "auth")));
        let packed = rmp_serde::to_vec(&json!({"type": "command"})).unwrap();
        assert!(plain_command(Encoding::MessagePack, &packed).is_none());
    }

    #[test]
    fn what_is_no_value_is_not_parsable() {
        let deep = [b"[".repeat(200), b"]".repeat(200)].concat();
        let rather_deep = [b"[".repeat(40), b"]".repeat(40)].concat();
        for frame in [b"{".as_slice(), b"nul", b"{}x", b"\xff", &deep, &rather_deep] {
            assert!(values(Encoding::Json, frame).is_err(), "{frame:?}");
        }
        let deep = [0x91; 200];
        for frame in [
            &[0xc1][..],
            &[0xdf, 0xff, 0xff, 0xff, 0xff],
            &[0xdd, 0xff, 0xff, 0xff, 0xff, 1],
            &[0xdb, 0xff, 0xff, 0xff, 0xff, b'a'],
            &[0xc6, 0, 0, 0, 1, 7],
            &[0x81, 1, 2],
            &deep,
        ] {
            assert!(values(Encoding::MessagePack, frame).is_err(), "{frame:?}");
        }
    }

    #[test]
    fn what_is_wrong_with_a_message_is_said_in_words() {
        let command = |more: Value| {
            let mut command = json!({"type": "command", "id": "c", "activity": ACTIVITY, "op": "cancel"});
            command
                .as_object_mut()
                .unwrap()
                .extend(more.as_object().unwrap().clone());
            command
        };
        for (value, id, said) in [
            (json!([]), None, ": must be an object"),
            (json!({"id": "x"}), Some("x"), "type: must be a text"),
            (json!({"type": "auth"}), None, "id: is required"),
            (
                json!({"type": "auth", "id": 1}),
                None,
                "id: must be a text of at most 64 characters",
            ),
            (
                json!({"type": "auth", "id": "é".repeat(65)}),
                None,
                "id: must be a text of at most 64 characters",
            ),
            (
                json!({"type": "auth", "id": "a"}),
                Some("a"),
                "token: is required",
            ),
            (
                json!({"type": "visibility", "id": "v", "hidden": 1}),
                Some("v"),
                "hidden: must be true or false",
            ),
            (
                json!({"type": "hello", "tokn": 1}),
                None,
                "tokn: is not a known field",
            ),
            (
                command(json!({"op": "dance"})),
                Some("c"),
                "op: must be one of: \"reserve\", \"update\", \"cancel\", \"accept\", \"decline\", \"check_in\", \"undo_check_in\", \"promote\", \"remove\", \"set_capacity\", \"pause_waitlist\"",
            ),
            (
                command(json!({"activity": "x"})),
                Some("c"),
                "activity: must be a UUID",
            ),
            (
                command(json!({"hidden": true})),
                Some("c"),
                "hidden: is not a known field",
            ),
        ] {
            let (known, told) = refusal(&value);
            assert_eq!((known.as_deref(), told.as_str()), (id, said), "{value}");
        }
    }
}
