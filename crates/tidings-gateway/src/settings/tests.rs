//! Tests of the settings of an account.

use super::*;

#[test]
fn settings_are_read_as_they_are_kept() {
    let full = r#"{"policy":"at_most_once","sender":"Acme","region":"NO","replacement":"typography",
        "max_parts":4,"valid_for_s":86400,"same_content_window_s":30,"opt_out_languages":["en","no"],
        "opt_out_words":["basta"],"opt_out_confirmation":"No more texts.","time_zone":"Europe/Oslo",
        "quiet_hours":"21:00-08:00","blackout_dates":["2026-12-25"]}"#;
    let settings = AccountSettings::from_json(full).unwrap();
    assert_eq!(settings.quiet_hours, Some("21:00-08:00".parse().unwrap()));
    assert_eq!(settings.blackout_dates, ["2026-12-25".parse().unwrap()]);
    let kept = settings.to_json();
    assert_eq!(AccountSettings::from_json(&kept).unwrap(), settings);
    let value: serde_json::Value = serde_json::from_str(full).unwrap();
    assert_eq!(
        AccountSettings::from_value(value.clone()).unwrap(),
        settings
    );
    // Every field is in the text: nothing is lost by keeping it.
    let kept: serde_json::Value = serde_json::from_str(&kept).unwrap();
    assert_eq!(kept, value);
    let nothing = AccountSettings::from_json("{}").unwrap();
    assert_eq!(nothing, AccountSettings::default());
    assert_eq!(
        AccountSettings::from_json(&nothing.to_json()).unwrap(),
        nothing
    );
}

#[test]
fn what_is_wrong_is_named() {
    #[track_caller]
    fn check(text: &str, field: &str, said: &str) {
        let error = AccountSettings::from_json(text).unwrap_err();
        assert_eq!(error.field(), field, "{error}");
        assert!(error.to_string().contains(said), "{error}");
    }
    check(
        r#"{"quiet_hours": "21:00"}"#,
        "quiet_hours",
        "such as 21:00-08:00",
    );
    check(
        r#"{"quiet_hours": "21:00-21:00"}"#,
        "quiet_hours",
        "two different times",
    );
    check(
        r#"{"blackout_dates": ["2026-12-25", "2026-13-01"]}"#,
        "blackout_dates[1]",
        "expected",
    );
    check(r#"{"time_zone": "Oslo"}"#, "time_zone", "Europe/Oslo");
    check(r#"{"region": "Norway"}"#, "region", "region");
    check(
        r#"{"sender": "A name that is too long"}"#,
        "sender",
        "11 characters",
    );
    check(r#"{"policy": "always"}"#, "policy", "at_most_once");
    check(r#"{"replacement": "some"}"#, "replacement", "typography");
    check(r#"{"max_parts": 0}"#, "max_parts", "1 to 255");
    check(r#"{"max_parts": 256}"#, "max_parts", "256");
    check(r#"{"valid_for_s": 0}"#, "valid_for_s", "2592000");
    check(r#"{"valid_for_s": 2592001}"#, "valid_for_s", "2592000");
    check(
        r#"{"same_content_window_s": 86401}"#,
        "same_content_window_s",
        "86400",
    );
    check(
        r#"{"opt_out_languages": ["en", "English"]}"#,
        "opt_out_languages[1]",
        "such as en",
    );
    check(
        r#"{"opt_out_words": ["stop", " "]}"#,
        "opt_out_words[1]",
        "1 to 100",
    );
    check(
        r#"{"opt_out_confirmation": ""}"#,
        "opt_out_confirmation",
        "leave it out",
    );
    check(r#"{"colour": "blue"}"#, "colour", "unknown field");
    check("[]", "", "cannot be read");
    check("not json", "", "cannot be read");
    let many = vec!["stop"; 1_001];
    let many = serde_json::json!({"opt_out_words": many}).to_string();
    check(&many, "opt_out_words", "at most 1000");
}

#[test]
fn a_customer_is_what_the_store_has() {
    let account = StoredAccount {
        id: "acme".into(),
        settings: r#"{"region":"NO"}"#.into(),
        quota: None,
        is_active: false,
        created_at: tidings_core::Timestamp::UNIX_EPOCH,
        version: 1,
    };
    let customer = Customer::of(&account).unwrap();
    assert_eq!(customer.settings.region, Some("NO".parse().unwrap()));
    assert!(!customer.is_active);
    let newer = StoredAccount {
        settings: r#"{"newer":1}"#.into(),
        ..account
    };
    assert_eq!(Customer::of(&newer).unwrap_err().field(), "newer");
}
