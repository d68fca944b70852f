//! RFC 6455, the client's reading half, without I/O and without extensions: socket bytes to messages.
//!
//! Not for the opening handshake, for writing frames or for what a message says (`decode`).

mod buffer;
mod delivery;
mod frame;
mod reader;
mod text;

pub use buffer::{Buffer, Memory, ROOM};
pub use delivery::Delivery;
pub use frame::Violation;
pub use reader::{Outcome, Reader, Receiver};
