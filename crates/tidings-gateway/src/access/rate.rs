//! How many requests a key may make: a bucket that fills evenly.
//!
//! Held by each known key in `cache.rs`. It reads no clock: the time comes in.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

/// The bucket of one key: one second's requests at the most.
#[derive(Debug, Default)]
pub(super) struct Bucket(Mutex<Option<Level>>);

#[derive(Clone, Copy, Debug)]
struct Level {
    tokens: f64,
    at: Duration,
}

/// What is left of a key's requests, as the `RateLimit-*` headers tell it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Quota {
    /// Requests a second.
    pub limit: u32,
    /// Requests that may follow at once.
    pub remaining: u32,
    /// After so many seconds all of them may.
    pub reset_s: u32,
}

impl Bucket {
    /// Takes one request out. 0 a second is without a limit.
    ///
    /// # Errors
    /// How long to wait for the next one.
    pub(super) fn take(&self, per_second: u32, now: Duration) -> Result<Option<Quota>, Duration> {
        if per_second == 0 {
            return Ok(None);
        }
        let full = f64::from(per_second);
        let mut level = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let before = level.unwrap_or(Level {
            tokens: full,
            at: now,
        });
        let passed = now.saturating_sub(before.at).as_secs_f64();
        let tokens = (before.tokens + passed * full).min(full);
        if tokens < 1.0 {
            *level = Some(Level { tokens, at: now });
            return Err(Duration::from_secs_f64((1.0 - tokens) / full));
        }
        let tokens = tokens - 1.0;
        *level = Some(Level { tokens, at: now });
        Ok(Some(Quota {
            limit: per_second,
            remaining: whole(tokens),
            reset_s: whole(((full - tokens) / full).ceil()),
        }))
    }
}

/// The whole part of a number that is not negative and not above `u32::MAX`.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "it lies between 0 and a u32"
)]
fn whole(number: f64) -> u32 {
    number as u32
}
