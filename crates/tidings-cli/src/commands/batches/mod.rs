//! `tidings batches`: batches of a gateway, or those that wait at a provider.

mod gateway;
mod provider;

use super::Context;
use crate::args::{BatchesAction, BatchesArgs};
use crate::gateway::Gateway;
use crate::interrupt::unless_interrupted;

pub(super) async fn run(context: &Context, args: &BatchesArgs) -> anyhow::Result<()> {
    let at_gateway = || Gateway::find(&args.gateway, &context.environment);
    let names_account = match &args.action {
        BatchesAction::List { account }
        | BatchesAction::Show { account, .. }
        | BatchesAction::Stop { account, .. } => {
            account.provider.is_some() || account.account.is_some()
        }
        BatchesAction::Pause { .. }
        | BatchesAction::Resume { .. }
        | BatchesAction::ResendFailed { .. } => {
            return gateway::run(context, &at_gateway()?, &args.action).await;
        }
    };
    // The command line counts before the environment.
    let is_meant = Gateway::is_meant(&args.gateway, &context.environment);
    if is_meant && (args.gateway.gateway.is_some() || !names_account) {
        return gateway::run(context, &at_gateway()?, &args.action).await;
    }
    match &args.action {
        BatchesAction::List { account } => {
            unless_interrupted(provider::list(context, account)).await
        }
        BatchesAction::Show { batch, account } => {
            unless_interrupted(provider::show_one(context, account, batch)).await
        }
        BatchesAction::Stop {
            batch,
            yes,
            account,
        } => provider::stop_one(context, account, batch, *yes).await,
        BatchesAction::Pause { .. }
        | BatchesAction::Resume { .. }
        | BatchesAction::ResendFailed { .. } => Ok(()),
    }
}
