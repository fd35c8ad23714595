//! One WebSocket: opening it, and frames in and out. Pings are answered on the way.

use std::io;
use std::net::IpAddr;
use std::time::Duration;

use futures::{FutureExt, SinkExt, StreamExt};
use serde::Serialize;
use tokio::net::{TcpSocket, TcpStream};
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::error::ProtocolError;
use tokio_tungstenite::tungstenite::http::{HeaderValue, header};
use tokio_tungstenite::tungstenite::protocol::WebSocketConfig;
use tokio_tungstenite::tungstenite::{Bytes, Error, Message};
use tokio_tungstenite::{WebSocketStream, client_async_with_config};

use super::Encoding;
use crate::attempt::problem_code;
use crate::client::TransportError;
use crate::target::Target;

/// Most frames fit; more is read in turns. The library's own buffers are thirty times as large, for each socket.
const READ_BYTES: usize = 4 * 1024;
const WRITE_BYTES: usize = 8 * 1024;
const MAX_WRITE_BYTES: usize = 64 * 1024;
/// More than the largest snapshot.
const MAX_MESSAGE_BYTES: usize = 1024 * 1024;

/// How a socket is opened.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Opening<'a> {
    pub(crate) target: &'a Target,
    pub(crate) path: &'a str,
    /// What is offered as sub-protocol; none where the server is not Turnout.
    pub(crate) encoding: Option<Encoding>,
    /// The address that it comes from; any where there is none.
    pub(crate) source: Option<IpAddr>,
    /// What the kernel takes in for a reader that does not read; its usual measure where there is none.
    pub(crate) receive_bytes: Option<u32>,
    /// How long it may take.
    pub(crate) deadline: Duration,
}

/// An open socket.
#[derive(Debug)]
pub(crate) struct Socket {
    stream: WebSocketStream<TcpStream>,
    encoding: Encoding,
}

impl Socket {
    /// Connects and shakes hands.
    pub(crate) async fn open(opening: &Opening<'_>) -> Result<Self, TransportError> {
        let opened = timeout(opening.deadline, async {
            let stream = connect(opening).await.map_err(TransportError::Connect)?;
            shake_hands(opening, stream).await
        });
        opened.await.map_err(|_| TransportError::Deadline)?
    }

    /// Sends one message.
    pub(crate) async fn say(&mut self, message: &impl Serialize) -> Result<(), TransportError> {
        let frame = self.encoding.frame(message);
        self.stream.send(frame).await.map_err(told)
    }

    /// The next frame with messages.
    pub(crate) async fn hear(&mut self) -> Result<Bytes, TransportError> {
        loop {
            let next = self.stream.next().await;
            match (next.ok_or(TransportError::Closed)?.map_err(told)?, self.encoding) {
                (Message::Text(text), Encoding::Json) => return Ok(text.into()),
                (Message::Binary(bytes), Encoding::Msgpack) => return Ok(bytes),
                (Message::Close(Some(frame)), _) => {
                    return Err(TransportError::ClosedWith {
                        code: frame.code.into(),
                    });
                }
                (Message::Close(None), _) => return Err(TransportError::Closed),
                (Message::Ping(_) | Message::Pong(_), _) => {}
                _ => return Err(TransportError::Malformed("a frame of the other kind")),
            }
        }
    }

    /// A frame that has come already.
    pub(crate) fn hear_now(&mut self) -> Option<Result<Bytes, TransportError>> {
        self.hear().now_or_never()
    }

    /// How this socket's messages are written.
    pub(crate) fn encoding(&self) -> Encoding {
        self.encoding
    }

    /// Says good-bye and does not wait for an answer.
    pub(crate) async fn leave(mut self) {
        // Whoever leaves does not mind that the other one has left already.
        let _ = self.stream.close(None).await;
    }
}

async fn connect(opening: &Opening<'_>) -> io::Result<TcpStream> {
    let address = opening.target.address();
    let socket = if address.is_ipv4() {
        TcpSocket::new_v4()?
    } else {
        TcpSocket::new_v6()?
    };
    if let Some(bytes) = opening.receive_bytes {
        // Before connecting, because the window is offered then.
        socket.set_recv_buffer_size(bytes)?;
    }
    if let Some(source) = opening.source {
        socket.bind((source, 0).into())?;
    }
    let stream = socket.connect(address).await?;
    stream.set_nodelay(true)?;
    Ok(stream)
}

async fn shake_hands(opening: &Opening<'_>, stream: TcpStream) -> Result<Socket, TransportError> {
    let config = WebSocketConfig::default()
        .read_buffer_size(READ_BYTES)
        .write_buffer_size(WRITE_BYTES)
        .max_write_buffer_size(MAX_WRITE_BYTES)
        .max_message_size(Some(MAX_MESSAGE_BYTES))
        .max_frame_size(Some(MAX_MESSAGE_BYTES));
    let url = format!("ws://{}{}", opening.target.authority(), opening.path);
    let mut request = url.into_client_request().map_err(told)?;
    if let Some(encoding) = opening.encoding {
        let offered = HeaderValue::from_static(encoding.subprotocol());
        request
            .headers_mut()
            .insert(header::SEC_WEBSOCKET_PROTOCOL, offered);
    }
    let (stream, _) = client_async_with_config(request, stream, Some(config))
        .await
        .map_err(told)?;
    Ok(Socket {
        stream,
        encoding: opening.encoding.unwrap_or_default(),
    })
}

/// In the words of the client.
fn told(error: Error) -> TransportError {
    match error {
        Error::ConnectionClosed | Error::AlreadyClosed => TransportError::Closed,
        Error::Io(error) => TransportError::Socket(error),
        Error::Capacity(_) | Error::WriteBufferFull(_) => TransportError::TooLarge {
            limit: MAX_MESSAGE_BYTES,
        },
        Error::Http(answer) => {
            let status = answer.status().as_u16();
            let body = answer.body().as_deref().unwrap_or_default();
            TransportError::NotUpgraded {
                status,
                code: problem_code(status, body),
            }
        }
        // Whoever is killed says nothing more.
        Error::Protocol(ProtocolError::ResetWithoutClosingHandshake | ProtocolError::HandshakeIncomplete) => {
            TransportError::Closed
        }
        _ => TransportError::Malformed("not a WebSocket"),
    }
}
