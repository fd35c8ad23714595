//! One activity with three who watch, and what must agree after every step: what they see, what the server answers, the
//! host's list, the decision log, and the rows of the database.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use crate::support::{Audit, Follower, Person, Server, Socket, host};

/// Somebody who watches over a socket.
pub(super) struct Watcher {
    pub(super) socket: Socket,
    follower: Follower,
    /// Whose RSVP is followed, if anybody's.
    person: Option<Person>,
}

/// An activity and everybody who watches it.
pub(super) struct Stage {
    pub(super) server: Server,
    pub(super) path: String,
    pub(super) watchers: Vec<Watcher>,
    /// How much of the decision log was looked at.
    read: usize,
    /// What the database held after the step before.
    audited: Audit,
}

impl Watcher {
    /// The own RSVP as it was told last.
    pub(super) fn rsvp(&self) -> &Value {
        &self.follower.rsvp
    }

    async fn catch_up(&mut self, seq: u64) {
        while self.follower.seq < seq {
            let message = self.socket.next().await.unwrap();
            self.follower.hear(&message);
        }
    }
}

impl Stage {
    pub(super) async fn open(fields: Value) -> Self {
        let server = Server::start().await;
        let path = server.open(fields).await;
        let audited = server.audit().await;
        Self {
            server,
            path,
            watchers: Vec::new(),
            read: 0,
            audited,
        }
    }

    /// Lets somebody watch, or anybody.
    pub(super) async fn watch(&mut self, person: Option<Person>, packed: bool) {
        let mut socket = if packed {
            self.server.packed_socket(person.as_ref()).await
        } else {
            self.server.socket(person.as_ref()).await
        };
        let subscribed = socket.subscribe(&self.path).await;
        let mut follower = Follower::default();
        follower.hear(&subscribed);
        self.watchers.push(Watcher {
            socket,
            follower,
            person,
        });
    }

    /// The step that just was has led to these events, and everybody and everything agrees on where it has led.
    pub(super) async fn agrees(&mut self, step: &str, kinds: &[&str]) {
        let events = self.server.events(&self.path).await;
        let new: Vec<&str> = events[self.read..]
            .iter()
            .map(|event| event["kind"].as_str().unwrap())
            .collect();
        assert_eq!(new, kinds, "{step}");
        self.read = events.len();
        let seq = events.len() as u64;

        let shown = self.server.get(&self.path).by(&host()).send().await.expect(200);
        assert_eq!(shown["seq"], seq, "{step}");
        let line = self.server.get(&format!("{}/waitlist", self.path)).by(&host());
        let line = line.send().await.expect(200);
        let rows = self.rows().await;
        assert_eq!(sums(&rows), counts(&shown), "{step}: the rows of the host's list");
        assert_eq!(folded(&events), standing(&rows), "{step}: the decision log");
        let waiting = line["entries"].as_array().unwrap();
        for (entry, before) in waiting.iter().zip(waiting.iter().skip(1)) {
            assert!(
                entry["ticket"].as_u64() <= before["ticket"].as_u64(),
                "{step}: {line}"
            );
        }

        // The rows of the database add up, and nothing of what was there before has changed.
        let audited = self.server.audit().await;
        audited.follows(&self.audited);
        assert_eq!(
            (audited.events, audited.rsvps),
            (events.len(), rows.len()),
            "{step}"
        );
        self.audited = audited;

        for watcher in &mut self.watchers {
            watcher.catch_up(seq).await;
            let seen = &watcher.follower.state;
            for (name, value) in seen {
                if name != "waitlist" {
                    assert_eq!(*value, shown[name], "{step}: {name}");
                }
            }
            assert_eq!(seen["waitlist"]["parties"], shown["waitlisted_parties"], "{step}");
            assert_eq!(seen["waitlist"]["spots"], shown["waitlisted_spots"], "{step}");
            assert_eq!(
                seen["waitlist"]["first_ticket"],
                waiting
                    .first()
                    .map_or(Value::Null, |first| first["ticket"].clone()),
                "{step}"
            );
            let Some(person) = watcher
                .person
                .as_ref()
                .filter(|_| !watcher.follower.rsvp.is_null())
            else {
                continue;
            };
            let own = self.server.get(&format!("{}/rsvp", self.path)).by(person);
            let own = own.send().await.expect(200);
            assert_eq!(watcher.follower.rsvp["status"], own["status"], "{step}");
            assert_eq!(watcher.follower.rsvp["version"], own["version"], "{step}");
            let ahead = own["parties_ahead"].as_i64().zip(own["spots_ahead"].as_i64());
            assert_eq!(watcher.follower.ahead(), ahead, "{step}: the own place");
        }
    }

    /// Every RSVP, as the host sees it.
    pub(super) async fn rows(&self) -> Vec<Value> {
        let list = self
            .server
            .get(&format!("{}/rsvps?limit=100", self.path))
            .by(&host());
        let list = list.send().await.expect(200);
        assert_eq!(
            list["total"].as_u64().unwrap() as usize,
            list["data"].as_array().unwrap().len()
        );
        list["data"].as_array().unwrap().clone()
    }

    /// Waits until the log is this long: for what happens by itself.
    pub(super) async fn until_events(&self, events: usize) {
        while self.server.events(&self.path).await.len() < events {
            tokio::time::sleep(std::time::Duration::from_millis(10)).await;
        }
    }
}

/// What the rows of RSVPs add up to.
fn sums(rows: &[Value]) -> Value {
    let spots = |status: &str| -> u64 {
        let with = rows.iter().filter(|row| row["status"] == status);
        with.map(|row| row["total_spots"].as_u64().unwrap()).sum()
    };
    let checked_in = rows
        .iter()
        .filter(|row| row["status"] == "confirmed" && !row["checked_in_at"].is_null());
    json!({
        "confirmed_spots": spots("confirmed"),
        "offered_spots": spots("offered"),
        "waitlisted_spots": spots("waitlisted"),
        "checked_in_spots": checked_in.map(|row| row["total_spots"].as_u64().unwrap()).sum::<u64>(),
    })
}

fn counts(activity: &Value) -> Value {
    let names = [
        "confirmed_spots",
        "offered_spots",
        "waitlisted_spots",
        "checked_in_spots",
    ];
    let counts: Map<String, Value> = names
        .into_iter()
        .map(|name| (name.to_owned(), activity[name].clone()))
        .collect();
    counts.into()
}

/// Where each RSVP stands, by what the log says of it; an activity that was cancelled has ended all.
fn folded(events: &[Value]) -> BTreeMap<String, String> {
    let mut standing = BTreeMap::new();
    for event in events {
        if let Some(rsvp) = event["rsvp_id"].as_str() {
            let status = event["status"].as_str().unwrap();
            standing.insert(rsvp.to_owned(), status.to_owned());
        }
        if event["kind"] == "activity_cancelled" {
            standing
                .values_mut()
                .for_each(|status| "cancelled".clone_into(status));
        }
    }
    standing
}

fn standing(rows: &[Value]) -> BTreeMap<String, String> {
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    rows.iter()
        .map(|row| (text(&row["id"]), text(&row["status"])))
        .collect()
}
