//! What a parser says, in words for people who write clients: no names of types, no positions in bytes.

use std::borrow::Cow;
use std::fmt::Display;

use serde_path_to_error::{Error, Path};

use crate::api::{FieldError, Problem};

/// A failed parse as a problem that names the field.
pub(crate) fn validation_problem<E: Display>(error: &Error<E>) -> Problem {
    let FieldError { field, message } = field_error(error.path(), &error.inner().to_string());
    Problem::field(field, message)
}

fn field_error(path: &Path, said: &str) -> FieldError {
    // serde_json adds where it was.
    let said = said.split(" at line ").next().unwrap_or(said);
    let path = match path.to_string() {
        root if root == "." => String::new(),
        path => path,
    };
    for (start, message) in [
        ("missing field `", "is required"),
        ("unknown field `", "is not a known field"),
        ("duplicate field `", "is given more than once"),
    ] {
        if let Some(name) = said.strip_prefix(start).and_then(|rest| rest.split('`').next()) {
            return FieldError::new(join(&path, name), message);
        }
    }
    FieldError::new(path, message(said))
}

/// The parser tells of an unknown field sometimes with the field in the path and sometimes without.
fn join(path: &str, name: &str) -> String {
    match path {
        "" => name.to_owned(),
        path if path == name || path.ends_with(&format!(".{name}")) => path.to_owned(),
        path => format!("{path}.{name}"),
    }
}

fn message(said: &str) -> Cow<'static, str> {
    if let Some((unknown, known)) = said.split_once(", expected ")
        && unknown.starts_with("unknown variant")
    {
        let known = known
            .trim_start_matches("one of ")
            .replace('`', "\"")
            .replace(" or ", ", ");
        return format!("must be one of: {known}").into();
    }
    if said
        .strip_prefix("invalid value: integer `")
        .is_some_and(|value| !value.starts_with('-'))
    {
        return "is too large".into();
    }
    if said.starts_with("invalid type") || said.starts_with("invalid value") {
        let expected = said.rsplit_once("expected ").map_or("", |(_, expected)| expected);
        return expectation(expected);
    }
    match said {
        // What the standard library says when it reads a number from the text of a query.
        "invalid digit found in string"
        | "cannot parse integer from empty string"
        | "number too small to fit in target type" => "must be a whole number of 0 or more".into(),
        "number too large to fit in target type" => "is too large".into(),
        "provided string was not `true` or `false`" => "must be true or false".into(),
        said if said.starts_with("UUID parsing failed") => "must be a UUID".into(),
        // What our own types say about themselves.
        said if said.starts_with("must ") => said.to_owned().into(),
        _ => "is not valid".into(),
    }
}

/// From what the parser expected: a Rust type where it is one of numbers or structs.
fn expectation(expected: &str) -> Cow<'static, str> {
    match expected {
        "u8" | "u16" | "u32" | "u64" | "usize" => "must be a whole number of 0 or more",
        "i8" | "i16" | "i32" | "i64" | "isize" => "must be a whole number",
        "f32" | "f64" => "must be a number",
        "a boolean" => "must be true or false",
        "a sequence" => "must be a list",
        "a map" => "must be an object",
        expected if expected.contains("UUID") => "must be a UUID",
        expected if expected.contains("string") => "must be a text",
        expected if expected.starts_with("struct ") => "must be an object",
        expected if expected.starts_with("must ") => return expected.to_owned().into(),
        _ => "is not valid",
    }
    .into()
}
