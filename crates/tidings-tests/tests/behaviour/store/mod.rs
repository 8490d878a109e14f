//! The behaviours of stores: every store times every row of the tables below, each a test of its own named
//! `store::<store>::<area>::<behaviour>`.
//!
//! What a row holds stores to is written in `tidings_store::store`. A store is added by a line in
//! `Kind::ALL` and a way to open it in `world.rs`.

mod accept;
mod books;
mod crash;
mod doubts;
mod events;
mod model;
mod orders;
mod pages;
mod queue;
mod reports;
mod webhooks;
mod world;

use std::pin::Pin;

use libtest_mimic::Trial;

use crate::arguments::Chosen;
use world::{Kind, World};

/// What a store does, as far as a test can show it.
pub(crate) struct Behaviour {
    name: &'static str,
    run: Run,
}

type Run = fn(World) -> Pin<Box<dyn Future<Output = ()> + Send>>;

/// The rows of an area.
type Rows = fn() -> Vec<Behaviour>;

/// A table: the name of each function is the behaviour's.
macro_rules! rows {
    ($($behaviour:ident,)*) => {
        vec![$(
            $crate::store::Behaviour {
                name: stringify!($behaviour),
                run: |cx| Box::pin($behaviour(cx)),
            },
        )*]
    };
}

use rows;

/// Every behaviour times every store, as far as it is asked for.
pub(crate) fn trials(chosen: &Chosen) -> Vec<Trial> {
    let areas: [(&str, Rows); 10] = [
        ("accept", accept::rows),
        ("queue", queue::rows),
        ("crash", crash::rows),
        ("doubts", doubts::rows),
        ("orders", orders::rows),
        ("reports", reports::rows),
        ("events", events::rows),
        ("webhooks", webhooks::rows),
        ("books", books::rows),
        ("pages", pages::rows),
    ];
    let mut trials = Vec::new();
    for kind in Kind::ALL {
        for (area, rows) in &areas {
            for Behaviour { name, run } in rows() {
                let name = format!("store::{}::{area}::{name}", kind.as_str());
                let run = move || {
                    block_on(async move { run(World::open(*kind).await).await });
                    Ok(())
                };
                trials.push(Trial::test(name, run));
            }
        }
        for seed in model::SEEDS {
            let name = format!(
                "store::{}::model::does_what_the_model_does_{seed}",
                kind.as_str()
            );
            let run = move || {
                block_on(model::run(*kind, seed));
                Ok(())
            };
            trials.push(Trial::test(name, run));
        }
    }
    trials.retain(|trial| chosen.is_asked_for(trial.name()));
    trials
}

/// On several threads, so that workers can race.
fn block_on(behaviour: impl Future<Output = ()>) {
    let mut runtime = tokio::runtime::Builder::new_multi_thread();
    let runtime = runtime.worker_threads(2).enable_all().build();
    let runtime = runtime.expect("the machine has two threads to spare");
    runtime.block_on(behaviour);
}
