//! Send text messages dependably.
//!
//! The SDK of Tidings: complete clients for messaging providers under one neutral interface, and
//! the same providers' APIs as servers. Each provider is a folder of its own, listed in
//! [`providers::ALL`]; programs that do not care which one it is use the trait [`Provider`].
//! What only some of them have is beside it in traits of its own: [`conversations`] in both directions
//! with files, [`subscriptions`] to events, one's own [`numbers`], [`batches`] that wait and an
//! [`address_book`].
//!
//! A program sends through a messenger, over one account or several; where it wants less, through a
//! provider with its layers; and where it wants all that one vendor has, through that vendor's client.
//!
//! | for | there is |
//! |---|---|
//! | a text, its number, its sender, its parts, its time | [`Message`], [`E164`], [`SenderId`], [`text`], [`SendWindow`] |
//! | one account, whatever provider it is at | [`Provider`], [`providers::ALL`] |
//! | what went wrong, and whether the message may be on its way | [`Error`], [`ErrorKind`], [`Acceptance`] |
//! | which account carries a message | [`routing`] |
//! | what providers tell by themselves | [`callback`] |
//! | tests of a program that sends | [`memory`] |
//! | a provider of one's own | the example at [`Provider`] |
//!
#![cfg_attr(feature = "client", doc = include_str!("lib.md"))]
//!
//! # One account without a messenger
//!
//! ```
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! use tidings::memory::MemoryProvider;
//! use tidings::{ClientRef, E164, Message, Outbound, Provider};
//!
//! let provider = MemoryProvider::new();
//! let message = Message::new(E164::parse("+224622000001", None)?, "Your parcel is here");
//! let outbound = Outbound::new(ClientRef::new("parcel-4711")?, message);
//!
//! // One result per message, in their order.
//! for result in provider.submit(&[outbound]).await? {
//!     match result {
//!         Ok(receipt) => println!("{:?}", receipt.provider_ref),
//!         Err(error) if error.is_safe_to_resend() => println!("again after {:?}", error.retry_after()),
//!         Err(error) => println!("{error} ({})", error.acceptance()),
//!     }
//! }
//! # Ok(())
//! # }
//! ```
//!
//! # Features
//!
//! | feature | what it adds | default |
//! |---|---|---|
//! | `client` | the HTTP client, the layers, the messenger, and the client of every enabled provider | yes |
//! | `netsapiens`, `passinfo`, `puzzel`, `all-providers` | that provider, or all of them | yes |
//! | `templates` | texts with fields for each recipient: `template` | yes |
//! | `aws-lc-rs` | cryptography for TLS; without it the program installs a rustls `CryptoProvider` | yes |
//! | `blocking` | the same without an asynchronous runtime of one's own: `blocking` | |
//! | `server` | every enabled provider's API as an axum router over [`backend::Backend`] | |
//! | `listen` | a listener for such a router, or for anything else that answers calls | |
//! | `tls-server` | TLS for it, with a certificate of one's own making; brings aws-lc-rs with it | |
//!
//! Rust 1.95 or newer. Texts, whole numbers and secrets are in no error, no log line and no `Debug`.

// docs.rs shows beside each item which feature it takes; its compiler alone knows how.
#![cfg_attr(docsrs, feature(doc_cfg))]
#![warn(missing_docs, clippy::exhaustive_enums, clippy::exhaustive_structs)]

mod account;
pub mod address_book;
mod answer;
pub mod backend;
pub mod batches;
#[cfg(feature = "blocking")]
pub mod blocking;
pub mod callback;
mod capabilities;
mod clock;
pub mod conversations;
// Read by the clients of providers, so there is nothing to read without one.
#[cfg(all(feature = "client", feature = "any-provider"))]
mod config;
#[cfg(any(feature = "client", feature = "tls-server"))]
mod cryptography;
mod error;
#[cfg(feature = "client")]
pub mod http;
#[cfg(feature = "client")]
pub mod layers;
pub mod memory;
#[cfg(feature = "client")]
pub mod messenger;
#[cfg(feature = "netsapiens")]
pub mod netsapiens;
pub mod numbers;
#[cfg(feature = "passinfo")]
pub mod passinfo;
pub mod provider;
pub mod providers;
#[cfg(feature = "puzzel")]
pub mod puzzel;
pub mod routing;
#[cfg(feature = "server")]
pub mod serve;
pub mod subscriptions;
#[cfg(feature = "templates")]
pub mod template;

#[cfg(feature = "client")]
pub use crate::http::HttpClient;
pub use account::AccountName;
pub use answer::{Answer, HttpMetadata, RateLimit};
pub use clock::SystemClock;
pub use error::{Acceptance, Error, ErrorKind, Result};
pub use provider::{
    Account, AttemptRef, Balance, Capabilities, Outbound, Provider, ProviderSpec, Receipt,
    Reconciled, Setting,
};
pub use tidings_core::{
    AttemptEnd, ClientRef, ClientRefError, Clock, DailyHours, Day, DeliveryPolicy, DeliveryReport,
    E164, E164Error, EarlierAttempts, HeldReason, InboundMessage, Media, MediaError, Message,
    MessageEvent, MessageState, Opening, Priority, ProviderRef, Reason, RefusedEvent, Region,
    ReportedState, SendWindow, SenderId, SenderIdError, Tag, TagError, TimeError, TimeOfDay,
    TimeZone, Timestamp, TimestampError, Transition, UnknownWord, WindowError, ZonedTime, text,
};

/// What programs need to implement [`Provider`] and [`backend::Backend`].
pub use async_trait::async_trait;
/// What keys are handed over in; [`ExposeSecret`] shows what is inside.
pub use secrecy::{ExposeSecret, SecretString};

/// The page that the registry shows, whose example is a doctest.
#[cfg(all(doctest, feature = "client"))]
#[doc = include_str!("../README.md")]
mod readme {}

#[cfg(test)]
mod tests;
