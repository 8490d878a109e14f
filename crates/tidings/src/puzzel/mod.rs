#![doc = include_str!("README.md")]

#[cfg(feature = "client")]
mod answers;
#[cfg(feature = "client")]
mod batches;
#[cfg(feature = "blocking")]
pub mod blocking;
#[cfg(feature = "client")]
mod builder;
pub mod callback;
#[cfg(feature = "client")]
mod check;
#[cfg(feature = "client")]
mod client;
pub mod encoding;
pub mod map;
#[cfg(feature = "client")]
mod message;
#[cfg(feature = "client")]
mod parameter;
#[cfg(feature = "client")]
mod reference;
#[cfg(feature = "server")]
pub mod server;
#[cfg(feature = "client")]
mod settings;
#[cfg(feature = "client")]
mod submit;
#[cfg(test)]
mod tests;
#[cfg(feature = "client")]
mod verdict;
pub mod wire;

#[cfg(feature = "client")]
pub use answers::{Queued, SendCall, SendOutcome};
#[cfg(feature = "client")]
pub use builder::ClientBuilder;
#[cfg(feature = "client")]
pub use client::{Client, SendOptions};
pub use encoding::Encoding;
pub use map::codes::{ParsingType, key};
pub use map::{FieldFault, OriginatorType};
#[cfg(feature = "client")]
pub use message::{Message, Recipient};
#[cfg(feature = "client")]
pub use parameter::{Parameter, StrexChannel, StrexSellOption};
#[cfg(feature = "client")]
pub use settings::{Age, GasSettings, OriginatorSettings, SendWindow, Session, Settings};
pub use wire::{
    BatchListResponse, BatchResponse, BatchSingleResponse, GatewayRequest, GatewayResponse,
    MessageStatus, ProblemDetails, StopBatchResponse, StoppedMessageResponse,
};

use std::time::Duration;

use crate::callback::CallbackEmitter;
use crate::provider::{Capabilities, ProviderSpec, Setting};

/// Where the vendor's present clients send their calls.
pub const DEFAULT_BASE_URL: &str = "https://smsgw.puzzel.com";

/// How many messages go into one call unless the setting `bulk_size` says otherwise. The vendor's
/// samples use 100 and 1,000; fewer leave fewer in doubt when an answer is lost.
pub const DEFAULT_BULK_SIZE: usize = 100;

/// The largest bulk size that can be set: what the vendor advised at the most while its interface
/// over TCP was offered. No limit is published for HTTP.
pub const MAX_BULK_SIZE: usize = 1_000;

/// How many characters a text may have by the vendor's present client.
pub const MAX_CHARACTERS: usize = 1_600;

/// How many parts a text may have by the vendor's manual.
pub const MAX_PARTS: u8 = 6;

/// How many hexadecimal digits 8-bit data may have by the vendor's manual: as many parts of 134 octets
/// each.
pub const MAX_BINARY_DIGITS: usize = 1_608;

/// Which of the vendor's two descriptions of its API holds for an account: they contradict each other.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Dialect {
    /// The models of the present client: priority 1 is the highest, validity counts minutes, texts
    /// have up to 1,600 characters.
    #[default]
    V3,
    /// The gateway's manual: priority 3 is the highest, validity is a step code, texts have up to six
    /// parts.
    Manual,
}

/// Which of the two families of paths the calls about batches go to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ManagementPath {
    /// `/management/{service}/batch`, as the vendor's present client.
    Management,
    /// `/mgmt/rs/service/{service}/batch`, as the vendor's manual.
    Mgmt,
}

/// The registration of this provider.
pub static SPEC: ProviderSpec = ProviderSpec {
    id: map::PROVIDER,
    title: "Puzzel",
    capabilities: CAPABILITIES,
    settings: SETTINGS,
    server_settings: SERVER_SETTINGS,
    #[cfg(feature = "client")]
    connect: |account, http| Ok(std::sync::Arc::new(Client::from_account(account, http)?)),
    #[cfg(feature = "server")]
    router: server::router,
    parse_callback: Some(callback::parse),
    emit_callback: Some(
        // At most one round a second for each service; a missing answer counts after a minute.
        CallbackEmitter::new(callback::emit)
            .at_most_every(Duration::from_secs(1))
            .time_limit(Duration::from_mins(1)),
    ),
};

const CAPABILITIES: Capabilities = Capabilities {
    max_messages_per_call: DEFAULT_BULK_SIZE,
    mixed_texts_per_call: true,
    calling_codes: &[],
    // 1,600 characters of UCS-2; the manual's dialect has six.
    max_parts: 24,
    max_characters: Some(MAX_CHARACTERS),
    sender_optional: true,
    send_window: true,
    status: false,
    tells_delivery: true,
    reports: true,
    // More with duplicate checking; without it, what waits as a whole can still be seen.
    reconcile: true,
    cancel: true,
    balance: false,
    address_book: false,
    batches: true,
    max_media_bytes: None,
    conversations: false,
    subscriptions: false,
    numbers: false,
};

/// The names of the settings of an account.
pub mod setting {
    /// The service.
    pub const SERVICE_ID: &str = "service_id";
    /// The service's user.
    pub const USERNAME: &str = "username";
    /// The user's password.
    pub const PASSWORD: &str = "password";
    /// Where the API is.
    pub const BASE_URL: &str = "base_url";
    /// Which description of the API holds.
    pub const DIALECT: &str = "dialect";
    /// The sender of messages that name none.
    pub const SENDER: &str = "sender";
    /// Messages per call.
    pub const BULK_SIZE: &str = "bulk_size";
    /// Whether the vendor refuses references that it has seen within the hour.
    pub const DUPLICATE_CHECKING: &str = "duplicate_checking";
    /// How our own server of this API refuses wrong credentials; no client reads it.
    pub const CREDENTIALS_REFUSED_AS: &str = "credentials_refused_as";
}

const SETTINGS: &[Setting] = &[
    Setting::required(
        setting::SERVICE_ID,
        "the number of the service that Puzzel has given to you",
    )
    .number(),
    Setting::required(setting::USERNAME, "the user of the service"),
    Setting::secret(setting::PASSWORD, "the password of the service's user"),
    Setting::with_default(
        setting::BASE_URL,
        "where the API is; a path prefix and a final /gw/rs are understood",
        DEFAULT_BASE_URL,
    ),
    Setting::with_default(
        setting::DIALECT,
        "which of the vendor's descriptions holds: v3 (its present client) or manual (its gateway manual)",
        "v3",
    ),
    Setting::optional(
        setting::SENDER,
        "the sender of messages that name none: a name of up to 11 characters, a number or a short number",
    ),
    Setting::with_default(
        setting::BULK_SIZE,
        "how many messages go into one call, 1 to 1000",
        "100",
    ),
    Setting::with_default(
        setting::DUPLICATE_CHECKING,
        "whether Puzzel refuses references seen within the hour: on or off; it turns this on by request",
        "off",
    ),
];

const SERVER_SETTINGS: &[Setting] = &[
    Setting::optional(
        setting::CREDENTIALS_REFUSED_AS,
        "wrong credentials are refused by a problem (as v3 does) or by a status of each message (as manual does)",
    ),
    Setting::with_default(
        callback::setting::CALLBACK_FORMAT,
        "in which form the customer is called: json, xml or get",
        "json",
    ),
    Setting::optional(
        callback::setting::SERVICE_NAME,
        "the service's name as the customer is told it",
    ),
];
