//! An account's settings: read, checked, never shown.

use crate::error::{Acceptance, ErrorKind, Result};
use crate::provider::{Account, CA_FILE, Presence, Setting, unsupported};

const SETTINGS: [Setting; 4] = [
    Setting::required("client_id", "the account's id"),
    Setting::secret("api_key", "the account's key"),
    Setting::with_default("timeout_s", "time limit in seconds", "30"),
    Setting::optional("sender", "the sender"),
];

fn account() -> Account {
    Account::new("main")
        .with("client_id", "c-1")
        .with("api_key", "hush-hush")
}

#[track_caller]
fn check_refused<T: std::fmt::Debug>(result: Result<T>, sentence: &str) {
    let error = result.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Config);
    assert_eq!(error.acceptance(), Acceptance::NotSent);
    assert_eq!(error.to_string(), sentence);
}

#[test]
fn settings_are_read() {
    let account = account().with("timeout_s", "12").with("broken", "1x");
    assert_eq!(account.id(), "main");
    assert_eq!(account.setting("client_id"), Some("c-1"));
    assert_eq!(account.setting("sender"), None);
    assert_eq!(account.required("api_key").unwrap(), "hush-hush");
    assert_eq!(account.parsed::<u32>("timeout_s").unwrap(), Some(12));
    assert_eq!(account.parsed::<u32>("sender").unwrap(), None);
    let names: Vec<&str> = account.names().collect();
    assert_eq!(names, ["api_key", "broken", "client_id", "timeout_s"]);
    check_refused(
        account.parsed::<u32>("broken"),
        "account main: setting broken cannot be read",
    );
    check_refused(
        account.required("sender"),
        "account main: setting sender is missing",
    );
}

#[test]
fn settings_are_checked() {
    account().check(&SETTINGS).unwrap();
    account().with("sender", "Shop").check(&SETTINGS).unwrap();
    check_refused(
        Account::new("main").with("api_key", "k").check(&SETTINGS),
        "account main: setting client_id is missing",
    );
    check_refused(
        Account::new("main").with("client_id", "c").check(&SETTINGS),
        "account main: setting api_key is missing",
    );
    check_refused(
        account().with("colour", "red").check(&SETTINGS),
        "account main: setting colour is not a setting of this provider",
    );
}

#[test]
fn a_setting_can_take_the_place_of_others() {
    const SETTINGS: [Setting; 3] = [
        Setting::required("user", "u").unless("key"),
        Setting::secret("password", "p").unless("key"),
        Setting::optional("key", "k").hidden(),
    ];
    let empty = || Account::new("main");
    for good in [
        empty().with("key", "k"),
        empty().with("user", "u").with("password", "p"),
        empty().with("user", "u").with("key", "k"),
    ] {
        assert!(good.check(&SETTINGS).is_ok(), "{good:?}");
    }
    check_refused(
        empty().with("user", "u").check(&SETTINGS),
        "account main: setting password is missing, and so is key in its place",
    );
    assert!(SETTINGS[2].is_secret && SETTINGS[1].is_required() && !SETTINGS[2].is_required());
}

#[test]
fn every_account_may_name_certificates() {
    let account = account().with(CA_FILE, "/etc/ca.pem");
    assert!(account.check(&SETTINGS).is_ok());
}

#[test]
fn settings_say_what_they_are() {
    let shown = SETTINGS.map(|setting| (setting.name, setting.presence, setting.is_secret));
    let expected = [
        ("client_id", Presence::Required, false),
        ("api_key", Presence::Required, true),
        ("timeout_s", Presence::Default("30"), false),
        ("sender", Presence::Optional, false),
    ];
    assert_eq!(shown, expected);
}

#[test]
fn values_are_never_shown() {
    let debug = format!("{:?}", account());
    assert!(
        debug.contains("api_key") && debug.contains("main"),
        "{debug}"
    );
    assert!(!debug.contains("hush") && !debug.contains("c-1"), "{debug}");
}

#[test]
fn a_missing_function_is_a_typed_error() {
    let error = unsupported("vendor", "cancel");
    assert_eq!(error.kind(), ErrorKind::Unsupported);
    assert_eq!(error.acceptance(), Acceptance::NotSent);
    assert_eq!(error.to_string(), "vendor has no way to cancel");
    assert_eq!(
        (error.provider(), error.operation()),
        (Some("vendor"), Some("cancel"))
    );
}
