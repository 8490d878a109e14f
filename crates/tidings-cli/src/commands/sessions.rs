//! `tidings sessions`: the conversations that a provider keeps.

use serde::Serialize;
use tidings::conversations::{Conversation, Conversations, LastMessage};
use tidings::{Error, ErrorKind, Provider, Timestamp};

use super::{Context, pages};
use crate::args::{AccountArgs, SessionsAction, SessionsArgs};
use crate::interrupt::unless_interrupted;
use crate::output::{Column, bad_input, shown};
use crate::question::{can_be_asked, is_confirmed};

/// One conversation, in JSON.
#[derive(Serialize)]
struct SessionLine<'c> {
    session: &'c str,
    owner: String,
    remote: &'c [String],
    #[serde(skip_serializing_if = "Option::is_none")]
    number: Option<&'c str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<&'c str>,
    participants: &'c [String],
    is_group: bool,
    is_muted: bool,
    is_read: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    started_at: Option<Timestamp>,
    #[serde(skip_serializing_if = "Option::is_none")]
    last: Option<LastLine<'c>>,
}

/// The latest message of a conversation, as the list tells of it.
#[derive(Serialize)]
struct LastLine<'c> {
    #[serde(skip_serializing_if = "Option::is_none")]
    at: Option<Timestamp>,
    #[serde(skip_serializing_if = "Option::is_none")]
    sender: Option<&'c str>,
    kind: &'c str,
    text: &'c str,
    #[serde(skip_serializing_if = "Option::is_none")]
    media_type: Option<&'c str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    media_bytes: Option<u64>,
}

impl<'c> From<&'c Conversation> for SessionLine<'c> {
    fn from(conversation: &'c Conversation) -> Self {
        Self {
            session: &conversation.id,
            owner: conversation.owner.to_string(),
            remote: &conversation.remote,
            number: conversation.number.as_deref(),
            name: conversation.name.as_deref(),
            participants: &conversation.participants,
            is_group: conversation.is_group,
            is_muted: conversation.is_muted,
            is_read: conversation.is_read,
            started_at: conversation.started_at,
            last: conversation.last.as_ref().map(LastLine::from),
        }
    }
}

impl<'c> From<&'c LastMessage> for LastLine<'c> {
    fn from(last: &'c LastMessage) -> Self {
        Self {
            at: last.at,
            sender: last.sender.as_deref(),
            kind: &last.kind,
            text: &last.text,
            media_type: last.media_type.as_deref(),
            media_bytes: last.media_bytes,
        }
    }
}

pub(super) async fn run(context: &Context, args: &SessionsArgs) -> anyhow::Result<()> {
    use SessionsAction::{Delete, Leave, List, Participants, Read, Rename, Show, Unread};
    let (List { account, .. }
    | Show { account, .. }
    | Rename { account, .. }
    | Read { account, .. }
    | Unread { account, .. }
    | Participants { account, .. }
    | Leave { account, .. }
    | Delete { account, .. }) = &args.action;
    unless_interrupted(act(context, account, &args.action)).await
}

async fn act(
    context: &Context,
    account: &AccountArgs,
    action: &SessionsAction,
) -> anyhow::Result<()> {
    let connected = context.connect(account)?;
    let conversations = conversations_of(&*connected.provider)?;
    match action {
        SessionsAction::List { limit, .. } => list(context, conversations, *limit).await,
        SessionsAction::Show { session, .. } => {
            show(context, &[conversations.show(session).await?])
        }
        SessionsAction::Rename { session, name, .. } => {
            conversations.rename(session, name).await?;
            done(context, session, "has a new name");
            Ok(())
        }
        SessionsAction::Read { session, .. } => {
            conversations.mark(session, true).await?;
            done(context, session, "is marked as read");
            Ok(())
        }
        SessionsAction::Unread { session, .. } => {
            conversations.mark(session, false).await?;
            done(context, session, "is marked as unread");
            Ok(())
        }
        SessionsAction::Participants {
            session,
            participants,
            ..
        } => {
            conversations
                .set_participants(session, participants)
                .await?;
            done(context, session, "has these participants now");
            Ok(())
        }
        SessionsAction::Leave { session, .. } => {
            conversations.leave(session).await?;
            done(context, session, "goes on without you");
            Ok(())
        }
        SessionsAction::Delete { session, yes, .. } => {
            if !*yes && !is_to_be_deleted(context, session).await? {
                anyhow::bail!("nothing was deleted");
            }
            conversations.delete(session).await?;
            done(context, session, "is deleted");
            Ok(())
        }
    }
}

/// What the provider keeps of conversations.
pub(super) fn conversations_of(provider: &dyn Provider) -> tidings::Result<&dyn Conversations> {
    provider.conversations().ok_or_else(|| {
        Error::not_sent(
            ErrorKind::Unsupported,
            "this provider keeps no conversations",
        )
    })
}

fn done(context: &Context, session: &str, what: &str) {
    context
        .output
        .remark(format_args!("session {session} {what}"));
}

async fn is_to_be_deleted(context: &Context, session: &str) -> anyhow::Result<bool> {
    if !can_be_asked() {
        return Err(bad_input(
            "to delete a session cannot be undone, and nobody is here to be asked: say --yes",
        ));
    }
    let question = format!("Delete session {session} with its messages for good?");
    is_confirmed(&context.output, &question).await
}

/// Lines are printed as they come; a table is printed when all rows are there, so that its columns
/// fit.
async fn list(
    context: &Context,
    conversations: &dyn Conversations,
    limit: Option<u32>,
) -> anyhow::Result<()> {
    let mut all = Vec::new();
    let get = async |page| conversations.list(page).await;
    pages::read(
        limit,
        |conversation| &conversation.id,
        get,
        async |rows: Vec<Conversation>| {
            if context.output.is_json() {
                return show(context, &rows);
            }
            all.extend(rows);
            Ok(())
        },
    )
    .await?;
    if context.output.is_json() {
        return Ok(());
    }
    if all.is_empty() {
        context.output.remark("there are no sessions");
        return Ok(());
    }
    show(context, &all)
}

fn show(context: &Context, conversations: &[Conversation]) -> anyhow::Result<()> {
    if context.output.is_json() {
        return conversations.iter().try_for_each(|conversation| {
            context.output.json_line(&SessionLine::from(conversation))
        });
    }
    let columns = ["session", "with", "name", "read", "last at", "last text"].map(Column::Text);
    let rows = conversations.iter().map(row);
    context.output.table(&columns, rows.collect())
}

fn row(conversation: &Conversation) -> Vec<String> {
    let last = conversation.last.as_ref();
    let at = last.and_then(|last| last.at);
    let read = if conversation.is_read { "yes" } else { "no" };
    let text = last.map(|last| match (&last.media_type, &*last.text) {
        (Some(media), "") => format!("({media})"),
        (Some(media), text) => format!("{} ({media})", shown(text)),
        (None, text) => shown(text),
    });
    vec![
        conversation.id.clone(),
        shown(&conversation.remote.join(", ")),
        shown(conversation.name.as_deref().unwrap_or_default()),
        read.to_owned(),
        at.map(|at| at.to_string()).unwrap_or_default(),
        text.unwrap_or_default(),
    ]
}
