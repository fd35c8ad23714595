//! One kept-alive connection. It connects when it must and says why an answer did not come.

use std::io::ErrorKind;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

use super::response::{Framing, MAX_BODY_BYTES, ParsedHead, parse_chunks, parse_head};
use super::{Head, Request, TransportError};
use crate::target::Target;

/// Most answers to a command fit, so most are read at once.
const READ_BYTES: usize = 2 * 1024;

/// A connection that carries one request at a time.
#[derive(Debug)]
pub struct Connection {
    target: Target,
    /// How long one request may take from its first byte to the last of the answer.
    request_timeout: Duration,
    /// `None` before the first request, after a failure, and after the server said it would close.
    stream: Option<TcpStream>,
    out: Vec<u8>,
    received: Vec<u8>,
    body: Vec<u8>,
}

impl Connection {
    /// A connection to `target` that is opened by the first request.
    pub fn new(target: Target, request_timeout: Duration) -> Self {
        Self {
            target,
            request_timeout,
            stream: None,
            out: Vec::new(),
            received: Vec::with_capacity(READ_BYTES),
            body: Vec::new(),
        }
    }

    /// Opens the connection ahead of the first request.
    pub async fn open(&mut self) -> Result<(), TransportError> {
        let connecting = TcpStream::connect(self.target.address());
        let stream = timeout(self.request_timeout, connecting)
            .await
            .map_err(|_| TransportError::Deadline)?
            .map_err(TransportError::Connect)?;
        stream.set_nodelay(true).map_err(TransportError::Connect)?;
        self.stream = Some(stream);
        Ok(())
    }

    /// Sends one request and reads the whole answer. After an error the next request opens a new connection.
    pub async fn send(&mut self, request: &Request<'_>) -> Result<Head, TransportError> {
        if !self.is_open() {
            self.open().await?;
        }
        request.write_to(self.target.authority(), &mut self.out);
        let answer = match timeout(self.request_timeout, self.exchange()).await {
            Ok(answer) => answer,
            Err(_) => Err(TransportError::Deadline),
        };
        // Whatever else was on its way belongs to a request that is given up, so the socket is, too.
        if answer.as_ref().map_or(true, |parsed| parsed.closes) {
            self.stream = None;
        }
        answer.map(|parsed| parsed.head)
    }

    /// Whether there is a socket that the server has not closed. Nothing was asked, so whatever can be read now,
    /// the end included, was said while the connection was idle: it is no failure of a request.
    fn is_open(&self) -> bool {
        let said = |stream: &TcpStream| stream.try_read(&mut [0; 1]);
        self.stream
            .as_ref()
            .is_some_and(|stream| said(stream).is_err_and(|error| error.kind() == ErrorKind::WouldBlock))
    }

    /// The body of the last answer.
    pub fn body(&self) -> &[u8] {
        &self.body
    }

    async fn exchange(&mut self) -> Result<ParsedHead, TransportError> {
        let stream = self.stream.as_mut().ok_or(TransportError::Closed)?;
        self.received.clear();
        self.body.clear();
        stream
            .write_all(&self.out)
            .await
            .map_err(TransportError::Socket)?;
        loop {
            if let Some(mut parsed) = parse_head(&self.received)? {
                self.received.drain(..parsed.head_bytes);
                if matches!(parsed.head.status, 100..=199) {
                    continue;
                }
                parsed.closes |= parsed.framing == Framing::UntilClose;
                self.read_body(parsed.framing).await?;
                return Ok(parsed);
            }
            if self.read_more().await? == 0 {
                return Err(TransportError::Closed);
            }
        }
    }

    /// Reads until the body is complete and leaves it in `self.body`.
    async fn read_body(&mut self, framing: Framing) -> Result<(), TransportError> {
        loop {
            match framing {
                Framing::Length(length) if self.received.len() >= length => {
                    std::mem::swap(&mut self.body, &mut self.received);
                    return nothing_follows(self.body.len() - length);
                }
                Framing::Chunked => {
                    if let Some(chunked_bytes) = parse_chunks(&self.received, &mut self.body)? {
                        return nothing_follows(self.received.len() - chunked_bytes);
                    }
                }
                Framing::Length(_) | Framing::UntilClose => {}
            }
            if self.read_more().await? == 0 {
                if framing != Framing::UntilClose {
                    return Err(TransportError::Closed);
                }
                std::mem::swap(&mut self.body, &mut self.received);
                return Ok(());
            }
        }
    }

    async fn read_more(&mut self) -> Result<usize, TransportError> {
        // Twice the bound leaves room for the framing of chunks.
        if self.received.len() > 2 * MAX_BODY_BYTES {
            return Err(TransportError::TooLarge {
                limit: MAX_BODY_BYTES,
            });
        }
        let stream = self.stream.as_mut().ok_or(TransportError::Closed)?;
        self.received.reserve(READ_BYTES);
        stream
            .read_buf(&mut self.received)
            .await
            .map_err(TransportError::Socket)
    }
}

/// One request is in flight, so bytes after its answer belong to nothing, and what comes next would be
/// misread.
fn nothing_follows(surplus_bytes: usize) -> Result<(), TransportError> {
    if surplus_bytes > 0 {
        Err(TransportError::Malformed("bytes after the answer"))
    } else {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::scripted_server::{Answer, ScriptedServer};

    fn connection(server: &ScriptedServer) -> Connection {
        Connection::new(server.target(), Duration::from_secs(10))
    }

    #[tokio::test]
    async fn answers_on_one_connection_follow_each_other() {
        let server = ScriptedServer::start(vec![
            Answer::bytes("HTTP/1.1 200 OK\r\ncontent-length: 3\r\n\r\none"),
            Answer::bytes("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n3\r\ntwo\r\n0\r\n\r\n"),
            Answer::bytes(
                "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 201 Created\r\ncontent-length: 5\r\n\r\nthree",
            ),
        ])
        .await;
        let mut connection = connection(&server);
        for (status, body) in [(200, "one"), (200, "two"), (201, "three")] {
            let head = connection.send(&Request::get("/", "t")).await.unwrap();
            assert_eq!((head.status, connection.body()), (status, body.as_bytes()));
        }
        assert_eq!(server.connections(), 1);
    }

    #[tokio::test]
    async fn an_answer_in_pieces_is_put_together() {
        let server = ScriptedServer::start(vec![Answer::pieces(&[
            "HTTP/1.1 200 OK\r\ncont",
            "ent-length: 6\r\n\r\nab",
            "cd",
            "ef",
        ])])
        .await;
        let mut connection = connection(&server);
        connection.send(&Request::get("/", "t")).await.unwrap();
        assert_eq!(connection.body(), b"abcdef");
    }

    #[tokio::test]
    async fn a_close_in_mid_answer_is_told_and_the_next_request_connects_again() {
        let server = ScriptedServer::start(vec![
            Answer::bytes("HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nhalf").then_close(),
            Answer::bytes("HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\ngood"),
        ])
        .await;
        let mut connection = connection(&server);
        let broken = connection.send(&Request::get("/", "t")).await.unwrap_err();
        assert!(matches!(
            broken,
            TransportError::Closed | TransportError::Socket(_)
        ));
        connection.send(&Request::get("/", "t")).await.unwrap();
        assert_eq!((connection.body(), server.connections()), (&b"good"[..], 2));
    }

    #[tokio::test]
    async fn a_server_that_says_it_closes_is_taken_at_its_word() {
        let server = ScriptedServer::start(vec![
            Answer::bytes("HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: 2\r\n\r\nok").then_close(),
            Answer::bytes("HTTP/1.1 200 OK\r\n\r\nto the end").then_close(),
            Answer::bytes("HTTP/1.1 204 No Content\r\n\r\n"),
        ])
        .await;
        let mut connection = connection(&server);
        for body in ["ok", "to the end", ""] {
            connection.send(&Request::get("/", "t")).await.unwrap();
            assert_eq!(connection.body(), body.as_bytes());
        }
        assert_eq!(server.connections(), 3);
    }

    #[tokio::test]
    async fn a_connection_that_was_closed_while_idle_is_opened_anew_and_nothing_failed() {
        let server = ScriptedServer::start(vec![
            Answer::bytes("HTTP/1.1 200 OK\r\ncontent-length: 3\r\n\r\none").then_close(),
            Answer::bytes("HTTP/1.1 200 OK\r\ncontent-length: 3\r\n\r\ntwo"),
        ])
        .await;
        let mut connection = connection(&server);
        connection.send(&Request::get("/", "t")).await.unwrap();
        connection.stream.as_ref().unwrap().readable().await.unwrap();
        connection.send(&Request::get("/", "t")).await.unwrap();
        assert_eq!((connection.body(), server.connections()), (&b"two"[..], 2));
    }

    #[tokio::test]
    async fn an_answer_that_does_not_come_is_given_up_at_the_deadline() {
        let server = ScriptedServer::start(vec![Answer::silence()]).await;
        let mut impatient = Connection::new(server.target(), Duration::from_millis(20));
        let given_up = impatient.send(&Request::get("/", "t")).await.unwrap_err();
        assert!(matches!(given_up, TransportError::Deadline));
    }

    #[tokio::test]
    async fn bytes_after_an_answer_are_not_taken_for_the_next_one() {
        let server = ScriptedServer::start(vec![
            Answer::bytes("HTTP/1.1 200 OK\r\ncontent-length: 3\r\n\r\none and more").then_close(),
            Answer::bytes("HTTP/1.1 200 OK\r\ncontent-length: 3\r\n\r\ntwo"),
        ])
        .await;
        let mut connection = connection(&server);
        let surplus = connection.send(&Request::get("/", "t")).await.unwrap_err();
        assert!(matches!(surplus, TransportError::Malformed(_)));
        connection.send(&Request::get("/", "t")).await.unwrap();
        assert_eq!(connection.body(), b"two");
    }

    #[tokio::test]
    async fn what_is_not_http_is_told() {
        let server =
            ScriptedServer::start(vec![Answer::bytes("220 mail.example ESMTP\r\n").then_close()]).await;
        let error = connection(&server)
            .send(&Request::get("/", "t"))
            .await
            .unwrap_err();
        assert!(matches!(error, TransportError::Malformed(_)));
    }
}
