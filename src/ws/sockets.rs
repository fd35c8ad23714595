//! All sockets of this node: who has how many, who watches what, and how they are told to go.

use std::hash::Hash;
use std::net::IpAddr;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Weak};
use std::time::Duration;

use dashmap::DashMap;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::timeout;
use tokio_util::task::TaskTracker;
use turnout_actors::domain::{ActivityId, Difference, RsvpId, UserId};
use turnout_actors::feed::Feed;
use turnout_actors::ports::{Clock, FeedSink, Touched};
use uuid::Uuid;

use super::channel::{Channel, Place};
use super::limits::{RECONNECT_SPREAD_MS_PER_SOCKET, REFUSING_MAX};
use super::outbound::Socket;
use super::subscription::{Eyes, Subscription};
use crate::accounts::Bearer;
use crate::config::SocketLimits;
use crate::network::network;

/// All sockets of this node.
pub struct Sockets {
    clock: Arc<dyn Clock>,
    limits: SocketLimits,
    channels: DashMap<ActivityId, Arc<Channel>>,
    /// Everybody who is here, for the day when all must go.
    open: DashMap<Uuid, Weak<Socket>>,
    count: AtomicUsize,
    addresses: DashMap<IpAddr, usize>,
    /// How many sockets each person has.
    people: DashMap<Holder, usize>,
    /// The sockets that have been shown each session's tokens.
    sessions: DashMap<Uuid, Vec<Holding>>,
    draining: AtomicBool,
    /// Over what time clients are asked to come back, in milliseconds, once all must go.
    reconnect_spread_ms: AtomicU64,
    /// Sockets without a place that are being told so.
    refusing: Arc<Semaphore>,
    tasks: TaskTracker,
}

/// One socket that has been shown a session's token.
struct Holding {
    socket: Weak<Socket>,
    revoked: Arc<AtomicBool>,
}

/// A socket's place among all others, given back when it is dropped.
pub(super) struct Entry {
    sockets: Arc<Sockets>,
    address: IpAddr,
    socket: Option<Uuid>,
}

/// Whose sockets are counted together.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(super) enum Holder {
    /// Those of an account.
    Account(UserId),
    /// Those of a guest, known by the RSVP.
    Guest(RsvpId),
}

impl Holder {
    pub(super) const fn of(bearer: &Bearer) -> Self {
        match bearer {
            Bearer::Account(caller) => Self::Account(caller.user),
            Bearer::Guest(token) => Self::Guest(token.rsvp),
        }
    }
}

/// A socket's place among those of a person, given back when it is dropped.
pub(super) struct PersonEntry {
    sockets: Arc<Sockets>,
    holder: Holder,
    /// Guests have no session.
    of_session: Option<SessionEntry>,
}

/// A socket that is told when a session ends, until this is dropped.
pub(super) struct SessionEntry {
    sockets: Arc<Sockets>,
    sid: Uuid,
    revoked: Arc<AtomicBool>,
}

/// Why a socket has no place here.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Full {
    /// The node has no more.
    Node,
    /// The address has no more.
    Address,
}

/// A place among those who watch an activity, given back when it is dropped.
pub(super) struct Watching {
    sockets: Arc<Sockets>,
    subscription: Arc<Subscription>,
    place: Place,
}

impl Sockets {
    /// A node without sockets.
    pub fn new(clock: Arc<dyn Clock>, limits: SocketLimits) -> Arc<Self> {
        Arc::new(Self {
            clock,
            limits,
            channels: DashMap::new(),
            open: DashMap::new(),
            count: AtomicUsize::new(0),
            addresses: DashMap::new(),
            people: DashMap::new(),
            sessions: DashMap::new(),
            draining: AtomicBool::new(false),
            reconnect_spread_ms: AtomicU64::new(0),
            refusing: Arc::new(Semaphore::new(REFUSING_MAX)),
            tasks: TaskTracker::new(),
        })
    }

    /// How many sockets are open.
    pub fn count(&self) -> usize {
        self.count.load(Ordering::Relaxed)
    }

    /// How many snapshots of an activity were encoded for those who watch it now.
    pub fn snapshots_encoded(&self, activity: ActivityId) -> u64 {
        self.channels
            .get(&activity)
            .map_or(0, |channel| channel.snapshots_encoded())
    }

    pub(super) fn send_buffer_bytes(&self) -> usize {
        self.limits.send_buffer_bytes
    }

    /// Whether all sockets are being told to go.
    pub(super) fn is_draining(&self) -> bool {
        self.draining.load(Ordering::SeqCst)
    }

    pub(super) fn tasks(&self) -> &TaskTracker {
        &self.tasks
    }

    /// A place for a socket of this address.
    pub(super) fn enter(self: &Arc<Self>, address: IpAddr) -> Result<Entry, Full> {
        let address = network(address);
        if self.count.fetch_add(1, Ordering::SeqCst) >= self.limits.total {
            self.count.fetch_sub(1, Ordering::SeqCst);
            return Err(Full::Node);
        }
        let mut of_address = self.addresses.entry(address).or_default();
        if *of_address >= self.limits.per_address {
            drop(of_address);
            self.count.fetch_sub(1, Ordering::SeqCst);
            return Err(Full::Address);
        }
        *of_address += 1;
        Ok(Entry {
            sockets: self.clone(),
            address,
            socket: None,
        })
    }

    /// Leave to tell a socket that there is no place for it; none while too many are being told so.
    pub(super) fn may_refuse(&self) -> Option<OwnedSemaphorePermit> {
        self.refusing.clone().try_acquire_owned().ok()
    }

    /// A place among the sockets of a person, unless they have as many as they may.
    pub(super) fn belong(
        self: &Arc<Self>,
        holder: Holder,
        sid: Option<Uuid>,
        socket: &Arc<Socket>,
    ) -> Option<PersonEntry> {
        let mut of_person = self.people.entry(holder).or_default();
        if *of_person >= self.limits.per_person {
            return None;
        }
        *of_person += 1;
        drop(of_person);
        Some(PersonEntry {
            sockets: self.clone(),
            holder,
            of_session: sid.map(|sid| self.of_session(sid, socket)),
        })
    }

    /// Has a socket woken when a session ends of which it was shown a token.
    pub(super) fn of_session(self: &Arc<Self>, sid: Uuid, socket: &Arc<Socket>) -> SessionEntry {
        let revoked = Arc::new(AtomicBool::new(false));
        self.sessions.entry(sid).or_default().push(Holding {
            socket: Arc::downgrade(socket),
            revoked: revoked.clone(),
        });
        SessionEntry {
            sockets: self.clone(),
            sid,
            revoked,
        }
    }

    /// Ends the sockets of a session whose tokens are no longer accepted.
    pub fn revoke(&self, sid: Uuid) {
        let Some(of_session) = self.sessions.get(&sid) else {
            return;
        };
        for holding in of_session.iter() {
            holding.revoked.store(true, Ordering::SeqCst);
            if let Some(socket) = holding.socket.upgrade() {
                socket.wake();
            }
        }
    }

    /// Watches an activity from now on.
    pub(super) fn watch(
        self: &Arc<Self>,
        socket: &Arc<Socket>,
        activity: ActivityId,
        feed: &Arc<Feed>,
        eyes: Option<Eyes>,
    ) -> Watching {
        // Whoever watches holds the feed, and a feed that somebody holds is not forgotten: there is one per activity.
        let open = || Channel::open(activity, feed.clone(), self.clock.clone());
        let channel = self.channels.entry(activity).or_insert_with(open);
        let subscription = Arc::new(Subscription::new(activity, channel.clone(), eyes));
        // As long as the entry is held, nobody takes the channel away because nobody watches.
        let place = channel.join(socket.clone(), subscription.clone());
        Watching {
            sockets: self.clone(),
            subscription,
            place,
        }
    }

    /// Tells everybody to go and come back elsewhere or later, and waits until they are gone, but not longer than
    /// `limit`. Returns whether all went.
    pub async fn drain(&self, limit: Duration) -> bool {
        let spread = 1_000 + self.count() as u64 * RECONNECT_SPREAD_MS_PER_SOCKET;
        self.reconnect_spread_ms.store(spread, Ordering::SeqCst);
        self.draining.store(true, Ordering::SeqCst);
        self.tasks.close();
        for socket in self.open.iter().filter_map(|entry| entry.value().upgrade()) {
            socket.wake();
        }
        timeout(limit, self.tasks.wait()).await.is_ok()
    }

    /// Over what time clients are asked to come back, in milliseconds, once all must go.
    pub(super) fn reconnect_spread_ms(&self) -> u64 {
        self.reconnect_spread_ms.load(Ordering::SeqCst)
    }
}

impl FeedSink for Sockets {
    fn announce(&self, activity: ActivityId, difference: &Difference, touched: &Touched) {
        if let Some(channel) = self.channels.get(&activity) {
            channel.announce(difference, touched);
        }
    }

    fn publish(&self, activity: ActivityId) {
        if let Some(channel) = self.channels.get(&activity) {
            channel.changed();
        }
    }

    fn lost(&self, activity: ActivityId) {
        if let Some(channel) = self.channels.get(&activity) {
            channel.lose();
        }
    }
}

impl Entry {
    /// The socket that has this place, so that it can be told to go.
    pub(super) fn is_for(&mut self, socket: &Arc<Socket>) {
        self.socket = Some(socket.id);
        self.sockets.open.insert(socket.id, Arc::downgrade(socket));
    }
}

impl Drop for Entry {
    fn drop(&mut self) {
        if let Some(socket) = self.socket {
            self.sockets.open.remove(&socket);
        }
        give_back(&self.sockets.addresses, &self.address);
        self.sockets.count.fetch_sub(1, Ordering::SeqCst);
    }
}

impl PersonEntry {
    pub(super) fn is_revoked(&self) -> bool {
        let of_session = self.of_session.as_ref();
        of_session.is_some_and(|entry| entry.revoked.load(Ordering::SeqCst))
    }
}

impl Drop for PersonEntry {
    fn drop(&mut self) {
        give_back(&self.sockets.people, &self.holder);
    }
}

impl Drop for SessionEntry {
    fn drop(&mut self) {
        if let Some(mut of_session) = self.sockets.sessions.get_mut(&self.sid) {
            of_session.retain(|holding| !Arc::ptr_eq(&holding.revoked, &self.revoked));
        }
        self.sockets
            .sessions
            .remove_if(&self.sid, |_, of_session| of_session.is_empty());
    }
}

/// Counts one less, and forgets whoever has none.
fn give_back<K: Eq + Hash>(counts: &DashMap<K, usize>, of: &K) {
    if let Some(mut count) = counts.get_mut(of) {
        *count -= 1;
    }
    counts.remove_if(of, |_, count| *count == 0);
}

impl Watching {
    pub(super) fn subscription(&self) -> &Arc<Subscription> {
        &self.subscription
    }
}

impl Drop for Watching {
    fn drop(&mut self) {
        let channel = &self.subscription.channel;
        if channel.leave(self.place) {
            self.sockets
                .channels
                .remove_if(&self.subscription.activity, |_, kept| {
                    Arc::ptr_eq(kept, channel) && kept.is_empty()
                });
        }
    }
}
