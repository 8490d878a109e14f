//! `tidings balance`: what is left on the account.

use serde_json::json;
use tidings::{Error, ErrorKind};

use super::Context;
use crate::args::BalanceArgs;

pub(super) async fn run(context: &Context, args: &BalanceArgs) -> anyhow::Result<()> {
    let connected = context.connect(&args.account)?;
    if !connected.provider.capabilities().balance {
        let what = "this provider has no balance that can be asked for";
        return Err(Error::not_sent(ErrorKind::Unsupported, what).into());
    }
    let balance = connected.provider.balance().await?;
    let account = connected.lane.account.id();
    if context.output.is_json() {
        let unit = balance.unit;
        context
            .output
            .json_line(&json!({"account": account, "amount": balance.amount, "unit": unit}))
    } else {
        context
            .output
            .line(format_args!("{} {}", balance.amount, balance.unit))
    }
}
