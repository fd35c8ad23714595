//! The one answer for everything that is not a success.
//!
//! A [`Problem`] is a value; how it is carried is its carrier's business. It never carries internals: the cause of
//! an unexpected error is kept aside for the log.

use std::borrow::Cow;
use std::error::Error;

use serde_json::Value;

use super::{Code, RateLimit};

/// When to try again where nobody knows better, in milliseconds.
const USUAL_RETRY_AFTER_MS: u64 = 1_000;

/// An answer other than success. Small to pass around: what it says is on the heap.
#[derive(Clone, Debug)]
pub struct Problem(Box<Parts>);

#[derive(Clone, Debug)]
struct Parts {
    code: Code,
    detail: Cow<'static, str>,
    extras: Vec<(&'static str, Value)>,
    retry_after_ms: Option<u64>,
    rate_limit: Option<RateLimit>,
    /// The unexpected error behind it with its sources, for the log alone.
    cause: Option<String>,
}

/// One field of a request that is missing or wrong.
#[derive(Clone, PartialEq, Eq, Debug, serde::Serialize)]
pub struct FieldError {
    /// The field's path, such as `attendees[2].email`.
    pub field: Cow<'static, str>,
    /// What is wrong with it, completing the sentence that starts with its name.
    pub message: Cow<'static, str>,
}

impl FieldError {
    /// Says what is wrong with a field.
    pub fn new(field: impl Into<Cow<'static, str>>, message: impl Into<Cow<'static, str>>) -> Self {
        Self {
            field: field.into(),
            message: message.into(),
        }
    }
}

impl Problem {
    /// A problem with the usual sentence of its code.
    pub fn new(code: Code) -> Self {
        Self(Box::new(Parts {
            code,
            detail: code.usual_detail().into(),
            extras: Vec::new(),
            retry_after_ms: None,
            rate_limit: None,
            cause: None,
        }))
    }

    /// Fields that are missing or wrong.
    pub fn validation(errors: Vec<FieldError>) -> Self {
        let errors = serde_json::to_value(errors).expect("two texts are always JSON");
        Self::new(Code::ValidationFailed).with("errors", errors)
    }

    /// One field that is missing or wrong.
    pub fn field(field: impl Into<Cow<'static, str>>, message: impl Into<Cow<'static, str>>) -> Self {
        Self::validation(vec![FieldError::new(field, message)])
    }

    /// Somebody came too often.
    pub fn rate_limited(limit: RateLimit) -> Self {
        let mut problem = Self::new(Code::RateLimited).retry_after_ms(limit.resets_in_ms);
        problem.0.rate_limit = Some(limit);
        problem
    }

    /// Something that should not have happened. The client learns nothing of it; the log gets the error with
    /// all its sources, once, when the answer is made.
    pub fn internal(error: &(dyn Error + 'static)) -> Self {
        Self::new(Code::Internal).caused_by(error)
    }

    /// Keeps an error for the log.
    #[must_use]
    pub fn caused_by(mut self, error: &(dyn Error + 'static)) -> Self {
        self.0.cause = Some(with_sources(error));
        self
    }

    /// Says in a sentence what is special about this occurrence.
    #[must_use]
    pub fn detail(mut self, detail: impl Into<Cow<'static, str>>) -> Self {
        self.0.detail = detail.into();
        self
    }

    /// Adds a member of its own, such as `limit` or `current`.
    #[must_use]
    pub fn with(mut self, name: &'static str, value: impl Into<Value>) -> Self {
        self.0.extras.push((name, value.into()));
        self
    }

    /// Says when to try again, in milliseconds.
    #[must_use]
    pub fn retry_after_ms(mut self, ms: u64) -> Self {
        self.0.retry_after_ms = Some(ms);
        self
    }

    /// The code.
    pub fn code(&self) -> Code {
        self.0.code
    }

    /// The sentence for people.
    pub fn sentence(&self) -> &str {
        &self.0.detail
    }

    /// The members of its own, in order.
    pub fn extras(&self) -> &[(&'static str, Value)] {
        &self.0.extras
    }

    /// All its members but the one that tells a request from others.
    pub fn members(&self) -> Value {
        let code = self.code();
        let mut members = serde_json::json!({
            "type": "about:blank",
            "title": code.title(),
            "status": code.status(),
            "code": code.as_str(),
            "detail": self.sentence(),
        });
        for (name, value) in self.extras() {
            members[*name] = value.clone();
        }
        members
    }

    /// When to try again, in milliseconds, if there is anything to be said. Clients are promised it with every 503,
    /// so there it cannot be left out.
    pub fn retry_in_ms(&self) -> Option<u64> {
        let usual = (self.code().status() == 503).then_some(USUAL_RETRY_AFTER_MS);
        self.0.retry_after_ms.or(usual)
    }

    /// The limit that was reached, if it was one.
    pub fn rate_limit(&self) -> Option<&RateLimit> {
        self.0.rate_limit.as_ref()
    }

    /// The unexpected error behind it, for the log.
    pub(crate) fn cause(&self) -> Option<&str> {
        self.0.cause.as_deref()
    }
}

fn with_sources(error: &(dyn Error + 'static)) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(error) = source {
        text.push_str(": ");
        text.push_str(&error.to_string());
        source = error.source();
    }
    text
}
