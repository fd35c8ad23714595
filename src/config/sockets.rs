//! Bounds of sockets that an operator, or a test, may choose.

use super::layers::{ConfigError, Layers};

/// How many sockets there may be.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct SocketLimits {
    /// On this node.
    pub total: usize,
    /// Of one address; of IPv6, of one network of 64 bits.
    pub per_address: usize,
    /// Of one person.
    pub per_person: usize,
    /// What the operating system may hold for a reader, in bytes; it allows twice as much, for its own bookkeeping.
    pub send_buffer_bytes: usize,
}

/// What the operating system holds for a reader.
const SEND_BUFFER_BYTES: usize = 32 * 1_024;

impl SocketLimits {
    pub(super) fn from(layers: &Layers) -> Result<Self, ConfigError> {
        Ok(Self {
            total: layers.number("ws_sockets", 1, 1_000_000)?,
            per_address: layers.number("ws_sockets_per_address", 1, 1_000_000)?,
            per_person: layers.number("ws_sockets_per_person", 1, 10_000)?,
            send_buffer_bytes: SEND_BUFFER_BYTES,
        })
    }
}
