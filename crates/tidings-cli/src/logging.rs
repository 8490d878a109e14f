//! Where log lines go: to stderr, and only as many as were asked for.
//!
//! Called once: by `main.rs`, or by a command that reads first in which form lines are wanted. What may stand
//! in a log line is the writers' affair.

use std::io;

use tidings_gateway::config::LogForm;
use tidings_gateway::telemetry::traces::Traces;
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;
use tracing_subscriber::{EnvFilter, Layer as _, fmt};

use crate::config::{Environment, log_filter};
use crate::output::Output;

/// The library that knows the numbering plans writes whole numbers at its finest level, which must
/// not reach a log whatever was asked for.
const WITHOUT_NUMBERS: &str = "rlibphonenumber=debug";

/// What a command shows where nobody asked for more or less.
pub(crate) const QUIET: &str = "warn";
/// What a server shows.
pub(crate) const SERVER: &str = "warn,tidings=info,tidings_gateway=info,tidings_store=info";

/// `-v` shows what this program does, `-vv` what every library does; `TIDINGS_LOG` wins over both.
pub(crate) fn start(verbose: u8, environment: &Environment, output: &Output) {
    let log = Log {
        verbose,
        usual: QUIET,
        form: LogForm::Human,
        traces: None,
    };
    log.start(environment, output);
}

/// How much is logged, and how.
#[derive(Debug)]
pub(crate) struct Log<'a> {
    /// How often `-v` was given.
    pub(crate) verbose: u8,
    /// What is shown without it.
    pub(crate) usual: &'static str,
    pub(crate) form: LogForm,
    /// Where spans go besides.
    pub(crate) traces: Option<&'a Traces>,
}

impl Log<'_> {
    pub(crate) fn start(&self, environment: &Environment, output: &Output) {
        let wanted = match (log_filter(environment), self.verbose) {
            (Some(filter), _) => filter,
            (None, 0) => self.usual,
            (None, 1) => {
                "warn,tidings=debug,tidings_core=debug,tidings_sim=debug,tidings_gateway=debug,tidings_store=debug"
            }
            (None, 2..) => "trace",
        };
        let filter = EnvFilter::try_new(wanted).unwrap_or_else(|error| {
            output.warn(format_args!("TIDINGS_LOG: {error}"));
            EnvFilter::new(self.usual)
        });
        let filter = filter.add_directive(
            WITHOUT_NUMBERS
                .parse()
                .expect("a target and a level are a directive"),
        );
        let lines = fmt::layer().with_writer(io::stderr);
        let lines = match self.form {
            LogForm::Json => lines.json().with_filter(filter).boxed(),
            LogForm::Human => lines
                .with_ansi(output.colours_stderr(environment))
                .with_filter(filter)
                .boxed(),
        };
        // A list and no `Option`: a layer that is not there would want every span, and each would be made.
        let mut layers = vec![lines];
        layers.extend(self.traces.map(|traces| traces.layer().boxed()));
        tracing_subscriber::registry().with(layers).init();
    }
}
