//! The messages of Postgres's protocol, as far as a commit of the journal can be told from everything else by them.
//! What a commit's fate is, is none of its business.

use uuid::Uuid;

use crate::support::MERGED_COMMIT;

/// One message.
pub(super) struct Message {
    pub(super) kind: Kind,
    /// All of it, as it was sent.
    pub(super) bytes: Vec<u8>,
}

/// What messages are told apart by.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Kind {
    /// The first of a connection, the only one that does not say what it is.
    Startup,
    Typed(u8),
}

/// What one side says, cut into messages.
pub(super) struct Messages {
    bytes: Vec<u8>,
    next_is_startup: bool,
}

impl Messages {
    pub(super) fn of_client() -> Self {
        Self {
            bytes: Vec::new(),
            next_is_startup: true,
        }
    }

    pub(super) fn of_server() -> Self {
        Self {
            next_is_startup: false,
            ..Self::of_client()
        }
    }

    pub(super) fn add(&mut self, bytes: &[u8]) {
        self.bytes.extend_from_slice(bytes);
    }
}

impl Iterator for Messages {
    type Item = Message;

    /// The next message that is there to its end.
    fn next(&mut self) -> Option<Message> {
        // The length counts itself, but not the letter before it.
        let before = usize::from(!self.next_is_startup);
        let length = self.bytes.get(before..before + 4)?;
        let end = before + i32::from_be_bytes(length.try_into().unwrap()) as usize;
        if self.bytes.len() < end {
            return None;
        }
        let bytes: Vec<u8> = self.bytes.drain(..end).collect();
        let kind = if self.next_is_startup {
            Kind::Startup
        } else {
            Kind::Typed(bytes[0])
        };
        self.next_is_startup = false;
        Some(Message { kind, bytes })
    }
}

/// A batch as it was sent.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Sent {
    pub(crate) activity: Uuid,
    pub(crate) batch: Uuid,
    pub(crate) epoch: i64,
}

impl Message {
    /// Of a message that prepares a statement: its name, and whether it is the one that writes batches.
    pub(super) fn prepared(&self) -> (String, bool) {
        let mut fields = self.fields();
        let name = fields.text();
        (name, fields.text().starts_with(MERGED_COMMIT))
    }

    /// Of a message that gives a statement its arguments: the statement's name.
    pub(super) fn statement(&self) -> String {
        let mut fields = self.fields();
        fields.text();
        fields.text()
    }

    /// Of a message that gives the statement for batches its arguments: the batches.
    pub(super) fn batches(&self) -> Vec<Sent> {
        let mut fields = self.fields();
        fields.text();
        fields.text();
        for _ in 0..fields.short() {
            fields.short();
        }
        let count = fields.short();
        let arrays: Vec<&[u8]> = (0..count).map(|_| fields.value()).collect();
        // Their order is that of the statement.
        let [ids, _, epochs, _, batches] = arrays[..5] else {
            panic!("the statement has more columns than these");
        };
        let uuids = |array| {
            elements(array)
                .into_iter()
                .map(|id| Uuid::from_slice(id).unwrap())
        };
        uuids(ids)
            .zip(uuids(batches))
            .zip(elements(epochs))
            .map(|((activity, batch), epoch)| Sent {
                activity,
                batch,
                epoch: i64::from_be_bytes(epoch.try_into().unwrap()),
            })
            .collect()
    }

    fn fields(&self) -> Fields<'_> {
        Fields(&self.bytes[5..])
    }
}

/// The elements of an array with one dimension and no holes.
fn elements(array: &[u8]) -> Vec<&[u8]> {
    let mut fields = Fields(array);
    let dimensions = fields.number();
    assert_eq!(dimensions, 1, "there is at least one batch");
    let (_holes, _kind) = (fields.number(), fields.number());
    let (count, _from) = (fields.number(), fields.number());
    (0..count).map(|_| fields.value()).collect()
}

/// What is left of a message.
struct Fields<'a>(&'a [u8]);

impl<'a> Fields<'a> {
    fn take(&mut self, count: usize) -> &'a [u8] {
        let (taken, rest) = self.0.split_at(count);
        self.0 = rest;
        taken
    }

    fn short(&mut self) -> i16 {
        i16::from_be_bytes(self.take(2).try_into().unwrap())
    }

    fn number(&mut self) -> i32 {
        i32::from_be_bytes(self.take(4).try_into().unwrap())
    }

    fn value(&mut self) -> &'a [u8] {
        let length = self.number();
        // Less than nothing is NULL.
        self.take(length.max(0) as usize)
    }

    fn text(&mut self) -> String {
        let end = self.0.iter().position(|byte| *byte == 0).expect("texts end");
        let text = String::from_utf8(self.take(end).to_vec()).unwrap();
        self.take(1);
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn typed(kind: u8, body: &[u8]) -> Vec<u8> {
        let length = (body.len() as i32 + 4).to_be_bytes();
        [&[kind], &length[..], body].concat()
    }

    #[test]
    fn messages_are_whole_however_they_arrive() {
        let startup = [&8_i32.to_be_bytes()[..], &196_608_i32.to_be_bytes()].concat();
        let prepare = typed(b'P', b"s1\0WITH batch AS (SELECT 1)\0\0\0");
        let said = [startup.clone(), prepare.clone(), typed(b'S', b"")].concat();
        let mut messages = Messages::of_client();
        let mut seen = Vec::new();
        for byte in &said {
            messages.add(std::slice::from_ref(byte));
            seen.extend(&mut messages);
        }
        let kinds: Vec<Kind> = seen.iter().map(|message| message.kind).collect();
        assert_eq!(kinds, [Kind::Startup, Kind::Typed(b'P'), Kind::Typed(b'S')]);
        assert_eq!((&seen[0].bytes, &seen[1].bytes), (&startup, &prepare));
        assert_eq!(seen[1].prepared(), ("s1".to_owned(), true));
    }
}
