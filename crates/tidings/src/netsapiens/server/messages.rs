//! Messages: sent into a session or beside all of them, and listed.

use axum::extract::{RawQuery, Request};
use axum::response::Response;
use serde_json::Value;
use tidings_core::Media;

use super::answer::{self, Refused};
use super::caller::{Caller, Place, Seen};
use super::fields::{self, Query};
use super::options::SendAnswer;
use crate::backend::{Post, Recipient};
use crate::conversations::{ConversationMessage, Mailbox};
use crate::netsapiens::map::inward::{self, Kind};
use crate::netsapiens::map::outward;
use crate::netsapiens::wire::SentMessage;

/// `POST /domains/{domain}/users/{user}/messages`: the server names the session.
pub(super) async fn send(
    caller: Caller,
    place: Place,
    seen: Seen,
    request: Request,
) -> Result<Response, Refused> {
    let owner = place.owner(&caller)?;
    let post = read_post(&fields::read(request).await?, None)?;
    let sent = deliver(&caller, &place, &owner, post).await?;
    match caller.options().send_answer {
        SendAnswer::Message => {
            let row = row(&caller, &seen, &owner, &sent).await;
            Ok(answer::document(&row))
        }
        SendAnswer::Accepted => Ok(answer::accepted()),
    }
}

/// `POST .../messagesessions/{id}/messages`: into a session that is there, or that begins with this
/// message under the name that the sender gives it.
pub(super) async fn send_in_session(
    caller: Caller,
    place: Place,
    request: Request,
) -> Result<Response, Refused> {
    let owner = place.owner(&caller)?;
    let id = place.id("messagesession")?;
    inward::check_session_id(id).map_err(|fault| Refused::wrong("messagesession", fault))?;
    let post = read_post(&fields::read(request).await?, Some(id))?;
    deliver(&caller, &place, &owner, post).await?;
    Ok(answer::accepted())
}

/// `GET .../messagesessions/{id}/messages`.
pub(super) async fn list(
    caller: Caller,
    place: Place,
    seen: Seen,
    RawQuery(query): RawQuery,
) -> Result<Response, Refused> {
    let owner = place.owner(&caller)?;
    let id = place.id("messagesession")?;
    let page = Query::of(query.as_deref()).page()?;
    let backend = caller.backend();
    let found = backend.conversation_messages(caller.who(), &owner, id, page);
    let found = found
        .await
        .map_err(|refusal| place.refused(&caller, refusal))?;
    let mut rows = Vec::with_capacity(found.len());
    for message in &found {
        rows.push(row(&caller, &seen, &owner, message).await);
    }
    Ok(answer::document(&rows))
}

async fn deliver(
    caller: &Caller,
    place: &Place,
    owner: &Mailbox,
    post: Post,
) -> Result<ConversationMessage, Refused> {
    let (n_recipients, has_media) = (post.to.len(), post.media.is_some());
    let taken = caller.backend().post(caller.who(), owner, post).await;
    let taken = taken.map_err(inward::post_field);
    let taken = taken.map_err(|refusal| place.refused(caller, refusal))?;
    tracing::info!(
        message.id = %taken.id,
        recipients = n_recipients,
        has_media,
        "took a message"
    );
    Ok(taken)
}

/// Reads what is to be sent. In a session that has a name nobody has to be named: it goes to
/// everybody in it.
fn read_post(sent: &SentMessage, session: Option<&str>) -> Result<Post, Refused> {
    let kind = fields::required_name("type", &sent.kind)?;
    let kind = inward::read_kind(&kind).map_err(|fault| Refused::wrong("type", fault))?;
    let text = fields::required("message", &sent.message)?;
    let recipients = read_recipients(sent, kind)?;
    if recipients.is_empty() && session.is_none() {
        return Err(Refused::Missing {
            field: "destination",
        });
    }
    let mut post = Post::new(kind.word, text, recipients);
    post.conversation = session.map(str::to_owned);
    if kind.is_to_phones {
        let written = fields::required_name("from-number", &sent.from_number)?;
        let from = inward::read_number(&written);
        post.from = Some(from.map_err(|fault| Refused::wrong("from-number", fault))?);
    }
    post.media = read_media(sent, kind)?;
    Ok(post)
}

fn read_recipients(sent: &SentMessage, kind: Kind) -> Result<Vec<Recipient>, Refused> {
    let read = |written: &String| {
        let recipient = inward::read_recipient(kind, written.trim());
        recipient.map_err(|fault| Refused::wrong("destination", fault))
    };
    sent.destination.0.iter().map(read).collect()
}

fn read_media(sent: &SentMessage, kind: Kind) -> Result<Option<Media>, Refused> {
    if !kind.has_media {
        if !sent.data.is_empty() {
            let fault = "belongs to a message of the type mms or chat-media";
            return Err(Refused::wrong("data", fault));
        }
        return Ok(None);
    }
    fields::required("data", &sent.data)?;
    let mime_type = fields::required_name("mime-type", &sent.mime_type)?;
    let content = sent.content().map_err(fields::wrong)?;
    let size = fields::count("size", sent.size)?;
    let media = inward::read_media(content.unwrap_or_default(), &mime_type, size);
    let media = media.map_err(|(field, fault)| Refused::wrong(field, fault))?;
    Ok(Some(media))
}

/// A message as its owner is shown it, with an address for its file.
async fn row(
    caller: &Caller,
    seen: &Seen,
    owner: &Mailbox,
    message: &ConversationMessage,
) -> Value {
    let options = caller.options();
    let url = match &message.media {
        Some(_) => {
            let backend = caller.backend();
            let address = backend
                .media_address(caller.who(), owner, &message.id)
                .await;
            // A message whose file has gone is still a message.
            address.ok().map(|address| seen.file_url(options, &address))
        }
        None => None,
    };
    let row = outward::message(message, owner, &seen.host(options), url);
    answer::dressed(&row, options, &NUMERIC)
}

/// What the vendor's servers write as numbers where it is all digits.
const NUMERIC: [&str; 5] = ["id", "text", "from-number", "dialed", "messagesession-id"];
