//! The vendor's gateway manual and the models of its present clients contradict each other: a gateway
//! serves both, each under a base URL of its own, and what a message asks for means the same behind them.
//! Where the manual leaves a choice, such as in which form customers are called, the configuration makes it.

use std::time::Duration;

use serde_json::json;
use tidings::http::HttpClient;
use tidings::puzzel::{self, Client, Message, SendOptions, Settings};
use tidings::{Account, Priority};
use tidings_store::{LaneId, MessageFilter};
use tidings_tests::{Recorder, TestGateway};

use crate::gateway_vendors::{TO_LOOPBACK, gateway_to};

/// Priority and validity of a message as the gateway keeps it, sent by a client of this dialect.
async fn kept_of(test: &TestGateway, account: &Account, number: &str) -> (Priority, Duration) {
    let http = HttpClient::builder().system_roots(false);
    let http = HttpClient::for_account(account, http).unwrap();
    let client = Client::from_account(account, http).unwrap();
    let settings = Settings::new()
        .priority(Priority::High)
        .validity(Duration::from_hours(1));
    let message = Message::new(number, "Hei").settings(settings);
    client
        .send_one(&message, &SendOptions::new())
        .await
        .unwrap();
    let filter = MessageFilter {
        to: Some(number.parse().unwrap()),
        ..MessageFilter::default()
    };
    let found = test.gateway().store().messages(filter).await.unwrap();
    let kept = &found.items[0];
    let expires_at = kept.expires_at.unwrap();
    (kept.priority, expires_at.since(kept.accepted_at))
}

#[tokio::test(flavor = "multi_thread")]
async fn both_descriptions_of_the_api_are_served() {
    let spec = &puzzel::SPEC;
    let test = gateway_to(spec).start().await;
    let lane = test.gateway().lane(&LaneId::from(spec.id)).unwrap();
    lane.standing.set_paused(true);
    let account = test.vendor_account(spec).await;
    let manual = format!("{}/manual", account.setting("base_url").unwrap());
    let manual = account
        .clone()
        .with("base_url", manual)
        .with("dialect", "manual");
    let asked_for = (Priority::High, Duration::from_hours(1));
    assert_eq!(kept_of(&test, &account, "+4741000001").await, asked_for);
    assert_eq!(kept_of(&test, &manual, "+4741000002").await, asked_for);
    lane.standing.set_paused(false);
    test.gateway().signals().wake_lane(&lane.id);
    test.finish().await;
}

/// How the customer is called, as content type or method, where `[vendors.puzzel]` says this.
async fn check_form(said: &str, expected: &str) {
    let spec = &puzzel::SPEC;
    let customer = Recorder::start("");
    let config = format!("{TO_LOOPBACK}[vendors.puzzel]\n{said}\n");
    let test = gateway_to(spec).config(&config).start().await;
    let account = test.vendor_account(spec).await;
    let webhook = json!({"url": customer.base_url(), "format": spec.id});
    let made = test.post("/v1/webhooks", &webhook).await;
    assert!(made.status.is_success(), "{}", made.body);
    kept_of(&test, &account, "+4741000001").await;
    let listening = tokio::task::spawn_blocking(move || {
        let calls = customer.wait_until(|calls| !calls.is_empty());
        (customer, calls)
    });
    let (customer, calls) = listening.await.unwrap();
    let form = match calls[0].header("content-type") {
        Some(form) => form.split(';').next().unwrap(),
        None => calls[0].call.split(' ').next().unwrap(),
    };
    assert_eq!(form, expected, "{said}");
    test.finish().await;
    drop(customer);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_configuration_says_in_which_form_customers_are_called() {
    check_form("", "application/json").await;
    check_form("callback_format = \"xml\"", "application/xml").await;
    check_form("callback_format = \"get\"", "GET").await;
}
