//! Tests of the Puzzel provider.

#[cfg(feature = "blocking")]
mod blocking;
mod callback;
#[cfg(feature = "client")]
mod calls;
#[cfg(feature = "client")]
mod checks;
mod codes;
mod encoding;
#[cfg(feature = "client")]
mod failures;
#[cfg(feature = "client")]
mod neutral;
#[cfg(feature = "client")]
mod reconciling;
#[cfg(feature = "server")]
mod references;
#[cfg(feature = "client")]
mod secrecy;
#[cfg(feature = "client")]
mod verdicts;

#[cfg(feature = "client")]
use super::{Client, ClientBuilder};
#[cfg(feature = "client")]
use crate::tests::scripted::{Reply, Scripted, Seen};

/// The password of the contract's exchanges.
#[cfg(feature = "client")]
const PASSWORD: &str = crate::tests::settings::SECRET;

#[cfg(feature = "client")]
fn builder(server: &Scripted) -> ClientBuilder {
    Client::builder()
        .service_id(1000)
        .username("demo")
        .password(PASSWORD)
        .base_url(&server.url)
        .seed(1)
}

#[cfg(feature = "client")]
fn client(server: &Scripted) -> Client {
    builder(server).build().unwrap()
}

/// The answer of a working gateway to a call that sends.
#[cfg(feature = "client")]
fn queued_all(seen: &Seen) -> Reply {
    use super::encoding::{Encoding, read, write};
    use super::wire;

    let request: wire::GatewayRequest = read(Encoding::Json, seen.body.as_bytes()).unwrap();
    let statuses = request.message.iter().zip(1..).map(|(message, number)| {
        let to = message.recipient.clone();
        wire::MessageStatus {
            status_code: Some(wire::Integer(1)),
            status_message: Some("Message enqueued for sending".to_owned()),
            client_reference: message.client_reference.clone(),
            message_id: to.as_ref().map(|phone| format!("m{}", phone.0)),
            recipient: to,
            session_id: None,
            sequence_index: Some(wire::Integer(number)),
        }
    });
    let answer = wire::GatewayResponse {
        message_status: statuses.collect(),
        batch_reference: request.batch_reference,
    };
    let body = write(Encoding::Json, &answer).unwrap();
    Reply::ok(String::from_utf8(body.to_vec()).unwrap())
}
