//! A WebSocket server that says exactly what a test wrote down, session by session, and remembers what it heard.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use futures::{SinkExt, StreamExt};
use serde_json::Value;
use tokio::net::{TcpListener, TcpStream};
use tokio_tungstenite::accept_hdr_async;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::handshake::server::{ErrorResponse, Request, Response};
use tokio_tungstenite::tungstenite::http::StatusCode;
use tokio_tungstenite::tungstenite::protocol::CloseFrame;

use crate::target::Target;

/// What to do after the next message.
#[derive(Clone)]
pub(crate) enum Reply {
    /// Say this, with the message's id in place of `ID`.
    Say(&'static str),
    /// Say this without waiting for a message.
    Add(&'static str),
    /// Close with this code.
    Close(u16),
    /// The same without waiting for a message.
    Leave(u16),
    /// Break the connection.
    Break,
    /// The same without waiting for a message.
    Hang,
    /// Answer the request for a WebSocket with this status instead. Nothing comes after it.
    Refuse(u16),
}

pub(crate) struct ScriptedSessions {
    address: SocketAddr,
    heard: Arc<Mutex<Vec<Value>>>,
}

impl ScriptedSessions {
    /// Serves one session after the other until the script ends. One without replies is broken before it begins.
    pub(crate) async fn start(script: Vec<Vec<Reply>>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let heard = Arc::new(Mutex::new(Vec::new()));
        let heard_by_task = Arc::clone(&heard);
        tokio::spawn(async move {
            for session in script {
                let (stream, _) = listener.accept().await.unwrap();
                if !session.is_empty() {
                    serve(stream, session, &heard_by_task).await;
                }
            }
        });
        Self { address, heard }
    }

    pub(crate) fn target(&self) -> Target {
        Target::at(self.address)
    }

    /// Every message, of all sessions.
    pub(crate) fn heard(&self) -> Vec<Value> {
        self.heard.lock().unwrap().clone()
    }
}

async fn serve(stream: TcpStream, session: Vec<Reply>, all_heard: &Mutex<Vec<Value>>) {
    #[expect(clippy::result_large_err, reason = "the shape of the library's callback")]
    let accept = |request: &Request, mut response: Response| {
        if let Some(Reply::Refuse(status)) = session.first() {
            let mut refusal = ErrorResponse::new(None);
            *refusal.status_mut() = StatusCode::from_u16(*status).unwrap();
            return Err(refusal);
        }
        let offered = request.headers()["sec-websocket-protocol"].clone();
        response.headers_mut().insert("sec-websocket-protocol", offered);
        Ok(response)
    };
    let Ok(mut socket) = accept_hdr_async(stream, accept).await else {
        // It was refused, or whoever asked has left.
        return;
    };
    for reply in &session {
        let mut id = String::new();
        if !matches!(reply, Reply::Add(_) | Reply::Leave(_) | Reply::Hang) {
            let Some(Ok(frame)) = socket.next().await else {
                return;
            };
            let heard: Value = serde_json::from_slice(&frame.into_data()).unwrap();
            id = heard["id"].as_str().unwrap_or_default().to_owned();
            all_heard.lock().unwrap().push(heard);
        }
        let answer = match reply {
            Reply::Say(text) | Reply::Add(text) => Message::text(text.replace("ID", &id)),
            Reply::Close(code) | Reply::Leave(code) => Message::Close(Some(CloseFrame {
                code: (*code).into(),
                reason: "".into(),
            })),
            Reply::Break | Reply::Hang | Reply::Refuse(_) => return,
        };
        socket.send(answer).await.unwrap();
    }
    // Whatever else happens is the other side's doing.
    while let Some(Ok(_)) = socket.next().await {}
}
