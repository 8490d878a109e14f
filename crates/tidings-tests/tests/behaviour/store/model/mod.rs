//! The same random commands to the memory store and to the store under test: whatever either of them
//! answers or shows is the same, after every command.
//!
//! A seed makes a run: what is asked for is drawn by chance, now and then nonsense (ends of attempts that
//! have one, leases that are over, reports about nothing), and the store under test is closed and opened
//! again in between. `commands.rs` holds what is asked for; here is what is compared. When it fails, it
//! says the seed, the last commands and both answers.

mod commands;

use std::collections::BTreeMap;
use std::fmt::Debug;
use std::sync::Arc;

use tidings_core::Timestamp;
use tidings_store::{
    AttemptId, BatchId, DeliveryId, DueDelivery, Event, EventFilter, EventKind, EventSeq, LaneId,
    Lease, MessageFilter, MessageId, MessageKey, PageRequest, Result, Store, StoredAccount,
    WebhookId,
};
use uuid::Uuid;

use super::world::{Kind, World, account};

/// The runs; later ones are longer.
pub(super) const SEEDS: std::ops::Range<u64> = 0..24;

/// The lanes of all runs.
const LANES: [&str; 2] = ["north", "south"];

pub(super) async fn run(kind: Kind, seed: u64) {
    let mut model = Model::start(kind, seed).await;
    let n_commands = 25 + 10 * seed;
    for place in 0..n_commands {
        model.command().await;
        model.compare().await;
        if place % 16 == 15 {
            model.compare_histories().await;
        }
    }
    model.compare_histories().await;
}

/// Both stores and what was said to them.
struct Model {
    worlds: [World; 2],
    random: fastrand::Rng,
    seed: u64,
    n_ids: u128,
    now: Timestamp,
    messages: Vec<MessageId>,
    batches: Vec<BatchId>,
    webhooks: Vec<WebhookId>,
    hands: Vec<Hand>,
    attempts: Vec<Tried>,
    deliveries: Vec<Due>,
    n_texts: usize,
    told: [EventSeq; 2],
    /// Which versions of messages were told of.
    versions: BTreeMap<MessageId, u32>,
    stopped: Vec<BatchId>,
    said: Vec<String>,
}

/// A message that was leased, as either store names it.
#[derive(Clone, Copy)]
struct Hand {
    keys: [MessageKey; 2],
    leases: [Lease; 2],
}

/// An attempt that was begun.
#[derive(Clone)]
struct Tried {
    keys: [MessageKey; 2],
    attempt: AttemptId,
    lane: LaneId,
}

/// A delivery that was leased.
#[derive(Clone, Copy)]
struct Due {
    webhook: WebhookId,
    ids: [DeliveryId; 2],
}

/// What both stores answered.
struct Answers<T>([Result<T>; 2]);

/// Says something to both stores and compares what they answer, in the words of `$show`.
macro_rules! both {
    ($model:ident, $what:expr, |$store:ident, $place:ident| $call:expr, $show:expr) => {{
        $model.said.push($what);
        let [first, second] = $model.stores();
        let answers = [
            {
                let ($store, $place) = (&*first, 0_usize);
                let _ = $place;
                $call.await
            },
            {
                let ($store, $place) = (&*second, 1_usize);
                let _ = $place;
                $call.await
            },
        ];
        $model.same(&answers, $show);
        Answers(answers)
    }};
}

use both;

impl Model {
    async fn start(kind: Kind, seed: u64) -> Self {
        let worlds = [World::open(Kind::Memory).await, World::open(kind).await];
        let now = worlds[0].now;
        for world in &worlds {
            let account = StoredAccount {
                id: account(),
                settings: "{}".into(),
                quota: Some(150),
                is_active: true,
                created_at: now,
                version: 1,
            };
            world.store.add_account(account).await.unwrap();
        }
        Self {
            worlds,
            random: fastrand::Rng::with_seed(seed),
            seed,
            n_ids: 0,
            now,
            messages: Vec::new(),
            batches: Vec::new(),
            webhooks: Vec::new(),
            hands: Vec::new(),
            attempts: Vec::new(),
            deliveries: Vec::new(),
            n_texts: 0,
            told: [EventSeq(0); 2],
            versions: BTreeMap::new(),
            stopped: Vec::new(),
            said: Vec::new(),
        }
    }

    fn stores(&self) -> [Arc<dyn Store>; 2] {
        let [first, second] = &self.worlds;
        [Arc::clone(&first.store), Arc::clone(&second.store)]
    }

    fn id(&mut self) -> Uuid {
        self.n_ids += 1;
        Uuid::from_u128(0x0192_0000_0000_7000_8000_0000_0000_0000 + self.n_ids)
    }

    /// Both answers are the same, or the run ends.
    #[track_caller]
    fn same<T>(&self, answers: &[Result<T>; 2], show: impl Fn(&T) -> String) {
        let shown = answers.each_ref().map(|answer| match answer {
            Ok(answer) => show(answer),
            Err(error) => format!("error: {:?}", error.kind()),
        });
        self.same_text(&shown);
    }

    #[track_caller]
    fn same_text(&self, [expected, actual]: &[String; 2]) {
        if expected == actual {
            return;
        }
        let said = self.said.iter().enumerate().rev().take(14);
        let said: Vec<String> = said
            .map(|(place, what)| format!("{place}: {what}"))
            .collect();
        let lines = |text: &str| text.split('\n').map(str::to_owned).collect::<Vec<_>>();
        let (expected, actual) = (lines(expected), lines(actual));
        let differ = |place: &usize| expected.get(*place) != actual.get(*place);
        let first = (0..expected.len().max(actual.len())).find(differ);
        let first = first.unwrap_or_default();
        panic!(
            "seed {}: the store does not what the model does\n  model: {}\n  store: {}\nafter, the \
             latest first:\n  {}",
            self.seed,
            expected.get(first).map_or("nothing more", |it| it),
            actual.get(first).map_or("nothing more", |it| it),
            said.join("\n  "),
        );
    }

    /// What anybody can see at a glance is the same in both.
    async fn compare(&mut self) {
        let filter = MessageFilter {
            page: PageRequest {
                after: None,
                limit: 10_000,
            },
            ..MessageFilter::default()
        };
        let lanes = LANES.map(LaneId::from);
        let page = &filter.page;
        both!(
            self,
            "which messages?".into(),
            |store, _place| store.messages(filter.clone()),
            |page| by_line(&page.items)
        );
        both!(
            self,
            "which batches wait?".into(),
            |store, _place| store.waiting_batches(&account()),
            |batches| format!("{batches:?}")
        );
        both!(
            self,
            "which batches?".into(),
            |store, _place| store.batches(None, page.clone()),
            |page| by_line(&page.items)
        );
        both!(
            self,
            "how deep are lanes?".into(),
            |store, _place| store.lane_depths(),
            |depths| by_line(depths)
        );
        both!(
            self,
            "how much is there?".into(),
            |store, _place| store.depth(),
            |depth| format!("{depth:?}")
        );
        both!(
            self,
            "what is due next?".into(),
            |store, _place| store.next_due(&lanes),
            |due| format!("{due:?}")
        );
        both!(
            self,
            "which orders are not carried out?".into(),
            |store, _place| store.unfinished_orders(),
            |batches| {
                let mut batches = batches.clone();
                batches.sort_unstable();
                format!("{batches:?}")
            }
        );
        both!(
            self,
            "what has the account left?".into(),
            |store, _place| store.account(&account()),
            |account| format!("{account:?}")
        );
        both!(
            self,
            "when is a delivery due?".into(),
            |store, _place| store.next_delivery(),
            |at| format!("{at:?}")
        );
        let told = self.told;
        let events = both!(
            self,
            "what happened?".into(),
            |store, place| store.events(EventFilter {
                account: None,
                after: told[place],
                limit: 10_000,
            }),
            |events| {
                // Which message comes first within one command is each store's own.
                let mut events: Vec<Event> = events.iter().map(without_place).collect();
                events.sort_by_key(|event| event.message);
                by_line(events)
            }
        );
        let n_questions = 9;
        self.said.truncate(self.said.len() - n_questions);
        let [_, events] = events.0.map(Result::unwrap);
        for store in 0..2 {
            let last = self.worlds[store].store.last_event().await.unwrap();
            self.told[store] = last;
        }
        self.check(&events).await;
    }

    /// What must hold whatever was said.
    async fn check(&mut self, events: &[Event]) {
        for event in events {
            if event.kind == EventKind::BatchStopped {
                self.stopped.extend(event.batch);
            }
            let is_stopped = event.batch.is_some_and(|it| self.stopped.contains(&it));
            assert!(
                !(is_stopped && event.kind == EventKind::Sending),
                "seed {}: an attempt began after the stop: {event:?}",
                self.seed
            );
            let (Some(message), Some(version)) = (event.message, event.version) else {
                continue;
            };
            let before = self.versions.insert(message, version).unwrap_or(0);
            let is_noted = event.kind == EventKind::Noted;
            let expected = if is_noted { before } else { before + 1 };
            assert_eq!(version, expected, "seed {}: {event:?}", self.seed);
            let is_told = event.kind == EventKind::Accepted
                || is_noted
                || event.state.and_then(EventKind::of_state) == Some(event.kind);
            assert!(is_told, "seed {}: {event:?}", self.seed);
        }
        let store = Arc::clone(&self.worlds[1].store);
        for batch in &self.batches {
            let shown = store.batch(None, *batch).await.unwrap().unwrap();
            let rows = store.batch_members(*batch, &[], 0, 10_000).await.unwrap();
            let mut counts: BTreeMap<&str, u64> = BTreeMap::new();
            for row in rows {
                *counts.entry(row.state.as_str()).or_default() += 1;
            }
            assert_eq!(
                shown.counts, counts,
                "seed {}: counts are the rows",
                self.seed
            );
        }
    }

    /// Every message with all that happened to it, every batch with its rows, every delivery.
    async fn compare_histories(&mut self) {
        for id in self.messages.clone() {
            let histories = both!(
                self,
                format!("what happened to {id}?"),
                |store, _place| store.message(None, id),
                |history| {
                    let history = history.as_ref().expect("the message was taken");
                    let events = history.events.iter().map(without_place);
                    let (attempts, events) = (by_line(&history.attempts), by_line(events));
                    format!("{:?}\n{attempts}\n{events}", history.message)
                }
            );
            self.said.pop();
            let [_, history] = histories.0.map(Result::unwrap);
            let history = history.unwrap();
            // One whose message a report about an earlier one has taken on stays open until its end comes.
            let mut earlier = history.attempts.iter().rev().skip(1);
            let is_open = earlier.any(|attempt| attempt.outcome.is_none());
            assert!(!is_open, "seed {}: only the last is open: {id}", self.seed);
        }
        for batch in self.batches.clone() {
            both!(
                self,
                format!("rows of {batch}?"),
                |store, _place| store.batch_members(batch, &[], 0, 10_000),
                |rows| by_line(rows)
            );
            both!(
                self,
                format!("lists of {batch}?"),
                |store, _place| store.stop_lists(batch),
                |lists| format!("{lists:?}")
            );
            self.said.truncate(self.said.len() - 2);
        }
        for webhook in self.webhooks.clone() {
            both!(
                self,
                format!("deliveries of {webhook}?"),
                |store, _place| store.deliveries(
                    webhook,
                    PageRequest {
                        after: None,
                        limit: 10_000,
                    }
                ),
                |page| sorted(page.items.iter().map(|it| {
                    let event = without_place(&it.event);
                    let tries = (it.n_tries, it.next_at, it.last_at);
                    let last = (it.last_status, &it.last_error);
                    format!("{event:?} {} {tries:?} {last:?}", it.state)
                }))
            );
            both!(
                self,
                format!("the webhook {webhook}?"),
                |store, _place| store.webhook(webhook),
                |webhook| format!("{webhook:?}")
            );
            self.said.truncate(self.said.len() - 2);
        }
    }
}

/// One thing on each line, so that the first difference can be shown.
fn by_line<T: Debug>(things: impl IntoIterator<Item = T>) -> String {
    let lines: Vec<String> = things.into_iter().map(|it| format!("{it:?}")).collect();
    lines.join("\n")
}

/// What stands in an order that is each store's own.
fn sorted(lines: impl Iterator<Item = String>) -> String {
    let mut lines: Vec<String> = lines.collect();
    lines.sort();
    lines.join("\n")
}

/// An event without its place, which is each store's own.
fn without_place(event: &Event) -> Event {
    Event {
        seq: EventSeq(0),
        ..event.clone()
    }
}

fn delivery_without_names(due: &DueDelivery) -> String {
    let event = without_place(&due.event);
    format!(
        "{:?} {} {} {event:?}",
        due.webhook, due.n_tries, due.created_at
    )
}
