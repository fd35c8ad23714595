//! The typed configuration: what each key means and which values it takes.
//!
//! Owns the meaning of keys; where values come from, and which layer wins, is in `layers`. Reads nothing
//! from the process itself: arguments and environment are handed in, so that tests can. A wrong value
//! becomes one [`ConfigError`] that names the key the way the operator wrote it.

mod database;
mod layers;
mod redis;
mod sockets;
mod values;

use std::ffi::OsString;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

pub use database::{Database, PostgresServer, SqliteFile};
pub use layers::ConfigError;
pub use redis::RedisServer;
pub use sockets::SocketLimits;
pub use values::{CreateActivities, FirstAdmin, LogFormat};

use uuid::Uuid;

use crate::secret::Secret;
use layers::Layers;

/// A day, as tokens count it.
const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// Everything that an operator can choose, checked.
#[derive(Clone, Debug)]
pub struct Config {
    /// Address to listen on; port 0 takes any free port.
    pub listen: SocketAddr,
    /// How people reach this server, without a trailing slash; `None` means the listener's address.
    pub public_url: Option<String>,
    /// The database.
    pub database: Database,
    /// Whether somebody chose the database, rather than leaving the default.
    pub database_was_chosen: bool,
    /// Database connections for reading.
    pub db_pool: u32,
    /// The Redis server, if counts are mirrored to one.
    pub redis: Option<RedisServer>,
    /// The identifier of this node; `None` means the one kept in the data folder.
    pub node_id: Option<Uuid>,
    /// How other nodes reach this one.
    pub node_address: Option<String>,
    /// How long this node owns its activities without renewing its lease.
    pub lease_ttl: Duration,
    /// The secret that signs tokens; `None` means the one kept in the data folder.
    pub jwt_secret: Option<Secret>,
    /// The first administrator, if one is to be created.
    pub first_admin: Option<FirstAdmin>,
    /// Who may create activities.
    pub create_activities: CreateActivities,
    /// How long guests may still use their tokens once an activity has ended.
    pub manage_grace: Duration,
    /// Whether rate limits apply.
    pub rate_limits: bool,
    /// Web origins that may open sockets, beside the server's own.
    pub allowed_origins: Vec<String>,
    /// How many sockets there may be.
    pub socket_limits: SocketLimits,
    /// How long a stop waits for requests in flight.
    pub drain: Duration,
    /// Log directives, such as `info` or `info,turnout::http=debug`.
    pub log: String,
    /// Form of the log; `None` means by whether it goes to a terminal.
    pub log_format: Option<LogFormat>,
}

/// Where values may come from, besides the defaults, in rising order of precedence.
#[derive(Default)]
pub struct Sources {
    /// The configuration file, if there is one.
    pub file: Option<PathBuf>,
    /// The environment, whole: names that are not ours are skipped.
    pub environment: Vec<(OsString, OsString)>,
    /// Flags as key and value.
    pub flags: Vec<(&'static str, String)>,
}

impl Config {
    /// Reads all layers and checks every value.
    pub fn load(sources: Sources) -> Result<Self, ConfigError> {
        let mut layers = Layers::defaults();
        if let Some(path) = &sources.file {
            layers.add_file(path)?;
        }
        layers.add_environment(sources.environment)?;
        layers.add_flags(sources.flags)?;
        Self::from_layers(&layers)
    }

    /// The folder in which the server keeps what it must remember.
    pub fn data_folder(&self) -> &Path {
        self.database.data_folder()
    }

    fn from_layers(layers: &Layers) -> Result<Self, ConfigError> {
        Ok(Self {
            listen: layers.required("listen", values::address)?,
            public_url: layers.optional("public_url", values::public_url)?,
            database: layers.required("database_url", Database::parse)?,
            database_was_chosen: layers.was_chosen("database_url"),
            db_pool: layers.number("db_pool", 1, 100)?,
            redis: layers.optional("redis_url", RedisServer::parse)?,
            node_id: layers.optional("node_id", values::uuid)?,
            node_address: layers.optional("node_address", values::public_url)?,
            lease_ttl: Duration::from_secs(layers.number("lease_ttl_s", 1, 60)?),
            jwt_secret: layers.optional("jwt_secret", values::jwt_secret)?,
            first_admin: first_admin(layers)?,
            create_activities: layers.required("create_activities", values::create_activities)?,
            manage_grace: DAY * layers.number("manage_grace_days", 0, 365)?,
            rate_limits: layers.required("rate_limits", values::on_or_off)?,
            allowed_origins: layers
                .optional("allowed_origins", values::origins)?
                .unwrap_or_default(),
            socket_limits: SocketLimits::from(layers)?,
            drain: Duration::from_secs(layers.number("drain_s", 0, 600)?),
            log: layers.required("log", values::log_directives)?,
            log_format: layers.optional("log_format", values::log_format)?,
        })
    }
}

fn first_admin(layers: &Layers) -> Result<Option<FirstAdmin>, ConfigError> {
    let email = layers.optional("admin_email", values::email)?;
    let password = layers.optional("admin_password", values::password)?;
    match (email, password) {
        (Some(email), Some(password)) => Ok(Some(FirstAdmin { email, password })),
        (None, None) => Ok(None),
        (Some(_), None) => Err(layers.missing("admin_password", "admin_email")),
        (None, Some(_)) => Err(layers.missing("admin_email", "admin_password")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn from_environment(pairs: &[(&str, &str)]) -> Result<Config, ConfigError> {
        let environment = pairs
            .iter()
            .map(|(name, value)| (name.into(), value.into()))
            .collect();
        Config::load(Sources {
            environment,
            ..Sources::default()
        })
    }

    fn from_file(text: &str) -> Result<Config, ConfigError> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("turnout.toml");
        std::fs::write(&path, text).unwrap();
        Config::load(Sources {
            file: Some(path),
            ..Sources::default()
        })
    }

    #[test]
    fn the_defaults_are_valid_and_those_of_the_contract() {
        let config = from_environment(&[]).unwrap();
        assert_eq!(config.listen.to_string(), "127.0.0.1:8080");
        assert_eq!(config.database.to_string(), "data/turnout.db");
        assert_eq!(config.data_folder(), Path::new("data"));
        assert!(!config.database_was_chosen);
        assert_eq!(config.db_pool, 10);
        assert_eq!(config.create_activities, CreateActivities::Anyone);
        assert!(config.rate_limits && config.jwt_secret.is_none() && config.first_admin.is_none());
        assert_eq!(config.manage_grace, 7 * DAY);
        assert_eq!(config.drain, Duration::from_secs(20));
        assert_eq!(config.log, "info");
        assert_eq!(config.log_format, None);
    }

    #[test]
    fn later_layers_win() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("turnout.toml");
        std::fs::write(&path, "db_pool = 3\ndrain_s = 3\nlog = \"warn\"\n").unwrap();
        let config = Config::load(Sources {
            file: Some(path),
            environment: vec![
                ("TURNOUT_DRAIN_S".into(), "4".into()),
                ("TURNOUT_LOG".into(), "debug".into()),
            ],
            flags: vec![("log", "error".to_owned())],
        })
        .unwrap();
        assert_eq!(
            (config.db_pool, config.drain.as_secs(), config.log.as_str()),
            (3, 4, "error")
        );
    }

    #[test]
    fn a_wrong_value_in_the_environment_is_named() {
        let cases = [
            (
                "TURNOUT_LISTEN",
                "foo",
                r#"TURNOUT_LISTEN: "foo" is not an address such as 127.0.0.1:8080"#,
            ),
            (
                "TURNOUT_PUBLIC_URL",
                "rsvp",
                r#"TURNOUT_PUBLIC_URL: "rsvp" is not an http or https address"#,
            ),
            (
                "TURNOUT_DB_POOL",
                "0",
                "TURNOUT_DB_POOL: 0 is not between 1 and 100",
            ),
            (
                "TURNOUT_DB_POOL",
                "many",
                r#"TURNOUT_DB_POOL: "many" is not a whole number"#,
            ),
            (
                "TURNOUT_DRAIN_S",
                "-1",
                "TURNOUT_DRAIN_S: -1 is not between 0 and 600",
            ),
            (
                "TURNOUT_MANAGE_GRACE_DAYS",
                "366",
                "TURNOUT_MANAGE_GRACE_DAYS: 366 is not between 0 and 365",
            ),
            (
                "TURNOUT_JWT_SECRET",
                "short",
                "TURNOUT_JWT_SECRET: is shorter than 32 bytes",
            ),
            (
                "TURNOUT_RATE_LIMITS",
                "false",
                r#"TURNOUT_RATE_LIMITS: "false" is not one of: on, off"#,
            ),
            (
                "TURNOUT_CREATE_ACTIVITIES",
                "me",
                r#"TURNOUT_CREATE_ACTIVITIES: "me" is not one of: anyone, admins"#,
            ),
            (
                "TURNOUT_LOG_FORMAT",
                "xml",
                r#"TURNOUT_LOG_FORMAT: "xml" is not one of: human, json"#,
            ),
            (
                "TURNOUT_ADMIN_EMAIL",
                "a@b.example",
                "TURNOUT_ADMIN_EMAIL: needs admin_password as well",
            ),
            ("TURNOUT_LISTN", "x", "TURNOUT_LISTN: there is no such key"),
            ("TURNOUT_LISTN", "", "TURNOUT_LISTN: there is no such key"),
        ];
        for (name, value, line) in cases {
            let error = from_environment(&[(name, value)]).unwrap_err();
            assert_eq!(error.to_string(), format!("configuration: {line}"));
        }
    }

    #[test]
    fn an_empty_text_sets_nothing_in_any_layer() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("turnout.toml");
        let written = "listen = \"\"\nlog = \"warn\"\npublic_url = \"https://rsvp.example\"\n";
        std::fs::write(&path, written).unwrap();
        let names = [
            "TURNOUT_LISTEN",
            "TURNOUT_LOG",
            "TURNOUT_PUBLIC_URL",
            "TURNOUT_DATABASE_URL",
            "TURNOUT_DB_POOL",
            "TURNOUT_JWT_SECRET",
            "TURNOUT_JWT_SECRET_FILE",
            "DATABASE_URL",
        ];
        let config = Config::load(Sources {
            file: Some(path),
            environment: names.map(|name| (name.into(), "".into())).into(),
            flags: vec![("listen", String::new()), ("database_url", String::new())],
        })
        .unwrap();
        assert_eq!(config.listen.to_string(), "127.0.0.1:8080");
        assert_eq!((config.log.as_str(), config.db_pool), ("warn", 10));
        assert_eq!(config.public_url.as_deref(), Some("https://rsvp.example"));
        assert!(!config.database_was_chosen && config.jwt_secret.is_none());
    }

    #[test]
    fn log_directives_that_do_not_parse_are_refused() {
        let error = from_environment(&[("TURNOUT_LOG", "info,=x=y")])
            .unwrap_err()
            .to_string();
        assert!(error.starts_with("configuration: TURNOUT_LOG: "), "{error}");
    }

    #[test]
    fn an_address_of_a_database_is_that_of_a_file_or_of_a_postgres_server() {
        for (url, reason) in [
            (
                "postgres://u:hunter2@host:nonsense/turnout",
                "is not of the form postgres://USER:PASSWORD@HOST:PORT/DATABASE",
            ),
            (
                "mysql://localhost",
                "is not of the form sqlite://FILE or postgres://HOST/DATABASE",
            ),
            (
                "sqlite://",
                "is not of the form sqlite://FILE or postgres://HOST/DATABASE",
            ),
            (
                "sqlite://:memory:",
                "needs a file: what is acknowledged must outlive the process",
            ),
            ("sqlite://x.db?mode=rwc", "takes no parameters after the file"),
        ] {
            let error = from_environment(&[("TURNOUT_DATABASE_URL", url)]).unwrap_err();
            assert_eq!(
                error.to_string(),
                format!("configuration: TURNOUT_DATABASE_URL: {reason}")
            );
        }
        let config =
            from_environment(&[("TURNOUT_DATABASE_URL", "postgres://u:hunter2@host:6432/turnout")]).unwrap();
        assert_eq!(
            config.database.to_string(),
            "postgres://host:6432/turnout",
            "without the password"
        );
        assert!(!format!("{config:?}").contains("hunter2"));
    }

    #[test]
    fn the_plain_database_url_is_a_fallback() {
        let config = from_environment(&[("DATABASE_URL", "sqlite:///tmp/plain.db")]).unwrap();
        assert_eq!(config.database.to_string(), "/tmp/plain.db");
        assert!(config.database_was_chosen);

        let both = [
            ("DATABASE_URL", "sqlite://plain.db"),
            ("TURNOUT_DATABASE_URL", "sqlite://ours.db"),
        ];
        assert_eq!(from_environment(&both).unwrap().database.to_string(), "ours.db");

        let one_is_empty = [
            ("TURNOUT_DATABASE_URL", ""),
            ("TURNOUT_DATABASE_URL_FILE", ""),
            ("DATABASE_URL", "sqlite:///x.db"),
        ];
        assert_eq!(
            from_environment(&one_is_empty).unwrap().database.to_string(),
            "/x.db"
        );

        let error = from_environment(&[("DATABASE_URL", "mysql://x")])
            .unwrap_err()
            .to_string();
        assert!(error.starts_with("configuration: DATABASE_URL: "), "{error}");
    }

    #[test]
    fn a_wrong_value_in_the_file_is_named() {
        for (text, rest) in [
            ("colour = 1", "colour: there is no such key"),
            ("db_pool = \"10\"", "db_pool: \"10\" is not a whole number"),
            ("db_pool = \"\"", "db_pool: \"\" is not a whole number"),
            ("listen = 8080", "listen: 8080 is not a text"),
            ("[listen]\nx = 1", "listen: a table is not a text"),
        ] {
            let error = from_file(text).unwrap_err().to_string();
            assert!(
                error.starts_with("configuration: ") && error.ends_with(rest),
                "{error}"
            );
        }
        let error = from_file("listen = ").unwrap_err().to_string();
        assert!(
            error.contains("turnout.toml: ") && !error.contains('\n'),
            "{error}"
        );
    }

    #[test]
    fn a_secret_may_come_from_a_file_but_not_twice() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("secret");
        std::fs::write(&path, format!("{}\n", "s".repeat(40))).unwrap();
        let path = path.to_str().unwrap();

        let config = from_environment(&[("TURNOUT_JWT_SECRET_FILE", path)]).unwrap();
        assert_eq!(config.jwt_secret.unwrap().expose().len(), 40);

        let long = "x".repeat(40);
        let twice = [
            ("TURNOUT_JWT_SECRET_FILE", path),
            ("TURNOUT_JWT_SECRET", long.as_str()),
        ];
        let error = from_environment(&twice).unwrap_err().to_string();
        assert_eq!(
            error,
            "configuration: TURNOUT_JWT_SECRET_FILE: is given together with TURNOUT_JWT_SECRET"
        );

        let error = from_environment(&[("TURNOUT_JWT_SECRET_FILE", "/nowhere")])
            .unwrap_err()
            .to_string();
        assert!(
            error.starts_with("configuration: TURNOUT_JWT_SECRET_FILE: "),
            "{error}"
        );
    }

    #[test]
    fn secrets_do_not_show_when_the_configuration_is_printed() {
        let secret = "the-secret-that-nobody-may-see-in-a-log";
        let config = from_environment(&[
            ("TURNOUT_JWT_SECRET", secret),
            ("TURNOUT_ADMIN_EMAIL", "admin@example.com"),
            ("TURNOUT_ADMIN_PASSWORD", "hunter2-hunter2"),
        ])
        .unwrap();
        let shown = format!("{config:?}");
        assert!(!shown.contains(secret) && !shown.contains("hunter2"), "{shown}");
    }
}
