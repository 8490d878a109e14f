//! `/v1/inbound` and `/v1/conversations`: texts from phones, alone and with what went out.

use std::sync::Arc;

use axum::extract::State;
use axum::response::Response;
use axum::{Extension, Json};
use serde::{Deserialize, Serialize};
use tidings::serve;
use tidings_core::Timestamp;
use tidings_store::{
    ConversationEntry, ConversationId, InboundId, StoredConversation, StoredInbound,
};
use utoipa::{IntoParams, ToSchema};

use super::Api;
use super::auth::Who;
use super::body::{Path, Query};
use super::error::{Code, Problem, Result};
use super::pages::{self, Listed, PageQuery};
use super::view::MessageView;
use crate::access::Scope;
use crate::inbound::files;

/// A text from a phone.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = InboundMessage)]
pub(crate) struct InboundView {
    /// Its id.
    #[schema(format = "uuid")]
    id: String,
    /// Whose.
    account: String,
    /// Over which lane it came.
    lane: String,
    /// The provider's id of it.
    provider_id: String,
    /// Who sent it.
    from: String,
    /// The number of yours.
    to: String,
    /// The text.
    text: String,
    /// The conversation that it belongs to.
    conversation: String,
    /// The word by which the provider chose whom to give it to.
    #[serde(skip_serializing_if = "Option::is_none")]
    keyword: Option<String>,
    /// What it asks for: `opt_out`, `opt_in`, `help`, `perhaps_opt_out`.
    #[serde(skip_serializing_if = "Option::is_none")]
    asks_for: Option<String>,
    /// When the provider had it, by its clock.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = DateTime)]
    their_time: Option<Timestamp>,
    /// When we had it.
    #[schema(value_type = String, format = DateTime)]
    received_at: Timestamp,
    /// The file that came with it; `GET /v1/inbound/{id}/file` gives it.
    #[serde(skip_serializing_if = "Option::is_none")]
    file: Option<FileView>,
}

/// What is known of a file that came with a text.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = InboundFile)]
pub(crate) struct FileView {
    /// Its MIME type, as the provider says it.
    #[serde(rename = "type")]
    mime_type: String,
    /// How large it is, where the provider says that.
    #[serde(skip_serializing_if = "Option::is_none")]
    bytes: Option<u64>,
}

impl InboundView {
    fn of(inbound: StoredInbound, is_masked: bool) -> Self {
        let number = |number: &str| {
            if is_masked {
                pages::masked(number)
            } else {
                number.to_owned()
            }
        };
        Self {
            id: inbound.id.to_string(),
            account: inbound.account.into(),
            lane: inbound.lane.into(),
            provider_id: inbound.provider_id.to_string(),
            from: number(&inbound.from),
            to: number(&inbound.to),
            text: pages::text(&inbound.text, is_masked),
            // Where no API gives conversations names, they are named after the number.
            conversation: number(inbound.conversation.as_str()),
            keyword: inbound.keyword.as_deref().map(str::to_owned),
            asks_for: inbound.asks_for.as_deref().map(str::to_owned),
            their_time: inbound.their_time,
            received_at: inbound.received_at,
            file: inbound.file.map(|file| FileView {
                mime_type: file.mime_type.to_string(),
                bytes: file.bytes,
            }),
        }
    }
}

/// Which texts are listed.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct InboundQuery {
    /// Of which account; `*` is all. For operators, who see them without texts and whole numbers.
    account: Option<String>,
    /// Where the page begins: `next` of the page before.
    cursor: Option<String>,
    /// At most so many: 1 to 500, otherwise 50.
    #[param(minimum = 1, maximum = 500)]
    limit: Option<u16>,
}

/// Lists texts from phones, the latest first.
#[utoipa::path(
    get,
    path = "/v1/inbound",
    tag = "inbound",
    params(InboundQuery),
    responses((status = 200, description = "A page of texts", body = Listed<InboundView>)),
)]
pub(crate) async fn list(
    State(api): State<Arc<Api>>,
    Extension(who): Extension<Who>,
    Query(query): Query<InboundQuery>,
) -> Result<Json<Listed<InboundView>>> {
    let view = who.view(query.account.as_deref())?;
    let page = PageQuery {
        cursor: query.cursor,
        limit: query.limit,
    };
    let page = page.request()?;
    let has_cursor = page.after.is_some();
    let listed = api.gateway.store().inbound(view.account.as_ref(), page);
    let listed = listed
        .await
        .map_err(|error| pages::page_fault(error, has_cursor))?;
    let show = |inbound| InboundView::of(inbound, view.is_masked);
    Ok(Json(Listed::of(listed, show)))
}

/// Gives the file that came with a text from a phone.
///
/// It is fetched from the provider when the text comes, and kept if it is not larger than the gateway permits;
/// one that could not be fetched then is asked for again.
#[utoipa::path(
    get,
    path = "/v1/inbound/{id}/file",
    tag = "inbound",
    params(("id" = String, Path, format = "uuid", description = "The text")),
    responses((status = 200, description = "The file, with its own type", body = Vec<u8>, content_type = "*/*")),
)]
pub(crate) async fn file(
    State(api): State<Arc<Api>>,
    Extension(who): Extension<Who>,
    Path(id): Path<InboundId>,
) -> Result<Response> {
    who.may(Scope::Read)?;
    let unknown = || Problem::new(Code::NotFound, "there is no such file");
    let found = api.gateway.store().inbound_file(id).await?;
    let is_his = found.is_some_and(|(text, _)| text.account == *who.caller.account());
    if !is_his {
        return Err(unknown());
    }
    let media = files::file_of(&api.gateway, id)
        .await?
        .ok_or_else(unknown)?;
    Ok(serve::attachment(&media))
}

/// Texts with one phone, in both directions.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Conversation)]
pub(crate) struct ConversationView {
    /// Its id.
    id: String,
    /// The numbers or names on the other side.
    participants: Vec<String>,
    /// Your own number.
    #[serde(skip_serializing_if = "Option::is_none")]
    ours: Option<String>,
    /// Who within the account it belongs to, where an API knows that.
    #[serde(skip_serializing_if = "Option::is_none")]
    owner: Option<String>,
    /// What people call it.
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<String>,
    /// Whether its latest text was read.
    is_read: bool,
    /// Since when.
    #[schema(value_type = String, format = DateTime)]
    created_at: Timestamp,
    /// When the last text came or went.
    #[schema(value_type = String, format = DateTime)]
    changed_at: Timestamp,
}

impl ConversationView {
    fn of(conversation: StoredConversation) -> Self {
        let participants = conversation.participants.iter();
        let text = |text: &Arc<str>| text.to_string();
        Self {
            id: conversation.id.into(),
            participants: participants.map(text).collect(),
            ours: conversation.ours.as_ref().map(text),
            owner: conversation.owner.as_ref().map(text),
            name: conversation.name.as_ref().map(text),
            is_read: conversation.is_read,
            created_at: conversation.created_at,
            changed_at: conversation.changed_at,
        }
    }
}

/// Which conversations are listed.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct ConversationQuery {
    /// Of this owner within the account.
    owner: Option<String>,
    /// Where the page begins: `next` of the page before.
    cursor: Option<String>,
    /// At most so many: 1 to 500, otherwise 50.
    #[param(minimum = 1, maximum = 500)]
    limit: Option<u16>,
}

/// Lists conversations, the latest first.
#[utoipa::path(
    get,
    path = "/v1/conversations",
    tag = "inbound",
    params(ConversationQuery),
    responses((status = 200, description = "A page of conversations", body = Listed<ConversationView>)),
)]
pub(crate) async fn conversations(
    State(api): State<Arc<Api>>,
    Extension(who): Extension<Who>,
    Query(query): Query<ConversationQuery>,
) -> Result<Json<Listed<ConversationView>>> {
    who.may(Scope::Read)?;
    let page = PageQuery {
        cursor: query.cursor,
        limit: query.limit,
    };
    let page = page.request()?;
    let has_cursor = page.after.is_some();
    let store = api.gateway.store();
    let listed = store.conversations(who.account(), query.owner.as_deref(), page);
    let listed = listed
        .await
        .map_err(|error| pages::page_fault(error, has_cursor))?;
    Ok(Json(Listed::of(listed, ConversationView::of)))
}

/// One text of a conversation.
#[derive(Debug, Serialize, ToSchema)]
#[serde(tag = "direction", rename_all = "snake_case")]
#[schema(as = ConversationEntry)]
pub(crate) enum EntryView {
    /// A text from a phone.
    Inbound(Box<InboundView>),
    /// A text of yours.
    Outbound(Box<MessageView>),
    /// A text of yours whose details are gone.
    Gone {
        /// The message.
        #[schema(format = "uuid")]
        id: String,
    },
}

impl EntryView {
    fn of(entry: ConversationEntry) -> Self {
        match entry {
            ConversationEntry::Inbound(inbound) => {
                Self::Inbound(Box::new(InboundView::of(*inbound, false)))
            }
            ConversationEntry::Outbound(message) => {
                Self::Outbound(Box::new(MessageView::of(*message, false)))
            }
            ConversationEntry::Gone(id) => Self::Gone { id: id.to_string() },
        }
    }
}

/// Lists the texts of a conversation in both directions, the latest first.
#[utoipa::path(
    get,
    path = "/v1/conversations/{id}/messages",
    tag = "inbound",
    params(("id" = String, Path, description = "The conversation"), PageQuery),
    responses((status = 200, description = "A page of texts", body = Listed<EntryView>)),
)]
pub(crate) async fn conversation_messages(
    State(api): State<Arc<Api>>,
    Extension(who): Extension<Who>,
    Path(id): Path<String>,
    Query(page): Query<PageQuery>,
) -> Result<Json<Listed<EntryView>>> {
    who.may(Scope::Read)?;
    let page = page.request()?;
    let has_cursor = page.after.is_some();
    let id = ConversationId::from(id);
    let store = api.gateway.store();
    if store.conversation(who.account(), &id).await?.is_none() {
        return Err(Problem::not_found("conversation"));
    }
    let listed = store.conversation_entries(who.account(), &id, page);
    let listed = listed
        .await
        .map_err(|error| pages::page_fault(error, has_cursor))?;
    Ok(Json(Listed::of(listed, EntryView::of)))
}
