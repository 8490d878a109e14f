//! What the demo says: where everything is, how far the campaign is, what became of it, and what there is
//! to try.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};
use tidings::{ProviderSpec, providers};

use super::campaign::{End, Followed, Rejected};
use super::stage::Stage;
use crate::gateway::Gateway;
use crate::output::{Column, Output};

/// The first line: where the gateway is, and everything that a program needs to use it.
pub(super) fn access(output: &Output, stage: &Stage) -> anyhow::Result<()> {
    if !output.is_json() {
        for carrier in stage.carriers() {
            output.remark(format_args!(
                "A carrier that speaks the API of {} is simulated at {}",
                carrier.world().spec().title,
                carrier.base_url()
            ));
        }
        output.remark(format_args!(
            "A gateway in front of them listens at {}, on the database {}",
            stage.url(),
            stage.database().display()
        ));
        return Ok(());
    }
    let mut access = Map::new();
    access.insert("url".to_owned(), stage.url().into());
    access.insert("api_key".to_owned(), stage.key().into());
    let database = stage.database().to_string_lossy().into_owned();
    access.insert("database".to_owned(), database.into());
    for vendor in stage.vendors() {
        access.insert(vendor.spec.id.to_owned(), vendor.access().into());
    }
    if let Some(url) = stage.addresses().tls_url() {
        access.insert("tls_url".to_owned(), url.into());
    }
    if let Some(path) = stage.ca_file() {
        let path = path.to_string_lossy().into_owned();
        access.insert("ca_file".to_owned(), path.into());
    }
    output.json_line(&access)
}

/// Says what is about to happen.
pub(super) fn beginning(output: &Output, n_rows: usize) {
    output.remark(format_args!(
        "A campaign of {n_rows} rows, to three countries, goes to the gateway as one batch"
    ));
}

/// Says what the gateway took.
pub(super) fn accepted(
    output: &Output,
    accepted: u64,
    rejected: &[Rejected],
) -> anyhow::Result<()> {
    if output.is_json() {
        for row in rejected {
            output.json_line(&json!({
                "type": "rejected", "index": row.index, "code": row.code, "detail": row.detail,
            }))?;
        }
        return Ok(());
    }
    output.remark(format_args!(
        "{accepted} messages are accepted, which means on disk; {} rows cannot be sent",
        rejected.len()
    ));
    Ok(())
}

/// Says how far it is.
pub(super) fn progress(output: &Output, followed: &Followed) -> anyhow::Result<()> {
    if output.is_json() {
        return output.json_line(&json!({
            "type": "progress", "accepted": followed.accepted, "counts": followed.counts,
        }));
    }
    let waiting = followed.n("held") + followed.n("queued") + followed.n("sending");
    let out = followed.accepted.saturating_sub(waiting);
    output.remark(format_args!(
        "accepted {}, sent {out}, delivered {}",
        followed.accepted,
        followed.n("delivered")
    ));
    Ok(())
}

/// What became of every message, by lane.
pub(super) async fn results(
    output: &Output,
    gateway: &Gateway,
    followed: &Followed,
) -> anyhow::Result<()> {
    let lanes = by_lane(gateway, &followed.batch).await?;
    let silent = silent(&lanes);
    if output.is_json() {
        let silent: Vec<&str> = silent.iter().map(|(spec, _)| spec.id).collect();
        return output.json_line(&json!({
            "type": "summary", "batch": followed.batch, "rows": followed.n_rows,
            "accepted": followed.accepted, "rejected": followed.rejected.len(),
            "states": followed.counts, "lanes": lanes, "lanes_without_reports": silent,
            "complete": followed.end == End::AllFinal,
        }));
    }
    let mut rows = Vec::new();
    for (lane, states) in &lanes {
        for (state, count) in states {
            rows.push(vec![lane.clone(), state.clone(), count.to_string()]);
        }
    }
    rows.push(vec![
        "all".to_owned(),
        "accepted".to_owned(),
        followed.accepted.to_string(),
    ]);
    let columns = [
        Column::Text("lane"),
        Column::Text("state"),
        Column::Number("messages"),
    ];
    output.table(&columns, rows)?;
    rejections(output, &followed.rejected)?;
    for (spec, count) in silent {
        output.remark(format_args!(
            "{} never says whether a text was delivered: its {count} messages stay submitted, and are done",
            spec.title
        ));
    }
    Ok(())
}

/// The rows that were not taken.
fn rejections(output: &Output, rejected: &[Rejected]) -> anyhow::Result<()> {
    if rejected.is_empty() {
        return Ok(());
    }
    output.line("")?;
    let columns = [
        Column::Number("row"),
        Column::Text("not accepted"),
        Column::Text("because"),
    ];
    let rows = rejected.iter().map(|row| {
        let number = (row.index + 1).to_string();
        vec![number, row.code.clone(), row.detail.clone()]
    });
    output.table(&columns, rows.collect())
}

/// Messages by lane and state.
type Lanes = BTreeMap<String, BTreeMap<String, u64>>;

async fn by_lane(gateway: &Gateway, batch: &str) -> anyhow::Result<Lanes> {
    let mut lanes = Lanes::new();
    let path = format!("/v1/messages?batch={batch}");
    for message in gateway.list(&path, None).await? {
        let member = |name: &str| message[name].as_str().unwrap_or("none").to_owned();
        let states = lanes.entry(member("lane")).or_default();
        *states.entry(member("state")).or_default() += 1;
    }
    Ok(lanes)
}

/// Providers that tell no delivery, with the messages that have come as far as they ever do over them.
fn silent(lanes: &Lanes) -> Vec<(&'static ProviderSpec, u64)> {
    let of_lane = |(lane, states): (&String, &BTreeMap<String, u64>)| {
        // A lane of the demo is called as its provider is.
        let spec = providers::by_id(lane)?;
        let count = states.get("submitted").copied()?;
        (!spec.capabilities.tells_delivery).then_some((spec, count))
    };
    lanes.iter().filter_map(of_lane).collect()
}

/// What a person can do now.
pub(super) fn invitation(output: &Output, stage: &Stage) {
    if output.is_json() {
        return;
    }
    let (url, key) = (stage.url(), stage.key());
    let lines = [
        String::new(),
        "The gateway runs on. In another terminal:".to_owned(),
        String::new(),
        format!("  export TIDINGS_GATEWAY={url} TIDINGS_API_KEY={key}"),
        "  tidings providers list".to_owned(),
        format!(
            "  curl -H \"Authorization: Bearer $TIDINGS_API_KEY\" {url}/v1/messages \\\n    \
             -H 'Content-Type: application/json' -d '{{\"to\": \"+4790000001\", \"text\": \"Hello\"}}'"
        ),
        format!("  curl -H \"Authorization: Bearer $TIDINGS_API_KEY\" {url}/v1/providers"),
        format!("  curl {url}/metrics"),
    ];
    for line in lines {
        output.remark(line);
    }
    if let (Some(url), Some(ca)) = (stage.addresses().tls_url(), stage.ca_file()) {
        output.remark(format_args!(
            "  curl --cacert {} {url}/readyz",
            ca.display()
        ));
    }
    for vendor in stage.vendors() {
        let access = vendor.access();
        let access: Vec<String> = access
            .iter()
            .map(|(name, value)| format!("{name}={}", shown(value)))
            .collect();
        output.remark(format_args!(
            "\nPrograms for {} send through it with: {}",
            vendor.spec.title,
            access.join(" ")
        ));
    }
    output.remark("\nCtrl-C ends it.");
}

fn shown(value: &Value) -> String {
    value
        .as_str()
        .map_or_else(|| value.to_string(), str::to_owned)
}
