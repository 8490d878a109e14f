//! The NetSapiens client and the simulated carrier together, over real connections: what a lost answer
//! leads to at every stage at which a call can get lost, what a block by the network in front of the
//! server leads to, and which routes hostile names reach.
//!
//! What holds for every provider is in `../behaviour/provider/`; tokens are in `netsapiens_tokens.rs`.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::time::Duration;

use futures_util::{StreamExt as _, stream};
use tidings::conversations::Page;
use tidings::http::HttpClient;
use tidings::layers::{self, Jitter, LayerSettings, RetryPolicy};
use tidings::netsapiens::{self, Client, Model, NewSubscription, Sessions};
use tidings::{
    Acceptance, AttemptRef, ClientRef, Clock as _, E164, Error, ErrorKind, Media, Message,
    Outbound, Provider, Receipt, Reconciled, Result, SystemClock, Timestamp,
};
use tidings_sim::Scenario;
use tidings_tests::{Answer, CALL_LIMIT, Carrier, Recorder, standard};

use Acceptance::{NotSent, Refused, Unknown};

/// How many messages meet a fault.
const N_LOST: usize = 1_000;
const AT_ONCE: usize = 64;

fn number(n: usize) -> E164 {
    format!("+224622{n:06}").parse().unwrap()
}

fn row(n: usize) -> Outbound {
    let message = Message::new(number(n), format!("Bonjour {n}"));
    Outbound::new(ClientRef::new(format!("row-{n}")).unwrap(), message)
}

/// How long a call may take, and how long it may still be under way when its client has given it up.
#[derive(Clone, Copy)]
struct Limits {
    call: Duration,
    settle: Duration,
}

/// At this carrier no call is under way once it has ended.
const PATIENT: Limits = Limits {
    call: CALL_LIMIT,
    settle: Duration::ZERO,
};

/// A client of a carrier's account.
fn connect_bare(carrier: &Carrier, sessions: Sessions, limits: Limits) -> Client {
    let http = HttpClient::builder().timeout(limits.call).build().unwrap();
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
        .from_number(E164::parse_possible(&setting("from_number"), None).unwrap())
        .sessions(sessions)
        .settle_time(limits.settle)
        .http(http)
        .build()
        .unwrap()
}

/// The same with every layer.
fn connect(carrier: &Carrier, sessions: Sessions, limits: Limits) -> Arc<dyn Provider> {
    let client = connect_bare(carrier, sessions, limits);
    standard(Arc::new(client), Duration::from_mins(1))
}

/// How often each text has reached each phone.
fn arrivals(carrier: &Carrier) -> HashMap<(String, String), usize> {
    let mut counts = HashMap::new();
    for message in carrier.simulator.world().messages() {
        let what = (message.to.as_str().to_owned(), message.text.to_string());
        *counts.entry(what).or_default() += 1;
    }
    counts
}

fn count(arrivals: &HashMap<(String, String), usize>, row: &Outbound) -> usize {
    let what = (
        row.message.to.as_str().to_owned(),
        row.message.text.to_string(),
    );
    arrivals.get(&what).copied().unwrap_or_default()
}

/// What was said of one message.
async fn submit(provider: &dyn Provider, row: &Outbound) -> Result<Receipt> {
    let results = provider.submit(std::slice::from_ref(row)).await;
    results.and_then(|mut results| results.remove(0))
}

/// An attempt, when it began and what was said of it.
struct Tried {
    row: Outbound,
    started: Timestamp,
    said: Result<Receipt>,
}

impl Tried {
    fn attempt(&self) -> AttemptRef {
        AttemptRef::new(self.row.clone(), self.started)
    }

    fn acceptance(&self) -> Option<Acceptance> {
        self.said.as_ref().err().map(Error::acceptance)
    }
}

async fn try_all(provider: &dyn Provider, rows: Vec<Outbound>, at_once: usize) -> Vec<Tried> {
    let clock = SystemClock::new();
    let tries = rows.into_iter().map(|row| {
        let clock = &clock;
        async move {
            // By the client's clock, which is not the carrier's.
            let started = clock.now();
            let said = submit(provider, &row).await;
            Tried { row, started, said }
        }
    });
    stream::iter(tries).buffered(at_once).collect().await
}

async fn reconcile_all(provider: &dyn Provider, lost: &[&Tried]) -> Vec<Result<Reconciled>> {
    let calls = lost.iter().map(|tried| {
        let attempt = tried.attempt();
        async move { provider.reconcile(&attempt).await }
    });
    stream::iter(calls).buffered(AT_ONCE).collect().await
}

fn calm(carrier: &Carrier) {
    carrier.simulator.set_scenario(Scenario::default()).unwrap();
}

// ---- lost answers ----

/// What a carrier has of the messages of a stage, and what the client can know at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Ends {
    /// Nobody knows, and none was taken.
    LostBefore,
    /// Nobody knows, and all were taken.
    LostAfter,
    /// Nobody knows, and those were taken that came to that in time.
    LostInTime,
    /// The client knows that all were taken.
    Taken,
    /// The client knows that none was taken.
    Refused,
}

/// For answers that come late. What a busy machine has not done by the end of a call it does afterwards.
const IN_A_HURRY: Limits = Limits {
    call: Duration::from_secs(1),
    settle: Duration::from_secs(2),
};

/// Every stage at which the call of a message can go wrong.
const STAGES: [(&str, Ends); 19] = [
    ("drop = { when = \"before\" }", Ends::LostBefore),
    (
        "drop = { when = \"before\", reset = true }",
        Ends::LostBefore,
    ),
    ("drop = { when = \"after\" }", Ends::LostAfter),
    ("drop = { when = \"after\", reset = true }", Ends::LostAfter),
    ("drop = { when = \"mid_answer\" }", Ends::LostAfter),
    (
        "drop = { when = \"mid_answer\", reset = true }",
        Ends::LostAfter,
    ),
    ("late = { ms = 60000 }", Ends::LostInTime),
    ("refuse = { status = 500 }", Ends::LostBefore),
    ("refuse = { status = 502 }", Ends::LostBefore),
    ("refuse = { status = 503 }", Ends::LostBefore),
    ("refuse = { status = 504 }", Ends::LostBefore),
    (
        "wrong_content_type = { content_type = \"text/html\" }",
        Ends::Taken,
    ),
    ("broken_json = true", Ends::Taken),
    ("empty_body = true", Ends::Taken),
    ("slow = { chunk_ms = 1 }", Ends::Taken),
    ("refuse = { status = 400 }", Ends::Refused),
    (
        "failure_in_200 = { body = '{\"code\":400,\"message\":\"not today\"}' }",
        Ends::Refused,
    ),
    (
        "failure_in_200 = { body = '{\"error\":\"not today\"}' }",
        Ends::Refused,
    ),
    (
        "failure_in_200 = { message = \"not today\" }",
        Ends::Refused,
    ),
];

#[tokio::test(flavor = "multi_thread")]
async fn of_a_thousand_lost_answers_at_every_stage_each_is_found_out_and_nothing_is_sent_twice() {
    for (fault, ends) in STAGES {
        let scenario = format!("[[fault]]\ncall = \"submit\"\n{fault}\n");
        let carrier = Carrier::start(&netsapiens::SPEC, &scenario).await;
        let (limits, at_once) = match ends {
            Ends::LostInTime => (IN_A_HURRY, N_LOST / 4),
            _ => (PATIENT, AT_ONCE),
        };
        let provider = connect(&carrier, Sessions::PerMessage, limits);
        let tried = try_all(&*provider, (0..N_LOST).map(row).collect(), at_once).await;
        let n_before: usize = arrivals(&carrier).values().sum();
        match ends {
            Ends::LostBefore | Ends::Refused => assert_eq!(n_before, 0, "{fault}"),
            Ends::LostAfter | Ends::Taken => assert_eq!(n_before, N_LOST, "{fault}"),
            Ends::LostInTime => assert!(n_before > N_LOST / 2, "{fault}: {n_before}"),
        }

        calm(&carrier);
        let call = CALL_LIMIT;
        let patient = connect(&carrier, Sessions::PerMessage, Limits { call, ..limits });
        let to_resend = check_stage(&carrier, &*patient, &tried, (fault, ends)).await;
        let resent = try_all(&*patient, to_resend, AT_ONCE).await;
        for again in &resent {
            assert!(again.said.is_ok(), "{fault}: {:?}", again.said);
        }
        let after = arrivals(&carrier);
        assert_eq!(after.len(), N_LOST, "{fault}");
        let twice = after.values().filter(|count| **count != 1).count();
        assert_eq!(twice, 0, "{fault}: {twice} were sent twice");
    }
}

/// Checks what was said of the messages of a stage, finds out what nobody knew, and gives back what has
/// to be sent again.
async fn check_stage(
    carrier: &Carrier,
    provider: &dyn Provider,
    tried: &[Tried],
    (fault, ends): (&str, Ends),
) -> Vec<Outbound> {
    let (mut lost, mut to_resend) = (Vec::new(), Vec::new());
    for one in tried {
        let is_right = match (one.acceptance(), ends) {
            (Some(Unknown), Ends::LostBefore | Ends::LostAfter | Ends::LostInTime) => {
                lost.push(one);
                true
            }
            (Some(NotSent | Refused), Ends::Refused) | (Some(NotSent), Ends::LostInTime) => {
                to_resend.push(one.row.clone());
                true
            }
            (None, Ends::Taken) => true,
            _ => false,
        };
        assert!(is_right, "{fault}: {:?}", one.said);
    }
    let verdicts = reconcile_all(provider, &lost).await;
    let arrivals = arrivals(carrier);
    for (one, verdict) in lost.iter().zip(verdicts) {
        match (verdict.unwrap(), count(&arrivals, &one.row)) {
            (Reconciled::Taken(receipt), 1) => {
                let about = receipt.provider_ref;
                assert_eq!(
                    about.reference.as_ref(),
                    Some(&one.row.reference),
                    "{fault}"
                );
                assert!(about.session.is_some(), "{fault}: {about:?}");
            }
            (Reconciled::NotTaken, 0) => to_resend.push(one.row.clone()),
            (verdict, count) => panic!("{fault}: {verdict:?} of what arrived {count} times"),
        }
    }
    to_resend
}

/// Calls of every kind go wrong: those that send, and those by which one looks afterwards.
const EVERYTHING_WRONG: &str = "[[fault]]
call = \"submit\"
every = 3
drop = { when = \"after\" }
[[fault]]
call = \"submit\"
every = 5
drop = { when = \"before\" }
[[fault]]
call = \"submit\"
every = 7
refuse = { status = 500 }
[[fault]]
call = \"message_status\"
every = 2
drop = { when = \"after\" }
[[fault]]
call = \"message_status\"
every = 3
broken_json = true
[[fault]]
call = \"message_status\"
every = 5
empty_body = true
[[fault]]
call = \"message_status\"
every = 7
refuse = { status = 500 }
[[fault]]
call = \"message_status\"
every = 11
failure_in_200 = { message = \"not today\" }
";

#[tokio::test(flavor = "multi_thread")]
async fn a_look_that_goes_wrong_itself_is_never_taken_for_an_answer() {
    let carrier = Carrier::start(&netsapiens::SPEC, EVERYTHING_WRONG).await;
    let provider = connect(&carrier, Sessions::PerMessage, PATIENT);
    let tried = try_all(&*provider, (0..300).map(row).collect(), AT_ONCE).await;
    let arrived = arrivals(&carrier);
    let lost: Vec<&Tried> = tried
        .iter()
        .filter(|one| one.acceptance() == Some(Unknown))
        .collect();
    let verdicts = reconcile_all(&*provider, &lost).await;
    let (mut n_taken, mut n_not_taken, mut n_unknown) = (0, 0, 0);
    for (one, verdict) in lost.iter().zip(verdicts) {
        let count = count(&arrived, &one.row);
        match verdict {
            Ok(Reconciled::Taken(_)) => {
                assert_eq!(count, 1);
                n_taken += 1;
            }
            Ok(Reconciled::NotTaken) => {
                assert_eq!(count, 0);
                n_not_taken += 1;
            }
            Ok(Reconciled::CannotTell) | Err(_) => n_unknown += 1,
            Ok(other) => panic!("{other:?}"),
        }
    }
    assert!(
        n_taken > 0 && n_not_taken > 0 && n_unknown > 0,
        "{n_taken} {n_not_taken} {n_unknown}"
    );
}

// ---- sessions that several messages share ----

const HALF_LOST: &str = "[[fault]]
call = \"submit\"
every = 3
drop = { when = \"after\" }
[[fault]]
call = \"submit\"
every = 4
drop = { when = \"before\" }
";

/// Twenty phones get ten texts each, of which some are the same text again.
fn repeated(n: usize) -> Outbound {
    let (phone, turn) = (n % 20, n / 20);
    let text = format!("Code {}", [1, 2, 1, 1, 3, 4, 3, 5, 6, 5][turn]);
    let reference = ClientRef::new(format!("row-{n}")).unwrap();
    Outbound::new(reference, Message::new(number(phone), text))
}

#[tokio::test(flavor = "multi_thread")]
async fn in_a_shared_session_a_verdict_is_right_or_none() {
    // Time passes at this carrier as it does for the client.
    let carrier = Carrier::of(&netsapiens::SPEC).scenario(HALF_LOST);
    let carrier = carrier.system_clock().start().await;
    let provider = connect(&carrier, Sessions::PerRecipient, PATIENT);
    // One after the other, each asked about at once, as a program does that waits for its answer.
    let clock = SystemClock::new();
    let mut known: BTreeMap<(E164, Arc<str>), (usize, usize)> = BTreeMap::new();
    let (mut n_decided, mut n_undecided) = (0, 0);
    for row in (0..200).map(repeated) {
        let started = clock.now();
        let said = submit(&*provider, &row).await;
        let what = (row.message.to, Arc::clone(&row.message.text));
        let (sure, perhaps) = known.entry(what).or_default();
        match said.map_err(|error| error.acceptance()) {
            Ok(_) => *sure += 1,
            Err(Unknown) => {
                let attempt = AttemptRef::new(row.clone(), started);
                match provider.reconcile(&attempt).await.unwrap() {
                    Reconciled::Taken(_) => {
                        *sure += 1;
                        n_decided += 1;
                    }
                    Reconciled::NotTaken => n_decided += 1,
                    Reconciled::CannotTell => {
                        *perhaps += 1;
                        n_undecided += 1;
                    }
                    other => panic!("{other:?}"),
                }
            }
            Err(other) => panic!("{other:?}"),
        }
    }
    let arrived = arrivals(&carrier);
    for ((to, text), (sure, perhaps)) in known {
        let count = arrived
            .get(&(to.as_str().to_owned(), text.to_string()))
            .copied()
            .unwrap_or_default();
        assert!(
            (sure..=sure + perhaps).contains(&count),
            "{count} arrived where {sure} to {} were expected",
            sure + perhaps
        );
    }
    assert!(
        n_decided > n_undecided,
        "{n_decided} were decided, {n_undecided} were not"
    );
}

// ---- memory ----

/// The caller's own and what is sent: base64 in JSON is a third longer, and there is no further copy.
#[test]
fn a_file_that_is_sent_is_in_memory_less_than_three_times() {
    const MEBIBYTE: usize = 1 << 20;
    let server = Recorder::answering(|call| {
        let is_sign_in = call.call.ends_with("/tokens");
        let token = "{\"access_token\":\"00112233\",\"expires_in\":3600}";
        let accepted = "{\"code\":202,\"message\":\"Accepted\"}";
        Answer::json(if is_sign_in { token } else { accepted })
    });
    let mut runtime = tokio::runtime::Builder::new_current_thread();
    let runtime = runtime.enable_all().build().unwrap();
    let client = Client::builder()
        .base_url(server.base_url())
        .password("client", "secret", "200@example.test", "password")
        .from_number(E164::parse_possible("+15550109876", None).unwrap())
        .build()
        .unwrap();
    runtime.block_on(client.sign_in()).unwrap();
    let mut content = vec![0; MEBIBYTE];
    content[..8].copy_from_slice(b"\x89PNG\r\n\x1a\n");
    let file = Media::new("image/png", content).unwrap();
    let message = netsapiens::Message::mms([number(0)], file, "Bonjour");
    let mut sent = None;
    // All that this thread allocates; the file itself was there before.
    let info = allocation_counter::measure(|| sent = Some(runtime.block_on(client.send(&message))));
    sent.unwrap().unwrap();
    let besides = usize::try_from(info.bytes_max).unwrap();
    assert!(besides < 2 * MEBIBYTE, "{besides} bytes besides the file");
    assert!(server.calls().last().unwrap().body.len() > MEBIBYTE);
}

// ---- numbers ----

/// The vendor takes ten digits for a number of North America.
#[tokio::test]
async fn numbers_of_every_length_arrive_where_they_should() {
    let carrier = Carrier::start(&netsapiens::SPEC, "").await;
    let provider = connect(&carrier, Sessions::PerMessage, PATIENT);
    let numbers = [
        "+4741000001",
        "+15550101234",
        "+224622000001",
        "+8613800138000",
        "+4520123456",
    ];
    for (n, to) in numbers.into_iter().enumerate() {
        let to = E164::parse_possible(to, None).unwrap();
        let reference = ClientRef::new(format!("number-{n}")).unwrap();
        let row = Outbound::new(reference, Message::new(to, "Hei"));
        submit(&*provider, &row).await.unwrap();
        assert_eq!(count(&arrivals(&carrier), &row), 1, "{to:?}");
    }
}

// ---- the network in front of the server ----

/// More calls than so many in a second are too many, and shut out for a second.
const SHUT_OUT: &str = "[limits]\ncalls_per_s = 40\nblock_for_s = 1\n";

#[tokio::test(flavor = "multi_thread")]
async fn who_is_shut_out_waits_and_nothing_is_lost_or_sent_twice() {
    const N_ROWS: usize = 100;
    let carrier = Carrier::of(&netsapiens::SPEC).scenario(SHUT_OUT);
    let carrier = carrier.system_clock().start().await;
    let client = connect_bare(&carrier, Sessions::PerMessage, PATIENT);
    // Calls while one is shut out prolong it, so this one waits longer than the block each time.
    let wait = Duration::from_secs(2);
    let retry = RetryPolicy::default()
        .max_attempts(20)
        .waits(wait, 2 * wait)
        .deadline(Duration::from_mins(2));
    let settings = LayerSettings::default().retry(retry);
    let clock = Arc::new(SystemClock::new());
    let provider = layers::standard(Arc::new(client), &settings, clock, Jitter::new(|| 1.0));
    let tried = try_all(&*provider, (0..N_ROWS).map(row).collect(), 2).await;
    let stats = carrier.simulator.world().stats();
    let n_shut_out = stats.refusals.get(&403).copied().unwrap_or_default();
    assert!(n_shut_out > 0, "nobody was shut out: {stats:?}");
    let arrived = arrivals(&carrier);
    for one in &tried {
        assert!(one.said.is_ok(), "{:?}", one.said);
        assert_eq!(count(&arrived, &one.row), 1);
    }
    assert_eq!(arrived.len(), N_ROWS);
    // Being shut out is no reason to sign in anew.
    assert_eq!(
        stats.tokens.by_password + stats.tokens.refused_sign_ins,
        1,
        "{stats:?}"
    );
}

/// Without layers, being shut out says of the message that it has not left, and that waiting helps.
#[tokio::test]
async fn being_shut_out_is_told_from_being_forbidden() {
    let scenario =
        "[[fault]]\ncall = \"submit\"\nrefuse = { status = 403, body = \"Forbidden\" }\n";
    let carrier = Carrier::start(&netsapiens::SPEC, scenario).await;
    let client = connect_bare(&carrier, Sessions::PerMessage, PATIENT);
    let error = submit(&client, &row(0)).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::RateLimited, "{error:?}");
    assert!(error.is_safe_to_resend(), "{error:?}");
    let carrier = Carrier::start(&netsapiens::SPEC, "rights = \"user\"\n").await;
    let client = connect_bare(&carrier, Sessions::PerMessage, PATIENT).act_for("~", "201");
    let client = client.sending_from(number(0));
    let error = submit(&client, &row(0)).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Forbidden, "{error:?}");
    assert!(!error.is_safe_to_resend(), "{error:?}");
}

// ---- names that would be paths ----

const HOSTILE: [&str; 22] = [
    "",
    ".",
    "..",
    "../../../../tokens?x=",
    "../../../../subscriptions",
    "/ns-api/v2/subscriptions",
    "//evil.example/",
    "a/../../b",
    "%2e%2e%2f%2e%2e%2ftokens",
    "%2F..%2F..",
    "%00",
    "%",
    "x?limit=1",
    "x#fragment",
    "x;y=z",
    "x&y",
    "\\..\\..\\tokens",
    "x y",
    "x\r\nX-Injected: 1",
    "\u{202e}sdrawkcab",
    "tidings_0123456789abcdef0123456789abcdef\n",
    "😀",
];

#[tokio::test]
async fn hostile_names_reach_no_route_that_harmless_ones_do_not() {
    let carrier = Carrier::start(&netsapiens::SPEC, "rights = \"system\"\n").await;
    let client = connect_bare(&carrier, Sessions::PerMessage, PATIENT);
    let harmless = "tidings_0123456789abcdef0123456789abcdef";
    call_everything(&client, harmless).await;
    call_everything(&client.act_for("example.test", "201"), harmless).await;
    let events = NewSubscription::new(Model::Message, "http://127.0.0.1:9/");
    client.create_subscription(&events).await.unwrap();
    let known: Vec<String> = carrier
        .simulator
        .world()
        .stats()
        .calls
        .into_keys()
        .collect();
    assert!(
        known.len() > 10 && known.iter().all(|call| !call.contains("unknown")),
        "{known:?}"
    );
    let n_messages = carrier.simulator.world().messages().len();
    for name in HOSTILE {
        call_everything(&client, name).await;
        call_everything(&client.act_for(name, name), harmless).await;
        call_everything(&client.act_for("~", name), name).await;
    }
    let world = carrier.simulator.world();
    let reached: Vec<String> = world.stats().calls.into_keys().collect();
    let others: Vec<&String> = reached
        .iter()
        .filter(|call| !known.contains(call))
        .collect();
    assert!(others.is_empty(), "{others:?}");
    // Nothing was deleted that is called otherwise, and nothing was sent.
    let subscriptions = client.subscriptions(Page::first(10)).await.unwrap();
    assert_eq!(subscriptions.value.len(), 1);
    assert_eq!(world.messages().len(), n_messages);
}

/// Every call that has a name in its path, with this one in it. What each is answered is of no
/// interest here.
async fn call_everything(client: &Client, name: &str) {
    let message = netsapiens::Message::sms([number(0)], "Bonjour");
    let page = Page::first(10);
    drop(client.reply(name, &message).await);
    drop(client.session(name).await);
    drop(client.messages(name, page).await);
    drop(client.mark_session(name, true).await);
    drop(client.rename_session(name, "x").await);
    drop(
        client
            .set_participants(name, &["200@tidings.example"])
            .await,
    );
    drop(client.leave_session(name).await);
    drop(client.delete_session(name).await);
    drop(client.sessions(page).await);
    drop(client.domain_sessions(page).await);
    drop(client.subscription(name).await);
    drop(client.delete_subscription(name).await);
    drop(client.user_numbers(page).await);
    drop(client.domain_numbers(page).await);
    drop(client.remove_number(name).await);
    drop(client.active_call(name).await);
    drop(client.hang_up(name).await);
    drop(client.calls().await);
    drop(client.revoke_jwt_of(name).await);
}
