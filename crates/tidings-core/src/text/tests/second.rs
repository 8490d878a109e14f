//! A second, naive implementation, written from the rules alone and compared with `plan` on a million random texts.
//!
//! It shares nothing with the first: its alphabet is a string, its cuts are made character by character, its fewest parts are found
//! by trying every cut.

use crate::text::{ConcatenationReference, Policy, plan};
use std::collections::HashMap;

const BASIC: &str = "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà";
const TWO_SEPTETS: &str = "\u{c}^{}\\[~]|€";

pub(super) struct Naive {
    septets: HashMap<char, usize>,
}

#[derive(Debug, PartialEq, Eq)]
pub(super) struct Answer {
    pub(super) encoding: &'static str,
    pub(super) units: usize,
    /// First byte, byte after the last, units.
    pub(super) parts: Vec<(usize, usize, usize)>,
}

impl Naive {
    pub(super) fn new() -> Self {
        let one = BASIC.chars().map(|character| (character, 1));
        let two = TWO_SEPTETS.chars().map(|character| (character, 2));
        Self {
            septets: one.chain(two).collect(),
        }
    }

    /// The encoding's name, what a lone message and a part hold, and what each character costs.
    pub(super) fn costs(
        &self,
        text: &str,
        header: usize,
    ) -> (&'static str, usize, usize, Vec<usize>) {
        let septets: Option<Vec<usize>> = text
            .chars()
            .map(|character| self.septets.get(&character).copied())
            .collect();
        match septets {
            Some(costs) => ("gsm7", 160, (140 - header) * 8 / 7, costs),
            None => (
                "ucs2",
                70,
                (140 - header) / 2,
                text.chars().map(char::len_utf16).collect(),
            ),
        }
    }

    pub(super) fn plan(&self, text: &str, header: usize) -> Answer {
        let (encoding, alone, each, costs) = self.costs(text, header);
        let units = costs.iter().sum();
        let mut parts = Vec::new();
        let (mut start, mut end, mut filled) = (0, 0, 0);
        for (character, cost) in text.chars().zip(costs) {
            if units > alone && filled + cost > each {
                parts.push((start, end, filled));
                (start, filled) = (end, 0);
            }
            end += character.len_utf8();
            filled += cost;
        }
        parts.push((start, end, filled));
        Answer {
            encoding,
            units,
            parts,
        }
    }
}

/// Numbers that are the same in every run (xorshift).
pub(super) struct Random(u64);

impl Random {
    pub(super) const fn new(seed: u64) -> Self {
        Self(seed)
    }

    pub(super) fn below(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 % u64::try_from(limit).unwrap()).unwrap()
    }

    fn pick(&mut self, from: &[char]) -> char {
        from[self.below(from.len())]
    }

    /// Texts of the kinds that take different paths: plain, accented, with escapes, one character outside, Cyrillic, emoji, mixed.
    pub(super) fn text(&mut self, kinds: &[Vec<char>; 6], text: &mut String) {
        text.clear();
        let kind = self.below(8);
        let length = match self.below(4) {
            0 => self.below(20),
            1 => 60 + self.below(30),
            2 => 145 + self.below(20),
            _ => self.below(330),
        };
        for _ in 0..length {
            let from = match kind {
                0..=3 => kind,
                4 => 3 * usize::from(self.below(40) == 0),
                5 => 2 * usize::from(self.below(30) == 0),
                6 => 4,
                _ => self.below(6),
            };
            text.push(self.pick(&kinds[from]));
        }
    }

    pub(super) fn kinds() -> [Vec<char>; 6] {
        let basic: Vec<char> = BASIC.chars().collect();
        let plain = basic.iter().copied().filter(char::is_ascii).collect();
        [
            plain,
            basic,
            TWO_SEPTETS.chars().collect(),
            "çжя漢\u{301}`\t\u{1b}\u{7ff}\u{800}\u{ffff}ê\u{10000}"
                .chars()
                .collect(),
            "😀👍\u{1f3ff}🇳🇴\u{10ffff}a".chars().collect(),
            ('\0'..='\u{3ff}').collect(),
        ]
    }
}

#[test]
fn plan_equals_the_second_implementation_on_a_million_texts() {
    let naive = Naive::new();
    let kinds = Random::kinds();
    let mut random = Random::new(0x5EED_0F71_D196_5EED);
    let mut text = String::new();
    let mut of_several_parts = 0;
    for round in 0..1_000_000 {
        random.text(&kinds, &mut text);
        let (reference, header) = match round % 2 {
            0 => (ConcatenationReference::EightBit, 6),
            _ => (ConcatenationReference::SixteenBit, 7),
        };
        let plan = plan(&text, &Policy::default().reference(reference)).unwrap();
        let parts = plan
            .parts()
            .iter()
            .map(|part| (part.start, part.end, part.units));
        let expected = naive.plan(&text, header);
        assert_eq!(
            (plan.encoding().as_str(), plan.units()),
            (expected.encoding, expected.units),
            "round {round}"
        );
        assert!(
            parts.eq(expected.parts.iter().copied()),
            "round {round}: {plan:?} is not {expected:?}"
        );
        of_several_parts += usize::from(plan.n_parts() > 1);
    }
    // The comparison says little if most texts were short.
    assert!(of_several_parts > 300_000, "{of_several_parts}");
}
