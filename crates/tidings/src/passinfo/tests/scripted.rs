//! The scripted server for PassInfo's tests, and clients of it.

use super::super::{Client, ClientBuilder};
use super::sender;

pub(super) use crate::tests::scripted::{Reply, Scripted, Seen};

pub(super) const KEY: &str = "golden-key-0123456789";
pub(super) const CLIENT_ID: &str = "4711";

impl Seen {
    pub(super) fn key(&self) -> &str {
        &self.headers["api-key"]
    }
}

impl Scripted {
    pub(super) fn builder(&self) -> ClientBuilder {
        Client::builder()
            .api_key(KEY)
            .client_id(CLIENT_ID)
            .base_url(&self.url)
            .default_sender(sender())
    }

    pub(super) fn client(&self) -> Client {
        self.builder().build().unwrap()
    }
}
