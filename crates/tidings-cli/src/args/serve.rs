//! What `tidings serve`, `tidings check` and `tidings demo` take.

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::Args;

/// Run a gateway: a durable queue in front of the accounts of a configuration
///
/// It runs until it is told to end: by Ctrl-C or a termination signal it finishes what is under way. On
/// SIGHUP it reads the configuration again; one that cannot work is refused, and the old one stays.
#[derive(Debug, Args)]
#[command(
    after_help = "EXAMPLES\n  tidings serve\n  tidings serve --config /etc/tidings/tidings.toml --json"
)]
pub(crate) struct ServeArgs {
    /// The configuration file [default: tidings.toml here, then in the user's configuration folder]
    #[arg(long, value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,
    /// The clock is off by as many seconds as this file says at the moment: for trying out what happens
    /// when somebody sets it
    #[arg(long, value_name = "FILE", hide = true)]
    pub(crate) clock_shift: Option<PathBuf>,
}

/// Read a configuration and sign in to each of its providers, sending nothing
///
/// It says what works and what does not, lane by lane. When some lanes work and others do not it ends with
/// exit code 3, and when none does with the code of the first error.
#[derive(Debug, Args)]
#[command(
    after_help = "EXAMPLES\n  tidings check\n  tidings check --config /etc/tidings/tidings.toml --json"
)]
pub(crate) struct CheckArgs {
    /// The configuration file [default: tidings.toml here, then in the user's configuration folder]
    #[arg(long, value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,
}

/// Run a gateway with simulated carriers, send a made-up campaign over all of them, and stay for a look
///
/// Nothing leaves this machine. The gateway keeps its messages in one SQLite file, which is removed at the
/// end unless --database names it.
#[derive(Debug, Args)]
#[command(
    after_help = "EXAMPLES\n  tidings demo\n  tidings demo --once\n  tidings demo --no-campaign --json"
)]
pub(crate) struct DemoArgs {
    /// Where the gateway listens; port 0 takes a free one
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:0")]
    pub(crate) listen: SocketAddr,
    /// Listen with TLS too, with a certificate of its own making; what clients have to trust is printed as
    /// `ca_file`
    #[arg(long)]
    pub(crate) tls: bool,
    /// End when every message of the campaign has come to its end
    #[arg(long)]
    pub(crate) once: bool,
    /// Send nothing: for programs that try the gateway out
    #[arg(long, conflicts_with = "once")]
    pub(crate) no_campaign: bool,
    /// Keep the messages in this file [default: a temporary one]
    #[arg(long, value_name = "FILE")]
    pub(crate) database: Option<PathBuf>,
}
