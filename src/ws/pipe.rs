//! What the WebSocket library reads from and writes to: the socket itself one way, the queue of frames the other.

use std::io::{self, Read, Write};
use std::sync::Arc;

use rustix::net::RecvFlags;
use tokio::io::Interest;
use tokio::net::TcpStream;
use tungstenite::WebSocket;
use tungstenite::protocol::{Role, WebSocketConfig};

use super::limits::{MESSAGE_BYTES_MAX, READ_BYTES, TURN_BYTES};
use super::outbound::Socket;

/// The library's end of a socket.
pub(super) struct Pipe {
    socket: Arc<Socket>,
    /// What may be read before others have their turn. The library itself reads on for as long as there is something
    /// that is no message yet.
    left_bytes: usize,
}

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
    let pipe = Pipe {
        socket: socket.clone(),
        left_bytes: TURN_BYTES,
    };
    WebSocket::from_partially_read(pipe, read.to_vec(), Role::Server, Some(config))
}

impl Pipe {
    /// It is this socket's turn.
    pub(super) fn begin_turn(&mut self) {
        self.left_bytes = TURN_BYTES;
    }
}

impl Read for Pipe {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        // What is left in the socket makes it readable again at once.
        if self.left_bytes == 0 {
            return Err(io::ErrorKind::WouldBlock.into());
        }
        let most = buffer.len().min(self.left_bytes);
        let read = read_at_once(self.socket.stream(), &mut buffer[..most])?;
        self.left_bytes -= read;
        Ok(read)
    }
}

/// Reads what is there. Where that is less than there is room for, there is no more, which is noted without asking the
/// operating system once more: it tells when that changes. tokio's own streams do so as well, but not their `try_read`.
fn read_at_once(stream: &TcpStream, buffer: &mut [u8]) -> io::Result<usize> {
    let mut part = 0;
    let read = stream.try_io(Interest::READABLE, || {
        let (_, read) = rustix::net::recv(stream, &mut *buffer, RecvFlags::empty())?;
        if (1..buffer.len()).contains(&read) {
            part = read;
            return Err(io::ErrorKind::WouldBlock.into());
        }
        Ok(read)
    });
    match part {
        0 => read,
        part => Ok(part),
    }
}

impl Write for Pipe {
    /// Takes all of it, always: the library hands in whole frames.
    fn write(&mut self, frame: &[u8]) -> io::Result<usize> {
        self.socket.outbound().push_control(frame);
        Ok(frame.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
