//! Which conversation a text belongs to, and what providers tell of conversations besides texts.
//!
//! Called by [`super::take`] and [`crate::reports::hear`].

use sha2::{Digest, Sha256};
use tidings::callback::ConversationEvent;
use tidings_store::{AccountId, ConversationId, LaneId, StoreError};

use crate::gateway::Gateway;

/// The conversation between a number of ours and one of theirs, where no API and no provider gave it a
/// name. The same for both directions of writing them; no number can be read from it.
pub fn conversation_of(ours: &str, theirs: &str) -> ConversationId {
    let pair = Sha256::new()
        .chain_update(ours.as_bytes())
        .chain_update([0])
        .chain_update(theirs.as_bytes())
        .finalize();
    let (half, _) = pair.split_at(16);
    let half: [u8; 16] = half.try_into().expect("split at 16");
    format!("p-{:032x}", u128::from_be_bytes(half)).into()
}

/// Takes in what a provider tells of conversations: whether they were read, what they are called, who
/// takes part. A conversation that is not kept is nobody's yet: it begins with its first text.
pub async fn follow(
    gateway: &Gateway,
    lane: &LaneId,
    events: Vec<ConversationEvent>,
) -> Result<(), StoreError> {
    if events.is_empty() {
        return Ok(());
    }
    let store = gateway.store();
    let configured = gateway
        .lane(lane)
        .and_then(|lane| lane.config.inbound_account.as_deref().map(AccountId::from));
    let accounts = if let Some(account) = configured {
        vec![account]
    } else {
        let accounts = store.accounts().await?;
        accounts.into_iter().map(|account| account.id).collect()
    };
    for event in events {
        let told = event.conversation;
        let id = ConversationId::from(told.id.as_str());
        for account in &accounts {
            let Some(mut kept) = store.conversation(account, &id).await? else {
                continue;
            };
            let before = (kept.is_read, kept.name.clone(), kept.participants.clone());
            kept.is_read = told.is_read;
            if told.name.is_some() {
                kept.name = told.name.as_deref().map(Into::into);
            }
            if !told.remote.is_empty() {
                kept.participants = told.remote.iter().map(|it| it.as_str().into()).collect();
            }
            if before != (kept.is_read, kept.name.clone(), kept.participants.clone()) {
                kept.changed_at = gateway.now();
                store.put_conversation(kept).await?;
            }
            break;
        }
    }
    Ok(())
}
