//! What a simulated carrier was asked and what it did, in numbers.
//!
//! Counted by the server, once per call; read through `World::stats` and `/_sim/stats`.

use std::collections::{BTreeMap, HashMap};

use http::{Method, StatusCode};
use serde::Serialize;

use super::exchange::{TokenCounts, TokenStats};
use super::ids::Kind;
use super::state::State;
use crate::operation::Operation;

/// How many ids [`Stats::arrival`] holds at the most: the latest.
const ARRIVALS_SHOWN: usize = 10_000;

/// What has been asked of a simulated carrier and what it did.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Stats {
    /// Calls by method and path as the API registers it, such as `GET /v1/things/{id}`; `unknown`
    /// stands for paths that the API does not have.
    pub calls: BTreeMap<String, u64>,
    /// Calls by what they were about, as far as they came to that.
    pub operations: BTreeMap<Operation, u64>,
    /// Answers with a status of 400 and above, by status.
    pub refusals: BTreeMap<u16, u64>,
    /// Faults of the scenario that acted, by name.
    pub faults: BTreeMap<String, u64>,
    /// Messages that were taken.
    pub messages: u64,
    /// Parts that were charged.
    pub parts: u64,
    /// What is left on the account, in parts.
    pub credit: i64,
    /// Calls to the customer's server that were acknowledged.
    pub callbacks_sent: u64,
    /// Calls to the customer's server that were not; what they told is told again.
    pub callbacks_failed: u64,
    /// Ends and texts from phones that the customer was told of for good, or will not be any more.
    pub told: u64,
    /// Texts from phones.
    pub inbound: u64,
    /// Sign-ins, where callers present tokens.
    pub tokens: TokenStats,
    /// The ids of the messages in the order of arrival: the latest ten thousand.
    pub arrival: Vec<String>,
}

/// A call that was answered, or was not on purpose.
#[derive(Debug)]
pub(crate) struct Call<'c> {
    pub(crate) method: &'c Method,
    /// The path as the API registers it.
    pub(crate) template: Option<&'c str>,
    pub(crate) operation: Option<Operation>,
    /// `None` where the connection was dropped instead.
    pub(crate) status: Option<StatusCode>,
    pub(crate) fault: Option<&'c str>,
}

#[derive(Debug, Default)]
pub(super) struct Traffic {
    calls: HashMap<Box<str>, Vec<(Method, u64)>>,
    operations: BTreeMap<Operation, u64>,
    refusals: BTreeMap<u16, u64>,
    faults: HashMap<Box<str>, u64>,
    callbacks_sent: u64,
    callbacks_failed: u64,
    told: u64,
    pub(super) tokens: TokenCounts,
}

impl Traffic {
    pub(super) fn count(&mut self, call: &Call<'_>) {
        let path = call.template.unwrap_or("unknown");
        // Looked up before it is inserted: the usual call costs no allocation.
        if !self.calls.contains_key(path) {
            self.calls.insert(path.into(), Vec::new());
        }
        let by_method = self.calls.get_mut(path).expect("inserted above");
        match by_method
            .iter_mut()
            .find(|(method, _)| method == call.method)
        {
            Some((_, calls)) => *calls += 1,
            None => by_method.push((call.method.clone(), 1)),
        }
        if let Some(operation) = call.operation {
            *self.operations.entry(operation).or_default() += 1;
        }
        if let Some(status) = call.status.filter(|status| status.as_u16() >= 400) {
            *self.refusals.entry(status.as_u16()).or_default() += 1;
        }
        if let Some(fault) = call.fault {
            *self.faults.entry(fault.into()).or_default() += 1;
        }
    }

    /// Counts one call to the customer's server, and what it told for good.
    pub(super) fn count_callback(&mut self, is_acknowledged: bool) {
        if is_acknowledged {
            self.callbacks_sent += 1;
        } else {
            self.callbacks_failed += 1;
        }
    }

    /// Counts ends and texts that are not told any more.
    pub(super) fn count_told(&mut self, items: usize) {
        self.told += u64::try_from(items).unwrap_or(u64::MAX);
    }

    /// Counts a fault that acted elsewhere than in an answer.
    pub(super) fn count_fault(&mut self, name: &str) {
        *self.faults.entry(name.into()).or_default() += 1;
    }

    pub(super) fn stats(&self, state: &State) -> Stats {
        let calls = self.calls.iter().flat_map(|(path, by_method)| {
            let by_method = by_method.iter();
            by_method.map(move |(method, calls)| (format!("{method} {path}"), *calls))
        });
        let faults = self.faults.iter();
        let n_messages = state.messages.len();
        let parts = state.messages.iter().map(|sms| u64::from(sms.fate.parts));
        Stats {
            calls: calls.collect(),
            operations: self.operations.clone(),
            refusals: self.refusals.clone(),
            faults: faults
                .map(|(name, times)| (name.to_string(), *times))
                .collect(),
            messages: u64::try_from(n_messages).unwrap_or(u64::MAX),
            parts: parts.sum(),
            credit: state.accounts.first().map_or(0, |account| account.credit),
            callbacks_sent: self.callbacks_sent,
            callbacks_failed: self.callbacks_failed,
            told: self.told,
            tokens: self.tokens.clone(),
            inbound: u64::try_from(state.inbound.len()).unwrap_or(u64::MAX),
            arrival: (n_messages.saturating_sub(ARRIVALS_SHOWN)..n_messages)
                .map(|index| state.ids.id(Kind::Message, index))
                .collect(),
        }
    }
}
