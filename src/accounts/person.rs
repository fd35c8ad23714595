//! What an account says about a person: types that cannot hold nonsense.
//!
//! A reason for refusal completes the sentence that starts with the field's name.

use std::fmt;
use std::sync::Arc;

use serde::Serialize;

/// The most characters of a name.
const NAME_MAX_CHARS: usize = 100;
/// The most characters of an e-mail address.
const EMAIL_MAX_CHARS: usize = 200;
/// The fewest characters of a password.
const PASSWORD_MIN_CHARS: usize = 8;
/// The most characters of a password: hashing must not become a way to keep the server busy.
const PASSWORD_MAX_CHARS: usize = 128;

/// A person's name, in any script, without characters that could forge a line, a tag or a reading direction.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct PersonName(Arc<str>);

impl PersonName {
    /// Checks a name; spaces around it are dropped.
    pub fn parse(text: &str) -> Result<Self, &'static str> {
        let name = text.trim();
        match name.chars().count() {
            0 => return Err("must not be empty"),
            1..=NAME_MAX_CHARS => {}
            _ => return Err("must have at most 100 characters"),
        }
        if name.contains(|c: char| c.is_control() || is_markup(c) || is_invisible_layout(c)) {
            return Err("must not contain control or markup characters");
        }
        Ok(Self(name.into()))
    }

    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The name, shared.
    pub fn shared(&self) -> Arc<str> {
        self.0.clone()
    }
}

/// An e-mail address in lower case, so that one address is one account.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Serialize)]
pub struct Email(Arc<str>);

impl Email {
    /// Checks an address and lowers its case; spaces around it are dropped.
    ///
    /// Only what every address has is asked for. Whether mail arrives there, only mail can tell.
    pub fn parse(text: &str) -> Result<Self, &'static str> {
        const SHAPE: &str = "must be an e-mail address";
        let email = text.trim().to_lowercase();
        if email.chars().count() > EMAIL_MAX_CHARS {
            return Err("must have at most 200 characters");
        }
        let forbidden = |c: char| {
            c.is_whitespace()
                || c.is_control()
                || is_markup(c)
                || is_invisible_layout(c)
                || matches!(c, '"' | '(' | ')' | ',' | ':' | ';' | '[' | '\\' | ']')
        };
        if email.contains(forbidden) {
            return Err(SHAPE);
        }
        let (local, domain) = email.split_once('@').ok_or(SHAPE)?;
        let dots_are_wrong = |part: &str| part.split('.').any(str::is_empty);
        let label_is_wrong = |label: &str| label.starts_with('-') || label.ends_with('-');
        if dots_are_wrong(local)
            || dots_are_wrong(domain)
            || domain.contains('@')
            || !domain.contains('.')
            || domain.split('.').any(label_is_wrong)
        {
            return Err(SHAPE);
        }
        Ok(Self(email.into()))
    }

    /// The address as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// A password of acceptable length, on its way to being hashed.
#[derive(Clone)]
pub struct Password(String);

impl Password {
    /// Checks the length; every character is allowed.
    pub fn parse(text: &str) -> Result<Self, &'static str> {
        match text.chars().count() {
            PASSWORD_MIN_CHARS..=PASSWORD_MAX_CHARS => Ok(Self(text.to_owned())),
            _ => Err("must have 8 to 128 characters"),
        }
    }

    /// The password itself. Named so that every use stands out.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Password {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Password(…)")
    }
}

fn is_markup(c: char) -> bool {
    matches!(c, '<' | '>')
}

/// Characters that are not seen but change how the rest is read: direction overrides, line separators, a byte
/// order mark. Joiners are allowed, some scripts need them.
fn is_invisible_layout(c: char) -> bool {
    matches!(c, '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_any_script_are_accepted_and_trimmed() {
        for name in [
            "Ada",
            "  Ada Lovelace ",
            "李小龍",
            "O'Brien & Sons",
            "نام‌خانوادگی",
            "Zoë-Ann",
            "👩‍🔬",
        ] {
            assert_eq!(PersonName::parse(name).unwrap().as_str(), name.trim());
        }
        assert!(PersonName::parse(&"é".repeat(100)).is_ok());
    }

    #[test]
    fn names_that_could_forge_something_are_refused() {
        let long = "é".repeat(101);
        for name in [
            "",
            "   ",
            "a\nb",
            "a\0b",
            "<b>Ada</b>",
            "a>b",
            "evil\u{202e}gnp.exe",
            "a\u{2028}b",
            &long,
        ] {
            assert!(PersonName::parse(name).is_err(), "{name:?}");
        }
    }

    #[test]
    fn one_address_is_one_account_however_it_is_typed() {
        assert_eq!(Email::parse(" Ada@Example.COM "), Email::parse("ada@example.com"));
        for email in [
            "a@b.co",
            "first.last+tag@sub.example.com",
            "jörg@bücher.example",
            "o'neil@x-y.example",
        ] {
            assert_eq!(Email::parse(email).unwrap().as_str(), email);
        }
    }

    #[test]
    fn what_is_no_address_is_refused() {
        let long = format!("{}@example.com", "a".repeat(189));
        for email in [
            "",
            "a",
            "a@",
            "@b.co",
            "a@b",
            "a@@b.co",
            "a@b@c.co",
            "a b@c.co",
            "a@b..co",
            "a@.co",
            "a@b.co.",
            ".a@b.co",
            "a@-b.co",
            "a@b-.co",
            "<a@b.co>",
            "a@b.co\r\nBcc: x@y.co",
            "a@b.co,x@y.co",
            &long,
        ] {
            assert!(Email::parse(email).is_err(), "{email:?}");
        }
    }

    #[test]
    fn the_length_of_a_password_counts_characters() {
        for (password, accepted) in [
            ("1234567".to_owned(), false),
            ("12345678".to_owned(), true),
            ("пароль1".to_owned(), false),
            ("пароль12".to_owned(), true),
            ("x".repeat(128), true),
            ("x".repeat(129), false),
        ] {
            assert_eq!(Password::parse(&password).is_ok(), accepted, "{password}");
        }
    }
}
