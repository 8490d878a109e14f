//! How messages are taken: what the carrier thinks of each, whether it can be paid, and the one
//! change that takes all of them.
//!
//! Called by `backend`. What the scenario says about a number and what the account's rules say about
//! a message is decided here, once.

use std::sync::Arc;
use std::time::Duration;

use tidings::backend::{Accepted, Principal, Refusal, SessionWish, Submitted, TakenMessage, Terms};
use tidings_core::text::{Policy, TextError, plan};
use tidings_core::{E164, Message, Reason, SenderId};

use super::exchange::PostTaken;
use super::ids::Kind;
use super::movement::session_number;
use super::recent::{Recent, UNIQUE_FOR};
use super::sms::{End, SessionTaken, Taken, Window, Wishes};
use super::state::{BatchTaken, Change, State, SubmissionTaken};
use super::{Shared, lock};
use crate::scenario::rules::{Excess, Rules};
use crate::scenario::{FailsAt, Failure, Scenario};

/// The short number of accounts for which the scenario names no sender.
pub(super) const DEFAULT_SHORT_NUMBER: &str = "1960";

/// What the carrier thinks of a message before it looks at the account.
pub(super) struct Judged {
    to: E164,
    text: Arc<str>,
    verdict: Result<Taken, Declined>,
}

/// What the caller is told, and the word for it in a batch's list of failures.
type Declined = (Refusal, Reason);

impl Shared {
    /// Plans the texts and asks the scenario. No lock is held meanwhile.
    pub(super) fn judge(
        &self,
        rules: &Rules,
        messages: impl Iterator<Item = Submitted>,
    ) -> Vec<Judged> {
        let scenario = self.scenario();
        let policy = Policy::default().max_parts(self.spec.capabilities.max_parts);
        let mut planned: Option<(Arc<str>, Result<u8, Declined>)> = None;
        messages
            .map(|Submitted { message, terms, .. }| {
                // One text for many phones, the usual batch, is planned once.
                let parts = match &planned {
                    Some((text, parts)) if Arc::ptr_eq(text, &message.text) => parts.clone(),
                    _ => {
                        let parts = parts_of(&message.text, policy)
                            .map_err(|refusal| (refusal, Reason::UnsupportedContent));
                        planned = Some((Arc::clone(&message.text), parts.clone()));
                        parts
                    }
                };
                Judged {
                    to: message.to,
                    text: Arc::clone(&message.text),
                    verdict: parts
                        .and_then(|parts| self.fate(&scenario, rules, message, terms, parts)),
                }
            })
            .collect()
    }

    fn fate(
        &self,
        scenario: &Scenario,
        rules: &Rules,
        message: Message,
        terms: Terms,
        parts: u8,
    ) -> Result<Taken, Declined> {
        let served = self.spec.capabilities.calling_codes;
        if !served.is_empty() && !served.contains(&message.to.calling_code()) {
            let refusal = Refusal::invalid("recipient", "is in a country that is not served");
            return Err((refusal, Reason::NoRoute));
        }
        check_price(rules, &terms)?;
        let from = message.from.clone().or_else(|| rules.sender.clone());
        let end = end_of(scenario, &message.to, &terms)?;
        let wishes = self.wishes(&message, terms, from.as_ref())?;
        Ok(Taken {
            to: message.to,
            from,
            text: 0,
            reference: message.reference,
            parts,
            sent_after_ms: milliseconds(scenario.delays.sent),
            done_after_ms: milliseconds(scenario.delays.delivered),
            end,
            wishes,
        })
    }

    /// What a message asks for beyond the usual, if it does.
    fn wishes(
        &self,
        message: &Message,
        terms: Terms,
        from: Option<&SenderId>,
    ) -> Result<Option<Box<Wishes>>, Declined> {
        let session = match terms.session {
            SessionWish::New => Some(SessionTaken {
                id: draw_session(&mut lock(&self.random)),
                opens_at: Some(short_number(from)?),
            }),
            SessionWish::Continue(id) => Some(SessionTaken { id, opens_at: None }),
            _ => None,
        };
        let wishes = Wishes {
            priority: message.priority,
            valid_for_ms: message.valid_for.map(milliseconds),
            window: message.window.as_ref().map(Window::of),
            is_on_hold: false,
            price: terms.price,
            minimum_age: terms.minimum_age,
            without_report: terms.without_report,
            parameters: terms.parameters,
            session,
        };
        Ok((wishes != Wishes::default()).then(|| Box::new(wishes)))
    }

    /// Takes what was judged fit and can be paid. With `batch` the caller can ask about all of it.
    pub(super) async fn take(
        &self,
        who: &Principal,
        rules: &Rules,
        judged: Vec<Judged>,
        batch: Option<BatchTaken>,
    ) -> Result<Accepted, Refusal> {
        let (accepted, ticket) = {
            let mut state = self.state_now();
            let account = state.account_of(who)?;
            let mut recent = std::mem::take(&mut state.recent);
            let (submission, verdicts) =
                Taking::new(&state, rules, &mut recent, account, batch).all(judged);
            // A caller whose account is empty is told so for the whole call.
            let is_broke = |verdict: &Result<TakenMessage, Refusal>| {
                matches!(verdict, Err(Refusal::InsufficientCredit))
            };
            if !verdicts.is_empty() && verdicts.iter().all(is_broke) {
                return Err(Refusal::InsufficientCredit);
            }
            let n_messages = submission.messages.len();
            let called = submission.batch.as_ref().map(|batch| batch.name.as_deref());
            let batch = called.map(|name| {
                let next = || state.ids.id(Kind::Batch, state.batches.len());
                name.map_or_else(next, str::to_owned)
            });
            let is_kept = batch.is_some() || n_messages > 0;
            let ticket = if is_kept {
                self.change(&mut state, Change::Submission(submission))?
            } else {
                None
            };
            // What was noted of messages that could not be kept is gone with the early returns.
            recent.has_read(state.messages.len());
            if rules.look_back() {
                state.recent = recent;
            }
            (Accepted::new(batch, verdicts), ticket)
        };
        self.on_disk(ticket).await?;
        Ok(accepted)
    }

    /// Takes a message to a conversation with those of its legs to phones that were judged fit and
    /// can be paid; its text is that of each leg. It is refused where none of several can go. Returns
    /// the place that the message has among all of conversations.
    pub(super) async fn take_post(
        &self,
        account: usize,
        rules: &Rules,
        judged: Vec<Judged>,
        mut post: PostTaken,
        text: Arc<str>,
    ) -> Result<usize, Refusal> {
        let (place, ticket) = {
            let mut state = self.state_now();
            let place = state.exchange.conversations.n_texts();
            // Another message may have come since this one was checked.
            post.name(&state.ids, place);
            let has_legs = !judged.is_empty();
            let mut recent = std::mem::take(&mut state.recent);
            let (mut submission, mut verdicts) =
                Taking::new(&state, rules, &mut recent, account, None).all(judged);
            if has_legs && submission.messages.is_empty() {
                let refusal = verdicts.pop().and_then(Result::err);
                return Err(refusal.unwrap_or(Refusal::Unsupported));
            }
            if submission.texts.is_empty() {
                submission.texts.push(text);
            }
            submission.post = Some(Box::new(post));
            let ticket = self.change(&mut state, Change::Submission(submission))?;
            recent.has_read(state.messages.len());
            if rules.look_back() {
                state.recent = recent;
            }
            (place, ticket)
        };
        self.on_disk(ticket).await?;
        Ok(place)
    }

    /// A name for a batch that its sender did not name, where such names are used: a UUID to look
    /// at.
    pub(super) fn draw_batch_name(&self) -> Box<str> {
        let bits = lock(&self.random).u128(..);
        // The version 4 and the variant that RFC 9562 prescribes.
        let bits = bits & !(0xf << 76) | (4 << 76);
        let bits = bits & !(0b11 << 62) | (0b10 << 62);
        let digits = format!("{bits:032x}");
        let mut name = String::with_capacity(36);
        for (index, digit) in digits.chars().enumerate() {
            if matches!(index, 8 | 12 | 16 | 20) {
                name.push('-');
            }
            name.push(digit);
        }
        name.into()
    }
}

/// A submission while it is being taken, message by message.
struct Taking<'s> {
    state: &'s State,
    rules: &'s Rules,
    recent: &'s mut Recent,
    submission: SubmissionTaken,
    verdicts: Vec<Result<TakenMessage, Refusal>>,
    /// Whether an earlier call of the hour had the same name for its batch.
    repeats_batch: bool,
    /// What is left for the messages that follow.
    credit: i64,
    /// Conversations that the messages before have opened.
    n_opened: usize,
}

impl<'s> Taking<'s> {
    fn new(
        state: &'s State,
        rules: &'s Rules,
        recent: &'s mut Recent,
        account: usize,
        batch: Option<BatchTaken>,
    ) -> Self {
        if rules.look_back() {
            recent.catch_up(&state.messages);
        }
        let found = state.accounts.get(account);
        let name = batch.as_ref().and_then(|batch| batch.name.as_deref());
        let repeats_batch = rules.refuses_duplicates
            && name.is_some_and(|name| state.was_called_lately(account, name));
        Self {
            repeats_batch,
            state,
            rules,
            recent,
            submission: SubmissionTaken {
                account,
                at: state.now,
                texts: Vec::new(),
                messages: Vec::new(),
                batch,
                post: None,
            },
            verdicts: Vec::new(),
            credit: found.map_or(0, |account| account.credit),
            n_opened: 0,
        }
    }

    /// Takes what can be taken.
    fn all(mut self, judged: Vec<Judged>) -> (SubmissionTaken, Vec<Result<TakenMessage, Refusal>>) {
        self.verdicts.reserve(judged.len());
        self.submission.messages.reserve(judged.len());
        for Judged { to, text, verdict } in judged {
            let verdict = match verdict.and_then(|taken| self.admit(taken)) {
                Ok(taken) => Ok(self.keep(taken, text)),
                Err((refusal, reason)) => {
                    if let Some(batch) = &mut self.submission.batch {
                        batch.refused.push((to.to_string(), reason));
                    }
                    Err(refusal)
                }
            };
            self.verdicts.push(verdict);
        }
        (self.submission, self.verdicts)
    }

    /// What the account has to say about a message. It is paid last, when nothing else is in its way.
    fn admit(&mut self, mut taken: Taken) -> Result<Taken, Declined> {
        self.check_reference(&taken)?;
        self.check_session(&mut taken)?;
        self.check_quota(&mut taken)?;
        let left = self.credit - i64::from(taken.parts);
        if left < 0 {
            return Err((Refusal::InsufficientCredit, Reason::InsufficientFunds));
        }
        self.credit = left;
        Ok(taken)
    }

    fn check_reference(&self, taken: &Taken) -> Result<(), Declined> {
        let SubmissionTaken { account, at, .. } = self.submission;
        if self.repeats_batch {
            return Err((Refusal::Duplicate, Reason::InvalidRequest));
        }
        match &taken.reference {
            Some(reference)
                if self.rules.refuses_duplicates
                    && self.recent.has_reference(account, reference, at) =>
            {
                Err((Refusal::Duplicate, Reason::InvalidRequest))
            }
            Some(_) | None => Ok(()),
        }
    }

    fn check_session(&mut self, taken: &mut Taken) -> Result<(), Declined> {
        let wishes = taken.wishes.as_mut();
        let Some(session) = wishes.and_then(|wishes| wishes.session.as_mut()) else {
            return Ok(());
        };
        if let Some(number) = &mut session.opens_at {
            *number = session_number(number, self.state.sessions.len() + self.n_opened);
            return Ok(());
        }
        let SubmissionTaken { account, at, .. } = self.submission;
        if self.state.session(account, &session.id, at).is_some() {
            return Ok(());
        }
        let refusal = Refusal::invalid("session", "is unknown or has ended");
        Err((refusal, Reason::InvalidRequest))
    }

    fn check_quota(&self, taken: &mut Taken) -> Result<(), Declined> {
        let Some(quota) = self.rules.recipient_quota else {
            return Ok(());
        };
        let SubmissionTaken { account, at, .. } = self.submission;
        let so_far = self
            .recent
            .to_recipient(account, taken.to, at, quota.within);
        if u32::try_from(so_far).unwrap_or(u32::MAX) < quota.messages {
            return Ok(());
        }
        match quota.excess {
            Excess::Refused => Err((Refusal::RecipientQuota, Reason::QuotaExceeded)),
            Excess::Held => {
                taken.wishes.get_or_insert_default().is_on_hold = true;
                Ok(())
            }
        }
    }

    fn keep(&mut self, mut taken: Taken, text: Arc<str>) -> TakenMessage {
        let next = self.state.messages.len() + self.submission.messages.len();
        let id = self.state.ids.id(Kind::Message, next);
        let wishes = taken.wishes.as_deref();
        let session = wishes
            .and_then(|wishes| wishes.session.as_ref())
            .map(|session| session.id.clone());
        let opens = wishes.and_then(|wishes| wishes.session.as_ref()?.opens_at.as_ref());
        self.n_opened += usize::from(opens.is_some());
        let answer = TakenMessage::new(id).session(session);
        let answer = match wishes {
            Some(wishes) if wishes.is_on_hold => answer.on_hold(),
            Some(_) | None => answer,
        };
        let texts = &mut self.submission.texts;
        if !texts.last().is_some_and(|last| Arc::ptr_eq(last, &text)) {
            texts.push(text);
        }
        taken.text = texts.len() - 1;
        if self.rules.look_back() {
            let SubmissionTaken { account, at, .. } = self.submission;
            self.recent.note(account, at, &taken);
        }
        self.submission.messages.push(taken);
        answer
    }
}

impl Rules {
    /// Whether it matters what was sent before.
    fn look_back(&self) -> bool {
        self.refuses_duplicates || self.recipient_quota.is_some()
    }
}

fn check_price(rules: &Rules, terms: &Terms) -> Result<(), Declined> {
    if terms.price > 0 && !rules.allows_premium {
        let refusal = Refusal::Forbidden {
            what: "texts that the recipient pays for".to_owned(),
        };
        return Err((refusal, Reason::Forbidden));
    }
    match rules.max_price {
        Some(most) if terms.price > most => {
            let refusal = Refusal::invalid("price", format!("is more than {most}"));
            Err((refusal, Reason::InvalidRequest))
        }
        Some(_) | None => Ok(()),
    }
}

/// What the scenario has in store for a message to this number.
fn end_of(scenario: &Scenario, to: &E164, terms: &Terms) -> Result<End, Declined> {
    if let Some(Failure { reason, at }) = scenario.failure_of(to) {
        return match at {
            FailsAt::Accept => Err((refusal_of(reason), reason)),
            FailsAt::Sent => Ok(End::Failed(reason)),
            FailsAt::Delivered => Ok(End::Undelivered(reason)),
        };
    }
    let Some(phone) = scenario.phone(to) else {
        return Ok(End::Delivered);
    };
    let is_too_young = match (phone.age, terms.minimum_age) {
        (Some(age), Some(minimum)) => age < minimum,
        (Some(_) | None, Some(_) | None) => false,
    };
    Ok(if is_too_young {
        End::Undelivered(Reason::ComplianceBlocked)
    } else if phone.bars_premium && terms.price > 0 {
        End::Undelivered(Reason::RecipientBlocked)
    } else {
        End::Delivered
    })
}

/// The number that the number of a new conversation begins with.
fn short_number(from: Option<&SenderId>) -> Result<String, Declined> {
    match from {
        Some(SenderId::ShortCode(number)) => Ok(number.to_string()),
        None => Ok(DEFAULT_SHORT_NUMBER.to_owned()),
        Some(_) => {
            let refusal = Refusal::invalid("sender", "of a conversation has to be a short number");
            Err((refusal, Reason::InvalidSender))
        }
    }
}

/// The id of a conversation: 20 characters of base 32, in lower case.
fn draw_session(random: &mut fastrand::Rng) -> String {
    const DIGITS: &[u8; 32] = b"abcdefghijklmnopqrstuvwxyz234567";
    let digit = |_| {
        random
            .choice(DIGITS)
            .map_or('a', |digit| char::from(*digit))
    };
    (0..20).map(digit).collect()
}

impl State {
    /// Whether a call of the last hour gave this name to its batch, and something of it was taken.
    fn was_called_lately(&self, account: usize, name: &str) -> bool {
        let batch = self.batch_called(account, name);
        let batch = batch.and_then(|batch| self.batches.get(batch));
        let latest = batch.and_then(|batch| self.messages_of(batch).last());
        latest.is_some_and(|sms| self.now.since(sms.accepted_at) < UNIQUE_FOR)
    }
}

fn milliseconds(delay: Duration) -> u64 {
    u64::try_from(delay.as_millis()).unwrap_or(u64::MAX)
}

fn parts_of(text: &str, policy: Policy) -> Result<u8, Refusal> {
    match plan(text, &policy) {
        Ok(plan) => Ok(u8::try_from(plan.n_parts()).unwrap_or(u8::MAX)),
        Err(TextError::TooManyParts { parts_needed, max }) => Err(Refusal::invalid(
            "text",
            format!("takes {parts_needed} parts, {max} are permitted"),
        )),
        Err(error) => Err(Refusal::invalid("text", error.to_string())),
    }
}

/// How a carrier that refuses at the door says a reason of the scenario.
fn refusal_of(reason: Reason) -> Refusal {
    match reason {
        Reason::Unauthorized => Refusal::Unauthorized,
        Reason::InsufficientFunds => Refusal::InsufficientCredit,
        Reason::QuotaExceeded => Refusal::RateLimited { retry_after: None },
        Reason::CarrierError => Refusal::Unavailable { retry_after: None },
        Reason::InvalidSender => Refusal::invalid("sender", "is not allowed"),
        Reason::Forbidden | Reason::ComplianceBlocked => Refusal::Forbidden {
            what: "texts to this number".to_owned(),
        },
        Reason::UnsupportedContent | Reason::ContentFiltered => {
            Refusal::invalid("text", "is not allowed")
        }
        _ => Refusal::invalid("recipient", "cannot be reached"),
    }
}

/// The word for a refusal in a batch's list of failures.
pub(super) fn reason_of(refusal: &Refusal) -> Reason {
    match refusal {
        Refusal::Unauthorized | Refusal::Expired => Reason::Unauthorized,
        Refusal::Invalid { field: "text", .. } => Reason::UnsupportedContent,
        Refusal::Invalid {
            field: "sender", ..
        } => Reason::InvalidSender,
        Refusal::Duplicate
        | Refusal::Invalid {
            field: "price" | "session",
            ..
        } => Reason::InvalidRequest,
        Refusal::Invalid { .. } => Reason::InvalidRecipient,
        Refusal::Forbidden { .. } => Reason::Forbidden,
        Refusal::InsufficientCredit => Reason::InsufficientFunds,
        Refusal::RateLimited { .. } | Refusal::RecipientQuota => Reason::QuotaExceeded,
        Refusal::Unavailable { .. } => Reason::CarrierError,
        _ => Reason::Unspecified,
    }
}
