//! What a demo is played on: carriers, a gateway in front of them, and keys for it.
//!
//! Called by `mod.rs`. Everything that is made here ends with [`Stage::clear`].

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::Context as _;
use secrecy::{ExposeSecret as _, SecretString};
use serde_json::{Map, Value};
use tempfile::TempDir;
use tidings::layers::Jitter;
use tidings::serve::tls::OwnAuthority;
use tidings::{Account, ProviderSpec, providers};
use tidings_gateway::access::{Acting, CreatedKey, NATIVE, NewKeyRequest, Scopes, bootstrap};
use tidings_gateway::config::{Config, ConfigFile, Environment};
use tidings_gateway::serve::{self, Addresses, Drained, Parts, Running};
use tidings_sim::{Scenario, Simulator};
use tidings_store::AccountId;

use super::super::Context;
use super::super::serve::explained;
use crate::args::DemoArgs;

const SCENARIO: &str = include_str!("../../../../../examples/scenarios/demo.toml");
/// The customer whom the keys belong to.
const ACCOUNT: &str = "demo";
/// What phones show as the sender, where a provider's accounts have no number of their own.
const SENDER: &str = "Tidings";
/// Where numbers begin that no provider serves by itself; the file of the campaign has such.
const ELSEWHERE: &str = "+47";
const DATABASE: &str = "demo.db";

/// A gateway with carriers, running.
pub(super) struct Stage {
    running: Running,
    carriers: Vec<Simulator>,
    key: CreatedKey,
    vendors: Vec<Vendor>,
    database: PathBuf,
    ca_file: Option<PathBuf>,
    /// Removed at the end.
    _folder: TempDir,
}

/// Credentials of a vendor's API at the gateway.
pub(super) struct Vendor {
    pub(super) spec: &'static ProviderSpec,
    pub(super) base_url: String,
    pub(super) key: CreatedKey,
}

/// The files of a listener with TLS.
struct Tls {
    ca_file: PathBuf,
    lines: String,
}

impl Stage {
    pub(super) async fn set_up(context: &Context, args: &DemoArgs) -> anyhow::Result<Self> {
        let folder = tempfile::Builder::new().prefix("tidings-demo-").tempdir();
        let folder = folder.context("cannot make a temporary folder")?;
        let database = match &args.database {
            Some(path) => std::path::absolute(path)?,
            None => folder.path().join(DATABASE),
        };
        let tls = args
            .tls
            .then(|| certificate(context, args, folder.path()))
            .transpose()?;
        let server = server_text(args, tls.as_ref(), None);
        let bound = serve::bind(&parse(&server)?.server)
            .await
            .map_err(explained)?;
        let url = bound.addresses().url();
        let mut text = server_text(args, tls.as_ref(), Some(&url));
        writeln!(text, "[store]\nurl = {}", quoted(&store_url(&database)))?;
        let mut carriers = Vec::new();
        for spec in providers::ALL.iter().copied() {
            let token = random_token(&Jitter::random());
            let carrier = start_carrier(spec, &url, &token).await?;
            text.push_str(&lane_text(spec, &carrier.account(), &token)?);
            carriers.push(carrier);
        }
        text.push_str(&routes_text(&carriers)?);
        let config = parse(&text)?;
        let parts = Parts {
            clock: Arc::clone(&context.clock),
            ..Parts::default()
        };
        let running = serve::start_at(bound, config, parts)
            .await
            .map_err(explained)?;
        let mut request = NewKeyRequest::new(ACCOUNT.into(), NATIVE);
        // The person at the shell runs this gateway too.
        request.scopes = Scopes::EVERYTHING;
        let key = new_key(&running, request).await?;
        let mut vendors = Vec::new();
        for carrier in &carriers {
            vendors.push(vendor(&running, carrier).await?);
        }
        Ok(Self {
            running,
            carriers,
            key,
            vendors,
            database,
            ca_file: tls.map(|tls| tls.ca_file),
            _folder: folder,
        })
    }

    pub(super) fn addresses(&self) -> Addresses {
        self.running.addresses()
    }

    pub(super) fn url(&self) -> String {
        self.addresses().url()
    }

    pub(super) fn key(&self) -> &str {
        self.key.value("api_key").unwrap_or_default()
    }

    pub(super) fn vendors(&self) -> &[Vendor] {
        &self.vendors
    }

    pub(super) fn carriers(&self) -> &[Simulator] {
        &self.carriers
    }

    pub(super) fn database(&self) -> &Path {
        &self.database
    }

    pub(super) fn ca_file(&self) -> Option<&Path> {
        self.ca_file.as_deref()
    }

    /// Ends the gateway in order, then the carriers.
    pub(super) async fn clear(self) -> Drained {
        let drained = self.running.drain().await;
        for carrier in self.carriers {
            carrier.stop().await;
        }
        drained
    }
}

impl Vendor {
    /// Where the vendor's client is pointed to, and what it presents.
    pub(super) fn access(&self) -> Map<String, Value> {
        let mut access = self.key.to_json();
        access.insert("base_url".to_owned(), self.base_url.as_str().into());
        access
    }
}

fn parse(text: &str) -> anyhow::Result<Config> {
    let file = ConfigFile::parse(Path::new("demo.toml"), text)?;
    Ok(Config::load(Some(&file), &Environment::default())?.config)
}

/// A text as TOML writes it, which for these is as JSON does.
fn quoted(text: &str) -> Value {
    Value::from(text)
}

fn store_url(database: &Path) -> String {
    format!("sqlite://{}", database.display())
}

fn server_text(args: &DemoArgs, tls: Option<&Tls>, public_url: Option<&str>) -> String {
    let mut text = format!("[server]\nlisten = \"{}\"\n", args.listen);
    if let Some(url) = public_url {
        text = text + "public_url = " + &quoted(url).to_string() + "\n";
    }
    // A short wait: nobody's messages are at stake.
    text.push_str("drain = \"5s\"\n");
    if let Some(tls) = tls {
        text.push_str(&tls.lines);
    }
    text + "[webhooks]\nallow_loopback = true\n"
}

/// Makes a certificate for the address, and files of it.
fn certificate(context: &Context, args: &DemoArgs, folder: &Path) -> anyhow::Result<Tls> {
    let now = context.clock.now();
    let authority = OwnAuthority::make(now)?;
    let ip = args.listen.ip();
    let certificate = authority.certify(ip, now)?;
    let path = |name: &str| folder.join(name);
    std::fs::write(path("ca.pem"), authority.certificate_pem())?;
    std::fs::write(path("cert.pem"), certificate.certificate_pem())?;
    // The folder is its owner's alone.
    std::fs::write(path("key.pem"), certificate.key_pem().expose_secret())?;
    let lines = format!(
        "tls = {{ listen = \"{}\", cert = {}, key = {} }}\n",
        std::net::SocketAddr::from((ip, 0)),
        quoted(&path("cert.pem").to_string_lossy()),
        quoted(&path("key.pem").to_string_lossy())
    );
    Ok(Tls {
        ca_file: path("ca.pem"),
        lines,
    })
}

async fn start_carrier(
    spec: &'static ProviderSpec,
    gateway: &str,
    token: &SecretString,
) -> anyhow::Result<Simulator> {
    let scenario = Scenario::from_toml(SCENARIO).context("the demo's scenario")?;
    let mut builder = Simulator::builder(spec).scenario(scenario);
    // Where customers subscribe to what is told, the gateway does so by itself.
    if spec.emit_callback.is_some() && !spec.capabilities.subscriptions {
        let token = token.expose_secret();
        builder = builder.callback_url(format!("{gateway}/callbacks/{}/{token}", spec.id));
    }
    Ok(builder.start().await?)
}

fn lane_text(
    spec: &ProviderSpec,
    account: &Account,
    token: &SecretString,
) -> anyhow::Result<String> {
    let mut text = format!("[[lanes]]\nid = \"{0}\"\nprovider = \"{0}\"\n", spec.id);
    for name in account.names() {
        let value = account.setting(name).unwrap_or_default();
        writeln!(text, "{name} = {}", quoted(value))?;
    }
    if spec.parse_callback.is_some() {
        let token = token.expose_secret();
        writeln!(
            text,
            "callback_token = \"{token}\"\ninbound_account = \"{ACCOUNT}\""
        )?;
    }
    Ok(text)
}

/// One rule for each beginning of numbers, with the lanes that carry them.
fn routes_text(carriers: &[Simulator]) -> anyhow::Result<String> {
    let mut prefixes: Vec<String> = carriers.iter().map(prefix_of).collect();
    prefixes.sort();
    prefixes.dedup();
    let mut text = String::new();
    for prefix in prefixes {
        let lanes: Vec<&Simulator> = carriers
            .iter()
            .filter(|carrier| prefix_of(carrier) == prefix)
            .collect();
        let names: Vec<&str> = lanes.iter().map(|lane| lane.world().spec().id).collect();
        writeln!(
            text,
            "[[routes]]\nprefix = \"{prefix}\"\nlanes = {}",
            Value::from(names)
        )?;
        if lanes.iter().all(|lane| own_number(lane).is_none()) {
            writeln!(text, "default_sender = \"{SENDER}\"")?;
        }
    }
    Ok(text)
}

/// Where the numbers begin that a carrier is for: in the country that it serves, in that of its own number,
/// else elsewhere.
fn prefix_of(carrier: &Simulator) -> String {
    let own = own_number(carrier);
    let own = own.and_then(|number| number.get(..2).map(str::to_owned));
    match carrier.world().spec().capabilities.calling_codes {
        [code, ..] => format!("+{code}"),
        [] => own.unwrap_or_else(|| ELSEWHERE.to_owned()),
    }
}

/// The number that texts of a carrier's account go out from.
fn own_number(carrier: &Simulator) -> Option<String> {
    let account = carrier.account();
    let number = account.setting("from_number")?;
    Some(number.to_owned())
}

async fn new_key(running: &Running, request: NewKeyRequest) -> anyhow::Result<CreatedKey> {
    let gateway = running.gateway();
    let acting = Acting::command();
    let created = bootstrap(gateway.store(), request, &acting, gateway.now()).await?;
    gateway.access().changed();
    Ok(created)
}

/// A key of a vendor's API. What a client has to know besides credentials is what the carrier's own
/// clients do.
async fn vendor(running: &Running, carrier: &Simulator) -> anyhow::Result<Vendor> {
    let spec = carrier.world().spec();
    let account = carrier.account();
    let mut request = NewKeyRequest::new(AccountId::from(ACCOUNT), spec.id);
    let known = spec.settings.iter().filter(|setting| {
        !setting.is_secret && !setting.is_required() && setting.name != "base_url"
    });
    for setting in known {
        if let Some(value) = account.setting(setting.name) {
            let known = (setting.name.to_owned(), value.to_owned());
            request.settings.push(known);
        }
    }
    Ok(Vendor {
        spec,
        base_url: format!("{}/{}", running.addresses().url(), spec.id),
        key: new_key(running, request).await?,
    })
}

fn random_token(randomness: &Jitter) -> SecretString {
    const LETTERS: &[u8] = b"abcdefghijklmnopqrstuvwxyz234567";
    let letter = |_| {
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "a number from 0 to 1 times 31"
        )]
        let place = (randomness.next() * 31.0) as usize;
        LETTERS.get(place).map_or('a', |letter| char::from(*letter))
    };
    let token: String = (0..32).map(letter).collect();
    token.into()
}
