//! The same attack by many sockets at once, one attack after the other: what each is answered, and what that costs the
//! server in memory.
//!
//! `TURNOUT_ATTACKERS` sets how many sockets.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use reqwest::Method;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::oneshot;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep, timeout};
use tokio_tungstenite::tungstenite::Message;

use crate::support::{
    Dial, Killable, Person, Socket, allow_connections, claims, command, forge, forget_most_memory, frame,
    host, id_of, memory_bytes, number, unix_ms, with,
};

/// What an attacker may cost: what waits for it, with as much to spare while that grows, and commands under way.
const MORE_BYTES_EACH: u64 = 256 * 1_024;
/// What memory differs by itself.
const MORE_BYTES: u64 = 16 * 1_024 * 1_024;
/// What an attacker that reads nothing says is answered by more than four times what it may cost.
const UNREAD_COMMANDS: usize = 8_000;
/// How long whoever means well waits for an answer at most, on a machine that is busy with everything else.
const SERVED_WITHIN: Duration = Duration::from_secs(5);
/// Longer than the server waits for anything.
const DEADLINE: Duration = Duration::from_secs(60);
/// More activities than one socket may watch.
const ACTIVITIES: usize = 40;
const SUBSCRIPTIONS: usize = 10_000;
const PAUSE: Duration = Duration::from_millis(50);

/// Where attackers find what they attack.
struct Place {
    address: SocketAddr,
    server: Killable,
    paths: Vec<String>,
    now_s: i64,
}

#[derive(Clone, Copy)]
enum Attack {
    Oversize,
    AnnouncedLength,
    EndlessFragments,
    NoText,
    DeepNesting,
    HugeMap,
    HugeText,
    NoHello,
    SlowHandshake,
    ForeignOrigin,
    Subscriptions,
    CommandsForOthers,
    SessionEnded,
    TokenEnded,
    ReadsNothing,
}

use Attack::*;

/// What is done, and what everybody who does it is answered.
const ATTACKS: [(Attack, &str, &str); 15] = [
    (Oversize, "a message of 17,000 bytes", "closed with 1009"),
    (
        AnnouncedLength,
        "a frame that announces 2^63 - 1 bytes",
        "closed with 1009",
    ),
    (EndlessFragments, "fragments without an end", "closed with 1009"),
    (NoText, "text that is not UTF-8", "closed with 4000"),
    (DeepNesting, "JSON that nests 5,000 deep", "closed with 4000"),
    (
        HugeMap,
        "a MessagePack map of 2^32 - 1 entries",
        "closed with 4000",
    ),
    (
        HugeText,
        "a MessagePack text of 2^32 - 1 bytes",
        "closed with 4000",
    ),
    (NoHello, "no hello", "closed with 4001"),
    (SlowHandshake, "a handshake that does not end", "hung up on"),
    (ForeignOrigin, "a page of another origin", "403 forbidden"),
    (
        Subscriptions,
        "10,000 subscriptions",
        "32 subscribed, 9968 too_many_subscriptions",
    ),
    (CommandsForOthers, "commands for the RSVP of others", "not_found"),
    (SessionEnded, "a session that was ended", "closed with 4004"),
    (TokenEnded, "a token that ends", "closed with 4200"),
    (ReadsNothing, "commands, and answers that nobody reads", "cut off"),
];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whatever_many_try_at_once_is_answered_and_costs_little() {
    let attackers = number("TURNOUT_ATTACKERS", 40);
    allow_connections();
    let settings = [
        // So that it is not this which protects.
        ("TURNOUT_RATE_LIMITS", "off".to_owned()),
        ("TURNOUT_ALLOWED_ORIGINS", "https://rsvp.example".to_owned()),
    ];
    let server = Killable::start_with(&settings).await;
    let mut paths = Vec::new();
    for _ in 0..ACTIVITIES {
        paths.push(server.open(&host(), 9).await);
    }
    let now_s = i64::try_from(unix_ms() / 1_000).unwrap();
    let place = Arc::new(Place {
        address: server.address(),
        server,
        paths,
        now_s,
    });
    let (over, is_over) = oneshot::channel();
    let good = tokio::spawn(goes_on(Arc::clone(&place), is_over));

    println!("{attackers} sockets each; memory is what the server held more at most, for each of them");
    for (attack, what, expected) in ATTACKS {
        // Each of them is many messages.
        let attackers = if matches!(attack, Subscriptions) {
            attackers.div_ceil(10)
        } else {
            attackers
        };
        let id = place.server.id();
        forget_most_memory(id);
        let before = memory_bytes(id);
        let answers = besiege(&place, attack, attackers).await;
        let more = memory_bytes(id).saturating_sub(before);
        println!("| {what} | {expected} | {} KiB |", more / attackers / 1_024);
        assert_eq!(
            answers,
            BTreeMap::from([(expected.to_owned(), attackers)]),
            "{what}"
        );
        assert!(
            more <= MORE_BYTES + attackers * MORE_BYTES_EACH,
            "{what}: {more} bytes"
        );
    }
    let said = over.send(());
    let (served, slowest) = good.await.unwrap();
    said.unwrap();
    assert!(served > 0 && slowest <= SERVED_WITHIN, "{slowest:?}");
    println!(
        "somebody else was served {served} times meanwhile, without having been cut off, within {slowest:?}"
    );
}

/// Somebody who means well, all the time. Returns how often it was served, and how long that took at most.
async fn goes_on(place: Arc<Place>, mut is_over: oneshot::Receiver<()>) -> (u64, Duration) {
    let mut socket = place.server.socket(Some(&host())).await;
    socket.subscribe(&place.paths[0]).await;
    let (mut served, mut slowest) = (0, Duration::ZERO);
    while is_over.try_recv().is_err() {
        for op in ["reserve", "cancel"] {
            let asked = Instant::now();
            let answer = socket.insist(command(&place.paths[0], op, op, json!({}))).await;
            slowest = slowest.max(asked.elapsed());
            assert_eq!(answer["type"], "ok", "{answer}");
            served += 1;
        }
        sleep(PAUSE).await;
    }
    (served, slowest)
}

/// How many were answered what.
async fn besiege(place: &Arc<Place>, attack: Attack, attackers: u64) -> BTreeMap<String, u64> {
    let mut tries = JoinSet::new();
    for attacker in 0..attackers {
        let place = Arc::clone(place);
        tries.spawn(async move { place.try_out(attack, attacker).await });
    }
    let mut answers = BTreeMap::new();
    for answer in tries.join_all().await {
        *answers.entry(answer).or_default() += 1;
    }
    answers
}

impl Place {
    fn dial(&self) -> Dial {
        Dial::new(self.address, "/ws")
    }

    async fn try_out(&self, attack: Attack, attacker: u64) -> String {
        let nobody = async || self.server.socket(None).await;
        let eve = Person::member(100 + u128::from(attacker));
        match attack {
            Oversize => {
                let text = json!({"type": "visibility", "id": "x".repeat(17_000), "hidden": true});
                say_and_go(nobody().await, Message::text(text.to_string())).await
            }
            AnnouncedLength => {
                let announced = [
                    0x81, 0xff, 0x7f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0,
                ];
                push_and_go(nobody().await, &announced).await
            }
            EndlessFragments => {
                let mut socket = nobody().await;
                socket.say_bytes(&frame(0x01, &[b' '; 1_000])).await;
                for _ in 0..16 {
                    socket.say_bytes(&frame(0x00, &[b' '; 1_000])).await;
                }
                farewell(socket).await
            }
            NoText => push_and_go(nobody().await, &frame(0x81, b"\xff\xfe")).await,
            DeepNesting => push_and_go(nobody().await, &frame(0x81, &b"[".repeat(5_000))).await,
            HugeMap => self.pack_and_go(&[0xdf, 0xff, 0xff, 0xff, 0xff]).await,
            HugeText => self.pack_and_go(&[0xdb, 0xff, 0xff, 0xff, 0xff]).await,
            NoHello => farewell(self.dial().open().await).await,
            SlowHandshake => {
                let mut stream = TcpStream::connect(self.address).await.unwrap();
                stream
                    .write_all(b"GET /api/v1/ws HTTP/1.1\r\nhost: x\r\n")
                    .await
                    .unwrap();
                let heard = timeout(DEADLINE, stream.read(&mut [0; 64]))
                    .await
                    .expect("it ends");
                if matches!(heard, Ok(0) | Err(_)) {
                    "hung up on".to_owned()
                } else {
                    "told something".to_owned()
                }
            }
            ForeignOrigin => match self
                .dial()
                .header("origin", "https://other.example")
                .try_open()
                .await
            {
                Ok(_) => "let in".to_owned(),
                Err((status, problem)) => format!("{status} {}", problem["code"].as_str().unwrap()),
            },
            Subscriptions => self.subscribe_often(nobody().await).await,
            CommandsForOthers => {
                let mut socket = self.server.socket(Some(&eve)).await;
                let answer = socket.command(&self.paths[0], "cancel", json!({})).await;
                answer["code"].as_str().unwrap_or("done").to_owned()
            }
            SessionEnded => {
                let socket = self.server.socket(Some(&eve)).await;
                let log_out = self.server.request(Method::POST, "/auth/logout");
                log_out.by(&eve).send().await.expect(204);
                farewell(socket).await
            }
            TokenEnded => {
                let mut socket = self.dial().open().await;
                let token = forge(&with(
                    claims(self.now_s),
                    json!({"exp": unix_ms() / 1_000 + 2, "sub": eve.id}),
                ));
                socket.say(json!({"type": "hello", "token": token})).await;
                farewell(socket).await
            }
            ReadsNothing => {
                let mut socket = self.dial().narrow().open().await;
                socket
                    .hello(Some(&Person::member(1_000_000 + u128::from(attacker))))
                    .await;
                for _ in 0..UNREAD_COMMANDS {
                    socket
                        .say(command(&self.paths[1], "c", "cancel", json!({})))
                        .await;
                }
                match socket.goodbye().await {
                    // The goodbye is lost with all that was not read when there is still something to be read here.
                    4108 | 1006 => "cut off".to_owned(),
                    code => format!("closed with {code}"),
                }
            }
        }
    }

    /// Says something in MessagePack, and hears what comes of it.
    async fn pack_and_go(&self, bytes: &[u8]) -> String {
        let mut socket = self.dial().packed().open().await;
        socket.hello(None).await;
        say_and_go(socket, Message::Binary(bytes.to_vec().into())).await
    }

    /// Subscribes to as much as it may, and on and on to more.
    async fn subscribe_often(&self, mut socket: Socket) -> String {
        let (mut subscribed, mut refusals) = (0, BTreeMap::<String, u64>::new());
        for number in 0..SUBSCRIPTIONS {
            // The last ones again and again.
            let path = &self.paths[number.min(ACTIVITIES - 1)];
            let message = json!({"type": "subscribe", "id": "s", "activity": id_of(path)});
            match socket.insist(message).await {
                answer if answer["type"] == "subscribed" => subscribed += 1,
                answer => *refusals.entry(code_of(&answer)).or_default() += 1,
            }
        }
        let refused: Vec<String> = refusals
            .iter()
            .map(|(code, count)| format!("{count} {code}"))
            .collect();
        format!("{subscribed} subscribed, {}", refused.join(", "))
    }
}

fn code_of(error: &Value) -> String {
    error["code"].as_str().unwrap().to_owned()
}

async fn say_and_go(mut socket: Socket, message: Message) -> String {
    socket.say_raw(message).await;
    farewell(socket).await
}

async fn push_and_go(mut socket: Socket, bytes: &[u8]) -> String {
    socket.say_bytes(bytes).await;
    farewell(socket).await
}

/// How the server ends it.
async fn farewell(mut socket: Socket) -> String {
    format!("closed with {}", socket.goodbye().await)
}
