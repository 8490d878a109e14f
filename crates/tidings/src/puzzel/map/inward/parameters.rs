//! The parameters of a message: those of the vendor's list are checked, all are kept. Part of
//! `inward`.

use crate::backend::Refusal;
use crate::puzzel::map::codes::{self, ParameterForm, ParsingType, key};
use crate::puzzel::map::field;
use crate::puzzel::wire;

const FIELD: &str = field::PARAMETER;

/// What the parameters of a message say.
#[derive(Debug, Default)]
pub(super) struct Parameters {
    /// How characters outside the GSM alphabet are treated; the last one that says it.
    pub(super) parsing_type: Option<ParsingType>,
    /// Whether the content is encoded already: it comes with a data coding or a header.
    pub(super) is_encoded: bool,
    /// Whether no report is wanted.
    pub(super) without_report: bool,
    /// All others as they came, in their order.
    pub(super) kept: Vec<(String, String)>,
}

impl Parameters {
    /// Reads the list.
    ///
    /// # Errors
    /// [`Refusal::Invalid`] naming the key.
    pub(super) fn read(sent: &[wire::Parameter]) -> Result<Self, Refusal> {
        let mut read = Self::default();
        for parameter in sent {
            // The vendor's client of 2024 writes underscores in these two.
            let name = match parameter.key.as_str() {
                "business_model" => key::BUSINESS_MODEL,
                "parsing_type" => key::PARSING_TYPE,
                other => other,
            };
            read.take(name, &parameter.value.0)?;
        }
        Ok(read)
    }

    fn take(&mut self, name: &str, value: &str) -> Result<(), Refusal> {
        match name {
            "" => return Err(Refusal::invalid(FIELD, "has an entry without a key")),
            key::PARSING_TYPE => {
                let read = ParsingType::named(value);
                self.parsing_type = Some(read.ok_or_else(|| wrong(key::PARSING_TYPE))?);
                return Ok(());
            }
            key::SKIP_CUSTOMER_REPORT_DELIVERY => {
                let read = truth(value);
                self.without_report = read.ok_or_else(|| wrong(name))?;
                return Ok(());
            }
            key::DCS | key::UDH => self.is_encoded = true,
            _ => {}
        }
        match codes::parameter(name) {
            // By the vendor's list whatever is not true is false.
            Some(row) if row.form != ParameterForm::Truth && !row.form.accepts(value) => {
                Err(wrong(name))
            }
            _ => {
                self.kept.push((name.to_owned(), value.to_owned()));
                Ok(())
            }
        }
    }
}

fn truth(value: &str) -> Option<bool> {
    match value.trim() {
        "1" => Some(true),
        "0" => Some(false),
        word if word.eq_ignore_ascii_case("true") => Some(true),
        word if word.eq_ignore_ascii_case("false") => Some(false),
        _ => None,
    }
}

/// The fault of a parameter of the vendor's list.
fn wrong(name: &str) -> Refusal {
    let demand = match codes::parameter(name).map(|row| row.form) {
        Some(ParameterForm::HexOctet) => "must be two hexadecimal digits".to_owned(),
        Some(ParameterForm::HexOctets) => {
            "must be octets in hexadecimal digits, two for each".to_owned()
        }
        Some(ParameterForm::Integer { minimum, maximum }) => {
            format!("must be a whole number from {minimum} to {maximum}")
        }
        Some(ParameterForm::Truth) => "must be true or false".to_owned(),
        Some(ParameterForm::OneOf(words)) => format!("must be one of {}", words.join(", ")),
        Some(ParameterForm::Text) | None => "must not be empty".to_owned(),
    };
    Refusal::invalid(FIELD, format!("{name} {demand}"))
}
