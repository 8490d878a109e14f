//! What `tidings sim` takes.

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::Args;

use super::provider_names;

/// Run a simulated carrier that answers as a provider's API does
///
/// It runs until it is interrupted. What it received can be read under `/_sim/messages`.
#[derive(Debug, Args)]
#[command(after_help = sim_examples())]
pub(crate) struct SimArgs {
    /// Whose API it speaks
    #[arg(value_name = "PROVIDER", value_parser = provider_names())]
    pub(crate) carrier: String,
    /// Where to listen; port 0 takes a free one
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:0")]
    pub(crate) listen: SocketAddr,
    /// Speak https, with a certificate of its own making; what clients have to trust is printed as
    /// `ca_file`
    #[arg(long)]
    pub(crate) tls: bool,
    /// With --tls: keep that file here, and the key that goes with it beside it, so that it is the
    /// same after a restart [default: a temporary file that is removed at the end]
    #[arg(long, value_name = "FILE", requires = "tls")]
    pub(crate) ca_file: Option<PathBuf>,
    /// A scenario: delays, numbers that fail, faults
    #[arg(long, value_name = "FILE")]
    pub(crate) scenario: Option<PathBuf>,
    /// Keep accounts and messages in this file, so that they survive a restart
    #[arg(long, value_name = "FILE")]
    pub(crate) state: Option<PathBuf>,
    /// A setting of the provider other than credentials and address; may be repeated
    #[arg(long = "set", value_name = "NAME=VALUE", value_parser = name_and_value)]
    pub(crate) settings: Vec<(String, String)>,
    /// Where the provider calls its customer: with delivery reports and texts from phones
    #[arg(long, value_name = "URL")]
    pub(crate) callback_url: Option<String>,
    /// Read texts from phones from standard input, one per line: `+4790000001 STOP`. At a terminal
    /// this is so by itself
    #[arg(long = "type")]
    pub(crate) types: bool,
}

fn name_and_value(text: &str) -> Result<(String, String), &'static str> {
    let (name, value) = text.split_once('=').ok_or("expected NAME=VALUE")?;
    Ok((name.trim().to_owned(), value.trim().to_owned()))
}

/// One line per provider: this file names none.
fn sim_examples() -> String {
    let mut examples = String::from("EXAMPLES");
    for spec in tidings::providers::ALL {
        examples.push_str("\n  tidings sim ");
        examples.push_str(spec.id);
        examples.push_str(" --listen 127.0.0.1:0 --json");
    }
    examples
}
