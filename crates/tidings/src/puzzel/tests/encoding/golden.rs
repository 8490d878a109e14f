//! The golden exchanges in `testdata/exchanges/`: each names what it was taken from. Bytes that the
//! vendor's clients write are compared as documents, because the clients have an order of their own
//! (alphabetical, with blanks behind the separators); what is in the order of the vendor's schema
//! and samples is compared byte for byte.

use std::collections::BTreeMap;
use std::path::Path;

use base64::Engine as _;
use percent_encoding::percent_decode_str;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use serde_json::value::RawValue;

use super::schema;
use crate::puzzel::encoding::{self, Document, Encoding};
use crate::puzzel::wire;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::puzzel) struct Exchange {
    source: String,
    read_on: String,
    #[expect(dead_code, reason = "for readers of the file")]
    note: Option<String>,
    /// The batch that the target names.
    pub(in crate::puzzel) reference: Option<String>,
    pub(in crate::puzzel) request: Option<GoldenRequest>,
    pub(in crate::puzzel) answer: Option<GoldenAnswer>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::puzzel) struct GoldenRequest {
    pub(in crate::puzzel) method: String,
    /// Path and query as they stand in the first line.
    pub(in crate::puzzel) target: String,
    pub(in crate::puzzel) headers: BTreeMap<String, String>,
    body: Option<Box<RawValue>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::puzzel) struct GoldenAnswer {
    pub(in crate::puzzel) status: u16,
    pub(in crate::puzzel) headers: BTreeMap<String, String>,
    body: Box<RawValue>,
}

impl Exchange {
    pub(in crate::puzzel) fn sent(&self) -> &GoldenRequest {
        self.request.as_ref().unwrap()
    }

    pub(in crate::puzzel) fn answered(&self) -> &GoldenAnswer {
        self.answer.as_ref().unwrap()
    }
}

impl GoldenRequest {
    /// The bytes of the body; none of a call without one.
    pub(in crate::puzzel) fn body(&self) -> String {
        self.body.as_deref().map_or_else(String::new, bytes_of)
    }

    fn query(&self) -> &str {
        self.target.split_once('?').unwrap().1
    }
}

impl GoldenAnswer {
    pub(in crate::puzzel) fn body(&self) -> String {
        bytes_of(&self.body)
    }
}

/// JSON stands in the files byte for byte, other bodies as a JSON text.
fn bytes_of(body: &RawValue) -> String {
    serde_json::from_str(body.get()).unwrap_or_else(|_| body.get().to_owned())
}

/// All exchanges, by the names of their files.
pub(in crate::puzzel) fn exchanges() -> BTreeMap<String, Exchange> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/puzzel/testdata/exchanges");
    let read = |file: std::io::Result<std::fs::DirEntry>| {
        let path = file.unwrap().path();
        let name = path.file_stem().unwrap().to_str().unwrap().to_owned();
        let exchange = serde_json::from_str(&std::fs::read_to_string(&path).unwrap());
        let exchange = exchange.unwrap_or_else(|error| panic!("{name}: {error}"));
        (name, exchange)
    };
    std::fs::read_dir(folder).unwrap().map(read).collect()
}

fn exchange(name: &str) -> Exchange {
    exchanges().remove(name).unwrap()
}

#[test]
fn every_exchange_names_its_source_and_is_whole() {
    let exchanges = exchanges();
    assert_eq!(exchanges.len(), 19);
    for (name, exchange) in &exchanges {
        let first = exchange.source.split(':').next().unwrap();
        assert!(
            ["A", "I", "M", "W", "X"].contains(&first),
            "{name}: {first}"
        );
        assert_eq!(exchange.read_on, "2026-11-21", "{name}");
        assert!(
            exchange.request.is_some() || exchange.answer.is_some(),
            "{name}"
        );
        if let Some(length) = exchange
            .request
            .as_ref()
            .and_then(|request| request.headers.get("content-length"))
        {
            assert_eq!(exchange.sent().body().len().to_string(), *length, "{name}");
        }
    }
}

/// What a call in JSON says: without nulls, and with the values of parameters as texts.
fn meaning(value: &Value) -> Value {
    match value {
        Value::Object(members) => {
            let is_parameter = members.contains_key("key") && members.contains_key("value");
            let kept = members.iter().filter(|(_, value)| !value.is_null());
            kept.map(|(name, value)| match value {
                Value::Number(_) | Value::Bool(_) if is_parameter => {
                    (name.clone(), Value::String(value.to_string()))
                }
                _ => (name.clone(), meaning(value)),
            })
            .collect()
        }
        Value::Array(items) => items.iter().map(meaning).collect(),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => value.clone(),
    }
}

#[test]
fn calls_in_json_are_read_and_written_as_the_same_document() {
    for name in [
        "send.minimal.v3",
        "send.full.v3",
        "send.minimal.v2",
        "send.settings.v2",
    ] {
        let body = exchange(name).sent().body();
        let read: wire::GatewayRequest = encoding::read(Encoding::Json, body.as_bytes()).unwrap();
        let again = encoding::write(Encoding::Json, &read).unwrap();
        let expected = meaning(&serde_json::from_str(&body).unwrap());
        let found: Value = serde_json::from_slice(&again).unwrap();
        assert_eq!(found, expected, "{name}");
        // The other forms carry the same call; XML has no priceXml, and neither has an empty list.
        let mut plain = read;
        for message in &mut plain.message {
            message.price_xml = None;
            if let Some(settings) = &mut message.settings {
                settings.parameter = settings.parameter.take().filter(|list| !list.is_empty());
            }
        }
        for form in [Encoding::Xml, Encoding::Form] {
            let bytes = encoding::write(form, &plain).unwrap();
            let read: wire::GatewayRequest = encoding::read(form, &bytes).unwrap();
            assert_eq!(read, plain, "{name} as {form:?}");
        }
    }
}

#[test]
fn the_full_call_is_read_field_by_field() {
    let body = exchange("send.full.v3").sent().body();
    let read: wire::GatewayRequest = encoding::read(Encoding::Json, body.as_bytes()).unwrap();
    assert_eq!(read.service_id, Some(wire::Integer(1000)));
    assert_eq!(read.batch_reference.as_deref(), Some("batch-1"));
    let [first, second] = read.message.as_slice() else {
        panic!("{read:?}")
    };
    let content = first.content.as_ref().unwrap();
    assert_eq!(&*content.0, "Quote \" \\ and newline\n\u{1f600}");
    assert_eq!(first.price_xml.as_deref(), Some("<price/>"));
    let settings = first.settings.as_ref().unwrap();
    assert_eq!(settings.validity, Some(wire::Integer(173)));
    assert_eq!(settings.auto_detect_encoding, Some(wire::Flag(false)));
    let window = settings.send_window.as_ref().unwrap();
    assert_eq!(window.stop_time.as_deref(), Some("17:00:00"));
    let settings = second.settings.as_ref().unwrap();
    assert_eq!(settings.parameter, Some(Vec::new()));
}

/// Reading and writing gives the same bytes.
#[track_caller]
fn survives<T: Document + DeserializeOwned + PartialEq + std::fmt::Debug>(
    form: Encoding,
    body: &str,
) -> T {
    let read: T = encoding::read(form, body.as_bytes()).unwrap();
    let again = encoding::write(form, &read).unwrap();
    assert_eq!(std::str::from_utf8(&again).unwrap(), body);
    read
}

#[test]
fn answers_in_json_survive_byte_for_byte() {
    let body = |name: &str| {
        let exchange = exchange(name);
        let answered = exchange.answered();
        let form = Encoding::of_content_type(&answered.headers["content-type"]);
        assert_eq!(form, Some(Encoding::Json), "{name}");
        answered.body()
    };
    let answer: wire::GatewayResponse = survives(Encoding::Json, &body("send.answer"));
    assert_eq!(answer.message_status[1].message_id, None);
    let list: wire::BatchListResponse = survives(Encoding::Json, &body("batch_list.v3"));
    assert_eq!(list.message_batch.len(), 2);
    let one: wire::BatchSingleResponse = survives(Encoding::Json, &body("batch_show.v3"));
    assert_eq!(one.message_batch.unwrap().on_hold, Some(wire::Integer(100)));
    for name in ["batch_stop.v3", "batch_stop.manual"] {
        let stopped: wire::StopBatchResponse = survives(Encoding::Json, &body(name));
        assert_eq!(stopped.stopped_messages.len(), 2, "{name}");
    }
    for status in [400, 401, 404] {
        let name = format!("problem.{status}");
        let problem: wire::ProblemDetails = survives(Encoding::Json, &body(&name));
        assert_eq!(problem.status, Some(wire::Integer(status)), "{name}");
        assert_eq!(i64::from(exchange(&name).answered().status), status);
    }
}

#[test]
fn xml_survives_byte_for_byte_and_agrees_with_the_schema() {
    let exchange = exchange("send.xml");
    let (sent, answered) = (exchange.sent().body(), exchange.answered().body());
    let read: wire::GatewayRequest = survives(Encoding::Xml, &sent);
    assert_eq!(
        read.message[0].settings.as_ref().unwrap().validity,
        Some(wire::Integer(11))
    );
    schema::check(&schema::REQUEST, sent.as_bytes());
    let read: wire::GatewayResponse = survives(Encoding::Xml, &answered);
    assert_eq!(read.message_status[0].session_id, None);
    schema::check(&schema::RESPONSE, answered.as_bytes());
}

#[test]
fn the_form_and_the_query_survive_byte_for_byte() {
    let form = exchange("send.form");
    let read: wire::GatewayRequest = survives(Encoding::Form, &form.sent().body());
    let content = read.message[0].content.as_ref().unwrap();
    assert_eq!(&*content.0, "Hei p\u{e5} deg");

    let query = exchange("send.query");
    let read = encoding::read_query(query.sent().query()).unwrap();
    let settings = read.message[0].settings.as_ref().unwrap();
    assert_eq!(
        settings.parameter,
        Some(vec![wire::Parameter::new("pid", "68")])
    );
    assert_eq!(encoding::write_query(&read), query.sent().query());
}

#[test]
fn the_query_of_the_generated_client_is_refused_by_name() {
    for name in ["query.helper.v3", "query.unconfigured.v3"] {
        let error = encoding::read_query(exchange(name).sent().query()).unwrap_err();
        assert_eq!(error.at, "message", "{name}");
    }
}

#[test]
fn calls_about_batches_name_their_batch_in_the_last_segment_of_the_path() {
    for (name, exchange) in &exchanges() {
        if !name.starts_with("batch_") {
            continue;
        }
        let sent = exchange.sent();
        assert_eq!(sent.body(), "", "{name}");
        let family = [wire::path::MANAGEMENT, wire::path::MGMT]
            .into_iter()
            .find_map(|family| sent.target.strip_prefix(family));
        let batch = format!("1000{}", wire::path::BATCH);
        let rest = family.unwrap().strip_prefix(&batch).unwrap();
        let decode = |segment: &str| {
            percent_decode_str(segment)
                .decode_utf8()
                .unwrap()
                .into_owned()
        };
        let reference = rest.strip_prefix('/').map(decode);
        assert_eq!(reference, exchange.reference, "{name}");
        if let Some(credentials) = sent.headers.get("authorization") {
            let code = credentials.strip_prefix("Basic ").unwrap();
            let pair = base64::engine::general_purpose::STANDARD.decode(code);
            assert_eq!(pair.unwrap(), b"demo:s3cret", "{name}");
        }
        let is_stop = name.starts_with("batch_stop");
        assert_eq!(sent.method == "DELETE", is_stop, "{name}");
    }
}
