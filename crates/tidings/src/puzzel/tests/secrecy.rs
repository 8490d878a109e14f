//! No password, no text and no whole number in what is shown or logged.

use tidings_core::{ClientRef, Message as Neutral, ProviderRef, Timestamp};
use tracing::Instrument;

use super::{PASSWORD, builder};
use crate::provider::{AttemptRef, Outbound, Provider};
use crate::puzzel::encoding::{self, Encoding};
use crate::puzzel::{Message, OriginatorSettings, Parameter, SendOptions, Settings, wire};
use crate::tests::log::{CapturedLog, check_clean};
use crate::tests::scripted::{Reply, Scripted, Seen};

const TEXT: &str = "Koden din er 314159";
const TOKEN: &str = "payer-token-4242";
/// `demo:s3cret`.
const BASIC: &str = "ZGVtbzpzM2NyZXQ=";

const SECRETS: [&str; 9] = [
    PASSWORD, BASIC, TEXT, "314159", "Koden", TOKEN, "41000001", "41000002", "90000001",
];

fn answer(seen: &Seen, fails: bool) -> Reply {
    let told = format!("{TEXT} to +4741000001 with {PASSWORD}");
    if fails {
        let body = format!(
            r#"{{"title":"{told}","detail":"{told}","instance":"{told}","{told}":"{told}","errors":{{"{told}":["{told}"]}}}}"#
        );
        return Reply::status(400, "", body);
    }
    let is_list = seen.path.ends_with("/batch");
    Reply::ok(match seen.method.as_str() {
        "DELETE" => r#"{"stoppedMessages":[{"messageId":"m1"}]}"#.to_owned(),
        "GET" if is_list => {
            r#"{"messageBatch":[{"clientBatchReference":"b","totalSize":1}]}"#.to_owned()
        }
        "GET" if seen.path.contains("/batch/") => r#"{"messageBatch":{"totalSize":1}}"#.to_owned(),
        _ => format!(
            r#"{{"batchReference":"b","messageStatus":[{{"statusCode":1,"statusMessage":"{told}","recipient":"+4741000001","messageId":"m1","sequenceIndex":1}},{{"statusCode":5,"statusMessage":"{told}","recipient":"+4741000002","sequenceIndex":2}}]}}"#
        ),
    })
}

/// Every call once; what came back or went wrong, as `Debug` shows it.
async fn full_run(fails: bool) -> String {
    let server = Scripted::start(move |seen| answer(seen, fails)).await;
    let builder = builder(&server).duplicate_checking(true);
    let mut shown = format!("{builder:?}");
    let client = builder.build().unwrap();
    let mut show = |part: String| shown.push_str(&part);
    show(format!("{client:?}"));
    let number = "+4790000001".parse().unwrap();
    let settings = Settings::new()
        .originator(OriginatorSettings::international(&number))
        .parameter(Parameter::strex_authorization_token(TOKEN));
    let messages = [
        Message::new("+4741000001", TEXT)
            .client_reference("r-1")
            .settings(settings),
        Message::new("+4741000002", TEXT),
    ];
    show(format!("{messages:?}"));
    for encoding in [Encoding::Json, Encoding::Xml, Encoding::Form] {
        let options = SendOptions::new().encoding(encoding);
        show(format!(
            "{options:?} {:?}",
            client.send(&messages, &options).await
        ));
    }
    let options = SendOptions::new();
    show(format!(
        "{:?}",
        client.send_by_get(&messages, &options).await
    ));
    show(format!(
        "{:?}",
        client.send_one(&messages[0], &options).await
    ));
    let wrong = [Message::new("41000001", TEXT)];
    show(format!("{:?}", client.send(&wrong, &options).await));
    show(format!("{:?}", client.list_batches().await));
    show(format!("{:?}", client.batch("b").await));
    show(format!("{:?}", client.stop_batch("b").await));
    let neutral = Neutral::new("+4741000001".parse().unwrap(), TEXT);
    let outbound = Outbound::new(ClientRef::new("r-1").unwrap(), neutral);
    let both = [outbound.clone(), outbound.clone()];
    show(format!("{:?}", client.submit(&both).await));
    let now: Timestamp = crate::Clock::now(&crate::SystemClock::new());
    let mut about = ProviderRef::default();
    about.batch = Some("5f0c1f0e-8a53-4c1e-9b0e-3d8f5d1f0a11.1".to_owned());
    show(format!("{:?}", client.cancel(&about).await));
    let attempt = AttemptRef::new(outbound, now).provider_ref(about);
    show(format!("{:?}", client.reconcile(&attempt).await));
    show(format!("{:?}", client.status(&[]).await));
    shown
}

#[tokio::test]
async fn the_log_and_the_debug_output_of_a_full_run_hold_no_secret() {
    let log = CapturedLog::start();
    for fails in [false, true] {
        let span = tracing::info_span!("run", fails);
        check_clean(&full_run(fails).instrument(span).await, &SECRETS);
    }
    // It is the log of the run, with ids in it.
    let expected = ["send_messages", "puzzel answered", "puzzel call failed"];
    log.check(&expected, &SECRETS);
}

#[test]
fn the_wire_types_show_no_secret() {
    let request = format!(
        r#"{{"serviceId":1000,"username":"demo","password":"{PASSWORD}","message":[{{"recipient":"+4741000001","content":"{TEXT}","settings":{{"originatorSettings":{{"originator":"+4790000001","originatorType":"International"}},"parameter":[{{"key":"strex_authorization_token","value":"{TOKEN}"}}]}}}}]}}"#
    );
    let request: wire::GatewayRequest = encoding::read(Encoding::Json, request.as_bytes()).unwrap();
    let bare = format!(r#"{{"statusCode":2,"statusMessage":"{TEXT}"}}"#);
    let bare: wire::BareStatus = encoding::read(Encoding::Json, bare.as_bytes()).unwrap();
    let fault = format!(r#"{{"code":2,"reason":"{TEXT}"}}"#);
    let fault: wire::Fault = encoding::read(Encoding::Json, fault.as_bytes()).unwrap();
    check_clean(&format!("{request:?} {bare:?} {fault:?}"), &SECRETS);
}
