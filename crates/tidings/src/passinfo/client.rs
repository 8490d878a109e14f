//! The client of the PassInfo API: messages, their status, and the account.
//!
//! Called by programs that use PassInfo directly, and through `submit.rs` by everything that knows
//! only [`Provider`](crate::Provider). Contacts are in `contacts.rs`, groups in `groups.rs`, the
//! renewal of the key in `renewal.rs`. It repeats no call that may have arrived: retrying is the
//! layers' work.

use std::fmt;
use std::ops::Range;
use std::pin::pin;
use std::sync::{Arc, Mutex};

use arc_swap::ArcSwap;
use bytes::Bytes;
use http::header::{ACCEPT, CONTENT_TYPE};
use http::{HeaderMap, HeaderName, HeaderValue, Method, Request};
use secrecy::{ExposeSecret, SecretString};
use serde::Serialize;
use tidings_core::text::Policy;
use tidings_core::{Clock, DeliveryReport, E164, ProviderRef, SenderId};
use tokio::task::JoinSet;
use tracing::Instrument;

use super::answers::{BatchStatus, BulkChunk, BulkOutcome, BulkReceipt, Sent};
use super::builder::OnNewKey;
use super::groups::GroupCache;
use super::map::{self, PROVIDER};
use super::verdict::{self, Call, Judged};
use super::wire::{self, path};
use crate::answer::{self, Answer, HttpMetadata};
use crate::error::{Acceptance, Error, ErrorKind, Result};
use crate::http::{BaseUrl, HttpClient};

/// A client of one PassInfo account.
///
/// Cloning is cheap, and all clones share the credentials, the connections and the cached groups.
///
/// Every call can be given up by dropping its future. What the server had by then it does all the
/// same, and of a message that was on its way nobody learns what became of it.
///
/// ```no_run
/// use tidings::{E164, SenderId, passinfo};
///
/// # async fn example() -> Result<(), Box<dyn std::error::Error>> {
/// let client = passinfo::Client::builder()
///     .client_id(1234)
///     .api_key("the key from the dashboard")
///     .default_sender(SenderId::parse("Tidings")?)
///     .build()?;
/// let to = E164::parse("+224622000001", None)?;
/// let sent = client.send(&to, "Bonjour", None).await?;
/// let report = client.message_status(&sent.id).await?;
/// println!("{}: {:?}", sent.id, report.state);
/// # Ok(())
/// # }
/// ```
///
/// These methods make their calls once. With time limits and another try where that is safe, the
/// client goes as a [`Provider`](crate::Provider) into
/// [`layers::standard`](crate::layers::standard); a clone of it stays for the other calls:
///
/// ```no_run
/// use std::sync::Arc;
/// use tidings::layers::{self, Jitter, LayerSettings};
/// use tidings::{ClientRef, E164, Message, Outbound, Provider, SystemClock, passinfo};
///
/// # async fn example() -> Result<(), Box<dyn std::error::Error>> {
/// let client = passinfo::Client::from_env()?;
/// let inner = Arc::new(client.clone());
/// let clock = Arc::new(SystemClock::new());
/// let provider = layers::standard(inner, &LayerSettings::default(), clock, Jitter::random());
///
/// let message = Message::new(E164::parse("+224622000001", None)?, "Bonjour");
/// let outbound = Outbound::new(ClientRef::new("order-1")?, message);
/// let receipt = provider.submit(&[outbound]).await?.remove(0)?;
/// let report = provider.status(&[receipt.provider_ref]).await?.remove(0);
/// println!("{:?}, {} credits left", report.state, client.credits().await?.value);
/// # Ok(())
/// # }
/// ```
#[doc(alias("PassInfoSDKClient", "PassInfoAPI"))]
#[derive(Clone)]
pub struct Client {
    shared: Arc<Shared>,
}

/// What all clones of a client share.
pub(super) struct Shared {
    pub(super) http: HttpClient,
    pub(super) base: BaseUrl,
    pub(super) client_id: String,
    pub(super) client_id_header: HeaderValue,
    pub(super) credential: ArcSwap<Credential>,
    /// Held while the key is being renewed; what came with the last renewal's answer.
    pub(super) renewal: tokio::sync::Mutex<HttpMetadata>,
    /// Renewals under way: they go on when whoever asked for them has gone.
    pub(super) renewing: Mutex<JoinSet<()>>,
    pub(super) on_new_key: Option<OnNewKey>,
    pub(super) default_sender: Option<SenderId>,
    pub(super) bulk_size: usize,
    pub(super) groups: GroupCache,
    pub(super) clock: Arc<dyn Clock>,
}

/// The key, and the same as a header that is never shown.
pub(super) struct Credential {
    pub(super) key: SecretString,
    header: HeaderValue,
}

impl Credential {
    /// `None` when no header can carry the key.
    pub(super) fn new(key: SecretString) -> Option<Self> {
        let mut header = HeaderValue::from_str(key.expose_secret().trim()).ok()?;
        header.set_sensitive(true);
        Some(Self { key, header })
    }
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("passinfo::Client")
            .field("base_url", &self.shared.base.to_string())
            .field("client_id", &self.shared.client_id)
            .finish_non_exhaustive()
    }
}

impl Client {
    pub(super) fn of(shared: Shared) -> Self {
        Self {
            shared: Arc::new(shared),
        }
    }

    pub(super) fn shared(&self) -> &Shared {
        &self.shared
    }

    /// Sends one text to one phone. Without `from` the client's default sender is used.
    ///
    /// # Errors
    /// Before anything is sent: [`ErrorKind::InvalidRecipient`] when the number is not one of
    /// Guinea, [`ErrorKind::InvalidSender`] without a sender or with a phone number as one,
    /// [`ErrorKind::InvalidMessage`] when the text is empty or needs more than 255 parts. Otherwise what the answer says; after a
    /// success that cannot be read or has no id, [`ErrorKind::Protocol`] with
    /// [`Acceptance::Unknown`].
    #[doc(alias = "send_message")]
    pub async fn send(
        &self,
        to: &E164,
        text: &str,
        from: Option<&SenderId>,
    ) -> Result<Answer<Sent>> {
        const CALL: Call = Call::acts("send_message");
        let body = wire::SingleMessage {
            message: checked_text(CALL, text)?.to_owned(),
            contact: map::national(to).map_err(|error| error.during(PROVIDER, CALL.operation))?,
            sender_name: self.sender(CALL, from)?,
        };
        let answer: Answer<wire::SendAnswer> = self.post(CALL, path::SINGLE_MESSAGE, &body).await?;
        let Some(sent) = map::sent(&answer) else {
            let what = "passinfo took the message and gave no id of it";
            return Err(CALL.unreadable(what, answer.http));
        };
        tracing::debug!(provider = PROVIDER, provider.message_id = %sent.id, "passinfo took message {}", sent.id);
        Ok(answer.map(|_| sent))
    }

    /// Sends one text to many phones, in calls of at most
    /// [`bulk_size`](super::ClientBuilder::bulk_size) recipients, one after the other in the order
    /// of the list. The answer tells of each call what happened to it.
    ///
    /// A call that PassInfo refuses does not hold up the others. After one whose outcome is unknown,
    /// or which failed for a reason that would meet the next as well (credentials, credit, rate,
    /// reachability), no further call is made, and the rest is reported as not sent.
    ///
    /// ```no_run
    /// use std::time::Duration;
    /// use tidings::{E164, passinfo};
    ///
    /// # async fn example(client: passinfo::Client, list: Vec<E164>) -> tidings::Result<()> {
    /// let outcome = client.send_bulk(&list, "Bonjour", None).await?;
    /// let mut again: Vec<E164> = Vec::new();
    /// let mut wait = Duration::ZERO;
    /// for chunk in outcome.chunks {
    ///     match chunk.outcome {
    ///         Ok(receipt) => println!("{:?}: {} queued", receipt.batch_id, receipt.queued),
    ///         Err(error) if error.is_safe_to_resend() => {
    ///             again.extend(&list[chunk.recipients]);
    ///             wait = wait.max(error.retry_after().unwrap_or_default());
    ///         }
    ///         Err(error) => println!("{:?}: {error}", chunk.recipients),
    ///     }
    /// }
    /// // After `wait`, `again` may be sent to without a second text to anybody.
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// Before anything is sent, as [`Client::send`] and for an empty list.
    #[doc(alias = "send_message_bulk")]
    pub async fn send_bulk(
        &self,
        to: &[E164],
        text: &str,
        from: Option<&SenderId>,
    ) -> Result<BulkOutcome> {
        let text = checked_text(BULK, text)?;
        let sender = self.sender(BULK, from)?;
        if to.is_empty() {
            return Err(not_sent(
                BULK,
                ErrorKind::InvalidRecipient,
                "a bulk message needs at least one recipient",
            ));
        }
        let contacts: Vec<wire::Phone> = to
            .iter()
            .map(map::national)
            .collect::<Result<_>>()
            .map_err(|error| error.during(PROVIDER, BULK.operation))?;

        let mut chunks = Vec::with_capacity(to.len().div_ceil(self.shared.bulk_size));
        let mut stopped_by: Option<Error> = None;
        for contacts in contacts.chunks(self.shared.bulk_size) {
            let recipients = next_range(&chunks, contacts.len());
            let outcome = match &stopped_by {
                Some(cause) => Err(not_attempted(cause)),
                None => self.send_bulk_call(text, contacts.to_vec(), &sender).await,
            };
            if let Err(error) = &outcome
                && stopped_by.is_none()
                && meets_the_next_call_too(error)
            {
                stopped_by = Some(not_attempted(error));
            }
            chunks.push(BulkChunk {
                recipients,
                outcome,
            });
        }
        Ok(BulkOutcome { chunks })
    }

    /// One bulk call, whose arguments have been checked.
    pub(super) async fn send_bulk_call(
        &self,
        text: &str,
        contacts: Vec<wire::Phone>,
        sender: &str,
    ) -> Result<Answer<BulkReceipt>> {
        let n_recipients = contacts.len();
        let body = wire::BulkMessage {
            message: text.to_owned(),
            contacts,
            sender_name: sender.to_owned(),
        };
        let answer: Answer<wire::BulkAnswer> = self.post(BULK, path::BULK_MESSAGE, &body).await?;
        let receipt = map::bulk_receipt(&answer, n_recipients);
        tracing::debug!(
            provider = PROVIDER,
            provider.batch_id = receipt.batch_id,
            queued = receipt.queued,
            failed = receipt.failed,
            "passinfo took a bulk call"
        );
        Ok(answer.map(|_| receipt))
    }

    /// How far a message has come. Ask by the id that [`Client::send`] gave.
    ///
    /// # Errors
    /// [`ErrorKind::NotFound`] when PassInfo does not know the id.
    #[doc(alias = "get_message_status")]
    pub async fn message_status(&self, message_id: &str) -> Result<Answer<DeliveryReport>> {
        const CALL: Call = Call::asks("get_message_status");
        let path = with_id(CALL, path::SINGLE_STATUS, message_id)?;
        let answer: Answer<wire::StatusAnswer> = self.ask(CALL, &path).await?;
        let about = ProviderRef::message(message_id);
        Ok(answer.map(|status| map::delivery_report(about, &status)))
    }

    /// How far a batch has come. Ask by the id that [`Client::send_bulk`] gave, until the state
    /// [is final](super::BatchState::is_final).
    ///
    /// # Errors
    /// [`ErrorKind::NotFound`] when PassInfo does not know the id.
    #[doc(alias = "get_message_status_bulk")]
    pub async fn batch_status(&self, batch_id: &str) -> Result<Answer<BatchStatus>> {
        const CALL: Call = Call::asks("get_message_status_bulk");
        let path = with_id(CALL, path::BULK_STATUS, batch_id)?;
        let answer: Answer<wire::BulkStatusAnswer> = self.ask(CALL, &path).await?;
        Ok(answer.map(|status| map::batch_status(&status)))
    }

    /// How many SMS credits are left on the account.
    #[doc(alias("get_sms_count", "get_solde", "solde"))]
    pub async fn credits(&self) -> Result<Answer<i64>> {
        const CALL: Call = Call::asks("get_sms_count");
        let answer: Answer<wire::BalanceAnswer> = self.ask(CALL, path::BALANCE).await?;
        Ok(answer.map(|balance| balance.solde.0))
    }

    /// The sender to use, in the vendor's form.
    pub(super) fn sender(&self, call: Call, from: Option<&SenderId>) -> Result<String> {
        match from.or(self.shared.default_sender.as_ref()) {
            Some(sender) => {
                map::sender_name(sender).map_err(|error| error.during(PROVIDER, call.operation))
            }
            None => Err(not_sent(
                call,
                ErrorKind::InvalidSender,
                "passinfo needs a sender, and neither the message nor the account has one",
            )),
        }
    }

    pub(super) async fn ask<T: Judged>(&self, call: Call, path: &str) -> Result<Answer<T>> {
        self.exchange(call, Method::GET, path, Bytes::new()).await
    }

    pub(super) async fn post<T: Judged>(
        &self,
        call: Call,
        path: &str,
        body: &(impl Serialize + Sync),
    ) -> Result<Answer<T>> {
        let body = json(call, body)?;
        self.exchange(call, Method::POST, path, body).await
    }

    /// Makes a call, and makes it once more when its key was refused and has been replaced in the
    /// meantime: a call that was refused for its key has done nothing.
    async fn exchange<T: Judged>(
        &self,
        call: Call,
        method: Method,
        path: &str,
        body: Bytes,
    ) -> Result<Answer<T>> {
        let credential = self.shared.credential.load_full();
        let first = self
            .exchange_with(&credential, call, method.clone(), path, body.clone())
            .await;
        match first {
            Err(error) if error.kind() == ErrorKind::Unauthorized => {
                let newer = self.credential_after_renewal().await;
                if Arc::ptr_eq(&newer, &credential) {
                    return Err(error);
                }
                self.exchange_with(&newer, call, method, path, body).await
            }
            answered => answered,
        }
    }

    /// Makes one call with one key and reads its answer.
    pub(super) async fn exchange_with<T: Judged>(
        &self,
        credential: &Credential,
        call: Call,
        method: Method,
        path: &str,
        body: Bytes,
    ) -> Result<Answer<T>> {
        let request = self.request(credential, call, method, path, body)?;
        let span =
            tracing::debug_span!("passinfo", provider = PROVIDER, operation = call.operation);
        // Pinned where it is: a move would copy all that it may ever hold.
        let exchange = pin!(async {
            let response = self.shared.http.send(request).await;
            let read = match response {
                Ok(response) => verdict::read(call, &response),
                Err(failure) => Err(failure.into_error(PROVIDER, call.operation, call.carries)),
            };
            answer::trace(PROVIDER, &read);
            read
        });
        exchange.instrument(span).await
    }

    fn request(
        &self,
        credential: &Credential,
        call: Call,
        method: Method,
        path: &str,
        body: Bytes,
    ) -> Result<Request<Bytes>> {
        const JSON: HeaderValue = HeaderValue::from_static("application/json");
        const API_KEY: HeaderName = HeaderName::from_static(wire::API_KEY);
        const CLIENT_ID: HeaderName = HeaderName::from_static(wire::CLIENT_ID);
        let base = &self.shared.base;
        let uri = base.uri(path).ok_or_else(|| {
            not_sent(
                call,
                ErrorKind::Config,
                "the base_url cannot be continued by a path",
            )
        })?;
        // Room for those that the HTTP client and its engine add: the map does not grow on the way.
        let mut headers = HeaderMap::with_capacity(8);
        headers.insert(API_KEY, credential.header.clone());
        headers.insert(CLIENT_ID, self.shared.client_id_header.clone());
        headers.insert(CONTENT_TYPE, JSON);
        headers.insert(ACCEPT, JSON);
        let mut request = Request::new(body);
        *request.method_mut() = method;
        *request.uri_mut() = uri;
        *request.headers_mut() = headers;
        Ok(request)
    }
}

const BULK: Call = Call::acts("send_message_bulk");

pub(super) fn json(call: Call, body: &impl Serialize) -> Result<Bytes> {
    // Room for most texts, so that the buffer need not grow.
    let mut written = Vec::with_capacity(512);
    match serde_json::to_writer(&mut written, body) {
        Ok(()) => Ok(written.into()),
        Err(_) => Err(not_sent(
            call,
            ErrorKind::InvalidMessage,
            "the request cannot be written as json",
        )),
    }
}

/// A path that ends in an id, which may hold any character.
pub(super) fn with_id(call: Call, path: &str, id: &str) -> Result<String> {
    let mut whole = path.to_owned();
    if BaseUrl::push_id(&mut whole, id) {
        Ok(whole)
    } else {
        Err(not_sent(
            call,
            ErrorKind::NotFound,
            "nothing has an empty id",
        ))
    }
}

/// A text that can be sent: there is something in it, and its parts can be numbered.
pub(super) fn checked_text(call: Call, text: &str) -> Result<&str> {
    if text.is_empty() {
        return Err(not_sent(
            call,
            ErrorKind::InvalidMessage,
            "the text is empty",
        ));
    }
    match tidings_core::text::plan(text, &Policy::default()) {
        Ok(_) => Ok(text),
        Err(error) => {
            let what = "the text needs more than 255 parts";
            Err(not_sent(call, ErrorKind::InvalidMessage, what).with_source(error))
        }
    }
}

pub(super) fn not_sent(call: Call, kind: ErrorKind, what: &'static str) -> Error {
    Error::not_sent(kind, what).during(PROVIDER, call.operation)
}

/// The positions of the `length` recipients after those of the chunks so far.
fn next_range(chunks: &[BulkChunk], length: usize) -> Range<usize> {
    let start = chunks.last().map_or(0, |chunk| chunk.recipients.end);
    start..start + length
}

/// Whether the next call of the same kind would fail for the same reason, or should wait until
/// somebody has looked at this one.
pub(super) fn meets_the_next_call_too(error: &Error) -> bool {
    match error.acceptance() {
        Acceptance::Unknown | Acceptance::NotSent => true,
        // An address that is not there is not there for the next call either.
        Acceptance::Refused => error.kind() == ErrorKind::NotFound,
    }
}

/// The error of a call that was not made because an earlier one had failed.
pub(super) fn not_attempted(cause: &Error) -> Error {
    Error::not_attempted(cause).during(PROVIDER, BULK.operation)
}
