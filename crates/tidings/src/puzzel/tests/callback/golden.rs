//! The golden calls in `testdata/callbacks/`, each naming its source: read, said in neutral words, and
//! written again.

use std::collections::BTreeMap;
use std::path::Path;

use serde::Deserialize;
use serde_json::value::RawValue;
use tidings_core::{ClientRef, Reason, ReportedState};

use super::{account, body, inbound_of, json, report_of, xml};
use crate::callback::{Callback, CallbackRequest};
use crate::puzzel::callback::{Form, emit, parse, receive, write_messages, write_reports};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Call {
    #[serde(rename = "call")]
    name: String,
    form: String,
    source: String,
    read_on: String,
    #[expect(dead_code, reason = "for readers of the file")]
    note: Option<String>,
    document: Option<Box<RawValue>>,
    body: Option<String>,
    query: Option<String>,
}

impl Call {
    fn named(name: &str) -> Self {
        calls().remove(name).unwrap()
    }

    fn request(&self) -> CallbackRequest {
        match self.form() {
            Form::Json => json(self.text()),
            Form::Xml => xml(self.text()),
            Form::Get => CallbackRequest::get(self.text()),
        }
    }

    fn form(&self) -> Form {
        self.form.parse().unwrap()
    }

    fn text(&self) -> &str {
        let document = self.document.as_ref().map(|document| document.get());
        let text = document.or(self.body.as_deref()).or(self.query.as_deref());
        text.unwrap()
    }
}

fn calls() -> BTreeMap<String, Call> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/puzzel/testdata/callbacks");
    let files = std::fs::read_dir(folder).unwrap();
    let call = |file: std::io::Result<std::fs::DirEntry>| {
        let path = file.unwrap().path();
        let name = path.file_stem().unwrap().to_str().unwrap().to_owned();
        let text = std::fs::read_to_string(&path).unwrap();
        let call = serde_json::from_str(&text);
        (
            name.clone(),
            call.unwrap_or_else(|error| panic!("{name}: {error}")),
        )
    };
    files.map(call).collect()
}

#[test]
fn every_call_is_there_in_every_form_and_has_a_source() {
    let calls = calls();
    let forms: Vec<(&str, &str)> = calls
        .values()
        .map(|call| (call.name.as_str(), call.form.as_str()))
        .collect();
    let expected = [
        ("delivery_report", "get"),
        ("delivery_report", "json"),
        ("delivery_report", "xml"),
        ("incoming_message", "get"),
        ("incoming_message", "json"),
        ("incoming_message", "xml"),
    ];
    assert_eq!(forms, expected);
    for (name, call) in &calls {
        assert!(call.source.contains("PuzzelSolutions/SMS"), "{name}");
        assert_eq!(call.read_on.len(), "2026-11-22".len(), "{name}");
    }
}

#[test]
fn the_vendors_fields_are_read_and_written_to_the_same_bytes() {
    for (name, call) in calls() {
        let received = receive(&call.request()).unwrap();
        assert_eq!(received.unreadable, [], "{name}");
        let mut written = write_reports(call.form(), &received.reports);
        written.extend(write_messages(call.form(), &received.messages));
        let [written] = written.as_slice() else {
            panic!("{name}: {} calls", written.len());
        };
        match call.form() {
            Form::Json | Form::Xml => assert_eq!(body(written), call.text(), "{name}"),
            // The order of the parameters and their names are the customer's.
            Form::Get => assert_eq!(receive(written).unwrap(), received, "{name}"),
        }
    }
}

/// All that goes over into neutral words comes back. What does not, the second at which the
/// operator had a message, is written as the second at which the gateway had it.
#[test]
fn neutral_words_are_written_to_the_same_document() {
    for (name, call) in calls() {
        let told = parse(&call.request()).unwrap();
        let written = emit(&account(call.form()), &told);
        let [written] = written.as_slice() else {
            panic!("{name}: {} calls", written.len());
        };
        let expected = call.text().replace("08:59:58", "09:00:00");
        match call.form() {
            Form::Json | Form::Xml => assert_eq!(body(written), expected, "{name}"),
            Form::Get => {
                let expected = expected.replace("08%3A59%3A58", "09%3A00%3A00");
                let mut expected = receive(&CallbackRequest::get(expected)).unwrap();
                for message in &mut expected.messages {
                    message.extra.clear();
                }
                assert_eq!(receive(written).unwrap(), expected, "{name}");
            }
        }
    }
}

#[test]
fn a_delivery_report_is_understood() {
    for name in ["delivery_report.json", "delivery_report.get"] {
        let told = parse(&Call::named(name).request()).unwrap();
        let [report] = told.as_slice() else {
            panic!("{name}: {told:?}");
        };
        let report = report_of(report);
        assert_eq!(report.about.message.as_deref(), Some("7a0000000a00"));
        assert_eq!(report.about.batch.as_deref(), Some("batch-1"));
        assert_eq!(report.about.reference, ClientRef::new("ref-1").ok());
        assert_eq!(report.state, ReportedState::Delivered);
        assert_eq!(report.reason, None);
        assert_eq!(report.raw.as_deref(), Some("0/0"));
        let sentence = "OK. Message processed successfully.";
        assert_eq!(report.detail.as_deref(), Some(sentence));
    }
    let told = parse(&Call::named("delivery_report.xml").request()).unwrap();
    let report = report_of(&told[0]);
    assert_eq!(report.state, ReportedState::Expired);
    assert_eq!(report.reason, Some(Reason::Expired));
    assert_eq!(report.raw.as_deref(), Some("361/1"));
}

#[test]
fn an_incoming_message_is_understood() {
    for name in [
        "incoming_message.json",
        "incoming_message.xml",
        "incoming_message.get",
    ] {
        let told = parse(&Call::named(name).request()).unwrap();
        let [Callback::Inbound(message)] = told.as_slice() else {
            panic!("{name}: {told:?}");
        };
        assert_eq!(message.id, "7a0000000f00");
        assert_eq!(message.from, "+4700000001");
        assert_eq!(message.to, "1960");
        assert_eq!(&*message.text, "DEMO hei");
        assert_eq!(message.keyword.as_deref(), Some("DEMO"));
        assert_eq!(message.session, None);
        // Nine o'clock in Oslo, before its clocks change in 2026.
        let expected = "2026-03-21T08:00:00Z".parse().unwrap();
        assert_eq!(message.received_at, Some(expected));
    }
    let told = parse(&Call::named("incoming_message.json").request()).unwrap();
    assert!(!format!("{:?}", inbound_of(&told[0])).contains("4700000001"));
}
