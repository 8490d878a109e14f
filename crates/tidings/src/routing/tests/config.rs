//! Rules as a configuration has them.

use std::time::Duration;

use super::*;

#[track_caller]
fn check(json: &str, expected: &Rule) {
    assert_eq!(
        serde_json::from_str::<Rule>(json).unwrap(),
        *expected,
        "{json}"
    );
}

/// What the error begins with.
#[track_caller]
fn refused(json: &str, expected: &str) {
    let error = serde_json::from_str::<Rule>(json).unwrap_err().to_string();
    assert!(error.starts_with(expected), "{error}");
}

#[test]
fn a_condition_is_one_value_or_a_list() {
    check("{}", &Rule::default());
    check(
        r#"{"prefix": "+224", "lanes": ["guinea"]}"#,
        &Rule::default().prefix("+224").accounts(["guinea"]),
    );
    check(
        r#"{"name": "n", "prefix": ["+224", "+225"], "calling_code": 47, "region": "gn", "sender": "Tidings",
            "tag": ["otp", "alarm"], "kind": "media", "priority": ["high", "low"], "order": "adaptive"}"#,
        &Rule::new("n")
            .prefix("+224")
            .prefix("+225")
            .calling_code(47)
            .region("GN".parse().unwrap())
            .sender(sender("Tidings"))
            .tag(tag("otp"))
            .tag(tag("alarm"))
            .kind(MessageKind::Media)
            .priority(Priority::High)
            .priority(Priority::Low)
            .order(Order::Adaptive),
    );
    check(
        r#"{"calling_code": [47, 45], "kind": ["text"], "order": "weighted"}"#,
        &Rule::default()
            .calling_code(47)
            .calling_code(45)
            .kind(MessageKind::Text)
            .order(Order::Weighted),
    );
}

/// Formats such as TOML have signed numbers.
#[test]
fn a_signed_number_is_a_calling_code() {
    use serde::de::IntoDeserializer;
    use serde::de::value::{Error, I64Deserializer};

    let read = |number: i64| {
        let deserializer: I64Deserializer<Error> = number.into_deserializer();
        super::super::config::one_or_many::<_, u16>(deserializer)
    };
    assert_eq!(read(47), Ok(vec![47]));
    assert!(read(-1).is_err());
}

#[test]
fn an_account_is_a_name_or_a_table() {
    check(
        r#"{"accounts": ["a", {"name": "b"}, {"name": "c", "weight": 2, "cost": 0.5, "preference": 1, "sender": "1960"}]}"#,
        &Rule::default().accounts([
            "a".into(),
            "b".into(),
            RouteAccount::new("c")
                .weight(2.0)
                .cost(0.5)
                .preference(1)
                .sender(sender("1960")),
        ]),
    );
    refused(r#"{"accounts": [{}]}"#, "missing field `name`");
    refused(
        r#"{"accounts": [{"name": "a", "price": 1}]}"#,
        "unknown field `price`",
    );
    refused(
        r#"{"accounts": [7]}"#,
        "invalid type: integer `7`, expected the name of an account, or a table with `name`",
    );
}

#[test]
fn senders_are_a_table_by_place() {
    let norway: tidings_core::Region = "NO".parse().unwrap();
    check(
        r#"{"sender_for": {"NO": "Tidings", "+224": "1960"}, "default_sender": "Default"}"#,
        &Rule::default()
            .sender_for(norway, sender("Tidings"))
            .sender_for(224, sender("1960"))
            .default_sender(sender("Default")),
    );
    for place in ["+", "+4x", "+99999", "++47"] {
        let json = format!(r#"{{"sender_for": {{"{place}": "Tidings"}}}}"#);
        refused(&json, "the phone number's country code does not exist");
    }
    refused(
        r#"{"sender_for": {"ZZ": "Tidings"}}"#,
        "the region to read the phone number in is not known",
    );
    for text in ["NO", "+47"] {
        assert_eq!(text.parse::<Place>().unwrap().to_string(), text);
    }
}

#[test]
fn a_policy_is_a_table_of_its_settings() {
    let policy = AdaptivePolicy::default()
        .interval(Duration::from_secs(30))
        .slow_after(Duration::from_millis(1500))
        .min_observations(5)
        .tolerance(0.2)
        .steps(0.5, 0.25)
        .bounds(0.2, 4.0);
    check(
        r#"{"adaptive": {"interval_s": 30, "slow_after_s": 1.5, "min_observations": 5, "tolerance": 0.2,
            "step": 0.5, "return_step": 0.25, "lowest": 0.2, "highest": 4}}"#,
        &Rule::default().adaptive(policy),
    );
    check(r#"{"adaptive": {}}"#, &Rule::default());
    refused(r#"{"adaptive": {"speed": 1}}"#, "unknown field `speed`");
    refused(
        r#"{"adaptive": {"interval_s": -1}}"#,
        "expected a number of seconds, from 0 on",
    );
}

#[test]
fn what_is_not_known_is_refused() {
    refused(r#"{"prefixes": "+224"}"#, "unknown field `prefixes`");
    refused(r#"{"kind": "voice"}"#, "unknown variant `voice`");
    refused(
        r#"{"calling_code": 65536}"#,
        "invalid value: integer `65536`",
    );
    refused(r#"{"tag": "Not A Tag"}"#, "a tag has 1 to 64 characters");
    refused(
        r#"{"prefix": true}"#,
        "invalid type: boolean `true`, expected a value or a list of values",
    );
}

#[test]
fn routes_are_a_list_of_rules() {
    let routes: Routes =
        serde_json::from_str(r#"[{"accounts": ["a"]}, {"accounts": ["b"]}]"#).unwrap();
    let rules = [
        Rule::default().accounts(["a"]),
        Rule::default().accounts(["b"]),
    ];
    assert_eq!(routes, Routes::new(rules));
}
