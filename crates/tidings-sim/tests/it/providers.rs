//! Every provider that is compiled in, behind the simulator: it listens, tells an account that
//! fits the provider's settings, and refuses who has none.

use tidings::{ProviderSpec, providers};
use tidings_sim::Simulator;

use super::harness::exchange;

async fn check(spec: &'static ProviderSpec) {
    let sim = Simulator::builder(spec).start().await.unwrap();
    let account = sim.account();
    account.check(spec.settings).unwrap();
    assert_eq!(account.id(), spec.id);
    let get = |path: &str| format!("GET {path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n");
    let reply = exchange(sim.address(), &get("/no/such/path")).await.reply();
    assert!(
        (400..500).contains(&reply.status),
        "{}: {}",
        spec.id,
        reply.status
    );
    let stats = exchange(sim.address(), &get("/_sim/stats")).await.reply();
    assert_eq!(stats.json()["calls"]["GET unknown"], 1, "{}", spec.id);
    sim.stop().await;
}

#[tokio::test]
async fn every_provider_can_be_simulated() {
    assert!(!providers::ALL.is_empty());
    for spec in providers::ALL {
        check(spec).await;
    }
}
