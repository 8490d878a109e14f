//! Files of messages, for whoever has the address that a list of messages told: for an hour, and without
//! signing in.
//!
//! Called by `conversations`. An address is signed with a secret that the store keeps, so that nothing has to
//! be kept of those that were handed out. What a file is kept with, the store knows.

use std::ops::Range;
use std::time::Duration;

use hmac::{Hmac, KeyInit as _, Mac as _};
use secrecy::ExposeSecret as _;
use sha2::Sha256;
use subtle::ConstantTimeEq as _;
use tidings::backend::{MediaAddress, Refusal};
use tidings::conversations::Mailbox;
use tidings_core::{Media, Timestamp};
use tidings_store::{InboundId, MessageId};

use super::Door;
use super::refusals::of_store;
use super::served::MEDIA_SECRET;
use crate::inbound::files;

/// For how long an address holds.
const ADDRESS_LIFE: Duration = Duration::from_hours(1);

pub(super) const NO_FILE: Refusal = Refusal::NotFound { what: "file" };

impl Door {
    /// The address of a message's file from now on.
    ///
    /// # Errors
    /// As if there were no file where the gateway has no secret of its own.
    pub(super) fn sign_address(
        &self,
        owner: &Mailbox,
        message: &str,
    ) -> Result<MediaAddress, Refusal> {
        let time = digits_of(self.gateway.now());
        let proof = self.proof(owner, message, &time).ok_or(NO_FILE)?;
        Ok(MediaAddress::new(owner.clone(), message, time, proof))
    }

    /// The file at an address.
    ///
    /// # Errors
    /// [`Refusal::Unauthorized`] for an address that we did not hand out, [`Refusal::Expired`] for one that
    /// was handed out too long ago, [`Refusal::NotFound`] where no file is kept.
    pub(super) async fn file_at(&self, address: &MediaAddress) -> Result<Media, Refusal> {
        let expected = self.proof(&address.owner, &address.message, &address.time);
        let expected = expected.ok_or(NO_FILE)?;
        let given = address.proof.expose_secret().as_bytes();
        if !bool::from(expected.as_bytes().ct_eq(given)) {
            return Err(Refusal::Unauthorized);
        }
        let now = self.gateway.now();
        let handed_out_at = moment_of(&address.time);
        if handed_out_at.is_none_or(|at| now.since(at) >= ADDRESS_LIFE) {
            return Err(Refusal::Expired);
        }
        let id = address.message.parse().map_err(|_| NO_FILE)?;
        let found = self.gateway.store().media(&[MessageId(id)]).await;
        let mut found = found.map_err(|error| of_store(&error))?;
        if let Some(media) = found.pop().flatten() {
            return Ok(media);
        }
        let from_a_phone = files::file_of(&self.gateway, InboundId(id)).await;
        from_a_phone
            .map_err(|error| of_store(&error))?
            .ok_or(NO_FILE)
    }

    /// 32 hexadecimal digits that nobody can make who does not know the secret.
    fn proof(&self, owner: &Mailbox, message: &str, time: &str) -> Option<String> {
        let secret = self.gateway.secret(MEDIA_SECRET)?;
        let key = secret.expose_secret().as_bytes();
        let mac = Hmac::<Sha256>::new_from_slice(key);
        let mut mac = mac.expect("a key of this algorithm has any length");
        for part in [&*owner.domain, &*owner.user, message, time] {
            // With its length, so that nothing can move from one part into the next.
            mac.update(&part.len().to_be_bytes());
            mac.update(part.as_bytes());
        }
        let tag = mac.finalize().into_bytes();
        let digits = tag.iter().take(16).map(|byte| format!("{byte:02x}"));
        Some(digits.collect())
    }
}

/// A moment as an address holds it, to the second: `YYYYMMDDHHMMSS` in UTC.
fn digits_of(moment: Timestamp) -> String {
    let written = moment.to_string();
    let digits = written.chars().filter(char::is_ascii_digit);
    digits.take(14).collect()
}

/// The inverse of [`digits_of`].
fn moment_of(digits: &str) -> Option<Timestamp> {
    let part = |range: Range<usize>| digits.get(range);
    let date = [part(0..4)?, part(4..6)?, part(6..8)?].join("-");
    let time = [part(8..10)?, part(10..12)?, part(12..14)?].join(":");
    format!("{date}T{time}Z").parse().ok()
}
