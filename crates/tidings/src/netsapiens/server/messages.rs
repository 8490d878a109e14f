//! Messages: sent into a session or beside all of them, and listed.

use axum::extract::{RawQuery, Request};
use axum::response::Response;
use serde_json::Value;
use tidings_core::E164;

use super::answer::{self, Refused};
use super::caller::{Caller, Place, Seen};
use super::fields::Fields;
use super::options::SendAnswer;
use crate::backend::{Post, Recipient};
use crate::conversations::{ConversationMessage, Mailbox};
use crate::netsapiens::map::inward::{self, Kind};
use crate::netsapiens::map::outward;

/// `POST /domains/{domain}/users/{user}/messages`: the server names the session.
pub(super) async fn send(
    caller: Caller,
    place: Place,
    seen: Seen,
    request: Request,
) -> Result<Response, Refused> {
    let owner = place.owner(&caller)?;
    let post = read_post(&Fields::of_json(request).await?, None)?;
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
    let post = read_post(&Fields::of_json(request).await?, Some(id))?;
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
    let page = Fields::of_query(query.as_deref()).page()?;
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
fn read_post(fields: &Fields, session: Option<&str>) -> Result<Post, Refused> {
    let kind = fields.required_name("type")?;
    let kind = inward::read_kind(&kind).map_err(|fault| Refused::wrong("type", fault))?;
    let text = fields.required("message")?;
    let recipients = read_recipients(fields, kind)?;
    if recipients.is_empty() && session.is_none() {
        return Err(Refused::Missing {
            field: "destination",
        });
    }
    let mut post = Post::new(kind.word, &*text, recipients);
    post.conversation = session.map(str::to_owned);
    if kind.is_to_phones {
        post.from = Some(read_sender(fields)?);
    }
    post.media = read_media(fields, kind)?;
    Ok(post)
}

fn read_recipients(fields: &Fields, kind: Kind) -> Result<Vec<Recipient>, Refused> {
    let written = fields.names("destination")?;
    let read = |written: &String| {
        let recipient = inward::read_recipient(kind, written);
        recipient.map_err(|fault| Refused::wrong("destination", fault))
    };
    written.iter().map(read).collect()
}

/// Which of the names of the field is used differs by version.
fn read_sender(fields: &Fields) -> Result<E164, Refused> {
    let name = ["from-number", "from-num", "from_num"];
    let name = name.into_iter().find(|name| fields.has(name));
    let name = name.unwrap_or("from-number");
    let written = fields.required_name(name)?;
    inward::read_number(&written).map_err(|fault| Refused::wrong(name, fault))
}

fn read_media(fields: &Fields, kind: Kind) -> Result<Option<tidings_core::Media>, Refused> {
    if !kind.has_media {
        if fields.has("data") {
            let fault = "belongs to a message of the type mms or chat-media";
            return Err(Refused::wrong("data", fault));
        }
        return Ok(None);
    }
    let data = fields.required("data")?;
    let mime_type = fields.required_name("mime-type")?;
    let size = fields.whole("size")?;
    let media = inward::read_media(&data, &mime_type, size);
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
