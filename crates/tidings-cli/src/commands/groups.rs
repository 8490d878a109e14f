//! `tidings groups`: groups that live at the provider, and texts to all their members.

use serde_json::json;
use tidings::SenderId;
use tidings::address_book::Group;
use tidings_core::text::plan;

use super::contacts::book_of;
use super::{Connected, Context, text_of};
use crate::args::{AccountArgs, GroupsAction, GroupsArgs, TextArgs};
use crate::interrupt::unless_interrupted;
use crate::output::{Column, bad_input};

pub(super) async fn run(context: &Context, args: &GroupsArgs) -> anyhow::Result<()> {
    // Standard input is read before anybody listens to signals.
    let text = match &args.action {
        GroupsAction::Send { text, .. } => text_of(text)?,
        GroupsAction::List { .. } | GroupsAction::Create { .. } | GroupsAction::Add { .. } => {
            String::new()
        }
    };
    unless_interrupted(act(context, &args.action, &text)).await
}

async fn act(context: &Context, action: &GroupsAction, text: &str) -> anyhow::Result<()> {
    match action {
        GroupsAction::List { account } => {
            let connected = context.connect(account)?;
            let groups = book_of(&*connected.provider)?.groups().await?;
            show(context, &groups)
        }
        GroupsAction::Create { name, account } => {
            let connected = context.connect(account)?;
            let group = book_of(&*connected.provider)?.create_group(name).await?;
            show(context, &[group])
        }
        GroupsAction::Add {
            group,
            contact,
            account,
        } => {
            let connected = context.connect(account)?;
            book_of(&*connected.provider)?
                .add_to_group(contact, group)
                .await?;
            if context.output.is_json() {
                context
                    .output
                    .json_line(&json!({"group": group, "contact": contact}))
            } else {
                context
                    .output
                    .line(format_args!("contact {contact} is in group {group}"))
            }
        }
        GroupsAction::Send {
            group,
            from,
            text: _,
            text_options,
            account,
        } => send(context, account, group, from.as_ref(), text, *text_options).await,
    }
}

async fn send(
    context: &Context,
    account: &AccountArgs,
    group: &str,
    from: Option<&SenderId>,
    text: &str,
    text_options: TextArgs,
) -> anyhow::Result<()> {
    let Connected { lane, provider } = context.connect(account)?;
    let policy = text_options.policy(provider.capabilities().max_parts);
    let plan = plan(text, &policy).map_err(|error| bad_input(error.to_string()))?;
    let from = from.or(lane.options.from.as_ref());
    let receipt = book_of(&*provider)?
        .send_to_group(group, plan.text(), from)
        .await?;
    if context.output.is_json() {
        context.output.json_line(&json!({
            "group": group,
            "group_size": receipt.group_size,
            "queued": receipt.queued,
            "parts": plan.n_parts(),
            "ref": receipt.receipt.map(|receipt| receipt.provider_ref),
        }))
    } else {
        let size = receipt.group_size;
        context.output.line(format_args!(
            "queued for {} of {size} members",
            receipt.queued
        ))
    }
}

fn show(context: &Context, groups: &[Group]) -> anyhow::Result<()> {
    if context.output.is_json() {
        return groups.iter().try_for_each(|group| {
            let line = json!({"id": group.id, "name": group.name, "members": group.members});
            context.output.json_line(&line)
        });
    }
    let rows = groups.iter().map(|group| {
        let members = group.members.map(|members| members.to_string());
        vec![
            group.id.clone(),
            group.name.clone(),
            members.unwrap_or_default(),
        ]
    });
    let columns = [
        Column::Text("id"),
        Column::Text("name"),
        Column::Number("members"),
    ];
    context.output.table(&columns, rows.collect())
}
