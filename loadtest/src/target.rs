//! Where the server is. A load test against somebody else's machine is an attack, so anything but this
//! machine must be asked for.

use std::io;
use std::net::{IpAddr, SocketAddr};

use url::{Host, Url};

/// A server by its address and by the name it is asked for.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Target {
    address: SocketAddr,
    authority: String,
}

/// Why a URL is no target.
#[derive(Debug, thiserror::Error)]
pub enum TargetError {
    /// It does not parse.
    #[error("{0} is not a URL")]
    NotAUrl(String),
    /// There is no TLS inside, neither here nor in the server.
    #[error("{0}: only plain http:// is spoken here")]
    NotHttp(String),
    /// It is not this machine.
    #[error("{0} is not this machine; add --allow-remote if that is meant")]
    Remote(String),
    /// Its name has no address.
    #[error("{name} has no address")]
    Unresolved {
        /// The host and port asked for.
        name: String,
        /// What the resolver said.
        source: Option<io::Error>,
    },
}

impl Target {
    /// The server behind `url`; only one on this machine unless `allow_remote`.
    pub async fn resolve(url: &str, allow_remote: bool) -> Result<Self, TargetError> {
        let parsed = Url::parse(url).map_err(|_| TargetError::NotAUrl(url.to_owned()))?;
        if parsed.scheme() != "http" {
            return Err(TargetError::NotHttp(url.to_owned()));
        }
        let host = parsed
            .host()
            .ok_or_else(|| TargetError::NotAUrl(url.to_owned()))?;
        if !allow_remote && !is_this_machine(&host) {
            return Err(TargetError::Remote(url.to_owned()));
        }
        let authority = format!("{host}:{}", parsed.port_or_known_default().unwrap_or(80));
        let first = tokio::net::lookup_host(&authority)
            .await
            .map(|mut addresses| addresses.next());
        match first {
            Ok(Some(address)) => Ok(Self { address, authority }),
            Ok(None) => Err(TargetError::Unresolved {
                name: authority,
                source: None,
            }),
            Err(source) => Err(TargetError::Unresolved {
                name: authority,
                source: Some(source),
            }),
        }
    }

    /// The server that listens at `address`.
    pub fn at(address: SocketAddr) -> Self {
        Self {
            address,
            authority: address.to_string(),
        }
    }

    /// Where to connect.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Host and port, as the `Host` header has them.
    pub fn authority(&self) -> &str {
        &self.authority
    }
}

fn is_this_machine(host: &Host<&str>) -> bool {
    match host {
        Host::Domain(name) => name.eq_ignore_ascii_case("localhost"),
        Host::Ipv4(address) => IpAddr::V4(*address).is_loopback(),
        Host::Ipv6(address) => IpAddr::V6(*address).is_loopback(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn this_machine_is_a_target() {
        for url in ["http://127.0.0.1:8080", "http://127.9.9.9:1", "http://[::1]:8080"] {
            assert!(Target::resolve(url, false).await.is_ok(), "{url}");
        }
        assert_eq!(
            Target::resolve("http://127.0.0.1", false)
                .await
                .unwrap()
                .authority(),
            "127.0.0.1:80"
        );
    }

    #[tokio::test]
    async fn another_machine_must_be_asked_for() {
        for url in [
            "http://10.0.0.1:8080",
            "http://example.org",
            "http://localhost.example.org",
            "http://[::2]",
        ] {
            assert!(
                matches!(Target::resolve(url, false).await, Err(TargetError::Remote(_))),
                "{url}"
            );
        }
        assert!(Target::resolve("http://10.0.0.1:8080", true).await.is_ok());
    }

    #[tokio::test]
    async fn only_plain_http_is_spoken() {
        assert!(matches!(
            Target::resolve("https://127.0.0.1", false).await,
            Err(TargetError::NotHttp(_))
        ));
        assert!(matches!(
            Target::resolve("nonsense", false).await,
            Err(TargetError::NotAUrl(_))
        ));
    }
}
