//! WebSockets, from the handshake to the end.

mod attacks;
mod besieged;
mod commands;
mod entering;
mod guests;
mod handshake;
mod host_at_work;
mod identity;
mod offers;
mod random;
mod restarts;
mod returning;
mod together;
mod tokens_for_one;
mod watching;
