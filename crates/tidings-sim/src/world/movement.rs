//! What moves at a simulated carrier: messages come in, wait, leave or are stopped; conversations
//! begin and are used; phones send texts; ends become due to be told.
//!
//! Called by `state`, which carries changes out, and by the world before it looks at anything:
//! [`State::advance`] lets happen what follows from the time. Whatever is read from a state file
//! happens again in the same way, because changes carry their time.

use std::sync::Arc;
use std::time::Duration;

use tidings_core::Timestamp;

use super::ids::Kind;
use super::queue::Parting;
use super::sms::{SessionTaken, Sms, Way};
use super::state::{
    Batch, BatchTaken, Impossible, Inbound, InboundTaken, Item, Session, State, SubmissionTaken,
};

/// A conversation ends when it has not been used for so long.
pub(super) const SESSION_LIFE: Duration = Duration::from_hours(14 * 24);

/// How many digits the number of a conversation has in all.
const SESSION_DIGITS: usize = 14;

/// The number of the conversation in this place, counted from 0: a short number with more digits
/// behind it.
pub(super) fn session_number(short_number: &str, place: usize) -> String {
    let width = SESSION_DIGITS.saturating_sub(short_number.len());
    format!("{short_number}{place:0width$}")
}

impl State {
    /// Lets happen what happens until this moment, and returns the moment: a clock that has gone
    /// back does not take anything back.
    pub(super) fn advance(&mut self, now: Timestamp) -> Timestamp {
        self.now = self.now.max(now);
        for account in 0..self.accounts.len() {
            self.play(account);
        }
        self.exchange.advance(self.now);
        self.now
    }

    /// The conversation with this id, if the account has it and it has not ended.
    pub(super) fn session(&self, account: usize, id: &str, at: Timestamp) -> Option<usize> {
        let index = *self.session_ids.get(id)?;
        let session = self.sessions.get(index)?;
        let lives = at.since(session.last_used) < SESSION_LIFE;
        (session.account == account && lives).then_some(index)
    }

    /// The conversation that is held at this number, whether it has ended or not.
    pub(super) fn session_at(&self, number: &str) -> Option<(usize, &Session)> {
        let index = *self.session_numbers.get(number)?;
        Some((index, self.sessions.get(index)?))
    }

    /// The batch that an account knows by this: its name, or its number where it has no name.
    pub(super) fn batch_called(&self, account: usize, called: &str) -> Option<usize> {
        let named = self.batch_names.get(&(account, called.into())).copied();
        named.or_else(|| {
            let index = self.ids.index(Kind::Batch, called)?;
            let batch = self.batches.get(index)?;
            (batch.account == account && batch.name.is_none()).then_some(index)
        })
    }

    /// What a batch is called.
    pub(super) fn batch_name(&self, index: usize) -> String {
        let name = self.batches.get(index).and_then(|it| it.name.as_deref());
        name.map_or_else(|| self.ids.id(Kind::Batch, index), str::to_owned)
    }

    pub(super) fn set_rate(
        &mut self,
        account: usize,
        at: Timestamp,
        interval_us: u64,
    ) -> Result<(), Impossible> {
        self.account_mut(account)?;
        self.advance(at);
        let found = self.account_mut(account)?;
        found.interval_us = interval_us;
        found.queue.set_interval(Duration::from_micros(interval_us));
        self.play(account);
        Ok(())
    }

    pub(super) fn take(&mut self, submission: SubmissionTaken) -> Result<(), Impossible> {
        let SubmissionTaken {
            account,
            at,
            texts,
            messages,
            batch,
            post,
        } = submission;
        self.account_mut(account)?;
        let is_possible = messages.iter().all(|taken| {
            let window = taken.wishes.as_ref().and_then(|it| it.window.as_ref());
            taken.text < texts.len() && window.is_none_or(|window| window.parse().is_some())
        });
        if !is_possible {
            return Err(Impossible);
        }
        self.advance(at);
        let cost: i64 = messages.iter().map(|taken| i64::from(taken.parts)).sum();
        self.account_mut(account)?.credit -= cost;
        let first = self.messages.len();
        let span = first..first + messages.len();
        let batch = batch.map(|taken| self.batch_of(account, at, taken, span));
        let text = texts.first().map(Arc::clone).unwrap_or_default();
        let leg_of = post.map(|post| self.exchange.write(at, account, &text, *post));
        for fate in messages {
            let wishes = fate.wishes.as_ref();
            let session = wishes
                .and_then(|wishes| wishes.session.clone())
                .and_then(|session| self.use_session(account, at, session));
            self.messages.push(Sms {
                account,
                batch,
                session,
                leg_of,
                accepted_at: at,
                text: texts.get(fate.text).map(Arc::clone).unwrap_or_default(),
                way: Way::Waiting,
                fate,
            });
            self.admit(self.messages.len() - 1, at);
        }
        self.play(account);
        Ok(())
    }

    /// Stops what waits of a batch, that on hold included.
    pub(super) fn stop(&mut self, batch: usize, at: Timestamp) -> Result<(), Impossible> {
        self.batches.get(batch).ok_or(Impossible)?;
        self.advance(at);
        let Self {
            accounts,
            batches,
            messages,
            ..
        } = self;
        let found = batches.get_mut(batch).ok_or(Impossible)?;
        let account = accounts.get_mut(found.account).ok_or(Impossible)?;
        for index in std::mem::take(&mut found.waiting) {
            account.queue.remove(index);
            if let Some(sms) = messages.get_mut(index) {
                sms.way = Way::Stopped(at);
            }
        }
        account.waiting_batches.remove(&batch);
        Ok(())
    }

    pub(super) fn release(&mut self, account: usize, at: Timestamp) -> Result<(), Impossible> {
        self.account_mut(account)?;
        self.advance(at);
        self.account_mut(account)?.queue.release_all();
        self.play(account);
        Ok(())
    }

    pub(super) fn receive(&mut self, inbound: InboundTaken) -> Result<(), Impossible> {
        let InboundTaken {
            account,
            at,
            session,
            ..
        } = inbound;
        self.account_mut(account)?;
        if let Some(index) = session {
            let session = self.sessions.get_mut(index).ok_or(Impossible)?;
            session.last_used = session.last_used.max(at);
        }
        self.advance(at);
        let item = Item::Inbound(self.inbound.len());
        self.exchange.hear(&inbound);
        let InboundTaken {
            from,
            to,
            text,
            heard,
            ..
        } = inbound;
        self.inbound.push(Inbound {
            account,
            from,
            to,
            text,
            at,
            session,
            conversation: heard.map(|heard| heard.conversation),
        });
        if self.tells {
            self.account_mut(account)?.to_tell.insert((at, item));
        }
        Ok(())
    }

    pub(super) fn told(
        &mut self,
        at: Timestamp,
        ends: &[usize],
        inbound: &[usize],
    ) -> Result<(), Impossible> {
        self.advance(at);
        for index in ends {
            let sms = self.messages.get(*index).ok_or(Impossible)?;
            let ended = sms.ends_at().ok_or(Impossible)?;
            let account = self.accounts.get_mut(sms.account).ok_or(Impossible)?;
            account.to_tell.remove(&(ended, Item::End(*index)));
        }
        for index in inbound {
            let text = self.inbound.get(*index).ok_or(Impossible)?;
            let account = self.accounts.get_mut(text.account).ok_or(Impossible)?;
            account.to_tell.remove(&(text.at, Item::Inbound(*index)));
        }
        Ok(())
    }

    /// The batch that these messages belong to: the one that has this name, or a new one.
    fn batch_of(
        &mut self,
        account: usize,
        at: Timestamp,
        taken: BatchTaken,
        span: std::ops::Range<usize>,
    ) -> usize {
        let BatchTaken { name, refused } = taken;
        let next = self.batches.len();
        let index = match &name {
            Some(name) => *self
                .batch_names
                .entry((account, name.clone()))
                .or_insert(next),
            None => next,
        };
        if let Some(batch) = self.batches.get_mut(index) {
            batch.spans.push(span);
            batch.refused.extend(refused);
        } else {
            self.batches.push(Batch {
                account,
                accepted_at: at,
                name,
                spans: vec![span],
                waiting: std::collections::BTreeSet::new(),
                refused,
            });
        }
        index
    }

    /// Opens or continues a conversation. `None` for one that is not there.
    fn use_session(&mut self, account: usize, at: Timestamp, taken: SessionTaken) -> Option<usize> {
        let SessionTaken { id, opens_at } = taken;
        let Some(number) = opens_at else {
            let index = *self.session_ids.get(id.as_str())?;
            self.sessions.get_mut(index)?.last_used = at;
            return Some(index);
        };
        let (id, number) = (id.into_boxed_str(), number.into_boxed_str());
        let index = self.sessions.len();
        self.session_ids.insert(id.clone(), index);
        self.session_numbers.insert(number.clone(), index);
        self.sessions.push(Session {
            account,
            id,
            number,
            last_used: at,
        });
        Some(index)
    }

    /// Lets a message leave at once, or puts it into its account's queue.
    fn admit(&mut self, index: usize, at: Timestamp) {
        let Some(sms) = self.messages.get(index) else {
            return;
        };
        let Some(account) = self.accounts.get_mut(sms.account) else {
            return;
        };
        if account.queue.is_idle() && !sms.fate.may_have_to_wait() {
            self.part(index, Way::Left(at));
            return;
        }
        account.queue.enter(index, sms.wait());
        if let Some(number) = sms.batch {
            if let Some(batch) = self.batches.get_mut(number) {
                batch.waiting.insert(index);
            }
            account.waiting_batches.insert(number);
        }
    }

    /// Lets an account's queue come up to the present.
    fn play(&mut self, account: usize) {
        let Some(found) = self.accounts.get_mut(account) else {
            return;
        };
        let parted = found.queue.play(self.now);
        for (index, parting, at) in parted {
            let way = match parting {
                Parting::Left => Way::Left(at),
                Parting::GivenUp => Way::GivenUp(at),
            };
            self.part(index, way);
        }
    }

    /// A message waits no more.
    fn part(&mut self, index: usize, way: Way) {
        let Some(sms) = self.messages.get_mut(index) else {
            return;
        };
        sms.way = way;
        let Some(account) = self.accounts.get_mut(sms.account) else {
            return;
        };
        if let Some(number) = sms.batch
            && let Some(batch) = self.batches.get_mut(number)
            && batch.waiting.remove(&index)
            && batch.waiting.is_empty()
        {
            account.waiting_batches.remove(&number);
        }
        if let Some(ends_at) = sms.ends_at().filter(|_| self.tells && sms.is_reported()) {
            account.to_tell.insert((ends_at, Item::End(index)));
        }
    }
}
