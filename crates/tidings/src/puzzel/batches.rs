//! The client's calls about batches of which messages still wait, and [`QueuedBatches`] over them.
//!
//! Called by programs and through [`Provider::batches`](crate::Provider::batches). Puzzel knows a
//! batch only while messages of it are throttled or scheduled.

use async_trait::async_trait;
use http::Method;

use super::ManagementPath;
use super::answers::client_ref;
use super::client::Client;
use super::verdict::Call;
use super::wire::{self, path};
use crate::answer::Answer;
use crate::batches::{QueuedBatch, QueuedBatches, StoppedBatch, StoppedMessage};
use crate::error::{ErrorKind, Result};
use crate::http::BaseUrl;

const LIST: Call = Call::asks("list_batches");
const SHOW: Call = Call::asks("batch");
const STOP: Call = Call::acts("stop_batch");

impl Client {
    /// The batches of the service of which messages still wait. The counts may be a minute old.
    #[doc(alias("get_batch_list", "getBatchList", "batch_list", "get"))]
    pub async fn list_batches(&self) -> Result<Answer<wire::BatchListResponse>> {
        let target = self.batches_path();
        self.manage(LIST, Method::GET, &target, "messageBatch")
            .await
    }

    /// A batch of which messages still wait: how many are left, and how many of those are on hold.
    ///
    /// # Errors
    /// [`ErrorKind::NotFound`] when the gateway has nothing left of it, or never had.
    #[doc(alias(
        "get_batch",
        "get_batch_status",
        "getBatchStatus",
        "by_client_batch_reference"
    ))]
    pub async fn batch(&self, reference: &str) -> Result<Answer<wire::BatchResponse>> {
        let target = self.batch_path(SHOW, reference)?;
        let answer: Answer<wire::BatchSingleResponse> = self
            .manage(SHOW, Method::GET, &target, "messageBatch")
            .await?;
        let Answer { value, http } = answer;
        match value.message_batch {
            Some(batch) if batch.total_size.is_some() => Ok(Answer::new(batch, http)),
            Some(_) | None => {
                let what = "puzzel gave an answer that does not tell how much is left of the batch";
                Err(SHOW.unreadable(what, http))
            }
        }
    }

    /// Stops what has not left of a batch, for good. The answer names exactly the messages that were
    /// stopped; all others may have been sent.
    ///
    /// # Errors
    /// [`ErrorKind::NotFound`] when the gateway has nothing left of it, or never had. When the error's
    /// [`acceptance`](crate::Error::acceptance) is unknown, the batch may have been stopped.
    #[doc(alias("delete_batch", "stopBatch", "delete"))]
    pub async fn stop_batch(&self, reference: &str) -> Result<Answer<wire::StopBatchResponse>> {
        let target = self.batch_path(STOP, reference)?;
        self.manage(STOP, Method::DELETE, &target, "stoppedMessages")
            .await
    }

    fn batches_path(&self) -> String {
        let family = match self.shared().management {
            ManagementPath::Management => path::MANAGEMENT,
            ManagementPath::Mgmt => path::MGMT,
        };
        format!("{family}{}{}", self.shared().service_id, path::BATCH)
    }

    fn batch_path(&self, call: Call, reference: &str) -> Result<String> {
        let mut target = self.batches_path();
        target.push('/');
        if BaseUrl::push_id(&mut target, reference) {
            return Ok(target);
        }
        let what = "no batch has an empty reference or one of nothing but dots";
        Err(call.not_sent(ErrorKind::NotFound, what))
    }
}

#[async_trait]
impl QueuedBatches for Client {
    async fn list(&self) -> Result<Vec<QueuedBatch>> {
        let Answer { value, http } = self.list_batches().await?;
        let batches = value.message_batch.into_iter();
        let batches: Option<Vec<_>> = batches.map(queued_batch).collect();
        batches.ok_or_else(|| {
            let what = "puzzel gave a list with a batch without a reference or a size";
            LIST.unreadable(what, http)
        })
    }

    async fn show(&self, reference: &str) -> Result<QueuedBatch> {
        let mut batch = self.batch(reference).await?.into_value();
        batch
            .client_batch_reference
            .get_or_insert_with(|| reference.to_owned());
        Ok(queued_batch(batch).unwrap_or_else(|| QueuedBatch::new(reference, 0)))
    }

    async fn stop(&self, reference: &str) -> Result<StoppedBatch> {
        let Answer { value, http } = self.stop_batch(reference).await?;
        let stopped = value.stopped_messages.into_iter().map(|message| {
            let reference = client_ref(message.client_message_reference.as_deref());
            // Either of the two tells which message it is.
            (message.message_id.is_some() || reference.is_some())
                .then(|| StoppedMessage::new(message.message_id.unwrap_or_default(), reference))
        });
        let Some(stopped) = stopped.collect() else {
            let what = "puzzel stopped the batch and did not name a message that it stopped";
            return Err(STOP.unreadable(what, http));
        };
        let reference = value
            .client_batch_reference
            .unwrap_or_else(|| reference.to_owned());
        Ok(StoppedBatch::new(reference, stopped))
    }
}

/// `None` without a reference or a size.
fn queued_batch(batch: wire::BatchResponse) -> Option<QueuedBatch> {
    let count = |number: wire::Integer| u64::try_from(number.0).unwrap_or(0);
    let reference = batch.client_batch_reference?;
    let on_hold = batch.on_hold.map_or(0, count);
    Some(QueuedBatch::new(reference, count(batch.total_size?)).on_hold(on_hold))
}
