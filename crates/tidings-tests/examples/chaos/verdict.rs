//! Whether the gateway kept its word: what was answered, what arrived, what the database holds and what
//! the API said, message by message.

use std::collections::{BTreeMap, HashMap};

use tidings::DeliveryPolicy;
use tidings_core::MessageState;
use tidings_store::store::{Lanes as _, Messages as _};
use tidings_store::{MessageFilter, PageRequest, StoredMessage};

use crate::load::{Load, Seen};
use crate::options::Options;
use crate::stage::Stage;

/// How many of a kind are shown.
const SHOWN: usize = 5;

/// What was found.
#[derive(Default)]
pub(crate) struct Verdict {
    numbers: Vec<(&'static str, usize)>,
    /// What must not be, with the messages that it happened to.
    broken: BTreeMap<&'static str, Vec<String>>,
    odd: BTreeMap<String, u64>,
    /// What is unknown at the end, by lane and policy: what arrived and what did not.
    unknown: BTreeMap<String, [usize; 2]>,
}

pub(crate) async fn compare(
    stage: &Stage,
    load: &Load,
    told: BTreeMap<String, String>,
    is_settled: bool,
) -> Verdict {
    let mut verdict = Verdict {
        odd: load.odd().clone(),
        ..Verdict::default()
    };
    let stored = stored(stage).await;
    let mut arrived: HashMap<Seen, usize> = HashMap::new();
    for seen in stage.arrived().await {
        *arrived.entry(seen).or_default() += 1;
    }
    let mut rows: HashMap<Seen, Vec<&StoredMessage>> = HashMap::new();
    for message in &stored {
        let seen = (message.to.as_str().to_owned(), message.text.to_string());
        rows.entry(seen).or_default().push(message);
    }
    verdict.look_at_answers(load, &rows, &arrived);
    verdict.look_at_rows(&rows, &arrived);
    for seen in arrived.keys().filter(|seen| !rows.contains_key(*seen)) {
        verdict.is_broken("arrived without being kept", seen.1.clone());
    }
    let states: HashMap<String, String> = stored
        .iter()
        .map(|message| (message.id.to_string(), message.state.to_string()))
        .collect();
    for (id, state) in told {
        let kept = states.get(&id);
        if kept.is_none_or(|kept| !is_the_same(kept, &state)) {
            let what = format!("{id}: the API says {state}, the database {kept:?}");
            verdict.is_broken("told otherwise than kept", what);
        }
    }
    if !is_settled {
        let lanes = stage.store().await.lane_depths().await;
        verdict.is_broken("something still moved at the end", format!("{lanes:?}"));
    }
    verdict.number("messages kept", stored.len());
    verdict.number("messages that arrived", arrived.len());
    verdict
}

/// The API may say less than the store: a message in hand is queued for whoever asks.
fn is_the_same(kept: &str, told: &str) -> bool {
    kept == told || kept.split(':').next() == Some(told)
}

async fn stored(stage: &Stage) -> Vec<StoredMessage> {
    let store = stage.store().await;
    let mut messages = Vec::new();
    let mut after = None;
    loop {
        let filter = MessageFilter {
            page: PageRequest {
                after,
                limit: 1_000,
            },
            ..MessageFilter::default()
        };
        let page = store.messages(filter).await;
        let page = page.expect("the database can be read");
        messages.extend(page.items);
        after = page.next;
        if after.is_none() {
            return messages;
        }
    }
}

impl Verdict {
    pub(crate) fn is_kept(&self) -> bool {
        self.broken.is_empty() && self.odd.is_empty()
    }

    fn is_broken(&mut self, what: &'static str, which: String) {
        self.broken.entry(what).or_default().push(which);
    }

    pub(crate) fn number(&mut self, what: &'static str, number: usize) {
        self.numbers.push((what, number));
    }

    fn look_at_answers(
        &mut self,
        load: &Load,
        rows: &HashMap<Seen, Vec<&StoredMessage>>,
        arrived: &HashMap<Seen, usize>,
    ) {
        let accepted = load.accepted();
        let mut by_api: BTreeMap<&'static str, usize> = BTreeMap::new();
        for one in accepted.iter() {
            *by_api.entry(one.through).or_default() += 1;
            let of_it = rows.get(&one.seen).map_or(&[][..], Vec::as_slice);
            match of_it {
                [] => self.is_broken("accepted and not kept", one.seen.1.clone()),
                [row] if is_out(row.state) && !arrived.contains_key(&one.seen) => {
                    let what = format!("{} is {}", row.id, row.state);
                    self.is_broken("accepted, said to be out, and never arrived", what);
                }
                [row] if has_ended_without(row.state) => {
                    let what = format!(
                        "{} is {}: {:?} {:?}",
                        row.id, row.state, row.reason, row.detail
                    );
                    self.is_broken("accepted and given up", what);
                }
                [_] => {}
                _ => self.is_broken("accepted more than once", one.seen.1.clone()),
            }
        }
        self.number("answered as accepted", accepted.len());
        for (through, n_accepted) in by_api {
            self.number(through, n_accepted);
        }
        let unanswered = load.unanswered();
        let kept = unanswered.iter().filter(|seen| rows.contains_key(*seen));
        self.number("not answered, providers' APIs", unanswered.len());
        self.number("  of these kept all the same", kept.count());
    }

    fn look_at_rows(
        &mut self,
        rows: &HashMap<Seen, Vec<&StoredMessage>>,
        arrived: &HashMap<Seen, usize>,
    ) {
        let mut n_unknown = [0, 0];
        let mut n_flagged = 0;
        let mut n_doubles = 0;
        for (seen, of_it) in rows {
            let n_arrived = arrived.get(seen).copied().unwrap_or_default();
            let [row] = of_it[..] else {
                self.is_broken("kept more than once", seen.1.clone());
                continue;
            };
            match row.state {
                MessageState::Held(_)
                | MessageState::Queued
                | MessageState::Leased
                | MessageState::Sending => {
                    let what = format!("{} is {}", row.id, row.state);
                    self.is_broken("still with us at the end", what);
                }
                MessageState::Unknown => {
                    n_unknown[usize::from(n_arrived > 0)] += 1;
                    let lane = row.lane.as_ref().map_or("", |lane| lane.as_str());
                    let kind = format!("unknown over {lane}, {}", row.policy);
                    let of_kind = self.unknown.entry(kind).or_default();
                    of_kind[usize::from(n_arrived > 0)] += 1;
                }
                _ => {}
            }
            n_flagged += usize::from(row.duplicate_risk);
            if n_arrived > 1 {
                n_doubles += 1;
                let what = format!("{} arrived {n_arrived} times, {}", row.id, row.policy);
                if row.policy != DeliveryPolicy::AtLeastOnce {
                    self.is_broken("sent twice against its policy", what);
                } else if !row.duplicate_risk {
                    self.is_broken("sent twice without a mark", what);
                }
            }
        }
        self.number("unknown at the end, arrived", n_unknown[1]);
        self.number("unknown at the end, not arrived", n_unknown[0]);
        self.number("sent twice (at_least_once)", n_doubles);
        self.number("marked as possible doubles", n_flagged);
    }

    pub(crate) fn print(&self, options: &Options) {
        println!();
        println!("{:40} {:>8}", "kills", options.kills);
        for (what, number) in &self.numbers {
            println!("{what:40} {number:>8}");
        }
        for (kind, [not_arrived, arrived]) in &self.unknown {
            println!("  {kind:44} {arrived} arrived, {not_arrived} did not");
        }
        println!();
        let must_not_be = [
            "accepted and not kept",
            "accepted, said to be out, and never arrived",
            "accepted and given up",
            "accepted more than once",
            "kept more than once",
            "arrived without being kept",
            "sent twice against its policy",
            "sent twice without a mark",
            "still with us at the end",
            "something still moved at the end",
            "told otherwise than kept",
        ];
        for what in must_not_be {
            let found = self.broken.get(what).map_or(&[][..], Vec::as_slice);
            println!("{what:46} {:>4}", found.len());
            for which in found.iter().take(SHOWN) {
                println!("    {which}");
            }
        }
        for (what, n_times) in self.odd.iter().take(SHOWN) {
            println!("unexpected, {n_times} times: {what}");
        }
    }
}

/// Whether a provider is said to have it.
fn is_out(state: MessageState) -> bool {
    matches!(
        state,
        MessageState::Submitted
            | MessageState::Sent
            | MessageState::Delivered
            | MessageState::Undelivered
    )
}

/// Whether its way ended without a provider; nothing in a run gives a reason for that.
fn has_ended_without(state: MessageState) -> bool {
    matches!(
        state,
        MessageState::Failed | MessageState::Expired | MessageState::Canceled
    )
}
