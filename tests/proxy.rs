//! The wire that other tests spoil does what they rely on, seen by a plain client of a plain server.

use std::io::ErrorKind;
use std::net::SocketAddr;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;
use tokio::time::{Instant, timeout};

use crate::support::{Ear, Proxy, Side, Verdict, Weather};

const DEADLINE: Duration = Duration::from_secs(30);
/// How long nothing must come where nothing may come.
const SILENCE: Duration = Duration::from_millis(200);

/// A server that says again what it is told.
struct Echo {
    address: SocketAddr,
    /// From which port each connection came, and how each ended.
    came: mpsc::UnboundedReceiver<u16>,
    ended: mpsc::UnboundedReceiver<Option<ErrorKind>>,
}

impl Echo {
    async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (tell_came, came) = mpsc::unbounded_channel();
        let (tell_ended, ended) = mpsc::unbounded_channel();
        tokio::spawn(async move {
            loop {
                let (mut stream, from) = listener.accept().await.unwrap();
                let tell_ended = tell_ended.clone();
                // Whoever is not interested has gone.
                let _ = tell_came.send(from.port());
                tokio::spawn(async move {
                    let (mut reading, mut writing) = stream.split();
                    let echoed = tokio::io::copy(&mut reading, &mut writing).await;
                    let _ = tell_ended.send(echoed.err().map(|error| error.kind()));
                });
            }
        });
        Self { address, came, ended }
    }
}

async fn soon<T>(wait: impl Future<Output = T>) -> T {
    timeout(DEADLINE, wait).await.expect("it comes")
}

async fn say(client: &mut TcpStream, text: &str) {
    client.write_all(text.as_bytes()).await.unwrap();
}

async fn hear(client: &mut TcpStream, text: &str) {
    let mut heard = vec![0; text.len()];
    soon(client.read_exact(&mut heard)).await.unwrap();
    assert_eq!(heard, text.as_bytes());
}

async fn hear_nothing(client: &mut TcpStream) {
    let heard = timeout(SILENCE, client.read(&mut [0])).await;
    assert!(heard.is_err(), "{heard:?}");
}

async fn hear_a_reset(client: &mut TcpStream) {
    let heard = soon(client.read(&mut [0])).await;
    assert_eq!(heard.unwrap_err().kind(), ErrorKind::ConnectionReset);
}

#[tokio::test]
async fn what_is_said_arrives_and_so_does_its_end() {
    let mut echo = Echo::start().await;
    let proxy = Proxy::to(echo.address).await;
    let mut client = TcpStream::connect(proxy.address).await.unwrap();
    say(&mut client, "hello").await;
    hear(&mut client, "hello").await;
    client.shutdown().await.unwrap();
    assert_eq!(soon(client.read(&mut [0])).await.unwrap(), 0);
    assert_eq!(soon(echo.ended.recv()).await, Some(None));
}

#[tokio::test]
async fn a_cut_resets_one_connection_for_both_sides() {
    let mut echo = Echo::start().await;
    let proxy = Proxy::to(echo.address).await;
    let mut first = TcpStream::connect(proxy.address).await.unwrap();
    let port = soon(echo.came.recv()).await.unwrap();
    let mut second = TcpStream::connect(proxy.address).await.unwrap();
    say(&mut first, "hello").await;
    hear(&mut first, "hello").await;
    assert_eq!(proxy.ended(), 0);

    proxy.cut(port);
    hear_a_reset(&mut first).await;
    assert_eq!(
        soon(echo.ended.recv()).await,
        Some(Some(ErrorKind::ConnectionReset))
    );
    assert_eq!(proxy.ended(), 1);
    say(&mut second, "still here").await;
    hear(&mut second, "still here").await;
}

#[tokio::test]
async fn on_a_slow_wire_everything_takes_its_time() {
    let echo = Echo::start().await;
    let proxy = Proxy::to(echo.address).await;
    let mut client = TcpStream::connect(proxy.address).await.unwrap();
    say(&mut client, "hello").await;
    hear(&mut client, "hello").await;

    let delay = Duration::from_millis(50);
    proxy.set(Weather::Slow {
        delay,
        bytes_per_s: u32::MAX,
    });
    let began = Instant::now();
    say(&mut client, "late").await;
    hear(&mut client, "late").await;
    assert!(began.elapsed() >= 2 * delay, "there and back");

    proxy.set(Weather::Slow {
        delay: Duration::ZERO,
        bytes_per_s: 10_000,
    });
    let began = Instant::now();
    let much = "x".repeat(1_000);
    say(&mut client, &much).await;
    hear(&mut client, &much).await;
    assert!(
        began.elapsed() >= Duration::from_millis(100),
        "a tenth of a second's worth"
    );
}

#[tokio::test]
async fn on_a_half_open_wire_connections_stay_and_nothing_arrives_until_it_is_well() {
    let mut echo = Echo::start().await;
    let proxy = Proxy::to(echo.address).await;
    let mut old = TcpStream::connect(proxy.address).await.unwrap();
    say(&mut old, "hello").await;
    hear(&mut old, "hello").await;

    proxy.set(Weather::HalfOpen);
    let mut new = TcpStream::connect(proxy.address).await.unwrap();
    for client in [&mut old, &mut new] {
        say(client, "anybody?").await;
        hear_nothing(client).await;
    }
    new.shutdown().await.unwrap();
    assert!(
        timeout(SILENCE, echo.ended.recv()).await.is_err(),
        "not even the end"
    );

    proxy.set(Weather::Well);
    for client in [&mut old, &mut new] {
        hear(client, "anybody?").await;
    }
    assert_eq!(soon(echo.ended.recv()).await, Some(None));
}

#[tokio::test]
async fn a_stranded_connection_is_half_open_for_good_and_new_ones_are_not() {
    let echo = Echo::start().await;
    let proxy = Proxy::to(echo.address).await;
    let mut old = TcpStream::connect(proxy.address).await.unwrap();
    say(&mut old, "hello").await;
    hear(&mut old, "hello").await;

    proxy.strand();
    say(&mut old, "anybody?").await;
    let mut new = TcpStream::connect(proxy.address).await.unwrap();
    say(&mut new, "hello").await;
    hear(&mut new, "hello").await;
    proxy.set(Weather::Well);
    hear_nothing(&mut old).await;
}

/// Lets nothing pass from the word on, and cuts there.
struct Word(&'static str);

impl Ear for Word {
    fn hear(&mut self, from: Side, bytes: &[u8]) -> Verdict {
        let text = std::str::from_utf8(bytes).unwrap();
        let end = text.find(self.0).filter(|_| from == Side::Client);
        Verdict {
            pass: bytes[..end.unwrap_or(bytes.len())].to_vec(),
            cut: end.is_some(),
        }
    }
}

#[tokio::test]
async fn a_wire_can_be_cut_by_what_is_heard_on_it() {
    let mut echo = Echo::start().await;
    let proxy = Proxy::overheard(echo.address, |_| Box::new(Word("stop"))).await;
    let mut client = TcpStream::connect(proxy.address).await.unwrap();
    say(&mut client, "go on").await;
    hear(&mut client, "go on").await;
    say(&mut client, "stop").await;
    hear_a_reset(&mut client).await;
    assert_eq!(
        soon(echo.ended.recv()).await,
        Some(Some(ErrorKind::ConnectionReset))
    );
}
