//! Whether the gateway kept its word: what was answered, what arrived, what the database holds and what
//! the API says, message by message. Pure.
//!
//! Called by `main.rs` with what `world.rs` has gathered. What must not be is [`Fault`]; everything else is
//! numbers.

#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, HashMap, HashSet};

use tidings::{DeliveryPolicy, Timestamp};
use tidings_core::MessageState;
use tidings_store::AttemptOutcome;

/// A message by what a phone sees of it: recipient and text, which no two messages share.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Seen {
    to: String,
    text: String,
}

impl Seen {
    pub(crate) fn new(to: impl Into<String>, text: impl Into<String>) -> Self {
        Self {
            to: to.into(),
            text: text.into(),
        }
    }
}

/// All that is known at the end.
#[derive(Default)]
pub(crate) struct World {
    /// What was answered as accepted.
    pub(crate) accepted: Vec<Accepted>,
    /// What was answered as not taken.
    pub(crate) refused: Vec<Seen>,
    /// What was not answered, through APIs without keys.
    pub(crate) unanswered: Vec<Seen>,
    /// Batches that were stopped.
    pub(crate) stops: Vec<Stop>,
    /// What the database holds.
    pub(crate) kept: Vec<Kept>,
    /// What reached phones.
    pub(crate) arrived: Vec<Arrival>,
    /// What the API said of each message, by its id.
    pub(crate) told: BTreeMap<String, Told>,
    /// Faults that were seen while it ran, and which.
    pub(crate) seen_before: Vec<(Fault, String)>,
}

/// A message that was answered as accepted.
pub(crate) struct Accepted {
    pub(crate) seen: Seen,
    /// Its id, where the answer has one.
    pub(crate) id: Option<String>,
    /// Which API it went through.
    pub(crate) through: &'static str,
}

/// A stop that was answered.
pub(crate) struct Stop {
    /// When its answer was there.
    pub(crate) answered_at: Timestamp,
    /// The messages of the batch.
    pub(crate) rows: Vec<Seen>,
    /// The ids of the answer.
    pub(crate) canceled: Vec<String>,
    pub(crate) already_out: Vec<String>,
    pub(crate) unknown: Vec<String>,
}

/// A message in the database.
#[derive(Clone)]
pub(crate) struct Kept {
    pub(crate) id: String,
    pub(crate) seen: Seen,
    pub(crate) state: MessageState,
    pub(crate) version: u64,
    pub(crate) policy: DeliveryPolicy,
    pub(crate) lane: String,
    pub(crate) is_marked: bool,
    /// Why it went no further.
    pub(crate) why: String,
    /// How its attempts ended; `None` is that one is open.
    pub(crate) attempts: Vec<Option<AttemptOutcome>>,
}

/// A text on a phone.
pub(crate) struct Arrival {
    pub(crate) seen: Seen,
    /// When its carrier took it.
    pub(crate) at: Timestamp,
}

/// What the API said of a message.
pub(crate) struct Told {
    pub(crate) state: String,
    pub(crate) version: u64,
}

macro_rules! faults {
    ($($(#[doc = $doc:literal])* $name:ident => $words:literal;)+) => {
        /// What must not be.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
        pub(crate) enum Fault {
            $($(#[doc = $doc])* $name,)+
        }

        impl Fault {
            pub(crate) const ALL: &[Self] = &[$(Self::$name),+];

            pub(crate) const fn as_str(self) -> &'static str {
                match self {
                    $(Self::$name => $words,)+
                }
            }
        }
    };
}

faults! {
    /// An answer without a row in the database.
    NotKept => "accepted and not kept";
    /// A provider is said to have it, and no phone got it.
    Lost => "said to be out, and never arrived";
    /// Failed, expired or canceled, for which a run gives no reason but a stop.
    GivenUp => "given up without a reason";
    /// It ended without a provider, it is said, and it arrived.
    EndedAndArrived => "said not to be out, and arrived";
    /// A key that did not hold.
    KeptTwice => "kept more than once";
    /// Sent before the commit.
    ArrivedUnkept => "arrived without being kept";
    /// Sent without an attempt on disk.
    ArrivedUntried => "arrived more often than attempts were kept";
    /// Answered as not taken, and taken.
    RefusedAndKept => "refused and kept all the same";
    /// `reconcile` and `at_most_once`.
    SentTwice => "sent twice against its policy";
    /// Two attempts that may both have been taken, without `duplicate_risk`.
    Unmarked => "possible double without a mark";
    /// A stop's answer does not name every message of its batch once.
    StopNotExact => "stopped, and not named once by the answer";
    /// Named as canceled, and it arrived or did not stay so.
    CanceledAndSent => "canceled by a stop, and sent";
    /// It reached its carrier after the stop was answered, and was not on its way at that moment.
    SentAfterStop => "sent after its stop was answered";
    /// Held, queued, leased or being sent, or an attempt is open.
    StillWithUs => "still with us at the end";
    /// Unknown, although no attempt is.
    NoDoubt => "unknown without a doubt";
    /// Messages still moved when patience was over.
    StillMoving => "something still moved at the end";
    /// The API against the database.
    ToldOtherwise => "told otherwise than kept";
    /// A request was not answered for minutes.
    Unanswered => "a request was never answered";
    /// It ended before it was killed, or did not end when it was asked to.
    EndedByItself => "the gateway did not live as it was let";
    /// A run with a full disk whose disk was never full, or after which the gateway did not go on.
    DiskNotTested => "the disk was not full, or did not come back";
    /// Answers that no client should get.
    OddAnswer => "an answer that no client should get";
}

/// What was found.
#[derive(Default)]
pub(crate) struct Verdict {
    broken: BTreeMap<Fault, Vec<String>>,
    pub(crate) counts: Counts,
}

/// How much there was of everything.
#[derive(Default, Debug, PartialEq, Eq)]
pub(crate) struct Counts {
    pub(crate) accepted: usize,
    /// Of these by API.
    pub(crate) by_api: BTreeMap<&'static str, usize>,
    pub(crate) refused: usize,
    pub(crate) unanswered: usize,
    pub(crate) unanswered_and_kept: usize,
    pub(crate) kept: usize,
    pub(crate) arrived: usize,
    /// Messages that were sent twice, by policy.
    pub(crate) doubles: BTreeMap<&'static str, usize>,
    pub(crate) marked: usize,
    /// Messages that a report ended while a later attempt was open, which was never heard of.
    pub(crate) without_end: usize,
    /// What is unknown at the end, by lane and policy: what arrived and what did not.
    pub(crate) unknown: BTreeMap<(String, &'static str), [usize; 2]>,
    pub(crate) stops: usize,
    pub(crate) canceled: usize,
    pub(crate) in_stopped_batches: usize,
}

impl Counts {
    /// How many are unknown at the end: those that arrived, and those that did not.
    pub(crate) fn unknown(&self) -> [usize; 2] {
        let each = self.unknown.values();
        each.fold([0, 0], |[arrived, not], of| [arrived + of[0], not + of[1]])
    }

    /// How many messages of a policy were sent twice.
    pub(crate) fn doubles_of(&self, policy: DeliveryPolicy) -> usize {
        self.doubles
            .get(policy.as_str())
            .copied()
            .unwrap_or_default()
    }
}

/// The world by what a phone sees.
struct Sorted<'w> {
    kept: HashMap<&'w Seen, Vec<&'w Kept>>,
    arrived: HashMap<&'w Seen, Vec<Timestamp>>,
    /// What the answers to stops called canceled: the only reason for that in a run.
    stopped: HashSet<&'w Seen>,
}

impl Verdict {
    /// Compares.
    pub(crate) fn of(world: &World) -> Self {
        let mut verdict = Self::default();
        let sorted = Sorted::of(world);
        for (fault, which) in &world.seen_before {
            verdict.is_broken(*fault, which.clone());
        }
        verdict.look_at_answers(world, &sorted);
        for (seen, of_it) in &sorted.kept {
            match of_it[..] {
                [row] => verdict.look_at_row(row, &sorted),
                _ => verdict.is_broken(Fault::KeptTwice, seen.text.clone()),
            }
        }
        for seen in sorted.arrived.keys() {
            if !sorted.kept.contains_key(*seen) {
                verdict.is_broken(Fault::ArrivedUnkept, seen.text.clone());
            }
        }
        for stop in &world.stops {
            verdict.look_at_stop(stop, &sorted);
        }
        verdict.look_at_what_was_told(world);
        verdict.counts.kept = world.kept.len();
        verdict.counts.arrived = sorted.arrived.len();
        verdict
    }

    /// Whether nothing was found that must not be.
    pub(crate) fn is_kept(&self) -> bool {
        self.broken.is_empty()
    }

    /// Where a fault was found.
    pub(crate) fn found(&self, fault: Fault) -> &[String] {
        self.broken.get(&fault).map_or(&[], Vec::as_slice)
    }

    fn is_broken(&mut self, fault: Fault, which: String) {
        self.broken.entry(fault).or_default().push(which);
    }

    fn look_at_answers(&mut self, world: &World, sorted: &Sorted<'_>) {
        for one in &world.accepted {
            *self.counts.by_api.entry(one.through).or_default() += 1;
            if !sorted.kept.contains_key(&one.seen) {
                self.is_broken(Fault::NotKept, one.seen.text.clone());
            }
        }
        for seen in &world.refused {
            if sorted.kept.contains_key(seen) {
                self.is_broken(Fault::RefusedAndKept, seen.text.clone());
            }
        }
        let kept = |seen: &&Seen| sorted.kept.contains_key(*seen);
        self.counts.accepted = world.accepted.len();
        self.counts.refused = world.refused.len();
        self.counts.unanswered = world.unanswered.len();
        self.counts.unanswered_and_kept = world.unanswered.iter().filter(kept).count();
    }

    fn look_at_row(&mut self, row: &Kept, sorted: &Sorted<'_>) {
        let n_arrived = sorted.arrived.get(&row.seen).map_or(0, Vec::len);
        self.look_at_state(row, n_arrived, sorted.stopped.contains(&row.seen));
        let named = format!("{}, {}, {}", row.id, row.policy, row.state);
        if row.attempts.contains(&None) {
            // A report about an earlier attempt may have ended the message while a later one was open, of
            // which nobody heard after a crash. It counts as one that may have been taken, see below.
            if row.state.is_final() && row.attempts.contains(&Some(AttemptOutcome::Taken)) {
                self.counts.without_end += 1;
            } else {
                let what = format!("{named}: an attempt has no end");
                self.is_broken(Fault::StillWithUs, what);
            }
        }
        if n_arrived > row.attempts.len() {
            let n_attempts = row.attempts.len();
            let what = format!("{named}: {n_arrived} times by {n_attempts} attempts");
            self.is_broken(Fault::ArrivedUntried, what);
        }
        let perhaps_taken = row.attempts.iter();
        let perhaps_taken = perhaps_taken.filter(|it| **it != Some(AttemptOutcome::NotTaken));
        let may_be_double = n_arrived > 1 || perhaps_taken.count() > 1;
        if n_arrived > 1 {
            *self.counts.doubles.entry(row.policy.as_str()).or_default() += 1;
        }
        if may_be_double && row.policy != DeliveryPolicy::AtLeastOnce {
            let what = format!("{named}: {n_arrived} times, attempts {:?}", row.attempts);
            self.is_broken(Fault::SentTwice, what);
        } else if may_be_double && !row.is_marked {
            self.is_broken(Fault::Unmarked, named);
        }
        self.counts.marked += usize::from(row.is_marked);
    }

    /// Whether its state says what happened to it.
    fn look_at_state(&mut self, row: &Kept, n_arrived: usize, was_stopped: bool) {
        let named = format!("{} is {}", row.id, row.state);
        let has_arrived = n_arrived > 0;
        match row.state {
            MessageState::Unknown => {
                let kind = (row.lane.clone(), row.policy.as_str());
                let of_kind = self.counts.unknown.entry(kind).or_default();
                of_kind[usize::from(!has_arrived)] += 1;
                if !row.attempts.contains(&Some(AttemptOutcome::Unknown)) {
                    self.is_broken(Fault::NoDoubt, named);
                }
            }
            MessageState::Submitted | MessageState::Sent | MessageState::Delivered => {
                if !has_arrived {
                    self.is_broken(Fault::Lost, named);
                }
            }
            MessageState::Failed
            | MessageState::Expired
            | MessageState::Undelivered
            | MessageState::Canceled => {
                if has_arrived {
                    self.is_broken(Fault::EndedAndArrived, named.clone());
                }
                if row.state != MessageState::Canceled || !was_stopped {
                    self.is_broken(Fault::GivenUp, format!("{named}: {}", row.why));
                }
            }
            // Held, queued, leased, sending. `MessageState` may grow: what is not known here is no end.
            _ => self.is_broken(Fault::StillWithUs, named),
        }
    }

    fn look_at_stop(&mut self, stop: &Stop, sorted: &Sorted<'_>) {
        self.counts.stops += 1;
        self.counts.canceled += stop.canceled.len();
        self.counts.in_stopped_batches += stop.rows.len();
        let lists = [&stop.canceled, &stop.already_out, &stop.unknown];
        let mut named: HashMap<&str, usize> = HashMap::new();
        for id in lists.into_iter().flatten() {
            *named.entry(id).or_default() += 1;
        }
        let canceled: HashSet<&str> = stop.canceled.iter().map(String::as_str).collect();
        let unknown: HashSet<&str> = stop.unknown.iter().map(String::as_str).collect();
        for seen in &stop.rows {
            let Some([row]) = sorted.kept.get(seen).map(Vec::as_slice) else {
                // Said already: not kept, or kept twice.
                continue;
            };
            let id = row.id.as_str();
            if named.remove(id) != Some(1) {
                self.is_broken(Fault::StopNotExact, id.to_owned());
            }
            let arrived = sorted.arrived.get(seen).map_or(&[][..], Vec::as_slice);
            let stays = row.state == MessageState::Canceled && arrived.is_empty();
            if canceled.contains(id) && !stays {
                let what = format!("{id} is {}, and arrived {} times", row.state, arrived.len());
                self.is_broken(Fault::CanceledAndSent, what);
            }
            let late = arrived.iter().filter(|at| **at > stop.answered_at);
            // What was on its way may come to its end, once.
            let allowed = usize::from(unknown.contains(id));
            if late.count() > allowed {
                self.is_broken(Fault::SentAfterStop, id.to_owned());
            }
        }
        for id in named.into_keys() {
            self.is_broken(Fault::StopNotExact, format!("{id} is of another batch"));
        }
    }

    fn look_at_what_was_told(&mut self, world: &World) {
        let mut kept: HashMap<&str, &Kept> = HashMap::new();
        for row in &world.kept {
            kept.insert(&row.id, row);
            if !world.told.contains_key(&row.id) {
                let what = format!("{}: the API does not know it", row.id);
                self.is_broken(Fault::ToldOtherwise, what);
            }
        }
        for (id, told) in &world.told {
            if !kept.get(id.as_str()).is_some_and(|row| agree(row, told)) {
                let state = kept.get(id.as_str()).map(|row| row.state.to_string());
                let what = format!("{id}: the API says {}, the database {state:?}", told.state);
                self.is_broken(Fault::ToldOtherwise, what);
            }
        }
        let ids = world.accepted.iter().filter_map(|it| it.id.as_deref());
        for id in ids.filter(|id| !kept.contains_key(id)) {
            let what = format!("{id}: it was answered, and no message is called so");
            self.is_broken(Fault::ToldOtherwise, what);
        }
    }
}

/// Whether the API told what is kept. It was asked before the database was read: a report may have come in
/// between, which takes a message forward only.
fn agree(row: &Kept, told: &Told) -> bool {
    // A message in hand is queued for whoever asks, and a held one held for whatever reason.
    let kept = match row.state.as_str() {
        "leased" => "queued",
        state => state,
    };
    if row.version == told.version {
        return kept == told.state;
    }
    let told_state: Option<MessageState> = told.state.parse().ok();
    let is_forward = told_state.is_some_and(|state| state.rank() <= row.state.rank());
    row.version > told.version && is_forward
}

impl<'w> Sorted<'w> {
    fn of(world: &'w World) -> Self {
        let mut sorted = Self {
            kept: HashMap::new(),
            arrived: HashMap::new(),
            stopped: HashSet::new(),
        };
        for row in &world.kept {
            sorted.kept.entry(&row.seen).or_default().push(row);
        }
        for arrival in &world.arrived {
            let times = sorted.arrived.entry(&arrival.seen).or_default();
            times.push(arrival.at);
        }
        sorted
            .stopped
            .extend(world.stops.iter().flat_map(|stop| &stop.rows));
        sorted
    }
}
