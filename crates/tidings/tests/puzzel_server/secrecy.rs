//! Nothing of a call is logged but what it was: no password, no text, no number, no name, and of a
//! path only its form.

use std::io;
use std::sync::{Arc, Mutex};

use serde_json::json;
use tidings::puzzel::Dialect;
use tidings::puzzel::server::ServerOptions;
use tracing::Dispatch;
use tracing::subscriber::NoSubscriber;

use crate::desk::{self, Desk};
use crate::forms::{self, FORMS};
use crate::management::BASIC;
use crate::{ask, call_with, request, serve, serve_as};

#[derive(Clone, Default)]
struct Lines(Arc<Mutex<Vec<u8>>>);

impl io::Write for Lines {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[tokio::test]
async fn calls_leave_no_secret_in_the_log() {
    let lines = Lines::default();
    let writer = lines.clone();
    let subscriber = tracing_subscriber::fmt()
        .with_max_level(tracing::Level::TRACE)
        .with_ansi(false)
        .with_writer(move || writer.clone())
        .finish();
    // With one subscriber alone, whether anybody listens is asked once, by any thread.
    let _second = Dispatch::new(NoSubscriber::default());
    let _capturing = tracing::subscriber::set_default(subscriber);

    let desk = Desk::new();
    let old_style = serve_as(&desk, ServerOptions::new(Dialect::Manual));
    let mut calls = Vec::new();
    for members in [
        json!({"clientReference": "ref-314"}),
        json!({"recipient": "41000001", "content": "kode 314159"}),
        json!({"content": "kode 314159", "price": "kode 314159"}),
        json!({"content": desk::PANIC}),
    ] {
        let mut call = call_with(&members);
        call["batchReference"] = json!("batch-314");
        let mut wrong = call.clone();
        wrong["password"] = json!("guess-314");
        calls.extend([call, wrong]);
    }
    for call in &calls {
        for form in FORMS {
            ask(&serve(&desk), forms::write(form, call)).await;
            ask(&old_style, forms::write(form, call)).await;
        }
    }
    for (method, path) in [
        ("GET", "/management/1000/batch"),
        ("GET", "/management/1000/batch/batch-314?password=guess-314"),
        ("DELETE", "/mgmt/rs/service/1000/batch/batch-314"),
        ("GET", "//gw/rs/sendMessages?password=guess-314"),
        ("GET", "/nowhere/guess-314"),
    ] {
        let headers = [("authorization", BASIC)];
        ask(&serve(&desk), request(method, path, &headers, "")).await;
    }

    let log = String::from_utf8(lines.0.lock().unwrap().clone()).unwrap();
    for told in [
        "path=\"/gw/rs/sendMessages\"",
        "path=\"/mgmt/rs/service/{service_id}/batch/{*reference}\"",
        "path=\"unknown\"",
        "took 1 messages and refused 0",
        "a handler panicked",
    ] {
        assert!(log.contains(told), "{told} is not in: {log}");
    }
    for secret in [
        desk::PASSWORD,
        desk::PANIC,
        "guess-314",
        "ref-314",
        "batch-314",
        "314159",
        "41000001",
        "ZGVtbzpzM2NyZXQ",
        "Hei",
        "demo",
    ] {
        assert!(!log.contains(secret), "{secret} is in: {log}");
    }
}
