//! What happens in a simulated carrier: how much credit there is, how long messages take, which
//! numbers fail, and which calls go wrong and how.
//!
//! Read from TOML by programs and tests, obeyed by [`crate::world`] (credit, delays, failing
//! numbers) and by the server (faults). A scenario is plain data: what has fired already is counted
//! elsewhere.
//!
//! ```toml
//! credit = 500                         # parts that the account may send; default 10000, or no limit where
//!                                      # the vendor's accounts have no balance
//! seed = 7                             # for `probability`; default drawn by the simulator
//!
//! rate_per_s = 20.0                    # messages that leave in a second, the rest wait; default no limit
//! refuse_duplicates = true             # references of the last hour are refused, those of messages and those
//!                                      # of batches; default false
//! allows_premium = false               # whether recipients may be asked to pay; default true
//! max_price = 5000                     # the most they may be asked for, in the smallest unit; default no limit
//! sender = "1960"                      # the sender of messages that name none; default none
//! rights = "domain"                    # of the first user, where accounts are users of an exchange: "user",
//!                                      # "domain" (default), "reseller", "system"
//! display_name = "Ann Doe"             # his name; default drawn from his user name
//! passcode = "123456"                  # what he has to enter besides his password; default nothing
//!
//! [recipient_quota]                    # default none
//! messages = 3                         # to one recipient ..
//! within_s = 3600                      # .. within so many seconds; default 3600
//! excess = "held"                      # "held" (default: until POST /_sim/release), "refused"
//!
//! [delays]                             # both counted from the moment of leaving
//! sent_ms = 100                        # default 100
//! delivered_ms = 500                   # default 500, at least sent_ms
//!
//! [[fail]]                             # the first rule that fits a number decides
//! to = "+224622000009"                 # or: prefix = "+22462"
//! reason = "recipient_unreachable"     # default "unspecified"
//! at = "delivered"                     # "accept" (refused in the answer), "sent" (default), "delivered"
//!
//! [[account]]                          # a further account
//! settings = { line = "2000" }         # what differs from the first account's credentials
//! rate_per_s = 1.0                     # and any of credit, refuse_duplicates, recipient_quota,
//!                                      # allows_premium, max_price, sender, rights, display_name,
//!                                      # passcode: they hold for this account
//!
//! [[phone]]                            # the first rule that fits a number decides
//! to = "+4790000015"                   # or: prefix = "+4790"
//! age = 15                             # texts for older people are not delivered
//! bars_premium = true                  # nor those that cost something
//!
//! [reports]                            # calls to the customer's server
//! duplicate = true                     # each report comes twice; default false
//! shuffle = true                       # the reports of a call are in any order; default false
//! late_ms = 5000                       # so long after the end of the message; default 0
//!
//! [[inbound]]                          # a text from a phone
//! after_ms = 2000                      # after the start; default 0
//! from = "+4790000001"
//! to = "1960"                          # default: where the latest text to this phone came from
//! text = "STOP"
//!
//! [[number]]                           # where accounts are users of an exchange: a number besides the first user's
//! number = "+15550109876"
//! owner = "201"                        # a user of the first user's domain, or user@domain
//! application = "user"                 # default
//! media = true                         # whether it carries files; default true
//!
//! [[api_key]]                          # a key for programs
//! key = "a-long-secret"
//! rights = "domain"                    # default; or "user", "reseller", "system"
//! domain = "tidings.example"           # default: the first user's
//!
//! [tokens]
//! lifetime_s = 3600                    # default
//! refresh_lifetime_s = 86400           # default
//! refresh = "works"                    # default, or "fails": nobody can renew a token
//! sign_in = "works"                    # default, or "fails": nobody can sign in
//!
//! [limits]                             # default none
//! calls_per_s = 10                     # more calls than this from one machine within a second ..
//! block_for_s = 5                      # .. shut it out for so long: 403 for each call, and each prolongs it
//!
//! [[fault]]                            # of several faults that would fire the first acts
//! name = "lost answers"                # for the statistics; default the action's key
//! call = "submit"                      # an operation's word, or a piece of the path; default every call
//! to = "+224622000001"                 # only calls about this number
//! after = 10                           # not the first ten that fit
//! first = 5                            # of the rest the first five
//! every = 2                            # of those each second
//! probability = 0.5                    # and of those half
//! drop = { when = "after" }            # exactly one action
//! ```
//!
//! | action | what the caller sees | was the call carried out? |
//! |---|---|---|
//! | `refuse = { status = 503, code = "busy", body = "..." }` | this status; `code` and `body` may be left out | no |
//! | `rate_limit = { retry_after_s = 2 }` | 429, with `Retry-After` unless left out | no |
//! | `drop = { when = "before", reset = false }` | the connection ends without an answer | no |
//! | `drop = { when = "after" }` | the same | yes |
//! | `drop = { when = "mid_answer" }` | the head and half of the answer | yes |
//! | `late = { ms = 3000 }` | the answer, late | yes, at once |
//! | `slow = { bytes_per_s = 20 }` or `slow = { chunk_ms = 100 }` | the answer in small pieces | yes |
//! | `broken_json = true` | half of the answer as if it were whole | yes |
//! | `wrong_content_type = { content_type = "text/html" }` | the answer under another type | yes |
//! | `empty_body = true` | the answer's status and no body | yes |
//! | `failure_in_200 = { message = "..." }` | 200 with `{"status":"error","success":false,...}`; with `body = "..."` instead of the message 200 with this body, in whatever shape the vendor fails | no |
//! | `unknown_status = { word = "parked" }` | a message's state in a word of no list | yes |
//! | `no_credit = true` | the vendor's answer for an empty account | no |
//!
//! Messages wait where a rate, a window of their own or a quota makes them wait. The more urgent
//! leave first, then the earlier. What waits can be stopped, and is given up when its validity runs
//! out or its window closes for good. A reference is a duplicate when the account has taken another
//! message under it within an hour; messages without a reference of their own never are. Texts for
//! older people fail with `compliance_blocked`, those that cost something with `recipient_blocked`.
//!
//! `unknown_status` without `call` means `message_status`, with `call = "report"` the word is in a
//! call to the customer's server. `no_credit` without `call` means
//! `submit`. `reset` ends the connection with a TCP reset instead of an orderly close.

mod read;
mod read_exchange;
mod read_rules;
pub(crate) mod rules;
#[cfg(test)]
mod tests;

use std::str::FromStr;
use std::time::Duration;

use tidings_core::{E164, Reason};

use crate::operation::Operation;
pub(crate) use rules::CallLimit;
use rules::{
    ApiKey, FurtherAccount, NumberRule, PhoneRule, Reports, Rules, ScriptedText, TokenRules,
};

/// What happens in a simulated carrier. [`Scenario::default`] is a good day: credit for 10,000
/// parts, messages delivered after half a second, no fault.
#[derive(Clone, Debug, Default)]
pub struct Scenario {
    pub(crate) credit: Option<i64>,
    pub(crate) seed: Option<u64>,
    pub(crate) delays: Delays,
    pub(crate) fail: Vec<FailRule>,
    pub(crate) faults: Vec<Fault>,
    /// Of the first account.
    pub(crate) rules: Rules,
    pub(crate) further_accounts: Vec<FurtherAccount>,
    pub(crate) phones: Vec<PhoneRule>,
    pub(crate) reports: Reports,
    pub(crate) inbound: Vec<ScriptedText>,
    pub(crate) numbers: Vec<NumberRule>,
    pub(crate) api_keys: Vec<ApiKey>,
    pub(crate) tokens: TokenRules,
    pub(crate) call_limit: Option<CallLimit>,
}

impl Scenario {
    /// The credit of an account for which the scenario names none, in parts, where the vendor's
    /// accounts have a balance.
    pub const DEFAULT_CREDIT: i64 = 10_000;

    /// The credit of an account for which the scenario names none, where the vendor's accounts have
    /// no balance: more than anybody sends.
    pub const NO_LIMIT: i64 = 1_000_000_000_000;

    /// Reads a scenario; the form is described in [the module](self).
    ///
    /// # Errors
    /// [`ScenarioError`] names the key and what is allowed there.
    pub fn from_toml(text: &str) -> Result<Self, ScenarioError> {
        read::scenario(text)
    }

    /// Sets the credit of each account, in parts.
    #[must_use]
    pub fn with_credit(mut self, parts: i64) -> Self {
        self.credit = Some(parts);
        self
    }

    /// Sets how long after acceptance a message is sent and delivered; never delivered before it
    /// is sent.
    #[must_use]
    pub fn with_delays(mut self, sent: Duration, delivered: Duration) -> Self {
        self.delays = Delays {
            sent,
            delivered: delivered.max(sent),
        };
        self
    }

    /// How many faults it scripts.
    pub fn n_faults(&self) -> usize {
        self.faults.len()
    }

    /// How many rules it has about numbers that fail.
    pub fn n_failing(&self) -> usize {
        self.fail.len()
    }

    /// What the scenario has in store for a number.
    pub(crate) fn failure_of(&self, to: &E164) -> Option<Failure> {
        let rule = self.fail.iter().find(|rule| rule.whom.is(to));
        rule.map(|rule| rule.failure)
    }

    /// What is known of a phone.
    pub(crate) fn phone(&self, to: &E164) -> Option<&PhoneRule> {
        self.phones.iter().find(|rule| rule.whom.is(to))
    }
}

impl FromStr for Scenario {
    type Err = ScenarioError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::from_toml(text)
    }
}

/// How long messages take, counted from their acceptance.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Delays {
    pub(crate) sent: Duration,
    pub(crate) delivered: Duration,
}

impl Default for Delays {
    fn default() -> Self {
        Self {
            sent: Duration::from_millis(100),
            delivered: Duration::from_millis(500),
        }
    }
}

/// A rule about numbers that fail.
#[derive(Clone, Debug)]
pub(crate) struct FailRule {
    whom: Whom,
    failure: Failure,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Whom {
    Number(E164),
    Prefix(String),
}

impl Whom {
    fn is(&self, to: &E164) -> bool {
        match self {
            Self::Number(number) => number == to,
            Self::Prefix(prefix) => to.as_str().starts_with(prefix.as_str()),
        }
    }
}

/// How a message fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Failure {
    pub(crate) reason: Reason,
    pub(crate) at: FailsAt,
}

/// How far a failing message comes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum FailsAt {
    /// It is refused in the answer.
    Accept,
    /// It is taken, and fails when it would be sent.
    Sent,
    /// It is sent, and fails when it would be delivered.
    Delivered,
}

/// A scripted fault: when, and what.
#[derive(Clone, Debug)]
pub(crate) struct Fault {
    pub(crate) name: String,
    pub(crate) call: CallMatcher,
    pub(crate) to: Option<E164>,
    pub(crate) turns: Turns,
    pub(crate) action: Action,
}

/// Which calls a fault is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum CallMatcher {
    Any,
    /// Calls whose path holds this.
    Path(String),
    Operation(Operation),
}

/// Which of the calls that fit are hit.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Turns {
    pub(crate) after: u64,
    pub(crate) first: Option<u64>,
    pub(crate) every: u64,
    pub(crate) probability: Option<f64>,
}

impl Turns {
    /// Whether the `n`-th call that fits, from 1, has its turn; chance not considered.
    pub(crate) fn is_up(&self, n: u64) -> bool {
        let Some(n) = n.checked_sub(self.after).filter(|n| *n > 0) else {
            return false;
        };
        self.first.is_none_or(|first| n <= first) && n.is_multiple_of(self.every)
    }
}

/// What goes wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Action {
    Refuse {
        status: http::StatusCode,
        code: Option<String>,
        body: Option<String>,
    },
    RateLimit {
        retry_after_s: Option<u64>,
    },
    Drop {
        when: DropWhen,
        reset: bool,
    },
    Late(Duration),
    Slow {
        bytes: usize,
        pause: Duration,
    },
    BrokenJson,
    WrongContentType(http::HeaderValue),
    EmptyBody,
    FailureIn200 {
        body: String,
    },
    UnknownStatus {
        word: String,
    },
    NoCredit,
}

impl Action {
    /// Whether the call is carried out although the caller does not see it done.
    pub(crate) fn lets_the_call_through(&self) -> bool {
        match self {
            Self::Refuse { .. } | Self::RateLimit { .. } | Self::FailureIn200 { .. } => false,
            Self::Drop { when, .. } => *when != DropWhen::Before,
            Self::Late(_)
            | Self::Slow { .. }
            | Self::BrokenJson
            | Self::WrongContentType(_)
            | Self::EmptyBody
            | Self::UnknownStatus { .. }
            | Self::NoCredit => true,
        }
    }
}

/// When a connection is ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum DropWhen {
    /// After the request was read and before it is carried out.
    Before,
    /// After it was carried out.
    After,
    /// In the middle of the answer.
    MidAnswer,
}

/// Why a text is no scenario. Says where, and what is allowed there.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ScenarioError {
    /// It is no TOML.
    #[error("line {line} is no TOML: {fault}")]
    NotToml {
        /// The line, from 1.
        line: usize,
        /// What is wrong with it.
        fault: String,
    },
    /// A key is unknown, missing, or holds something of the wrong kind.
    #[error("{key}: {fault}")]
    BadKey {
        /// The key with its way to it, such as `fault[0].late`.
        key: String,
        /// What is wrong, and what is allowed.
        fault: String,
    },
    /// A value is of the right kind and not allowed.
    #[error("{key}: expected {allowed}")]
    BadValue {
        /// The key with its way to it.
        key: String,
        /// What is allowed.
        allowed: String,
    },
}

impl ScenarioError {
    /// The key with its way to it, such as `fault[0].late.ms`; `None` where the text is no TOML.
    pub fn key(&self) -> Option<&str> {
        match self {
            Self::NotToml { .. } => None,
            Self::BadKey { key, .. } | Self::BadValue { key, .. } => Some(key),
        }
    }
}
