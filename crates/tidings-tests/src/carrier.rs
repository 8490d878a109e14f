//! A simulated carrier behind a provider's API, with a clock that a test moves, and clients that are
//! connected to it as programs connect theirs.
//!
//! Made by every test of the whole product that sends something.

use std::sync::Arc;
use std::time::Duration;

use tidings::http::HttpClient;
use tidings::layers::{self, BreakerPolicy, Jitter, LayerSettings, RetryPolicy};
use tidings::{Account, Provider, ProviderSpec, SystemClock};
use tidings_sim::{Scenario, Simulator, SimulatorBuilder};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::{Recorder, TestClock};

/// A running simulated carrier on a free port of this machine. It ends when it is dropped.
#[derive(Debug)]
pub struct Carrier {
    /// The carrier itself.
    pub simulator: Simulator,
    /// What tells the carrier the time; clients have the system's clock.
    pub clock: Arc<TestClock>,
    spec: &'static ProviderSpec,
}

impl Carrier {
    /// Starts a carrier with credentials of its own making.
    ///
    /// # Panics
    /// When the scenario, a text in TOML, cannot be read or no port is free.
    pub async fn start(spec: &'static ProviderSpec, scenario: &str) -> Self {
        Self::of(spec).scenario(scenario).start().await
    }

    /// Starts a carrier with credentials of its own making, which tells a customer's server what
    /// becomes of messages if the provider does such a thing.
    ///
    /// # Panics
    /// As [`Self::start`].
    pub async fn telling(spec: &'static ProviderSpec, scenario: &str, customer: &Recorder) -> Self {
        let carrier = Self::of(spec).scenario(scenario);
        carrier.telling(customer).start().await
    }

    /// Starts a carrier that knows these credentials.
    ///
    /// # Panics
    /// As [`Self::start`], and when a credential is missing.
    pub async fn with_account(
        spec: &'static ProviderSpec,
        scenario: &str,
        account: Account,
    ) -> Self {
        let carrier = Self::of(spec).scenario(scenario);
        carrier.account(account).start().await
    }

    /// As [`Self::telling`], and the carrier knows these credentials.
    ///
    /// # Panics
    /// As [`Self::with_account`].
    pub async fn of_account_telling(
        spec: &'static ProviderSpec,
        scenario: &str,
        account: Account,
        customer: &Recorder,
    ) -> Self {
        let carrier = Self::of(spec).scenario(scenario).account(account);
        carrier.telling(customer).start().await
    }

    /// A carrier that is yet to be started.
    pub fn of(spec: &'static ProviderSpec) -> CarrierBuilder {
        CarrierBuilder {
            builder: Simulator::builder(spec),
            clock: Arc::new(TestClock::new()),
            has_system_clock: false,
            spec,
        }
    }

    /// A client with every layer, in the standard order. It waits a few milliseconds before it tries
    /// again, and as long as the carrier asks for if that is at most `patience`.
    ///
    /// # Panics
    /// When the carrier's own account does not fit its provider.
    pub fn connect(&self, patience: Duration) -> Arc<dyn Provider> {
        let http = HttpClient::builder()
            .build()
            .expect("plain HTTP needs no set-up");
        let client = (self.spec.connect)(&self.simulator.account(), http)
            .expect("the carrier's account fits its provider");
        standard(client, patience)
    }

    /// Makes a call that no client of ours makes, and gives the status of its answer. `head` is the
    /// request's first line without the version.
    ///
    /// # Panics
    /// When there is no answer with a status.
    pub async fn strange_call(&self, head: &str, headers: &[(&str, &str)], body: &str) -> u16 {
        let mut request = format!("{head} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n");
        for (name, value) in headers {
            request.extend([name, ": ", value, "\r\n"]);
        }
        let length = body.len().to_string();
        request.extend(["Content-Length: ", &length, "\r\n\r\n", body]);
        let connected = TcpStream::connect(self.simulator.address()).await;
        let mut stream = connected.expect("the carrier listens");
        let written = stream.write_all(request.as_bytes()).await;
        written.expect("the carrier reads");
        let mut answer = String::new();
        let read = stream.read_to_string(&mut answer).await;
        read.expect("the carrier answers");
        let status = answer.get(9..12).and_then(|status| status.parse().ok());
        status.unwrap_or_else(|| panic!("{head}: {answer}"))
    }
}

/// Settings of a [`Carrier`] that has not started.
#[derive(Debug)]
#[must_use = "nothing happens before it is started"]
pub struct CarrierBuilder {
    builder: SimulatorBuilder,
    clock: Arc<TestClock>,
    has_system_clock: bool,
    spec: &'static ProviderSpec,
}

impl CarrierBuilder {
    /// What happens, as a text in TOML. Default: a good day.
    ///
    /// # Panics
    /// When it cannot be read.
    pub fn scenario(mut self, toml: &str) -> Self {
        let scenario = Scenario::from_toml(toml).expect("the test's scenario can be read");
        self.builder = self.builder.scenario(scenario);
        self
    }

    /// Fixes the credentials.
    pub fn account(mut self, account: Account) -> Self {
        self.builder = self.builder.account(account);
        self
    }

    /// Tells this server of the customer what becomes of messages, if the provider does such a thing.
    pub fn telling(mut self, customer: &Recorder) -> Self {
        if self.spec.emit_callback.is_some() {
            self.builder = self.builder.callback_url(customer.base_url());
        }
        self
    }

    /// Tells it so often, instead of as often as the vendor does.
    pub fn telling_every(mut self, interval: Duration) -> Self {
        self.builder = self.builder.event_interval(interval);
        self
    }

    /// Sets one of the provider's settings that are no credentials.
    pub fn setting(mut self, name: &str, value: &str) -> Self {
        self.builder = self.builder.setting(name, value);
        self
    }

    /// Speaks TLS, with a certificate that clients have to be told to trust.
    pub fn tls(mut self) -> Self {
        self.builder = self.builder.tls();
        self
    }

    /// Tells the carrier this time. Default: a clock of its own.
    pub fn clock(mut self, clock: &Arc<TestClock>) -> Self {
        self.clock = Arc::clone(clock);
        self
    }

    /// Tells the carrier the time of this machine.
    pub fn system_clock(mut self) -> Self {
        self.has_system_clock = true;
        self
    }

    /// Starts it.
    ///
    /// # Panics
    /// When no port is free or the account does not fit the provider.
    pub async fn start(self) -> Carrier {
        let clock: Arc<dyn tidings::Clock> = if self.has_system_clock {
            Arc::new(SystemClock::new())
        } else {
            Arc::clone(&self.clock) as _
        };
        let simulator = self.builder.clock(clock).start().await;
        Carrier {
            simulator: simulator.expect("a port is free, and the account fits"),
            clock: self.clock,
            spec: self.spec,
        }
    }
}

/// Puts every layer around a client, as [`Carrier::connect`] does; the breaker never opens.
pub fn standard(client: Arc<dyn Provider>, patience: Duration) -> Arc<dyn Provider> {
    let short = Duration::from_millis(5);
    let retry = RetryPolicy::default()
        .waits(short, short)
        .deadline(patience);
    // A carrier that fails call after call is what tests play; the breaker has tests of its own.
    let settings = LayerSettings::default()
        .retry(retry)
        .breaker(BreakerPolicy::never_opens());
    let clock = Arc::new(SystemClock::new());
    layers::standard(client, &settings, clock, Jitter::seeded(1))
}
