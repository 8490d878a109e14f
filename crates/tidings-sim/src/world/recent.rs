//! Which references and which recipients an account has had lately.
//!
//! Asked by `intake` for accounts whose rules want to know. Nobody keeps it up meanwhile: when it is
//! asked, it first reads the messages that have come since.

use std::collections::HashMap;
use std::time::Duration;

use tidings_core::{ClientRef, E164, Timestamp};

use super::sms::{Sms, Taken};

/// For how long a reference must not be used again.
const UNIQUE_FOR: Duration = Duration::from_hours(1);

#[derive(Default)]
pub(super) struct Recent {
    /// So many messages have been read.
    read: usize,
    references: HashMap<(usize, ClientRef), Timestamp>,
    recipients: HashMap<(usize, E164), Vec<Timestamp>>,
}

impl Recent {
    /// Reads what has come since the last time.
    pub(super) fn catch_up(&mut self, messages: &[Sms]) {
        for sms in messages.get(self.read..).unwrap_or_default() {
            self.note(sms.account, sms.accepted_at, &sms.fate);
        }
        self.read = messages.len();
    }

    /// Whether a message under this reference was taken within the hour.
    pub(super) fn has_reference(
        &self,
        account: usize,
        reference: &ClientRef,
        at: Timestamp,
    ) -> bool {
        let key = (account, reference.clone());
        self.references
            .get(&key)
            .is_some_and(|taken| at.since(*taken) < UNIQUE_FOR)
    }

    /// How many messages to a recipient were taken within this time.
    pub(super) fn to_recipient(
        &self,
        account: usize,
        to: E164,
        at: Timestamp,
        within: Duration,
    ) -> usize {
        let Some(times) = self.recipients.get(&(account, to)) else {
            return 0;
        };
        let latest_first = times.iter().rev();
        latest_first
            .take_while(|taken| at.since(**taken) < within)
            .count()
    }

    /// Takes note of a message that is being taken.
    pub(super) fn note(&mut self, account: usize, at: Timestamp, taken: &Taken) {
        if let Some(reference) = &taken.reference {
            self.references.insert((account, reference.clone()), at);
        }
        let times = self.recipients.entry((account, taken.to)).or_default();
        times.push(at);
    }

    /// Has read these messages already, each by [`Self::note`].
    pub(super) fn has_read(&mut self, messages: usize) {
        self.read = messages;
    }
}
