//! Accepting connections and serving them until told to stop.
//!
//! A loop of our own and not `axum::serve`, which sets no time-out for headers: a few clients that send one
//! byte a second could hold every connection. The caller owns the listener and the stop, so tests own port
//! and lifetime.

mod work;

use std::convert::Infallible;
use std::io;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use axum::response::Response;
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto::Builder;
use hyper_util::server::graceful::GracefulShutdown;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use self::work::Work;
use super::edge::Edge;
use super::peer::Peer;

/// HTTP connections at once; more wait in the listener's backlog. Upgraded sockets no longer count.
pub const MAX_CONNECTIONS: usize = 20_000;

/// How long a connection may bring no request. It is looked at that often, so one that is silent, or sends the head of a
/// request byte by byte, lasts for less than twice as long.
const IDLE_TIMEOUT: Duration = Duration::from_secs(10);

/// The most bytes of a request's head. The longest token that is accepted is an eighth of it.
const MAX_HEAD: usize = 32 * 1024;

/// Requests at once on one HTTP/2 connection.
const MAX_STREAMS: u32 = 200;

/// How long somebody may leave an answer unread before the connection is cut off. The operating system counts:
/// from when it has sent all that fits, or has heard nothing of what it sent.
#[cfg(target_os = "linux")]
const UNREAD_TIMEOUT: Duration = Duration::from_secs(20);

/// How long accepting pauses after it failed, as it does while no file descriptor is free. Connections that
/// end meanwhile free theirs.
const ACCEPT_PAUSE: Duration = Duration::from_millis(250);

/// Serves until `stop` completes; then accepts no more, lets requests in flight finish for at most `drain`,
/// and cuts off the rest.
pub async fn serve(listener: TcpListener, edge: Edge, stop: impl Future<Output = ()>, drain: Duration) {
    let http = Arc::new(http());
    let permits = Arc::new(Semaphore::new(MAX_CONNECTIONS));
    let graceful = GracefulShutdown::new();
    let cut_off = CancellationToken::new();
    let mut stop = pin!(stop);

    loop {
        let accepted = async {
            // The permit comes first: a connection that cannot be served is not taken from the backlog.
            let permit = permits
                .clone()
                .acquire_owned()
                .await
                .expect("nobody closes the permits");
            let (stream, peer) = accept(&listener).await;
            (permit, stream, peer)
        };
        let (permit, stream, peer) = tokio::select! {
            accepted = accepted => accepted,
            () = &mut stop => break,
        };
        let connection = connection(&http, stream, peer, edge.clone(), &graceful);
        let cut_off = cut_off.clone();
        tokio::spawn(async move {
            cut_off.run_until_cancelled(connection).await;
            drop(permit);
        });
    }

    drop(listener);
    if timeout(drain, graceful.shutdown()).await.is_err() {
        tracing::warn!("cutting off connections that did not finish in time");
    }
    cut_off.cancel();
}

fn http() -> Builder<TokioExecutor> {
    let mut http = Builder::new(TokioExecutor::new());
    http.http1()
        .timer(TokioTimer::new())
        // The library's own would be a timer for every request, and knows nothing of connections that say nothing at all.
        .header_read_timeout(None)
        .max_buf_size(MAX_HEAD)
        .keep_alive(true);
    http.http2()
        .timer(TokioTimer::new())
        .max_concurrent_streams(MAX_STREAMS)
        .max_header_list_size(MAX_HEAD as u32)
        .keep_alive_interval(Duration::from_secs(20))
        .keep_alive_timeout(IDLE_TIMEOUT);
    http
}

/// The next connection. A failure to accept is never the end: it is either the peer's or passes.
async fn accept(listener: &TcpListener) -> (TcpStream, SocketAddr) {
    loop {
        match listener.accept().await {
            Ok(accepted) => return accepted,
            Err(error) if is_the_peers(&error) => {}
            Err(error) => {
                tracing::warn!(%error, "cannot accept connections just now");
                tokio::time::sleep(ACCEPT_PAUSE).await;
            }
        }
    }
}

fn is_the_peers(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::ConnectionAborted | io::ErrorKind::ConnectionReset
    )
}

/// One connection, until it ends by itself, is silent for too long, or the server stops.
fn connection(
    http: &Builder<TokioExecutor>,
    stream: TcpStream,
    peer: SocketAddr,
    edge: Edge,
    graceful: &GracefulShutdown,
) -> impl Future<Output = ()> + use<> {
    // Answers are written whole; waiting for more would only delay them.
    if let Err(error) = stream.set_nodelay(true) {
        tracing::debug!(%error, "a connection keeps its delay");
    }
    #[cfg(target_os = "linux")]
    if let Err(error) = rustix::net::sockopt::set_tcp_user_timeout(&stream, UNREAD_TIMEOUT.as_millis() as u32)
    {
        tracing::debug!(%error, "a connection may leave answers unread");
    }
    let work = Work::default();
    let requests = work.clone();
    let service = service_fn(move |mut request: hyper::Request<Incoming>| {
        request.extensions_mut().insert(Peer(peer.ip()));
        let under_way = requests.begin();
        let edge = edge.clone();
        async move {
            let answer = edge.answer(request.map(axum::body::Body::new)).await;
            Ok::<Response, Infallible>(answer.map(|body| under_way.until_written(body)))
        }
    });
    let serving = http
        .serve_connection_with_upgrades(TokioIo::new(stream), service)
        .into_owned();
    let serving = graceful.watch(serving);
    async move {
        let mut serving = pin!(serving);
        let mut before = Some(0);
        loop {
            match timeout(IDLE_TIMEOUT, &mut serving).await {
                Ok(Ok(())) => return,
                // Mostly people who went away.
                Ok(Err(error)) => return tracing::debug!(%error, "a connection ended early"),
                Err(_) => {
                    let now = work.idle_after();
                    if now.is_some() && now == before {
                        return;
                    }
                    before = now;
                }
            }
        }
    }
}
