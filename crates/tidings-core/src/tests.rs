//! Tests of messages, reports, points in time, and the stable words of the crate's enums.

use std::fmt::{Debug, Display};
use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

use proptest::prelude::*;
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::*;

/// The words of `all` are `expected`, are read back, and are what serde writes and reads.
#[track_caller]
fn check_words<T>(all: &[T], as_str: impl Fn(T) -> &'static str, expected: &str)
where
    T: Copy
        + Debug
        + PartialEq
        + Display
        + FromStr<Err = UnknownWord>
        + Serialize
        + DeserializeOwned,
{
    let words: Vec<&str> = all.iter().copied().map(as_str).collect();
    assert_eq!(words.join(" "), expected);
    for (&value, word) in all.iter().zip(words) {
        assert_eq!(value.to_string(), word);
        assert_eq!(word.parse(), Ok(value));
        let json = format!("\"{word}\"");
        assert_eq!(serde_json::to_string(&value).unwrap(), json);
        assert_eq!(serde_json::from_str::<T>(&json).unwrap(), value);
    }
    for other in ["", " ", "nothing", &expected.to_uppercase()] {
        let error = other.parse::<T>().unwrap_err();
        assert_eq!(error.expected, expected);
        assert_eq!(
            error.to_string(),
            format!("expected one of these words: {expected}")
        );
    }
}

#[test]
fn an_end_that_is_reported_is_an_end_of_the_message() {
    let ends = |all: &[ReportedState]| {
        let ends = all.iter().filter(|state| state.is_final());
        ends.map(|state| state.as_str()).collect::<Vec<_>>()
    };
    let expected = ["delivered", "undelivered", "expired", "failed", "canceled"];
    assert_eq!(ends(ReportedState::ALL), expected);
    for word in expected {
        assert!(word.parse::<MessageState>().unwrap().is_final(), "{word}");
    }
}

#[test]
fn words_are_stable() {
    check_words(Priority::ALL, Priority::as_str, "low normal high");
    check_words(
        DeliveryPolicy::ALL,
        DeliveryPolicy::as_str,
        "reconcile at_most_once at_least_once",
    );
    check_words(
        HeldReason::ALL,
        HeldReason::as_str,
        "schedule window quiet_hours paused approval no_route",
    );
    check_words(
        ReportedState::ALL,
        ReportedState::as_str,
        "submitted sent delivered undelivered expired failed canceled unknown",
    );
    check_words(
        Reason::ALL,
        Reason::as_str,
        "invalid_request invalid_recipient not_sms_capable invalid_sender unsupported_content \
         content_filtered opted_out compliance_blocked unauthorized forbidden insufficient_funds \
         quota_exceeded recipient_unreachable recipient_blocked no_route carrier_error expired \
         canceled partial unspecified",
    );
}

#[test]
fn words_can_be_set_in_columns() {
    assert_eq!(format!("[{:>7}]", Priority::Low), "[    low]");
    assert_eq!(format!("[{:<7}]", MessageState::Sent), "[sent   ]");
}

#[test]
fn priorities_are_ordered_and_normal_is_the_default() {
    assert!(Priority::Low < Priority::Normal && Priority::Normal < Priority::High);
    assert_eq!(Priority::default(), Priority::Normal);
}

#[test]
fn references_are_visible_ascii_of_up_to_255_characters() {
    #[track_caller]
    fn check(text: &str, expected: Result<(), ClientRefError>) {
        let reference = ClientRef::new(text);
        assert_eq!(reference.clone().map(drop), expected);
        assert_eq!(text.parse(), reference);
        assert_eq!(ClientRef::try_from(text.to_owned()), reference);
        let json = serde_json::to_string(text).unwrap();
        assert_eq!(serde_json::from_str(&json).ok(), reference.clone().ok());
        if let Ok(reference) = reference {
            assert_eq!(reference.as_str(), text);
            assert_eq!(reference.to_string(), text);
            assert_eq!(serde_json::to_string(&reference).unwrap(), json);
            assert_eq!(String::from(reference), text);
        }
    }
    let bad = |position| Err(ClientRefError::BadCharacter { position });
    check("a", Ok(()));
    check("order-17/row#3~!", Ok(()));
    check(&"r".repeat(255), Ok(()));
    check(
        &"r".repeat(256),
        Err(ClientRefError::TooLong { length: 256 }),
    );
    check("", Err(ClientRefError::Empty));
    check(" ", bad(0));
    check("two words", bad(3));
    check("line\n", bad(4));
    check("caf\u{e9}", bad(3));
    check("del\u{7f}", bad(3));
}

#[test]
fn reference_errors_are_one_sentence() {
    #[track_caller]
    fn check(error: ClientRefError, sentence: &str) {
        assert_eq!(error.to_string(), sentence);
    }
    check(
        ClientRefError::Empty,
        "a reference needs at least one character",
    );
    check(
        ClientRefError::TooLong { length: 300 },
        "a reference may have 255 characters, not 300",
    );
    check(
        ClientRefError::BadCharacter { position: 3 },
        "a reference holds visible ASCII characters only; byte 3 is another",
    );
}

fn example() -> Message {
    let to = E164::parse("+224622000001", None).unwrap();
    Message::new(to, "Bonjour")
}

#[test]
fn a_message_begins_with_defaults_and_takes_each_setting() {
    let plain = example();
    assert_eq!(plain.to.as_str(), "+224622000001");
    assert_eq!(
        (&plain.from, &plain.reference, plain.valid_for),
        (&None, &None, None)
    );
    assert_eq!((plain.priority, &plain.window), (Priority::Normal, &None));

    let sender = SenderId::parse("Tidings").unwrap();
    let reference = ClientRef::new("order-17").unwrap();
    let window = SendWindow::from("2026-03-29T09:00[Europe/Oslo]".parse().unwrap());
    let full = plain
        .clone()
        .from(sender.clone())
        .reference(reference.clone())
        .tag(Tag::new("otp").unwrap())
        .policy(DeliveryPolicy::AtMostOnce)
        .priority(Priority::High)
        .valid_for(Duration::from_mins(10))
        .window(window.clone());
    assert_eq!(full.from, Some(sender));
    assert_eq!(full.window, Some(window));
    assert_eq!(full.reference, Some(reference));
    assert_eq!(full.tag, Some(Tag::new("otp").unwrap()));
    assert_eq!(full.policy, Some(DeliveryPolicy::AtMostOnce));
    assert_eq!(full.priority, Priority::High);
    assert_eq!(full.valid_for, Some(Duration::from_mins(10)));
    assert!(
        Arc::ptr_eq(&full.text, &plain.text),
        "a clone shares its text"
    );
}

#[test]
fn debug_of_a_message_shows_its_settings() {
    let message = example().from(SenderId::parse("+224622000009").unwrap());
    assert_eq!(
        format!("{message:?}"),
        "Message { to: +2246******01, from: Some(International(+2246******09)), text_bytes: 7, \
         reference: None, tag: None, policy: None, priority: Normal, valid_for: None, window: None, media: None }"
    );
}

#[test]
fn a_message_from_a_phone_takes_what_its_provider_tells() {
    let plain = InboundMessage::new("m1", "+224622000001", "1960", "DEMO hei");
    assert_eq!(
        (&*plain.id, &*plain.from, &*plain.to, &*plain.text),
        ("m1", "+224622000001", "1960", "DEMO hei")
    );
    assert_eq!(plain.received_at, None);
    assert_eq!((&plain.session, &plain.keyword), (&None, &None));

    let full = plain
        .clone()
        .received_at(Timestamp::UNIX_EPOCH)
        .session("s1")
        .keyword("DEMO");
    assert_eq!(full.received_at, Some(Timestamp::UNIX_EPOCH));
    assert_eq!(full.session.as_deref(), Some("s1"));
    assert_eq!(full.keyword.as_deref(), Some("DEMO"));
    assert_ne!(full, plain);
    assert!(
        Arc::ptr_eq(&full.text, &plain.text),
        "a clone shares its text"
    );
}

#[test]
fn debug_of_a_message_from_a_phone_shows_no_number_and_no_text() {
    let message = InboundMessage::new("m1", "+224622000001", "+224622000009", "Bonjour");
    let message = message.session("s1").keyword("Bonjour");
    assert_eq!(
        format!("{message:?}"),
        "InboundMessage { id: \"m1\", text_bytes: 7, received_at: None, session: Some(\"s1\"), .. }"
    );
}

#[test]
fn debug_of_a_report_hides_what_a_provider_wrote() {
    let about = ProviderRef::batch_member("42", example().to);
    let report = DeliveryReport::new(about, ReportedState::Failed)
        .reason(Reason::NoRoute)
        .at(Timestamp::UNIX_EPOCH)
        .raw("FAILED")
        .detail("no route for \"Bonjour\" to +224622000001");
    assert_eq!(
        format!("{report:?}"),
        "DeliveryReport { about: ProviderRef { batch: \"42\", recipient: +2246******01 }, \
         state: Failed, reason: Some(NoRoute), at: Some(Timestamp(1970-01-01T00:00:00Z)), \
         raw: Some(\"FAILED\"), detail_bytes: Some(39) }"
    );
}

#[test]
fn a_report_survives_storage() {
    let bare = DeliveryReport::new(ProviderRef::message("7"), ReportedState::Sent);
    let full = bare
        .clone()
        .reason(Reason::Partial)
        .at("2026-11-21T12:00:00.5Z".parse().unwrap())
        .raw("S")
        .detail("passed on");
    for report in [bare, full] {
        let json = serde_json::to_string(&report).unwrap();
        assert_eq!(
            serde_json::from_str::<DeliveryReport>(&json).unwrap(),
            report
        );
    }
}

#[test]
fn a_provider_reference_stores_only_what_is_set() {
    #[track_caller]
    fn check(reference: &ProviderRef, json: &str, shown: &str) {
        assert_eq!(serde_json::to_string(reference).unwrap(), json);
        assert_eq!(
            serde_json::from_str::<ProviderRef>(json).unwrap(),
            *reference
        );
        assert_eq!(format!("{reference:?}"), shown);
    }
    check(&ProviderRef::default(), "{}", "ProviderRef");
    check(
        &ProviderRef::message("17"),
        r#"{"message":"17"}"#,
        r#"ProviderRef { message: "17" }"#,
    );
    check(
        &ProviderRef::batch_member("9", example().to),
        r#"{"batch":"9","recipient":"+224622000001"}"#,
        r#"ProviderRef { batch: "9", recipient: +2246******01 }"#,
    );
    let mut full = ProviderRef::message("17");
    full.session = Some("session".to_owned());
    full.reference = Some(ClientRef::new("ours").unwrap());
    check(
        &full,
        r#"{"message":"17","session":"session","reference":"ours"}"#,
        r#"ProviderRef { message: "17", session: "session", reference: ClientRef("ours") }"#,
    );
    assert!(serde_json::from_str::<ProviderRef>(r#"{"recipient":"622"}"#).is_err());
}

#[test]
fn times_are_read_with_their_offset() {
    #[track_caller]
    fn check(text: &str, expected: Option<&str>) {
        let time = text.parse::<Timestamp>().ok();
        assert_eq!(
            time.map(|time| time.to_string()).as_deref(),
            expected,
            "{text:?}"
        );
    }
    check("2026-11-21T12:00:00Z", Some("2026-11-21T12:00:00Z"));
    check("2026-11-21T12:00:00+00:00", Some("2026-11-21T12:00:00Z"));
    check("2026-11-21T12:00:00+05:30", Some("2026-11-21T06:30:00Z"));
    check("2026-11-21T00:30:00+01:00", Some("2026-11-20T23:30:00Z"));
    check("2026-11-21T12:00:00-03:00", Some("2026-11-21T15:00:00Z"));
    check("2026-11-21T12:00:00.25Z", Some("2026-11-21T12:00:00.25Z"));
    check(
        "2026-11-21T12:00:00.0019Z",
        Some("2026-11-21T12:00:00.001Z"),
    );
    check("2024-02-29T00:00:00Z", Some("2024-02-29T00:00:00Z"));
    check("9999-12-30T00:00:00Z", Some("9999-12-30T00:00:00Z"));
    check("0001-01-01T00:00:00Z", Some("0001-01-01T00:00:00Z"));
    for text in [
        "",
        "2026-11-21",
        "2026-11-21T12:00:00",
        "12:00:00Z",
        "2026-02-29T00:00:00Z",
        "2026-11-21T25:00:00Z",
        "2026-11-21T12:00:00Z tomorrow",
        "10000-01-01T00:00:00Z",
        "1795262400",
        "tomorrow",
    ] {
        check(text, None);
        assert!(serde_json::from_str::<Timestamp>(&format!("\"{text}\"")).is_err());
    }
    assert_eq!(
        "soon".parse::<Timestamp>().unwrap_err().to_string(),
        "expected a time such as 2026-11-21T12:00:00Z"
    );
}

#[test]
fn milliseconds_reach_over_all_years_of_four_digits() {
    #[track_caller]
    fn check(milliseconds: i64, expected: Option<&str>) {
        let time = Timestamp::from_millis(milliseconds);
        assert_eq!(time.map(|time| time.to_string()).as_deref(), expected);
        assert!(time.is_none_or(|time| time.as_millis() == milliseconds));
    }
    check(0, Some("1970-01-01T00:00:00Z"));
    check(-1, Some("1969-12-31T23:59:59.999Z"));
    check(-86_400_000, Some("1969-12-31T00:00:00Z"));
    check(1_795_262_400_000, Some("2026-11-21T12:00:00Z"));
    check(253_402_207_200_000, Some("9999-12-30T22:00:00Z"));
    check(253_402_207_200_001, None);
    check(-377_705_023_201_000, Some("-009999-01-02T01:59:59Z"));
    check(-377_705_023_201_001, None);
    check(i64::MAX, None);
    check(i64::MIN, None);
    assert_eq!(Timestamp::UNIX_EPOCH.as_millis(), 0);
}

#[test]
fn times_stop_at_their_ends() {
    let noon: Timestamp = "2026-11-21T12:00:00Z".parse().unwrap();
    let last = Timestamp::from_millis(253_402_207_200_000).unwrap();
    assert_eq!(last, Timestamp::MAX);
    assert_eq!(noon.plus(Duration::ZERO), noon);
    assert_eq!(noon.plus(Duration::MAX), last);
    assert_eq!(last.plus(Duration::from_millis(1)), last);
    assert_eq!(
        noon.plus(Duration::from_secs(90)).to_string(),
        "2026-11-21T12:01:30Z"
    );
    // Finer steps would be lost when the time is stored, so they are not taken at all.
    assert_eq!(
        noon.plus(Duration::from_micros(1_999)).to_string(),
        "2026-11-21T12:00:00.001Z"
    );

    let later = noon.plus(Duration::from_millis(1_500));
    assert_eq!(later.since(noon), Duration::from_millis(1_500));
    assert_eq!(noon.since(later), Duration::ZERO);
    assert_eq!(noon.since(noon), Duration::ZERO);
    assert!(noon < later && later < last);
}

#[test]
fn media_have_a_type_and_content() {
    #[track_caller]
    fn check(mime_type: &str, content: &'static str, expected: Result<&str, MediaError>) {
        let media = Media::new(mime_type, content);
        let told = media.as_ref().map(Media::mime_type).map_err(|error| *error);
        assert_eq!(told, expected, "{mime_type}");
    }
    check("image/png", "a", Ok("image/png"));
    check("Image/PNG", "a", Ok("image/png"));
    check(
        "application/vnd.3gpp.sms+xml",
        "a",
        Ok("application/vnd.3gpp.sms+xml"),
    );
    check("image/png", "", Err(MediaError::Empty));
    let long = format!("image/{}", "x".repeat(Media::MAX_TYPE_LENGTH));
    for wrong in [
        "",
        "/",
        "image",
        "image/",
        "/png",
        "image/png/x",
        "image/png; q=1",
        "image/ png",
        "image/png\n",
        ".image/png",
        "im\u{e4}ge/png",
        &long,
    ] {
        check(wrong, "a", Err(MediaError::BadType));
    }
}

#[test]
fn debug_of_media_shows_neither_content_nor_name() {
    let media = Media::new("image/png", "CONTENT").unwrap().name("NAME.png");
    assert_eq!(media.file_name(), Some("NAME.png"));
    assert_eq!(&media.content()[..], b"CONTENT");
    let message = Message::new("+224622000001".parse().unwrap(), "a").media(media);
    let shown = format!("{message:?}");
    assert!(
        !shown.contains("CONTENT") && !shown.contains("NAME"),
        "{shown}"
    );
    assert!(shown.contains("content_bytes: 7"), "{shown}");
}

/// A text that cannot stand in `Debug` output by chance.
fn any_text() -> impl Strategy<Value = String> {
    "[\u{4e00}-\u{9fff}]{1,80}"
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn debug_of_a_message_never_shows_its_text_or_numbers(
        text in any_text(),
        to in "\\+2246220[0-9]{5}",
        from in "\\+2246221[0-9]{5}",
    ) {
        let message = Message::new(to.parse().unwrap(), text.as_str())
            .from(from.parse().unwrap());
        let report = DeliveryReport::new(
            ProviderRef::batch_member("1", message.to),
            ReportedState::Failed,
        )
        .detail(text.as_str());
        for shown in [format!("{message:?}{report:?}"), format!("{message:#?}{report:#?}")] {
            prop_assert!(shown.is_ascii(), "shows the text: {shown}");
            for number in [&to, &from] {
                prop_assert!(!shown.contains(number.trim_start_matches("+224")));
            }
        }
    }

    #[test]
    fn times_are_read_back(milliseconds in -377_705_023_201_000_i64..=253_402_207_200_000) {
        let time = Timestamp::from_millis(milliseconds).unwrap();
        prop_assert_eq!(time.to_string().parse(), Ok(time));
        let json = serde_json::to_string(&time).unwrap();
        prop_assert_eq!(serde_json::from_str::<Timestamp>(&json).unwrap(), time);
    }

    #[test]
    fn a_time_moved_is_as_far_away_as_it_was_moved(
        milliseconds in -1_000_000_000_000_i64..4_000_000_000_000,
        by in 0_u64..1_000_000_000_000,
    ) {
        let time = Timestamp::from_millis(milliseconds).unwrap();
        let by = Duration::from_millis(by);
        prop_assert_eq!(time.plus(by).since(time), by);
        prop_assert_eq!(time.plus(by).to_string().parse(), Ok(time.plus(by)));
    }
}

#[test]
fn a_tag_is_a_short_word() {
    for good in ["otp", "a", "news.2026-11:b_1", &"x".repeat(64)] {
        assert_eq!(good.parse::<Tag>().unwrap().as_str(), good);
    }
    for bad in ["", "Otp", "one time", "é", &"x".repeat(65)] {
        assert_eq!(bad.parse::<Tag>(), Err(TagError), "{bad}");
    }
    let json = serde_json::to_string(&Tag::new("otp").unwrap()).unwrap();
    assert_eq!(json, "\"otp\"");
    assert!(serde_json::from_str::<Tag>("\"O\"").is_err());
}

/// A clock that shows what it was set to.
#[derive(Debug)]
struct Standing(Timestamp);

impl Clock for Standing {
    fn now(&self) -> Timestamp {
        self.0
    }
}

#[test]
fn a_clock_that_nobody_sets_is_its_own_measure() {
    let noon: Timestamp = "2026-11-21T12:00:00Z".parse().unwrap();
    let later = noon.plus(Duration::from_millis(1500));
    let passed = Duration::from_millis(1500);
    assert_eq!(Standing(later).elapsed(), Standing(noon).elapsed() + passed);
}
