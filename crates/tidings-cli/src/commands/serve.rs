//! `tidings serve`: a gateway, until it is told to end.
//!
//! What a gateway does is in `tidings-gateway`; here are its configuration's file, the signals, and what is
//! said to the person who started it.

use std::path::PathBuf;
use std::sync::Arc;

use anyhow::Context as _;
use serde_json::{Map, Value};
use tidings_gateway::config::{Config, ConfigFile, Loaded};
use tidings_gateway::serve::{self, Addresses, Drained, Parts, Running, StartError};
use tidings_gateway::telemetry::traces::Traces;

use super::Context;
use crate::args::ServeArgs;
use crate::interrupt::{Interrupt, Reload};
use crate::logging::{Log, SERVER};
use crate::output::{Ending, bad_input, explain};
use crate::shifted::ShiftedClock;

pub(super) async fn run(context: &Context, args: &ServeArgs) -> anyhow::Result<()> {
    let Loaded { config, warnings } = load(context, args.config.clone())?;
    let endpoint = config.monitoring.otlp_endpoint.as_deref();
    let traces = endpoint.map(Traces::start).transpose()?;
    let log = Log {
        verbose: context.verbose,
        usual: SERVER,
        form: config.monitoring.log,
        traces: traces.as_ref(),
    };
    log.start(&context.environment, &context.output);
    for warning in warnings {
        tracing::warn!("{warning}");
    }
    let mut interrupt = Interrupt::listen()?;
    let mut reload = Reload::listen()?;
    let mut parts = Parts::default();
    if let Some(file) = &args.clock_shift {
        parts.clock = Arc::new(ShiftedClock {
            clock: Arc::clone(&parts.clock),
            file: file.clone(),
        });
    }
    let running = serve::start(config, parts).await.map_err(explained)?;
    announce(context, running.addresses())?;
    loop {
        tokio::select! {
            () = interrupt.wait() => break,
            () = reload.wait() => read_again(context, args, &running).await,
        }
    }
    tracing::info!("ends when what is under way is finished");
    let drained = tokio::select! {
        drained = running.drain() => drained,
        // Whoever asks twice does not want to wait.
        () = interrupt.wait() => Drained::CutOff,
    };
    if let Some(traces) = traces {
        traces.end().await;
    }
    match drained {
        Drained::Whole => Ok(()),
        Drained::CutOff => {
            let what = "ended before all that was under way was finished; calls that were cut off are asked about after the next start";
            Err(Ending::Partly(what.to_owned()).into())
        }
    }
}

/// The configuration that a gateway runs by.
///
/// # Errors
/// As [`Config::load`].
pub(super) fn load(context: &Context, named: Option<PathBuf>) -> anyhow::Result<Loaded> {
    let file = ConfigFile::find(named, &context.environment)?;
    Ok(Config::load(file.as_ref(), &context.environment)?)
}

/// What a person has to change in what he gave is his input; the rest is as it is.
pub(super) fn explained(error: StartError) -> anyhow::Error {
    match error {
        error @ (StartError::File { .. } | StartError::Certificate(_)) => {
            bad_input(explain(&error.into()))
        }
        error => error.into(),
    }
}

async fn read_again(context: &Context, args: &ServeArgs, running: &Running) {
    let reloaded = async {
        let Loaded { config, warnings } = load(context, args.config.clone())?;
        for warning in warnings {
            tracing::warn!("{warning}");
        }
        let reloaded = running.reload(config).await;
        anyhow::Ok(reloaded.context("the new configuration cannot work")?)
    };
    match reloaded.await {
        Ok(reloaded) => {
            for key in &reloaded.needs_restart {
                tracing::warn!("{key} has changed, which holds from the next start on");
            }
            tracing::info!("took up the configuration");
        }
        Err(error) => {
            let why = explain(&error);
            tracing::error!("the configuration was refused, and the one before stays: {why}");
        }
    }
}

fn announce(context: &Context, addresses: Addresses) -> anyhow::Result<()> {
    if !context.output.is_json() {
        let tls = addresses.tls_url();
        let also = tls.map_or_else(String::new, |url| format!(" and {url}"));
        let url = addresses.url();
        context
            .output
            .remark(format_args!("The gateway listens at {url}{also}"));
        return Ok(());
    }
    let mut line = Map::new();
    line.insert("url".to_owned(), Value::from(addresses.url()));
    if let Some(url) = addresses.tls_url() {
        line.insert("tls_url".to_owned(), Value::from(url));
    }
    context.output.json_line(&line)
}
