//! Messages as a vendor's API took them, as drafts for [`crate::intake`], with the names under which
//! each is taken once.
//!
//! Called by `messages` and `conversations`. It checks nothing of number, sender and text: intake does.

use std::fmt::Write as _;
use std::sync::Arc;
use std::time::Duration;

use sha2::{Digest, Sha256};
use tidings::ProviderSpec;
use tidings::backend::{Refusal, Submitted};
use tidings_core::{Message, Timestamp};
use tidings_store::Once;

use super::caller::Caller;
use super::details::Duplicates;
use super::terms::KeptTerms;
use crate::gateway::Live;
use crate::intake::{Draft, DraftRecipient, Timing};

/// For how long a reference is not taken again: as long as vendors do it.
pub(super) const UNIQUE_FOR: Duration = Duration::from_hours(1);

/// What all messages of a call have in common.
#[derive(Clone, Copy)]
pub(super) struct Taking<'t> {
    /// Whose call.
    pub(super) caller: &'t Caller,
    /// By which API.
    pub(super) spec: &'static ProviderSpec,
    /// What the configuration says at this moment.
    pub(super) live: &'t Live,
    /// The name of the batch as its sender gave it.
    pub(super) batch: Option<&'t str>,
    /// When.
    pub(super) now: Timestamp,
}

/// A message as a draft.
///
/// # Errors
/// As [`KeptTerms::of`].
pub(super) fn of_submitted(submitted: Submitted, taking: &Taking<'_>) -> Result<Draft, Refusal> {
    let Submitted { message, terms, .. } = submitted;
    let Taking {
        caller,
        spec,
        live,
        batch,
        now,
    } = *taking;
    let mut terms = KeptTerms::of(terms, &message, spec, live)?;
    terms.batch = batch.map(Into::into);
    Ok(of_message(message, &terms, caller, now))
}

/// A message with what is kept beside it, as a draft.
pub(super) fn of_message(
    message: Message,
    terms: &KeptTerms,
    caller: &Caller,
    now: Timestamp,
) -> Draft {
    let once = once(&message, caller, now);
    let mut draft = Draft::new(
        DraftRecipient::Number(message.to),
        Arc::clone(&message.text),
    );
    draft.from = message.from.or_else(|| caller.details.sender());
    draft.reference = message.reference;
    draft.tag = message.tag;
    draft.priority = message.priority;
    draft.valid_for = message.valid_for;
    draft.policy = message.policy;
    draft.timing = Timing {
        window: message.window,
        ..Timing::default()
    };
    draft.media = message.media;
    draft.once = once;
    draft.terms = terms.written();
    draft
}

/// The name under which a message is taken once: its sender's reference, where it has one, and else,
/// where the account wants that, what is in it. The blanks in them keep these names apart from the keys
/// that customers of our own API choose.
fn once(message: &Message, caller: &Caller, now: Timestamp) -> Option<Once> {
    let body = fingerprint(message);
    let api = &caller.key().api;
    let window = caller.customer().settings.same_content_window_s;
    let (key, kept_for) = match (&message.reference, caller.details.duplicates()) {
        (Some(_), Duplicates::Off) => return None,
        (Some(reference), Duplicates::SameReference) => {
            (format!("reference {api} {reference}"), UNIQUE_FOR)
        }
        (Some(reference), Duplicates::SameMessage) => {
            let key = format!("message {api} {} {reference}", hexadecimal(&body));
            (key, UNIQUE_FOR)
        }
        (None, _) if window == 0 => return None,
        (None, _) => {
            let window = Duration::from_secs(window.into());
            (format!("content {api} {}", hexadecimal(&body)), window)
        }
    };
    Some(Once {
        key: key.into(),
        body,
        keep_until: now.plus(kept_for),
        answer: None,
    })
}

/// What makes two messages the same to whoever receives them: number, sender, text and file.
fn fingerprint(message: &Message) -> [u8; 32] {
    let mut hash = Sha256::new();
    let from = message.from.as_ref().map(ToString::to_string);
    let media = message.media.as_ref().map(|media| &media.content()[..]);
    let parts = [
        message.to.as_str().as_bytes(),
        from.as_deref().unwrap_or_default().as_bytes(),
        message.text.as_bytes(),
        media.unwrap_or_default(),
    ];
    for part in parts {
        // With its length, so that nothing can move from one part into the next.
        hash.update(part.len().to_be_bytes());
        hash.update(part);
    }
    hash.finalize().into()
}

fn hexadecimal(bytes: &[u8; 32]) -> String {
    let mut digits = String::with_capacity(64);
    for byte in bytes {
        write!(digits, "{byte:02x}").expect("a string can be written to");
    }
    digits
}
