//! Why something is not done, in the words of the seam: what intake and the store say, as [`Refusal`]s.

use std::time::Duration;

use tidings::backend::Refusal;
use tidings_store::{StoreError, StoreErrorKind};

use crate::intake::{Rejection, RejectionCode};

/// How the caller of a vendor's API is told that a message was not taken.
pub(super) fn of_rejection(rejection: Rejection) -> Refusal {
    let Rejection { code, detail } = rejection;
    match code {
        // That a phone does not want texts is said as that it cannot be reached: the vendors have no
        // word of their own for it, and "forbidden" would make their clients sign in again.
        RejectionCode::InvalidRecipient | RejectionCode::OptedOut | RejectionCode::NoRoute => {
            Refusal::invalid("recipient", clause(&detail))
        }
        RejectionCode::InvalidSender => Refusal::invalid("sender", clause(&detail)),
        RejectionCode::InvalidText => Refusal::invalid("text", clause(&detail)),
        RejectionCode::InvalidRequest | RejectionCode::TooManyRows => {
            Refusal::invalid("message", clause(&detail))
        }
        RejectionCode::WindowOver => Refusal::invalid("sendWindow", clause(&detail)),
        RejectionCode::QuotaExceeded => Refusal::InsufficientCredit,
        RejectionCode::DuplicateRow | RejectionCode::KeyReused => Refusal::Duplicate,
        RejectionCode::Inactive => Refusal::Forbidden {
            what: "sending from this account".to_owned(),
        },
    }
}

/// A sentence of ours as what follows the name of a field.
fn clause(detail: &str) -> String {
    format!("is not taken: {detail}")
}

/// When a call is worth repeating for which the store is away: a disk is full, say.
const STORE_IS_BACK_IN: Duration = Duration::from_secs(1);

/// The store could not do it. What is not there is for the caller to know; all else is our affair.
///
/// That the store is away comes with a time to come back at: nothing was kept then, and vendors' clients
/// take a 503 for a refusal only where it names one.
pub(super) fn of_store(error: &StoreError) -> Refusal {
    let retry_after = match error.kind() {
        StoreErrorKind::NotFound => None,
        StoreErrorKind::Unavailable => {
            tracing::warn!(error = %error, "the store is away for a call of a vendor's API");
            Some(STORE_IS_BACK_IN)
        }
        // `StoreErrorKind` may grow: what is not known here is for the log.
        _ => {
            tracing::error!(error = %error, "the store refused a call of a vendor's API");
            None
        }
    };
    Refusal::Unavailable { retry_after }
}

/// A call that a vendor's API has and that this gateway does not carry out.
pub(super) fn forbidden(what: &str) -> Refusal {
    Refusal::Forbidden {
        what: what.to_owned(),
    }
}
