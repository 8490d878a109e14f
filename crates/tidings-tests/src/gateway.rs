//! A whole gateway in the test's process: one simulated carrier for each provider, a lane to each, an
//! account with keys, and a client of its API.
//!
//! Made by every test of the gateway. At its end [`TestGateway::finish`] waits until everything has come to
//! an end and holds that no lease, no due message and no due webhook is left.

use std::fmt::Write as _;
use std::fs;
use std::net::{IpAddr, Ipv4Addr};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, Method, Request, StatusCode};
use secrecy::ExposeSecret as _;
use serde_json::Value;
use tidings::http::HttpClient;
use tidings::layers::Jitter;
use tidings::serve::tls::OwnAuthority;
use tidings::{Account, Clock, ProviderSpec, SystemClock, providers};
use tidings_gateway::access::{Acting, NATIVE, NewKeyRequest, Scopes, bootstrap};
use tidings_gateway::config::{ConfigFile, Environment};
use tidings_gateway::serve::{self, Bound, Drained, Parts, Running};
use tidings_gateway::{Config, Gateway};
use tidings_sim::{Scenario, Simulator};
use tidings_store::memory::MemoryStore;
use tidings_store::{AccountId, Store};

use crate::TestClock;

/// The account that every test gateway has.
const ACCOUNT: &str = "acme";
/// What callbacks of every carrier have in their path.
const TOKEN: &str = "callbacks-of-the-tests";
/// The file that callers of a [`TestGatewayBuilder::tls`] gateway have to trust.
pub const CA_FILE: &str = "ca.pem";
/// How long [`TestGateway::settled`] waits, in real time: nothing in a test takes as long.
const PATIENCE: Duration = Duration::from_secs(30);
/// How often it looks.
const LOOKS_EVERY: Duration = Duration::from_millis(5);

/// A gateway that runs in this process, with everything around it.
pub struct TestGateway {
    carriers: Vec<Simulator>,
    running: Option<Running>,
    http: HttpClient,
    key: String,
    base_text: String,
    /// The account of the only carrier, where the test has started that by itself.
    fronted: Option<(&'static ProviderSpec, Account)>,
    is_unattended: bool,
}

/// What the gateway answered.
#[derive(Clone, Debug)]
pub struct ApiAnswer {
    /// The status.
    pub status: StatusCode,
    /// The headers.
    pub headers: HeaderMap,
    /// The body, where it is JSON; else a text.
    pub body: Value,
}

impl TestGateway {
    /// A gateway on a store in memory, with a lane to a simulated carrier of every provider.
    ///
    /// # Panics
    /// When it cannot be started.
    pub async fn start() -> Self {
        Self::builder().start().await
    }

    /// A gateway that is yet to be started.
    pub fn builder() -> TestGatewayBuilder {
        TestGatewayBuilder {
            store: TestStore::Memory,
            clock: Arc::new(SystemClock::new()),
            server: String::new(),
            config: String::new(),
            lanes: String::new(),
            scenario: String::new(),
            scenarios: Vec::new(),
            calls_back: true,
            has_subscribed: true,
            tls: None,
            fronted: None,
            is_unattended: false,
        }
    }

    /// Where it listens, without a slash at the end.
    pub fn url(&self) -> String {
        self.running().addresses().url()
    }

    /// Where it listens with TLS, without a slash at the end.
    ///
    /// # Panics
    /// Without [`TestGatewayBuilder::tls`].
    pub fn tls_url(&self) -> String {
        let url = self.running().addresses().tls_url();
        url.expect("it was asked to listen with TLS")
    }

    /// A key of its own API, for the account `acme`, which allows everything.
    pub fn key(&self) -> &str {
        &self.key
    }

    /// The context of its stages.
    pub fn gateway(&self) -> &Gateway {
        self.running().gateway()
    }

    /// What it runs as.
    ///
    /// # Panics
    /// After [`finish`](Self::finish).
    pub fn running(&self) -> &Running {
        self.running.as_ref().expect("it runs until it is finished")
    }

    /// The simulated carrier of a provider. Its lane has the provider's id as its name.
    ///
    /// # Panics
    /// When there is no such provider.
    pub fn carrier(&self, provider: &str) -> &Simulator {
        let mut carriers = self.carriers.iter();
        let found = carriers.find(|carrier| carrier.world().spec().id == provider);
        found.expect("there is a carrier for every provider")
    }

    /// All simulated carriers.
    pub fn carriers(&self) -> &[Simulator] {
        &self.carriers
    }

    /// Credentials of a vendor's API at this gateway, as settings of that vendor's client.
    ///
    /// # Panics
    /// When the store does not take the key.
    pub async fn vendor_account(&self, spec: &'static ProviderSpec) -> Account {
        let carrier = match &self.fronted {
            Some((_, account)) => account.clone(),
            None => self.carrier(spec.id).account(),
        };
        let mut request = NewKeyRequest::new(AccountId::from(ACCOUNT), spec.id);
        // What a client needs to know besides credentials is what the provider itself knows.
        let known = spec.settings.iter().filter(|setting| {
            !setting.is_secret && !setting.is_required() && setting.name != "base_url"
        });
        for setting in known {
            if let Some(value) = carrier.setting(setting.name) {
                request
                    .settings
                    .push((setting.name.to_owned(), value.to_owned()));
            }
        }
        let gateway = self.gateway();
        let acting = Acting::command();
        let created = bootstrap(gateway.store(), request, &acting, gateway.now()).await;
        let created = created.expect("the store takes a key");
        gateway.access().changed();
        let mut account = Account::new(spec.id);
        for shown in &created.shown {
            account = account.with(shown.name, shown.value.clone());
        }
        account.with("base_url", format!("{}/{}", self.url(), spec.id))
    }

    /// Asks for something.
    ///
    /// # Panics
    /// When there is no answer.
    pub async fn get(&self, path: &str) -> ApiAnswer {
        self.call(Method::GET, path, &[], "").await
    }

    /// Posts a JSON document.
    ///
    /// # Panics
    /// When there is no answer.
    pub async fn post(&self, path: &str, body: &Value) -> ApiAnswer {
        let json = ("content-type", "application/json");
        self.call(Method::POST, path, &[json], body.to_string())
            .await
    }

    /// Makes a call of the API with the account's key.
    ///
    /// # Panics
    /// When there is no answer.
    pub async fn call(
        &self,
        method: Method,
        path: &str,
        headers: &[(&str, &str)],
        body: impl Into<Bytes>,
    ) -> ApiAnswer {
        let mut request = Request::builder()
            .method(method)
            .uri(format!("{}{path}", self.url()))
            .header("authorization", format!("Bearer {}", self.key));
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let request = request.body(body.into()).expect("a request of the test's");
        let answer = self.http.send(request).await;
        let answer = answer.unwrap_or_else(|failure| panic!("{path}: {failure:?}"));
        let body = serde_json::from_slice(&answer.body)
            .unwrap_or_else(|_| Value::from(String::from_utf8_lossy(&answer.body).into_owned()));
        ApiAnswer {
            status: answer.status,
            headers: answer.headers,
            body,
        }
    }

    /// Reads the configuration again, with this text in the place of the one that it was started with; the
    /// lanes to the carriers stay.
    ///
    /// # Panics
    /// When it is refused.
    pub async fn reload(&self, config: &str) {
        let config = parse(&format!("{config}\n{}", self.base_text));
        let reloaded = self.running().reload(config).await;
        reloaded.expect("the gateway takes the configuration");
    }

    /// Waits until something is so.
    ///
    /// # Panics
    /// When it is not after half a minute.
    #[expect(
        clippy::future_not_send,
        reason = "what a test looks at may be anything; nothing of it leaves the test's thread"
    )]
    pub async fn until(&self, what: &str, is_so: impl AsyncFn() -> bool) {
        let looking = async {
            while !is_so().await {
                tokio::time::sleep(LOOKS_EVERY).await;
            }
        };
        let is_so = tokio::time::timeout(PATIENCE, looking).await.is_ok();
        assert!(is_so, "never: {what}; in the store: {}", self.left().await);
    }

    /// Waits until nothing is due any more: no message that may leave, no lease, no doubt, no delivery.
    ///
    /// # Panics
    /// When something is still due after half a minute.
    pub async fn settled(&self) {
        let mut left = String::new();
        let settling = async {
            loop {
                left = self.left().await;
                if left.is_empty() {
                    return;
                }
                tokio::time::sleep(LOOKS_EVERY).await;
            }
        };
        let settled = tokio::time::timeout(PATIENCE, settling).await;
        assert!(settled.is_ok(), "something is left in the store: {left}");
    }

    /// What is due, in words; empty is nothing.
    async fn left(&self) -> String {
        let store = self.gateway().store();
        let depths = store.lane_depths().await.expect("the store answers");
        let mut left = String::new();
        for depth in depths {
            if depth.ready + depth.waiting + depth.in_hand + depth.in_doubt > 0 {
                write!(left, "{depth:?} ").expect("a string can be written to");
            }
        }
        let whole = store.depth().await.expect("the store answers");
        if whole.deliveries > 0 {
            write!(left, "{} deliveries", whole.deliveries).expect("a string can be written to");
        }
        left
    }

    /// Waits until nothing is due, and ends in order.
    ///
    /// # Panics
    /// When something is left.
    pub async fn finish(mut self) {
        self.settled().await;
        let running = self.running.take().expect("it is finished once");
        assert_eq!(running.drain().await, Drained::Whole);
        for carrier in std::mem::take(&mut self.carriers) {
            carrier.stop().await;
        }
    }

    /// Ends as it is, with whatever is left: for tests of what a restart finds.
    pub async fn abandon(mut self) {
        if let Some(running) = self.running.take() {
            running.drain().await;
        }
    }
}

impl Drop for TestGateway {
    fn drop(&mut self) {
        let is_over = self.running.is_none() || self.is_unattended;
        let is_whole = is_over || std::thread::panicking();
        assert!(is_whole, "a test gateway ends by `finish` or `abandon`");
    }
}

impl std::fmt::Debug for TestGateway {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("TestGateway")
            .field("running", &self.running)
            .finish_non_exhaustive()
    }
}

#[derive(Debug)]
enum TestStore {
    Memory,
    Given(Arc<dyn Store>),
    /// What the URL names.
    Url(String),
}

/// Settings of a [`TestGateway`] that has not started.
#[derive(Debug)]
#[must_use = "nothing happens before it is started"]
pub struct TestGatewayBuilder {
    store: TestStore,
    clock: Arc<dyn Clock>,
    server: String,
    config: String,
    lanes: String,
    scenario: String,
    scenarios: Vec<(String, String)>,
    calls_back: bool,
    has_subscribed: bool,
    tls: Option<PathBuf>,
    fronted: Option<(&'static ProviderSpec, Account)>,
    is_unattended: bool,
}

impl TestGatewayBuilder {
    /// Stands in front of one carrier that the test has started, with a lane to this account of it and
    /// no others.
    pub fn in_front_of(mut self, spec: &'static ProviderSpec, account: &Account) -> Self {
        self.fronted = Some((spec, account.clone()));
        self
    }

    /// May be dropped as it is: for tests that look at something else than how a gateway ends.
    pub fn unattended(mut self) -> Self {
        self.is_unattended = true;
        self
    }

    /// Listens with TLS too. The folder gets the files that are needed for it, [`CA_FILE`] among them.
    pub fn tls(mut self, folder: &Path) -> Self {
        self.tls = Some(folder.to_owned());
        self
    }

    /// Keeps everything in a SQLite file.
    pub fn sqlite(mut self, path: &Path) -> Self {
        self.store = TestStore::Url(format!("sqlite://{}", path.display()));
        self
    }

    /// Works on a store that is open already.
    pub fn store(mut self, store: Arc<dyn Store>) -> Self {
        self.store = TestStore::Given(store);
        self
    }

    /// Tells the gateway and the carriers this time. Default: the system's.
    pub fn clock(mut self, clock: &Arc<TestClock>) -> Self {
        self.clock = Arc::clone(clock) as _;
        self
    }

    /// Adds to the configuration: tables in TOML, but for `[[lanes]]`, `[server]` and `[store]`.
    pub fn config(mut self, toml: &str) -> Self {
        self.config.push_str(toml);
        self.config.push('\n');
        self
    }

    /// Adds keys to `[server]`, as lines of TOML.
    pub fn server_keys(mut self, toml: &str) -> Self {
        self.server.push_str(toml);
        self.server.push('\n');
        self
    }

    /// Adds keys to every lane, as lines of TOML, such as `rate = 5`.
    pub fn lane_keys(mut self, toml: &str) -> Self {
        self.lanes.push_str(toml);
        self.lanes.push('\n');
        self
    }

    /// What happens at every carrier that has no scenario of its own. Default: a good day.
    pub fn scenario(mut self, toml: &str) -> Self {
        toml.clone_into(&mut self.scenario);
        self
    }

    /// What happens at the carrier of one provider.
    pub fn scenario_of(mut self, provider: &str, toml: &str) -> Self {
        self.scenarios.push((provider.to_owned(), toml.to_owned()));
        self
    }

    /// Carriers tell nothing by themselves, as if their callbacks were not set up.
    pub fn without_callbacks(mut self) -> Self {
        self.calls_back = false;
        self
    }

    /// Carriers are not told where the gateway is; lanes have their callbacks all the same, so that the
    /// gateway subscribes by itself where it can.
    pub fn without_callback_urls(mut self) -> Self {
        self.has_subscribed = false;
        self
    }

    /// Starts it.
    ///
    /// # Panics
    /// When it cannot be started.
    pub async fn start(self) -> TestGateway {
        let tls = self.tls.as_deref().map(certified).unwrap_or_default();
        let first = parse(&format!("[server]\nlisten = \"127.0.0.1:0\"\n{tls}"));
        let bound = serve::bind(&first.server).await;
        let bound = bound.expect("a port is free");
        let mut carriers = Vec::new();
        let mut base_text = String::new();
        if let Some((spec, account)) = &self.fronted {
            base_text.push_str(&self.lane(spec, account));
        } else {
            for spec in providers::ALL {
                let carrier = self.carrier(spec, &bound).await;
                base_text.push_str(&self.lane(spec, &carrier.account()));
                carriers.push(carrier);
            }
        }
        let url = bound.addresses().url();
        let server = format!("[server]\nlisten = \"127.0.0.1:0\"\npublic_url = \"{url}\"\n");
        base_text.push_str(&server);
        base_text.push_str(&tls);
        base_text.push_str(&self.server);
        let store: Option<Arc<dyn Store>> = match self.store {
            TestStore::Memory => Some(Arc::new(MemoryStore::new())),
            TestStore::Given(store) => Some(store),
            TestStore::Url(url) => {
                writeln!(base_text, "[store]\nurl = \"{url}\"").expect("a string takes it");
                None
            }
        };
        let config = parse(&format!("{}\n{base_text}", self.config));
        let parts = Parts {
            clock: self.clock,
            randomness: Jitter::seeded(1),
            store,
        };
        let running = serve::start_at(bound, config, parts).await;
        let running = running.unwrap_or_else(|error| panic!("the gateway starts: {error:?}"));
        let key = native_key(running.gateway()).await;
        TestGateway {
            carriers,
            running: Some(running),
            http: HttpClient::builder()
                .build()
                .expect("plain HTTP needs no set-up"),
            key,
            base_text,
            fronted: self.fronted,
            is_unattended: self.is_unattended,
        }
    }

    async fn carrier(&self, spec: &'static ProviderSpec, bound: &Bound) -> Simulator {
        let mut scenarios = self.scenarios.iter();
        let own = scenarios.find(|(provider, _)| provider == spec.id);
        let scenario = own.map_or(&self.scenario, |(_, scenario)| scenario);
        let scenario = Scenario::from_toml(scenario).expect("the test's scenario can be read");
        let mut builder = Simulator::builder(spec)
            .scenario(scenario)
            .clock(Arc::clone(&self.clock))
            .event_interval(Duration::from_millis(20));
        // Where customers subscribe to what is told, the gateway does so by itself.
        let is_told = spec.emit_callback.is_some() && !spec.capabilities.subscriptions;
        if self.calls_back && is_told {
            let url = bound.addresses().url();
            builder = builder.callback_url(format!("{url}/callbacks/{}/{TOKEN}", spec.id));
        }
        builder.start().await.expect("a port is free")
    }

    fn lane(&self, spec: &'static ProviderSpec, account: &Account) -> String {
        let id = spec.id;
        let mut lane = format!("[[lanes]]\nid = \"{id}\"\nprovider = \"{id}\"\n");
        for name in account.names() {
            let value = account.setting(name).unwrap_or_default();
            // Both write a text in the same way.
            let value = Value::from(value);
            writeln!(lane, "{name} = {value}").expect("a string can be written to");
        }
        if self.calls_back && spec.parse_callback.is_some() {
            writeln!(
                lane,
                "callback_token = \"{TOKEN}\"\ninbound_account = \"{ACCOUNT}\""
            )
            .expect("a string can be written to");
        }
        lane + &self.lanes
    }
}

/// A certificate of an authority of the folder's own, as the configuration names it.
fn certified(folder: &Path) -> String {
    let now = SystemClock::new().now();
    let authority = OwnAuthority::make(now).expect("the cryptography works");
    let certificate = authority.certify(IpAddr::from(Ipv4Addr::LOCALHOST), now);
    let certificate = certificate.expect("the cryptography works");
    let key = certificate.key_pem();
    for (name, pem) in [
        (CA_FILE, authority.certificate_pem()),
        ("cert.pem", certificate.certificate_pem()),
        ("key.pem", key.expose_secret()),
    ] {
        fs::write(folder.join(name), pem).expect("the folder can be written to");
    }
    let path = |name| Value::from(folder.join(name).display().to_string());
    let (cert, key) = (path("cert.pem"), path("key.pem"));
    format!("[server.tls]\nlisten = \"127.0.0.1:0\"\ncert = {cert}\nkey = {key}\n")
}

fn parse(text: &str) -> Config {
    let file = ConfigFile::parse(Path::new("tidings.toml"), text);
    let loaded = file.and_then(|file| Config::load(Some(&file), &Environment::default()));
    let loaded = loaded.unwrap_or_else(|error| panic!("{error}\n{text}"));
    loaded.config
}

async fn native_key(gateway: &Gateway) -> String {
    let mut request = NewKeyRequest::new(AccountId::from(ACCOUNT), NATIVE);
    request.scopes = Scopes::EVERYTHING;
    let acting = Acting::command();
    let created = bootstrap(gateway.store(), request, &acting, gateway.now()).await;
    let created = created.expect("the store takes a key");
    let key = created.value("api_key");
    key.expect("a key of our own API has this name").to_owned()
}
