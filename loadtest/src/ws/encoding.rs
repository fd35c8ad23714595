//! JSON and MessagePack: how messages become frames and frames become messages.

use std::borrow::Cow;
use std::io::Cursor;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use tokio_tungstenite::tungstenite::Message;

use crate::client::TransportError;

/// How messages are written.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Encoding {
    /// Text frames, with messages separated by newlines.
    #[default]
    Json,
    /// Binary frames, with messages back to back.
    Msgpack,
}

/// One message of a frame: its type, and its bytes for whoever wants to know more.
#[derive(Debug)]
pub(crate) struct Heard<'a> {
    pub(crate) kind: Cow<'a, str>,
    bytes: &'a [u8],
    encoding: Encoding,
}

#[derive(Deserialize)]
struct Kind<'a> {
    #[serde(rename = "type", borrow)]
    kind: Cow<'a, str>,
}

const UNREADABLE: TransportError = TransportError::Malformed("a message that cannot be read");

impl Encoding {
    /// The sub-protocol that stands for it.
    pub(crate) fn subprotocol(self) -> &'static str {
        match self {
            Self::Json => "turnout.v1.json",
            Self::Msgpack => "turnout.v1.msgpack",
        }
    }

    /// One message as a frame.
    pub(crate) fn frame(self, message: &impl Serialize) -> Message {
        const SOUND: &str = "what the load test says can be written";
        match self {
            Self::Json => Message::text(serde_json::to_string(message).expect(SOUND)),
            Self::Msgpack => {
                let mut bytes = Vec::new();
                let mut serializer = rmp_serde::Serializer::new(&mut bytes)
                    .with_struct_map()
                    .with_human_readable();
                message.serialize(&mut serializer).expect(SOUND);
                Message::binary(bytes)
            }
        }
    }

    /// The messages of a frame, one after the other.
    pub(crate) fn messages(self, frame: &[u8]) -> impl Iterator<Item = Result<Heard<'_>, TransportError>> {
        let mut rest = frame;
        std::iter::from_fn(move || {
            let next = self.next_of(rest)?;
            rest = match &next {
                Ok((_, rest)) => rest,
                // Where one message ends and the next begins is not known any more.
                Err(_) => &[],
            };
            Some(next.map(|(heard, _)| heard))
        })
    }

    /// The first message, and what follows it.
    fn next_of(self, bytes: &[u8]) -> Option<Result<(Heard<'_>, &[u8]), TransportError>> {
        if self == Self::Json && bytes.trim_ascii_start().is_empty() || bytes.is_empty() {
            return None;
        }
        let (kind, end) = match self {
            Self::Json => {
                let mut kinds = serde_json::Deserializer::from_slice(bytes).into_iter::<Kind<'_>>();
                (kinds.next().and_then(Result::ok), kinds.byte_offset())
            }
            Self::Msgpack => {
                let mut deserializer = rmp_serde::Deserializer::new(Cursor::new(bytes));
                // A cursor's bytes are copied, so that the type cannot be borrowed from them.
                let kind = Kind::deserialize(&mut deserializer).ok();
                let end = usize::try_from(deserializer.position()).unwrap_or(usize::MAX);
                (kind, end.min(bytes.len()))
            }
        };
        let (message, rest) = bytes.split_at(end);
        // Most clients take frames apart at newlines.
        let is_apart = self == Self::Msgpack || rest.is_empty() || rest[0] == b'\n';
        let kind = kind.filter(|_| is_apart);
        let heard = kind.map(|Kind { kind }| Heard {
            kind,
            bytes: message,
            encoding: self,
        });
        Some(heard.map(|heard| (heard, rest)).ok_or(UNREADABLE))
    }
}

impl Heard<'_> {
    /// All of the message.
    pub(crate) fn read<T: DeserializeOwned>(&self) -> Result<T, TransportError> {
        match self.encoding {
            Encoding::Json => serde_json::from_slice(self.bytes).map_err(|_| UNREADABLE),
            Encoding::Msgpack => {
                // Ids and times are the same texts as in JSON.
                let deserializer = rmp_serde::Deserializer::new(Cursor::new(self.bytes));
                T::deserialize(&mut deserializer.with_human_readable()).map_err(|_| UNREADABLE)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn kinds(encoding: Encoding, frame: &[u8]) -> Vec<Option<String>> {
        let messages = encoding.messages(frame);
        messages
            .map(|heard| heard.ok().map(|heard| heard.kind.into_owned()))
            .collect()
    }

    #[test]
    fn a_frame_holds_several_messages_in_either_encoding() {
        let first = json!({"type": "ok", "id": "1\n2"});
        let second = json!({"seq": 3, "deep": {"type": "no", "list": [1, null]}, "type": "diff"});
        for encoding in [Encoding::Json, Encoding::Msgpack] {
            let frame = |value: &Value| encoding.frame(value).into_data().to_vec();
            let between: &[u8] = if encoding == Encoding::Json { b"\n" } else { b"" };
            let both = [frame(&first), between.to_vec(), frame(&second)].concat();
            let heard: Vec<_> = encoding.messages(&both).map(Result::unwrap).collect();
            assert_eq!(heard.len(), 2, "{encoding:?}");
            assert_eq!((&*heard[0].kind, &*heard[1].kind), ("ok", "diff"));
            assert_eq!(heard[1].read::<Value>().unwrap(), second);
            assert_eq!(kinds(encoding, b""), []);
        }
    }

    #[test]
    fn what_cannot_be_read_ends_a_frame() {
        let expected = [Some("ok".to_owned()), None];
        assert_eq!(
            kinds(
                Encoding::Json,
                b"{\"type\":\"ok\"}\n{\"id\":1}\n{\"type\":\"ok\"}\n"
            ),
            expected
        );
        assert_eq!(
            kinds(Encoding::Json, b"{\"type\":\"ok\"} {\"type\":\"ok\"}"),
            [None]
        );
        let ok = Encoding::Msgpack.frame(&json!({"type": "ok"})).into_data();
        assert_eq!(
            kinds(Encoding::Msgpack, &[&ok, &[0xc1, 1][..]].concat()),
            expected
        );
    }

    #[test]
    fn ids_are_texts_in_either_encoding() {
        let id = uuid::Uuid::from_u128(7);
        for encoding in [Encoding::Json, Encoding::Msgpack] {
            let frame = encoding
                .frame(&json!({"type": "ok", "id": id.to_string()}))
                .into_data();
            #[derive(Deserialize)]
            struct Answer {
                id: uuid::Uuid,
            }
            let heard = encoding.messages(&frame).next().unwrap().unwrap();
            assert_eq!(heard.read::<Answer>().unwrap().id, id);
        }
    }
}
