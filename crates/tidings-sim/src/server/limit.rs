//! How many calls a machine may make: whoever makes too many is shut out for a while, as networks in
//! front of such servers do it.
//!
//! Asked by `call` before anything else looks at a call.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tidings_core::Timestamp;

use crate::scenario::CallLimit;

/// Within so long calls are counted.
const SPAN: Duration = Duration::from_secs(1);

/// Who has made how many calls.
#[derive(Debug, Default)]
pub(super) struct Doorkeeper(Mutex<HashMap<IpAddr, Caller>>);

#[derive(Debug)]
struct Caller {
    since: Timestamp,
    calls: u32,
    shut_out_until: Option<Timestamp>,
}

impl Doorkeeper {
    /// Whether a call may come in. One that may not makes the caller wait anew.
    pub(super) fn admits(&self, caller: IpAddr, limit: CallLimit, now: Timestamp) -> bool {
        let mut callers = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let caller = callers.entry(caller.to_canonical()).or_insert(Caller {
            since: now,
            calls: 0,
            shut_out_until: None,
        });
        if caller.shut_out_until.is_some_and(|until| now < until) {
            caller.shut_out_until = Some(now.plus(limit.block_for));
            return false;
        }
        caller.shut_out_until = None;
        if now.since(caller.since) >= SPAN {
            caller.since = now;
            caller.calls = 0;
        }
        caller.calls = caller.calls.saturating_add(1);
        if caller.calls > limit.calls_per_s {
            caller.shut_out_until = Some(now.plus(limit.block_for));
            caller.calls = 0;
            return false;
        }
        true
    }
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use super::*;

    fn at(milliseconds: i64) -> Timestamp {
        Timestamp::from_millis(1_795_262_400_000 + milliseconds).unwrap()
    }

    /// Calls at these moments, in milliseconds, and whether each came in.
    #[track_caller]
    fn check(calls: &[(i64, bool)]) {
        let limit = CallLimit {
            calls_per_s: 2,
            block_for: Duration::from_secs(5),
        };
        let door = Doorkeeper::default();
        for (moment, expected) in calls {
            let caller = Ipv4Addr::LOCALHOST.into();
            assert_eq!(
                door.admits(caller, limit, at(*moment)),
                *expected,
                "{moment}"
            );
        }
        let other = Ipv4Addr::new(192, 0, 2, 1).into();
        assert!(door.admits(other, limit, at(0)));
    }

    #[test]
    fn too_many_calls_within_a_second_shut_out_and_each_further_one_prolongs_that() {
        check(&[(0, true), (10, true), (1_000, true), (1_999, true)]);
        check(&[
            (0, true),
            (1, true),
            (2, false),
            (5_001, false),
            (10_000, false),
        ]);
        check(&[
            (0, true),
            (1, true),
            (2, false),
            (5_002, true),
            (5_003, true),
        ]);
    }
}
