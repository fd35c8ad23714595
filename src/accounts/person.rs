//! What an account says about a person: types that cannot hold nonsense.
//!
//! A reason for refusal completes the sentence that starts with the field's name.

use std::fmt;
use std::sync::Arc;

use serde::Serialize;
use turnout_actors::domain::{Email, InvalidEmail, is_blank, is_deceptive};

/// The most characters of a name.
const NAME_MAX_CHARS: usize = 100;
/// Whom a token without any usable name speaks for.
const NOBODY_IN_PARTICULAR: &str = "Somebody";
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
        if name.contains(is_unfit) {
            return Err("must not contain markup, control characters or others that hide or turn text");
        }
        if is_blank(name) {
            return Err("must not be blank");
        }
        Ok(Self(name.into()))
    }

    /// What is usable of a text that nobody checked, such as the name in a token that was made elsewhere: what
    /// does not belong into a name is dropped, and where nothing is left, a neutral word stands for it.
    pub fn tame(text: &str) -> Self {
        if let Ok(name) = Self::parse(text) {
            return name;
        }
        let fit: String = text.chars().filter(|c| !is_unfit(*c)).collect();
        let short: String = fit.trim().chars().take(NAME_MAX_CHARS).collect();
        match short.trim_end() {
            name if is_blank(name) => Self(NOBODY_IN_PARTICULAR.into()),
            name => Self(name.into()),
        }
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

/// The e-mail address of an account, in lower case, so that one address is one account.
pub fn account_email(text: &str) -> Result<Email, &'static str> {
    text.parse().map_err(|InvalidEmail| "must be an e-mail address")
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

/// Whether a character does not belong into a name.
fn is_unfit(c: char) -> bool {
    matches!(c, '<' | '>') || is_deceptive(c)
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
            "a\u{200b}b",
            "a\u{2060}b",
            "\u{200b}",
            "\u{200d}",
            "\u{3164}",
            &long,
        ] {
            assert!(PersonName::parse(name).is_err(), "{name:?}");
        }
    }

    #[test]
    fn of_a_name_that_nobody_checked_what_is_usable_is_kept() {
        let long = format!("{} and more", "é".repeat(99));
        for (text, name) in [
            ("Ada", "Ada"),
            ("  Ada Lovelace ", "Ada Lovelace"),
            ("a\nb\0c\u{7f}", "abc"),
            ("<b>Ada</b>", "bAda/b"),
            ("evil\u{202e}gnp.exe", "evilgnp.exe"),
            ("\u{feff} \r\n Ada", "Ada"),
            (long.as_str(), &long[..99 * "é".len()]),
            ("", "Somebody"),
            (" \t\u{2028}<> ", "Somebody"),
            ("\u{200b}", "Somebody"),
            ("\u{200d}\u{fe0f}", "Somebody"),
            ("A\u{200b}da", "Ada"),
        ] {
            let tamed = PersonName::tame(text);
            assert_eq!(tamed.as_str(), name, "{text:?}");
            assert_eq!(
                PersonName::parse(tamed.as_str()),
                Ok(tamed),
                "it is a name like any other"
            );
        }
        assert_eq!(PersonName::tame(&"x".repeat(10_000)).as_str(), "x".repeat(100));
    }

    #[test]
    fn one_address_is_one_account_however_it_is_typed() {
        assert_eq!(
            account_email(" Ada@Example.COM "),
            account_email("ada@example.com")
        );
        for email in [
            "a@b.co",
            "first.last+tag@sub.example.com",
            "jörg@bücher.example",
            "o'neil@x-y.example",
        ] {
            assert_eq!(account_email(email).unwrap().as_str(), email);
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
            "a..b@c.co",
            "a\u{202e}b@c.co",
            &long,
        ] {
            assert_eq!(
                account_email(email),
                Err("must be an e-mail address"),
                "{email:?}"
            );
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
