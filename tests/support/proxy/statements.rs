//! Counts what is asked of Postgres.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use super::message::{Kind, Messages};
use super::{Ear, Side, Verdict};

/// How many statements clients have had executed, over all connections.
#[derive(Default)]
pub(crate) struct Statements(AtomicU64);

impl Statements {
    /// An ear for one more connection.
    pub(crate) fn ear(self: &Arc<Self>) -> Box<dyn Ear> {
        Box::new(Session {
            statements: self.clone(),
            client: Messages::of_client(),
        })
    }

    pub(crate) fn so_far(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

struct Session {
    statements: Arc<Statements>,
    client: Messages,
}

impl Ear for Session {
    fn hear(&mut self, from: Side, bytes: &[u8]) -> Verdict {
        if from == Side::Client {
            self.client.add(bytes);
            let asks = |kind| matches!(kind, Kind::Typed(b'E' | b'Q'));
            let asked = self.client.by_ref().filter(|message| asks(message.kind)).count();
            self.statements.0.fetch_add(asked as u64, Ordering::Relaxed);
        }
        Verdict {
            pass: bytes.to_vec(),
            cut: false,
        }
    }
}
