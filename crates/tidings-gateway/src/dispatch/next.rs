//! What comes next after an attempt that was not taken. Pure.
//!
//! Asked by [`super::lane`] and [`super::doubt`]. Decided by [`Error::acceptance`],
//! [`Error::is_safe_to_resend`], [`Error::may_fail_over`] and, where these leave a choice, by
//! [`Error::kind`]:
//!
//! | the error | comes next |
//! |---|---|
//! | nobody knows whether it was taken | it is found out: [`super::doubt`] |
//! | proved not sent, the provider asks for patience | the same lane, later |
//! | proved not sent, the provider is not to be reached | another lane now; else later |
//! | proved not taken, the account is refused (credentials, settings, credit) | another lane now; else it waits, as long as it may be sent at all: the lane is suspended, and one message at a time tries |
//! | proved not taken, the account may not do this | another lane now; else later, because one message does not tell |
//! | proved not taken, another account may take it (its sender, an odd answer) | another lane now; else it has failed |
//! | a verdict on message, recipient or text | it has failed |
//!
//! Attempts that were to show whether a provider that is down is back are not counted either.
//!
//! A message that has failed is a dead letter: it is kept with its attempts and faults, and is sent again as
//! a new message when a person asks for it.

use std::time::Duration;

use tidings::{Acceptance, Error, ErrorKind};
use tidings_core::{HeldReason, Reason, Timestamp};
use tidings_store::{Hold, LaneId, Next};

/// What an error asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Course {
    /// Nobody knows whether it was taken.
    FindOut,
    /// The same lane, later.
    Again,
    /// Another lane at once, if there is one.
    Elsewhere(Otherwise),
    /// This is the end of it.
    Fail,
}

/// What is done where no other lane is there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Otherwise {
    /// Later, as often as a message is attempted.
    Again,
    /// Later, as long as a message is attempted: attempts that meet a refused account do not count.
    Wait,
    /// It has failed.
    Fail,
}

/// What an error asks for, whatever the message.
pub(super) fn after(error: &Error) -> Course {
    match error.acceptance() {
        Acceptance::NotSent | Acceptance::Refused => {}
        // Also what is not known here may be on its way.
        _ => return Course::FindOut,
    }
    if error.is_safe_to_resend() {
        return match error.kind() {
            ErrorKind::RateLimited => Course::Again,
            _ => Course::Elsewhere(Otherwise::Again),
        };
    }
    if !error.may_fail_over() {
        return Course::Fail;
    }
    Course::Elsewhere(match error.kind() {
        ErrorKind::Unauthorized | ErrorKind::Config | ErrorKind::InsufficientCredit => {
            Otherwise::Wait
        }
        ErrorKind::Forbidden | ErrorKind::NotFound => Otherwise::Again,
        _ => Otherwise::Fail,
    })
}

/// Why a message failed, in the words that customers are told.
pub(super) fn reason(kind: ErrorKind) -> Reason {
    match kind {
        ErrorKind::InvalidMessage => Reason::InvalidRequest,
        ErrorKind::InvalidRecipient => Reason::InvalidRecipient,
        ErrorKind::InvalidSender => Reason::InvalidSender,
        ErrorKind::Unauthorized => Reason::Unauthorized,
        ErrorKind::Forbidden | ErrorKind::Config => Reason::Forbidden,
        ErrorKind::InsufficientCredit => Reason::InsufficientFunds,
        ErrorKind::RateLimited => Reason::QuotaExceeded,
        // The rest says nothing that has a word of its own; the attempt has the class of the error.
        _ => Reason::Unspecified,
    }
}

/// Where a message stands after an attempt that was not taken.
#[derive(Clone, Copy, Debug)]
pub(super) struct Standpoint {
    /// Attempts so far, this one included.
    pub(super) n_attempts: u16,
    /// When the first began.
    pub(super) first_attempt_at: Timestamp,
    /// From when on it is not worth sending.
    pub(super) expires_at: Option<Timestamp>,
    /// The time.
    pub(super) now: Timestamp,
    /// How long it would wait before it came again.
    pub(super) wait: Duration,
}

/// How often and how long a message is attempted.
#[derive(Clone, Copy, Debug)]
pub(super) struct Bounds {
    /// Attempts that fail with proof.
    pub(super) max_attempts: u16,
    /// The time from the first attempt after which no further one is made.
    pub(super) retry_for: Duration,
}

/// The lanes that could carry a message instead of the one where it failed.
pub(super) trait OtherLanes {
    /// One in service on which it was not tried yet.
    fn untried(&self) -> Option<LaneId>;
    /// One in service, tried or not.
    fn any(&self) -> Option<LaneId>;
}

/// What becomes of a message whose attempt was not taken for a cause that asks for `course`.
pub(super) fn resolve(
    course: Course,
    failed_for: Reason,
    here: &LaneId,
    at: &Standpoint,
    bounds: Bounds,
    others: &impl OtherLanes,
) -> Next {
    if at.expires_at.is_some_and(|end| end <= at.now) {
        return Next::Expire;
    }
    let is_too_late = at.now.since(at.first_attempt_at) >= bounds.retry_for;
    let is_too_often = at.n_attempts >= bounds.max_attempts;
    let not_before = at.now.plus(at.wait);
    let later = |lane: LaneId| Next::Again {
        lane,
        not_before: Some(not_before),
    };
    let fail = Next::Fail(failed_for);
    match course {
        Course::Fail | Course::FindOut => fail,
        Course::Again | Course::Elsewhere(Otherwise::Again | Otherwise::Fail) if is_too_often => {
            fail
        }
        _ if is_too_late => fail,
        Course::Again => {
            // Waiting longer than the message is worth helps nobody.
            let is_in_time = at.expires_at.is_none_or(|end| not_before < end);
            match (!is_in_time).then(|| others.untried()).flatten() {
                Some(lane) => now(lane),
                None => later(here.clone()),
            }
        }
        Course::Elsewhere(otherwise) => match (others.untried(), otherwise) {
            (Some(lane), _) => now(lane),
            (None, Otherwise::Fail) => fail,
            // Those that failed before may be well again by then.
            (None, Otherwise::Again | Otherwise::Wait) => {
                later(others.any().unwrap_or_else(|| here.clone()))
            }
        },
    }
}

/// A message goes to a lane at once.
pub(super) fn now(lane: LaneId) -> Next {
    Next::Again {
        lane,
        not_before: None,
    }
}

/// A message that no lane carries waits until a route leads somewhere.
pub(super) fn without_route() -> Next {
    Next::Hold(Hold {
        reason: HeldReason::NoRoute,
        until: None,
    })
}
