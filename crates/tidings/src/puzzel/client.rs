//! The client of Puzzel's gateway: sending. Batches are in `batches.rs`.
//!
//! Called by programs that use Puzzel directly, and through `submit.rs` by everything that knows only
//! [`Provider`](crate::Provider). It repeats no call that may have arrived: retrying is the layers'
//! work.

use std::fmt;
use std::pin::pin;
use std::sync::Arc;

use bytes::Bytes;
use http::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE};
use http::{HeaderMap, HeaderValue, Method, Request, Uri};
use secrecy::{ExposeSecret, SecretString};
use serde::de::DeserializeOwned;
use tidings_core::Clock;
use tracing::Instrument;

use super::answers::{Queued, SendCall, SendOutcome};
use super::check;
use super::encoding::{self, Encoding};
use super::map::{FieldFault, PROVIDER};
use super::message::Message;
use super::reference::BatchNames;
use super::settings::OriginatorSettings;
use super::verdict::{self, Call, Sent};
use super::wire::{self, path};
use super::{Dialect, ManagementPath};
use crate::answer::{self, Answer};
use crate::error::{Acceptance, Error, ErrorKind, Result};
use crate::http::{BaseUrl, HttpClient, HttpResponse};

/// A client of one service of a Puzzel account.
///
/// Cloning is cheap, and all clones share the connections.
///
/// Every call can be given up by dropping its future. What the server had by then it does all the
/// same, and of a message that was on its way nobody learns what became of it.
///
/// ```no_run
/// use std::time::Duration;
/// use tidings::puzzel::{self, Message, SendOptions, Settings};
///
/// # async fn example() -> tidings::Result<()> {
/// let client = puzzel::Client::builder()
///     .service_id(1000)
///     .username("demo")
///     .password("the password of the service")
///     .build()?;
/// let messages = [
///     Message::new("+4700000001", "Hei").client_reference("order-1"),
///     Message::new("+4700000002", "Hallo")
///         .client_reference("order-2")
///         .settings(Settings::new().validity(Duration::from_secs(600))),
/// ];
/// let outcome = client.send(&messages, &SendOptions::new()).await?;
/// for verdict in &outcome.verdicts {
///     match verdict {
///         Ok(queued) => println!("{} is {:?}", queued.sequence_index, queued.message_id()),
///         Err(error) => println!("{error}"),
///     }
/// }
/// // Stops what has not left yet, and says exactly what that was.
/// let batch = outcome.batch_reference.expect("the client names its batches");
/// println!("{:?}", client.stop_batch(&batch).await?.stopped_messages);
/// # Ok(())
/// # }
/// ```
///
/// These methods make their calls once. With time limits and another try where that is safe, the
/// client goes as a [`Provider`](crate::Provider) into
/// [`layers::standard`](crate::layers::standard); a clone of it stays for the other calls.
#[doc(alias("MtHttpClient"))]
#[derive(Clone)]
pub struct Client {
    shared: Arc<Shared>,
}

/// What all clones of a client share.
pub(super) struct Shared {
    pub(super) http: HttpClient,
    pub(super) base: BaseUrl,
    /// Where calls that send go.
    pub(super) send_uri: Uri,
    pub(super) service_id: i32,
    pub(super) username: String,
    pub(super) password: SecretString,
    /// The user name and password as a header that is never shown.
    pub(super) basic: HeaderValue,
    pub(super) dialect: Dialect,
    pub(super) encoding: Encoding,
    pub(super) management: ManagementPath,
    pub(super) default_sender: Option<OriginatorSettings>,
    pub(super) bulk_size: usize,
    pub(super) duplicate_checking: bool,
    pub(super) names: BatchNames,
    pub(super) clock: Arc<dyn Clock>,
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("puzzel::Client")
            .field("base_url", &self.shared.base.to_string())
            .field("service_id", &self.shared.service_id)
            .field("dialect", &self.shared.dialect)
            .finish_non_exhaustive()
    }
}

/// How a list of messages is sent.
#[derive(Clone, Debug, Default)]
pub struct SendOptions {
    batch: BatchChoice,
    encoding: Option<Encoding>,
}

#[derive(Clone, Debug, Default)]
enum BatchChoice {
    #[default]
    Made,
    Named(String),
    LeftToGateway,
}

impl SendOptions {
    /// Under a name that is made for the batch, in the client's form.
    pub fn new() -> Self {
        Self::default()
    }

    /// Gives the batch a name of the caller's. Several lists under one name are one batch for the
    /// gateway.
    #[doc(alias("batchReference"))]
    #[must_use]
    pub fn batch_reference(mut self, name: impl Into<String>) -> Self {
        self.batch = BatchChoice::Named(name.into());
        self
    }

    /// Leaves it to the gateway to name the batch. When the answer is lost, nobody knows the name. A
    /// list of several calls is named all the same, because they would be several batches.
    #[must_use]
    pub fn without_batch_reference(mut self) -> Self {
        self.batch = BatchChoice::LeftToGateway;
        self
    }

    /// The form in which the messages travel.
    #[must_use]
    pub fn encoding(mut self, encoding: Encoding) -> Self {
        self.encoding = Some(encoding);
        self
    }
}

/// How one list goes out.
#[derive(Clone, Copy, Debug)]
pub(super) enum How {
    Post(Encoding),
    Get,
}

impl How {
    /// Whose words for kinds of senders are used.
    fn encoding(self) -> Encoding {
        match self {
            Self::Post(encoding) => encoding,
            Self::Get => Encoding::Form,
        }
    }
}

pub(super) const SEND: Call = Call::acts("send_messages");

impl Client {
    pub(super) fn of(shared: Shared) -> Self {
        Self {
            shared: Arc::new(shared),
        }
    }

    pub(super) fn shared(&self) -> &Shared {
        &self.shared
    }

    /// Sends messages, in calls of at most [`bulk_size`](super::ClientBuilder::bulk_size), one after
    /// the other in the order of the list and under one batch reference. The outcome tells what is
    /// known of each message. With duplicate checking a list has to fit into one call, because the
    /// gateway takes each batch reference once.
    ///
    /// A call that Puzzel refuses does not hold up the others. After one whose outcome is unknown, or
    /// which failed for a reason that would meet the next as well (credentials, rate, reachability),
    /// no further call is made, and the rest is reported as not sent. Nothing is sent twice.
    ///
    /// # Errors
    /// Before anything is sent: [`ErrorKind::InvalidMessage`], [`ErrorKind::InvalidRecipient`] or
    /// [`ErrorKind::InvalidSender`] naming the message and its field, as [`Message::to_wire`] finds
    /// them. When all fits into one call and that call fails, its error; it carries the batch
    /// reference, by which [`Provider::reconcile`](crate::Provider::reconcile) or a person may look
    /// for the messages.
    #[doc(alias("send_messages", "sendMessages", "post"))]
    pub async fn send(&self, messages: &[Message], options: &SendOptions) -> Result<SendOutcome> {
        let how = How::Post(options.encoding.unwrap_or(self.shared.encoding));
        let written = self.all_to_wire(messages, how)?;
        self.send_list(&written, options, how).await
    }

    /// Sends one message. As [`Client::send`], and what is said of the message is the result.
    #[doc(alias("send_message"))]
    pub async fn send_one(&self, message: &Message, options: &SendOptions) -> Result<Queued> {
        let messages = std::slice::from_ref(message);
        let mut outcome = self.send(messages, options).await?;
        outcome
            .verdicts
            .pop()
            .expect("a list of one message has one verdict")
    }

    /// Sends messages by a GET, as [`Client::send`] in everything else.
    ///
    /// **The user name, the password, the numbers and the texts stand in the URL**, where servers and
    /// proxies on the way write them into their logs, TLS or not. This library never logs them. Use
    /// it only where nothing but a GET comes through. URLs have a limit: of 65,534 bytes here, often
    /// less at servers.
    #[doc(alias("http_get"))]
    pub async fn send_by_get(
        &self,
        messages: &[Message],
        options: &SendOptions,
    ) -> Result<SendOutcome> {
        let written = self.all_to_wire(messages, How::Get)?;
        self.send_list(&written, options, How::Get).await
    }

    /// Sends messages as they are, whatever is in them: for what this library does not know. Only
    /// an empty list is refused; no default sender is added. As [`Client::send`] in everything else.
    pub async fn send_wire(
        &self,
        messages: Vec<wire::Message>,
        options: &SendOptions,
    ) -> Result<SendOutcome> {
        let how = How::Post(options.encoding.unwrap_or(self.shared.encoding));
        self.send_list(&messages, options, how).await
    }

    // ---- writing ----

    fn all_to_wire(&self, messages: &[Message], how: How) -> Result<Vec<wire::Message>> {
        let mut all = Vec::with_capacity(messages.len());
        for (position, message) in messages.iter().enumerate() {
            let written = self.to_wire(message, how).map_err(|fault| {
                let what = format!("message[{position}].{fault}");
                let error = Error::not_sent(fault.kind(), what);
                error.during(PROVIDER, SEND.operation).with_source(fault)
            });
            all.push(written?);
        }
        Ok(all)
    }

    /// A message on the wire, from the default sender where it names none and may have it.
    pub(super) fn to_wire(&self, message: &Message, how: How) -> Result<wire::Message, FieldFault> {
        let Shared {
            dialect,
            default_sender,
            ..
        } = &*self.shared;
        let mut written = message.to_wire(*dialect, how.encoding())?;
        if let Some(sender) = default_sender
            && message.settings.originator.is_none()
            && check::may_send(
                sender.kind,
                message.settings.session.as_ref(),
                message.price.unwrap_or(0),
            )
        {
            let settings = written.settings.get_or_insert_default();
            settings.originator_settings = Some(sender.to_wire(*dialect, how.encoding()));
        }
        Ok(written)
    }

    // ---- sending ----

    async fn send_list(
        &self,
        messages: &[wire::Message],
        options: &SendOptions,
        how: How,
    ) -> Result<SendOutcome> {
        if messages.is_empty() {
            let what = "message is empty: there is nothing to send";
            return Err(SEND.not_sent(ErrorKind::InvalidMessage, what));
        }
        let is_one_call = messages.len() <= self.shared.bulk_size;
        if self.shared.duplicate_checking && !is_one_call {
            // The second call under the same name would be taken for a repetition of the first.
            let what = "message is more than one call carries, and with duplicate checking a batch goes in one call";
            return Err(SEND.not_sent(ErrorKind::InvalidMessage, what));
        }
        let batch = match &options.batch {
            BatchChoice::Named(name) if name.is_empty() => {
                let what = "batchReference is empty";
                return Err(SEND.not_sent(ErrorKind::InvalidMessage, what));
            }
            BatchChoice::Named(name) => Some(name.clone()),
            BatchChoice::LeftToGateway if is_one_call => None,
            BatchChoice::LeftToGateway | BatchChoice::Made => {
                Some(self.shared.names.next(messages.len()))
            }
        };
        let mut outcome = self.send_batch(messages, batch, how).await;
        if is_one_call
            && let Some(SendCall {
                outcome: Err(_), ..
            }) = outcome.calls.first()
            && let Some(SendCall {
                outcome: Err(error),
                ..
            }) = outcome.calls.pop()
        {
            return Err(error);
        }
        Ok(outcome)
    }

    /// Sends messages under one batch reference, in as many calls as it takes.
    pub(super) async fn send_batch(
        &self,
        messages: &[wire::Message],
        mut batch: Option<String>,
        how: How,
    ) -> SendOutcome {
        let bulk_size = self.shared.bulk_size;
        let mut verdicts = Vec::with_capacity(messages.len());
        let mut calls = Vec::with_capacity(messages.len().div_ceil(bulk_size));
        let mut stopped_by: Option<Error> = None;
        for chunk in messages.chunks(bulk_size) {
            let first = verdicts.len();
            let outcome = match &stopped_by {
                Some(cause) => Err(not_attempted(cause)),
                None => self.send_call(chunk, batch.as_deref(), how).await,
            };
            let sent = Sent {
                batch: batch.as_deref(),
                first,
                messages: chunk,
            };
            let mut outcome = outcome.map_err(|error| match chunk.len() {
                1 => error.with_provider_ref(sent.about(0)),
                _ => error.with_provider_ref(sent.about_batch()),
            });
            match &mut outcome {
                Ok(answer) => {
                    verdict::give(SEND, self.shared.dialect, sent, answer, &mut verdicts);
                    stopped_by = verdicts.get(first..).and_then(meets_all);
                }
                Err(error) => {
                    verdicts.extend((0..chunk.len()).map(|position| {
                        let copy = error.copy_without_source();
                        Err(copy.with_provider_ref(sent.about(position)))
                    }));
                    if stopped_by.is_none() && meets_the_next_call_too(error) {
                        stopped_by = Some(not_attempted(error));
                    }
                }
            }
            if batch.is_none()
                && let Ok(answer) = &outcome
            {
                batch.clone_from(&answer.batch_reference);
            }
            calls.push(SendCall {
                messages: first..verdicts.len(),
                outcome,
            });
        }
        SendOutcome {
            batch_reference: batch,
            verdicts,
            calls,
        }
    }

    /// Makes one call that sends.
    pub(super) async fn send_call(
        &self,
        messages: &[wire::Message],
        batch: Option<&str>,
        how: How,
    ) -> Result<Answer<wire::GatewayResponse>> {
        let Shared {
            service_id,
            username,
            password,
            dialect,
            ..
        } = &*self.shared;
        let request = wire::BorrowedRequest {
            service_id: wire::Integer(i64::from(*service_id)),
            username,
            password: password.expose_secret(),
            batch_reference: batch,
            message: messages,
        };
        let call = match how {
            How::Post(encoding) => self.send_request(encoding, &request)?,
            How::Get => self.get_request(&request)?,
        };
        let read = |response: &HttpResponse| verdict::read_send(SEND, *dialect, response);
        let answer = self.exchange(SEND, call, read).await?;
        tracing::debug!(
            provider = PROVIDER,
            provider.batch_reference = answer.batch_reference,
            messages = messages.len(),
            statuses = answer.message_status.len(),
            "puzzel answered a call that sends"
        );
        Ok(answer)
    }

    fn send_request(
        &self,
        encoding: Encoding,
        request: &wire::BorrowedRequest<'_>,
    ) -> Result<Request<Bytes>> {
        let body = encoding::write(encoding, request).map_err(|unwritable| {
            Error::not_sent(ErrorKind::InvalidMessage, unwritable.to_string())
                .during(PROVIDER, SEND.operation)
                .with_source(unwritable)
        })?;
        let mut call = request_to(self.shared.send_uri.clone(), Method::POST, body);
        let headers = call.headers_mut();
        let content_type = HeaderValue::from_static(encoding.content_type());
        headers.insert(CONTENT_TYPE, content_type);
        if encoding == Encoding::Xml {
            headers.insert(ACCEPT, HeaderValue::from_static("application/xml"));
        }
        Ok(call)
    }

    fn get_request(&self, request: &wire::BorrowedRequest<'_>) -> Result<Request<Bytes>> {
        let target = [path::SEND, "?", &encoding::query_of(request)].concat();
        let uri = self.shared.base.uri(&target).ok_or_else(|| {
            let what = "message is too much for the url of a get";
            SEND.not_sent(ErrorKind::InvalidMessage, what)
        })?;
        Ok(request_to(uri, Method::GET, Bytes::new()))
    }

    // ---- calls ----

    /// Makes a call about batches, with the user name and password in its head.
    pub(super) async fn manage<T: encoding::Document + DeserializeOwned>(
        &self,
        call: Call,
        method: Method,
        target: &str,
        promised: &str,
    ) -> Result<Answer<T>> {
        let uri = self.shared.base.uri(target).ok_or_else(|| {
            let what = "the base_url cannot be continued by a path";
            call.not_sent(ErrorKind::Config, what)
        })?;
        let mut request = request_to(uri, method, Bytes::new());
        let basic = self.shared.basic.clone();
        request.headers_mut().insert(AUTHORIZATION, basic);
        let dialect = self.shared.dialect;
        let read =
            |response: &HttpResponse| verdict::read_management(call, dialect, promised, response);
        self.exchange(call, request, read).await
    }

    /// Makes one call and reads its answer.
    async fn exchange<T>(
        &self,
        call: Call,
        request: Request<Bytes>,
        read: impl FnOnce(&HttpResponse) -> Result<Answer<T>>,
    ) -> Result<Answer<T>> {
        let span = tracing::debug_span!("puzzel", provider = PROVIDER, operation = call.operation);
        // Pinned where it is: a move would copy all that it may ever hold.
        let exchange = pin!(async {
            let answer = match self.shared.http.send(request).await {
                Ok(response) => read(&response),
                Err(failure) => Err(failure.into_error(PROVIDER, call.operation, call.carries)),
            };
            answer::trace(PROVIDER, &answer);
            answer
        });
        exchange.instrument(span).await
    }
}

/// A request that asks for JSON.
fn request_to(uri: Uri, method: Method, body: Bytes) -> Request<Bytes> {
    // Room for those that the HTTP client and its engine add: the map does not grow on the way.
    let mut headers = HeaderMap::with_capacity(8);
    headers.insert(ACCEPT, HeaderValue::from_static("application/json"));
    let mut request = Request::new(body);
    *request.method_mut() = method;
    *request.uri_mut() = uri;
    *request.headers_mut() = headers;
    request
}

/// Whether the next call of the same list would fail for the same reason, or should wait until
/// somebody has looked at this one.
pub(super) fn meets_the_next_call_too(error: &Error) -> bool {
    match error.acceptance() {
        Acceptance::Unknown | Acceptance::NotSent => true,
        Acceptance::Refused => false,
    }
}

/// The reason for which the next call would fail as well, when it is the one of all messages of this
/// call: wrong credentials, for one, which the older gateway tells of each message.
fn meets_all(said: &[Result<Queued>]) -> Option<Error> {
    let reason = |verdict: &Result<Queued>| match verdict {
        Err(error) if error.acceptance() == Acceptance::NotSent => Some(error.kind()),
        Err(_) | Ok(_) => None,
    };
    let first = said.first()?;
    let shared = reason(first)?;
    let is_shared = said.iter().all(|verdict| reason(verdict) == Some(shared));
    is_shared
        .then(|| first.as_ref().err().map(not_attempted))
        .flatten()
}

/// The error of a call that was not made because an earlier one had failed.
pub(super) fn not_attempted(cause: &Error) -> Error {
    Error::not_attempted(cause).during(PROVIDER, SEND.operation)
}
