//! Message sessions and what is written in them: lists, changes, leaving and deleting.
//!
//! Called by programs; the neutral trait is at the end. Sessions belong to a user: those of a number
//! are found at the extension that the number is assigned to.

use async_trait::async_trait;
use bytes::Bytes;
use futures_util::stream::{self, Stream, StreamExt as _, TryStreamExt as _};
use http::Method;
use serde::Serialize;
use tidings_core::Media;

use super::client::Client;
use super::map::{conversation, number};
use super::paging;
use super::path::Path;
use super::verdict::{self, Call};
use super::wire;
use crate::answer::Answer;
use crate::conversations::{Conversation, ConversationMessage, Conversations, Page, StoredMedia};
use crate::error::{ErrorKind, Result};

const LIST: Call = Call::asks("list_sessions");
const LIST_DOMAIN: Call = Call::asks("list_domain_sessions");
const SHOW: Call = Call::asks("session");
pub(super) const MESSAGES: Call = Call::asks("messages");
const PARTICIPANTS: Call = Call::acts("set_participants");
const RENAME: Call = Call::acts("rename_session");
const MARK: Call = Call::acts("mark_session");
const LEAVE: Call = Call::acts("leave_session");
const DELETE: Call = Call::acts("delete_session");

impl Client {
    /// A part of the user's sessions, the latest first.
    ///
    /// # Errors
    /// [`ErrorKind::Protocol`] when a row has no id.
    #[doc(alias("get_message_sessions", "get_messages", "get_messagesessions"))]
    pub async fn sessions(&self, page: Page) -> Result<Answer<Vec<wire::MessageSession>>> {
        let path = self.user_path().map(|path| path.fixed("/messagesessions"));
        self.session_rows(LIST, path, page).await
    }

    /// A part of the sessions of all users of the domain, the latest first.
    ///
    /// # Errors
    /// [`ErrorKind::Unsupported`] where the version has no such call, as early ones of 44 have not:
    /// then ask for the sessions of each user. [`ErrorKind::Forbidden`] for a user who may not see the
    /// domain.
    #[doc(alias("get_message_sessions", "get_messages", "get_messagesessions"))]
    pub async fn domain_sessions(&self, page: Page) -> Result<Answer<Vec<wire::MessageSession>>> {
        let path = Path::domain(&self.shared().domain);
        let path = path.map(|path| path.fixed("/messagesessions"));
        self.session_rows(LIST_DOMAIN, path, page).await
    }

    /// All sessions of the user, as a stream that asks for the next part when it is needed.
    ///
    /// The stream ends with an error when a call fails, and with [`ErrorKind::Protocol`] when the
    /// server gives the same part again: such a server gives no more than its first part, which the
    /// stream has given before.
    pub fn all_sessions(&self) -> impl Stream<Item = Result<wire::MessageSession>> + Send + use<> {
        let client = self.clone();
        let get = move |page| {
            let client = client.clone();
            async move { client.sessions(page).await }
        };
        let size = self.shared().choices.page_size;
        rows(paging::pages(LIST, size, session_key, get))
    }

    /// All sessions of the domain, as [`Self::all_sessions`] gives those of the user.
    pub fn all_domain_sessions(
        &self,
    ) -> impl Stream<Item = Result<wire::MessageSession>> + Send + use<> {
        let client = self.clone();
        let get = move |page| {
            let client = client.clone();
            async move { client.domain_sessions(page).await }
        };
        let size = self.shared().choices.page_size;
        rows(paging::pages(LIST_DOMAIN, size, session_key, get))
    }

    /// One session of the user.
    ///
    /// # Errors
    /// [`ErrorKind::NotFound`] when there is none with this id.
    pub async fn session(&self, id: &str) -> Result<Answer<wire::MessageSession>> {
        let path = self.session_path(id);
        let answer = self
            .call(SHOW, Method::GET, path, None, verdict::read_list)
            .await?;
        // Version 45 describes a list, in which a server may give more than was asked for.
        let mut found: Answer<Vec<wire::MessageSession>> = answer;
        let place = found
            .value
            .iter()
            .position(|session| session.messagesession_id.0 == id);
        match (place, found.value.len()) {
            (Some(place), _) => Ok(found.map(|mut rows| rows.swap_remove(place))),
            (None, 0) => Err(SHOW
                .not_sent(ErrorKind::NotFound, "netsapiens knows no such session")
                .with_http(found.http)),
            // The server does not repeat the id: it is the one that was asked for.
            (None, 1)
                if found
                    .value
                    .iter()
                    .all(|row| row.messagesession_id.is_empty()) =>
            {
                Ok(found.map(|mut rows| {
                    let mut row = rows.swap_remove(0);
                    row.messagesession_id = id.into();
                    row
                }))
            }
            (None, _) => {
                found.value.clear();
                let what = "netsapiens gave other sessions than the one asked for";
                Err(SHOW.unreadable(what, found.http))
            }
        }
    }

    /// A part of the messages of a session of the user, the latest first. A session that is not there
    /// has none.
    ///
    /// # Errors
    /// [`ErrorKind::Protocol`] when a row is no message.
    #[doc(alias("get_messages"))]
    pub async fn messages(&self, session: &str, page: Page) -> Result<Answer<Vec<wire::Message>>> {
        let path = self.messages_path(session).map(|path| path.page(page));
        let answer = self
            .call(MESSAGES, Method::GET, path, None, verdict::read_list)
            .await?;
        checked(MESSAGES, answer, is_message)
    }

    /// All messages of a session of the user, as [`Self::all_sessions`] gives sessions.
    pub fn all_messages(
        &self,
        session: &str,
    ) -> impl Stream<Item = Result<wire::Message>> + Send + use<> {
        let client = self.clone();
        let session = session.to_owned();
        let get = move |page| {
            let (client, session) = (client.clone(), session.clone());
            async move { client.messages(&session, page).await }
        };
        let size = self.shared().choices.page_size;
        rows(paging::pages(MESSAGES, size, message_key, get))
    }

    /// Sets who takes part in a chat: all of them, oneself included, as `user@domain`. The members of
    /// a group on the phone network cannot be changed.
    pub async fn set_participants<T: AsRef<str> + Sync>(
        &self,
        session: &str,
        participants: &[T],
    ) -> Result<Answer<()>> {
        let invalid = |what: &'static str| PARTICIPANTS.not_sent(ErrorKind::InvalidRecipient, what);
        let mut all = Vec::with_capacity(participants.len());
        for participant in participants {
            let participant = participant.as_ref().trim();
            if participant.is_empty() || participant.contains(',') {
                return Err(invalid("a participant is user@domain or a number"));
            }
            all.push(number::written(participant));
        }
        if all.is_empty() {
            return Err(invalid("a session needs a participant"));
        }
        let change = wire::ChangeSession {
            participants: Some(all.join(",").into()),
            ..wire::ChangeSession::default()
        };
        self.change(PARTICIPANTS, session, &change).await
    }

    /// Gives a chat a name. A group on the phone network has none.
    pub async fn rename_session(&self, session: &str, name: &str) -> Result<Answer<()>> {
        let change = wire::ChangeSession {
            session_name: Some(name.into()),
            ..wire::ChangeSession::default()
        };
        self.change(RENAME, session, &change).await
    }

    /// Marks a session as read or as unread, as the vendor's own portal does; no description of the
    /// API has this.
    pub async fn mark_session(&self, session: &str, is_read: bool) -> Result<Answer<()>> {
        let word = if is_read { "read" } else { "unread" };
        let change = wire::ChangeSession {
            messagesession_last_status: Some(word.into()),
            ..wire::ChangeSession::default()
        };
        self.change(MARK, session, &change).await
    }

    /// Takes no part in a session any more.
    pub async fn leave_session(&self, session: &str) -> Result<Answer<()>> {
        let path = self.session_path(session).map(|path| path.fixed("/leave"));
        self.call(LEAVE, Method::PUT, path, None, verdict::read_done)
            .await
    }

    /// Deletes a session of the user.
    pub async fn delete_session(&self, session: &str) -> Result<Answer<()>> {
        let path = self.session_path(session);
        self.call(DELETE, Method::DELETE, path, None, verdict::read_done)
            .await
    }

    pub(super) fn messages_path(&self, session: &str) -> Option<Path> {
        let path = self.session_path(session)?;
        Some(path.fixed("/messages"))
    }

    async fn session_rows(
        &self,
        call: Call,
        path: Option<Path>,
        page: Page,
    ) -> Result<Answer<Vec<wire::MessageSession>>> {
        let path = path.map(|path| path.page(page));
        let answer = self
            .call(call, Method::GET, path, None, verdict::read_list)
            .await?;
        checked(call, answer, |session: &wire::MessageSession| {
            !session.messagesession_id.is_empty()
        })
    }

    async fn change(
        &self,
        call: Call,
        session: &str,
        change: &wire::ChangeSession,
    ) -> Result<Answer<()>> {
        let path = self.session_path(session);
        let body = written(call, change)?;
        self.call(call, Method::PUT, path, Some(body), verdict::read_done)
            .await
    }
}

/// A document in JSON.
pub(super) fn written<T: Serialize>(call: Call, document: &T) -> Result<Bytes> {
    match serde_json::to_vec(document) {
        Ok(body) => Ok(body.into()),
        Err(unwritable) => {
            let what = "the request cannot be written in json";
            Err(call
                .not_sent(ErrorKind::InvalidMessage, what)
                .with_source(unwritable))
        }
    }
}

/// Rows that are what they should be: every member of a row may be missing, so that any object can be
/// read as one, and an answer about something else must not become an empty session.
pub(super) fn checked<T>(
    call: Call,
    answer: Answer<Vec<T>>,
    is_one: impl Fn(&T) -> bool,
) -> Result<Answer<Vec<T>>> {
    if answer.value.iter().all(is_one) {
        return Ok(answer);
    }
    let what = "netsapiens gave a list of something else than was asked for";
    Err(call.unreadable(what, answer.http))
}

pub(super) fn is_message(row: &wire::Message) -> bool {
    !row.id.is_empty() || !row.kind.is_empty() && !row.timestamp.is_empty()
}

fn session_key(session: &wire::MessageSession) -> [wire::Text; 3] {
    [
        session.domain.clone(),
        session.user.clone(),
        session.messagesession_id.clone(),
    ]
}

/// The id; where there is none, all by which a message is told from others.
pub(super) fn message_key(row: &wire::Message) -> [wire::Text; 4] {
    if row.id.is_empty() {
        return [&row.timestamp, &row.text, &row.direction, &row.dialed].map(Clone::clone);
    }
    [row.id.clone(), "".into(), "".into(), "".into()]
}

/// The rows of pages, one by one.
pub(super) fn rows<T: Send>(
    pages: impl Stream<Item = paging::Got<T>> + Send,
) -> impl Stream<Item = Result<T>> + Send {
    pages
        .map_ok(|page| stream::iter(page.value).map(Ok))
        .try_flatten()
}

#[async_trait]
impl Conversations for Client {
    async fn list(&self, page: Page) -> Result<Vec<Conversation>> {
        let sessions = self.sessions(page).await?;
        Ok(sessions.iter().map(conversation::conversation).collect())
    }

    async fn show(&self, id: &str) -> Result<Conversation> {
        let session = self.session(id).await?;
        Ok(conversation::conversation(&session))
    }

    async fn messages(&self, id: &str, page: Page) -> Result<Vec<ConversationMessage>> {
        let messages = self.messages(id, page).await?;
        let neutral = messages.iter().map(|row| conversation::message(row, id));
        Ok(neutral.collect())
    }

    async fn mark(&self, id: &str, is_read: bool) -> Result<()> {
        self.mark_session(id, is_read).await.map(Answer::into_value)
    }

    async fn rename(&self, id: &str, name: &str) -> Result<()> {
        self.rename_session(id, name).await.map(Answer::into_value)
    }

    async fn set_participants(&self, id: &str, participants: &[String]) -> Result<()> {
        let done = Self::set_participants(self, id, participants).await;
        done.map(Answer::into_value)
    }

    async fn leave(&self, id: &str) -> Result<()> {
        self.leave_session(id).await.map(Answer::into_value)
    }

    async fn delete(&self, id: &str) -> Result<()> {
        self.delete_session(id).await.map(Answer::into_value)
    }

    async fn fetch(&self, media: &StoredMedia) -> Result<Media> {
        self.fetch_media(media).await.map(Answer::into_value)
    }
}
