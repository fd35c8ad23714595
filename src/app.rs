//! Building the parts and wiring them: the only place that sees everything.
//!
//! The program and the tests start the same way; tests bring a clock of their own.

use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;

use tokio::net::{TcpListener, TcpSocket};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use turnout_actors::ports::{Clock, CountMirror, IdSource, Ports};
use turnout_actors::{Engine, Options, StartFailed};
use uuid::Uuid;

use crate::accounts::{AccountError, Accounts, PersonName, Role, SecretError, signing_secret};
use crate::attendee_pages::AttendeePages;
use crate::clock::SystemClock;
use crate::codes::CheckInCodes;
use crate::config::{Config, Database, FirstAdmin};
use crate::guest_limits::GuestLimits;
use crate::http::edge::Edge;
use crate::http::{router, server};
use crate::ids::TimeOrderedIds;
use crate::kept::{self, KeptError};
use crate::redis::{InvalidAddress, Link, RedisMirror};
use crate::rsvp_index::RsvpIndex;
use crate::state::{AppState, Parts};
use crate::store::{Db, Node, OpenError, ServerLock, StoreError};
use crate::ws::Sockets;

/// Connections that the operating system holds while the server is busy accepting others: an opening brings
/// thousands within milliseconds.
const BACKLOG: u32 = 4_096;

/// The file in the data folder that tells which node this process is.
const NODE_ID: &str = "node-id";

/// What comes from outside the process.
#[derive(Clone)]
pub struct Outside {
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// New identifiers.
    pub ids: Arc<dyn IdSource>,
}

impl Default for Outside {
    fn default() -> Self {
        Self {
            clock: Arc::new(SystemClock::default()),
            ids: Arc::new(TimeOrderedIds),
        }
    }
}

/// Why a server does not start; with its sources, one line.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The database.
    #[error(transparent)]
    Database(#[from] OpenError),
    /// The secret that signs tokens.
    #[error(transparent)]
    Secret(#[from] SecretError),
    /// A file that the server keeps.
    #[error(transparent)]
    Kept(#[from] KeptError),
    /// The file with the node's identifier holds something else.
    #[error("{path} does not hold a UUID", path = .0.display())]
    NodeId(PathBuf),
    /// Another server reads from the same file which node it is.
    #[error(
        "another server is using {path} (it holds {lock}); set node_id, or start this one in another folder",
        path = .0.display(), lock = ServerLock::path(.0).display()
    )]
    NodeInUse(PathBuf),
    /// What is in the database.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The first administrator or the demonstration.
    #[error("cannot create the first accounts")]
    Accounts(#[from] AccountError),
    /// The address of Redis.
    #[error(transparent)]
    Redis(#[from] InvalidAddress),
    /// The booking engine.
    #[error(transparent)]
    Engine(#[from] StartFailed),
    /// The address to listen on.
    #[error("cannot listen on {0}")]
    Listen(SocketAddr, #[source] io::Error),
}

/// Starts servers.
pub struct App;

/// A server that has its address and all its parts, and answers nobody yet.
pub struct Bound {
    listener: TcpListener,
    state: AppState,
    node_lock: Option<ServerLock>,
}

/// A server that serves.
pub struct Running {
    /// Where it listens.
    pub address: SocketAddr,
    state: AppState,
    stop: CancellationToken,
    server: JoinHandle<()>,
    /// Kept until everything is closed.
    _node_lock: Option<ServerLock>,
}

impl App {
    /// Makes a server ready to serve.
    pub async fn bind(config: Config) -> Result<Bound, StartError> {
        Self::bind_with(config, Outside::default()).await
    }

    /// Starts a server and returns once it accepts connections.
    pub async fn start(config: Config) -> Result<Running, StartError> {
        Ok(Self::bind(config).await?.serve())
    }

    /// Starts a server with this time and these identifiers.
    pub async fn start_with(config: Config, outside: Outside) -> Result<Running, StartError> {
        Ok(Self::bind_with(config, outside).await?.serve())
    }

    async fn bind_with(config: Config, outside: Outside) -> Result<Bound, StartError> {
        let node_lock = lock_node(&config)?;
        let state = build(config, outside).await?;
        // Last, so that nobody gets an answer before everything is there.
        match listen(state.config.listen) {
            Ok(listener) => Ok(Bound {
                listener,
                state,
                node_lock,
            }),
            Err(error) => {
                state.db.close().await;
                Err(StartError::Listen(state.config.listen, error))
            }
        }
    }
}

impl Bound {
    /// What its handlers will share.
    pub fn state(&self) -> &AppState {
        &self.state
    }

    /// Answers from now on.
    pub fn serve(self) -> Running {
        let Self {
            listener,
            state,
            node_lock,
        } = self;
        let address = listener.local_addr().unwrap_or(state.config.listen);
        let stop = CancellationToken::new();
        let edge = Edge::new(router::routes(state.clone()));
        let stopped = stop.clone().cancelled_owned();
        let server = tokio::spawn(server::serve(listener, edge, stopped, state.config.drain));
        Running {
            address,
            state,
            stop,
            server,
            _node_lock: node_lock,
        }
    }
}

impl Running {
    /// What its handlers share.
    pub fn state(&self) -> &AppState {
        &self.state
    }

    /// How people reach it, without a trailing slash.
    pub fn public_url(&self) -> String {
        self.state
            .config
            .public_url
            .clone()
            .unwrap_or_else(|| format!("http://{}", self.address))
    }

    /// Stops: no new connections, requests in flight finish within the configured time, then everything is
    /// closed and another server may use the database.
    pub async fn shutdown(self) {
        self.stop.cancel();
        // Both at once: who is connected still gets answers, to new commands that the server is draining.
        let limit = self.state.config.drain;
        let (served, drained, gone) = tokio::join!(
            self.server,
            self.state.engine.drain(limit),
            self.state.sockets.drain(limit),
        );
        if let Err(error) = served {
            tracing::error!(%error, "the server ended before it was told to");
        }
        if !drained {
            tracing::warn!("commands were still under way when the time for stopping was over");
        }
        if !gone {
            tracing::warn!("sockets were still open when the time for stopping was over");
        }
        self.state.db.close().await;
    }
}

async fn build(config: Config, Outside { clock, ids }: Outside) -> Result<AppState, StartError> {
    let db = Db::open(&config.database, config.db_pool).await?;
    let parts = async {
        let secret = match &config.jwt_secret {
            Some(secret) => secret.clone(),
            None => signing_secret(config.data_folder())?,
        };
        let grace = config.manage_grace;
        let accounts = Accounts::open(db.clone(), clock.clone(), ids.clone(), &secret, grace).await?;
        if let Some(admin) = &config.first_admin {
            create_first_admin(&accounts, admin).await?;
        }
        let codes = CheckInCodes::new(&secret);
        let sockets = Sockets::new(clock.clone(), config.socket_limits);
        let watched = sockets.clone();
        accounts.tell_of_ends(move |sid| watched.revoke(sid));
        let node = node(&config, ids.as_ref())?;
        let ports = Ports {
            mirror: mirror(&config, node.id, ids.as_ref())?,
            journal: db.journal(node, clock.clone()).await?,
            sink: sockets.clone(),
            clock: clock.clone(),
            ids: ids.clone(),
        };
        let options = Options {
            statements_max: db.statements_max(),
            ..Options::default()
        };
        Ok((accounts, codes, sockets, Engine::start(ports, options).await?))
    };
    match parts.await {
        Ok((accounts, codes, sockets, engine)) => Ok(AppState::from(Parts {
            guest_limits: guest_limits(&config, &clock),
            config,
            attendee_pages: AttendeePages::new(db.clone(), clock.clone()),
            rsvps: RsvpIndex::new(db.clone()),
            db,
            accounts,
            codes,
            engine,
            sockets,
            clock,
            ids,
        })),
        Err(error) => {
            db.close().await;
            Err(error)
        }
    }
}

/// Keeps other servers from being the node that the data folder names. Where the database is a file its own lock does.
fn lock_node(config: &Config) -> Result<Option<ServerLock>, StartError> {
    if config.node_id.is_some() || matches!(config.database, Database::Sqlite(_)) {
        return Ok(None);
    }
    let (folder, file) = (config.data_folder(), config.data_folder().join(NODE_ID));
    let failed = |path: PathBuf| move |error| OpenError::Files(path, error);
    kept::make_folder(folder).map_err(failed(folder.to_owned()))?;
    let lock = ServerLock::take(&file).map_err(failed(ServerLock::path(&file)))?;
    lock.map(Some).ok_or(StartError::NodeInUse(file))
}

/// Who this process is among those that share the database.
fn node(config: &Config, ids: &dyn IdSource) -> Result<Node, StartError> {
    let id = match config.node_id {
        Some(id) => id,
        None => {
            let text = kept::line(config.data_folder(), NODE_ID, || ids.next().to_string())?;
            text.parse()
                .map_err(|_| StartError::NodeId(config.data_folder().join(NODE_ID)))?
        }
    };
    Ok(Node {
        id,
        address: config.node_address.clone(),
        ttl: config.lease_ttl,
    })
}

fn guest_limits(config: &Config, clock: &Arc<dyn Clock>) -> GuestLimits {
    if config.rate_limits {
        GuestLimits::new(clock.clone())
    } else {
        GuestLimits::off()
    }
}

/// Where counts are mirrored, if anywhere.
fn mirror(
    config: &Config,
    node: Uuid,
    ids: &dyn IdSource,
) -> Result<Option<Arc<dyn CountMirror>>, StartError> {
    let Some(server) = &config.redis else {
        return Ok(None);
    };
    let mirror = RedisMirror::new(Link::to(server)?, node, ids.next());
    Ok(Some(Arc::new(mirror)))
}

/// Creates the configured administrator while there is none. An account that has the address already is left
/// as it is: whoever registered it first must not become administrator by that.
async fn create_first_admin(accounts: &Accounts, admin: &FirstAdmin) -> Result<(), AccountError> {
    if accounts.has_admin().await? {
        return Ok(());
    }
    let FirstAdmin { email, password } = admin.clone();
    let name = PersonName::parse("Administrator").expect("this is a name");
    match accounts.create(name, email, password, Role::Admin).await {
        Err(AccountError::AlreadyExists) => {
            tracing::warn!("the first administrator was not created: an account has that e-mail address");
            Ok(())
        }
        created => created.map(|_| ()),
    }
}

fn listen(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = if address.is_ipv4() {
        TcpSocket::new_v4()
    } else {
        TcpSocket::new_v6()
    }?;
    // A restart must not wait for the operating system to forget old connections.
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    socket.listen(BACKLOG)
}
