//! `cargo xtask gen`: writes the replacement table of `tidings-core` from Unicode data; `--check` only compares.
//!
//! The data are those of the Unicode crates in `Cargo.toml`: names, categories, normalisation, look-alikes; and the
//! transliteration of single letters. What is written here are the rules that choose from them. No text is read or replaced here.

use anyhow::{Context as _, bail};
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::Path;
use unicode_normalization::UnicodeNormalization as _;
use unicode_properties::{GeneralCategory as Category, UnicodeGeneralCategory as _};

const TABLE: &str = "crates/tidings-core/src/text/replace_table.rs";

/// Characters a replacement may consist of: the GSM 7-bit default alphabet and its extension table. A test of `tidings-core`
/// encodes every entry, so this list cannot drift from the real one.
const ALPHABET: &str = "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§\
                        ¿abcdefghijklmnopqrstuvwxyzäöñüà\u{c}^{}\\[~]|€";

/// Symbols whose transliteration keeps the meaning. Others do not: it makes of "not equal" an equals sign.
const SYMBOLS: &str = "©®°•·±×÷≤≥→←¢";

pub(crate) fn run(arguments: &[String]) -> anyhow::Result<()> {
    let check = match arguments {
        [] => false,
        [flag] if flag == "--check" => true,
        _ => bail!("usage: cargo xtask gen [--check]"),
    };
    let root = Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .context("xtask lies in the workspace")?;
    let path = root.join(TABLE);
    let table = source();
    if !check {
        return std::fs::write(&path, table).with_context(|| format!("cannot write {TABLE}"));
    }
    let committed =
        std::fs::read_to_string(&path).with_context(|| format!("cannot read {TABLE}"))?;
    if committed != table {
        bail!("{TABLE} is not what the generator writes; run `cargo xtask gen`");
    }
    Ok(())
}

/// In which list of the table an entry stands.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum List {
    Invisible,
    Typography,
    Accents,
    Guarded,
}

impl List {
    const ALL: [(Self, &str, &str); 4] = [
        (
            Self::Invisible,
            "INVISIBLE",
            "Left out in any text: these show nothing and join nothing.",
        ),
        (Self::Typography, "TYPOGRAPHY", "Look-alikes without loss."),
        (Self::Accents, "ACCENTS", "Lossy but readable."),
        (
            Self::Guarded,
            "GUARDED",
            "Lossy but readable, and misleading beside a digit: raised, lowered, circled and squared characters.",
        ),
    ];
}

fn source() -> String {
    let mut lists: BTreeMap<List, BTreeMap<String, Vec<char>>> = BTreeMap::new();
    for character in '\0'..=char::MAX {
        if let Some((list, replacement)) = replacement(character) {
            lists
                .entry(list)
                .or_default()
                .entry(replacement)
                .or_default()
                .push(character);
        }
    }
    let (major, minor, update) = unicode_normalization::UNICODE_VERSION;
    let mut source = format!(
        "//! Which character may stand for which: written by `cargo xtask gen` from the data of Unicode {major}.{minor}.{update}, not by hand.\n\
         //!\n\
         //! Read by `replace` alone. Each entry is a replacement and the characters that it is for.\n"
    );
    for (list, name, meaning) in List::ALL {
        let entries = lists.remove(&list).unwrap_or_default();
        let characters: usize = entries.values().map(Vec::len).sum();
        let _ = write!(
            source,
            "\n/// {meaning} {characters} characters.\n#[rustfmt::skip]\npub(super) const {name}: &[(&str, &str)] = &[\n"
        );
        let entries = entries.into_iter().map(|(replacement, characters)| {
            let characters: String = characters.into_iter().map(written).collect();
            format!(
                "(\"{}\", \"{characters}\"),",
                replacement
                    .replace('\\', "\\\\")
                    .replace('"', "\\\"")
                    .replace('\n', "\\n")
            )
        });
        write_lines(&mut source, entries);
        source.push_str("];\n");
    }
    source
}

/// As many entries on a line as fit, so that the table stays a page or two.
fn write_lines(source: &mut String, entries: impl Iterator<Item = String>) {
    const WIDTH: usize = 110;
    let mut line = String::new();
    for entry in entries {
        if !line.is_empty() && line.chars().count() + entry.chars().count() >= WIDTH {
            let _ = writeln!(source, "   {line}");
            line.clear();
        }
        line.push(' ');
        line.push_str(&entry);
    }
    let _ = writeln!(source, "   {line}");
}

/// A character in a string literal: as itself where it can be seen alone.
fn written(character: char) -> String {
    match character.general_category() {
        Category::Control
        | Category::Format
        | Category::NonspacingMark
        | Category::EnclosingMark
        | Category::SpaceSeparator
        | Category::LineSeparator
        | Category::ParagraphSeparator => character.escape_unicode().to_string(),
        _ => character.to_string(),
    }
}

/// The rules, the surest first. Characters that are in the alphabet, or that normalisation form C turns into others, have none.
fn replacement(character: char) -> Option<(List, String)> {
    if ALPHABET.contains(character) || !character.nfc().eq([character]) {
        return None;
    }
    if let Some(list) = invisible(character) {
        return Some((list, String::new()));
    }
    if let Some(mark) = look_alike(character) {
        return Some((List::Typography, mark.to_string()));
    }
    if SYMBOLS.contains(character) {
        let list = if character == '·' {
            List::Guarded
        } else {
            List::Accents
        };
        return Some((list, any_ascii::any_ascii_char(character).to_owned()));
    }
    compatible(character).or_else(|| readable(character).map(|text| (List::Accents, text)))
}

/// Characters that show nothing. Those that join, direct or select their neighbours are left out only where no neighbour can be
/// one that they act on, which is so in a text that ends up in the alphabet.
fn invisible(character: char) -> Option<List> {
    match character {
        '\t' | '\u{b}' => None,
        '\0'..' ' | '\u{7f}' | '\u{ad}' | '\u{200b}' | '\u{2060}' | '\u{feff}' => {
            Some(List::Invisible)
        }
        '\u{34f}' | '\u{61c}' | '\u{180e}' | '\u{200c}'..='\u{200f}' | '\u{202a}'..='\u{202e}' => {
            Some(List::Typography)
        }
        '\u{2061}'..='\u{206f}' if character.general_category() == Category::Format => {
            Some(List::Typography)
        }
        '\u{fe00}'..='\u{fe0f}' => Some(List::Typography),
        _ => None,
    }
}

/// Spaces, quotation marks, dashes and slashes.
fn look_alike(character: char) -> Option<char> {
    let name = name(character);
    let category = character.general_category();
    let is_dash = category == Category::DashPunctuation
        || ["MINUS SIGN", "MODIFIER LETTER MINUS SIGN"].contains(&name.as_str());
    Some(match category {
        Category::NonspacingMark | Category::EnclosingMark => return None, // never made visible
        _ if character == '\t' => ' ',
        Category::SpaceSeparator => ' ',
        _ if character.is_whitespace() => '\n',
        _ if ["WAVE DASH", "WAVY DASH", "SWUNG DASH"]
            .iter()
            .any(|tilde| name.ends_with(tilde)) =>
        {
            '~'
        }
        _ if is_dash && is_common(character) => '-',
        _ if name.contains("QUOTATION MARK") && name.contains("SINGLE") => '\'',
        _ if name.contains("QUOTATION MARK") && !name.contains("TAG ") => '"',
        _ if name.ends_with("DOUBLE PRIME") => '"',
        _ if ["FRACTION SLASH", "DIVISION SLASH"].contains(&name.as_str()) => '/',
        _ if name.ends_with("LOW LINE") => '_',
        Category::ModifierLetter => mark_alike(character)?,
        _ if is_mark(category) => mark_alike(character)?,
        _ => return None,
    })
}

/// Apostrophes, primes, spacing accents, asterisks, slashes, brackets: the ASCII mark that looks the same by UTS 39.
fn mark_alike(character: char) -> Option<char> {
    let decomposed: String = character.nfkd().collect();
    let is_itself = decomposed.starts_with(character) || decomposed.starts_with(' ');
    if !is_itself || !matches!(character, '\0'..='\u{36f}' | '\u{2000}'..='\u{2bff}') {
        return None;
    }
    let mut skeleton = unicode_security::skeleton(character.encode_utf8(&mut [0; 4]))
        .collect::<Vec<_>>()
        .into_iter();
    skeleton
        .next()
        .filter(|mark| mark.is_ascii_punctuation() && skeleton.len() == 0)
}

const fn is_mark(category: Category) -> bool {
    use Category::{
        ClosePunctuation, MathSymbol, ModifierSymbol, OpenPunctuation, OtherPunctuation,
        OtherSymbol,
    };
    matches!(
        category,
        ClosePunctuation
            | MathSymbol
            | ModifierSymbol
            | OpenPunctuation
            | OtherPunctuation
            | OtherSymbol
    )
}

/// Outside the blocks of single scripts, whose texts do not fit into the alphabet anyway.
fn is_common(character: char) -> bool {
    matches!(character, '\0'..='\u{36f}' | '\u{2000}'..='\u{2bff}' | '\u{2e00}'..='\u{303f}' | '\u{fe10}'..='\u{ffff}')
}

/// Compatibility decompositions: ligatures, full-width letters, fractions, raised letters.
fn compatible(character: char) -> Option<(List, String)> {
    let decomposed: String = character.nfkd().collect();
    if decomposed.starts_with(' ') || character.nfd().eq(decomposed.chars()) {
        return None; // a spacing accent, or nothing but a canonical decomposition
    }
    let replacement: String = decomposed
        .chars()
        .map(|part| look_alike(part).unwrap_or(part))
        .collect();
    if !in_alphabet(&replacement) {
        return None;
    }
    let name = name(character);
    let raised = [
        "SUPERSCRIPT",
        "SUBSCRIPT",
        "MODIFIER LETTER",
        "ORDINAL INDICATOR",
        "CIRCLED",
    ];
    let is_guarded = name.starts_with("SQUARE ") || raised.iter().any(|word| name.contains(word));
    Some((
        if is_guarded {
            List::Guarded
        } else {
            List::Typography
        },
        replacement,
    ))
}

/// Base letters, transliterated Latin letters, Greek capitals that look Latin; combining marks that can be missed.
fn readable(character: char) -> Option<String> {
    if is_accent(character) {
        return Some(String::new());
    }
    let replacement = nearest_letter(character).map(String::from).or_else(|| {
        character
            .nfkd()
            .filter(|part| !is_accent(*part))
            .map(plain_letters)
            .collect::<Option<String>>()
    })?;
    let is_readable = !replacement.is_empty()
        && replacement.chars().all(char::is_alphabetic)
        && in_alphabet(&replacement);
    (is_letter(character) && is_readable).then_some(replacement)
}

/// The letter of the alphabet that keeps the most marks: of an a with ring and acute the a with ring, of most the bare letter.
fn nearest_letter(character: char) -> Option<char> {
    let parts: Vec<char> = character.nfd().collect();
    (1..parts.len()).rev().find_map(|kept| {
        let mut composed = parts.iter().take(kept).copied().nfc();
        let letter = composed
            .next()
            .filter(|letter| ALPHABET.contains(*letter))?;
        composed.next().is_none().then_some(letter)
    })
}

/// A letter without decomposition: itself, its transliteration if Latin, its look-alike if a Greek capital.
fn plain_letters(letter: char) -> Option<String> {
    if ALPHABET.contains(letter) {
        return Some(letter.to_string());
    }
    let name = name(letter);
    if name == "LATIN CAPITAL LETTER SHARP S" {
        return Some("ß".to_owned()); // its small letter is in the alphabet
    }
    if name.starts_with("LATIN ") && !name.contains(" CLICK") {
        return Some(any_ascii::any_ascii_char(letter).to_owned());
    }
    let skeleton: String = unicode_security::skeleton(&letter.to_string()).collect();
    let looks_latin = matches!(skeleton.as_bytes(), [b'A'..=b'Z']);
    (looks_latin && name.starts_with("GREEK CAPITAL LETTER ")).then_some(skeleton)
}

fn is_letter(character: char) -> bool {
    use Category::{
        LowercaseLetter, ModifierLetter, OtherLetter, TitlecaseLetter, UppercaseLetter,
    };
    matches!(
        character.general_category(),
        LowercaseLetter | UppercaseLetter | TitlecaseLetter | ModifierLetter | OtherLetter
    )
}

/// A combining mark above, below or beside its letter. Overlays are not: they strike out. Neither are combining letters.
fn is_accent(character: char) -> bool {
    matches!(character, '\u{300}'..='\u{333}' | '\u{339}'..='\u{34e}' | '\u{350}'..='\u{362}')
}

fn in_alphabet(text: &str) -> bool {
    text.chars().all(|character| ALPHABET.contains(character))
}

fn name(character: char) -> String {
    unicode_names2::name(character)
        .map(|name| name.to_string())
        .unwrap_or_default()
}
