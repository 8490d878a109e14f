//! What is said of a configuration that cannot be: on which line, about which key, in the words of the file.

use std::collections::BTreeSet;

use tidings::Error;
use tidings::routing::{AdaptivePolicy, RouteFault, Routes, Rule};

use super::super::keys::Key;
use super::super::routes;
use super::*;

/// Checks that a file is refused with this sentence and no other.
#[track_caller]
fn check(text: &str, expected: &str) {
    let error = load(text, &[]).expect_err("refused");
    assert_eq!(error.to_string(), format!("conf/tidings.toml: {expected}"));
}

/// A value that no key of this form takes, besides what is no value of any key.
fn wrong_value(key: &Key) -> Option<&'static str> {
    Some(match (key.form, key.name) {
        (
            "address" | "URL" | "duration" | "number" | "bytes" | "share" | "word" | "hours"
            | "country" | "time zone" | "true or false" | "secret",
            _,
        ) => r#""x y""#,
        (
            "list of networks" | "list of days" | "list" | "word or list" | "text or list"
            | "country or list",
            _,
        ) => r#"["x y"]"#,
        ("number or list", _) => "0",
        ("sender" | "sender or list", _) => r#""a sender of too many characters""#,
        ("table", _) => r#"{ x = "y" }"#,
        ("text", "id" | "footer" | "inbound_account") => r#""""#,
        ("text" | "path", _) => return None,
        (form, name) => panic!("{name}: what is no {form}?"),
    })
}

/// A file in which a key has this value, and the line of the key.
fn with(key: &Key, value: &str) -> (String, usize) {
    let calls_us = providers::ALL.iter();
    let mut calls_us = calls_us.filter(|spec| spec.parse_callback.is_some());
    let spec = calls_us.next().expect("a provider calls us");
    let written = format!("{} = {value}\n", key.name);
    let before = match key.section {
        LANES => {
            let lane = lane_of(spec, "a");
            let others = lane.lines().filter(|line| {
                let name = line.split(' ').next();
                name != Some(key.name)
            });
            others.map(|line| line.to_owned() + "\n").collect()
        }
        ROUTES => lane_of(spec, "a") + "[[routes]]\n",
        section => format!("# the first line\n[{section}]\n"),
    };
    let after = match (key.section, key.name) {
        (ROUTES, "lanes") => "",
        (ROUTES, "adaptive") => "lanes = [\"a\"]\norder = \"adaptive\"\n",
        (ROUTES, _) => "lanes = [\"a\"]\n",
        ("server.tls", "cert") => "key = \"x\"\n",
        ("server.tls", _) => "cert = \"x\"\n",
        _ => "",
    };
    let line = before.lines().count() + 1;
    (before + &written + after, line)
}

#[track_caller]
fn check_key(key: &Key, value: &str) {
    let (text, line) = with(key, value);
    let told = load(&text, &[]).expect_err(&text).to_string();
    let place = format!("conf/tidings.toml: line {line}: ");
    let rest = told.strip_prefix(&place).unwrap_or_default();
    assert!(rest.contains(key.name), "{text}{told}");
    // Words of routes and the name of a provider may be shown; other values may be secrets.
    let may_be_shown = key.section == ROUTES || key.name == "provider";
    assert!(may_be_shown || !rest.contains("x y"), "{told}");
}

#[test]
fn a_wrong_value_of_every_key_is_told_with_its_line() {
    for key in KEYS {
        check_key(key, "[[1]]");
        if let Some(value) = wrong_value(key) {
            check_key(key, value);
        }
    }
}

#[test]
fn an_unknown_key_of_every_table_is_told_with_its_line() {
    let tables: BTreeSet<&str> = KEYS.iter().map(|key| key.section).collect();
    for section in tables {
        let key = Key {
            section,
            name: "colour",
            form: "text",
            default: None,
            help: "",
        };
        check_key(&key, "1");
    }
}

#[test]
fn what_is_expected_is_said() {
    let of_lane = |line: &str, expected: &str| {
        let lane = lane("a");
        let number = lane.lines().count() + 1;
        check(
            &(lane + line + "\n"),
            &format!("line {number}: lane a: {expected}"),
        );
    };
    of_lane(
        "rate = \"x\"",
        "rate: expected a number above 0, such as 20 or 0.5",
    );
    of_lane(
        "rate = -1",
        "rate: expected a number above 0, such as 20 or 0.5",
    );
    of_lane("daily_cap = \"x\"", "daily_cap: expected a whole number");
    of_lane("daily_cap = 0", "daily_cap: must be above 0");
    of_lane(
        "in_flight = 0",
        "in_flight: expected a whole number from 1 to 1024",
    );
    of_lane("bulk = 1.5", "bulk: expected a whole number");
    of_lane(
        "region = \"Norway\"",
        "region: expected a country by its two letters, such as NO",
    );
    check(
        "[sending]\nmax_parts = 0\n",
        "line 2: sending.max_parts: expected a whole number from 1 to 255",
    );
    check(
        "[sending]\nblackout_dates = [\"Christmas\"]\n",
        "line 2: sending.blackout_dates: expected days such as 2026-12-25",
    );
}

#[test]
fn what_cannot_stand_together_is_told_with_a_line() {
    check(
        "[sending]\n\nsettle = \"1h\"\n",
        "line 3: sending.settle is longer than sending.grace, so that nobody would ask",
    );
    check(
        "[sending]\ngrace = \"1s\"\n",
        "line 2: sending.settle is longer than sending.grace, so that nobody would ask",
    );
    let error = load("", &[("TIDINGS_SENDING_GRACE", "1s")]).unwrap_err();
    assert_eq!(
        error.to_string(),
        "sending.settle is longer than sending.grace, so that nobody would ask"
    );
    check(
        "[server]\nlisten = \"127.0.0.1:8443\"\n[server.tls]\ncert = \"a\"\nkey = \"b\"\n",
        "line 2: server.tls.listen is the address of server.listen",
    );
    check(
        "[server]\n[server.tls]\nkey = \"b\"\n",
        "line 2: server.tls.cert is missing: TLS needs a certificate and its key",
    );
    let twice = lane("a") + "rate = 1\n" + &lane("a");
    let line = lane("a").lines().count() + 3;
    check(&twice, &format!("line {line}: two lanes have the id a"));
}

/// Checks what is said of `[[routes]]` that begin on line `LINE`, behind a lane `a`.
#[track_caller]
fn check_route(route: &str, line: usize, expected: &str) {
    let before = lane("a").lines().count();
    let text = lane("a") + "[[routes]]\n" + route;
    check(&text, &format!("line {}: {expected}", before + line));
}

#[test]
fn faults_of_routes_are_told_in_the_words_of_the_file() {
    check_route("", 1, "route 1: lanes: names no lane");
    check_route("lanes = []\n", 2, "route 1: lanes: names no lane");
    check_route(
        "order = \"weighted\"\nlanes = [\n\"a\",\n\"b\"\n]\n",
        5,
        "route 1: lanes: names the lane b, which does not exist",
    );
    check_route(
        "name = \"codes\"\nlanes = [\"a\", \"a\"]\n",
        3,
        "route 1 (codes): lanes: names the lane a twice",
    );
    check_route(
        "[[routes.lanes]]\nname = \"a\"\nweight = 0\n",
        2,
        "route 1: lanes: gives the lane a a weight that is not above 0",
    );
    check_route(
        "lanes = [{ name = \"a\", cost = -1 }]\n",
        2,
        "route 1: lanes: gives the lane a a cost that is no number from 0 on",
    );
    check_route(
        "lanes = \"a\"\n",
        2,
        "route 1: lanes: expected a list of names, or of tables with a name",
    );
    check_route(
        "lanes = [1]\n",
        2,
        "route 1: lanes: expected a list of names, or of tables with a name",
    );
    check_route(
        "lanes = [{ weight = 1.0 }]\n",
        2,
        "route 1: lanes: missing field `name`",
    );
    check_route(
        "lanes = [\"a\"]\nprefix = [\"+47\", \"47\"]\n",
        3,
        "route 1: prefix: has a prefix, number 2, that is not a plus and 1 to 15 digits",
    );
    check_route(
        "lanes = [\"a\"]\nprefix = 4790000001\n",
        3,
        "route 1: prefix: expected text or list",
    );
    check_route(
        "lanes = [\"a\"]\n[[routes]]\nlanes = [\"a\"]\n",
        3,
        "route 2: is never reached, because route 1 takes all its messages",
    );
    check_route(
        "lanes = [\"a\"]\norder = \"adaptive\"\nadaptive = { step = 2.0 }\n",
        4,
        "route 1: adaptive: has a setting `step` of `adaptive` that is out of its bounds",
    );
    check_route(
        "lanes = [\"a\"]\nfooter = \"\"\n",
        3,
        "route 1: footer: is empty",
    );
}

#[test]
fn no_fault_of_routes_speaks_of_accounts() {
    let a_fault = |rules: Vec<Rule>| {
        let routes: Routes = rules.into_iter().collect();
        let error = routes.check(["a"]).unwrap_err();
        let told = routes::told(&error);
        assert!(!told.contains("account"), "{told}");
        error.fault
    };
    let many: Vec<String> = (0..=Rule::MAX_ACCOUNTS).map(|n| n.to_string()).collect();
    let fault = a_fault(vec![Rule::default().accounts(many)]);
    assert!(matches!(fault, RouteFault::TooManyAccounts(_)));
    a_fault(vec![Rule::default()]);
    a_fault(vec![Rule::default().accounts(["b"])]);
    a_fault(vec![Rule::default().accounts(["a", "a"])]);
    a_fault(vec![Rule::default().accounts(["a"]).prefix("47")]);
    a_fault(vec![Rule::default().accounts(["a"]).calling_code(0)]);
    let adaptive = AdaptivePolicy::default().steps(2.0, 2.0);
    let adaptive = Rule::default().accounts(["a"]).adaptive(adaptive);
    a_fault(vec![adaptive.order(tidings::routing::Order::Adaptive)]);
}

#[test]
fn what_is_wrong_with_a_providers_settings_is_told_with_its_line() {
    for spec in providers::ALL {
        for setting in required(spec) {
            let text = lane_of(spec, "a");
            let mut lines = text.lines().map(|line| line.split(' ').next());
            let line = 1 + lines.position(|name| name == Some(setting.name)).unwrap();
            let written = format!("{} = \"value\"", setting.name);
            let elsewhere = format!("{} = \"env:NOWHERE\"", setting.name);
            check(
                &text.replace(&written, &elsewhere),
                &format!(
                    "line {line}: lane a: {}: the variable NOWHERE is not set",
                    setting.name
                ),
            );
            let told = load(&text.replace(&written, ""), &[]).unwrap_err();
            let told = told.to_string();
            let expected = format!(
                "conf/tidings.toml: line 1: lane a: setting {} is missing",
                setting.name
            );
            assert!(told.starts_with(&expected), "{told}");
        }
    }
}

/// What is found wrong when a lane is connected.
#[test]
fn what_only_the_provider_finds_is_told_with_its_line() {
    for spec in providers::ALL {
        let text = lane_of(spec, "a") + "bulk = 1000000\n";
        let lane = load(&text, &[]).unwrap().config.lanes.remove(0);
        for setting in required(spec) {
            let mut lines = text.lines().map(|line| line.split(' ').next());
            let line = 1 + lines.position(|name| name == Some(setting.name)).unwrap();
            let said = Account::new("a").required(setting.name).unwrap_err();
            assert_eq!(
                lane.told(said).to_string(),
                format!(
                    "conf/tidings.toml: line {line}: lane a: setting {} is missing",
                    setting.name
                )
            );
        }
        let line = text.lines().count();
        assert_eq!(
            lane.wrong("bulk", "is too much").to_string(),
            format!("conf/tidings.toml: line {line}: lane a: bulk: is too much")
        );
    }
}

#[test]
fn an_error_that_is_told_anew_keeps_its_cause_and_another_kind_stays() {
    let lane = load(&lane("a"), &[]).unwrap().config.lanes.remove(0);
    let said = Error::not_sent(ErrorKind::Config, "the address is wrong")
        .with_source(std::io::Error::other("no such host"));
    let told = lane.told(said);
    assert_eq!(
        told.to_string(),
        "conf/tidings.toml: line 1: lane a: the address is wrong"
    );
    assert_eq!(
        std::error::Error::source(&told).unwrap().to_string(),
        "no such host"
    );
    let other = Error::not_sent(ErrorKind::Unavailable, "nobody is there");
    assert_eq!(lane.told(other).to_string(), "nobody is there");
}

#[test]
fn without_a_file_there_is_no_line() {
    let names: Vec<String> = required(spec())
        .map(|setting| variable_name(spec(), setting.name))
        .collect();
    let mut set: Vec<(&str, &str)> = names.iter().map(|name| (name.as_str(), "value")).collect();
    set.push(("TIDINGS_PROVIDER", spec().id));
    let lane = load("", &set).unwrap().config.lanes.remove(0);
    assert_eq!(
        lane.wrong("bulk", "is too much").to_string(),
        format!("lane {}: bulk: is too much", spec().id)
    );
}

#[test]
fn what_is_wrong_with_a_served_api_is_told_with_its_line_or_variable() {
    let (spec, name, default) = served();
    let id = spec.id;
    let text = format!("[vendors.{id}]\n\n{name} = \"no such word\"\n");
    let told = load(&text, &[]).unwrap_err().to_string();
    let said = format!("vendors.{id}: setting {name} ");
    assert!(
        told.starts_with(&format!("conf/tidings.toml: line 3: {said}")),
        "{told}"
    );
    let variable = format!("TIDINGS_VENDORS_{id}_{name}").to_ascii_uppercase();
    let text = text.replace("no such word", default);
    let told = load(&text, &[(&variable, "no such word")]).unwrap_err();
    let told = told.to_string();
    assert!(told.starts_with(&format!("{variable}: {said}")), "{told}");
}

#[test]
fn warnings_have_the_line_too() {
    let loaded = load(&lane("a"), &[]).unwrap();
    assert!(!loaded.warnings.is_empty());
    for warning in &loaded.warnings {
        assert!(warning.starts_with("conf/tidings.toml: line "), "{warning}");
    }
}
