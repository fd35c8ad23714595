//! WebSockets: live counts, live places in the line, commands.
//!
//! [`crate::http`] answers the handshake and hands the connection over to [`open`]. From then on a session's own task
//! (`session`) reads what the client says and gives commands; differences come from the channel of each activity
//! that is watched (`channel`), which hands finished frames straight to the sockets that can take them. Both write by
//! way of `outbound` alone. [`Sockets`] knows all of them.

pub mod asyncapi;
mod channel;
mod close;
mod encoding;
mod incoming;
pub mod limits;
mod outbound;
mod outgoing;
mod pipe;
mod session;
mod sockets;
mod subscription;

use std::net::IpAddr;
use std::sync::Arc;

use tokio::net::TcpStream;
use turnout_actors::domain::{ActivityId, RsvpId};

use self::close::Close;
pub use self::encoding::Encoding;
use self::outbound::Socket;
use self::session::Session;
use self::sockets::Full;
pub use self::sockets::Sockets;
use crate::accounts::Bearer;
use crate::state::AppState;

/// A connection that has just become a WebSocket.
pub struct Opening {
    /// The connection.
    pub stream: TcpStream,
    /// What was read of it beyond the handshake.
    pub read: Vec<u8>,
    /// The form of the messages.
    pub encoding: Encoding,
    /// Who the handshake said is there.
    pub bearer: Option<Bearer>,
    /// Where the client is.
    pub address: IpAddr,
    /// What the address that was asked for subscribes to.
    pub implied: Implied,
}

/// What a socket is subscribed to without saying so.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Implied {
    /// Nothing.
    Nothing,
    /// This activity; nobody has to say who they are.
    Activity(ActivityId),
    /// This RSVP.
    Rsvp(RsvpId),
}

/// Serves a socket, in a task of its own.
pub fn open(state: &AppState, opening: Opening) {
    #[cfg(target_os = "linux")]
    if let Err(error) =
        rustix::net::sockopt::set_socket_send_buffer_size(&opening.stream, state.sockets.send_buffer_bytes())
    {
        tracing::debug!(%error, "a socket keeps its send buffer");
    }
    let (sockets, address) = (state.sockets.clone(), opening.address);
    let entry = sockets.enter(address);
    let Opening {
        stream,
        read,
        encoding,
        bearer,
        implied,
        ..
    } = opening;
    let socket = Arc::new(Socket::new(state.ids.next(), encoding, stream));
    let mut entry = match entry {
        Ok(entry) => entry,
        Err(full) => {
            let Some(leave) = sockets.may_refuse() else { return };
            let why = match full {
                Full::Node => Close::Overloaded,
                Full::Address => Close::TooManySockets,
            };
            sockets.tasks().spawn(async move {
                session::refuse(&socket, why).await;
                drop(leave);
            });
            return;
        }
    };
    entry.is_for(&socket);
    let session = Session::new(state.clone(), socket, &read, bearer, implied);
    sockets.tasks().spawn(async move {
        session.run().await;
        drop(entry);
    });
}
