//! What client and server say to each other, as far as the load test says and hears it.

use serde::{Deserialize, Serialize};
use serde_json::Value;
use uuid::Uuid;

use crate::line::Call;
use crate::seen::{SeenAnswer, SeenCounts, SeenRsvp, SeenTold};

/// What a client says.
#[derive(Debug, Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub(crate) enum Say<'a> {
    /// Who is there, and what to follow.
    Hello {
        #[serde(skip_serializing_if = "Option::is_none")]
        token: Option<&'a str>,
        #[serde(skip_serializing_if = "<[_]>::is_empty")]
        subscribe: &'a [Subscription],
    },
    /// What to do.
    Command {
        id: &'a str,
        key: &'a str,
        activity: Uuid,
        op: &'static str,
        #[serde(skip_serializing_if = "Option::is_none")]
        args: Option<Args<'a>>,
    },
}

/// What a command is given with.
#[derive(Clone, Copy, Debug, Serialize)]
#[serde(untagged)]
pub(crate) enum Args<'a> {
    /// So many guests; there are too many commands of this kind to make a value for each.
    Guests {
        guest_count: u32,
    },
    Other(&'a Value),
}

/// What to follow, and from where on.
#[derive(Clone, Copy, Debug, Serialize)]
pub(crate) struct Subscription {
    pub(crate) activity: Uuid,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) epoch: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) seq: Option<u64>,
}

impl Subscription {
    /// To an activity that nothing is known of.
    pub(crate) fn to(activity: Uuid) -> Self {
        Self {
            activity,
            epoch: None,
            seq: None,
        }
    }
}

impl<'a> Say<'a> {
    /// A command.
    pub(crate) fn command(id: &'a str, call: &Call<'a>) -> Self {
        Self::Command {
            id,
            key: call.key,
            activity: call.activity,
            op: call.op,
            args: call.args,
        }
    }
}

/// The answer to a greeting.
#[derive(Debug, Deserialize)]
pub(crate) struct HeardWelcome {
    /// What time it is by the server's clock.
    pub(crate) now: Option<String>,
}

/// An activity is followed from now on.
#[derive(Debug, Deserialize)]
pub(crate) struct HeardSubscribed {
    pub(crate) snapshot: HeardSnapshot,
}

/// What whoever comes to the door wants to know of an activity.
#[derive(Debug, Deserialize)]
pub(crate) struct HeardSnapshot {
    pub(crate) opens_at: Option<String>,
}

/// A command was carried out.
#[derive(Debug, Deserialize)]
pub(crate) struct HeardOk {
    pub(crate) id: String,
    pub(crate) key: Option<String>,
    pub(crate) activity: Uuid,
    seq: u64,
    rsvp: Option<Box<SeenRsvp>>,
    rsvps: Option<Vec<SeenRsvp>>,
    counts: SeenCounts,
    #[serde(default)]
    replayed: bool,
    #[serde(default)]
    already: bool,
}

impl TryFrom<HeardOk> for SeenAnswer {
    type Error = &'static str;

    fn try_from(ok: HeardOk) -> Result<Self, Self::Error> {
        // Where the activity was changed, nobody is told.
        let nobody = ok.rsvp.is_none().then(Vec::new);
        Ok(Self {
            told: SeenTold::of(ok.rsvp, ok.rsvps.or(nobody), None)?,
            seq: ok.seq,
            replayed: ok.replayed,
            already: ok.already,
            counts: ok.counts,
            head: None,
        })
    }
}

/// Something was not done, or is over.
#[derive(Debug, Deserialize)]
pub(crate) struct HeardError {
    pub(crate) id: Option<String>,
    pub(crate) key: Option<String>,
    pub(crate) activity: Option<Uuid>,
    pub(crate) code: String,
    pub(crate) retry: Retry,
    pub(crate) after_ms: Option<u64>,
    pub(crate) opens_in_ms: Option<u64>,
}

/// Whether to come again.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Retry {
    /// No.
    Never,
    /// With the same key.
    SameKey,
    /// After the pause that is told.
    After,
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_is_said_has_the_words_of_the_contract() {
        let activity = Uuid::from_u128(1);
        let count = json!({"count": 2});
        let call = |op, args| Call {
            activity,
            token: "t",
            key: "k",
            op,
            args,
        };
        let subscription = Subscription {
            activity,
            epoch: Some(1),
            seq: Some(7),
        };
        for (said, expected) in [
            (
                Say::Hello {
                    token: Some("t"),
                    subscribe: &[],
                },
                json!({"type": "hello", "token": "t"}),
            ),
            (
                Say::Hello {
                    token: None,
                    subscribe: &[subscription],
                },
                json!({"type": "hello", "subscribe": [{"activity": activity, "epoch": 1, "seq": 7}]}),
            ),
            (
                Say::command("1", &call("reserve", Some(Args::Guests { guest_count: 2 }))),
                json!({"type": "command", "id": "1", "key": "k", "activity": activity, "op": "reserve",
                    "args": {"guest_count": 2}}),
            ),
            (
                Say::command("2", &call("cancel", None)),
                json!({"type": "command", "id": "2", "key": "k", "activity": activity, "op": "cancel"}),
            ),
            (
                Say::command("3", &call("promote", Some(Args::Other(&count)))),
                json!({"type": "command", "id": "3", "key": "k", "activity": activity, "op": "promote",
                    "args": {"count": 2}}),
            ),
        ] {
            assert_eq!(serde_json::to_value(said).unwrap(), expected);
        }
    }
}
