//! The one text that who opts out still gets, where the account wants it.
//!
//! Called by [`super::take`] before the number is stopped: after a crash in between, the provider's
//! second telling stops it, and the confirmation goes out once all the same, because it has a name of
//! its own.

use sha2::{Digest, Sha256};
use tidings::{E164, SenderId};
use tidings_core::Priority;
use tidings_store::{Once, StoreError, StoredInbound};

use crate::gateway::Gateway;
use crate::intake::{self, Draft, DraftRecipient};
use crate::settings::Customer;

/// By which API the confirmation is said to have come.
const ORIGIN: &str = "tidings";
/// How long it is remembered that it was accepted; providers tell a text again within days.
const REMEMBERED: std::time::Duration = std::time::Duration::from_hours(24 * 7);

/// Sends the confirmation that a text which opts out asks for. One that cannot be sent is no reason to
/// write to the number again: it is told in the log and left.
pub(super) async fn send(
    gateway: &Gateway,
    customer: &Customer,
    text: &StoredInbound,
    phone: E164,
) -> Result<(), StoreError> {
    let Some(answer) = &customer.settings.opt_out_confirmation else {
        return Ok(());
    };
    let mut draft = Draft::new(DraftRecipient::Number(phone), answer.as_str());
    // From the number that was written to, where it is one that can send.
    draft.from = SenderId::parse(&text.to).ok();
    draft.priority = Priority::High;
    draft.passes_opt_out = true;
    draft.timing.ignores_quiet_hours = true;
    draft.conversation = Some(text.conversation.clone());
    draft.once = Some(name_of(gateway, text));
    let verdicts = intake::accept(gateway, customer, ORIGIN, vec![draft]).await?;
    for verdict in verdicts {
        if let Err(rejection) = verdict {
            let (lane, code) = (&text.lane, rejection.code.as_str());
            let account = &customer.id;
            tracing::warn!(account = %account, lane = %lane, code, "account {account}: an opt-out is not confirmed: {}", rejection.detail);
        }
    }
    Ok(())
}

/// The same for the same text, however often it is told. It holds blanks, as no customer's key does.
fn name_of(gateway: &Gateway, text: &StoredInbound) -> Once {
    let body: [u8; 32] = Sha256::new()
        .chain_update(text.lane.as_str().as_bytes())
        .chain_update([0])
        .chain_update(text.provider_id.as_bytes())
        .finalize()
        .into();
    let (half, _) = body.split_at(16);
    let half: [u8; 16] = half.try_into().expect("split at 16");
    Once {
        key: format!("opt-out confirmation {:032x}", u128::from_be_bytes(half)).into(),
        body,
        keep_until: gateway.now().plus(REMEMBERED),
        answer: None,
    }
}
