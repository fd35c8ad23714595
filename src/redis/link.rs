//! The way to Redis: one connection for all, made when it is first needed, and given up for a new one whenever it did
//! not answer as it should.

use std::sync::Arc;
use std::time::Duration;

use ::redis::aio::MultiplexedConnection;
use ::redis::{AsyncConnectionConfig, Client, Pipeline, RedisError, Value};
use tokio::sync::Mutex;
use tokio::time::timeout;
use turnout_actors::ports::MirrorError;

use crate::config::RedisServer;

/// How long an exchange may take, connecting included. Whoever asks comes again by itself.
const EXCHANGE_TIMEOUT: Duration = Duration::from_secs(1);

/// The way to a Redis server. Clones share one connection.
#[derive(Clone)]
pub struct Link {
    client: Client,
    connection: Arc<Mutex<Option<MultiplexedConnection>>>,
}

/// An address that the client library does not accept.
#[derive(Debug, thiserror::Error)]
#[error("cannot use {0}")]
pub struct InvalidAddress(String, #[source] RedisError);

impl Link {
    /// Prepares the way, without going it: Redis need not be there.
    pub fn to(server: &RedisServer) -> Result<Self, InvalidAddress> {
        let client = Client::open(server.url().expose());
        Ok(Self {
            client: client.map_err(|error| InvalidAddress(server.to_string(), error))?,
            connection: Arc::default(),
        })
    }

    /// Sends commands and waits for their answers, both in one go. An answer may be an error of its command alone.
    pub(super) async fn exchange(&self, commands: &mut Pipeline) -> Result<Vec<Value>, MirrorError> {
        commands.ignore_errors();
        let exchange = async {
            let mut connection = self.connected().await?;
            commands.query_async(&mut connection).await
        };
        let answered = timeout(EXCHANGE_TIMEOUT, exchange).await;
        match answered {
            Ok(Ok(answers)) => Ok(answers),
            Ok(Err(error)) => Err(self.lost(error).await),
            // A network that went away tells nobody, so nobody waits for that.
            Err(late) => Err(self.lost(late).await),
        }
    }

    async fn connected(&self) -> Result<MultiplexedConnection, RedisError> {
        let mut held = self.connection.lock().await;
        if let Some(connection) = held.as_ref() {
            return Ok(connection.clone());
        }
        let config = AsyncConnectionConfig::new()
            .set_connection_timeout(Some(EXCHANGE_TIMEOUT))
            .set_response_timeout(Some(EXCHANGE_TIMEOUT));
        let connection = self
            .client
            .get_multiplexed_async_connection_with_config(&config)
            .await?;
        Ok(held.insert(connection).clone())
    }

    async fn lost(&self, why: impl std::error::Error + Send + Sync + 'static) -> MirrorError {
        *self.connection.lock().await = None;
        MirrorError(why.into())
    }
}
