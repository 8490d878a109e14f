#![doc = include_str!("README.md")]

mod answers;
#[cfg(feature = "blocking")]
pub mod blocking;
#[cfg(feature = "client")]
mod builder;
#[cfg(feature = "client")]
mod client;
#[cfg(feature = "client")]
mod contacts;
#[cfg(feature = "client")]
mod groups;
pub mod map;
#[cfg(feature = "client")]
mod renewal;
mod scalar;
#[cfg(feature = "server")]
pub mod server;
#[cfg(feature = "client")]
mod submit;
#[cfg(test)]
mod tests;
#[cfg(feature = "client")]
mod verdict;
pub mod wire;

pub use answers::{BatchState, BatchStatus, BulkChunk, BulkOutcome, BulkReceipt, Sent};
#[cfg(feature = "client")]
pub use builder::ClientBuilder;
#[cfg(feature = "client")]
pub use client::Client;

use crate::provider::{Capabilities, ProviderSpec, Setting};

/// Where the vendor's Python package sends its calls.
pub const DEFAULT_BASE_URL: &str = "https://api.passinfo.net";

/// How many recipients go into one bulk call unless the setting `bulk_size` says otherwise. The
/// vendor documents no limit, only that lists be kept "reasonable".
pub const DEFAULT_BULK_SIZE: usize = 100;

/// The largest bulk size that can be set: a bound on the memory of one call, not the vendor's.
pub const MAX_BULK_SIZE: usize = 10_000;

/// The registration of this provider.
pub static SPEC: ProviderSpec = ProviderSpec {
    id: map::PROVIDER,
    title: "PassInfo",
    capabilities: CAPABILITIES,
    settings: SETTINGS,
    server_settings: &[],
    #[cfg(feature = "client")]
    connect: |account, http| Ok(std::sync::Arc::new(Client::from_account(account, http)?)),
    #[cfg(feature = "server")]
    router: |backend, _| Ok(server::router(backend)),
    parse_callback: None,
    emit_callback: None,
};

const CAPABILITIES: Capabilities = Capabilities {
    max_messages_per_call: DEFAULT_BULK_SIZE,
    mixed_texts_per_call: false,
    calling_codes: &[map::CALLING_CODE],
    max_parts: 255,
    max_characters: None,
    sender_optional: false,
    send_window: false,
    status: true,
    tells_delivery: true,
    reports: false,
    reconcile: false,
    cancel: false,
    balance: true,
    address_book: true,
    batches: false,
    max_media_bytes: None,
    conversations: false,
    subscriptions: false,
    numbers: false,
};

/// The names of the settings of an account.
pub mod setting {
    /// The client id: text or a number.
    pub const CLIENT_ID: &str = "client_id";
    /// The key.
    pub const API_KEY: &str = "api_key";
    /// Where the API is.
    pub const BASE_URL: &str = "base_url";
    /// The sender of messages that name none.
    pub const SENDER: &str = "sender";
    /// Recipients per bulk call.
    pub const BULK_SIZE: &str = "bulk_size";
}

const SETTINGS: &[Setting] = &[
    Setting::required(
        setting::CLIENT_ID,
        "the account's client id, text or a number, from the PassInfo dashboard",
    ),
    Setting::secret(
        setting::API_KEY,
        "the account's key, from the PassInfo dashboard",
    ),
    Setting::with_default(
        setting::BASE_URL,
        "where the API is; a path prefix and a final /v1 are understood",
        DEFAULT_BASE_URL,
    ),
    Setting::optional(
        setting::SENDER,
        "the sender of messages that name none: a name of up to 11 characters or a number",
    ),
    Setting::with_default(
        setting::BULK_SIZE,
        "how many recipients go into one bulk call, 1 to 10000",
        "100",
    ),
];
