//! `tidings check`: whether a configuration works. Every account is signed in to by a question; nothing is
//! sent.

use serde_json::json;
use tidings::http::HttpClient;
use tidings::provider::Presence;
use tidings::{Error, ErrorKind, Provider, Setting};
use tidings_gateway::config::{LaneConfig, Loaded};

use super::Context;
use super::serve::load;
use crate::args::CheckArgs;
use crate::output::{Ending, advice, counted, explain};

/// What became of one lane.
struct Checked {
    /// What was asked and answered.
    outcome: Result<String, anyhow::Error>,
}

pub(super) async fn run(context: &Context, args: &CheckArgs) -> anyhow::Result<()> {
    let Loaded { config, warnings } = load(context, args.config.clone())?;
    for warning in &warnings {
        context.output.warn(warning);
    }
    if config.lanes.is_empty() {
        let what = "no lane is configured: write a [[lanes]] table for an account at a provider";
        return Err(Error::not_sent(ErrorKind::Config, what).into());
    }
    tidings_gateway::serve::check_certificate(&config)
        .await
        .map_err(super::serve::explained)?;
    let mut n_failed = 0;
    let mut first: Option<anyhow::Error> = None;
    for lane in &config.lanes {
        let checked = check(lane).await;
        tell(context, lane, &checked)?;
        if let Err(error) = checked.outcome {
            n_failed += 1;
            first.get_or_insert(error);
        }
    }
    match first {
        None => Ok(()),
        Some(error) if n_failed == config.lanes.len() => Err(error),
        Some(_) => {
            let what = format!(
                "{} of {} cannot be used",
                n_failed,
                counted(config.lanes.len(), "lane")
            );
            Err(Ending::Partly(what).into())
        }
    }
}

async fn check(lane: &LaneConfig) -> Checked {
    let outcome = async {
        // Without the layers: one question, and its answer as it is.
        let client = HttpClient::builder().timeout(lane.timeout);
        let http = HttpClient::for_account(&lane.account, client);
        let provider = http.and_then(|http| (lane.spec.connect)(&lane.account, http));
        let provider = provider.map_err(|error| lane.told(error))?;
        let most = provider.capabilities().max_messages_per_call;
        if let Some(bulk) = lane.bulk.filter(|bulk| *bulk > most) {
            let what = format!("is {bulk}, and one call takes {most} with these settings");
            return Err(lane.wrong("bulk", &what));
        }
        ask(&*provider).await
    };
    Checked {
        outcome: outcome.await.map_err(anyhow::Error::from),
    }
}

/// Asks for something that only the account's owner is told.
async fn ask(provider: &dyn Provider) -> tidings::Result<String> {
    let has = provider.capabilities();
    if has.balance {
        let balance = provider.balance().await?;
        return Ok(format!("{} {} are left", balance.amount, balance.unit));
    }
    if let Some(numbers) = provider.numbers() {
        let count = numbers.count().await?;
        return Ok(format!("it has {count} numbers of its own"));
    }
    if let Some(batches) = provider.batches() {
        let waiting = batches.list().await?.len();
        return Ok(format!("batches that wait at the provider: {waiting}"));
    }
    Ok("its settings can be used; the provider has no question that could be asked".to_owned())
}

fn tell(context: &Context, lane: &LaneConfig, checked: &Checked) -> anyhow::Result<()> {
    let output = &context.output;
    let settings: Vec<(&Setting, &str)> = settings(lane).collect();
    if output.is_json() {
        let settings: serde_json::Map<_, _> = settings
            .iter()
            .map(|(setting, value)| (setting.name.to_owned(), (*value).into()))
            .collect();
        let (found, error) = match &checked.outcome {
            Ok(found) => (Some(found), None),
            Err(error) => (None, Some(explain(error))),
        };
        return output.json_line(&json!({
            "lane": lane.id, "provider": lane.spec.id, "works": error.is_none(),
            "found": found, "error": error, "settings": settings,
        }));
    }
    let title = lane.spec.title;
    match &checked.outcome {
        Ok(found) => output.line(format_args!("{} ({title}) works: {found}", lane.id))?,
        Err(error) => {
            output.line(format_args!(
                "{} ({title}) does not work: {}",
                lane.id,
                explain(error)
            ))?;
            if let Some(advice) = advice(error) {
                output.line(format_args!("  advice: {advice}"))?;
            }
        }
    }
    for (setting, value) in settings {
        output.line(format_args!(
            "  {} = {value}: {}",
            setting.name, setting.help
        ))?;
    }
    Ok(())
}

/// What the provider does one way or the other, as it is set: what is no secret and has a default.
fn settings(lane: &LaneConfig) -> impl Iterator<Item = (&'static Setting, &str)> {
    let settings = lane
        .spec
        .settings
        .iter()
        .filter(|setting| !setting.is_secret);
    settings.filter_map(|setting| match setting.presence {
        Presence::Default(default) => {
            let value = lane.account.setting(setting.name).unwrap_or(default);
            Some((setting, value))
        }
        _ => None,
    })
}
