//! Replacement: what changes, what stays, and how the table compares with a vendor's.

use crate::text::{
    Change, Encoding, Language, NationalLanguages, Policy, Replacement, ShiftTables, TextError,
    gsm7, plan, replace_table,
};
use serde_json::Value;
use std::collections::{BTreeMap, HashMap};
use unicode_normalization::UnicodeNormalization as _;

/// Forty-five letters, so that whatever follows needs a second part in UTF-16 and none in septets.
const LONG: &str = "abcdefghijklmnopqrstuvwxyz abcdefghijklmnopqrstuvwxyz abcdefghijklmnopqrstuv";

/// What `ending` becomes at the end of a text that a replacement saves a part of.
fn replaced(ending: &str, level: Replacement) -> String {
    let text = format!("{LONG}{ending}");
    let plan = plan(&text, &Policy::default().replacement(level)).unwrap();
    plan.text().strip_prefix(LONG).unwrap().to_owned()
}

#[track_caller]
fn check(ending: &str, typography: &str, accents: &str) {
    assert_eq!(replaced(ending, Replacement::Off), ending);
    assert_eq!(
        replaced(ending, Replacement::Typography),
        typography,
        "typography"
    );
    assert_eq!(replaced(ending, Replacement::Accents), accents, "accents");
}

#[track_caller]
fn check_typography(ending: &str, expected: &str) {
    check(ending, expected, expected);
}

#[track_caller]
fn check_accents(ending: &str, expected: &str) {
    check(ending, ending, expected);
}

#[test]
fn look_alikes_are_replaced_without_loss() {
    check_typography(" “a” ‘b’ «c» ‹d›", " \"a\" 'b' \"c\" 'd'");
    check_typography(" 1–2 — − ‑ a", " 1-2 - - - a");
    check_typography(" wait…", " wait...");
    check_typography(" 10\u{202f}000\u{a0}GNF", " 10 000 GNF");
    check_typography("a\u{200b}b\u{feff}c\u{ad}d\u{200e}", "abcd");
    check_typography(" ﬁn № ™ Ａｂ", " fin No TM Ab");
    check_typography(" ½ litre", " 1/2 litre");
    check_typography("a\tb\u{2028}c", "a b\nc");
    check_typography(" 𝐛𝐨𝐥𝐝", " bold");
    // What is in the alphabet stays, whatever else is replaced.
    check_typography(" été à Ñ § ¿ “", " été à Ñ § ¿ \"");
}

#[test]
fn accents_are_lossy_but_readable() {
    check_accents(" ça va, forêt, Noël", " ca va, foret, Noel");
    check_accents(" Łódź, Đorđe, İstanbul", " Lodz, Dorde, Istanbul");
    check_accents(" Ɛ ɛ Ɔ ɔ Ɲ ɲ ŋ", " E e O o N n ng");
    check_accents(" Œuvre CŒUR cœur", " Oeuvre COEUR coeur");
    check_accents(" ố ǻ STRAẞE", " o å STRASSE");
    check_accents(" ΚΑΛΗΜΕΡΑ ΚΌΣΜΕ", " KAΛHMEPA KOΣME");
    check_accents(" m² © °", " m2 (C) deg");
    // A letter and a mark that no composed letter exists for.
    check_accents(" x\u{302}y", " xy");
}

#[test]
fn composing_is_the_mildest_change() {
    check_typography(" e\u{301}te\u{301}", " été");
    check_typography(" A\u{30a}ngstrom \u{212b}", " Ångstrom Å");
    let text = format!("{LONG} e\u{301}");
    let plan = plan(
        &text,
        &Policy::default().replacement(Replacement::Typography),
    )
    .unwrap();
    let [
        Change {
            position,
            original,
            replacement,
            ..
        },
    ] = plan.changes()
    else {
        panic!("one change is expected: {plan:?}")
    };
    assert_eq!(
        (*position, *original, replacement.as_ref()),
        (LONG.len() + 1, "e\u{301}", "é")
    );
}

/// Marks are never made visible: a decomposed a with circumflex is a letter, not an `a^`.
#[test]
fn meaning_is_not_damaged() {
    check_accents(" a\u{302} pâte", " a pate");
    check(" ≠ a\u{338}", " ≠ a\u{338}", " ≠ a\u{338}");
    check(" 5 ‰", " 5 ‰", " 5 ‰");
    check(" привет", " привет", " привет");
    check(" 😀", " 😀", " 😀");
}

/// A text that stays in UTF-16 is not made poorer for nothing.
#[test]
fn a_text_that_stays_in_utf_16_keeps_its_marks() {
    check(" “ж”", " “ж”", " “ж”");
    let family = "\u{1f468}\u{200d}\u{1f469}";
    let text = format!("{}{family}\u{200b}“", "ж".repeat(64));
    let plan = plan(&text, &Policy::default().replacement(Replacement::Accents)).unwrap();
    assert_eq!((plan.n_parts(), plan.changes().len()), (1, 1));
    assert!(plan.text().ends_with(&format!("{family}“")));
}

#[test]
fn nothing_is_replaced_where_no_part_is_saved() {
    for level in [Replacement::Typography, Replacement::Accents] {
        let policy = Policy::default().replacement(level);
        for text in ["“short”", "e\u{301}", "ça va", "naïve\u{200b}"] {
            let plan = plan(text, &policy).unwrap();
            assert_eq!(
                (plan.text(), plan.changes().len(), plan.encoding()),
                (text, 0, Encoding::Ucs2)
            );
        }
    }
    // 69 units in one part; replaced they would be 173 septets in two.
    let ellipses = "…".repeat(52) + &"a".repeat(17);
    let plan = plan(
        &ellipses,
        &Policy::default().replacement(Replacement::Accents),
    )
    .unwrap();
    assert_eq!((plan.n_parts(), plan.changes().len()), (1, 0));
}

/// Accents are not lost where typography is enough.
#[test]
fn the_mildest_degree_that_saves_the_most_is_taken() {
    let text = format!("{}\u{200b}ж", "ê".repeat(69));
    let plan = plan(&text, &Policy::default().replacement(Replacement::Accents)).unwrap();
    assert_eq!((plan.n_parts(), plan.changes().len()), (1, 1));
    assert!(plan.text().starts_with("êê"));
}

#[test]
fn addresses_are_never_touched() {
    for address in [
        "https://example.com/a–b",
        "HTTP://example.com/caf\u{e9}?q=“x”",
        "https://ex\u{200b}ample.com",
        "www.example.com/½",
        "example.com/naïve",
        "bücher.example/ﬁ",
        "cafe\u{301}.example/na\u{ef}ve",
        "mailto:x@example.com?subject=a–b",
        "näme@example.com",
    ] {
        for wrapped in [
            format!(" {address} x"),
            format!(" ({address})"),
            format!(" {address}, x"),
            format!(" lien:{address} x"),
            format!(" Fin.Ici,{address} x"),
            format!(" «…{address}» x"),
        ] {
            let text = format!("{LONG}{wrapped}");
            let plan = plan(&text, &Policy::default().replacement(Replacement::Accents)).unwrap();
            assert!(plan.text().contains(address), "{address}");
        }
    }
    // What stands around an address is not part of it.
    check_typography(
        " “https://example.com/x” – b",
        " \"https://example.com/x\" - b",
    );
    check_typography(" https://example.com/x… b", " https://example.com/x... b");
    check_typography(" «www.example.com»", " \"www.example.com\"");
    // Words that only look a little like one.
    check_accents(" fin.ça p.ê. 1.5/ê", " fin.ca p.e. 1.5/e");
    // What follows a comma behind a host is the sentence again.
    check_accents(" example.com,ê", " example.com,e");
}

/// A row of closing marks is no reason to take long.
#[test]
fn addresses_are_found_in_hostile_words() {
    let policy = Policy::default().replacement(Replacement::Typography);
    for word in [
        ")".repeat(200_000),
        ".".repeat(200_000),
        "a.bc/ ".repeat(20_000),
        "a,".repeat(100_000),
        "a.b,".repeat(50_000),
        "\u{301}".repeat(100_000),
    ] {
        let text = format!("ж example.com{word}");
        assert!(matches!(
            plan(&text, &policy),
            Err(TextError::TooManyParts { .. })
        ));
    }
}

#[test]
fn runs_of_digits_are_never_touched() {
    for digits in [
        "１２３４",
        "1²",
        "12½",
        "½½",
        "1\u{200b}2",
        "٣٤",
        "①②",
        "5㎏",
        "20º",
        "3·4",
    ] {
        let ending = format!(" {digits} x");
        check(&ending, &ending, &ending);
    }
    // One that stands alone is no run.
    check_typography(" １ x", " 1 x");
    check_accents(" ① a·b nº x", " 1 a-b no x");
}

#[test]
fn strict_replaces_what_it_must_and_refuses_the_rest() {
    let policy = Policy::default().replacement(Replacement::Strict);
    let short = plan("“ça”", &policy).unwrap();
    assert_eq!((short.text(), short.encoding()), ("\"ca\"", Encoding::Gsm7));
    assert_eq!(plan("été", &policy).unwrap().changes(), []);
    let refused = |position, count| Err(TextError::Unencodable { position, count });
    assert_eq!(plan("“a” ж ж", &policy), refused(8, 2));
    assert_eq!(plan("see https://example.com/ж–", &policy), refused(24, 2));
    assert_eq!(plan("1²", &policy), refused(1, 1));
    assert_eq!(
        plan(&"“".repeat(200), &policy.max_parts(1)),
        Err(TextError::TooManyParts {
            parts_needed: 2,
            max: 1
        })
    );
}

#[test]
fn national_letters_stay_where_their_tables_are_allowed() {
    let national = NationalLanguages::NONE.with_single(Language::Turkish);
    let policy = Policy::default()
        .replacement(Replacement::Accents)
        .national(national);
    let text = format!("{LONG} “İstanbul'da yağmur”");
    let plan = plan(&text, &policy).unwrap();
    assert_eq!(plan.text(), format!("{LONG} \"İstanbul'da yağmur\""));
    assert_eq!(
        (plan.n_parts(), plan.shift_tables()),
        (1, ShiftTables::NONE.with_single(Language::Turkish))
    );
}

fn table() -> impl Iterator<Item = (&'static str, char)> {
    let lists = [
        replace_table::INVISIBLE,
        replace_table::TYPOGRAPHY,
        replace_table::ACCENTS,
        replace_table::GUARDED,
    ];
    let rows = lists.into_iter().flatten();
    rows.flat_map(|(replacement, characters)| {
        characters
            .chars()
            .map(|character| (*replacement, character))
    })
}

#[test]
fn every_replacement_is_in_the_alphabet_and_no_original_is() {
    let mut seen = HashMap::new();
    for (replacement, character) in table() {
        assert!(
            gsm7::encode(replacement, ShiftTables::NONE).is_ok(),
            "{character:?}"
        );
        assert!(
            gsm7::encode(&character.to_string(), ShiftTables::NONE).is_err(),
            "{character:?}"
        );
        assert_eq!(
            seen.insert(character, replacement),
            None,
            "{character:?} has two replacements"
        );
    }
    assert!(seen.len() > 3_000, "{}", seen.len());
}

/// Why a character that the vendor's calculator replaces becomes another for us, or stays.
fn reason(character: char, theirs: &str, ours: Option<&str>) -> &'static str {
    match (character, ours) {
        ('\u{300}'..='\u{36f}' | '\u{1dcd}' | '\u{20d2}'..='\u{20e5}', _) => {
            "a combining mark is dropped or kept, never made visible"
        }
        ('\u{80}'..='\u{9f}', _) => "what a C1 control stood for is not known",
        ('\u{2028}' | '\u{2029}', Some("\n")) => "a line end stays one",
        (_, Some(" ")) => "one space becomes one space",
        ('‚' | '‹' | '›', Some("'")) => "a quotation mark becomes one",
        (_, Some(ours)) if ours.eq_ignore_ascii_case(theirs) => {
            "a small capital becomes a small letter"
        }
        (_, Some(_)) => "another look-alike",
        (_, None) => {
            "no look-alike in Unicode's data: ornaments, pieces of brackets, ideographic stops"
        }
    }
}

/// Characters that one vendor's calculator replaces: how many become the same here, and why the others do not.
#[test]
fn the_vendor_s_table_is_covered_but_for_named_differences() {
    let ours: HashMap<char, &str> = table()
        .map(|(replacement, character)| (character, replacement))
        .collect();
    let mut same = 0;
    let mut different: BTreeMap<&str, Vec<char>> = BTreeMap::new();
    for line in include_str!("../../../testdata/replacement.jsonl").lines() {
        let vector: Value = serde_json::from_str(line).unwrap();
        if vector["kind"] != "map" {
            continue;
        }
        let character = vector["text"].as_str().unwrap().chars().next().unwrap();
        let theirs = vector["smart"].as_str().unwrap();
        let composed = character.nfc().next().unwrap();
        match ours.get(&composed).copied() {
            Some(replacement) if replacement == theirs => same += 1,
            replacement => different
                .entry(reason(character, theirs, replacement))
                .or_default()
                .push(character),
        }
    }
    let expected = [
        (
            "a combining mark is dropped or kept, never made visible",
            15,
        ),
        ("a line end stays one", 2),
        ("a quotation mark becomes one", 3),
        ("a small capital becomes a small letter", 24),
        ("another look-alike", 2),
        (
            "no look-alike in Unicode's data: ornaments, pieces of brackets, ideographic stops",
            45,
        ),
        ("one space becomes one space", 15),
        ("what a C1 control stood for is not known", 5),
    ];
    let counts: Vec<_> = different
        .iter()
        .map(|(reason, characters)| (*reason, characters.len()))
        .collect();
    assert_eq!(
        (same, counts.as_slice()),
        (160, &expected[..]),
        "{different:?}"
    );
}

/// Whole texts that the vendor's calculator changes. Five need more parts here, on purpose: three hold C1 controls, two a run of
/// full-width digits.
#[test]
fn texts_that_the_vendor_changes_take_few_more_parts_here() {
    let policy = Policy::default().replacement(Replacement::Accents);
    let (mut fewer, mut equal, mut more) = (0, 0, Vec::new());
    for line in include_str!("../../../testdata/replacement.jsonl").lines() {
        let vector: Value = serde_json::from_str(line).unwrap();
        if vector["kind"] != "changed" {
            continue;
        }
        let plan = plan(vector["text"].as_str().unwrap(), &policy).unwrap();
        let theirs = usize::try_from(vector["segments"].as_u64().unwrap()).unwrap();
        match plan.n_parts().cmp(&theirs) {
            std::cmp::Ordering::Less => fewer += 1,
            std::cmp::Ordering::Equal => equal += 1,
            std::cmp::Ordering::Greater => more.push(vector["id"].as_str().unwrap().to_owned()),
        }
    }
    let on_purpose = [
        "ctl-160-U+0080",
        "ctl-160-U+009B",
        "ctl-160-U+009F",
        "smart-txt-24-pad159",
        "smart-txt-24-pad160",
    ];
    assert_eq!(more, on_purpose);
    assert_eq!((fewer, equal), (112, 452));
}
