//! Identifiers in paths.

use axum::extract::{FromRequestParts, RawPathParams};
use axum::http::request::Parts;
use uuid::Uuid;

use crate::http::{Code, Problem};

/// The one identifier in the path. What is no UUID cannot name anything: 404.
pub struct Id<T>(pub T);

impl<T: From<Uuid>, S: Send + Sync> FromRequestParts<S> for Id<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let [id] = identifiers(parts, state).await?;
        Ok(Self(id.into()))
    }
}

/// The two identifiers in the path, in order.
pub struct IdPair<A, B>(pub A, pub B);

impl<A: From<Uuid>, B: From<Uuid>, S: Send + Sync> FromRequestParts<S> for IdPair<A, B> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let [first, second] = identifiers(parts, state).await?;
        Ok(Self(first.into(), second.into()))
    }
}

async fn identifiers<const N: usize, S: Send + Sync>(
    parts: &mut Parts,
    state: &S,
) -> Result<[Uuid; N], Problem> {
    let not_found = || Problem::new(Code::NotFound);
    let params = RawPathParams::from_request_parts(parts, state)
        .await
        .map_err(|_| not_found())?;
    let mut ids = [Uuid::nil(); N];
    let mut given = params.iter();
    for id in &mut ids {
        let (_, text) = given.next().ok_or_else(not_found)?;
        *id = canonical(text).ok_or_else(not_found)?;
    }
    Ok(ids)
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
