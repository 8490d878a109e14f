//! What the commands about a gateway take: which gateway, its lanes, its keys, and a load for it.

use std::path::PathBuf;
use std::time::Duration;

use clap::builder::PossibleValuesParser;
use clap::{Args, Subcommand, ValueEnum};
use tidings_gateway::access::{NATIVE, Scope};

use crate::values::{duration, duration_or_none, positive};

/// Which gateway is used.
#[derive(Debug, Args)]
#[command(next_help_heading = "Gateway")]
pub(crate) struct GatewayArgs {
    /// The gateway, such as `http://127.0.0.1:8080` [default: the variable `TIDINGS_GATEWAY`]
    #[arg(long, value_name = "URL", global = true)]
    pub(crate) gateway: Option<String>,
    /// A key of its API; `env:NAME` and `file:PATH` say where it lies [default: the variable
    /// `TIDINGS_API_KEY`]
    #[arg(long, value_name = "KEY", global = true)]
    pub(crate) api_key: Option<String>,
    /// A file of certificates (PEM) that are trusted besides those that the machine trusts
    #[arg(long = "gateway-ca-file", value_name = "FILE", global = true)]
    pub(crate) ca_file: Option<PathBuf>,
}

/// Make, list, replace and revoke keys of a gateway's APIs
///
/// With --config it works on the gateway's database itself, also while the gateway runs: so the first key
/// is made. Otherwise it asks the gateway, with a key that may manage.
#[derive(Debug, Args)]
#[command(
    after_help = "EXAMPLES\n  tidings keys create --config tidings.toml --account shop --api tidings --json\n  \
                  tidings keys create --config tidings.toml --account shop --api PROVIDER\n  \
                  tidings keys create --account shop --scope send --expires-in 90d --label \"shop front\"\n  \
                  tidings keys list\n  tidings keys rotate 0199.. --overlap 1d\n  tidings keys revoke 0199.."
)]
pub(crate) struct KeysArgs {
    #[command(subcommand)]
    pub(crate) action: KeysAction,
    /// The gateway's configuration file: work on its database
    #[arg(long, value_name = "FILE", global = true)]
    pub(crate) config: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) gateway: GatewayArgs,
}

#[derive(Debug, Subcommand)]
pub(crate) enum KeysAction {
    /// Make a key; it is shown once
    Create(CreateKeyArgs),
    /// List the keys of an account
    List {
        /// The account [default: the key's own; with --config all]
        #[arg(long, value_name = "NAME")]
        account: Option<String>,
    },
    /// Make a key that takes the place of another
    Rotate {
        /// The key's id, as `tidings keys list` prints it
        id: String,
        /// How long the old one stays good; 0s ends it at once
        #[arg(long, value_name = "DURATION", value_parser = duration_or_none, default_value = "1d")]
        overlap: Duration,
    },
    /// Take a key away at once
    Revoke {
        /// The key's id
        id: String,
    },
}

#[derive(Debug, Args)]
pub(crate) struct CreateKeyArgs {
    /// The account; with --config it is made if there is none of this name
    #[arg(long, value_name = "NAME")]
    pub(crate) account: Option<String>,
    /// For which API: `tidings`, or a provider whose clients are to use the gateway
    #[arg(long, value_name = "API", default_value = NATIVE, value_parser = apis())]
    pub(crate) api: String,
    /// What it allows; may be given several times [default: send, read and manage]
    #[arg(long = "scope", value_name = "SCOPE", value_delimiter = ',', value_parser = scopes())]
    pub(crate) scopes: Vec<String>,
    /// A word for people
    #[arg(long, value_name = "TEXT")]
    pub(crate) label: Option<String>,
    /// From which network it may be used, as an address or CIDR; may be given several times [default:
    /// from everywhere]
    #[arg(long = "network", value_name = "NETWORK")]
    pub(crate) networks: Vec<String>,
    /// How long it is good, such as 90d [default: until it is revoked]
    #[arg(long, value_name = "DURATION", value_parser = duration)]
    pub(crate) expires_in: Option<Duration>,
    /// A setting of the provider's API that is no secret, such as the number that texts go out from
    #[arg(long = "set", value_name = "NAME=VALUE", value_parser = setting)]
    pub(crate) settings: Vec<(String, String)>,
}

/// Show the lanes of a gateway, and stop or restart one
#[derive(Debug, Args)]
#[command(
    after_help = "EXAMPLES\n  tidings providers list --gateway http://127.0.0.1:8080 --api-key env:KEY\n  \
                  tidings providers pause norway"
)]
pub(crate) struct ProvidersArgs {
    #[command(subcommand)]
    pub(crate) action: ProvidersAction,
    #[command(flatten)]
    pub(crate) gateway: GatewayArgs,
}

#[derive(Debug, Subcommand)]
pub(crate) enum ProvidersAction {
    /// List the lanes: what waits for each, what it sent, what is left
    List,
    /// Let nothing leave over a lane until it is resumed
    Pause {
        /// The lane, as the configuration names it
        lane: String,
    },
    /// Let a lane go on
    Resume {
        /// The lane
        lane: String,
    },
}

/// Tell other programs what happens to messages: webhooks of a gateway
#[derive(Debug, Args)]
#[command(
    after_help = "EXAMPLES\n  tidings webhooks create https://example.com/hook --event message.delivered --event inbound.received\n  \
                  tidings webhooks list\n  tidings webhooks deliveries 0199.. --limit 20\n  \
                  tidings webhooks replay 0199.. --since 2026-11-22T08:00:00Z\n  \
                  tidings webhooks rotate-secret 0199..\n  tidings webhooks delete 0199.."
)]
pub(crate) struct WebhooksArgs {
    #[command(subcommand)]
    pub(crate) action: WebhooksAction,
    #[command(flatten)]
    pub(crate) gateway: GatewayArgs,
}

#[derive(Debug, Subcommand)]
pub(crate) enum WebhooksAction {
    /// List the webhooks
    List,
    /// Add a webhook; the secret that its calls are signed with is shown once
    Create {
        /// Where it is told
        url: String,
        /// What it is told, such as message.delivered; may be given several times [default: everything]
        #[arg(long = "event", value_name = "EVENT", value_delimiter = ',')]
        events: Vec<String>,
        /// A word for people
        #[arg(long, value_name = "TEXT")]
        label: Option<String>,
        /// In which form: `standard`, or a provider whose own form it is
        #[arg(long, value_name = "FORMAT")]
        format: Option<String>,
        /// How its calls are signed: with a secret that both sides have, or with a key pair [default:
        /// hmac]
        #[arg(long, value_name = "HOW")]
        signing: Option<SigningWord>,
    },
    /// Show one webhook
    Show {
        /// The webhook
        id: String,
    },
    /// Call it now, with an event of the type webhook.test
    Test {
        /// The webhook
        id: String,
    },
    /// Show what was delivered to a webhook, and what was not
    Deliveries {
        /// The webhook
        id: String,
        /// Show no more than this
        #[arg(long, value_name = "N", default_value_t = 50)]
        limit: usize,
    },
    /// Tell it everything once more that happened since a time
    Replay {
        /// The webhook
        id: String,
        /// Since when, such as 2026-11-22T08:00:00Z
        #[arg(long, value_name = "TIME")]
        since: tidings::Timestamp,
    },
    /// Sign its calls with a new secret; the old one is used beside it for some time
    RotateSecret {
        /// The webhook
        id: String,
    },
    /// Call it again after it was switched off
    Enable {
        /// The webhook
        id: String,
    },
    /// Remove it, with what is due to it
    Delete {
        /// The webhook
        id: String,
    },
}

/// How calls to a webhook are signed.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum SigningWord {
    Hmac,
    Ed25519,
}

impl SigningWord {
    /// As the API has it.
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Hmac => "hmac_sha256",
            Self::Ed25519 => "ed25519",
        }
    }
}

/// Measure how fast a gateway accepts messages, and how fast they leave it
///
/// Half of the time it sends as fast as its connections allow; the other half at 80 in 100 of that, on a
/// timetable that does not wait for answers: each answer is timed from the moment at which its request
/// was due. Use it on a gateway whose lanes lead to simulated carriers.
#[derive(Debug, Args)]
#[command(
    after_help = "EXAMPLES\n  tidings bench --url http://127.0.0.1:8080 --api-key env:KEY --duration 30s\n  \
                  tidings bench --url http://127.0.0.1:8080 --api-key env:KEY --batch 1000 --concurrency 4 --duration 30s --json"
)]
pub(crate) struct BenchArgs {
    /// The gateway
    #[arg(long, value_name = "URL")]
    pub(crate) url: String,
    /// A key of its API; `env:NAME` and `file:PATH` say where it lies
    #[arg(long, value_name = "KEY")]
    pub(crate) api_key: String,
    /// Connections, each with one request open at a time
    #[arg(long, value_name = "N", default_value_t = 64, value_parser = clap::value_parser!(u16).range(1..))]
    pub(crate) concurrency: u16,
    /// Send batches of so many messages instead of single ones
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) batch: Option<u32>,
    /// How long it sends, such as 30s
    #[arg(long, value_name = "DURATION", value_parser = duration)]
    pub(crate) duration: Duration,
    /// Send so many messages a second, all of the time
    #[arg(long, value_name = "N", value_parser = positive)]
    pub(crate) rate: Option<f64>,
    /// How long it waits until what was accepted has left; 0s does not wait
    #[arg(long, value_name = "DURATION", value_parser = duration_or_none, default_value = "60s")]
    pub(crate) drain: Duration,
    /// The beginning of the numbers that are sent to; five digits follow
    #[arg(long, value_name = "DIGITS", default_value = "+47400")]
    pub(crate) to_prefix: String,
    /// The text; a number follows
    #[arg(long, value_name = "TEXT", default_value = "Measured message")]
    pub(crate) text: String,
}

/// Our own API, and that of every vendor.
fn apis() -> PossibleValuesParser {
    let vendors = tidings::providers::ALL.iter().map(|spec| spec.id);
    PossibleValuesParser::new([NATIVE].into_iter().chain(vendors))
}

fn scopes() -> PossibleValuesParser {
    PossibleValuesParser::new(Scope::ALL.iter().map(|scope| scope.as_str()))
}

fn setting(written: &str) -> Result<(String, String), &'static str> {
    let (name, value) = written.split_once('=').ok_or("expected NAME=VALUE")?;
    Ok((name.to_owned(), value.to_owned()))
}
