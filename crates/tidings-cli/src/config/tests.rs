//! Tests of the configuration. They go through the registry, so they hold for every provider.

use super::*;

fn environment(variables: &[(&str, &str)]) -> Environment {
    let pairs = variables
        .iter()
        .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
    Environment(pairs.collect())
}

fn spec() -> &'static ProviderSpec {
    tidings::providers::ALL
        .first()
        .expect("a provider is compiled in")
}

/// A lane with every required setting.
fn lane_text(id: &str) -> String {
    let mut text = format!("[[lanes]]\nid = \"{id}\"\nprovider = \"{}\"\n", spec().id);
    for setting in required() {
        text = text + setting.name + " = \"value\"\n";
    }
    text
}

fn required() -> impl Iterator<Item = &'static Setting> {
    let settings = spec().settings.iter();
    settings.filter(|setting| setting.is_required())
}

fn secret() -> &'static Setting {
    required()
        .find(|setting| setting.is_secret)
        .expect("every provider has a secret")
}

fn pick(text: &str, account: Option<&str>, environment: &Environment) -> tidings::Result<Lane> {
    let file = ConfigFile::parse(PathBuf::from("tidings.toml"), text)?;
    let wanted = Wanted {
        account,
        provider: None,
    };
    let table = file.pick(&wanted)?.expect("the file has a lane");
    table.into_lane(&file.folder, environment, &Output::new(false))
}

#[track_caller]
fn check_refused(text: &str, expected: &str) {
    let error = pick(text, None, &environment(&[])).expect_err("refused");
    assert_eq!(error.kind(), ErrorKind::Config);
    let told = error.to_string();
    assert!(told.contains(expected), "{told}");
}

#[test]
fn the_only_lane_is_the_default() {
    let lane = pick(&lane_text("one"), None, &environment(&[])).unwrap();
    assert_eq!(lane.account.id(), "one");
    assert_eq!(lane.account.setting(secret().name), Some("value"));
}

#[test]
fn of_several_lanes_one_must_be_named() {
    let text = lane_text("one") + &lane_text("two");
    check_refused(&text, "name one with --account, of one, two");
    let lane = pick(&text, Some("two"), &environment(&[])).unwrap();
    assert_eq!(lane.account.id(), "two");
    let error = pick(&text, Some("three"), &environment(&[])).unwrap_err();
    assert!(
        error
            .to_string()
            .contains("no such lane as three; it has one, two"),
        "{error}"
    );
}

#[test]
fn options_of_a_lane() {
    let text =
        lane_text("one") + "from = \"Tidings\"\nregion = \"GN\"\nin_flight = 8\nrate = 2.5\n";
    let lane = pick(&text, None, &environment(&[])).unwrap();
    let expected = LaneOptions {
        from: Some(SenderId::parse("Tidings").unwrap()),
        region: Some("GN".parse().unwrap()),
        in_flight: Some(8),
        rate: Some(2.5),
    };
    assert_eq!(lane.options, expected);
}

#[test]
fn wrong_files_are_refused_naming_the_key() {
    check_refused("lane = 1\n", "the key lane is not known");
    check_refused("lanes = 1\n", "must be written as [[lanes]]");
    check_refused("[[lanes]]\nprovider = \"x\"\n", "lane 1 needs the key id");
    check_refused("[[lanes]]\nid = \"a\"\n", "lane a needs the key provider");
    check_refused(
        "[[lanes]]\nid = \"a\"\nprovider = \"nobody\"\n",
        "nobody is no provider; there are",
    );
    check_refused(
        &(lane_text("a") + "colour = 1\n"),
        "lane a: the key colour is not known",
    );
    check_refused(&(lane_text("a") + "rate = 0\n"), "rate must be above 0");
    check_refused(
        &(lane_text("a") + "in_flight = 5000\n"),
        "in_flight must be 1 to 1024",
    );
    check_refused(
        &(lane_text("a") + "region = \"Guinea\"\n"),
        "lane a: region: ",
    );
    check_refused(
        &(lane_text("a") + &lane_text("a")),
        "two lanes have the id a",
    );
    check_refused(
        &format!("[[lanes]]\nid = \"a\"\nprovider = \"{}\"\n", spec().id),
        "is missing",
    );
    check_refused("a = \"no end\n", "line 1");
}

#[test]
fn what_is_missing_names_its_own_variable_and_what_may_take_its_place() {
    for spec in tidings::providers::ALL {
        let written = format!("[[lanes]]\nid = \"a\"\nprovider = \"{}\"\n", spec.id);
        let told = pick(&written, None, &environment(&[]))
            .unwrap_err()
            .to_string();
        let missing = spec.settings.iter().find(|setting| setting.is_required());
        let missing = missing.unwrap();
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
fn a_secret_does_not_show_in_an_error() {
    let error = ConfigFile::parse(PathBuf::from("t.toml"), "key = \"s3cret\" oops\n").unwrap_err();
    assert!(!format!("{error} {error:?}").contains("s3cret"));
}

#[test]
fn secrets_come_from_variables_and_files() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("key");
    std::fs::write(&path, "from a file\n").unwrap();
    let written = format!("{} = \"value\"", secret().name);
    let text = lane_text("a").replace(
        &written,
        &format!("{} = \"file:{}\"", secret().name, path.display()),
    );
    let lane = pick(&text, None, &environment(&[])).unwrap();
    assert_eq!(lane.account.setting(secret().name), Some("from a file"));

    let text = lane_text("a").replace(&written, &format!("{} = \"env:MY_KEY\"", secret().name));
    let lane = pick(&text, None, &environment(&[("MY_KEY", "from a variable")])).unwrap();
    assert_eq!(lane.account.setting(secret().name), Some("from a variable"));
    let error = pick(&text, None, &environment(&[])).unwrap_err();
    assert!(
        error.to_string().contains("the variable MY_KEY is not set"),
        "{error}"
    );
}

#[test]
fn variables_alone_make_an_account() {
    let names: Vec<String> = required()
        .map(|setting| variable_name(spec(), setting.name))
        .collect();
    let set: Vec<(&str, &str)> = names.iter().map(|name| (name.as_str(), "value")).collect();
    let table = LaneTable::of_variables(spec().id).unwrap();
    let output = Output::new(false);
    let lane = table
        .clone()
        .into_lane(Path::new(""), &environment(&set), &output)
        .unwrap();
    assert_eq!(lane.account.setting(secret().name), Some("value"));

    let misspelt = variable_name(spec(), "misspelt");
    let mut set = set;
    set.push((&misspelt, "value"));
    let error = table
        .into_lane(Path::new(""), &environment(&set), &output)
        .unwrap_err();
    assert!(error.to_string().contains(&misspelt), "{error}");
}
