//! When a message may leave: its schedule, its window, and the quiet hours and blackout dates of where
//! its recipient is.
//!
//! [`plan`] is called by intake, [`next_opening`] by dispatch, when the time until which the answer was
//! good has passed. Between the two the rules are kept as JSON beside the message, as they were when it was
//! accepted: the store only keeps them. Pure: nothing here reads a clock, a number or an address book.

use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use tidings_core::{
    Day, HeldReason, HoursOfDay, Opening, QuietTimes, Region, SendWindow, TimeOfDay, TimeZone,
    Timestamp, ZonedTime,
};
use tidings_store::Hold;

use super::draft::Timing;

/// Whether a message may leave.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NextOpening {
    /// It may, until the moment given; then it is to be asked again. `None` is without end.
    Open {
        /// The first moment at which it may not.
        closes_at: Option<Timestamp>,
    },
    /// Not yet.
    Wait {
        /// Why, and until when.
        hold: Hold,
        /// From that moment on it may leave until this one.
        closes_at: Option<Timestamp>,
    },
    /// Not any more.
    Over,
}

/// Asks kept rules whether a message may leave now, and if not, when.
///
/// Rules that cannot be read were written by another version; their message waits for a person rather
/// than to wake somebody.
pub fn next_opening(timing: &str, now: Timestamp) -> NextOpening {
    match serde_json::from_str::<Rules>(timing) {
        Ok(rules) => rules.next_opening(now),
        Err(_) => NextOpening::Wait {
            hold: Hold {
                reason: HeldReason::Approval,
                until: None,
            },
            closes_at: None,
        },
    }
}

/// Whose clocks count.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Place {
    /// Those of this zone.
    Zone(TimeZone),
    /// Those of all the zones of this region.
    Region(Region),
}

impl Place {
    fn zones(&self) -> &[TimeZone] {
        match self {
            Self::Zone(zone) => std::slice::from_ref(zone),
            Self::Region(region) => region.time_zones(),
        }
    }
}

/// When a message may leave first, and what is kept of it.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Departure {
    /// Why it waits, if it does.
    pub hold: Option<Hold>,
    /// The rules, where they have to be asked again.
    pub rules: Option<Arc<str>>,
    /// When they have to be asked again.
    pub closes_at: Option<Timestamp>,
}

/// Makes rules of what a message wants and when its recipient is to be left alone. `None` where no moment
/// is left.
pub(super) fn plan(
    timing: &Timing,
    quiet: &QuietTimes,
    place: &Place,
    now: Timestamp,
) -> Option<Departure> {
    let rules = Rules::of(timing, quiet, place, now);
    let kept = |closes_at: Option<Timestamp>| {
        closes_at.map(|_| {
            let text = serde_json::to_string(&rules).expect("rules are texts and lists of texts");
            Arc::from(text)
        })
    };
    match rules.next_opening(now) {
        NextOpening::Open { closes_at } => Some(Departure {
            hold: None,
            rules: kept(closes_at),
            closes_at,
        }),
        NextOpening::Wait { hold, closes_at } => Some(Departure {
            hold: Some(hold),
            rules: kept(closes_at),
            closes_at,
        }),
        NextOpening::Over => None,
    }
}

/// The rules as they are kept.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Rules {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    not_before: Option<Timestamp>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    not_after: Option<Timestamp>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    window: Option<KeptWindow>,
    /// The hours in which it may leave.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    hours: Option<HoursOfDay>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    quiet_hours: Vec<HoursOfDay>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    blackout_dates: Vec<Day>,
    place: Place,
}

/// A send window as texts.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum KeptWindow {
    Stretch {
        from: String,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        until: Option<String>,
    },
    Daily {
        first: Day,
        last: Day,
        from: TimeOfDay,
        to: TimeOfDay,
        zone: TimeZone,
    },
}

/// So often a window and the quiet hours may pass each other by before a message counts as too late: a year
/// of days.
const MOST_DAYS: usize = 366;

impl Rules {
    fn of(timing: &Timing, quiet: &QuietTimes, place: &Place, now: Timestamp) -> Self {
        let zones = place.zones();
        let moment = |day: Day, time: TimeOfDay| {
            let moments = zones.iter().filter_map(move |zone| zone.at(day, time).ok());
            moments.map(|moment| moment.timestamp())
        };
        let local = timing.send_at_local;
        let local = local.and_then(|local| moment(local.day, local.time).max());
        let first = timing.hours.and_then(|hours| hours.first);
        let first = first.and_then(|first| moment(first, TimeOfDay::MIDNIGHT).max());
        let last = timing.hours.and_then(|hours| hours.last);
        let last = last.and_then(|last| moment(last.next(), TimeOfDay::MIDNIGHT).min());
        let not_before = [timing.send_at, local, first].into_iter().flatten().max();
        let (quiet_hours, blackout_dates) = if timing.ignores_quiet_hours {
            (Vec::new(), Vec::new())
        } else {
            (quiet.hours().to_vec(), quiet.days().to_vec())
        };
        Self {
            not_before: not_before.filter(|moment| *moment > now),
            not_after: last,
            window: timing.window.as_ref().map(KeptWindow::of),
            hours: timing.hours.map(|hours| hours.hours),
            quiet_hours,
            blackout_dates,
            place: place.clone(),
        }
    }

    fn next_opening(&self, now: Timestamp) -> NextOpening {
        let window = match self.window.as_ref().map(KeptWindow::window) {
            None => None,
            Some(Some(window)) => Some(window),
            // It was written by ourselves from a window.
            Some(None) => return NextOpening::Over,
        };
        let open_hours = self.hours.map(HoursOfDay::rest);
        let quiet_hours = self.quiet_hours.iter().copied();
        let closed = QuietTimes::new(
            quiet_hours.chain(open_hours),
            self.blackout_dates.iter().copied(),
        );
        let closed = |at| closed.opening(self.place.zones(), at);
        let Some((opens_at, closes_at)) = self.first_opening(window.as_ref(), closed, now) else {
            return NextOpening::Over;
        };
        if opens_at == now {
            return NextOpening::Open { closes_at };
        }
        let hold = Hold {
            reason: self.reason(window.as_ref(), opens_at),
            until: Some(opens_at),
        };
        NextOpening::Wait { hold, closes_at }
    }

    /// The first moment at which everything allows it, and until when that lasts.
    fn first_opening(
        &self,
        window: Option<&SendWindow>,
        closed: impl Fn(Timestamp) -> Opening,
        now: Timestamp,
    ) -> Option<(Timestamp, Option<Timestamp>)> {
        let mut moment = self.not_before.map_or(now, |earliest| earliest.max(now));
        for _ in 0..MOST_DAYS {
            let in_window = window.map_or(Opening::Open { until: None }, |it| it.opening(moment));
            let (one, other) = match (in_window, closed(moment)) {
                (Opening::Open { until: one }, Opening::Open { until: other }) => (one, other),
                (Opening::OpensAt(opens_at), _) | (_, Opening::OpensAt(opens_at)) => {
                    moment = opens_at;
                    continue;
                }
                // What is over stays over.
                _ => return None,
            };
            if self.not_after.is_some_and(|last| moment >= last) {
                return None;
            }
            let ends = [one, other, self.not_after];
            return Some((moment, ends.into_iter().flatten().min()));
        }
        None
    }

    /// What stood in the way last, right before a message may leave.
    fn reason(&self, window: Option<&SendWindow>, opens_at: Timestamp) -> HeldReason {
        let before = opens_at.minus(Duration::from_millis(1));
        let is_open = |opening| matches!(opening, Opening::Open { .. });
        if self.not_before == Some(opens_at) {
            return HeldReason::Schedule;
        }
        if window.is_some_and(|window| !is_open(window.opening(before))) {
            return HeldReason::Window;
        }
        let quiet = QuietTimes::new(
            self.quiet_hours.iter().copied(),
            self.blackout_dates.iter().copied(),
        );
        if is_open(quiet.opening(self.place.zones(), before)) {
            HeldReason::Window
        } else {
            HeldReason::QuietHours
        }
    }
}

impl KeptWindow {
    fn of(window: &SendWindow) -> Self {
        if let Some(hours) = window.daily_hours() {
            return Self::Daily {
                first: hours.first,
                last: hours.last,
                from: hours.from,
                to: hours.to,
                zone: hours.zone.clone(),
            };
        }
        let (from, until) = window.bounds();
        Self::Stretch {
            from: from.to_string(),
            until: until.map(|until| until.to_string()),
        }
    }

    fn window(&self) -> Option<SendWindow> {
        let read = |time: &String| time.parse::<ZonedTime>().ok();
        match self {
            Self::Stretch { from, until: None } => read(from).map(SendWindow::from),
            Self::Stretch {
                from,
                until: Some(until),
            } => SendWindow::between(read(from)?, read(until)?).ok(),
            Self::Daily {
                first,
                last,
                from,
                to,
                zone,
            } => SendWindow::daily(*first..=*last, *from, *to, zone).ok(),
        }
    }
}
