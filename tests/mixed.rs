//! Random runs: accounts, guests, bookers and a host who do whatever they can think of to one activity, while time passes
//! and the server is restarted. Nothing ever fails, what is shown adds up after every step, and so does what was written.
//!
//! `TURNOUT_MIXED_STEPS` sets how many steps, `TURNOUT_MIXED_SEED` which.

use std::collections::{BTreeMap, BTreeSet};

use reqwest::Method;
use serde_json::{Value, json};

use crate::support::{Answer, Guest, Person, Random, Server, contact, contacts, host, number, with};

const ACCOUNTS: u64 = 5;
const NAMES: u64 = 40;
const STEPS_PER_RESTART: u64 = 150;
/// After so many steps whatever can succeed has.
const STEPS_FOR_ALL: u64 = 600;

/// Whatever is tried.
const COMMANDS: [&str; 13] = [
    "knock", "account", "all", "each", "cancel", "update", "accept", "decline", "transfer", "promote",
    "bulk", "door", "change",
];

struct Run {
    server: Server,
    random: Random,
    path: String,
    /// The latest token of each guest's RSVP.
    tokens: BTreeMap<String, String>,
    /// Those that are over.
    outlived: Vec<Guest>,
    /// How often each command was answered how.
    answered: BTreeMap<(&'static str, String), u32>,
}

#[tokio::test]
async fn whatever_people_do_to_an_activity_it_adds_up() {
    let steps = number("TURNOUT_MIXED_STEPS", STEPS_FOR_ALL);
    let seed = number("TURNOUT_MIXED_SEED", 1);
    println!("TURNOUT_MIXED_STEPS={steps} TURNOUT_MIXED_SEED={seed}");
    let server = Server::start().await;
    let fields = json!({
        "capacity": 6, "max_guests": 3, "waitlist_capacity": 8, "patience": 2,
        "starts_at": "2090-01-01T00:00:00Z", "ends_at": "2090-01-01T01:00:00Z",
    });
    let path = server.open(fields).await;
    let mut run = Run {
        server,
        random: Random(seed),
        path,
        tokens: BTreeMap::new(),
        outlived: Vec::new(),
        answered: BTreeMap::new(),
    };
    for step in 1..=steps {
        run.step().await;
        if step % STEPS_PER_RESTART == 0 {
            run.server = run.server.restart().await;
        }
        run.adds_up().await;
    }
    for ((command, answer), times) in &run.answered {
        println!("{command:>12} {times:>5} {answer}");
    }
    for command in COMMANDS.into_iter().filter(|_| steps >= STEPS_FOR_ALL) {
        let succeeded = |status: &str| run.answered.contains_key(&(command, status.to_owned()));
        assert!(succeeded("200") || succeeded("201"), "{command} never succeeded");
    }
    run.server.stop().await;
}

impl Run {
    async fn step(&mut self) {
        match self.random.below(20) {
            0 | 1 => self.knock().await,
            2 => self.reserve().await,
            3 | 4 => self.book().await,
            5..=12 => self.of_somebody().await,
            13 | 14 => self.by_hand().await,
            15 => self.at_the_door().await,
            16 | 17 => self.change().await,
            // Offers end in a minute at the latest.
            _ => {
                let ms = self.random.below(30_000);
                self.server.clock.advance_ms(ms as i64);
            }
        }
    }

    fn note(&mut self, command: &'static str, answer: &Answer) {
        assert!(answer.status < 500, "{command}: {answer:?}");
        let told = match answer.code() {
            "" => answer.status.to_string(),
            code => code.to_owned(),
        };
        assert_ne!(told, "validation_failed", "{command}: {answer:?}");
        *self.answered.entry((command, told)).or_default() += 1;
    }

    /// Somebody was given a token.
    fn meet(&mut self, Guest { id, token }: Guest) {
        let earlier = self.tokens.insert(id.clone(), token);
        self.outlived.extend(earlier.map(|token| Guest { id, token }));
    }

    fn name(&mut self) -> String {
        format!("Guest{}", self.random.below(NAMES))
    }

    fn account(&mut self) -> Person {
        match self.random.below(ACCOUNTS + 1) {
            0 => host(),
            number => Person::member(u128::from(number) + 1),
        }
    }

    /// A guest.
    fn any(&mut self) -> Option<Guest> {
        let at = self.random.below(self.tokens.len().max(1) as u64) as usize;
        let (id, token) = self.tokens.iter().nth(at)?;
        Some(Guest {
            id: id.clone(),
            token: token.clone(),
        })
    }

    /// A guest whose RSVP stands so; any, if there is none.
    async fn with_status(&mut self, status: &str) -> Option<Guest> {
        let list = format!("{}/rsvps?limit=100&status={status}", self.path);
        let list = self.server.get(&list).by(&host()).send().await.expect(200);
        let rsvps = list["data"].as_array().unwrap().iter();
        let ids = rsvps.map(|rsvp| rsvp["id"].as_str().unwrap());
        let known: Vec<&str> = ids.filter(|id| self.tokens.contains_key(*id)).collect();
        if known.is_empty() {
            return self.any();
        }
        let id = known[self.random.below(known.len() as u64) as usize];
        Some(Guest {
            id: id.to_owned(),
            token: self.tokens[id].clone(),
        })
    }

    /// Somebody's token and the identifier of an RSVP, which need not be theirs.
    async fn somebody(&mut self, status: &str) -> Option<(String, String)> {
        let guest = self.with_status(status).await?;
        Some(match self.random.below(12) {
            0 => (self.any()?.token, guest.id),
            1 => (self.account().token, guest.id),
            2 => (host().token, guest.id),
            3 if !self.outlived.is_empty() => {
                let at = self.random.below(self.outlived.len() as u64);
                let outlived = self.outlived[at as usize].clone();
                (outlived.token, outlived.id)
            }
            _ => (guest.token, guest.id),
        })
    }

    async fn knock(&mut self) {
        // So that the limit per address seldom matters.
        self.server.clock.advance_ms(500);
        let (name, guests) = (self.name(), self.random.below(4));
        let fields = json!({"guest_count": guests});
        let answer = self.server.knock(&self.path, &name, fields).await;
        self.note("knock", &answer);
        if answer.status == 201 {
            self.meet(Guest::told_by(&answer.body));
        }
    }

    async fn reserve(&mut self) {
        let (person, guests) = (self.account(), self.random.below(4));
        let method = [Method::POST, Method::DELETE, Method::PATCH][self.random.below(3) as usize].clone();
        let own = format!("{}/rsvp", self.path);
        let own = self.server.request(method, &own).by(&person);
        let answer = own.json(&json!({"guest_count": guests})).send().await;
        self.note("account", &answer);
    }

    async fn book(&mut self) {
        let booker = self.account();
        let (first, members) = (self.random.below(NAMES), 2 + self.random.below(3));
        let names = (first..first + members).map(|number| format!("Guest{}", number % NAMES));
        let names: Vec<String> = names.collect();
        let mut bring = |name| (name, self.random.below(2) as u32);
        let named: Vec<(&str, u32)> = names.iter().map(|name| bring(name.as_str())).collect();
        let mode = ["all", "each"][self.random.below(2) as usize];
        let body = json!({"mode": mode, "attendees": contacts(&named)});
        let book = self.server.post(&format!("{}/rsvps/bulk", self.path));
        let answer = book.by(&booker).json(&body).send().await;
        self.note(mode, &answer);
        let rsvps = answer.body["rsvps"].as_array().into_iter().flatten();
        let each = answer.body["results"].as_array().into_iter().flatten();
        let each = each.map(|result| &result["rsvp"]).filter(|rsvp| rsvp.is_object());
        for rsvp in rsvps.chain(each) {
            self.meet(Guest::of(rsvp));
        }
    }

    async fn of_somebody(&mut self) {
        let what = self.random.below(8);
        let status = match what {
            0 => "confirmed",
            1..=3 => "waitlisted",
            _ => "offered",
        };
        let Some((token, id)) = self.somebody(status).await else {
            return;
        };
        let at = |route: &str| format!("/rsvps/{id}{route}");
        let guests = json!({"guest_count": self.random.below(4)});
        let to = contact(&self.name());
        let (command, method, at, body) = match what {
            0 | 1 => ("cancel", Method::DELETE, at(""), json!({})),
            2 | 4 => ("update", Method::PATCH, at(""), guests),
            3 => ("transfer", Method::POST, at("/transfer"), to),
            5 => ("decline", Method::POST, at("/decline"), json!({})),
            _ => ("accept", Method::POST, at("/accept"), json!({})),
        };
        let request = self.server.request(method, &at).token(&token);
        let answer = request.json(&body).send().await;
        self.note(command, &answer);
        if command == "transfer" && answer.status == 200 {
            self.meet(Guest::given_by(&answer.body));
        }
    }

    async fn by_hand(&mut self) {
        let (out, waits) = (self.any(), self.with_status("waitlisted").await);
        let (Some(out), Some(waits)) = (out, waits) else {
            return;
        };
        let (route, body) = match self.random.below(4) {
            0 => ("promote", json!({"count": 1 + self.random.below(2)})),
            1 => ("promote", json!({"rsvp_ids": [waits.id]})),
            2 => ("bulk", json!({"remove": [out.id]})),
            _ => ("bulk", json!({"remove": [out.id], "promote": [waits.id]})),
        };
        let give = self.server.post(&format!("{}/waitlist/{route}", self.path));
        let answer = give.by(&host()).json(&body).send().await;
        self.note(route, &answer);
    }

    async fn at_the_door(&mut self) {
        let Some(guest) = self.with_status("confirmed").await else {
            return;
        };
        let method = [Method::POST, Method::DELETE][self.random.below(2) as usize].clone();
        let door = format!("{}/check-in", guest.path());
        let answer = self.server.request(method, &door).by(&host()).send().await;
        self.note("door", &answer);
    }

    async fn change(&mut self) {
        let body = match self.random.below(5) {
            0 => json!({"capacity": 3 + self.random.below(6)}),
            1 => json!({"waitlist_paused": self.random.below(3) == 0}),
            2 if self.random.below(2) == 0 => json!({"promotion": {"mode": "auto"}}),
            3 => json!({"guests": if self.random.below(4) == 0 { "off" } else { "open" }}),
            _ => json!({"promotion": {"mode": "offer", "ttl_s": 1 + self.random.below(60)}}),
        };
        let change = self.server.patch(&self.path).by(&host()).json(&body);
        let answer = change.send().await;
        self.note("change", &answer);
    }

    /// What the host sees of everybody, against what everybody sees of the activity.
    async fn adds_up(&self) {
        // A command without effect: offers that are over end before it, so that nothing moves meanwhile.
        self.server
            .patch(&self.path)
            .by(&host())
            .json(&json!({}))
            .send()
            .await
            .expect(200);
        let activity = self.server.get(&self.path).send().await.expect(200);
        let list = self
            .server
            .get(&format!("{}/rsvps?limit=100", self.path))
            .by(&host());
        let list = list.send().await.expect(200);
        let rsvps = list["data"].as_array().unwrap();
        assert_eq!(list["total"], rsvps.len(), "all of them are seen");
        let of = |status: &'static str| rsvps.iter().filter(move |rsvp| rsvp["status"] == status);
        let spots = |of: &mut dyn Iterator<Item = &Value>| -> u64 {
            of.map(|rsvp| rsvp["total_spots"].as_u64().unwrap()).sum()
        };
        // A party has one place in the line.
        let places: BTreeSet<u64> = of("waitlisted")
            .map(|rsvp| rsvp["position"].as_u64().unwrap())
            .collect();
        let mut checked_in = of("confirmed").filter(|rsvp| !rsvp["checked_in_at"].is_null());
        let seen = with(
            activity.clone(),
            json!({
                "confirmed_spots": spots(&mut of("confirmed")), "offered_spots": spots(&mut of("offered")),
                "waitlisted_spots": spots(&mut of("waitlisted")), "waitlisted_parties": places.len(),
                "checked_in_spots": spots(&mut checked_in),
            }),
        );
        assert_eq!(seen, activity);
        assert!(places.iter().copied().eq(1..=places.len() as u64), "{places:?}");
        for rsvp in rsvps {
            let offered = rsvp["status"] == "offered";
            for member in ["offer_expires_at", "offer_in_ms"] {
                assert_eq!(rsvp[member].is_null(), !offered, "{member} of {rsvp}");
            }
            assert!(!offered || rsvp["offer_in_ms"] != 0, "{rsvp}");
            assert_eq!(
                rsvp["position"].is_null(),
                rsvp["status"] != "waitlisted",
                "{rsvp}"
            );
            assert_eq!(
                rsvp["cancel_reason"].is_null(),
                rsvp["status"] != "cancelled",
                "{rsvp}"
            );
        }
        // Those who came together and wait or have an offer stand together.
        let mut parties: BTreeMap<&str, BTreeSet<String>> = BTreeMap::new();
        for rsvp in of("waitlisted").chain(of("offered")) {
            if let Some(group) = rsvp["group_id"].as_str() {
                let stands = ["status", "position", "offer_expires_at"].map(|member| &rsvp[member]);
                parties.entry(group).or_default().insert(format!("{stands:?}"));
            }
        }
        assert!(
            parties.values().all(|stands| stands.len() == 1),
            "a party is split: {parties:?}"
        );
    }
}
