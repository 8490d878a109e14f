//! What is asked of both stores, drawn by chance.

use std::time::Duration;

use tidings_core::{
    DeliveryPolicy, DeliveryReport, E164, HeldReason, Message, Priority, ProviderRef, Reason,
    ReportedState, SenderId, Timestamp,
};
use tidings_store::{
    AccountId, BatchId, BatchOrder, BatchPlace, Begin, Begun, ContactId, DeliveryEnd,
    DeliveryOutcome, Doubt, EventKind, Fault, Finding, Finished, Heard, Hold, InboundId, LaneId,
    LeaseRequest, Leased, MessageId, NewMessage, Next, NextPoll, NodeId, Once, OpenedBatch, OptOut,
    Outcome, Poll, Returned, Settled, Stamp, StoredContact, StoredInbound, StoredWebhook, Taken,
    WebhookChange, WebhookId,
};

use super::super::world::{account, by_reference, new_batch, new_message, number};
use super::{
    Answers, Due, Hand, LANES, Model, Tried, both, by_line, delivery_without_names, sorted,
};

impl Model {
    /// Asks for something.
    pub(super) async fn command(&mut self) {
        // What makes messages move is drawn more often than what ends everything.
        match self.random.u32(..100) {
            0..14 => self.accept().await,
            14..18 => self.open_batch().await,
            18..20 => self.close_batch().await,
            20..24 => self.order().await,
            24..28 => self.carry_out().await,
            28..40 => self.lease().await,
            40..50 => self.begin().await,
            50..61 => self.finish().await,
            61..64 => self.give_back().await,
            64..68 => self.settle().await,
            68..70 => self.ask_what_is_due().await,
            70..78 => self.report().await,
            78..80 => self.schedule_poll().await,
            80..84 => self.repair().await,
            84..86 => self.take_over().await,
            86..89 => self.cancel().await,
            89..90 => self.release().await,
            90..92 => self.add_or_change_webhook().await,
            92..95 => self.deliver().await,
            95..96 => self.replay().await,
            96..98 => self.books().await,
            98 => self.reopen().await,
            _ => self.wait(),
        }
    }

    // ---- chance ----

    fn one_in(&mut self, n: u32) -> bool {
        self.random.u32(..n) == 0
    }

    fn pick<T: Clone>(&mut self, from: &[T]) -> Option<T> {
        let place = (!from.is_empty()).then(|| self.random.usize(..from.len()))?;
        // The latest are the most interesting.
        let place = place.max(self.random.usize(..from.len()));
        Some(from[place].clone())
    }

    fn lane(&mut self) -> LaneId {
        LANES[self.random.usize(..2)].into()
    }

    fn phone(&mut self) -> E164 {
        number(self.random.u128(1..6))
    }

    fn soon(&mut self) -> Timestamp {
        let seconds = [0, 10, 45, 600, 90_000];
        let seconds = seconds[self.random.usize(..5)];
        self.now.plus(Duration::from_secs(seconds))
    }

    fn perhaps_soon(&mut self) -> Option<Timestamp> {
        let at = self.soon();
        self.random.bool().then_some(at)
    }

    fn owner(&mut self) -> AccountId {
        if self.one_in(5) {
            "other".into()
        } else {
            account()
        }
    }

    fn once(&mut self) -> Option<Once> {
        let key = self.random.u32(..8);
        let once = Once {
            key: format!("key-{key}").into(),
            body: [self.random.u8(..2); 32],
            keep_until: self.now.plus(Duration::from_hours(24)),
            answer: Some(format!("answer {}", self.n_ids).into()),
        };
        self.one_in(5).then_some(once)
    }

    fn hold(&mut self) -> Hold {
        // Only batches pause.
        let reasons = [
            HeldReason::Schedule,
            HeldReason::Window,
            HeldReason::Approval,
            HeldReason::NoRoute,
        ];
        let reason = reasons[self.random.usize(..reasons.len())];
        Hold {
            reason,
            until: self.perhaps_soon(),
        }
    }

    fn next(&mut self) -> Next {
        match self.random.u32(..6) {
            0..3 => Next::Again {
                lane: self.lane(),
                not_before: self.perhaps_soon(),
            },
            3 => Next::Hold(self.hold()),
            4 => Next::Fail(Reason::InvalidRecipient),
            _ => Next::Expire,
        }
    }

    fn fault(&mut self) -> Fault {
        Fault {
            class: "rate_limited".into(),
            code: self.random.bool().then(|| "17".into()),
            detail: self.random.bool().then(|| "not now".into()),
        }
    }

    fn provider_ref(&mut self, tried: &Tried) -> ProviderRef {
        let name = tried.attempt.reference();
        let to = self.phone();
        match self.random.u32(..4) {
            0 => ProviderRef::batch_member(format!("b-{name}"), to),
            _ => ProviderRef::message(format!("p-{name}")),
        }
    }

    // ---- commands ----

    fn new_message(&mut self) -> NewMessage {
        let id = MessageId(self.id());
        let mut message = Message::new(self.phone(), format!("Bonjour {}", self.n_ids));
        message.priority = Priority::ALL[self.random.usize(..3)];
        message.policy = [None, Some(DeliveryPolicy::AtLeastOnce)][self.random.usize(..2)];
        let mut new = new_message(id, message);
        new.parts = self.random.u16(1..4);
        new.lane = Some(self.lane()).filter(|_| !self.one_in(12));
        new.stamp = Stamp(self.random.i64(-3..6));
        new.hold = Some(self.hold()).filter(|_| self.one_in(6));
        new.expires_at = Some(self.soon()).filter(|_| self.one_in(4));
        new.once = self.once();
        new.conversation = Some("c-1".into()).filter(|_| self.one_in(8));
        if let Some(batch) = self.pick(&self.batches.clone())
            && self.random.bool()
        {
            let index = self.random.u64(..20);
            new.batch = Some(BatchPlace { batch, index });
        }
        new
    }

    async fn accept(&mut self) {
        let n_messages = self.random.usize(1..4);
        let mut messages: Vec<_> = (0..n_messages).map(|_| self.new_message()).collect();
        let (owner, now) = (self.owner(), self.now);
        if owner != account() {
            // Batches are the account's.
            for message in &mut messages {
                message.batch = None;
            }
        }
        let answers = both!(
            self,
            format!("accept {messages:?}"),
            |store, _place| store.accept(&owner, messages.clone(), now),
            |taken| format!("{taken:?}")
        );
        if let [Ok(taken), _] = answers.0 {
            let taken = messages.iter().zip(taken);
            let taken = taken.filter(|(_, taken)| *taken == Taken::New);
            self.messages.extend(taken.map(|(message, _)| message.id));
        }
    }

    async fn open_batch(&mut self) {
        let mut batch = new_batch(BatchId(self.id()));
        batch.once = self.once();
        batch.reference = self.one_in(2).then(|| "spring".into());
        batch.joins = self.random.bool();
        batch.resend_of = self.pick(&self.batches.clone()).filter(|_| self.one_in(4));
        let now = self.now;
        let answers = both!(
            self,
            format!("open {batch:?}"),
            |store, _place| store.open_batch(&account(), batch.clone(), now),
            |opened| format!("{opened:?}")
        );
        if let [Ok(OpenedBatch::New(id)), _] = answers.0 {
            self.batches.push(id);
        }
    }

    async fn close_idle_batches(&mut self) {
        let seconds = self.random.u64(0..100);
        let (since, now) = (self.now.minus(Duration::from_secs(seconds)), self.now);
        both!(
            self,
            format!("close what is idle since {since}"),
            |store, _place| store.close_idle_batches(since, 1_000, now),
            |closed| format!("{closed:?}")
        );
    }

    async fn close_batch(&mut self) {
        if self.one_in(4) {
            return self.close_idle_batches().await;
        }
        let Some(batch) = self.pick(&self.batches.clone()) else {
            return;
        };
        let (n_rejected, once, now) = (self.random.u64(..3), self.once(), self.now);
        both!(
            self,
            format!("close {batch} {n_rejected} {once:?}"),
            |store, _place| store.close_batch(batch, n_rejected, once.clone(), now),
            |closed| format!("{closed:?}")
        );
    }

    async fn order(&mut self) {
        let Some(batch) = self.pick(&self.batches.clone()) else {
            return;
        };
        let order = match self.random.u32(..7) {
            0..3 => BatchOrder::Pause,
            3..6 => BatchOrder::Resume,
            _ => BatchOrder::Stop,
        };
        let now = self.now;
        both!(
            self,
            format!("{order:?} {batch}"),
            |store, _place| store.order(None, batch, order, now),
            |batch| format!("{batch:?}")
        );
    }

    async fn carry_out(&mut self) {
        let Some(batch) = self.pick(&self.batches.clone()) else {
            return;
        };
        let limit = if self.random.bool() { 100 } else { 2 };
        let now = self.now;
        both!(
            self,
            format!("carry out {batch} {limit}"),
            |store, _place| store.carry_out(batch, limit, now),
            |n_moved| format!("{n_moved}")
        );
    }

    async fn lease(&mut self) {
        let node = if self.one_in(4) { "node-2" } else { "node-1" };
        let request = LeaseRequest {
            lane: self.lane(),
            node: node.into(),
            until: self.now.plus(Duration::from_mins(1)),
            limit: self.random.usize(..4),
        };
        let now = self.now;
        let answers = both!(
            self,
            format!("lease {request:?}"),
            |store, _place| store.lease_due(request.clone(), now),
            |leased| by_line(leased.iter().map(leased_without_names))
        );
        let [Ok(first), Ok(second)] = answers.0 else {
            return;
        };
        for (first, second) in first.iter().zip(&second) {
            self.hands.push(Hand {
                keys: [first.key, second.key],
                leases: [first.lease, second.lease],
            });
        }
    }

    async fn begin(&mut self) {
        let n_hands = self.random.usize(1..4);
        let hands = self.hands.clone();
        let hands: Vec<Hand> = (0..n_hands).filter_map(|_| self.pick(&hands)).collect();
        let now = self.now;
        let begin = |place: usize| {
            let begin = hands.iter().map(|hand| Begin {
                key: hand.keys[place],
                lease: hand.leases[place],
                // Every second one from a sender of a route.
                from: (hand.keys[0].0 % 2 == 0).then(|| SenderId::parse("Route").unwrap()),
            });
            begin.collect::<Vec<_>>()
        };
        let answers = both!(
            self,
            format!("begin {:?}", begin(0)),
            |store, place| store.begin_attempts(begin(place), now),
            |begun| format!("{begun:?}")
        );
        let [Ok(begun), _] = answers.0 else {
            return;
        };
        for (hand, begun) in hands.iter().zip(begun) {
            if let Begun::Go(attempt) = begun {
                let store = &self.worlds[0].store;
                let history = store.message(None, attempt.message).await.unwrap();
                let lane = history.and_then(|it| it.message.lane);
                self.attempts.push(Tried {
                    keys: hand.keys,
                    attempt,
                    lane: lane.expect("what leaves has a lane"),
                });
            }
        }
    }

    async fn finish(&mut self) {
        let Some(tried) = self.pick(&self.attempts.clone()) else {
            return;
        };
        let outcome = match self.random.u32(..6) {
            0..3 => Outcome::Taken {
                provider_ref: self.provider_ref(&tried),
                poll_at: self.perhaps_soon(),
            },
            3..5 => Outcome::NotTaken {
                fault: self.fault(),
                next: self.next(),
            },
            _ => Outcome::Unknown {
                fault: self.fault(),
                provider_ref: Some(self.provider_ref(&tried)).filter(|_| self.one_in(3)),
                check_at: self.perhaps_soon(),
            },
        };
        let now = self.now;
        both!(
            self,
            format!("finish {:?} {outcome:?}", tried.attempt),
            |store, place| store.finish_attempts(
                vec![Finished {
                    key: tried.keys[place],
                    attempt: tried.attempt,
                    outcome: outcome.clone(),
                }],
                now
            ),
            |after| format!("{after:?}")
        );
    }

    async fn give_back(&mut self) {
        let Some(hand) = self.pick(&self.hands.clone()) else {
            return;
        };
        let (next, closes_at) = (self.next(), self.perhaps_soon());
        let fault = Some(self.fault()).filter(|_| self.one_in(2));
        let now = self.now;
        both!(
            self,
            format!("give back {:?} {next:?} {fault:?}", hand.keys[0]),
            |store, place| store.return_leased(
                vec![Returned {
                    key: hand.keys[place],
                    lease: hand.leases[place],
                    next: next.clone(),
                    closes_at,
                    fault: fault.clone(),
                }],
                now
            ),
            |done| format!("{done:?}")
        );
    }

    async fn settle(&mut self) {
        let Some(tried) = self.pick(&self.attempts.clone()) else {
            return;
        };
        let finding = match self.random.u32(..8) {
            0..2 => Finding::Taken {
                provider_ref: self.provider_ref(&tried),
                poll_at: self.perhaps_soon(),
            },
            2..4 => Finding::NotTaken(self.next()),
            4 => Finding::AskAgain(self.soon()),
            5..7 => Finding::Resend {
                lane: self.lane(),
                not_before: self.perhaps_soon(),
            },
            _ => Finding::GiveUp,
        };
        let now = self.now;
        both!(
            self,
            format!("settle {:?} {finding:?}", tried.attempt),
            |store, place| store.settle_doubts(
                vec![Settled {
                    key: tried.keys[place],
                    attempt: tried.attempt,
                    finding: finding.clone(),
                }],
                now
            ),
            |after| format!("{after:?}")
        );
    }

    async fn ask_what_is_due(&mut self) {
        let (lane, now) = (self.lane(), self.now);
        let until = now.plus(Duration::from_mins(1));
        both!(
            self,
            format!("doubts of {lane}"),
            |store, _place| store.doubts_due(&lane, until, 100, now),
            |doubts| sorted(doubts.iter().map(doubt_without_names))
        );
        both!(
            self,
            format!("polls of {lane}"),
            |store, _place| store.polls_due(&lane, until, 100, now),
            |polls| sorted(polls.iter().map(poll_without_names))
        );
    }

    async fn report(&mut self) {
        let Some(tried) = self.pick(&self.attempts.clone()) else {
            return;
        };
        let about = if self.one_in(2) {
            by_reference(tried.attempt)
        } else {
            self.provider_ref(&tried)
        };
        let said = ReportedState::ALL[self.random.usize(..ReportedState::ALL.len())];
        let mut report = DeliveryReport::new(about, said);
        if self.random.bool() {
            report = report.raw(["A", "B"][self.random.usize(..2)]);
        }
        if self.one_in(3) {
            report = report.at(super::super::world::beginning());
        }
        if self.one_in(3) {
            report = report
                .reason(Reason::RecipientUnreachable)
                .detail("phone off");
        }
        let lane = if self.one_in(12) {
            self.lane()
        } else {
            tried.lane
        };
        let heard = Heard {
            lane,
            report,
            received_at: self.now,
        };
        let now = self.now;
        let heard = if self.one_in(6) {
            vec![heard.clone(), heard]
        } else {
            vec![heard]
        };
        both!(
            self,
            format!("hear {heard:?}"),
            |store, _place| store.apply_reports(heard.clone(), now),
            |applied| format!("{applied:?}")
        );
    }

    async fn schedule_poll(&mut self) {
        let Some(tried) = self.pick(&self.attempts.clone()) else {
            return;
        };
        let at = self.perhaps_soon();
        both!(
            self,
            format!("poll {:?} at {at:?}", tried.attempt),
            |store, place| store.schedule_polls(vec![NextPoll {
                key: tried.keys[place],
                attempt: tried.attempt,
                at,
            }]),
            |done| format!("{done:?}")
        );
    }

    async fn repair(&mut self) {
        let now = self.now;
        both!(
            self,
            "repair".into(),
            |store, _place| store.repair(1_000, now),
            |repaired| format!("{repaired:?}")
        );
    }

    async fn take_over(&mut self) {
        let node: NodeId = if self.random.bool() {
            "node-1"
        } else {
            "node-2"
        }
        .into();
        let now = self.now;
        both!(
            self,
            format!("{node} is gone"),
            |store, _place| store.take_over(&node, now),
            |repaired| format!("{repaired:?}")
        );
    }

    async fn cancel(&mut self) {
        let messages = self.messages.clone();
        let ids: Vec<_> = (0..2).filter_map(|_| self.pick(&messages)).collect();
        let (whose, now) = (Some(self.owner()).filter(|_| self.one_in(3)), self.now);
        both!(
            self,
            format!("cancel {ids:?} of {whose:?}"),
            |store, _place| store.cancel(whose.as_ref(), ids.clone(), now),
            |canceled| format!("{canceled:?}")
        );
    }

    async fn release(&mut self) {
        let messages = self.messages.clone();
        let ids: Vec<_> = (0..5).filter_map(|_| self.pick(&messages)).collect();
        let ids: Vec<_> = ids.into_iter().map(|id| (id, self.lane())).collect();
        let now = self.now;
        both!(
            self,
            format!("release {ids:?}"),
            |store, _place| store.release(ids.clone(), now),
            |n_released| format!("{n_released}")
        );
    }

    async fn add_or_change_webhook(&mut self) {
        let webhook = self.pick(&self.webhooks.clone());
        if let Some(id) = webhook.filter(|_| self.webhooks.len() > 2) {
            let change = WebhookChange {
                is_enabled: Some(self.random.bool()),
                ..WebhookChange::default()
            };
            both!(
                self,
                format!("change {id} {change:?}"),
                |store, _place| store.change_webhook(id, change.clone()),
                |webhook| format!("{webhook:?}")
            );
            return;
        }
        let id = WebhookId(self.id());
        let kinds = [
            vec![],
            vec![
                EventKind::Accepted,
                EventKind::Delivered,
                EventKind::BatchDone,
            ],
        ];
        let webhook = StoredWebhook {
            id,
            account: Some(account()),
            url: "https://hooks.example/".into(),
            kinds: kinds[self.random.usize(..2)].clone(),
            format: "standard".into(),
            details: None,
            secrets: Vec::new(),
            label: None,
            is_enabled: true,
            disabled_because: None,
            failing_since: None,
            expires_at: Some(self.soon()).filter(|_| self.one_in(4)),
            created_at: self.now,
        };
        both!(
            self,
            format!("add {webhook:?}"),
            |store, _place| store.add_webhook(webhook.clone()),
            |done| format!("{done:?}")
        );
        self.webhooks.push(id);
    }

    async fn deliver(&mut self) {
        let (node, now) = (NodeId::from("node-1"), self.now);
        let until = now.plus(Duration::from_secs(30));
        let answers = both!(
            self,
            "lease deliveries".into(),
            |store, _place| store.lease_deliveries(&node, until, 10_000, 10_000, &[], now),
            |due| sorted(due.iter().map(delivery_without_names))
        );
        if let [Ok(mut first), Ok(mut second)] = answers.0 {
            first.sort_by_cached_key(delivery_without_names);
            second.sort_by_cached_key(delivery_without_names);
            let pairs = first.iter().zip(&second).map(|(first, second)| Due {
                webhook: first.webhook,
                ids: [first.id, second.id],
            });
            self.deliveries.extend(pairs);
        }
        for _ in 0..2 {
            let Some(due) = self.pick(&self.deliveries.clone()) else {
                return;
            };
            let outcome = match self.random.u32(..4) {
                0..2 => DeliveryOutcome::Done,
                2 => DeliveryOutcome::Later(self.soon()),
                _ => DeliveryOutcome::Dead,
            };
            both!(
                self,
                format!("end of a delivery {outcome:?}"),
                |store, place| store.finish_deliveries(
                    vec![DeliveryEnd {
                        id: due.ids[place],
                        webhook: due.webhook,
                        outcome,
                        status: Some(500),
                        error: None,
                        took_ms: 3,
                    }],
                    now
                ),
                |done| format!("{done:?}")
            );
        }
    }

    async fn replay(&mut self) {
        let Some(id) = self.pick(&self.webhooks.clone()) else {
            return;
        };
        let since = self.now.minus(Duration::from_secs(self.random.u64(..100)));
        let now = self.now;
        both!(
            self,
            format!("replay {id} since {since}"),
            |store, _place| store.replay(id, since, now),
            |n_events| format!("{n_events}")
        );
    }

    async fn books(&mut self) {
        let now = self.now;
        let opt_out = OptOut {
            phone: self.phone(),
            sender: self.random.bool().then(|| "Ecole".into()),
            source: "api".into(),
            word: None,
            since: now,
        };
        let phone = self.phone();
        both!(
            self,
            "opt out".into(),
            |store, _place| store.add_opt_outs(&account(), vec![opt_out.clone()], now),
            |n_new| format!("{n_new}")
        );
        both!(
            self,
            "opt in".into(),
            |store, _place| store.remove_opt_outs(&account(), &phone, now),
            |was_there| format!("{was_there}")
        );
        let numbers: Vec<E164> = (1..6).map(number).collect();
        both!(
            self,
            "who opted out?".into(),
            |store, _place| store.opted_out(&account(), Some("Ecole"), &numbers),
            |out| format!("{out:?}")
        );
        self.n_texts += 1;
        let text = StoredInbound {
            id: InboundId(self.id()),
            account: account(),
            lane: self.lane(),
            provider_id: format!("t-{}", self.n_texts / 2).into(),
            from: "+4740000001".into(),
            to: "2012".into(),
            text: "Takk".into(),
            conversation: "c-1".into(),
            keyword: None,
            asks_for: None,
            their_time: None,
            received_at: now,
            file: None,
        };
        both!(
            self,
            "a text from a phone".into(),
            |store, _place| store.add_inbound(vec![text.clone()], now),
            |new| format!("{new:?}")
        );
        both!(
            self,
            "the conversation?".into(),
            |store, _place| store.conversation(&account(), &"c-1".into()),
            |it| format!("{:?}", it.as_ref().map(|it| (it.changed_at, it.is_read)))
        );
        let contact = StoredContact {
            id: ContactId(self.id()),
            phone: self.phone(),
            first_name: "Anna".into(),
            last_name: "Berg".into(),
            zone: None,
            fields: None,
            created_at: now,
        };
        both!(
            self,
            "a contact".into(),
            |store, _place| store.put_contacts(&account(), vec![contact.clone()]),
            |ids| format!("{ids:?}")
        );
    }

    async fn reopen(&mut self) {
        self.said.push("the store is closed and opened".into());
        let world = &mut self.worlds[1];
        world.now = self.now;
        world.reopen().await;
    }

    fn wait(&mut self) {
        let seconds = [1, 11, 61, 700, 90_001];
        let seconds = seconds[self.random.usize(..5)];
        self.said.push(format!("{seconds} s pass"));
        self.now = self.now.plus(Duration::from_secs(seconds));
    }
}

fn leased_without_names(leased: &Leased) -> String {
    format!(
        "{:?} {:?} {:?} {} {:?} {:?} {:?} {:?} {:?} {} {:?} {:?} {}",
        leased.id,
        leased.account,
        leased.message,
        leased.parts,
        leased.stamp,
        leased.accepted_at,
        leased.expires_at,
        leased.closes_at,
        leased.batch,
        leased.n_attempts,
        leased.first_attempt_at,
        leased.tried,
        leased.duplicate_risk,
    )
}

fn doubt_without_names(doubt: &Doubt) -> String {
    format!(
        "{:?} {:?} {:?} {:?} {} {:?} {:?} {:?} {:?}",
        doubt.attempt,
        doubt.lane,
        doubt.began_at,
        doubt.unknown_since,
        doubt.n_checks,
        doubt.provider_ref,
        doubt.message,
        doubt.policy,
        doubt.expires_at,
    )
}

fn poll_without_names(poll: &Poll) -> String {
    format!(
        "{:?} {:?} {:?} {} {:?}",
        poll.attempt, poll.provider_ref, poll.taken_at, poll.n_polls, poll.expires_at
    )
}
