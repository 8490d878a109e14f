//! Nothing of a call is logged but what it was: no credential, no token, no text, no number, no file,
//! and of a path only its form.

use std::io;
use std::sync::{Arc, Mutex};

use serde_json::{Value, json};
use tracing::Dispatch;
use tracing::subscriber::NoSubscriber;

use crate::desk::{self, Desk, SESSION};
use crate::{API, MINE, ask, call, call_as, get, request, serve};

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

    let router = serve(&Desk::new());
    let credentials = json!({
        "client_id": "acme.app", "client_secret": desk::CLIENT_SECRET,
        "username": "200@example.test", "password": desk::PASSWORD,
    });
    let mut guess = credentials.clone();
    guess["password"] = json!("guess-314");
    let jwt = crate::jwt::sign_in(&router).await;
    let sms = json!({
        "type": "mms", "message": "code 314159", "destination": "15550101234",
        "from-number": "15550109876", "data": "iVBORw0KGgo=", "mime-type": "image/png",
    });
    let mut panicking = sms.clone();
    panicking["message"] = json!(desk::PANIC);
    let mut wrong = sms.clone();
    wrong["destination"] = json!("code 314159");
    let in_session = format!("{MINE}/messagesessions/{SESSION}/messages");
    let hook = json!({"model": "message", "post-url": "https://hooks.example.test/?k=guess-314"});
    for call in [
        call("POST", &format!("{API}/tokens"), &credentials),
        call("POST", &format!("{API}/tokens?password=guess-314"), &guess),
        call("POST", &format!("{API}/jwt"), &guess),
        call_as(&jwt.token, "GET", &format!("{API}/jwt"), &Value::Null),
        call_as("guess-314", "GET", &format!("{API}/jwt"), &Value::Null),
        call_as(desk::KEY, "GET", &format!("{API}/apikeys/~"), &Value::Null),
        call("POST", &in_session, &sms),
        call("POST", &in_session, &panicking),
        call("POST", &in_session, &wrong),
        call("POST", &format!("{MINE}/messages"), &sms),
        get(&in_session),
        get(&format!("{API}/domains/~/smsnumbers?dest=guess-314")),
        call(
            "DELETE",
            &format!("{API}/domains/~/smsnumbers/15550109876"),
            &Value::Null,
        ),
        call("POST", &format!("{API}/subscriptions"), &hook),
        get("/nowhere/guess-314"),
        request(
            "GET",
            &format!(
                "/ns-api/?object=message&action=read_media&domain=example.test&user=200&time=20260102030405&id=1&auth={}",
                desk::PROOF
            ),
            &[],
            "",
        ),
    ] {
        ask(&router, call).await;
    }

    let log = String::from_utf8(lines.0.lock().unwrap().clone()).unwrap();
    for told in [
        "path=\"/ns-api/v2/tokens\"",
        "path=\"/ns-api/v2/domains/{domain}/users/{user}/messagesessions/{id}/messages\"",
        "path=\"unknown\"",
        "took a message",
        "a handler panicked",
    ] {
        assert!(log.contains(told), "{told} is not in: {log}");
    }
    let parts: Vec<&str> = jwt.token.split('.').collect();
    for secret in [
        desk::PASSWORD,
        desk::CLIENT_SECRET,
        desk::TOKEN,
        desk::REFRESH,
        desk::KEY,
        desk::PROOF,
        desk::PANIC,
        parts[1],
        parts[2],
        "guess-314",
        "314159",
        "5550101234",
        "5550109876",
        "iVBORw0KGgo",
        "Ann Doe",
        "a@example.test",
    ] {
        assert!(!log.contains(secret), "{secret} is in: {log}");
    }
}
