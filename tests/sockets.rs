//! WebSockets, from the handshake to the end.

mod attacks;
mod besieged;
mod commands;
mod handshake;
mod identity;
mod random;
mod restarts;
mod returning;
mod watching;
