//! Serving: an address, and connections without delay.

use std::io;
use std::net::SocketAddr;

use axum::Router;
use axum::serve::ListenerExt;
use tokio::net::{TcpListener, TcpSocket};

/// Connections that the operating system holds while the server is busy accepting others, as Turnout has it.
const BACKLOG: u32 = 4_096;

/// Listens at an address.
pub fn listen(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = if address.is_ipv4() {
        TcpSocket::new_v4()
    } else {
        TcpSocket::new_v6()
    }?;
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    socket.listen(BACKLOG)
}

/// Serves until the process ends.
pub async fn serve(listener: TcpListener, routes: Router) -> io::Result<()> {
    let listener = listener.tap_io(|stream| {
        // Answers are written whole; where that cannot be told, they are only later.
        let _ = stream.set_nodelay(true);
    });
    axum::serve(listener, routes).await
}
