//! `tidings callbacks`, and `tidings status --reports` with what it wrote.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::process::{Child, Stdio};

use tidings::callback::{Callback, CallbackRequest};
use tidings::{
    Account, ClientRef, DeliveryReport, InboundMessage, ProviderRef, ProviderSpec, Reason,
    ReportedState,
};

use crate::shell::{Carrier, Ended, Shell, signal, spec_that};

/// A running receiver.
struct Receiver {
    child: Child,
    address: String,
    path: String,
    stderr: BufReader<std::process::ChildStderr>,
}

fn spec() -> &'static ProviderSpec {
    let spec = spec_that(|can| can.reports);
    assert!(spec.parse_callback.is_some() && spec.emit_callback.is_some());
    spec
}

impl Receiver {
    fn start(shell: &Shell, arguments: &[&str], stdout: Stdio) -> Self {
        let mut command = shell.tidings(&["callbacks", "--provider", spec().id]);
        let mut child = command.args(arguments).stdout(stdout).spawn().unwrap();
        let mut stderr = BufReader::new(child.stderr.take().unwrap());
        let mut line = String::new();
        stderr.read_line(&mut line).unwrap();
        let (_, rest) = line
            .split_once("http://")
            .expect("it says where it listens");
        // The address ends its line, and the next one says how it is ended.
        let (address, path) = rest.trim_end().split_once('/').unwrap();
        let mut ending = String::new();
        stderr.read_line(&mut ending).unwrap();
        assert!(ending.ends_with("Ctrl-C ends it\n"), "{ending}");
        Self {
            child,
            address: address.to_owned(),
            path: format!("/{path}"),
            stderr,
        }
    }

    /// Makes a call and returns its status.
    fn call(&self, request: &CallbackRequest, path: &str) -> u16 {
        let query = request.query.as_deref();
        let target = query.map_or(path.to_owned(), |query| match path.split_once('?') {
            Some(_) => format!("{path}&{query}"),
            None => format!("{path}?{query}"),
        });
        let mut stream = TcpStream::connect(&self.address).unwrap();
        let mut head = format!(
            "{} {target} HTTP/1.1\r\nhost: {}\r\nconnection: close\r\ncontent-length: {}\r\n",
            request.method,
            self.address,
            request.body.len()
        );
        for (name, value) in &request.headers {
            head = head + name.as_str() + ": " + value.to_str().unwrap() + "\r\n";
        }
        stream.write_all(head.as_bytes()).unwrap();
        stream.write_all(b"\r\n").unwrap();
        stream.write_all(&request.body).unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        let status = answer.split_whitespace().nth(1);
        status.map_or(0, |status| status.parse().unwrap())
    }

    fn tell(&self, callbacks: &[Callback]) {
        let emitter = spec().emit_callback.unwrap();
        let requests = (emitter.emit)(&account(), callbacks);
        assert!(!requests.is_empty());
        for request in requests {
            assert_eq!(self.call(&request, &self.path), 200);
        }
    }

    fn stop(mut self) -> (Option<i32>, String, String) {
        signal(&self.child, "INT");
        let mut stderr = String::new();
        self.stderr.read_to_string(&mut stderr).unwrap();
        let ended: Ended = self.child.wait_with_output().unwrap().into();
        (ended.code, ended.stdout, stderr)
    }
}

/// The settings that the vendor repeats in its calls.
fn account() -> Account {
    let required = spec()
        .settings
        .iter()
        .filter(|setting| setting.is_required() && !setting.is_secret);
    required.fold(Account::new("a"), |account, setting| {
        account.with(setting.name, "1000")
    })
}

fn about(n: u8) -> ProviderRef {
    let mut about = ProviderRef::message(format!("7a000000{n:02}00"));
    about.batch = Some("batch-1".to_owned());
    about.reference = Some(ClientRef::new(format!("ref-{n}")).unwrap());
    about
}

fn report(n: u8, state: ReportedState) -> Callback {
    let report = DeliveryReport::new(about(n), state);
    Callback::Report(match state {
        ReportedState::Delivered => report,
        _ => report.reason(Reason::Expired),
    })
}

#[test]
fn every_report_and_text_is_a_line() {
    let shell = Shell::new();
    let receiver = Receiver::start(&shell, &["--json", "--path", "/hook"], Stdio::piped());
    assert_eq!(receiver.path, "/hook");
    let inbound = InboundMessage::new("7f00", "+4741000001", "1960", "DEMO hei").session("s1");
    receiver.tell(&[
        report(1, ReportedState::Delivered),
        report(2, ReportedState::Expired),
    ]);
    receiver.tell(&[Callback::Inbound(inbound)]);
    let (code, stdout, stderr) = receiver.stop();
    assert_eq!((code, stderr.as_str()), (Some(0), ""));
    let lines: Vec<serde_json::Value> = stdout
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert_eq!(lines.len(), 3, "{stdout}");
    let (delivered, expired, text) = (&lines[0], &lines[1], &lines[2]);
    assert_eq!(delivered["kind"], "report");
    assert_eq!(delivered["state"], "delivered");
    assert_eq!(delivered["ref"]["message"], "7a0000000100");
    assert_eq!(delivered["ref"]["reference"], "ref-1");
    assert!(delivered["heard_at"].is_string() && delivered["raw"].is_string());
    assert_eq!(expired["state"], "expired");
    assert_eq!(expired["reason"], "expired");
    assert_eq!(text["kind"], "inbound");
    assert_eq!(text["from"], "+4741000001");
    assert_eq!(text["to"], "1960");
    assert_eq!(text["text"], "DEMO hei");
    assert_eq!(text["session"], "s1");

    let receiver = Receiver::start(&shell, &[], Stdio::piped());
    receiver.tell(&[report(1, ReportedState::Delivered)]);
    let (_, stdout, _) = receiver.stop();
    assert!(
        stdout.contains("delivered  message 7a0000000100  reference ref-1  batch batch-1"),
        "{stdout}"
    );
}

#[test]
fn what_cannot_be_read_or_may_not_come_in_is_refused() {
    let shell = Shell::new();
    let arguments = ["--json", "--path", "/hook", "--token", "Geheimnis"];
    let receiver = Receiver::start(&shell, &arguments, Stdio::piped());
    let emitter = spec().emit_callback.unwrap();
    let good = (emitter.emit)(&account(), &[report(1, ReportedState::Delivered)]).remove(0);
    assert_eq!(receiver.call(&good, "/hook?token=Geheimnis"), 200);
    assert_eq!(receiver.call(&good, "/hook"), 403);
    assert_eq!(receiver.call(&good, "/hook?token=Geheimni"), 403);
    assert_eq!(receiver.call(&good, "/other?token=Geheimnis"), 404);
    let mut bad = good.clone();
    bad.body = "{".into();
    assert_eq!(receiver.call(&bad, "/hook?token=Geheimnis"), 400);
    bad.body = vec![b' '; 5 << 20].into();
    let mut stream = TcpStream::connect(&receiver.address).unwrap();
    // It says no before it has read everything.
    write!(
        stream,
        "POST /hook?token=Geheimnis HTTP/1.1\r\nhost: x\r\ncontent-length: {}\r\n\r\n",
        bad.body.len()
    )
    .unwrap();
    let mut answer = [0; 12];
    stream.read_exact(&mut answer).unwrap();
    assert_eq!(&answer, b"HTTP/1.1 413");
    bad.method = "PUT".parse().unwrap();
    bad.body = "".into();
    assert_eq!(receiver.call(&bad, "/hook?token=Geheimnis"), 405);
    let (code, stdout, stderr) = receiver.stop();
    assert_eq!(code, Some(0));
    assert_eq!(stdout.lines().count(), 1, "{stdout}");
    assert_eq!(stderr.lines().count(), 6, "{stderr}");
    assert!(
        stderr
            .lines()
            .all(|line| line.starts_with("refused: the call")),
        "{stderr}"
    );
    assert!(!stderr.contains("Geheim"), "{stderr}");
}

#[test]
fn what_cannot_be_written_is_not_acknowledged() {
    let shell = Shell::new();
    let mut receiver = Receiver::start(&shell, &["--json"], Stdio::piped());
    drop(receiver.child.stdout.take());
    let emitter = spec().emit_callback.unwrap();
    let call = (emitter.emit)(&account(), &[report(1, ReportedState::Delivered)]).remove(0);
    assert_ne!(receiver.call(&call, "/"), 200);
    assert_eq!(receiver.child.wait().unwrap().code(), Some(141));
}

#[test]
fn a_provider_that_does_not_call_back_says_so() {
    let mut specs = tidings::providers::ALL.iter();
    let silent = specs.find(|spec| spec.parse_callback.is_none());
    let spec = silent.expect("some provider does not call");
    let shell = Shell::new();
    let ended = shell.run(&["callbacks", "--provider", spec.id]);
    let told = &ended.exited_with(21).stderr;
    assert!(
        told.contains("does not call its customer's server"),
        "{told}"
    );
    shell.run(&["callbacks"]).exited_with(23);
}

#[test]
fn status_reads_what_was_received() {
    let mut shell = Shell::new();
    shell.add_account(spec(), &account());
    for setting in spec().settings.iter().filter(|setting| setting.is_secret) {
        let name = crate::shell::variable_of(spec(), setting.name);
        shell.set(&name, "a-secret");
    }
    let file = std::fs::File::create(shell.path("reports.jsonl")).unwrap();
    let receiver = Receiver::start(&shell, &["--json"], file.into());
    receiver.tell(&[
        report(1, ReportedState::Delivered),
        report(2, ReportedState::Expired),
    ]);
    // It comes late and says less.
    receiver.tell(&[report(1, ReportedState::Expired)]);
    receiver.stop();
    let reference = serde_json::to_string(&about(2)).unwrap();
    let status = [
        "status",
        "--provider",
        spec().id,
        "--reports",
        "reports.jsonl",
        "7a0000000100",
        &reference,
    ];
    // Nobody is asked: there is nobody at this account's address.
    let ended = shell.run(&[&status[..], &["--json", "--watch"]].concat());
    let lines = ended.succeeded().json();
    let states: Vec<_> = lines.iter().map(|line| line["state"].as_str()).collect();
    assert_eq!(states, [Some("delivered"), Some("expired")]);
    let table = shell.run(&status).succeeded().stdout.clone();
    assert!(
        table.contains("delivered") && table.contains("expired"),
        "{table}"
    );
    let missing = ["status", "--provider", spec().id, "--reports", "none", "1"];
    shell.run(&missing).exited_with(5);
}

#[test]
fn what_a_carrier_reports_ends_a_campaign_also_where_an_answer_was_lost() {
    let shell = Shell::new();
    let file = std::fs::File::create(shell.path("reports.jsonl")).unwrap();
    let receiver = Receiver::start(&shell, &["--json"], file.into());
    let url = format!("http://{}/", receiver.address);
    let scenario = "delays = { sent_ms = 1, delivered_ms = 2 }\n\
                    [[fail]]\nto = \"+4741000002\"\nreason = \"recipient_unreachable\"\n\
                    [[fault]]\ncall = \"submit\"\nto = \"+4741000003\"\ndrop = { when = \"after\" }\n";
    let carrier = Carrier::built(spec(), scenario, |builder| builder.callback_url(url));
    let sender = Shell::beside(&carrier);
    let reports = shell.path("reports.jsonl");
    sender.write("people.csv", "to\n+4741000001\n+4741000002\n+4741000003\n");
    let send = ["send", "--csv", "people.csv", "--template", "Hei"];
    sender.run(&send).exited_with(4);
    let status = [
        "status",
        "--journal",
        "people.csv.tidings-journal",
        "--reports",
        reports.to_str().unwrap(),
        "--json",
    ];
    let watched = sender.run(&[&status[..], &["--watch"]].concat());
    watched.succeeded();
    // The report on the message whose answer was lost may come a moment after the others.
    let ended = loop {
        let lines = sender.run(&status).succeeded().json();
        if lines.len() == 3 {
            break lines;
        }
        std::thread::yield_now();
    };
    let states: Vec<_> = ended.iter().map(|line| line["state"].as_str()).collect();
    assert_eq!(
        states,
        [Some("delivered"), Some("undelivered"), Some("delivered")]
    );
    assert_eq!(ended[1]["reason"], "recipient_unreachable");
    receiver.stop();
}
