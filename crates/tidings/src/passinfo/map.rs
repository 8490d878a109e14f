//! What PassInfo's words, numbers and answers mean in ours, and the reverse: pure functions and the
//! tables of its words.
//!
//! Called by `client.rs` and its neighbours to write requests and read answers, and by `server.rs`
//! to read requests and write answers. It calls nothing and decides nothing about sending again. The
//! meaning of a failed answer is in `verdict.rs`.

#![warn(clippy::wildcard_enum_match_arm)]

use std::collections::HashMap;

use serde_json::Value;
use tidings_core::{DeliveryReport, E164, ProviderRef, Reason, ReportedState, SenderId, Timestamp};

use super::answers::{BatchState, BatchStatus, BulkReceipt, Sent};
use super::wire;
use crate::address_book::{Contact, ContactPage, Group, GroupReceipt};
use crate::backend::{BatchView, MessageView, Refusal};
use crate::error::{Error, ErrorKind, Result};
use crate::provider::Receipt;

/// This provider's id.
pub const PROVIDER: &str = "passinfo";

/// Guinea's country calling code.
pub const CALLING_CODE: u16 = 224;

const NATIONAL_DIGITS: usize = 9;

// ---- numbers and senders ----

/// A number in the form that PassInfo takes: nine digits.
///
/// # Errors
/// [`ErrorKind::InvalidRecipient`], not sent, when it is not a number of Guinea.
pub fn national(number: &E164) -> Result<wire::Phone> {
    let digits = number.national_number();
    if number.calling_code() == CALLING_CODE && digits.len() == NATIONAL_DIGITS {
        return Ok(wire::Phone(digits.to_owned()));
    }
    Err(Error::not_sent(
        ErrorKind::InvalidRecipient,
        "passinfo sends to numbers of Guinea (+224 and nine digits) only",
    ))
}

/// Reads a number that a caller wrote: `622000001`, and also `224622000001`, `00224622000001` and
/// `+224622000001`, with or without blanks, dots, dashes and brackets.
///
/// # Errors
/// [`Refusal::Invalid`] naming `field` when it is not a number of Guinea.
pub fn read_number(written: &str, field: &'static str) -> Result<E164, Refusal> {
    let refusal = || Refusal::invalid(field, "is not a phone number of Guinea");
    let mut digits = String::with_capacity(written.len());
    for character in written.trim().chars() {
        match character {
            '0'..='9' => digits.push(character),
            '+' if digits.is_empty() => {}
            ' ' | '\u{a0}' | '.' | '-' | '(' | ')' => {}
            _ => return Err(refusal()),
        }
    }
    let is_international = written.trim_start().starts_with('+');
    let national = match (digits.len(), is_international) {
        (9, false) => Some(digits.as_str()),
        (12, _) => digits.strip_prefix("224"),
        (14, false) => digits.strip_prefix("00224"),
        (..) => None,
    };
    national
        .and_then(|national| E164::parse_possible(&format!("+224{national}"), None).ok())
        .filter(|number| number.calling_code() == CALLING_CODE)
        .ok_or_else(refusal)
}

/// A number that the vendor wrote, if it can be read.
pub fn known_number(written: &str) -> Option<E164> {
    read_number(written, "contact").ok()
}

/// A sender as PassInfo takes it: a name or a short code, at most 11 characters.
///
/// # Errors
/// [`ErrorKind::InvalidSender`], not sent, for a whole phone number.
pub fn sender_name(sender: &SenderId) -> Result<String> {
    match sender {
        SenderId::Alphanumeric(name) | SenderId::ShortCode(name) => Ok(name.to_string()),
        SenderId::International(_) | _ => Err(Error::not_sent(
            ErrorKind::InvalidSender,
            "passinfo takes a name of up to 11 characters or a short code as the sender, not a phone number",
        )),
    }
}

/// Reads the sender that a caller wrote.
///
/// # Errors
/// [`Refusal::Invalid`] when it is none that PassInfo takes.
pub fn read_sender(written: &str) -> Result<SenderId, Refusal> {
    let refusal = |fault: String| Refusal::invalid("senderName", fault);
    let sender = SenderId::parse(written).map_err(|error| refusal(format!("is wrong: {error}")))?;
    match sender_name(&sender) {
        Ok(_) => Ok(sender),
        Err(error) => Err(refusal(format!("is wrong: {error}"))),
    }
}

// ---- states and reasons ----

/// What PassInfo's word for a message's state means. Its `failed` does not tell a refusal from a
/// failed delivery; a word that is not in its documents moves nothing.
pub fn reported_state(word: &str) -> (ReportedState, Option<Reason>) {
    match word.trim().to_ascii_lowercase().as_str() {
        "pending" => (ReportedState::Submitted, None),
        "sent" => (ReportedState::Sent, None),
        "delivered" => (ReportedState::Delivered, None),
        "failed" => (ReportedState::Undelivered, Some(Reason::Unspecified)),
        _ => (ReportedState::Unknown, None),
    }
}

/// PassInfo's word for a state.
pub fn state_word(state: ReportedState) -> &'static str {
    match state {
        ReportedState::Submitted => "pending",
        ReportedState::Sent => "sent",
        ReportedState::Delivered => "delivered",
        ReportedState::Undelivered
        | ReportedState::Expired
        | ReportedState::Failed
        | ReportedState::Canceled => "failed",
        // It has no word for this; ours is as good as any.
        ReportedState::Unknown | _ => "unknown",
    }
}

/// The sentences in which our server tells reasons; PassInfo documents none. Our client knows them
/// again, so that a reason survives between the two.
const REASONS: [(Reason, &str); 20] = [
    (Reason::InvalidRequest, "the request cannot be sent"),
    (Reason::InvalidRecipient, "no such phone number"),
    (Reason::NotSmsCapable, "the phone cannot receive texts"),
    (Reason::InvalidSender, "the sender is not allowed"),
    (Reason::UnsupportedContent, "the text cannot be sent"),
    (Reason::ContentFiltered, "the text was filtered out"),
    (Reason::OptedOut, "the recipient has opted out"),
    (Reason::ComplianceBlocked, "a rule forbids it for now"),
    (Reason::Unauthorized, "the credentials are not accepted"),
    (Reason::Forbidden, "the account may not do this"),
    (Reason::InsufficientFunds, "nothing is left on the account"),
    (Reason::QuotaExceeded, "a quota is used up"),
    (Reason::RecipientUnreachable, "the phone cannot be reached"),
    (Reason::RecipientBlocked, "the recipient is barred"),
    (Reason::NoRoute, "no way to the recipient's network"),
    (Reason::CarrierError, "the carrier failed"),
    (Reason::Expired, "it could not be delivered in time"),
    (Reason::Canceled, "it was stopped"),
    (Reason::Partial, "not all parts were delivered"),
    (Reason::Unspecified, "no reason was given"),
];

/// The sentence in which our server tells a reason.
pub fn reason_text(reason: Reason) -> &'static str {
    let found = REASONS.iter().find(|(known, _)| *known == reason);
    found.map_or("no reason was given", |(_, text)| text)
}

/// The reason that a sentence tells, as far as it is one of ours.
pub fn reason_of(text: &str) -> Reason {
    let found = REASONS.iter().find(|(_, known)| *known == text);
    found.map_or(Reason::Unspecified, |(reason, _)| *reason)
}

// ---- answers read by the client ----

/// An id that can be asked about: visible ASCII without blanks. A sentence in its place is none.
fn usable(id: Option<&wire::Id>) -> Option<String> {
    const LONGEST: usize = 255;
    let id = &id?.0;
    let is_id = (1..=LONGEST).contains(&id.len()) && id.bytes().all(|byte| byte.is_ascii_graphic());
    is_id.then(|| id.clone())
}

/// The message's id, if the answer has one.
pub fn sent(answer: &wire::SendAnswer) -> Option<Sent> {
    let id = usable(answer.message_id.as_ref()).or_else(|| usable(answer.message.as_ref()))?;
    Some(Sent::new(id))
}

/// What happened to a bulk call of `n_recipients`.
pub fn bulk_receipt(answer: &wire::BulkAnswer, n_recipients: usize) -> BulkReceipt {
    let ids = [
        &answer.batch_id,
        &answer.bulk_id,
        &answer.message_id,
        &answer.message,
    ];
    let failed = answer.failed_sends.map(count);
    let queued = answer.successful_sends.map(count);
    let all = u64::try_from(n_recipients).unwrap_or(u64::MAX);
    BulkReceipt {
        batch_id: ids.into_iter().find_map(|id| usable(id.as_ref())),
        // A success without numbers is one for all; of two numbers that tell one gives the other.
        queued: queued.unwrap_or(all.saturating_sub(failed.unwrap_or(0))),
        failed: failed.unwrap_or(all.saturating_sub(queued.unwrap_or(all))),
        failures: failures(answer.error_details.as_ref()),
    }
}

/// What happened to a message to a group; `None` when the answer does not tell how many.
pub fn group_receipt(answer: &wire::GroupAnswer) -> Option<GroupReceipt> {
    let ids = [
        &answer.batch_id,
        &answer.bulk_id,
        &answer.message_id,
        &answer.message,
    ];
    let queued = count(answer.messages_queued.or(answer.group_size)?);
    let group_size = answer.group_size.map_or(queued, count);
    let receipt = GroupReceipt::new(group_size, queued);
    let id = ids.into_iter().find_map(|id| usable(id.as_ref()));
    Some(match id {
        Some(id) => receipt.receipt(Receipt::new(batch_ref(Some(id), None))),
        None => receipt,
    })
}

/// How to ask about a message of a batch, as far as that can be asked at all.
pub fn batch_ref(batch_id: Option<String>, recipient: Option<E164>) -> ProviderRef {
    let mut reference = ProviderRef::default();
    reference.batch = batch_id;
    reference.recipient = recipient;
    reference
}

/// How far a message has come.
pub fn delivery_report(about: ProviderRef, answer: &wire::StatusAnswer) -> DeliveryReport {
    let (state, reason) = reported_state(&answer.status);
    let mut report = DeliveryReport::new(about, state);
    report.reason = reason.map(|_| {
        answer
            .error_message
            .as_deref()
            .map_or(Reason::Unspecified, reason_of)
    });
    report.at = answer
        .timestamp
        .as_deref()
        .and_then(|time| time.parse().ok());
    report.raw = Some(answer.status.clone());
    report.detail.clone_from(&answer.error_message);
    report
}

/// How far a batch has come.
pub fn batch_status(answer: &wire::BulkStatusAnswer) -> BatchStatus {
    BatchStatus {
        state: batch_state(&answer.status),
        raw: answer.status.clone(),
        successful: answer.successful.map(count),
        failed: answer.failed.map(count),
        pending: answer.pending.map(count),
        at: answer
            .timestamp
            .as_deref()
            .and_then(|time| time.parse().ok()),
        failures: failures(answer.error_details.as_ref()),
    }
}

fn batch_state(word: &str) -> BatchState {
    match word.trim().to_ascii_lowercase().as_str() {
        "processing" => BatchState::Processing,
        "completed" => BatchState::Completed,
        "failed" => BatchState::Failed,
        _ => BatchState::Unknown,
    }
}

/// A number of things. The vendor's numbers are never negative; one that is counts as none.
fn count(number: wire::Integer) -> u64 {
    u64::try_from(number.0).unwrap_or(0)
}

/// Who failed and why, as far as the list can be read: entries are numbers as text, or objects with
/// the number under `contact`, `phone`, `phone_number`, `recipient` or `to` and a sentence under
/// `error`, `error_message`, `message` or `reason`. `None` when some entry names nobody, because
/// then the list does not tell who else failed.
fn failures(details: Option<&Value>) -> Option<HashMap<E164, String>> {
    let entries = details?.as_array()?;
    entries.iter().map(failure).collect()
}

fn failure(entry: &Value) -> Option<(E164, String)> {
    const NUMBER: [&str; 5] = ["contact", "phone", "phone_number", "recipient", "to"];
    const SENTENCE: [&str; 4] = ["error", "error_message", "message", "reason"];
    let (number, sentence) = match entry {
        Value::Object(fields) => (
            NUMBER.iter().find_map(|name| fields.get(*name))?,
            SENTENCE.iter().find_map(|name| fields.get(*name)?.as_str()),
        ),
        Value::String(_) | Value::Number(_) => (entry, None),
        Value::Null | Value::Bool(_) | Value::Array(_) => return None,
    };
    let number = match number {
        Value::String(text) => known_number(text),
        Value::Number(digits) => known_number(&digits.to_string()),
        Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_) => None,
    };
    Some((number?, sentence.unwrap_or_default().to_owned()))
}

/// The contact that was added: the answer's own fields, completed by what was asked for.
pub fn added_contact(answer: wire::AddContactAnswer, asked: &wire::AddContact) -> Contact {
    let record = answer.contact.unwrap_or_default();
    let id = [record.id, answer.contact_id, answer.id]
        .into_iter()
        .find_map(|id| usable(id.as_ref()));
    Contact {
        id,
        first_name: record
            .first_name
            .unwrap_or_else(|| asked.first_name.clone()),
        last_name: record.last_name.unwrap_or_else(|| asked.last_name.clone()),
        phone_number: record
            .phone_number
            .map_or_else(|| asked.phone_number.0.clone(), |number| number.0),
    }
}

/// A page of the contacts; `asked` is the page that was asked for.
pub fn contact_page(answer: wire::ContactsAnswer, asked: u32) -> ContactPage {
    match answer {
        wire::ContactsAnswer::List(records) => ContactPage::new(asked, contacts(records)),
        wire::ContactsAnswer::Page(page) => ContactPage {
            contacts: contacts(page.contacts),
            page: page.page.map_or(asked, small),
            total: page.total.map(count),
            total_pages: page.total_pages.map(small),
        },
    }
}

fn contacts(records: Vec<wire::ContactRecord>) -> Vec<Contact> {
    let contact = |record: wire::ContactRecord| Contact {
        id: usable(record.id.as_ref()),
        first_name: record.first_name.unwrap_or_default(),
        last_name: record.last_name.unwrap_or_default(),
        phone_number: record
            .phone_number
            .map(|number| number.0)
            .unwrap_or_default(),
    };
    records.into_iter().map(contact).collect()
}

fn small(number: wire::Integer) -> u32 {
    u32::try_from(number.0.max(0)).unwrap_or(u32::MAX)
}

/// All groups; `None` when the object holds no list under either name.
pub fn groups(answer: wire::GroupsAnswer) -> Option<Vec<Group>> {
    let records = match answer {
        wire::GroupsAnswer::List(records) => records,
        wire::GroupsAnswer::Named(named) => named.groupes.or(named.groups)?,
    };
    Some(records.into_iter().map(group).collect())
}

fn group(record: wire::GroupRecord) -> Group {
    Group {
        id: record.id.0,
        name: record.name,
        members: record.member_count.map(count),
    }
}

/// The group that was made; `None` when the answer has no id of it.
pub fn created_group(answer: wire::CreateGroupAnswer, asked_name: &str) -> Option<Group> {
    if let Some(record) = answer.groupe.or(answer.group) {
        return Some(group(record));
    }
    let id = usable(answer.id.as_ref()).or_else(|| usable(answer.group_id.as_ref()))?;
    Some(Group {
        id,
        name: answer.name.unwrap_or_else(|| asked_name.to_owned()),
        members: answer.member_count.map(count),
    })
}

// ---- answers written by the server ----

/// One message was taken. The id stands under both of the names that the vendor's papers use.
pub fn send_answer(message_id: &str) -> wire::SendAnswer {
    wire::SendAnswer {
        status: Some(success()),
        message_id: Some(id(message_id)),
        message: Some(id(message_id)),
        ..wire::SendAnswer::default()
    }
}

/// Many messages were offered and `taken` of them were taken.
pub fn bulk_answer(batch_id: Option<&str>, taken: usize, failed: usize) -> wire::BulkAnswer {
    wire::BulkAnswer {
        status: Some(success()),
        successful_sends: Some(integer(taken)),
        failed_sends: Some(integer(failed)),
        batch_id: batch_id.map(id),
        ..wire::BulkAnswer::default()
    }
}

/// A message to a group of `members` was taken for `queued` of them.
pub fn group_answer(batch_id: Option<&str>, members: usize, queued: usize) -> wire::GroupAnswer {
    wire::GroupAnswer {
        status: Some(success()),
        group_size: Some(integer(members)),
        messages_queued: Some(integer(queued)),
        batch_id: batch_id.map(id),
        ..wire::GroupAnswer::default()
    }
}

/// How far a message has come.
pub fn status_answer(view: &MessageView) -> wire::StatusAnswer {
    let word = view.raw_state.clone();
    wire::StatusAnswer {
        status: word.unwrap_or_else(|| state_word(view.state).to_owned()),
        message_id: Some(id(&view.id)),
        timestamp: Some(whole_seconds(view.at)),
        error_message: view.reason.map(|reason| reason_text(reason).to_owned()),
    }
}

/// How far a batch has come.
pub fn bulk_status_answer(view: &BatchView) -> wire::BulkStatusAnswer {
    let status = match (view.pending, view.successful, view.failed) {
        (1.., ..) => "processing",
        (0, 0, 1..) => "failed",
        (0, ..) => "completed",
    };
    let details: Vec<Value> = view
        .failures
        .iter()
        .map(|(written, reason)| {
            serde_json::json!({"contact": shown(written), "error": reason_text(*reason)})
        })
        .collect();
    wire::BulkStatusAnswer {
        status: status.to_owned(),
        successful: Some(integer(view.successful)),
        failed: Some(integer(view.failed)),
        pending: Some(integer(view.pending)),
        timestamp: Some(whole_seconds(view.at)),
        error_details: (!details.is_empty()).then_some(Value::Array(details)),
    }
}

/// The vendor's examples have no fractions of a second.
fn whole_seconds(at: Timestamp) -> String {
    let millis = at.as_millis();
    let whole = Timestamp::from_millis(millis - millis.rem_euclid(1000));
    whole.unwrap_or(at).to_string()
}

/// A contact as the server writes it: a number of Guinea in its national form, whatever form the
/// backend keeps it in.
pub fn contact_record(contact: &Contact) -> wire::ContactRecord {
    wire::ContactRecord {
        id: contact.id.as_deref().map(id),
        first_name: Some(contact.first_name.clone()),
        last_name: Some(contact.last_name.clone()),
        phone_number: Some(shown(&contact.phone_number)),
    }
}

/// A number as PassInfo shows it: one of Guinea in its national form, any other as it is.
fn shown(written: &str) -> wire::Phone {
    let national = known_number(written).and_then(|number| national(&number).ok());
    national.unwrap_or_else(|| wire::Phone(written.to_owned()))
}

/// The answer to an added contact. The id stands in both of the places where clients look for it.
pub fn add_contact_answer(contact: &Contact) -> wire::AddContactAnswer {
    wire::AddContactAnswer {
        success: Some(true),
        contact: Some(contact_record(contact)),
        contact_id: contact.id.as_deref().map(id),
        ..wire::AddContactAnswer::default()
    }
}

/// A page of the contacts, in the form with totals.
pub fn contacts_answer(page: &ContactPage) -> wire::ContactsAnswer {
    wire::ContactsAnswer::Page(wire::ContactsPage {
        contacts: page.contacts.iter().map(contact_record).collect(),
        total: page.total.map(integer),
        page: Some(integer(page.page)),
        total_pages: page.total_pages.map(integer),
    })
}

/// A group as the server writes it.
pub fn group_record(group: &Group) -> wire::GroupRecord {
    wire::GroupRecord {
        id: id(&group.id),
        name: group.name.clone(),
        member_count: group.members.map(integer),
    }
}

/// All groups, as a bare list.
pub fn groups_answer(groups: &[Group]) -> wire::GroupsAnswer {
    wire::GroupsAnswer::List(groups.iter().map(group_record).collect())
}

/// The answer to a group that was made.
pub fn create_group_answer(group: &Group) -> wire::CreateGroupAnswer {
    wire::CreateGroupAnswer {
        id: Some(id(&group.id)),
        name: Some(group.name.clone()),
        member_count: group.members.map(integer),
        ..wire::CreateGroupAnswer::default()
    }
}

/// The answer to a call that only did something.
pub fn done_answer() -> wire::DoneAnswer {
    wire::DoneAnswer {
        success: Some(true),
        status: None,
    }
}

/// The HTTP status and the body in which our server refuses. The statuses 400, 401, 404, 429 and
/// 500 are the vendor's; it documents no body.
pub fn refusal_answer(refusal: &Refusal) -> (u16, wire::Fault) {
    let status = match refusal {
        Refusal::Unauthorized | Refusal::Expired => 401,
        Refusal::Invalid { .. } => 400,
        Refusal::Forbidden { .. } => 403,
        Refusal::Duplicate => 409,
        Refusal::NotFound { .. } => 404,
        Refusal::InsufficientCredit => 402,
        Refusal::RateLimited { .. } | Refusal::RecipientQuota => 429,
        Refusal::Unavailable { .. } => 503,
        Refusal::Unsupported => 501,
    };
    (status, fault(refusal.to_string()))
}

/// A failure as the server writes it. Some of the vendor's clients look at `status` and some at
/// `success`, so both are there.
pub fn fault(sentence: String) -> wire::Fault {
    wire::Fault {
        status: Some(Value::from("error")),
        success: Some(Value::from(false)),
        message: Some(Value::from(sentence)),
        ..wire::Fault::default()
    }
}

fn success() -> String {
    "success".to_owned()
}

fn id(text: &str) -> wire::Id {
    wire::Id(text.to_owned())
}

fn integer(number: impl TryInto<i64>) -> wire::Integer {
    wire::Integer(number.try_into().unwrap_or(i64::MAX))
}
