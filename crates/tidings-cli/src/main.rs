//! The command `tidings`: reads the command line, runs one command, says how it ended.
//!
//! What can be typed is in `args.rs`, what it does in `commands/`, how it speaks in `output.rs`.

mod args;
mod campaign;
mod commands;
mod config;
#[cfg(test)]
mod fake;
mod gateway;
mod interrupt;
mod logging;
mod media;
mod output;
mod question;
mod reports;
mod shifted;
mod tracking;
mod values;
mod waiting;

use std::process::ExitCode;

use clap::Parser as _;

use crate::args::Cli;
use crate::config::Environment;
use crate::output::{Output, OutputClosed, advice, explain};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    let cli = Cli::parse();
    let environment = Environment::of_process();
    let output = Output::new(cli.global.json);
    if !cli.command.starts_its_own_log() {
        logging::start(cli.global.verbose, &environment, &output);
    }
    match commands::run(cli, environment, output) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            if !error
                .chain()
                .any(<dyn std::error::Error>::is::<OutputClosed>)
            {
                let output = Output::new(false);
                output.remark(format_args!("error: {}", explain(&error)));
                if let Some(advice) = advice(&error) {
                    output.remark(format_args!("advice: {advice}"));
                }
            }
            ExitCode::from(output::exit_code(&error))
        }
    }
}
