//! The two forms of messages, and finished frames. A frame from the server is not masked, so the same bytes are right
//! for everybody.

use serde::Serialize;
use tungstenite::protocol::frame::coding::{CloseCode, Control, Data, OpCode};
use tungstenite::protocol::frame::{CloseFrame, Frame, FrameHeader};

use super::close::Close;

/// Most answers and differences fit into so many bytes.
const FRAME_BYTES_USUAL: usize = 768;
/// The bytes of the header of a frame with 126 to 65,535 bytes behind it.
const HEADER_BYTES_USUAL: usize = 4;
/// The most bytes of the header of a frame that is not masked.
const HEADER_BYTES_MAX: usize = 10;

/// The form of the messages of one socket.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Encoding {
    /// JSON, in text frames.
    Json,
    /// MessagePack with the same keys, ids and times as the same texts, in binary frames.
    MessagePack,
}

impl Encoding {
    /// Both.
    pub const ALL: [Self; 2] = [Self::Json, Self::MessagePack];

    /// The sub-protocol that stands for it.
    pub const fn protocol(self) -> &'static str {
        match self {
            Self::Json => "turnout.v1.json",
            Self::MessagePack => "turnout.v1.msgpack",
        }
    }

    /// A message.
    pub fn message(self, message: &impl Serialize) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(FRAME_BYTES_USUAL);
        self.write(&mut bytes, message);
        bytes
    }

    fn write(self, bytes: &mut Vec<u8>, message: &impl Serialize) {
        match self {
            Self::Json => serde_json::to_writer(bytes, message).expect("a message is always JSON"),
            Self::MessagePack => {
                let mut serializer = rmp_serde::Serializer::new(bytes)
                    .with_struct_map()
                    .with_human_readable();
                message
                    .serialize(&mut serializer)
                    .expect("a message is always MessagePack");
            }
        }
    }

    /// Adds a member with a value that is encoded already to an object that has members.
    pub fn add_member(self, object: &mut Vec<u8>, name: &str, value: &[u8]) {
        match self {
            Self::Json => {
                let end = object.pop();
                assert!(end == Some(b'}'), "only objects have members");
                object.push(b',');
                object.extend(serde_json::to_vec(name).expect("a text is always JSON"));
                object.push(b':');
                object.extend(value);
                object.push(b'}');
            }
            Self::MessagePack => {
                grow_map(object);
                object.extend(rmp_serde::to_vec(name).expect("a text is always MessagePack"));
                object.extend(value);
            }
        }
    }

    /// A message as a finished frame.
    pub fn frame(self, message: &impl Serialize) -> Vec<u8> {
        let mut frame = Vec::new();
        self.append_frame(&mut frame, message);
        frame
    }

    /// Puts a message behind others, as a finished frame.
    pub fn append_frame(self, frames: &mut Vec<u8>, message: &impl Serialize) {
        let begin = frames.len();
        frames.reserve(FRAME_BYTES_USUAL);
        // Nearly all are of a length for which the header takes so many bytes.
        frames.extend([0; HEADER_BYTES_USUAL]);
        self.write(frames, message);
        let payload = frames.len() - begin - HEADER_BYTES_USUAL;
        let mut header = [0; HEADER_BYTES_MAX];
        let header = self.header(payload, &mut header);
        if header.len() == HEADER_BYTES_USUAL {
            frames[begin..][..HEADER_BYTES_USUAL].copy_from_slice(header);
        } else {
            frames.splice(begin..begin + HEADER_BYTES_USUAL, header.iter().copied());
        }
    }

    /// A finished frame around a message.
    pub fn finish(self, message: &[u8]) -> Vec<u8> {
        let mut header = [0; HEADER_BYTES_MAX];
        [self.header(message.len(), &mut header), message].concat()
    }

    /// What goes before a message of this length.
    fn header(self, payload: usize, bytes: &mut [u8; HEADER_BYTES_MAX]) -> &[u8] {
        let data = match self {
            Self::Json => Data::Text,
            Self::MessagePack => Data::Binary,
        };
        let header = FrameHeader {
            opcode: OpCode::Data(data),
            ..FrameHeader::default()
        };
        let length = header.len(payload as u64);
        header
            .format(payload as u64, &mut &mut bytes[..])
            .expect("there is room for every header");
        &bytes[..length]
    }
}

/// Counts one member more in the header of a map, which has three sizes.
fn grow_map(map: &mut Vec<u8>) {
    match map.first().copied() {
        Some(header @ 0x80..=0x8e) => map[0] = header + 1,
        Some(0x8f) => {
            map.splice(..1, [0xde, 0, 16]);
        }
        Some(0xde) => {
            let count = u16::from_be_bytes([map[1], map[2]]) + 1;
            map[1..3].copy_from_slice(&count.to_be_bytes());
        }
        header => unreachable!("{header:?} does not begin a map of ours"),
    }
}

/// A ping as a finished frame.
pub fn ping() -> Vec<u8> {
    let header = FrameHeader {
        opcode: OpCode::Control(Control::Ping),
        ..FrameHeader::default()
    };
    let mut frame = Vec::with_capacity(2);
    header.format(0, &mut frame).expect("a buffer takes everything");
    frame
}

/// A close as a finished frame.
pub fn close(why: Close) -> Vec<u8> {
    let mut frame = Vec::with_capacity(32);
    Frame::close(Some(CloseFrame {
        code: CloseCode::from(why.code()),
        reason: why.reason().into(),
    }))
    .format(&mut frame)
    .expect("a buffer takes everything");
    frame
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn read(encoding: Encoding, bytes: &[u8]) -> Value {
        match encoding {
            Encoding::Json => serde_json::from_slice(bytes).unwrap(),
            Encoding::MessagePack => rmp_serde::from_slice(bytes).unwrap(),
        }
    }

    #[test]
    fn a_member_is_added_to_objects_of_every_size() {
        for encoding in Encoding::ALL {
            for size in [1, 14, 15, 16, 17, 300] {
                let object: Value = (0..size)
                    .map(|n| (format!("k{n}"), json!(n)))
                    .collect::<serde_json::Map<_, _>>()
                    .into();
                let mut bytes = encoding.message(&object);
                encoding.add_member(&mut bytes, "more", &encoding.message(&json!({"a": [1]})));
                let mut expected = object;
                expected["more"] = json!({"a": [1]});
                assert_eq!(read(encoding, &bytes), expected, "{encoding:?} {size}");
            }
        }
    }

    #[test]
    fn identifiers_are_the_same_texts_in_both() {
        let id = uuid::Uuid::from_u128(7);
        for encoding in Encoding::ALL {
            assert_eq!(read(encoding, &encoding.message(&id)), json!(id.to_string()));
        }
    }

    #[test]
    fn frames_of_every_length_stand_one_behind_the_other() {
        for encoding in Encoding::ALL {
            let texts = [0, 1, 120, 130, 65_600].map(|length| "x".repeat(length));
            let mut frames = b"before".to_vec();
            for text in &texts {
                encoding.append_frame(&mut frames, text);
            }
            let expected = texts
                .iter()
                .flat_map(|text| encoding.finish(&encoding.message(text)));
            let expected: Vec<u8> = b"before".iter().copied().chain(expected).collect();
            assert_eq!(frames, expected);
        }
    }

    #[test]
    fn frames_are_those_of_the_standard() {
        assert_eq!(Encoding::Json.finish(b"{}"), *b"\x81\x02{}");
        assert_eq!(Encoding::MessagePack.finish(&[0; 126])[..4], [0x82, 126, 0, 126]);
        assert_eq!(ping(), [0x89, 0]);
        assert_eq!(close(Close::Slow)[..4], [0x88, 20, 0x10, 0x0c]);
    }
}
