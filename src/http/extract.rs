//! From requests to types. Whatever does not fit becomes a [`Problem`](crate::api::Problem) that names the field;
//! nothing wrong is ever accepted silently.

mod body;
mod headers;
mod params;
mod path;

pub use body::{BULK_LIMIT, Body, Nothing};
pub use headers::{IdempotencyKey, IfMatch, etag};
pub use params::Params;
pub use path::Id;
