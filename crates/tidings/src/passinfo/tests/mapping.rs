//! Tables of the translation: numbers, senders, ids, states, lists in every form.

use serde_json::json;
use tidings_core::{Reason, ReportedState, SenderId};

use super::super::{map, wire};
use super::guinea;
use crate::error::{Acceptance, Error, ErrorKind};

#[test]
fn numbers_are_read_in_every_form_and_written_in_one() {
    #[track_caller]
    fn check(written: &str, expected: Option<&str>) {
        let read = map::read_number(written, "contact").ok();
        let national = read.map(|number| map::national(&number).unwrap().0);
        assert_eq!(national.as_deref(), expected, "{written}");
    }
    check("622000001", Some("622000001"));
    check("622 00 00 01", Some("622000001"));
    check("622-00.00(01)", Some("622000001"));
    check(" 224622000001 ", Some("622000001"));
    check("+224 622 00 00 01", Some("622000001"));
    check("00224622000001", Some("622000001"));
    check("+00224622000001", None);
    check("+622000001", None);
    check("62200000", None);
    check("6220000011", None);
    check("+4790000001", None);
    check("33612345678", None);
    check("", None);
    check("phoneNumber", None);
    check("622000001x", None);
    check("6+22000001", None);
    check("٦٢٢٠٠٠٠٠١", None);
}

#[test]
fn a_number_of_another_country_is_refused_without_naming_it() {
    let norwegian = "+4790000001".parse().unwrap();
    let error = map::national(&norwegian).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidRecipient);
    assert_eq!(error.acceptance(), Acceptance::NotSent);
    assert!(!error.to_string().contains("4790"));
}

#[test]
fn senders_are_names_and_short_codes() {
    #[track_caller]
    fn check(sender: &str, expected: Result<&str, ErrorKind>) {
        let sender = SenderId::parse(sender).unwrap();
        let name = map::sender_name(&sender);
        assert_eq!(name.as_deref().map_err(Error::kind), expected);
        assert_eq!(
            map::read_sender(&sender.to_string()).is_ok(),
            expected.is_ok()
        );
    }
    check("Tidings", Ok("Tidings"));
    check("Elevenchars", Ok("Elevenchars"));
    check("1234", Ok("1234"));
    check("+224622000001", Err(ErrorKind::InvalidSender));
    assert!(map::read_sender("twelve chars").is_err());
    assert!(map::read_sender("").is_err());
}

#[test]
fn ids_are_read_as_text_and_as_numbers_of_any_size() {
    #[track_caller]
    fn check(json: &str, expected: Option<&str>) {
        let id: Option<wire::Id> = serde_json::from_str(json).ok();
        assert_eq!(id.map(|id| id.0).as_deref(), expected, "{json}");
    }
    check(r#""123""#, Some("123"));
    check(r#""caf\u00e9""#, Some("café"));
    check("123", Some("123"));
    check("-7", Some("-7"));
    check("18446744073709551617", Some("18446744073709551617"));
    check(
        "123456789012345678901234567890",
        Some("123456789012345678901234567890"),
    );
    check("1.50", Some("1.50"));
    check("true", None);
    check("null", None);
    check("{}", None);
    check("[1]", None);

    // Inside a list too, where a reader that tries one form after the other would round them.
    let groups = r#"[{"id":123456789012345678901234567890,"name":"a"}]"#;
    let groups: wire::GroupsAnswer = serde_json::from_str(groups).unwrap();
    let groups = map::groups(groups).unwrap();
    assert_eq!(groups[0].id, "123456789012345678901234567890");
}

#[test]
fn whole_numbers_are_read_as_numbers_and_as_text() {
    #[track_caller]
    fn check(json: &str, expected: Option<i64>) {
        let number: Option<wire::Integer> = serde_json::from_str(json).ok();
        assert_eq!(number.map(|number| number.0), expected, "{json}");
    }
    check("100", Some(100));
    check(r#""100""#, Some(100));
    check(r#"" 100 ""#, Some(100));
    check("-5", Some(-5));
    check("100.0", Some(100));
    check("100.5", None);
    check(r#""many""#, None);
    check(r#""""#, None);
    check("null", None);
    check("9223372036854775808", None);
}

#[test]
fn the_id_of_a_message_is_where_either_paper_says() {
    #[track_caller]
    fn check(answer: &serde_json::Value, expected: Option<&str>) {
        let answer: wire::SendAnswer = serde_json::from_str(&answer.to_string()).unwrap();
        let sent = map::sent(&answer);
        assert_eq!(sent.map(|sent| sent.id).as_deref(), expected, "{answer:?}");
    }
    check(&json!({"status": "success", "message": "123"}), Some("123"));
    check(
        &json!({"status": "success", "message_id": "123"}),
        Some("123"),
    );
    check(&json!({"message": 123}), Some("123"));
    check(&json!({"message_id": "7", "message": "queued"}), Some("7"));
    check(&json!({"message_id": "", "message": "8"}), Some("8"));
    check(
        &json!({"message_id": null, "message": "9", "more": {"a": [1]}}),
        Some("9"),
    );
    check(&json!({"message": "your message is on its way"}), None);
    check(&json!({"status": "success"}), None);
}

#[test]
fn the_id_of_a_batch_is_under_any_of_four_names() {
    for name in ["batch_id", "bulk_id", "message_id", "message"] {
        let answer =
            json!({"status": "success", "successful_sends": "2", "failed_sends": 1, name: 77});
        let answer: wire::BulkAnswer = serde_json::from_str(&answer.to_string()).unwrap();
        let receipt = map::bulk_receipt(&answer, 3);
        assert_eq!(receipt.batch_id.as_deref(), Some("77"), "{name}");
        assert_eq!((receipt.queued, receipt.failed), (2, 1));
    }
    let silent: wire::BulkAnswer = serde_json::from_str(r#"{"status":"success"}"#).unwrap();
    let receipt = map::bulk_receipt(&silent, 3);
    assert_eq!((receipt.queued, receipt.failed), (3, 0));
}

#[test]
fn words_for_states_are_known_in_both_directions() {
    #[track_caller]
    fn check(word: &str, state: ReportedState, reason: Option<Reason>) {
        assert_eq!(map::reported_state(word), (state, reason), "{word}");
    }
    check("pending", ReportedState::Submitted, None);
    check("sent", ReportedState::Sent, None);
    check("delivered", ReportedState::Delivered, None);
    check(
        "failed",
        ReportedState::Undelivered,
        Some(Reason::Unspecified),
    );
    check("DELIVERED", ReportedState::Delivered, None);
    check("teleported", ReportedState::Unknown, None);
    check("", ReportedState::Unknown, None);
    for state in [
        ReportedState::Submitted,
        ReportedState::Sent,
        ReportedState::Delivered,
        ReportedState::Undelivered,
    ] {
        assert_eq!(map::reported_state(map::state_word(state)).0, state);
    }
    for state in [
        ReportedState::Expired,
        ReportedState::Failed,
        ReportedState::Canceled,
    ] {
        assert_eq!(map::state_word(state), "failed");
    }
}

#[test]
fn an_unknown_word_is_kept_as_it_came() {
    let answer: wire::StatusAnswer =
        serde_json::from_str(r#"{"status":"Teleported","timestamp":"yesterday"}"#).unwrap();
    let report = map::delivery_report(tidings_core::ProviderRef::message("1"), &answer);
    assert_eq!(report.state, ReportedState::Unknown);
    assert_eq!(report.raw.as_deref(), Some("Teleported"));
    assert_eq!((report.reason, report.at), (None, None));
}

#[test]
fn reasons_survive_between_our_two_halves() {
    let answer = wire::StatusAnswer {
        status: "failed".to_owned(),
        message_id: None,
        timestamp: None,
        error_message: Some(map::reason_text(Reason::RecipientUnreachable).to_owned()),
    };
    let report = map::delivery_report(tidings_core::ProviderRef::message("1"), &answer);
    assert_eq!(report.reason, Some(Reason::RecipientUnreachable));
    assert_eq!(
        map::reason_of("some words of the vendor"),
        Reason::Unspecified
    );
}

#[test]
fn failures_are_read_only_when_every_entry_names_somebody() {
    #[track_caller]
    fn check(details: &serde_json::Value, expected: Option<usize>) {
        let answer = json!({"status": "completed", "error_details": details});
        let answer: wire::BulkStatusAnswer = serde_json::from_str(&answer.to_string()).unwrap();
        let status = map::batch_status(&answer);
        assert_eq!(status.failures.map(|named| named.len()), expected);
    }
    check(
        &json!([{"contact": "622000001", "error": "no such phone number"}]),
        Some(1),
    );
    check(
        &json!([{"phone": "622000001"}, {"recipient": "+224622000002"}]),
        Some(2),
    );
    check(&json!(["622000001", 622_000_002]), Some(2));
    check(&json!([]), Some(0));
    check(&json!([{"error": "one failed"}]), None);
    check(&json!(["622000001", "somebody"]), None);
    check(&json!("all failed"), None);
    check(&json!(null), None);
}

#[test]
fn lists_are_read_bare_and_under_their_names() {
    #[track_caller]
    fn groups(json: &str, expected: Option<usize>) {
        let read: Option<wire::GroupsAnswer> = serde_json::from_str(json).ok();
        assert_eq!(
            read.and_then(map::groups).map(|groups| groups.len()),
            expected,
            "{json}"
        );
    }
    groups(r#"[{"id":1,"name":"a"}]"#, Some(1));
    groups(
        r#"{"groupes":[{"id":"1","name":"a","member_count":"3"}]}"#,
        Some(1),
    );
    groups(r#"{"groups":[],"status":"success"}"#, Some(0));
    groups(r#"{"status":"success"}"#, None);
    groups(r#"[{"name":"a"}]"#, None);
    groups(r#""none""#, None);

    #[track_caller]
    fn contacts(json: &str, expected: Option<(usize, Option<u64>)>) {
        let read: Option<wire::ContactsAnswer> = serde_json::from_str(json).ok();
        let page = read.map(|answer| map::contact_page(answer, 1));
        assert_eq!(
            page.map(|page| (page.contacts.len(), page.total)),
            expected,
            "{json}"
        );
    }
    contacts(
        r#"[{"first_name":"A","phone_number":622000001}]"#,
        Some((1, None)),
    );
    contacts(
        r#"{"contacts":[{"id":5}],"total":"12"}"#,
        Some((1, Some(12))),
    );
    contacts(r#"{"contacts":[],"total":null}"#, Some((0, None)));
    contacts(r#"{"success":true}"#, None);
}

#[test]
fn the_id_of_a_contact_is_in_three_places_or_nowhere() {
    #[track_caller]
    fn check(json: &str, expected: Option<&str>) {
        let asked = wire::AddContact {
            first_name: "John".to_owned(),
            last_name: "Smith".to_owned(),
            phone_number: map::national(&guinea(1)).unwrap(),
        };
        let answer: wire::AddContactAnswer = serde_json::from_str(json).unwrap();
        let contact = map::added_contact(answer, &asked);
        assert_eq!(contact.id.as_deref(), expected, "{json}");
        assert_eq!(contact.phone_number, "622000001");
    }
    check(
        r#"{"success":true,"contact":{"id":9,"first_name":"John"}}"#,
        Some("9"),
    );
    check(r#"{"success":true,"contact_id":"9"}"#, Some("9"));
    check(r#"{"success":true,"id":9}"#, Some("9"));
    check(r#"{"success":true}"#, None);
}

#[test]
fn the_group_that_was_made_is_bare_or_inside() {
    #[track_caller]
    fn check(json: &str, expected: Option<(&str, &str)>) {
        let answer: wire::CreateGroupAnswer = serde_json::from_str(json).unwrap();
        let group = map::created_group(answer, "asked");
        let group = group
            .as_ref()
            .map(|group| (group.id.as_str(), group.name.as_str()));
        assert_eq!(group, expected, "{json}");
    }
    check(r#"{"id":9,"name":"Conakry"}"#, Some(("9", "Conakry")));
    check(r#"{"success":true,"group_id":"9"}"#, Some(("9", "asked")));
    check(
        r#"{"groupe":{"id":9,"name":"Conakry"}}"#,
        Some(("9", "Conakry")),
    );
    check(
        r#"{"group":{"id":9,"name":"Conakry"}}"#,
        Some(("9", "Conakry")),
    );
    check(r#"{"success":true}"#, None);
}
