//! `tidings messages`: what a gateway knows of messages, or the messages of a conversation at a provider.

mod conversation;
mod gateway;

use super::Context;
use crate::args::MessagesArgs;

pub(super) async fn run(context: &Context, args: &MessagesArgs) -> anyhow::Result<()> {
    match &args.action {
        Some(action) => gateway::run(context, action).await,
        None => conversation::run(context, args).await,
    }
}
