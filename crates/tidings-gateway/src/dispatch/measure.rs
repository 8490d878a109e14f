//! What calls tell of lanes, and the weights that follow from it where a route is adaptive.
//!
//! Held by the gateway; told by the lanes' loops, read by whoever routes. The arithmetic is
//! [`tidings::routing::Adaptation`].

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use arc_swap::ArcSwapOption;
use tidings::AccountName;
use tidings::routing::{Adaptation, Observation, Routes, Weights};

/// The measured weights of all adaptive routes.
#[derive(Debug, Default)]
pub struct Measurements {
    adaptation: Mutex<Option<Measured>>,
    weights: ArcSwapOption<Weights>,
}

#[derive(Debug)]
struct Measured {
    routes: Routes,
    adaptation: Adaptation,
}

/// The weights of one account, by the place of the rule.
pub(super) type WeightsByRule = Vec<(usize, f64)>;

impl Measurements {
    /// The weights as they are now; `None` where no route is adaptive.
    pub fn weights(&self) -> Option<Weights> {
        self.weights.load().as_deref().cloned()
    }

    /// Begins with the routes of a configuration. Weights of routes that are the same as before stay;
    /// others go on where they were written down, or begin at rest.
    pub(super) fn begin(
        &self,
        routes: &Routes,
        written: &HashMap<AccountName, WeightsByRule>,
        now: Duration,
    ) {
        let mut measured = self.lock();
        if measured.as_ref().is_some_and(|it| it.routes == *routes) {
            return;
        }
        let mut adaptation = Adaptation::of(routes);
        let mut rules = 0..routes.rules().len();
        let is_adaptive = rules.any(|rule| adaptation.controller(rule).is_some());
        *measured = is_adaptive.then(|| {
            for rule in 0..routes.rules().len() {
                adaptation.resume(rule, |account| {
                    let mut weights = written.get(account)?.iter();
                    weights.find(|(of, _)| *of == rule).map(|(_, it)| *it)
                });
            }
            adaptation.adjust(now);
            Measured {
                routes: routes.clone(),
                adaptation,
            }
        });
        self.publish(measured.as_ref());
    }

    /// Whether anything is measured at all.
    pub(super) fn is_on(&self) -> bool {
        self.weights.load().is_some()
    }

    /// Takes what a call told of its lane, for messages that this rule decides about.
    pub(super) fn observe(
        &self,
        rule: usize,
        account: &AccountName,
        told: Observation,
        now: Duration,
    ) {
        let mut measured = self.lock();
        let Some(it) = measured.as_mut() else { return };
        it.adaptation.observe(rule, account, told);
        if it.adaptation.adjust(now) {
            self.publish(measured.as_ref());
        }
    }

    /// The weights of one account, to be written down.
    pub(super) fn of(&self, account: &AccountName) -> WeightsByRule {
        let measured = self.lock();
        let Some(it) = measured.as_ref() else {
            return Vec::new();
        };
        let rules = 0..it.routes.rules().len();
        let weight = |rule: usize| {
            let mut weights = it.adaptation.controller(rule)?.weights();
            let (_, weight) = weights.find(|(name, _)| *name == account)?;
            Some((rule, weight))
        };
        rules.filter_map(weight).collect()
    }

    fn publish(&self, measured: Option<&Measured>) {
        let weights = measured.map(|it| it.adaptation.weights().into());
        self.weights.store(weights);
    }

    fn lock(&self) -> MutexGuard<'_, Option<Measured>> {
        let measured = self.adaptation.lock();
        measured.unwrap_or_else(PoisonError::into_inner)
    }
}
