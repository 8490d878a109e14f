//! What waits at a simulated carrier, and when it leaves: one [`Queue`] per account, with the
//! account's rate, the windows of messages and their validity.
//!
//! Used by `state`, which tells it what comes, plays it up to the present and is told what has left
//! and what was given up. It reads no clock and keeps no message: a message is its number. Playing
//! to one moment and then to a later one comes to the same as playing to the later one at once, so
//! that it makes no difference how often somebody looks.

#[cfg(test)]
mod tests;

use std::cmp::Reverse;
use std::collections::{BTreeSet, HashMap};
use std::time::Duration;

use tidings_core::{Opening, Priority, SendWindow, Timestamp};

/// The messages of one account that have not left, and how fast they do.
#[derive(Default)]
pub(super) struct Queue {
    places: HashMap<usize, Place>,
    /// May leave as soon as it is their turn: the most urgent first, then the earliest.
    ready: BTreeSet<(Reverse<Priority>, usize)>,
    opening: BTreeSet<(Micros, usize)>,
    closing: BTreeSet<(Micros, usize)>,
    /// Between two messages that leave. Zero: all leave at once.
    interval: Micros,
    /// When the latest message left.
    last_left: Option<Micros>,
    /// Up to when it has been played.
    played: Micros,
}

/// Microseconds since 1970: at a rate of many thousands a second a millisecond holds several turns.
type Micros = i64;

/// What is known of a message that waits.
pub(super) struct Wait {
    pub(super) priority: Priority,
    pub(super) window: Option<SendWindow>,
    /// When it is no longer worth sending.
    pub(super) expires_at: Option<Timestamp>,
    /// Somebody has to let it go first.
    pub(super) is_on_hold: bool,
}

struct Place {
    wait: Wait,
    opens: Option<Micros>,
    closes: Option<Micros>,
}

/// How a message's waiting ends by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Parting {
    Left,
    /// Its validity ran out, or its window closed for good.
    GivenUp,
}

/// A message that waits no more, how that ended, and when.
pub(super) type Parted = (usize, Parting, Timestamp);

#[derive(Clone, Copy)]
enum Event {
    Opens(usize),
    Closes(usize),
    Leaves(usize),
}

impl Queue {
    /// Sets how long after one message the next one leaves; zero for no limit.
    pub(super) fn set_interval(&mut self, interval: Duration) {
        self.interval = Micros::try_from(interval.as_micros()).unwrap_or(Micros::MAX);
    }

    /// Whether a message without a window of its own would leave at once.
    pub(super) fn is_idle(&self) -> bool {
        self.interval == 0 && self.ready.is_empty()
    }

    /// Whether a message waits on hold.
    pub(super) fn is_on_hold(&self, message: usize) -> bool {
        self.places
            .get(&message)
            .is_some_and(|place| place.wait.is_on_hold)
    }

    /// How many messages wait on hold.
    pub(super) fn n_on_hold(&self) -> usize {
        let places = self.places.values();
        places.filter(|place| place.wait.is_on_hold).count()
    }

    /// Puts a message in at the moment up to which the queue was played.
    pub(super) fn enter(&mut self, message: usize, wait: Wait) {
        let place = Place {
            wait,
            opens: None,
            closes: None,
        };
        self.places.insert(message, place);
        self.arrange(message, self.played);
    }

    /// Takes a message out. False when it does not wait.
    pub(super) fn remove(&mut self, message: usize) -> bool {
        self.withdraw(message);
        self.places.remove(&message).is_some()
    }

    /// Lets every message on hold go.
    pub(super) fn release_all(&mut self) {
        let held: Vec<usize> = self
            .places
            .iter()
            .filter(|(_, place)| place.wait.is_on_hold)
            .map(|(message, _)| *message)
            .collect();
        for message in held {
            self.withdraw(message);
            if let Some(place) = self.places.get_mut(&message) {
                place.wait.is_on_hold = false;
            }
            self.arrange(message, self.played);
        }
    }

    /// Plays up to a moment, and tells what has left or was given up since, in that order.
    pub(super) fn play(&mut self, until: Timestamp) -> Vec<Parted> {
        let until = micros(until);
        let mut parted = Vec::new();
        while let Some((at, event)) = self.next_event().filter(|(at, _)| *at <= until) {
            self.played = self.played.max(at);
            match event {
                Event::Opens(message) => {
                    self.withdraw(message);
                    self.arrange(message, at);
                }
                Event::Closes(message) => {
                    self.withdraw(message);
                    if !self.arrange(message, at) {
                        self.remove(message);
                        parted.push((message, Parting::GivenUp, moment(at)));
                    }
                }
                Event::Leaves(message) => {
                    self.remove(message);
                    self.last_left = Some(at);
                    parted.push((message, Parting::Left, moment(at)));
                }
            }
        }
        self.played = self.played.max(until);
        parted
    }

    /// What happens next. Of what happens at the same moment windows open first, then they close:
    /// nothing leaves at the moment at which it may not any more.
    fn next_event(&self) -> Option<(Micros, Event)> {
        let opens = self.opening.first();
        let opens = opens.map(|(at, message)| (*at, 0, Event::Opens(*message)));
        let closes = self.closing.first();
        let closes = closes.map(|(at, message)| (*at, 1, Event::Closes(*message)));
        let leaves = self.ready.first().map(|(_, message)| {
            let turn = self
                .last_left
                .map(|last| last.saturating_add(self.interval));
            let at = turn.map_or(self.played, |turn| turn.max(self.played));
            (at, 2, Event::Leaves(*message))
        });
        [opens, closes, leaves]
            .into_iter()
            .flatten()
            .min_by_key(|(at, order, _)| (*at, *order))
            .map(|(at, _, event)| (at, event))
    }

    /// Puts a message among those that are ready or those whose window has yet to open. False when
    /// it may not leave any more; it is then due to close at once.
    fn arrange(&mut self, message: usize, at: Micros) -> bool {
        let Self {
            places,
            ready,
            opening,
            closing,
            ..
        } = self;
        let Some(place) = places.get_mut(&message) else {
            return false;
        };
        let expires = place.wait.expires_at.map(micros);
        let window = place.wait.window.as_ref();
        let (opens, closes) = match window.map(|window| window.opening(moment(at))) {
            None => (None, expires),
            Some(Opening::Open { until }) => (None, earlier(until.map(micros), expires)),
            Some(Opening::OpensAt(opens)) => (Some(micros(opens)), expires),
            // It is over.
            Some(_) => (None, Some(at)),
        };
        place.opens = opens;
        place.closes = closes;
        if let Some(closes) = closes {
            closing.insert((closes, message));
        }
        match opens {
            Some(opens) => {
                opening.insert((opens, message));
            }
            None if !place.wait.is_on_hold => {
                ready.insert((Reverse(place.wait.priority), message));
            }
            None => {}
        }
        closes.is_none_or(|closes| closes > at)
    }

    /// Undoes [`Self::arrange`].
    fn withdraw(&mut self, message: usize) {
        let Some(place) = self.places.get_mut(&message) else {
            return;
        };
        if let Some(opens) = place.opens.take() {
            self.opening.remove(&(opens, message));
        }
        if let Some(closes) = place.closes.take() {
            self.closing.remove(&(closes, message));
        }
        self.ready.remove(&(Reverse(place.wait.priority), message));
    }
}

fn earlier(one: Option<Micros>, other: Option<Micros>) -> Option<Micros> {
    one.into_iter().chain(other).min()
}

fn micros(at: Timestamp) -> Micros {
    at.as_millis().saturating_mul(1_000)
}

/// The first millisecond that is not before this moment.
fn moment(at: Micros) -> Timestamp {
    let milliseconds = at.div_euclid(1_000) + i64::from(at.rem_euclid(1_000) > 0);
    Timestamp::from_millis(milliseconds).unwrap_or(Timestamp::MAX)
}
