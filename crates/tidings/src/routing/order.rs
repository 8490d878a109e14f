//! The order in which the accounts of a rule are tried: by preference, or by a draw among weights, with the
//! cost as the tie-break. Called by `decision.rs`.

use std::cmp::Ordering;

use super::decision::ByRule;
use super::rule::Order;

/// Puts the accounts that can carry the message in the order of the rule.
pub(super) fn put_in_order(decided: &mut ByRule) {
    match decided.rule.order {
        Order::Failover => by_preference(decided),
        Order::Weighted | Order::Adaptive => by_weight(decided),
    }
}

fn by_preference(decided: &mut ByRule) {
    let mut able = decided.able;
    able.as_mut_slice().sort_unstable_by(|&one, &other| {
        let preferences = preference(decided, one).cmp(&preference(decided, other));
        preferences.then_with(|| cheaper_then_earlier(decided, one, other))
    });
    decided.able = able;
}

fn by_weight(decided: &mut ByRule) {
    let first = drawn(decided);
    let mut able = decided.able;
    able.as_mut_slice().sort_unstable_by(|&one, &other| {
        let is_first = (Some(other) == first).cmp(&(Some(one) == first));
        let weights = decided.weight(other).total_cmp(&decided.weight(one));
        let costs = || cheaper_then_earlier(decided, one, other);
        is_first.then(weights).then_with(costs)
    });
    decided.able = able;
}

/// The account on whose piece of a line the draw falls, when each has a piece as long as its weight.
/// `None` where no account has a weight.
fn drawn(decided: &ByRule) -> Option<u8> {
    let total: f64 = decided.able.iter().map(|place| decided.weight(place)).sum();
    let mut left = decided.draw.clamp(0.0, 1.0) * total;
    let weighty = || {
        decided
            .able
            .iter()
            .filter(|place| decided.weight(*place) > 0.0)
    };
    let fallen_on = weighty().find(|place| {
        left -= decided.weight(*place);
        left < 0.0
    });
    // A draw of 1 is no random number from 0 to 1, but has to go somewhere.
    fallen_on.or_else(|| weighty().next_back())
}

/// Where an account stands under fail-over: as it says, or one behind the account before it.
pub(super) fn preference(decided: &ByRule, place: u8) -> u16 {
    let accounts = decided.rule.accounts.iter().take(usize::from(place) + 1);
    accounts.fold(0, |before, account| {
        account
            .preference
            .unwrap_or_else(|| before.saturating_add(1))
    })
}

fn cheaper_then_earlier(decided: &ByRule, one: u8, other: u8) -> Ordering {
    let cost = |place| {
        let cost = decided.account(place).and_then(|account| account.cost);
        cost.unwrap_or(f64::INFINITY)
    };
    cost(one).total_cmp(&cost(other)).then(one.cmp(&other))
}
