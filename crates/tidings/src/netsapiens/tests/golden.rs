//! Every exchange is read and written again: what we write is what the contract's example says, but
//! for what its servers write in a form of their own (numbers for texts, `null` for what is not set).

use std::collections::BTreeSet;
use std::fmt::Debug;

use serde::Serialize;
use serde_json::{Map, Value};

use super::exchanges::{Exchange, exchanges};
use crate::netsapiens::wire::{self, Destination, Document, Rows, SendMessage, SentMessage};

/// All endpoints of sections 1 to 4 of the contract, as far as they are served.
const ENDPOINTS: &[&str] = &[
    "DELETE /domains/{}/smsnumbers/{}",
    "DELETE /domains/{}/subscriptions/{}",
    "DELETE /domains/{}/users/{}/messagesessions/{}",
    "DELETE /jwt",
    "DELETE /jwt/{}",
    "DELETE /subscriptions/{}",
    "GET /apikeys/~",
    "GET /domains/{}/calls",
    "GET /domains/{}/calls/count",
    "GET /domains/{}/messagesessions",
    "GET /domains/{}/smsnumbers",
    "GET /domains/{}/subscriptions",
    "GET /domains/{}/users/{}/calls",
    "GET /domains/{}/users/{}/calls/{}",
    "GET /domains/{}/users/{}/messagesessions",
    "GET /domains/{}/users/{}/messagesessions/{}",
    "GET /domains/{}/users/{}/messagesessions/{}/messages",
    "GET /domains/{}/users/{}/smsnumbers",
    "GET /domains/{}/users/{}/smsnumbers/count",
    "GET /jwt",
    "GET /smsnumbers",
    "GET /subscriptions",
    "GET /subscriptions/{}",
    "GET /version",
    "POST /domains/{}/smsnumbers",
    "POST /domains/{}/subscriptions",
    "POST /domains/{}/users/{}/calls",
    "POST /domains/{}/users/{}/messages",
    "POST /domains/{}/users/{}/messagesessions/{}/messages",
    "POST /jwt",
    "POST /ns-api/oauth2/token/",
    "POST /subscriptions",
    "POST /tokens",
    "PUT /domains/{}/smsnumbers/{}",
    "PUT /domains/{}/subscriptions/{}",
    "PUT /domains/{}/users/{}/messagesessions/{}",
    "PUT /domains/{}/users/{}/messagesessions/{}/leave",
    "PUT /subscriptions/{}",
];

#[test]
fn every_endpoint_has_an_exchange() {
    let exchanges = exchanges();
    assert_eq!(exchanges.len(), 75);
    let seen: BTreeSet<String> = exchanges.values().map(endpoint).collect();
    let expected: BTreeSet<String> = ENDPOINTS.iter().map(ToString::to_string).collect();
    assert_eq!(seen, expected);
}

#[test]
fn every_request_is_read_and_written_again() {
    for (name, exchange) in exchanges() {
        let (body, query) = (exchange.request.body(), query(&exchange).to_owned());
        let content_type = exchange.request.headers.get("content-type");
        let is_form = content_type.is_some_and(|form| form.ends_with("urlencoded"));
        let endpoint = endpoint(&exchange);
        match endpoint.as_str() {
            _ if is_form => check_form(&name, &body),
            "POST /tokens" if body.is_empty() => check_form(&name, &query),
            _ if body.is_empty() => {}
            "POST /tokens" | "POST /jwt" => check_request::<wire::TokenRequest>(&name, &body),
            _ if endpoint.ends_with("/messages") => check_send(&name, &body),
            "PUT /domains/{}/users/{}/messagesessions/{}" => {
                check_request::<wire::ChangeSession>(&name, &body);
            }
            _ if endpoint.contains("/smsnumbers") => {
                check_request::<wire::NumberAssignment>(&name, &body);
            }
            _ if endpoint.starts_with("POST") && endpoint.ends_with("/subscriptions") => {
                check_request::<wire::CreateSubscription>(&name, &body);
            }
            _ if endpoint.ends_with("/subscriptions/{}") => {
                check_request::<wire::ChangeSubscription>(&name, &body);
            }
            "POST /domains/{}/users/{}/calls" => check_request::<wire::NewCall>(&name, &body),
            _ => panic!("{name}: {endpoint} has a body"),
        }
    }
}

#[test]
fn every_answer_is_read_and_written_again() {
    for (name, exchange) in exchanges() {
        let endpoint = endpoint(&exchange);
        let body = exchange.answer.body();
        match endpoint.as_str() {
            _ if exchange.answer.status != 200 || name.ends_with(".accepted") => {
                check_answer::<wire::Said>(&name, &body);
            }
            "POST /tokens" | "POST /ns-api/oauth2/token/" => {
                check_answer::<wire::TokenAnswer>(&name, &body);
            }
            "POST /jwt" => check_answer::<wire::JwtAnswer>(&name, &body),
            "GET /jwt" => check_answer::<wire::Claims>(&name, &body),
            "GET /apikeys/~" => check_answer::<wire::ApiKey>(&name, &body),
            "GET /version" => check_answer::<wire::Version>(&name, &body),
            _ if endpoint.ends_with("/count") => check_answer::<wire::Total>(&name, &body),
            _ if endpoint.ends_with("/messages") => check_rows::<wire::Message>(&name, &body),
            _ if endpoint.contains("/messagesessions") => {
                check_rows::<wire::MessageSession>(&name, &body);
            }
            _ if endpoint.contains("/smsnumbers") => check_rows::<wire::SmsNumber>(&name, &body),
            _ if endpoint.contains("/subscriptions") => {
                check_rows::<wire::Subscription>(&name, &body);
            }
            _ if endpoint.contains("/calls") => check_rows::<wire::ActiveCall>(&name, &body),
            _ => panic!("{name}: {endpoint}"),
        }
    }
}

/// The older spellings are the same sessions and calls.
#[test]
fn other_spellings_say_the_same() {
    let exchanges = exchanges();
    let sessions = |name: &str| {
        let body = exchanges[name].answer.body();
        let mut rows: Rows<wire::MessageSession> = wire::read(body.as_bytes()).unwrap();
        for row in &mut rows.0 {
            let started = &mut row.messagesession_start_datetime;
            for time in [started, &mut row.messagesession_last_datetime] {
                let at = wire::time::read("time", time).unwrap().unwrap();
                *time = wire::time::write(at).into();
            }
        }
        rows
    };
    let expected = sessions("sessions.user");
    assert_eq!(sessions("sessions.user.timestamps"), expected);
    assert_eq!(sessions("sessions.user.one_row"), expected);
    assert_eq!(sessions("session.one"), expected);
    let calls = |name: &str| -> Rows<wire::ActiveCall> {
        wire::read(exchanges[name].answer.body().as_bytes()).unwrap()
    };
    assert_eq!(calls("calls.user.older"), calls("calls.user"));
    let sent = |name: &str| -> SentMessage {
        wire::read(exchanges[name].request.body().as_bytes()).unwrap()
    };
    assert_eq!(sent("send.older.from_num"), sent("send.sms"));
    assert_eq!(sent("send.older.from_num_v1"), sent("send.sms"));
    assert_eq!(sent("send.python").size, sent("send.mms").size);
}

#[track_caller]
fn check_request<T: Document + Serialize + PartialEq + Debug>(name: &str, body: &str) {
    let document: T = wire::read(body.as_bytes()).unwrap_or_else(|error| panic!("{name}: {error}"));
    let written = serde_json::to_value(&document).unwrap();
    assert_eq!(written, json(body), "{name}");
}

#[track_caller]
fn check_form(name: &str, form: &str) {
    let document: wire::TokenRequest = wire::read_form(form.as_bytes()).unwrap();
    let written = serde_json::to_value(&document).unwrap();
    let pairs = form_urlencoded::parse(form.as_bytes()).into_owned();
    let said: Map<String, Value> = pairs
        .filter(|(name, _)| name != "format")
        .map(|(name, value)| (name, value.into()))
        .collect();
    assert_eq!(written, Value::Object(said), "{name}");
}

/// As it is read by the server and written by the client.
#[track_caller]
fn check_send(name: &str, body: &str) {
    let sent: SentMessage = wire::read(body.as_bytes()).unwrap();
    if name.contains(".older") || name.contains(".python") || name.ends_with(".no_message") {
        return;
    }
    let media = sent.content().unwrap().map(|content| {
        assert_eq!(sent.size, i64::try_from(content.len()).unwrap().into());
        tidings_core::Media::new(sent.mime_type.0.as_str(), content).unwrap()
    });
    let mut message = SendMessage::new(&sent.kind.0, &sent.message.0);
    message.from_number = sent.from_number.get();
    message.destination = match sent.destination.0.as_slice() {
        [] => None,
        [one] if !body.contains('[') => Some(Destination::One(one)),
        several => Some(Destination::Several(several)),
    };
    if let Some(media) = &media {
        message.attach(media);
    }
    let written = wire::write_send(&message);
    assert_eq!(std::str::from_utf8(&written).unwrap(), body, "{name}");
}

#[track_caller]
fn check_answer<T: Document + Serialize + PartialEq + Debug>(name: &str, body: &str) {
    let document: T = wire::read(body.as_bytes()).unwrap_or_else(|error| panic!("{name}: {error}"));
    let written = serde_json::to_string(&document).unwrap();
    assert_eq!(plain(json(&written)), plain(json(body)), "{name}");
    assert_eq!(wire::read::<T>(written.as_bytes()), Ok(document), "{name}");
}

#[track_caller]
fn check_rows<T: Document + Serialize + PartialEq + Debug>(name: &str, body: &str) {
    let rows: Rows<T> =
        wire::read(body.as_bytes()).unwrap_or_else(|error| panic!("{name}: {error}"));
    assert!(!rows.0.is_empty(), "{name}");
    let written = serde_json::to_string(&rows).unwrap();
    assert_eq!(
        wire::read::<Rows<T>>(written.as_bytes()),
        Ok(rows),
        "{name}"
    );
    let said = match json(body) {
        row @ Value::Object(_) => Value::Array(vec![row]),
        rows => rows,
    };
    if !name.contains(".older") {
        assert_eq!(plain(json(&written)), plain(said), "{name}");
    }
}

/// Without what is not set, with texts for numbers, and under the names of the schema.
fn plain(value: Value) -> Value {
    match value {
        Value::Object(members) => {
            let members = members.into_iter().map(|(name, member)| {
                let name = name.trim_end().replace("-timestamp", "-datetime");
                (
                    name.replace("server_preferred", "preferred-server"),
                    plain(member),
                )
            });
            let is_set = |member: &Value| !member.is_null() && member != "";
            Value::Object(members.filter(|(_, member)| is_set(member)).collect())
        }
        Value::Array(items) => Value::Array(items.into_iter().map(plain).collect()),
        Value::Bool(true) => "yes".into(),
        Value::Bool(false) => "no".into(),
        Value::String(text) if text == "false" => "no".into(),
        Value::Number(number) => number.to_string().into(),
        text @ (Value::String(_) | Value::Null) => text,
    }
}

fn json(body: &str) -> Value {
    serde_json::from_str(body).unwrap()
}

fn query(exchange: &Exchange) -> &str {
    let target = &exchange.request.target;
    target.split_once('?').map_or("", |(_, query)| query)
}

/// The method and the path below the base, with `{}` for what is from outside.
fn endpoint(exchange: &Exchange) -> String {
    let request = &exchange.request;
    let path = request.target.split('?').next().unwrap();
    let path = path.strip_prefix("/ns-api/v2").unwrap_or(path);
    let mut shape = vec![request.method.clone() + " "];
    let mut before = "";
    for part in path.split('/').skip(1) {
        let is_collection = matches!(
            before,
            "domains"
                | "users"
                | "messagesessions"
                | "smsnumbers"
                | "subscriptions"
                | "calls"
                | "jwt"
        );
        let shown = if is_collection && part != "count" {
            "{}"
        } else {
            part
        };
        shape.push(format!("/{shown}"));
        before = if shown == "{}" { "" } else { part };
    }
    shape.concat()
}
