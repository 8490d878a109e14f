//! What a behaviour works with: a simulated carrier behind the provider's own API, the provider
//! connected to it as programs connect it, numbers that it serves, a sender that it takes, the carrier's
//! clock, and what reached phones.
//!
//! Made for every behaviour anew. It knows a provider by its registration alone, and what it stops with
//! is a sentence that says what the provider does not do yet.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tidings::http::HttpClient;
use tidings::{
    Account, AttemptRef, Capabilities, ClientRef, Clock as _, E164, Error, Message, Outbound,
    Provider, ProviderSpec, Receipt, Result, SenderId, SystemClock,
};
use tidings_sim::{Scenario, SimMessage};
use tidings_store::MessageFilter;
use tidings_tests::{CALL_LIMIT, Carrier, CarrierBuilder, PhoneNumbers, TestGateway, standard};
use tokio::runtime::Handle;
use tokio::task::block_in_place;

/// Messages leave and arrive at the moment when they are taken.
pub(crate) const AT_ONCE: &str = "[delays]\nsent_ms = 0\ndelivered_ms = 0\n";

/// How often a carrier tells a gateway of texts: as soon as a test wants it.
const SOON: Duration = Duration::from_millis(20);

/// A gateway that permits texts as long as any provider does.
const AS_LONG_AS_ANY: &str = "[sending]\nmax_parts = 255\n";

/// A lane that hands one message on after the other, so that the carrier has them in the order of their
/// acceptance: of calls that are open side by side any may arrive first.
const ONE_AT_A_TIME: &str = "in_flight = 1";

/// Whom the provider's client talks to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    /// The carrier itself.
    Carrier,
    /// A gateway that answers in the carrier's place, and hands on to the carrier.
    Gateway,
}

impl Place {
    pub(crate) const ALL: [Self; 2] = [Self::Carrier, Self::Gateway];

    /// The first part of the names of its tests.
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Carrier => "provider",
            Self::Gateway => "gateway",
        }
    }
}

/// What there is before anything is started.
#[derive(Clone, Copy)]
pub(crate) struct Context {
    /// The provider's registration.
    pub(crate) spec: &'static ProviderSpec,
    place: Place,
}

impl Context {
    pub(crate) fn new(spec: &'static ProviderSpec, place: Place) -> Self {
        Self { spec, place }
    }

    /// What its accounts can do by default.
    pub(crate) fn can(self) -> &'static Capabilities {
        &self.spec.capabilities
    }

    // ---- messages ----

    /// The phone with this place in the count; any two places are two phones.
    pub(crate) fn number(self, place: usize) -> E164 {
        PhoneNumbers::served(self.can()).number(place)
    }

    /// A sender that the provider takes: none where texts go out from numbers of the account's own.
    pub(crate) fn sender(self) -> Option<SenderId> {
        let name = SenderId::parse("Ecole").expect("a short name");
        (!self.can().numbers).then_some(name)
    }

    /// A message to a phone.
    pub(crate) fn message(self, place: usize, text: impl Into<Arc<str>>) -> Message {
        self.message_to(self.number(place), text)
    }

    pub(crate) fn message_to(self, to: E164, text: impl Into<Arc<str>>) -> Message {
        let message = Message::new(to, text);
        match self.sender() {
            Some(sender) => message.from(sender),
            None => message,
        }
    }

    /// A message under the name `row-<place>`.
    pub(crate) fn row(self, place: usize, text: impl Into<Arc<str>>) -> Outbound {
        outbound(place, self.message(place, text))
    }

    /// As many messages, each to a phone of its own and with a text of its own.
    pub(crate) fn rows(self, n_rows: usize) -> Vec<Outbound> {
        let numbers = PhoneNumbers::served(self.can());
        let row = |place| {
            let text = format!("Bonjour {place}");
            outbound(place, self.message_to(numbers.number(place), text))
        };
        (0..n_rows).map(row).collect()
    }

    // ---- carriers ----

    /// A carrier that is yet to be started.
    pub(crate) fn carrier(self, scenario: &str) -> CarrierBuilder {
        let why = "a carrier of a behaviour's own has no gateway in front of it";
        assert_eq!(self.place, Place::Carrier, "{why}");
        Carrier::of(self.spec).scenario(scenario)
    }

    /// Starts a carrier, at this place with a gateway in front of it, and connects to whoever answers.
    pub(crate) async fn start(self, scenario: &str) -> Line {
        match self.place {
            Place::Carrier => self.connect(self.carrier(scenario).start().await),
            Place::Gateway => {
                let carrier = Carrier::of(self.spec).scenario(scenario);
                let carrier = carrier.telling_every(SOON).start().await;
                self.connect_through_gateway(carrier)
            }
        }
    }

    fn connect_through_gateway(self, carrier: Carrier) -> Line {
        let of_lane = carrier.simulator.account();
        let gateway = TestGateway::builder().in_front_of(self.spec, &of_lane);
        let gateway = gateway.config(AS_LONG_AS_ANY).lane_keys(ONE_AT_A_TIME);
        let gateway = wait_for(gateway.unattended().start());
        let account = wait_for(gateway.vendor_account(self.spec));
        let line = self.connect_as(carrier, &account, CALL_LIMIT);
        Line {
            gateway: Some(gateway),
            ..line
        }
    }

    /// Connects to a carrier with its own account.
    pub(crate) fn connect(self, carrier: Carrier) -> Line {
        self.connect_within(carrier, CALL_LIMIT)
    }

    /// The same; no call takes longer than `limit`.
    pub(crate) fn connect_within(self, carrier: Carrier, limit: Duration) -> Line {
        let account = carrier.simulator.account();
        self.connect_as(carrier, &account, limit)
    }

    /// The same with an account that says something else than the carrier does.
    pub(crate) fn connect_as(self, carrier: Carrier, account: &Account, limit: Duration) -> Line {
        let bare = self.client(account, limit);
        let provider = standard(Arc::clone(&bare), Duration::from_mins(1));
        Line {
            gateway: None,
            account: account.clone(),
            carrier,
            bare,
            provider,
        }
    }

    /// A client for an account, without layers.
    pub(crate) fn client(self, account: &Account, limit: Duration) -> Arc<dyn Provider> {
        match self.try_client(account, limit) {
            Ok(client) => client,
            Err(error) => panic!(
                "{} makes no client of an account's settings yet: {error}",
                self.spec.id
            ),
        }
    }

    pub(crate) fn try_client(
        self,
        account: &Account,
        limit: Duration,
    ) -> Result<Arc<dyn Provider>> {
        // Reading those of the machine takes longer than all the rest of a behaviour.
        let http = HttpClient::builder().timeout(limit).system_roots(false);
        let http = HttpClient::for_account(account, http)?;
        (self.spec.connect)(account, http)
    }
}

/// A message under the name `row-<place>`.
pub(crate) fn outbound(place: usize, message: Message) -> Outbound {
    let reference = ClientRef::new(format!("row-{place}")).expect("a short name");
    Outbound::new(reference, message)
}

/// A carrier with a provider that is connected to it.
pub(crate) struct Line {
    /// Who stands between the two, at the place of a gateway.
    gateway: Option<TestGateway>,
    /// What the client was made of.
    pub(crate) account: Account,
    pub(crate) carrier: Carrier,
    /// The provider's own client.
    pub(crate) bare: Arc<dyn Provider>,
    /// The same with every layer.
    pub(crate) provider: Arc<dyn Provider>,
}

impl Line {
    /// What is said of each message; where the call failed as a whole, that for each.
    pub(crate) async fn submit(&self, rows: &[Outbound]) -> Vec<Result<Receipt>> {
        submit(&*self.provider, rows).await
    }

    /// What is said of one message.
    pub(crate) async fn submit_one(&self, row: &Outbound) -> Result<Receipt> {
        let mut results = self.submit(std::slice::from_ref(row)).await;
        results.remove(0)
    }

    /// Hands a message over that has to be taken.
    pub(crate) async fn take(&self, row: &Outbound) -> Receipt {
        taken(self.submit_one(row).await)
    }

    /// Hands messages over that all have to be taken.
    pub(crate) async fn take_all(&self, rows: &[Outbound]) -> Vec<Receipt> {
        let results = self.submit(rows).await;
        results.into_iter().map(taken).collect()
    }

    /// Hands a message over that must not be taken.
    pub(crate) async fn refused(&self, row: &Outbound) -> Error {
        match self.submit_one(row).await {
            Err(error) => error,
            Ok(receipt) => panic!("the provider took a message that it cannot send: {receipt:?}"),
        }
    }

    /// All messages that the carrier has taken, in their order; a gateway has handed on what it had.
    pub(crate) fn arrived(&self) -> Vec<SimMessage> {
        self.hand_on();
        self.carrier.simulator.world().messages()
    }

    /// A gateway has handed on what it had. Without one there is nothing to hand on.
    fn hand_on(&self) {
        if let Some(gateway) = &self.gateway {
            wait_for(gateway.settled());
        }
    }

    /// Where whoever answers the client listens: as the beginning of its addresses, and on this machine.
    pub(crate) fn listens_at(&self) -> (String, SocketAddr) {
        if let Some(gateway) = &self.gateway {
            let addresses = gateway.running().addresses();
            return (addresses.url(), addresses.plain);
        }
        let simulator = &self.carrier.simulator;
        (simulator.base_url().to_owned(), simulator.address())
    }

    /// Whether nobody was called: through a gateway, which has calls of its own, whether that has taken
    /// nothing.
    pub(crate) fn is_untouched(&self) -> bool {
        let Some(gateway) = &self.gateway else {
            return self.n_calls() == 0;
        };
        let store = gateway.gateway().store();
        let all = store.messages(MessageFilter::default());
        wait_for(all).expect("the store answers").items.is_empty()
    }

    /// A gateway has heard of the end of all its messages. Without one there is nothing to wait for.
    pub(crate) fn heard(&self) {
        let Some(gateway) = &self.gateway else {
            return;
        };
        let all_have_ended = async || {
            let store = gateway.gateway().store();
            let all = store.messages(MessageFilter::default()).await;
            let all = all.expect("the store answers").items;
            all.iter().all(|message| message.state.is_final())
        };
        wait_for(gateway.until("all messages end", all_have_ended));
    }

    /// A gateway has heard what a phone has sent. Without one there is nothing to wait for.
    pub(crate) fn heard_from_a_phone(&self) {
        let Some(gateway) = &self.gateway else {
            return;
        };
        let has_heard = async || {
            let inbound = gateway.get("/v1/inbound").await;
            let list = inbound.body.as_object().and_then(|page| {
                let mut lists = page.values().filter_map(|value| value.as_array());
                lists.next().map(|list| !list.is_empty())
            });
            list.unwrap_or_default()
        };
        wait_for(gateway.until("a text from a phone comes", has_heard));
    }

    /// How often a message has arrived.
    pub(crate) fn arrivals_of(&self, row: &Outbound) -> usize {
        let is_it = |one: &SimMessage| one.to == row.message.to && one.text == row.message.text;
        self.arrived().into_iter().filter(is_it).count()
    }

    /// How many calls the carrier has answered, or not answered on purpose.
    pub(crate) fn n_calls(&self) -> u64 {
        self.carrier.simulator.world().stats().calls.values().sum()
    }

    /// Lets time pass at the carrier, for all messages that were taken before.
    pub(crate) fn wait(&self, time: Duration) {
        self.hand_on();
        self.carrier.clock.advance(time);
    }

    /// Lets other things happen from now on.
    pub(crate) fn play(&self, scenario: &str) {
        let scenario = Scenario::from_toml(scenario).expect("the behaviour's scenario can be read");
        let played = self.carrier.simulator.set_scenario(scenario);
        played.expect("the scenario fits every provider");
    }
}

/// Waits here, so that whoever looks at what has arrived need not be told to wait.
fn wait_for<T>(what: impl Future<Output = T>) -> T {
    block_in_place(|| Handle::current().block_on(what))
}

/// What a provider says of each message; where the call failed as a whole, that for each.
pub(crate) async fn submit(provider: &dyn Provider, rows: &[Outbound]) -> Vec<Result<Receipt>> {
    match provider.submit(rows).await {
        Ok(results) => {
            let (n_results, n_rows) = (results.len(), rows.len());
            assert_eq!(n_results, n_rows, "one result for each message");
            results
        }
        Err(error) => {
            let each = rows.iter().map(|_| Err(error.copy_without_source()));
            each.collect()
        }
    }
}

/// The receipt of a message that has to be taken.
#[track_caller]
pub(crate) fn taken(result: Result<Receipt>) -> Receipt {
    match result {
        Ok(receipt) => receipt,
        Err(error) => {
            panic!("the provider does not take a message that it should take: {error} ({error:?})")
        }
    }
}

/// The attempt whose outcome an error leaves unknown. It began so long ago that no call of it is under
/// way any more.
pub(crate) fn lost_attempt(row: &Outbound, error: &Error) -> AttemptRef {
    let started = SystemClock::new().now().minus(Duration::from_hours(1));
    let attempt = AttemptRef::new(row.clone(), started);
    match error.provider_ref() {
        Some(about) => attempt.provider_ref(about.clone()),
        None => attempt,
    }
}
