//! A message as it is asked for, before anything of it is checked.
//!
//! Made by the API's handlers and by the backends of vendors' APIs.

use std::sync::Arc;
use std::time::Duration;

use tidings_core::text::Replacement;
use tidings_core::{
    ClientRef, Day, DeliveryPolicy, E164, HoursOfDay, Media, Priority, Region, SendWindow,
    SenderId, Tag, TimeOfDay, TimeZone, Timestamp,
};
use tidings_store::{ConversationId, MessageId, Once};

/// One message that somebody wants to be sent.
#[derive(Clone, Debug)]
pub struct Draft {
    /// For whom.
    pub to: DraftRecipient,
    /// The text, without the footer of its route.
    pub text: Arc<str>,
    /// The sender.
    pub from: Option<SenderId>,
    /// The customer's own name for it.
    pub reference: Option<ClientRef>,
    /// The customer's word for its kind.
    pub tag: Option<Tag>,
    /// What leaves first.
    pub priority: Priority,
    /// How long it is worth sending, from the moment at which it may leave first.
    pub valid_for: Option<Duration>,
    /// What is done after a lost answer.
    pub policy: Option<DeliveryPolicy>,
    /// When it may leave.
    pub timing: Timing,
    /// Which characters may be replaced.
    pub replacement: Option<Replacement>,
    /// The most parts.
    pub max_parts: Option<u8>,
    /// A file that goes with it.
    pub media: Option<Media>,
    /// The name that makes sure that it is accepted once. It is kept until 24 hours after the message
    /// may leave first, or longer where it says so; where it has no answer, intake writes one that it
    /// can read again itself.
    pub once: Option<Once>,
    /// What the caller of a vendor's API asked for besides (JSON).
    pub terms: Option<Arc<str>>,
    /// The conversation that it belongs to.
    pub conversation: Option<ConversationId>,
    /// Whether it is sent although the recipient has opted out: the confirmation of the opt-out. It
    /// gets no footer.
    pub passes_opt_out: bool,
    /// The message that this one repeats.
    pub resend_of: Option<MessageId>,
}

impl Draft {
    /// A text to somebody, with nothing else said.
    pub fn new(to: DraftRecipient, text: impl Into<Arc<str>>) -> Self {
        Self {
            to,
            text: text.into(),
            from: None,
            reference: None,
            tag: None,
            priority: Priority::Normal,
            valid_for: None,
            policy: None,
            timing: Timing::default(),
            replacement: None,
            max_parts: None,
            media: None,
            once: None,
            terms: None,
            conversation: None,
            passes_opt_out: false,
            resend_of: None,
        }
    }

    /// The same for another recipient: how the rows of a batch are made from its defaults. What names
    /// one message, its reference and its key, is not carried over.
    #[must_use]
    pub fn with(&self, to: DraftRecipient, text: impl Into<Arc<str>>) -> Self {
        Self {
            to,
            text: text.into(),
            reference: None,
            once: None,
            ..self.clone()
        }
    }
}

/// For whom a message is.
#[derive(Clone)]
pub enum DraftRecipient {
    /// As somebody wrote it, with the country of numbers written without one.
    Written(String, Option<Region>),
    /// A number that was read already.
    Number(E164),
}

impl std::fmt::Debug for DraftRecipient {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Written(..) => f.write_str("Written"),
            Self::Number(number) => f.debug_tuple("Number").field(number).finish(),
        }
    }
}

/// When a message may leave. The default is as soon as quiet hours and blackout dates allow. All
/// conditions hold together.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Timing {
    /// Not before this moment.
    pub send_at: Option<Timestamp>,
    /// Not before calendar and clock show this where the recipient is.
    pub send_at_local: Option<LocalTime>,
    /// Only within this window, which names its own zone.
    pub window: Option<SendWindow>,
    /// Only in these hours where the recipient is.
    pub hours: Option<LocalHours>,
    /// The recipient's zone; else the contact's, else the account's, else the strictest of the zones
    /// of the number's region.
    pub zone: Option<TimeZone>,
    /// Whether quiet hours and blackout dates do not count: a one-time code.
    pub ignores_quiet_hours: bool,
}

/// A day and a time, in a zone that is not known yet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LocalTime {
    /// The day.
    pub day: Day,
    /// The time.
    pub time: TimeOfDay,
}

/// The same hours on each of some days, in a zone that is not known yet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LocalHours {
    /// From when until when a message may leave.
    pub hours: HoursOfDay,
    /// The first day; `None` is today.
    pub first: Option<Day>,
    /// The last day; `None` is without an end.
    pub last: Option<Day>,
}
