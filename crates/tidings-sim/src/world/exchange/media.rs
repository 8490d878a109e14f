//! Files of messages, and the addresses under which whoever has them may fetch a file for a while.
//!
//! Called by `desk`.

use std::ops::Range;
use std::time::Duration;

use secrecy::ExposeSecret as _;
use sha2::{Digest as _, Sha256};
use subtle::ConstantTimeEq as _;
use tidings::backend::{MediaAddress, Refusal};
use tidings::conversations::Mailbox;
use tidings_core::{Media, Timestamp};

use crate::world::Shared;
use crate::world::state::State;

/// For how long an address holds.
const ADDRESS_LIFE: Duration = Duration::from_hours(1);

impl State {
    /// The file of a message in a user's conversations.
    pub(super) fn file(&self, account: usize, message: &str) -> Result<Media, Refusal> {
        let unknown = Refusal::NotFound { what: "message" };
        let kept = &self.exchange.conversations;
        let place = self.ids.place_of(message).ok_or(unknown.clone())?;
        let text = kept.texts.get(place).ok_or(unknown.clone())?;
        let thread = kept.thread(account, &text.conversation);
        if !thread.is_some_and(|thread| thread.texts.contains(&place)) {
            return Err(unknown);
        }
        text.media.clone().ok_or(Refusal::NotFound { what: "file" })
    }
}

impl Shared {
    pub(super) fn sign_address(
        &self,
        owner: &Mailbox,
        message: &str,
        now: Timestamp,
    ) -> MediaAddress {
        let time = digits_of(now);
        let proof = self.proof(owner, message, &time);
        MediaAddress::new(owner.clone(), message, time, proof)
    }

    pub(super) fn check_address(
        &self,
        address: &MediaAddress,
        now: Timestamp,
    ) -> Result<(), Refusal> {
        let expected = self.proof(&address.owner, &address.message, &address.time);
        let given = address.proof.expose_secret().as_bytes();
        if !bool::from(expected.as_bytes().ct_eq(given)) {
            return Err(Refusal::Unauthorized);
        }
        let handed_out_at = moment_of(&address.time);
        let holds = handed_out_at.is_some_and(|at| now.since(at) < ADDRESS_LIFE);
        holds.then_some(()).ok_or(Refusal::Expired)
    }

    /// 32 hexadecimal digits that nobody can make who does not know this simulator's secret.
    fn proof(&self, owner: &Mailbox, message: &str, time: &str) -> String {
        let mut hash = Sha256::new();
        hash.update(self.media_secret);
        for part in [&*owner.domain, &*owner.user, message, time] {
            let length = u64::try_from(part.len()).unwrap_or(u64::MAX);
            hash.update(length.to_be_bytes());
            hash.update(part);
        }
        hash.update(self.media_secret);
        let hash = hash.finalize();
        let digits = hash.iter().take(16).map(|byte| format!("{byte:02x}"));
        digits.collect()
    }
}

/// A moment as an address holds it, to the second: `YYYYMMDDHHMMSS` in UTC.
fn digits_of(moment: Timestamp) -> String {
    let written = moment.to_string();
    written
        .chars()
        .filter(char::is_ascii_digit)
        .take(14)
        .collect()
}

/// The inverse of [`digits_of`].
fn moment_of(digits: &str) -> Option<Timestamp> {
    let part = |range: Range<usize>| digits.get(range);
    let date = [part(0..4)?, part(4..6)?, part(6..8)?].join("-");
    let time = [part(8..10)?, part(10..12)?, part(12..14)?].join(":");
    format!("{date}T{time}Z").parse().ok()
}
