#![doc = include_str!("README.md")]

#[cfg(feature = "client")]
mod access;
#[cfg(feature = "blocking")]
pub mod blocking;
#[cfg(feature = "client")]
mod builder;
pub mod callback;
#[cfg(feature = "client")]
mod calls;
#[cfg(feature = "client")]
mod choices;
#[cfg(feature = "client")]
mod client;
#[cfg(feature = "client")]
mod credentials;
#[cfg(feature = "client")]
mod grant;
#[cfg(feature = "client")]
mod jwt;
#[cfg(feature = "client")]
mod keeper;
pub mod map;
#[cfg(feature = "client")]
mod media;
mod model;
#[cfg(feature = "client")]
mod numbers;
#[cfg(feature = "client")]
mod paging;
#[cfg(feature = "client")]
mod path;
#[cfg(feature = "client")]
mod reconcile;
#[cfg(feature = "client")]
mod refusal;
#[cfg(feature = "client")]
mod second_step;
#[cfg(feature = "client")]
mod send;
#[cfg(feature = "server")]
pub mod server;
#[cfg(feature = "client")]
mod session_id;
#[cfg(feature = "client")]
mod sessions;
#[cfg(feature = "client")]
mod sign_in;
#[cfg(feature = "client")]
mod submit;
#[cfg(feature = "client")]
mod subscriptions;
#[cfg(test)]
mod tests;
#[cfg(feature = "client")]
mod token;
#[cfg(feature = "client")]
mod token_file;
#[cfg(feature = "client")]
mod verdict;
pub mod wire;

#[cfg(feature = "client")]
pub use builder::ClientBuilder;
#[cfg(feature = "client")]
pub use calls::{ActiveCall, CallParty, NewCall, StartedCall};
#[cfg(feature = "client")]
pub use choices::{DEFAULT_SETTLE_TIME, SenderField, Sessions};
#[cfg(feature = "client")]
pub use client::Client;
#[cfg(feature = "client")]
pub use credentials::{ApiKey, ApiKeyLevel, Brings, Credentials, PasswordCredentials, UnknownWord};
#[cfg(feature = "client")]
pub use keeper::{Keeper, KeeperEvent, Kept};
pub use model::Model;
#[cfg(feature = "client")]
pub use second_step::{MfaChallenge, MfaIdentity, SignedIn};
#[cfg(feature = "client")]
pub use send::{Message, Sent};
#[cfg(feature = "client")]
pub use session_id::{SessionId, SessionIdError};
#[cfg(feature = "client")]
pub use subscriptions::{
    Expiry, NewSubscription, Subscription, SubscriptionChange, SubscriptionStatus,
};
#[cfg(feature = "client")]
pub use token::{DEFAULT_TOKEN_LIFETIME, Token, TokenStore};
#[cfg(feature = "client")]
pub use token_file::FileTokenStore;

use std::time::Duration;

use crate::callback::CallbackEmitter;
use crate::provider::{Capabilities, ProviderSpec, Setting};

/// The largest file of a message unless the setting `max_media_bytes` says otherwise: what a
/// production client of one cluster allows. The largest body that an operator documents is 25 MB.
pub const DEFAULT_MAX_MEDIA_BYTES: usize = 1 << 20;

/// The most rows of one list call.
pub const MAX_ROWS: u32 = 1_000;

/// The registration of this provider.
pub static SPEC: ProviderSpec = ProviderSpec {
    id: map::PROVIDER,
    title: "NetSapiens",
    capabilities: CAPABILITIES,
    settings: SETTINGS,
    server_settings: SERVER_SETTINGS,
    #[cfg(feature = "client")]
    connect: |account, http| Ok(std::sync::Arc::new(Client::from_account(account, http)?)),
    #[cfg(feature = "server")]
    router: server::router,
    parse_callback: Some(callback::parse),
    emit_callback: Some(
        // The server looks into its table of subscriptions every three seconds.
        CallbackEmitter::new(callback::emit)
            .at_most_every(Duration::from_secs(3))
            .time_limit(Duration::from_secs(10))
            .models(&["message", "messagesession"]),
    ),
};

const CAPABILITIES: Capabilities = Capabilities {
    max_messages_per_call: 1,
    mixed_texts_per_call: false,
    calling_codes: &[],
    // No limit is documented.
    max_parts: 255,
    max_characters: None,
    sender_optional: false,
    send_window: false,
    status: true,
    tells_delivery: false,
    reports: false,
    reconcile: true,
    cancel: false,
    balance: false,
    address_book: false,
    batches: false,
    max_media_bytes: Some(DEFAULT_MAX_MEDIA_BYTES),
    conversations: true,
    subscriptions: true,
    numbers: true,
};

/// The names of the settings of an account.
pub mod setting {
    /// Where the API is.
    pub const BASE_URL: &str = "base_url";
    /// The program's id.
    pub const CLIENT_ID: &str = "client_id";
    /// The program's secret.
    pub const CLIENT_SECRET: &str = "client_secret";
    /// The user.
    pub const USERNAME: &str = "username";
    /// The user's password.
    pub const PASSWORD: &str = "password";
    /// A key for programs, in the place of the four above.
    pub const API_KEY: &str = "api_key";
    /// Whether signing in brings a token or a JSON web token.
    pub const SIGN_IN: &str = "sign_in";
    /// The domain that is acted in.
    pub const DOMAIN: &str = "domain";
    /// The user that is acted for.
    pub const USER: &str = "user";
    /// The sender of messages that name none.
    pub const FROM_NUMBER: &str = "from_number";
    /// Whether each message has a session of its own.
    pub const SESSIONS: &str = "sessions";
    /// The largest file of a message.
    pub const MAX_MEDIA_BYTES: &str = "max_media_bytes";
    /// Where tokens are kept between runs.
    pub const TOKEN_FILE: &str = "token_file";

    /// How our own server writes times in lists; no client reads these and the following.
    pub const TIMES: &str = "times";
    /// How it answers to a message in a session that it names itself.
    pub const SEND_ANSWER: &str = "send_answer";
    /// How it refuses wrong credentials.
    pub const CREDENTIALS_REFUSED_AS: &str = "credentials_refused_as";
    /// How it answers to a call for one session.
    pub const SINGLE_SESSION: &str = "single_session";
    /// Whether it writes texts that are all digits as numbers.
    pub const NUMERIC_TEXTS: &str = "numeric_texts";
    /// How it refuses too many calls.
    pub const RATE_LIMITED_AS: &str = "rate_limited_as";
    /// The version that it says it has.
    pub const API_VERSION: &str = "api_version";
    /// Where callers reach it.
    pub const PUBLIC_URL: &str = "public_url";
    /// What it signs JSON web tokens with.
    pub const JWT_SECRET: &str = "jwt_secret";
    /// How it writes the members of events.
    pub const EVENT_KEYS: &str = "event_keys";
    /// What it puts into `X-Correlation-ID`.
    pub const CORRELATION: &str = "correlation";
    /// Which events a round of calls is for: set by whoever emits, for each subscription.
    pub const EVENT_MODEL: &str = "event_model";
    /// For which subscription a round of calls is: set by whoever emits.
    pub const SUBSCRIPTION_ID: &str = "subscription_id";
}

const SETTINGS: &[Setting] = &[
    Setting::required(
        setting::BASE_URL,
        "where the PBX's API is: a host (https is meant), or a URL, perhaps with a path prefix",
    ),
    Setting::required(setting::CLIENT_ID, "the id of the API client (OAuth)")
        .unless(setting::API_KEY),
    Setting::secret(
        setting::CLIENT_SECRET,
        "the secret of the API client (OAuth)",
    )
    .unless(setting::API_KEY),
    Setting::required(
        setting::USERNAME,
        "the user to sign in as, mostly user@domain",
    )
    .unless(setting::API_KEY),
    Setting::secret(setting::PASSWORD, "the user's password").unless(setting::API_KEY),
    Setting::optional(
        setting::API_KEY,
        "an API key (nss_, nsr_ or nsd_) in the place of client and user; needs domain and user",
    )
    .hidden(),
    Setting::with_default(
        setting::SIGN_IN,
        "what signing in brings: token (OAuth) or jwt",
        "token",
    ),
    Setting::with_default(
        setting::DOMAIN,
        "the domain to act in; ~ is the user's own",
        "~",
    ),
    Setting::with_default(
        setting::USER,
        "the user (extension) to act for; ~ is the one that signed in",
        "~",
    ),
    Setting::optional(
        setting::FROM_NUMBER,
        "the sender of messages that name none: an SMS number of the user",
    ),
    Setting::with_default(
        setting::SESSIONS,
        "whether each message has a session of its own (per_message) or texts to one phone share one (per_recipient)",
        "per_message",
    ),
    Setting::with_default(
        setting::MAX_MEDIA_BYTES,
        "the largest file of a message, in bytes",
        "1048576",
    ),
    Setting::optional(
        setting::TOKEN_FILE,
        "a file that tokens are kept in between runs; only its owner can read it",
    ),
];

const SERVER_SETTINGS: &[Setting] = &[
    Setting::with_default(
        setting::TIMES,
        "how lists name and write times: datetime or timestamp",
        "datetime",
    ),
    Setting::with_default(
        setting::SEND_ANSWER,
        "how a message in a session that the server names is answered: message (200) or accepted (202)",
        "message",
    ),
    Setting::with_default(
        setting::CREDENTIALS_REFUSED_AS,
        "the HTTP status for wrong credentials: 400, 401 or 403",
        "401",
    ),
    Setting::with_default(
        setting::SINGLE_SESSION,
        "how a call for one session is answered: array (a list of it) or object",
        "array",
    ),
    Setting::with_default(
        setting::NUMERIC_TEXTS,
        "whether texts, numbers and ids that are all digits are written as JSON numbers: on or off",
        "on",
    ),
    Setting::with_default(
        setting::RATE_LIMITED_AS,
        "the HTTP status for too many calls: 429 or 403",
        "429",
    ),
    Setting::with_default(
        setting::API_VERSION,
        "the version that the server says it has",
        "44.1.2",
    ),
    Setting::optional(
        setting::PUBLIC_URL,
        "where callers reach the server, as they see it in addresses of files; without it the host that they called",
    ),
    Setting::optional(
        setting::JWT_SECRET,
        "what JSON web tokens are signed with, at least 32 characters; without it, with one that the server draws: a gateway keeps it in its store, a simulated carrier does not",
    )
    .hidden(),
    Setting::with_default(
        setting::EVENT_KEYS,
        "how the members of events are written: underscore or kebab",
        "underscore",
    ),
    Setting::with_default(
        setting::CORRELATION,
        "what X-Correlation-ID of an event holds: subscription (its id) or random",
        "subscription",
    ),
];
