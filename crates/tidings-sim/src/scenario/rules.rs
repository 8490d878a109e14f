//! What a scenario says about accounts, phones, reports and texts from phones.
//!
//! Read by [`super::read_rules`], obeyed by [`crate::world`]. Faults are in the parent module.

use std::collections::BTreeMap;
use std::time::Duration;

use tidings::backend::Rights;
use tidings_core::{E164, SenderId};

use super::Whom;

/// An account beside the first.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct FurtherAccount {
    /// The settings that differ from the first account's.
    pub(crate) settings: BTreeMap<String, String>,
    pub(crate) credit: Option<i64>,
    pub(crate) rules: Rules,
}

/// What holds for the messages of one account.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Rules {
    /// Messages that leave in a second; as many as come in, if there is no limit.
    pub(crate) rate_per_s: Option<f64>,
    /// Whether a reference of the last hour is refused.
    pub(crate) refuses_duplicates: bool,
    pub(crate) recipient_quota: Option<RecipientQuota>,
    /// Whether recipients may be asked to pay.
    pub(crate) allows_premium: bool,
    /// The most that a recipient may be asked to pay.
    pub(crate) max_price: Option<u32>,
    /// The sender of messages that name none.
    pub(crate) sender: Option<SenderId>,
    pub(crate) user: UserRules,
}

impl Default for Rules {
    fn default() -> Self {
        Self {
            rate_per_s: None,
            refuses_duplicates: false,
            recipient_quota: None,
            allows_premium: true,
            max_price: None,
            sender: None,
            user: UserRules::default(),
        }
    }
}

/// What is known of an account's owner, where accounts are users of an exchange.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct UserRules {
    pub(crate) rights: Rights,
    pub(crate) display_name: Option<String>,
    /// The digits that his device shows, where his password is not enough.
    pub(crate) passcode: Option<String>,
}

impl Default for UserRules {
    /// Somebody who may look after his domain.
    fn default() -> Self {
        Self {
            rights: Rights::Domain,
            display_name: None,
            passcode: None,
        }
    }
}

/// A number of a user.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct NumberRule {
    pub(crate) number: E164,
    /// The user, or `user@domain`.
    pub(crate) owner: String,
    pub(crate) application: String,
    pub(crate) media: bool,
}

/// A key for programs.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct ApiKey {
    pub(crate) key: String,
    pub(crate) rights: Rights,
    /// The first user's, if none is named.
    pub(crate) domain: Option<String>,
}

impl std::fmt::Debug for ApiKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ApiKey")
            .field("rights", &self.rights)
            .field("domain", &self.domain)
            .finish_non_exhaustive()
    }
}

/// What holds for tokens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct TokenRules {
    pub(crate) lifetime: Duration,
    /// For how long a token can be renewed, from when it was opened on.
    pub(crate) refresh_lifetime: Duration,
    /// Whether nobody can renew.
    pub(crate) refresh_fails: bool,
    /// Whether nobody can sign in.
    pub(crate) sign_in_fails: bool,
}

impl Default for TokenRules {
    fn default() -> Self {
        Self {
            lifetime: Duration::from_hours(1),
            refresh_lifetime: Duration::from_hours(24),
            refresh_fails: false,
            sign_in_fails: false,
        }
    }
}

/// How many calls a machine may make, and for how long it is shut out after too many.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct CallLimit {
    pub(crate) calls_per_s: u32,
    pub(crate) block_for: Duration,
}

impl Rules {
    /// The time between two messages that leave, in microseconds; 0 where there is no limit.
    pub(crate) fn interval_us(&self) -> u64 {
        // Checked when it was read: a number of messages for which this is at least a microsecond.
        let interval = self.rate_per_s.map(|rate| 1.0 / rate);
        interval.map_or(0, |seconds| {
            let interval = Duration::try_from_secs_f64(seconds).unwrap_or(Duration::MAX);
            u64::try_from(interval.as_micros()).unwrap_or(u64::MAX)
        })
    }
}

/// How many messages one recipient may be sent within some time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct RecipientQuota {
    pub(crate) messages: u32,
    pub(crate) within: Duration,
    pub(crate) excess: Excess,
}

/// What becomes of messages that are too many.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Excess {
    /// They are taken and held back until somebody lets them go.
    Held,
    Refused,
}

/// What is known of phones.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct PhoneRule {
    pub(super) whom: Whom,
    /// How old its owner is, in years.
    pub(crate) age: Option<u8>,
    /// Whether its owner has barred texts that cost him something.
    pub(crate) bars_premium: bool,
}

/// How a customer is told of ends.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Reports {
    /// Each report comes twice.
    pub(crate) duplicate: bool,
    /// The reports of one call are in any order.
    pub(crate) shuffle: bool,
    /// After the end of the message.
    pub(crate) late: Duration,
}

/// A text that a phone sends.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ScriptedText {
    /// After the scenario began.
    pub(crate) after: Duration,
    pub(crate) from: E164,
    /// The number of ours; the one that the latest text to this phone came from, if none is named.
    pub(crate) to: Option<String>,
    pub(crate) text: String,
}
