//! Who a text goes to and who it seems to come from.
//!
//! Called wherever an address enters the program: from here on it is a type, not a string.

mod e164;
mod sender;
#[cfg(test)]
mod tests;

pub use e164::{E164, E164Error, Region};
pub use sender::{SenderId, SenderIdError};
