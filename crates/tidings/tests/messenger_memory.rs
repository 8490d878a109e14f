//! The memory of `Messenger::send_many` does not grow with the number of messages. The number for a
//! million messages is measured by `cargo xtask bench messenger`.

use std::sync::Arc;

use allocation_counter::measure;
use futures_util::stream::{self, Stream, StreamExt as _};
use tidings::memory::MemoryProvider;
use tidings::messenger::{Messenger, VerdictOrder};
use tidings::{E164, Message};

const MEBIBYTE: u64 = 1 << 20;

fn messages(count: u64) -> impl Stream<Item = Message> + Send {
    let text: Arc<str> = "Your parcel is on its way.".into();
    let to = E164::parse("+224622000001", None).expect("it is in the plan");
    stream::iter(0..count).map(move |_| Message::new(to, Arc::clone(&text)))
}

/// What the messages take at the most, in bytes, above what was there before.
fn peak(count: u64, order: VerdictOrder) -> u64 {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .build()
        .expect("it needs nothing");
    let provider = MemoryProvider::new();
    provider.keep_last(0);
    let messenger = Messenger::builder()
        .account("main", Arc::new(provider.clone()))
        .build()
        .expect("one account is enough");
    let info = measure(|| {
        runtime.block_on(async {
            let verdicts = messenger.send_many(messages(count), order);
            let sent = verdicts.filter(|verdict| std::future::ready(verdict.outcome.is_ok()));
            assert_eq!(sent.count().await as u64, count);
        });
    });
    assert_eq!(provider.taken(), count);
    info.bytes_max
}

#[test]
fn many_messages_take_no_more_memory_than_fill_the_window() {
    for order in [VerdictOrder::Given, VerdictOrder::AsTheyCome] {
        let (some, many) = (peak(20_000, order), peak(100_000, order));
        assert!(many < 64 * MEBIBYTE, "{order:?}: {many} bytes");
        assert!(
            many < some + MEBIBYTE,
            "{order:?}: {some}, then {many} bytes"
        );
    }
}
