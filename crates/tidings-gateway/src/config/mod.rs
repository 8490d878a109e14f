//! The configuration: one TOML file and `TIDINGS_*` variables. The only reader of the environment in this
//! crate.
//!
//! Read at the start and again on SIGHUP. Settings that cannot work together are refused, naming the key.
//! `keys.rs` has every key with its default, `file.rs` the form of the file, `sections.rs`, `lanes.rs` and
//! `routes.rs` what values mean, `vendors.rs` how the vendors' APIs are served, `check.rs` what cannot work
//! together, `origin.rs` on which lines lanes and their keys stand.

mod check;
mod environment;
mod file;
pub mod keys;
pub mod lanes;
mod origin;
mod routes;
mod sections;
#[cfg(test)]
mod tests;
mod values;
mod vendors;

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use tidings::routing::Routes;
use tidings::{Account, ProviderSpec, Region, SenderId};
use tidings_core::{DeliveryPolicy, TimeOfDay, TimeZone};
use tidings_store::StoreUrl;

pub use self::environment::Environment;
pub use self::file::ConfigFile;
use self::lanes::LaneTable;
pub use self::origin::Origin;
use self::sections::Sources;

/// Everything that can be configured.
#[derive(Clone, Debug)]
pub struct Config {
    /// `[server]`
    pub server: ServerConfig,
    /// `[store]`
    pub store: StoreConfig,
    /// `[sending]`
    pub sending: SendingConfig,
    /// `[limits]`
    pub limits: LimitsConfig,
    /// `[webhooks]`
    pub webhooks: WebhooksConfig,
    /// `[monitoring]`
    pub monitoring: MonitoringConfig,
    /// `[vendors.<provider>]`: how each provider's API is served; one for every provider.
    pub vendors: Vec<VendorConfig>,
    /// `[[lanes]]`
    pub lanes: Vec<LaneConfig>,
    /// `[[routes]]`: which lanes, by rule. In the order of the rules.
    pub routes: Routes,
    /// What is added to the texts of each rule, such as how to opt out; same length as the rules.
    pub footers: Vec<Option<String>>,
}

/// A configuration, with what its owner should know of it.
#[derive(Clone, Debug)]
pub struct Loaded {
    /// The configuration.
    pub config: Config,
    /// What works and should be changed all the same, one sentence each.
    pub warnings: Vec<String>,
}

impl Config {
    /// Reads the file, if there is one, and the variables. Without lanes in the file, `TIDINGS_PROVIDER`
    /// names the provider of the only one, whose settings are variables.
    ///
    /// # Errors
    /// [`ErrorKind::Config`](tidings::ErrorKind::Config), naming the line and the key, or the variable, that
    /// is wrong.
    pub fn load(file: Option<&ConfigFile>, environment: &Environment) -> tidings::Result<Loaded> {
        let none = ConfigFile::default();
        let file = file.unwrap_or(&none);
        let sources = Sources { file, environment };
        sources.check_variables()?;
        let mut warnings = Vec::new();
        let lanes = lanes_of(file, environment, &mut warnings)?;
        let routes = routes_of(file, &lanes);
        let footers = footers_of(file, routes.rules().len());
        let config = Self {
            server: sources.server()?,
            store: sources.store()?,
            sending: sources.sending()?,
            limits: sources.limits()?,
            webhooks: sources.webhooks()?,
            monitoring: sources.monitoring()?,
            vendors: vendors::vendors_of(file, environment, &mut warnings)?,
            lanes,
            footers,
            routes,
        };
        check::check(&config, &sources)?;
        Ok(Loaded { config, warnings })
    }

    /// Reads a text as if it were a file in the present folder, without variables.
    ///
    /// # Errors
    /// As [`load`](Self::load).
    pub fn of_text(text: &str) -> tidings::Result<Self> {
        let file = ConfigFile::parse(Path::new("tidings.toml"), text)?;
        let loaded = Self::load(Some(&file), &Environment::default())?;
        Ok(loaded.config)
    }
}

/// What holds where nothing is configured: no lanes.
impl Default for Config {
    fn default() -> Self {
        Self::of_text("").expect("every default can be read")
    }
}

fn lanes_of(
    file: &ConfigFile,
    environment: &Environment,
    warnings: &mut Vec<String>,
) -> tidings::Result<Vec<LaneConfig>> {
    let of_variables = environment
        .value("TIDINGS_PROVIDER")
        .filter(|_| file.lanes().is_empty())
        .map(LaneTable::of_variables)
        .transpose()?;
    let tables = file.lanes().iter().chain(&of_variables);
    let lanes = tables.map(|table| {
        let mut resolved = table.resolve(file.folder(), environment)?;
        warnings.append(&mut resolved.warnings);
        Ok(table.config(resolved))
    });
    lanes.collect()
}

/// Without rules every message goes to the first lane that can carry it.
fn routes_of(file: &ConfigFile, lanes: &[LaneConfig]) -> Routes {
    if file.routes.is_empty() && !lanes.is_empty() {
        return Routes::failover(lanes.iter().map(|lane| lane.id.as_str()));
    }
    file.routes.iter().map(|route| route.rule.clone()).collect()
}

fn footers_of(file: &ConfigFile, n_rules: usize) -> Vec<Option<String>> {
    let written = file.routes.iter().map(|route| route.footer.clone());
    let mut footers: Vec<Option<String>> = written.collect();
    footers.resize(n_rules, None);
    footers
}

impl Config {
    /// How a provider's API is served: what is said of it, by the names of its server's settings.
    pub fn vendor(&self, spec: &ProviderSpec) -> Account {
        let mut vendors = self.vendors.iter();
        let found = vendors.find(|vendor| vendor.spec.id == spec.id);
        found.map_or_else(|| Account::new(spec.id), |vendor| vendor.account.clone())
    }
}

/// How a provider's API is served.
#[derive(Clone, Debug)]
pub struct VendorConfig {
    /// The provider.
    pub spec: &'static ProviderSpec,
    /// What is said of it.
    pub account: Account,
}

/// Where it listens.
#[derive(Clone, Debug)]
pub struct ServerConfig {
    /// The address; port 0 takes a free one.
    pub listen: SocketAddr,
    /// A second listener with TLS: certificate and key as PEM files, read again when they change.
    pub tls: Option<TlsConfig>,
    /// How customers and providers reach it: the beginning of callback addresses.
    pub public_url: Option<String>,
    /// The longest time that open requests and calls to providers are given when it stops.
    pub drain: Duration,
    /// Before that: how long it goes on taking requests while it says that it is not ready.
    pub notice: Duration,
    /// Connections at the same time, on each listener.
    pub max_connections: usize,
    /// A connection without a call for so long is closed.
    pub idle: Duration,
    /// Proxies whose word on where a request comes from is believed.
    pub trusted_proxies: Vec<ipnet::IpNet>,
    /// Where they say it.
    pub proxy_header: ProxyHeader,
}

/// In which header trusted proxies say where a request comes from. The other one is whatever the caller wrote.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ProxyHeader {
    /// `X-Forwarded-For`
    XForwardedFor,
    /// `Forwarded`, RFC 7239.
    Forwarded,
}

/// TLS of the listener.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TlsConfig {
    /// Where.
    pub listen: SocketAddr,
    /// The certificate and those that vouch for it, PEM.
    pub cert: PathBuf,
    /// Its key, PEM.
    pub key: PathBuf,
}

/// Where it keeps things.
#[derive(Clone, Debug)]
pub struct StoreConfig {
    /// Which store.
    pub url: StoreUrl,
}

/// How messages are sent, where neither message nor account says otherwise.
#[derive(Clone, Debug)]
pub struct SendingConfig {
    /// What is done after a lost answer.
    pub policy: DeliveryPolicy,
    /// How long a message is worth sending.
    pub valid_for: Duration,
    /// The country of numbers that are written without one.
    pub region: Option<Region>,
    /// The sender of messages that name none.
    pub sender: Option<SenderId>,
    /// The most parts of a text.
    pub max_parts: u8,
    /// Attempts that fail with proof before a message has failed.
    pub max_attempts: u16,
    /// The time from the first attempt after which no further one is made.
    pub retry_for: Duration,
    /// After a lost answer: how long the provider is asked before the policy decides.
    pub grace: Duration,
    /// How long after an attempt a provider's "not taken" is believed.
    pub settle: Duration,
    /// No message leaves in these hours of the recipient's zone.
    pub quiet_hours: Option<(TimeOfDay, TimeOfDay)>,
    /// No message leaves on these days of the recipient's zone.
    pub blackout_dates: Vec<tidings_core::Day>,
    /// The recipient's zone, where nothing else says it.
    pub zone: TimeZone,
}

/// What protects it.
#[derive(Clone, Debug)]
pub struct LimitsConfig {
    /// The longest body of a request, in bytes; batches may be longer when they are streamed.
    pub max_body_bytes: usize,
    /// The largest file of a text from a phone that is kept, in bytes; 0 keeps none.
    pub max_inbound_file_bytes: usize,
    /// The longest time of a request, but for streams.
    pub request_timeout: Duration,
    /// Messages in one batch.
    pub max_batch_rows: u64,
    /// A batch that is open and has had no new row for so long is closed.
    pub batch_idle: Duration,
    /// Requests a second of one key.
    pub requests_per_second: u32,
    /// Messages that wait before no more are taken.
    pub max_queued: u64,
    /// Requests that wait for a commit before no more are taken.
    pub max_waiting: usize,
}

/// How customers are told.
#[derive(Clone, Debug)]
pub struct WebhooksConfig {
    /// The longest time of a call.
    pub timeout: Duration,
    /// Whether loopback addresses may be called: for trying out on one machine.
    pub allow_loopback: bool,
    /// Networks that may be called although they are private.
    pub allowed_networks: Vec<ipnet::IpNet>,
    /// After so long without a success a webhook is switched off.
    pub disable_after: Duration,
}

/// How it is watched.
#[derive(Clone, Debug, Default)]
pub struct MonitoringConfig {
    /// The form of log lines.
    pub log: LogForm,
    /// Where traces go, by OTLP over HTTP.
    pub otlp_endpoint: Option<String>,
    /// A lane whose share of failures is above this, from 0 to 1, raises an event.
    pub failure_rate: Option<f64>,
    /// A lane whose messages take longer than this to be delivered raises an event.
    pub delivery_delay: Option<Duration>,
}

/// The form of log lines.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum LogForm {
    /// For people.
    #[default]
    Human,
    /// One JSON object a line.
    Json,
}

/// One `[[lanes]]` table.
#[derive(Clone, Debug)]
pub struct LaneConfig {
    /// Its name.
    pub id: String,
    /// Where it is written; `None` where variables alone make it.
    pub origin: Option<Origin>,
    /// The provider.
    pub spec: &'static ProviderSpec,
    /// The provider's own settings.
    pub account: Account,
    /// Parts a second; `None` is without a limit.
    pub rate: Option<f64>,
    /// Parts a day; `None` is without a limit.
    pub daily_cap: Option<u64>,
    /// Calls that may be open at the same time.
    pub in_flight: usize,
    /// Messages in one call; `None` is what the provider takes.
    pub bulk: Option<usize>,
    /// The sender of messages that name none.
    pub from: Option<SenderId>,
    /// Below so much a balance is low.
    pub low_balance: Option<i64>,
    /// The account that texts from phones over this lane belong to.
    pub inbound_account: Option<String>,
    /// What callbacks have in their path.
    pub callback_token: Option<secrecy::SecretString>,
    /// The longest time of a call.
    pub timeout: Duration,
}
