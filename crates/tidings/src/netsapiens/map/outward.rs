//! What a backend tells, in the vendor's documents. Pure functions, used by the server.

use tidings_core::Timestamp;

use super::inward::scope;
use super::number;
use crate::backend::{Identity, PhoneCall};
use crate::conversations::{Conversation, ConversationMessage, Direction, Mailbox};
use crate::netsapiens::wire::{self, time};
use crate::numbers::OwnNumber;
use crate::subscriptions::Subscription;

/// A number, an extension or a user as `ext@domain`; empty for a number.
fn uid(name: &str, domain: &str) -> String {
    if name.is_empty() || name.starts_with('+') {
        String::new()
    } else if name.contains('@') {
        name.to_owned()
    } else {
        format!("{name}@{domain}")
    }
}

/// A session as its owner sees it. `written` writes times.
pub(in crate::netsapiens) fn session(
    conversation: &Conversation,
    host: &str,
    written: fn(Timestamp) -> String,
) -> wire::MessageSession {
    let number = conversation.number.as_deref().unwrap_or_default();
    let mut row = wire::MessageSession {
        user: conversation.owner.user.as_str().into(),
        domain: conversation.owner.domain.as_str().into(),
        messagesession_id: conversation.id.as_str().into(),
        messagesession_remote: number::written_list(&conversation.remote).into(),
        messagesession_sms_number: number::written(number).into(),
        messagesession_muted: conversation.is_muted.into(),
        ..wire::MessageSession::default()
    };
    row.messagesession_start_datetime = conversation
        .started_at
        .map(written)
        .unwrap_or_default()
        .into();
    let status = if conversation.is_read {
        "read"
    } else {
        "unread"
    };
    row.messagesession_last_status = status.into();
    row.messagesession_reciever_hostname = host.into();
    if conversation.is_group {
        row.messagesession_type = "group-chat".into();
    }
    row.messagesession_name = conversation.name.clone().unwrap_or_default().into();
    row.messagesession_participants = number::written_list(&conversation.participants).into();
    if let Some(last) = &conversation.last {
        row.messagesession_last_datetime = last.at.map(written).unwrap_or_default().into();
        row.messagesession_last_message = last.text.as_str().into();
        let sender = last.sender.as_deref().unwrap_or_default();
        row.messagesession_last_sender = number::written(sender).into();
        row.messagesession_last_type = last.kind.as_str().into();
        let media_type = last.media_type.as_deref().unwrap_or_default();
        row.messagesession_last_media_type = media_type.into();
        row.messagesession_last_media_size = whole(last.media_bytes.unwrap_or(0));
    }
    row
}

/// A message as the owner of its session sees it. `url` is where its file can be fetched.
pub(in crate::netsapiens) fn message(
    message: &ConversationMessage,
    owner: &Mailbox,
    host: &str,
    url: Option<String>,
) -> wire::Message {
    let users = |names: &[String]| {
        let names = names.iter().map(|name| uid(name, &owner.domain));
        let names: Vec<String> = names.filter(|name| !name.is_empty()).collect();
        names.join(",")
    };
    let mut row = wire::Message {
        id: message.id.as_str().into(),
        timestamp: message.at.map(time::write).unwrap_or_default().into(),
        kind: message.kind.as_str().into(),
        domain: owner.domain.as_str().into(),
        text: message.text.as_str().into(),
        status: message.status.clone().unwrap_or_default().into(),
        messagesession_reciever_hostname: host.into(),
        messagesession_id: message.conversation.as_str().into(),
        dialed: number::written_list(&message.to).into(),
        ..wire::Message::default()
    };
    match message.direction {
        Direction::Inbound => {
            row.direction = "orig".into();
            row.from_number = number::written(&message.from).into();
            row.terminating_user_id = owner.to_string().into();
        }
        Direction::Outbound => {
            row.direction = "term".into();
            row.from_number = number::written(&message.from).into();
            row.from_user_id = owner.to_string().into();
        }
        Direction::Internal => {
            row.from_user_id = uid(&message.from, &owner.domain).into();
            row.terminating_user_id = users(&message.to).into();
        }
    }
    row.media_size = whole(0);
    if let Some(media) = &message.media {
        row.media_type = media.mime_type.as_str().into();
        row.media_size = whole(media.bytes.unwrap_or(0));
        row.file_access_url = url.unwrap_or_default().into();
    }
    row.deleted_datetime = message
        .deleted_at
        .map(time::write)
        .unwrap_or_default()
        .into();
    row
}

/// A number of ours. Where a domain lists them the row need not say it again: `domain` does.
pub(in crate::netsapiens) fn number(number: &OwnNumber, domain: Option<&str>) -> wire::SmsNumber {
    let domain = number.domain.as_deref().or(domain);
    wire::SmsNumber {
        number: number::written(&number.number).into(),
        application: number.application.as_str().into(),
        domain: domain.unwrap_or_default().into(),
        dest: number.owner.clone().unwrap_or_default().into(),
        carrier: number.carrier.clone().unwrap_or_default().into(),
        mms_capable: number.media.into(),
        group_mms_capable: number.group_media.into(),
    }
}

/// A subscription.
pub(in crate::netsapiens) fn subscription(subscription: &Subscription) -> wire::Subscription {
    use secrecy::ExposeSecret as _;
    let text = |text: &Option<String>| text.clone().unwrap_or_default().into();
    let at = |at: Option<Timestamp>| at.map(time::write_with_offset).unwrap_or_default().into();
    wire::Subscription {
        id: subscription.id.as_str().into(),
        subscription_geo_support: subscription.fails_over.into(),
        post_url: subscription.url.expose_secret().into(),
        model: subscription.events.as_str().into(),
        user_scope: text(&subscription.scope),
        reseller: text(&subscription.reseller),
        domain: subscription.domain.as_str().into(),
        user: subscription.user.as_str().into(),
        preferred_server: text(&subscription.preferred_server),
        current_active_server: text(&subscription.active_server),
        status: subscription.status.as_str().into(),
        error_count: whole(subscription.errors),
        posts_count: whole(subscription.posts),
        subscription_creation_datetime: at(subscription.created_at),
        subscription_expires_datetime: at(subscription.expires_at),
    }
}

/// A call that is under way.
pub(in crate::netsapiens) fn call(call: &PhoneCall, host: &str) -> wire::ActiveCall {
    let (user, domain) = halves(&call.from, &call.owner.domain);
    let mut row = wire::ActiveCall {
        core_server: host.into(),
        call_session_id: call.session.as_str().into(),
        call_orig_call_id: call.id.as_str().into(),
        call_term_call_id: call.id.as_str().into(),
        call_orig_user: user.into(),
        call_orig_domain: domain.into(),
        call_orig_uri: format!("sip:{user}@{domain}").into(),
        ..wire::ActiveCall::default()
    };
    row.call_orig_match_uri = row.call_orig_uri.clone();
    row.call_orig_name = user.into();
    let caller_id = call.caller_id.as_deref().unwrap_or(user);
    row.caller_id_number = number::written(caller_id).into();
    let (user, domain) = halves(&call.to, &call.owner.domain);
    row.call_dialed_number = user.into();
    row.call_term_user = user.into();
    row.call_term_domain = domain.into();
    row.call_term_uri = format!("sip:{user}@{domain}").into();
    row.call_start_datetime = time::write(call.started_at).into();
    row.call_answer_datetime = call
        .answered_at
        .map_or_else(|| NEVER.to_owned(), time::write)
        .into();
    row
}

/// How a call that rings says when it was answered.
const NEVER: &str = "0000-00-00 00:00:00";

/// User and domain of `user@domain`; of anything else itself and the domain of whose call it is.
fn halves<'a>(name: &'a str, domain: &'a str) -> (&'a str, &'a str) {
    name.split_once('@')
        .unwrap_or((number::written(name), domain))
}

/// What stands for the department of a user who is in none.
pub(in crate::netsapiens) const NO_DEPARTMENT: &str = "n/a";

/// A token and whose it is, without the token itself.
pub(in crate::netsapiens) fn token_answer(
    identity: &Identity,
    login: &str,
    api_version: &str,
) -> wire::TokenAnswer {
    let uid = user_id(identity);
    wire::TokenAnswer {
        username: login.into(),
        user: identity.user.clone().unwrap_or_default().into(),
        territory: identity.reseller.as_str().into(),
        domain: identity.domain.clone().unwrap_or_default().into(),
        department: NO_DEPARTMENT.into(),
        uid: uid.into(),
        login: login.into(),
        scope: scope(identity.rights).into(),
        user_email: identity.email.clone().unwrap_or_default().into(),
        display_name: identity.display_name.as_str().into(),
        token_type: "Bearer".into(),
        client_id: identity.client_id.clone().unwrap_or_default().into(),
        apiversion: version(api_version).into(),
        ..wire::TokenAnswer::default()
    }
}

/// `Version: 44.1.2`.
pub(in crate::netsapiens) fn version(api_version: &str) -> String {
    format!("Version: {api_version}")
}

/// `user@domain`, or as much of it as there is.
pub(in crate::netsapiens) fn user_id(identity: &Identity) -> String {
    let user = identity.user.as_deref().unwrap_or_default();
    match &identity.domain {
        Some(domain) => format!("{user}@{domain}"),
        None => user.to_owned(),
    }
}

/// A count as the wire has it.
pub(in crate::netsapiens) fn whole(count: impl TryInto<i64>) -> wire::Whole {
    wire::Whole::from(count.try_into().unwrap_or(i64::MAX))
}
