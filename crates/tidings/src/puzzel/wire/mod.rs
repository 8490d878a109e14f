//! What goes over the wire: paths, requests and answers of Puzzel's gateway with their own field
//! names and raw values.
//!
//! Read and written by `encoding/`, `client.rs` and `server.rs`, translated by `map.rs`. No decision is
//! made here and no type of the rest of the workspace is known here. Fields that are not named are
//! skipped and `null` is read as absent, because the vendor's older clients write it. The fields stand
//! in the order of the vendor's XML schema, which fixes it. `Debug` shows ids, codes and sizes, never a
//! text, a number or a password.

pub mod callback;
mod scalar;
mod shape;

use std::fmt;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

pub(super) use shape::Object;
use shape::{first, list, object, optional_list};

pub use scalar::{Content, Flag, Integer, Password, Phone, Scalar};

/// Where the calls go. Both families of management paths are followed by a service id, then by
/// [`BATCH`](path::BATCH), then perhaps by a slash and a batch reference.
pub mod path {
    /// POST [`GatewayRequest`](super::GatewayRequest), answered by
    /// [`GatewayResponse`](super::GatewayResponse); GET with the same in the query.
    pub const SEND: &str = "/gw/rs/sendMessages";
    /// Management as the vendor's present clients call it.
    pub const MANAGEMENT: &str = "/management/";
    /// Management as the vendor's manual describes it.
    pub const MGMT: &str = "/mgmt/rs/service/";
    /// GET answered by [`BatchListResponse`](super::BatchListResponse); with a reference behind it GET
    /// answered by [`BatchSingleResponse`](super::BatchSingleResponse), DELETE by
    /// [`StopBatchResponse`](super::StopBatchResponse).
    pub const BATCH: &str = "/batch";
}

// ---- sending ----

/// A call that sends messages: contract model `GatewayRequest`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
#[non_exhaustive]
pub struct GatewayRequest {
    /// Which service of the account sends.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub service_id: Option<Integer>,
    /// The service's user.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub username: Option<String>,
    /// The user's password.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub password: Option<Password>,
    /// The sender's name for all messages of one or more calls.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub batch_reference: Option<String>,
    /// The messages. The name on the wire is singular.
    #[serde(deserialize_with = "list")]
    pub message: Vec<Message>,
}

/// What [`GatewayRequest`] writes, of values that somebody else keeps. It has no `Debug`, so that
/// nobody can show the password.
#[cfg(feature = "client")]
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct BorrowedRequest<'a> {
    pub(super) service_id: Integer,
    pub(super) username: &'a str,
    pub(super) password: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) batch_reference: Option<&'a str>,
    pub(super) message: &'a [Message],
}

/// One message: contract model `Message`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
#[non_exhaustive]
pub struct Message {
    /// The phone, with country code and plus.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub recipient: Option<Phone>,
    /// The text; hexadecimal for 8-bit data.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub content: Option<Content>,
    /// What the recipient pays, in the smallest unit of the currency.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub price: Option<Integer>,
    /// In the vendor's model and documented nowhere. The vendor's XML schema does not have it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub price_xml: Option<String>,
    /// The sender's name for the message.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub client_reference: Option<String>,
    /// What differs from the service's settings.
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "object")]
    pub settings: Option<Settings>,
}

/// What differs from the service's settings for one message: contract model `Settings`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
#[non_exhaustive]
pub struct Settings {
    /// The sender.
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "object")]
    pub originator_settings: Option<OriginatorSettings>,
    /// 1 to 3; which of them is the highest depends on the dialect.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub priority: Option<Integer>,
    /// Minutes or a step code, depending on the dialect.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub validity: Option<Integer>,
    /// A label for the vendor's statistics.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub differentiator: Option<String>,
    /// How old the recipient has to be: 0, 16 or 18.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub age: Option<Integer>,
    /// What a recipient who pays is buying.
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "object")]
    pub gas_settings: Option<GasSettings>,
    /// Whether the message opens a session.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub new_session: Option<Flag>,
    /// The session that the message continues.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub session_id: Option<String>,
    /// A label for the vendor's invoices.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub invoice_node: Option<String>,
    /// When the message may leave.
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "object")]
    pub send_window: Option<SendWindow>,
    /// Whether a text outside the GSM alphabet goes out as UCS-2 instead of being refused.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub auto_detect_encoding: Option<Flag>,
    /// Deprecated by the vendor: whether characters outside the GSM alphabet are dropped.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub safe_remove_non_gsm_characters: Option<Flag>,
    /// What has no field of its own. The name on the wire is singular.
    #[serde(
        skip_serializing_if = "Option::is_none",
        deserialize_with = "optional_list"
    )]
    pub parameter: Option<Vec<Parameter>>,
}

/// The sender of a message: contract model `OriginatorSettings`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
#[non_exhaustive]
pub struct OriginatorSettings {
    /// The sender as the phone shows it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub originator: Option<Phone>,
    /// Its kind, in the casing of the sender's dialect.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub originator_type: Option<String>,
}

/// What a recipient who pays is buying: contract model `GasSettings` (goods and services).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
#[non_exhaustive]
pub struct GasSettings {
    /// Five digits of the vendor's list.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub service_code: Option<String>,
    /// May appear on the recipient's bill.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
}

/// When a message may leave: contract model `SendWindow`. Days as `YYYY-MM-DD`, times as `hh:mm:ss`,
/// each perhaps followed by `Z` or a distance from UTC; without one they are Norwegian time.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
#[non_exhaustive]
pub struct SendWindow {
    /// The first day.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub start_date: Option<String>,
    /// The last day.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub stop_date: Option<String>,
    /// From when, on each day.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub start_time: Option<String>,
    /// Until when, on each day.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub stop_time: Option<String>,
}

/// What has no field of its own: contract model `Parameter`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct Parameter {
    /// One of the vendor's list, in its own spelling.
    pub key: String,
    /// The value.
    pub value: Scalar,
}

impl Parameter {
    /// A parameter as it stands on the wire.
    pub fn new(key: impl Into<String>, value: impl Into<String>) -> Self {
        Self {
            key: key.into(),
            value: Scalar(value.into()),
        }
    }
}

/// The answer to a call that sends: contract model `GatewayResponse`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
#[non_exhaustive]
pub struct GatewayResponse {
    /// The sender's name for the batch, or one that was made for it.
    pub batch_reference: Option<String>,
    /// One for each message of the call, in its order. The name on the wire is singular.
    #[serde(deserialize_with = "list")]
    pub message_status: Vec<MessageStatus>,
}

/// What the gateway says of one message: contract model `MessageStatus`. What is absent is written as
/// `null`, as the gateway does.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
#[non_exhaustive]
pub struct MessageStatus {
    /// 1 is queued; the others depend on the dialect.
    pub status_code: Option<Integer>,
    /// A sentence for people.
    pub status_message: Option<String>,
    /// The sender's name for the message.
    pub client_reference: Option<String>,
    /// The number as the gateway reads it.
    pub recipient: Option<Phone>,
    /// The gateway's id of the message.
    pub message_id: Option<String>,
    /// The session that it belongs to.
    pub session_id: Option<String>,
    /// Which message of the call it is, from 1.
    pub sequence_index: Option<Integer>,
}

// ---- batches ----

/// The batches that wait: contract model `BatchListResponse`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
#[non_exhaustive]
pub struct BatchListResponse {
    /// The batches. The name on the wire is singular.
    #[serde(deserialize_with = "list")]
    pub message_batch: Vec<BatchResponse>,
}

/// One batch that waits: contract model `BatchSingleResponse`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
#[non_exhaustive]
pub struct BatchSingleResponse {
    /// The batch, under the name that in the list holds all of them.
    #[serde(deserialize_with = "first")]
    pub message_batch: Option<BatchResponse>,
}

/// A batch that waits: contract model `BatchResponse`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
#[non_exhaustive]
pub struct BatchResponse {
    /// Its name.
    pub client_batch_reference: Option<String>,
    /// How many of its messages are left.
    pub total_size: Option<Integer>,
    /// How many of those are on hold.
    pub on_hold: Option<Integer>,
}

/// What was stopped: contract model `StopBatchResponse`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
#[non_exhaustive]
pub struct StopBatchResponse {
    /// The service.
    pub service_id: Option<Integer>,
    /// The batch's name.
    pub client_batch_reference: Option<String>,
    /// The messages that will not be sent.
    #[serde(deserialize_with = "list")]
    pub stopped_messages: Vec<StoppedMessageResponse>,
}

/// A message that was stopped: contract model `StoppedMessageResponse`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
#[non_exhaustive]
pub struct StoppedMessageResponse {
    /// The gateway's id of the message.
    pub message_id: Option<String>,
    /// The sender's name for it.
    pub client_message_reference: Option<String>,
}

// ---- failures ----

/// Why a call failed: contract model `ProblemDetails`, RFC 9457.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct ProblemDetails {
    /// A URI that stands for the kind of problem.
    #[serde(rename = "type", skip_serializing_if = "Option::is_none")]
    pub kind: Option<String>,
    /// The kind of problem for people.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// The HTTP status once more.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub status: Option<Integer>,
    /// This problem for people.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub detail: Option<String>,
    /// A URI that stands for this problem.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub instance: Option<String>,
    /// All members besides, such as `traceId` and `errors`.
    #[serde(flatten)]
    pub extra: Map<String, Value>,
}

/// A bare verdict on a call as a whole, as gateways of the old kind may give it.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
#[non_exhaustive]
pub struct BareStatus {
    /// One of the codes of [`MessageStatus`].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub status_code: Option<Integer>,
    /// A sentence for people.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub status_message: Option<String>,
}

/// Why a call failed, in the vendor's XML schema of 2013.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct Fault {
    /// A number without a published list.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub code: Option<Integer>,
    /// A sentence for people.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

// ---- what is shown ----
// The gateway's sentences may repeat what was sent: a number, a text, a password.

fn length(sentence: Option<&String>) -> Option<usize> {
    sentence.map(String::len)
}

/// Shows how long the sentence is.
impl fmt::Debug for MessageStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MessageStatus")
            .field("status_code", &self.status_code)
            .field(
                "status_message_bytes",
                &length(self.status_message.as_ref()),
            )
            .field("client_reference", &self.client_reference)
            .field("recipient", &self.recipient)
            .field("message_id", &self.message_id)
            .field("session_id", &self.session_id)
            .field("sequence_index", &self.sequence_index)
            .finish()
    }
}

/// Shows how long the sentence is.
impl fmt::Debug for BareStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BareStatus")
            .field("status_code", &self.status_code)
            .field(
                "status_message_bytes",
                &length(self.status_message.as_ref()),
            )
            .finish()
    }
}

/// Shows how long the sentence is.
impl fmt::Debug for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Fault")
            .field("code", &self.code)
            .field("reason_bytes", &length(self.reason.as_ref()))
            .finish()
    }
}

/// Shows the status and how many members there are besides.
impl fmt::Debug for ProblemDetails {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ProblemDetails")
            .field("status", &self.status)
            .field("title_bytes", &length(self.title.as_ref()))
            .field("detail_bytes", &length(self.detail.as_ref()))
            .field("n_extra", &self.extra.len())
            .finish_non_exhaustive()
    }
}
