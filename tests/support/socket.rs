//! A WebSocket client that is told everything, and checks that all it says and hears is as described.

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::time::Duration;

use futures::{FutureExt, SinkExt, StreamExt};
use serde_json::{Value, json};
use tokio::net::{TcpSocket, TcpStream};
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::handshake::client::Request;
use tokio_tungstenite::tungstenite::{Error, Message};
use tokio_tungstenite::{WebSocketStream, client_async};

use super::{Killable, Person, Server, contract};

/// Longer than anything takes that is waited for.
const PATIENCE: Duration = Duration::from_secs(20);

/// A socket that is open.
pub(crate) struct Socket {
    stream: WebSocketStream<TcpStream>,
    packed: bool,
    heard: VecDeque<Value>,
    /// The code of the server's goodbye.
    closed: Option<u16>,
}

/// How a socket is opened.
pub(crate) struct Dial {
    address: SocketAddr,
    request: Request,
    packed: bool,
    window_bytes: Option<u32>,
}

impl Dial {
    pub(crate) fn new(address: SocketAddr, path: &str) -> Self {
        let request = format!("ws://{address}/api/v1{path}")
            .into_client_request()
            .unwrap();
        Self {
            address,
            request,
            packed: false,
            window_bytes: None,
        }
    }

    /// Has the operating system take little that is not read.
    pub(crate) fn narrow(self) -> Self {
        Self {
            window_bytes: Some(2_048),
            ..self
        }
    }

    pub(crate) fn header(mut self, name: &'static str, value: &str) -> Self {
        self.request.headers_mut().append(name, value.parse().unwrap());
        self
    }

    pub(crate) fn by(self, person: &Person) -> Self {
        let token = format!("Bearer {}", person.token);
        self.header("authorization", &token)
    }

    /// Talks MessagePack.
    pub(crate) fn packed(self) -> Self {
        Self {
            packed: true,
            ..self.header("sec-websocket-protocol", "turnout.v1.msgpack")
        }
    }

    pub(crate) async fn open(self) -> Socket {
        self.try_open().await.unwrap()
    }

    /// The status and the body where the handshake is refused.
    pub(crate) async fn try_open(self) -> Result<Socket, (u16, Value)> {
        let socket = TcpSocket::new_v4().unwrap();
        if let Some(bytes) = self.window_bytes {
            socket.set_recv_buffer_size(bytes).unwrap();
        }
        let stream = socket.connect(self.address).await.unwrap();
        stream.set_nodelay(true).unwrap();
        match client_async(self.request, stream).await {
            Ok((stream, _)) => Ok(Socket {
                stream,
                packed: self.packed,
                heard: VecDeque::new(),
                closed: None,
            }),
            Err(Error::Http(response)) => {
                let body = response.body().as_deref().unwrap_or_default();
                Err((
                    response.status().as_u16(),
                    serde_json::from_slice(body).unwrap_or_default(),
                ))
            }
            Err(error) => panic!("{error}"),
        }
    }
}

impl Server {
    pub(crate) fn dial(&self, path: &str) -> Dial {
        Dial::new(self.address(), path)
    }

    /// A socket that has said hello, of somebody or of nobody.
    pub(crate) async fn socket(&self, person: Option<&Person>) -> Socket {
        let mut socket = self.dial("/ws").open().await;
        socket.hello(person).await;
        socket
    }

    pub(crate) async fn packed_socket(&self, person: Option<&Person>) -> Socket {
        let mut socket = self.dial("/ws").packed().open().await;
        socket.hello(person).await;
        socket
    }
}

impl Killable {
    /// A socket that has said hello, of somebody or of nobody.
    pub(crate) async fn socket(&self, person: Option<&Person>) -> Socket {
        let mut socket = Dial::new(self.address(), "/ws").open().await;
        socket.hello(person).await;
        socket
    }
}

/// A masked frame as a client sends it, with a mask of zeros.
pub(crate) fn frame(first: u8, payload: &[u8]) -> Vec<u8> {
    let mut frame = vec![first];
    match payload.len() {
        length @ 0..=125 => frame.push(0x80 | length as u8),
        length => {
            frame.push(0x80 | 126);
            frame.extend((length as u16).to_be_bytes());
        }
    }
    frame.extend([0; 4]);
    frame.extend(payload);
    frame
}

/// The id in a path.
pub(crate) fn id_of(path: &str) -> &str {
    path.rsplit('/').next().unwrap()
}

impl Socket {
    pub(crate) async fn hello(&mut self, person: Option<&Person>) -> Value {
        let token = person.map(|person| person.token.as_str());
        self.say(json!({"type": "hello", "token": token})).await;
        self.hear("welcome").await
    }

    pub(crate) async fn say(&mut self, message: Value) {
        self.say_together(&[message]).await;
    }

    /// Says several things in one frame.
    pub(crate) async fn say_together(&mut self, messages: &[Value]) {
        messages.iter().for_each(contract::assert_sent);
        self.say_raw(self.frame(messages)).await;
    }

    /// Says something that is a value, but no message.
    pub(crate) async fn say_wrong(&mut self, message: Value) {
        contract::assert_not_sendable(&message);
        self.say_raw(self.frame(&[message])).await;
    }

    fn frame(&self, messages: &[Value]) -> Message {
        if self.packed {
            let packed = messages.iter().map(|message| rmp_serde::to_vec(message).unwrap());
            Message::Binary(packed.collect::<Vec<_>>().concat().into())
        } else {
            let lines: Vec<String> = messages.iter().map(Value::to_string).collect();
            Message::text(lines.join("\n"))
        }
    }

    /// A frame as it is.
    pub(crate) async fn say_raw(&mut self, frame: Message) {
        // Whether it was taken shows in what is heard.
        let _ = self.stream.send(frame).await;
    }

    /// Bytes that are no frame, or a part of one.
    pub(crate) async fn say_bytes(&mut self, bytes: &[u8]) {
        use tokio::io::AsyncWriteExt;
        let _ = self.stream.get_mut().write_all(bytes).await;
    }

    /// The next message, which must be of this type.
    #[track_caller]
    pub(crate) fn hear(&mut self, kind: &'static str) -> impl Future<Output = Value> {
        let caller = std::panic::Location::caller();
        async move {
            let message = self.next().await;
            let message =
                message.unwrap_or_else(|code| panic!("closed with {code} instead of {kind}, for {caller}"));
            assert_eq!(message["type"], kind, "{message} for {caller}");
            message
        }
    }

    /// The next message of this type; others are passed over.
    pub(crate) async fn wait_for(&mut self, kind: &str) -> Value {
        loop {
            let message = self.next().await.unwrap();
            if message["type"] == kind {
                return message;
            }
        }
    }

    /// The next message, or the code of the server's goodbye; 1006 if there is none.
    pub(crate) async fn next(&mut self) -> Result<Value, u16> {
        loop {
            if let Some(message) = self.heard.pop_front() {
                return Ok(message);
            }
            let frame = timeout(PATIENCE, self.stream.next())
                .await
                .expect("there is a frame in time");
            match frame {
                Some(Ok(Message::Text(text))) => {
                    assert!(!self.packed, "{text}");
                    let messages = text.lines().map(|line| serde_json::from_str(line).unwrap());
                    self.heard.extend(messages.inspect(contract::assert_received));
                }
                Some(Ok(Message::Binary(bytes))) => {
                    assert!(self.packed, "{bytes:?}");
                    let messages = unpacked(&bytes).into_iter();
                    self.heard.extend(messages.inspect(contract::assert_received));
                }
                Some(Ok(Message::Close(frame))) => {
                    self.closed = frame.map(|frame| frame.code.into());
                }
                Some(Ok(_)) => {}
                Some(Err(_)) | None => return Err(self.closed.unwrap_or(1006)),
            }
        }
    }

    /// The next message, if there is one already.
    pub(crate) fn try_next(&mut self) -> Option<Result<Value, u16>> {
        self.next().now_or_never()
    }

    /// The code of the server's goodbye; what it says before is passed over.
    pub(crate) async fn goodbye(&mut self) -> u16 {
        loop {
            if let Err(code) = self.next().await {
                return code;
            }
        }
    }

    /// Says something with an id and returns what is answered to it; the rest is kept for later.
    pub(crate) async fn ask(&mut self, message: Value) -> Value {
        let id = message["id"].clone();
        self.say(message).await;
        self.answer(&id).await
    }

    /// Says something with an id and returns what is answered to it; the rest is passed over.
    pub(crate) async fn insist(&mut self, message: Value) -> Value {
        let id = message["id"].clone();
        self.say(message).await;
        loop {
            let message = self.next().await.unwrap();
            if message["id"] == id {
                return message;
            }
        }
    }

    /// Says something that is no message although it has an id, and returns what is answered to it.
    pub(crate) async fn ask_wrong(&mut self, message: Value) -> Value {
        let id = message["id"].clone();
        self.say_wrong(message).await;
        self.answer(&id).await
    }

    async fn answer(&mut self, id: &Value) -> Value {
        let mut others = VecDeque::new();
        loop {
            let message = self.next().await.unwrap();
            if message["id"] == *id {
                others.append(&mut self.heard);
                self.heard = others;
                return message;
            }
            others.push_back(message);
        }
    }

    /// Subscribes to the activity of a path.
    pub(crate) async fn subscribe(&mut self, path: &str) -> Value {
        let id = format!("s-{}", id_of(path));
        self.ask(json!({"type": "subscribe", "id": id, "activity": id_of(path)}))
            .await
    }

    /// Ends the subscription to the activity of a path.
    pub(crate) async fn unsubscribe(&mut self, path: &str) -> Value {
        let id = format!("u-{}", id_of(path));
        self.ask(json!({"type": "unsubscribe", "id": id, "activity": id_of(path)}))
            .await
    }

    /// Gives a command to the activity of a path.
    pub(crate) async fn command(&mut self, path: &str, op: &str, args: Value) -> Value {
        self.ask(command(path, op, op, args)).await
    }

    /// Whether nothing comes for as long as two ticks take.
    pub(crate) async fn hears_nothing(&mut self) -> bool {
        // A round trip: whatever was on its way before it has been heard then.
        tokio::time::sleep(Duration::from_millis(120)).await;
        self.say(json!({"type": "visibility", "id": "silence", "hidden": false}))
            .await;
        let message = self.next().await.unwrap();
        message["id"] == "silence"
    }
}

pub(crate) fn command(path: &str, id: &str, op: &str, args: Value) -> Value {
    let mut command = json!({"type": "command", "id": id, "activity": id_of(path), "op": op});
    command["args"] = args;
    command
}

fn unpacked(mut bytes: &[u8]) -> Vec<Value> {
    let mut messages = Vec::new();
    while !bytes.is_empty() {
        messages.push(rmp_serde::from_read(&mut bytes).unwrap());
    }
    messages
}
