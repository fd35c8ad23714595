//! A wire between a client and a server that a test can spoil: cut it, slow it down, or leave it half open. It moves
//! bytes; what they mean is for an [`Ear`] to know.

mod message;
mod statements;
mod tap;

use std::collections::HashMap;
use std::io;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::tcp::{ReadHalf, WriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Notify, watch};
use tokio::task::{JoinHandle, JoinSet};
use tokio::time::sleep;

pub(crate) use message::Sent;
pub(crate) use statements::Statements;
pub(crate) use tap::{Fault, Strike, Tap};

/// A throttled wire carries so many pieces per second, so that nothing arrives in one lump.
const PIECES_PER_S: u32 = 100;

/// How a wire is.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Weather {
    Well,
    /// Everything arrives later, and no more than so much of it per second and direction.
    Slow {
        delay: Duration,
        bytes_per_s: u32,
    },
    /// Connections can be made and stay, but nothing arrives on them, neither bytes nor their end. What was said
    /// meanwhile arrives when the weather changes.
    HalfOpen,
}

/// Who says something.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Side {
    Client,
    Server,
}

/// Listens in on one connection, and says what becomes of what it hears.
pub(crate) trait Ear: Send {
    fn hear(&mut self, from: Side, bytes: &[u8]) -> Verdict;
}

/// What becomes of what was heard.
#[derive(Default)]
pub(crate) struct Verdict {
    /// What the other side gets.
    pub(crate) pass: Vec<u8>,
    /// Whether the connection is cut then.
    pub(crate) cut: bool,
}

/// A wire to one server. It is gone when this is dropped.
pub(crate) struct Proxy {
    pub(crate) address: SocketAddr,
    wire: Arc<Wire>,
    accepting: JoinHandle<()>,
}

type Ears = dyn Fn(u16) -> Box<dyn Ear> + Send + Sync;

struct Wire {
    server: SocketAddr,
    ears: Box<Ears>,
    condition: watch::Sender<Condition>,
    /// Cuts connections, by the port from which the server sees them come.
    cuts: Mutex<HashMap<u16, Arc<Notify>>>,
    ended: AtomicUsize,
}

#[derive(Clone, Copy)]
struct Condition {
    weather: Weather,
    /// Connections with lower numbers are half open for good.
    first_alive: usize,
    /// The number of the next connection.
    next: usize,
}

/// Hears nothing of interest.
struct Deaf;

impl Ear for Deaf {
    fn hear(&mut self, _: Side, bytes: &[u8]) -> Verdict {
        Verdict {
            pass: bytes.to_vec(),
            cut: false,
        }
    }
}

impl Proxy {
    /// A wire to a server.
    pub(crate) async fn to(server: SocketAddr) -> Self {
        Self::overheard(server, |_| Box::new(Deaf)).await
    }

    /// A wire that somebody listens in on: an ear for each connection, by the port from which the server sees it come.
    pub(crate) async fn overheard(
        server: SocketAddr,
        ears: impl Fn(u16) -> Box<dyn Ear> + Send + Sync + 'static,
    ) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let condition = Condition {
            weather: Weather::Well,
            first_alive: 0,
            next: 0,
        };
        let wire = Arc::new(Wire {
            server,
            ears: Box::new(ears),
            condition: watch::Sender::new(condition),
            cuts: Mutex::default(),
            ended: AtomicUsize::new(0),
        });
        let accepting = tokio::spawn(wire.clone().accept(listener));
        Self {
            address,
            wire,
            accepting,
        }
    }

    pub(crate) fn set(&self, weather: Weather) {
        self.wire
            .condition
            .send_modify(|condition| condition.weather = weather);
    }

    /// Leaves the connections that are there half open for good, whatever the weather. New ones are not concerned.
    pub(crate) fn strand(&self) {
        self.wire
            .condition
            .send_modify(|condition| condition.first_alive = condition.next);
    }

    /// Cuts the connection that the server sees come from this port: both sides find it reset.
    pub(crate) fn cut(&self, port: u16) {
        let cuts = self.wire.cuts.lock().unwrap();
        cuts.get(&port).expect("there is such a connection").notify_one();
    }

    /// How many connections have ended.
    pub(crate) fn ended(&self) -> usize {
        self.wire.ended.load(Ordering::Relaxed)
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

impl Wire {
    async fn accept(self: Arc<Self>, listener: TcpListener) {
        // They end with the listener.
        let mut connections = JoinSet::new();
        loop {
            let (client, _) = listener.accept().await.unwrap();
            let mut number = 0;
            self.condition.send_modify(|condition| {
                number = condition.next;
                condition.next += 1;
            });
            connections.spawn(self.clone().connect(client, number));
        }
    }

    async fn connect(self: Arc<Self>, mut client: TcpStream, number: usize) {
        self.passable(number).await;
        let mut server = TcpStream::connect(self.server).await.unwrap();
        client.set_nodelay(true).unwrap();
        server.set_nodelay(true).unwrap();
        let port = server.local_addr().unwrap().port();
        let cut = Arc::new(Notify::new());
        self.cuts.lock().unwrap().insert(port, cut.clone());
        let ear = Mutex::new((self.ears)(port));
        let ended_well = {
            let (mut from_client, mut to_client) = client.split();
            let (mut from_server, mut to_server) = server.split();
            let up = self.pump(Side::Client, number, &mut from_client, &mut to_server, &ear);
            let down = self.pump(Side::Server, number, &mut from_server, &mut to_client, &ear);
            tokio::select! {
                ended = async { tokio::try_join!(up, down) } => ended.is_ok(),
                () = cut.notified() => false,
            }
        };
        if !ended_well {
            // Closing them resets them.
            client.set_zero_linger().unwrap();
            server.set_zero_linger().unwrap();
        }
        self.cuts.lock().unwrap().remove(&port);
        self.ended.fetch_add(1, Ordering::Relaxed);
    }

    /// Carries what one side says to the other, until its end.
    async fn pump(
        &self,
        side: Side,
        number: usize,
        from: &mut ReadHalf<'_>,
        to: &mut WriteHalf<'_>,
        ear: &Mutex<Box<dyn Ear>>,
    ) -> io::Result<()> {
        let mut buffer = vec![0; 16 * 1024];
        loop {
            let said = from.read(&mut buffer).await;
            // The weather is that of now, not that of when nothing had been said yet.
            let weather = self.passable(number).await;
            let said = &buffer[..said?];
            if said.is_empty() {
                return to.shutdown().await;
            }
            if let Weather::Slow { delay, .. } = weather {
                sleep(delay).await;
            }
            let verdict = ear.lock().unwrap().hear(side, said);
            deliver(&verdict.pass, to, weather).await?;
            if verdict.cut {
                return Err(io::ErrorKind::ConnectionReset.into());
            }
        }
    }

    /// Waits until something can arrive on the connection with this number.
    async fn passable(&self, number: usize) -> Weather {
        let mut condition = self.condition.subscribe();
        let now = condition
            .wait_for(|now| number >= now.first_alive && !matches!(now.weather, Weather::HalfOpen))
            .await
            .expect("the wire holds the sender");
        now.weather
    }
}

async fn deliver(bytes: &[u8], to: &mut WriteHalf<'_>, weather: Weather) -> io::Result<()> {
    let Weather::Slow { bytes_per_s, .. } = weather else {
        return to.write_all(bytes).await;
    };
    for piece in bytes.chunks((bytes_per_s / PIECES_PER_S).max(1) as usize) {
        sleep(Duration::from_secs_f64(
            piece.len() as f64 / f64::from(bytes_per_s),
        ))
        .await;
        to.write_all(piece).await?;
    }
    Ok(())
}
