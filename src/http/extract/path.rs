//! Identifiers in paths.

use axum::extract::{FromRequestParts, RawPathParams};
use axum::http::request::Parts;
use uuid::Uuid;

use crate::api::{Code, Problem};

/// The one identifier in the path. What is no UUID cannot name anything: 404.
pub struct Id<T>(pub T);

impl<T: From<Uuid>, S: Send + Sync> FromRequestParts<S> for Id<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let not_found = || Problem::new(Code::NotFound);
        let params = RawPathParams::from_request_parts(parts, state)
            .await
            .map_err(|_| not_found())?;
        let (_, text) = params.iter().next().ok_or_else(not_found)?;
        let id = canonical(text).ok_or_else(not_found)?;
        Ok(Self(id.into()))
    }
}

/// Only the form that we answer with, so that one thing has one address.
fn canonical(text: &str) -> Option<Uuid> {
    if text.len() == uuid::fmt::Hyphenated::LENGTH {
        Uuid::try_parse(text).ok()
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_hyphenated_form_names_something() {
        let text = "01890a5d-ac96-774b-bcce-b302099a8057";
        assert_eq!(canonical(text).unwrap().to_string(), text);
        for other in [
            "",
            "1",
            "01890a5dac96774bbcceb302099a8057",
            "{01890a5d-ac96-774b-bcce-b302099a8057}",
        ] {
            assert_eq!(canonical(other), None, "{other}");
        }
    }
}
