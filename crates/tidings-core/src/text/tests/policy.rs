//! What the settings of a policy do: references, national tables, graphemes, names; and what `Debug` shows.

use crate::text::{
    ConcatenationReference, Encoding, Language, NationalLanguages, Policy, Replacement,
    ShiftTables, TextError, plan,
};

fn sizes(text: &str, policy: Policy) -> Vec<usize> {
    plan(text, &policy)
        .unwrap()
        .parts()
        .iter()
        .map(|part| part.units)
        .collect()
}

#[test]
fn sixteen_bit_references_cost_a_septet_and_a_unit() {
    let policy = Policy::default().reference(ConcatenationReference::SixteenBit);
    assert_eq!(sizes(&"a".repeat(160), policy), [160]);
    assert_eq!(
        sizes(&"a".repeat(918), policy),
        [152, 152, 152, 152, 152, 152, 6]
    );
    assert_eq!(sizes(&"ê".repeat(70), policy), [70]);
    assert_eq!(sizes(&"ê".repeat(133), policy), [66, 66, 1]);
}

#[track_caller]
fn check_national(text: &str, national: NationalLanguages, tables: ShiftTables, parts: &[usize]) {
    let plan = plan(text, &Policy::default().national(national)).unwrap();
    assert_eq!(
        (plan.encoding(), plan.shift_tables()),
        (Encoding::Gsm7, tables)
    );
    assert_eq!(
        plan.parts()
            .iter()
            .map(|part| part.units)
            .collect::<Vec<_>>(),
        parts
    );
}

#[test]
fn national_tables_are_used_where_allowed_and_needed() {
    use Language::{Portuguese, Spanish, Turkish};
    let none = NationalLanguages::NONE;
    let every = Language::ALL.into_iter().fold(none, |all, language| {
        all.with_single(language).with_locking(language)
    });
    let turkish_single = ShiftTables::NONE.with_single(Turkish);

    assert_eq!(
        plan("Iğdır", &Policy::default()).unwrap().encoding(),
        Encoding::Ucs2
    );
    check_national("Iğdır", none.with_single(Turkish), turkish_single, &[7]);
    check_national(
        "Iğdır",
        none.with_locking(Turkish),
        ShiftTables::NONE.with_locking(Turkish),
        &[5],
    );
    // The most widely supported of those that need the same number of parts.
    check_national("Iğdır", every, turkish_single, &[7]);
    check_national(
        "Qué tal, ¿están?",
        every,
        ShiftTables::NONE.with_single(Spanish),
        &[17],
    );
    check_national(
        "coração",
        none.with_locking(Portuguese),
        ShiftTables::NONE.with_locking(Portuguese),
        &[7],
    );
    // Not needed, so not used.
    check_national("plain", every, ShiftTables::NONE, &[5]);
    // Not enough: the text is not in them.
    let policy = Policy::default().national(every);
    assert_eq!(plan("Иğ", &policy).unwrap().encoding(), Encoding::Ucs2);
}

/// 140 octets less a header of 4, 7, 9 or 12 octets.
#[test]
fn national_headers_take_their_room() {
    use Language::Turkish;
    let single = NationalLanguages::NONE.with_single(Turkish);
    let locking = NationalLanguages::NONE.with_locking(Turkish);
    let single_tables = ShiftTables::NONE.with_single(Turkish);
    check_national(
        &format!("{}ğ", "a".repeat(153)),
        single,
        single_tables,
        &[155],
    );
    check_national(
        &format!("{}ğ", "a".repeat(154)),
        single,
        single_tables,
        &[149, 7],
    );
    // An escape pair is not split.
    check_national(
        &format!("{}ğ{}", "a".repeat(148), "b".repeat(9)),
        single,
        single_tables,
        &[148, 11],
    );
    let locking_tables = ShiftTables::NONE.with_locking(Turkish);
    check_national(&"ğ".repeat(155), locking, locking_tables, &[155]);
    check_national(&"ğ".repeat(156), locking, locking_tables, &[149, 7]);
    // The euro sign is in the Turkish locking table, so it costs one septet there.
    check_national("ğ€", locking, locking_tables, &[2]);

    // Both at once: Portuguese letters that the locking table has, Greek capitals that only the single table has.
    let portuguese = Language::Portuguese;
    let both = NationalLanguages::NONE
        .with_single(portuguese)
        .with_locking(portuguese);
    let both_tables = ShiftTables::NONE
        .with_single(portuguese)
        .with_locking(portuguese);
    check_national(&format!("{}Φ", "ã".repeat(150)), both, both_tables, &[152]);
    check_national(
        &format!("{}Φ", "ã".repeat(151)),
        both,
        both_tables,
        &[146, 7],
    );
}

#[test]
fn spanish_has_no_locking_table() {
    assert_eq!(
        NationalLanguages::NONE.with_locking(Language::Spanish),
        NationalLanguages::NONE
    );
    assert_eq!(
        ShiftTables::NONE.with_locking(Language::Spanish),
        ShiftTables::NONE
    );
    assert!(NationalLanguages::NONE.is_empty());
}

#[track_caller]
fn check_graphemes(text: &str, plain: &[usize], kept: &[usize]) {
    assert_eq!(sizes(text, Policy::default()), plain);
    assert_eq!(sizes(text, Policy::default().keep_graphemes(true)), kept);
}

#[test]
fn graphemes_are_kept_only_where_that_costs_no_part() {
    let letters = |count| "ж".repeat(count);
    let thumb = "\u{1f44d}\u{1f3ff}";
    let letter = "e\u{301}";
    check_graphemes(&format!("{}{thumb}жж", letters(65)), &[67, 4], &[65, 6]);
    check_graphemes(
        &format!("{}{letter}{}", letters(66), letters(65)),
        &[67, 66],
        &[66, 67],
    );
    // Whole, 33 thumbs of 4 units would take three parts.
    check_graphemes(&thumb.repeat(33), &[66, 66], &[66, 66]);
    // The first cut is moved; moving the second too would cost a part.
    check_graphemes(
        &format!(
            "{}{letter}{}{letter}{}",
            letters(66),
            letters(64),
            letters(66)
        ),
        &[67, 67, 66],
        &[66, 67, 67],
    );
    // A cluster that no part can hold is cut where the part is full.
    check_graphemes(&format!("жo{}", "\u{301}".repeat(99)), &[67, 34], &[67, 34]);
    // CR LF is two characters, though Unicode makes it one cluster.
    check_graphemes(&format!("{}\r\nжжж", letters(66)), &[67, 4], &[67, 4]);
}

#[test]
fn levels_have_names() {
    for level in [
        Replacement::Off,
        Replacement::Typography,
        Replacement::Accents,
        Replacement::Strict,
    ] {
        assert_eq!(level.to_string().parse(), Ok(level));
        assert_eq!(serde_json::to_value(level).unwrap(), level.as_str());
    }
    assert!("Off".parse::<Replacement>().is_err());
}

#[test]
fn debug_output_and_errors_hold_no_text() {
    let policy = Policy::default().replacement(Replacement::Typography);
    let text = "sécret “secret” ".repeat(6);
    let plan = plan(&text, &policy).unwrap();
    assert!(!plan.changes().is_empty());
    let shown = format!("{plan:?} {:?} {:?}", plan.changes(), plan.user_data(0, 7));
    assert!(!shown.contains("cret") && !shown.contains('“'), "{shown}");
    let refused = crate::text::plan(
        "secret ж",
        &Policy::default().replacement(Replacement::Strict),
    )
    .unwrap_err();
    assert_eq!(
        refused,
        TextError::Unencodable {
            position: 7,
            count: 1
        }
    );
    assert!(!format!("{refused} {refused:?}").contains("secret"));
}

#[test]
fn a_plan_serialises_to_what_the_command_prints() {
    let plain = serde_json::to_value(plan(&"a".repeat(161), &Policy::default()).unwrap()).unwrap();
    let expected = serde_json::json!({"encoding": "gsm7", "units": 161, "segments": 2, "segment_units": [153, 8]});
    assert_eq!(plain, expected);
}
