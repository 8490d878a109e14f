//! Messages that came to nothing are sent again because a person asks for it: each once, however often
//! they ask.
//!
//! Called by the API's handlers and the command. A message that is sent again is a new one that names the old
//! one; what was true then is checked anew.

use std::sync::Arc;

use tidings_core::{Media, MessageState, Timestamp};
use tidings_store::{
    BatchId, BatchPlace, MessageFilter, MessageId, NewBatch, OpenedBatch, PageRequest, StoreError,
    StoredMessage,
};

use super::accept::{Row, take};
use super::check::Ground;
use super::draft::{Draft, DraftRecipient};
use super::once;
use super::verdict::Verdict;
use crate::gateway::Gateway;
use crate::settings::Customer;

/// In which states a message has come to nothing.
pub const DEAD: [MessageState; 3] = [
    MessageState::Failed,
    MessageState::Undelivered,
    MessageState::Expired,
];

/// Messages in one transaction; their files are in memory at the same time.
const ROWS_AT_ONCE: usize = 500;

/// What was sent again of a batch.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Resent {
    /// The batch of the new messages; `None` where the old one has nothing to be sent again.
    pub batch: Option<BatchId>,
    /// Every message of the old batch that came to nothing.
    pub messages: Vec<ResentMessage>,
}

/// What became of the wish to send one message again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ResentMessage {
    /// The old message.
    pub of: MessageId,
    /// The new one, or why there is none. It is marked as repeated where it was sent again before.
    pub verdict: Verdict,
}

/// Why nothing was sent again.
#[derive(Debug, thiserror::Error)]
pub enum ResendError {
    /// The account has no such message or batch.
    #[error("there is no such {0}")]
    NotFound(&'static str),
    /// Nobody knows whether it went out.
    #[error(
        "the message is unknown: it may have gone out, so it is not sent again; if it may arrive twice, send \
         it as a new message"
    )]
    MayHaveLeft,
    /// The message has not come to nothing.
    #[error("the message is {0}; only one that failed, was undelivered or expired is sent again")]
    NotDead(MessageState),
    /// The store did not do it.
    #[error("the store did not take it")]
    Store(#[from] StoreError),
}

/// Sends one message again that came to nothing.
///
/// # Errors
/// [`ResendError`] where there is none, or it is not at such an end.
pub async fn resend(
    gateway: &Gateway,
    customer: &Customer,
    id: MessageId,
) -> Result<Verdict, ResendError> {
    let found = gateway.store().message(Some(&customer.id), id).await?;
    let message = found.ok_or(ResendError::NotFound("message"))?.message;
    if message.state == MessageState::Unknown {
        return Err(ResendError::MayHaveLeft);
    }
    if !DEAD.contains(&message.state) {
        return Err(ResendError::NotDead(message.state));
    }
    let media = gateway.store().media(&[id]).await?.pop().flatten();
    let ground = Ground::new(gateway, customer, Arc::clone(&message.origin));
    let row = Row {
        draft: Ok(draft_of(&message, media, &ground)),
        place: None,
        hash: None,
    };
    let mut taken = take(&ground, vec![row], |_, _| Ok(())).await?;
    taken.verdicts.pop().ok_or(ResendError::NotFound("message"))
}

/// Sends all messages of a batch again that came to nothing, in a batch of their own, which is the same
/// one however often it is asked for.
///
/// # Errors
/// [`ResendError`] where there is no such batch.
pub async fn resend_failed(
    gateway: &Gateway,
    customer: &Customer,
    batch: BatchId,
) -> Result<Resent, ResendError> {
    let store = gateway.store();
    let old = store.batch(Some(&customer.id), batch).await?;
    let old = old.ok_or(ResendError::NotFound("batch"))?;
    let mut resent = Resent::default();
    let mut after = None;
    loop {
        let page = store.messages(MessageFilter {
            account: Some(customer.id.clone()),
            states: DEAD.to_vec(),
            batch: Some(batch),
            page: PageRequest {
                after: after.take(),
                limit: ROWS_AT_ONCE,
            },
            ..MessageFilter::default()
        });
        let page = page.await?;
        if !page.items.is_empty() {
            let id = match resent.batch {
                Some(id) => id,
                None => open(gateway, customer, &old.origin, batch).await?,
            };
            resent.batch = Some(id);
            let messages = again(gateway, customer, &old.origin, id, page.items).await?;
            resent.messages.extend(messages);
        }
        match page.next {
            Some(next) => after = Some(next),
            None => break,
        }
    }
    if let Some(id) = resent.batch {
        let refused = resent.messages.iter().filter(|it| it.verdict.is_err());
        let n_rejected = refused.count() as u64;
        let once = Some(once::of_resent_batch(batch));
        store
            .close_batch(id, n_rejected, once, gateway.now())
            .await?;
        gateway.signals().happened();
    }
    Ok(resent)
}

/// The batch in which the messages of another are sent again.
async fn open(
    gateway: &Gateway,
    customer: &Customer,
    origin: &Arc<str>,
    old: BatchId,
) -> Result<BatchId, StoreError> {
    let batch = NewBatch {
        id: BatchId(gateway.new_id()),
        reference: None,
        origin: Arc::clone(origin),
        once: Some(once::of_resent_batch(old)),
        joins: false,
        resend_of: Some(old),
    };
    let store = gateway.store();
    match store.open_batch(&customer.id, batch, gateway.now()).await? {
        OpenedBatch::New(id) | OpenedBatch::Resumed(id) | OpenedBatch::Before { id, .. } => Ok(id),
        OpenedBatch::InWork | OpenedBatch::OtherRequest => Err(StoreError::conflict(
            "the batch is being sent again at this moment",
        )),
    }
}

async fn again(
    gateway: &Gateway,
    customer: &Customer,
    origin: &Arc<str>,
    batch: BatchId,
    messages: Vec<StoredMessage>,
) -> Result<Vec<ResentMessage>, StoreError> {
    let ids: Vec<MessageId> = messages.iter().map(|message| message.id).collect();
    let media = gateway.store().media(&ids).await?;
    let ground = Ground::new(gateway, customer, Arc::clone(origin));
    let rows = messages.iter().zip(media).map(|(message, media)| Row {
        draft: Ok(draft_of(message, media, &ground)),
        place: message.batch.map(|place| BatchPlace {
            batch,
            index: place.index,
        }),
        hash: None,
    });
    let taken = take(&ground, rows.collect(), |_, _| Ok(())).await?;
    let each = messages.iter().zip(taken.verdicts);
    Ok(each
        .map(|(message, verdict)| ResentMessage {
            of: message.id,
            verdict,
        })
        .collect())
}

fn draft_of(message: &StoredMessage, media: Option<Media>, ground: &Ground<'_>) -> Draft {
    let text = message.original_text.as_ref().unwrap_or(&message.text);
    let mut draft = Draft::new(DraftRecipient::Number(message.to), Arc::clone(text));
    draft.from.clone_from(&message.from);
    draft.reference = message.reference.as_deref().and_then(|it| it.parse().ok());
    draft.tag = message.tag.as_deref().and_then(|tag| tag.parse().ok());
    draft.priority = message.priority;
    draft.policy = Some(message.policy);
    // What was worth five minutes then is so now; what was held back then is not worth more.
    let was_valid = |until: Timestamp| until.since(message.accepted_at).min(ground.valid_for);
    draft.valid_for = message.expires_at.map(was_valid);
    draft.media = media;
    draft.terms.clone_from(&message.terms);
    draft.conversation.clone_from(&message.conversation);
    draft.resend_of = Some(message.id);
    draft.once = Some(once::of_resend(message.id));
    draft
}
