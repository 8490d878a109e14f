//! The example that is a web application: programs send through it, its provider calls it, and it runs
//! until it is stopped.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::process::{Child, ChildStdout, Stdio};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use tidings::{ProviderSpec, providers};
use tidings_sim::PhoneText;
use tidings_tests::{Answer, Carrier, Recorder};

use super::neutral::{check_bad_files, start_telling};
use super::{GOOD_DAY, account_file, command, run, wrong_account_file};

const REPORTS: &str = "receive_reports";
const MESSAGE: &str = r#"{"to":"+224622000001","text":"Bonjour"}"#;

/// The application, until it is dropped.
struct Application {
    process: Child,
    printed: BufReader<ChildStdout>,
    address: String,
}

impl Application {
    fn start(account: Option<&str>) -> Self {
        let mut process = command(REPORTS)
            .arg("127.0.0.1:0")
            .args(account)
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut printed = BufReader::new(process.stdout.take().unwrap());
        let mut line = String::new();
        printed.read_line(&mut line).unwrap();
        let address = line.trim().strip_prefix("listening on http://");
        let address = address.unwrap_or_else(|| panic!("{line:?}")).to_owned();
        Self {
            process,
            printed,
            address,
        }
    }

    /// Status and body of an answer.
    fn call(&self, head: &str, body: &str) -> (u16, String) {
        call(&self.address, head, "application/json", body)
    }

    /// Reads what it prints until this is in it.
    fn wait_for(&mut self, expected: &str) {
        let mut line = String::new();
        while !line.contains(expected) {
            line.clear();
            let n_bytes = self.printed.read_line(&mut line).unwrap();
            assert!(n_bytes > 0, "it ended and never printed {expected:?}");
        }
    }
}

impl Drop for Application {
    fn drop(&mut self) {
        self.process.kill().ok();
        self.process.wait().ok();
    }
}

fn call(address: &str, head: &str, content_type: &str, body: &str) -> (u16, String) {
    let length = body.len();
    let head = format!("{head} HTTP/1.1\r\nHost: {address}\r\nConnection: close");
    let body = format!("Content-Type: {content_type}\r\nContent-Length: {length}\r\n\r\n{body}");
    let mut stream = TcpStream::connect(address).unwrap();
    write!(stream, "{head}\r\n{body}").unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    let status = answer.get(9..12).and_then(|status| status.parse().ok());
    let body = answer
        .split_once("\r\n\r\n")
        .map(|(_, body)| body.to_owned());
    (status.unwrap(), body.unwrap())
}

/// A carrier that calls the application which is set later: the carrier has to know the address when it
/// starts, and the application the carrier's account.
async fn start(spec: &'static ProviderSpec) -> (Carrier, Recorder, Arc<OnceLock<String>>) {
    let application = Arc::<OnceLock<String>>::default();
    let called = Arc::clone(&application);
    let door = Recorder::answering(move |recorded| {
        let Some(address) = called.get() else {
            return Answer::status(503);
        };
        let head = recorded.call.replacen('/', "/callbacks", 1);
        let content_type = recorded.header("content-type").unwrap_or("text/plain");
        Answer::status(call(address, &head, content_type, &recorded.body).0)
    });
    let carrier = start_telling(spec, GOOD_DAY, &door).await;
    (carrier, door, application)
}

#[test]
fn an_application_sends_by_memory_as_written() {
    let application = Application::start(None);
    let (status, reference) = application.call("POST /messages", MESSAGE);
    assert_eq!((status, reference.is_empty()), (202, false));
    let no_number = r#"{"to":"12345","text":"Bonjour"}"#;
    assert_eq!(application.call("POST /messages", no_number).0, 422);
    assert_eq!(application.call("GET /messages/nobody/end", "").0, 404);
    // A provider in memory calls nobody.
    assert_eq!(application.call("POST /callbacks", "{}").0, 404);
    check_bad_files(REPORTS, &["127.0.0.1:0"]);
    run(REPORTS, &["no address"]).failed_with(&["Error: "]);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_application_is_told_by_its_provider_as_written() {
    for spec in providers::ALL {
        let (carrier, _door, called) = start(spec).await;
        let account = account_file("reports", spec, &carrier);
        let mut application = Application::start(Some(&account));
        called.set(application.address.clone()).unwrap();

        let (status, reference) = application.call("POST /messages", MESSAGE);
        assert_eq!(status, 202, "{reference}");
        let arrived = carrier.simulator.world().messages();
        assert_eq!(arrived.len(), 1, "{arrived:?}");

        // Whoever waits for the end is woken by the report, where one is sent.
        carrier.clock.advance(Duration::from_mins(1));
        if spec.capabilities.tells_delivery {
            let (status, report) = application.call(&format!("GET /messages/{reference}/end"), "");
            assert_eq!(status, 200, "{report}");
            assert!(report.contains("\"state\":\"delivered\""), "{report}");
        }
        if spec.capabilities.reports {
            application.wait_for(" is delivered");
        }
        if spec.parse_callback.is_some() {
            let text = PhoneText::new(arrived[0].to, "Merci");
            carrier.simulator.world().receive(text).await.unwrap();
            carrier.simulator.post_events().await;
            application.wait_for(" wrote 5 bytes");
            assert_eq!(application.call("POST /callbacks", "no JSON").0, 400);
        } else {
            assert_eq!(application.call("POST /callbacks", "{}").0, 404);
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_application_says_what_failed_as_written() {
    for spec in providers::ALL {
        let (carrier, _door, _) = start(spec).await;
        let wrong = wrong_account_file("reports-wrong", spec, &carrier);
        let application = Application::start(Some(&wrong));
        let (status, why) = application.call("POST /messages", MESSAGE);
        assert_eq!((status, why.is_empty()), (503, false), "{why}");
        assert_eq!(carrier.simulator.world().messages(), []);
    }
}
