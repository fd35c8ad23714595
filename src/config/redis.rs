//! Which Redis server is used, if one is.

use std::fmt;

use url::Url;

use crate::secret::Secret;

/// A Redis server as the way to it. Shown without user and password.
#[derive(Clone, Debug)]
pub struct RedisServer {
    url: Secret,
    shown: String,
}

impl RedisServer {
    /// Reads the address of a server. It may hold a password, so reasons do not repeat it.
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        let form = || "is not of the form redis://USER:PASSWORD@HOST:PORT/NUMBER or rediss://…".to_owned();
        let url = Url::parse(text).map_err(|_| form())?;
        let (scheme, database) = (url.scheme(), url.path().trim_start_matches('/'));
        let host = url.host_str().filter(|host| !host.is_empty()).ok_or_else(form)?;
        if !matches!(scheme, "redis" | "rediss") || !database.is_empty() && database.parse::<u16>().is_err() {
            return Err(form());
        }
        Ok(Self {
            shown: format!("{scheme}://{host}:{}", url.port().unwrap_or(6379)),
            url: Secret::new(text.to_owned()),
        })
    }

    /// The whole address.
    pub fn url(&self) -> &Secret {
        &self.url
    }
}

impl fmt::Display for RedisServer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.shown.fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_shown_without_what_is_secret_in_it() {
        for (address, shown) in [
            ("redis://10.0.0.7", "redis://10.0.0.7:6379"),
            (
                "rediss://name:hush@cache.example.org:7000/3",
                "rediss://cache.example.org:7000",
            ),
        ] {
            let server = RedisServer::parse(address).unwrap();
            assert_eq!(server.to_string(), shown);
            assert_eq!(server.url().expose(), address);
            assert!(!format!("{server:?}").contains("hush"));
        }
    }

    #[test]
    fn what_is_no_address_is_refused_without_repeating_it() {
        for text in [
            "redis",
            "redis://",
            "http://hush",
            "redis://host/hush",
            "rediss:hush",
        ] {
            let reason = RedisServer::parse(text).unwrap_err();
            assert!(
                reason.starts_with("is not of the form redis://") && !reason.contains("hush"),
                "{reason}"
            );
        }
    }
}
