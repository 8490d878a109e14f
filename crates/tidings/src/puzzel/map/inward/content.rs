//! The text of a message: what becomes of characters outside the GSM alphabet, and how long it may
//! be. Part of `inward`.

use std::collections::HashMap;
use std::sync::{Arc, LazyLock};

use tidings_core::text::{Policy, Replacement, ShiftTables, TextError, gsm7, plan};

use super::parameters::Parameters;
use crate::backend::Refusal;
use crate::puzzel::map::codes::ParsingType;
use crate::puzzel::map::field;
use crate::puzzel::{Dialect, MAX_BINARY_DIGITS, MAX_CHARACTERS, MAX_PARTS, wire};

const FIELD: &str = field::CONTENT;

/// The text as it is to leave. One with a data coding or a header of its own is taken as it is:
/// it need not be a text.
///
/// # Errors
/// [`Refusal::Invalid`] naming `content`.
pub(super) fn read(
    written: &Arc<str>,
    settings: &wire::Settings,
    parameters: &Parameters,
    dialect: Dialect,
) -> Result<Arc<str>, Refusal> {
    match (dialect, parameters.is_encoded) {
        (Dialect::V3, is_encoded) => {
            check_length(written, MAX_CHARACTERS)?;
            if is_encoded {
                return Ok(Arc::clone(written));
            }
            parse(written, parsing_type(settings, parameters))
        }
        (Dialect::Manual, true) => {
            check_length(written, MAX_BINARY_DIGITS)?;
            Ok(Arc::clone(written))
        }
        (Dialect::Manual, false) => {
            let text = parse(written, parsing_type(settings, parameters))?;
            check_parts(&text)?;
            Ok(text)
        }
    }
}

fn check_length(written: &str, limit: usize) -> Result<(), Refusal> {
    if written.chars().nth(limit).is_none() {
        return Ok(());
    }
    let fault = format!("is too long: it has more than {limit} characters");
    Err(Refusal::invalid(FIELD, fault))
}

fn check_parts(text: &str) -> Result<(), Refusal> {
    let policy = Policy::default().max_parts(MAX_PARTS);
    match plan(text, &policy) {
        Ok(_) => Ok(()),
        Err(TextError::TooManyParts { parts_needed, .. }) => {
            let fault = format!("is too long: it takes {parts_needed} parts and 6 are permitted");
            Err(Refusal::invalid(FIELD, fault))
        }
        Err(_) => Err(Refusal::invalid(FIELD, "cannot be encoded")),
    }
}

/// The vendor does not say which of its three switches wins. Here it is the parameter, which replaced
/// the others; then the one that keeps the text whole.
fn parsing_type(settings: &wire::Settings, parameters: &Parameters) -> ParsingType {
    let is_set = |flag: Option<wire::Flag>| flag == Some(wire::Flag(true));
    match parameters.parsing_type {
        Some(named) => named,
        None if is_set(settings.auto_detect_encoding) => ParsingType::AutoDetect,
        None if is_set(settings.safe_remove_non_gsm_characters) => ParsingType::SafeRemoveNonGsm,
        None => ParsingType::None,
    }
}

fn parse(written: &Arc<str>, parsing: ParsingType) -> Result<Arc<str>, Refusal> {
    let Err(outside) = gsm7::encode(written, ShiftTables::NONE) else {
        return Ok(Arc::clone(written));
    };
    let cleaned = match parsing {
        ParsingType::AutoDetect => return Ok(Arc::clone(written)),
        ParsingType::None => {
            let before = written.get(..outside.position).unwrap_or_default();
            let fault = format!(
                "holds characters outside the GSM alphabet, the first at position {}",
                before.chars().count() + 1
            );
            return Err(Refusal::invalid(FIELD, fault));
        }
        ParsingType::SafeRemoveNonGsm => clean(written, |_| ""),
        ParsingType::SafeRemoveNonGsmWithReplace => clean(written, base_letter),
    };
    if cleaned.is_empty() {
        let fault = "holds no character of the GSM alphabet";
        return Err(Refusal::invalid(FIELD, fault));
    }
    Ok(cleaned.into())
}

/// Puts something else in the place of every character outside the GSM alphabet.
fn clean(written: &str, replacement: fn(char) -> &'static str) -> String {
    let mut cleaned = String::with_capacity(written.len());
    for character in written.chars() {
        if is_gsm(character) {
            cleaned.push(character);
        } else {
            cleaned.push_str(replacement(character));
        }
    }
    cleaned
}

fn is_gsm(character: char) -> bool {
    gsm7::encode(character.encode_utf8(&mut [0; 4]), ShiftTables::NONE).is_ok()
}

/// The letter under an accent; nothing for what is no letter with an accent.
fn base_letter(character: char) -> &'static str {
    BASE_LETTERS.get(&character).map_or("", |letter| letter)
}

/// The letters of the alphabet under the accented ones of the Latin and the Greek script. Worked out
/// once: to replace a letter takes much longer than to look it up.
static BASE_LETTERS: LazyLock<HashMap<char, Box<str>>> = LazyLock::new(|| {
    let policy = Policy::default().replacement(Replacement::Strict);
    [
        '\u{c0}'..='\u{24f}',
        '\u{370}'..='\u{3ff}',
        '\u{1e00}'..='\u{1fff}',
    ]
    .into_iter()
    .flatten()
    .filter(|character| character.is_alphabetic() && !is_gsm(*character))
    .filter_map(|character| {
        let text = character.to_string();
        let letter = plan(&text, &policy).ok()?.text().into();
        Some((character, letter))
    })
    .collect()
});
