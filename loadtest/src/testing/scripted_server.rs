//! A server that says exactly what a test wrote down, answer by answer, and remembers what it was asked.

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use crate::target::Target;

/// What to do with the next request.
pub(crate) struct Answer {
    pieces: Vec<String>,
    closes: bool,
    is_silent: bool,
}

impl Answer {
    pub(crate) fn bytes(bytes: impl Into<String>) -> Self {
        Self {
            pieces: vec![bytes.into()],
            closes: false,
            is_silent: false,
        }
    }

    pub(crate) fn pieces(pieces: &[&str]) -> Self {
        Self {
            pieces: pieces.iter().map(|piece| (*piece).to_owned()).collect(),
            closes: false,
            is_silent: false,
        }
    }

    pub(crate) fn json(status: u16, headers: &str, body: &str) -> Self {
        Self::bytes(format!(
            "HTTP/1.1 {status} X\r\ncontent-length: {}\r\n{headers}\r\n{body}",
            body.len()
        ))
    }

    /// Neither answers nor closes.
    pub(crate) fn silence() -> Self {
        Self {
            pieces: Vec::new(),
            closes: false,
            is_silent: true,
        }
    }

    pub(crate) fn then_close(self) -> Self {
        Self { closes: true, ..self }
    }
}

#[derive(Default)]
struct Seen {
    connections: usize,
    requests: Vec<String>,
}

pub(crate) struct ScriptedServer {
    address: SocketAddr,
    seen: Arc<Mutex<Seen>>,
}

impl ScriptedServer {
    /// Serves one connection after the other until the script ends.
    pub(crate) async fn start(script: Vec<Answer>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let seen = Arc::new(Mutex::new(Seen::default()));
        let mut script = VecDeque::from(script);
        let seen_by_task = Arc::clone(&seen);
        tokio::spawn(async move {
            while !script.is_empty() {
                let (stream, _) = listener.accept().await.unwrap();
                seen_by_task.lock().unwrap().connections += 1;
                serve(stream, &mut script, &seen_by_task).await;
            }
        });
        Self { address, seen }
    }

    pub(crate) fn target(&self) -> Target {
        Target::at(self.address)
    }

    pub(crate) fn connections(&self) -> usize {
        self.seen.lock().unwrap().connections
    }

    /// Every request, head and body.
    pub(crate) fn requests(&self) -> Vec<String> {
        self.seen.lock().unwrap().requests.clone()
    }
}

async fn serve(mut stream: TcpStream, script: &mut VecDeque<Answer>, seen: &Mutex<Seen>) {
    while let Some(request) = read_request(&mut stream).await {
        seen.lock().unwrap().requests.push(request);
        let answer = script
            .pop_front()
            .expect("the script has an answer for every request");
        if answer.is_silent {
            std::future::pending::<()>().await;
        }
        for piece in &answer.pieces {
            stream.write_all(piece.as_bytes()).await.unwrap();
            tokio::task::yield_now().await;
        }
        if answer.closes || script.is_empty() {
            return;
        }
    }
}

async fn read_request(stream: &mut TcpStream) -> Option<String> {
    let mut bytes = Vec::new();
    loop {
        if let Some(end) = find(&bytes, b"\r\n\r\n") {
            let head = String::from_utf8_lossy(&bytes[..end]).into_owned();
            let length = head
                .lines()
                .find_map(|line| line.strip_prefix("content-length: "))
                .map_or(0, |length| length.parse().unwrap());
            if bytes.len() >= end + 4 + length {
                return Some(String::from_utf8(bytes).unwrap());
            }
        }
        if stream.read_buf(&mut bytes).await.ok()? == 0 {
            return None;
        }
    }
}

fn find(bytes: &[u8], wanted: &[u8]) -> Option<usize> {
    bytes.windows(wanted.len()).position(|window| window == wanted)
}
