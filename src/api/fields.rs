//! Checking several fields and naming all that are wrong, not only the first.

use std::borrow::Cow;

use crate::api::{FieldError, Problem};

/// Collects what is wrong with the fields of one request.
///
/// ```
/// use turnout::api::Fields;
/// use turnout::api::{Code, Problem};
///
/// fn order(name: &str, count: &str) -> Result<(String, u8), Problem> {
///     let mut fields = Fields::default();
///     let name = fields.check("name", if name.is_empty() { Err("must not be empty") } else { Ok(name) });
///     let count = fields.check("count", count.parse().map_err(|_| "must be a small number"));
///     match (name, count) {
///         (Some(name), Some(count)) => Ok((name.to_owned(), count)),
///         _ => Err(fields.problem()),
///     }
/// }
/// assert_eq!(order("Ada", "7").unwrap(), ("Ada".to_owned(), 7));
/// assert_eq!(order("", "many").unwrap_err().code(), Code::ValidationFailed);
/// ```
#[derive(Default)]
pub struct Fields {
    wrong: Vec<FieldError>,
}

impl Fields {
    /// Keeps the reason when a field is wrong, and hands on the value when it is right.
    pub fn check<T>(
        &mut self,
        field: impl Into<Cow<'static, str>>,
        parsed: Result<T, impl Into<Cow<'static, str>>>,
    ) -> Option<T> {
        parsed
            .map_err(|message| self.wrong.push(FieldError::new(field, message)))
            .ok()
    }

    /// Keeps what somebody else found wrong.
    pub fn add(&mut self, wrong: impl IntoIterator<Item = FieldError>) {
        self.wrong.extend(wrong);
    }

    /// Whether a field was wrong.
    pub fn any_wrong(&self) -> bool {
        !self.wrong.is_empty()
    }

    /// The problem that names all fields that were wrong.
    pub fn problem(self) -> Problem {
        Problem::validation(self.wrong)
    }
}
