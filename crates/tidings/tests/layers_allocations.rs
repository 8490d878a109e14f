//! All layers together cost one allocation a call, however many messages it has: the box in which the
//! calls of all layers lie. Shown with a counting allocator; figures with times come from
//! `cargo xtask bench layers`.

#[path = "../benches/layers/instant.rs"]
mod instant;

use std::hint::black_box;

use allocation_counter::measure;
use tidings::{AttemptRef, Provider, ProviderRef, Timestamp};
use tokio::runtime::Runtime;

/// How many allocations a call to the end costs, with everything warm.
fn allocations<T>(runtime: &Runtime, call: impl AsyncFn() -> T) -> u64 {
    let make = || drop(black_box(runtime.block_on(call())));
    make();
    measure(make).count_total
}

fn runtime() -> Runtime {
    let mut runtime = tokio::runtime::Builder::new_current_thread();
    runtime.enable_all().build().expect("a runtime is built")
}

#[test]
fn messages_cost_one_allocation_a_call() {
    let runtime = runtime();
    let (bare, layered) = (instant::bare(), instant::behind_all_layers());
    for count in [1, 2, 10, 100] {
        let messages = instant::messages(count);
        let of_bare = allocations(&runtime, async || bare.submit(&messages).await);
        let of_layered = allocations(&runtime, async || layered.submit(&messages).await);
        assert!(
            of_bare > u64::try_from(count).unwrap(),
            "nothing is counted"
        );
        assert_eq!(of_layered, of_bare + 1, "{count} messages");
    }
}

#[test]
fn questions_cost_one_allocation_a_call() {
    let runtime = runtime();
    let check = |bare: u64, layered: u64| {
        assert!(bare > 0, "nothing is counted");
        assert_eq!(layered, bare + 1);
    };
    let (bare, layered) = (instant::bare(), instant::behind_all_layers());
    let refs = [ProviderRef::message("1")];
    let outbound = instant::messages(1).remove(0);
    let attempt = AttemptRef::new(outbound, Timestamp::UNIX_EPOCH);
    check(
        allocations(&runtime, async || bare.status(&refs).await),
        allocations(&runtime, async || layered.status(&refs).await),
    );
    check(
        allocations(&runtime, async || bare.reconcile(&attempt).await),
        allocations(&runtime, async || layered.reconcile(&attempt).await),
    );
    check(
        allocations(&runtime, async || bare.balance().await),
        allocations(&runtime, async || layered.balance().await),
    );
}

/// A shared provider gives on the box that it is given.
#[test]
fn sharing_costs_no_allocation() {
    let runtime = runtime();
    let bare = instant::bare();
    let shared: Box<dyn Provider> = Box::new(instant::bare());
    let messages = instant::messages(3);
    let of_bare = allocations(&runtime, async || bare.submit(&messages).await);
    let of_shared = allocations(&runtime, async || shared.submit(&messages).await);
    assert_eq!(of_shared, of_bare);
}
