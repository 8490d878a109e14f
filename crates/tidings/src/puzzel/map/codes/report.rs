//! What the gateway reports of a message in the end: `statuscode` of a delivery report. Part of
//! `codes`, which exports it.

use tidings_core::{Reason, ReportedState};

/// One row of the list of report codes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ReportCode {
    /// The number on the wire.
    pub code: i64,
    /// What it means, as a sentence without a full stop.
    pub meaning: &'static str,
    /// How far the message came.
    pub state: ReportedState,
    /// Why it came no further; `None` if it was delivered.
    pub reason: Option<Reason>,
    /// Whether the same message could arrive if it were sent once more, later.
    pub another_attempt: AnotherAttempt,
    /// What the recipient has paid, where that is not what was to be expected.
    pub billing: Billing,
}

/// Whether a message like the one reported could arrive if it were sent later, when nobody has
/// changed it, the account or the recipient's subscription. It is advice for people and programs that
/// decide about a new message; the message reported on has come to its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum AnotherAttempt {
    /// It was delivered; there is nothing to attempt.
    NotNeeded,
    /// The cause is one that passes by itself.
    CouldSucceed,
    /// The cause stays until somebody removes it.
    WouldFail,
    /// The code does not tell the cause.
    Untold,
}

/// Whether payment and delivery went together. Matters only for messages with a price.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Billing {
    /// They did.
    AsDelivered,
    /// The recipient has paid for a message that did not arrive.
    BilledNotDelivered,
    /// The recipient has the message and has not paid: it was not meant to be, or billing failed.
    DeliveredNotBilled,
}

use AnotherAttempt::{CouldSucceed, NotNeeded, Untold, WouldFail};
use ReportedState::{Delivered, Expired, Failed, Undelivered};

const fn row(
    code: i64,
    meaning: &'static str,
    state: ReportedState,
    reason: Reason,
    another_attempt: AnotherAttempt,
) -> ReportCode {
    ReportCode {
        code,
        meaning,
        state,
        reason: Some(reason),
        another_attempt,
        billing: Billing::AsDelivered,
    }
}

const fn delivered(code: i64, meaning: &'static str, billing: Billing) -> ReportCode {
    ReportCode {
        code,
        meaning,
        state: Delivered,
        reason: None,
        another_attempt: NotNeeded,
        billing,
    }
}

/// All codes that the vendor lists, by ascending number.
///
/// Codes from 350 to 371 speak of the carrier's attempt, so the message counts as undelivered; 361
/// and 362 ran out of time; 380, 385 and those from 650 say that it was refused before a carrier tried.
pub static REPORTS: &[ReportCode] = &[
    delivered(0, "delivered", Billing::AsDelivered),
    row(
        350,
        "the network provider is missing or invalid",
        Undelivered,
        Reason::NoRoute,
        WouldFail,
    ),
    row(
        351,
        "the operator does not know the recipient, or it is illegal",
        Undelivered,
        Reason::InvalidRecipient,
        WouldFail,
    ),
    row(
        354,
        "the account may not send in bulk",
        Undelivered,
        Reason::Forbidden,
        WouldFail,
    ),
    row(
        355,
        "the tariff is missing or the account may not use it",
        Undelivered,
        Reason::Forbidden,
        WouldFail,
    ),
    // Not `RecipientBlocked`: who clears blocked numbers from a list would lose those that are
    // barred for a day.
    row(
        356,
        "the subscriber is barred for a time",
        Undelivered,
        Reason::RecipientUnreachable,
        CouldSucceed,
    ),
    row(
        357,
        "the subscriber is barred for good and should be dropped from subscriptions",
        Undelivered,
        Reason::RecipientBlocked,
        WouldFail,
    ),
    // The number takes free messages, so it is not the recipient that is blocked.
    row(
        358,
        "the subscriber is barred from messages with a price; free ones still pass",
        Undelivered,
        Reason::ComplianceBlocked,
        WouldFail,
    ),
    row(
        359,
        "the subscriber is younger than the age limit",
        Undelivered,
        Reason::ComplianceBlocked,
        WouldFail,
    ),
    row(
        360,
        "the operator reports a syntax error",
        Undelivered,
        Reason::InvalidRequest,
        WouldFail,
    ),
    row(
        361,
        "the validity ran out",
        Expired,
        Reason::Expired,
        CouldSucceed,
    ),
    row(
        362,
        "the operator's message centre gave up after its time limit",
        Expired,
        Reason::Expired,
        CouldSucceed,
    ),
    row(
        363,
        "an operation of the operator's message centre failed",
        Undelivered,
        Reason::CarrierError,
        CouldSucceed,
    ),
    row(
        364,
        "the subscriber cannot be reached at present",
        Undelivered,
        Reason::RecipientUnreachable,
        CouldSucceed,
    ),
    row(
        368,
        "the gateway is not connected to the operator's message centre",
        Undelivered,
        Reason::CarrierError,
        CouldSucceed,
    ),
    row(
        369,
        "an error of the operator's message centre of its own kind",
        Undelivered,
        Reason::CarrierError,
        Untold,
    ),
    row(
        370,
        "an error that is not specified",
        Undelivered,
        Reason::Unspecified,
        Untold,
    ),
    row(
        371,
        "cancelled after errors in transmission to the operator's message centre",
        Undelivered,
        Reason::CarrierError,
        CouldSucceed,
    ),
    row(
        380,
        "the operator refuses the gateway's login",
        Failed,
        Reason::Unauthorized,
        WouldFail,
    ),
    row(
        385,
        "the function needs a special agreement",
        Failed,
        Reason::Forbidden,
        WouldFail,
    ),
    ReportCode {
        code: 386,
        meaning: "billed but not delivered",
        state: Undelivered,
        reason: Some(Reason::Unspecified),
        another_attempt: Untold,
        billing: Billing::BilledNotDelivered,
    },
    delivered(390, "delivered but not billed", Billing::DeliveredNotBilled),
    row(
        650,
        "a problem with the gateway's database",
        Failed,
        Reason::Unspecified,
        CouldSucceed,
    ),
    row(
        651,
        "no route to the subscriber",
        Failed,
        Reason::NoRoute,
        WouldFail,
    ),
    row(
        652,
        "the gateway lacks crucial data of its own",
        Failed,
        Reason::Unspecified,
        Untold,
    ),
    row(
        653,
        "the gateway met data that it did not expect",
        Failed,
        Reason::Unspecified,
        Untold,
    ),
    row(
        654,
        "the recipient is no valid number",
        Failed,
        Reason::InvalidRecipient,
        WouldFail,
    ),
    row(
        655,
        "the service is no longer active, the message was dropped",
        Failed,
        Reason::Forbidden,
        WouldFail,
    ),
];

/// What a report code means; `None` for a code that the vendor does not list.
pub fn report(code: i64) -> Option<&'static ReportCode> {
    // Ascending, which a test holds.
    let found = REPORTS.binary_search_by_key(&code, |row| row.code).ok()?;
    REPORTS.get(found)
}

/// State and reason of a report code in neutral words. Of a code that is not listed nobody can say
/// whether the phone has the message: the state is then [`ReportedState::Unknown`], and the code
/// stays readable in the report's `raw`.
pub fn meaning_of(code: i64) -> (ReportedState, Option<Reason>) {
    report(code).map_or((ReportedState::Unknown, Some(Reason::Unspecified)), |row| {
        (row.state, row.reason)
    })
}

/// The code that says this: the reverse of [`meaning_of`], for whoever reports in the vendor's words.
///
/// `None` for states that are no ends, because the vendor reports only ends, and for
/// [`ReportedState::Canceled`], for which it has no code: who stops a batch is told at once which
/// messages that stopped. A failure whose reason has no code of that state is reported with
/// the code for the reason, and without one with the code for "not specified".
pub fn code_for(state: ReportedState, reason: Option<Reason>) -> Option<i64> {
    let reason = reason.unwrap_or(Reason::Unspecified);
    match state {
        Delivered => Some(0),
        Expired => Some(361),
        Undelivered => Some(undelivered_code(reason)),
        Failed => Some(failed_code(reason)),
        ReportedState::Submitted
        | ReportedState::Sent
        | ReportedState::Canceled
        | ReportedState::Unknown
        | _ => None,
    }
}

fn undelivered_code(reason: Reason) -> i64 {
    match reason {
        Reason::NoRoute => 350,
        Reason::InvalidRecipient | Reason::NotSmsCapable => 351,
        Reason::InvalidSender
        | Reason::Forbidden
        | Reason::InsufficientFunds
        | Reason::QuotaExceeded => 354,
        Reason::Unauthorized => 380,
        Reason::RecipientBlocked | Reason::OptedOut => 357,
        Reason::ComplianceBlocked => 359,
        Reason::InvalidRequest | Reason::UnsupportedContent | Reason::ContentFiltered => 360,
        Reason::Expired => 361,
        Reason::CarrierError => 363,
        Reason::RecipientUnreachable => 364,
        Reason::Canceled => 371,
        Reason::Partial | Reason::Unspecified | _ => 370,
    }
}

fn failed_code(reason: Reason) -> i64 {
    match reason {
        Reason::Forbidden
        | Reason::InvalidSender
        | Reason::InsufficientFunds
        | Reason::QuotaExceeded => 385,
        Reason::NoRoute => 651,
        Reason::InvalidRecipient | Reason::NotSmsCapable => 654,
        Reason::Unauthorized
        | Reason::InvalidRequest
        | Reason::UnsupportedContent
        | Reason::ContentFiltered
        | Reason::RecipientBlocked
        | Reason::OptedOut
        | Reason::ComplianceBlocked
        | Reason::CarrierError
        | Reason::Expired
        | Reason::RecipientUnreachable
        | Reason::Canceled => undelivered_code(reason),
        Reason::Partial | Reason::Unspecified | _ => 650,
    }
}
