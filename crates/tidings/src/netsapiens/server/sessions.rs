//! Message sessions: listed, shown, changed, left and deleted.

use axum::extract::{RawQuery, Request};
use axum::response::Response;
use serde_json::Value;

use super::answer::{self, Refused};
use super::caller::{Caller, Place, Seen};
use super::fields::{self, Query};
use super::options::{ServerOptions, SingleSession, Times};
use crate::backend::ConversationChange;
use crate::conversations::Conversation;
use crate::netsapiens::map::{inward, number, outward};
use crate::netsapiens::wire;

/// `GET /domains/{domain}/messagesessions`.
pub(super) async fn list_of_domain(
    caller: Caller,
    place: Place,
    seen: Seen,
    RawQuery(query): RawQuery,
) -> Result<Response, Refused> {
    let domain = place.domain_or_all(&caller)?;
    let page = Query::of(query.as_deref()).page()?;
    let backend = caller.backend();
    let found = backend.conversations(caller.who(), domain.as_deref(), None, page);
    let found = found
        .await
        .map_err(|refusal| place.refused(&caller, refusal))?;
    Ok(answer::document(&rows(&found, &seen, caller.options())))
}

/// `GET /domains/{domain}/users/{user}/messagesessions`.
pub(super) async fn list(
    caller: Caller,
    place: Place,
    seen: Seen,
    RawQuery(query): RawQuery,
) -> Result<Response, Refused> {
    let domain = place.domain_or_all(&caller)?;
    let user = place.user_or_all(&caller)?;
    let page = Query::of(query.as_deref()).page()?;
    let backend = caller.backend();
    let found = backend.conversations(caller.who(), domain.as_deref(), user.as_deref(), page);
    let found = found
        .await
        .map_err(|refusal| place.refused(&caller, refusal))?;
    Ok(answer::document(&rows(&found, &seen, caller.options())))
}

/// `GET /domains/{domain}/users/{user}/messagesessions/{id}`.
pub(super) async fn one(caller: Caller, place: Place, seen: Seen) -> Result<Response, Refused> {
    let owner = place.owner(&caller)?;
    let id = place.id("messagesession")?;
    let found = caller
        .backend()
        .conversation(caller.who(), &owner, id)
        .await;
    let found = found.map_err(|refusal| place.refused(&caller, refusal))?;
    let row = row(&found, &seen.host(caller.options()), caller.options());
    Ok(match caller.options().single_session {
        SingleSession::Array => answer::document(&[row]),
        SingleSession::Object => answer::document(&row),
    })
}

/// `PUT /domains/{domain}/users/{user}/messagesessions/{id}`: who takes part, the name, or whether it
/// is read. Other members, which clients are known to send, change nothing.
pub(super) async fn change(
    caller: Caller,
    place: Place,
    request: Request,
) -> Result<Response, Refused> {
    let owner = place.owner(&caller)?;
    let id = place.id("messagesession")?;
    for change in changes(fields::read(request).await?)? {
        let changed = caller.backend();
        let changed = changed.change_conversation(caller.who(), &owner, id, change);
        let changed = changed.await.map_err(inward::change_field);
        changed.map_err(|refusal| place.refused(&caller, refusal))?;
    }
    Ok(answer::accepted())
}

fn changes(wanted: wire::ChangeSession) -> Result<Vec<ConversationChange>, Refused> {
    let mut changes = Vec::new();
    let is_set = |text: &wire::Text| !text.is_empty();
    if let Some(participants) = wanted.participants.filter(is_set) {
        let participants = participants.0.split(',').map(number::neutral);
        let participants: Vec<String> = participants.collect();
        if participants.iter().any(String::is_empty) {
            let fault = "must be users or numbers with single commas between them";
            return Err(Refused::wrong("participants", fault));
        }
        changes.push(ConversationChange::Participants(participants));
    }
    if let Some(name) = wanted.session_name
        && let Some(name) = fields::name("session-name", &name)?
    {
        changes.push(ConversationChange::Name(name));
    }
    if let Some(status) = wanted.messagesession_last_status.filter(is_set) {
        changes.push(ConversationChange::Read(match status.0.as_str() {
            "read" => true,
            "unread" => false,
            _ => {
                let fault = "must be read or unread";
                return Err(Refused::wrong("messagesession-last-status", fault));
            }
        }));
    }
    if changes.is_empty() {
        let field = "participants, session-name or messagesession-last-status";
        return Err(Refused::Missing { field });
    }
    Ok(changes)
}

/// `PUT .../messagesessions/{id}/leave`.
pub(super) async fn leave(caller: Caller, place: Place) -> Result<Response, Refused> {
    end(&caller, &place, ConversationChange::Leave).await
}

/// `DELETE .../messagesessions/{id}`.
pub(super) async fn delete(caller: Caller, place: Place) -> Result<Response, Refused> {
    end(&caller, &place, ConversationChange::Delete).await
}

async fn end(
    caller: &Caller,
    place: &Place,
    change: ConversationChange,
) -> Result<Response, Refused> {
    let owner = place.owner(caller)?;
    let id = place.id("messagesession")?;
    let ended = caller.backend();
    let ended = ended.change_conversation(caller.who(), &owner, id, change);
    let ended = ended.await;
    ended.map_err(|refusal| place.refused(caller, refusal))?;
    Ok(answer::accepted())
}

fn rows(found: &[Conversation], seen: &Seen, options: &ServerOptions) -> Vec<Value> {
    let host = seen.host(options);
    let rows = found.iter().map(|found| row(found, &host, options));
    rows.collect()
}

fn row(found: &Conversation, host: &str, options: &ServerOptions) -> Value {
    let time = match options.times {
        Times::Datetime => wire::time::write_with_offset,
        Times::Timestamp => wire::time::write,
    };
    let row = outward::session(found, host, time);
    answer::dressed(&row, options, &NUMERIC)
}

/// What the vendor's servers write as numbers where it is all digits.
const NUMERIC: [&str; 5] = [
    "messagesession-id",
    "messagesession-remote",
    "messagesession-sms-number",
    "messagesession-last-message",
    "messagesession-last-sender",
];
