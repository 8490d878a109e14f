//! A provider that takes every message at once, bare and behind all layers, and messages for it: for
//! the benchmark of the layers and for the test of their allocations.

use std::sync::Arc;

use tidings::layers::{self, Jitter, LayerSettings, Rate};
use tidings::provider::unsupported;
use tidings::{
    AttemptRef, Balance, Capabilities, ClientRef, DeliveryReport, E164, Message, Outbound,
    Provider, ProviderRef, Receipt, Reconciled, Result, SystemClock, async_trait,
};

#[derive(Debug)]
struct Instant;

#[async_trait]
impl Provider for Instant {
    fn capabilities(&self) -> Capabilities {
        Capabilities::submit_only()
    }

    async fn submit(&self, messages: &[Outbound]) -> Result<Vec<Result<Receipt>>> {
        let taken = |outbound: &Outbound| {
            let id = outbound.reference.as_str();
            Ok(Receipt::new(ProviderRef::message(id)))
        };
        Ok(messages.iter().map(taken).collect())
    }

    async fn status(&self, _: &[ProviderRef]) -> Result<Vec<DeliveryReport>> {
        Ok(Vec::new())
    }

    async fn reconcile(&self, _: &AttemptRef) -> Result<Reconciled> {
        Ok(Reconciled::CannotTell)
    }

    async fn cancel(&self, _: &ProviderRef) -> Result<()> {
        Err(unsupported("instant", "cancel"))
    }

    async fn balance(&self) -> Result<Balance> {
        Ok(Balance::new(1, "test credits"))
    }
}

/// The provider as a client of its vendor would be handed to the layers.
pub(crate) fn bare() -> Arc<dyn Provider> {
    Arc::new(Instant)
}

/// Every layer is at work, and none has reason to hold a message up.
pub(crate) fn behind_all_layers() -> Arc<dyn Provider> {
    let settings = LayerSettings::default()
        .account("bench")
        .rate(Rate::per_second(u32::MAX).daily_cap(u64::MAX))
        .max_in_flight(8);
    let clock = Arc::new(SystemClock::new());
    layers::standard(bare(), &settings, clock, Jitter::seeded(1))
}

/// Messages of 140 characters, each with a reference of its own.
pub(crate) fn messages(count: usize) -> Vec<Outbound> {
    let to = E164::parse("+224622000001", None).expect("it is a number");
    let text: Arc<str> = "Your parcel is here. "
        .repeat(7)
        .get(..140)
        .expect("ASCII")
        .into();
    let outbound = |index: usize| {
        let reference = ClientRef::new(format!("bench-{index}")).expect("it is a reference");
        Outbound::new(reference, Message::new(to, Arc::clone(&text)))
    };
    (0..count).map(outbound).collect()
}
