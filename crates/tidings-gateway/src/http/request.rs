//! A message as a request asks for it: [`MessageBody`], read into a [`Draft`].
//!
//! Called by `messages.rs` for one message and by `batches/` for each row. It checks the forms of things;
//! whether the message can be sent is intake's affair.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Deserializer, Serialize};
use tidings_core::text::Replacement;
use tidings_core::{
    ClientRef, Day, DeliveryPolicy, HoursOfDay, Media, Priority, Region, SendWindow, SenderId, Tag,
    TimeError, TimeOfDay, TimeZone, ZonedTime,
};
use tidings_store::ConversationId;
use utoipa::ToSchema;

use super::error::{Code, Problem, Result};
use super::schema;
use crate::intake::{
    Draft, DraftRecipient, LocalHours, LocalTime, Rejection, RejectionCode, Timing,
};

macro_rules! message_bodies {
    ($($(#[$attribute:meta])* $field:ident: $type:ty,)+) => {
        /// A message that is to be sent.
        #[derive(Clone, Debug, Default, Deserialize, Serialize, ToSchema)]
        #[serde(deny_unknown_fields)]
        #[schema(as = NewMessage)]
        pub(crate) struct MessageBody {
            /// The phone number, with `+` and country code; without them it is read as a number of
            /// `region`.
            #[schema(example = "+4790000001", max_length = 128)]
            pub(crate) to: String,
            /// The text.
            #[schema(value_type = String, example = "Hello")]
            pub(crate) text: Text,
            $(
                $(#[$attribute])*
                #[serde(skip_serializing_if = "Option::is_none")]
                pub(crate) $field: Option<$type>,
            )+
        }

        /// A row of a batch: a message, or what differs from the defaults and the template.
        #[derive(Clone, Debug, Default, Deserialize, Serialize, ToSchema)]
        #[serde(deny_unknown_fields)]
        #[schema(as = BatchRow)]
        pub(crate) struct RowBody {
            /// The phone number.
            #[schema(example = "+4790000001", max_length = 128)]
            pub(crate) to: String,
            /// The text, where it is not the template's.
            #[serde(skip_serializing_if = "Option::is_none")]
            #[schema(value_type = Option<String>, example = "Hello")]
            pub(crate) text: Option<Text>,
            /// What the template's fields are filled with.
            #[serde(skip_serializing_if = "Option::is_none")]
            pub(crate) fields: Option<BTreeMap<String, FieldValue>>,
            /// A name under which this row is taken once, whatever batch it comes in: 1 to 255 visible
            /// ASCII characters. It is kept as an `Idempotency-Key` is.
            #[serde(skip_serializing_if = "Option::is_none")]
            #[schema(example = "order-1000", min_length = 1, max_length = 255)]
            pub(crate) idempotency_key: Option<String>,
            $(
                $(#[$attribute])*
                #[serde(skip_serializing_if = "Option::is_none")]
                pub(crate) $field: Option<$type>,
            )+
        }

        /// What the rows of a batch have where they do not say otherwise.
        #[derive(Clone, Debug, Default, Deserialize, Serialize, ToSchema)]
        #[serde(deny_unknown_fields)]
        #[schema(as = BatchDefaults)]
        pub(crate) struct Defaults {
            /// The text of rows that have none, where there is no template.
            #[serde(skip_serializing_if = "Option::is_none")]
            #[schema(value_type = Option<String>, example = "Hello")]
            pub(crate) text: Option<Text>,
            $(
                $(#[$attribute])*
                #[serde(skip_serializing_if = "Option::is_none")]
                pub(crate) $field: Option<$type>,
            )+
        }

        impl RowBody {
            /// The message, with this text.
            pub(crate) fn message(self, text: Text, defaults: &Defaults) -> MessageBody {
                MessageBody {
                    to: self.to,
                    text,
                    $($field: self.$field.or_else(|| defaults.$field.clone()),)+
                }
            }
        }
    };
}

message_bodies!(
    /// What the phone shows as the sender: a name of up to 11 characters, a number with `+`, or a
    /// short number.
    #[schema(example = "Acme")]
    from: String,
    /// Your own name for the message: up to 255 visible ASCII characters.
    #[schema(value_type = Option<String>, example = "order-1000")]
    reference: ClientRef,
    /// Your own word for the kind of message, such as `otp`; routes may choose by it.
    #[schema(value_type = Option<String>, example = "otp")]
    tag: Tag,
    /// What leaves first.
    #[schema(value_type = Option<schema::Priority>)]
    priority: Priority,
    /// How many seconds the message is worth sending, from the moment it may leave.
    #[schema(example = 3600, minimum = 1)]
    valid_for_s: u64,
    /// What is done when a provider's answer was lost.
    #[schema(value_type = Option<schema::Policy>)]
    policy: DeliveryPolicy,
    /// Not before this moment: `2026-11-23T08:00:00Z`, `2026-11-23T09:00[Europe/Oslo]`, or without zone and
    /// offset what clocks show where the recipient is.
    #[schema(example = "2026-11-23T08:00:00Z")]
    send_at: String,
    /// Only within this window.
    window: WindowBody,
    /// The recipient's time zone, such as `Europe/Oslo`.
    #[schema(example = "Europe/Oslo")]
    zone: String,
    /// Whether quiet hours and blackout dates do not count.
    ignore_quiet_hours: bool,
    /// Which characters may be replaced so that the text takes fewer parts.
    #[schema(value_type = Option<schema::Replacement>)]
    replacement: Replacement,
    /// The most parts.
    #[schema(minimum = 1, maximum = 255)]
    max_parts: u8,
    /// The country of a number that is written without one, such as `NO`.
    #[schema(value_type = Option<String>, example = "NO")]
    region: Region,
    /// A file that goes with the text.
    media: MediaBody,
    /// The conversation that the message belongs to.
    conversation: String,
);

/// When a message may leave: one stretch of time (`from`, `until`), or the same hours on each of some days
/// (`opens`, `closes`, `first_day`, `last_day`) by the clocks of `zone`, or without it where the recipient is.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
#[schema(as = Window)]
pub(crate) struct WindowBody {
    /// Not before this moment, with its offset or zone.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "2026-11-23T09:00[Europe/Oslo]")]
    pub(crate) from: Option<String>,
    /// Not at this moment or later.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) until: Option<String>,
    /// The first day.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) first_day: Option<String>,
    /// The last day.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) last_day: Option<String>,
    /// From when on each day.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) opens: Option<String>,
    /// Until when on each day.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) closes: Option<String>,
    /// By the clocks of which zone; without it those where the recipient is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) zone: Option<String>,
}

/// A file.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = Media)]
pub(crate) struct MediaBody {
    /// Its type, such as `image/png`.
    #[schema(example = "image/png")]
    pub(crate) mime_type: String,
    /// Its content in Base64.
    #[schema(content_encoding = "base64")]
    pub(crate) content: String,
    /// Its name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) name: Option<String>,
}

impl MessageBody {
    /// The message, with every thing in its type.
    pub(crate) fn draft(self) -> Result<Draft> {
        let timing = self.timing()?;
        let Text(text) = self.text;
        let recipient = DraftRecipient::Written(self.to, self.region);
        let mut draft = Draft::new(recipient, text);
        draft.timing = timing;
        draft.from = self.from.as_deref().map(sender).transpose()?;
        draft.media = self.media.as_ref().map(MediaBody::media).transpose()?;
        draft.reference = self.reference;
        draft.tag = self.tag;
        draft.priority = self.priority.unwrap_or_default();
        draft.valid_for = self.valid_for_s.map(Duration::from_secs);
        draft.policy = self.policy;
        draft.replacement = self.replacement;
        draft.max_parts = self.max_parts;
        draft.conversation = self.conversation.map(ConversationId::from);
        if draft.valid_for.is_some_and(|it| it.is_zero()) {
            return Err(Problem::of_field(
                "valid_for_s",
                "valid_for_s is at least 1",
            ));
        }
        if draft.max_parts == Some(0) {
            return Err(Problem::of_field("max_parts", "max_parts is at least 1"));
        }
        Ok(draft)
    }

    /// When the message may leave.
    fn timing(&self) -> Result<Timing> {
        let zone = self.zone.as_deref().map(|name| zone("zone", name));
        let zone = zone.transpose()?;
        let mut timing = Timing {
            zone,
            ignores_quiet_hours: self.ignore_quiet_hours.unwrap_or_default(),
            ..Timing::default()
        };
        if let Some(text) = &self.send_at {
            match local(text) {
                Some(local) => timing.send_at_local = Some(local),
                None => timing.send_at = Some(moment("send_at", text)?.timestamp()),
            }
        }
        if let Some(window) = &self.window {
            window.add_to(&mut timing)?;
        }
        Ok(timing)
    }
}

impl WindowBody {
    fn add_to(&self, timing: &mut Timing) -> Result<()> {
        let of_days = [&self.first_day, &self.last_day, &self.opens, &self.closes];
        let has_hours = of_days.iter().any(|field| field.is_some()) || self.zone.is_some();
        let is_stretch = self.from.is_some() || self.until.is_some();
        match (has_hours, is_stretch) {
            (false, _) => timing.window = Some(self.stretch()?),
            (true, true) => {
                let detail = "a window is one stretch of time (from, until) or hours of days \
                              (first_day, last_day, opens, closes, zone)";
                return Err(Problem::of_field("window", detail));
            }
            (true, false) => match &self.zone {
                Some(name) => timing.window = Some(self.daily(&zone("window.zone", name)?)?),
                None => timing.hours = Some(self.local()?),
            },
        }
        Ok(())
    }

    fn stretch(&self) -> Result<SendWindow> {
        let from = required("window.from", self.from.as_deref())?;
        let from = moment("window.from", from)?;
        let Some(until) = &self.until else {
            return Ok(SendWindow::from(from));
        };
        let until = moment("window.until", until)?;
        let window = SendWindow::between(from, until);
        window.map_err(|fault| Problem::of_field("window", fault.to_string()))
    }

    /// Hours by the clocks of one zone.
    fn daily(&self, zone: &TimeZone) -> Result<SendWindow> {
        let first: Day = day("window.first_day", self.first_day.as_deref())?;
        let last: Day = match &self.last_day {
            Some(last) => day("window.last_day", Some(last))?,
            None => first,
        };
        let opens: TimeOfDay = time("window.opens", self.opens.as_deref())?;
        let closes: TimeOfDay = time("window.closes", self.closes.as_deref())?;
        SendWindow::daily(first..=last, opens, closes, zone)
            .map_err(|fault| Problem::of_field("window", fault.to_string()))
    }

    /// Hours by the clocks where the recipient is.
    fn local(&self) -> Result<LocalHours> {
        let opens: TimeOfDay = time("window.opens", self.opens.as_deref())?;
        let closes: TimeOfDay = time("window.closes", self.closes.as_deref())?;
        let named = |field, text: &Option<String>| {
            let named = text.as_deref().map(|text| day(field, Some(text)));
            named.transpose()
        };
        let (first, last) = (
            named("window.first_day", &self.first_day)?,
            named("window.last_day", &self.last_day)?,
        );
        if first.zip(last).is_some_and(|(first, last)| last < first) {
            return Err(Problem::of_field("window", "it ends before it begins"));
        }
        let hours = HoursOfDay::new(opens, closes);
        let hours = hours.map_err(|_| {
            Problem::of_field("window", "it opens and closes at different times of a day")
        })?;
        Ok(LocalHours { hours, first, last })
    }
}

/// A day and a time without zone or offset: those that are shown where the recipient is.
fn local(text: &str) -> Option<LocalTime> {
    let (day, time) = text.split_once('T')?;
    Some(LocalTime {
        day: day.parse().ok()?,
        time: time.parse().ok()?,
    })
}

impl MediaBody {
    fn media(&self) -> Result<Media> {
        let content = STANDARD.decode(&self.content);
        let content =
            content.map_err(|_| Problem::of_field("media.content", "the content is not Base64"))?;
        let media = Media::new(self.mime_type.as_str(), content)
            .map_err(|fault| Problem::of_field("media", fault.to_string()))?;
        Ok(match &self.name {
            Some(name) => media.name(name.as_str()),
            None => media,
        })
    }
}

/// What is said of a row that cannot be read.
pub(crate) fn rejection(problem: &Problem) -> Rejection {
    let code = match problem.code() {
        Code::Rejected(code) => code,
        _ => RejectionCode::InvalidRequest,
    };
    let detail = match problem.field() {
        Some(field) if !problem.detail().starts_with(field) => {
            format!("{field}: {}", problem.detail())
        }
        _ => problem.detail().to_owned(),
    };
    Rejection::new(code, detail)
}

/// A sender; a wrong one is a verdict on the message.
fn sender(text: &str) -> Result<SenderId> {
    SenderId::parse(text).map_err(|fault| {
        Problem::new(
            Code::Rejected(RejectionCode::InvalidSender),
            fault.to_string(),
        )
    })
}

fn moment(field: &'static str, text: &str) -> Result<ZonedTime> {
    let read = text.parse();
    read.map_err(|fault: TimeError| Problem::of_field(field, fault.to_string()))
}

/// A time zone by its name.
pub(crate) fn zone(field: &'static str, name: &str) -> Result<TimeZone> {
    TimeZone::named(name).map_err(|fault| Problem::of_field(field, fault.to_string()))
}

fn required<'t>(field: &'static str, text: Option<&'t str>) -> Result<&'t str> {
    text.ok_or_else(|| Problem::of_field(field, "it is missing"))
}

fn day(field: &'static str, text: Option<&str>) -> Result<Day> {
    let read = required(field, text)?.parse();
    read.map_err(|fault| of_time(field, "a day such as 2026-03-29", fault))
}

fn time(field: &'static str, text: Option<&str>) -> Result<TimeOfDay> {
    let read = required(field, text)?.parse();
    read.map_err(|fault| of_time(field, "a time of day such as 09:00", fault))
}

fn of_time(field: &'static str, expected: &str, fault: TimeError) -> Problem {
    match fault {
        TimeError::NotATime => Problem::of_field(field, format!("expected {expected}")),
        other => Problem::of_field(field, other.to_string()),
    }
}

/// What a field of a template is filled with: a text or a number.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize, ToSchema)]
#[serde(untagged)]
pub(crate) enum FieldValue {
    /// A text.
    Text(String),
    /// A whole number.
    Integer(i64),
    /// A number.
    Number(f64),
}

impl FieldValue {
    /// As it stands in a text.
    pub(crate) fn into_text(self) -> String {
        match self {
            Self::Text(text) => text,
            Self::Integer(number) => number.to_string(),
            Self::Number(number) => number.to_string(),
        }
    }
}

/// A text, read without a copy between the request and the message.
#[derive(Clone, Default, PartialEq, Eq)]
pub(crate) struct Text(pub Arc<str>);

impl<'de> Deserialize<'de> for Text {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Reader;
        impl serde::de::Visitor<'_> for Reader {
            type Value = Text;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a text")
            }

            fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<Text, E> {
                Ok(Text(text.into()))
            }
        }
        deserializer.deserialize_str(Reader)
    }
}

impl Serialize for Text {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}

/// Shows the length alone.
impl fmt::Debug for Text {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Text({} bytes)", self.0.len())
    }
}
