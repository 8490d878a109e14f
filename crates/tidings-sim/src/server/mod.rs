//! The simulated carrier as a server: [`Simulator`] listens, puts the provider's own router in front
//! of a [`World`] and lets the scenario's faults spoil the calls.
//!
//! Called by the command's `sim` and `demo` and by every test that needs a carrier. The way of a
//! call: `listen` (connections), `call` (control or router, and the fault), `answer` (what a fault
//! makes of an answer), `control` (`/_sim/`), `limit` (who calls too often). In the other direction, to
//! the customer: `callbacks`, and `subscriptions` where customers subscribe to events.

mod answer;
mod ca_file;
mod call;
mod callbacks;
mod control;
mod limit;
mod listen;
mod subscriptions;

use std::fmt;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use secrecy::SecretString;
use tidings::provider::CA_FILE;
use tidings::serve::listen::Listener;
use tidings::{Account, ProviderSpec, SystemClock};
use tidings_core::Clock;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use self::ca_file::{CaFile, KeepCa};
use crate::error::SimError;
use crate::scenario::Scenario;
use crate::world::{FROM_NUMBER, KEY, World, WorldSettings};
use subscriptions::Poster;

/// How long [`Simulator::stop`] waits for calls that are being answered.
const STOP_PATIENCE: Duration = Duration::from_secs(5);

/// A running simulated carrier. It listens until it is stopped or dropped.
pub struct Simulator {
    world: World,
    address: SocketAddr,
    base_url: String,
    ca_file: Option<CaFile>,
    stopping: CancellationToken,
    listener: JoinSet<()>,
    poster: Option<Arc<Poster>>,
}

impl Simulator {
    /// A simulated carrier with this provider's API.
    pub fn builder(spec: &'static ProviderSpec) -> SimulatorBuilder {
        SimulatorBuilder {
            listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 0)),
            remote_control: false,
            world: WorldSettings {
                spec,
                clock: Arc::new(SystemClock::new()),
                scenario: Scenario::default(),
                seed: None,
                account: None,
                settings: Vec::new(),
                state_file: None,
                tells: false,
            },
            callback_url: None,
            event_interval: None,
            trusted: None,
            tls: None,
        }
    }

    /// Where clients point to: `http://127.0.0.1:PORT`, or `https` with
    /// [`SimulatorBuilder::tls`], without a slash at the end.
    pub fn base_url(&self) -> &str {
        &self.base_url
    }

    /// The file with the certificate that clients have to trust; `None` without TLS.
    pub fn ca_file(&self) -> Option<&Path> {
        self.ca_file.as_ref().map(CaFile::path)
    }

    /// The address that it listens on.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// What a client has to present: one value for each setting that the provider requires, as it
    /// is at this moment.
    pub fn credentials(&self) -> Vec<(&'static str, SecretString)> {
        self.world.credentials()
    }

    /// The account as a client's settings: the credentials, those settings that the simulator was
    /// given and a client has too, and, where the provider has such settings, `base_url` and the number
    /// that texts go out from; with TLS `ca_file`.
    pub fn account(&self) -> Account {
        let spec = self.world.spec();
        let served_as = self.world.served_as();
        let mut account = Account::new(spec.id);
        for setting in spec.settings {
            if let Some(value) = served_as.setting(setting.name) {
                account = account.with(setting.name, value);
            }
        }
        for (setting, value) in self.credentials() {
            account = account.with(setting, value);
        }
        for (setting, value) in self.of_first_user() {
            let is_known = spec.settings.iter().any(|known| known.name == setting);
            if is_known && account.setting(setting).is_none() {
                account = account.with(setting, value);
            }
        }
        if spec
            .settings
            .iter()
            .any(|setting| setting.name == "base_url")
        {
            account = account.with("base_url", self.base_url());
        }
        if let Some(path) = self.ca_file() {
            account = account.with(CA_FILE, path.to_string_lossy().into_owned());
        }
        account
    }

    /// What a client of an exchange has to know besides credentials.
    fn of_first_user(&self) -> Vec<(&'static str, String)> {
        let mut known = Vec::new();
        if let Some(number) = self.world.from_number() {
            known.push((FROM_NUMBER, number.as_str().to_owned()));
        }
        // A key belongs to no user, so that its calls have to say for whom they are.
        if self.world.served_as().setting(KEY).is_some()
            && let Some(user) = self.world.first_user()
        {
            known.push(("domain", user.domain));
            known.push(("user", user.user));
        }
        known
    }

    /// Makes a round of posts to those who subscribe, now: for tests that do not want to wait for the
    /// next one. Nothing where customers of the provider do not subscribe.
    pub async fn post_events(&self) {
        if let Some(poster) = &self.poster {
            poster.round().await;
        }
    }

    /// What is behind the API.
    pub fn world(&self) -> &World {
        &self.world
    }

    /// Replaces the scenario, as [`World::set_scenario`].
    ///
    /// # Errors
    /// As [`World::set_scenario`].
    pub fn set_scenario(&self, scenario: Scenario) -> Result<(), SimError> {
        self.world.set_scenario(scenario)
    }

    /// Takes no more connections, lets calls that are being answered finish, for five seconds at
    /// the most, and ends.
    pub async fn stop(mut self) {
        self.stopping.cancel();
        let ended = async { while self.listener.join_next().await.is_some() {} };
        // Whatever is not done by then ends when the set is dropped.
        let _ = tokio::time::timeout(STOP_PATIENCE, ended).await;
        tracing::info!(address = %self.address, "the simulated carrier has stopped");
    }
}

impl fmt::Debug for Simulator {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Simulator")
            .field("provider", &self.world.spec().id)
            .field("address", &self.address)
            .finish_non_exhaustive()
    }
}

/// Settings of a [`Simulator`] that has not started.
#[derive(Debug)]
#[must_use = "nothing happens before it is started"]
pub struct SimulatorBuilder {
    listen: SocketAddr,
    remote_control: bool,
    world: WorldSettings,
    callback_url: Option<String>,
    event_interval: Option<Duration>,
    trusted: Option<Vec<u8>>,
    tls: Option<KeepCa>,
}

impl SimulatorBuilder {
    /// Where to listen. Default: a free port of 127.0.0.1.
    pub fn listen(mut self, address: SocketAddr) -> Self {
        self.listen = address;
        self
    }

    /// What happens. Default: a good day.
    pub fn scenario(mut self, scenario: Scenario) -> Self {
        self.world.scenario = scenario;
        self
    }

    /// Keeps the world in this file, so that it survives being killed; a file that is there is
    /// continued. It is readable by its owner only: it holds the account's key and the texts.
    /// Default: the world ends with the program.
    pub fn state_file(mut self, path: impl Into<PathBuf>) -> Self {
        self.world.state_file = Some(path.into());
        self
    }

    /// Where the time comes from. Default: the system's clock.
    pub fn clock(mut self, clock: Arc<dyn Clock>) -> Self {
        self.world.clock = clock;
        self
    }

    /// What ids, keys and chance are drawn from. Default: a seed of its own for every start.
    pub fn seed(mut self, seed: u64) -> Self {
        self.world.seed = Some(seed);
        self
    }

    /// Fixes the credentials: the account has to hold every setting that the provider requires,
    /// whatever else it holds is left aside. A key that was renewed since the first start with the
    /// same credentials stays renewed. Default: drawn.
    pub fn account(mut self, account: Account) -> Self {
        self.world.account = Some(account);
        self
    }

    /// Sets one of the provider's settings that are no credentials: those that make a difference to the
    /// provider's server half, and that a client of this simulator has to have too. Default: each as
    /// the provider says.
    pub fn setting(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.world.settings.push((name.into(), value.into()));
        self
    }

    /// Calls this address, the customer's server, to tell of ends of messages and of texts from
    /// phones. Where the vendor's customers subscribe to events the first user is subscribed to all
    /// events of his domain. Default: nobody is told.
    pub fn callback_url(mut self, url: impl Into<String>) -> Self {
        self.callback_url = Some(url.into());
        self.world.tells = true;
        self
    }

    /// How often the customer's server is called, or those who subscribe are posted to. Default: as
    /// often as the vendor does it.
    pub fn event_interval(mut self, interval: Duration) -> Self {
        self.event_interval = Some(interval);
        self
    }

    /// Trusts these certificates (PEM) besides the system's when those who subscribe are posted to.
    pub fn trusted_certificates(mut self, pem: impl Into<Vec<u8>>) -> Self {
        self.trusted = Some(pem.into());
        self
    }

    /// Whether `/_sim/` may be reached from other machines. Default: no.
    pub fn remote_control(mut self, is_allowed: bool) -> Self {
        self.remote_control = is_allowed;
        self
    }

    /// Speaks TLS, with a certificate for 127.0.0.1, `::1`, `localhost` and the address that it
    /// listens on. The certificate of the authority that vouches for it lies in a file of its own
    /// among the system's temporary files, [`Simulator::ca_file`], until the simulator is dropped.
    /// Default: plain HTTP.
    pub fn tls(mut self) -> Self {
        self.tls.get_or_insert(KeepCa::Temporarily);
        self
    }

    /// Speaks TLS as with [`tls`](Self::tls), and keeps the authority's certificate in this file and
    /// its key beside it, [`OwnAuthority::kept`](tidings::serve::tls::OwnAuthority::kept): started
    /// again with the same file, it shows what clients trust already.
    pub fn ca_file(mut self, path: impl Into<PathBuf>) -> Self {
        self.tls = Some(KeepCa::At(path.into()));
        self
    }

    /// Makes the world alone, without a listener: for tests that talk to it directly. Faults act
    /// on calls that come through a listener only.
    ///
    /// Nobody is told of anything either.
    ///
    /// # Errors
    /// [`SimError`] when the account does not fit the provider or the state file cannot be used.
    pub async fn into_world(self) -> Result<World, SimError> {
        World::open(self.world).await
    }

    /// Begins to listen, on the present tokio runtime.
    ///
    /// # Errors
    /// [`SimError`] when the address is taken, there is no certificate for TLS, the account or the scenario does not fit the provider,
    /// the state file cannot be used, or the customer's server cannot be called.
    pub async fn start(mut self) -> Result<Simulator, SimError> {
        // Who subscribes is told of what happens, not of ends.
        let subscribes = self.world.spec.capabilities.subscriptions;
        self.world.tells &= !subscribes;
        let world = World::open(self.world).await?;
        let listen_failed = |source| SimError::Listen {
            address: self.listen,
            source,
        };
        let socket = Listener::bind(self.listen).await.map_err(listen_failed)?;
        let mut socket = socket.max_connections(listen::MAX_CONNECTIONS);
        let address = socket.address();
        let mut ca_file = None;
        if let Some(keep) = self.tls {
            let (kept, certificate) = ca_file::prepare(keep, address.ip())?;
            socket = socket.tls(&certificate)?;
            ca_file = Some(kept);
        }
        let base_url = socket.base_url();
        let spec = world.spec();
        // A server of the same machine may have a certificate of the same maker.
        let own = ca_file
            .as_ref()
            .and_then(|own| std::fs::read(own.path()).ok());
        let trusted = [self.trusted, own]
            .into_iter()
            .flatten()
            .reduce(|mut all, more| {
                all.extend_from_slice(&more);
                all
            });
        let poster = Poster::new(world.clone(), trusted)?.map(Arc::new);
        let calls = call::Calls::new(world.clone(), self.remote_control, poster.clone())
            .map_err(|source| SimError::Account { source })?;
        if let (Some(poster), Some(url)) = (&poster, &self.callback_url) {
            poster.subscribe(url).await?;
        }
        let caller = self
            .callback_url
            .filter(|_| poster.is_none())
            .map(|url| callbacks::Caller::new(world.clone(), &url, self.event_interval));
        let caller = caller.transpose()?;
        let stopping = CancellationToken::new();
        let mut listener = JoinSet::new();
        if let Some(caller) = caller {
            listener.spawn(callbacks::run(caller, stopping.clone()));
        }
        if let Some(poster) = &poster {
            let posting =
                subscriptions::run(Arc::clone(poster), self.event_interval, stopping.clone());
            listener.spawn(posting);
        }
        listener.spawn(socket.serve(calls, stopping.clone()));
        tracing::info!(%address, provider = spec.id, "a simulated carrier listens on {address}");
        Ok(Simulator {
            world,
            address,
            base_url,
            ca_file,
            stopping,
            listener,
            poster,
        })
    }
}
