//! One row of a table: a behaviour's name, what it needs, and the function that shows it.
//!
//! Made by the tables below `provider`, turned into a test by `main`.

use std::borrow::Cow;
use std::pin::Pin;

use libtest_mimic::{Failed, Trial};
use tidings::ProviderSpec;

use crate::context::{Context, Place};
use crate::need::Need;

/// What a provider does, as far as a test can show it.
pub(crate) struct Behaviour {
    /// The last part of its test's name: a sentence with underscores.
    pub(crate) name: Cow<'static, str>,
    needs: &'static [Need],
    run: Run,
}

type Run = Box<dyn FnOnce(Context) -> Pin<Box<dyn Future<Output = ()> + Send>> + Send>;

impl Behaviour {
    /// A row with a name of its own, for functions that show several behaviours.
    pub(crate) fn named<F>(
        name: impl Into<Cow<'static, str>>,
        needs: &'static [Need],
        run: impl FnOnce(Context) -> F + Send + 'static,
    ) -> Self
    where
        F: Future<Output = ()> + Send + 'static,
    {
        Self {
            name: name.into(),
            needs,
            run: Box::new(|cx| Box::pin(run(cx))),
        }
    }

    /// Why a provider cannot have it at this place, if it cannot.
    pub(crate) fn missing(&self, spec: &ProviderSpec, place: Place) -> Option<&'static str> {
        let missing = self.needs.iter().find(|need| !need.is_met(spec, place));
        missing.map(|need| need.otherwise)
    }

    /// The test for a provider at a place. One that lacks what it takes is ignored, and fails when it is run
    /// nevertheless.
    pub(crate) fn into_trial(
        self,
        name: String,
        cx: Context,
        missing: Option<&'static str>,
    ) -> Trial {
        let trial = Trial::test(name, move || {
            if let Some(why) = missing {
                return Err(Failed::from(why));
            }
            run(self.run, cx);
            Ok(())
        });
        trial.with_ignored_flag(missing.is_some())
    }
}

/// On two threads: some parts of the harness block the one that the behaviour runs on.
fn run(behaviour: Run, cx: Context) {
    let mut runtime = tokio::runtime::Builder::new_multi_thread();
    let runtime = runtime.worker_threads(2).enable_all().build();
    let runtime = runtime.expect("the machine has two threads to spare");
    runtime.block_on(behaviour(cx));
}

/// A table: the name of each function is the behaviour's, and what it needs stands behind it.
macro_rules! rows {
    ($($behaviour:ident: [$($need:ident),*],)*) => {
        vec![$(
            $crate::behaviour::Behaviour::named(
                stringify!($behaviour),
                &[$($crate::need::$need),*],
                $behaviour,
            ),
        )*]
    };
}

pub(crate) use rows;
