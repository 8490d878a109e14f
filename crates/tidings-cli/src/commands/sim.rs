//! `tidings sim`: a simulated carrier behind a provider's API, until it is interrupted.

use std::path::Path;

use anyhow::Context as _;
use serde_json::{Map, Value};
use tidings::ProviderSpec;
use tidings_sim::{Scenario, Simulator};

use super::Context;
use crate::args::SimArgs;
use crate::config::variable_name;
use crate::interrupt::Interrupt;
use crate::output::bad_input;

pub(super) async fn run(
    context: &Context,
    interrupt: &mut Interrupt,
    args: &SimArgs,
) -> anyhow::Result<()> {
    let spec = tidings::providers::by_id(&args.carrier)
        .ok_or_else(|| bad_input(format!("{} is no provider", args.carrier)))?;
    let mut builder = Simulator::builder(spec).listen(args.listen);
    if let Some(path) = &args.scenario {
        builder = builder.scenario(scenario(path)?);
    }
    if let Some(path) = &args.state {
        builder = builder.state_file(path);
    }
    let simulator = builder.start().await?;
    if context.output.is_json() {
        context.output.json_line(&access(&simulator))?;
    } else {
        introduce(context, spec, &simulator)?;
    }
    interrupt.wait().await;
    simulator.stop().await;
    Ok(())
}

fn scenario(path: &Path) -> anyhow::Result<Scenario> {
    let text = std::fs::read_to_string(path)
        .map_err(|error| bad_input(format!("{}: {error}", path.display())))?;
    let scenario = Scenario::from_toml(&text).map_err(|error| bad_input(error.to_string()));
    scenario.with_context(|| path.display().to_string())
}

/// Where it is and what a client presents, under the names of the provider's settings.
pub(super) fn access(simulator: &Simulator) -> Map<String, Value> {
    let mut access = Map::new();
    access.insert("provider".to_owned(), simulator.world().spec().id.into());
    access.insert("base_url".to_owned(), simulator.base_url().into());
    let account = simulator.account();
    for name in account.names() {
        if let Some(value) = account.setting(name) {
            access.insert(name.to_owned(), value.into());
        }
    }
    access
}

/// What a person pastes into the next terminal.
fn introduce(context: &Context, spec: &ProviderSpec, simulator: &Simulator) -> anyhow::Result<()> {
    let output = &context.output;
    output.line(format_args!(
        "{} is simulated at {}",
        spec.title,
        simulator.base_url()
    ))?;
    output.line("In another terminal:\n")?;
    output.line(format_args!("  export TIDINGS_PROVIDER={}", spec.id))?;
    let account = simulator.account();
    for name in account.names() {
        let value = account.setting(name).unwrap_or_default();
        output.line(format_args!(
            "  export {}={value}",
            variable_name(spec, name)
        ))?;
    }
    output.line(format_args!(
        "  tidings send --to {} --from Tidings \"Bonjour\"",
        example_number(spec)
    ))?;
    output.line(format_args!(
        "  curl {}/_sim/messages",
        simulator.base_url()
    ))?;
    output.remark("\nCtrl-C ends it.");
    Ok(())
}

/// A number that the provider serves.
fn example_number(spec: &ProviderSpec) -> String {
    match spec.capabilities.calling_codes {
        [] | [224, ..] => "+224622000001".to_owned(),
        [code, ..] => format!("+{code}..."),
    }
}
