//! How people come in who have no account, and what tokens of theirs look like.

use serde_json::{Value, json};

use crate::support::{Guest, Person, Server, forge, with};

/// So many seconds after the tests' clock starts; no activity here lasts that long.
const LATER_S: i64 = 30 * 24 * 60 * 60;

/// Somebody without an account who comes in: the id is that of the RSVP, the token the one that manages it.
pub(super) async fn guest(server: &Server, path: &str, name: &str) -> Person {
    guest_with(server, path, name, json!({})).await
}

pub(super) async fn guest_with(server: &Server, path: &str, name: &str, more: Value) -> Person {
    let answer = server.knock(path, name, more).await.expect(201);
    held(Guest::told_by(&answer))
}

/// Several people without accounts who come in as one party, booked by somebody.
pub(super) async fn party(server: &Server, path: &str, booker: &Person, names: &[&str]) -> Vec<Person> {
    let alone: Vec<_> = names.iter().map(|name| (*name, 0)).collect();
    let guests = server.party(path, booker, &alone).await;
    guests.into_iter().map(held).collect()
}

fn held(guest: Guest) -> Person {
    let Guest { id, token } = guest;
    Person { id, token }
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
