//! Rows become messages, or faults with a line number and what to do about them.
//!
//! Called by `commands/send.rs` and `commands/demo.rs` before anything is sent: whatever can be
//! found wrong without the provider is found here.

use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use tidings::template::{RenderFault, Template};
use tidings::{Capabilities, E164, Media, Message, Priority, Region, SendWindow, SenderId};
use tidings_core::E164Error;
use tidings_core::text::{Encoding, Policy, TextError, plan};

use super::CampaignError;
use super::journal::Fingerprint;
use super::rows::{FormFault, Row, Sheet};
use crate::output::counted;

/// What turns a file into messages.
#[derive(Debug)]
pub(crate) struct Recipe<'a> {
    pub(crate) template: &'a str,
    pub(crate) to_column: Option<&'a str>,
    pub(crate) allow_duplicates: bool,
    pub(crate) envelope: Envelope,
}

/// What all messages of one command have in common, and what their provider can carry.
#[derive(Clone, Debug)]
pub(crate) struct Envelope {
    pub(crate) from: Option<SenderId>,
    pub(crate) region: Option<Region>,
    pub(crate) priority: Priority,
    pub(crate) valid_for: Option<Duration>,
    pub(crate) window: Option<SendWindow>,
    /// The file that goes with every message.
    pub(crate) media: Option<Media>,
    pub(crate) policy: Policy,
    pub(crate) capabilities: Capabilities,
}

/// A file as messages, and what could not be used.
#[derive(Debug)]
pub(crate) struct Prepared {
    pub(crate) messages: Vec<PreparedMessage>,
    pub(crate) bad_rows: Vec<BadRow>,
}

/// A message that can be sent.
#[derive(Clone, Debug)]
pub(crate) struct PreparedMessage {
    /// The line of the file, or the position on the command line, from 1.
    pub(crate) line: u64,
    pub(crate) message: Message,
    pub(crate) parts: usize,
    pub(crate) encoding: Encoding,
    /// Tells it from every other message, for the journal.
    pub(crate) fingerprint: Fingerprint,
}

/// A row that cannot be sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct BadRow {
    pub(crate) line: u64,
    pub(crate) fault: RowFault,
}

/// What is wrong with a row. `Display` says what, [`RowFault::advice`] what to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum RowFault {
    Form(FormFault),
    NoNumber,
    /// Also what spreadsheets make of long numbers: `6,22E+08`.
    LettersInNumber,
    Number(E164Error),
    NotServed {
        served: &'static [u16],
    },
    Render(RenderFault),
    EmptyText,
    Text(TextError),
    TooManyCharacters {
        limit: usize,
    },
    Duplicate {
        first_line: u64,
    },
}

/// Names that a column of numbers may have where none is named.
const NUMBER_COLUMNS: [&str; 4] = ["to", "phone", "number", "phone_number"];

/// Makes the messages of a file.
///
/// # Errors
/// [`CampaignError`] when the file as a whole, its columns or the template cannot be used.
pub(crate) fn prepare(file: &[u8], recipe: &Recipe<'_>) -> Result<Prepared, CampaignError> {
    let sheet = Sheet::open(file)?;
    let to_column = number_column(sheet.columns(), recipe.to_column)?;
    let template = Template::new(recipe.template)?;
    template.check(sheet.columns())?;
    let mut prepared = Prepared {
        messages: Vec::new(),
        bad_rows: Vec::new(),
    };
    let mut first_lines: HashMap<Fingerprint, u64> = HashMap::new();
    for row in sheet.rows() {
        let (line, message) = match row {
            Ok(row) => (
                row.line,
                message_of(
                    &row,
                    to_column,
                    &template,
                    sheet.columns(),
                    &recipe.envelope,
                ),
            ),
            Err(unreadable) => (unreadable.line, Err(RowFault::Form(unreadable.fault))),
        };
        let message = message.and_then(|message| {
            let first_line = *first_lines
                .entry(message.fingerprint.clone())
                .or_insert(line);
            if first_line == line || recipe.allow_duplicates {
                Ok(message)
            } else {
                Err(RowFault::Duplicate { first_line })
            }
        });
        match message {
            Ok(message) => prepared.messages.push(message),
            Err(fault) => prepared.bad_rows.push(BadRow { line, fault }),
        }
    }
    Ok(prepared)
}

impl Envelope {
    /// Makes one message.
    pub(crate) fn message(
        &self,
        line: u64,
        to: &str,
        text: &str,
    ) -> Result<PreparedMessage, RowFault> {
        let to = self.recipient(to)?;
        if text.is_empty() && self.media.is_none() {
            return Err(RowFault::EmptyText);
        }
        let plan = plan(text, &self.policy).map_err(RowFault::Text)?;
        if let Some(limit) = self.capabilities.max_characters
            && plan.text().chars().count() > limit
        {
            return Err(RowFault::TooManyCharacters { limit });
        }
        let from = self
            .from
            .as_ref()
            .map(ToString::to_string)
            .unwrap_or_default();
        let fingerprint = Fingerprint::of(&[
            to.as_str().as_bytes(),
            from.as_bytes(),
            plan.text().as_bytes(),
        ]);
        let mut message = Message::new(to, Arc::from(plan.text())).priority(self.priority);
        message.from.clone_from(&self.from);
        message.valid_for = self.valid_for;
        message.window.clone_from(&self.window);
        message.media.clone_from(&self.media);
        let (parts, encoding) = (plan.n_parts(), plan.encoding());
        Ok(PreparedMessage {
            line,
            message,
            parts,
            encoding,
            fingerprint,
        })
    }

    fn recipient(&self, written: &str) -> Result<E164, RowFault> {
        if written.is_empty() {
            return Err(RowFault::NoNumber);
        }
        // The numbering library reads letters as the digits that share their key. In a file they
        // are far more often a mistake.
        if written.chars().any(char::is_alphabetic) {
            return Err(RowFault::LettersInNumber);
        }
        let to = E164::parse(written, self.region).map_err(RowFault::Number)?;
        let served = self.capabilities.calling_codes;
        if served.is_empty() || served.contains(&to.calling_code()) {
            Ok(to)
        } else {
            Err(RowFault::NotServed { served })
        }
    }
}

fn message_of(
    row: &Row,
    to_column: usize,
    template: &Template,
    columns: &[String],
    envelope: &Envelope,
) -> Result<PreparedMessage, RowFault> {
    let to = row
        .fields
        .get(to_column)
        .map(String::as_str)
        .unwrap_or_default();
    // The number first: it is what most often is wrong, and what the person will look at.
    envelope.recipient(to)?;
    let text = template
        .render(columns.iter().zip(&row.fields))
        .map_err(RowFault::Render)?;
    envelope.message(row.line, to, &text)
}

fn number_column(columns: &[String], named: Option<&str>) -> Result<usize, CampaignError> {
    let position = |wanted: &str| {
        columns
            .iter()
            .position(|column| column.eq_ignore_ascii_case(wanted))
    };
    let wanted: Vec<&str> = named.map_or(NUMBER_COLUMNS.to_vec(), |name| vec![name]);
    wanted
        .iter()
        .find_map(|name| position(name))
        .ok_or_else(|| CampaignError::NoNumberColumn {
            wanted: wanted.iter().map(|name| (*name).to_owned()).collect(),
            present: columns.to_vec(),
        })
}

impl RowFault {
    /// The stable word for it, as in JSON output.
    pub(crate) fn code(&self) -> &'static str {
        match self {
            Self::Form(FormFault::NotUtf8) => "not_utf8",
            Self::Form(FormFault::FieldCount { .. }) => "field_count",
            Self::Form(FormFault::Quotes(_)) => "quotation_marks",
            Self::NoNumber => "no_number",
            Self::LettersInNumber => "letters_in_number",
            Self::Number(_) => "invalid_number",
            Self::NotServed { .. } => "country_not_served",
            Self::Render(RenderFault::MissingFields { .. }) => "empty_field",
            Self::Render(_) => "template_failed",
            Self::EmptyText => "empty_text",
            Self::Text(TextError::TooManyParts { .. }) => "too_many_parts",
            Self::Text(_) => "not_in_alphabet",
            Self::TooManyCharacters { .. } => "too_many_characters",
            Self::Duplicate { .. } => "duplicate",
        }
    }

    /// What the person should do.
    pub(crate) fn advice(&self) -> String {
        let advice = match self {
            Self::Form(FormFault::NotUtf8) => "save the file as CSV UTF-8",
            Self::Form(FormFault::FieldCount { .. }) => {
                "put fields that hold the delimiter or a line end into quotation marks"
            }
            Self::Form(FormFault::Quotes(_)) => {
                "close the quotation mark, or write two for one within a field; what stands there is sent to nobody"
            }
            Self::NoNumber => "add the number",
            Self::LettersInNumber => {
                "write the number in digits; in a spreadsheet, format the column as text"
            }
            Self::Number(E164Error::NoCountry) => "add them, or name its country with --region",
            Self::Number(_) => "correct the number",
            Self::NotServed { .. } => "send it through another account",
            Self::Render(RenderFault::MissingFields { .. }) => {
                "fill the field, or give the template a default: {{ column | default(\"..\") }}"
            }
            Self::Render(_) => "correct the template",
            Self::EmptyText => "give the message a text",
            Self::Text(TextError::TooManyParts { .. }) => {
                "shorten the text, try --replace, or raise --max-parts, if the provider takes more"
            }
            Self::Text(_) => "change these characters, or do not use --replace strict",
            Self::TooManyCharacters { .. } => "shorten the text",
            Self::Duplicate { first_line } => {
                return format!("remove the row or line {first_line}, or give --allow-duplicates");
            }
        };
        advice.to_owned()
    }
}

impl fmt::Display for RowFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Form(FormFault::NotUtf8) => f.write_str("the row is not in UTF-8"),
            Self::Form(FormFault::FieldCount { found, expected }) => {
                write!(
                    f,
                    "the row has {}, the file has {}",
                    counted(*found, "field"),
                    counted(*expected, "column")
                )
            }
            Self::Form(FormFault::Quotes(fault)) => write!(f, "{fault}"),
            Self::NoNumber => f.write_str("there is no phone number"),
            Self::LettersInNumber => f.write_str("the phone number holds letters"),
            Self::Number(error) => write!(f, "{error}"),
            Self::NotServed { served } => {
                let codes: Vec<String> = served.iter().map(|code| format!("+{code}")).collect();
                write!(f, "the account serves {} only", codes.join(", "))
            }
            Self::Render(RenderFault::MissingFields { fields }) => {
                write!(
                    f,
                    "the template uses {}, which is empty",
                    fields.join(" and ")
                )
            }
            Self::Render(fault) => write!(f, "{fault}"),
            Self::EmptyText => f.write_str("the text is empty"),
            Self::Text(error) => write!(f, "{error}"),
            Self::TooManyCharacters { limit } => {
                write!(
                    f,
                    "the text has more characters than the provider takes: {limit}"
                )
            }
            Self::Duplicate { first_line } => {
                write!(f, "line {first_line} has the same number and text")
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn envelope() -> Envelope {
        let mut capabilities = Capabilities::submit_only();
        capabilities.calling_codes = &[224];
        Envelope {
            from: None,
            region: Some("GN".parse().unwrap()),
            priority: Priority::Normal,
            valid_for: None,
            window: None,
            media: None,
            policy: Policy::default(),
            capabilities,
        }
    }

    fn prepared(file: &str, template: &str) -> Result<Prepared, CampaignError> {
        let recipe = Recipe {
            template,
            to_column: None,
            allow_duplicates: false,
            envelope: envelope(),
        };
        prepare(file.as_bytes(), &recipe)
    }

    #[test]
    fn rows_become_messages() {
        let file = "phone;first_name\n+224 622 00 00 01;Aïssatou\n622000002;Mory\n";
        let prepared = prepared(file, "Bonjour {{first_name}}").unwrap();
        let messages: Vec<_> = prepared
            .messages
            .iter()
            .map(|message| {
                (
                    message.line,
                    message.message.to.as_str(),
                    &*message.message.text,
                    message.encoding,
                )
            })
            .collect();
        let expected = [
            (2, "+224622000001", "Bonjour Aïssatou", Encoding::Ucs2),
            (3, "+224622000002", "Bonjour Mory", Encoding::Gsm7),
        ];
        assert_eq!(messages, expected);
        assert_eq!(prepared.bad_rows, []);
    }

    #[track_caller]
    fn check_fault(row: &str, code: &str, sentence: &str) {
        let file = format!("to,name\n+224622000009,Z\n{row}\n+224622000010,Z\n");
        let prepared = prepared(&file, "Bonjour {{name}}").unwrap();
        assert_eq!(prepared.messages.len(), 2, "the rest goes on");
        let [bad] = prepared.bad_rows.as_slice() else {
            panic!("one bad row")
        };
        assert_eq!(
            (bad.line, bad.fault.code(), bad.fault.to_string().as_str()),
            (3, code, sentence)
        );
        assert!(!bad.fault.advice().is_empty());
    }

    #[test]
    fn faults_of_rows() {
        check_fault(",A", "no_number", "there is no phone number");
        check_fault(
            "6220001,A",
            "invalid_number",
            "the phone number is too short or too long for its country",
        );
        check_fault(
            "622ABC001,A",
            "letters_in_number",
            "the phone number holds letters",
        );
        check_fault(
            "\"6,22E+08\",A",
            "letters_in_number",
            "the phone number holds letters",
        );
        check_fault(
            "???,A",
            "invalid_number",
            "a phone number holds digits, blanks and brackets; character 0 is another",
        );
        check_fault(
            "+33612345678,A",
            "country_not_served",
            "the account serves +224 only",
        );
        check_fault(
            "+224922000001,A",
            "invalid_number",
            "the phone number does not exist in its country's numbering plan",
        );
        check_fault(
            "+224622000001,",
            "empty_field",
            "the template uses name, which is empty",
        );
        check_fault(
            "+224622000001",
            "field_count",
            "the row has 1 field, the file has 2 columns",
        );
        check_fault(
            "622000009,Z",
            "duplicate",
            "line 2 has the same number and text",
        );
    }

    #[test]
    fn too_many_parts() {
        let mut envelope = envelope();
        envelope.policy = envelope.policy.max_parts(1);
        let fault = envelope
            .message(1, "622000001", &"x".repeat(161))
            .unwrap_err();
        assert_eq!(fault.code(), "too_many_parts");
        assert_eq!(fault.to_string(), "the text needs 2 parts, 1 are permitted");
        assert_eq!(
            envelope.message(1, "622000001", "").unwrap_err(),
            RowFault::EmptyText
        );
        envelope.capabilities.max_characters = Some(20);
        envelope.message(1, "622000001", &"é".repeat(20)).unwrap();
        let fault = envelope
            .message(1, "622000001", &"é".repeat(21))
            .unwrap_err();
        assert_eq!(fault.code(), "too_many_characters");
        assert_eq!(
            fault.to_string(),
            "the text has more characters than the provider takes: 20"
        );
    }

    #[test]
    fn the_column_of_numbers() {
        let error = prepared("name,town\nA,B\n", "x").unwrap_err();
        assert_eq!(
            error.to_string(),
            "no column is called to or phone or number or phone_number; name the column of numbers with \
             --to-column, of name, town"
        );
        assert_eq!(number_column(&["Phone".to_owned()], None), Ok(0));
    }
}
