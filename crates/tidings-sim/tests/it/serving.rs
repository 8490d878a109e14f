//! The listener: keep-alive, HTTP/2, what it says of itself, stopping, and clients that misbehave.

use bytes::Bytes;
use http_body_util::{BodyExt, Empty};
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::harness::{Line, SPEC, builder, exchange};

const TO: &str = "+224622000001";

#[tokio::test]
async fn it_says_where_it_is_and_what_to_present() {
    let line = Line::start("").await;
    let sim = &line.sim;
    assert_eq!(sim.base_url(), format!("http://{}", sim.address()));
    assert!(sim.address().ip().is_loopback());
    let account = sim.account();
    account.check(SPEC.settings).unwrap();
    assert_eq!(account.setting("base_url"), Some(sim.base_url()));
    assert_eq!(
        account.names().collect::<Vec<_>>(),
        ["base_url", "key", "line"]
    );
    assert!(!format!("{sim:?}").contains(account.setting("key").unwrap()));
}

#[tokio::test]
async fn an_address_that_is_taken_is_told() {
    let line = Line::start("").await;
    let error = builder("")
        .listen(line.sim.address())
        .start()
        .await
        .unwrap_err();
    assert!(
        matches!(error, tidings_sim::SimError::Listen { .. }),
        "{error}"
    );
}

#[tokio::test]
async fn wrong_credentials_are_refused_in_the_providers_shape() {
    let line = Line::start("").await;
    let request = line
        .request("GET", "/balance", "")
        .replace("key: ", "key: x");
    assert_eq!(
        exchange(line.sim.address(), &request).await.reply().status,
        401
    );
}

#[tokio::test]
async fn one_connection_carries_many_calls_until_a_fault_ends_it() {
    let line = Line::start("[[fault]]\nafter = 2\ndrop = { when = \"after\" }").await;
    let kept_open = line
        .request("GET", "/balance", "")
        .replace("connection: close\r\n", "");
    let mut stream = TcpStream::connect(line.sim.address()).await.unwrap();
    let all = kept_open.repeat(3);
    stream.write_all(all.as_bytes()).await.unwrap();
    let mut heard = String::new();
    stream.read_to_string(&mut heard).await.unwrap();
    assert_eq!(heard.matches("HTTP/1.1 200 OK").count(), 2, "{heard}");
}

#[tokio::test]
async fn http_2_is_spoken_without_tls() {
    let line = Line::start("").await;
    let stream = TcpStream::connect(line.sim.address()).await.unwrap();
    let (mut sender, connection) =
        hyper::client::conn::http2::handshake(TokioExecutor::new(), TokioIo::new(stream))
            .await
            .unwrap();
    let mut tasks = tokio::task::JoinSet::new();
    tasks.spawn(connection);
    let request = http::Request::get(format!("{}/_sim/stats", line.sim.base_url()));
    let request = request.body(Empty::<Bytes>::new()).unwrap();
    let answer = sender.send_request(request).await.unwrap();
    assert_eq!(
        (answer.status(), answer.version()),
        (http::StatusCode::OK, http::Version::HTTP_2)
    );
    assert!(
        !answer
            .into_body()
            .collect()
            .await
            .unwrap()
            .to_bytes()
            .is_empty()
    );
}

#[tokio::test]
async fn what_is_no_http_disturbs_nobody() {
    let line = Line::start("").await;
    let mut idle = Vec::new();
    for _ in 0..50 {
        // Opened and never finished.
        let mut stream = TcpStream::connect(line.sim.address()).await.unwrap();
        stream.write_all(b"GET / HT").await.unwrap();
        idle.push(stream);
    }
    let heard = exchange(line.sim.address(), "\0\0 what is this?\r\n\r\n").await;
    assert!(heard.bytes.is_empty() || heard.reply().status == 400);
    line.send_well(TO).await;
}

#[tokio::test]
async fn stopping_finishes_the_call_at_hand_and_closes_the_door() {
    let line = Line::start("[[fault]]\nlate = { ms = 200 }").await;
    let address = line.sim.address();
    let body = serde_json::json!({"to": [TO], "text": "hello"}).to_string();
    let request = line.request("POST", "/send", &body);
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.write_all(request.as_bytes()).await.unwrap();
    // Taken: so its answer is being waited for.
    while line.n_messages() == 0 {
        tokio::task::yield_now().await;
    }
    line.sim.stop().await;
    let mut heard = String::new();
    stream.read_to_string(&mut heard).await.unwrap();
    assert!(heard.starts_with("HTTP/1.1 200 OK"), "{heard}");
    TcpStream::connect(address).await.unwrap_err();
}

#[tokio::test]
async fn dropping_it_closes_the_door() {
    let line = Line::start("").await;
    let address = line.sim.address();
    let mut stream = TcpStream::connect(address).await.unwrap();
    drop(line);
    let mut heard = Vec::new();
    // Ends one way or the other, instead of waiting for ever.
    let _ = stream.read_to_end(&mut heard).await;
    assert!(heard.is_empty());
}
