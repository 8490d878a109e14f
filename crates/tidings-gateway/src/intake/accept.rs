//! Many drafts become messages on disk, in one transaction, with a verdict for each.
//!
//! [`accept`] is called by everything that takes messages; `batch.rs` comes in by [`take`] with the rows of
//! a batch. The store is asked for the zones of numbers where they matter, and once to keep everything.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use tidings_core::{E164, MessageState, Timestamp};
use tidings_store::{BatchPlace, LaneId, MessageId, NewMessage, Once, StoreError, Taken};
use tracing::Instrument as _;

use super::check::{Checked, Ground};
use super::draft::{Draft, Timing};
use super::once;
use super::stamp::{self, Flow, Source};
use super::timing::{self, Departure, Place};
use super::verdict::{AcceptedMessage, Rejection, RejectionCode, Verdict};
use crate::gateway::Gateway;
use crate::settings::Customer;
use crate::telemetry::stages;

/// Which API single messages with a key come by that is kept for a day.
const OWN_API: &str = "tidings";

/// Takes single messages: checks each, keeps those that are good, and says what became of each, in order.
/// When it answers, what is accepted is on disk. `origin` is the API that they came by: `tidings`, or the id
/// of a provider.
pub async fn accept(
    gateway: &Gateway,
    customer: &Customer,
    origin: &str,
    drafts: Vec<Draft>,
) -> Result<Vec<Verdict>, StoreError> {
    let ground = Ground::new(gateway, customer, origin.into());
    let rows = drafts.into_iter().map(|draft| Row {
        draft: Ok(draft),
        place: None,
        hash: None,
    });
    let taken = take(&ground, rows.collect(), |_, _| Ok(())).await?;
    Ok(taken.verdicts)
}

/// A draft on its way in.
pub(super) struct Row {
    /// What is asked for, or why it could not be read.
    pub draft: Result<Draft, Rejection>,
    /// Its place in a batch.
    pub place: Option<BatchPlace>,
    /// What it asks for, where the batch may come again.
    pub hash: Option<u64>,
}

/// What became of rows.
pub(super) struct Took {
    /// A verdict for each, in order.
    pub verdicts: Vec<Verdict>,
    /// When the last of them may leave first.
    pub latest: Timestamp,
}

/// Takes rows. `also` may refuse what is otherwise good; it is told the place of the row in `rows`.
pub(super) async fn take(
    ground: &Ground<'_>,
    rows: Vec<Row>,
    also: impl FnMut(usize, &Checked) -> Result<(), Rejection>,
) -> Result<Took, StoreError> {
    let span = stages::accept_span(&ground.origin, rows.len());
    let began = ground.gateway.clock().elapsed();
    let taking = async {
        let took = take_all(ground, rows, also).await?;
        let lasted = ground.gateway.clock().elapsed().saturating_sub(began);
        stages::accepted(&ground.live, &took.verdicts, lasted);
        Ok(took)
    };
    taking.instrument(span).await
}

async fn take_all(
    ground: &Ground<'_>,
    rows: Vec<Row>,
    mut also: impl FnMut(usize, &Checked) -> Result<(), Rejection>,
) -> Result<Took, StoreError> {
    if !ground.customer.is_active {
        let refusal = || Rejection::new(RejectionCode::Inactive, "the account may not send");
        return Ok(Took {
            verdicts: rows.iter().map(|_| Err(refusal())).collect(),
            latest: ground.now,
        });
    }
    let mut good = Vec::with_capacity(rows.len());
    let mut verdicts = Vec::with_capacity(rows.len());
    for (place, row) in rows.into_iter().enumerate() {
        let draft = row.draft.and_then(|draft| {
            let checked = ground.check(&draft)?;
            also(place, &checked)?;
            Ok((draft, checked))
        });
        match draft {
            Ok((draft, checked)) => {
                good.push(Good {
                    place,
                    draft,
                    checked,
                    batch: row.place,
                    row_hash: row.hash,
                    timing: Departure::default(),
                });
                verdicts.push(None);
            }
            Err(rejection) => verdicts.push(Some(Err(rejection))),
        }
    }
    let mut refuse = |place: usize, rejection| {
        if let Some(verdict) = verdicts.get_mut(place) {
            *verdict = Some(Err(rejection));
        }
    };
    timed(ground, &mut good, &mut refuse).await?;
    let opens_at = good.iter().filter_map(|good| good.timing.hold?.until);
    let latest = opens_at.max().unwrap_or(ground.now);
    if !good.is_empty() {
        let places: Vec<usize> = good.iter().map(|good| good.place).collect();
        let kept = keep(ground, good).await?;
        for (place, verdict) in places.into_iter().zip(kept) {
            if let Some(slot) = verdicts.get_mut(place) {
                *slot = Some(verdict);
            }
        }
    }
    Ok(Took {
        // Every row was either refused or handed over.
        verdicts: verdicts.into_iter().flatten().collect(),
        latest,
    })
}

/// A draft that is good by itself.
struct Good {
    /// Its place in what was asked.
    place: usize,
    draft: Draft,
    checked: Checked,
    batch: Option<BatchPlace>,
    row_hash: Option<u64>,
    timing: Departure,
}

/// Finds out when each may leave; refuses those for which it is too late. Most messages want nothing
/// and nobody is to be left alone: then nothing is asked.
async fn timed(
    ground: &Ground<'_>,
    good: &mut Vec<Good>,
    refuse: &mut impl FnMut(usize, Rejection),
) -> Result<(), StoreError> {
    let wants_place = |good: &Good| wants_place(ground, &good.draft.timing);
    let numbers: Vec<E164> = good
        .iter()
        .filter(|good| wants_place(good) && good.draft.timing.zone.is_none())
        .map(|good| good.checked.message.to)
        .collect();
    let mut zones = if numbers.is_empty() {
        Vec::new().into_iter()
    } else {
        let store = ground.gateway.store();
        let zones = store.zones_of(&ground.customer.id, &numbers).await?;
        zones.into_iter()
    };
    let mut plans = Plans::default();
    good.retain_mut(|good| {
        let timing = &good.draft.timing;
        let has_rules = timing.send_at.is_some() || timing.window.is_some();
        if !wants_place(good) && !has_rules {
            return true;
        }
        let place = if !wants_place(good) {
            // Moments and windows name their own zones.
            Place::Zone(ground.live.config.sending.zone.clone())
        } else if let Some(zone) = &timing.zone {
            Place::Zone(zone.clone())
        } else {
            let of_contact = zones.next().flatten();
            place_of(ground, of_contact, good.checked.message.to)
        };
        if let Some(departure) = plans.of(ground, timing, place) {
            good.timing = departure;
            return true;
        }
        let detail = if timing.window.is_some() || timing.hours.is_some() {
            "the time in which it may leave is over"
        } else {
            "quiet hours leave no time that is allowed in all zones where the recipient may be; \
             name the recipient's time zone"
        };
        refuse(
            good.place,
            Rejection::new(RejectionCode::WindowOver, detail),
        );
        false
    });
    Ok(())
}

/// Whether it matters where the recipient is.
fn wants_place(ground: &Ground<'_>, timing: &Timing) -> bool {
    let has_quiet = !timing.ignores_quiet_hours && !ground.quiet.is_empty();
    has_quiet || timing.send_at_local.is_some() || timing.hours.is_some()
}

/// Where a recipient is who named no zone.
fn place_of(ground: &Ground<'_>, of_contact: Option<tidings_core::TimeZone>, to: E164) -> Place {
    if let Some(zone) = of_contact.or_else(|| ground.zone.cloned()) {
        return Place::Zone(zone);
    }
    match to.region() {
        Some(region) => Place::Region(region),
        None => Place::Zone(ground.live.config.sending.zone.clone()),
    }
}

/// When messages may leave, found out once for all with the same wishes in the same place: a batch
/// has few of them.
#[derive(Default)]
struct Plans(Vec<(Timing, Place, Option<Departure>)>);

impl Plans {
    const MOST: usize = 16;

    fn of(&mut self, ground: &Ground<'_>, timing: &Timing, place: Place) -> Option<Departure> {
        let mut known = self.0.iter();
        if let Some((_, _, plan)) = known.find(|known| known.1 == place && known.0 == *timing) {
            return plan.clone();
        }
        let plan = timing::plan(timing, &ground.quiet, &place, ground.now);
        if self.0.len() >= Self::MOST {
            self.0.clear();
        }
        self.0.push((timing.clone(), place, plan.clone()));
        plan
    }
}

/// Hands everything to the store, wakes whoever has something to do now, and says what became of each.
async fn keep(ground: &Ground<'_>, good: Vec<Good>) -> Result<Vec<Verdict>, StoreError> {
    let mut accepted = Vec::with_capacity(good.len());
    let mut messages = Vec::with_capacity(good.len());
    for good in good {
        let message = new_message(ground, good);
        accepted.push(AcceptedMessage {
            id: message.id,
            state: state_of(&message),
            segments: message.parts,
            lane: message.lane.clone(),
            is_repeated: false,
            answer: None,
        });
        messages.push(message);
    }
    let store = ground.gateway.store();
    let taken = store
        .accept(&ground.customer.id, messages, ground.now)
        .await?;
    let mut wakes = Wakes::default();
    let verdicts = taken
        .into_iter()
        .zip(accepted)
        .map(|(taken, accepted)| match taken {
            Taken::New => {
                wakes.note(&accepted);
                Ok(accepted)
            }
            Taken::Before { id, answer } => Ok(before(accepted, id, answer)),
            Taken::RowIsThere { id } => Ok(before(accepted, id, None)),
            Taken::OtherRequest => Err(Rejection::new(
                RejectionCode::KeyReused,
                "the key was used for another request",
            )),
            Taken::OptedOut => Err(Rejection::new(
                RejectionCode::OptedOut,
                "the recipient has opted out of texts",
            )),
            Taken::OverQuota => Err(Rejection::new(
                RejectionCode::QuotaExceeded,
                "the account's quota does not have that many parts left",
            )),
        });
    let verdicts = verdicts.collect();
    wakes.wake(ground.gateway);
    Ok(verdicts)
}

fn new_message(ground: &Ground<'_>, good: Good) -> NewMessage {
    let Good {
        draft,
        checked,
        batch,
        row_hash,
        timing,
        ..
    } = good;
    let id = MessageId(ground.gateway.new_id());
    let opens_at = timing.hold.and_then(|hold| hold.until);
    let leaves_first = opens_at.unwrap_or(ground.now);
    let source = match batch {
        Some(place) => Source::Batch(place.batch),
        None => Source::Singles(ground.customer.id.clone()),
    };
    let flow = Flow {
        source,
        priority: checked.message.priority,
        opens_at,
    };
    let stamp = stamp::of(&checked.lane, &flow, checked.parts, ground.now);
    let lane = checked.lane.id.clone();
    let once = once_of(ground, &draft, &checked, batch).map(|mut once| {
        if *ground.origin == *OWN_API {
            once.keep_until = once.keep_until.max(leaves_first.plus(once::KEPT));
        }
        once.answer = once.answer.take().or_else(|| {
            let hold = timing.hold.map(|hold| MessageState::Held(hold.reason));
            Some(Answer::of(hold, checked.parts, &lane))
        });
        once
    });
    NewMessage {
        id,
        stamp,
        original_text: checked.original_text,
        parts: checked.parts,
        lane: Some(lane),
        hold: timing.hold,
        timing: timing.rules,
        closes_at: timing.closes_at,
        expires_at: Some(leaves_first.plus(draft.valid_for.unwrap_or(ground.valid_for))),
        batch,
        row_hash,
        once,
        origin: Arc::clone(&ground.origin),
        terms: draft.terms,
        conversation: draft.conversation,
        shown_sender: checked.sender,
        passes_opt_out: draft.passes_opt_out,
        resend_of: draft.resend_of,
        message: checked.message,
    }
}

/// The name under which a message is taken once: its own, or what is in it where the account wants that
/// of a vendor's API.
fn once_of(
    ground: &Ground<'_>,
    draft: &Draft,
    checked: &Checked,
    batch: Option<BatchPlace>,
) -> Option<Once> {
    if draft.once.is_some() {
        return draft.once.clone();
    }
    let window = ground.customer.settings.same_content_window_s;
    if window == 0 || batch.is_some() || draft.resend_of.is_some() || *ground.origin == *OWN_API {
        return None;
    }
    let until = std::time::Duration::from_secs(window.into());
    Some(once::of_content(
        checked.message.to,
        checked.sender.as_ref(),
        &draft.text,
        ground.now.plus(until),
    ))
}

fn state_of(message: &NewMessage) -> MessageState {
    match message.hold {
        Some(hold) => MessageState::Held(hold.reason),
        None => MessageState::Queued,
    }
}

/// A message that was taken before, as it was then.
fn before(
    mut accepted: AcceptedMessage,
    id: MessageId,
    answer: Option<Arc<str>>,
) -> AcceptedMessage {
    accepted.id = id;
    accepted.is_repeated = true;
    let kept = answer.as_deref().map(serde_json::from_str::<Answer>);
    if let Some(Ok(kept)) = kept {
        accepted.state = kept.state;
        accepted.segments = kept.segments;
        accepted.lane = kept.lane;
    }
    accepted.answer = answer;
    accepted
}

/// What is kept of an answer, so that it can be said again as it was.
#[derive(Debug, Serialize, Deserialize)]
struct Answer {
    state: MessageState,
    segments: u16,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    lane: Option<LaneId>,
}

impl Answer {
    fn of(hold: Option<MessageState>, segments: u16, lane: &LaneId) -> Arc<str> {
        let answer = Self {
            state: hold.unwrap_or(MessageState::Queued),
            segments,
            lane: Some(lane.clone()),
        };
        let text = serde_json::to_string(&answer).expect("an answer is words and numbers");
        text.into()
    }
}

/// Which loops have something to do.
#[derive(Default)]
struct Wakes {
    lanes: Vec<LaneId>,
    has_held: bool,
    has_news: bool,
}

impl Wakes {
    fn note(&mut self, accepted: &AcceptedMessage) {
        self.has_news = true;
        match (&accepted.state, &accepted.lane) {
            (MessageState::Queued, Some(lane)) => {
                if !self.lanes.contains(lane) {
                    self.lanes.push(lane.clone());
                }
            }
            _ => self.has_held = true,
        }
    }

    fn wake(&self, gateway: &Gateway) {
        let signals = gateway.signals();
        self.lanes.iter().for_each(|lane| signals.wake_lane(lane));
        if self.has_held {
            // It may be due earlier than anything it knows of.
            signals.janitor().notify_one();
        }
        if self.has_news {
            signals.happened();
        }
    }
}
