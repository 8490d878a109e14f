//! Send text messages dependably.
//!
//! The SDK of Tidings: complete clients for messaging providers under one neutral interface, and
//! the same providers' APIs as servers. Each provider is a folder of its own, listed in
//! [`providers::ALL`]; programs that do not care which one it is use the trait [`Provider`].
//! What only some of them have is beside it in traits of its own: [`conversations`] in both directions
//! with files, [`subscriptions`] to events, one's own [`numbers`], [`batches`] that wait and an
//! [`address_book`].
//!
//! The examples below run against [`memory::MemoryProvider`], which sends nothing anywhere. A real
//! account takes its place without any other change.
//!
//! # Send one message
//!
//! ```
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! use tidings::memory::MemoryProvider;
//! use tidings::{ClientRef, E164, Message, Outbound, Provider, SenderId};
//!
//! let provider = MemoryProvider::new();
//!
//! let to = E164::parse("+224 622 00 00 01", None)?;
//! let message = Message::new(to, "Your parcel is here").from(SenderId::parse("Tidings")?);
//! let outbound = Outbound::new(ClientRef::new("parcel-4711")?, message);
//!
//! // One result per message, in their order.
//! let results = provider.submit(&[outbound]).await?;
//! for result in results {
//!     let receipt = result?;
//!     // Keep this: it is how to ask about the message later, also after a restart.
//!     println!("{:?}", receipt.provider_ref);
//! }
//! # Ok(())
//! # }
//! ```
//!
//! # When it does not work
//!
//! An [`Error`] says what went wrong ([`ErrorKind`]) and, more important, whether the message could
//! be on its way ([`Acceptance`]). A phone cannot tell a repeated text from a new one, so only what
//! [`Error::is_safe_to_resend`] allows may be handed over again; the layers do just that.
//!
//! ```
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! use tidings::memory::MemoryProvider;
//! use tidings::{Acceptance, ClientRef, E164, Error, ErrorKind, Message, Outbound, Provider};
//!
//! let provider = MemoryProvider::new();
//! let to = E164::parse("+224622000001", None)?;
//! # provider.fail_next_to(&to, Error::new(ErrorKind::Timeout, Acceptance::Unknown, "no answer"));
//! let outbound = Outbound::new(ClientRef::new("code-1")?, Message::new(to, "Your code is 1234"));
//!
//! let failed = provider.submit(&[outbound]).await?.remove(0).unwrap_err();
//! let advice = match (failed.kind(), failed.acceptance()) {
//!     (_, Acceptance::Unknown) => "it may arrive: wait for a report, or ask `reconcile`",
//!     (ErrorKind::InvalidRecipient, _) => "correct the number",
//!     (ErrorKind::InsufficientCredit, _) => "top up the account",
//!     _ if failed.is_safe_to_resend() => "send it again after `retry_after`",
//!     _ => "show the provider's words to the sender",
//! };
//! assert_eq!(advice, "it may arrive: wait for a report, or ask `reconcile`");
//! # Ok(())
//! # }
//! ```
//!
#![cfg_attr(
    feature = "client",
    doc = "Time limits and safe repetition around any provider: [`layers::standard`]. A real account from its settings: [`layers`]."
)]
//!
//! # Follow a message
//!
//! `Delivered`, `Undelivered`, `Expired`, `Failed` and `Canceled` are ends; after any other state
//! ask again, and less often with time. A state that the provider cannot tell is `Unknown` and may
//! stay so, so a program that waits needs a limit of its own.
//!
//! ```
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! use tidings::memory::MemoryProvider;
//! use tidings::{ClientRef, E164, Message, Outbound, Provider, ReportedState};
//!
//! let provider = MemoryProvider::new();
//! let message = Message::new(E164::parse("+224622000001", None)?, "Hello");
//! let outbound = Outbound::new(ClientRef::new("hello-1")?, message);
//! let about = provider.submit(&[outbound]).await?.remove(0)?.provider_ref;
//! # provider.report(&about, ReportedState::Delivered);
//!
//! let report = provider.status(&[about]).await?.remove(0);
//! match report.state {
//!     ReportedState::Delivered => println!("the phone has it"),
//!     ReportedState::Failed | ReportedState::Undelivered => println!("{:?}", report.reason),
//!     other => println!("still on its way: {other:?}"),
//! }
//! # assert_eq!(report.state, ReportedState::Delivered);
//! # Ok(())
//! # }
//! ```
//!
//! # Features
//!
//! | feature | what it adds | default |
//! |---|---|---|
//! | `client` | the HTTP client, the layers, and the client of every enabled provider | yes |
//! | `server` | every enabled provider's API as an axum router over [`backend::Backend`] | |
//! | `listen` | a listener for such a router, or for anything else that answers calls | |
//! | `tls-server` | TLS for it, with a certificate of one's own making; brings aws-lc-rs with it | |
//! | `blocking` | clients, interface and messenger for programs without an asynchronous runtime | |
//! | `templates` | texts with fields that differ between recipients | yes |
//! | `netsapiens`, `passinfo`, `puzzel` | that provider | yes |
//! | `aws-lc-rs` | cryptography for TLS; without it the program installs a rustls `CryptoProvider` | yes |

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

#[cfg(test)]
mod tests;
