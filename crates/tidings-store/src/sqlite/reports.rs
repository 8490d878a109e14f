//! What providers say of messages they took.

use async_trait::async_trait;
use rusqlite::params;
use tidings_core::{DeliveryReport, MessageEvent, MessageState, ReportedState, Timestamp};

use super::SqliteStore;
use super::attempts::{Attempt, attempt_key, batch_hash};
use super::row::{NOT_TAKEN, OPEN, RowExt, TAKEN, hash, number};
use super::sql::statements;
use super::standing::{Cause, DUPLICATE_RISK, Standing};
use super::write::{PART_BITS, Write};
use crate::error::{Result, StoreError, StoreErrorKind};
use crate::model::{AccountId, Applied, AttemptId, Heard, LaneId, MessageKey, NextPoll, Poll};
use crate::store::Reports;

statements! {
    BY_MESSAGE = "SELECT key FROM attempts WHERE key >> 29 = ?1 AND lane = ?2
        AND hash_message = ?3 AND ref_message = ?4 ORDER BY key DESC LIMIT 1";
    BY_BATCH = "SELECT a.key FROM attempts a JOIN contents c ON c.key = a.key >> 16
        WHERE a.key >> 29 = ?1 AND a.lane = ?2 AND a.hash_batch = ?3 AND a.ref_batch = ?4
        AND c.recipient = ?5 ORDER BY a.key DESC LIMIT 1";
    FIRST_ATTEMPT = "SELECT min(key) FROM attempts";
    LAST_ATTEMPT = "SELECT max(key) FROM attempts";
    ADD_UNMATCHED = "INSERT INTO unmatched (lane, received_at, report, hash_message, hash_batch)
        VALUES (?1, ?2, ?3, ?4, ?5)";
    UNMATCHED_BY_MESSAGE = "SELECT key, received_at, report FROM unmatched
        WHERE lane = ?1 AND hash_message = ?2 ORDER BY key";
    UNMATCHED_BY_BATCH = "SELECT key, received_at, report FROM unmatched
        WHERE lane = ?1 AND hash_batch = ?2 ORDER BY key";
    POLLS_DUE = "SELECT key FROM attempts WHERE lane = ?1 AND poll_at <= ?2
        ORDER BY poll_at, key LIMIT ?3";
    POLL_AT = "UPDATE attempts SET poll_at = ?2 WHERE key = ?1";
    NEXT_POLL = "UPDATE attempts SET poll_at = ?2, n_polls = n_polls + 1 WHERE key = ?1";
    PREVIOUS = "SELECT previous, attempt, their_time, code, reason, detail FROM events
        WHERE seq = ?1";
}

#[async_trait]
impl Reports for SqliteStore {
    async fn apply_reports(&self, heard: Vec<Heard>, now: Timestamp) -> Result<Vec<Applied>> {
        let rows = heard.len();
        let work = move |write: &mut Write| {
            let applied = heard.iter().map(|heard| hear(write, heard, now));
            applied.collect()
        };
        self.write(rows.min(100), work).await
    }

    async fn polls_due(
        &self,
        lane: &LaneId,
        until: Timestamp,
        limit: usize,
        now: Timestamp,
    ) -> Result<Vec<Poll>> {
        let lane = lane.clone();
        let work = move |write: &mut Write| {
            let Some(lane) = write.db.key_of(lane.as_str())? else {
                return Ok(Vec::new());
            };
            let parameters = params![lane, now.as_millis(), number(limit)];
            let due: Vec<i64> = write.db.all(POLLS_DUE, parameters, |row| row.get(0))?;
            let mut polls = Vec::with_capacity(due.len());
            for key in due {
                write.db.execute(POLL_AT, [key, until.as_millis()])?;
                polls.extend(poll(write, key)?);
            }
            Ok(polls)
        };
        self.write(1, work).await
    }

    async fn schedule_polls(&self, polls: Vec<NextPoll>) -> Result<()> {
        let rows = polls.len();
        let work = move |write: &mut Write| {
            for poll in &polls {
                let Ok((standing, attempt)) = write.attempt_of(poll.key, poll.attempt) else {
                    continue;
                };
                let at = poll.at.filter(|_| !standing.state.is_final());
                let parameters = params![attempt.key, at.map(Timestamp::as_millis)];
                write.db.execute(NEXT_POLL, parameters)?;
            }
            Ok(())
        };
        self.write(rows.min(100), work).await
    }
}

fn hear(write: &mut Write, heard: &Heard, now: Timestamp) -> Result<Applied> {
    let lane = write.db.intern(heard.lane.as_str())?;
    let Some(key) = find(write, lane, &heard.report)? else {
        keep(write, lane, heard)?;
        return Ok(Applied::Unmatched);
    };
    let (mut standing, mut attempt) = both(write, key)?;
    let before = standing.state;
    write.apply(&mut standing, &mut attempt, &heard.report, now)?;
    Ok(Applied::Noted {
        id: standing.id,
        account: AccountId::from(&*write.db.name_of(standing.account)?),
        before,
        after: standing.state,
        accepted_at: standing.accepted_at,
        taken_at: attempt.taken_at(),
        lane: LaneId::from(&*write.db.name_of(attempt.lane)?),
    })
}

/// The attempt that a report is about: by our reference, by the provider's id, by its batch and the
/// recipient.
fn find(write: &Write, lane: i64, report: &DeliveryReport) -> Result<Option<i64>> {
    let about = &report.about;
    if let Some(reference) = &about.reference
        && let Some(id) = AttemptId::of_reference(reference.as_str())
        && let Some(standing) = write.standing_of(id.message)?
        && let Some(attempt) = write.attempt(&standing, id.number)?
        && attempt.lane == lane
    {
        return Ok(Some(attempt.key));
    }
    if let Some(message) = &about.message {
        let found = latest_part(write, |part| {
            let parameters = params![part, lane, hash(message), message];
            write.db.one(BY_MESSAGE, parameters, |row| row.get(0))
        })?;
        if found.is_some() {
            return Ok(found);
        }
    }
    let (Some(batch), Some(recipient)) = (&about.batch, &about.recipient) else {
        return Ok(None);
    };
    let phone = super::row::phone_code(recipient);
    latest_part(write, |part| {
        let parameters = params![part, lane, batch_hash(batch, recipient), batch, phone];
        write.db.one(BY_BATCH, parameters, |row| row.get(0))
    })
}

/// Searches the parts of an index one after the other, the latest first.
fn latest_part(write: &Write, search: impl Fn(i64) -> Result<Option<i64>>) -> Result<Option<i64>> {
    let end = |sql| -> Result<Option<i64>> {
        let key = write.db.one(sql, [], |row| row.get::<_, Option<i64>>(0))?;
        Ok(key.flatten())
    };
    let (Some(first), Some(last)) = (end(FIRST_ATTEMPT)?, end(LAST_ATTEMPT)?) else {
        return Ok(None);
    };
    let part_of = |attempt: i64| attempt >> 16 >> PART_BITS;
    for part in (part_of(first)..=part_of(last)).rev() {
        let found = search(part)?;
        if found.is_some() {
            return Ok(found);
        }
    }
    Ok(None)
}

fn keep(write: &mut Write, lane: i64, heard: &Heard) -> Result<()> {
    let about = &heard.report.about;
    let batch = about.batch.as_deref().zip(about.recipient.as_ref());
    let report = serde_json::to_string(&heard.report).map_err(|error| {
        StoreError::new(StoreErrorKind::Corrupt, "a report cannot be written").with_source(error)
    })?;
    let parameters = params![
        lane,
        heard.received_at.as_millis(),
        report,
        about.message.as_deref().map(hash),
        batch.map(|(batch, recipient)| batch_hash(batch, recipient)),
    ];
    write.db.execute(ADD_UNMATCHED, parameters)?;
    write.forget_unmatched();
    Ok(())
}

/// An attempt by its key, with its message.
fn both(write: &Write, key: i64) -> Result<(Standing, Attempt)> {
    let gone = || StoreError::not_found("attempt");
    let standing = write.standing(key >> 16)?.ok_or_else(gone)?;
    let number = u16::try_from(key & 0xffff).unwrap_or(u16::MAX);
    let attempt = write.attempt(&standing, number)?.ok_or_else(gone)?;
    Ok((standing, attempt))
}

impl Write {
    /// Writes a report into the history of its message and moves the state forward.
    fn apply(
        &mut self,
        standing: &mut Standing,
        attempt: &mut Attempt,
        report: &DeliveryReport,
        now: Timestamp,
    ) -> Result<()> {
        let said = report.state;
        let number = attempt.number();
        let counting = self.counting(standing)?;
        let before = standing.state;
        if said != ReportedState::Unknown && !matches!(attempt.outcome, TAKEN | NOT_TAKEN) {
            attempt.was_taken(now);
            self.save_attempt(standing, attempt)?;
        }
        let came_through = matches!(
            said,
            ReportedState::Submitted | ReportedState::Sent | ReportedState::Delivered
        );
        if came_through && counting.is_some_and(|counting| counting > number) {
            standing.flags |= DUPLICATE_RISK;
        }
        standing.on(if counting == Some(number) {
            MessageEvent::Reported(said)
        } else {
            MessageEvent::EarlierReported(said)
        });
        let cause = Cause {
            attempt: Some(number),
            their_time: report.at,
            code: report.raw.as_deref(),
            reason: report.reason,
            detail: report.detail.as_deref(),
            is_fault: false,
        };
        self.save(standing, &cause, now)?;
        if before == MessageState::Sending && standing.state != before {
            self.leave_open(standing, number, now)?;
        }
        if standing.state == before && !self.is_noted(standing, &cause)? {
            self.note(standing, &cause, now)?;
        }
        Ok(())
    }

    /// A report of another attempt has taken the message on while its latest attempt is open. Nobody looks
    /// for that attempt if its answer never comes, so that it is in doubt from now on.
    fn leave_open(&mut self, standing: &Standing, reported: u16, now: Timestamp) -> Result<()> {
        if standing.n_attempts == reported {
            return Ok(());
        }
        if let Some(mut latest) = self.attempt(standing, standing.n_attempts)?
            && latest.outcome == OPEN
        {
            latest.became_unknown(now);
            self.save_attempt(standing, &latest)?;
        }
        Ok(())
    }

    /// Whether the message's history has this report.
    fn is_noted(&self, standing: &Standing, cause: &Cause<'_>) -> Result<bool> {
        let mut seq = standing.last_event;
        while seq > standing.key {
            let found = self.db.one(PREVIOUS, [seq], |row| {
                let attempt: Option<u16> = row.get(1)?;
                let is_it = attempt == cause.attempt
                    && row.time_opt(2)? == cause.their_time
                    && row.get_ref(3)?.as_str_or_null()? == cause.code
                    && row.reason(4)? == cause.reason
                    && row.get_ref(5)?.as_str_or_null()? == cause.detail;
                Ok((row.get::<_, i64>(0)?, is_it))
            })?;
            match found {
                Some((_, true)) => return Ok(true),
                Some((previous, false)) => seq = previous,
                None => return Ok(false),
            }
        }
        Ok(false)
    }

    /// Applies the reports that came before the provider's name for an attempt was known.
    pub(super) fn match_again(
        &mut self,
        standing: &mut Standing,
        attempt: &mut Attempt,
        now: Timestamp,
    ) -> Result<()> {
        if !self.any_unmatched()? {
            return Ok(());
        }
        let Some(name) = attempt.provider_ref.clone() else {
            return Ok(());
        };
        let mut hashes = Vec::new();
        hashes.extend(
            name.message
                .as_deref()
                .map(|id| (UNMATCHED_BY_MESSAGE, hash(id))),
        );
        if let Some(batch) = name.batch.as_deref() {
            let recipient = self.recipient(standing.key)?;
            hashes.push((UNMATCHED_BY_BATCH, batch_hash(batch, &recipient)));
        }
        for (sql, hash) in hashes {
            let found: Vec<(i64, String)> = self.db.all(sql, [attempt.lane, hash], |row| {
                Ok((row.get(0)?, row.get(2)?))
            })?;
            for (key, report) in found {
                let Ok(report) = serde_json::from_str::<DeliveryReport>(&report) else {
                    continue;
                };
                if find(self, attempt.lane, &report)? != Some(attempt.key) {
                    continue;
                }
                self.apply(standing, attempt, &report, now)?;
                self.db.execute(super::repair::REMOVE_UNMATCHED, [key])?;
                self.forget_unmatched();
            }
        }
        Ok(())
    }
}

fn poll(write: &Write, key: i64) -> Result<Option<Poll>> {
    let (standing, attempt) = both(write, key)?;
    debug_assert_eq!(key, attempt_key(standing.key, attempt.number()));
    Ok(Some(Poll {
        key: MessageKey(standing.key),
        attempt: AttemptId {
            message: standing.id,
            number: attempt.number(),
        },
        taken_at: attempt.ended_at.unwrap_or(attempt.began_at),
        n_polls: attempt.n_polls,
        provider_ref: attempt.provider_ref.unwrap_or_default(),
        expires_at: standing.expires_at.and_then(Timestamp::from_millis),
    }))
}
