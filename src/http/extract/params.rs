//! The query of a request.

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use serde::de::DeserializeOwned;
use url::form_urlencoded;

use crate::api::{self, Problem};

/// The query as `T`. Unknown, repeated and wrong parameters are errors that name them; `T` should deny unknown
/// fields and must not flatten others, which would undo that.
pub struct Params<T>(pub T);

impl<T: DeserializeOwned, S: Sync> FromRequestParts<S> for Params<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        let query = parts.uri.query().unwrap_or_default();
        let pairs = serde_urlencoded::Deserializer::new(form_urlencoded::parse(query.as_bytes()));
        serde_path_to_error::deserialize(pairs)
            .map(Self)
            .map_err(|error| api::validation_problem(&error))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::Code;
    use crate::http::page::Page;
    use axum::http::Request;

    async fn page(query: &str) -> Result<Page, Problem> {
        let (mut parts, ()) = Request::get(format!("/x{query}")).body(()).unwrap().into_parts();
        Params::<Page>::from_request_parts(&mut parts, &())
            .await
            .map(|params| params.0)
    }

    #[tokio::test]
    async fn pages_have_defaults_and_ranges() {
        let first = page("").await.unwrap();
        assert_eq!((first.number(), first.limit(), first.offset()), (1, 20, 0));
        let third = page("?page=3&limit=100").await.unwrap();
        assert_eq!((third.number(), third.limit(), third.offset()), (3, 100, 200));
        let last = page("?page=4294967295&limit=100").await.unwrap();
        assert_eq!(last.offset(), 429_496_729_400);
    }

    #[tokio::test]
    async fn wrong_parameters_are_errors() {
        for query in [
            "?page=0",
            "?page=-1",
            "?page=x",
            "?page=",
            "?page=1.5",
            "?page=99999999999",
            "?limit=0",
            "?limit=101",
            "?pages=1",
            "?page=1&page=2",
            "?page",
        ] {
            assert_eq!(
                page(query).await.unwrap_err().code(),
                Code::ValidationFailed,
                "{query}"
            );
        }
    }
}
