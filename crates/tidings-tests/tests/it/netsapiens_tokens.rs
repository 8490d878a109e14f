//! Tokens under stress: two hundred sends at once across an expiry, with refreshing and signing in that
//! fail, with tokens that were revoked and rights that are missing. What the simulated carrier has counted
//! says how often the client signed in.

use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use tidings::http::HttpClient;
use tidings::netsapiens::{self, Client};
use tidings::{
    Acceptance, Account, ClientRef, ErrorKind, Message, Outbound, Provider, Receipt, Result,
};
use tidings_sim::world::TokenStats;
use tidings_tests::{CALL_LIMIT, Carrier, TestClock, standard};
use tokio::task::JoinSet;

const N_SENDS: usize = 200;

fn row(n: usize) -> Outbound {
    let to = format!("+224622{n:06}").parse().unwrap();
    let message = Message::new(to, format!("Bonjour {n}"));
    Outbound::new(ClientRef::new(format!("row-{n}")).unwrap(), message)
}

async fn start(scenario: &str) -> Carrier {
    Carrier::start(&netsapiens::SPEC, scenario).await
}

/// A client with every layer, whose token ends by the system's clock.
fn connect(account: &Account) -> Arc<dyn Provider> {
    let http = HttpClient::builder().timeout(CALL_LIMIT).build().unwrap();
    let client = (netsapiens::SPEC.connect)(account, http).unwrap();
    standard(client, Duration::from_secs(30))
}

async fn submit(provider: Arc<dyn Provider>, row: Outbound) -> Result<Receipt> {
    let results = provider.submit(&[row]).await;
    results.and_then(|mut results| results.remove(0))
}

/// Sends these rows at once, each from a task of its own.
fn spawn(
    sends: &mut JoinSet<Result<Receipt>>,
    provider: &Arc<dyn Provider>,
    rows: std::ops::Range<usize>,
) {
    for n in rows {
        sends.spawn(submit(Arc::clone(provider), row(n)));
    }
}

/// Signs in, by a message that is none of those that count.
async fn sign_in(provider: &Arc<dyn Provider>) {
    submit(Arc::clone(provider), row(999_999)).await.unwrap();
}

fn tokens(carrier: &Carrier) -> TokenStats {
    carrier.simulator.world().stats().tokens
}

#[track_caller]
fn check_all_arrived_once(carrier: &Carrier, said: &[Result<Receipt>]) {
    for one in said {
        assert!(one.is_ok(), "{one:?}");
    }
    let mut arrived: Vec<String> = carrier
        .simulator
        .world()
        .messages()
        .iter()
        .map(|message| message.to.as_str().to_owned())
        .collect();
    let n_arrived = arrived.len();
    arrived.sort_unstable();
    arrived.dedup();
    // And the one that signed in.
    assert_eq!((n_arrived, arrived.len()), (N_SENDS + 1, N_SENDS + 1));
}

/// How a token comes to its end in the midst of calls.
#[derive(Clone, Copy, Debug)]
enum Expiry {
    OnCommand,
    ByTheServersClock,
    /// It cannot be refreshed either.
    Revoked,
}

impl Expiry {
    async fn come(self, carrier: &Carrier) {
        let world = carrier.simulator.world();
        match self {
            Self::OnCommand => world.end_tokens(false).await.unwrap(),
            Self::Revoked => world.end_tokens(true).await.unwrap(),
            Self::ByTheServersClock => carrier.clock.advance(Duration::from_secs(3_601)),
        }
    }
}

/// Half of the sends begin before the token ends, half afterwards.
async fn send_across(
    expiry: Expiry,
    carrier: &Carrier,
    provider: &Arc<dyn Provider>,
) -> Vec<Result<Receipt>> {
    let mut sends = JoinSet::new();
    spawn(&mut sends, provider, 0..N_SENDS / 2);
    expiry.come(carrier).await;
    spawn(&mut sends, provider, N_SENDS / 2..N_SENDS);
    sends.join_all().await
}

const REFRESH_FAILS: &str = "[tokens]\nrefresh = \"fails\"\n";
const BOTH_FAIL: &str = "[tokens]\nrefresh = \"fails\"\nsign_in = \"fails\"\n";

#[track_caller]
fn check_counts(counts: &TokenStats, expected: [u64; 4], what: impl std::fmt::Debug) {
    let seen = [
        counts.by_password,
        counts.by_refresh,
        counts.refused_sign_ins,
        counts.refused_refreshes,
    ];
    assert_eq!(seen, expected, "{what:?}: {counts:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn two_hundred_sends_across_an_expiry_make_one_refresh() {
    for expiry in [Expiry::OnCommand, Expiry::ByTheServersClock] {
        let carrier = start("").await;
        let provider = connect(&carrier.simulator.account());
        sign_in(&provider).await;
        let said = send_across(expiry, &carrier, &provider).await;
        check_all_arrived_once(&carrier, &said);
        let counts = tokens(&carrier);
        check_counts(&counts, [1, 1, 0, 0], expiry);
        assert!(counts.expired_calls > 0, "{expiry:?}: nothing expired");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn where_refreshing_fails_they_make_one_sign_in() {
    for expiry in [Expiry::OnCommand, Expiry::ByTheServersClock] {
        let carrier = start(REFRESH_FAILS).await;
        let provider = connect(&carrier.simulator.account());
        sign_in(&provider).await;
        let said = send_across(expiry, &carrier, &provider).await;
        check_all_arrived_once(&carrier, &said);
        check_counts(&tokens(&carrier), [2, 0, 0, 1], expiry);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn after_tokens_were_revoked_they_make_one_sign_in() {
    let carrier = start("").await;
    let provider = connect(&carrier.simulator.account());
    sign_in(&provider).await;
    let said = send_across(Expiry::Revoked, &carrier, &provider).await;
    check_all_arrived_once(&carrier, &said);
    check_counts(&tokens(&carrier), [2, 0, 0, 1], "revoked");
}

#[tokio::test(flavor = "multi_thread")]
async fn where_both_fail_each_gets_one_error_and_nobody_tries_for_ever() {
    for expiry in [Expiry::OnCommand, Expiry::ByTheServersClock] {
        let carrier = start("").await;
        let provider = connect(&carrier.simulator.account());
        sign_in(&provider).await;
        carrier
            .simulator
            .set_scenario(tidings_sim::Scenario::from_toml(BOTH_FAIL).unwrap())
            .unwrap();
        expiry.come(&carrier).await;
        let mut sends = JoinSet::new();
        spawn(&mut sends, &provider, 0..N_SENDS);
        let said = sends.join_all().await;
        assert_eq!(said.len(), N_SENDS);
        for one in said {
            let error = one.unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Unauthorized, "{error:?}");
            assert_eq!(error.acceptance(), Acceptance::NotSent, "{error:?}");
        }
        check_counts(&tokens(&carrier), [1, 0, 1, 1], expiry);
        assert_eq!(carrier.simulator.world().messages().len(), 1);
    }
}

/// A client that has the carrier's clock renews its token before the server finds it expired.
#[tokio::test(flavor = "multi_thread")]
async fn ahead_of_the_end_they_make_one_refresh_and_no_call_fails() {
    let clock = Arc::new(TestClock::new());
    let carrier = Carrier::of(&netsapiens::SPEC).clock(&clock).start().await;
    let client = client_with(&carrier, &clock);
    let provider = standard(Arc::new(client), Duration::from_secs(30));
    sign_in(&provider).await;
    clock.advance(Duration::from_secs(3_599));
    let mut sends = JoinSet::new();
    spawn(&mut sends, &provider, 0..N_SENDS);
    let said = sends.join_all().await;
    check_all_arrived_once(&carrier, &said);
    let counts = tokens(&carrier);
    check_counts(&counts, [1, 1, 0, 0], "ahead");
    assert_eq!(counts.expired_calls, 0);
}

/// When signing in is possible again, the client does it, after the pause that it has made.
#[tokio::test(flavor = "multi_thread")]
async fn after_a_failure_it_signs_in_again_when_its_pause_is_over() {
    let clock = Arc::new(TestClock::new());
    let carrier = Carrier::of(&netsapiens::SPEC).clock(&clock).start().await;
    let provider: Arc<dyn Provider> = Arc::new(client_with(&carrier, &clock));
    sign_in(&provider).await;
    let set = |scenario: &str| {
        let scenario = tidings_sim::Scenario::from_toml(scenario).unwrap();
        carrier.simulator.set_scenario(scenario).unwrap();
    };
    set(BOTH_FAIL);
    Expiry::OnCommand.come(&carrier).await;
    for n in 0..10 {
        submit(Arc::clone(&provider), row(n)).await.unwrap_err();
    }
    check_counts(&tokens(&carrier), [1, 0, 1, 1], "while it pauses");
    set("");
    clock.advance(Duration::from_mins(5));
    submit(Arc::clone(&provider), row(0)).await.unwrap();
    check_counts(&tokens(&carrier), [2, 0, 1, 1], "afterwards");
}

fn client_with(carrier: &Carrier, clock: &Arc<TestClock>) -> Client {
    let http = HttpClient::builder().timeout(CALL_LIMIT).build().unwrap();
    let account = carrier.simulator.account();
    let setting = |name: &str| account.setting(name).unwrap().to_owned();
    Client::builder()
        .base_url(setting("base_url"))
        .password(
            setting("client_id"),
            setting("client_secret"),
            setting("username"),
            setting("password"),
        )
        .from_number(tidings::E164::parse_possible(&setting("from_number"), None).unwrap())
        .clock(Arc::clone(clock) as _)
        .http(http)
        .build()
        .unwrap()
}

/// What the vendor says with the same status as of a token that has expired.
#[tokio::test(flavor = "multi_thread")]
async fn missing_rights_are_no_reason_to_sign_in_again() {
    let carrier = start("rights = \"user\"\n").await;
    let account = carrier.simulator.account().with("user", "201");
    let provider = connect(&account);
    let mut sends = JoinSet::new();
    spawn(&mut sends, &provider, 0..N_SENDS);
    for one in sends.join_all().await {
        let error = one.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Forbidden, "{error:?}");
        assert_eq!(error.acceptance(), Acceptance::NotSent, "{error:?}");
    }
    check_counts(&tokens(&carrier), [1, 0, 0, 0], "no rights");
    assert_eq!(carrier.simulator.world().messages().len(), 0);
    // One call for each: none is repeated.
    let calls = carrier.simulator.world().stats().refusals;
    assert_eq!(calls.get(&401), Some(&(N_SENDS as u64)), "{calls:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_file_carries_the_token_over_a_restart() {
    let carrier = start("").await;
    let file = Path::new(env!("CARGO_TARGET_TMPDIR")).join("netsapiens-token.json");
    // What an earlier run left.
    fs::remove_file(&file).ok();
    let path = file.to_str().unwrap();
    let account = carrier.simulator.account().with("token_file", path);
    let send = async |n| submit(connect(&account), row(n)).await.unwrap();
    send(0).await;
    send(1).await;
    check_counts(&tokens(&carrier), [1, 0, 0, 0], "the second run");
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        let mode = fs::metadata(&file).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }
    // A run that finds the token expired renews it, and the next run has the new one.
    Expiry::OnCommand.come(&carrier).await;
    send(2).await;
    send(3).await;
    check_counts(&tokens(&carrier), [1, 1, 0, 0], "after an expiry");
    // What cannot be read is no token.
    fs::write(&file, "{\"access_token\":").unwrap();
    send(4).await;
    send(5).await;
    check_counts(&tokens(&carrier), [2, 1, 0, 0], "after the file was spoilt");
    // Another account's token is not taken for one's own.
    let other = start("").await;
    let account = other.simulator.account().with("token_file", path);
    submit(connect(&account), row(0)).await.unwrap();
    check_counts(&tokens(&other), [1, 0, 0, 0], "another account");
    assert_eq!(other.simulator.world().messages().len(), 1);
}
