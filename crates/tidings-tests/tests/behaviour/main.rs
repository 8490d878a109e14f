//! The behaviours of providers: every provider that is compiled in, times every row of the tables
//! below [`provider`], each a test of its own named `provider::<id>::<behaviour>`; the same through a
//! gateway between client and carrier, named `gateway::<id>::<behaviour>`; and those of stores, named `store::<store>::<area>::<behaviour>`, below [`store`].
//!
//! Run by `cargo nextest` and `cargo test`; how a behaviour is added and what a new provider has to earn
//! is in README.md beside this file. Nothing in here knows a provider by name.

#![expect(
    clippy::unwrap_used,
    reason = "a test stops where something is missing"
)]

mod arguments;
mod behaviour;
mod context;
mod need;
mod provider;
mod store;

use std::collections::BTreeMap;
use std::io::{self, Write as _};
use std::process::ExitCode;

use tidings::{ProviderSpec, providers};

use crate::arguments::Chosen;
use crate::context::{Context, Place};

fn main() -> ExitCode {
    let chosen = Chosen::from_command_line();
    let mut trials = store::trials(&chosen);
    let mut skipped = Skipped::default();
    for (place, spec) in Place::ALL.iter().flat_map(|place| {
        let specs = providers::ALL.iter();
        specs.map(|spec| (*place, *spec))
    }) {
        for (area, behaviour) in provider::behaviours() {
            let name = format!("{}::{}::{}", place.as_str(), spec.id, behaviour.name);
            if !chosen.is_asked_for(&name) {
                continue;
            }
            let missing = behaviour.missing(spec, place);
            let missing = missing.or(area.filter(|_| place == Place::Gateway));
            if let Some(why) = missing {
                skipped.note(place, spec, why);
            }
            trials.push(behaviour.into_trial(name, Context::new(spec, place), missing));
        }
    }
    let conclusion = libtest_mimic::run(&chosen.arguments, trials);
    if !chosen.arguments.list {
        skipped.say();
    }
    conclusion.exit_code()
}

/// How many behaviours a provider lacks the capability for, by place, provider and capability.
#[derive(Default)]
struct Skipped(BTreeMap<(&'static str, &'static str, &'static str), usize>);

impl Skipped {
    fn note(&mut self, place: Place, spec: &ProviderSpec, why: &'static str) {
        *self.0.entry((place.as_str(), spec.id, why)).or_default() += 1;
    }

    /// One line for each provider and capability; `cargo xtask test` shows these lines.
    fn say(&self) {
        let mut out = io::stdout().lock();
        for ((place, provider, why), count) in &self.0 {
            let behaviours = if *count == 1 {
                "behaviour"
            } else {
                "behaviours"
            };
            let line = format!("skipped: {place}::{provider}: {count} {behaviours}: {why}");
            writeln!(out, "{line}").expect("whoever runs tests reads what they say");
        }
    }
}
