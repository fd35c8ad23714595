//! A stand-in for the server: the REST contract, as far as the load test uses it, over the naive model. It
//! keeps nothing but memory and can be told to break a rule.

mod orders;
mod sessions;

use std::collections::{BTreeSet, HashMap};
use std::sync::{Arc, Mutex};

use orders::Order;
use serde_json::{Value, json};
use sessions::{Follower, Upgrade};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use turnout_loadtest::clock;
use turnout_loadtest::host::open_settings;
use turnout_loadtest::model::{Event, Model, Promotion, Rejection, Settings};
use turnout_loadtest::run::Server;
use turnout_loadtest::target::Target;
use turnout_loadtest::utc::{micros, text};
use uuid::Uuid;

/// What the stand-in does wrong.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fault {
    None,
    /// Refuses every fifth command, and closes every seventh connection after deciding and before answering.
    RefusesAndBreaks,
    /// Refuses every command of an attendee.
    RefusesForEver,
    /// Sells ten seats more than it says.
    Overbooks,
    /// Shows neither the last RSVP nor the last event.
    Forgets,
    /// Answers every ninth command with a fault of its own, as if nothing were wrong with that.
    Stumbles,
    /// Counts seats wrongly in the answers to commands.
    Miscounts,
    /// Lets people in 600 ms before the opening.
    OpensEarly,
    /// Tells those who come too early to wait 50 ms longer than they have to.
    MistakesWaits,
    /// Lets offers end 700 ms too early.
    ExpiresEarly,
    /// Never ends an offer.
    KeepsOffers,
    /// Counts RSVPs of a cancelled activity as confirmed.
    CancelsSlowly,
    /// Takes every member of a group for a party of its own.
    SplitsGroups,
    /// Sends a snapshot in place of every fifth difference, as to somebody who has fallen behind. That is no fault.
    SendsSnapshots,
    /// Leaves every fifth difference out.
    SkipsDifferences,
    /// Says in every difference that nobody has a seat.
    MiscountsDifferences,
}

pub(crate) struct StandIn {
    server: Server,
    state: Arc<Mutex<State>>,
}

struct State {
    fault: Fault,
    commands: u64,
    activities: HashMap<String, Activity>,
    /// The activity and the person of every RSVP.
    rsvps: HashMap<Uuid, (String, String)>,
    followers: Vec<Follower>,
    differences: u64,
    /// Every op that was said on a socket.
    ops: BTreeSet<String>,
}

struct Activity {
    model: Model,
    /// The names of people, from their tokens.
    names: HashMap<String, String>,
    log: Vec<Value>,
    /// As it was said.
    opens_at: Value,
}

/// What came over a connection.
enum Came {
    Request(Asked),
    Upgrade(Upgrade),
}

/// Status, body, and whether the connection breaks before it is sent.
type Answer = (u16, Value, bool);

struct Asked {
    method: String,
    path: String,
    query: HashMap<String, String>,
    /// The subject of the token; empty where there is none.
    user: String,
    name: String,
    claims: Value,
    key: String,
    body: Value,
}

impl StandIn {
    pub(crate) async fn start(fault: Fault) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let state = Arc::new(Mutex::new(State {
            fault,
            commands: 0,
            activities: HashMap::new(),
            rsvps: HashMap::new(),
            followers: Vec::new(),
            differences: 0,
            ops: BTreeSet::new(),
        }));
        let serving = Arc::clone(&state);
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(serve(stream, Arc::clone(&serving)));
            }
        });
        Self {
            server: Server {
                target: Target::at(address),
                secret: "a secret for tests".to_owned(),
                pid: None,
            },
            state,
        }
    }

    /// Every op that was said on a socket, in the order of the alphabet.
    pub(crate) fn ops(&self) -> Vec<String> {
        self.state.lock().unwrap().ops.iter().cloned().collect()
    }

    pub(crate) fn server(&self) -> Server {
        self.server.clone()
    }
}

async fn serve(mut stream: TcpStream, state: Arc<Mutex<State>>) {
    let mut received = Vec::new();
    while let Some(came) = read(&mut stream, &mut received).await {
        let asked = match came {
            Came::Request(asked) => asked,
            Came::Upgrade(upgrade) => return sessions::serve(stream, upgrade, state).await,
        };
        let (status, body, breaks) = state.lock().unwrap().answer(&asked);
        if breaks {
            return;
        }
        let etag = body["rsvp"]["version"]
            .as_u64()
            .map_or_else(String::new, |version| format!("etag: \"{version}\"\r\n"));
        let body = body.to_string();
        let head = format!(
            "HTTP/1.1 {status} X\r\ncontent-length: {}\r\nretry-after: 0\r\n{}{etag}\r\n",
            body.len(),
            date(),
        );
        if stream.write_all((head + &body).as_bytes()).await.is_err() {
            return;
        }
    }
}

/// The header that tells the time.
fn date() -> String {
    let now = text(now_us());
    let (year, month, day) = (&now[..4], &now[5..7], &now[8..10]);
    let months = "Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec";
    let month = months
        .split(' ')
        .nth(month.parse::<usize>().unwrap() - 1)
        .unwrap();
    format!("date: Sat, {day} {month} {year} {} GMT\r\n", &now[11..19])
}

async fn read(stream: &mut TcpStream, received: &mut Vec<u8>) -> Option<Came> {
    loop {
        let mut headers = [httparse::EMPTY_HEADER; 16];
        let mut request = httparse::Request::new(&mut headers);
        if let httparse::Status::Complete(head_bytes) = request.parse(received).unwrap() {
            let header = |name: &str| {
                let found = request
                    .headers
                    .iter()
                    .find(|header| header.name.eq_ignore_ascii_case(name));
                found
                    .map_or("", |header| std::str::from_utf8(header.value).unwrap())
                    .to_owned()
            };
            let end = head_bytes + header("content-length").parse().unwrap_or(0);
            if !header("upgrade").is_empty() {
                return Some(Came::Upgrade(Upgrade {
                    key: header("sec-websocket-key"),
                    subprotocol: header("sec-websocket-protocol"),
                }));
            }
            if received.len() >= end {
                let url = url::Url::parse("http://x")
                    .unwrap()
                    .join(request.path.unwrap())
                    .unwrap();
                // Whoever has no token is nobody.
                let claims = match &*header("authorization") {
                    "" => json!({"sub": "", "name": ""}),
                    authorization => claims(authorization),
                };
                let claim = |name: &str| claims[name].as_str().unwrap_or_default().to_owned();
                let asked = Asked {
                    method: request.method.unwrap().to_owned(),
                    path: url.path().trim_start_matches("/api/v1/activities").to_owned(),
                    query: url.query_pairs().into_owned().collect(),
                    user: claim("sub"),
                    name: claim("name"),
                    claims,
                    key: header("idempotency-key"),
                    body: serde_json::from_slice(&received[head_bytes..end]).unwrap_or_default(),
                };
                received.drain(..end);
                return Some(Came::Request(asked));
            }
        }
        if stream.read_buf(received).await.ok()? == 0 {
            return None;
        }
    }
}

fn claims(authorization: &str) -> Value {
    let token = authorization.trim_start_matches("Bearer ");
    jsonwebtoken::dangerous::insecure_decode::<Value>(token)
        .unwrap()
        .claims
}

impl State {
    fn answer(&mut self, asked: &Asked) -> Answer {
        for (id, activity) in &mut self.activities {
            activity.expire(id, self.fault);
        }
        if let Some(order) = self.order(asked) {
            return self.command(order, asked);
        }
        let parts: Vec<&str> = asked.path.trim_start_matches('/').split('/').collect();
        match (asked.method.as_str(), &parts[..]) {
            ("POST", [""]) => (201, self.create(&asked.body), false),
            ("GET", [""]) => (200, json!({"data": []}), false),
            ("GET", [id]) => (200, self.shown(id), false),
            ("GET", [_, "rsvp"]) => (404, json!({"code": "not_found"}), false),
            ("GET", [_, "attendees"]) => (200, json!({"data": []}), false),
            ("GET", [id, list]) => (200, self.list(id, list, &asked.query), false),
            _ => (404, json!({"code": "not_found"}), false),
        }
    }

    fn create(&mut self, body: &Value) -> Value {
        let id = Uuid::from_u128(self.activities.len() as u128 + 1).to_string();
        let number = |field: &str| body[field].as_u64().map(|number| number as u32);
        let extra = if self.fault == Fault::Overbooks { 10 } else { 0 };
        let settings = Settings {
            max_guests: number("max_guests").unwrap(),
            patience: number("patience").unwrap(),
            waitlist_capacity: number("waitlist_capacity"),
            promotion: match body["promotion"]["ttl_s"].as_u64() {
                Some(ttl_s) => Promotion::Offer { ttl_s: ttl_s as u32 },
                None => Promotion::Auto,
            },
            opens_at_us: body["opens_at"].as_str().and_then(micros).map(|opens_at_us| {
                let early_ms = if self.fault == Fault::OpensEarly { 600 } else { 0 };
                opens_at_us - early_ms * 1_000
            }),
            ..open_settings(number("capacity").unwrap() + extra)
        };
        let activity = Activity {
            model: Model::new(settings),
            names: HashMap::new(),
            log: Vec::new(),
            opens_at: body["opens_at"].clone(),
        };
        self.activities.insert(id.clone(), activity);
        json!({"id": id})
    }

    fn command(&mut self, order: Order, asked: &Asked) -> Answer {
        self.commands += 1;
        let refuses = self.fault == Fault::RefusesAndBreaks && self.commands.is_multiple_of(5);
        if refuses || self.fault == Fault::RefusesForEver {
            return (503, json!({"code": "overloaded"}), false);
        }
        if self.fault == Fault::Stumbles && self.commands.is_multiple_of(9) {
            return (500, json!({"code": "internal"}), false);
        }
        let breaks = self.fault == Fault::RefusesAndBreaks && self.commands.is_multiple_of(7);
        assert!(asked.key.len() >= 22, "a key that only its owner can know");
        let Order {
            activity: id,
            request,
            actor,
            status,
            comers,
        } = order;
        let (id, now_us) = (&id, request.at_us);
        for (person, name) in comers {
            self.rsvps
                .insert(rsvp_id(id, &person), (id.clone(), person.clone()));
            self.activities.get_mut(id).unwrap().names.insert(person, name);
        }
        let (shown_before, prev) = (self.snapshot(id), self.activities[id].model.seq());
        let activity = self.activities.get_mut(id).unwrap();
        let before = activity.model.clone();
        let answer = match activity.model.submit(&request) {
            Ok(answer) => answer,
            Err(rejection) => {
                let mut problem = json!({"code": rejection.code()});
                if rejection == Rejection::NotOpenYet {
                    problem["opens_in_ms"] = activity.opens_in_ms(now_us);
                    let too_long_ms = if self.fault == Fault::MistakesWaits { 50 } else { 0 };
                    problem["opens_in_ms"] = json!(problem["opens_in_ms"].as_i64().unwrap() + too_long_ms);
                }
                return (409, problem, breaks);
            }
        };
        for event in &answer.events {
            let entry = activity.entry(id, &actor, event, &before, now_us);
            activity.log.push(entry);
        }
        if !answer.events.is_empty() && !answer.replayed {
            self.tell_followers(id, &shown_before, prev);
        }
        let mut counts = self.counts(id);
        if self.fault == Fault::Miscounts {
            counts["available_spots"] = json!(counts["available_spots"].as_u64().unwrap() + 1);
        }
        let mut body = orders::body(&self.activities[id], id, (&request.command, &actor), &answer);
        body["counts"] = counts;
        (status, body, breaks)
    }

    fn counts(&self, id: &str) -> Value {
        let counts = self.activities[id].model.counts();
        let extra = if self.fault == Fault::Overbooks { 10 } else { 0 };
        json!({
            "capacity": counts.capacity - extra,
            "confirmed_spots": counts.confirmed_spots,
            "offered_spots": counts.offered_spots,
            "available_spots": counts.available_spots,
            "waitlisted_parties": counts.waitlisted_parties,
            "waitlisted_spots": counts.waitlisted_spots,
            "seq": counts.seq,
        })
    }

    fn shown(&self, id: &str) -> Value {
        let mut shown = self.counts(id);
        shown["id"] = json!(id);
        let is_cancelled = self.activities[id].model.is_cancelled();
        shown["status"] = json!(if is_cancelled { "cancelled" } else { "scheduled" });
        shown["checked_in_spots"] = json!(self.activities[id].model.checked_in_spots());
        shown["opens_at"] = self.activities[id].opens_at.clone();
        shown["opens_in_ms"] = self.activities[id].opens_in_ms(now_us());
        shown
    }

    fn list(&self, id: &str, list: &str, query: &HashMap<String, String>) -> Value {
        let activity = &self.activities[id];
        let model = &activity.model;
        let hidden = usize::from(self.fault == Fault::Forgets);
        let limit: usize = query["limit"].parse().unwrap();
        match list {
            "rsvps" => {
                let all = model.rsvps().len() - hidden;
                let cursor = query.get("cursor").and_then(|cursor| cursor.parse().ok());
                let from: usize = cursor.unwrap_or(0);
                let to = all.min(from + limit);
                let persons = model.rsvps().keys().take(to).skip(from);
                let status = query.get("status");
                let data: Vec<Value> = persons
                    .map(|person| activity.rsvp(id, &model.rsvp(person).unwrap()))
                    .filter(|rsvp| status.is_none_or(|status| rsvp["status"] == status.as_str()))
                    .collect();
                let everybody = model.all_rsvps();
                let total = everybody.values().filter(|rsvp| {
                    let lags = self.fault == Fault::CancelsSlowly && rsvp.status.as_str() == "cancelled";
                    let shown = if lags { "confirmed" } else { rsvp.status.as_str() };
                    status.is_none_or(|status| shown == status.as_str())
                });
                json!({"data": data, "total": total.count(), "next_cursor": (to < all).then(|| to.to_string())})
            }
            "waitlist" => {
                let page: usize = query["page"].parse().unwrap();
                let members = model.waiting().iter().flat_map(|party| {
                    party.members.iter().map(|person| {
                        let mut entry = activity.rsvp(id, &model.rsvp(person).unwrap());
                        entry["ticket"] = json!(party.ticket);
                        entry
                    })
                });
                let entries: Vec<Value> = members.skip((page - 1) * limit).take(limit).collect();
                let counts = model.counts();
                json!({
                    "parties": counts.waitlisted_parties,
                    "spots": counts.waitlisted_spots,
                    "paused": model.is_waitlist_paused(),
                    "me": null,
                    "entries": entries,
                })
            }
            "events" => {
                let after: usize = query["after_seq"].parse().unwrap();
                let log = &activity.log[..activity.log.len() - hidden];
                let data: Vec<&Value> = log.iter().skip(after).take(limit).collect();
                json!({"data": data})
            }
            other => panic!("nobody asked for {other}"),
        }
    }
}

/// What time it is here.
fn now_us() -> i64 {
    clock::unix_ms().cast_signed() * 1_000
}

impl Activity {
    fn opens_in_ms(&self, now_us: i64) -> Value {
        let opens_at_us = self.opens_at.as_str().and_then(micros);
        json!(opens_at_us.map(|opens_at_us| (opens_at_us - now_us).max(0) / 1_000))
    }

    /// One entry of the log. Of several who are promoted at once, the later are promoted past nobody whom the
    /// earlier were not promoted past.
    fn entry(&self, id: &str, actor: &str, event: &Event, before: &Model, at_us: i64) -> Value {
        let person = event.person.as_deref();
        let row = person.map(|person| &self.model.rsvps()[person]);
        let row_before = person.and_then(|person| before.rsvps().get(person));
        json!({
            "seq": event.seq,
            "at": text(at_us),
            "kind": event.kind.as_str(),
            "rsvp_id": person.map(|person| rsvp_id(id, person)),
            "actor": actor,
            "previous_status": row_before.map(|row| row.status.as_str()),
            "status": row.map(|row| row.status.as_str()),
            "spots": event.spots,
            "ticket": event.ticket,
            "reason": event.reason,
        })
    }
}

fn rsvp_id(activity: &str, person: &str) -> Uuid {
    let person = Uuid::parse_str(person).map_or_else(
        |_| {
            person
                .bytes()
                .fold(7, |id: u128, byte| id.wrapping_mul(257) + u128::from(byte))
        },
        |id| id.as_u128(),
    );
    Uuid::from_u128(Uuid::parse_str(activity).unwrap().as_u128() << 64 ^ person ^ 1)
}
