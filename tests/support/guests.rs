//! People without an account: known by an e-mail address, and to the server by the token that they were given.

use serde_json::{Value, json};

use super::request::{Answer, Request};
use super::{Person, Server, host, with};

/// Somebody who has come in without an account, or was brought in.
#[derive(Clone, Debug)]
pub(crate) struct Guest {
    /// The RSVP.
    pub(crate) id: String,
    /// Its manage token.
    pub(crate) token: String,
}

impl Guest {
    /// Whoever an RSVP is for that comes with its token.
    pub(crate) fn of(rsvp: &Value) -> Self {
        Self::with_token(rsvp, &rsvp["manage_token"])
    }

    /// Whoever the answer to a command is for that has brought one guest in.
    pub(crate) fn told_by(answer: &Value) -> Self {
        Self::with_token(&answer["rsvp"], &answer["manage_token"])
    }

    /// Whoever got the RSVP that was given away by a command with this answer.
    pub(crate) fn given_by(answer: &Value) -> Self {
        Self::with_token(&answer["recipient"], &answer["manage_token"])
    }

    fn with_token(rsvp: &Value, token: &Value) -> Self {
        Self {
            id: rsvp["id"].as_str().unwrap().to_owned(),
            token: token.as_str().unwrap().to_owned(),
        }
    }

    /// The path of their RSVP.
    pub(crate) fn path(&self) -> String {
        format!("/rsvps/{}", self.id)
    }
}

/// The name of a guest and the address that goes with it.
pub(crate) fn contact(name: &str) -> Value {
    json!({"name": name, "email": address_of(name)})
}

/// The address of the guest with this name.
pub(crate) fn address_of(name: &str) -> String {
    format!("{}@example.com", name.to_lowercase())
}

/// Several guests as a booker names them, each with so many people who come along.
pub(crate) fn contacts(guests: &[(&str, u32)]) -> Value {
    let contact = |(name, count): &(&str, u32)| with(contact(name), json!({"guest_count": count}));
    guests.iter().map(contact).collect()
}

impl Request {
    /// With the manage token of a guest.
    pub(crate) fn by_guest(self, guest: &Guest) -> Self {
        self.token(&guest.token)
    }
}

impl Server {
    /// What a guest of this name is answered who wants in.
    pub(crate) async fn knock(&self, activity: &str, name: &str, fields: Value) -> Answer {
        let enter = self.post(&format!("{activity}/rsvp"));
        enter.json(&with(contact(name), fields)).send().await
    }

    /// A guest who has come in, confirmed or waiting.
    pub(crate) async fn guest(&self, activity: &str, name: &str) -> Guest {
        Guest::told_by(&self.knock(activity, name, json!({})).await.expect(201))
    }

    /// What somebody is answered who books for guests: all together, or each.
    pub(crate) async fn book(
        &self,
        activity: &str,
        booker: &Person,
        mode: &str,
        guests: &[(&str, u32)],
    ) -> Answer {
        let book = self.post(&format!("{activity}/rsvps/bulk")).by(booker);
        let body = json!({"mode": mode, "attendees": contacts(guests)});
        book.json(&body).send().await
    }

    /// A party that somebody has booked, in the order of its names.
    pub(crate) async fn party(&self, activity: &str, booker: &Person, guests: &[(&str, u32)]) -> Vec<Guest> {
        let booked = self.book(activity, booker, "all", guests).await.expect(201);
        booked["rsvps"]
            .as_array()
            .unwrap()
            .iter()
            .map(Guest::of)
            .collect()
    }

    /// The host puts a guest out.
    pub(crate) async fn put_out(&self, activity: &str, guest: &Guest) {
        let remove = self.post(&format!("{activity}/waitlist/bulk")).by(&host());
        let removed = remove
            .json(&json!({"remove": [guest.id]}))
            .send()
            .await
            .expect(200);
        assert_eq!(removed["rsvps"][0]["cancel_reason"], "by_host");
    }

    /// The RSVP of a guest as they see it.
    pub(crate) async fn seen_by(&self, guest: &Guest) -> Value {
        self.get(&guest.path()).by_guest(guest).send().await.expect(200)
    }

    /// Where the RSVP of a guest stands.
    pub(crate) async fn status_of(&self, guest: &Guest) -> String {
        self.seen_by(guest).await["status"].as_str().unwrap().to_owned()
    }
}
