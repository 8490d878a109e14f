//! The vendor's code lists.

use tidings_core::{Reason, ReportedState};

use crate::error::ErrorKind;
use crate::puzzel::Dialect;
use crate::puzzel::map::codes::{
    AGES, AnotherAttempt, BUSINESS_MODELS, Billing, PARAMETERS, ParameterForm, ParsingType,
    REPORTS, SERVICE_CODES, Verdict, business_model, code_for, key, meaning_of, parameter, report,
    service_code, status, statuses,
};

// ---- what the gateway answers for each message ----

#[test]
fn a_status_code_means_what_its_dialect_says() {
    #[track_caller]
    fn check(code: i64, v3: Option<Verdict>, manual: Option<Verdict>) {
        assert_eq!(status(Dialect::V3, code).map(|row| row.verdict), v3, "v3");
        let found = status(Dialect::Manual, code).map(|row| row.verdict);
        assert_eq!(found, manual, "manual");
    }
    let same = |code, verdict| check(code, Some(verdict), Some(verdict));
    let refused = |kind| Some(Verdict::Refused(kind));

    same(1, Verdict::Queued);
    check(
        2,
        refused(ErrorKind::Rejected),
        refused(ErrorKind::Unauthorized),
    );
    check(3, Some(Verdict::Unknown), refused(ErrorKind::Forbidden));
    same(4, Verdict::Refused(ErrorKind::Forbidden));
    same(5, Verdict::Refused(ErrorKind::InvalidMessage));
    same(6, Verdict::Unknown);
    same(24, Verdict::HeldForApproval);
    same(25, Verdict::AlreadyTaken);
    same(1000, Verdict::Refused(ErrorKind::NotFound));
    for unlisted in [i64::MIN, -1, 0, 7, 23, 26, 200, 999, i64::MAX] {
        check(unlisted, None, None);
    }
}

#[test]
fn only_the_three_verdicts_that_say_so_count_as_taken() {
    for dialect in [Dialect::V3, Dialect::Manual] {
        let taken = statuses(dialect)
            .iter()
            .filter(|row| row.verdict.is_taken());
        let codes: Vec<i64> = taken.map(|row| row.code).collect();
        assert_eq!(codes, [1, 24, 25], "{dialect:?}");
    }
}

#[test]
fn status_codes_are_listed_once_and_in_order() {
    for dialect in [Dialect::V3, Dialect::Manual] {
        let codes: Vec<i64> = statuses(dialect).iter().map(|row| row.code).collect();
        assert_eq!(codes, [1, 2, 3, 4, 5, 6, 24, 25, 1000], "{dialect:?}");
    }
}

// ---- what the gateway reports in the end ----

/// Every code that the vendor lists with state, reason, whether another attempt could succeed, and
/// what was paid.
const EXPECTED: &str = "
    0   delivered   -                     not needed
    350 undelivered no_route              would fail
    351 undelivered invalid_recipient     would fail
    354 undelivered forbidden             would fail
    355 undelivered forbidden             would fail
    356 undelivered recipient_unreachable could succeed
    357 undelivered recipient_blocked     would fail
    358 undelivered compliance_blocked    would fail
    359 undelivered compliance_blocked    would fail
    360 undelivered invalid_request       would fail
    361 expired     expired               could succeed
    362 expired     expired               could succeed
    363 undelivered carrier_error         could succeed
    364 undelivered recipient_unreachable could succeed
    368 undelivered carrier_error         could succeed
    369 undelivered carrier_error         untold
    370 undelivered unspecified           untold
    371 undelivered carrier_error         could succeed
    380 failed      unauthorized          would fail
    385 failed      forbidden             would fail
    386 undelivered unspecified           untold
    390 delivered   -                     not needed
    650 failed      unspecified           could succeed
    651 failed      no_route              would fail
    652 failed      unspecified           untold
    653 failed      unspecified           untold
    654 failed      invalid_recipient     would fail
    655 failed      forbidden             would fail
";

#[test]
fn every_report_code_has_its_neutral_meaning() {
    let lines: Vec<&str> = EXPECTED.trim().lines().collect();
    assert_eq!(lines.len(), 28);
    assert_eq!(REPORTS.len(), 28);
    for (line, row) in lines.iter().zip(REPORTS) {
        let another_attempt = match row.another_attempt {
            AnotherAttempt::NotNeeded => "not needed",
            AnotherAttempt::CouldSucceed => "could succeed",
            AnotherAttempt::WouldFail => "would fail",
            AnotherAttempt::Untold => "untold",
        };
        let reason = row.reason.map_or("-", Reason::as_str);
        let found = format!("{} {} {reason} {another_attempt}", row.code, row.state);
        let expected: Vec<&str> = line.split_whitespace().collect();
        assert_eq!(found, expected.join(" "));
        assert_eq!(meaning_of(row.code), (row.state, row.reason));
        assert_eq!(report(row.code), Some(row));
    }
}

#[test]
fn report_codes_are_listed_once_and_in_order() {
    assert!(REPORTS.is_sorted_by(|one, next| one.code < next.code));
}

#[test]
fn two_codes_say_that_payment_and_delivery_went_apart() {
    let apart = REPORTS
        .iter()
        .filter(|row| row.billing != Billing::AsDelivered);
    let apart: Vec<(i64, Billing)> = apart.map(|row| (row.code, row.billing)).collect();
    let expected = [
        (386, Billing::BilledNotDelivered),
        (390, Billing::DeliveredNotBilled),
    ];
    assert_eq!(apart, expected);
}

#[test]
fn a_code_that_is_not_listed_leaves_the_message_unknown() {
    let unknown = (ReportedState::Unknown, Some(Reason::Unspecified));
    for code in [i64::MIN, -1, 1, 352, 353, 365, 367, 387, 656, i64::MAX] {
        assert_eq!(report(code), None, "{code}");
        assert_eq!(meaning_of(code), unknown, "{code}");
    }
}

#[test]
fn what_a_listed_code_says_can_be_said_again() {
    for row in REPORTS {
        let code = code_for(row.state, row.reason).unwrap();
        let (state, reason) = meaning_of(code);
        assert_eq!((state, reason), (row.state, row.reason), "{}", row.code);
    }
}

/// A delivery is never made of a failure and no failure of a delivery; a reason is kept wherever the
/// vendor has a code for it, even if that code is of another failed state.
#[test]
fn every_end_has_a_code_that_says_no_more_than_is_known() {
    let reasons = Reason::ALL.iter().copied().map(Some).chain([None]);
    for reason in reasons {
        for &state in ReportedState::ALL {
            let Some(code) = code_for(state, reason) else {
                let is_told = state.is_final() && state != ReportedState::Canceled;
                assert!(!is_told, "{state} has no code");
                continue;
            };
            assert!(state.is_final(), "{state} is no end");
            let (told, told_reason) = meaning_of(code);
            assert!(told.is_final(), "{code} is not listed");
            let is_delivered = state == ReportedState::Delivered;
            assert_eq!(told == ReportedState::Delivered, is_delivered, "{code}");
            let has_code = REPORTS.iter().any(|row| row.reason == reason);
            let is_failure = !matches!(state, ReportedState::Delivered | ReportedState::Expired);
            if is_failure && has_code && reason.is_some() {
                assert_eq!(told_reason, reason, "{state} {reason:?}");
            }
        }
    }
}

// ---- premium messages ----

#[test]
fn goods_and_services_are_five_digits_listed_once_and_in_order() {
    assert_eq!(SERVICE_CODES.len(), 91);
    assert!(SERVICE_CODES.is_sorted_by(|one, next| one.code < next.code));
    for row in SERVICE_CODES {
        let is_code = row.code.len() == 5 && row.code.bytes().all(|byte| byte.is_ascii_digit());
        assert!(is_code, "{}", row.code);
        assert!(!row.name.is_empty(), "{}", row.code);
        assert_eq!(service_code(row.code), Some(row));
    }
    assert_eq!(
        SERVICE_CODES.iter().filter(|row| row.is_group()).count(),
        16
    );
}

#[test]
fn prices_of_goods_and_services_have_the_published_bounds() {
    #[track_caller]
    fn check(code: &str, maximum: i64) {
        let prices = service_code(code).unwrap().prices();
        assert_eq!((*prices.start(), *prices.end()), (100, maximum));
    }
    check("01000", 50_000);
    check("02001", 50_000);
    check("04003", 50_000);
    check("05000", 100_000);
    check("16007", 100_000);
    check("16008", 50_000);
    check("89001", 100_000);
    assert_eq!(service_code("2001"), None);
    assert_eq!(service_code("99999"), None);
}

#[test]
fn business_models_are_an_open_list_with_bounds() {
    assert_eq!(BUSINESS_MODELS.len(), 10);
    let donation = business_model("DONATION").unwrap();
    assert_eq!(donation.prices(), 100..=100_000);
    let voting = business_model("VOTING").unwrap();
    assert_eq!(voting.prices(), 100..=50_000);
    assert_eq!(business_model("contact center"), None);
    assert_eq!(AGES, [0, 16, 18]);
}

// ---- parameters ----

#[test]
fn parameters_are_known_in_their_own_spelling() {
    assert_eq!(PARAMETERS.len(), 11);
    for row in PARAMETERS {
        assert_eq!(parameter(row.key), Some(row));
    }
    assert!(parameter(key::PARSING_TYPE).is_some());
    for misspelt in ["business_model", "parsing_type", "DCS", ""] {
        assert_eq!(parameter(misspelt), None, "{misspelt}");
    }
}

#[test]
fn values_of_parameters_are_judged_by_their_form() {
    #[track_caller]
    fn check(key: &str, good: &[&str], bad: &[&str]) {
        let form = parameter(key).unwrap().form;
        for value in good {
            assert!(form.accepts(value), "{value} is refused");
        }
        for value in bad {
            assert!(!form.accepts(value), "{value} is accepted");
        }
    }
    check(key::BUSINESS_MODEL, &["DONATION", "productA"], &[""]);
    check(key::DCS, &["F5", "15", "00"], &["", "F", "000", "G1", "+1"]);
    check(key::UDH, &["0B", "050003FF0201"], &["", "0", "0B0", "xy"]);
    check(key::PID, &["65", "71"], &["64", "72", "", "A"]);
    check(key::FLASH, &["true", "TRUE", "false"], &["1", ""]);
    check(key::PARSING_TYPE, &["AUTO_DETECT", "NONE"], &["auto", ""]);
    check(key::STREX_VERIFICATION_TIMEOUT, &["0", "30"], &["31", "-1"]);
    check(key::STREX_MERCHANT_SELL_OPTION, &["pin"], &["PIN", ""]);
    check(key::STREX_CONFIRM_CHANNEL, &["sms", "ussd"], &["mail"]);
    check(key::SKIP_CUSTOMER_REPORT_DELIVERY, &["true"], &["yes"]);
    check(key::STREX_AUTHORIZATION_TOKEN, &["t"], &[""]);
    assert!(ParameterForm::Text.accepts(" "));
}

#[test]
fn parsing_types_are_read_in_any_casing() {
    for way in ParsingType::ALL {
        assert_eq!(ParsingType::named(way.as_str()), Some(way));
        let lower = format!(" {} ", way.as_str().to_lowercase());
        assert_eq!(ParsingType::named(&lower), Some(way));
        assert_eq!(way.to_string(), way.as_str());
    }
    assert_eq!(ParsingType::named("AUTODETECT"), None);
}
