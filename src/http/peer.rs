//! Where a request comes from.

use std::net::IpAddr;

use axum::extract::FromRequestParts;
use axum::http::Extensions;
use axum::http::request::Parts;

use crate::api::Problem;

/// The address at the other end of the connection. Behind a proxy that is the proxy's: what it says in headers about
/// others is not believed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Peer(pub IpAddr);

/// A request that came by no connection of ours.
#[derive(Debug, thiserror::Error)]
#[error("a request came without the address of its client")]
struct Unconnected;

impl Peer {
    /// The address of the connection that a request with these extensions came by.
    pub(super) fn of(extensions: &Extensions) -> Result<Self, Problem> {
        let peer = extensions.get().copied();
        peer.ok_or_else(|| Problem::internal(&Unconnected))
    }
}

impl<S: Sync> FromRequestParts<S> for Peer {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        Self::of(&parts.extensions)
    }
}

#[cfg(test)]
mod tests {
    use axum::extract::Request;

    use super::*;
    use crate::api::Code;

    #[tokio::test]
    async fn the_address_is_that_of_the_connection_whatever_headers_say() {
        let address = IpAddr::from([192, 0, 2, 1]);
        let request = Request::builder()
            .header("x-forwarded-for", "203.0.113.9")
            .header("forwarded", "for=203.0.113.9")
            .extension(Peer(address))
            .body(())
            .unwrap();
        let (mut parts, ()) = request.into_parts();
        assert_eq!(
            Peer::from_request_parts(&mut parts, &()).await.unwrap(),
            Peer(address)
        );
    }

    #[tokio::test]
    async fn without_a_connection_nobody_is_taken_for_somebody() {
        let (mut parts, ()) = Request::new(()).into_parts();
        let problem = Peer::from_request_parts(&mut parts, &()).await.unwrap_err();
        assert_eq!(problem.code(), Code::Internal);
    }
}
