//! The id that ties an answer, a log line and a client's complaint together.

use std::sync::atomic::{AtomicU64, Ordering};

use axum::http::{HeaderMap, HeaderName, HeaderValue};

use crate::ids;

/// The header that carries it, in requests and in every answer.
pub(super) const X_REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

const MAX_LEN: usize = 64;

/// Makes ids for requests that bring none.
///
/// A random start and a counter: unique enough to be found in a log, and far cheaper than randomness for each
/// request.
pub(super) struct RequestIds {
    next: AtomicU64,
}

impl RequestIds {
    pub(super) fn new() -> Self {
        Self {
            next: AtomicU64::new(u64::from_le_bytes(ids::secret_bytes())),
        }
    }

    /// The request's own id where it is harmless, else a new one. It goes into the log and back to the
    /// client, so nothing that could break a line or a header is taken over.
    pub(super) fn of(&self, headers: &HeaderMap) -> HeaderValue {
        match headers.get(&X_REQUEST_ID) {
            Some(id) if is_harmless(id.as_bytes()) => id.clone(),
            _ => self.make(),
        }
    }

    fn make(&self) -> HeaderValue {
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        HeaderValue::try_from(format!("{number:016x}")).expect("hexadecimal digits are a valid header")
    }
}

fn is_harmless(id: &[u8]) -> bool {
    (1..=MAX_LEN).contains(&id.len())
        && id
            .iter()
            .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-'))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id_for(sent: &str) -> HeaderValue {
        let sent = HeaderValue::from_bytes(sent.as_bytes()).unwrap();
        let headers = HeaderMap::from_iter([(X_REQUEST_ID, sent)]);
        RequestIds::new().of(&headers)
    }

    #[test]
    fn a_harmless_id_is_kept_and_any_other_replaced() {
        assert_eq!(id_for("Trace-1.2_3"), "Trace-1.2_3");
        for sent in [
            "",
            "a b",
            "a/b",
            "é",
            "01234567890123456789012345678901234567890123456789012345678901234",
        ] {
            let made = id_for(sent);
            assert_ne!(made, sent);
            assert!(is_harmless(made.as_bytes()));
        }
    }

    #[test]
    fn ids_that_are_made_differ() {
        let ids = RequestIds::new();
        assert_ne!(ids.of(&HeaderMap::new()), ids.of(&HeaderMap::new()));
    }
}
