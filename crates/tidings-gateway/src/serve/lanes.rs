//! What is made of a configuration: lanes that are connected. An account that has not changed keeps its
//! connection, and every lane that stays keeps what changed while it ran.
//!
//! Called at the start and when the configuration is read again.

use std::collections::BTreeMap;
use std::sync::Arc;

use tidings::http::HttpClient;
use tidings::{Account, Clock, Error, ErrorKind};
use tidings_store::LaneId;

use crate::config::{Config, LaneConfig};
use crate::gateway::Live;
use crate::lane::Lane;

/// Connects the lanes of a configuration.
///
/// # Errors
/// [`ErrorKind::Config`], naming the line, the lane and the key that cannot work.
pub fn connected(
    config: Config,
    clock: &Arc<dyn Clock>,
    before: Option<&Live>,
) -> tidings::Result<Live> {
    if config.lanes.is_empty() {
        let what = "no lane is configured: write a [[lanes]] table for an account at a provider";
        return Err(Error::not_sent(ErrorKind::Config, what));
    }
    let mut lanes = BTreeMap::new();
    for lane in &config.lanes {
        let id = LaneId::from(lane.id.as_str());
        let before = before.and_then(|live| live.lanes.get(&id));
        let before = before.map(|lane| &**lane);
        let lane = connect(lane, clock, before).map_err(|error| lane.told(error))?;
        check(&lane)?;
        lanes.insert(id, Arc::new(lane));
    }
    Ok(Live { config, lanes })
}

fn connect(
    config: &LaneConfig,
    clock: &Arc<dyn Clock>,
    before: Option<&Lane>,
) -> tidings::Result<Lane> {
    // Another provider is another lane, whatever it is called.
    let before = before.filter(|lane| lane.spec.id == config.spec.id);
    if let Some(same) = before.filter(|lane| is_same(&lane.config, config)) {
        let provider = Arc::clone(&same.provider);
        return Ok(Lane::with_provider(config.clone(), provider, clock, before));
    }
    let client = HttpClient::builder()
        .timeout(config.timeout)
        .clock(Arc::clone(clock));
    let http = HttpClient::for_account(&config.account, client)?;
    Lane::connect(config.clone(), http, clock, before)
}

/// Whether the connection of one serves the other.
fn is_same(one: &LaneConfig, other: &LaneConfig) -> bool {
    one.timeout == other.timeout && settings(&one.account) == settings(&other.account)
}

fn settings(account: &Account) -> BTreeMap<&str, Option<&str>> {
    let names = account.names();
    names.map(|name| (name, account.setting(name))).collect()
}

/// What only the connected provider knows.
fn check(lane: &Lane) -> tidings::Result<()> {
    let most = lane.capabilities.max_messages_per_call;
    match lane.config.bulk {
        Some(bulk) if bulk > most => {
            let title = lane.spec.title;
            let what = format!("is {bulk}, and one call of {title} takes {most} with its settings");
            Err(lane.config.wrong("bulk", &what))
        }
        _ => Ok(()),
    }
}
