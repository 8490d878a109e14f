//! Calls that fail: each fault of a scenario gives the kind of error and the word about the message that
//! are documented, and that word is true.
//!
//! Where vendors' answers differ in what can be read out of them, a fault has several lines; each is one
//! that the interface's documentation allows for it. What is done about a message of which nobody knows
//! whether it was taken is in `unknown.rs`.

use std::time::Duration;

use tidings::provider::{CA_FILE, Presence};
use tidings::{Acceptance, Account, ErrorKind};
use tidings_tests::{CALL_LIMIT, Carrier};

use Acceptance::{NotSent, Refused, Unknown};
use ErrorKind::{
    Config, Forbidden, InsufficientCredit, InvalidMessage, NotFound, Protocol, RateLimited,
    Rejected, Timeout, Unauthorized, Unavailable,
};

use crate::behaviour::{Behaviour, rows};
use crate::context::{Context, submit};

pub(super) fn rows() -> Vec<Behaviour> {
    let mut rows = rows! {
        a_carrier_that_does_not_listen_gets_no_message: [],
        a_carrier_with_an_unknown_certificate_gets_no_message: [],
        a_carrier_with_a_certificate_that_is_trusted_gets_messages: [],
        a_carrier_that_speaks_no_tls_gets_no_message: [],
        wrong_credentials_are_told: [],
        a_missing_setting_is_told: [],
        an_unknown_setting_is_told: [],
        an_error_says_how_long_to_wait: [],
        an_error_says_where_it_comes_from: [],
        what_was_declined_is_sent_again_by_the_layers: [],
        what_may_have_been_taken_is_not_sent_again_by_the_layers: [],
        what_was_refused_is_not_sent_again_by_the_layers: [],
        after_a_fault_the_next_message_arrives: [],
    };
    rows.extend(FAULTS.iter().map(|fault| {
        let name = format!("fault_{}", fault.name);
        Behaviour::named(name, &[], move |cx| check_fault(cx, fault))
    }));
    rows
}

/// What one line of a scenario leads to.
struct Fault {
    name: &'static str,
    action: &'static str,
    /// What may be said of the message.
    allowed: &'static [(ErrorKind, Acceptance)],
    /// Whether the answer may as well be understood in spite of it.
    may_be_understood: bool,
}

impl Fault {
    const fn new(
        name: &'static str,
        action: &'static str,
        allowed: &'static [(ErrorKind, Acceptance)],
    ) -> Self {
        Self {
            name,
            action,
            allowed,
            may_be_understood: false,
        }
    }

    const fn or_none(mut self) -> Self {
        self.may_be_understood = true;
        self
    }
}

/// Bytes went out, and nothing that can be read came back.
const NO_ANSWER: &[(ErrorKind, Acceptance)] = &[(Unavailable, Unknown)];
const NO_VERDICT: &[(ErrorKind, Acceptance)] = &[(Protocol, Unknown)];

const FAULTS: &[Fault] = &[
    Fault::new(
        "status_400",
        "refuse = { status = 400 }",
        &[(InvalidMessage, Refused)],
    ),
    Fault::new(
        "status_401",
        "refuse = { status = 401 }",
        &[(Unauthorized, NotSent)],
    ),
    Fault::new(
        "status_402",
        "refuse = { status = 402 }",
        &[(InsufficientCredit, NotSent)],
    ),
    // Without the provider's own words it may be the network in front of it, which closes itself to
    // whoever calls too often.
    Fault::new(
        "status_403",
        "refuse = { status = 403 }",
        &[(Forbidden, NotSent), (RateLimited, NotSent)],
    ),
    // An address or an id that is not there: before anything is looked at, or as a verdict.
    Fault::new(
        "status_404",
        "refuse = { status = 404 }",
        &[(NotFound, NotSent), (NotFound, Refused)],
    ),
    Fault::new(
        "status_408",
        "refuse = { status = 408 }",
        &[(Timeout, Unknown)],
    ),
    // What it conflicts with may be the same message, taken before; or the vendor does not have it.
    Fault::new(
        "status_409",
        "refuse = { status = 409 }",
        &[(Rejected, Unknown), (Protocol, Unknown)],
    ),
    Fault::new(
        "status_413",
        "refuse = { status = 413 }",
        &[(InvalidMessage, Refused)],
    ),
    Fault::new(
        "status_418",
        "refuse = { status = 418 }",
        &[(Protocol, Unknown)],
    ),
    Fault::new("status_500", "refuse = { status = 500 }", NO_ANSWER),
    Fault::new("status_502", "refuse = { status = 502 }", NO_ANSWER),
    Fault::new("status_503", "refuse = { status = 503 }", NO_ANSWER),
    Fault::new("status_504", "refuse = { status = 504 }", NO_ANSWER),
    Fault::new("rate_limit", "rate_limit = {}", &[(RateLimited, NotSent)]),
    Fault::new("drop_before", "drop = { when = \"before\" }", NO_ANSWER),
    Fault::new(
        "reset_before",
        "drop = { when = \"before\", reset = true }",
        NO_ANSWER,
    ),
    Fault::new("drop_after", "drop = { when = \"after\" }", NO_ANSWER),
    Fault::new(
        "reset_after",
        "drop = { when = \"after\", reset = true }",
        NO_ANSWER,
    ),
    Fault::new(
        "drop_mid_answer",
        "drop = { when = \"mid_answer\" }",
        NO_ANSWER,
    ),
    Fault::new(
        "reset_mid_answer",
        "drop = { when = \"mid_answer\", reset = true }",
        NO_ANSWER,
    ),
    Fault::new(
        "late_answer",
        "late = { ms = 60000 }",
        &[(Timeout, Unknown)],
    ),
    Fault::new("slow_answer", "slow = { chunk_ms = 1 }", &[]).or_none(),
    // A vendor whose every success has the same meaning, whatever stands in it, is understood.
    Fault::new("broken_json", "broken_json = true", NO_VERDICT).or_none(),
    Fault::new(
        "wrong_content_type",
        "wrong_content_type = { content_type = \"text/html\" }",
        NO_VERDICT,
    )
    .or_none(),
    Fault::new("empty_body", "empty_body = true", NO_VERDICT).or_none(),
    // Never a success; a refusal where the vendor is known to say no in this shape.
    Fault::new(
        "failure_in_200",
        "failure_in_200 = { message = \"not today\" }",
        &[(Rejected, Refused), (Protocol, Unknown)],
    ),
    // The vendor's own answer, which may be a word for every refusal.
    Fault::new(
        "no_credit",
        "no_credit = true",
        &[
            (InsufficientCredit, NotSent),
            (InsufficientCredit, Refused),
            (Rejected, Refused),
            (Forbidden, NotSent),
        ],
    ),
];

async fn check_fault(cx: Context, fault: &Fault) {
    let carrier = cx.carrier("").start().await;
    // Late answers come later than anybody waits.
    let is_late = fault.action.starts_with("late");
    let limit = if is_late {
        Duration::from_millis(400)
    } else {
        CALL_LIMIT
    };
    let line = cx.connect_within(carrier, limit);
    // Signing in, where that is needed, is done by a message that meets no fault.
    line.take(&cx.row(0, "Bonjour")).await;
    line.play(&format!("[[fault]]\ncall = \"submit\"\n{}\n", fault.action));
    let row = cx.row(1, "Bonsoir");
    let said = submit(&*line.bare, std::slice::from_ref(&row))
        .await
        .remove(0);
    let arrived = line.arrivals_of(&row);
    match &said {
        Ok(_) => {
            assert!(fault.may_be_understood, "a fault was taken for a success");
            assert_eq!(arrived, 1, "what was called taken has arrived");
        }
        Err(error) => {
            let seen = (error.kind(), error.acceptance());
            assert!(fault.allowed.contains(&seen), "{error:?}");
            assert!(
                arrived == 0 || seen.1 == Unknown,
                "{error:?}, and it arrived"
            );
            assert_eq!(error.provider(), Some(cx.spec.id), "{error:?}");
        }
    }
    let acted: u64 = line.carrier.simulator.world().stats().faults.values().sum();
    assert_eq!(acted, 1, "the call was made once");
}

// ---- connections ----

/// The carrier's own account with another value of a setting.
fn account_with(account: &Account, name: &str, value: &str) -> Account {
    account.clone().with(name, value)
}

/// The carrier's own account without a setting.
fn account_without(account: &Account, name: &str) -> Account {
    let names = account.names().filter(|known| *known != name);
    names.fold(Account::new(account.id()), |kept, known| {
        kept.with(known, account.setting(known).unwrap_or_default())
    })
}

/// What is said by a client with this account, which must not have reached anybody.
async fn check_not_sent(cx: Context, account: &Account) {
    let client = cx.client(account, CALL_LIMIT);
    let rows = cx.rows(1);
    let error = submit(&*client, &rows).await.remove(0).unwrap_err();
    let seen = (error.kind(), error.acceptance());
    assert_eq!(seen, (Unavailable, NotSent), "{error:?}");
    assert!(error.is_safe_to_resend(), "{error:?}");
}

async fn a_carrier_that_does_not_listen_gets_no_message(cx: Context) {
    let carrier = cx.carrier("").start().await;
    let account = carrier.simulator.account();
    carrier.simulator.stop().await;
    check_not_sent(cx, &account).await;
}

/// A carrier's account with the certificate of another carrier to be trusted.
fn trusting(account: &Account, other: &Carrier) -> Account {
    let file = other.simulator.ca_file().expect("it speaks TLS");
    account_with(account, CA_FILE, &file.to_string_lossy())
}

async fn a_carrier_with_an_unknown_certificate_gets_no_message(cx: Context) {
    let carrier = cx.carrier("").tls().start().await;
    let other = cx.carrier("").tls().start().await;
    check_not_sent(cx, &trusting(&carrier.simulator.account(), &other)).await;
    assert_eq!(carrier.simulator.world().messages().len(), 0);
}

async fn a_carrier_with_a_certificate_that_is_trusted_gets_messages(cx: Context) {
    let line = cx.connect(cx.carrier("").tls().start().await);
    let row = cx.row(0, "Bonjour");
    line.take(&row).await;
    assert_eq!(line.arrivals_of(&row), 1);
}

async fn a_carrier_that_speaks_no_tls_gets_no_message(cx: Context) {
    let carrier = cx.carrier("").start().await;
    let other = cx.carrier("").tls().start().await;
    let url = carrier.simulator.base_url().replace("http://", "https://");
    let account = account_with(&carrier.simulator.account(), "base_url", &url);
    check_not_sent(cx, &trusting(&account, &other)).await;
    assert_eq!(carrier.simulator.world().messages().len(), 0);
}

// ---- accounts ----

/// Each secret of an account is asked for, and no other is taken in its place.
async fn wrong_credentials_are_told(cx: Context) {
    let line = cx.start("").await;
    let account = line.carrier.simulator.account();
    let secrets = cx
        .spec
        .settings
        .iter()
        .filter(|it| it.is_secret && it.is_required());
    let secrets: Vec<&str> = secrets.map(|it| it.name).collect();
    assert!(!secrets.is_empty(), "an account has a secret");
    for secret in secrets {
        let wrong = account_with(&account, secret, "not-the-secret");
        let client = cx.client(&wrong, CALL_LIMIT);
        let rows = cx.rows(1);
        let error = submit(&*client, &rows).await.remove(0).unwrap_err();
        let seen = (error.kind(), error.acceptance());
        assert_eq!(seen, (Unauthorized, NotSent), "{secret}: {error:?}");
        assert!(!error.is_safe_to_resend(), "it would be refused again");
    }
    assert_eq!(line.arrived().len(), 0);
}

async fn a_missing_setting_is_told(cx: Context) {
    let line = cx.start("").await;
    let account = line.carrier.simulator.account();
    let required = cx.spec.settings.iter();
    let required: Vec<_> = required
        .filter(|it| it.presence == Presence::Required)
        .collect();
    for setting in required {
        let error = cx.try_client(&account_without(&account, setting.name), CALL_LIMIT);
        let error = error.expect_err(setting.name);
        assert_eq!(error.kind(), Config, "{error:?}");
        assert!(error.to_string().contains(setting.name), "{error}");
    }
}

async fn an_unknown_setting_is_told(cx: Context) {
    let line = cx.start("").await;
    let account = line
        .carrier
        .simulator
        .account()
        .with("bass_url", "secret-value");
    let error = cx.try_client(&account, CALL_LIMIT).unwrap_err();
    assert_eq!(error.kind(), Config, "{error:?}");
    assert!(error.to_string().contains("bass_url"), "{error}");
    assert!(!format!("{error} {error:?}").contains("secret-value"));
}

// ---- what an error says ----

async fn an_error_says_how_long_to_wait(cx: Context) {
    let line = cx
        .start("[[fault]]\nrate_limit = { retry_after_s = 7 }\n")
        .await;
    let rows = cx.rows(1);
    let error = submit(&*line.bare, &rows).await.remove(0).unwrap_err();
    assert_eq!(
        error.retry_after(),
        Some(Duration::from_secs(7)),
        "{error:?}"
    );
}

async fn an_error_says_where_it_comes_from(cx: Context) {
    let line = cx
        .start("[[fault]]\ncall = \"submit\"\nrefuse = { status = 400 }\n")
        .await;
    let error = line.refused(&cx.row(0, "Bonjour")).await;
    assert_eq!(error.provider(), Some(cx.spec.id));
    assert!(error.operation().is_some(), "{error:?}");
    let status = error.http().map(|http| http.status);
    assert_eq!(status, Some(400), "{error:?}");
    let said = error.to_string();
    assert!(
        !said.is_empty() && !said.ends_with('.') && !said.contains('\n'),
        "{said}"
    );
}

// ---- layers ----

/// How often messages were handed over, and how many arrived, when the first two calls meet a fault.
async fn hand_over(cx: Context, fault: &str) -> (u64, usize) {
    let line = cx.start("").await;
    line.take(&cx.row(0, "Bonjour")).await;
    line.play(&format!(
        "[[fault]]\ncall = \"submit\"\nfirst = 2\n{fault}\n"
    ));
    let row = cx.row(1, "Bonsoir");
    let before = line.n_calls();
    drop(line.submit_one(&row).await);
    (line.n_calls() - before, line.arrivals_of(&row))
}

async fn what_was_declined_is_sent_again_by_the_layers(cx: Context) {
    assert_eq!(hand_over(cx, "rate_limit = {}").await, (3, 1));
}

async fn what_may_have_been_taken_is_not_sent_again_by_the_layers(cx: Context) {
    assert_eq!(hand_over(cx, "drop = { when = \"before\" }").await, (1, 0));
    assert_eq!(hand_over(cx, "drop = { when = \"after\" }").await, (1, 1));
    assert_eq!(hand_over(cx, "refuse = { status = 500 }").await, (1, 0));
}

async fn what_was_refused_is_not_sent_again_by_the_layers(cx: Context) {
    assert_eq!(hand_over(cx, "refuse = { status = 400 }").await, (1, 0));
    assert_eq!(hand_over(cx, "refuse = { status = 402 }").await, (1, 0));
}

async fn after_a_fault_the_next_message_arrives(cx: Context) {
    let line = cx
        .start(
            "[[fault]]\ncall = \"submit\"\nfirst = 1\ndrop = { when = \"before\", reset = true }\n",
        )
        .await;
    let rows = cx.rows(2);
    let error = line.refused(&rows[0]).await;
    assert_eq!(error.acceptance(), Unknown, "{error:?}");
    line.take(&rows[1]).await;
    assert_eq!(line.arrivals_of(&rows[0]), 0);
    assert_eq!(line.arrivals_of(&rows[1]), 1);
}
