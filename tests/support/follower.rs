//! A client's copy of one activity, kept by the rules for clients alone: snapshot, differences, the own place.

use serde_json::{Map, Value};

/// What a client knows of one activity.
#[derive(Default)]
pub(crate) struct Follower {
    pub(crate) epoch: u64,
    pub(crate) seq: u64,
    /// The snapshot with all differences since; without what passes by itself.
    pub(crate) state: Map<String, Value>,
    place: Option<Place>,
    /// The own RSVP as it was told last.
    pub(crate) rsvp: Value,
}

/// Where somebody stands in the line.
struct Place {
    ticket: u64,
    seq: u64,
    parties: i64,
    spots: i64,
}

impl Follower {
    /// Takes over a message about the activity; panics where the server breaks a rule.
    pub(crate) fn hear(&mut self, message: &Value) {
        match message["type"].as_str().unwrap() {
            "subscribed" => self.begin(message),
            // What was on its way when it was followed before.
            _ if self.epoch == 0 => {}
            "diff" => self.change(message),
            "me" => self.own(message),
            _ => {}
        }
    }

    /// How many parties and spots are ahead, if this one waits.
    pub(crate) fn ahead(&self) -> Option<(i64, i64)> {
        self.place.as_ref().map(|place| (place.parties, place.spots))
    }

    fn begin(&mut self, message: &Value) {
        let (epoch, seq) = (number(&message["epoch"]), number(&message["seq"]));
        match message["mode"].as_str().unwrap() {
            "snapshot" => {
                self.state = message["snapshot"].as_object().unwrap().clone();
                self.state.remove("opens_in_ms");
                let me = message.get("me").filter(|me| !me.is_null());
                assert!(
                    me.is_none_or(|me| number(&me["seq"]) >= seq),
                    "the own place is not older than the line: {message}"
                );
                (self.epoch, self.seq) = (epoch, seq);
            }
            "live" => assert_eq!((self.epoch, self.seq), (epoch, seq), "nothing was missed"),
            "replay" => {
                assert_eq!(self.epoch, epoch);
                assert!(seq > self.seq, "{message}");
            }
            mode => panic!("{mode}"),
        }
        if let Some(me) = message.get("me") {
            if me.is_null() {
                (self.place, self.rsvp) = (None, Value::Null);
            } else {
                self.own(me);
            }
        }
    }

    fn change(&mut self, message: &Value) {
        let (prev, seq) = (number(&message["prev"]), number(&message["seq"]));
        if seq <= self.seq {
            return;
        }
        assert_eq!(prev, self.seq, "there is no gap: {message}");
        for (name, value) in message.as_object().unwrap() {
            match name.as_str() {
                "type" | "activity" | "prev" | "seq" | "opens_in_ms" => {}
                "waitlist" => {
                    for member in ["parties", "spots", "first_ticket"] {
                        self.state["waitlist"][member] = value[member].clone();
                    }
                    self.move_along(value);
                }
                _ => {
                    self.state.insert(name.clone(), value.clone());
                }
            }
        }
        self.seq = seq;
    }

    /// Entries later than what is known, and with a ticket below the own one, change how many are ahead.
    fn move_along(&mut self, moves: &Value) {
        let Some(place) = &mut self.place else { return };
        let mut all: Vec<(u64, i64, i64)> = Vec::new();
        for (kind, parties, sign) in [("left", -1, -1), ("resized", 0, 1), ("joined", 1, 1)] {
            for entry in moves[kind].as_array().unwrap() {
                let (ticket, spots, seq) = (number(&entry[0]), entry[1].as_i64().unwrap(), number(&entry[2]));
                if seq > place.seq && ticket < place.ticket {
                    all.push((seq, parties, sign * spots));
                }
            }
        }
        all.sort_unstable_by_key(|(seq, ..)| *seq);
        for (_, parties, spots) in all {
            place.parties += parties;
            place.spots += spots;
        }
    }

    fn own(&mut self, me: &Value) {
        let of = |rsvp: &Value| {
            (
                rsvp["version"].as_u64(),
                rsvp["updated_at"].as_str().map(str::to_owned),
            )
        };
        assert!(
            of(&me["rsvp"]) >= of(&self.rsvp),
            "an RSVP never gets older: {me}"
        );
        self.rsvp = me["rsvp"].clone();
        self.place = me["ticket"].as_u64().map(|ticket| Place {
            ticket,
            seq: number(&me["seq"]),
            parties: me["parties_ahead"].as_i64().unwrap(),
            spots: me["spots_ahead"].as_i64().unwrap(),
        });
    }
}

fn number(value: &Value) -> u64 {
    value.as_u64().unwrap_or_else(|| panic!("{value} is a number"))
}
