//! What comes in, read once for all who watch: ten thousand sockets are sent the same bytes, and come to the same
//! state. So a client that parses every frame for every socket would measure mostly itself.
//!
//! It owns what frames mean and what states follow from them. It must not know sockets.

use std::collections::VecDeque;
use std::sync::Arc;

use serde::Deserialize;
use serde_json::{Map, Value};
use tokio_tungstenite::tungstenite::Bytes;
use uuid::Uuid;

use crate::client::TransportError;
use crate::ws::Encoding;

/// How many frames and states are kept for the next socket, and two more for each activity. Few are under way at once:
/// all sockets are sent one difference before the next.
const KEPT: usize = 16;
/// Members of a snapshot that tell the time of its sending, not the activity.
const PASSING: [&str; 1] = ["opens_in_ms"];

/// A message, as far as watchers mind it.
#[derive(Clone, Debug)]
pub(super) enum News {
    Subscribed(Arc<Subscribed>),
    Difference(Arc<Difference>),
    /// With its code.
    Refused(String),
    Other,
}

/// Where a subscription stands.
#[derive(Debug, Deserialize)]
pub(super) struct Subscribed {
    pub(super) epoch: i64,
    pub(super) seq: u64,
    pub(super) mode: Mode,
    pub(super) snapshot: Option<Map<String, Value>>,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Mode {
    Live,
    Replay,
    Snapshot,
}

/// What has changed from `prev` to `seq`.
#[derive(Debug, Deserialize)]
pub(super) struct Difference {
    pub(super) activity: Uuid,
    pub(super) prev: u64,
    pub(super) seq: u64,
    #[serde(flatten)]
    changes: Map<String, Value>,
}

#[derive(Deserialize)]
struct Refusal {
    code: String,
}

/// What everybody may see of an activity at one `seq`.
#[derive(Clone, PartialEq, Debug)]
pub(super) struct State {
    pub(super) seq: u64,
    fields: Map<String, Value>,
}

/// Reads frames and applies differences, each once.
#[derive(Debug)]
pub(super) struct Feed {
    encoding: Encoding,
    /// How many of each are kept.
    kept: usize,
    frames: VecDeque<(Bytes, Arc<[News]>)>,
    /// Which state and difference led to which state.
    steps: VecDeque<(Arc<State>, Arc<Difference>, Arc<State>)>,
    snapshots: VecDeque<Arc<State>>,
}

impl Feed {
    /// For so many activities.
    pub(super) fn new(encoding: Encoding, activities: usize) -> Self {
        Self {
            encoding,
            kept: KEPT + 2 * activities,
            frames: VecDeque::new(),
            steps: VecDeque::new(),
            snapshots: VecDeque::new(),
        }
    }

    /// The messages of a frame.
    pub(super) fn read(&mut self, frame: &Bytes) -> Result<Arc<[News]>, TransportError> {
        if let Some((_, news)) = self.frames.iter().find(|(kept, _)| kept == frame) {
            return Ok(Arc::clone(news));
        }
        let news: Arc<[News]> = self
            .encoding
            .messages(frame)
            .map(|heard| {
                let heard = heard?;
                Ok(match &*heard.kind {
                    "diff" => News::Difference(Arc::new(heard.read()?)),
                    "subscribed" => News::Subscribed(Arc::new(heard.read()?)),
                    "error" => News::Refused(heard.read::<Refusal>()?.code),
                    _ => News::Other,
                })
            })
            .collect::<Result<_, TransportError>>()?;
        keep(&mut self.frames, self.kept, (frame.clone(), Arc::clone(&news)));
        Ok(news)
    }

    /// The state that a snapshot shows.
    pub(super) fn adopt(&mut self, seq: u64, snapshot: &Map<String, Value>) -> Arc<State> {
        let state = Arc::new(State::new(seq, snapshot.clone()));
        if let Some(same) = self.snapshots.iter().find(|kept| **kept == state) {
            return Arc::clone(same);
        }
        keep(&mut self.snapshots, self.kept, Arc::clone(&state));
        state
    }

    /// The state after a difference.
    pub(super) fn apply(&mut self, state: &Arc<State>, difference: &Arc<Difference>) -> Arc<State> {
        let is_same = |(from, by, _): &&(Arc<State>, Arc<Difference>, Arc<State>)| {
            Arc::ptr_eq(from, state) && Arc::ptr_eq(by, difference)
        };
        if let Some((.., after)) = self.steps.iter().find(is_same) {
            return Arc::clone(after);
        }
        let after = Arc::new(state.after(difference));
        // Others may have come to the same by other steps: from here on they go on together.
        let same = self.steps.iter().find(|(.., kept)| *kept == after);
        let after = same.map_or(after, |(.., kept)| Arc::clone(kept));
        keep(
            &mut self.steps,
            self.kept,
            (Arc::clone(state), Arc::clone(difference), Arc::clone(&after)),
        );
        after
    }
}

fn keep<T>(kept: &mut VecDeque<T>, bound: usize, new: T) {
    if kept.len() == bound {
        kept.pop_back();
    }
    kept.push_front(new);
}

impl State {
    pub(super) fn new(seq: u64, mut fields: Map<String, Value>) -> Self {
        for passing in PASSING {
            fields.remove(passing);
        }
        Self { seq, fields }
    }

    fn after(&self, difference: &Difference) -> Self {
        let mut fields = self.fields.clone();
        for (field, value) in &difference.changes {
            if field == "type" || PASSING.contains(&&**field) {
                continue;
            }
            let mut value = value.clone();
            if let (Value::Object(waitlist), "waitlist") = (&mut value, &**field) {
                // The movements are for those who wait; what they lead to is beside them.
                for list in ["left", "resized", "joined"] {
                    waitlist.remove(list);
                }
            }
            fields.insert(field.clone(), value);
        }
        Self {
            seq: difference.seq,
            fields,
        }
    }

    /// The first field in which this is not what there is; an absent one is null.
    pub(super) fn first_difference(&self, expected: &Self) -> Option<String> {
        let names = self.fields.keys().chain(expected.fields.keys());
        let value = |state: &Self, name: &str| state.fields.get(name).cloned().unwrap_or_default();
        names
            .map(|name| (name, value(self, name), value(expected, name)))
            .find(|(_, said, expected)| said != expected)
            .map(|(name, said, expected)| format!("{name} is {said}, expected {expected}"))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn fields(value: &Value) -> Map<String, Value> {
        value.as_object().unwrap().clone()
    }

    fn frame(value: &Value) -> Bytes {
        Encoding::Json.frame(value).into_data()
    }

    fn difference(feed: &mut Feed, value: &Value) -> Arc<Difference> {
        match &feed.read(&frame(value)).unwrap()[..] {
            [News::Difference(difference)] => Arc::clone(difference),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_difference_is_read_once_and_applied_once_for_all() {
        let mut feed = Feed::new(Encoding::Json, 1);
        let activity = Uuid::from_u128(1);
        let told = json!({"type": "diff", "activity": activity, "prev": 3, "seq": 5, "confirmed_spots": 9,
            "waitlist": {"parties": 1, "spots": 2, "first_ticket": 7, "left": [], "resized": [], "joined": [[7, 2, 5]]}});
        let one = difference(&mut feed, &told);
        let other = difference(&mut feed, &told);
        assert!(Arc::ptr_eq(&one, &other));
        let snapshot = fields(&json!({"confirmed_spots": 8, "title": "t", "opens_in_ms": 12}));
        let (first, second) = (feed.adopt(3, &snapshot), feed.adopt(3, &snapshot));
        assert!(Arc::ptr_eq(&first, &second));
        let after = feed.apply(&first, &one);
        assert!(Arc::ptr_eq(&after, &feed.apply(&second, &other)));
        let expected = json!({"confirmed_spots": 9, "title": "t",
            "waitlist": {"parties": 1, "spots": 2, "first_ticket": 7}, "opens_in_ms": 0, "venue": null});
        assert_eq!(after.first_difference(&State::new(5, fields(&expected))), None);
        assert_eq!((one.activity, after.seq), (activity, 5));
    }

    #[test]
    fn who_came_by_other_steps_goes_on_with_the_others() {
        let mut feed = Feed::new(Encoding::Json, 1);
        let step = |prev: u64, seq: u64| json!({"type": "diff", "activity": Uuid::from_u128(1), "prev": prev, "seq": seq, "confirmed_spots": seq});
        let start = feed.adopt(0, &fields(&json!({"confirmed_spots": 0})));
        let (one, two, both) = (
            difference(&mut feed, &step(0, 1)),
            difference(&mut feed, &step(1, 2)),
            difference(&mut feed, &step(0, 2)),
        );
        let middle = feed.apply(&start, &one);
        let by_steps = feed.apply(&middle, &two);
        assert!(Arc::ptr_eq(&by_steps, &feed.apply(&start, &both)));
    }

    #[test]
    fn the_first_field_that_differs_is_named() {
        let said = State::new(1, fields(&json!({"a": 1, "b": null})));
        let expected = State::new(1, fields(&json!({"a": 1, "c": 2})));
        assert_eq!(
            said.first_difference(&expected).as_deref(),
            Some("c is null, expected 2")
        );
    }
}
