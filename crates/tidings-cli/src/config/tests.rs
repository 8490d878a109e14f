//! Tests of picking an account. They go through the registry, so they hold for every provider.

use super::*;

fn spec() -> &'static ProviderSpec {
    tidings::providers::ALL
        .first()
        .expect("a provider is compiled in")
}

/// A lane with every required setting.
fn lane_text(id: &str) -> String {
    let mut text = format!("[[lanes]]\nid = \"{id}\"\nprovider = \"{}\"\n", spec().id);
    let settings = spec().settings.iter();
    for setting in settings.filter(|setting| setting.is_required()) {
        text = text + setting.name + " = \"value\"\n";
    }
    text
}

fn picked(text: &str, account: Option<&str>) -> tidings::Result<Lane> {
    let file = ConfigFile::parse(Path::new("tidings.toml"), text)?;
    let wanted = Wanted {
        account,
        provider: None,
    };
    let table = table(Some(&file), &wanted)?;
    let environment = Environment::default();
    resolve(&table, file.folder(), &environment, &Output::new(false))
}

#[track_caller]
fn check_refused(text: &str, account: Option<&str>, expected: &str) {
    let error = picked(text, account).expect_err("refused");
    assert_eq!(error.kind(), ErrorKind::Config);
    let told = error.to_string();
    assert!(told.contains(expected), "{told}");
}

#[test]
fn the_only_lane_is_the_default() {
    let lane = picked(&lane_text("one"), None).unwrap();
    assert_eq!(lane.account.id(), "one");
    let first = spec().settings.iter().find(|setting| setting.is_required());
    assert_eq!(lane.account.setting(first.unwrap().name), Some("value"));
}

#[test]
fn of_several_lanes_one_must_be_named() {
    let text = lane_text("one") + &lane_text("two");
    check_refused(&text, None, "name one with --account, of one, two");
    let lane = picked(&text, Some("two")).unwrap();
    assert_eq!(lane.account.id(), "two");
    check_refused(
        &text,
        Some("three"),
        "no such lane as three; it has one, two",
    );
}

#[test]
fn a_file_may_hold_what_only_the_gateway_reads() {
    let text = "[server]\nlisten = \"127.0.0.1:0\"\n".to_owned() + &lane_text("one");
    assert_eq!(picked(&text, None).unwrap().account.id(), "one");
    check_refused("", None, "no account is configured");
    check_refused("lane = 1\n", None, "line 1: the key lane is not known");
}
