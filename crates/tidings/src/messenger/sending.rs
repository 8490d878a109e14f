//! Many messages on their way: [`Verdicts`], the stream of what becomes of them, and all that moves
//! while it is polled.
//!
//! Made by [`Messenger::send_many`](super::Messenger::send_many) and, for a stream of one message, by
//! [`Messenger::send`](super::Messenger::send). It starts no task: calls are open and messages are read
//! only while somebody waits for the next verdict.

use std::collections::VecDeque;
use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use futures_util::future::BoxFuture;
use futures_util::stream::{FuturesUnordered, Stream, StreamExt as _};
use tidings_core::{DeliveryPolicy, Message, Timestamp};

use super::accounts::Shared;
use super::find_out::{Doubt, Found, find_out};
use super::journey::{Journey, Step, out_of_time};
use super::lanes::{Group, Lane};
use super::verdict::{Verdict, VerdictOrder};
use crate::error::{Acceptance, Error, ErrorKind, Result};
use crate::provider::{AttemptRef, Outbound, Receipt};
use crate::routing::Observation;

/// What becomes of the messages of a stream: see
/// [`Messenger::send_many`](super::Messenger::send_many).
#[must_use = "nothing is sent unless the verdicts are asked for"]
pub struct Verdicts<S> {
    shared: Arc<Shared>,
    /// `None` once it has ended.
    messages: Option<Pin<Box<S>>>,
    /// What waits for each account.
    lanes: Vec<Lane>,
    calls: FuturesUnordered<BoxFuture<'static, Answered>>,
    doubts: FuturesUnordered<BoxFuture<'static, (Doubt, Found)>>,
    ready: Ready,
    random: fastrand::Rng,
    /// How many messages were read.
    read: u64,
    handed_out: u64,
}

/// A call that has ended.
struct Answered {
    account: usize,
    group: Group,
    started: Timestamp,
    /// By the clock's measure, as the next.
    began: Duration,
    ended: Duration,
    result: Result<Vec<Result<Receipt>>>,
}

impl<S: Stream<Item = Message>> Verdicts<S> {
    pub(super) fn new(shared: Arc<Shared>, messages: S, order: VerdictOrder) -> Self {
        let lanes = shared.accounts.iter();
        Self {
            lanes: lanes.map(|it| Lane::new(&it.capabilities)).collect(),
            random: fastrand::Rng::with_seed(shared.randomness.next().to_bits()),
            shared,
            messages: Some(Box::pin(messages)),
            calls: FuturesUnordered::new(),
            doubts: FuturesUnordered::new(),
            ready: Ready::new(order),
            read: 0,
            handed_out: 0,
        }
    }

    /// Reads messages while there is room, until a group can leave.
    fn read(&mut self, cx: &mut Context<'_>) {
        let room = self.shared.settings.window.max(1) as u64;
        while self.read - self.handed_out < room {
            let Some(messages) = &mut self.messages else {
                return;
            };
            match messages.as_mut().poll_next(cx) {
                Poll::Ready(Some(message)) => {
                    if self.take_on(message) {
                        return;
                    }
                }
                Poll::Ready(None) => self.messages = None,
                Poll::Pending => return,
            }
        }
    }

    /// Gives a message its name and its first account. Says whether a full group waits there now.
    fn take_on(&mut self, mut message: Message) -> bool {
        let reference = message.reference.take();
        let reference = reference.unwrap_or_else(|| self.shared.references.next());
        let decision = self.shared.decide(&message, self.random.f64());
        let outbound = Outbound::new(reference, message);
        let now = self.shared.clock.elapsed();
        let journey = Journey::new(self.read, &outbound, decision, &self.shared, now);
        self.read += 1;
        self.advance(outbound, journey)
    }

    /// Puts a message to those that wait for its next account, or ends its journey.
    fn advance(&mut self, mut outbound: Outbound, mut journey: Journey) -> bool {
        if journey.advance(&mut outbound, &self.shared) {
            let lane = &mut self.lanes[journey.account];
            lane.put(outbound, journey);
            return lane.has_full();
        }
        self.ready.put(journey.failed(outbound.reference));
        false
    }

    /// Begins calls: with full groups, and with all others where `takes_all`.
    fn begin_calls(&mut self, takes_all: bool) -> bool {
        let at_once = self.shared.settings.calls_at_once.max(1);
        let patience = self.shared.settings.window.max(1) as u64;
        let mut has_begun = false;
        for account in 0..self.lanes.len() {
            while self.lanes[account].calls < at_once
                && let Some(group) = self.lanes[account].next(takes_all, patience)
            {
                has_begun = true;
                let group = self.still_worth_sending(group);
                if !group.outbounds.is_empty() {
                    self.lanes[account].calls += 1;
                    let shared = Arc::clone(&self.shared);
                    self.calls.push(Box::pin(call(shared, account, group)));
                }
            }
        }
        has_begun
    }

    /// Begins the attempt of each message, and ends the journeys of those whose time is over.
    fn still_worth_sending(&mut self, mut group: Group) -> Group {
        let now = self.shared.clock.elapsed();
        let mut journeys = group.journeys.iter_mut();
        if journeys.all(|journey| journey.begin(now)) {
            return group;
        }
        let mut left = Group::default();
        for (outbound, mut journey) in group.outbounds.into_iter().zip(group.journeys) {
            if journey.begin(now) {
                left.outbounds.push(outbound);
                left.journeys.push(journey);
            } else {
                journey.note(out_of_time(), &self.shared);
                self.ready.put(journey.failed(outbound.reference));
            }
        }
        left
    }

    /// What the answer of a call means for each of its messages.
    fn hear_answer(&mut self, answered: Answered) {
        self.observe(&answered);
        let Answered {
            account,
            group,
            started,
            began: _,
            ended,
            result,
        } = answered;
        self.lanes[account].calls -= 1;
        let messages = group.outbounds.into_iter().zip(group.journeys);
        let mut results = Answers::of(result);
        for (outbound, journey) in messages {
            match results.next() {
                Ok(receipt) => self.end(journey.sent(outbound.reference, receipt, &self.shared)),
                Err(error) => self.failed(outbound, journey, error, started, ended),
            }
        }
    }

    /// Tells the routes how the call went, once for each rule that chose the account.
    fn observe(&self, answered: &Answered) {
        let router = &self.shared.router;
        if !router.is_adaptive() {
            return;
        }
        let journeys = answered.group.journeys.iter();
        let mut rules: Vec<usize> = journeys.filter_map(Journey::rule).collect();
        rules.sort_unstable();
        rules.dedup();
        let latency = answered.ended.saturating_sub(answered.began);
        let observation = match &answered.result {
            Err(_) => Observation::of(&answered.result, latency),
            // A call that a provider's client makes in parts may fail in all of them.
            Ok(results) if results.iter().all(Result::is_err) => {
                let first = results.first();
                first.and_then(|result| Observation::of(result, latency))
            }
            Ok(_) => Some(Observation::new(latency, false)),
        };
        let account = &self.shared.accounts[answered.account].name;
        router.observe(rules, account, observation, answered.ended);
    }

    fn failed(
        &mut self,
        outbound: Outbound,
        mut journey: Journey,
        error: Error,
        started: Timestamp,
        ended: Duration,
    ) {
        match Step::after(&error, journey.policy) {
            Step::NextAccount => {
                journey.note(error, &self.shared);
                self.go_on(outbound, journey);
            }
            Step::FindOut => {
                let doubt = Doubt {
                    journey,
                    attempt: attempt(outbound, &error, started),
                    error,
                    failed_at: ended,
                };
                let shared = Arc::clone(&self.shared);
                self.doubts.push(Box::pin(find_out(shared, doubt)));
            }
            Step::GiveUp if error.acceptance() == Acceptance::Unknown => {
                let reference = outbound.reference.clone();
                let attempt = attempt(outbound, &error, started);
                journey.leave_open(attempt, error, &self.shared);
                self.end(journey.failed(reference));
            }
            Step::GiveUp => {
                journey.note(error, &self.shared);
                self.end(journey.failed(outbound.reference));
            }
        }
    }

    /// What follows from what was found out about an attempt.
    fn hear_finding(&mut self, doubt: Doubt, found: Found) {
        let Doubt {
            mut journey,
            attempt,
            error,
            failed_at: _,
        } = doubt;
        let now = self.shared.clock.elapsed();
        let has_time = !journey.time_left(now, &self.shared).is_zero();
        match found {
            Found::Taken(receipt) => {
                let reference = attempt.outbound.reference;
                self.end(journey.sent(reference, *receipt, &self.shared));
            }
            Found::NotTaken => {
                journey.note(disproved(error), &self.shared);
                let outbound = attempt.outbound;
                if !has_time {
                    self.end(journey.failed(outbound.reference));
                } else if journey.resend(&self.shared) {
                    self.go_again(outbound, journey);
                } else {
                    self.go_on(outbound, journey);
                }
            }
            Found::Nothing => {
                let goes_again = journey.policy == DeliveryPolicy::AtLeastOnce
                    && has_time
                    && journey.resend(&self.shared);
                let outbound = attempt.outbound.clone();
                journey.leave_open(attempt, error, &self.shared);
                if goes_again {
                    self.go_again(outbound, journey);
                } else {
                    self.end(journey.failed(outbound.reference));
                }
            }
        }
    }

    /// Hands a message to the account that it was handed to before.
    fn go_again(&mut self, mut outbound: Outbound, journey: Journey) {
        journey.shorten_validity(&mut outbound, self.shared.clock.elapsed());
        self.lanes[journey.account].put(outbound, journey);
    }

    /// Hands a message to its next account.
    fn go_on(&mut self, mut outbound: Outbound, journey: Journey) {
        journey.shorten_validity(&mut outbound, self.shared.clock.elapsed());
        self.advance(outbound, journey);
    }

    fn end(&mut self, verdict: Verdict) {
        self.ready.put(verdict);
    }
}

impl<S: Stream<Item = Message>> Stream for Verdicts<S> {
    type Item = Verdict;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Verdict>> {
        let this = &mut *self;
        loop {
            while let Poll::Ready(Some(answered)) = this.calls.poll_next_unpin(cx) {
                this.hear_answer(answered);
            }
            while let Poll::Ready(Some((doubt, found))) = this.doubts.poll_next_unpin(cx) {
                this.hear_finding(doubt, found);
            }
            this.read(cx);
            // Calls begin at once, however long the consumer looks at the next verdict.
            if this.begin_calls(false) {
                continue;
            }
            if let Some(verdict) = this.ready.take() {
                this.handed_out += 1;
                return Poll::Ready(Some(verdict));
            }
            if this.messages.is_none() && this.handed_out == this.read {
                return Poll::Ready(None);
            }
            // Nothing more can be read now, and nobody is served by waiting for fuller groups.
            if !this.begin_calls(true) {
                return Poll::Pending;
            }
        }
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        let messages = self.messages.as_ref().map(Stream::size_hint);
        let (least, most) = messages.unwrap_or((0, Some(0)));
        let open = usize::try_from(self.read - self.handed_out).unwrap_or(usize::MAX);
        let most = most.and_then(|most| most.checked_add(open));
        (least.saturating_add(open), most)
    }
}

impl<S> fmt::Debug for Verdicts<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Verdicts")
            .field("read", &self.read)
            .field("handed_out", &self.handed_out)
            .finish_non_exhaustive()
    }
}

async fn call(shared: Arc<Shared>, account: usize, group: Group) -> Answered {
    let started = shared.clock.now();
    let began = shared.clock.elapsed();
    let provider = &shared.accounts[account].provider;
    let result = provider.submit(&group.outbounds).await;
    Answered {
        account,
        group,
        started,
        began,
        ended: shared.clock.elapsed(),
        result,
    }
}

/// What a call says of each of its messages, in their order.
enum Answers {
    Each(std::vec::IntoIter<Result<Receipt>>),
    All(Error),
}

impl Answers {
    fn of(result: Result<Vec<Result<Receipt>>>) -> Self {
        match result {
            Ok(results) => Self::Each(results.into_iter()),
            Err(error) => Self::All(error),
        }
    }

    fn next(&mut self) -> Result<Receipt> {
        match self {
            Self::Each(results) => results.next().unwrap_or_else(|| {
                let what = "the provider gave no result for this message";
                Err(Error::new(ErrorKind::Protocol, Acceptance::Unknown, what))
            }),
            Self::All(error) => {
                let copy = error.copy_without_source();
                // The cause stays with the first.
                Err(std::mem::replace(error, copy))
            }
        }
    }
}

fn attempt(outbound: Outbound, error: &Error, started: Timestamp) -> Box<AttemptRef> {
    let mut attempt = AttemptRef::new(outbound, started);
    attempt.provider_ref = error.provider_ref().cloned();
    Box::new(attempt)
}

/// The error of an attempt of which it has been proved since that it was not taken.
fn disproved(error: Error) -> Error {
    let what = "the call failed, and its provider says that it did not take the message";
    Error::not_sent(error.kind(), what).with_source(error)
}

/// Verdicts that wait to be handed out.
enum Ready {
    AsTheyCome(VecDeque<Verdict>),
    /// From the first one that was not handed out.
    Given {
        first: u64,
        verdicts: VecDeque<Option<Verdict>>,
    },
}

impl Ready {
    fn new(order: VerdictOrder) -> Self {
        match order {
            VerdictOrder::AsTheyCome => Self::AsTheyCome(VecDeque::new()),
            VerdictOrder::Given => Self::Given {
                first: 0,
                verdicts: VecDeque::new(),
            },
        }
    }

    fn put(&mut self, verdict: Verdict) {
        match self {
            Self::AsTheyCome(verdicts) => verdicts.push_back(verdict),
            Self::Given { first, verdicts } => {
                let place = usize::try_from(verdict.position - *first)
                    .expect("no more verdicts wait than there is memory");
                if verdicts.len() <= place {
                    verdicts.resize_with(place + 1, || None);
                }
                verdicts[place] = Some(verdict);
            }
        }
    }

    fn take(&mut self) -> Option<Verdict> {
        match self {
            Self::AsTheyCome(verdicts) => verdicts.pop_front(),
            Self::Given { first, verdicts } => {
                let verdict = verdicts.front_mut()?.take()?;
                verdicts.pop_front();
                *first += 1;
                Some(verdict)
            }
        }
    }
}
