//! The golden exchanges over TCP: every request as the file has it, every answer as the file has it,
//! but for what the vendor's servers write in a form of their own.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use serde::Deserialize;
use serde_json::{Map, Value};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use crate::desk::{self, Desk};
use crate::serve_as;

#[derive(Deserialize)]
struct Exchange {
    request: Asked,
    answer: Answered,
}

#[derive(Deserialize)]
struct Asked {
    method: String,
    target: String,
    headers: BTreeMap<String, String>,
    #[serde(default)]
    body: Value,
}

#[derive(Deserialize)]
struct Answered {
    status: u16,
    #[serde(default)]
    body: Value,
}

/// What the server is never asked or never says, each with the reason.
const LEFT_OUT: &[&str] = &[
    // An older server's rows. Ours has the present names.
    "calls.user.older",
    // 403 for a domain that is not there; ours says 404, as another source does.
    "refused.domain",
    // A list of one without its brackets: what some servers do, and no server should.
    "sessions.user.one_row",
];

#[tokio::test]
async fn every_exchange_is_answered_as_it_is_written() {
    let (mut checked, mut differing) = (0, Vec::new());
    for (name, exchange) in exchanges() {
        if !LEFT_OUT.contains(&name.as_str()) {
            differing.extend(check(&name, &exchange).await);
            checked += 1;
        }
    }
    assert!(differing.is_empty(), "{}", differing.join("\n"));
    assert_eq!(checked, 75 - LEFT_OUT.len());
}

/// What differs.
async fn check(name: &str, exchange: &Exchange) -> Option<String> {
    let desk = Desk::new();
    let mut settings = vec![];
    prepare(name, &desk, &mut settings);
    let router = serve_as(&desk, &settings);
    let socket = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = socket.local_addr().unwrap();
    let served = axum::serve(socket, router).into_future();
    let mut asked = exchange
        .request
        .clone_with(&jwts(name, &desk, &settings).await);
    asked
        .headers
        .insert("host".to_owned(), "core1.example.test".to_owned());
    let (status, body) = tokio::select! {
        answer = send(address, &asked) => answer,
        end = served => panic!("the server ended: {end:?}"),
    };
    let (mut expected, mut said) = (exchange.answer.body.clone(), body);
    let changing = ["token", "refresh", "exp", "iat", "jti", "mask_chain"];
    if name.starts_with("jwt.") {
        // What a token says is checked in `jwt.rs`.
        drop_members(&mut expected, &changing);
        drop_members(&mut said, &changing);
    }
    if name.starts_with("apikey.") {
        // What only the keeper of keys knows.
        let unknown = [
            "ip-address",
            "can-create-keys",
            "allowed-models",
            "created-datetime",
            "lastused-datetime",
        ];
        drop_members(&mut expected, &unknown);
    }
    if name.starts_with("call") {
        // What a telephone exchange has and a backend has not.
        let unknown = [
            "call-orig-name",
            "call-term-user",
            "call-term-domain",
            "call-term-uri",
            "call-term-call-id",
            "call-orig-info",
            "term-orig-info",
            "call-audio-codec",
        ];
        drop_members(&mut expected, &unknown);
        drop_members(&mut said, &unknown);
    }
    if name == "calls.count" {
        expected["total"] = 1.into();
    }
    if name == "token.legacy" {
        expected["scope"] = "Basic User".into();
        expected["legacy_expires_days"] = 0.into();
    }
    if name == "subscription.exists" {
        expected["code"] = 409.into();
    }
    if name == "jwt.claims" {
        expected["time_out"] = 3_600_000.into();
        expected["user_email"] = "a@example.test".into();
    }
    let is_part = name == "token.legacy";
    let (expected, said) = (plain(&expected), plain(&said));
    let said = part(&expected, said, is_part);
    let expected_status = match name {
        // The file has the one source's 200 with the other's body.
        "send.new_session.accepted" => 202,
        _ => exchange.answer.status,
    };
    if (status, &said) == (expected_status, &expected) {
        None
    } else {
        Some(format!(
            "{name}: {status} {said}
  instead of {expected}"
        ))
    }
}

/// What a scene needs of the desk and of the settings.
fn prepare(name: &str, desk: &Desk, settings: &mut Vec<(&str, &str)>) {
    use tidings::backend::Refusal;
    match name {
        "token.mfa_challenge" => desk.want_second_step(),
        "token.not_served" => desk.refuse_sign_ins(),
        "subscription.exists" => desk.refuse(Refusal::Duplicate),
        "refused.expired" => desk.refuse(Refusal::Expired),
        "refused.rights" => desk.refuse(Refusal::Forbidden {
            what: "this".to_owned(),
        }),
        "refused.no_route" => desk.refuse(Refusal::Unsupported),
        "sessions.user.timestamps" | "send.new_session" => {
            settings.push(("times", "timestamp"));
        }
        "messages.list" => {
            settings.push(("times", "timestamp"));
            settings.push(("public_url", "https://core1.example.test"));
        }
        "jwt.claims" => settings.push(("api_version", "45.0.0")),
        _ if name.ends_with(".accepted") => settings.push(("send_answer", "accepted")),
        _ => {}
    }
    settings.push(("jwt_secret", "golden-golden-golden-golden-golden"));
}

/// The tokens of the files are signed by somebody else: these take their places.
async fn jwts(name: &str, desk: &Arc<Desk>, settings: &[(&str, &str)]) -> Vec<(String, String)> {
    if !name.starts_with("jwt.") {
        return Vec::new();
    }
    let pair = crate::jwt::sign_in(&serve_as(desk, settings)).await;
    vec![
        (
            "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIyMDBAZXhhbXBsZS50ZXN0In0.c2lnbmF0dXJl".to_owned(),
            pair.token,
        ),
        (
            "eyJhbGciOiJIUzI1NiJ9.eyJqdGkiOiJyIn0.c2lnbmF0dXJl".to_owned(),
            pair.refresh,
        ),
    ]
}

impl Asked {
    fn clone_with(&self, replaced: &[(String, String)]) -> Self {
        let new = |text: &str| {
            let mut text = text.to_owned();
            for (from, to) in replaced {
                text = text.replace(from, to);
            }
            text
        };
        let headers = self.headers.iter();
        Self {
            method: self.method.clone(),
            target: self.target.clone(),
            headers: headers
                .map(|(name, value)| (name.clone(), new(value)))
                .collect(),
            body: match &self.body {
                Value::Null => Value::Null,
                body => serde_json::from_str(&new(&body.to_string())).unwrap(),
            },
        }
    }
}

async fn send(address: std::net::SocketAddr, asked: &Asked) -> (u16, Value) {
    let body = match &asked.body {
        Value::Null => String::new(),
        Value::String(form) => form.clone(),
        body => body.to_string(),
    };
    let mut head = format!("{} {} HTTP/1.1\r\n", asked.method, asked.target);
    for (name, value) in &asked.headers {
        head.extend([name, ": ", value, "\r\n"]);
    }
    let length = body.len().to_string();
    head.extend([
        "content-length: ",
        &length,
        "
connection: close

",
    ]);
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.write_all(head.as_bytes()).await.unwrap();
    stream.write_all(body.as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    let status = head.split(' ').nth(1).unwrap().parse().unwrap();
    (status, serde_json::from_str(body).unwrap())
}

fn drop_members(value: &mut Value, names: &[&str]) {
    match value {
        Value::Array(rows) => rows.iter_mut().for_each(|row| drop_members(row, names)),
        Value::Object(members) => members.retain(|name, _| !names.contains(&name.as_str())),
        _ => {}
    }
}

/// The value with what the vendor's servers write in several forms in one: `null` and `false` for
/// texts, numbers for texts, blanks at the ends of names, which program a message came from, and
/// the older name of a member.
fn plain(value: &Value) -> Value {
    match value {
        Value::Array(rows) => rows.iter().map(plain).collect(),
        Value::Object(members) => {
            let mut all = Map::new();
            for (name, value) in members {
                let name = match name.trim_end() {
                    "server_preferred" => "preferred-server",
                    name => name,
                };
                let value = match (name, value) {
                    ("from-user-agent", _) => continue,
                    ("mms-capable" | "group-mms-capable", Value::String(text)) => {
                        Value::from(text == "true" || text == "yes").to_string()
                    }
                    // A file's address ends with the secret that the desk drew.
                    ("file-access-url", Value::String(url)) => {
                        url.replace(desk::PROOF, desk::TOKEN)
                    }
                    (_, Value::Null) => String::new(),
                    (_, Value::String(text)) => match text.strip_suffix("+00:00") {
                        Some(time) => time.replace('T', " "),
                        None => text.clone(),
                    },
                    (_, other) => other.to_string(),
                };
                all.insert(name.to_owned(), value.into());
            }
            all.into()
        }
        other => other.clone(),
    }
}

/// Of a larger document what the expected one has.
fn part(expected: &Value, said: Value, is_part: bool) -> Value {
    match (expected, said) {
        (Value::Object(expected), Value::Object(mut said)) if is_part => {
            said.retain(|name, _| expected.contains_key(name));
            said.into()
        }
        (_, said) => said,
    }
}

fn exchanges() -> BTreeMap<String, Exchange> {
    let folder: PathBuf = [
        env!("CARGO_MANIFEST_DIR"),
        "src/netsapiens/testdata/exchanges",
    ]
    .iter()
    .collect();
    let files = std::fs::read_dir(folder)
        .unwrap()
        .map(|file| file.unwrap().path());
    let read = |path: PathBuf| {
        let name = path.file_stem().unwrap().to_str().unwrap().to_owned();
        let text = std::fs::read_to_string(&path).unwrap();
        let exchange = serde_json::from_str(&text);
        (
            name,
            exchange.unwrap_or_else(|error| panic!("{}: {error}", path.display())),
        )
    };
    files.map(read).collect()
}
