//! Attempts: their rows, and what becomes of a message when one ends or is found out about.
//!
//! Called by queue and reports. A change of the message itself is written by
//! [`Write::save`](super::standing).

use rusqlite::{Row, params};
use tidings_core::{
    AttemptEnd, E164, MessageEvent, MessageState, ProviderRef, ReportedState, SenderId, Timestamp,
};

use super::db::Db;
use super::row::{
    NOT_TAKEN, OPEN, RowExt, TAKEN, UNKNOWN, hash, outcome_of, phone_code, sender_of,
};
use super::sql::statements;
use super::standing::{Cause, DUPLICATE_RISK, Standing};
use super::write::Write;
use crate::error::{Result, StoreError};
use crate::model::{
    AttemptId, Finding, Finished, LaneId, MessageId, MessageKey, Next, Outcome, Settled,
    StoredAttempt,
};

/// The columns of [`read_attempt`].
macro_rules! attempt {
    ($rest:literal) => {
        concat!(
            "SELECT key, lane, began_at, ended_at, outcome, ref_message, ref_batch, ref_session,
                ref_reference, ref_recipient, error, code, poll_at, n_polls, check_at, n_checks,
                unknown_since, sender FROM attempts WHERE ",
            $rest
        )
    };
}

statements! {
    ATTEMPT = attempt!("key = ?1");
    ATTEMPTS = attempt!("key BETWEEN ?1 AND ?2 ORDER BY key");
    ADD_ATTEMPT = "INSERT INTO attempts (key, lane, sender, began_at, outcome)
        VALUES (?1, ?2, ?3, ?4, 0)";
    SAVE_ATTEMPT = "UPDATE attempts SET ended_at = ?2, outcome = ?3, ref_message = ?4,
        ref_batch = ?5, ref_session = ?6, ref_reference = ?7, ref_recipient = ?8,
        hash_message = ?9, hash_batch = ?10, error = ?11, code = ?12, poll_at = ?13,
        check_at = ?14, n_checks = ?15, unknown_since = ?16 WHERE key = ?1";
    RECIPIENT = "SELECT recipient FROM contents WHERE key = ?1";
    COUNTING = "SELECT key FROM attempts WHERE key BETWEEN ?1 AND ?2 AND outcome <> 2
        ORDER BY key DESC LIMIT 1";
}

/// One attempt.
#[derive(Debug)]
pub(super) struct Attempt {
    pub(super) key: i64,
    pub(super) lane: i64,
    pub(super) began_at: Timestamp,
    pub(super) ended_at: Option<Timestamp>,
    pub(super) outcome: i64,
    pub(super) provider_ref: Option<ProviderRef>,
    pub(super) error: Option<Box<str>>,
    pub(super) code: Option<Box<str>>,
    pub(super) poll_at: Option<Timestamp>,
    pub(super) n_polls: u16,
    pub(super) check_at: Option<Timestamp>,
    pub(super) n_checks: u16,
    pub(super) unknown_since: Option<Timestamp>,
    pub(super) sender: i64,
}

impl Attempt {
    /// Which of its message's attempts, from 1.
    pub(super) fn number(&self) -> u16 {
        u16::try_from(self.key & 0xffff).unwrap_or(u16::MAX)
    }

    /// The provider has the message, whatever was thought before.
    pub(super) fn was_taken(&mut self, now: Timestamp) {
        self.outcome = TAKEN;
        self.ended_at.get_or_insert(now);
        self.check_at = None;
    }

    /// Nobody knows whether the provider has the message.
    pub(super) fn became_unknown(&mut self, now: Timestamp) {
        self.outcome = UNKNOWN;
        self.ended_at.get_or_insert(now);
        self.unknown_since.get_or_insert(now);
    }

    /// When the provider took it; `None` where the answer was lost.
    pub(super) fn taken_at(&self) -> Option<Timestamp> {
        let is_known = self.outcome == TAKEN && self.unknown_since.is_none();
        self.ended_at.filter(|_| is_known)
    }
}

/// Under which key an attempt is kept.
pub(super) fn attempt_key(message: i64, number: u16) -> i64 {
    message << 16 | i64::from(number)
}

/// Under which number a provider's batch with a recipient is searched.
pub(super) fn batch_hash(batch: &str, recipient: &E164) -> i64 {
    hash(&format!("{batch}\n{}", recipient.as_str()))
}

/// Attempts of a message as they are shown.
pub(super) fn shown(db: &Db, message: i64, id: MessageId) -> Result<Vec<StoredAttempt>> {
    let range = [message << 16, message << 16 | 0xffff];
    let attempts = db.all(ATTEMPTS, range, |row| read_attempt(row, id))?;
    let shown = attempts.into_iter().map(|attempt| {
        Ok(StoredAttempt {
            number: attempt.number(),
            lane: LaneId::from(&*db.name_of(attempt.lane)?),
            from: routed_sender(db, attempt.sender)?,
            began_at: attempt.began_at,
            ended_at: attempt.ended_at,
            outcome: outcome_of(attempt.outcome),
            provider_ref: attempt.provider_ref,
            error: attempt.error.map(Into::into),
            code: attempt.code.map(Into::into),
            n_checks: attempt.n_checks,
            next_check_at: attempt.check_at,
        })
    });
    shown.collect()
}

/// The sender that routing gave to an attempt.
pub(super) fn routed_sender(db: &Db, key: i64) -> Result<Option<SenderId>> {
    if key == 0 {
        return Ok(None);
    }
    Ok(sender_of(Some(&*db.name_of(key)?)))
}

impl Write {
    /// All attempts of a message, the first one first.
    pub(super) fn attempts(&self, standing: &Standing) -> Result<Vec<Attempt>> {
        let (first, last) = standing.attempt_keys();
        self.db.all(ATTEMPTS, [first, last], |row| {
            read_attempt(row, standing.id)
        })
    }

    /// One attempt.
    pub(super) fn attempt(&self, standing: &Standing, number: u16) -> Result<Option<Attempt>> {
        let key = attempt_key(standing.key, number);
        self.db
            .one(ATTEMPT, [key], |row| read_attempt(row, standing.id))
    }

    /// Begins the next attempt of a message, from the sender that routing gave.
    pub(super) fn add_attempt(
        &self,
        standing: &mut Standing,
        from: Option<&SenderId>,
        now: Timestamp,
    ) -> Result<u16> {
        let sender = match from {
            Some(sender) => self.db.intern(&sender.to_string())?,
            None => 0,
        };
        standing.n_attempts = standing.n_attempts.saturating_add(1);
        let key = attempt_key(standing.key, standing.n_attempts);
        self.db
            .execute(ADD_ATTEMPT, [key, standing.lane, sender, now.as_millis()])?;
        Ok(standing.n_attempts)
    }

    /// Writes an attempt.
    pub(super) fn save_attempt(&self, standing: &Standing, attempt: &Attempt) -> Result<()> {
        let name = attempt.provider_ref.as_ref();
        let own = AttemptId {
            message: standing.id,
            number: attempt.number(),
        };
        let reference = name.and_then(|name| name.reference.as_ref());
        let reference = reference.map(|reference| {
            if AttemptId::of_reference(reference.as_str()) == Some(own) {
                ""
            } else {
                reference.as_str()
            }
        });
        let recipient = name.and_then(|name| name.recipient.as_ref());
        let message = name.and_then(|name| name.message.as_deref());
        let batch = name.and_then(|name| name.batch.as_deref());
        let hash_batch = match batch {
            Some(batch) => Some(batch_hash(batch, &self.recipient(standing.key)?)),
            None => None,
        };
        let parameters = params![
            attempt.key,
            attempt.ended_at.map(Timestamp::as_millis),
            attempt.outcome,
            message,
            batch,
            name.and_then(|name| name.session.as_deref()),
            reference,
            recipient.map(phone_code),
            message.map(hash),
            hash_batch,
            attempt.error,
            attempt.code,
            attempt.poll_at.map(Timestamp::as_millis),
            attempt.check_at.map(Timestamp::as_millis),
            attempt.n_checks,
            attempt.unknown_since.map(Timestamp::as_millis),
        ];
        self.db.execute(SAVE_ATTEMPT, parameters)?;
        Ok(())
    }

    /// For whom a message is.
    pub(super) fn recipient(&self, message: i64) -> Result<E164> {
        let phone = self.db.one(RECIPIENT, [message], |row| row.phone(0))?;
        phone.ok_or_else(|| StoreError::not_found("message"))
    }

    /// The attempt that counts: the last one that is not proved not to have been taken.
    pub(super) fn counting(&self, standing: &Standing) -> Result<Option<u16>> {
        let (first, last) = standing.attempt_keys();
        let key: Option<i64> = self.db.one(COUNTING, [first, last], |row| row.get(0))?;
        Ok(key.and_then(|key| u16::try_from(key & 0xffff).ok()))
    }

    /// How an attempt ended.
    pub(super) fn finish(&mut self, finished: &Finished, now: Timestamp) -> Result<MessageState> {
        let (mut standing, mut attempt) = self.attempt_of(finished.key, finished.attempt)?;
        let is_undecided = matches!(attempt.outcome, OPEN | UNKNOWN);
        match &finished.outcome {
            Outcome::Taken {
                provider_ref,
                poll_at,
            } => self.took(&mut standing, &mut attempt, provider_ref, *poll_at, now)?,
            Outcome::NotTaken { fault, next } if is_undecided => {
                attempt.error = Some((&*fault.class).into());
                attempt.code = fault.code.as_deref().map(Into::into);
                let cause = Cause::attempt(attempt.number()).fault(Some(fault));
                self.not_taken(&mut standing, &mut attempt, next, &cause, now)?;
            }
            Outcome::NotTaken { .. } => {}
            Outcome::Unknown {
                fault,
                provider_ref,
                check_at,
            } => {
                if is_undecided {
                    let is_last = attempt.number() == standing.n_attempts;
                    attempt.error = Some((&*fault.class).into());
                    attempt.code = fault.code.as_deref().map(Into::into);
                    attempt.became_unknown(now);
                    if is_last {
                        standing.on(MessageEvent::AttemptEnded(AttemptEnd::NoVerdict));
                        if standing.state == MessageState::Unknown {
                            attempt.check_at = *check_at;
                            standing.is_doubted = check_at.is_some();
                        }
                    }
                }
                if let Some(provider_ref) = provider_ref {
                    attempt.provider_ref = Some(provider_ref.clone());
                }
                self.save_attempt(&standing, &attempt)?;
                let cause = Cause::attempt(attempt.number()).fault(Some(fault));
                self.save(&mut standing, &cause, now)?;
                if provider_ref.is_some() {
                    self.match_again(&mut standing, &mut attempt, now)?;
                }
            }
        }
        Ok(standing.state)
    }

    /// What was found out about a doubt.
    pub(super) fn settle(&mut self, settled: &Settled, now: Timestamp) -> Result<MessageState> {
        let (mut standing, mut attempt) = self.attempt_of(settled.key, settled.attempt)?;
        if attempt.outcome != UNKNOWN {
            return Ok(standing.state);
        }
        let number = attempt.number();
        let is_waited_for =
            standing.state == MessageState::Unknown && number == standing.n_attempts;
        match &settled.finding {
            Finding::Taken {
                provider_ref,
                poll_at,
            } => self.took(&mut standing, &mut attempt, provider_ref, *poll_at, now)?,
            Finding::NotTaken(next) => {
                let cause = Cause::attempt(number);
                self.not_taken(&mut standing, &mut attempt, next, &cause, now)?;
            }
            _ if !is_waited_for => {}
            Finding::AskAgain(at) => {
                attempt.check_at = Some(*at);
                attempt.n_checks = attempt.n_checks.saturating_add(1);
                standing.is_doubted = true;
                self.save_attempt(&standing, &attempt)?;
                self.save(&mut standing, &Cause::default(), now)?;
            }
            Finding::Resend { lane, not_before } => {
                let lane = self.db.intern(lane.as_str())?;
                // Also where a stop or a cancellation keeps it from going again: nobody asks any more.
                attempt.check_at = None;
                standing.is_doubted = false;
                self.save_attempt(&standing, &attempt)?;
                standing.on(MessageEvent::ResendDue);
                standing.wait_for(lane, *not_before);
                self.save(&mut standing, &Cause::attempt(number), now)?;
                if matches!(standing.state, MessageState::Queued | MessageState::Held(_)) {
                    standing.flags |= DUPLICATE_RISK;
                    self.save(&mut standing, &Cause::default(), now)?;
                }
            }
            Finding::GiveUp => {
                attempt.check_at = None;
                standing.is_doubted = false;
                self.save_attempt(&standing, &attempt)?;
                self.save(&mut standing, &Cause::default(), now)?;
            }
        }
        Ok(standing.state)
    }

    /// The provider has it: it says so itself.
    fn took(
        &mut self,
        standing: &mut Standing,
        attempt: &mut Attempt,
        provider_ref: &ProviderRef,
        poll_at: Option<Timestamp>,
        now: Timestamp,
    ) -> Result<()> {
        let number = attempt.number();
        if number == standing.n_attempts {
            standing.on(MessageEvent::AttemptEnded(AttemptEnd::Taken));
        } else {
            if self.counting(standing)?.is_some_and(|last| last > number) {
                standing.flags |= DUPLICATE_RISK;
            }
            standing.on(MessageEvent::EarlierReported(ReportedState::Submitted));
        }
        attempt.was_taken(now);
        attempt.provider_ref = Some(provider_ref.clone());
        if !standing.state.is_final() {
            attempt.poll_at = poll_at;
        }
        self.save_attempt(standing, attempt)?;
        self.save(standing, &Cause::attempt(number), now)?;
        self.match_again(standing, attempt, now)
    }

    /// It is proved that the provider does not have it.
    fn not_taken(
        &mut self,
        standing: &mut Standing,
        attempt: &mut Attempt,
        next: &Next,
        cause: &Cause<'_>,
        now: Timestamp,
    ) -> Result<()> {
        attempt.outcome = NOT_TAKEN;
        attempt.ended_at.get_or_insert(now);
        attempt.check_at = None;
        self.save_attempt(standing, attempt)?;
        let waits_for_it = matches!(
            standing.state,
            MessageState::Sending | MessageState::Unknown
        );
        if waits_for_it && attempt.number() == standing.n_attempts {
            standing.is_doubted = false;
            let back = MessageEvent::AttemptEnded(AttemptEnd::NotTaken);
            self.go_on(standing, next, back)?;
        }
        self.save(standing, &cause.next(next), now)
    }

    /// What comes next for a message that is with us again by the event `back`.
    pub(super) fn go_on(
        &mut self,
        standing: &mut Standing,
        next: &Next,
        back: MessageEvent,
    ) -> Result<()> {
        match next {
            Next::Again { lane, not_before } => {
                standing.on(back);
                standing.wait_for(self.db.intern(lane.as_str())?, *not_before);
            }
            Next::Hold(hold) => {
                standing.on(back);
                standing.on(MessageEvent::Held(hold.reason));
                standing.hold_until(hold.until);
            }
            Next::Fail(_) => {
                let earlier = self.earlier(standing, None)?;
                standing.on(MessageEvent::AttemptEnded(AttemptEnd::Failed(earlier)));
            }
            Next::Expire => {
                let earlier = self.earlier(standing, None)?;
                standing.on(back);
                standing.on(MessageEvent::ValidityEnded(earlier));
            }
        }
        Ok(())
    }

    /// A message and one of its attempts.
    pub(super) fn attempt_of(
        &self,
        key: MessageKey,
        attempt: AttemptId,
    ) -> Result<(Standing, Attempt)> {
        let standing = self.standing(key.0)?;
        let standing = standing.ok_or_else(|| StoreError::not_found("message"))?;
        let row = self.attempt(&standing, attempt.number)?;
        let row = row.filter(|_| standing.id == attempt.message);
        let row = row.ok_or_else(|| StoreError::not_found("attempt"))?;
        Ok((standing, row))
    }
}

/// Reads the columns of an attempt of the message `id`.
pub(super) fn read_attempt(row: &Row<'_>, id: MessageId) -> rusqlite::Result<Attempt> {
    let key: i64 = row.get(0)?;
    let number = u16::try_from(key & 0xffff).unwrap_or(u16::MAX);
    let mut name = ProviderRef::default();
    name.message = row.get(5)?;
    name.batch = row.get(6)?;
    name.session = row.get(7)?;
    name.reference = match row.get::<_, Option<String>>(8)? {
        Some(own) if own.is_empty() => Some(
            AttemptId {
                message: id,
                number,
            }
            .reference(),
        ),
        Some(other) => other.parse().ok(),
        None => None,
    };
    let recipient: Option<i64> = row.get(9)?;
    name.recipient = recipient.map(|_| row.phone(9)).transpose()?;
    Ok(Attempt {
        key,
        lane: row.get(1)?,
        began_at: row.time(2)?,
        ended_at: row.time_opt(3)?,
        outcome: row.get(4)?,
        provider_ref: (name != ProviderRef::default()).then_some(name),
        error: row.get(10)?,
        code: row.get(11)?,
        poll_at: row.time_opt(12)?,
        n_polls: row.get(13)?,
        check_at: row.time_opt(14)?,
        n_checks: row.get(15)?,
        unknown_since: row.time_opt(16)?,
        sender: row.get(17)?,
    })
}
