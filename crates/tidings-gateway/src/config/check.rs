//! What cannot work together, found before anything is started.
//!
//! Called by [`Config`] after all of it has been read. What only a connected provider knows
//! is checked where lanes are connected, in `serve/lanes.rs`.

use tidings::routing::RouteFault;

use super::file::{ConfigFile, config_error};
use super::{Config, LaneConfig, SendingConfig, ServerConfig};

/// Refuses settings that cannot work together, naming the key.
pub(super) fn check(config: &Config, file: &ConfigFile) -> tidings::Result<()> {
    server(&config.server).map_err(config_error)?;
    sending(&config.sending).map_err(config_error)?;
    for lane in &config.lanes {
        self::lane(lane).map_err(|wrong| config_error(format!("lane {}: {wrong}", lane.id)))?;
    }
    routes(config, file)
}

fn server(server: &ServerConfig) -> Result<(), String> {
    if let Some(tls) = &server.tls
        && tls.listen == server.listen
        && tls.listen.port() != 0
    {
        return Err("server.tls.listen is the address of server.listen".to_owned());
    }
    Ok(())
}

fn sending(sending: &SendingConfig) -> Result<(), String> {
    if sending.settle > sending.grace {
        return Err(
            "sending.settle is longer than sending.grace, so that nobody would ask".to_owned(),
        );
    }
    Ok(())
}

fn lane(lane: &LaneConfig) -> Result<(), String> {
    let has = &lane.spec.capabilities;
    let title = lane.spec.title;
    if lane.low_balance.is_some() && !has.balance {
        return Err(format!("low_balance: {title} does not tell a balance"));
    }
    let calls_us = lane.spec.parse_callback.is_some();
    if lane.callback_token.is_some() && !calls_us {
        return Err(format!("callback_token: {title} makes no callbacks"));
    }
    if lane.inbound_account.is_some() && !calls_us {
        return Err(format!(
            "inbound_account: {title} does not pass on texts from phones"
        ));
    }
    Ok(())
}

fn routes(config: &Config, file: &ConfigFile) -> tidings::Result<()> {
    let known = config.lanes.iter().map(|lane| lane.id.as_str());
    config.routes.check(known).map_err(|error| {
        let what = format!("routes: {}: {error}", key_of(&error.fault));
        match file.routes.get(error.rule) {
            Some(route) => file.wrong(route.line, what),
            None => config_error(what),
        }
    })?;
    for (index, route) in file.routes.iter().enumerate() {
        if route.footer.as_deref() == Some("") {
            let what = format!("route {}: footer is empty", index + 1);
            return Err(file.wrong(route.line, what));
        }
    }
    Ok(())
}

/// The key of a rule that a fault is about.
fn key_of(fault: &RouteFault) -> &'static str {
    match fault {
        RouteFault::BadWeight(_) => "lanes.weight",
        RouteFault::BadCost(_) => "lanes.cost",
        RouteFault::BadPrefix(_) => "prefix",
        RouteFault::BadCallingCode(_) => "calling_code",
        RouteFault::BadAdaptive(_) => "adaptive",
        RouteFault::Unreachable(_) => "conditions",
        _ => "lanes",
    }
}
