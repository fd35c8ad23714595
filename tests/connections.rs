//! Connections that misbehave, and the end of a server.

use std::time::Duration;

use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::Instant;

use crate::support::Server;

async fn connect(server: &Server) -> TcpStream {
    TcpStream::connect(server.address()).await.unwrap()
}

/// All that comes until the server closes the connection.
async fn rest(stream: &mut TcpStream) -> String {
    let mut bytes = Vec::new();
    stream.read_to_end(&mut bytes).await.unwrap();
    String::from_utf8(bytes).unwrap()
}

/// Status and problem code of one raw answer.
fn status_and_code(answer: &str) -> (&str, String) {
    let status = answer.split(' ').nth(1).unwrap();
    let (_, body) = answer.split_once("\r\n\r\n").unwrap();
    let body: Value = serde_json::from_str(body).unwrap();
    (status, body["code"].as_str().unwrap_or_default().to_owned())
}

/// How long the server lets a client wait that has sent this much, on a clock that jumps ahead while nothing
/// happens.
async fn patience_with(sent: &[u8]) -> Duration {
    let server = Server::start().await;
    let mut stream = connect(&server).await;
    stream.write_all(sent).await.unwrap();
    tokio::time::pause();
    let start = Instant::now();
    stream.read_to_end(&mut Vec::new()).await.unwrap();
    let waited = start.elapsed();
    tokio::time::resume();
    server.stop().await;
    waited
}

#[tokio::test]
async fn clients_that_do_not_finish_their_headers_are_cut_off() {
    for sent in [
        "",
        "PRI * HT",
        "GET /health HTTP/1.1\r\nhost: x\r\nx-slow: ",
        "GET /health HTTP/1.1\r\nhost: x\r\n\r\nGET /health HTTP/1.1\r\nhost: ",
    ] {
        let waited = patience_with(sent.as_bytes()).await;
        assert!((9..=21).contains(&waited.as_secs()), "{waited:?} after {sent:?}");
    }
}

#[tokio::test]
async fn clients_of_http_2_that_ask_nothing_more_are_cut_off() {
    const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
    const NO_SETTINGS: &[u8] = &[0, 0, 0, 4, 0, 0, 0, 0, 0];
    // HEADERS that end stream 1: GET / of the authority x, by the static table.
    const REQUEST: &[u8] = &[0, 0, 6, 1, 5, 0, 0, 0, 1, 0x82, 0x84, 0x86, 0x41, 1, b'x'];
    for sent in [
        [PREFACE, NO_SETTINGS, &[]].concat(),
        [PREFACE, NO_SETTINGS, REQUEST].concat(),
    ] {
        let waited = patience_with(&sent).await;
        // The server asks at 20 seconds whether its peer still lives, and would wait 10 more for the answer.
        assert!((9..=21).contains(&waited.as_secs()), "{waited:?}");
    }
}

#[tokio::test]
async fn a_head_without_end_is_refused() {
    let server = Server::start().await;
    let mut stream = connect(&server).await;
    let head = format!(
        "GET /health HTTP/1.1\r\nhost: x\r\nx-large: {}",
        "x".repeat(64 * 1024)
    );
    // The server may close before it has read all of it.
    let _ = stream.write_all(head.as_bytes()).await;
    let mut answer = Vec::new();
    let _ = stream.read_to_end(&mut answer).await;
    let answer = String::from_utf8(answer).unwrap();
    assert!(
        answer.is_empty() || answer.starts_with("HTTP/1.1 431 "),
        "{answer}"
    );
    server.stop().await;
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn a_client_that_leaves_answers_unread_is_cut_off() {
    let server = Server::start().await;
    let mut stream = connect(&server).await;
    let request = "GET /api/v1/nowhere HTTP/1.1\r\nhost: x\r\n\r\n".repeat(1_000);
    // Asking goes on until the server stops reading, because nobody takes its answers.
    let asked = async { while stream.write_all(request.as_bytes()).await.is_ok() {} };
    tokio::time::timeout(Duration::from_secs(120), asked)
        .await
        .expect("the connection ends");
    server.stop().await;
}

#[tokio::test]
async fn a_body_that_is_too_large_is_refused_whatever_it_announces() {
    let server = Server::start().await;
    let head = "POST /api/v1/auth/login HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\nconnection: close\r\n";
    let large = "x".repeat(64 * 1024 + 1);

    let announced = format!("{head}content-length: {}\r\n\r\n{large}", large.len());
    let chunked = format!(
        "{head}transfer-encoding: chunked\r\n\r\n{:x}\r\n{large}\r\n0\r\n\r\n",
        large.len()
    );
    // Announced and never sent: the answer must not wait for it.
    let promised = format!("{head}content-length: 9999999999\r\n\r\n{{");
    for request in [announced, chunked, promised] {
        let mut stream = connect(&server).await;
        stream.write_all(request.as_bytes()).await.unwrap();
        let answer = rest(&mut stream).await;
        assert_eq!(status_and_code(&answer), ("413", "body_too_large".to_owned()));
    }
    server.stop().await;
}

#[tokio::test]
async fn a_body_in_chunks_of_which_there_are_none_is_no_body_and_needs_no_type() {
    let server = Server::start().await;
    for (chunks, status, code) in [
        // The fields that are missing are told, as they are without any body.
        ("0\r\n\r\n", "422", "validation_failed"),
        ("2\r\n{}\r\n0\r\n\r\n", "415", "unsupported_media_type"),
    ] {
        let head = "POST /api/v1/auth/login HTTP/1.1\r\nhost: x\r\nconnection: close\r\n";
        let request = format!("{head}transfer-encoding: chunked\r\n\r\n{chunks}");
        let mut stream = connect(&server).await;
        stream.write_all(request.as_bytes()).await.unwrap();
        let answer = rest(&mut stream).await;
        assert_eq!(status_and_code(&answer), (status, code.to_owned()));
    }
    server.stop().await;
}

#[tokio::test]
async fn a_body_that_never_ends_is_given_up() {
    let server = Server::start().await;
    let mut stream = connect(&server).await;
    let head = "POST /api/v1/auth/login HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\n";
    let request = format!("{head}expect: 100-continue\r\ncontent-length: 100\r\n\r\n");
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut continued = [0; 25];
    stream.read_exact(&mut continued).await.unwrap();
    assert_eq!(&continued, b"HTTP/1.1 100 Continue\r\n\r\n");

    tokio::time::pause();
    let answer = rest(&mut stream).await;
    assert_eq!(status_and_code(&answer), ("408", "timeout".to_owned()));
    tokio::time::resume();
    server.stop().await;
}

#[tokio::test]
async fn a_request_in_flight_is_answered_although_the_server_stops() {
    let server = Server::start().await;
    let mut stream = connect(&server).await;
    let body = r#"{"email":"ada@example.com","password":"correct horse"}"#;
    let head = "POST /api/v1/auth/login HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\n";
    let request = format!(
        "{head}expect: 100-continue\r\ncontent-length: {}\r\n\r\n",
        body.len()
    );
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut continued = [0; 25];
    stream.read_exact(&mut continued).await.unwrap();

    // The handler waits for the body now. Stopping lets it have that.
    let mut idle = connect(&server).await;
    let address = server.address();
    let stopping = tokio::spawn(server.stop());
    assert_eq!(
        rest(&mut idle).await,
        "",
        "a connection without a request is closed"
    );
    assert!(
        TcpStream::connect(address).await.is_err(),
        "nobody else is let in"
    );
    stream.write_all(body.as_bytes()).await.unwrap();
    assert_eq!(
        status_and_code(&rest(&mut stream).await),
        ("401", "bad_credentials".to_owned())
    );
    stopping.await.unwrap();
}

#[tokio::test]
async fn unusual_targets_are_answered_like_any_other() {
    let server = Server::start().await;
    for (target, status) in [
        ("OPTIONS *", "404"),
        ("CONNECT example.com:443", "404"),
        ("GET http://example.com/health", "200"),
        ("GET /api/v1/%ff", "404"),
        ("GET //health", "404"),
    ] {
        let mut stream = connect(&server).await;
        let request = format!("{target} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n");
        stream.write_all(request.as_bytes()).await.unwrap();
        assert_eq!(status_and_code(&rest(&mut stream).await).0, status, "{target}");
    }
    server.stop().await;
}

#[tokio::test]
async fn a_request_that_is_no_http_gets_no_more_than_a_refusal() {
    let server = Server::start().await;
    for sent in [
        "\r\n\r\n\r\nhello\r\n\r\n",
        "GET / HTTP/9.9\r\n\r\n",
        "\0\0\0\0\r\n\r\n",
        "GET /health HTTP/1.1\r\nhost : x\r\n\r\n",
        "POST /health HTTP/1.1\r\nhost: x\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\n",
    ] {
        let mut stream = connect(&server).await;
        stream.write_all(sent.as_bytes()).await.unwrap();
        let answer = rest(&mut stream).await;
        assert!(
            answer.is_empty() || answer.starts_with("HTTP/1.1 400"),
            "{answer}"
        );
    }
    // And the server is well.
    server.get("//health").send().await.expect(200);
    server.stop().await;
}

#[tokio::test]
async fn a_head_with_too_many_headers_is_refused_before_it_is_a_request() {
    let server = Server::start().await;
    let mut stream = connect(&server).await;
    let request = format!("GET /health HTTP/1.1\r\n{}\r\n", "x: y\r\n".repeat(101));
    stream.write_all(request.as_bytes()).await.unwrap();
    let answer = rest(&mut stream).await.to_lowercase();
    assert!(answer.starts_with("http/1.1 431 "), "{answer}");
    // So there is no id of a request to tell, and nothing else to say.
    assert!(
        answer.contains("content-length: 0") && !answer.contains("x-request-id"),
        "{answer}"
    );
    server.stop().await;
}

#[tokio::test]
async fn a_socket_is_not_opened_over_http_1_0() {
    let server = Server::start().await;
    let mut stream = connect(&server).await;
    let handshake = "GET /api/v1/ws HTTP/1.0\r\nhost: x\r\nupgrade: websocket\r\nconnection: upgrade\r\n\
                     sec-websocket-version: 13\r\nsec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";
    stream.write_all(handshake.as_bytes()).await.unwrap();
    let answer = rest(&mut stream).await;
    assert_eq!(status_and_code(&answer), ("400", "malformed_request".to_owned()));
    server.stop().await;
}
