//! Between the vendor's events and neutral words, in both directions. Called by
//! [`parse`](super::parse) and [`emit`](super::emit).

use std::collections::HashSet;

use secrecy::ExposeSecret;
use tidings_core::{InboundMessage, Timestamp};

use super::super::map::number;
use super::super::model::Model;
use super::super::setting;
use super::super::wire::time;
use super::events::{Event, MessageEvent, SessionEvent, Way};
use super::{Spelling, Unreadable};
use crate::callback::{Callback, ConversationEvent};
use crate::conversations::{
    Conversation, ConversationMessage, Direction, LastMessage, Mailbox, StoredMedia,
};
use crate::provider::Account;

// ---- reading ----

impl MessageEvent {
    /// What this says in neutral words. A text from a phone is an inbound message. With a file it is
    /// told a second time as a message of its conversation, which says what the file is. Everything
    /// else is a message of its conversation alone.
    ///
    /// # Errors
    /// [`Unreadable`] when a text from a phone does not say from whom, or for which number of ours.
    pub fn to_neutral(&self) -> Result<Vec<Callback>, Unreadable> {
        let message = self.message();
        let media = message.media.is_some();
        if message.direction != Direction::Inbound || !self.has_content() {
            return Ok(vec![self.conversation(message)]);
        }
        let missing = |name: &str| Unreadable::new(name, "is missing");
        if message.from.is_empty() {
            return Err(missing("from_num"));
        }
        let to = message.to.first().ok_or_else(|| missing("dialed"))?;
        let mut inbound = InboundMessage::new(
            self.id.as_str(),
            message.from.as_str(),
            to.as_str(),
            self.text.as_str(),
        )
        .session(self.session_id.as_str());
        inbound.received_at = message.at;
        let mut told = vec![Callback::Inbound(inbound)];
        if media {
            told.push(self.conversation(message));
        }
        Ok(told)
    }

    fn message(&self) -> ConversationMessage {
        let mut message = ConversationMessage::new(
            self.id.as_str(),
            self.session_id.as_str(),
            self.kind.as_str(),
            self.direction(),
            self.text.as_str(),
        );
        message.at = self.at();
        message.from = number::neutral(self.sender());
        let told = [
            &self.dialed,
            &self.terminating_number,
            &self.terminating_user_id,
        ];
        let to = told.into_iter().find(|it| !it.is_empty());
        message.to = to.map(|to| number::neutral_list(to)).unwrap_or_default();
        message.status = some(&self.status);
        if !self.media_type.is_empty() || self.media_size.is_some_and(|bytes| bytes > 0) {
            let mut media = StoredMedia::new(self.media_type.as_str());
            media.bytes = self.media_size;
            media.url = some(&self.file_access_url).map(Into::into);
            message.media = Some(media);
        }
        message
    }

    fn direction(&self) -> Direction {
        match self.direction.as_str() {
            "orig" => Direction::Inbound,
            "term" => Direction::Outbound,
            _ if self.is_phone_text() => Direction::Inbound,
            _ => Direction::Internal,
        }
    }

    /// The conversation as far as one message of it shows.
    fn conversation(&self, message: ConversationMessage) -> Callback {
        let mut conversation = Conversation::new(self.session_id.as_str(), self.owner());
        let ours = match message.direction {
            Direction::Inbound => {
                conversation.remote = vec![message.from.clone()];
                message.to.first().cloned()
            }
            Direction::Outbound => {
                conversation.remote.clone_from(&message.to);
                Some(number::neutral(&self.from_number))
            }
            Direction::Internal => {
                conversation.remote = match self.way() {
                    Way::In => vec![message.from.clone()],
                    Way::Out | Way::Unknown => message.to.clone(),
                };
                None
            }
        };
        conversation.number = ours.filter(|number| !number.is_empty());
        conversation.participants = number::neutral_list(&self.participants);
        conversation.is_group = conversation.remote.len() > 1;
        conversation.is_read = self.way() == Way::Out;
        let event = ConversationEvent::new(conversation).message(message);
        Callback::Conversation(Box::new(event))
    }

    /// The user whose event it is; where it does not say so, the one of ours who takes part.
    fn owner(&self) -> Mailbox {
        if !self.user.is_empty() {
            return Mailbox::new(self.domain.as_str(), self.user.as_str());
        }
        let ours = match self.direction.as_str() {
            "term" => [&self.from_user_id, &self.terminating_user_id],
            _ => [&self.terminating_user_id, &self.from_user_id],
        };
        let ours = ours.into_iter().find(|uid| !uid.is_empty());
        let uid = ours.and_then(|uids| number::entries(uids).next());
        match uid.and_then(|uid| uid.split_once('@')) {
            Some((user, domain)) => Mailbox::new(domain, user),
            None => Mailbox::new(self.domain.as_str(), uid.unwrap_or_default()),
        }
    }
}

impl SessionEvent {
    /// What this says in neutral words: how the conversation stands. It is never an inbound message,
    /// because the same text is told by a [`MessageEvent`] too.
    pub fn to_neutral(&self) -> Callback {
        let owner = Mailbox::new(self.domain.as_str(), self.user.as_str());
        let mut conversation = Conversation::new(self.session_id.as_str(), owner);
        conversation.remote = number::neutral_list(&self.remote);
        conversation.number = some(&self.sms_number).map(|number| number::neutral(&number));
        conversation.name = some(&self.name);
        conversation.participants = number::neutral_list(&self.participants);
        conversation.is_group = !self.kind.is_empty() || conversation.remote.len() > 1;
        conversation.is_muted = self.is_muted.unwrap_or(false);
        conversation.is_read = !self.last_status.eq_ignore_ascii_case("unread");
        conversation.started_at = time::parse(&self.start_timestamp);
        conversation.last = self.last();
        Callback::Conversation(Box::new(ConversationEvent::new(conversation)))
    }

    fn last(&self) -> Option<LastMessage> {
        let is_there = self.has_content() || !self.last_sender.is_empty();
        if !is_there {
            return None;
        }
        let mut last = LastMessage::new(self.last_kind.as_str(), self.last_message.as_str());
        last.at = self.last_at();
        last.sender = some(&self.last_sender).map(|sender| number::neutral(&sender));
        last.media_type = some(&self.last_media_type);
        last.media_bytes = self.last_media_size.filter(|bytes| *bytes > 0);
        Some(last)
    }
}

fn some(text: &str) -> Option<String> {
    Some(text.to_owned()).filter(|text| !text.is_empty())
}

// ---- writing ----

/// For whom a post is made.
pub(super) struct Subscriber<'a> {
    model: Model,
    spelling: Spelling,
    account: &'a Account,
}

impl<'a> Subscriber<'a> {
    pub(super) fn of(account: &'a Account) -> Self {
        let model = account.setting(setting::EVENT_MODEL);
        Self {
            model: model.map_or(Model::Message, Model::from),
            spelling: Spelling::of(account),
            account,
        }
    }

    pub(super) fn spelling(&self) -> Spelling {
        self.spelling
    }

    /// The events of his model. A text that is told both by itself and with its conversation is one.
    pub(super) fn events(&self, callbacks: &[Callback]) -> Vec<Event> {
        let messages = callbacks.iter().filter_map(|callback| match callback {
            Callback::Conversation(event) => event.message.as_ref(),
            Callback::Report(_) | Callback::Inbound(_) => None,
        });
        let told: HashSet<&str> = messages.map(|message| message.id.as_str()).collect();
        let event = |callback| match callback {
            // The vendor tells nothing of how far a message has come.
            &Callback::Report(_) => None,
            Callback::Inbound(text) if told.contains(text.id.as_str()) => None,
            Callback::Inbound(text) => self.event(&self.conversation_of(text)),
            Callback::Conversation(event) => self.event(event),
        };
        callbacks.iter().filter_map(event).collect()
    }

    fn event(&self, event: &ConversationEvent) -> Option<Event> {
        match &self.model {
            Model::Message => {
                let message = event.message.as_ref()?;
                let message = message_event(&event.conversation, message);
                Some(Event::Message(Box::new(message)))
            }
            Model::MessageSession => {
                let session = self.session_event(&event.conversation, event.message.as_ref());
                Some(Event::Session(Box::new(session)))
            }
            _ => None,
        }
    }

    /// A text from a phone as a message of its conversation, which belongs to the account's user.
    fn conversation_of(&self, text: &InboundMessage) -> ConversationEvent {
        let session = text.session.as_deref().unwrap_or_default();
        let mut conversation = Conversation::new(session, self.owner());
        conversation.remote = vec![text.from.clone()];
        conversation.number = Some(text.to.clone());
        conversation.is_read = false;
        let mut message = ConversationMessage::new(
            text.id.as_str(),
            session,
            "sms",
            Direction::Inbound,
            &*text.text,
        );
        message.at = text.received_at;
        message.from.clone_from(&text.from);
        message.to = vec![text.to.clone()];
        ConversationEvent::new(conversation).message(message)
    }

    fn owner(&self) -> Mailbox {
        let setting = |name| {
            let value = self.account.setting(name);
            value.filter(|value| !matches!(*value, "" | "~" | "*"))
        };
        let username = setting(setting::USERNAME).unwrap_or_default();
        let (user, domain) = username.split_once('@').unwrap_or((username, ""));
        Mailbox::new(
            setting(setting::DOMAIN).unwrap_or(domain),
            setting(setting::USER).unwrap_or(user),
        )
    }

    fn session_event(
        &self,
        conversation: &Conversation,
        written: Option<&ConversationMessage>,
    ) -> SessionEvent {
        let dated = |at: Timestamp| match self.spelling {
            Spelling::Underscore => time::write(at),
            Spelling::Kebab => time::write_with_offset(at),
        };
        let last = conversation.last.clone().or_else(|| written.map(last_of));
        let last = last.unwrap_or_else(|| LastMessage::new("", ""));
        SessionEvent {
            user: conversation.owner.user.clone(),
            domain: conversation.owner.domain.clone(),
            session_id: conversation.id.clone(),
            remote: number::written_list(&conversation.remote),
            sms_number: written_or_empty(conversation.number.as_deref()),
            last_message: last.text,
            last_kind: last.kind,
            last_sender: written_or_empty(last.sender.as_deref()),
            last_status: if conversation.is_read {
                "read"
            } else {
                "unread"
            }
            .to_owned(),
            last_timestamp: last.at.map(dated).unwrap_or_default(),
            last_media_type: last.media_type.unwrap_or_default(),
            last_media_size: last.media_bytes,
            is_muted: Some(conversation.is_muted),
            start_timestamp: conversation.started_at.map(dated).unwrap_or_default(),
            kind: if conversation.is_group {
                "group-chat"
            } else {
                ""
            }
            .to_owned(),
            name: conversation.name.clone().unwrap_or_default(),
            participants: number::written_list(&conversation.participants),
            hostname: String::new(),
        }
    }
}

fn last_of(message: &ConversationMessage) -> LastMessage {
    let mut last = LastMessage::new(message.kind.as_str(), message.text.as_str());
    last.at = message.at;
    last.sender = Some(message.from.clone());
    last.media_type = message.media.as_ref().map(|media| media.mime_type.clone());
    last.media_bytes = message.media.as_ref().and_then(|media| media.bytes);
    last
}

fn message_event(conversation: &Conversation, message: &ConversationMessage) -> MessageEvent {
    let owner = &conversation.owner;
    let mut event = MessageEvent {
        id: message.id.clone(),
        timestamp: message.at.map(time::write).unwrap_or_default(),
        kind: message.kind.clone(),
        domain: owner.domain.clone(),
        user: owner.user.clone(),
        dialed: number::written_list(&message.to),
        text: message.text.clone(),
        session_id: message.conversation.clone(),
        participants: number::written_list(&conversation.participants),
        ..MessageEvent::default()
    };
    let from = number::written(&message.from).to_owned();
    let is_user = from.contains('@');
    match message.direction {
        Direction::Inbound => {
            "orig".clone_into(&mut event.direction);
            if is_user {
                event.from_user_id = from;
            } else {
                event.from_number = from;
            }
            event.terminating_user_id = uid(owner);
        }
        Direction::Outbound => {
            "term".clone_into(&mut event.direction);
            event.from_number = if is_user || from.is_empty() {
                written_or_empty(conversation.number.as_deref())
            } else {
                from
            };
            event.from_user_id = uid(owner);
            event.status = message
                .status
                .clone()
                .unwrap_or_else(|| "sending".to_owned());
        }
        Direction::Internal => {
            event.from_user_id = from;
            let users = message.to.iter().filter(|to| to.contains('@'));
            event.terminating_user_id = number::written_list(&users.collect::<Vec<_>>());
            event.status = message.status.clone().unwrap_or_default();
        }
    }
    if let Some(media) = &message.media {
        event.media_type.clone_from(&media.mime_type);
        event.media_size = media.bytes;
        let url = media.url.as_ref().map(ExposeSecret::expose_secret);
        url.unwrap_or_default()
            .clone_into(&mut event.file_access_url);
    }
    event
}

fn uid(owner: &Mailbox) -> String {
    if owner.user.is_empty() {
        return String::new();
    }
    owner.to_string()
}

fn written_or_empty(address: Option<&str>) -> String {
    number::written(address.unwrap_or_default()).to_owned()
}
