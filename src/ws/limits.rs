//! Every bound of a socket.

use std::time::Duration;

/// The most bytes of a message from a client; a larger one closes the socket.
pub const MESSAGE_BYTES_MAX: usize = 16 * 1_024;
/// How deep a message may nest.
pub const MESSAGE_DEPTH_MAX: usize = 32;
/// Subscriptions of one socket.
pub const SUBSCRIPTIONS_MAX: usize = 32;
/// Commands of one socket that are under way.
pub const COMMANDS_MAX: usize = 64;
/// Of them, those that are answered with many RSVPs.
pub const LONG_ANSWERS_MAX: usize = 4;
/// Tokens for single activities that a socket holds, those included that do not hold.
pub const GRANTS_MAX: usize = SUBSCRIPTIONS_MAX;
/// Subscriptions that were asked for, and ends of such, and that are not answered yet.
pub const AGENDA_MAX: usize = 64;
/// Bytes of answers that wait for a reader before it counts as too slow. Differences and snapshots do not wait: they
/// are made when there is room for them.
pub const QUEUE_BYTES_MAX: usize = 64 * 1_024;
/// As long as no more waits than this, there is room for a difference or a snapshot.
pub const NEWS_ROOM_BYTES: usize = 4 * 1_024;
/// What is read of a socket at once.
pub const READ_BYTES: usize = 2 * 1_024;
/// What is read of one socket before the others have their turn.
pub const TURN_BYTES: usize = 64 * 1_024;
/// Messages of one socket that are taken before the others have their turn.
pub const MESSAGES_PER_TURN: usize = 32;
/// Sockets for which there is no place, but which are still told so.
pub const REFUSING_MAX: usize = 256;
/// Sockets that one pass of the fan-out serves before others have their turn.
pub const SOCKETS_PER_TURN: usize = 256;

/// By when a client says hello.
pub const HELLO_LIMIT: Duration = Duration::from_secs(5);
/// How often the server pings.
pub const PING_EVERY: Duration = Duration::from_secs(25);
/// How long a client may be silent after a ping.
pub const SILENCE_LIMIT: Duration = Duration::from_secs(8);
/// How long a reader may take nothing of what waits for it.
pub const STALL_LIMIT: Duration = Duration::from_secs(10);
/// How long a socket that is being closed waits for its client to agree.
pub const CLOSE_LIMIT: Duration = Duration::from_secs(2);
/// How long before its end a token's client is warned.
pub const EXPIRY_NOTICE: Duration = Duration::from_secs(60);
/// How often a page is updated that nobody sees.
pub const HIDDEN_TICK: Duration = Duration::from_secs(2);
/// The least time between two differences of an activity to one socket.
pub const TICK: Duration = Duration::from_millis(50);

/// Messages that a socket may send at once, and how many more each second. Those beyond are read later.
pub const MESSAGES_BURST: u32 = 200;
/// See [`MESSAGES_BURST`].
pub const MESSAGES_PER_S: u32 = 50;

/// The longest that a client waits, by chance, before it first comes back.
pub const FIRST_JITTER: Duration = Duration::from_secs(1);
/// The longest that a client waits between two tries to come back.
pub const RECONNECT_CAP: Duration = Duration::from_secs(30);
/// While the server stops, so many clients per second are asked to come back, in milliseconds for each.
pub const RECONNECT_SPREAD_MS_PER_SOCKET: u64 = 2;
