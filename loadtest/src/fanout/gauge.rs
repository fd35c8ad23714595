//! What a server holds over a round, looked at again and again.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::task::JoinHandle;
use tokio::time::interval;

use crate::process::{Process, kernel_slab_bytes, socket_buffer_bytes};
use crate::report::{Held, Memory};
use crate::shared::lock;

/// How often it is looked.
const EVERY: Duration = Duration::from_millis(100);

/// Looks at what a server holds, until it is read.
pub(super) struct Gauge {
    before: Held,
    idle: Held,
    most: Arc<Mutex<Held>>,
    looks: JoinHandle<()>,
}

impl Gauge {
    /// From now on. `before` is what the server held before there were watchers, and what it holds now is that while
    /// they are idle. `None` where that cannot be read.
    pub(super) fn start(process: Option<Process>, before: Option<Held>) -> Option<Self> {
        let (before, idle) = (before?, held_by(process)?);
        let most = Arc::new(Mutex::new(idle));
        let looks = tokio::spawn({
            let most = Arc::clone(&most);
            async move {
                let mut looks = interval(EVERY);
                while let Some(held) = held_by(process) {
                    note(&most, held);
                    looks.tick().await;
                }
            }
        });
        Some(Self {
            before,
            idle,
            most,
            looks,
        })
    }

    /// What there was.
    pub(super) fn read(self) -> Memory {
        let most = *lock(&self.most);
        Memory {
            before: self.before,
            idle: self.idle,
            most,
        }
    }
}

impl Drop for Gauge {
    fn drop(&mut self) {
        self.looks.abort();
    }
}

fn note(most: &Mutex<Held>, held: Held) {
    let mut most = lock(most);
    *most = most.at_most(held);
}

/// What a server holds at this moment.
pub(super) fn held_by(process: Option<Process>) -> Option<Held> {
    Some(Held {
        resident_bytes: process?.resident_bytes()?,
        slab_bytes: kernel_slab_bytes()?,
        buffer_bytes: socket_buffer_bytes()?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn what_was_held_for_a_while_is_noticed() {
        let this = Some(Process::with_id(std::process::id()));
        let gauge = Gauge::start(this, held_by(this)).unwrap();
        let idle = gauge.idle.resident_bytes;
        let held = vec![1_u8; 64 << 20];
        let grown = |gauge: &Gauge| lock(&gauge.most).resident_bytes >= idle + (32 << 20);
        let noticed = async {
            while !grown(&gauge) {
                tokio::time::sleep(EVERY).await;
            }
        };
        let noticed = tokio::time::timeout(Duration::from_secs(30), noticed);
        noticed.await.expect("it is noticed");
        drop(held);
        let memory = gauge.read();
        assert!(memory.most.resident_bytes > memory.idle.resident_bytes);
        assert!(Gauge::start(None, None).is_none());
    }
}
