//! Sessions, messages and numbers of the wire as the neutral types. Part of `map`.

use tidings_core::E164;

use crate::conversations::{
    Conversation, ConversationMessage, Direction, LastMessage, Mailbox, StoredMedia,
};
use crate::netsapiens::map::number;
use crate::netsapiens::wire::{self, time};
use crate::numbers::OwnNumber;

/// What the wire calls a message from outside.
pub const INBOUND: &str = "orig";

/// What the wire calls a message to the outside.
pub const OUTBOUND: &str = "term";

/// A session as a conversation.
pub fn conversation(session: &wire::MessageSession) -> Conversation {
    let owner = Mailbox::new(&*session.domain.0, &*session.user.0);
    let mut found = Conversation::new(&*session.messagesession_id.0, owner);
    found.remote = number::neutral_list(&session.messagesession_remote.0);
    found.number = party(&session.messagesession_sms_number);
    found.name = text(&session.messagesession_name);
    found.participants = number::neutral_list(&session.messagesession_participants.0);
    found.is_group = !session.messagesession_type.is_empty() || found.remote.len() > 1;
    found.is_muted = session.messagesession_muted.0.unwrap_or(false);
    found.is_read = session.messagesession_last_status.get() != Some("unread");
    found.started_at = time::parse(&session.messagesession_start_datetime.0);
    found.last = last_message(session);
    found
}

fn last_message(session: &wire::MessageSession) -> Option<LastMessage> {
    let at = time::parse(&session.messagesession_last_datetime.0);
    let kind = text(&session.messagesession_last_type);
    let words = text(&session.messagesession_last_message);
    if at.is_none() && kind.is_none() && words.is_none() {
        return None;
    }
    let mut last = LastMessage::new(kind.unwrap_or_default(), words.unwrap_or_default());
    last.at = at;
    last.sender = party(&session.messagesession_last_sender);
    last.media_type = text(&session.messagesession_last_media_type);
    last.media_bytes = size(session.messagesession_last_media_size).filter(|bytes| *bytes > 0);
    Some(last)
}

/// A message of a session. `session` is where it was found, for rows that do not say it.
pub fn message(row: &wire::Message, session: &str) -> ConversationMessage {
    let session = row.messagesession_id.get().unwrap_or(session);
    let direction = direction(row);
    let mut found =
        ConversationMessage::new(&*row.id.0, session, &*row.kind.0, direction, &*row.text.0);
    found.at = time::parse(&row.timestamp.0);
    let from_phone = match direction {
        Direction::Internal => [&row.from_user_id, &row.from_number],
        Direction::Inbound | Direction::Outbound => [&row.from_number, &row.from_user_id],
    };
    let from = from_phone.into_iter().find_map(wire::Text::get);
    found.from = number::neutral(from.unwrap_or_default());
    found.to = recipients(row, direction);
    found.status = text(&row.status);
    found.media = media(row);
    found.deleted_at = time::parse(&row.deleted_datetime.0);
    found
}

fn direction(row: &wire::Message) -> Direction {
    match row.direction.0.as_str() {
        INBOUND => Direction::Inbound,
        OUTBOUND => Direction::Outbound,
        _ => Direction::Internal,
    }
}

/// Whether a row may be to a phone: it names it, or nobody.
pub fn is_to(row: &wire::Message, phone: &E164) -> bool {
    let listed = [&row.dialed, &row.terminating_number];
    let listed = listed.into_iter().find(|field| !field.is_empty());
    listed.is_none_or(|listed| {
        let mut parties = number::entries(&listed.0);
        parties.any(|party| number::is_same_party(party, phone.as_str()))
    })
}

fn recipients(row: &wire::Message, direction: Direction) -> Vec<String> {
    let from_first = match direction {
        Direction::Internal => [
            &row.terminating_user_id,
            &row.dialed,
            &row.terminating_number,
        ],
        Direction::Inbound | Direction::Outbound => [
            &row.dialed,
            &row.terminating_number,
            &row.terminating_user_id,
        ],
    };
    let found = from_first.into_iter().find(|field| !field.is_empty());
    found
        .map(|list| number::neutral_list(&list.0))
        .unwrap_or_default()
}

fn media(row: &wire::Message) -> Option<StoredMedia> {
    let url = row.file_access_url.get();
    let kind = row.media_type.get();
    if url.is_none() && kind.is_none() {
        return None;
    }
    let mut found = StoredMedia::new(kind.unwrap_or_default());
    found.bytes = size(row.media_size).filter(|bytes| *bytes > 0);
    found.url = url.map(Into::into);
    Some(found)
}

/// A number of ours.
pub fn number(row: &wire::SmsNumber) -> OwnNumber {
    let mut found = OwnNumber::new(number::neutral(&row.number.0), &*row.application.0);
    found.domain = text(&row.domain);
    found.owner = text(&row.dest);
    found.carrier = text(&row.carrier);
    found.media = row.mms_capable.0.unwrap_or(false);
    found.group_media = row.group_mms_capable.0.unwrap_or(false);
    found
}

/// What a number is to be used for.
pub fn assignment(number: &OwnNumber) -> wire::NumberAssignment {
    wire::NumberAssignment {
        number: number.number.as_str().into(),
        application: number.application.as_str().into(),
        dest: number.owner.clone().unwrap_or_default().into(),
        carrier: number.carrier.clone().unwrap_or_default().into(),
    }
}

fn party(field: &wire::Text) -> Option<String> {
    field.get().map(number::neutral)
}

fn text(field: &wire::Text) -> Option<String> {
    field.get().map(str::to_owned)
}

fn size(field: wire::Whole) -> Option<u64> {
    field.0.and_then(|bytes| u64::try_from(bytes).ok())
}
