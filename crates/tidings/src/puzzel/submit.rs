//! [`Provider`] for the Puzzel client: messages with settings of their own in one call, what may be
//! stopped, and what can be said of a lost answer.
//!
//! Called by whoever sends without knowing the provider. The calls themselves are in `client.rs` and
//! `batches.rs`.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use tidings_core::{DeliveryReport, Opening, Priority, ProviderRef, Timestamp};

use super::answers::Queued;
use super::check;
use super::client::{Client, How, SEND, meets_the_next_call_too, not_attempted};
use super::map::{self, PROVIDER};
use super::message::Message;
use super::parameter::Parameter;
use super::reference;
use super::settings::{Age, GasSettings, Session, Settings};
use super::verdict::{self, Call, Sent};
use super::{CAPABILITIES, Dialect, MAX_PARTS, wire};
use crate::answer::HttpMetadata;
use crate::backend::{SessionWish, Terms};
use crate::batches::QueuedBatches;
use crate::error::{Acceptance, Error, ErrorKind, Result};
use crate::provider::{
    AttemptRef, Balance, Capabilities, Outbound, Provider, Receipt, Reconciled, check_text_only,
    unsupported,
};

const SUBMIT: Call = Call::acts("submit");
const STATUS: Call = Call::asks("status");
const CANCEL: Call = Call::acts("cancel");

/// The names under which our server keeps fields of a message that have no term of their own; see
/// `map/inward`.
const PRICE_XML: &str = "priceXml";
const DIFFERENTIATOR: &str = "differentiator";
const INVOICE_NODE: &str = "invoiceNode";
const SERVICE_CODE: &str = "gasSettings.serviceCode";
const DESCRIPTION: &str = "gasSettings.description";

/// How long the gateway remembers references, less five minutes for the call and its clock.
const REMEMBERED: Duration = Duration::from_mins(55);

#[async_trait]
impl Provider for Client {
    fn capabilities(&self) -> Capabilities {
        Capabilities {
            // Each message travels alone where references are checked, see `submit`.
            max_messages_per_call: if self.shared().duplicate_checking {
                1
            } else {
                self.shared().bulk_size
            },
            max_parts: match self.shared().dialect {
                Dialect::V3 => CAPABILITIES.max_parts,
                Dialect::Manual => MAX_PARTS,
            },
            max_characters: match self.shared().dialect {
                Dialect::V3 => CAPABILITIES.max_characters,
                Dialect::Manual => None,
            },
            ..CAPABILITIES
        }
    }

    /// All messages travel in one call, each with its own sender, priority, validity and window, under
    /// its own reference and one batch reference that is made for them; more than the bulk size in
    /// several calls, as [`Client::send`] makes them. When all that can be sent is one call and it
    /// fails, its error is the outer one.
    ///
    /// With duplicate checking each message travels in a call and a batch of its own, because the
    /// gateway takes a batch reference once as well: of several messages under one, a later look could
    /// not tell which of them it knows.
    async fn submit(&self, messages: &[Outbound]) -> Result<Vec<Result<Receipt>>> {
        if self.shared().duplicate_checking {
            return self.submit_each(messages).await;
        }
        let how = How::Post(self.shared().encoding);
        let mut refused = Vec::new();
        let mut ready = Vec::with_capacity(messages.len());
        for outbound in messages {
            match self.neutral_to_wire(outbound, self.sayable(outbound), how) {
                Ok(message) => {
                    ready.push(message);
                    refused.push(None);
                }
                Err(error) => refused.push(Some(error)),
            }
        }
        if ready.is_empty() {
            return Ok(refused.into_iter().flatten().map(Err).collect());
        }
        let is_the_whole = ready.len() <= self.shared().bulk_size && ready.len() == messages.len();
        let batch = self.shared().names.next(ready.len());
        let mut outcome = self.send_batch(&ready, Some(batch), how).await;
        if is_the_whole && outcome.calls.iter().any(|call| call.outcome.is_err()) {
            let failed = outcome.calls.pop().map(|call| call.outcome);
            if let Some(Err(error)) = failed {
                return Err(error.during(PROVIDER, SUBMIT.operation));
            }
        }
        let https: Vec<_> = outcome
            .calls
            .iter()
            .flat_map(|call| {
                let http = call.outcome.as_ref().ok();
                let http = http.map(|answer| Arc::new(answer.http.clone()));
                call.messages.clone().map(move |_| http.clone())
            })
            .collect();
        let verdicts = outcome.verdicts.into_iter().zip(https);
        let mut verdicts = verdicts.map(|(verdict, http)| match verdict {
            Ok(queued) => Ok(receipt(&queued, http)),
            Err(error) => Err(error.during(PROVIDER, SUBMIT.operation)),
        });
        let result = |refusal: Option<Error>| match refusal {
            Some(error) => Err(error),
            None => verdicts
                .next()
                .expect("every message that was not refused has a verdict"),
        };
        Ok(refused.into_iter().map(result).collect())
    }

    /// There is no call for it: Puzzel tells what became of a message by calling its customer's
    /// server, see [`callback`](super::callback).
    async fn status(&self, _refs: &[ProviderRef]) -> Result<Vec<DeliveryReport>> {
        let what = "puzzel reports only by calling its customer's server, and cannot be asked";
        Err(STATUS.not_sent(ErrorKind::Unsupported, what))
    }

    /// With duplicate checking, sends the message again under the same references: either the
    /// gateway says that it has them, or it takes the message now; both times it is taken once. This
    /// is done only for a message that was alone in its batch, while the gateway remembers references,
    /// for 55 minutes from the beginning of the attempt, and while the message is still worth
    /// delivering. The references follow from the message's own, so that it can be done after the
    /// program that sent it has died.
    ///
    /// In all other cases it looks whether the batch waits with all its messages. Then this one was
    /// taken. A batch that is not there may have left or may never have come: nobody can tell.
    async fn reconcile(&self, attempt: &AttemptRef) -> Result<Reconciled> {
        let reference = &attempt.outbound.reference;
        let told = attempt.provider_ref.as_ref();
        let told = told.and_then(|about| about.batch.clone());
        let is_checked = self.shared().duplicate_checking;
        let batch = told.or_else(|| is_checked.then(|| reference::of_one(reference)));
        let Some(batch) = batch.as_deref() else {
            return Ok(Reconciled::CannotTell);
        };
        if is_checked
            && reference::is_of_one(batch, Some(reference))
            && let Some(elapsed) = still_worth_repeating(attempt, self.shared().clock.now())
        {
            return self.repeat(attempt, batch, elapsed).await;
        }
        self.look(attempt, batch).await
    }

    /// Puzzel stops batches, not messages. A message can be stopped when it travelled alone, in a
    /// batch whose name was made for one message: nothing else gets into such a batch, so that
    /// between the look at it and the stop there is nothing to get wrong. At worst the message leaves
    /// in between, and then the gateway says that it stopped nothing.
    async fn cancel(&self, what: &ProviderRef) -> Result<()> {
        let Some(batch) = what.batch.as_deref() else {
            let what = "puzzel stops batches, and the batch of this message is not known";
            return Err(CANCEL.not_sent(ErrorKind::Unsupported, what));
        };
        if !reference::is_of_one(batch, what.reference.as_ref()) {
            let what = "puzzel stops batches, and there is more than this message in its batch";
            return Err(CANCEL.not_sent(ErrorKind::Unsupported, what));
        }
        let left = QueuedBatches::show(self, batch).await;
        match left
            .map_err(|error| error.during(PROVIDER, CANCEL.operation))?
            .left
        {
            0 => return Err(has_left()),
            1 => {}
            _ => {
                let what = "somebody has sent more under the name of this message's batch";
                return Err(CANCEL.not_sent(ErrorKind::Unsupported, what));
            }
        }
        let stopped = self.stop_batch(batch).await;
        let stopped = stopped.map_err(|error| error.during(PROVIDER, CANCEL.operation))?;
        match stopped.stopped_messages.first() {
            Some(_) => Ok(()),
            None => Err(has_left()),
        }
    }

    async fn balance(&self) -> Result<Balance> {
        Err(unsupported(PROVIDER, "balance"))
    }

    fn batches(&self) -> Option<&dyn QueuedBatches> {
        Some(self)
    }
}

impl Client {
    /// Each message in a call and a batch of its own, one after the other. After a call that failed
    /// for a reason that would meet the next as well, or whose outcome is unknown, no further one is
    /// made.
    async fn submit_each(&self, messages: &[Outbound]) -> Result<Vec<Result<Receipt>>> {
        let how = How::Post(self.shared().encoding);
        let mut results = Vec::with_capacity(messages.len());
        let mut stopped_by: Option<Error> = None;
        for outbound in messages {
            let written = self.neutral_to_wire(outbound, self.sayable(outbound), how);
            let result = match (written, &stopped_by) {
                (Err(refusal), _) => Err(refusal),
                (Ok(_), Some(cause)) => Err(cause.copy_without_source()),
                (Ok(message), None) => match self.submit_one(outbound, message, how).await {
                    Ok(verdict) => verdict,
                    Err(error) if messages.len() == 1 => return Err(error),
                    Err(error) => {
                        if meets_the_next_call_too(&error) {
                            let cause = not_attempted(&error);
                            stopped_by = Some(cause.during(PROVIDER, SUBMIT.operation));
                        }
                        Err(error)
                    }
                },
            };
            results.push(result);
        }
        Ok(results)
    }

    /// One message in a call of its own: what the gateway says of it. The outer error is that of the
    /// call.
    async fn submit_one(
        &self,
        outbound: &Outbound,
        message: wire::Message,
        how: How,
    ) -> Result<Result<Receipt>> {
        let batch = reference::of_one(&outbound.reference);
        let messages = std::slice::from_ref(&message);
        let mut outcome = self.send_batch(messages, Some(batch), how).await;
        let call = outcome.calls.pop().expect("there is something to send");
        let during = |error: Error| error.during(PROVIDER, SUBMIT.operation);
        let http = Arc::new(call.outcome.map_err(during)?.http);
        let verdict = outcome.verdicts.pop();
        let verdict = verdict.expect("every message of a call has a verdict");
        Ok(verdict
            .map(|queued| receipt(&queued, Some(http)))
            .map_err(during))
    }

    /// How long a message is worth delivering; the shortest time that the wire can say where it is less. A
    /// code that is good for half a minute had better come in the other half than not at all.
    fn sayable(&self, outbound: &Outbound) -> Option<Duration> {
        let shortest = map::shortest_validity(self.shared().dialect);
        let valid_for = outbound.message.valid_for;
        valid_for.map(|valid_for| valid_for.max(shortest))
    }

    /// A neutral message on the wire.
    fn neutral_to_wire(
        &self,
        outbound: &Outbound,
        valid_for: Option<Duration>,
        how: How,
    ) -> Result<wire::Message> {
        let message = &outbound.message;
        check_text_only(message).map_err(|error| error.during(PROVIDER, SUBMIT.operation))?;
        let mut settings = Settings::new();
        if let Some(sender) = &message.from {
            settings = settings.originator(sender);
        }
        // A message of normal priority has the one that the service is set to.
        if message.priority != Priority::Normal {
            settings = settings.priority(message.priority);
        }
        if let Some(valid_for) = valid_for {
            settings = settings.validity(valid_for);
        }
        if let Some(window) = &message.window {
            settings = settings.send_window(window.clone());
        }
        // Otherwise the gateway refuses the text.
        if check::needs_ucs2(&message.text) {
            settings = settings.auto_detect_encoding(true);
        }
        let mut message = Message::new(message.to, Arc::clone(&message.text))
            .client_reference(outbound.reference.as_str());
        if let Some(terms) = &outbound.terms {
            (message, settings) = with_terms(message, settings, terms);
        }
        self.to_wire(&message.settings(settings), how)
            .map_err(|fault| {
                Error::not_sent(fault.kind(), fault.to_string())
                    .during(PROVIDER, SUBMIT.operation)
                    .with_source(fault)
            })
    }

    /// Sends a message again under the references of its attempt.
    async fn repeat(
        &self,
        attempt: &AttemptRef,
        batch: &str,
        elapsed: Duration,
    ) -> Result<Reconciled> {
        let how = How::Post(self.shared().encoding);
        let valid_for = attempt.outbound.message.valid_for;
        let valid_for = valid_for.map(|valid_for| valid_for.saturating_sub(elapsed));
        let Ok(message) = self.neutral_to_wire(&attempt.outbound, valid_for, how) else {
            // Less is left of its validity than can be said.
            return self.look(attempt, batch).await;
        };
        let messages = std::slice::from_ref(&message);
        let mut answer = self.send_call(messages, Some(batch), how).await?;
        let sent = Sent {
            batch: Some(batch),
            first: 0,
            messages,
        };
        let mut verdicts = Vec::with_capacity(1);
        verdict::give(
            SEND,
            self.shared().dialect,
            sent,
            &mut answer,
            &mut verdicts,
        );
        match verdicts.pop() {
            Some(Ok(queued)) => {
                let receipt = receipt(&queued, Some(Arc::new(answer.http)));
                Ok(Reconciled::Taken(Box::new(receipt)))
            }
            Some(Err(error)) if verdict::is_not_unique(&error) => {
                Ok(taken(attempt, batch, answer.http))
            }
            // Why the repeated message is refused says nothing about the first.
            Some(Err(_)) | None => Ok(Reconciled::CannotTell),
        }
    }

    /// Looks whether the batch of an attempt waits as a whole.
    async fn look(&self, attempt: &AttemptRef, batch: &str) -> Result<Reconciled> {
        let Some(n_messages) = reference::made_for(batch) else {
            return Ok(Reconciled::CannotTell);
        };
        match self.batch(batch).await {
            Ok(answer) => {
                let left = answer
                    .total_size
                    .and_then(|left| u64::try_from(left.0).ok());
                if left == Some(n_messages) {
                    return Ok(taken(attempt, batch, answer.http));
                }
                Ok(Reconciled::CannotTell)
            }
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(Reconciled::CannotTell),
            Err(error) => Err(error),
        }
    }
}

/// How long ago an attempt was made that may be repeated now. `None` when the gateway may have
/// forgotten it, or when the message is not worth delivering any more.
fn still_worth_repeating(attempt: &AttemptRef, now: Timestamp) -> Option<Duration> {
    let elapsed = now.since(attempt.started);
    // By a clock that was set back nobody can tell how long ago it was.
    let is_remembered = now >= attempt.started && elapsed < REMEMBERED;
    let message = &attempt.outbound.message;
    let window = message.window.as_ref().map(|window| window.opening(now));
    let is_over = window == Some(Opening::Over)
        || message
            .valid_for
            .is_some_and(|valid_for| valid_for <= elapsed);
    (is_remembered && !is_over).then_some(elapsed)
}

fn receipt(queued: &Queued, http: Option<Arc<HttpMetadata>>) -> Receipt {
    let mut receipt = Receipt::new(queued.provider_ref());
    receipt.http = http;
    receipt
}

/// What is known of a message that was taken under references that we gave.
fn taken(attempt: &AttemptRef, batch: &str, http: HttpMetadata) -> Reconciled {
    let mut about = attempt.provider_ref.clone().unwrap_or_default();
    about.batch = Some(batch.to_owned());
    about.reference = Some(attempt.outbound.reference.clone());
    Reconciled::Taken(Box::new(Receipt::new(about).with_http(Arc::new(http))))
}

fn has_left() -> Error {
    CANCEL.error(
        ErrorKind::NotFound,
        Acceptance::Refused,
        "the message does not wait at puzzel any more",
    )
}

/// What a caller of our own server asked for beside a message, as it is passed on. Whether he wanted a
/// report is not: whoever passes it on wants one.
fn with_terms(mut message: Message, mut settings: Settings, terms: &Terms) -> (Message, Settings) {
    if terms.price > 0 {
        message = message.price(terms.price);
    }
    settings = match terms.minimum_age {
        Some(16) => settings.age(Age::Sixteen),
        Some(18) => settings.age(Age::Eighteen),
        Some(_) | None => settings,
    };
    settings = match &terms.session {
        SessionWish::None => settings,
        SessionWish::New => settings.session(Session::New),
        SessionWish::Continue(id) => settings.session(Session::Continue(id.clone())),
    };
    let mut code = None;
    let mut description = None;
    for (name, value) in &terms.parameters {
        match name.as_str() {
            PRICE_XML => message = message.price_xml(value),
            DIFFERENTIATOR => settings = settings.differentiator(value),
            INVOICE_NODE => settings = settings.invoice_node(value),
            SERVICE_CODE => code = Some(value),
            DESCRIPTION => description = Some(value),
            _ => settings = settings.parameter(Parameter::other(name, value)),
        }
    }
    if let Some(code) = code {
        let goods = GasSettings::new(code);
        settings = settings.gas(match description {
            Some(description) => goods.description(description),
            None => goods,
        });
    }
    (message, settings)
}
