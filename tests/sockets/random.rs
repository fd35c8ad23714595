//! Random runs: people come, change and go, alone and in parties; hosts let them in, promote and remove them; offers are made,
//! taken, declined, and run out; watchers fall away, come back, look away, read slowly. However it goes, the snapshot
//! with all differences is the later snapshot, the place computed here is the server's, and both forms of messages say the same.
//!
//! `TURNOUT_SOCKET_STEPS` sets how many steps, `TURNOUT_SOCKET_SEED` which.

use std::collections::HashMap;
use std::time::Duration;

use serde_json::{Value, json};
use tokio::time::timeout;

use super::entering::guest;
use crate::support::{Follower, Person, Random, Server, Socket, command, contact, host, id_of, number};

const ACTIVITIES: usize = 3;
const PEOPLE: u64 = 8;
const WATCHERS: u64 = 8;
/// Longer than it takes until all that was commanded is done.
const DEADLINE: Duration = Duration::from_secs(60);
/// After so many steps everything is compared.
const STEPS_PER_LOOK: u64 = 100;

struct Watcher {
    person: Option<Person>,
    /// By activity, the guest on whose behalf it is followed, whoever the socket belongs to.
    guests: HashMap<String, Person>,
    packed: bool,
    socket: Option<Socket>,
    /// Reads nothing for so many steps.
    pause: u64,
    /// It has not read all the time since its socket was opened.
    has_paused: bool,
    followers: HashMap<String, Follower>,
    /// How often it has subscribed, and to what as which time: an answer to an earlier one is about what it followed then.
    asked: u64,
    latest: HashMap<String, String>,
    counts: Counts,
}

#[derive(Default)]
struct Counts {
    differences: u64,
    merged: u64,
    snapshots: u64,
    replays: u64,
    offers: u64,
    commands: u64,
}

struct Run {
    server: Server,
    random: Random,
    paths: Vec<String>,
    watchers: Vec<Watcher>,
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whatever_happens_to_sockets_what_they_know_is_what_there_is() {
    let steps = number("TURNOUT_SOCKET_STEPS", 1_500);
    let seed = number("TURNOUT_SOCKET_SEED", 1);
    println!("TURNOUT_SOCKET_STEPS={steps} TURNOUT_SOCKET_SEED={seed}");
    let server = Server::start_with(|config| {
        config.rate_limits = false;
        // So that frames are cut in two.
        config.socket_limits.send_buffer_bytes = 2_048;
    })
    .await;
    let mut paths = Vec::new();
    for n in 0..ACTIVITIES {
        let promotion = match n {
            0 => json!({"mode": "auto"}),
            _ => json!({"mode": "offer", "ttl_s": 60}),
        };
        paths.push(server.open(json!({"capacity": 5, "promotion": promotion})).await);
    }
    let watchers = (0..WATCHERS).map(|n| Watcher {
        // Half of them are people who take part, each twice.
        person: (n < WATCHERS / 2).then(|| Person::member(u128::from(10 + n / 2))),
        guests: HashMap::new(),
        packed: n % 2 == 1,
        socket: None,
        pause: 0,
        has_paused: false,
        followers: HashMap::new(),
        asked: 0,
        latest: HashMap::new(),
        counts: Counts::default(),
    });
    let mut run = Run {
        watchers: watchers.collect(),
        random: Random(seed),
        server,
        paths,
    };
    for path in run.paths.clone() {
        run.guest_comes(&path).await;
    }
    for step in 1..=steps {
        run.step().await;
        if step % STEPS_PER_LOOK == 0 {
            run.compare().await;
        }
    }
    run.compare().await;
    let sum = |count: fn(&Counts) -> u64| {
        run.watchers
            .iter()
            .map(|watcher| count(&watcher.counts))
            .sum::<u64>()
    };
    println!(
        "{steps} steps: {} differences, {} of them over several events, {} snapshots, {} replays, {} offers, {} commands over sockets",
        sum(|counts| counts.differences),
        sum(|counts| counts.merged),
        sum(|counts| counts.snapshots),
        sum(|counts| counts.replays),
        sum(|counts| counts.offers),
        sum(|counts| counts.commands),
    );
    let met = [
        sum(|counts| counts.merged),
        sum(|counts| counts.replays),
        sum(|counts| counts.offers),
    ];
    assert!(met.iter().all(|count| *count > 0), "the run met what it is about");
    drop(run.watchers);
    run.server.stop().await;
}

impl Run {
    async fn step(&mut self) {
        match self.random.below(100) {
            0..44 => self.act().await,
            44..56 => self.by_hand().await,
            56..58 => self.server.clock.advance_s(40),
            58..60 => {
                let path = self.any_path();
                self.guest_comes(&path).await;
            }
            60..64 => self.set_capacity().await,
            64..68 => {
                let watcher = self.anybody();
                watcher.socket = None;
            }
            68..72 => {
                let pause = 5 + self.random.below(60);
                let watcher = self.anybody();
                (watcher.pause, watcher.has_paused) = (pause, true);
            }
            72..76 => {
                let hidden = self.random.below(3) == 0;
                self.say(json!({"type": "visibility", "id": "v", "hidden": hidden}))
                    .await;
            }
            76..80 => {
                let path = self.any_path();
                self.anybody().leave(&path).await;
            }
            80..84 => self.command_often().await,
            _ => {
                let path = self.any_path();
                let server = &self.server;
                let at = self.random.below(WATCHERS) as usize;
                self.watchers[at].watch(server, &path).await;
            }
        }
        for watcher in &mut self.watchers {
            watcher.pause = watcher.pause.saturating_sub(1);
            if watcher.pause == 0 {
                watcher.read();
            }
        }
    }

    /// Somebody comes, changes something or goes.
    async fn act(&mut self) {
        let (person, path) = (
            Person::member(u128::from(10 + self.random.below(PEOPLE))),
            self.any_path(),
        );
        let own = format!("{path}/rsvp");
        let guests = json!({"guest_count": self.random.below(3)});
        let request = match self.random.below(5) {
            0..2 => self.server.post(&own).json(&guests),
            2..4 => self.server.delete(&own),
            _ => self.server.patch(&own).json(&guests),
        };
        let status = request.by(&person).send().await.status;
        assert!(matches!(status, 200 | 201 | 404 | 409 | 422), "{status}");
    }

    /// Somebody takes or leaves an offer, several come together, or the host does something about one or more.
    async fn by_hand(&mut self) {
        let path = self.any_path();
        let list = self.server.get(&format!("{path}/rsvps?limit=100")).by(&host());
        let listed = list.send().await.expect(200);
        let rsvps = listed["data"].as_array().unwrap();
        let Some(most) = rsvps.len().checked_sub(1) else {
            return;
        };
        let rsvp = &rsvps[self.random.below(most as u64 + 1) as usize];
        let (id, chance) = (rsvp["id"].as_str().unwrap(), self.random.below(10));
        let one = |what: &str| format!("/rsvps/{id}/{what}");
        let line = |what: &str| format!("{path}/waitlist/{what}");
        let request = match chance {
            0 => self.server.post(&one("check-in")),
            1 => self.server.delete(&one("check-in")),
            2 => self.server.post(&line("promote")).json(&json!({"count": 2})),
            3 => self
                .server
                .post(&line("promote"))
                .json(&json!({"rsvp_ids": [id]})),
            4 => self.server.post(&line("bulk")).json(&json!({"remove": [id]})),
            5 => {
                let two = [0, 1].map(|_| contact(&format!("Guest{}", self.random.below(6))));
                let body = json!({"mode": "all", "attendees": two});
                self.server.post(&format!("{path}/rsvps/bulk")).json(&body)
            }
            6 => self.server.post(&one("decline")),
            _ => self.server.post(&one("accept")),
        };
        // Those without an account were brought in by the host, and may be answered for.
        let of_account = (0..PEOPLE).map(|n| Person::member(u128::from(10 + n)));
        let own = of_account
            .into_iter()
            .find(|person| rsvp["user_id"] == person.id.as_str());
        let by = own.filter(|_| chance > 5).unwrap_or_else(host);
        let status = request.by(&by).send().await.status;
        assert!(matches!(status, 200 | 201 | 403 | 409 | 422), "{status}");
    }

    /// A guest comes in who is followed by token, or comes back; the token of before is worth nothing then.
    async fn guest_comes(&mut self, path: &str) {
        let own = self.watchers[WATCHERS as usize - 1].guests.get(id_of(path));
        if let Some(own) = own {
            let own = self.server.get(&format!("{path}/rsvp")).by(own).send().await;
            if own.body["status"] != "cancelled" {
                return;
            }
        }
        let now = guest(&self.server, path, "Grace").await;
        for watcher in &mut self.watchers[WATCHERS as usize - 2..] {
            let (id, token) = (now.id.clone(), now.token.clone());
            watcher
                .guests
                .insert(id_of(path).to_owned(), Person { id, token });
            watcher.leave(path).await;
        }
    }

    async fn set_capacity(&mut self) {
        let (path, capacity) = (self.any_path(), 3 + self.random.below(6));
        let change = self.server.patch(&path).by(&host());
        change
            .json(&json!({"capacity": capacity}))
            .send()
            .await
            .expect(200);
    }

    /// Gives many commands over a socket without reading what is answered.
    async fn command_often(&mut self) {
        let path = self.any_path();
        let watcher = self.anybody();
        if watcher.person.is_none() {
            return;
        }
        for n in 0..40 {
            let op = ["reserve", "cancel"][n % 2];
            watcher.say(command(&path, "c", op, json!({}))).await;
            watcher.counts.commands += 1;
        }
    }

    async fn say(&mut self, message: Value) {
        self.anybody().say(message).await;
    }

    fn anybody(&mut self) -> &mut Watcher {
        let at = self.random.below(WATCHERS) as usize;
        &mut self.watchers[at]
    }

    fn any_path(&mut self) -> String {
        self.paths[self.random.below(ACTIVITIES as u64) as usize].clone()
    }

    /// Everybody watches everything, reads to the end, and knows what there is.
    async fn compare(&mut self) {
        for watcher in &mut self.watchers {
            watcher.pause = 0;
            // Once more if it turns out that it was closed for reading too slowly.
            for is_last in [false, true] {
                for path in &self.paths {
                    watcher.watch(&self.server, path).await;
                }
                watcher.settle().await;
                assert!(
                    !is_last || watcher.socket.is_some(),
                    "a socket that reads stays open"
                );
            }
        }
        for path in self.paths.clone() {
            // What was commanded over sockets may go on until now.
            let settled = async { while !self.compare_one(&path).await {} };
            timeout(DEADLINE, settled).await.expect("all come to rest");
        }
    }

    /// Compares what all know of one activity, unless it changes meanwhile.
    async fn compare_one(&mut self, path: &str) -> bool {
        let mut shown = self.server.get(path).send().await.expect(200);
        let seq = shown["seq"].as_u64().unwrap();
        for member in ["seq", "epoch", "opens_in_ms"] {
            shown.as_object_mut().unwrap().remove(member);
        }
        let mut own = Vec::new();
        for watcher in &mut self.watchers {
            watcher.read_until(id_of(path), seq).await;
            own.push(
                match watcher.guests.get(id_of(path)).or(watcher.person.as_ref()) {
                    Some(person) => Some(self.server.get(&format!("{path}/rsvp")).by(person).send().await),
                    None => None,
                },
            );
        }
        let now = self.server.get(path).send().await.expect(200);
        let at = |watcher: &Watcher| watcher.followers[id_of(path)].seq;
        if now["seq"] != seq || self.watchers.iter().any(|watcher| at(watcher) != seq) {
            return false;
        }
        for (watcher, own) in self.watchers.iter().zip(own) {
            let follower = &watcher.followers[id_of(path)];
            let mut known = Value::from(follower.state.clone());
            let line = known.as_object_mut().unwrap().remove("waitlist").unwrap();
            assert_eq!(known, shown);
            assert_eq!(line["parties"], shown["waitlisted_parties"]);
            assert_eq!(line["spots"], shown["waitlisted_spots"]);
            let Some(own) = own else { continue };
            if own.status == 404 {
                assert_eq!(follower.rsvp, Value::Null);
                continue;
            }
            let ahead = |name: &str| own.body[name].as_i64();
            assert_eq!(
                follower.ahead(),
                ahead("parties_ahead").zip(ahead("spots_ahead")),
                "the place of {} at {seq}",
                own.body
            );
            assert_eq!(follower.rsvp["version"], own.body["version"]);
            assert_eq!(follower.rsvp["status"], own.body["status"]);
        }
        true
    }
}

impl Watcher {
    /// Opens a socket if there is none, and subscribes, from where it had got to.
    async fn watch(&mut self, server: &Server, path: &str) {
        if self.socket.is_none() {
            let dial = server.dial("/ws").narrow();
            let mut socket = if self.packed { dial.packed() } else { dial }.open().await;
            socket.hello(self.person.as_ref()).await;
            self.socket = Some(socket);
            self.has_paused = self.pause > 0;
            // What it followed it follows again.
            for id in self.followers.keys().cloned().collect::<Vec<_>>() {
                self.subscribe(&id).await;
            }
        }
        if !self.followers.contains_key(id_of(path)) {
            self.followers.insert(id_of(path).to_owned(), Follower::default());
            self.subscribe(id_of(path)).await;
        }
    }

    /// Does not follow an activity any more.
    async fn leave(&mut self, path: &str) {
        self.followers.remove(id_of(path));
        let message = json!({"type": "unsubscribe", "id": "u", "activity": id_of(path)});
        self.say(message).await;
    }

    async fn subscribe(&mut self, id: &str) {
        let follower = &self.followers[id];
        self.asked += 1;
        let ask = format!("s{}", self.asked);
        let mut message = json!({"type": "subscribe", "id": ask, "activity": id});
        self.latest.insert(id.to_owned(), ask);
        if follower.epoch > 0 {
            message["epoch"] = follower.epoch.into();
            message["seq"] = follower.seq.into();
        }
        if let Some(guest) = self.guests.get(id) {
            message["token"] = guest.token.as_str().into();
        }
        self.say(message).await;
    }

    async fn say(&mut self, message: Value) {
        if let Some(socket) = &mut self.socket {
            socket.say(message).await;
        }
    }

    /// Reads what has come.
    fn read(&mut self) {
        while let Some(socket) = &mut self.socket {
            match socket.try_next() {
                None => return,
                Some(message) => self.hear(message),
            }
        }
    }

    /// Reads until everything that was asked for is answered.
    async fn settle(&mut self) {
        self.say(json!({"type": "visibility", "id": "settled", "hidden": false}))
            .await;
        while let Some(socket) = &mut self.socket {
            let message = socket.next().await;
            let is_settled = message.as_ref().is_ok_and(|message| message["id"] == "settled");
            self.hear(message);
            if is_settled {
                return;
            }
        }
    }

    async fn read_until(&mut self, id: &str, seq: u64) {
        while self.followers[id].seq < seq {
            let socket = self.socket.as_mut().expect("a socket that reads stays open");
            let message = socket.next().await;
            self.hear(message);
        }
    }

    fn hear(&mut self, message: Result<Value, u16>) {
        let message = match message {
            Ok(message) => message,
            Err(code) => {
                // Whoever was closed for reading too slowly may have missed the goodbye.
                assert!(
                    code == 4108 || code == 1006 && self.has_paused,
                    "closed with {code}"
                );
                self.socket = None;
                return;
            }
        };
        let counts = &mut self.counts;
        match message["type"].as_str().unwrap() {
            "diff" => {
                counts.differences += 1;
                let range = message["seq"].as_u64().unwrap() - message["prev"].as_u64().unwrap();
                counts.merged += u64::from(range > 1);
            }
            "me" => counts.offers += u64::from(message["rsvp"]["status"] == "offered"),
            "subscribed" if message["mode"] == "snapshot" => counts.snapshots += 1,
            "subscribed" if message["mode"] == "replay" => counts.replays += 1,
            "error" => {
                let is_known = match message["code"].as_str().unwrap() {
                    "already_reserved" | "already_cancelled" | "not_found" => true,
                    // The guest has come back since, and is followed by the new token from then on.
                    "token_revoked" => true,
                    // For those who command faster than is decided.
                    "overloaded" => message["id"] == "c",
                    _ => false,
                };
                assert!(is_known, "{message}");
            }
            _ => {}
        }
        let Some(id) = message["activity"].as_str() else {
            return;
        };
        let is_late =
            message["type"] == "subscribed" && message.get("id").is_some_and(|ask| *ask != self.latest[id]);
        if let Some(follower) = self.followers.get_mut(id).filter(|_| !is_late) {
            follower.hear(&message);
        }
    }
}
