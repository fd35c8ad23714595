//! Single values of bodies and queries, where the library's own reading would take more than the contract says.

use std::borrow::Cow;
use std::fmt;
use std::marker::PhantomData;

use serde::de::value::MapAccessDeserializer;
use serde::de::{DeserializeOwned, Error, IntoDeserializer, MapAccess, Visitor};
use serde::{Deserialize, Deserializer};
use turnout_actors::domain::is_deceptive;

/// The most characters to search for.
const SEARCH_MAX_CHARS: usize = 100;

/// A field that may be left out, and is never `null`; with `#[serde(default, deserialize_with = "present")]`.
pub fn present<'de, D: Deserializer<'de>, T: Deserialize<'de>>(
    deserializer: D,
) -> Result<Option<T>, D::Error> {
    T::deserialize(deserializer).map(Some)
}

/// A field that may be left out or be `null`, which are not the same; with
/// `#[serde(default, deserialize_with = "clearable")]`.
pub fn clearable<'de, D: Deserializer<'de>, T: Deserialize<'de>>(
    deserializer: D,
) -> Result<Option<Option<T>>, D::Error> {
    Option::deserialize(deserializer).map(Some)
}

/// One word of a fixed list, as text; a derived enum would also take an object that has the word as its key.
pub struct Word<T>(pub T);

impl<'de, T: DeserializeOwned> Deserialize<'de> for Word<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let word = Cow::<str>::deserialize(deserializer)?;
        T::deserialize(word.into_deserializer()).map(Self)
    }
}

/// An object within the body; a derived struct would also take a list of its fields in order.
pub struct Object<T>(pub T);

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Object<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(ObjectVisitor(PhantomData)).map(Self)
    }
}

struct ObjectVisitor<T>(PhantomData<T>);

impl<'de, T: Deserialize<'de>> Visitor<'de> for ObjectVisitor<T> {
    type Value = T;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a map")
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<T, A::Error> {
        T::deserialize(MapAccessDeserializer::new(map))
    }
}

/// A text of several lines, each ended by a line feed. Tabs are the only other control characters in it, and
/// nothing hides or turns text: that could forge something where it is shown, and not every database keeps it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Lines(String);

impl Lines {
    /// The text.
    pub fn into_text(self) -> String {
        self.0
    }

    fn parse(text: &str) -> Result<Self, &'static str> {
        let lines = text.replace("\r\n", "\n");
        if lines.contains(|c: char| is_deceptive(c) && c != '\n' && c != '\t') {
            return Err(
                "must not contain characters that hide or turn text, or control characters other than line breaks and tabs",
            );
        }
        Ok(Self(lines))
    }
}

impl<'de> Deserialize<'de> for Lines {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = Cow::<str>::deserialize(deserializer)?;
        Self::parse(&text).map_err(D::Error::custom)
    }
}

/// What a list is searched for; nothing at all restricts nothing.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Search(Option<String>);

impl Search {
    /// The text to look for.
    pub fn into_text(self) -> Option<String> {
        self.0
    }

    fn parse(text: &str) -> Result<Self, &'static str> {
        if text.chars().count() > SEARCH_MAX_CHARS {
            return Err("must have at most 100 characters");
        }
        if text.contains(char::is_control) {
            return Err("must not contain control characters");
        }
        Ok(Self((!text.is_empty()).then(|| text.to_owned())))
    }
}

impl<'de> Deserialize<'de> for Search {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = Cow::<str>::deserialize(deserializer)?;
        Self::parse(&text).map_err(D::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Deserialize, PartialEq, Debug)]
    #[serde(rename_all = "snake_case")]
    enum Colour {
        Red,
    }

    #[derive(Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Paint {
        colour: Word<Colour>,
    }

    #[derive(Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Wall {
        #[serde(default, deserialize_with = "present")]
        height: Option<u8>,
        #[serde(default, deserialize_with = "clearable")]
        width: Option<Option<u8>>,
        paint: Option<Object<Paint>>,
    }

    fn wall(text: &str) -> Result<Wall, serde_json::Error> {
        serde_json::from_str(text)
    }

    #[test]
    fn what_is_left_out_is_told_from_null() {
        let empty = wall("{}").unwrap();
        assert_eq!((empty.height, empty.width), (None, None));
        assert_eq!(wall(r#"{"width":null}"#).unwrap().width, Some(None));
        assert_eq!(wall(r#"{"width":1}"#).unwrap().width, Some(Some(1)));
        assert!(wall(r#"{"height":null}"#).is_err());
    }

    #[test]
    fn words_and_objects_have_one_form() {
        let painted = wall(r#"{"paint":{"colour":"red"}}"#).unwrap();
        assert_eq!(painted.paint.unwrap().0.colour.0, Colour::Red);
        for paint in [
            r#"["red"]"#,
            r#"{"colour":{"red":null}}"#,
            r#"{"colour":["red"]}"#,
            r#"{"colour":"blue"}"#,
            r#"{"colour":"red","x":1}"#,
            r#"{"colour":"red","colour":"red"}"#,
            r#""red""#,
        ] {
            assert!(wall(&format!(r#"{{"paint":{paint}}}"#)).is_err(), "{paint}");
        }
    }

    #[test]
    fn lines_end_in_one_way_and_hide_nothing() {
        assert_eq!(Lines::parse("a\r\n\tb\n").unwrap().into_text(), "a\n\tb\n");
        assert_eq!(Lines::parse("نام‌ها 👩‍🔬").unwrap().into_text(), "نام‌ها 👩‍🔬");
        for text in [
            "a\rb",
            "\0",
            "\u{7f}",
            "\u{1b}[31m",
            "\u{85}",
            "a\u{202e}b",
            "\u{2028}",
            "\u{200b}",
        ] {
            assert!(Lines::parse(text).is_err(), "{text:?}");
        }
    }

    #[test]
    fn a_search_is_short_and_of_one_line() {
        assert_eq!(Search::parse("").unwrap().into_text(), None);
        assert_eq!(
            Search::parse(&"é".repeat(100)).unwrap().into_text(),
            Some("é".repeat(100))
        );
        assert!(Search::parse(&"é".repeat(101)).is_err());
        assert!(Search::parse("a\0b").is_err());
    }
}
