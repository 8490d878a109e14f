//! Where log lines go: to stderr, and only as many as were asked for.
//!
//! Called once by `main.rs`. What may stand in a log line is the writers' affair.

use std::io;

use tracing_subscriber::EnvFilter;

use crate::config::{Environment, log_filter};
use crate::output::Output;

/// The library that knows the numbering plans writes whole numbers at its finest level, which must
/// not reach a log whatever was asked for.
const WITHOUT_NUMBERS: &str = "rlibphonenumber=debug";

/// `-v` shows what this program does, `-vv` what every library does; `TIDINGS_LOG` wins over both.
pub(crate) fn start(verbose: u8, environment: &Environment, output: &Output) {
    let wanted = match (log_filter(environment), verbose) {
        (Some(filter), _) => filter,
        (None, 0) => "warn",
        (None, 1) => "warn,tidings=debug,tidings_core=debug,tidings_sim=debug",
        (None, 2..) => "trace",
    };
    let filter = EnvFilter::try_new(wanted).unwrap_or_else(|error| {
        output.warn(format_args!("TIDINGS_LOG: {error}"));
        EnvFilter::new("warn")
    });
    let filter = filter.add_directive(
        WITHOUT_NUMBERS
            .parse()
            .expect("a target and a level are a directive"),
    );
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(io::stderr)
        .with_ansi(output.colours_stderr(environment))
        .init();
}
