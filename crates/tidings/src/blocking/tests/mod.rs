//! Tests of blocking calls: what they wait for, where they refuse to, and that no method is missing.
//! And what the tests of the providers share: [`Served`], [`first_waits_for_second`].

mod areas;
mod messenger;
#[cfg(feature = "any-provider")]
mod mirror;
mod runtime;

#[cfg(feature = "any-provider")]
use crate::tests::scripted::{Reply, Scripted, Seen};

/// A scripted server on a runtime of its own, because a test of blocking calls has none.
#[cfg(feature = "any-provider")]
pub(crate) struct Served {
    // Before its runtime, so that its tasks end while there is one.
    pub(crate) server: Scripted,
    _runtime: tokio::runtime::Runtime,
}

#[cfg(feature = "any-provider")]
impl Served {
    pub(crate) fn start(script: impl FnMut(&Seen) -> Reply + Send + 'static) -> Self {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()
            .unwrap();
        Self {
            server: runtime.block_on(Scripted::start(script)),
            _runtime: runtime,
        }
    }
}

/// Answers the first call only when the second has arrived.
#[cfg(feature = "any-provider")]
pub(crate) fn first_waits_for_second(
    body: &'static str,
) -> impl FnMut(&Seen) -> Reply + Send + 'static {
    let mut second_arrived = None;
    move |_| match second_arrived.take() {
        None => {
            let (tell, told) = tokio::sync::oneshot::channel();
            second_arrived = Some(tell);
            Reply::When(told, Box::new(Reply::ok(body)))
        }
        Some(tell) => {
            tell.send(()).unwrap();
            Reply::ok(body)
        }
    }
}

/// Makes the same call from two threads at once.
#[cfg(feature = "any-provider")]
pub(crate) fn from_two_threads<T: Send>(call: impl Fn() -> T + Sync) -> [T; 2] {
    std::thread::scope(|threads| {
        let first = threads.spawn(&call);
        let second = threads.spawn(&call);
        [first.join().unwrap(), second.join().unwrap()]
    })
}
