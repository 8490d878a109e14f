//! What cannot work together, found before anything is started.
//!
//! Called by [`Config`] after all of it has been read. What only a connected provider knows
//! is checked where lanes are connected, in `serve/lanes.rs`.

use super::file::config_error;
use super::routes;
use super::sections::Sources;
use super::{Config, LaneConfig};

/// Refuses settings that cannot work together, naming the line and the key.
pub(super) fn check(config: &Config, sources: &Sources<'_>) -> tidings::Result<()> {
    server(config, sources)?;
    sending(config, sources)?;
    config.lanes.iter().try_for_each(lane)?;
    routes(config, sources)
}

fn server(config: &Config, sources: &Sources<'_>) -> tidings::Result<()> {
    let server = &config.server;
    let Some(tls) = &server.tls else {
        return Ok(());
    };
    if tls.listen == server.listen && tls.listen.port() != 0 {
        let keys = [("server.tls", "listen"), ("server", "listen")];
        let what = "server.tls.listen is the address of server.listen";
        return Err(sources.wrong(&keys, what));
    }
    Ok(())
}

fn sending(config: &Config, sources: &Sources<'_>) -> tidings::Result<()> {
    let sending = &config.sending;
    if sending.settle > sending.grace {
        let keys = [("sending", "settle"), ("sending", "grace")];
        let what = "sending.settle is longer than sending.grace, so that nobody would ask";
        return Err(sources.wrong(&keys, what));
    }
    Ok(())
}

fn lane(lane: &LaneConfig) -> tidings::Result<()> {
    let has = &lane.spec.capabilities;
    let title = lane.spec.title;
    if lane.low_balance.is_some() && !has.balance {
        let what = format!("{title} does not tell a balance");
        return Err(lane.wrong("low_balance", &what));
    }
    let calls_us = lane.spec.parse_callback.is_some();
    if lane.callback_token.is_some() && !calls_us {
        let what = format!("{title} makes no callbacks");
        return Err(lane.wrong("callback_token", &what));
    }
    if lane.inbound_account.is_some() && !calls_us {
        let what = format!("{title} does not pass on texts from phones");
        return Err(lane.wrong("inbound_account", &what));
    }
    Ok(())
}

fn routes(config: &Config, sources: &Sources<'_>) -> tidings::Result<()> {
    let file = sources.file;
    let known = config.lanes.iter().map(|lane| lane.id.as_str());
    config.routes.check(known).map_err(|error| {
        let what = routes::told(&error);
        match file.routes.get(error.rule) {
            Some(route) => file.wrong(route.line_of(&error.fault), what),
            None => config_error(what),
        }
    })?;
    for (index, route) in file.routes.iter().enumerate() {
        if route.footer.as_deref() == Some("") {
            let what = format!("route {}: footer: is empty", index + 1);
            return Err(file.wrong(route.line_of_key("footer"), what));
        }
    }
    Ok(())
}
