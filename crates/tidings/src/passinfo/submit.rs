//! [`Provider`] for the PassInfo client: which messages travel together in one bulk call, and what
//! its answers say about each of them.
//!
//! Called by whoever sends without knowing the provider. The calls themselves are in `client.rs`.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;

use async_trait::async_trait;
use futures_util::stream::{self, StreamExt};
use tidings_core::{DeliveryReport, E164, ProviderRef, Reason, ReportedState};

use super::CAPABILITIES;
use super::answers::{BatchState, BatchStatus, BulkReceipt};
use super::client::{Client, checked_text, meets_the_next_call_too, not_attempted};
use super::map::{self, PROVIDER};
use super::verdict::Call;
use super::wire;
use crate::address_book::AddressBook;
use crate::answer::Answer;
use crate::error::{Acceptance, Error, ErrorKind, Result};
use crate::provider::{
    AttemptRef, Balance, Capabilities, Outbound, Provider, Receipt, Reconciled, check_text_only,
    unsupported,
};

const SUBMIT: Call = Call::acts("submit");

/// How many questions about states are open at once.
const QUESTIONS_AT_ONCE: usize = 8;

#[async_trait]
impl Provider for Client {
    fn capabilities(&self) -> Capabilities {
        Capabilities {
            max_messages_per_call: self.shared().bulk_size,
            sender_optional: self.shared().default_sender.is_some(),
            ..CAPABILITIES
        }
    }

    /// Messages with the same text and sender travel in one bulk call, up to the bulk size and each
    /// recipient once; a message that is alone travels by itself and gets an id of its own. The
    /// calls are made one after the other; which failures end them is told at
    /// [`Client::send_bulk`]. When all that can be sent is one call and it fails, its error is the
    /// outer one.
    async fn submit(&self, messages: &[Outbound]) -> Result<Vec<Result<Receipt>>> {
        let mut results: Vec<Option<Result<Receipt>>> = Vec::new();
        let mut ready = Vec::with_capacity(messages.len());
        for (position, outbound) in messages.iter().enumerate() {
            match self.prepare(position, outbound) {
                Ok(message) => {
                    ready.push(message);
                    results.push(None);
                }
                Err(error) => results.push(Some(Err(error))),
            }
        }
        let calls = grouped(ready, self.shared().bulk_size);
        let is_the_whole = calls.len() == 1 && results.iter().all(Option::is_none);
        let mut stopped_by: Option<Error> = None;
        for call in calls {
            let failure = match &stopped_by {
                Some(cause) => not_attempted(cause),
                None => match self.submit_call(&call).await {
                    Ok(verdicts) => {
                        for (message, verdict) in call.iter().zip(verdicts) {
                            place(&mut results, message.position, verdict);
                        }
                        continue;
                    }
                    Err(error) if is_the_whole => return Err(error),
                    Err(error) => error,
                },
            };
            if stopped_by.is_none() && meets_the_next_call_too(&failure) {
                stopped_by = Some(not_attempted(&failure));
            }
            for message in &call {
                place(
                    &mut results,
                    message.position,
                    Err(failure.copy_without_source()),
                );
            }
        }
        let all = results.into_iter();
        Ok(all
            .map(|result| result.expect("every message was refused or put into one call"))
            .collect())
    }

    /// One question per message and one per batch, several at once. PassInfo tells of a batch only
    /// totals: where they do not tell how far one message has come, its report is
    /// [`ReportedState::Unknown`]; so is that of an id that PassInfo does not know, unless it knows
    /// none of them, which is the error [`ErrorKind::NotFound`]. Any other failure of one question is
    /// the error of all, and the answers to the others are dropped.
    async fn status(&self, refs: &[ProviderRef]) -> Result<Vec<DeliveryReport>> {
        let questions: HashSet<Question> = refs.iter().filter_map(question).collect();
        let n_questions = questions.len();
        let mut asked = stream::iter(
            questions
                .into_iter()
                .map(|question| self.clone().ask_about(question)),
        )
        .buffer_unordered(QUESTIONS_AT_ONCE);
        let mut told: HashMap<Question, Told> = HashMap::with_capacity(n_questions);
        let mut not_found = Vec::new();
        while let Some((question, answer)) = asked.next().await {
            match answer {
                Ok(answer) => drop(told.insert(question, answer)),
                Err(error) if error.kind() == ErrorKind::NotFound => not_found.push(error),
                Err(error) => return Err(error),
            }
        }
        if n_questions == not_found.len()
            && let Some(error) = not_found.pop()
        {
            return Err(error);
        }
        Ok(refs.iter().map(|about| report(about, &told)).collect())
    }

    /// PassInfo keeps no reference of ours, so it can never say.
    async fn reconcile(&self, _attempt: &AttemptRef) -> Result<Reconciled> {
        Ok(Reconciled::CannotTell)
    }

    async fn cancel(&self, _what: &ProviderRef) -> Result<()> {
        Err(unsupported(PROVIDER, "cancel"))
    }

    async fn balance(&self) -> Result<Balance> {
        let credits = self.credits().await?.into_value();
        Ok(Balance::new(credits, "sms credits"))
    }

    fn address_book(&self) -> Option<&dyn AddressBook> {
        Some(self)
    }
}

/// A message that can be sent, in the vendor's form.
struct Prepared<'a> {
    /// Where it stood in the caller's list.
    position: usize,
    outbound: &'a Outbound,
    contact: wire::Phone,
    sender: String,
}

impl Client {
    fn prepare<'a>(&self, position: usize, outbound: &'a Outbound) -> Result<Prepared<'a>> {
        let message = &outbound.message;
        if message.window.is_some() {
            // It would leave at once, which is what its sender does not want.
            let what = "this provider has no send windows";
            let error = Error::not_sent(ErrorKind::InvalidMessage, what);
            return Err(error.during(PROVIDER, SUBMIT.operation));
        }
        check_text_only(message).map_err(|error| error.during(PROVIDER, SUBMIT.operation))?;
        checked_text(SUBMIT, &message.text)?;
        Ok(Prepared {
            position,
            outbound,
            contact: map::national(&message.to)
                .map_err(|error| error.during(PROVIDER, SUBMIT.operation))?,
            sender: self.sender(SUBMIT, message.from.as_ref())?,
        })
    }

    /// Makes one call: one verdict per message.
    async fn submit_call(&self, call: &[Prepared<'_>]) -> Result<Vec<Result<Receipt>>> {
        let Some(first) = call.first() else {
            return Ok(Vec::new());
        };
        let message = &first.outbound.message;
        if call.len() == 1 {
            let sent = self
                .send(&message.to, &message.text, message.from.as_ref())
                .await?;
            let receipt = Receipt::new(sent.provider_ref()).with_http(Arc::new(sent.http));
            return Ok(vec![Ok(receipt)]);
        }
        let contacts = call.iter().map(|message| message.contact.clone()).collect();
        let answer = self
            .send_bulk_call(&message.text, contacts, &first.sender)
            .await?;
        Ok(bulk_verdicts(call, answer))
    }

    async fn ask_about(self, question: Question) -> (Question, Result<Told>) {
        let answer = match &question {
            Question::Message(id) => self
                .message_status(id)
                .await
                .map(|report| Told::Message(Box::new(report.into_value()))),
            Question::Batch(id) => self
                .batch_status(id)
                .await
                .map(|status| Told::Batch(status.into_value())),
        };
        (question, answer)
    }
}

/// Puts messages into calls: those with the same text and sender together, each recipient once per
/// call, at most `size` per call. The calls come in the order of their first messages.
fn grouped(ready: Vec<Prepared<'_>>, size: usize) -> Vec<Vec<Prepared<'_>>> {
    // The second message to a phone goes into the second layer of its group, and so on.
    let mut layers: BTreeMap<(usize, usize), Vec<Prepared<'_>>> = BTreeMap::new();
    let mut first_of_group: HashMap<(Arc<str>, String), usize> = HashMap::new();
    let mut n_to_recipient: HashMap<(usize, E164), usize> = HashMap::new();
    for message in ready {
        let Outbound { message: asked, .. } = message.outbound;
        let content = (Arc::clone(&asked.text), message.sender.clone());
        let group = *first_of_group.entry(content).or_insert(message.position);
        let layer = n_to_recipient.entry((group, asked.to)).or_insert(0);
        layers.entry((group, *layer)).or_default().push(message);
        *layer += 1;
    }
    let mut calls = Vec::new();
    for layer in layers.into_values() {
        let mut rest = layer.into_iter().peekable();
        while rest.peek().is_some() {
            calls.push(rest.by_ref().take(size).collect());
        }
    }
    calls
}

/// What a bulk answer says about each message.
fn bulk_verdicts(call: &[Prepared<'_>], answer: Answer<BulkReceipt>) -> Vec<Result<Receipt>> {
    let Answer {
        value: receipt,
        http,
    } = answer;
    let http = Arc::new(http);
    let n_messages = call.len() as u64;
    let named = receipt.failures.as_ref().filter(|named| {
        // Only a list of all that failed tells of the others that they did not.
        named.len() as u64 == receipt.failed
            && receipt.queued + receipt.failed == n_messages
            && call
                .iter()
                .filter(|message| named.contains_key(&message.outbound.message.to))
                .count()
                == named.len()
    });
    let about = |to| map::batch_ref(receipt.batch_id.clone(), Some(to));
    let taken = |to: E164| Ok(Receipt::new(about(to)).with_http(Arc::clone(&http)));
    let failed = |acceptance, what: &'static str| {
        Error::new(ErrorKind::Rejected, acceptance, what)
            .during(PROVIDER, SUBMIT.operation)
            .with_http((*http).clone())
    };
    let verdict = |message: &Prepared<'_>| {
        let to = message.outbound.message.to;
        match (named, receipt.queued, receipt.failed) {
            (_, queued, 0) if queued >= n_messages => taken(to),
            (_, 0, failed_sends) if failed_sends >= n_messages => Err(failed(
                Acceptance::Refused,
                "passinfo queued no message of the bulk call",
            )),
            (Some(named), ..) if named.contains_key(&to) => Err(failed(
                Acceptance::Refused,
                "passinfo did not queue this message of the bulk call",
            )),
            (Some(_), ..) => taken(to),
            (None, ..) => {
                let what =
                    "passinfo queued only some messages of the bulk call and did not tell which";
                let error = failed(Acceptance::Unknown, what);
                Err(match receipt.batch_id {
                    Some(_) => error.with_provider_ref(about(to)),
                    None => error,
                })
            }
        }
    };
    call.iter().map(verdict).collect()
}

fn place(results: &mut [Option<Result<Receipt>>], position: usize, verdict: Result<Receipt>) {
    if let Some(place) = results.get_mut(position) {
        *place = Some(verdict);
    }
}

// ---- states ----

/// Something that PassInfo can be asked about.
#[derive(Clone, PartialEq, Eq, Hash)]
enum Question {
    Message(String),
    Batch(String),
}

enum Told {
    Message(Box<DeliveryReport>),
    Batch(BatchStatus),
}

/// What to ask about a message; `None` for one of which no id is known.
fn question(about: &ProviderRef) -> Option<Question> {
    let of_message = about.message.clone().map(Question::Message);
    of_message.or_else(|| about.batch.clone().map(Question::Batch))
}

fn report(about: &ProviderRef, told: &HashMap<Question, Told>) -> DeliveryReport {
    let told = question(about).and_then(|question| told.get(&question));
    match told {
        Some(Told::Message(report)) => {
            let mut report = (**report).clone();
            report.about = about.clone();
            report
        }
        Some(Told::Batch(status)) => member_report(about, status),
        None => DeliveryReport::new(about.clone(), ReportedState::Unknown),
    }
}

/// What the totals of a batch say about one message of it.
pub(super) fn member_report(about: &ProviderRef, batch: &BatchStatus) -> DeliveryReport {
    let failure = about
        .recipient
        .as_ref()
        .and_then(|to| batch.failures.as_ref()?.get(to));
    let state = member_state(batch, failure.is_some());
    let mut report = DeliveryReport::new(about.clone(), state);
    if state == ReportedState::Undelivered {
        let sentence = failure.filter(|sentence| !sentence.is_empty());
        report.reason =
            Some(sentence.map_or(Reason::Unspecified, |sentence| map::reason_of(sentence)));
        report.detail = sentence.cloned();
    }
    report.at = batch.at;
    report.raw = Some(batch.raw.clone());
    report
}

fn member_state(batch: &BatchStatus, is_named: bool) -> ReportedState {
    use ReportedState::{Delivered, Submitted, Undelivered, Unknown};
    // A total that is missing proves nothing: only a zero that was told is none.
    let none_failed = batch.failed == Some(0);
    let names_all = match &batch.failures {
        Some(named) => batch.failed == Some(named.len() as u64),
        None => none_failed,
    };
    let all_failed = batch.failed > Some(0) && batch.successful == Some(0);
    let some_arrived = batch.successful > Some(0);
    let none_waits = batch.pending.unwrap_or(0) == 0;
    match batch.state {
        BatchState::Unknown => Unknown,
        _ if is_named => Undelivered,
        BatchState::Failed if !some_arrived => Undelivered,
        BatchState::Completed if all_failed && none_waits => Undelivered,
        BatchState::Processing if all_failed && batch.pending == Some(0) => Undelivered,
        BatchState::Completed | BatchState::Failed if names_all && none_waits && some_arrived => {
            Delivered
        }
        BatchState::Processing if names_all || batch.failed.is_none() => Submitted,
        BatchState::Completed if names_all && !none_waits => Submitted,
        BatchState::Processing | BatchState::Completed | BatchState::Failed => Unknown,
    }
}
