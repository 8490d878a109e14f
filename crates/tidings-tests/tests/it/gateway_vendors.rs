//! The vendors' APIs of the gateway, end to end: each provider's own client, with nothing but another
//! base URL, through a whole gateway to a simulated carrier of the same provider.
//!
//! Nothing in here knows a provider by name; the vendors' published packages are in `passinfo_gateway_python`
//! and its neighbours.

use std::sync::Arc;
use std::time::Duration;

use secrecy::ExposeSecret as _;
use serde_json::{Value, json};
use tidings::backend::Terms;
use tidings::callback::Callback;
use tidings::conversations::Page;
use tidings::http::HttpClient;
use tidings::subscriptions::NewSubscription;
use tidings::{
    Acceptance, Account, ClientRef, Clock as _, E164, ErrorKind, Media, Message, Outbound,
    Provider, ProviderSpec, Receipt, ReportedState, SendWindow, SenderId, SystemClock, TimeZone,
    ZonedTime, providers,
};
use tidings_sim::{PhoneText, SimMessage};
use tidings_store::{AccountChange, LaneId};
use tidings_tests::{PhoneNumbers, Recorder, TestGateway, TestGatewayBuilder};

/// Messages leave and arrive at the moment when they are taken.
pub(crate) const AT_ONCE: &str = "[delays]\nsent_ms = 0\ndelivered_ms = 0\n";
/// Nothing in a test takes as long, in real time.
const PATIENCE: Duration = Duration::from_secs(30);

/// A gateway whose only route leads to the carrier of one provider.
pub(crate) fn gateway_to(spec: &ProviderSpec) -> TestGatewayBuilder {
    let route = format!("[[routes]]\nlanes = [\"{}\"]\n", spec.id);
    TestGateway::builder().config(&route).scenario(AT_ONCE)
}

/// Credentials as `tidings sim` prints them.
pub(crate) fn as_json(spec: &ProviderSpec, account: &Account) -> Value {
    let value = |name: &str| {
        let text = account.setting(name).unwrap_or_default();
        let mut settings = spec.settings.iter();
        let is_number = settings.any(|setting| setting.name == name && setting.is_number);
        match text.parse::<u64>() {
            Ok(number) if is_number => Value::from(number),
            _ => Value::from(text),
        }
    };
    let members = account.names().map(|name| (name.to_owned(), value(name)));
    Value::Object(members.collect())
}

/// What reached phones over the carrier of a provider: to whom and the text, in the order of these two.
pub(crate) fn arrivals(test: &TestGateway, spec: &ProviderSpec) -> Vec<(String, String)> {
    let arrived = test.carrier(spec.id).world().messages().into_iter();
    let parts = arrived
        .map(|message: SimMessage| (message.to.as_str().to_owned(), message.text.to_string()));
    let mut arrived: Vec<_> = parts.collect();
    arrived.sort();
    arrived
}

/// A provider's own client at the gateway.
struct Caller {
    test: TestGateway,
    spec: &'static ProviderSpec,
    client: Arc<dyn Provider>,
}

impl Caller {
    async fn start(spec: &'static ProviderSpec) -> Self {
        Self::at(gateway_to(spec).start().await, spec).await
    }

    async fn at(test: TestGateway, spec: &'static ProviderSpec) -> Self {
        let account = test.vendor_account(spec).await;
        let http = HttpClient::builder().system_roots(false);
        let http = HttpClient::for_account(&account, http).unwrap();
        let client = (spec.connect)(&account, http).unwrap();
        Self { test, spec, client }
    }

    fn number(&self, place: usize) -> E164 {
        PhoneNumbers::served(&self.spec.capabilities).number(place)
    }

    fn row(&self, place: usize, text: &str) -> Outbound {
        let mut message = Message::new(self.number(place), text);
        if !self.spec.capabilities.numbers {
            message = message.from(SenderId::parse("Ecole").unwrap());
        }
        let reference = ClientRef::new(format!("row-{place}")).unwrap();
        Outbound::new(reference, message)
    }

    /// Hands messages over that all have to be taken, in as many calls as the provider makes of them.
    async fn take(&self, rows: &[Outbound]) -> Vec<Receipt> {
        let most = self.client.capabilities().max_messages_per_call;
        let mut receipts = Vec::new();
        for rows in rows.chunks(most) {
            let results = self.client.submit(rows).await.unwrap();
            receipts.extend(results.into_iter().map(Result::unwrap));
        }
        receipts
    }

    /// Keeps everything in the queue.
    fn pause(&self) {
        let lane = self.test.gateway().lane(&LaneId::from(self.spec.id));
        lane.unwrap().standing.set_paused(true);
    }

    fn expected(rows: &[Outbound]) -> Vec<(String, String)> {
        let parts = rows.iter().map(|row| {
            let message = &row.message;
            (message.to.as_str().to_owned(), message.text.to_string())
        });
        let mut expected: Vec<_> = parts.collect();
        expected.sort();
        expected
    }

    /// Asks until all of these have come so far.
    async fn wait_for(&self, receipts: &[Receipt], state: ReportedState) {
        let refs: Vec<_> = receipts.iter().map(|it| it.provider_ref.clone()).collect();
        let asking = async {
            loop {
                let reports = self.client.status(&refs).await.unwrap();
                if reports.iter().all(|report| report.state == state) {
                    return;
                }
                tokio::task::yield_now().await;
            }
        };
        let came = tokio::time::timeout(PATIENCE, asking).await;
        assert!(came.is_ok(), "{}: not all are {state}", self.spec.id);
    }
}

fn those(can: fn(&tidings::Capabilities) -> bool) -> impl Iterator<Item = &'static ProviderSpec> {
    let all = providers::ALL.iter().copied();
    let found: Vec<_> = all.filter(|spec| can(&spec.capabilities)).collect();
    assert!(!found.is_empty());
    found.into_iter()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_vendors_client_sends_reaches_a_phone_once() {
    for spec in providers::ALL {
        let caller = Caller::start(spec).await;
        let rows: Vec<_> = (1..=5).map(|place| caller.row(place, "Bonjour")).collect();
        let receipts = caller.take(&rows).await;
        caller.test.settled().await;
        assert_eq!(
            arrivals(&caller.test, spec),
            Caller::expected(&rows),
            "{}",
            spec.id
        );
        assert_eq!(receipts.len(), rows.len());
        caller.test.finish().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_vendors_client_is_told_that_a_message_was_delivered() {
    // A carrier that tells it too: the way back is the vendor's own in both places.
    for spec in those(|it| it.status && it.tells_delivery) {
        let caller = Caller::start(spec).await;
        let rows = [caller.row(1, "Un"), caller.row(2, "Deux")];
        let alone = caller.take(&rows[..1]).await;
        let others = caller.take(&rows).await;
        caller.wait_for(&alone, ReportedState::Delivered).await;
        caller.wait_for(&others, ReportedState::Delivered).await;
        caller.test.finish().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_vendors_client_sees_what_is_left() {
    for spec in those(|it| it.balance) {
        let caller = Caller::start(spec).await;
        let without_limit = caller.client.balance().await.unwrap();
        assert_eq!(
            without_limit.amount,
            tidings_gateway::vendors::WITHOUT_LIMIT
        );
        let change = AccountChange {
            quota: Some(Some(2)),
            ..AccountChange::default()
        };
        let store = caller.test.gateway().store();
        store.change_account(&"acme".into(), change).await.unwrap();
        caller.take(&[caller.row(1, "Un")]).await;
        assert_eq!(caller.client.balance().await.unwrap().amount, 1);
        let too_many = [caller.row(2, "Deux"), caller.row(3, "Trois")];
        let results = caller.client.submit(&too_many[..1]).await.unwrap();
        assert!(results[0].is_ok());
        let refused = match caller.client.submit(&too_many[1..]).await {
            Ok(results) => results.into_iter().next().unwrap().unwrap_err(),
            Err(error) => error,
        };
        assert_eq!(refused.kind(), ErrorKind::InsufficientCredit);
        caller.test.finish().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_vendors_client_keeps_contacts_and_writes_to_groups() {
    for spec in those(|it| it.address_book) {
        let caller = Caller::start(spec).await;
        let book = caller.client.address_book().unwrap();
        let mut ids = Vec::new();
        for place in 1..=3 {
            let number = caller.number(place);
            let contact = book.add_contact("Awa", "Camara", &number).await.unwrap();
            ids.push(contact.id.unwrap());
        }
        let page = book.contacts(2, 2).await.unwrap();
        assert_eq!((page.total, page.contacts.len()), (Some(3), 1));
        let group = book.create_group("Teachers").await.unwrap();
        for id in &ids[..2] {
            book.add_to_group(id, &group.id).await.unwrap();
        }
        assert_eq!(book.groups().await.unwrap()[0].members, Some(2));
        let sender = SenderId::parse("Ecole").unwrap();
        let sent = book
            .send_to_group(&group.id, "Réunion", Some(&sender))
            .await;
        let sent = sent.unwrap();
        assert_eq!((sent.group_size, sent.queued), (2, 2));
        caller.test.settled().await;
        let expected = [1, 2].map(|place| {
            (
                caller.number(place).as_str().to_owned(),
                "Réunion".to_owned(),
            )
        });
        assert_eq!(arrivals(&caller.test, spec), expected);
        caller.test.finish().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_vendors_client_lists_and_stops_batches_exactly() {
    for spec in those(|it| it.batches) {
        let caller = Caller::start(spec).await;
        caller.pause();
        let rows: Vec<_> = (1..=5).map(|place| caller.row(place, "Vent")).collect();
        let receipts = caller.take(&rows).await;
        let batches = caller.client.batches().unwrap();
        let name = receipts[0].provider_ref.batch.clone().unwrap();
        let queued = batches.show(&name).await.unwrap();
        assert_eq!((queued.left, queued.on_hold), (5, 0));
        assert_eq!(batches.list().await.unwrap(), [queued]);
        let stopped = batches.stop(&name).await.unwrap();
        let ids = receipts
            .iter()
            .map(|it| it.provider_ref.message.clone().unwrap());
        let stopped: Vec<_> = stopped.stopped.into_iter().map(|it| it.id).collect();
        assert_eq!(stopped, ids.collect::<Vec<_>>());
        let gone = batches.show(&name).await.unwrap_err();
        assert_eq!(gone.kind(), ErrorKind::NotFound);
        assert!(arrivals(&caller.test, spec).is_empty());
        caller.test.finish().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_window_of_a_vendors_client_holds_the_message_back() {
    for spec in those(|it| it.send_window) {
        let caller = Caller::start(spec).await;
        let zone = TimeZone::named("Europe/Oslo").unwrap();
        let tomorrow = SystemClock::new().now().plus(Duration::from_hours(24));
        let mut row = caller.row(1, "I morgen");
        row.message.window = Some(SendWindow::from(ZonedTime::new(tomorrow, &zone)));
        let receipts = caller.take(&[row]).await;
        let id = receipts[0].provider_ref.message.clone().unwrap();
        let shown = caller.test.get(&format!("/v1/messages/{id}")).await;
        assert!(
            shown.body["state"].as_str().unwrap().starts_with("held"),
            "{:?}",
            shown.body
        );
        let name = receipts[0].provider_ref.batch.clone().unwrap();
        let stopped = caller.client.batches().unwrap().stop(&name).await.unwrap();
        assert_eq!(stopped.stopped[0].id, id);
        caller.test.finish().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn conversations_of_a_vendors_client_go_both_ways() {
    for spec in those(|it| it.conversations) {
        let caller = Caller::start(spec).await;
        let receipts = caller.take(&[caller.row(1, "Hello")]).await;
        caller.test.settled().await;
        let id = receipts[0].provider_ref.session.clone().unwrap();
        let phone = caller.number(1);
        let carrier = caller.test.carrier(spec.id);
        let ours = carrier.world().from_number().unwrap();
        let heard = PhoneText::new(phone, "Hi").to(Some(ours.as_str().to_owned()));
        carrier.world().receive(heard).await.unwrap();
        let conversations = caller.client.conversations().unwrap();
        let listening = async {
            loop {
                let texts = conversations.messages(&id, Page::first(10)).await.unwrap();
                if texts.len() == 2 {
                    return texts;
                }
                tokio::task::yield_now().await;
            }
        };
        let texts = tokio::time::timeout(PATIENCE, listening).await.unwrap();
        let texts: Vec<_> = texts.iter().map(|it| it.text.as_str()).collect();
        assert_eq!(texts, ["Hi", "Hello"]);
        let list = conversations.list(Page::first(10)).await.unwrap();
        assert_eq!((list.len(), list[0].id.as_str()), (1, id.as_str()));
        assert!(!list[0].is_read);
        conversations.mark(&id, true).await.unwrap();
        assert!(conversations.show(&id).await.unwrap().is_read);
        conversations.delete(&id).await.unwrap();
        let gone = conversations.show(&id).await.unwrap_err();
        assert_eq!(gone.kind(), ErrorKind::NotFound);
        caller.test.finish().await;
    }
}

/// A text with a picture, and whether it is kept where files may have at most so many bytes.
async fn check_file_of_a_phone(spec: &'static ProviderSpec, most: usize, is_kept: bool) {
    let limit = format!("[limits]\nmax_inbound_file_bytes = {most}\n");
    let caller = Caller::at(gateway_to(spec).config(&limit).start().await, spec).await;
    let picture = Media::new("image/png", &b"\x89PNG\r\n\x1a\npixels"[..]).unwrap();
    let world = caller.test.carrier(spec.id).world();
    let ours = world.from_number().unwrap().as_str().to_owned();
    let heard = PhoneText::new(caller.number(1), "Look").to(Some(ours));
    world.receive(heard.media(picture.clone())).await.unwrap();
    let listed = async || caller.test.get("/v1/inbound").await.body["items"].clone();
    let has_come = async || listed().await[0].is_object();
    caller.test.until("the text comes", has_come).await;
    let text = listed().await[0].clone();
    let expected = json!({"type": "image/png", "bytes": picture.content().len()});
    assert_eq!((&text["text"], &text["file"]), (&json!("Look"), &expected));

    let id = text["id"].as_str().unwrap();
    let ours = caller.test.get(&format!("/v1/inbound/{id}/file")).await;
    let conversations = caller.client.conversations().unwrap();
    let conversation = text["conversation"].as_str().unwrap();
    let texts = conversations.messages(conversation, Page::first(10)).await;
    let stored = texts.unwrap().remove(0).media.unwrap();
    let theirs = conversations.fetch(&stored).await;
    if is_kept {
        assert_eq!(ours.headers["content-type"], "image/png");
        assert_eq!(theirs.unwrap().content(), picture.content());
        let kept = caller.test.gateway().store();
        let kept = kept.inbound_file(id.parse().unwrap()).await.unwrap();
        assert_eq!(kept.unwrap().1.unwrap().content(), picture.content());
    } else {
        assert_eq!(ours.status, 404, "{:?}", ours.body);
        assert_eq!(theirs.unwrap_err().kind(), ErrorKind::NotFound);
    }
    caller.test.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_from_a_phone_is_kept_and_handed_out_unless_it_is_too_large() {
    for spec in those(|it| it.conversations) {
        check_file_of_a_phone(spec, 1_000, true).await;
        check_file_of_a_phone(spec, 10, false).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn subscriptions_of_a_vendors_client_are_webhooks_of_the_account() {
    for spec in those(|it| it.subscriptions) {
        let caller = Caller::start(spec).await;
        let subscriptions = caller.client.subscriptions().unwrap();
        let url = "https://customer.example/in?k=1";
        let new = NewSubscription::new("message", url);
        let made = subscriptions.create(&new).await.unwrap();
        assert_eq!(made.url.expose_secret(), url);
        let again = subscriptions.create(&new).await.unwrap_err();
        assert_eq!(again.kind(), ErrorKind::Rejected);
        assert_eq!(subscriptions.list().await.unwrap().len(), 1);
        let store = caller.test.gateway().store();
        let webhooks = store.webhooks(Some(&"acme".into())).await.unwrap();
        assert_eq!((&*webhooks[0].format, &*webhooks[0].url), (spec.id, url));
        subscriptions.delete(&made.id).await.unwrap();
        assert!(subscriptions.list().await.unwrap().is_empty());
        caller.test.finish().await;
    }
}

/// Calls of a gateway to a customer's own server on this machine.
pub(crate) const TO_LOOPBACK: &str = "[webhooks]\nallow_loopback = true\n";

#[tokio::test(flavor = "multi_thread")]
async fn a_customer_is_told_ends_in_the_vendors_form() {
    for spec in those(|it| it.reports) {
        let customer = Recorder::start("");
        let test = gateway_to(spec).config(TO_LOOPBACK).start().await;
        let url = format!("{}/reports", customer.base_url());
        let webhook = json!({"url": url, "format": spec.id});
        let made = test.post("/v1/webhooks", &webhook).await;
        assert!(made.status.is_success(), "{}", made.body);
        let caller = Caller::at(test, spec).await;
        let row = caller.row(1, "Hei");
        let receipts = caller.take(std::slice::from_ref(&row)).await;
        let listening = tokio::task::spawn_blocking(move || {
            let calls = customer.wait_until(|calls| !calls.is_empty());
            (customer, calls)
        });
        // The customer's server stays until all is told.
        let (customer, calls) = listening.await.unwrap();
        let told = (spec.parse_callback.unwrap())(&calls[0].as_callback()).unwrap();
        let [Callback::Report(report)] = told.as_slice() else {
            panic!("{told:?}");
        };
        let sent = &receipts[0].provider_ref;
        assert_eq!(report.state, ReportedState::Delivered);
        assert_eq!(report.about.message, sent.message);
        assert_eq!(report.about.batch, sent.batch);
        assert_eq!(report.about.reference.as_ref(), Some(&row.reference));
        caller.test.finish().await;
        drop(customer);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_subscriber_is_told_of_texts_in_the_vendors_form() {
    for spec in those(|it| it.subscriptions) {
        let customer = Recorder::start("");
        let test = gateway_to(spec).config(TO_LOOPBACK).start().await;
        let caller = Caller::at(test, spec).await;
        let url = format!("{}/events", customer.base_url());
        let new = NewSubscription::new("message", url);
        let subscriptions = caller.client.subscriptions().unwrap();
        let made = subscriptions.create(&new).await.unwrap();
        let receipts = caller.take(&[caller.row(1, "Hello")]).await;
        let listening = tokio::task::spawn_blocking(move || {
            let calls = customer.wait_until(|calls| !calls.is_empty());
            (customer, calls)
        });
        // The customer's server stays until all is told.
        let (customer, calls) = listening.await.unwrap();
        let told = (spec.parse_callback.unwrap())(&calls[0].as_callback()).unwrap();
        let [Callback::Conversation(told)] = told.as_slice() else {
            panic!("{told:?}");
        };
        let sent = &receipts[0].provider_ref;
        assert_eq!(Some(&told.conversation.id), sent.session.as_ref());
        assert_eq!(told.message.as_ref().unwrap().text, "Hello");
        caller.test.settled().await;
        let shown = subscriptions.show(&made.id).await.unwrap();
        assert_eq!(
            (shown.status.as_str(), shown.posts, shown.errors),
            ("active", 1, 0)
        );
        caller.test.finish().await;
        drop(customer);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn words_of_the_vendor_reach_the_same_vendor() {
    for spec in those(|it| it.batches) {
        let caller = Caller::start(spec).await;
        let mut terms = Terms::default();
        terms.price = 200;
        terms.minimum_age = Some(18);
        terms.parameters = vec![("pid".to_owned(), "65".to_owned())];
        let mut row = caller.row(1, "Takk");
        row.message.from = None;
        caller.take(&[row.terms(Arc::new(terms.clone()))]).await;
        caller.test.settled().await;
        let arrived = caller.test.carrier(spec.id).world().messages();
        assert_eq!((arrived[0].price, arrived[0].minimum_age), (200, Some(18)));
        assert!(arrived[0].parameters.contains(&terms.parameters[0]));
        caller.test.finish().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_only_the_vendor_could_do_is_refused_where_a_route_leads_elsewhere() {
    for spec in those(|it| it.batches) {
        let test = TestGateway::builder().scenario(AT_ONCE).start().await;
        let caller = Caller::at(test, spec).await;
        let mut terms = Terms::default();
        terms.price = 200;
        let mut row = caller.row(1, "Takk");
        row.message.from = None;
        let results = caller.client.submit(&[row.terms(Arc::new(terms))]).await;
        let refused = results.unwrap().remove(0).unwrap_err();
        assert_eq!(refused.acceptance(), Acceptance::Refused);
        caller.test.finish().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_only_the_vendor_can_do_waits_for_it_when_routes_change() {
    for spec in those(|it| it.batches) {
        let caller = Caller::start(spec).await;
        let lane = caller.test.gateway().lane(&LaneId::from(spec.id)).unwrap();
        lane.standing.set_empty(true);
        let mut terms = Terms::default();
        terms.price = 200;
        let [mut priced, mut plain] = [caller.row(1, "Takk"), caller.row(2, "Hei")];
        priced.message.from = None;
        plain.message.from = None;
        let rows = [priced.terms(Arc::new(terms)), plain];
        caller.take(&rows).await;
        // Another provider takes over, and its account is the first of the rule.
        let mut others = providers::ALL.iter();
        let other = others.find(|it| it.id != spec.id && it.capabilities.calling_codes.is_empty());
        let other = other.unwrap();
        let number = caller.test.carrier(other.id).world().from_number().unwrap();
        let first = format!(
            r#"{{ name = "{}", sender = "{}" }}"#,
            other.id,
            number.as_str()
        );
        let route = format!("[[routes]]\nlanes = [{first}, \"{}\"]\n", spec.id);
        caller.test.reload(&route).await;
        let has_moved = async || !arrivals(&caller.test, other).is_empty();
        caller
            .test
            .until("the other message leaves", has_moved)
            .await;
        assert_eq!(arrivals(&caller.test, other), Caller::expected(&rows[1..]));
        assert!(arrivals(&caller.test, spec).is_empty());
        let lane = caller.test.gateway().lane(&lane.id).unwrap();
        lane.standing.set_empty(false);
        caller.test.gateway().signals().wake_lane(&lane.id);
        caller.test.settled().await;
        let arrived = caller.test.carrier(spec.id).world().messages();
        let arrived: Vec<_> = arrived.iter().map(|it| (&*it.text, it.price)).collect();
        assert_eq!(arrived, [("Takk", 200)]);
        caller.test.finish().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn numbers_of_a_vendors_client_are_shown_and_not_changed() {
    for spec in those(|it| it.numbers) {
        let caller = Caller::start(spec).await;
        let numbers = caller.client.numbers().unwrap();
        let ours = caller.test.carrier(spec.id).world().from_number().unwrap();
        let list = numbers.list().await.unwrap();
        let list: Vec<_> = list.iter().map(|it| it.number.as_str()).collect();
        assert_eq!(list, [ours.as_str()]);
        assert_eq!(numbers.count().await.unwrap(), 1);
        assert!(numbers.remove(ours.as_str()).await.is_err());
        caller.test.finish().await;
    }
}
