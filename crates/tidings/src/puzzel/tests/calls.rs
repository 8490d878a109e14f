//! The client's own calls: the golden requests and answers, lists in several calls, settings.

use std::time::Duration;

use tidings_core::{Priority, SendWindow, SenderId, TimeZone};

use super::encoding::golden::{Exchange, exchanges};
use super::{PASSWORD, builder, client, queued_all};
use crate::config::Environment;
use crate::error::{Acceptance, ErrorKind};
use crate::http::HttpClient;
use crate::provider::Account;
use crate::puzzel::encoding::{self, Encoding};
use crate::puzzel::{
    Client, ClientBuilder, Dialect, ManagementPath, Message, OriginatorSettings, Parameter,
    SendOptions, Settings, wire,
};
use crate::tests::scripted::{Reply, Scripted, Seen};
use crate::tests::settings::{WRONG_BASE_URLS, check_refused};

const ONE_QUEUED: &str = r#"{"batchReference":"batch-1","messageStatus":[{"statusCode":1,"messageId":"7a0000000a00","sequenceIndex":1}]}"#;

fn unnamed() -> SendOptions {
    SendOptions::new().without_batch_reference()
}

/// A server with the answer of a golden exchange.
async fn golden(exchange: &Exchange) -> Scripted {
    let Some(answer) = &exchange.answer else {
        return Scripted::answering(&[ONE_QUEUED]).await;
    };
    let (status, body) = (answer.status, answer.body());
    let is_xml = answer.headers["content-type"] == "application/xml";
    let headers = if is_xml {
        "content-type: application/xml\r\n"
    } else {
        ""
    };
    Scripted::start(move |_| Reply::status(status, headers, body.clone())).await
}

/// The one request that a call made, which must be the golden one but for a body that is compared
/// otherwise.
#[track_caller]
fn only_request(server: &Scripted, exchange: &Exchange) -> Seen {
    let golden = exchange.sent();
    let mut seen = server.seen();
    assert_eq!(seen.len(), 1);
    let seen = seen.remove(0);
    assert_eq!(seen.method, golden.method);
    for name in ["accept", "content-type"] {
        if let Some(value) = golden.headers.get(name) {
            assert_eq!(seen.headers.get(name), Some(value), "{name}");
        }
    }
    seen
}

#[tokio::test]
async fn the_smallest_send_is_the_document_of_the_vendors_clients() {
    for name in ["send.minimal.v3", "send.minimal.v2"] {
        let exchange = exchanges().remove(name).unwrap();
        let server = golden(&exchange).await;
        let message = Message::new("+4700000001", "Hei på deg €");
        let outcome = client(&server).send(&[message], &unnamed()).await.unwrap();
        assert_eq!(outcome.batch_reference.as_deref(), Some("batch-1"));
        let queued = outcome.verdicts[0].as_ref().unwrap();
        assert_eq!(queued.message_id(), Some("7a0000000a00"));
        let seen = only_request(&server, &exchange);
        assert_eq!(seen.path, exchange.sent().target);
        let read = |body: &str| -> wire::GatewayRequest {
            encoding::read(Encoding::Json, body.as_bytes()).unwrap()
        };
        assert_eq!(read(&seen.body), read(&exchange.sent().body()), "{name}");
        // The vendor's clients order the members each in another way; this is ours.
        let bytes = r#"{"serviceId":1000,"username":"demo","password":"s3cret","message":[{"recipient":"+4700000001","content":"Hei på deg €"}]}"#;
        assert_eq!(seen.body, bytes);
    }
}

#[tokio::test]
async fn a_form_is_written_byte_for_byte_as_in_the_manual() {
    let exchange = exchanges().remove("send.form").unwrap();
    let server = golden(&exchange).await;
    let message = Message::new("+4700000001", "Hei på deg");
    let options = unnamed().encoding(Encoding::Form);
    client(&server).send(&[message], &options).await.unwrap();
    let seen = only_request(&server, &exchange);
    assert_eq!(seen.path, exchange.sent().target);
    assert_eq!(seen.body, exchange.sent().body());
}

#[tokio::test]
async fn a_get_has_the_target_of_the_manual() {
    let exchange = exchanges().remove("send.query").unwrap();
    let server = golden(&exchange).await;
    let settings = Settings::new().parameter(Parameter::pid(68));
    let message = Message::new("+4700000001", "Hei").settings(settings);
    let outcome = client(&server).send_by_get(&[message], &unnamed()).await;
    assert!(outcome.unwrap().is_complete());
    let seen = only_request(&server, &exchange);
    // Brackets may stand in a query bare or encoded.
    let target = seen.path.replace("%5B", "[").replace("%5D", "]");
    assert_eq!(target, exchange.sent().target);
    assert_eq!(seen.body, "");
}

#[tokio::test]
async fn xml_is_written_and_read_byte_for_byte_as_the_vendors_schema_has_it() {
    let exchange = exchanges().remove("send.xml").unwrap();
    let server = golden(&exchange).await;
    let days = "2026-03-21".parse().unwrap()..="2026-03-22".parse().unwrap();
    let oslo = TimeZone::named("Europe/Oslo").unwrap();
    let hours = ["09:00", "17:00"].map(|time| time.parse().unwrap());
    let settings = Settings::new()
        .originator(OriginatorSettings::alphanumeric("Demo"))
        .priority(Priority::High)
        .validity(Duration::from_hours(1))
        .send_window(SendWindow::daily(days, hours[0], hours[1], &oslo).unwrap())
        .auto_detect_encoding(true)
        .parameter(Parameter::pid(68));
    let message = Message::new("+4700000001", "Hei")
        .price(0)
        .client_reference("ref-1")
        .settings(settings);
    let client = builder(&server)
        .dialect(Dialect::Manual)
        .encoding(Encoding::Xml);
    let options = SendOptions::new().batch_reference("batch-1");
    let client = client.build().unwrap();
    let outcome = client.send(&[message], &options).await.unwrap();
    let queued = outcome.verdicts[0].as_ref().unwrap();
    assert_eq!(queued.message_id(), Some("7a0000000a00"));
    let seen = only_request(&server, &exchange);
    assert_eq!(seen.path, exchange.sent().target);
    assert_eq!(seen.body, exchange.sent().body());
}

#[tokio::test]
async fn every_setting_stands_in_its_place() {
    let server = Scripted::start(queued_all).await;
    let settings = Settings::new()
        .priority(Priority::High)
        .validity(Duration::from_mins(90))
        .differentiator("grp")
        .age(crate::puzzel::Age::Eighteen)
        .gas(crate::puzzel::GasSettings::new("02001").description("SMS"))
        .session(crate::puzzel::Session::Continue(
            "00demosession0000001".to_owned(),
        ))
        .invoice_node("dept")
        .auto_detect_encoding(false)
        .safe_remove_non_gsm_characters(true)
        .parameter(Parameter::dcs(0xF5))
        .parameter(Parameter::other("my-key", "my value"));
    let message = Message::new("+4741000000", "Hei")
        .price(200)
        .price_xml("<price/>")
        .client_reference("ref-1")
        .settings(settings);
    let options = SendOptions::new().batch_reference("batch-1");
    client(&server).send_one(&message, &options).await.unwrap();
    let expected = r#"{"serviceId":1000,"username":"demo","password":"s3cret","batchReference":"batch-1","message":[{"recipient":"+4741000000","content":"Hei","price":200,"priceXml":"<price/>","clientReference":"ref-1","settings":{"priority":1,"validity":90,"differentiator":"grp","age":18,"gasSettings":{"serviceCode":"02001","description":"SMS"},"sessionId":"00demosession0000001","invoiceNode":"dept","autoDetectEncoding":false,"safeRemoveNonGsmCharacters":true,"parameter":[{"key":"dcs","value":"F5"},{"key":"my-key","value":"my value"}]}}]}"#;
    assert_eq!(server.seen()[0].body, expected);
}

#[tokio::test]
async fn raw_values_go_out_as_they_are() {
    let server = Scripted::start(queued_all).await;
    let settings = Settings::new().raw_priority(5).raw_validity(173);
    let message = Message::new("+4741000000", "Hei").settings(settings);
    client(&server)
        .send_one(&message, &unnamed())
        .await
        .unwrap();
    let body = &server.seen()[0].body;
    assert!(
        body.contains(r#""settings":{"priority":5,"validity":173}"#),
        "{body}"
    );
}

#[tokio::test]
async fn the_vendors_full_call_can_be_sent_as_it_is() {
    let exchange = exchanges().remove("send.full.v3").unwrap();
    let golden: wire::GatewayRequest =
        encoding::read(Encoding::Json, exchange.sent().body().as_bytes()).unwrap();
    let server = Scripted::start(queued_all).await;
    let options = SendOptions::new().batch_reference("batch-1");
    let outcome = client(&server)
        .send_wire(golden.message.clone(), &options)
        .await;
    assert_eq!(outcome.unwrap().n_queued(), 2);
    let seen = only_request(&server, &exchange);
    let sent: wire::GatewayRequest = encoding::read(Encoding::Json, seen.body.as_bytes()).unwrap();
    assert_eq!(sent, golden);
}

// ---- batches ----

#[tokio::test]
async fn calls_about_batches_have_the_golden_targets_and_basic_authentication() {
    for (name, exchange) in exchanges() {
        if !name.starts_with("batch_") {
            continue;
        }
        let is_odd = name.starts_with("batch_show") && exchange.answer.is_none();
        let server = if is_odd {
            Scripted::answering(&[r#"{"messageBatch":{"totalSize":1}}"#]).await
        } else {
            golden(&exchange).await
        };
        let mut builder = builder(&server);
        if name.ends_with(".manual") {
            builder = builder.dialect(Dialect::Manual);
        }
        let client = builder.build().unwrap();
        let reference = exchange.reference.as_deref();
        match (name.split('.').next().unwrap(), reference) {
            ("batch_list", None) => {
                let batches = client.list_batches().await.unwrap().into_value();
                let left: Vec<_> = batches.message_batch.iter().map(|b| b.total_size).collect();
                assert_eq!(left, [Some(wire::Integer(1000)), Some(wire::Integer(5))]);
            }
            ("batch_show", Some(reference)) => {
                assert!(client.batch(reference).await.unwrap().total_size.is_some());
            }
            ("batch_stop", Some(reference)) => {
                let stopped = client.stop_batch(reference).await.unwrap();
                assert_eq!(stopped.stopped_messages.len(), 2);
            }
            (other, _) => panic!("unknown call {other}"),
        }
        let seen = only_request(&server, &exchange);
        assert_eq!(seen.path, exchange.sent().target, "{name}");
        let basic = "Basic ZGVtbzpzM2NyZXQ=";
        assert_eq!(seen.headers["authorization"], basic, "{name}");
    }
}

#[tokio::test]
async fn the_path_about_batches_can_be_chosen() {
    async fn check(dialect: Dialect, chosen: Option<ManagementPath>, expected: &str) {
        let server = Scripted::answering(&[r#"{"messageBatch":[]}"#]).await;
        let mut builder = builder(&server).dialect(dialect);
        if let Some(chosen) = chosen {
            builder = builder.management_path(chosen);
        }
        builder.build().unwrap().list_batches().await.unwrap();
        assert_eq!(server.seen()[0].path, expected);
    }
    check(Dialect::V3, None, "/management/1000/batch").await;
    check(Dialect::Manual, None, "/mgmt/rs/service/1000/batch").await;
    check(
        Dialect::V3,
        Some(ManagementPath::Mgmt),
        "/mgmt/rs/service/1000/batch",
    )
    .await;
    check(
        Dialect::Manual,
        Some(ManagementPath::Management),
        "/management/1000/batch",
    )
    .await;
}

#[tokio::test]
async fn references_that_make_another_path_are_not_asked_about() {
    let server = Scripted::answering(&[]).await;
    for reference in ["", ".", ".."] {
        let error = client(&server).batch(reference).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::NotFound);
        let error = client(&server).stop_batch(reference).await.unwrap_err();
        assert_eq!(error.acceptance(), Acceptance::NotSent);
    }
    assert!(server.seen().is_empty());
}

// ---- lists ----

fn numbered(n: usize) -> Vec<Message> {
    let message = |number: usize| {
        Message::new(format!("+47410{number:05}"), "Hei").client_reference(format!("r-{number}"))
    };
    (1..=n).map(message).collect()
}

fn references(seen: &Seen) -> (Option<String>, Vec<String>) {
    let request: wire::GatewayRequest =
        encoding::read(Encoding::Json, seen.body.as_bytes()).unwrap();
    let messages = request.message.into_iter();
    (
        request.batch_reference,
        messages
            .map(|message| message.client_reference.unwrap())
            .collect(),
    )
}

#[tokio::test]
async fn a_list_above_the_bulk_size_goes_in_several_calls_under_one_name_in_order() {
    let server = Scripted::start(queued_all).await;
    let client = builder(&server).bulk_size(2).build().unwrap();
    for options in [
        SendOptions::new(),
        unnamed(),
        SendOptions::new().batch_reference("spring"),
    ] {
        let before = server.seen().len();
        let outcome = client.send(&numbered(5), &options).await.unwrap();
        assert!(outcome.is_complete());
        let queued = outcome
            .verdicts
            .iter()
            .map(|verdict| verdict.as_ref().unwrap());
        let numbers: Vec<_> = queued.clone().map(|queued| queued.sequence_index).collect();
        assert_eq!(numbers, [1, 2, 3, 4, 5]);
        let own: Vec<_> = queued
            .map(|queued| queued.client_reference.clone().unwrap())
            .collect();
        assert_eq!(own, ["r-1", "r-2", "r-3", "r-4", "r-5"]);
        let ranges: Vec<_> = outcome
            .calls
            .iter()
            .map(|call| call.messages.clone())
            .collect();
        assert_eq!(ranges, [0..2, 2..4, 4..5]);
        let calls: Vec<_> = server.seen()[before..].iter().map(references).collect();
        assert!(
            calls
                .iter()
                .all(|(batch, _)| *batch == outcome.batch_reference)
        );
        assert!(outcome.batch_reference.is_some());
        let sent: Vec<_> = calls
            .into_iter()
            .flat_map(|(_, messages)| messages)
            .collect();
        assert_eq!(sent, own);
    }
}

#[tokio::test]
async fn a_list_goes_under_a_name_of_its_own_each_time() {
    let server = Scripted::start(queued_all).await;
    let client = client(&server);
    let first = client
        .send(&numbered(1), &SendOptions::new())
        .await
        .unwrap();
    let second = client
        .send(&numbered(1), &SendOptions::new())
        .await
        .unwrap();
    assert_ne!(first.batch_reference, second.batch_reference);
}

/// What is said of six messages in calls of two when the second call is answered with this.
async fn after_second_call(reply: fn() -> Reply) -> (Vec<Option<(ErrorKind, Acceptance)>>, usize) {
    let mut number = 0;
    let server = Scripted::start(move |seen| {
        number += 1;
        match number {
            2 => reply(),
            _ => queued_all(seen),
        }
    })
    .await;
    let client = builder(&server).bulk_size(2).build().unwrap();
    let outcome = client
        .send(&numbered(6), &SendOptions::new())
        .await
        .unwrap();
    let said = outcome.verdicts.iter().map(|verdict| {
        let error = verdict.as_ref().err()?;
        assert_eq!(error.provider_ref().unwrap().batch, outcome.batch_reference);
        Some((error.kind(), error.acceptance()))
    });
    (said.collect(), server.seen().len())
}

#[tokio::test]
async fn after_a_call_that_would_fail_again_the_rest_is_not_sent() {
    use Acceptance::{NotSent, Refused, Unknown};
    let lost = Some((ErrorKind::Unavailable, Unknown));
    let left = Some((ErrorKind::Unavailable, NotSent));
    let (said, n_calls) = after_second_call(|| Reply::status(502, "", "gone")).await;
    assert_eq!(
        (said, n_calls),
        (vec![None, None, lost, lost, left, left], 2)
    );
    let (said, n_calls) = after_second_call(|| Reply::Close).await;
    assert_eq!(
        (said, n_calls),
        (vec![None, None, lost, lost, left, left], 2)
    );
    let limited = Some((ErrorKind::RateLimited, NotSent));
    let (said, n_calls) = after_second_call(|| Reply::status(429, "", "")).await;
    assert_eq!(
        (said, n_calls),
        (vec![None, None, limited, limited, limited, limited], 2)
    );
    // The form of two messages says nothing about the next two.
    let refused = Some((ErrorKind::InvalidMessage, Refused));
    let (said, n_calls) = after_second_call(|| Reply::status(400, "", "")).await;
    assert_eq!(
        (said, n_calls),
        (vec![None, None, refused, refused, None, None], 3)
    );
}

#[tokio::test]
async fn wrong_credentials_that_are_told_of_each_message_end_a_list() {
    let server = Scripted::start(|_| {
        Reply::ok(r#"{"messageStatus":[{"statusCode":2,"sequenceIndex":1},{"statusCode":2,"sequenceIndex":2}]}"#)
    })
    .await;
    let builder = builder(&server).dialect(Dialect::Manual).bulk_size(2);
    let client = builder.build().unwrap();
    let outcome = client
        .send(&numbered(4), &SendOptions::new())
        .await
        .unwrap();
    assert_eq!(server.seen().len(), 1);
    for verdict in &outcome.verdicts {
        let error = verdict.as_ref().unwrap_err();
        assert_eq!(
            (error.kind(), error.acceptance()),
            (ErrorKind::Unauthorized, Acceptance::NotSent)
        );
    }
}

#[tokio::test]
async fn nothing_is_sent_of_an_empty_list_or_under_an_empty_name() {
    let server = Scripted::answering(&[]).await;
    let client = client(&server);
    let error = client.send(&[], &SendOptions::new()).await.unwrap_err();
    assert_eq!(
        (error.kind(), error.acceptance()),
        (ErrorKind::InvalidMessage, Acceptance::NotSent)
    );
    let options = SendOptions::new().batch_reference("");
    let error = client.send(&numbered(1), &options).await.unwrap_err();
    assert!(error.to_string().contains("batchReference"));
    assert!(server.seen().is_empty());
}

#[tokio::test]
async fn what_does_not_fit_into_a_url_or_xml_is_refused() {
    let server = Scripted::answering(&[]).await;
    let many: Vec<_> = (0..100).flat_map(|_| numbered(10)).collect();
    let client = builder(&server).bulk_size(1000).build().unwrap();
    let error = client.send_by_get(&many, &unnamed()).await.unwrap_err();
    assert_eq!(
        (error.kind(), error.acceptance()),
        (ErrorKind::InvalidMessage, Acceptance::NotSent)
    );
    let bell = [Message::new("+4741000000", "ring\u{7}")];
    let options = unnamed().encoding(Encoding::Xml);
    let error = client.send(&bell, &options).await.unwrap_err();
    assert_eq!(
        (error.kind(), error.acceptance()),
        (ErrorKind::InvalidMessage, Acceptance::NotSent)
    );
    assert!(error.to_string().contains("content"), "{error}");
    assert!(server.seen().is_empty());
}

#[tokio::test]
async fn the_default_sender_goes_with_messages_that_may_have_it() {
    use crate::puzzel::Session;
    async fn check(sender: &str, message: Message, expected: Option<&str>) {
        let server = Scripted::start(queued_all).await;
        let builder = builder(&server).default_sender(SenderId::parse(sender).unwrap());
        let client = builder.build().unwrap();
        client.send_one(&message, &unnamed()).await.unwrap();
        let body = &server.seen()[0].body;
        let sent: wire::GatewayRequest = encoding::read(Encoding::Json, body.as_bytes()).unwrap();
        let settings = sent.message.into_iter().next().unwrap().settings;
        let sender = settings.and_then(|settings| settings.originator_settings);
        let originator = sender.and_then(|sender| sender.originator);
        assert_eq!(originator.map(|phone| phone.0).as_deref(), expected);
    }
    let plain = || Message::new("+4741000000", "Hei");
    let session = || plain().settings(Settings::new().session(Session::New));
    let own = || {
        let own = OriginatorSettings::alphanumeric("Own");
        plain().settings(Settings::new().originator(own))
    };
    check("Tidings", plain(), Some("Tidings")).await;
    check("Tidings", own(), Some("Own")).await;
    check("Tidings", plain().price(200), None).await;
    check("Tidings", session(), None).await;
    check("1960", session(), Some("1960")).await;
    check("1960", plain().price(200), None).await;
}

// ---- settings ----

#[tokio::test]
async fn base_urls_are_understood_in_every_form() {
    for (suffix, prefix) in [
        ("", ""),
        ("/", ""),
        ("/gw/rs", ""),
        ("/gw/rs/", ""),
        ("/behind/a/proxy", "/behind/a/proxy"),
        ("/behind/a/proxy/gw/rs/", "/behind/a/proxy"),
    ] {
        let server = Scripted::answering(&[ONE_QUEUED, r#"{"messageBatch":[]}"#]).await;
        let builder = builder(&server).base_url(format!("{}{suffix}", server.url));
        let client = builder.build().unwrap();
        client.send(&numbered(1), &unnamed()).await.unwrap();
        client.list_batches().await.unwrap();
        let paths: Vec<_> = server.seen().into_iter().map(|seen| seen.path).collect();
        let expected = ["/gw/rs/sendMessages", "/management/1000/batch"];
        assert_eq!(paths, expected.map(|path| format!("{prefix}{path}")));
    }
}

#[test]
fn wrong_settings_are_refused_by_name_and_without_their_value() {
    #[track_caller]
    fn check(builder: ClientBuilder, setting: &str) {
        check_refused(builder.build(), setting);
    }
    let whole = || {
        let builder = Client::builder().service_id(1000).username("demo");
        builder.password(PASSWORD)
    };
    assert!(whole().build().is_ok());
    check(whole().service_id(0), "service_id");
    check(whole().service_id(-1), "service_id");
    check(whole().service_id(1 << 31), "service_id");
    check(whole().username(" "), "username");
    check(whole().username("de:mo"), "username");
    check(whole().username("de\nmo"), "username");
    check(whole().password(""), "password");
    check(whole().password("s3cret\n"), "password");
    check(whole().bulk_size(0), "bulk_size");
    check(whole().bulk_size(1001), "bulk_size");
    for base_url in WRONG_BASE_URLS {
        check(whole().base_url(base_url), "base_url");
    }
    check(
        whole().default_sender(SenderId::parse("A_B").unwrap()),
        "sender",
    );
}

#[test]
fn a_client_is_made_from_an_account() {
    #[track_caller]
    fn check(account: &Account, setting: &str) {
        let http = HttpClient::builder().build().unwrap();
        let shown = check_refused(Client::from_account(account, http), setting);
        assert!(shown.contains("account norway"), "{shown}");
    }
    let account = || {
        Account::new("norway")
            .with("service_id", "1000")
            .with("username", "demo")
            .with("password", PASSWORD)
    };
    let full = account()
        .with("base_url", "http://127.0.0.1:1/gw/rs")
        .with("dialect", "manual")
        .with("sender", "Tidings")
        .with("bulk_size", "7")
        .with("duplicate_checking", "on");
    let http = HttpClient::builder().build().unwrap();
    let client = Client::from_account(&full, http).unwrap();
    let can = crate::Provider::capabilities(&client);
    assert_eq!(
        (can.max_messages_per_call, can.max_parts, can.reconcile),
        // Each message travels alone.
        (1, 6, true)
    );
    check(&Account::new("norway"), "service_id");
    check(&account().with("service_id", "one"), "service_id");
    check(&account().with("service_id", "0"), "service_id");
    check(&account().with("username", ""), "username");
    check(&account().with("password", ""), "password");
    check(&account().with("base_url", "s3cret"), "base_url");
    check(&account().with("dialect", "v2"), "dialect");
    check(
        &account().with("sender", "A name that is too long"),
        "sender",
    );
    check(&account().with("sender", "A_B"), "sender");
    check(&account().with("bulk_size", "0"), "bulk_size");
    check(&account().with("bulk_size", "many"), "bulk_size");
    check(
        &account().with("duplicate_checking", "yes"),
        "duplicate_checking",
    );
    check(&account().with("color", "blue"), "color");
}

#[test]
fn a_client_is_made_from_the_environment() {
    #[track_caller]
    fn check(environment: Environment, expected: Option<&str>) {
        let made = ClientBuilder::from_environment(environment).and_then(ClientBuilder::build);
        match (made, expected) {
            (Ok(_), None) => {}
            (Err(error), Some(variable)) => {
                assert_eq!(error.kind(), ErrorKind::Config);
                assert!(error.to_string().contains(variable), "{error}");
            }
            (made, expected) => panic!("{made:?} instead of {expected:?}"),
        }
    }
    fn required(name: &str) -> Option<String> {
        let value = match name {
            "PUZZEL_SERVICE_ID" => "1000",
            "PUZZEL_USERNAME" => "demo",
            "PUZZEL_PASSWORD" => PASSWORD,
            _ => return None,
        };
        Some(value.to_owned())
    }
    macro_rules! with {
        ($variable:literal, $value:literal) => {
            Environment::of(|name| match name {
                $variable => Some($value.to_owned()),
                name => required(name),
            })
        };
    }
    check(Environment::of(required), None);
    check(with!("PUZZEL_DIALECT", "manual"), None);
    check(with!("PUZZEL_DUPLICATE_CHECKING", "on"), None);
    check(with!("PUZZEL_SENDER", "Tidings"), None);
    check(with!("PUZZEL_SERVICE_ID", ""), Some("PUZZEL_SERVICE_ID"));
    check(with!("PUZZEL_SERVICE_ID", "one"), Some("PUZZEL_SERVICE_ID"));
    check(with!("PUZZEL_USERNAME", ""), Some("PUZZEL_USERNAME"));
    check(with!("PUZZEL_PASSWORD", ""), Some("PUZZEL_PASSWORD"));
    check(with!("PUZZEL_DIALECT", "v4"), Some("PUZZEL_DIALECT"));
    check(
        with!("PUZZEL_SENDER", "????????????"),
        Some("PUZZEL_SENDER"),
    );
    check(
        with!("PUZZEL_DUPLICATE_CHECKING", "1"),
        Some("PUZZEL_DUPLICATE_CHECKING"),
    );
    check(with!("PUZZEL_BASE_URL", "nowhere"), Some("base_url"));
}

// ---- names ----

/// The vendor's Python packages 2.0.4 and 3.0.1 and its manual: whoever looks for one of their names
/// in the documentation finds ours.
#[test]
fn every_name_of_the_vendors_packages_is_found() {
    let sources = [
        include_str!("../batches.rs"),
        include_str!("../builder.rs"),
        include_str!("../client.rs"),
        include_str!("../map/codes/parameter.rs"),
        include_str!("../map/mod.rs"),
        include_str!("../message.rs"),
        include_str!("../parameter.rs"),
        include_str!("../settings.rs"),
        include_str!("../wire/mod.rs"),
    ];
    let lines = || sources.iter().flat_map(|source| source.lines());
    let aliases: Vec<&str> = sources
        .iter()
        .flat_map(|source| source.split("#[doc(alias").skip(1))
        .flat_map(|attribute| {
            attribute
                .split(']')
                .next()
                .unwrap()
                .split('"')
                .skip(1)
                .step_by(2)
        })
        .collect();
    for name in [
        "MtHttpClient",
        "Client",
        "MessageSettings",
        "SmsMessage",
        "GatewayRequestError",
        "InvalidMsisdnFormat",
        "InvalidUdh",
        "MissingRecipient",
        "delete",
        "send",
        "send_messages",
        "sendMessages",
        "GatewayRequest",
        "GatewayResponse",
        "Message",
        "MessageStatus",
        "Settings",
        "OriginatorSettings",
        "OriginatorType",
        "GasSettings",
        "SendWindow",
        "Parameter",
        "BatchListResponse",
        "BatchResponse",
        "BatchSingleResponse",
        "StopBatchResponse",
        "StoppedMessageResponse",
        "ProblemDetails",
        "service_id",
        "serviceId",
        "username",
        "password",
        "batch_reference",
        "batchReference",
        "client_reference",
        "clientReference",
        "recipient",
        "recipients",
        "primary_message",
        "content",
        "price",
        "priceXml",
        "priority",
        "validity",
        "differentiator",
        "age",
        "newSession",
        "sessionId",
        "new_session",
        "session_id",
        "invoice_node",
        "invoiceNode",
        "autoDetectEncoding",
        "auto_detect_encoding",
        "safe_remove_non_gsm_characters",
        "safeRemoveNonGsmCharacters",
        "originator_settings",
        "originatorSettings",
        "gas_settings",
        "gasSettings",
        "service_code",
        "serviceCode",
        "description",
        "send_window",
        "sendWindow",
        "business_model",
        "businessModel",
        "dcs",
        "udh",
        "pid",
        "flash",
        "parsing_type",
        "parsing-type",
        "skip_customer_report_delivery",
        "strex_verification_timeout",
        "strex_merchant_sell_option",
        "strex_confirm_channel",
        "strex_authorization_token",
        "by_client_batch_reference",
    ] {
        let declared = [
            "pub async fn ",
            "pub fn ",
            "pub struct ",
            "pub enum ",
            "pub ",
        ];
        let is_found = lines().any(|line| {
            let line = line.trim_start();
            declared.iter().any(|word| {
                let rest = line.strip_prefix(word);
                let rest = rest.and_then(|rest| rest.strip_prefix(name));
                rest.is_some_and(|rest| rest.starts_with(['(', ' ', '<', ':', ';']))
            })
        });
        assert!(is_found || aliases.contains(&name), "{name}");
    }
}
