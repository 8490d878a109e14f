//! Which scripted fault, if any, hits a call: matching, counting and chance.
//!
//! Asked by the server when a request has been read, and by the world when it knows which operation
//! a request is and for whom. What a fault then does to the call is the server's business.

use std::cell::RefCell;
use std::sync::Arc;

use tidings_core::E164;

use crate::operation::Operation;
use crate::scenario::{Action, CallMatcher, Fault, Scenario};

/// The faults of a scenario with what has been counted of each.
#[derive(Debug)]
pub(crate) struct Script {
    faults: Vec<Counted>,
    chance: fastrand::Rng,
}

#[derive(Debug)]
struct Counted {
    fault: Fault,
    firing: Firing,
    fitting: u64,
}

/// A fault that has been decided to hit the call at hand.
#[derive(Clone, Debug)]
pub(crate) struct Firing {
    pub(crate) name: Arc<str>,
    pub(crate) action: Arc<Action>,
}

/// What is known of a call when its request has been read.
#[derive(Clone, Copy, Debug)]
pub(crate) struct RequestProbe<'r> {
    /// Path and query.
    pub(crate) target: &'r str,
    /// Empty where [`Script::reads_bodies`] said that it is not needed.
    pub(crate) body: &'r [u8],
}

impl Script {
    pub(crate) fn new(scenario: &Scenario, seed: u64) -> Self {
        let faults = scenario.faults.iter().cloned().map(|fault| Counted {
            firing: Firing {
                name: fault.name.as_str().into(),
                action: Arc::new(fault.action.clone()),
            },
            fault,
            fitting: 0,
        });
        Self {
            faults: faults.collect(),
            chance: fastrand::Rng::with_seed(scenario.seed.unwrap_or(seed)),
        }
    }

    /// Whether a request's body has to be read before [`Self::on_request`] can be asked.
    pub(crate) fn reads_bodies(&self) -> bool {
        self.faults
            .iter()
            .any(|counted| !counted.fault.waits_for_operation() && counted.fault.to.is_some())
    }

    /// The fault that hits a call by its request, before anything of it is carried out.
    pub(crate) fn on_request(&mut self, probe: RequestProbe<'_>) -> Option<Firing> {
        self.fire(|fault| {
            let call_fits = match &fault.call {
                CallMatcher::Any => true,
                CallMatcher::Path(piece) => probe.target.contains(piece.as_str()),
                CallMatcher::Operation(_) => return false,
            };
            call_fits
                && fault.to.is_none_or(|to| {
                    mentions(probe.target.as_bytes(), &to) || mentions(probe.body, &to)
                })
        })
    }

    /// Whether a fault of this operation is about one number only.
    pub(crate) fn names_a_number(&self, operation: Operation) -> bool {
        self.faults.iter().any(|counted| {
            counted.fault.call == CallMatcher::Operation(operation) && counted.fault.to.is_some()
        })
    }

    /// The fault that hits an operation about these numbers.
    pub(crate) fn on_operation(
        &mut self,
        operation: Operation,
        concerns: impl Fn(&E164) -> bool,
    ) -> Option<Firing> {
        self.fire(|fault| {
            fault.call == CallMatcher::Operation(operation)
                && fault.to.as_ref().is_none_or(&concerns)
        })
    }

    /// Counts every fault that fits; the first whose turn it is hits the call.
    fn fire(&mut self, fits: impl Fn(&Fault) -> bool) -> Option<Firing> {
        let Self { faults, chance } = self;
        let mut hit = None;
        for counted in faults.iter_mut().filter(|counted| fits(&counted.fault)) {
            counted.fitting += 1;
            let turns = counted.fault.turns;
            let is_up = turns.is_up(counted.fitting)
                && turns
                    .probability
                    .is_none_or(|probability| chance.f64() < probability);
            if is_up && hit.is_none() {
                hit = Some(counted.firing.clone());
            }
        }
        hit
    }
}

impl Fault {
    fn waits_for_operation(&self) -> bool {
        matches!(self.call, CallMatcher::Operation(_))
    }
}

/// Whether a text holds a number: in its international form or its national one, and not as a
/// piece of a longer run of digits. A provider's own way of writing numbers is not known here.
fn mentions(text: &[u8], number: &E164) -> bool {
    let national = number.national_number().as_bytes();
    let international = number.as_str().trim_start_matches('+').as_bytes();
    text.chunk_by(|left, right| left.is_ascii_digit() == right.is_ascii_digit())
        .any(|run| run == national || run == international)
}

tokio::task_local! {
    /// The call that the present task is in the middle of. The server sets it around the router;
    /// the world behind the router leaves word in it.
    pub(crate) static CALL: RefCell<CallNotes>;
}

/// What the server and the world tell each other about one call.
#[derive(Debug, Default)]
pub(crate) struct CallNotes {
    /// The fault that hits the call.
    pub(crate) firing: Option<Firing>,
    /// What the call turned out to be.
    pub(crate) operation: Option<Operation>,
    /// When the token ends that the call came with, if it came with one that ends.
    pub(crate) token_ends_at: Option<tidings_core::Timestamp>,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn script(text: &str) -> Script {
        Script::new(&Scenario::from_toml(text).unwrap(), 1)
    }

    fn hits(script: &mut Script, target: &str, calls: usize) -> Vec<usize> {
        let probe = RequestProbe { target, body: b"" };
        let hit = |script: &mut Script| script.on_request(probe).is_some();
        (1..=calls).filter(|_| hit(script)).collect()
    }

    #[track_caller]
    fn check_turns(turns: &str, expected: &[usize]) {
        let mut script = script(&format!("[[fault]]\nempty_body = true\n{turns}"));
        assert_eq!(hits(&mut script, "/any", 10), expected, "{turns}");
    }

    #[test]
    fn turns_decide_which_calls_are_hit() {
        check_turns("", &[1, 2, 3, 4, 5, 6, 7, 8, 9, 10]);
        check_turns("every = 3", &[3, 6, 9]);
        check_turns("first = 2", &[1, 2]);
        check_turns("after = 8", &[9, 10]);
        check_turns("after = 2\nfirst = 4\nevery = 2", &[4, 6]);
        check_turns("probability = 0.0", &[]);
        check_turns("probability = 1.0", &[1, 2, 3, 4, 5, 6, 7, 8, 9, 10]);
    }

    #[test]
    fn chance_repeats_with_its_seed() {
        let text = "seed = 5\n[[fault]]\nempty_body = true\nprobability = 0.5";
        let run = || hits(&mut script(text), "/any", 100);
        let hit = run();
        assert_eq!(hit, run());
        assert!((20..80).contains(&hit.len()), "{} of 100", hit.len());
    }

    #[test]
    fn a_path_matches_by_a_piece_of_it() {
        let mut script = script("[[fault]]\ncall = \"status\"\nempty_body = true");
        assert!(hits(&mut script, "/v1/send", 2).is_empty());
        assert_eq!(hits(&mut script, "/v1/status/12", 2), [1, 2]);
    }

    #[test]
    fn the_first_of_two_faults_acts_and_both_are_counted() {
        let mut script = script(
            "[[fault]]\nname = \"a\"\nevery = 2\nempty_body = true\n[[fault]]\nname = \"b\"\nempty_body = true",
        );
        let probe = RequestProbe {
            target: "/",
            body: b"",
        };
        let mut names = Vec::new();
        for _ in 0..4 {
            names.push(script.on_request(probe).unwrap().name);
        }
        assert_eq!(
            names.iter().map(|name| &**name).collect::<Vec<_>>(),
            ["b", "a", "b", "a"]
        );
    }

    #[track_caller]
    fn check_mention(text: &str, expected: bool) {
        let number: E164 = "+224622000001".parse().unwrap();
        assert_eq!(mentions(text.as_bytes(), &number), expected, "{text}");
    }

    #[test]
    fn a_number_is_found_in_either_form_and_only_whole() {
        check_mention(r#"{"contact":"622000001"}"#, true);
        check_mention(r#"{"to":"+224622000001"}"#, true);
        check_mention("to=%2B224622000001&x=1", true);
        check_mention("224622000001", true);
        check_mention("9622000001", false);
        check_mention("6220000012", false);
        check_mention("", false);
    }

    #[test]
    fn an_operation_matches_by_its_numbers() {
        let mut script =
            script("[[fault]]\ncall = \"submit\"\nto = \"+224622000001\"\nempty_body = true");
        let wanted: E164 = "+224622000001".parse().unwrap();
        let other: E164 = "+224622000002".parse().unwrap();
        assert!(
            script
                .on_operation(Operation::Submit, |to| *to == other)
                .is_none()
        );
        assert!(
            script
                .on_operation(Operation::Balance, |to| *to == wanted)
                .is_none()
        );
        assert!(
            script
                .on_operation(Operation::Submit, |to| *to == wanted)
                .is_some()
        );
        assert!(!script.reads_bodies());
    }
}
