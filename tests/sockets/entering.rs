//! How people come in who have no account, and what tokens of theirs look like.

use serde_json::{Value, json};

use crate::support::{Person, Server, forge, with};

/// So many seconds after the tests' clock starts; no activity here lasts that long.
const LATER_S: i64 = 30 * 24 * 60 * 60;

/// Somebody without an account who comes in: the id is that of the RSVP, the token the one that manages it.
pub(super) async fn guest(server: &Server, path: &str, name: &str) -> Person {
    guest_with(server, path, name, json!({})).await
}

pub(super) async fn guest_with(server: &Server, path: &str, name: &str, more: Value) -> Person {
    let reserve = server.post(&format!("{path}/rsvp"));
    let answer = reserve.json(&with(contact(name), more)).send().await.expect(201);
    held(&answer["rsvp"], &answer["manage_token"])
}

/// Several people without accounts who come in as one party, booked by somebody.
pub(super) async fn party(server: &Server, path: &str, booker: &Person, names: &[&str]) -> Vec<Person> {
    let attendees: Vec<Value> = names.iter().map(|name| contact(name)).collect();
    let book = server.post(&format!("{path}/rsvps/bulk")).by(booker);
    let body = json!({"mode": "all", "attendees": attendees});
    let answer = book.json(&body).send().await.expect(201);
    let rsvps = answer["rsvps"].as_array().unwrap().iter();
    rsvps.map(|rsvp| held(rsvp, &rsvp["manage_token"])).collect()
}

fn held(rsvp: &Value, token: &Value) -> Person {
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    Person {
        id: text(&rsvp["id"]),
        token: text(token),
    }
}

pub(super) fn contact(name: &str) -> Value {
    json!({"name": name, "email": format!("{}@example.com", name.to_lowercase())})
}

/// What the manage token of an RSVP says.
pub(super) fn manage_claims(server: &Server, rsvp: &str) -> Value {
    json!({
        "iss": "turnout", "aud": "turnout-manage", "sub": rsvp, "gen": 1, "exp": server.clock.now_s() + LATER_S,
    })
}

/// The manage token of an RSVP that ends so many seconds from now.
pub(super) fn ending(server: &Server, rsvp: &str, seconds: i64) -> String {
    let exp = server.clock.now_s() + seconds;
    forge(&with(manage_claims(server, rsvp), json!({"exp": exp})))
}

/// Checks that a message has these members.
#[track_caller]
pub(super) fn assert_has(message: &Value, members: Value) {
    let Value::Object(members) = members else {
        panic!("members are given as an object")
    };
    for (name, value) in members {
        assert_eq!(message[&name], value, "{name} in {message}");
    }
}
