//! `tidings demo`
use super::Context;
use crate::{args::DemoArgs, interrupt::Interrupt};
pub(super) async fn run(_: &Context, _: &mut Interrupt, _: &DemoArgs) -> anyhow::Result<()> {
    Ok(())
}
