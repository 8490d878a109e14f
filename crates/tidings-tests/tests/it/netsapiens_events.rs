//! What a NetSapiens server posts to its subscribers, from the phone to the program: subscribed through
//! the client, posted by the simulated carrier, received by a server of the test and by the command
//! `tidings callbacks`.

use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader};
use std::process::{Child, ChildStdout, Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;
use tidings::callback::Callback;
use tidings::conversations::Direction;
use tidings::http::HttpClient;
use tidings::netsapiens::{self, callback::EventMemory, callback::Recognised};
use tidings::subscriptions::{NewSubscription, Subscription, SubscriptionChange, Subscriptions};
use tidings::{ClientRef, E164, Message, Outbound, Provider, SystemClock};
use tidings_sim::world::PhoneText;
use tidings_tests::{Answer, CALL_LIMIT, Carrier, Recorded, Recorder, program_folder};

const MODELS: [&str; 2] = ["message", "messagesession"];
const FROM_PHONE: &str = "Is it ready?";
const FROM_US: &str = "Yes, come and fetch it.";

fn phone() -> E164 {
    "+224622000001".parse().unwrap()
}

fn connect(carrier: &Carrier) -> Arc<dyn Provider> {
    let http = HttpClient::builder().timeout(CALL_LIMIT).build().unwrap();
    (netsapiens::SPEC.connect)(&carrier.simulator.account(), http).unwrap()
}

async fn subscribe(provider: &dyn Provider, model: &str, url: &str) -> String {
    let subscriptions = provider.subscriptions().unwrap();
    let created = subscriptions
        .create(&NewSubscription::new(model, url))
        .await;
    created.unwrap().id
}

/// A phone writes to us.
async fn phone_writes(carrier: &Carrier, text: &str) {
    let account = carrier.simulator.account();
    let to = account.setting("from_number").map(str::to_owned);
    let text = PhoneText::new(phone(), text).to(to);
    carrier.simulator.world().receive(text).await.unwrap();
}

/// We write to a phone.
async fn we_write(provider: &dyn Provider, reference: &str, text: &str) {
    let reference = ClientRef::new(reference).unwrap();
    let row = Outbound::new(reference, Message::new(phone(), text));
    provider.submit(&[row]).await.unwrap().remove(0).unwrap();
}

/// What of a text stands in a post.
fn holds(call: &Recorded, text: &str) -> bool {
    call.body.contains(text)
}

/// Posts of the subscription with this id.
fn of<'c>(calls: &'c [Recorded], subscription: &str) -> Vec<&'c Recorded> {
    let is_its = |call: &&Recorded| call.header("x-correlation-id") == Some(subscription);
    calls.iter().filter(is_its).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn with_both_models_a_text_is_told_twice_and_recognised_once() {
    for keys in ["underscore", "kebab"] {
        let customer = Recorder::start("");
        let builder = Carrier::of(&netsapiens::SPEC).setting("event_keys", keys);
        let carrier = builder.start().await;
        let provider = connect(&carrier);
        let url = format!("{}/ns?k=secret", customer.base_url());
        let mut ids = BTreeMap::new();
        for model in MODELS {
            ids.insert(model, subscribe(&*provider, model, &url).await);
        }
        phone_writes(&carrier, FROM_PHONE).await;
        we_write(&*provider, "answer-1", FROM_US).await;
        let calls = customer.wait_until(|calls| {
            ids.values().all(|id| {
                let posts = of(calls, id);
                [FROM_PHONE, FROM_US]
                    .iter()
                    .all(|text| posts.iter().any(|call| holds(call, text)))
            })
        });
        for call in &calls {
            assert_eq!(call.call, "POST /ns?k=secret", "{keys}");
            let kind = call.header("content-type").unwrap_or_default();
            assert!(kind.starts_with("application/json"), "{keys}: {kind}");
            let rows: Value = serde_json::from_str(&call.body).unwrap();
            assert!(rows.is_array(), "{keys}: {rows}");
        }
        check_spelling(&calls, &ids, keys);
        check_neutral(&calls, keys);
        check_memory(&calls, keys);
    }
}

#[track_caller]
fn check_spelling(calls: &[Recorded], ids: &BTreeMap<&str, String>, keys: &str) {
    let name = match keys {
        "kebab" => "\"messagesession-id\"",
        _ => "\"session_id\"",
    };
    for id in ids.values() {
        for call in of(calls, id) {
            assert!(holds(call, name), "{keys}: {}", call.body);
        }
    }
}

/// For programs that know no provider: the text from the phone once, everything else as what happened
/// in a conversation.
#[track_caller]
fn check_neutral(calls: &[Recorded], keys: &str) {
    let parse = netsapiens::SPEC.parse_callback.unwrap();
    let told = calls
        .iter()
        .flat_map(|call| parse(&call.as_callback()).unwrap());
    let (mut inbound, mut written, mut changed) = (Vec::new(), Vec::new(), 0);
    for told in told {
        match told {
            Callback::Inbound(text) => inbound.push(text),
            Callback::Conversation(event) => match event.message {
                Some(message) => written.push(message),
                None => changed += 1,
            },
            other => panic!("{keys}: {other:?}"),
        }
    }
    let [text] = &inbound[..] else {
        panic!("{keys}: {inbound:?}");
    };
    assert_eq!(
        (text.from.as_str(), &*text.text),
        (phone().as_str(), FROM_PHONE),
        "{keys}"
    );
    let echoes = written
        .iter()
        .filter(|message| message.direction == Direction::Outbound);
    let echoes: Vec<&str> = echoes.map(|message| message.text.as_str()).collect();
    assert!(echoes.contains(&FROM_US), "{keys}: {written:?}");
    assert!(
        changed > 0 || written.len() > 1,
        "{keys}: the sessions did not change"
    );
}

/// For programs that know this provider: each text is new once, in whatever order the posts came.
#[track_caller]
fn check_memory(calls: &[Recorded], keys: &str) {
    let posts: Vec<_> = calls
        .iter()
        .map(|call| netsapiens::callback::read(call.body.as_bytes()).unwrap())
        .collect();
    for is_reversed in [false, true] {
        let mut memory = EventMemory::new(Arc::new(SystemClock::new()));
        let mut counts = BTreeMap::<_, usize>::new();
        let mut events: Vec<_> = posts.iter().flat_map(|post| &post.events).collect();
        if is_reversed {
            events.reverse();
        }
        for event in events {
            *counts
                .entry(format!("{:?}", memory.recognise(event)))
                .or_default() += 1;
        }
        let count = |what: Recognised| counts.get(&format!("{what:?}")).copied();
        assert_eq!(count(Recognised::New), Some(1), "{keys}: {counts:?}");
        assert_eq!(count(Recognised::Repeated), Some(1), "{keys}: {counts:?}");
    }
}

/// A subscription whose posts fail says so; it can be pointed somewhere else, and begins anew.
#[tokio::test(flavor = "multi_thread")]
async fn failed_posts_are_counted_and_the_count_can_be_reset() {
    let broken = Recorder::answering(|_| Answer::status(500));
    let customer = Recorder::start("");
    let carrier = Carrier::start(&netsapiens::SPEC, "").await;
    let provider = connect(&carrier);
    let id = subscribe(&*provider, "message", &broken.base_url()).await;
    let subscriptions = provider.subscriptions().unwrap();
    phone_writes(&carrier, FROM_PHONE).await;
    broken.wait_until(|calls| !calls.is_empty());
    let failed = wait_for(subscriptions, &id, |one| one.errors > 0).await;
    assert_eq!(
        (failed.status.as_str(), failed.errors),
        ("error", 1),
        "{failed:?}"
    );

    let mut change = SubscriptionChange::default();
    change.url = Some(customer.base_url().into());
    change.reset_errors = true;
    change.reset_posts = true;
    subscriptions.update(&id, &change).await.unwrap();
    let reset = subscriptions.show(&id).await.unwrap();
    assert_eq!((reset.errors, reset.posts), (0, 0), "{reset:?}");
    we_write(&*provider, "answer-1", FROM_US).await;
    customer.wait_until(|calls| calls.iter().any(|call| holds(call, FROM_US)));
    let active = wait_for(subscriptions, &id, |one| one.posts > 0).await;
    assert_eq!(
        (active.status.as_str(), active.errors),
        ("active", 0),
        "{active:?}"
    );

    subscriptions.delete(&id).await.unwrap();
    assert_eq!(subscriptions.list().await.unwrap().len(), 0);
}

/// Asks until the subscription is as expected; the carrier's count follows its post by a moment.
async fn wait_for(
    subscriptions: &dyn Subscriptions,
    id: &str,
    is_it: fn(&Subscription) -> bool,
) -> Subscription {
    let asking = async {
        loop {
            let answer = subscriptions.show(id).await.unwrap();
            if is_it(&answer) {
                return answer;
            }
            tokio::task::yield_now().await;
        }
    };
    let patience = Duration::from_mins(1);
    tokio::time::timeout(patience, asking).await.unwrap()
}

/// `tidings callbacks` in a process of its own. It ends when this is dropped.
struct Receiver {
    process: Child,
    lines: BufReader<ChildStdout>,
    url: String,
}

impl Receiver {
    fn start() -> Self {
        let mut process = Command::new(program_folder().join("tidings"))
            .args([
                "callbacks",
                "--provider",
                "netsapiens",
                "--listen",
                "127.0.0.1:0",
            ])
            .args(["--path", "/events", "--token", "s3cret", "--json"])
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut said = String::new();
        let mut stderr = BufReader::new(process.stderr.take().unwrap());
        stderr.read_line(&mut said).unwrap();
        let (_, address) = said.trim_end().split_once("http://").unwrap();
        let lines = BufReader::new(process.stdout.take().unwrap());
        Self {
            url: format!("http://{address}?token=s3cret"),
            process,
            lines,
        }
    }

    fn line(&mut self) -> Value {
        let mut line = String::new();
        self.lines.read_line(&mut line).unwrap();
        serde_json::from_str(&line).unwrap_or_else(|_| panic!("{line:?}"))
    }
}

impl Drop for Receiver {
    fn drop(&mut self) {
        self.process.kill().ok();
        self.process.wait().ok();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_command_receives_what_is_posted() {
    let mut receiver = Receiver::start();
    let carrier = Carrier::start(&netsapiens::SPEC, "").await;
    let provider = connect(&carrier);
    let id = subscribe(&*provider, "message", &receiver.url).await;
    phone_writes(&carrier, FROM_PHONE).await;
    let line = receiver.line();
    assert_eq!(line["kind"], "inbound", "{line}");
    assert_eq!(line["from"], phone().as_str(), "{line}");
    assert_eq!(line["text"], FROM_PHONE, "{line}");
    // It was acknowledged.
    let subscriptions = provider.subscriptions().unwrap();
    let active = wait_for(subscriptions, &id, |one| one.posts > 0).await;
    assert_eq!(
        (active.status.as_str(), active.errors),
        ("active", 0),
        "{active:?}"
    );
}
