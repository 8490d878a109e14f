//! The text of a message: what becomes of characters outside the GSM alphabet, and how long it may
//! be. Part of `inward`.

use std::collections::HashMap;
use std::sync::Arc;

use tidings_core::text::{Policy, Replacement, ShiftTables, TextError, gsm7, plan};

use super::parameters::Parameters;
use crate::backend::Refusal;
use crate::puzzel::map::codes::ParsingType;
use crate::puzzel::map::field;
use crate::puzzel::{Dialect, wire};

const FIELD: &str = field::CONTENT;

/// The longest text by the present client's description, in characters. No text of the manual's
/// dialect can be longer either: six parts of 8-bit data are 1,608 hexadecimal digits.
const MAX_CHARACTERS: usize = 1_608;

/// The longest text by the present client's description, in characters.
const MAX_CHARACTERS_V3: usize = 1_600;

/// The most parts by the vendor's manual.
const MAX_PARTS_MANUAL: u8 = 6;

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
    check_length(written, dialect)?;
    if parameters.is_encoded {
        return Ok(Arc::clone(written));
    }
    let text = parse(written, parsing_type(settings, parameters))?;
    if dialect == Dialect::Manual {
        let policy = Policy::default().max_parts(MAX_PARTS_MANUAL);
        plan(&text, &policy).map_err(|error| match error {
            TextError::TooManyParts { parts_needed, .. } => {
                let fault =
                    format!("is too long: it takes {parts_needed} parts and 6 are permitted");
                Refusal::invalid(FIELD, fault)
            }
            _ => Refusal::invalid(FIELD, "cannot be encoded"),
        })?;
    }
    Ok(text)
}

fn check_length(written: &str, dialect: Dialect) -> Result<(), Refusal> {
    let limit = match dialect {
        Dialect::V3 => MAX_CHARACTERS_V3,
        Dialect::Manual => MAX_CHARACTERS,
    };
    if written.chars().nth(limit).is_none() {
        return Ok(());
    }
    let fault = format!("is too long: it has more than {limit} characters");
    Err(Refusal::invalid(FIELD, fault))
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
        ParsingType::SafeRemoveNonGsm => clean(written, |_| String::new()),
        ParsingType::SafeRemoveNonGsmWithReplace => clean(written, base_letter),
    };
    if cleaned.is_empty() {
        let fault = "holds no character of the GSM alphabet";
        return Err(Refusal::invalid(FIELD, fault));
    }
    Ok(cleaned.into())
}

/// Puts something else in the place of every character outside the GSM alphabet.
fn clean(written: &str, replacement: fn(char) -> String) -> String {
    // A text repeats its characters, and looking one up takes longer than keeping it.
    let mut known: HashMap<char, String> = HashMap::new();
    let mut cleaned = String::with_capacity(written.len());
    for character in written.chars() {
        let replaced = known.entry(character).or_insert_with(|| {
            let text = character.to_string();
            match gsm7::encode(&text, ShiftTables::NONE) {
                Ok(_) => text,
                Err(_) => replacement(character),
            }
        });
        cleaned.push_str(replaced);
    }
    cleaned
}

/// The letter under an accent; nothing for what is no letter with an accent.
fn base_letter(character: char) -> String {
    if !character.is_alphabetic() {
        return String::new();
    }
    let policy = Policy::default().replacement(Replacement::Strict);
    let text = character.to_string();
    let letters = plan(&text, &policy).map(|plan| plan.text().to_owned());
    letters.unwrap_or_default()
}
