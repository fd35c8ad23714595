//! The way to Redis: one connection for all, made when it is first needed and again after it was lost.

use std::time::Duration;

use ::redis::aio::{ConnectionManager, ConnectionManagerConfig};
use ::redis::{Client, FromRedisValue, Pipeline, RedisError};
use tokio::time::timeout;
use turnout_actors::ports::MirrorError;

use crate::config::RedisServer;

/// How long connecting may take.
const CONNECT_TIMEOUT: Duration = Duration::from_millis(800);
/// How long an exchange may take, connecting included. Whoever asks comes again by itself.
const EXCHANGE_TIMEOUT: Duration = Duration::from_secs(1);

/// The way to a Redis server. Clones share one connection.
#[derive(Clone)]
pub struct Link {
    connection: ConnectionManager,
}

/// An address that the client library does not accept.
#[derive(Debug, thiserror::Error)]
#[error("cannot use {0}")]
pub struct InvalidAddress(String, #[source] RedisError);

impl Link {
    /// Prepares the way, without going it: Redis need not be there.
    pub fn to(server: &RedisServer) -> Result<Self, InvalidAddress> {
        let invalid = |error| InvalidAddress(server.to_string(), error);
        let client = Client::open(server.url().expose()).map_err(invalid)?;
        let config = ConnectionManagerConfig::new()
            .set_connection_timeout(Some(CONNECT_TIMEOUT))
            .set_response_timeout(Some(EXCHANGE_TIMEOUT))
            // Its user knows best when to try again.
            .set_number_of_retries(0);
        let connection = ConnectionManager::new_lazy_with_config(client, config).map_err(invalid)?;
        Ok(Self { connection })
    }

    /// Sends commands and waits for their answers, both in one go.
    pub(super) async fn exchange<T: FromRedisValue>(&self, commands: &Pipeline) -> Result<T, MirrorError> {
        let mut connection = self.connection.clone();
        timeout(EXCHANGE_TIMEOUT, commands.query_async(&mut connection))
            .await
            .map_err(|late| MirrorError(late.into()))?
            .map_err(|error| MirrorError(error.into()))
    }
}
