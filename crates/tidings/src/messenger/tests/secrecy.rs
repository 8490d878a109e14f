//! No text and no whole number is shown by anything that a messenger gives or keeps.

use futures_util::stream::{self, StreamExt as _};
use tidings_core::DeliveryPolicy;

use super::*;
use crate::messenger::{Messenger, VerdictOrder, Waiting};

const TEXT: &str = "the code is 4711";

#[track_caller]
fn check(shown: &str) {
    assert!(!shown.contains("4711"), "{shown}");
    assert!(!shown.contains("622000"), "{shown}");
    assert!(!shown.contains("22400"), "{shown}");
}

#[tokio::test(start_paused = true)]
async fn nothing_shows_texts_or_numbers() {
    let two = Two::new();
    let secret = |index| {
        let mut message = message(index);
        message.text = TEXT.into();
        message
    };
    let narrow = Scripted::with(&two.clock, |it| it.max_parts = 1);
    let builder = builder(&two.clock, settings().policy(DeliveryPolicy::AtMostOnce))
        .account("first", two.first.shared())
        .account("narrow", narrow.shared());
    check(&format!("{builder:?}"));
    let messenger: Messenger = builder.build().unwrap();
    two.first.memory.fail_next(lost());
    let failure = messenger.send(secret(1)).await.unwrap_err();
    check(&format!("{failure:?} {failure:#?} {failure}"));
    two.first.memory.fail_next(down());
    let mut long = secret(2);
    long.text = TEXT.repeat(50).into();
    let failure = messenger.send(long).await.unwrap_err();
    check(&format!("{failure:?} {failure} {}", failure.error));
    check(&format!("{:?}", messenger.decide(&secret(3))));

    two.first.takes([0, 60_000]);
    let messages = stream::iter((0..10).map(secret));
    let mut verdicts = messenger.send_many(messages, VerdictOrder::Given);
    let verdict = verdicts.next().await.unwrap();
    check(&format!("{verdicts:?} {verdict:?}"));
    let sent = verdict.outcome.unwrap();
    check(&format!("{sent:?} {:?}", Waiting::default()));
    let _listening = messenger.0.heard.listen(0, true, sent.provider_ref.clone());
    messenger.hear(DeliveryReport::new(sent.provider_ref, ReportedState::Sent).detail(TEXT));
    check(&format!("{messenger:?}"));
}
