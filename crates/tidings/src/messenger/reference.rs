//! The names of messages whose callers give them none: [`References`].
//!
//! Called when a message is read. A name is what a lost answer is looked up by, so no two messages of
//! any two processes may share one.

use std::fmt::Write as _;
use std::hash::{BuildHasher, RandomState};
use std::sync::atomic::{AtomicU64, Ordering};

use tidings_core::ClientRef;

use crate::layers::Jitter;

/// Makes names: `t`, 80 random bits of the messenger's own, a dash, and a counter. They are lower case
/// letters, digits and a dash, at most 32 for the first 10^14 messages. The letter at the front keeps
/// servers from reading a number.
#[derive(Debug)]
pub(super) struct References {
    beginning: Box<str>,
    next: AtomicU64,
}

/// RFC 4648, section 6, in lower case.
const DIGITS: &[u8; 32] = b"abcdefghijklmnopqrstuvwxyz234567";

/// How many random bits a half of the beginning has: eight digits.
const HALF_BITS: u32 = 40;

impl References {
    /// Names that no other process makes. The standard library seeds its hash maps with 128 bits from
    /// the system, which is where these come from.
    pub(super) fn unique() -> Self {
        let seed = RandomState::new();
        Self::beginning_with([seed.hash_one(0_u8), seed.hash_one(1_u8)])
    }

    /// Names from randomness that was passed in.
    pub(super) fn drawn(randomness: &Jitter) -> Self {
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            clippy::cast_precision_loss,
            reason = "a number from 0 to 1 becomes one of 40 bits"
        )]
        let half = || (randomness.next() * (1_u64 << HALF_BITS) as f64) as u64;
        Self::beginning_with([half(), half()])
    }

    fn beginning_with(halves: [u64; 2]) -> Self {
        let mut beginning = String::with_capacity(18);
        beginning.push('t');
        for half in halves {
            for place in 0..HALF_BITS / 5 {
                beginning.push(digit(half >> (5 * place)));
            }
        }
        beginning.push('-');
        Self {
            beginning: beginning.into(),
            next: AtomicU64::new(0),
        }
    }

    pub(super) fn next(&self) -> ClientRef {
        let count = self.next.fetch_add(1, Ordering::Relaxed);
        // The digits of a counter below ten million fit without growing.
        let mut name = String::with_capacity(self.beginning.len() + 7);
        name.push_str(&self.beginning);
        write!(name, "{count}").expect("writing into a string does not fail");
        ClientRef::new(name).expect("it is made of letters, digits and a dash")
    }
}

fn digit(number: u64) -> char {
    let place = usize::try_from(number % 32).expect("below 32");
    char::from(DIGITS[place])
}
