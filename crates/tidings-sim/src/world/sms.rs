//! One message as a simulated carrier keeps it: what was asked for, what was decided about it when
//! it was taken, and how far it has come.
//!
//! Used by `state` and `intake`. Whether and when it leaves is the queue's business; from there on
//! everything is computed from the moment at which it left.

use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use tidings_core::{
    ClientRef, Day, E164, Priority, Reason, ReportedState, SendWindow, SenderId, TimeOfDay,
    TimeZone, Timestamp, ZonedTime,
};

use super::queue::Wait;

/// A message that was taken, and what becomes of it.
pub(super) struct Sms {
    pub(super) account: usize,
    pub(super) batch: Option<usize>,
    pub(super) session: Option<usize>,
    /// The message to a conversation of which it is a leg.
    pub(super) leg_of: Option<usize>,
    pub(super) accepted_at: Timestamp,
    pub(super) text: Arc<str>,
    pub(super) way: Way,
    pub(super) fate: Taken,
}

/// How far a message has come at the carrier itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Way {
    Waiting,
    Left(Timestamp),
    /// The sender stopped it before it left.
    Stopped(Timestamp),
    /// It could not leave in time.
    GivenUp(Timestamp),
}

/// A message as it is taken. What the scenario has to say about it is in here: what a later
/// scenario says changes nothing.
#[derive(Clone, Serialize, Deserialize)]
pub(super) struct Taken {
    pub(super) to: E164,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub(super) from: Option<SenderId>,
    /// Which of the submission's texts.
    pub(super) text: usize,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub(super) reference: Option<ClientRef>,
    /// What it costs.
    pub(super) parts: u8,
    /// After it has left.
    pub(super) sent_after_ms: u64,
    /// After it has left.
    pub(super) done_after_ms: u64,
    /// How it ends.
    pub(super) end: End,
    /// What most messages do not ask for.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub(super) wishes: Option<Box<Wishes>>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum End {
    Delivered,
    /// Instead of being sent.
    Failed(Reason),
    /// Instead of being delivered.
    Undelivered(Reason),
}

/// What some messages ask for, and what the account's rules made of it.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct Wishes {
    #[serde(skip_serializing_if = "is_default")]
    pub(super) priority: Priority,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) valid_for_ms: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) window: Option<Window>,
    #[serde(skip_serializing_if = "is_default")]
    pub(super) is_on_hold: bool,
    #[serde(skip_serializing_if = "is_default")]
    pub(super) price: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) minimum_age: Option<u8>,
    #[serde(skip_serializing_if = "is_default")]
    pub(super) without_report: bool,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) parameters: Vec<(String, String)>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) session: Option<SessionTaken>,
}

/// The conversation of a message that was taken.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct SessionTaken {
    pub(super) id: String,
    /// Present where the message opens it: the number that phones answer to.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub(super) opens_at: Option<String>,
}

/// A [`SendWindow`] as it stands in the state file and in what `/_sim/messages` shows.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub(super) enum Window {
    Daily {
        first: String,
        last: String,
        from: String,
        to: String,
        zone: String,
        /// For zones without a name.
        minutes_ahead: i32,
    },
    Stretch {
        from: Timestamp,
        until: Option<Timestamp>,
    },
}

impl Sms {
    /// How far it has come, why no further, and since when. The queue has been played up to `now`.
    pub(super) fn at(&self, now: Timestamp) -> (ReportedState, Option<Reason>, Timestamp) {
        let left_at = match self.way {
            Way::Waiting => return (ReportedState::Submitted, None, self.accepted_at),
            Way::Stopped(at) => return (ReportedState::Canceled, Some(Reason::Canceled), at),
            Way::GivenUp(at) => return (ReportedState::Expired, Some(Reason::Expired), at),
            Way::Left(at) => at,
        };
        let sent_at = left_at.plus(Duration::from_millis(self.fate.sent_after_ms));
        let (state, reason, ends_at) = self.end(left_at);
        if now >= ends_at {
            (state, reason, ends_at)
        } else if now >= sent_at {
            (ReportedState::Sent, None, sent_at)
        } else {
            (ReportedState::Submitted, None, self.accepted_at)
        }
    }

    /// When nothing more will change; `None` while it waits.
    pub(super) fn ends_at(&self) -> Option<Timestamp> {
        match self.way {
            Way::Waiting => None,
            Way::Stopped(at) | Way::GivenUp(at) => Some(at),
            Way::Left(at) => Some(self.end(at).2),
        }
    }

    /// Whether a phone gets it, now or soon. Not said of what may still be stopped.
    pub(super) fn reaches_a_phone(&self) -> bool {
        match self.way {
            Way::Waiting | Way::Stopped(_) | Way::GivenUp(_) => false,
            Way::Left(at) => self.end(at).0 == ReportedState::Delivered,
        }
    }

    /// When it left, or will never leave.
    pub(super) fn left_at(&self) -> Option<Timestamp> {
        match self.way {
            Way::Waiting | Way::Stopped(_) | Way::GivenUp(_) => None,
            Way::Left(at) => Some(at),
        }
    }

    /// Whether its end is told to who wants to hear of ends. Of what he has stopped himself he
    /// knows already.
    pub(super) fn is_reported(&self) -> bool {
        !matches!(self.way, Way::Stopped(_)) && !self.wishes().is_some_and(|it| it.without_report)
    }

    pub(super) fn wishes(&self) -> Option<&Wishes> {
        self.fate.wishes.as_deref()
    }

    /// What the queue has to know of it.
    pub(super) fn wait(&self) -> Wait {
        let wishes = self.wishes();
        Wait {
            priority: wishes.map(|wishes| wishes.priority).unwrap_or_default(),
            window: wishes
                .and_then(|wishes| wishes.window.as_ref())
                .and_then(Window::parse),
            expires_at: self.expires_at(),
            is_on_hold: wishes.is_some_and(|wishes| wishes.is_on_hold),
        }
    }

    fn expires_at(&self) -> Option<Timestamp> {
        let valid_for = self.wishes()?.valid_for_ms?;
        Some(self.accepted_at.plus(Duration::from_millis(valid_for)))
    }

    fn end(&self, left_at: Timestamp) -> (ReportedState, Option<Reason>, Timestamp) {
        let after = |milliseconds| left_at.plus(Duration::from_millis(milliseconds));
        let (state, reason, at) = match self.fate.end {
            End::Delivered => (ReportedState::Delivered, None, self.fate.done_after_ms),
            End::Failed(reason) => (ReportedState::Failed, Some(reason), self.fate.sent_after_ms),
            End::Undelivered(reason) => (
                ReportedState::Undelivered,
                Some(reason),
                self.fate.done_after_ms,
            ),
        };
        let at = after(at);
        match self.expires_at() {
            Some(expires_at) if expires_at < at => {
                (ReportedState::Expired, Some(Reason::Expired), expires_at)
            }
            Some(_) | None => (state, reason, at),
        }
    }
}

impl Taken {
    /// Whether there is a reason to wait besides the account's rate.
    pub(super) fn may_have_to_wait(&self) -> bool {
        self.wishes
            .as_ref()
            .is_some_and(|wishes| wishes.is_on_hold || wishes.window.is_some())
    }
}

impl Window {
    pub(super) fn of(window: &SendWindow) -> Self {
        if let Some(hours) = window.daily_hours() {
            let epoch = ZonedTime::new(Timestamp::UNIX_EPOCH, &hours.zone);
            return Self::Daily {
                first: hours.first.to_string(),
                last: hours.last.to_string(),
                from: hours.from.to_string(),
                to: hours.to.to_string(),
                zone: hours.zone.to_string(),
                minutes_ahead: epoch.minutes_ahead(),
            };
        }
        let (from, until) = window.bounds();
        Self::Stretch {
            from: from.timestamp(),
            until: until.map(|until| until.timestamp()),
        }
    }

    /// `None` for what no window was made from.
    pub(super) fn parse(&self) -> Option<SendWindow> {
        match self {
            Self::Daily {
                first,
                last,
                from,
                to,
                zone,
                minutes_ahead,
            } => {
                let zone = TimeZone::named(zone).or_else(|_| TimeZone::fixed(*minutes_ahead));
                let days = first.parse::<Day>().ok()?..=last.parse::<Day>().ok()?;
                let hours = (
                    from.parse::<TimeOfDay>().ok()?,
                    to.parse::<TimeOfDay>().ok()?,
                );
                SendWindow::daily(days, hours.0, hours.1, &zone.ok()?).ok()
            }
            Self::Stretch { from, until } => {
                let zoned = |at| ZonedTime::new(at, &TimeZone::UTC);
                match until {
                    Some(until) => SendWindow::between(zoned(*from), zoned(*until)).ok(),
                    None => Some(SendWindow::from(zoned(*from))),
                }
            }
        }
    }
}

fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}
