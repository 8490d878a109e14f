//! Names of messages on their way in and out. The rules of messages are held by
//! `tests/puzzel_server/`, in every form in which they come.

use proptest::prelude::*;
use tidings_core::ClientRef;

use super::{inside, outside};
use crate::backend::Refusal;

#[track_caller]
fn check(written: &str, kept: &str) {
    let reference = inside(written).unwrap();
    assert_eq!(reference.as_str(), kept);
    assert_eq!(outside(&reference), written);
}

#[test]
fn names_are_kept_reversibly() {
    for unchanged in [
        "r",
        "ref-1",
        "!\"#$%&'()*+,-./~",
        "50%",
        "%",
        "%%",
        "%2",
        "%2g",
    ] {
        check(unchanged, unchanged);
    }
    for (written, kept) in [
        ("a b", "a%20b"),
        ("%20", "%2520"),
        ("%zz%41", "%zz%2541"),
        ("% ", "%%20"),
        ("%2 ", "%2%20"),
        ("%\u{e6}", "%%C3%A6"),
        ("\u{1f600}", "%F0%9F%98%80"),
        ("\u{a0}", "%C2%A0"),
    ] {
        check(written, kept);
    }
    check(&"x".repeat(255), &"x".repeat(255));
    check(&" ".repeat(85), &"%20".repeat(85));
}

#[test]
fn names_that_cannot_be_kept_are_refused() {
    for (written, fault) in [
        ("x".repeat(256), "is too long"),
        (" ".repeat(86), "is too long"),
        ("a\nb".to_owned(), "must not hold control characters"),
        ("\u{0}".to_owned(), "must not hold control characters"),
        ("\u{85}".to_owned(), "must not hold control characters"),
        ("\u{ffff}".to_owned(), "must not hold control characters"),
    ] {
        let Err(Refusal::Invalid { field, fault: said }) = inside(&written) else {
            panic!("{written:?} was taken")
        };
        assert_eq!(field, "clientReference");
        assert!(said.starts_with(fault), "{said}");
    }
}

proptest! {
    #[test]
    fn whatever_is_kept_comes_out_as_it_was(written in "[ -~\u{e6}\u{1f600}%0-9A-F]{1,40}") {
        if let Ok(kept) = inside(&written) {
            prop_assert_eq!(outside(&kept), written);
        }
    }

    /// Of those that came in by another way.
    #[test]
    fn every_kept_name_comes_out(kept in "[!-~]{1,255}") {
        outside(&ClientRef::new(kept).unwrap());
    }
}
