//! `tidings man`: the manual page, or one page for every command.

use std::io::Write as _;

use anyhow::Context as _;
use clap::CommandFactory as _;

use super::Context;
use crate::args::{Cli, ManArgs};
use crate::output::written;

pub(super) fn run(context: &Context, args: &ManArgs) -> anyhow::Result<()> {
    let command = Cli::command();
    let Some(folder) = &args.dir else {
        let mut page = Vec::new();
        clap_mangen::Man::new(command).render(&mut page)?;
        return written(std::io::stdout().lock().write_all(&page));
    };
    std::fs::create_dir_all(folder)
        .and_then(|()| clap_mangen::generate_to(command, folder))
        .with_context(|| format!("cannot write the pages into {}", folder.display()))?;
    context
        .output
        .remark(format_args!("the pages are in {}", folder.display()));
    Ok(())
}
