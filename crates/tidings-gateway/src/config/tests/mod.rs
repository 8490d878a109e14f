//! Tests of the configuration. Those of lanes go through the registry, so they hold for every provider.

mod faults;

use std::fmt::Write as _;

use tidings::provider::Presence;
use tidings::{ErrorKind, ProviderSpec, Setting, providers};

use super::keys::{KEYS, LANES, ROUTES};
use super::lanes::{LaneOptions, variable_name};
use super::*;

fn spec() -> &'static ProviderSpec {
    providers::ALL.first().expect("a provider is compiled in")
}

fn required(spec: &'static ProviderSpec) -> impl Iterator<Item = &'static Setting> {
    let settings = spec.settings.iter();
    settings.filter(|setting| setting.is_required())
}

fn secret() -> &'static Setting {
    required(spec())
        .find(|setting| setting.is_secret)
        .expect("every provider has a secret")
}

/// A lane of a provider with every required setting.
fn lane_of(spec: &'static ProviderSpec, id: &str) -> String {
    let mut text = format!("[[lanes]]\nid = \"{id}\"\nprovider = \"{}\"\n", spec.id);
    for setting in required(spec) {
        text = text + setting.name + " = \"value\"\n";
    }
    text
}

fn lane(id: &str) -> String {
    lane_of(spec(), id)
}

fn load(text: &str, variables: &[(&str, &str)]) -> tidings::Result<Loaded> {
    let file = ConfigFile::parse(Path::new("conf/tidings.toml"), text)?;
    Config::load(Some(&file), &variables.iter().copied().collect())
}

#[track_caller]
fn check_refused(text: &str, expected: &str) {
    let error = load(text, &[]).expect_err("refused");
    assert_eq!(error.kind(), ErrorKind::Config);
    let told = error.to_string();
    assert!(told.contains(expected), "{told}");
}

#[test]
fn nothing_is_needed() {
    let config = Config::default();
    assert_eq!(config.server.listen.to_string(), "127.0.0.1:8080");
    assert_eq!(config.server.drain, Duration::from_secs(30));
    assert!(config.server.tls.is_none());
    assert_eq!(config.sending.policy, DeliveryPolicy::Reconcile);
    assert!(config.lanes.is_empty() && config.routes.rules().len() == 0);
}

#[test]
fn every_default_is_what_its_key_takes() {
    // Written out, the defaults are read as the defaults are.
    let mut text = String::new();
    for section in keys::SECTIONS {
        writeln!(text, "[{section}]").unwrap();
        for key in KEYS.iter().filter(|key| key.section == *section) {
            match key.default {
                Some(default) if key.form.starts_with("list") => {
                    writeln!(text, "{} = [{default}]", key.name).unwrap();
                }
                Some(default) => writeln!(text, "{} = \"{default}\"", key.name).unwrap(),
                None if *section == "server.tls" => writeln!(text, "{} = \"x\"", key.name).unwrap(),
                None => {}
            }
        }
    }
    let config = load(&text, &[]).unwrap().config;
    assert_eq!(
        format!("{:?}", config.sending),
        format!("{:?}", Config::default().sending)
    );
    assert_eq!(
        format!("{:?}", config.limits),
        format!("{:?}", Config::default().limits)
    );
    assert_eq!(
        config.server.tls.unwrap().cert,
        Path::new("conf/x"),
        "paths start from the file"
    );
    let lane = load(&lane("a"), &[]).unwrap().config.lanes.remove(0);
    assert_eq!(
        (lane.in_flight, lane.timeout),
        (16, Duration::from_secs(30))
    );
}

#[test]
fn a_whole_file() {
    let text = r#"
[server]
listen = "0.0.0.0:80"
public_url = "https://sms.example.org/"
tls = { listen = "[::]:443", cert = "cert.pem", key = "/etc/key.pem" }
[store]
url = "sqlite://data/t.db"
[sending]
policy = "at_most_once"
valid_for = "1h30m"
quiet_hours = "21:00-08:00"
blackout_dates = [2026-12-24, "2026-12-25"]
zone = "Europe/Oslo"
region = "NO"
[webhooks]
allowed_networks = ["10.1.0.0/16", "fd00::/8"]
[monitoring]
log = "json"
failure_rate = 0.25
[[routes]]
name = "codes"
prefix = "+224"
lanes = ["b"]
footer = "STOP to 1960"
[[routes]]
order = "weighted"
lanes = ["a", { name = "b", weight = 2 }]
"#;
    let text = text.to_owned() + &lane("a") + &lane("b");
    let config = load(&text, &[]).unwrap().config;
    assert_eq!(
        config.server.public_url.as_deref(),
        Some("https://sms.example.org")
    );
    let tls = config.server.tls.unwrap();
    assert_eq!(
        (tls.cert, tls.key),
        ("conf/cert.pem".into(), "/etc/key.pem".into())
    );
    assert_eq!(config.store.url, StoreUrl::Sqlite("conf/data/t.db".into()));
    assert_eq!(config.sending.valid_for, Duration::from_mins(90));
    assert_eq!(config.sending.blackout_dates.len(), 2);
    assert_eq!(config.webhooks.allowed_networks.len(), 2);
    assert_eq!(config.monitoring.log, LogForm::Json);
    assert_eq!(config.routes.rules().len(), 2);
    assert_eq!(config.footers, [Some("STOP to 1960".to_owned()), None]);
}

#[test]
fn without_rules_every_lane_is_tried_in_order() {
    let config = load(&(lane("a") + &lane("b")), &[]).unwrap().config;
    let rule = config.routes.rules().next().unwrap();
    let names: Vec<&str> = rule
        .named_accounts()
        .iter()
        .map(|account| account.name.as_str())
        .collect();
    assert_eq!(names, ["a", "b"]);
    assert_eq!(config.footers, [None]);
}

#[test]
fn variables_go_before_the_file() {
    let text = "[server]\nlisten = \"127.0.0.1:1\"\n[store]\nurl = \"memory:\"\n";
    let variables = [
        ("TIDINGS_SERVER_LISTEN", "127.0.0.1:2"),
        ("TIDINGS_STORE_URL", "sqlite://here.db"),
        ("TIDINGS_SENDING_BLACKOUT_DATES", "2026-12-24, 2026-12-25"),
        ("TIDINGS_SERVER_TLS_CERT", "c.pem"),
        ("TIDINGS_SERVER_TLS_KEY", "k.pem"),
    ];
    let config = load(text, &variables).unwrap().config;
    assert_eq!(config.server.listen.port(), 2);
    assert_eq!(config.store.url, StoreUrl::Sqlite("here.db".into()));
    assert_eq!(config.sending.blackout_dates.len(), 2);
    assert_eq!(config.server.tls.unwrap().cert, Path::new("c.pem"));

    let told = load("", &[("TIDINGS_SERVER_LISTEM", "x")]).unwrap_err();
    assert!(told.to_string().contains("TIDINGS_SERVER_LISTEM"), "{told}");
    let told = load("", &[("TIDINGS_SERVER_LISTEN", "x")]).unwrap_err();
    assert!(
        told.to_string()
            .contains("TIDINGS_SERVER_LISTEN: expected an address"),
        "{told}"
    );
}

#[test]
fn every_key_of_a_section_has_a_variable() {
    for key in KEYS {
        let is_one = !matches!(key.section, LANES | ROUTES);
        assert_eq!(key.variable().is_some(), is_one, "{key:?}");
    }
}

#[test]
fn unknown_keys_are_refused_naming_key_and_line() {
    check_refused(
        "lane = 1\n",
        "conf/tidings.toml: line 1: the key lane is not known",
    );
    check_refused(
        "[server]\n\nlisten = \"127.0.0.1:0\"\nport = 1\n",
        "line 4: the key port is not known in [server]",
    );
    check_refused(
        "[server]\n[server.tls]\ncrt = \"a\"\n",
        "line 3: the key crt is not known in [server.tls]",
    );
    check_refused(
        &(lane("a") + "colour = 1\n"),
        "lane a: the key colour is not known",
    );
    check_refused(
        "[[routes]]\nlanes = [\"a\"]\ncolour = 1\n",
        "line 3: route 1: the key colour is not known; expected one of: name, prefix, calling_code, region, sender, tag, kind, priority, lanes, order",
    );
}

#[test]
fn wrong_values_are_refused_naming_the_key() {
    check_refused(
        "[server]\nlisten = \"here\"\n",
        "line 2: server.listen: expected an address",
    );
    check_refused(
        "[server]\nlisten = [1, 2]\n",
        "server.listen: expected address",
    );
    check_refused(
        "[server]\ndrain = \"soon\"\n",
        "server.drain: expected a duration",
    );
    check_refused(
        "[server]\ntrusted_proxies = [\"10.0.0.1\", \"proxy\"]\n",
        "server.trusted_proxies: expected networks such as 10.1.0.0/16",
    );
    check_refused(
        "[server]\nproxy_header = \"via\"\n",
        "server.proxy_header: expected x-forwarded-for or forwarded",
    );
    check_refused("[server]\nidle = \"0s\"\n", "server.idle: must be above 0");
    check_refused(
        "[server]\npublic_url = \"sms.example.org\"\n",
        "server.public_url: expected a URL",
    );
    check_refused("[store]\nurl = \"tidings.db\"\n", "store.url: ");
    check_refused("[sending]\npolicy = \"once\"\n", "sending.policy: ");
    check_refused(
        "[sending]\nmax_parts = 256\n",
        "sending.max_parts: expected a whole number from 1 to 255",
    );
    check_refused(
        "[sending]\nquiet_hours = \"8-9\"\n",
        "sending.quiet_hours: expected hours",
    );
    check_refused(
        "[monitoring]\nfailure_rate = 2\n",
        "monitoring.failure_rate: expected a number from 0 to 1",
    );
    check_refused("server = 1\n", "server must be a table");
    check_refused("lanes = 1\n", "must be written as [[lanes]]");
    check_refused("[[lanes]]\nprovider = \"x\"\n", "lane 1 needs the key id");
    check_refused("[[lanes]]\nid = \"a\"\n", "lane a needs the key provider");
    check_refused(
        "[[lanes]]\nid = \"a\"\nprovider = \"nobody\"\n",
        "nobody is no provider; there are",
    );
    check_refused(
        &(lane("a") + "rate = 0\n"),
        "rate: expected a number above 0",
    );
    check_refused(
        &(lane("a") + "in_flight = 5000\n"),
        "in_flight: expected a whole number from 1 to 1024",
    );
    check_refused(&(lane("a") + "region = \"Guinea\"\n"), "lane a: region: ");
    check_refused(
        &format!("[[lanes]]\nid = \"a\"\nprovider = \"{}\"\n", spec().id),
        "is missing",
    );
    check_refused("a = \"no end\n", "line 1");
    check_refused(
        "[[routes]]\nlanes = [\"a\"]\nfooter = 1\n",
        "route 1: footer: expected text",
    );
}

#[test]
fn what_cannot_work_together_is_refused_naming_the_key() {
    check_refused(&(lane("a") + &lane("a")), "two lanes have the id a");
    check_refused(
        &(lane("a") + "[[routes]]\nprefix = \"+47\"\n"),
        "route 1: lanes: names no lane",
    );
    check_refused(
        &(lane("a") + "[[routes]]\nlanes = [\"b\"]\n"),
        "names the lane b, which does not exist",
    );
    let unreachable =
        "[[routes]]\nlanes = [\"a\"]\n[[routes]]\nprefix = \"+47\"\nlanes = [\"a\"]\n";
    check_refused(&(lane("a") + unreachable), "is never reached");
    check_refused(
        "[server]\n[server.tls]\ncert = \"a\"\n",
        "server.tls.key is missing",
    );
    let same = "[server]\nlisten = \"127.0.0.1:80\"\n[server.tls]\nlisten = \"127.0.0.1:80\"\ncert = \"a\"\nkey = \"b\"\n";
    check_refused(same, "server.tls.listen is the address of server.listen");
    check_refused(
        "[sending]\nsettle = \"1h\"\n",
        "sending.settle is longer than sending.grace",
    );
    for spec in providers::ALL {
        let calls_us = spec.parse_callback.is_some();
        let each = [
            (
                "low_balance = 1\n",
                "low_balance",
                spec.capabilities.balance,
            ),
            (
                "callback_token = \"0123456789abcdef\"\n",
                "callback_token",
                calls_us,
            ),
            ("inbound_account = \"a\"\n", "inbound_account", calls_us),
        ];
        for (line, key, is_possible) in each {
            let loaded = load(&(lane_of(spec, "a") + line), &[]);
            assert_eq!(loaded.is_ok(), is_possible, "{} {key}", spec.id);
            if let Err(error) = loaded {
                assert!(error.to_string().contains(key), "{error}");
            }
        }
    }
}

#[test]
fn options_of_a_lane() {
    let options = "from = \"Tidings\"\nregion = \"GN\"\nin_flight = 8\nrate = 2.5\ndaily_cap = 10_000\nbulk = 5\ntimeout = \"5s\"\n";
    let text = lane("one") + options;
    let file = ConfigFile::parse(Path::new("t.toml"), &text).unwrap();
    let expected = LaneOptions {
        from: Some(SenderId::parse("Tidings").unwrap()),
        region: Some("GN".parse().unwrap()),
        in_flight: Some(8),
        rate: Some(2.5),
        daily_cap: Some(10_000),
        bulk: Some(5),
        timeout: Some(Duration::from_secs(5)),
        ..LaneOptions::default()
    };
    let [lane] = file.lanes() else { panic!() };
    assert_eq!(lane.options, expected);
}

#[test]
fn what_is_missing_names_its_own_variable_and_what_may_take_its_place() {
    for spec in providers::ALL {
        let text = format!("[[lanes]]\nid = \"a\"\nprovider = \"{}\"\n", spec.id);
        let told = load(&text, &[]).unwrap_err().to_string();
        let missing = required(spec).next().unwrap();
        let mut named = vec![variable_name(spec, missing.name)];
        if let Presence::RequiredUnless(other) = missing.presence {
            named.push(variable_name(spec, other));
        }
        let found: Vec<&str> = told
            .split(|character: char| !character.is_ascii_alphanumeric() && character != '_')
            .filter(|word| word.starts_with("TIDINGS_"))
            .collect();
        assert_eq!(found, named, "{told}");
    }
}

#[test]
fn a_secret_does_not_show() {
    let error = ConfigFile::parse(Path::new("t.toml"), "key = \"s3cret\" oops\n").unwrap_err();
    assert!(!format!("{error} {error:?}").contains("s3cret"));
    let text = lane("a").replace("value", "s3cret");
    let file = ConfigFile::parse(Path::new("t.toml"), &text).unwrap();
    let config = load(&text, &[]).unwrap().config;
    assert!(!format!("{file:?} {config:?}").contains("s3cret"));
}

#[test]
fn secrets_come_from_variables_and_files_and_a_literal_one_warns() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("key");
    std::fs::write(&path, "from a file\n").unwrap();
    let written = format!("{} = \"value\"", secret().name);
    let of = |loaded: Loaded| {
        let lane = loaded.config.lanes.into_iter().next().unwrap();
        lane.account.setting(secret().name).map(str::to_owned)
    };
    let warnings = load(&lane("a"), &[]).unwrap().warnings;
    assert!(
        warnings
            .iter()
            .any(|warning| warning.contains(secret().name)),
        "{warnings:?}"
    );

    let text = lane("a").replace(
        &written,
        &format!("{} = \"file:{}\"", secret().name, path.display()),
    );
    assert_eq!(
        of(load(&text, &[]).unwrap()).as_deref(),
        Some("from a file")
    );

    let text = lane("a").replace(&written, &format!("{} = \"env:MY_KEY\"", secret().name));
    let loaded = load(&text, &[("MY_KEY", "from a variable")]).unwrap();
    assert!(
        loaded
            .warnings
            .iter()
            .all(|warning| !warning.contains(secret().name))
    );
    assert_eq!(of(loaded).as_deref(), Some("from a variable"));
    check_refused(&text, "the variable MY_KEY is not set");
}

#[test]
fn variables_alone_make_a_lane() {
    let names: Vec<String> = required(spec())
        .map(|setting| variable_name(spec(), setting.name))
        .collect();
    let mut set: Vec<(&str, &str)> = names.iter().map(|name| (name.as_str(), "value")).collect();
    set.push(("TIDINGS_PROVIDER", spec().id));
    let config = load("", &set).unwrap().config;
    let [lane] = config.lanes.as_slice() else {
        panic!("{config:?}")
    };
    assert_eq!(lane.account.setting(secret().name), Some("value"));

    let misspelt = variable_name(spec(), "misspelt");
    set.push((&misspelt, "value"));
    let error = load("", &set).unwrap_err();
    assert!(error.to_string().contains(&misspelt), "{error}");
}

/// A provider whose server half can be told something, a setting of it that has a default, and that.
fn served() -> (&'static ProviderSpec, &'static str, &'static str) {
    let all = providers::ALL.iter();
    let mut found = all.flat_map(|spec| {
        let settings = spec.server_settings.iter();
        settings.filter_map(move |setting| match setting.presence {
            Presence::Default(default) => Some((*spec, setting.name, default)),
            _ => None,
        })
    });
    found.next().expect("some server can be told something")
}

#[test]
fn what_is_said_of_a_vendors_api_is_its_servers_settings() {
    let (spec, name, default) = served();
    let text = format!("[vendors.{}]\n{name} = \"{default}\"\n", spec.id);
    let config = load(&text, &[]).unwrap().config;
    assert_eq!(config.vendor(spec).setting(name), Some(default));
    assert_eq!(Config::default().vendor(spec).setting(name), None);

    let variable = format!("TIDINGS_VENDORS_{}_{name}", spec.id).to_ascii_uppercase();
    let wrong = text.replace(default, "no such word");
    let config = load(&wrong, &[(&variable, default)]).unwrap().config;
    let said = config.vendor(spec);
    assert_eq!(
        said.setting(name),
        Some(default),
        "the variable goes before"
    );
    check_refused(&wrong, &format!("vendors.{}: setting {name}", spec.id));
    let misspelt = load("", &[("TIDINGS_VENDORS_MISSPELT", "x")]).unwrap_err();
    assert!(misspelt.to_string().contains("TIDINGS_VENDORS_MISSPELT"));

    let id = spec.id;
    check_refused(
        &format!("[vendors.{id}]\nmisspelt = 1\n"),
        &format!("line 2: the key misspelt is not known in [vendors.{id}]"),
    );
    check_refused(
        &format!("[vendors]\n{id} = 1\n"),
        &format!("line 2: vendors.{id} must be a table"),
    );
    check_refused("[vendors.misspelt]\n", "misspelt is no provider");
    check_refused("vendors = 1\n", "line 1: vendors must be a table");
}

#[test]
fn secrets_of_a_vendors_api_may_lie_elsewhere() {
    let long = "a secret that is long enough for every use of it";
    let mut n_secrets = 0;
    for spec in providers::ALL {
        for setting in spec.server_settings.iter().filter(|it| it.is_secret) {
            n_secrets += 1;
            let name = setting.name;
            let text = format!("[vendors.{}]\n{name} = \"env:MY_SECRET\"\n", spec.id);
            let loaded = load(&text, &[("MY_SECRET", long)]).unwrap();
            assert_eq!(loaded.config.vendor(spec).setting(name), Some(long));
            assert!(loaded.warnings.is_empty(), "{:?}", loaded.warnings);
            check_refused(&text, "the variable MY_SECRET is not set");
            let loaded = load(&text.replace("env:MY_SECRET", long), &[]).unwrap();
            let [warning] = loaded.warnings.as_slice() else {
                panic!("{:?}", loaded.warnings);
            };
            assert!(warning.contains(name) && !warning.contains(long));
            let shown = format!("{:?}", loaded.config);
            assert!(!shown.contains(long), "{shown}");
        }
    }
    assert!(n_secrets > 0);
}

#[track_caller]
fn check_duration(text: &str, expected: Option<u64>) {
    let read = values::duration(text).ok();
    assert_eq!(read, expected.map(Duration::from_millis), "{text}");
}

#[test]
fn durations() {
    check_duration("90s", Some(90_000));
    check_duration("1h30m", Some(5_400_000));
    check_duration("500ms", Some(500));
    check_duration("2d", Some(172_800_000));
    check_duration("0s", Some(0));
    for wrong in [
        "",
        "5",
        "s",
        "5 s",
        "5y",
        "-5s",
        "99999999999999999999s",
        "9999999999999d",
    ] {
        check_duration(wrong, None);
    }
}
