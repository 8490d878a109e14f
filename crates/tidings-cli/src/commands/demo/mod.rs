//! `tidings demo`: the whole product on embedded defaults. A gateway on one SQLite file, a simulated carrier
//! for each provider, an account with keys, and a made-up campaign over all of them; then it stays for a
//! person to look at.
//!
//! It uses what `serve` and programs use: the gateway's own API. Nothing leaves this machine. In reading
//! order: `stage.rs` sets it up, `campaign.rs` sends and follows, `show.rs` says what there is.

mod campaign;
mod show;
mod stage;

use anyhow::Context as _;
use tidings::http::HttpClient;
use tidings_gateway::serve::Drained;

use self::campaign::{End, Followed};
use self::stage::Stage;
use super::Context;
use crate::args::DemoArgs;
use crate::gateway::Gateway;
use crate::interrupt::Interrupt;
use crate::output::Ending;

pub(super) async fn run(
    context: &Context,
    interrupt: &mut Interrupt,
    args: &DemoArgs,
) -> anyhow::Result<()> {
    let stage = tokio::select! {
        stage = Stage::set_up(context, args) => stage?,
        () = interrupt.wait() => return Err(interrupted()),
    };
    let result = play(context, interrupt, args, &stage).await;
    let drained = stage.clear().await;
    result?;
    match drained {
        Drained::Whole => Ok(()),
        Drained::CutOff => {
            Err(Ending::Partly("ended before everything was finished".to_owned()).into())
        }
    }
}

async fn play(
    context: &Context,
    interrupt: &mut Interrupt,
    args: &DemoArgs,
    stage: &Stage,
) -> anyhow::Result<()> {
    show::access(&context.output, stage)?;
    let mut followed = None;
    if !args.no_campaign {
        let gateway = Gateway::new(HttpClient::builder().build()?, &stage.url(), stage.key())?;
        let sent = campaign::send(context, interrupt, &gateway).await;
        let sent = sent.context("the campaign could not be sent")?;
        show::results(&context.output, &gateway, &sent).await?;
        followed = Some(sent);
    }
    match followed {
        Some(Followed {
            end: End::Interrupted,
            ..
        }) if args.once => Err(interrupted()),
        Some(Followed {
            end: End::Interrupted,
            ..
        }) => Ok(()),
        Some(Followed {
            end: End::TimeIsUp, ..
        }) if args.once => {
            Err(Ending::Partly("some messages are still on their way".to_owned()).into())
        }
        _ if args.once => Ok(()),
        _ => {
            show::invitation(&context.output, stage);
            interrupt.wait().await;
            Ok(())
        }
    }
}

fn interrupted() -> anyhow::Error {
    Ending::Interrupted("interrupted".to_owned()).into()
}
