//! The client for programs without an asynchronous runtime.
//!
//! Called by programs. It only waits for [`super::Client`], which knows everything.

use super::answers::{Queued, SendOutcome};
use super::client::SendOptions;
use super::message::Message;
use super::wire;
use crate::answer::Answer;
use crate::blocking::{blocking_client, mirror};
use crate::error::Result;

blocking_client!(puzzel);

impl Client {
    /// See [`from_env`](super::Client::from_env).
    ///
    /// # Errors
    /// Its, and those of [`new`](Self::new).
    pub fn from_env() -> Result<Self> {
        Self::new(super::Client::from_env()?)
    }

    mirror! { "super::Client" {
        #[doc(alias("send_messages", "sendMessages", "post"))]
        call send(messages: &[Message], options: &SendOptions) -> SendOutcome;
        #[doc(alias("send_message"))]
        call send_one(message: &Message, options: &SendOptions) -> Queued;
        #[doc(alias("http_get"))]
        call send_by_get(messages: &[Message], options: &SendOptions) -> SendOutcome;
        call send_wire(messages: Vec<wire::Message>, options: &SendOptions) -> SendOutcome;
        #[doc(alias("get_batch_list", "getBatchList", "batch_list"))]
        call list_batches() -> Answer<wire::BatchListResponse>;
        #[doc(alias("get_batch", "get_batch_status", "getBatchStatus", "by_client_batch_reference"))]
        call batch(reference: &str) -> Answer<wire::BatchResponse>;
        #[doc(alias("delete_batch", "stopBatch", "delete"))]
        call stop_batch(reference: &str) -> Answer<wire::StopBatchResponse>;
    } }
}
