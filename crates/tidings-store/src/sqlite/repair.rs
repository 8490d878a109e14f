//! Making good what time or a crash left.
//!
//! Called by [`Queue::repair`](crate::store::Queue::repair) and `take_over`. Every search goes by an index
//! to what is due, so that a queue of a million messages costs nothing while nothing is wrong.

use std::time::Duration;

use rusqlite::params;
use tidings_core::{MessageEvent, MessageState, Timestamp};

use super::row::number;
use super::sql::{Sql, statements};
use super::standing::Cause;
use super::write::Write;
use crate::error::Result;
use crate::model::{INTERRUPTED, NodeId, Repaired};

statements! {
    LEASES_OVER = "SELECT key FROM leases WHERE until <= ?1 ORDER BY until LIMIT 5000";
    LEASES_OF = "SELECT key FROM leases WHERE node = ?1";
    IN_HAND = "SELECT key FROM messages WHERE place = 5 AND lease = ?1 AND state = ?2 LIMIT ?3";
    ANY_IN_HAND = "SELECT EXISTS (SELECT 1 FROM messages WHERE place = 5 AND lease = ?1)";
    REMOVE_LEASE = "DELETE FROM leases WHERE key = ?1";
    EXPIRING = "SELECT key FROM messages WHERE expires_at <= ?1 AND place BETWEEN 1 AND 4
        ORDER BY expires_at LIMIT ?2";
    LANES = "SELECT key FROM lanes";
    HELD_DUE = "SELECT key FROM messages WHERE place = 3 AND lane = ?1 AND due <= ?2
        ORDER BY due LIMIT ?3";
    ONCE_OVER = "SELECT account, key FROM once WHERE keep_until <= ?1 ORDER BY keep_until LIMIT ?2";
    REMOVE_ONCE = "DELETE FROM once WHERE account = ?1 AND key = ?2";
    TOKENS_OVER = "SELECT hash FROM tokens WHERE expires_at <= ?1 ORDER BY expires_at LIMIT ?2";
    REMOVE_TOKEN = "DELETE FROM tokens WHERE hash = ?1";
    UNMATCHED_OVER = "SELECT key FROM unmatched WHERE received_at <= ?1 ORDER BY received_at LIMIT ?2";
    REMOVE_UNMATCHED = "DELETE FROM unmatched WHERE key = ?1";
    ASK_NOW = "UPDATE attempts SET check_at = ?2 WHERE lane = ?1 AND check_at > ?2";
    FREE_DELIVERIES = "UPDATE deliveries SET node = NULL, next_at = ?2
        WHERE node = ?1 AND next_at IS NOT NULL";
}

/// How long a report without a match is kept.
const KEEP_UNMATCHED: Duration = Duration::from_hours(72);

/// Everything that time brought, at most `limit` of each kind.
pub(super) fn repair(write: &mut Write, limit: usize, now: Timestamp) -> Result<Repaired> {
    let over: Vec<i64> = write
        .db
        .all(LEASES_OVER, [now.as_millis()], |row| row.get(0))?;
    let mut repaired = end_leases(write, &over, limit, now)?;
    repaired.expired = expire(write, limit, now)?;
    repaired.released = release(write, limit, now)?;
    repaired.removed = remove_useless(write, limit, now)?;
    Ok(repaired)
}

/// Everything that a process held. Questions about lost answers are not held by name, so all of them are
/// asked again.
pub(super) fn take_over(write: &mut Write, node: &NodeId, now: Timestamp) -> Result<Repaired> {
    let lanes: Vec<i64> = write.db.all(LANES, [], |row| row.get(0))?;
    for lane in lanes {
        write.db.execute(ASK_NOW, [lane, now.as_millis()])?;
    }
    let Some(node) = write.db.key_of(node.as_str())? else {
        return Ok(Repaired::default());
    };
    let held: Vec<i64> = write.db.all(LEASES_OF, [node], |row| row.get(0))?;
    let repaired = end_leases(write, &held, usize::MAX, now)?;
    write.db.execute(FREE_DELIVERIES, [node, now.as_millis()])?;
    Ok(repaired)
}

fn end_leases(write: &mut Write, leases: &[i64], limit: usize, now: Timestamp) -> Result<Repaired> {
    let mut repaired = Repaired::default();
    let counts = [&mut repaired.leases, &mut repaired.attempts];
    for (state, n_ended) in [MessageState::Leased, MessageState::Sending]
        .into_iter()
        .zip(counts)
    {
        let mut left = limit;
        for lease in leases {
            let parameters = params![lease, super::row::state_code(state), number(left)];
            let keys: Vec<i64> = write.db.all(IN_HAND, parameters, |row| row.get(0))?;
            left -= keys.len();
            *n_ended += keys.len() as u64;
            for key in keys {
                lose(write, key, now)?;
            }
            if left == 0 {
                break;
            }
        }
    }
    for lease in leases {
        let any = write.db.one(ANY_IN_HAND, [lease], |row| row.get(0))?;
        if any == Some(false) {
            write.db.execute(REMOVE_LEASE, [lease])?;
        }
    }
    Ok(repaired)
}

/// Whoever had a message is gone.
fn lose(write: &mut Write, key: i64, now: Timestamp) -> Result<()> {
    let Some(mut standing) = write.standing(key)? else {
        return Ok(());
    };
    let mut cause = Cause::default();
    if standing.state == MessageState::Sending {
        cause = Cause::attempt(standing.n_attempts);
        if let Some(mut attempt) = write.attempt(&standing, standing.n_attempts)? {
            attempt.became_unknown(now);
            attempt.error = Some(INTERRUPTED.into());
            attempt.check_at = Some(now);
            write.save_attempt(&standing, &attempt)?;
            standing.is_doubted = true;
        }
    }
    standing.on(MessageEvent::LeaseLost);
    write.save(&mut standing, &cause, now)
}

fn expire(write: &mut Write, limit: usize, now: Timestamp) -> Result<u64> {
    let parameters = [now.as_millis(), number(limit)];
    let over: Vec<i64> = write.db.all(EXPIRING, parameters, |row| row.get(0))?;
    for key in &over {
        if let Some(mut standing) = write.standing(*key)? {
            let earlier = write.earlier(&standing, None)?;
            standing.on(MessageEvent::ValidityEnded(earlier));
            write.save(&mut standing, &Cause::default(), now)?;
        }
    }
    Ok(over.len() as u64)
}

fn release(write: &mut Write, limit: usize, now: Timestamp) -> Result<u64> {
    let lanes: Vec<i64> = write.db.all(LANES, [], |row| row.get(0))?;
    let mut n_released = 0;
    for lane in lanes {
        let parameters = [lane, now.as_millis(), number(limit - n_released)];
        let due: Vec<i64> = write.db.all(HELD_DUE, parameters, |row| row.get(0))?;
        n_released += due.len();
        for key in due {
            if let Some(mut standing) = write.standing(key)? {
                standing.on(MessageEvent::Released);
                write.save(&mut standing, &Cause::default(), now)?;
            }
        }
    }
    Ok(n_released as u64)
}

fn remove_useless(write: &mut Write, limit: usize, now: Timestamp) -> Result<u64> {
    let parameters = [now.as_millis(), number(limit)];
    let keys: Vec<(i64, String)> = write
        .db
        .all(ONCE_OVER, parameters, |row| Ok((row.get(0)?, row.get(1)?)))?;
    for (account, key) in &keys {
        write.db.execute(REMOVE_ONCE, params![account, key])?;
    }
    let tokens: Vec<[u8; 32]> = write.db.all(TOKENS_OVER, parameters, |row| row.get(0))?;
    for hash in &tokens {
        write.db.execute(REMOVE_TOKEN, [hash])?;
    }
    let oldest = now.minus(KEEP_UNMATCHED).as_millis();
    let reports = remove(write, UNMATCHED_OVER, [oldest, number(limit)])?;
    if reports > 0 {
        write.forget_unmatched();
    }
    Ok((keys.len() + tokens.len() + reports) as u64)
}

fn remove(write: &Write, find: Sql, parameters: [i64; 2]) -> Result<usize> {
    let over: Vec<i64> = write.db.all(find, parameters, |row| row.get(0))?;
    for key in &over {
        write.db.execute(REMOVE_UNMATCHED, [key])?;
    }
    Ok(over.len())
}
