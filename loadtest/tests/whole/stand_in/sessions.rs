//! The stand-in's WebSockets: greeting, commands, and differences for whoever follows an activity.

use std::sync::{Arc, Mutex};

use futures::{SinkExt, StreamExt};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;
use tokio::sync::mpsc::{UnboundedSender, unbounded_channel};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;
use tokio_tungstenite::tungstenite::protocol::Role;
use turnout_loadtest::utc::text;

use super::{Asked, Fault, State, claims, now_us, rsvp_id};

/// Who follows what.
pub(super) struct Follower {
    activity: String,
    outbox: UnboundedSender<Value>,
}

/// What a request for a WebSocket says.
pub(super) struct Upgrade {
    pub(super) key: String,
    pub(super) subprotocol: String,
}

/// One session, until either side has enough.
pub(super) async fn serve(mut stream: TcpStream, upgrade: Upgrade, state: Arc<Mutex<State>>) {
    let answer = format!(
        "HTTP/1.1 101 X\r\nconnection: upgrade\r\nupgrade: websocket\r\nsec-websocket-accept: {}\r\n\
         sec-websocket-protocol: {}\r\n\r\n",
        derive_accept_key(upgrade.key.as_bytes()),
        upgrade.subprotocol
    );
    stream.write_all(answer.as_bytes()).await.unwrap();
    let mut socket = WebSocketStream::from_raw_socket(stream, Role::Server, None).await;
    let is_json = upgrade.subprotocol == "turnout.v1.json";
    let (outbox, mut inbox) = unbounded_channel();
    let mut token = None;
    loop {
        let said = tokio::select! {
            heard = socket.next() => match heard {
                Some(Ok(frame @ (Message::Text(_) | Message::Binary(_)))) => {
                    let heard = decoded(is_json, &frame.into_data());
                    match state.lock().unwrap().heard(&heard, &mut token, &outbox) {
                        Some(said) => said,
                        // It breaks after deciding and before answering.
                        None => return,
                    }
                }
                Some(Ok(_)) => continue,
                Some(Err(_)) | None => return,
            },
            told = inbox.recv() => vec![told.expect("this end is held here")],
        };
        if !said.is_empty() && socket.send(encoded(is_json, &said)).await.is_err() {
            return;
        }
    }
}

fn decoded(is_json: bool, bytes: &[u8]) -> Value {
    if is_json {
        return serde_json::from_slice(bytes).unwrap();
    }
    let deserializer = rmp_serde::Deserializer::new(bytes);
    Value::deserialize(&mut deserializer.with_human_readable()).unwrap()
}

/// All in one frame.
fn encoded(is_json: bool, said: &[Value]) -> Message {
    if is_json {
        let lines: Vec<String> = said.iter().map(Value::to_string).collect();
        return Message::text(lines.join("\n"));
    }
    let mut bytes = Vec::new();
    for value in said {
        let serializer = rmp_serde::Serializer::new(&mut bytes);
        value.serialize(&mut serializer.with_human_readable()).unwrap();
    }
    Message::binary(bytes)
}

impl State {
    /// The answers to one message; `None` where the connection breaks.
    fn heard(
        &mut self,
        heard: &Value,
        token: &mut Option<String>,
        outbox: &UnboundedSender<Value>,
    ) -> Option<Vec<Value>> {
        match heard["type"].as_str().unwrap() {
            "hello" => {
                *token = heard["token"].as_str().map(str::to_owned);
                let mut said = vec![json!({"type": "welcome", "session": "s", "now": text(now_us())})];
                for entry in heard["subscribe"].as_array().into_iter().flatten() {
                    said.push(self.subscribed(entry, outbox));
                }
                Some(said)
            }
            "command" => {
                self.ops.insert(heard["op"].as_str().unwrap().to_owned());
                self.commanded(heard, token.as_deref().unwrap())
            }
            other => panic!("nobody said {other}"),
        }
    }

    fn subscribed(&mut self, entry: &Value, outbox: &UnboundedSender<Value>) -> Value {
        let id = entry["activity"].as_str().unwrap();
        self.followers.push(Follower {
            activity: id.to_owned(),
            outbox: outbox.clone(),
        });
        let seq = self.counts(id)["seq"].clone();
        let mut said = json!({"type": "subscribed", "activity": id, "epoch": 1, "seq": seq, "mode": "live"});
        if entry["seq"] != seq {
            said["mode"] = json!("snapshot");
            said["snapshot"] = self.snapshot(id);
        }
        said
    }

    fn commanded(&mut self, heard: &Value, token: &str) -> Option<Vec<Value>> {
        let claims = claims(token);
        let claim = |name: &str| claims[name].as_str().unwrap_or_default().to_owned();
        let id = heard["activity"].as_str().unwrap().to_owned();
        let (method, path, body) = self.in_words_of_rest(heard, &id, &claims);
        let asked = Asked {
            method: method.to_owned(),
            path,
            query: Default::default(),
            user: claim("sub"),
            name: claim("name"),
            claims: claims.clone(),
            key: heard["key"].as_str().unwrap().to_owned(),
            body,
        };
        let (status, mut body, breaks) = self.answer(&asked);
        if breaks {
            return None;
        }
        if status < 300 {
            body["type"] = json!("ok");
            body["activity"] = json!(id);
        } else {
            let retry = if status == 503 { "same_key" } else { "never" };
            let error =
                json!({"type": "error", "code": body["code"], "detail": "", "retry": retry, "after_ms": 0});
            body = if body["code"] == "not_open_yet" {
                json!({"type": "error", "code": body["code"], "detail": "", "retry": "after",
                    "after_ms": body["opens_in_ms"], "opens_in_ms": body["opens_in_ms"]})
            } else {
                error
            };
        }
        body["id"] = heard["id"].clone();
        body["key"] = heard["key"].clone();
        Some(vec![body])
    }

    /// Method, path and body of the request that asks for the same.
    fn in_words_of_rest(&self, heard: &Value, id: &str, claims: &Value) -> (&'static str, String, Value) {
        let args = &heard["args"];
        let sub = claims["sub"].as_str().unwrap();
        // The manage token of a guest names the RSVP.
        let own = match sub.parse() {
            Ok(rsvp) if self.rsvps.contains_key(&rsvp) => rsvp,
            _ => rsvp_id(id, sub),
        };
        let below_activity = |rest: &str| format!("/{id}{rest}");
        let below_rsvp = |rsvp: &str, rest: &str| format!("/api/v1/rsvps/{rsvp}{rest}");
        let named = args["rsvp"].as_str().unwrap_or_default();
        match heard["op"].as_str().unwrap() {
            "reserve" => ("POST", below_activity("/rsvp"), args.clone()),
            "update" => ("PATCH", below_activity("/rsvp"), args.clone()),
            "cancel" => ("DELETE", below_activity("/rsvp"), Value::Null),
            "accept" => ("POST", below_rsvp(&own.to_string(), "/accept"), Value::Null),
            "decline" => ("POST", below_rsvp(&own.to_string(), "/decline"), Value::Null),
            "check_in" => ("POST", below_rsvp(named, "/check-in"), Value::Null),
            "undo_check_in" => ("DELETE", below_rsvp(named, "/check-in"), Value::Null),
            "promote" => {
                let body = json!({"count": args["count"], "rsvp_ids": args["rsvps"]});
                ("POST", below_activity("/waitlist/promote"), body)
            }
            "remove" => {
                let body = json!({"remove": args["rsvps"]});
                ("POST", below_activity("/waitlist/bulk"), body)
            }
            "set_capacity" => ("PATCH", below_activity(""), args.clone()),
            "pause_waitlist" => {
                let body = json!({"waitlist_paused": args["paused"]});
                ("PATCH", below_activity(""), body)
            }
            other => panic!("there is no op {other}"),
        }
    }

    /// What everybody may see of an activity.
    pub(super) fn snapshot(&self, id: &str) -> Value {
        let mut snapshot = self.shown(id);
        snapshot.as_object_mut().unwrap().remove("seq");
        let first_ticket = self.activities[id]
            .model
            .waiting()
            .first()
            .map(|party| party.ticket);
        snapshot["waitlist"] = json!({
            "parties": snapshot["waitlisted_parties"],
            "spots": snapshot["waitlisted_spots"],
            "first_ticket": first_ticket,
        });
        snapshot
    }

    /// Tells all who follow an activity what has changed since it looked like this.
    pub(super) fn tell_followers(&mut self, id: &str, before: &Value, prev: u64) {
        let after = self.snapshot(id);
        let seq = self.activities[id].model.seq();
        let mut diff = json!({"type": "diff", "activity": id, "prev": prev, "seq": seq});
        for (field, value) in after.as_object().unwrap() {
            if before[field] != *value {
                diff[field] = value.clone();
            }
        }
        for list in ["left", "resized", "joined"] {
            if diff["waitlist"].is_object() {
                diff["waitlist"][list] = json!([]);
            }
        }
        self.differences += 1;
        match self.fault {
            Fault::SkipsDifferences if self.differences.is_multiple_of(5) => return,
            Fault::SendsSnapshots if self.differences.is_multiple_of(5) => {
                diff = json!({"type": "subscribed", "activity": id, "epoch": 1, "seq": seq, "mode": "snapshot",
                    "snapshot": after});
            }
            Fault::MiscountsDifferences if diff["confirmed_spots"].is_u64() => {
                diff["confirmed_spots"] = json!(0);
            }
            _ => {}
        }
        self.followers
            .retain(|follower| follower.activity != id || follower.outbox.send(diff.clone()).is_ok());
    }
}
