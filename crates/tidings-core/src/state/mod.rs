//! The whole life of a message: its states, what can happen to it, and what follows.
//!
//! Called by whoever keeps a message's state. One pure function, [`MessageState::on`], decides;
//! nothing else in the workspace changes a state. It knows one message and one event: which
//! attempt an event is about, when something is due and what the policy says are its caller's
//! affair, and come in as the choice of the event.

mod event;
#[cfg(test)]
mod tests;

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::report::ReportedState;
use crate::words::{UnknownWord, stable_words};

pub use event::{AttemptEnd, EarlierAttempts, MessageEvent};

/// Where a message is in its life.
///
/// Written as one word, in serde and by `Display`; a held message's word has its reason behind a
/// colon:
///
/// ```
/// use tidings_core::{HeldReason, MessageState};
///
/// assert_eq!(MessageState::Queued.to_string(), "queued");
/// assert_eq!(MessageState::Held(HeldReason::Window).to_string(), "held:window");
/// assert_eq!("held:window".parse(), Ok(MessageState::Held(HeldReason::Window)));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
#[non_exhaustive]
pub enum MessageState {
    /// Accepted, and not to leave yet.
    Held(HeldReason),
    /// Waits for its turn.
    Queued,
    /// A worker has taken it; nothing has been written about an attempt yet.
    Leased,
    /// An attempt is open: bytes may be on their way to the provider.
    Sending,
    /// An attempt ended without a readable verdict: nobody can know whether it was taken.
    Unknown,
    /// The provider has taken it.
    Submitted,
    /// The carrier has it.
    Sent,
    /// The carrier could not deliver it.
    Undelivered,
    /// The provider refused it, or every way was tried.
    Failed,
    /// Its validity ran out.
    Expired,
    /// The phone has it.
    Delivered,
    /// It was stopped before it left.
    Canceled,
}

/// Why an accepted message does not leave yet.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum HeldReason {
    /// Its time has not come.
    Schedule,
    /// Its send window is closed.
    Window,
    /// It is night where the recipient is.
    QuietHours,
    /// Its batch or lane is paused.
    Paused,
    /// A person has to approve it.
    Approval,
    /// No provider account serves its recipient at present.
    NoRoute,
}

stable_words!(HeldReason:
    Schedule => "schedule",
    Window => "window",
    QuietHours => "quiet_hours",
    Paused => "paused",
    Approval => "approval",
    NoRoute => "no_route",
);

/// What an event does to a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use = "the state changes only when the caller stores it"]
#[non_exhaustive]
pub enum Transition {
    /// The message is now in another state.
    Moved {
        /// The new state; never equal to the one before.
        to: MessageState,
    },
    /// The event came too late, or says nothing new. It is kept in the message's history and its
    /// state stays as it is.
    Stale,
    /// The event must not happen in this state. Whoever caused it acts on a state that the message
    /// does not have and must go no further; above all it must send nothing.
    Refused(RefusedEvent),
}

impl Transition {
    /// The new state, if there is one.
    ///
    /// # Errors
    /// [`RefusedEvent`] when the event must not happen.
    pub fn moved(self) -> Result<Option<MessageState>, RefusedEvent> {
        match self {
            Self::Moved { to } => Ok(Some(to)),
            Self::Stale => Ok(None),
            Self::Refused(refused) => Err(refused),
        }
    }
}

/// An event that must not happen to a message in this state.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a message that is {state} cannot take the event {event}")]
#[non_exhaustive]
pub struct RefusedEvent {
    /// The state that the message is in.
    pub state: MessageState,
    /// What was said to happen to it.
    pub event: MessageEvent,
}

impl MessageState {
    /// Every state, held ones once for each reason.
    pub const ALL: &'static [Self] = &[
        Self::Held(HeldReason::Schedule),
        Self::Held(HeldReason::Window),
        Self::Held(HeldReason::QuietHours),
        Self::Held(HeldReason::Paused),
        Self::Held(HeldReason::Approval),
        Self::Held(HeldReason::NoRoute),
        Self::Queued,
        Self::Leased,
        Self::Sending,
        Self::Unknown,
        Self::Submitted,
        Self::Sent,
        Self::Failed,
        Self::Expired,
        Self::Canceled,
        Self::Undelivered,
        Self::Delivered,
    ];

    /// What follows when `event` happens to a message in this state.
    ///
    /// What we do ourselves (hold, lease, begin, cancel) is allowed in the states that are named.
    /// What we are told (the end of an attempt, a report) is evidence, and moves a message only to
    /// a higher [`rank`](Self::rank). Proof that an attempt was not taken, a policy that sends
    /// again after an unknown outcome, and a lease without an attempt put a message back into the
    /// queue; nothing else goes backwards. So any order and any repetition of the same reports ends
    /// in the same state.
    ///
    /// A request to cancel or to hold that comes while an attempt is open, or after it, is stale
    /// here, because the state stays truthful. A caller that keeps the request applies it again, in
    /// the same transaction, whenever the message returns to `queued`.
    ///
    /// The whole table; `·` is [`Transition::Stale`], `refused` is [`Transition::Refused`]:
    ///
    #[doc = include_str!("transitions.md")]
    pub fn on(self, event: MessageEvent) -> Transition {
        let row = row(event);
        let cell = match self {
            Self::Held(_) => row.held,
            Self::Queued => row.queued,
            Self::Leased => row.leased,
            Self::Sending => row.sending,
            Self::Unknown => row.unknown,
            Self::Submitted | Self::Sent => row.out,
            Self::Failed | Self::Expired | Self::Canceled | Self::Undelivered | Self::Delivered => {
                row.over
            }
        };
        match cell {
            Cell::Go(to) if to != self => Transition::Moved { to },
            Cell::Rise(to) if to.rank() > self.rank() => Transition::Moved { to },
            Cell::Go(_) | Cell::Rise(_) | Cell::Keep => Transition::Stale,
            Cell::No => Transition::Refused(RefusedEvent { state: self, event }),
        }
    }

    /// How far the message is known to have come: evidence moves it only upwards.
    ///
    /// No two states that evidence can lead to have the same rank, so reports that contradict each
    /// other end in one state, whichever is read first. Delivered is above all, because a receipt
    /// of the phone is true whatever was said before. Among the other ends the one that says more
    /// about what happened is higher: `failed` (somebody refused it) below `expired` (its time ran
    /// out) below `canceled` (it was stopped, so it did not leave) below `undelivered` (it did
    /// leave, and a carrier tried it). So a message that was canceled stays canceled when its
    /// provider calls the same thing a failure, and is shown as undelivered or delivered when it
    /// turns out to have been on its way.
    pub const fn rank(self) -> u8 {
        match self {
            Self::Held(_) | Self::Queued | Self::Leased => 20,
            Self::Sending => 30,
            Self::Unknown => 35,
            Self::Submitted => 40,
            Self::Sent => 50,
            Self::Failed => 80,
            Self::Expired => 81,
            Self::Canceled => 82,
            Self::Undelivered => 83,
            Self::Delivered => 90,
        }
    }

    /// Whether nothing more will be done about the message. Evidence can still correct a final
    /// state, upwards only.
    ///
    /// [`Self::Unknown`] is not final: a report resolves it however late. When its caller stops
    /// waiting it stays unknown, and never becomes failed for want of an answer.
    pub const fn is_final(self) -> bool {
        match self {
            Self::Held(_)
            | Self::Queued
            | Self::Leased
            | Self::Sending
            | Self::Unknown
            | Self::Submitted
            | Self::Sent => false,
            Self::Failed | Self::Expired | Self::Canceled | Self::Undelivered | Self::Delivered => {
                true
            }
        }
    }

    /// The stable word for this state without the reason for holding: as in counts and filters.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Held(_) => "held",
            Self::Queued => "queued",
            Self::Leased => "leased",
            Self::Sending => "sending",
            Self::Unknown => "unknown",
            Self::Submitted => "submitted",
            Self::Sent => "sent",
            Self::Failed => "failed",
            Self::Expired => "expired",
            Self::Canceled => "canceled",
            Self::Undelivered => "undelivered",
            Self::Delivered => "delivered",
        }
    }
}

/// What one event does in each state. `out` stands for submitted and sent, `over` for all final
/// states: within these two only the rank decides.
struct Row {
    held: Cell,
    queued: Cell,
    leased: Cell,
    sending: Cell,
    unknown: Cell,
    out: Cell,
    over: Cell,
}

/// What one event does in one state.
#[derive(Clone, Copy)]
enum Cell {
    /// Moves there, in whatever direction.
    Go(MessageState),
    /// Moves there if that is upwards.
    Rise(MessageState),
    /// Changes nothing.
    Keep,
    /// Must not happen.
    No,
}

/// The table: one line for each event, one column for each state.
#[rustfmt::skip]
#[expect(clippy::match_same_arms, reason = "each event has a line of its own")]
fn row(event: MessageEvent) -> Row {
    use AttemptEnd::{Failed, NoVerdict, NotTaken, Taken};
    use Cell::{Go, Keep, No, Rise};
    use EarlierAttempts::{MaybeTaken, NoneTaken};
    use MessageEvent as On;
    use MessageState as S;

    let [held, queued, leased, sending, unknown, out, over] = match event {
        //                                       held              queued            leased            sending         unknown        out   over
        On::Held(why)                        => [Go(S::Held(why)), Go(S::Held(why)), Go(S::Held(why)), Keep,           Keep,          Keep, Keep],
        On::Released                         => [Go(S::Queued),    Keep,             Keep,             Keep,           Keep,          Keep, Keep],
        On::Leased                           => [No,               Go(S::Leased),    No,               No,             No,            No,   No],
        On::LeaseReturned                    => [Keep,             Keep,             Go(S::Queued),    No,             Keep,          Keep, Keep],
        On::LeaseLost                        => [Keep,             Keep,             Go(S::Queued),    Go(S::Unknown), Keep,          Keep, Keep],
        On::AttemptBegan                     => [No,               No,               Go(S::Sending),   No,             No,            No,   No],
        On::AttemptEnded(Taken)              => [Rise(S::Submitted); 7],
        On::AttemptEnded(NotTaken)           => [Keep,             Keep,             Keep,             Go(S::Queued),  Go(S::Queued), Keep, Keep],
        On::AttemptEnded(Failed(NoneTaken))  => [Rise(S::Failed); 7],
        On::AttemptEnded(Failed(MaybeTaken)) => [Rise(S::Unknown); 7],
        On::AttemptEnded(NoVerdict)          => [Keep,             Keep,             Keep,             Go(S::Unknown), Keep,          Keep, Keep],
        On::Reported(said)                   => [evidence(said); 7],
        On::EarlierReported(said)            => [evidence_of_earlier(said); 7],
        On::ResendDue                        => [Keep,             Keep,             Keep,             Keep,           Go(S::Queued), Keep, Keep],
        On::CancelRequested(NoneTaken)       => [Go(S::Canceled),  Go(S::Canceled),  Go(S::Canceled),  Keep,           Keep,          Keep, Keep],
        On::CancelRequested(MaybeTaken)      => [Go(S::Unknown),   Go(S::Unknown),   Go(S::Unknown),   Keep,           Keep,          Keep, Keep],
        On::ValidityEnded(NoneTaken)         => [Go(S::Expired),   Go(S::Expired),   Go(S::Expired),   Keep,           Keep,          Keep, Keep],
        On::ValidityEnded(MaybeTaken)        => [Go(S::Unknown),   Go(S::Unknown),   Go(S::Unknown),   Keep,           Keep,          Keep, Keep],
    };
    Row { held, queued, leased, sending, unknown, out, over }
}

/// A report about the attempt that counts.
fn evidence(said: ReportedState) -> Cell {
    match said {
        ReportedState::Submitted => Cell::Rise(MessageState::Submitted),
        ReportedState::Sent => Cell::Rise(MessageState::Sent),
        ReportedState::Delivered => Cell::Rise(MessageState::Delivered),
        ReportedState::Undelivered => Cell::Rise(MessageState::Undelivered),
        ReportedState::Expired => Cell::Rise(MessageState::Expired),
        ReportedState::Failed => Cell::Rise(MessageState::Failed),
        ReportedState::Canceled => Cell::Rise(MessageState::Canceled),
        // Who does not know has told nothing.
        ReportedState::Unknown => Cell::Keep,
    }
}

/// A report about an attempt that a later one has replaced: that it came through is news about the
/// message, that it did not is no news, because the later one may.
fn evidence_of_earlier(said: ReportedState) -> Cell {
    match said {
        ReportedState::Submitted | ReportedState::Sent | ReportedState::Delivered => evidence(said),
        ReportedState::Undelivered
        | ReportedState::Expired
        | ReportedState::Failed
        | ReportedState::Canceled
        | ReportedState::Unknown => Cell::Keep,
    }
}

impl fmt::Display for MessageState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Held(reason) => write!(f, "{}:{reason}", self.as_str()),
            other => f.pad(other.as_str()),
        }
    }
}

impl FromStr for MessageState {
    type Err = UnknownWord;

    /// Reads a state as `Display` writes it.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if let Some((word, reason)) = text.split_once(':')
            && word == "held"
        {
            return reason.parse().map(Self::Held);
        }
        Self::ALL
            .iter()
            .copied()
            .find(|state| !matches!(state, Self::Held(_)) && state.as_str() == text)
            .ok_or(UnknownWord {
                expected: "held:reason queued leased sending unknown submitted sent failed expired \
                           canceled undelivered delivered",
            })
    }
}

impl TryFrom<String> for MessageState {
    type Error = UnknownWord;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl From<MessageState> for String {
    fn from(state: MessageState) -> Self {
        state.to_string()
    }
}
