//! Rows become messages, or faults with the place of the row: all of them before one is sent.
//!
//! Called by programs that have rows in memory. A program with a file format of its own, such as
//! the command line, renders row by row instead.

use std::fmt;
use std::sync::Arc;

use tidings_core::{E164, E164Error, Message, Region};

use super::{RenderFault, Template};

/// One recipient with what a template says to them.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Row {
    /// The number as it is written.
    pub to: String,
    /// The country of a number that is written without its calling code.
    pub region: Option<Region>,
    /// The fields by name.
    pub fields: Vec<(String, String)>,
}

/// Rows as messages, and what could not be used.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Prepared {
    /// The messages of the good rows, in their order.
    pub messages: Vec<Ready>,
    /// The others, in their order.
    pub faults: Vec<BadRow>,
}

/// A message that can be sent.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Ready {
    /// The place of its row, from 0.
    pub row: usize,
    /// To the row's number, with the row's text and nothing else set.
    pub message: Message,
}

/// A row that cannot be sent. `Display` names it by its number, from 1, as people count.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct BadRow {
    /// Its place, from 0.
    pub row: usize,
    /// What is wrong with it.
    pub fault: RowFault,
}

/// What is wrong with a row.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum RowFault {
    /// There is no number.
    NoRecipient,
    /// The number holds letters, as spreadsheets make of long numbers: `6,22E+08`.
    LettersInRecipient,
    /// The number is none.
    Recipient(E164Error),
    /// No text came of it.
    Render(RenderFault),
    /// The text is empty.
    EmptyText,
}

impl Row {
    /// A row from a written number and pairs of a field's name and what it holds.
    pub fn new<I, N, F>(to: impl Into<String>, fields: I) -> Self
    where
        I: IntoIterator<Item = (N, F)>,
        N: Into<String>,
        F: Into<String>,
    {
        let fields = fields.into_iter();
        Self {
            to: to.into(),
            region: None,
            fields: fields
                .map(|(name, field)| (name.into(), field.into()))
                .collect(),
        }
    }

    /// Sets the country of a number that is written without its calling code.
    #[must_use]
    pub fn region(mut self, region: Region) -> Self {
        self.region = Some(region);
        self
    }
}

/// Shows which fields it has: what they hold is about a person.
impl fmt::Debug for Row {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<&str> = self.fields.iter().map(|(name, _)| name.as_str()).collect();
        f.debug_struct("Row")
            .field("fields", &names)
            .finish_non_exhaustive()
    }
}

impl Template {
    /// Makes the message of every row, so that whatever is wrong with one is known before anything
    /// is sent. What messages have in common, such as a sender, is set on the results.
    ///
    /// ```
    /// use tidings::template::{Row, Template};
    /// use tidings::{Message, SenderId};
    ///
    /// let sender = SenderId::parse("Tidings").unwrap();
    /// let template = Template::new("Hi {{name}}")?;
    /// let prepared = template.prepare([Row::new("+47 406 12 345", [("name", "Kari")])]);
    /// let messages: Vec<Message> = match prepared.all() {
    ///     Ok(messages) => messages.map(|message| message.from(sender.clone())).collect(),
    ///     Err(faults) => panic!("{} rows cannot be sent", faults.len()),
    /// };
    /// assert_eq!(&*messages[0].text, "Hi Kari");
    /// # Ok::<(), tidings::template::TemplateError>(())
    /// ```
    pub fn prepare(&self, rows: impl IntoIterator<Item = Row>) -> Prepared {
        let mut prepared = Prepared::default();
        for (place, row) in rows.into_iter().enumerate() {
            match self.message_of(&row) {
                Ok(message) => prepared.messages.push(Ready {
                    row: place,
                    message,
                }),
                Err(fault) => prepared.faults.push(BadRow { row: place, fault }),
            }
        }
        prepared
    }

    fn message_of(&self, row: &Row) -> Result<Message, RowFault> {
        // The number first: it is what most often is wrong, and what the person will look at.
        let to = recipient(&row.to, row.region)?;
        let fields = row.fields.iter().map(|(name, field)| (name, field));
        let text = self.render(fields).map_err(RowFault::Render)?;
        if text.is_empty() {
            return Err(RowFault::EmptyText);
        }
        Ok(Message::new(to, Arc::<str>::from(text)))
    }
}

impl Prepared {
    /// All messages, if every row is good.
    ///
    /// # Errors
    /// The rows that are not.
    pub fn all(self) -> Result<impl ExactSizeIterator<Item = Message>, Vec<BadRow>> {
        if self.faults.is_empty() {
            Ok(self.messages.into_iter().map(|ready| ready.message))
        } else {
            Err(self.faults)
        }
    }
}

fn recipient(written: &str, region: Option<Region>) -> Result<E164, RowFault> {
    let written = written.trim();
    if written.is_empty() {
        return Err(RowFault::NoRecipient);
    }
    // The numbering library reads letters as the digits that share their key. In rows they are far
    // more often a mistake.
    if written.chars().any(char::is_alphabetic) {
        return Err(RowFault::LettersInRecipient);
    }
    E164::parse(written, region).map_err(RowFault::Recipient)
}

impl fmt::Display for BadRow {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "row {}: {}", self.row + 1, self.fault)
    }
}

impl std::error::Error for BadRow {}

impl fmt::Display for RowFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoRecipient => f.write_str("there is no phone number"),
            Self::LettersInRecipient => f.write_str("the phone number holds letters"),
            Self::Recipient(error) => write!(f, "{error}"),
            Self::Render(fault) => write!(f, "{fault}"),
            Self::EmptyText => f.write_str("the text is empty"),
        }
    }
}

impl std::error::Error for RowFault {}
