//! From requests to types. Whatever does not fit becomes a [`Problem`](super::Problem) that names the field;
//! nothing wrong is ever accepted silently.

mod body;
mod fields;
mod headers;
mod params;
mod path;
mod values;
mod words;

pub use body::Body;
pub use fields::Fields;
pub use headers::{IdempotencyKey, IfMatch, etag};
pub use params::Params;
pub use path::Id;
pub use values::{Lines, Object, Search, Word, clearable, present};
