//! `/ws` and the addresses that are sockets with a subscription implied: the handshake. What a socket says and hears
//! is in [`crate::ws`].

use axum::Router;
use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, Version, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use hyper_util::rt::TokioIo;
use hyper_util::server::conn::auto::upgrade::downcast;
use tokio::net::TcpStream;
use tungstenite::handshake::derive_accept_key;
use turnout_actors::domain::{ActivityId, RsvpId};
use url::Url;

use super::extract::Id;
use super::json::Json;
use super::sight::require_sight;
use super::{MaybeBearer, Peer, rsvps};
use crate::accounts::Bearer;
use crate::api::views::CountsView;
use crate::api::{Code, Problem};
use crate::state::AppState;
use crate::ws::{self, Encoding, Implied, Opening};

pub(super) fn routes() -> Router<AppState> {
    Router::new()
        .route("/api/v1/ws", get(socket))
        .route("/api/v1/activities/{id}/capacity", get(capacity))
        .route("/api/v1/rsvps/{id}/status", get(status))
}

async fn socket(
    State(state): State<AppState>,
    MaybeBearer(bearer): MaybeBearer,
    request: Request,
) -> Result<Response, Problem> {
    if !wants_socket(request.headers()) {
        return Err(Problem::new(Code::MalformedRequest).detail("This address is for WebSockets alone."));
    }
    upgrade(&state, request, bearer, Implied::Nothing)
}

/// The counts of an activity, once or live.
async fn capacity(
    State(state): State<AppState>,
    Id(id): Id<ActivityId>,
    MaybeBearer(bearer): MaybeBearer,
    request: Request,
) -> Result<Response, Problem> {
    if wants_socket(request.headers()) {
        return upgrade(&state, request, bearer, Implied::Activity(id));
    }
    let by = bearer.as_ref().map(Bearer::principal);
    let seen = state
        .engine
        .look(id, |activity| {
            require_sight(activity, by.as_ref()).map(|()| activity.counts())
        })
        .await
        .map_err(|error| state.refusal(error, id))?;
    let counts = seen.value?;
    // After a restored backup the same number may stand for something else.
    let etag = format!("\"{}-{}\"", seen.history.0, counts.seq.0);
    let is_known = tokens(request.headers(), &header::IF_NONE_MATCH)
        // What went through a proxy that compresses comes back as weak.
        .any(|known| known == "*" || known.strip_prefix("W/").unwrap_or(known) == etag);
    // There is nothing personal in them: whoever asks again and again keeps them, also with a token, but for themselves.
    let kept = by
        .is_some()
        .then_some([(header::CACHE_CONTROL, "private, no-cache")]);
    let headers = (kept, [(header::ETAG, etag)]);
    if is_known {
        return Ok((StatusCode::NOT_MODIFIED, headers).into_response());
    }
    Ok((headers, Json(CountsView::from(counts))).into_response())
}

/// An RSVP, once or live.
async fn status(
    State(state): State<AppState>,
    Id(id): Id<RsvpId>,
    MaybeBearer(bearer): MaybeBearer,
    request: Request,
) -> Result<Response, Problem> {
    if wants_socket(request.headers()) {
        return upgrade(&state, request, bearer, Implied::Rsvp(id));
    }
    let bearer = bearer.ok_or_else(|| Problem::new(Code::Unauthenticated))?;
    rsvps::show(State(state), Id(id), bearer).await
}

/// Whether somebody asks for a WebSocket, rightly or not.
fn wants_socket(headers: &HeaderMap) -> bool {
    has_token(headers, &header::UPGRADE, "websocket")
}

/// Answers the handshake; the socket begins once the answer is out.
fn upgrade(
    state: &AppState,
    mut request: Request,
    bearer: Option<Bearer>,
    implied: Implied,
) -> Result<Response, Problem> {
    let accept = accept_key(request.headers())?;
    require_origin(state, request.headers())?;
    let encoding = negotiate(request.headers())?;
    let malformed = |detail| Problem::new(Code::MalformedRequest).detail(detail);
    if request.version() != Version::HTTP_11 {
        return Err(malformed("WebSockets need HTTP/1.1."));
    }
    let Peer(address) = Peer::of(request.extensions())?;
    if state.engine.is_draining() {
        return Err(Problem::new(Code::Draining));
    }
    let upgrade = hyper::upgrade::on(&mut request);
    let state = state.clone();
    tokio::spawn(async move {
        let upgraded = match upgrade.await {
            Ok(upgraded) => upgraded,
            Err(error) => return tracing::debug!(%error, "a client went away in mid-handshake"),
        };
        match downcast::<TokioIo<TcpStream>>(upgraded) {
            Ok(parts) => ws::open(
                &state,
                Opening {
                    stream: parts.io.into_inner(),
                    read: parts.read_buf.into(),
                    encoding: encoding.unwrap_or(Encoding::Json),
                    bearer,
                    address,
                    implied,
                },
            ),
            Err(_) => tracing::error!("a connection turned out not to be one of ours"),
        }
    });
    let mut response = StatusCode::SWITCHING_PROTOCOLS.into_response();
    let headers = response.headers_mut();
    headers.insert(header::CONNECTION, HeaderValue::from_static("Upgrade"));
    headers.insert(header::UPGRADE, HeaderValue::from_static("websocket"));
    headers.insert(header::SEC_WEBSOCKET_ACCEPT, accept);
    if let Some(encoding) = encoding {
        let protocol = HeaderValue::from_static(encoding.protocol());
        headers.insert(header::SEC_WEBSOCKET_PROTOCOL, protocol);
    }
    Ok(response)
}

/// The proof that the handshake was understood.
fn accept_key(headers: &HeaderMap) -> Result<HeaderValue, Problem> {
    let wrong =
        || Problem::new(Code::MalformedRequest).detail("This is no handshake of WebSockets, version 13.");
    let is_version_13 = headers
        .get(header::SEC_WEBSOCKET_VERSION)
        .is_some_and(|version| version == "13");
    if !has_token(headers, &header::CONNECTION, "upgrade") || !is_version_13 {
        return Err(wrong());
    }
    let key = headers.get(header::SEC_WEBSOCKET_KEY).ok_or_else(wrong)?;
    if key.len() != 24 {
        return Err(wrong());
    }
    HeaderValue::from_str(&derive_accept_key(key.as_bytes())).map_err(|_| wrong())
}

/// The form of messages that a client prefers; none if it names none.
fn negotiate(headers: &HeaderMap) -> Result<Option<Encoding>, Problem> {
    let mut offered = tokens(headers, &header::SEC_WEBSOCKET_PROTOCOL).peekable();
    if offered.peek().is_none() {
        return Ok(None);
    }
    let known = |offered: &str| {
        Encoding::ALL
            .into_iter()
            .find(|encoding| encoding.protocol() == offered)
    };
    offered.find_map(known).map(Some).ok_or_else(|| {
        let problem = Problem::new(Code::MalformedRequest);
        problem.detail("The sub-protocol must be turnout.v1.json or turnout.v1.msgpack.")
    })
}

/// Refuses pages of others: a browser sends what it knows of the person along, wherever the page is from.
fn require_origin(state: &AppState, headers: &HeaderMap) -> Result<(), Problem> {
    let mut origins = headers.get_all(header::ORIGIN).iter();
    let origin = match (origins.next(), origins.next()) {
        (None, _) => return Ok(()),
        (Some(origin), None) => origin.to_str().ok(),
        (Some(_), Some(_)) => None,
    };
    let is_allowed = origin.is_some_and(|origin| {
        state
            .config
            .allowed_origins
            .iter()
            .any(|allowed| allowed == origin)
            || is_own(
                origin,
                headers.get(header::HOST),
                state.config.public_url.as_deref(),
            )
    });
    if is_allowed {
        Ok(())
    } else {
        let problem = Problem::new(Code::Forbidden);
        Err(problem.detail("Pages of this origin may not open sockets here."))
    }
}

/// Whether a page is of this very server, as its people or the client itself address it.
fn is_own(origin: &str, host: Option<&HeaderValue>, public_url: Option<&str>) -> bool {
    let Ok(page) = Url::parse(origin) else {
        return false;
    };
    let of = |url: &str| Url::parse(url).ok().map(|url| url.origin());
    let host = host.and_then(|host| host.to_str().ok());
    let addressed = host.and_then(|host| of(&format!("{}://{host}", page.scheme())));
    [addressed, public_url.and_then(of)]
        .into_iter()
        .flatten()
        .any(|own| own.is_tuple() && own == page.origin())
}

fn has_token(headers: &HeaderMap, name: &HeaderName, token: &str) -> bool {
    tokens(headers, name).any(|other| other.eq_ignore_ascii_case(token))
}

fn tokens<'a>(headers: &'a HeaderMap, name: &HeaderName) -> impl Iterator<Item = &'a str> {
    headers
        .get_all(name)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .map(str::trim)
        .filter(|token| !token.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_is_ours_if_it_has_the_address_that_people_use() {
        let host = |text: &'static str| Some(HeaderValue::from_static(text));
        for (origin, host, public_url, own) in [
            ("http://a.example", host("a.example"), None, true),
            ("https://a.example", host("a.example"), None, true),
            ("http://a.example:8080", host("a.example:8080"), None, true),
            ("http://a.example", host("a.example:8080"), None, false),
            ("http://b.example", host("a.example"), None, false),
            (
                "https://b.example",
                host("a.example"),
                Some("https://b.example/x"),
                true,
            ),
            (
                "http://b.example",
                host("a.example"),
                Some("https://b.example"),
                false,
            ),
            ("null", host("null"), None, false),
            ("file://", host("a.example"), None, false),
            ("http://a.example", None, None, false),
        ] {
            assert_eq!(
                is_own(origin, host.as_ref(), public_url),
                own,
                "{origin} {public_url:?}"
            );
        }
    }
}
