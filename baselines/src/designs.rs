//! The designs, one in each file, and the statements that several of them share.

mod conditional;
mod optimistic;
mod redis_counter;
mod row_lock;
mod statements;

pub use conditional::Conditional;
pub use optimistic::Optimistic;
pub use redis_counter::RedisCounter;
pub use row_lock::{RowLock, Writes};
