//! Whatever providers do, nothing arrives twice where it must not, what is called sent has arrived, and
//! every possible double is marked.

use std::collections::HashMap;
use std::time::Duration;

use futures_util::stream::{self, StreamExt as _};
use proptest::prelude::*;
use tidings_core::DeliveryPolicy;

use super::*;
use crate::layers::{Innermost, LayerSettings, Retry, RetryPolicy, Stack, Timeout};
use crate::messenger::{Verdict, VerdictOrder};

/// What a provider does with its next call.
#[derive(Clone, Debug)]
enum Deed {
    Take,
    TakeAndFail(ErrorKind, Acceptance),
    Fail(ErrorKind, Acceptance),
    Hang,
}

/// What a provider does, and what it says of lost answers.
#[derive(Clone, Debug)]
struct Script {
    deeds: Vec<Deed>,
    /// What fails of single messages, by their numbers.
    fates: Vec<(usize, ErrorKind, Acceptance)>,
    answers: bool,
    /// How many questions it does not answer with the truth, but says that it cannot tell.
    evasions: usize,
    per_call: usize,
    mixes: bool,
}

const N_MESSAGES: usize = 6;

fn any_kind() -> impl Strategy<Value = ErrorKind> {
    prop::sample::select(ErrorKind::ALL.to_vec())
}

fn any_acceptance() -> impl Strategy<Value = Acceptance> {
    prop::sample::select(vec![
        Acceptance::NotSent,
        Acceptance::Refused,
        Acceptance::Unknown,
    ])
}

fn any_deed() -> impl Strategy<Value = Deed> {
    prop_oneof![
        Just(Deed::Take),
        // Only an honest error: that a message which was taken is surely not sent, no client says.
        any_kind().prop_map(|kind| Deed::TakeAndFail(kind, Acceptance::Unknown)),
        (any_kind(), any_acceptance()).prop_map(|(kind, acceptance)| Deed::Fail(kind, acceptance)),
        Just(Deed::Hang),
    ]
}

fn any_script() -> impl Strategy<Value = Script> {
    (
        prop::collection::vec(any_deed(), 0..8),
        prop::collection::vec((0..N_MESSAGES, any_kind(), any_acceptance()), 0..4),
        any::<bool>(),
        0_usize..3,
        1_usize..4,
        any::<bool>(),
    )
        .prop_map(
            |(deeds, fates, answers, evasions, per_call, mixes)| Script {
                deeds,
                fates,
                answers,
                evasions,
                per_call,
                mixes,
            },
        )
}

fn play(script: &Script, clock: &Arc<PausedClock>) -> Scripted {
    let scripted = Scripted::with(clock, |it| {
        it.reconcile = script.answers;
        it.max_messages_per_call = script.per_call;
        it.mixed_texts_per_call = script.mixes;
    });
    for deed in &script.deeds {
        match *deed {
            // An order that fails nobody.
            Deed::Take => {}
            Deed::TakeAndFail(kind, acceptance) => {
                let error = Error::new(kind, acceptance, "its answer is lost");
                scripted.memory.take_and_fail_next(error);
            }
            Deed::Fail(kind, acceptance) => {
                scripted
                    .memory
                    .fail_next(Error::new(kind, acceptance, "it fails"));
            }
            Deed::Hang => scripted.memory.hang_next(),
        }
    }
    for (index, kind, acceptance) in &script.fates {
        let error = Error::new(*kind, *acceptance, "this one fails");
        scripted.memory.fail_next_to(&number(*index), error);
    }
    scripted.tells(std::iter::repeat_with(|| Told::CannotTell).take(script.evasions));
    scripted
}

/// The layers that hang up and that try again.
fn layered(scripted: &Scripted) -> Arc<dyn Provider> {
    let limit = LayerSettings::default()
        .timeout
        .min(Duration::from_secs(30));
    let limited = Timeout::new(Innermost::new(scripted.clone()), limit);
    let clock: Arc<PausedClock> = Arc::clone(&scripted.clock);
    let policy = RetryPolicy::default().max_attempts(2);
    Arc::new(Stack::new(Retry::new(
        limited,
        policy,
        clock,
        Jitter::seeded(1),
    )))
}

struct Run {
    verdicts: Vec<Verdict>,
    /// How often each message arrived, over all accounts.
    arrivals: HashMap<String, usize>,
}

async fn run(policy: DeliveryPolicy, order: VerdictOrder, scripts: &[Script]) -> Run {
    let clock = Arc::new(PausedClock::new());
    let played: Vec<Scripted> = scripts.iter().map(|it| play(it, &clock)).collect();
    let settings = settings().policy(policy).window(4).calls_at_once(2);
    let mut builder = builder(&clock, settings);
    for (index, scripted) in played.iter().enumerate() {
        builder = builder.account(format!("a{index}"), layered(scripted));
    }
    let messenger = builder.build().unwrap();
    let messages = stream::iter((0..N_MESSAGES).map(message));
    let verdicts = messenger.send_many(messages, order).collect().await;
    let mut arrivals = HashMap::new();
    for taken in played.iter().flat_map(|it| it.memory.messages()) {
        *arrivals.entry(taken.reference.to_string()).or_default() += 1;
    }
    Run { verdicts, arrivals }
}

fn paused<T>(test: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .build()
        .unwrap();
    runtime.block_on(test)
}

fn any_order() -> impl Strategy<Value = VerdictOrder> {
    prop::sample::select(vec![VerdictOrder::Given, VerdictOrder::AsTheyCome])
}

proptest! {
    #[test]
    fn nothing_arrives_twice(
        policy in prop::sample::select(vec![DeliveryPolicy::Reconcile, DeliveryPolicy::AtMostOnce]),
        order in any_order(),
        scripts in prop::collection::vec(any_script(), 1..4),
    ) {
        let run = paused(run(policy, order, &scripts));
        prop_assert_eq!(run.verdicts.len(), N_MESSAGES);
        for verdict in &run.verdicts {
            let name = verdict.reference.to_string();
            let arrived = run.arrivals.get(&name).copied().unwrap_or(0);
            match &verdict.outcome {
                Ok(sent) => {
                    prop_assert_eq!(arrived, 1, "{} is called sent", name);
                    prop_assert!(!sent.duplicate_risk);
                }
                Err(failure) if failure.is_unknown() => prop_assert!(arrived <= 1),
                Err(_) => prop_assert_eq!(arrived, 0, "{} is called not sent", name),
            }
        }
    }

    #[test]
    fn every_possible_double_is_marked(
        order in any_order(),
        scripts in prop::collection::vec(any_script(), 1..4),
    ) {
        let run = paused(run(DeliveryPolicy::AtLeastOnce, order, &scripts));
        prop_assert_eq!(run.verdicts.len(), N_MESSAGES);
        for verdict in &run.verdicts {
            let name = verdict.reference.to_string();
            let arrived = run.arrivals.get(&name).copied().unwrap_or(0);
            match &verdict.outcome {
                Ok(sent) => {
                    prop_assert!(arrived >= 1, "{} is called sent", name);
                    prop_assert!(arrived == 1 || sent.duplicate_risk, "{} came twice", name);
                }
                Err(failure) => {
                    prop_assert!(arrived == 0 || failure.is_unknown(), "{} may have arrived", name);
                }
            }
        }
    }
}
