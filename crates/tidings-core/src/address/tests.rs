//! Tests of numbers, regions and senders.

use proptest::prelude::*;
use rlibphonenumber::{PHONE_NUMBER_UTIL, PhoneNumberFormat};

use super::*;

#[track_caller]
fn region(letters: &str) -> Region {
    letters.parse().unwrap()
}

/// Reads `text` in `region` (empty: none) and compares the whole number or the error.
#[track_caller]
fn check(text: &str, in_region: &str, expected: Result<&str, E164Error>) {
    let default_region = (!in_region.is_empty()).then(|| region(in_region));
    let number = E164::parse(text, default_region);
    assert_eq!(
        number.as_ref().map(E164::as_str).map_err(|error| *error),
        expected,
        "{text:?} in {in_region:?}"
    );
}

#[test]
fn numbers_are_read_as_people_write_them() {
    for text in [
        "+224622000001",
        "+224 622 00 00 01",
        "+224-622-00-00-01",
        "(+224) 622.00.00.01",
        " +224 622 000 001 ",
        "\t+224622000001\r\n",
        "+224\u{a0}622\u{202f}00\u{2009}00\u{a0}01",
        "\u{ff0b}\u{ff12}\u{ff12}\u{ff14}\u{3000}\u{ff16}\u{ff12}\u{ff12}\u{ff10}\u{ff10}\u{ff10}\u{ff10}\u{ff10}\u{ff11}",
        "+\u{662}\u{662}\u{664}\u{666}\u{662}\u{662}\u{660}\u{660}\u{660}\u{660}\u{660}\u{661}",
        "\u{202a}+224 622 00 00 01\u{202c}",
        "+224 622\u{2011}00\u{2013}00\u{2212}01",
    ] {
        check(text, "", Ok("+224622000001"));
        check(text, "NO", Ok("+224622000001"));
    }
    check("622000001", "GN", Ok("+224622000001"));
    check("622 00 00 01", "GN", Ok("+224622000001"));
    check("00224622000001", "GN", Ok("+224622000001"));
    check("00 224 622 00 00 01", "NO", Ok("+224622000001"));
    check("224622000001", "GN", Ok("+224622000001"));
}

#[test]
fn numbers_of_many_countries_keep_their_form() {
    check("900 00 000", "NO", Ok("+4790000000"));
    check("+47 900 00 000", "GN", Ok("+4790000000"));
    check("(212) 555-0123", "US", Ok("+12125550123"));
    check("1 212 555 0123", "US", Ok("+12125550123"));
    check("011 224 622 000 001", "US", Ok("+224622000001"));
    check("(204) 555-0123", "CA", Ok("+12045550123"));
    // Italy's zero belongs to the number; Britain's is for calls inside the country.
    check("02 3661 8300", "IT", Ok("+390236618300"));
    check("+39 02 3661 8300", "", Ok("+390236618300"));
    check("07400 123456", "GB", Ok("+447400123456"));
    check("+44 (0)7400 123456", "", Ok("+447400123456"));
    // Iridium and Inmarsat belong to no country.
    check("+881 612 345 678", "", Ok("+881612345678"));
    check("+870 773 111 632", "", Ok("+870773111632"));
}

#[test]
fn what_is_no_number_is_refused() {
    use E164Error::*;
    check("", "GN", Err(NotANumber));
    check("  \n", "GN", Err(NotANumber));
    check("+", "GN", Err(NotANumber));
    check("-", "GN", Err(NotANumber));
    check("()", "", Err(NotANumber));
    check("622000001", "", Err(NoCountry));
    check("00224622000001", "", Err(NoCountry));
    check("+999 622 000 001", "", Err(UnknownCallingCode));
    check("+0 622 000 001", "", Err(UnknownCallingCode));
    check("(+999) 622 000 001", "", Err(UnknownCallingCode));
    check("+224 62", "", Err(BadLength));
    check("62200000", "GN", Err(NotInPlan));
    check("+224 622 000 001 000 000", "", Err(BadLength));
    check("+224 999 999 999", "", Err(NotInPlan));
    check("+1 555 0123", "", Err(BadLength));
    // Signs that have a number's worth and are no digits.
    check("+22462200000\u{b2}", "", Err(NotANumber));
    check("+22462200000\u{2460}", "", Err(NotANumber));
    check("+224622000001 +224622000002", "", Err(NotANumber));
}

#[test]
fn letters_and_extensions_are_refused_and_not_turned_into_digits() {
    let at = |position| Err(E164Error::BadCharacter { position });
    check("1-800-FLOWERS", "US", at(6));
    check("+1-800-FLOWERS", "", at(7));
    check("Tel. 622000001", "GN", at(0));
    check("tel:+224622000001", "", at(0));
    check("+224622000001;ext=12", "", at(13));
    check("+224622000001 x12", "", at(14));
    check("+224622000001#12", "", at(13));
    check("+224622000001,,12", "", at(13));
    check("*100#", "GN", at(0));
    check("+22462200000l", "", at(12));
    check("+22462200000\u{41e}", "", at(12));
    check("+224622000001\u{0}", "", at(13));
    check("\u{1f4de}+224622000001", "", at(0));
    check("  62200000l", "GN", at(8));
    check("+224622\t000001", "", at(7));
    check("622000001\n622000002", "GN", at(9));
}

#[test]
fn a_text_of_any_size_is_judged_by_its_length_first() {
    let longest = format!("+224622000001{}1", " ".repeat(E164::MAX_TEXT_BYTES - 14));
    assert_eq!(longest.len(), E164::MAX_TEXT_BYTES);
    assert_ne!(
        E164::parse(&longest, None),
        Err(E164Error::TextTooLong {
            bytes: longest.len()
        })
    );
    for bytes in [E164::MAX_TEXT_BYTES + 1, 10_000_000] {
        check(
            &"6".repeat(bytes),
            "GN",
            Err(E164Error::TextTooLong { bytes }),
        );
    }
}

#[test]
fn every_part_of_a_number_can_be_asked_for() {
    #[track_caller]
    fn check(number: &str, calling_code: u16, national: &str, in_region: Option<&str>) {
        let number = E164::parse(number, None).unwrap();
        assert_eq!(number.calling_code(), calling_code);
        assert_eq!(number.national_number(), national);
        let found = number.region().map(|region| region.as_str().to_owned());
        assert_eq!(found.as_deref(), in_region);
        assert!(number.is_valid());
    }
    check("+224622000001", 224, "622000001", Some("GN"));
    check("+4790000000", 47, "90000000", Some("NO"));
    check("+12125550123", 1, "2125550123", Some("US"));
    check("+12045550123", 1, "2045550123", Some("CA"));
    check("+18765550123", 1, "8765550123", Some("JM"));
    check("+390236618300", 39, "0236618300", Some("IT"));
    check("+881612345678", 881, "612345678", None);
}

#[test]
fn a_possible_number_need_not_be_in_the_plan() {
    #[track_caller]
    fn check(text: &str, in_region: Option<&str>, expected: Result<&str, E164Error>) {
        let number = E164::parse_possible(text, in_region.map(region));
        assert_eq!(
            number.as_ref().map(E164::as_str).map_err(|error| *error),
            expected
        );
    }
    // Kept for films and tests, so in no plan.
    check("+44 7700 900123", None, Ok("+447700900123"));
    check("07700 900123", Some("GB"), Ok("+447700900123"));
    let number: E164 = "+447700900123".parse().unwrap();
    assert!(!number.is_valid());
    assert_eq!(number.region(), None);
    assert_eq!(
        E164::parse("+447700900123", None),
        Err(E164Error::NotInPlan)
    );
    check("+44 7700 90012345", None, Err(E164Error::BadLength));
    check("+44 77", None, Err(E164Error::BadLength));
    // Seven digits can be dialled inside an American area only.
    check("555 0123", Some("US"), Err(E164Error::BadLength));
    check("622000001", None, Err(E164Error::NoCountry));
    // Austria dials one 0 in front of national numbers. One is taken off; a second would be taken
    // off when the number is read back, and make it another.
    check("+43 0 123456", None, Ok("+43123456"));
    check("+43 00 123456", None, Err(E164Error::NotInPlan));
}

#[test]
fn a_number_comes_back_from_its_digits_in_all_countries() {
    let regions = PHONE_NUMBER_UTIL.get_supported_regions();
    let mut n_numbers = 0;
    for region in regions {
        let example = PHONE_NUMBER_UTIL.get_example_number(region).unwrap();
        let text = example.format_as(PhoneNumberFormat::E164);
        let number = E164::parse_possible(&text, None).unwrap();
        let back = E164::from_digits(number.digits()).unwrap();
        assert_eq!(back, number);
        assert_eq!(back.calling_code(), number.calling_code());
        n_numbers += 1;
    }
    assert!(n_numbers > 200, "{n_numbers}");
}

#[test]
fn digits_that_cannot_be_a_number_are_refused() {
    #[track_caller]
    fn check(digits: u64, expected: Result<&str, E164Error>) {
        let found = E164::from_digits(digits);
        assert_eq!(found.as_ref().map(E164::as_str), expected.as_ref().copied());
    }

    check(0, Err(E164Error::BadLength));
    check(4, Err(E164Error::BadLength));
    check(47, Err(E164Error::BadLength));
    check(224, Err(E164Error::BadLength));
    check(2_246, Ok("+2246"));
    check(12, Ok("+12"));
    check(999_999_999_999_999, Ok("+999999999999999"));
    check(1_000_000_000_000_000, Err(E164Error::BadLength));
    check(u64::MAX, Err(E164Error::BadLength));
}

#[test]
fn regions_are_those_with_a_numbering_plan() {
    for letters in ["GN", "gn", "gN", "NO", "US", "CA", "GB", "IT", "XK", "AC"] {
        let region: Region = letters.parse().unwrap();
        assert_eq!(region.to_string(), letters.to_ascii_uppercase());
        assert_eq!(format!("{region:?}"), letters.to_ascii_uppercase());
        let json = serde_json::to_string(&region).unwrap();
        assert_eq!(json, format!("\"{region}\""));
        assert_eq!(serde_json::from_str::<Region>(&json).unwrap(), region);
    }
    for letters in [
        "", "G", "GIN", "UK", "ZZ", "XX", "AQ", "001", "22", "G ", " GN", "\u{e9}", "+1", "World",
    ] {
        assert_eq!(
            letters.parse::<Region>(),
            Err(E164Error::UnknownRegion),
            "{letters}"
        );
    }
    assert!(serde_json::from_str::<Region>("\"ZZ\"").is_err());
}

#[test]
fn debug_leaves_out_what_tells_a_number_from_others() {
    #[track_caller]
    fn check(number: &str, shown: &str) {
        let number: E164 = number.parse().unwrap();
        assert_eq!(format!("{number:?}"), shown);
        assert_eq!(number.to_string(), number.as_str());
    }
    check("+224622000001", "+2246******01");
    check("+12125550123", "+12*******23");
    check("+4790000000", "+479*****00");
    // Niue and Saint Helena: numbers so short that two shown digits would be half of them.
    check("+6834002", "+683****");
    check("+29022158", "+290*****");
}

#[test]
fn serde_takes_and_gives_the_number_with_its_plus() {
    let number: E164 = serde_json::from_str("\"+224622000001\"").unwrap();
    assert_eq!(serde_json::to_string(&number).unwrap(), "\"+224622000001\"");
    let error = serde_json::from_str::<E164>("\"622000001\"").unwrap_err();
    assert!(
        error
            .to_string()
            .starts_with("expected a phone number with + and country code")
    );
}

#[test]
fn errors_are_one_sentence_without_the_number() {
    for (text, sentence) in [
        ("", "expected a phone number"),
        (
            "+22462200000l",
            "a phone number holds digits, blanks and brackets; character 12 is another",
        ),
        (
            "622000001",
            "expected a phone number with + and country code",
        ),
        (
            "+999622000001",
            "the phone number's country code does not exist",
        ),
        (
            "+22462",
            "the phone number is too short or too long for its country",
        ),
        (
            "+224999999999",
            "the phone number does not exist in its country's numbering plan",
        ),
    ] {
        let error = E164::parse(text, None).unwrap_err();
        assert_eq!(error.to_string(), sentence);
    }
    assert_eq!(
        E164Error::TextTooLong { bytes: 200 }.to_string(),
        "the text is too long for a phone number: 200 bytes"
    );
    assert_eq!(
        E164Error::UnknownRegion.to_string(),
        "the region to read the phone number in is not known"
    );
}

#[track_caller]
fn check_sender(text: &str, expected: &SenderId) {
    assert_eq!(SenderId::parse(text).as_ref(), Ok(expected), "{text:?}");
    assert_eq!(text.parse().as_ref(), Ok(expected));
    let written = expected.to_string();
    let json = serde_json::to_string(expected).unwrap();
    assert_eq!(json, serde_json::to_string(&written).unwrap());
    assert_eq!(serde_json::from_str::<SenderId>(&json).unwrap(), *expected);
}

#[track_caller]
fn check_refused(text: &str, expected: SenderIdError) {
    assert_eq!(SenderId::parse(text), Err(expected), "{text:?}");
    let json = serde_json::to_string(text).unwrap();
    let error = serde_json::from_str::<SenderId>(&json).unwrap_err();
    assert!(error.to_string().starts_with(&expected.to_string()));
}

#[test]
fn names_have_up_to_eleven_characters_of_the_alphabet() {
    for text in [
        "Tidings",
        "T",
        "Elevenchars",
        "Post & Tel",
        "A.B,C%D-E+F",
        "My Shop 24!",
        "  Tidings  ",
        "a@b_c",
        "\"#$'()*/:;x",
        "<=>?x",
    ] {
        let name = SenderId::Alphanumeric(text.trim().into());
        assert_eq!(name.to_string(), text.trim());
        check_sender(text, &name);
    }
    check_refused("Twelve chars", SenderIdError::TooLong { length: 12 });
    check_refused(
        "Soci\u{e9}t\u{e9} Gle.",
        SenderIdError::TooLong { length: 12 },
    );
    for (text, position) in [
        ("Soci\u{e9}t\u{e9}", 4),
        ("a[b", 1),
        ("a`b", 1),
        ("ab\u{0}", 2),
        ("a\nb", 1),
        ("a\u{a0}b", 1),
        ("Caf\u{1f600}", 3),
    ] {
        check_refused(text, SenderIdError::BadCharacter { position });
    }
    for sign in ["^", "{", "}", "\\", "[", "~", "]", "|", "\u{20ac}"] {
        check_refused(
            &format!("{sign}A"),
            SenderIdError::BadCharacter { position: 0 },
        );
    }
    for text in ["&&&", "12 34", "24-7"] {
        check_refused(text, SenderIdError::NoLetter);
    }
    for text in ["", "   "] {
        check_refused(text, SenderIdError::Empty);
    }
}

#[test]
fn digits_are_a_short_code_or_need_a_plus() {
    for text in ["110", "1960", "12345678", " 1960 ", "007"] {
        check_sender(text, &SenderId::ShortCode(text.trim().into()));
    }
    for text in ["1", "12", "123456789", "622000001", "224622000001"] {
        check_refused(text, SenderIdError::BadNumber);
    }
    for text in ["+224622000001", " +224 622 00 00 01 "] {
        check_sender(
            text,
            &SenderId::International("+224622000001".parse().unwrap()),
        );
    }
    for text in ["+", "+1960", "+Tidings", "+999622000001", "+224622000001x"] {
        check_refused(text, SenderIdError::BadNumber);
    }
}

#[test]
fn debug_of_a_sender_shows_a_name_and_hides_a_number() {
    let name = SenderId::parse("Tidings").unwrap();
    assert_eq!(format!("{name:?}"), "Alphanumeric(\"Tidings\")");
    let number = SenderId::parse("+224622000001").unwrap();
    assert_eq!(format!("{number:?}"), "International(+2246******01)");
}

#[test]
fn sender_errors_are_one_sentence() {
    for (text, sentence) in [
        ("", "a sender needs at least one character"),
        (
            "Twelve chars",
            "a sender name may have 11 characters, not 12",
        ),
        (
            "a`b",
            "a sender name holds letters, digits, blanks and simple signs; character 1 is another",
        ),
        ("&", "a sender name needs at least one letter"),
        (
            "12",
            "a numeric sender is a phone number with + and country code, or a short code of 3 to 8 digits",
        ),
    ] {
        assert_eq!(SenderId::parse(text).unwrap_err().to_string(), sentence);
    }
}

/// Numbers of possible lengths all over the world, most of them in no plan.
fn any_number() -> impl Strategy<Value = E164> {
    "\\+[1-9][0-9]{5,14}".prop_filter_map("possible", |text| text.parse::<E164>().ok())
}

/// Texts of what stands in numbers, so that many get as far as the port.
fn number_like() -> impl Strategy<Value = String> {
    proptest::collection::vec(
        prop_oneof![
            6 => "[0-9]",
            2 => Just("+".to_owned()),
            2 => "[-()\\[\\]./~ ]",
            1 => "[\u{ff0b}\u{ff10}-\u{ff19}\u{660}-\u{669}\u{b2}\u{bd}\u{2460}\u{30fc}\u{ff3b}\u{200b}\u{202a}\u{2066}]",
            1 => Just("00".to_owned()),
        ],
        0..40,
    )
    .prop_map(|pieces| pieces.concat())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_text_makes_the_reader_panic(
        text in prop_oneof![number_like(), ".{0,60}", any::<String>()],
        in_region in proptest::sample::select(vec!["", "GN", "NO", "US", "IT", "BR", "AR", "JP"]),
    ) {
        let default_region = (!in_region.is_empty()).then(|| region(in_region));
        if let Ok(number) = E164::parse(&text, default_region) {
            prop_assert!(number.is_valid());
            prop_assert_eq!(E164::parse(number.as_str(), None), Ok(number));
            prop_assert_eq!(E164::parse_possible(&text, default_region), Ok(number));
        }
        if let Ok(number) = E164::parse_possible(&text, default_region) {
            prop_assert_eq!(number.as_str().parse(), Ok(number));
            let digits = number.as_str().strip_prefix('+').unwrap();
            prop_assert!(digits.len() <= 15 && digits.bytes().all(|byte| byte.is_ascii_digit()));
        }
        let _ = text.parse::<Region>();
        if let Ok(sender) = SenderId::parse(&text) {
            prop_assert_eq!(sender.to_string().parse(), Ok(sender));
        }
    }

    #[test]
    fn a_number_is_read_back_from_every_form(number in any_number()) {
        prop_assert_eq!(number.to_string().parse(), Ok(number));
        prop_assert_eq!(E164::try_from(String::from(number)), Ok(number));
        let json = serde_json::to_string(&number).unwrap();
        prop_assert_eq!(serde_json::from_str::<E164>(&json).unwrap(), number);
        let joined = format!("+{}{}", number.calling_code(), number.national_number());
        prop_assert_eq!(joined.as_str(), number.as_str());
    }

    #[test]
    fn debug_never_shows_a_whole_number(number in any_number()) {
        let shown = format!("{number:?}");
        let n_hidden = shown.matches('*').count();
        let n_national = number.national_number().len();
        prop_assert!(n_hidden >= 5 || n_hidden == n_national, "{} of {}", n_hidden, n_national);
        prop_assert_eq!(shown.len(), number.as_str().len());
        for (there, here) in shown.chars().zip(number.as_str().chars()) {
            prop_assert!(there == here || there == '*');
        }
    }
}
