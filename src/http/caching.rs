//! Who may keep an answer, decided in one place for all of them. A route that knows better says so itself.

use axum::extract::Request;
use axum::http::{HeaderMap, HeaderValue, Method, header};

/// Nobody keeps it: it is about somebody, or holds a token of theirs, or is what came of a command.
const NOBODY: &str = "no-store";
/// Everybody may keep it, and asks whether it still holds before it is used again.
const ASKING: &str = "no-cache";

/// What of a request decides who may keep its answer.
#[derive(Clone, Copy)]
pub(super) struct Caching {
    /// Whether it only reads.
    reads: bool,
    /// Whether somebody has said who they are.
    by_somebody: bool,
}

impl Caching {
    pub(super) fn of(request: &Request) -> Self {
        Self {
            reads: [Method::GET, Method::HEAD].contains(request.method()),
            by_somebody: request.headers().contains_key(header::AUTHORIZATION),
        }
    }

    /// Says it with an answer that does not.
    pub(super) fn mark(self, headers: &mut HeaderMap) {
        if self.reads {
            // The same address answers others differently.
            headers.append(header::VARY, HeaderValue::from_static("Authorization"));
        }
        let is_for_everybody = self.reads && !self.by_somebody;
        let usual = HeaderValue::from_static(if is_for_everybody { ASKING } else { NOBODY });
        headers.entry(header::CACHE_CONTROL).or_insert(usual);
    }
}

#[cfg(test)]
mod tests {
    use axum::body::Body;

    use super::*;

    #[test]
    fn only_what_everybody_is_told_may_be_kept_and_a_route_may_know_better() {
        for (method, by_somebody, own, told, varies) in [
            (Method::GET, false, None, "no-cache", true),
            (Method::HEAD, false, None, "no-cache", true),
            (Method::GET, true, None, "no-store", true),
            (
                Method::GET,
                true,
                Some("private, no-cache"),
                "private, no-cache",
                true,
            ),
            (Method::POST, false, None, "no-store", false),
            (Method::DELETE, true, None, "no-store", false),
            (Method::OPTIONS, false, None, "no-store", false),
        ] {
            let mut request = Request::new(Body::empty());
            *request.method_mut() = method;
            if by_somebody {
                let bearer = HeaderValue::from_static("Bearer x");
                request.headers_mut().insert(header::AUTHORIZATION, bearer);
            }
            let mut headers = HeaderMap::new();
            if let Some(own) = own {
                headers.insert(header::CACHE_CONTROL, HeaderValue::from_static(own));
            }
            Caching::of(&request).mark(&mut headers);
            let told_at = headers.get_all(header::CACHE_CONTROL).iter();
            assert_eq!(told_at.collect::<Vec<_>>(), [told], "{request:?}");
            assert_eq!(headers.contains_key(header::VARY), varies, "{request:?}");
        }
    }
}
