//! What the tests share: a server to talk to, a clock to set, tokens to forge, an audit of what was written.

mod audit;
mod booking;
mod burst;
mod certificate;
mod clock;
mod codes;
mod contract;
mod database;
mod follower;
mod guests;
mod killable;
mod outside;
mod postgres_server;
mod processes;
mod proxy;
mod redis_server;
mod request;
mod rounds;
mod scene;
mod server;
mod socket;
mod tokens;

pub(crate) use audit::{Audit, audit, examine};
pub(crate) use booking::{Person, host, path_of, usual_activity, with};
pub(crate) use burst::{Burst, Crowd, unix_ms};
pub(crate) use certificate::Certificate;
pub(crate) use clock::TestClock;
pub(crate) use codes::{forged_code, scan};
pub(crate) use contract::{asyncapi, complaints, schema};
pub(crate) use database::{
    MERGED_COMMIT, by_way_of, database_of, journal, node, open, postgres_of, server_of, sqlite_of,
};
pub(crate) use follower::Follower;
pub(crate) use guests::{Guest, address_of, contact, contacts};
pub(crate) use killable::{Killable, LoadTest, Said};
pub(crate) use outside::Outside;
pub(crate) use postgres_server::PostgresServer;
pub(crate) use processes::{allow_connections, children_of, forget_most_memory, memory_bytes};
pub(crate) use proxy::{Ear, Fault, Proxy, Sent, Side, Statements, Strike, Tap, Verdict, Weather};
pub(crate) use redis_server::RedisServer;
pub(crate) use request::Answer;
pub(crate) use rounds::{Random, number, until};
pub(crate) use scene::{Scene, ada};
pub(crate) use server::{Server, config};
pub(crate) use socket::{Dial, Socket, command, frame, id_of};
pub(crate) use tokens::{SECRET, claims, forge, forge_with};
