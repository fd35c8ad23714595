//! Where sockets come from: every one from an address of its own, as a crowd does. One address has ports for fewer
//! sockets than a server serves, and a server may limit how many come from one.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

/// The upper quarter of 127.0.0.0/8, away from the addresses that servers like.
const FIRST: u32 = Ipv4Addr::new(127, 192, 0, 0).to_bits();
/// How many addresses there are before they come round again.
const ADDRESSES: u32 = 1 << 22;

/// Hands out source addresses; clones share what they hand out.
#[derive(Clone, Debug)]
pub struct Sources {
    next: Arc<AtomicU32>,
}

impl Sources {
    /// Addresses from this number on.
    pub fn starting_at(number: u32) -> Self {
        Self {
            next: Arc::new(AtomicU32::new(number)),
        }
    }

    /// The address for the next socket to `server`; none where the server is not on this machine's 127.0.0.0/8, and
    /// the machine has to find a way itself.
    pub(crate) fn next_to(&self, server: SocketAddr) -> Option<IpAddr> {
        let is_near = matches!(server.ip(), IpAddr::V4(address) if address.is_loopback());
        is_near.then(|| {
            let number = self.next.fetch_add(1, Ordering::Relaxed) % ADDRESSES;
            Ipv4Addr::from_bits(FIRST + number).into()
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sockets_come_from_different_addresses_of_this_machine() {
        let sources = Sources::starting_at(ADDRESSES - 1);
        let server = SocketAddr::from(([127, 0, 0, 1], 8080));
        let told: Vec<String> = (0..3)
            .map(|_| sources.clone().next_to(server).unwrap().to_string())
            .collect();
        assert_eq!(told, ["127.255.255.255", "127.192.0.0", "127.192.0.1"]);
    }

    #[test]
    fn to_servers_elsewhere_the_machine_finds_a_way_itself() {
        let sources = Sources::starting_at(0);
        for server in ["10.0.0.1:80", "[::1]:80"] {
            assert_eq!(sources.next_to(server.parse().unwrap()), None, "{server}");
        }
    }
}
