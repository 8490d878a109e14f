//! Every provider that is compiled in, behind the simulator: it listens, tells an account that
//! fits the provider's settings, refuses who has none, and serves the provider's own client.

use std::time::Duration;

use tidings::http::HttpClient;
use tidings::{Acceptance, ClientRef, Message, Outbound, ProviderSpec, ReportedState, SenderId};
use tidings::{Provider, Result, providers};
use tidings_sim::{Scenario, Simulator};

use super::harness::{exchange, number, scenario};

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

fn client(sim: &Simulator, spec: &ProviderSpec) -> std::sync::Arc<dyn Provider> {
    let http = HttpClient::builder().build().unwrap();
    (spec.connect)(&sim.account(), http).unwrap()
}

fn outbound(spec: &ProviderSpec, reference: &str) -> Outbound {
    let served = spec.capabilities.calling_codes;
    let guinea = served.is_empty() || served.contains(&224);
    let to = if guinea {
        "+224622000001"
    } else {
        "+4790000001"
    };
    let message = Message::new(number(to), "hello");
    // Where numbers belong to users only those can be senders.
    let message = if spec.capabilities.numbers {
        message
    } else {
        message.from(SenderId::parse("Acme").unwrap())
    };
    Outbound::new(ClientRef::new(reference).unwrap(), message)
}

async fn submit(provider: &dyn Provider, outbound: Outbound) -> Result<tidings::Receipt> {
    let mut verdicts = provider.submit(&[outbound]).await?;
    verdicts.remove(0)
}

async fn check_sending(spec: &'static ProviderSpec) {
    let at_once = Scenario::default().with_delays(Duration::ZERO, Duration::ZERO);
    let builder = Simulator::builder(spec).scenario(at_once.with_credit(5));
    let sim = builder.start().await.unwrap();
    let provider = client(&sim, spec);
    let receipt = submit(&*provider, outbound(spec, "r-1")).await.unwrap();
    let kept = sim.world().messages();
    assert_eq!((kept.len(), &*kept[0].text), (1, "hello"), "{}", spec.id);
    if spec.capabilities.status {
        let reports = provider.status(&[receipt.provider_ref]).await.unwrap();
        // Where messages lie in conversations nothing more is told of them than that they are there.
        let expected = if spec.capabilities.conversations {
            ReportedState::Submitted
        } else {
            ReportedState::Delivered
        };
        assert_eq!(reports[0].state, expected, "{}", spec.id);
    }
    if spec.capabilities.balance {
        assert_eq!(provider.balance().await.unwrap().amount, 4, "{}", spec.id);
    }

    // The same fault for every provider, by the operation's word.
    for (action, taken) in [("before", 0), ("after", 1), ("mid_answer", 1)] {
        let fault = format!("[[fault]]\ncall = \"submit\"\ndrop = {{ when = \"{action}\" }}");
        sim.set_scenario(scenario(&fault)).unwrap();
        let had = sim.world().messages().len();
        let error = submit(&*provider, outbound(spec, action))
            .await
            .unwrap_err();
        assert_eq!(
            error.acceptance(),
            Acceptance::Unknown,
            "{} {action}",
            spec.id
        );
        assert_eq!(
            sim.world().messages().len(),
            had + taken,
            "{} {action}",
            spec.id
        );
    }
    sim.stop().await;
}

#[tokio::test]
async fn every_providers_client_sends_through_the_simulator() {
    for spec in providers::ALL {
        check_sending(spec).await;
    }
}
