//! What holds for every text: parts join to the text, none is too full, none could be saved, octets read back.

use super::second::Naive;
use crate::text::udh::Element;
use crate::text::{
    ConcatenationReference, Encoding, Language, NationalLanguages, Plan, Policy, Replacement,
    ShiftTables, gsm7, plan, ucs2, udh,
};
use proptest::prelude::*;

/// Texts in which everything that matters is frequent.
fn text() -> impl Strategy<Value = String> {
    let character = prop_oneof![
        6 => prop::char::range(' ', '~'),
        2 => prop::sample::select("éèàùÇñΔΦ€[]{}\n\r".chars().collect::<Vec<_>>()),
        2 => prop::sample::select("çêœŁ“”’–…\u{a0}\u{200b}½²ﬁＡ٣１Ğşıã".chars().collect::<Vec<_>>()),
        1 => prop::sample::select("\u{301}\u{302}\u{327}\u{338}\u{200d}\u{fe0f}😀👍\u{1f3ff}🇳🇴нд한".chars().collect::<Vec<_>>()),
        1 => any::<char>(),
    ];
    prop_oneof![
        prop::collection::vec(character, 0..400).prop_map(String::from_iter),
        "[ -Za-z]{0,700}",
        "([a-z ’]{0,30}|https://[a-z]{3}\\.[a-z]{2}/[é–a-z]{1,9} |[0-9]{1,6}){0,12}",
    ]
}

fn policy() -> impl Strategy<Value = Policy> {
    let levels = [
        Replacement::Off,
        Replacement::Typography,
        Replacement::Accents,
        Replacement::Strict,
    ];
    let references = [
        ConcatenationReference::EightBit,
        ConcatenationReference::SixteenBit,
    ];
    let languages =
        prop::collection::vec((prop::sample::select(&Language::ALL), any::<bool>()), 0..3);
    (
        prop::sample::select(levels.to_vec()),
        prop::sample::select(references.to_vec()),
        languages,
        any::<bool>(),
    )
        .prop_map(|(replacement, reference, languages, keep_graphemes)| {
            let national = languages.into_iter().fold(
                NationalLanguages::NONE,
                |national, (language, is_single)| {
                    if is_single {
                        national.with_single(language)
                    } else {
                        national.with_locking(language)
                    }
                },
            );
            let policy = Policy::default()
                .replacement(replacement)
                .reference(reference);
            policy.national(national).keep_graphemes(keep_graphemes)
        })
}

/// What one message holds beside its header.
fn capacity(plan: &Plan<'_>, header_octets: usize) -> usize {
    match plan.encoding() {
        Encoding::Gsm7 => (140 - header_octets) * 8 / 7,
        Encoding::Ucs2 => (140 - header_octets) / 2,
    }
}

/// The fewest parts of at most `each` units that hold characters of these costs in order, found by trying every cut.
fn fewest_parts(costs: &[usize], each: usize) -> usize {
    let mut fewest = vec![0];
    for end in 1..=costs.len() {
        let mut units = 0;
        let mut best = usize::MAX;
        for start in (0..end).rev() {
            units += costs[start];
            if units > each {
                break;
            }
            best = best.min(fewest[start] + 1);
        }
        fewest.push(best);
    }
    fewest.last().copied().unwrap()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1_000))]

    #[test]
    fn parts_join_to_the_text_and_none_is_too_full(text in text(), policy in policy()) {
        let Ok(plan) = plan(&text, &policy) else { return Ok(()) };
        prop_assert_eq!(plan.part_texts().collect::<String>(), plan.text());
        prop_assert_eq!(plan.original(), &text);
        prop_assert_eq!(plan.parts().iter().map(|part| part.units).sum::<usize>(), plan.units());
        let mut end = 0;
        for (index, part) in plan.parts().iter().enumerate() {
            prop_assert_eq!(part.start, end);
            end = part.end;
            let data = plan.user_data(index, 1).unwrap();
            prop_assert!(part.units <= capacity(&plan, data.header().len()));
            prop_assert!(data.octets().len() <= 140);
        }
    }

    #[test]
    fn greedy_is_minimal(text in text(), keep_graphemes: bool) {
        let plan = plan(&text, &Policy::default().keep_graphemes(keep_graphemes)).unwrap();
        let (_, alone, each, costs) = Naive::new().costs(&text, 6);
        let fewest = if costs.iter().sum::<usize>() <= alone { 1 } else { fewest_parts(&costs, each) };
        prop_assert_eq!(plan.n_parts(), fewest);
    }

    #[test]
    fn what_goes_over_the_air_reads_back(text in text(), policy in policy(), reference: u16) {
        let Ok(plan) = plan(&text, &policy) else { return Ok(()) };
        let mut received = String::new();
        for (index, part) in plan.parts().iter().enumerate() {
            let data = plan.user_data(index, reference).unwrap();
            let (elements, header) = if data.header().is_empty() { (vec![], 0) } else { udh::parse(data.octets()).unwrap() };
            prop_assert_eq!(header, data.header().len());
            let mut tables = ShiftTables::NONE;
            for element in elements {
                match element {
                    Element::SingleShift(language) => tables = tables.with_single(language),
                    Element::LockingShift(language) => tables = tables.with_locking(language),
                    Element::Concatenation8 { reference: number, total, sequence } => {
                        prop_assert_eq!(number, reference.to_be_bytes()[1]);
                        prop_assert_eq!((usize::from(total), usize::from(sequence)), (plan.n_parts(), index + 1));
                    }
                    Element::Concatenation16 { reference: number, total, sequence } => {
                        prop_assert_eq!(number, reference);
                        prop_assert_eq!((usize::from(total), usize::from(sequence)), (plan.n_parts(), index + 1));
                    }
                    Element::Other { .. } => prop_assert!(false, "nothing else was written"),
                }
            }
            let payload = data.octets().get(header..).unwrap();
            received.push_str(&match plan.encoding() {
                Encoding::Gsm7 => {
                    let septets = gsm7::unpack(payload, part.units, gsm7::fill_bits(header));
                    prop_assert_eq!(data.length(), (header * 8).div_ceil(7) + septets.len());
                    gsm7::decode(&septets, tables)
                }
                Encoding::Ucs2 => ucs2::decode(payload).unwrap(),
            });
        }
        prop_assert_eq!(received, plan.text());
    }

    #[test]
    fn packing_round_trips(septets in prop::collection::vec(0_u8..0x80, 0..170), fill_bits in 0_usize..7) {
        let octets = gsm7::pack(&septets, fill_bits);
        prop_assert_eq!(octets.len(), (fill_bits + septets.len() * 7).div_ceil(8));
        prop_assert_eq!(gsm7::unpack(&octets, septets.len(), fill_bits), septets.clone());
        if septets.last() != Some(&b'\r') && septets.last() != Some(&0) {
            let unpadded = gsm7::unpack_padded(&octets, fill_bits);
            prop_assert!(unpadded.starts_with(&septets) && unpadded.len() <= septets.len() + 1);
        }
    }

    #[test]
    fn decoding_any_octets_does_not_panic(octets in prop::collection::vec(any::<u8>(), 0..200)) {
        let _ = udh::parse(&octets);
        let _ = ucs2::decode(&octets);
        let septets = gsm7::unpack_padded(&octets, 3);
        let text = gsm7::decode(&septets, ShiftTables::NONE);
        prop_assert!(gsm7::encode(&text, ShiftTables::NONE).is_ok());
    }

    #[test]
    fn a_replaced_plan_has_fewer_parts_or_is_none(text in text(), policy in policy()) {
        let before = plan(&text, &policy.replacement(Replacement::Off)).unwrap();
        for level in [Replacement::Typography, Replacement::Accents] {
            let after = plan(&text, &policy.replacement(level)).unwrap();
            if after.changes().is_empty() {
                prop_assert_eq!(&after, &before);
            } else {
                prop_assert!(after.n_parts() < before.n_parts());
            }
        }
        if let Ok(strict) = plan(&text, &policy.replacement(Replacement::Strict)) {
            prop_assert_eq!(strict.encoding(), Encoding::Gsm7);
        }
    }

    #[test]
    fn changes_applied_to_the_original_give_the_text(text in text(), policy in policy()) {
        let Ok(plan) = plan(&text, &policy) else { return Ok(()) };
        let mut replayed = String::new();
        let mut at = 0;
        for change in plan.changes() {
            prop_assert!(change.position >= at);
            replayed.push_str(text.get(at..change.position).unwrap());
            replayed.push_str(&change.replacement);
            at = change.position + change.original.len();
            prop_assert_eq!(text.get(change.position..at), Some(change.original));
            prop_assert_ne!(change.original, change.replacement.as_ref());
        }
        replayed.push_str(text.get(at..).unwrap());
        prop_assert_eq!(replayed, plan.text());
    }
}
