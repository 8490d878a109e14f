//! Nothing that is secret or private is shown: not in a log at the finest level, not by `Debug`, not in
//! the words of an error.
//!
//! What a vendor's own calls add to that is searched by the tests named after it.

use std::error::Error as _;
use std::fmt::Write as _;
use std::time::Duration;

use futures_util::future::join_all;
use tidings::{
    Account, AttemptRef, Clock as _, DeliveryReport, E164, Error, Outbound, Provider, ProviderRef,
    SystemClock, Timestamp,
};
use tidings_tests::{CapturedLog, Carrier, Fault, Recorder, log_ended};

use crate::behaviour::{Behaviour, rows};
use crate::context::{AT_ONCE, Context};

pub(super) fn rows() -> Vec<Behaviour> {
    rows! {
        the_log_of_a_good_day_holds_nothing_private: [],
        the_log_of_every_fault_holds_nothing_private: [],
        the_log_of_calls_to_the_customer_holds_nothing_private: [CALLBACKS],
        a_client_shows_no_secret: [],
        an_account_shows_no_secret: [],
        every_secret_setting_is_marked_as_one: [],
        what_is_sent_and_told_shows_no_text_and_no_number: [],
        an_error_repeats_nothing_of_the_message: [],
        an_answer_that_repeats_the_message_is_not_repeated: [],
    }
}

const TEXT: &str = "Velmora klatrer Gaustatoppen";
/// The place of a phone that no other behaviour calls.
const PLACE: usize = 9731;

fn row(cx: Context) -> Outbound {
    cx.row(PLACE, TEXT)
}

/// What must not be seen, with what it is.
fn private(account: &Account, cx: Context, to: E164) -> Vec<(&'static str, String)> {
    let mut private: Vec<(&'static str, String)> = vec![
        ("a text", "Velmora".to_owned()),
        ("a text", "Gaustatoppen".to_owned()),
        ("a number", to.as_str().trim_start_matches('+').to_owned()),
        ("a number", to.national_number().to_owned()),
    ];
    for setting in cx.spec.settings.iter().filter(|it| it.is_secret) {
        if let Some(value) = account.setting(setting.name) {
            private.push((setting.name, value.to_owned()));
        }
    }
    private
}

#[track_caller]
fn check_shown(shown: &str, private: &[(&'static str, String)]) {
    for (what, private) in private {
        assert!(
            !shown.contains(private.as_str()),
            "{what} is shown: {shown}"
        );
    }
}

#[track_caller]
fn check_log(log: &CapturedLog, private: &[(&'static str, String)]) {
    let private: Vec<(&str, &str)> = private
        .iter()
        .map(|(what, it)| (*what, it.as_str()))
        .collect();
    log.assert_lacks(&private);
}

// ---- logs ----

/// Every call of the interface, each logged with how it ended.
async fn call_everything(cx: Context, provider: &dyn Provider) {
    let row = row(cx);
    tracing::info!(?row, ?provider, "to submit");
    let started = SystemClock::new().now();
    let submitted = provider.submit(std::slice::from_ref(&row)).await;
    let mut about = ProviderRef::default();
    let mut attempt = AttemptRef::new(row.clone(), long_before(started));
    if let Err(error) = &submitted {
        attempt.provider_ref = error.provider_ref().cloned();
    }
    for result in log_ended("submit", submitted).unwrap_or_default() {
        if let Some(receipt) = log_ended("message", result) {
            about = receipt.provider_ref;
            attempt.provider_ref = Some(about.clone());
        }
    }
    log_ended("status", provider.status(&[about.clone()]).await);
    log_ended("reconcile", provider.reconcile(&attempt).await);
    log_ended("cancel", provider.cancel(&about).await);
    log_ended("balance", provider.balance().await);
    if let Some(book) = provider.address_book() {
        let added = book
            .add_contact("Velmora", "Gaustatoppen", &row.message.to)
            .await;
        log_ended("add_contact", added);
        log_ended("contacts", book.contacts(1, 10).await);
    }
    if let Some(conversations) = provider.conversations() {
        let id = about.session.as_deref().unwrap_or("none");
        log_ended("conversation", conversations.show(id).await);
        let page = tidings::conversations::Page::first(10);
        log_ended("messages", conversations.messages(id, page).await);
    }
    if let Some(batches) = provider.batches() {
        log_ended("batches", batches.list().await);
    }
    if let Some(numbers) = provider.numbers() {
        log_ended("numbers", numbers.list().await);
    }
    if let Some(subscriptions) = provider.subscriptions() {
        log_ended("subscriptions", subscriptions.list().await);
    }
}

fn long_before(now: Timestamp) -> Timestamp {
    now.minus(Duration::from_hours(1))
}

async fn the_log_of_a_good_day_holds_nothing_private(cx: Context) {
    let log = CapturedLog::install();
    let line = cx.start(AT_ONCE).await;
    call_everything(cx, &*line.provider).await;
    assert_eq!(line.arrived().len(), 1, "it was a good day");
    check_log(
        log,
        &private(&line.carrier.simulator.account(), cx, cx.number(PLACE)),
    );
    log.assert_holds(&[
        ("the provider", cx.spec.id),
        ("our name for it", "row-9731"),
    ]);
}

/// Side by side, each at a carrier of its own.
async fn the_log_of_every_fault_holds_nothing_private(cx: Context) {
    let log = CapturedLog::install();
    let faulty = Fault::OF_ALL_PROVIDERS.map(|fault| async move {
        let line = cx.start(AT_ONCE).await;
        let account = line.carrier.simulator.account();
        let bare = cx.client(&account, fault.time_limit());
        let replaced = line.carrier.simulator.set_scenario(fault.scenario());
        replaced.unwrap();
        call_everything(cx, &*bare).await;
        account
    });
    for account in join_all(faulty).await {
        check_log(log, &private(&account, cx, cx.number(PLACE)));
    }
    log.assert_acted(&Fault::OF_ALL_PROVIDERS);
}

async fn the_log_of_calls_to_the_customer_holds_nothing_private(cx: Context) {
    let log = CapturedLog::install();
    let customer = Recorder::start("");
    let carrier = cx.carrier(AT_ONCE).telling(&customer);
    let carrier: Carrier = carrier
        .telling_every(Duration::from_millis(20))
        .start()
        .await;
    let line = cx.connect(carrier);
    line.take(&row(cx)).await;
    let world = line.carrier.simulator.world();
    let own = world.from_number().map(|number| number.as_str().to_owned());
    let text = tidings_sim::PhoneText::new(cx.number(PLACE), TEXT);
    let text = text.to(Some(own.unwrap_or_else(|| "1960".to_owned())));
    world.receive(text).await.unwrap();
    let calls = customer.wait_until(|calls| calls.iter().any(|call| call.body.contains("Velmora")));
    let parse = cx.spec.parse_callback.unwrap();
    for call in calls {
        let call = call.as_callback();
        tracing::info!(?call, told = ?parse(&call), "the customer is called");
    }
    let account = line.carrier.simulator.account();
    check_log(log, &private(&account, cx, cx.number(PLACE)));
}

// ---- what is shown ----

async fn a_client_shows_no_secret(cx: Context) {
    let line = cx.start("").await;
    let account = line.carrier.simulator.account();
    let private = private(&account, cx, cx.number(PLACE));
    assert!(
        private
            .iter()
            .any(|(what, _)| cx.spec.settings.iter().any(|it| it.name == *what)),
        "an account has a secret"
    );
    let before = format!("{:?} {:#?}", line.bare, line.provider);
    check_shown(&before, &private);
    // A token that it keeps by now is none of the settings, but as secret.
    line.take(&row(cx)).await;
    check_shown(&format!("{:?} {:#?}", line.bare, line.provider), &private);
}

async fn an_account_shows_no_secret(cx: Context) {
    let line = cx.start("").await;
    let account = line.carrier.simulator.account();
    let shown = format!("{account:?} {account:#?} {:?}", cx.spec);
    check_shown(&shown, &private(&account, cx, cx.number(PLACE)));
}

/// By their names: a password that is not marked would be shown by whoever shows settings.
async fn every_secret_setting_is_marked_as_one(cx: Context) {
    let secret = |name: &str| {
        let words = ["password", "secret", "api_key", "token", "passcode"];
        words.into_iter().any(|word| name.contains(word)) && !name.ends_with("_file")
    };
    let settings = cx.spec.settings.iter().chain(cx.spec.server_settings);
    for setting in settings.filter(|setting| secret(setting.name)) {
        assert!(setting.is_secret, "{} is shown", setting.name);
    }
    assert!(
        cx.spec.settings.iter().any(|it| it.is_secret),
        "an account has a secret"
    );
}

async fn what_is_sent_and_told_shows_no_text_and_no_number(cx: Context) {
    let line = cx.start(AT_ONCE).await;
    let account = line.carrier.simulator.account();
    let row = row(cx);
    let receipt = line.take(&row).await;
    let mut shown = format!("{row:?} {receipt:?} {:?}", line.arrived());
    if cx.can().status {
        let reports: Vec<DeliveryReport> =
            line.provider.status(&[receipt.provider_ref]).await.unwrap();
        write!(shown, "{reports:?}").unwrap();
    }
    check_shown(&shown, &private(&account, cx, row.message.to));
}

/// An error with its whole chain, as it would be shown and as it would be logged.
fn whole(error: &Error) -> String {
    let mut shown = format!("{error} {error:?} {error:#?}");
    let mut cause = error.source();
    while let Some(error) = cause {
        write!(shown, " {error} {error:?}").unwrap();
        cause = error.source();
    }
    shown
}

async fn an_error_repeats_nothing_of_the_message(cx: Context) {
    let to = cx.number(PLACE).as_str().to_owned();
    let refused =
        format!("[[fail]]\nto = \"{to}\"\nreason = \"invalid_recipient\"\nat = \"accept\"\n");
    let line = cx.start(&refused).await;
    line.take(&cx.row(0, "Bonjour")).await;
    let private = private(&line.carrier.simulator.account(), cx, cx.number(PLACE));
    check_shown(&whole(&line.refused(&row(cx)).await), &private);
    let mut too_long = row(cx);
    too_long.message.text = TEXT.repeat(2_000).into();
    check_shown(&whole(&line.refused(&too_long).await), &private);
    line.play("[[fault]]\ncall = \"submit\"\ndrop = { when = \"after\" }\n");
    check_shown(&whole(&line.refused(&row(cx)).await), &private);
}

/// The vendor's words are kept for the person who sent the message, and shown by nothing else.
async fn an_answer_that_repeats_the_message_is_not_repeated(cx: Context) {
    let line = cx.start("").await;
    let private = private(&line.carrier.simulator.account(), cx, cx.number(PLACE));
    let to = cx.number(PLACE).as_str().to_owned();
    let body = format!("{{\\\"message\\\":\\\"{to} cannot have {TEXT}\\\"}}");
    for status in [400, 403, 404, 500] {
        line.play(&format!(
            "[[fault]]\ncall = \"submit\"\nrefuse = {{ status = {status}, body = \"{body}\" }}\n"
        ));
        let error = line.refused(&row(cx)).await;
        let told = error.http().map(|http| http.status);
        assert_eq!(told, Some(status), "{error:?}");
        check_shown(&whole(&error), &private);
    }
}
