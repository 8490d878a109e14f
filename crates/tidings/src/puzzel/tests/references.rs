//! Callers' names for messages on their way in and out.

use proptest::prelude::*;
use tidings_core::{ClientRef, DeliveryReport, ProviderRef, ReportedState};

use crate::callback::Callback;
use crate::provider::Account;
use crate::puzzel::callback::{emit, receive};

use crate::puzzel::map::FieldFault;
use crate::puzzel::map::reference::{keep, written as outside};

#[track_caller]
fn check(written: &str, kept: &str) {
    let reference = keep(written).unwrap();
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
        let Err(FieldFault {
            field, fault: said, ..
        }) = keep(&written)
        else {
            panic!("{written:?} was taken")
        };
        assert_eq!(field, "clientReference");
        assert!(said.starts_with(fault), "{said}");
    }
}

/// A report tells the name as it was written in the call that sent the message.
#[test]
fn reports_tell_names_as_they_were_written() {
    let mut about = ProviderRef::message("7a0000000a00");
    about.reference = Some(keep("order 17").unwrap());
    let report = DeliveryReport::new(about, ReportedState::Delivered);
    let calls = emit(&Account::new("norway"), &[Callback::Report(report)]);
    let told = receive(&calls[0]).unwrap().reports.remove(0);
    assert_eq!(told.message_reference.as_deref(), Some("order 17"));
}

proptest! {
    #[test]
    fn whatever_is_kept_comes_out_as_it_was(written in "[ -~\u{e6}\u{1f600}%0-9A-F]{1,40}") {
        if let Ok(kept) = keep(&written) {
            prop_assert_eq!(outside(&kept), written);
        }
    }

    /// Of those that came in by another way.
    #[test]
    fn every_kept_name_comes_out(kept in "[!-~]{1,255}") {
        outside(&ClientRef::new(kept).unwrap());
    }
}
