//! `tidings providers`: the lanes of a gateway, and whether they carry anything at present.

use http::Method;
use serde_json::Value;

use super::Context;
use crate::args::{ProvidersAction, ProvidersArgs};
use crate::gateway::Gateway;
use crate::output::Column;

pub(super) async fn run(context: &Context, args: &ProvidersArgs) -> anyhow::Result<()> {
    let gateway = Gateway::find(&args.gateway, &context.environment)?;
    match &args.action {
        ProvidersAction::List => list(context, &gateway).await,
        ProvidersAction::Pause { lane } => order(context, &gateway, lane, "pause").await,
        ProvidersAction::Resume { lane } => order(context, &gateway, lane, "resume").await,
    }
}

async fn list(context: &Context, gateway: &Gateway) -> anyhow::Result<()> {
    let lanes = gateway.list("/v1/providers", None).await?;
    if context.output.is_json() {
        return lanes
            .iter()
            .try_for_each(|lane| context.output.json_line(lane));
    }
    let columns = [
        Column::Text("lane"),
        Column::Text("provider"),
        Column::Text("state"),
        Column::Number("waiting"),
        Column::Number("in hand"),
        Column::Number("in doubt"),
        Column::Number("sent"),
        Column::Number("failed"),
        Column::Text("balance"),
    ];
    let rows = lanes.iter().map(|lane| {
        let queue = &lane["queue"];
        let waiting = ["ready", "waiting"]
            .iter()
            .filter_map(|name| queue[name].as_u64());
        let balance = &lane["balance"];
        vec![
            shown(&lane["id"]),
            shown(&lane["provider"]),
            shown(&lane["state"]),
            waiting.sum::<u64>().to_string(),
            shown(&queue["in_hand"]),
            shown(&queue["in_doubt"]),
            shown(&lane["sent"]),
            shown(&lane["failed"]),
            format!("{} {}", shown(&balance["amount"]), shown(&balance["unit"]))
                .trim()
                .to_owned(),
        ]
    });
    context.output.table(&columns, rows.collect())
}

async fn order(
    context: &Context,
    gateway: &Gateway,
    lane: &str,
    order: &str,
) -> anyhow::Result<()> {
    let path = format!("/v1/providers/{lane}/{order}");
    let lane = gateway.act(&Method::POST, &path, &Value::Null).await?;
    if context.output.is_json() {
        return context.output.json_line(&lane);
    }
    context.output.line(format_args!(
        "{} is {}",
        shown(&lane["id"]),
        shown(&lane["state"])
    ))
}

/// A member of an answer as a person reads it.
pub(super) fn shown(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => crate::output::shown(text),
        other => other.to_string(),
    }
}
