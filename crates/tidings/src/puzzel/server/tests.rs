//! Which place a path names. What the places do is in `tests/puzzel_server/`.

use super::place::Place;

#[track_caller]
fn check(raw_path: &str, expected: &Place) {
    assert_eq!(Place::of(raw_path).as_ref(), Some(expected), "{raw_path}");
}

fn batch(service: &str, reference: &str) -> Place {
    Place::Batch(Some(service.to_owned()), Some(reference.to_owned()))
}

#[test]
fn paths_name_places() {
    for path in [
        "/gw/rs/sendMessages",
        "//gw//rs//sendMessages//",
        "gw/rs/sendMessages",
    ] {
        check(path, &Place::Send);
    }
    let list = Place::Batches(Some("1000".to_owned()));
    for path in ["/management/1000/batch", "/mgmt/rs/service//1000//batch//"] {
        check(path, &list);
    }
    check("/management/1000/batch/b", &batch("1000", "b"));
    check(
        "/management/10%300/batch/a%252Fb/c",
        &batch("1000", "a%2Fb/c"),
    );
    check(
        "/management/management/batch/management",
        &batch("management", "management"),
    );
    check("/management/%FF/batch", &Place::Batches(None));
    let no_text = Place::Batch(Some("1".to_owned()), None);
    check("/management/1/batch/%C3", &no_text);
    for path in [
        "",
        "/",
        "/gw/rs",
        "/gw/rs/sendMessagesX",
        "/gw/rs/sendMessages/x",
        "/management",
        "/management/",
        "/management/1000",
        "/management/batch",
        "/management/1000/batches",
        "/managementX/1000/batch",
        "/mgmt/1000/batch",
        "/%6Danagement/1000/batch",
    ] {
        assert_eq!(Place::of(path), None, "{path}");
    }
}
