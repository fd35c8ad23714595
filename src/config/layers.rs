//! Where values come from and which one wins.
//!
//! Owns the merging of defaults, file, environment and flags, the rule that an empty text sets nothing, and the
//! rule that a key must be known and of the type of its default. Knows no key by name except the fallback for the
//! database address.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::Path;

use toml::{Table, Value};

const DEFAULTS: &str = include_str!("../../config/default.toml");
const PREFIX: &str = "TURNOUT_";

/// A configuration that cannot be used: one line that names the key.
#[derive(Debug, thiserror::Error)]
#[error("configuration: {key}: {reason}")]
pub struct ConfigError {
    key: String,
    reason: String,
}

impl ConfigError {
    fn new(key: impl Into<String>, reason: impl Into<String>) -> Self {
        Self {
            key: key.into(),
            reason: reason.into(),
        }
    }
}

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Layer {
    Default,
    File,
    Environment,
    Flag,
}

struct Setting {
    value: Value,
    layer: Layer,
    /// The key as the operator wrote it, such as `TURNOUT_LISTEN` or `turnout.toml: listen`.
    written_as: String,
}

pub(super) struct Layers(BTreeMap<String, Setting>);

impl Layers {
    pub(super) fn defaults() -> Self {
        let table: Table = DEFAULTS
            .parse()
            .expect("config/default.toml is valid, a test reads it");
        let setting = |(key, value): (String, Value)| {
            (
                key.clone(),
                Setting {
                    value,
                    layer: Layer::Default,
                    written_as: key,
                },
            )
        };
        Self(table.into_iter().map(setting).collect())
    }

    pub(super) fn add_file(&mut self, path: &Path) -> Result<(), ConfigError> {
        let name = path.display();
        let text = std::fs::read_to_string(path)
            .map_err(|error| ConfigError::new(name.to_string(), format!("cannot be read: {error}")))?;
        let table: Table = text.parse().map_err(|error: toml::de::Error| {
            let line = error
                .span()
                .map_or(1, |span| text[..span.start].matches('\n').count() + 1);
            let message = error.message().lines().next().unwrap_or_default();
            ConfigError::new(name.to_string(), format!("line {line}: {message}"))
        })?;
        for (key, value) in table {
            self.set(&key, value, Layer::File, format!("{name}: {key}"))?;
        }
        Ok(())
    }

    pub(super) fn add_environment(
        &mut self,
        variables: impl IntoIterator<Item = (OsString, OsString)>,
    ) -> Result<(), ConfigError> {
        let mut fallback = None;
        for (name, value) in variables {
            // A name that is not Unicode cannot be one of ours.
            let Ok(name) = name.into_string() else { continue };
            let ours = name.strip_prefix(PREFIX);
            if ours.is_none() && name != "DATABASE_URL" {
                continue;
            }
            let value = value
                .into_string()
                .map_err(|_| ConfigError::new(&name, "is not valid UTF-8"))?;
            match ours {
                Some(key) => {
                    // Keys are lower case, so a name in mixed case is left as it is and thereby unknown.
                    let all_capitals = !key.contains(|c: char| c.is_lowercase());
                    let key = if all_capitals {
                        key.to_lowercase()
                    } else {
                        name.clone()
                    };
                    self.set(&key, Value::String(value), Layer::Environment, name)?;
                }
                None => fallback = Some(value).filter(|value| !value.is_empty()),
            }
        }
        let given = |key| {
            self.0
                .get(key)
                .is_some_and(|setting| setting.layer == Layer::Environment)
        };
        if let Some(url) = fallback
            && !given("database_url")
            && !given("database_url_file")
        {
            self.set(
                "database_url",
                Value::String(url),
                Layer::Environment,
                "DATABASE_URL".to_owned(),
            )?;
        }
        Ok(())
    }

    pub(super) fn add_flags(
        &mut self,
        flags: impl IntoIterator<Item = (&'static str, String)>,
    ) -> Result<(), ConfigError> {
        for (key, value) in flags {
            let written_as = format!("--{}", key.replace('_', "-"));
            self.set(key, Value::String(value), Layer::Flag, written_as)?;
        }
        Ok(())
    }

    /// Whether a key, or the file that holds its value, was set by anybody.
    pub(super) fn was_chosen(&self, key: &str) -> bool {
        [key.to_owned(), format!("{key}_file")].iter().any(|key| {
            self.0
                .get(key)
                .is_some_and(|setting| setting.layer > Layer::Default)
        })
    }

    /// The error for a key that another one cannot do without.
    pub(super) fn missing(&self, missing: &str, present: &str) -> ConfigError {
        ConfigError::new(
            &self.setting(present).written_as,
            format!("needs {missing} as well"),
        )
    }

    pub(super) fn number<N: TryFrom<i64>>(&self, key: &str, least: i64, most: i64) -> Result<N, ConfigError> {
        let setting = self.setting(key);
        let number = setting
            .value
            .as_integer()
            .expect("every value has the type of its default");
        if (least..=most).contains(&number)
            && let Ok(number) = N::try_from(number)
        {
            return Ok(number);
        }
        Err(ConfigError::new(
            &setting.written_as,
            format!("{number} is not between {least} and {most}"),
        ))
    }

    /// A text, parsed, of a key that has a value by default.
    pub(super) fn required<T>(
        &self,
        key: &str,
        parse: impl Fn(&str) -> Result<T, String>,
    ) -> Result<T, ConfigError> {
        let value = self.optional(key, parse)?;
        Ok(value.expect("an empty text leaves a default as it is, and that of a required key has a value"))
    }

    /// A text, parsed; nothing when it is empty. Where the key has a twin that ends in `_file`, that file is
    /// read if it was given in a higher layer.
    pub(super) fn optional<T>(
        &self,
        key: &str,
        parse: impl Fn(&str) -> Result<T, String>,
    ) -> Result<Option<T>, ConfigError> {
        let plain = self.setting(key);
        let twin = self
            .0
            .get(&format!("{key}_file"))
            .filter(|twin| !twin.text().is_empty());
        let (text, written_as) = match twin {
            Some(file) if file.layer > plain.layer || plain.text().is_empty() => {
                (read_value(file)?, &file.written_as)
            }
            Some(file) if file.layer == plain.layer => {
                let reason = format!("is given together with {}", plain.written_as);
                return Err(ConfigError::new(&file.written_as, reason));
            }
            _ => (plain.text().to_owned(), &plain.written_as),
        };
        if text.is_empty() {
            return Ok(None);
        }
        parse(&text)
            .map(Some)
            .map_err(|reason| ConfigError::new(written_as, reason))
    }

    fn setting(&self, key: &str) -> &Setting {
        self.0
            .get(key)
            .unwrap_or_else(|| panic!("config/default.toml lacks the key {key}"))
    }

    fn set(&mut self, key: &str, value: Value, layer: Layer, written_as: String) -> Result<(), ConfigError> {
        let Some(setting) = self.0.get_mut(key) else {
            return Err(ConfigError::new(written_as, "there is no such key"));
        };
        let value = match (&setting.value, value) {
            // Not set: what the layers below say stays. Whoever leaves a variable empty means just that.
            (expected, Value::String(text))
                if text.is_empty() && (expected.is_str() || layer > Layer::File) =>
            {
                return Ok(());
            }
            (Value::String(_), Value::String(text)) => Value::String(text),
            (Value::Integer(_), Value::Integer(number)) => Value::Integer(number),
            // Environment and flags know no types, so a number is read from its text. A file does.
            (Value::Integer(_), Value::String(text)) if layer > Layer::File => match text.parse() {
                Ok(number) => Value::Integer(number),
                Err(_) => {
                    return Err(ConfigError::new(
                        written_as,
                        format!("{text:?} is not a whole number"),
                    ));
                }
            },
            (expected, other) => {
                let expected = if expected.is_str() {
                    "a text"
                } else {
                    "a whole number"
                };
                return Err(ConfigError::new(
                    written_as,
                    format!("{} is not {expected}", shown(&other)),
                ));
            }
        };
        *setting = Setting {
            value,
            layer,
            written_as,
        };
        Ok(())
    }
}

impl Setting {
    fn text(&self) -> &str {
        self.value
            .as_str()
            .expect("every value has the type of its default")
    }
}

fn read_value(file: &Setting) -> Result<String, ConfigError> {
    match std::fs::read_to_string(file.text()) {
        Ok(text) if text.trim_end_matches(['\r', '\n']).is_empty() => {
            Err(ConfigError::new(&file.written_as, "the file is empty"))
        }
        Ok(text) => Ok(text.trim_end_matches(['\r', '\n']).to_owned()),
        Err(error) => Err(ConfigError::new(
            &file.written_as,
            format!("cannot be read: {error}"),
        )),
    }
}

fn shown(value: &Value) -> String {
    match value {
        Value::Table(_) => "a table".to_owned(),
        Value::Array(_) => "a list".to_owned(),
        Value::String(text) => format!("{text:?}"),
        Value::Integer(number) => number.to_string(),
        Value::Float(number) => number.to_string(),
        Value::Boolean(truth) => truth.to_string(),
        Value::Datetime(time) => time.to_string(),
    }
}
