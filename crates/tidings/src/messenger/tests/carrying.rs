//! What an account cannot carry is known before the first call, and another account carries it.

use tidings_core::{Media, SendWindow, SenderId};

use super::*;

fn to(number: &str) -> E164 {
    E164::parse_possible(number, None).unwrap()
}

#[test]
fn each_limit_has_its_kind_of_error() {
    #[track_caller]
    fn check(
        change: impl FnOnce(&mut Capabilities),
        message: &Message,
        expected: Option<ErrorKind>,
    ) {
        let mut capabilities = Capabilities::submit_only();
        change(&mut capabilities);
        let checked = capabilities.check(message);
        if let Err(error) = &checked {
            assert_eq!(error.acceptance(), Acceptance::NotSent);
        }
        assert_eq!(checked.err().map(|error| error.kind()), expected);
    }
    const RECIPIENT: Option<ErrorKind> = Some(ErrorKind::InvalidRecipient);
    const SENDER: Option<ErrorKind> = Some(ErrorKind::InvalidSender);
    const MESSAGE: Option<ErrorKind> = Some(ErrorKind::InvalidMessage);
    let plain = message(1);
    let text = |text: &str| Message::new(number(1), text);

    check(|_| {}, &plain, None);
    check(|it| it.calling_codes = &[47, 224], &plain, None);
    check(|it| it.calling_codes = &[47], &plain, RECIPIENT);

    check(|it| it.sender_optional = false, &plain, SENDER);
    let named = message(1).from(SenderId::parse("Tidings").unwrap());
    check(|it| it.sender_optional = false, &named, None);

    let window = SendWindow::from("2026-11-23T08:00[Africa/Conakry]".parse().unwrap());
    let windowed = message(1).window(window);
    check(|_| {}, &windowed, MESSAGE);
    check(|it| it.send_window = true, &windowed, None);

    let file = Media::new("image/png", vec![0; 100]).unwrap();
    let pictured = text("").media(file);
    check(|_| {}, &pictured, MESSAGE);
    check(|it| it.max_media_bytes = Some(99), &pictured, MESSAGE);
    check(|it| it.max_media_bytes = Some(100), &pictured, None);
    check(|_| {}, &text(""), MESSAGE);

    check(|it| it.max_characters = Some(3), &text("é€😀"), None);
    check(|it| it.max_characters = Some(2), &text("é€😀"), MESSAGE);

    // 7-bit with two septets a sign, and UTF-16 with pairs: where cutting wastes room.
    for (sign, single, three) in [
        ("]", 80, 228),
        ("ê", 70, 201),
        ("😀", 35, 99),
        ("a", 160, 459),
    ] {
        check(|it| it.max_parts = 1, &text(&sign.repeat(single)), None);
        check(
            |it| it.max_parts = 1,
            &text(&sign.repeat(single + 1)),
            MESSAGE,
        );
        check(|it| it.max_parts = 3, &text(&sign.repeat(three)), None);
        check(
            |it| it.max_parts = 3,
            &text(&sign.repeat(three + 1)),
            MESSAGE,
        );
        check(
            |it| it.max_parts = 0,
            &text(&sign.repeat(single + 1)),
            MESSAGE,
        );
    }
    check(|_| {}, &text(&"a".repeat(255 * 153)), None);
    check(|_| {}, &text(&"a".repeat(255 * 153 + 1)), MESSAGE);
}

proptest::proptest! {
    /// What is let through without counting is what counting lets through.
    #[test]
    fn short_cuts_let_nothing_through(
        text in "[a\\]ê😀€ ]{0,120}",
        max_parts in 1_u8..4,
    ) {
        use tidings_core::text::{Policy, plan};

        let mut capabilities = Capabilities::submit_only();
        capabilities.max_parts = max_parts;
        let fits = plan(&text, &Policy::default().max_parts(max_parts)).is_ok() && !text.is_empty();
        let checked = capabilities.check(&Message::new(number(1), text));
        proptest::prop_assert_eq!(checked.is_ok(), fits);
    }
}

#[tokio::test(start_paused = true)]
async fn an_account_that_cannot_carry_a_message_is_passed_over() {
    let two = Two::new();
    let narrow = Scripted::with(&two.clock, |it| it.calling_codes = &[47]);
    let messenger = builder(&two.clock, settings())
        .account("narrow", narrow.shared())
        .account("wide", two.second.shared())
        .build()
        .unwrap();
    let abroad = message(1);
    assert_eq!(
        messenger
            .send(abroad.clone())
            .await
            .unwrap()
            .account
            .as_str(),
        "wide"
    );
    let home = Message::new(to("+4745000001"), "a text");
    assert_eq!(
        messenger.send(home).await.unwrap().account.as_str(),
        "narrow"
    );
    assert_eq!(narrow.calls().len(), 1);
    let why = messenger.decide(&abroad).why();
    assert!(
        why.contains("the account serves no numbers with calling code 224"),
        "{why}"
    );
    // What it could not carry stands beside what the other said.
    let refused = Error::new(ErrorKind::Rejected, Acceptance::Refused, "no");
    two.second.memory.fail_next(refused);
    let failure = messenger.send(abroad).await.unwrap_err();
    assert_eq!(failure.error.kind(), ErrorKind::Rejected);
    assert_eq!(failure.others[0].account.as_str(), "narrow");
    assert_eq!(failure.others[0].error.kind(), ErrorKind::InvalidRecipient);
}

#[tokio::test(start_paused = true)]
async fn when_no_account_can_carry_a_message_each_says_why() {
    let two = Two::new();
    let narrow = Scripted::with(&two.clock, |it| it.calling_codes = &[47]);
    let anonymous = Scripted::with(&two.clock, |it| it.sender_optional = false);
    let messenger = builder(&two.clock, settings())
        .account("narrow", narrow.shared())
        .account("anonymous", anonymous.shared())
        .build()
        .unwrap();
    let failure = messenger.send(message(1)).await.unwrap_err();
    assert_eq!(failure.error.kind(), ErrorKind::InvalidRecipient);
    assert_eq!(failure.error.acceptance(), Acceptance::NotSent);
    assert_eq!(
        failure.error.to_string(),
        "no account can carry the message (narrow: the account serves no numbers with calling code 224; \
         anonymous: the message names no sender, and the account has none of its own)"
    );
    assert!(failure.account.is_none() && !failure.is_unknown());
    assert_eq!(
        failure.to_string(),
        "no account was asked to take the message"
    );
    assert!(narrow.calls().is_empty() && anonymous.calls().is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_message_without_a_route_is_not_sent() {
    use crate::routing::{Routes, Rule};

    let two = Two::new();
    let messenger = builder(&two.clock, settings())
        .account("first", two.first.shared())
        .routes(Routes::new([Rule::new("norway")
            .calling_code(47)
            .accounts(["first"])]))
        .build()
        .unwrap();
    let failure = messenger.send(message(1)).await.unwrap_err();
    assert_eq!(failure.error.kind(), ErrorKind::Config);
    let what = failure.error.to_string();
    assert!(what.starts_with("no route leads to an account: "), "{what}");
    assert!(what.contains("224") && !what.contains("622"), "{what}");
    assert!(failure.account.is_none());
    assert!(two.first.calls().is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_sender_that_the_route_sets_counts_as_one() {
    use crate::routing::{Routes, Rule};

    let two = Two::new();
    let strict = Scripted::with(&two.clock, |it| it.sender_optional = false);
    let sender = SenderId::parse("Tidings").unwrap();
    let messenger = builder(&two.clock, settings())
        .account("strict", strict.shared())
        .routes(Routes::new([Rule::new("all")
            .accounts(["strict"])
            .default_sender(sender)]))
        .build()
        .unwrap();
    messenger.send(message(1)).await.unwrap();
    assert_eq!(strict.n_taken(), 1);
}
