//! A PBX as a [`Provider`]: what programs see that know only the neutral interface.
//!
//! The calls themselves are in `send.rs` and `sessions.rs`; what can be said of a lost answer is in
//! `reconcile.rs`.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use bytes::Bytes;
use futures_util::future::BoxFuture;
use futures_util::stream::{self, StreamExt as _, TryStreamExt as _};
use tidings_core::text::{self, Policy};
use tidings_core::{ClientRef, DeliveryReport, E164, ProviderRef, ReportedState, SenderId};

use super::choices::Sessions;
use super::client::Client;
use super::map::{PROVIDER, conversation, status};
use super::send::{Message, Recipients, text_beside};
use super::session_id::SessionId;
use super::verdict::Call;
use super::wire::{self, time};
use super::{CAPABILITIES, MAX_ROWS};
use crate::conversations::{Conversations, Page};
use crate::error::{Acceptance, Error, ErrorKind, Result};
use crate::numbers::OwnNumbers;
use crate::provider::{
    AttemptRef, Balance, Capabilities, Outbound, Provider, Receipt, Reconciled, unsupported,
};
use crate::subscriptions::Subscriptions;

const SUBMIT: Call = Call::sends("submit");
const STATUS: Call = Call::asks("status");

/// How many calls of one list are open at once.
const CALLS_AT_ONCE: usize = 8;

#[async_trait]
impl Provider for Client {
    fn capabilities(&self) -> Capabilities {
        Capabilities {
            sender_optional: self.shared().from_number.is_some(),
            max_media_bytes: Some(self.shared().choices.max_media_bytes),
            ..CAPABILITIES
        }
    }

    /// One call per message, eight at once, in no order between them. Which session a message goes
    /// into is said by [`ClientBuilder::sessions`](super::ClientBuilder::sessions); one with a file is
    /// an MMS. The receipt, and the error of an unknown outcome, say session, reference and recipient.
    ///
    /// After a call that failed for a reason that would meet the next as well, or whose outcome is
    /// unknown, no further one is begun; those that are open are waited for. When there is but one
    /// message and its call fails, the error is the outer one.
    ///
    /// A message with a send window is refused, because it would leave at once. How long a message is
    /// worth delivering cannot be said to this PBX, and its priority neither; both are ignored.
    async fn submit(&self, messages: &[Outbound]) -> Result<Vec<Result<Receipt>>> {
        if let [outbound] = messages {
            return match self.prepare(outbound) {
                Ok(prepared) => Ok(vec![Ok(self.submit_one(prepared).await?)]),
                Err(refusal) => Ok(vec![Err(refusal)]),
            };
        }
        let stopped_by: Mutex<Option<Error>> = Mutex::default();
        let mut calls: Vec<BoxFuture<'_, Result<Receipt>>> = Vec::with_capacity(messages.len());
        for outbound in messages {
            calls.push(Box::pin(self.submit_unless_stopped(outbound, &stopped_by)));
        }
        Ok(stream::iter(calls).buffered(CALLS_AT_ONCE).collect().await)
    }

    /// Looks into the sessions of the messages, each once and eight at once: into their newest 1,000
    /// messages. The state is that of the message with the id that the reference tells; without an id,
    /// that of our messages to the recipient, if they all have the same word. What is not found, or
    /// cannot be told from others, is [`ReportedState::Unknown`].
    ///
    /// `sending` is no more than [`ReportedState::Submitted`]: that a message is in its session shows that
    /// the PBX has it, and there are PBXs on which it keeps that word for ever. A failure of one question is the error of all.
    async fn status(&self, refs: &[ProviderRef]) -> Result<Vec<DeliveryReport>> {
        let mut sessions: Vec<String> = refs
            .iter()
            .filter_map(|about| about.session.clone())
            .collect();
        sessions.sort_unstable();
        sessions.dedup();
        let questions = sessions.into_iter().map(|session| {
            let client = self.clone();
            async move {
                let rows = client.status_rows(&session).await?;
                Ok::<_, Error>((session, rows))
            }
        });
        let listed: HashMap<String, Vec<wire::Message>> = stream::iter(questions)
            .buffer_unordered(CALLS_AT_ONCE)
            .try_collect()
            .await?;
        let report = |about: &ProviderRef| {
            let rows = about.session.as_ref().and_then(|id| listed.get(id));
            report(about, rows.map_or(&[][..], Vec::as_slice))
        };
        Ok(refs.iter().map(report).collect())
    }

    /// Lists the session of the message.
    ///
    /// In a session of its own, the message is there or it is not. In one that is shared by all
    /// messages to the phone, it is looked for by text and time; the difference between the server's
    /// clock and ours is taken out by the `Date` of the answer. Where the same text was sent several
    /// times at about the same moment it was taken if all of them were, and not if none was;
    /// otherwise nobody can tell.
    ///
    /// Before it says that a message was not taken, it waits until
    /// [`ClientBuilder::settle_time`](super::ClientBuilder::settle_time) has passed since the attempt
    /// began, and looks again.
    async fn reconcile(&self, attempt: &AttemptRef) -> Result<Reconciled> {
        self.look_for(attempt).await
    }

    async fn cancel(&self, _what: &ProviderRef) -> Result<()> {
        Err(unsupported(PROVIDER, "cancel"))
    }

    async fn balance(&self) -> Result<Balance> {
        Err(unsupported(PROVIDER, "balance"))
    }

    fn conversations(&self) -> Option<&dyn Conversations> {
        Some(self)
    }

    fn subscriptions(&self) -> Option<&dyn Subscriptions> {
        Some(self)
    }

    fn numbers(&self) -> Option<&dyn OwnNumbers> {
        Some(self)
    }
}

/// A message that can be sent, as it is written.
struct Prepared<'a> {
    reference: &'a ClientRef,
    to: E164,
    text: &'a str,
    session: SessionId,
    body: Bytes,
}

impl Client {
    fn prepare<'a>(&self, outbound: &'a Outbound) -> Result<Prepared<'a>> {
        let message = &outbound.message;
        if message.window.is_some() {
            let what = "this provider has no send windows";
            return Err(SUBMIT.not_sent(ErrorKind::InvalidMessage, what));
        }
        check_length(&message.text)?;
        let from = self.number_of(message.from.as_ref())?;
        let text = Arc::clone(&message.text);
        let written = match &message.media {
            Some(media) => Message::mms([message.to], media.clone(), text),
            None => Message::sms([message.to], text),
        };
        let body = self
            .body(&written.from(from), Recipients::Needed)
            .map_err(|error| error.during(PROVIDER, SUBMIT.operation))?;
        Ok(Prepared {
            reference: &outbound.reference,
            to: message.to,
            text: text_beside(&message.text, message.media.as_ref()).unwrap_or_default(),
            session: self.session_of(&outbound.reference, &from, &message.to),
            body,
        })
    }

    /// The number that a message goes out from.
    pub(super) fn number_of(&self, sender: Option<&SenderId>) -> Result<E164> {
        let invalid = |what: &'static str| SUBMIT.not_sent(ErrorKind::InvalidSender, what);
        match sender {
            Some(SenderId::International(number)) => Ok(*number),
            Some(_) => Err(invalid("netsapiens sends from whole phone numbers only")),
            None => self.shared().from_number.ok_or_else(|| {
                invalid("the message names no number to send from, and neither does the account")
            }),
        }
    }

    /// The session that a message goes into.
    pub(super) fn session_of(&self, reference: &ClientRef, from: &E164, to: &E164) -> SessionId {
        match self.shared().choices.sessions {
            Sessions::PerMessage => SessionId::of_message(reference, from, to),
            Sessions::PerRecipient => SessionId::of_recipient(from, to),
        }
    }

    async fn submit_unless_stopped(
        &self,
        outbound: &Outbound,
        stopped_by: &Mutex<Option<Error>>,
    ) -> Result<Receipt> {
        let prepared = self.prepare(outbound)?;
        if let Some(cause) = &*lock(stopped_by) {
            return Err(cause.copy_without_source());
        }
        let receipt = self.submit_one(prepared).await;
        if let Err(error) = &receipt
            && meets_the_next_call_too(error)
        {
            let cause = Error::not_attempted(error).during(PROVIDER, SUBMIT.operation);
            lock(stopped_by).get_or_insert(cause);
        }
        receipt
    }

    async fn submit_one(&self, message: Prepared<'_>) -> Result<Receipt> {
        let Prepared {
            reference,
            to,
            text,
            session,
            body,
        } = message;
        let (session, clock) = (session.as_str(), &self.shared().clock);
        let recent = match self.shared().choices.sessions {
            Sessions::PerMessage => None,
            Sessions::PerRecipient => Some(&self.shared().choices.recent),
        };
        if let Some(recent) = recent {
            recent.begin(session, text, reference, clock.now());
        }
        let sent = self.post_body(SUBMIT, session, body).await;
        if let Some(recent) = recent {
            recent.end(session, reference, clock.now());
        }
        let complete = |mut about: ProviderRef| {
            about.reference = Some(reference.clone());
            about.recipient = Some(to);
            about
        };
        match sent {
            Ok(answer) => {
                let about = complete(answer.provider_ref());
                Ok(Receipt::new(about).with_http(Arc::new(answer.http)))
            }
            Err(error) => Err(match error.provider_ref().cloned() {
                Some(about) => error.with_provider_ref(complete(about)),
                None => error,
            }),
        }
    }

    /// The newest messages of a session; none for one that is not there.
    async fn status_rows(&self, session: &str) -> Result<Vec<wire::Message>> {
        match self.messages(session, Page::first(MAX_ROWS)).await {
            Ok(rows) => Ok(rows.into_value()),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(Vec::new()),
            Err(error) => Err(error.during(PROVIDER, STATUS.operation)),
        }
    }
}

/// Whether the next call would fail like this one, or must not be made while nobody knows what became
/// of it.
fn meets_the_next_call_too(error: &Error) -> bool {
    match error.kind() {
        ErrorKind::Unauthorized
        | ErrorKind::Forbidden
        | ErrorKind::InsufficientCredit
        | ErrorKind::RateLimited
        | ErrorKind::Unavailable
        | ErrorKind::Timeout
        | ErrorKind::Unsupported
        | ErrorKind::Config => true,
        ErrorKind::InvalidMessage
        | ErrorKind::InvalidRecipient
        | ErrorKind::InvalidSender
        | ErrorKind::NotFound
        | ErrorKind::Rejected
        | ErrorKind::Protocol => error.acceptance() == Acceptance::Unknown,
    }
}

/// No phone puts more than 255 parts together again.
fn check_length(text: &str) -> Result<()> {
    /// Bytes of which no letters make so many parts: a part has 67 units at the least.
    const SURELY_SHORT: usize = 255 * 66;
    if text.len() <= SURELY_SHORT {
        return Ok(());
    }
    match text::plan(text, &Policy::default()) {
        Ok(_) => Ok(()),
        Err(error) => {
            let what = "the text needs more than 255 parts";
            Err(SUBMIT
                .not_sent(ErrorKind::InvalidMessage, what)
                .with_source(error))
        }
    }
}

/// What the rows of a session say about one message.
fn report(about: &ProviderRef, rows: &[wire::Message]) -> DeliveryReport {
    let unknown = || DeliveryReport::new(about.clone(), ReportedState::Unknown);
    let phone = about.recipient.as_ref();
    let is_it = |row: &&wire::Message| match &about.message {
        Some(id) => row.id.0 == *id,
        None if row.direction.0 == conversation::INBOUND => false,
        None => phone.is_none_or(|phone| conversation::is_to(row, phone)),
    };
    let mut found = rows.iter().filter(is_it);
    let Some(newest) = found.next() else {
        return unknown();
    };
    if found.any(|row| row.status != newest.status) {
        return unknown();
    }
    let mut report = DeliveryReport::new(about.clone(), status::state(&newest.status.0));
    report.at = time::parse(&newest.timestamp.0);
    report.raw = newest.status.get().map(str::to_owned);
    report
}

fn lock<T>(what: &Mutex<T>) -> MutexGuard<'_, T> {
    what.lock().unwrap_or_else(PoisonError::into_inner)
}
