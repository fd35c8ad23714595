//! What the WebSocket library reads from and writes to: the socket itself one way, the queue of frames the other.

use std::io::{self, Read, Write};
use std::sync::Arc;

use tungstenite::WebSocket;
use tungstenite::protocol::{Role, WebSocketConfig};

use super::limits::{MESSAGE_BYTES_MAX, READ_BYTES};
use super::outbound::Socket;

/// The library's end of a socket.
pub(super) struct Pipe(Arc<Socket>);

/// Reads messages of a socket; what came with the handshake goes first.
pub(super) fn reader(socket: &Arc<Socket>, read: &[u8]) -> WebSocket<Pipe> {
    let config = WebSocketConfig::default()
        .read_buffer_size(READ_BYTES)
        // Whatever the library writes, which is pongs and closes, is handed on at once.
        .write_buffer_size(0)
        .max_write_buffer_size(1_024)
        .max_message_size(Some(MESSAGE_BYTES_MAX))
        .max_frame_size(Some(MESSAGE_BYTES_MAX));
    // A copy, because the buffer that it is read from would stay as large as a handshake may be.
    WebSocket::from_partially_read(Pipe(socket.clone()), read.to_vec(), Role::Server, Some(config))
}

impl Read for Pipe {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.0.stream().try_read(buffer)
    }
}

impl Write for Pipe {
    /// Takes all of it, always: the library hands in whole frames.
    fn write(&mut self, frame: &[u8]) -> io::Result<usize> {
        self.0.outbound().push_control(frame);
        Ok(frame.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
