//! No part of a path leaves its segment, whatever is in it: the request target is taken apart again,
//! by the crate that sends it and by the rules of the WHATWG URL Standard, which many servers and
//! proxies follow (they take `\` for `/`, throw tabs and line ends away, and resolve dots that are
//! percent-encoded).

use percent_encoding::percent_decode_str;
use proptest::prelude::*;

use crate::netsapiens::path::{Path, ROOT};

/// How a URL splitter of our own sees the path: its segments, decoded, after the dots were resolved.
fn segments(target: &str) -> Vec<String> {
    let cleaned: String = target
        .chars()
        .filter(|character| !matches!(character, '\t' | '\n' | '\r'))
        .collect();
    let path = cleaned.trim_matches(|end| end <= ' ');
    let path = path.split(['?', '#']).next().unwrap();
    let mut segments = Vec::new();
    for segment in path.split(['/', '\\']).skip(1) {
        match segment.to_ascii_lowercase().replace("%2e", ".").as_str() {
            "." => {}
            ".." => drop(segments.pop()),
            _ => segments.push(segment),
        }
    }
    let decode = |segment: &str| {
        percent_decode_str(segment)
            .decode_utf8()
            .unwrap()
            .into_owned()
    };
    segments.into_iter().map(decode).collect()
}

/// `parts` are what comes from outside, `expected` is the whole path below the root.
#[track_caller]
fn check(path: &Path, expected: &[&str]) {
    let target = path.as_str();
    let uri: http::Uri = target.parse().unwrap();
    assert_eq!(uri.path(), target, "the crate sees another path");
    assert_eq!(uri.query(), None);
    let sent = format!("http://pbx.example.test/prefix{target}");
    let sent: http::Uri = sent.parse().unwrap();
    assert_eq!(sent.authority().unwrap(), "pbx.example.test");
    let whole: Vec<&str> = ["ns-api", "v2"].iter().chain(expected).copied().collect();
    assert_eq!(segments(target), whole);
    // No more slashes than segments.
    assert_eq!(target.matches('/').count(), whole.len());
    assert!(target.starts_with(ROOT));
    assert!(!format!("{path:?}").contains(target));
}

/// All paths that have parts from outside.
#[track_caller]
fn check_part(part: &str) {
    let session = |domain, user, id| Path::user(domain, user)?.fixed("/messagesessions").part(id);
    check(&Path::domain(part).unwrap(), &["domains", part]);
    check(
        &Path::user("~", part).unwrap(),
        &["domains", "~", "users", part],
    );
    check(
        &Path::user(part, part).unwrap(),
        &["domains", part, "users", part],
    );
    let in_session = [
        "domains",
        part,
        "users",
        part,
        "messagesessions",
        part,
        "messages",
    ];
    let messages = session(part, part, part).unwrap().fixed("/messages");
    check(&messages, &in_session);
    let left = session("~", "~", part).unwrap().fixed("/leave");
    check(
        &left,
        &[
            "domains",
            "~",
            "users",
            "~",
            "messagesessions",
            part,
            "leave",
        ],
    );
    let number = Path::domain("~").unwrap().fixed("/smsnumbers").part(part);
    check(&number.unwrap(), &["domains", "~", "smsnumbers", part]);
    check(
        &Path::new("/subscriptions").part(part).unwrap(),
        &["subscriptions", part],
    );
    let of_domain = Path::domain("~")
        .unwrap()
        .fixed("/subscriptions")
        .part(part);
    check(
        &of_domain.unwrap(),
        &["domains", "~", "subscriptions", part],
    );
    let call = Path::user("~", "~").unwrap().fixed("/calls").part(part);
    check(
        &call.unwrap(),
        &["domains", "~", "users", "~", "calls", part],
    );
    check(&Path::new("/jwt").part(part).unwrap(), &["jwt", part]);
}

#[test]
fn hostile_parts_stay_in_their_segment() {
    for part in [
        "../../../../tokens?x=",
        "/",
        "//",
        "a/b",
        "a?b",
        "a#b",
        "a%b",
        "%2e%2e",
        "%2E.",
        ".%2e",
        "%00",
        "%2f",
        "%252f",
        "...",
        "..;",
        ";a=b",
        "a\\b",
        "..\\..",
        "\\",
        "a\n",
        "..\n",
        "\n..",
        ".\t.",
        "\r\n",
        "\0",
        " ",
        " ..",
        ".. ",
        "a b",
        "a+b",
        "@",
        "a@b",
        ":",
        "a:b",
        "[",
        "]",
        "\u{e5}",
        "\u{2025}",
        "\u{ff0e}\u{ff0e}",
        "\u{ff0f}",
        "\u{1f600}",
        "\u{202e}",
        "\u{7f}",
        "~",
        "*",
        "200@example.test",
        "15550101234",
        "a,b",
        "&",
        "=",
        "'",
        "\"",
        "<",
        ">",
        "|",
    ] {
        check_part(part);
    }
}

#[test]
fn parts_that_would_make_another_path_are_refused() {
    for part in ["", ".", ".."] {
        assert!(Path::domain(part).is_none(), "{part:?}");
        assert!(Path::user("~", part).is_none(), "{part:?}");
        assert!(Path::user(part, "~").is_none(), "{part:?}");
        assert!(Path::new("/subscriptions").part(part).is_none(), "{part:?}");
    }
}

proptest! {
    #[test]
    fn any_part_stays_in_its_segment(part in ".{0,40}\n?") {
        prop_assume!(!matches!(part.as_str(), "" | "." | ".."));
        check_part(&part);
    }

    /// Made of what means something to whoever takes a path apart.
    #[test]
    fn parts_of_marks_stay_in_their_segment(
        part in r"([./?%#\\;:@&=+~* \x00-\x1f\x7f]|%2[efEF]|%5[cC]|\.\.|[a-c]|\PC){1,12}\n?",
    ) {
        prop_assume!(!matches!(part.as_str(), "" | "." | ".."));
        check_part(&part);
    }
}
