//! Tests of the NetSapiens provider.

#[cfg(feature = "blocking")]
mod blocking;
mod callback;
#[cfg(feature = "client")]
mod calls;
mod exchanges;
#[cfg(feature = "client")]
mod failures;
mod golden;
#[cfg(feature = "client")]
mod golden_client;
#[cfg(feature = "client")]
mod keeper;
#[cfg(feature = "client")]
mod media;
#[cfg(feature = "client")]
mod neutral;
#[cfg(feature = "client")]
mod numbers;
#[cfg(feature = "client")]
mod path;
#[cfg(feature = "client")]
mod reconciling;
#[cfg(feature = "client")]
mod secrecy;
#[cfg(feature = "client")]
mod sending;
#[cfg(feature = "client")]
mod sessions;
#[cfg(feature = "client")]
mod settings;
#[cfg(feature = "client")]
mod sign_in;
#[cfg(feature = "client")]
mod subscriptions;
#[cfg(feature = "client")]
mod token_refusals;
mod wire;

#[cfg(feature = "client")]
use std::sync::Arc;

#[cfg(feature = "client")]
use serde_json::Value;
#[cfg(feature = "client")]
use tidings_core::{Clock, Timestamp};

#[cfg(feature = "client")]
use super::{Client, ClientBuilder, Credentials};
#[cfg(feature = "client")]
use crate::tests::scripted::{Scripted, Seen};

/// The token that tests present.
#[cfg(feature = "client")]
const KEY: &str = "nsd_s3cret";

/// Any client of a scripted server, with a ready token: signing in makes no call.
#[cfg(feature = "client")]
fn builder(server: &Scripted) -> ClientBuilder {
    Client::builder()
        .base_url(&server.url)
        .credentials(Credentials::Jwt(KEY.into()))
        .seed(1)
}

#[cfg(feature = "client")]
fn client(server: &Scripted) -> Client {
    builder(server).build().unwrap()
}

/// A clock that stands.
#[cfg(feature = "client")]
#[derive(Debug)]
struct Noon;

#[cfg(feature = "client")]
impl Clock for Noon {
    fn now(&self) -> Timestamp {
        "2026-11-22T12:00:00Z".parse().unwrap()
    }
}

#[cfg(feature = "client")]
fn at_noon(server: &Scripted) -> Client {
    builder(server).clock(Arc::new(Noon)).build().unwrap()
}

/// The document that was sent.
#[cfg(feature = "client")]
fn body(seen: &Seen) -> Value {
    serde_json::from_str(&seen.body).unwrap()
}
