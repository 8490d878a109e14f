//! `tidings demo`: a made-up campaign through a simulated carrier, from the CSV file to the phones.
//!
//! It uses what `send` and `status` use; only the carrier is not a real one. Nothing leaves this
//! machine.

mod show;

use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use tidings::{Priority, Provider, ProviderRef, ProviderSpec, SenderId};
use tidings_core::text::Policy;
use tidings_sim::{Scenario, Simulator};

use self::show::{Results, Sent};
use super::send::{job, new_name};
use super::status::{Watch, WatchEnd};
use super::{Context, connect};
use crate::args::DemoArgs;
use crate::campaign::prepare::{Envelope, Prepared, Recipe, prepare};
use crate::campaign::progress::Progress;
use crate::campaign::run::{self, Calls, Desk, Job, Pacing, RunEnd, Verdict};
use crate::interrupt::Interrupt;
use crate::output::Ending;
use crate::tracking::Tracked;

const CAMPAIGN: &[u8] = include_bytes!("../../../../../examples/campaign.csv");
const TEMPLATE: &str = include_str!("../../../../../examples/campaign-template.txt");
const SCENARIO: &str = include_str!("../../../../../examples/scenarios/demo.toml");
/// The country that the made-up recipients live in.
const REGION: &str = "GN";
const CALLING_CODE: u16 = 224;
const IN_FLIGHT: usize = 16;
/// The simulated carrier delivers within two seconds.
const WATCH_LIMIT: Duration = Duration::from_mins(1);

/// A simulated carrier and a client of it.
struct Carrier {
    spec: &'static ProviderSpec,
    simulator: Simulator,
    provider: Arc<dyn Provider>,
}

pub(super) async fn run(
    context: &Context,
    interrupt: &mut Interrupt,
    _args: &DemoArgs,
) -> anyhow::Result<()> {
    let carriers = start_carriers(context).await?;
    for carrier in &carriers {
        show::carrier(&context.output, carrier.spec, &carrier.simulator)?;
    }
    let carrier = carriers
        .iter()
        .filter(|carrier| serves(carrier.spec))
        // Whose own country it is knows its ways, such as names as senders.
        .min_by_key(|carrier| carrier.spec.capabilities.calling_codes.is_empty())
        .context("no provider that is compiled in serves the country of the campaign")?;
    let result = campaign(context, interrupt, carrier).await;
    for carrier in carriers {
        carrier.simulator.stop().await;
    }
    result
}

async fn start_carriers(context: &Context) -> anyhow::Result<Vec<Carrier>> {
    let scenario = Scenario::from_toml(SCENARIO).context("the demo's scenario")?;
    let mut carriers = Vec::new();
    for spec in tidings::providers::ALL.iter().copied() {
        let simulator = Simulator::builder(spec)
            .scenario(scenario.clone())
            .start()
            .await?;
        let provider = connect(spec, &simulator.account(), &context.clock)?;
        carriers.push(Carrier {
            spec,
            simulator,
            provider,
        });
    }
    Ok(carriers)
}

fn serves(spec: &ProviderSpec) -> bool {
    let served = spec.capabilities.calling_codes;
    served.is_empty() || served.contains(&CALLING_CODE)
}

async fn campaign(
    context: &Context,
    interrupt: &mut Interrupt,
    carrier: &Carrier,
) -> anyhow::Result<()> {
    let Prepared { messages, bad_rows } = prepare(CAMPAIGN, &recipe(carrier)?)?;
    let mut results = Results::new(&messages, bad_rows);
    show::beginning(&context.output, &results);
    let name = new_name();
    let jobs: Vec<Job> = messages
        .into_iter()
        .map(|message| job(message, &name))
        .collect();
    send(context, interrupt, carrier, jobs, &mut results).await?;

    let mut tracked: Vec<Tracked> = results.tracked();
    let limit = Some(WATCH_LIMIT);
    let mut watch = Watch {
        context,
        interrupt,
        provider: &carrier.provider,
        reports: None,
        limit,
        remark: &|remark| context.output.remark(remark),
    };
    let end = watch.run(&mut tracked, &mut |_| Ok(())).await?;
    results.take_reports(&tracked);
    results.show(&context.output)?;
    match end {
        WatchEnd::AllFinal => Ok(()),
        WatchEnd::Interrupted => Err(Ending::Interrupted("interrupted".to_owned()).into()),
        WatchEnd::TimeIsUp | WatchEnd::NothingMoves => {
            Err(Ending::Partly("some messages are still on their way".to_owned()).into())
        }
    }
}

fn recipe(carrier: &Carrier) -> anyhow::Result<Recipe<'static>> {
    let capabilities = carrier.provider.capabilities();
    Ok(Recipe {
        template: TEMPLATE,
        to_column: None,
        allow_duplicates: false,
        envelope: Envelope {
            from: Some(SenderId::parse("Tidings")?),
            region: Some(REGION.parse()?),
            priority: Priority::Normal,
            valid_for: None,
            window: None,
            media: None,
            policy: Policy::default().max_parts(capabilities.max_parts),
            capabilities,
        },
    })
}

async fn send(
    context: &Context,
    interrupt: &mut Interrupt,
    carrier: &Carrier,
    jobs: Vec<Job>,
    results: &mut Results,
) -> anyhow::Result<()> {
    let output = &context.output;
    let mut progress = Progress::new(output, &context.clock, "messages handed over", jobs.len());
    let pacing = Pacing {
        in_flight: IN_FLIGHT,
        rate: None,
        calls: Calls::Single,
    };
    let provider = Arc::clone(&carrier.provider);
    let desk = Desk {
        provider,
        clock: &*context.clock,
        journal: None,
        interrupt,
    };
    let end = run::run(desk, jobs, pacing, &mut |job, verdict| {
        progress.advance(output);
        results.take_verdict(sent(job, verdict));
        Ok(())
    })
    .await;
    progress.finish();
    match end? {
        RunEnd::Complete => Ok(()),
        RunEnd::Interrupted { .. } => Err(Ending::Interrupted("interrupted".to_owned()).into()),
        RunEnd::Trouble(error) => Err(error.into()),
    }
}

fn sent(job: &Job, verdict: &Verdict) -> Sent {
    let provider_ref: Option<ProviderRef> = match verdict {
        Verdict::Submitted(receipt) => Some(receipt.provider_ref.clone()),
        Verdict::Failed(_) => None,
    };
    Sent {
        line: job.line,
        outcome: verdict.outcome(),
        provider_ref,
    }
}
