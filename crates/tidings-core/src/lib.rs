//! Text messages as pure functions: how a text is encoded and cut into parts, what a phone number
//! and a sender are, and the whole life of a message.
//!
//! Everything above builds on this crate; it knows no asynchronous runtime, no input or output, no
//! clock and no provider. In reading order: [`text`], [`address`], [`message`], [`report`],
//! [`inbound`], [`state`], [`time`].

#![warn(missing_docs, clippy::exhaustive_enums, clippy::exhaustive_structs)]

pub mod address;
pub mod inbound;
pub mod message;
pub mod report;
pub mod state;
pub mod text;
pub mod time;

/// The page that the registry shows, whose example is a doctest.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
mod readme {}

#[cfg(test)]
mod tests;
mod words;

pub use address::{E164, E164Error, Region, SenderId, SenderIdError};
pub use inbound::InboundMessage;
pub use message::{
    ClientRef, ClientRefError, DeliveryPolicy, Media, MediaError, Message, Priority, Tag, TagError,
};
pub use report::{DeliveryReport, ProviderRef, Reason, ReportedState};
pub use state::{
    AttemptEnd, EarlierAttempts, HeldReason, MessageEvent, MessageState, RefusedEvent, Transition,
};
pub use time::{
    Clock, DailyHours, Day, HoursOfDay, HoursOfDayError, Opening, QuietTimes, SendWindow,
    TimeError, TimeOfDay, TimeZone, Timestamp, TimestampError, WindowError, ZonedTime,
};
pub use words::UnknownWord;
