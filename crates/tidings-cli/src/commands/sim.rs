//! `tidings sim`
use super::Context;
use crate::{args::SimArgs, interrupt::Interrupt};
pub(super) async fn run(_: &Context, _: &mut Interrupt, _: &SimArgs) -> anyhow::Result<()> {
    Ok(())
}
