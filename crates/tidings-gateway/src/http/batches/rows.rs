//! The rows of a batch, out of a body that comes in pieces: [`RowReader`].
//!
//! Called by `take.rs` with every piece. A row that cannot be read is a verdict on that row, and the others
//! go on. What is kept between pieces is one row at the most, of bounded length.

use std::collections::BTreeMap;

use csv_core::ReadRecordResult;
use serde::de::DeserializeOwned;
use serde_json::Value;
use tidings::template::Template;

use super::super::body;
use super::super::error::{Code, Problem, Result};
use super::super::request::{self, FieldValue, RowBody, Text};
use crate::intake::{Rejection, RejectionCode};
use crate::quotes::Quotes;

/// The longest row, in bytes: a text has at most some 40,000 characters, and a file a megabyte.
const MAX_ROW_BYTES: usize = 4 << 20;
/// The most columns.
const MAX_COLUMNS: usize = 512;

/// A row that was read, or why it could not be.
pub(crate) type RowRead = Result<RowBody, Rejection>;

/// Reads rows out of pieces.
#[derive(Debug)]
pub(crate) enum RowReader {
    /// One JSON object on each line.
    Lines(Lines),
    /// A table, its first row the names of the columns.
    Table(Box<Table>),
}

impl RowReader {
    /// Reads lines of JSON.
    pub(crate) fn lines() -> Self {
        Self::Lines(Lines::default())
    }

    /// Reads CSV with this sign between fields, whose columns are to have what the template uses.
    pub(crate) fn table(delimiter: u8, template: Option<Template>) -> Self {
        Self::Table(Box::new(Table::new(delimiter, template)))
    }

    /// The rows that a further piece completes.
    pub(crate) fn push(&mut self, piece: &[u8]) -> Result<Vec<RowRead>> {
        let mut rows = Vec::new();
        match self {
            Self::Lines(lines) => lines.push(piece, &mut rows),
            Self::Table(table) => table.push(piece, &mut rows)?,
        }
        Ok(rows)
    }

    /// The last row, which nothing follows.
    pub(crate) fn finish(&mut self) -> Result<Vec<RowRead>> {
        let mut rows = Vec::new();
        match self {
            Self::Lines(lines) => lines.finish(&mut rows),
            Self::Table(table) => table.finish(&mut rows)?,
        }
        Ok(rows)
    }
}

fn too_long() -> Rejection {
    let detail = format!("a row has at most {MAX_ROW_BYTES} bytes");
    Rejection::new(RejectionCode::InvalidRequest, detail)
}

/// Reads one row of JSON.
pub(crate) fn row_of_json(json: &[u8]) -> RowRead {
    body::parse_as("the row", json).map_err(|problem| request::rejection(&problem))
}

/// Lines of JSON.
#[derive(Debug, Default)]
pub(crate) struct Lines {
    begun: Vec<u8>,
    is_too_long: bool,
}

impl Lines {
    fn push(&mut self, piece: &[u8], rows: &mut Vec<RowRead>) {
        let mut parts = piece.split(|byte| *byte == b'\n').peekable();
        while let Some(part) = parts.next() {
            let is_whole = parts.peek().is_some();
            if is_whole && self.begun.is_empty() && !self.is_too_long {
                read_line(part, rows);
                continue;
            }
            if self.begun.len() + part.len() > MAX_ROW_BYTES {
                self.is_too_long = true;
                self.begun.clear();
            }
            if !self.is_too_long {
                self.begun.extend_from_slice(part);
            }
            if is_whole {
                self.finish(rows);
            }
        }
    }

    fn finish(&mut self, rows: &mut Vec<RowRead>) {
        if std::mem::take(&mut self.is_too_long) {
            rows.push(Err(too_long()));
        } else {
            read_line(&self.begun, rows);
        }
        self.begun.clear();
    }
}

fn read_line(line: &[u8], rows: &mut Vec<RowRead>) {
    let line = line.trim_ascii();
    if !line.is_empty() {
        rows.push(row_of_json(line));
    }
}

/// A table.
#[derive(Debug)]
pub(crate) struct Table {
    reader: csv_core::Reader,
    quotes: Quotes,
    delimiter: u8,
    template: Option<Template>,
    fields: Vec<u8>,
    n_bytes: usize,
    ends: Vec<usize>,
    n_ends: usize,
    is_too_long: bool,
    columns: Option<Vec<Column>>,
    /// The first bytes, until it is known whether they are a byte order mark.
    beginning: Option<Vec<u8>>,
}

const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

impl Table {
    fn new(delimiter: u8, template: Option<Template>) -> Self {
        Self {
            reader: csv_core::ReaderBuilder::new().delimiter(delimiter).build(),
            quotes: Quotes::new(delimiter, 1),
            delimiter,
            template,
            fields: vec![0; 1 << 10],
            n_bytes: 0,
            ends: vec![0; 16],
            n_ends: 0,
            is_too_long: false,
            columns: None,
            beginning: Some(Vec::new()),
        }
    }

    fn push(&mut self, piece: &[u8], rows: &mut Vec<RowRead>) -> Result<()> {
        let Some(mut beginning) = self.beginning.take() else {
            return self.read(piece, rows);
        };
        beginning.extend_from_slice(piece);
        if beginning.len() < BYTE_ORDER_MARK.len() && BYTE_ORDER_MARK.starts_with(&beginning) {
            self.beginning = Some(beginning);
            return Ok(());
        }
        let marked = beginning.strip_prefix(BYTE_ORDER_MARK);
        self.read(marked.unwrap_or(&beginning), rows)
    }

    fn finish(&mut self, rows: &mut Vec<RowRead>) -> Result<()> {
        if let Some(beginning) = self.beginning.take() {
            self.read(&beginning, rows)?;
        }
        // The library takes an empty piece as the end.
        while self.step(&[], rows)?.is_some() {}
        if self.columns.is_none() {
            let detail = "the table needs a first row with the names of its columns";
            return Err(Problem::new(Code::InvalidRequest, detail));
        }
        Ok(())
    }

    fn read(&mut self, mut piece: &[u8], rows: &mut Vec<RowRead>) -> Result<()> {
        while !piece.is_empty() {
            match self.step(piece, rows)? {
                Some(n_read) => piece = piece.get(n_read..).unwrap_or_default(),
                None => break,
            }
        }
        Ok(())
    }

    /// Reads on; how many bytes of the piece were read, or that nothing of it is left to be read.
    fn step(&mut self, piece: &[u8], rows: &mut Vec<RowRead>) -> Result<Option<usize>> {
        let fields = self.fields.get_mut(self.n_bytes..).unwrap_or_default();
        let ends = self.ends.get_mut(self.n_ends..).unwrap_or_default();
        let (result, n_read, n_bytes, n_ends) = self.reader.read_record(piece, fields, ends);
        self.quotes.read(piece.get(..n_read).unwrap_or_default());
        self.n_bytes += n_bytes;
        self.n_ends += n_ends;
        match result {
            ReadRecordResult::InputEmpty | ReadRecordResult::End => return Ok(None),
            ReadRecordResult::OutputFull if self.fields.len() >= MAX_ROW_BYTES => {
                self.is_too_long = true;
                self.n_bytes = 0;
            }
            ReadRecordResult::OutputFull => self.fields.resize(2 * self.fields.len(), 0),
            ReadRecordResult::OutputEndsFull if self.ends.len() >= MAX_COLUMNS => {
                self.is_too_long = true;
                self.n_ends = 0;
            }
            ReadRecordResult::OutputEndsFull => self.ends.resize(2 * self.ends.len(), 0),
            ReadRecordResult::Record => self.take_record(piece.is_empty(), rows)?,
        }
        Ok(Some(n_read))
    }

    fn take_record(&mut self, is_end: bool, rows: &mut Vec<RowRead>) -> Result<()> {
        let fault = self.quotes.fault_of_row(is_end);
        let is_too_long = std::mem::take(&mut self.is_too_long);
        let fields = if is_too_long {
            Vec::new()
        } else {
            self.record()
        };
        self.n_bytes = 0;
        self.n_ends = 0;
        match (&self.columns, fault) {
            (None, Some(fault)) => {
                return Err(Problem::new(Code::InvalidRequest, fault.to_string()));
            }
            (None, None) if is_too_long => {
                let detail = format!("a table has at most {MAX_COLUMNS} columns");
                return Err(Problem::new(Code::InvalidRequest, detail));
            }
            (None, None) => self.columns = Some(self.columns_of(fields)?),
            (Some(_), Some(fault)) => {
                let detail = format!("{fault}; what stands there is sent to nobody");
                rows.push(Err(Rejection::new(RejectionCode::InvalidRequest, detail)));
            }
            (Some(_), None) if is_too_long => rows.push(Err(too_long())),
            (Some(columns), None) => rows.push(row_of_fields(columns, fields)),
        }
        Ok(())
    }

    /// What the columns mean, by their names.
    fn columns_of(&self, names: Vec<Option<String>>) -> Result<Vec<Column>> {
        let wrong = |detail: String| Problem::new(Code::InvalidRequest, detail);
        let not_utf8 = || wrong("the names of the columns are not UTF-8".to_owned());
        let names: Option<Vec<String>> = names.into_iter().collect();
        let names: Vec<String> = names.ok_or_else(not_utf8)?;
        let names: Vec<&str> = names.iter().map(|name| name.trim()).collect();
        let position = |wanted: &&str| {
            names
                .iter()
                .position(|name| name.eq_ignore_ascii_case(wanted))
        };
        let Some(recipient) = RECIPIENTS.iter().find_map(position) else {
            return Err(wrong(without_recipient(&names, self.delimiter)));
        };
        let is_the_templates = |name: &str| {
            let fields = self.template.as_ref().map_or(&[][..], Template::fields);
            fields.iter().any(|field| field == name)
        };
        let columns = names.iter().enumerate().map(|(place, name)| {
            let known = KNOWN.iter().find(|known| known.eq_ignore_ascii_case(name));
            match known {
                _ if place == recipient => Column::Recipient,
                // A template that uses a name as it is written means this column.
                Some(known) if known == name || !is_the_templates(name) => Column::Known(known),
                _ => Column::Field((*name).to_owned()),
            }
        });
        let columns: Vec<Column> = columns.collect();
        let is_twice = |(place, column): (usize, &Column)| {
            let before = columns.iter().zip(&names).take(place);
            let mut before = before.filter(|(it, name)| *it == column || **name == names[place]);
            before.next().is_some()
        };
        if columns.iter().enumerate().any(is_twice) {
            return Err(wrong("the table has two columns of one name".to_owned()));
        }
        if let Some(template) = &self.template
            && !columns.contains(&Column::Known("text"))
        {
            let fields = columns.iter().filter_map(|column| match column {
                Column::Field(name) => Some(name),
                Column::Recipient | Column::Known(_) => None,
            });
            template
                .check(fields)
                .map_err(|_| wrong(without_fields(template, &columns)))?;
        }
        Ok(columns)
    }

    /// The fields of the record that was just read; `None` is one that is no UTF-8.
    fn record(&self) -> Vec<Option<String>> {
        let ends = self.ends.get(..self.n_ends).unwrap_or_default();
        let mut begin = 0;
        let field = |end: &usize| {
            let bytes = self.fields.get(begin..*end).unwrap_or_default();
            begin = *end;
            String::from_utf8(bytes.to_vec()).ok()
        };
        ends.iter().map(field).collect()
    }
}

/// What a column holds.
#[derive(Debug, PartialEq, Eq)]
enum Column {
    /// The number.
    Recipient,
    /// What the message has under this name.
    Known(&'static str),
    /// What a field of the template is filled with.
    Field(String),
}

/// Names of the column of numbers, in the order in which they are looked for.
const RECIPIENTS: [&str; 4] = ["to", "phone", "number", "phone_number"];

/// Names of a message's fields.
const KNOWN: [&str; 17] = [
    "text",
    "idempotency_key",
    "from",
    "reference",
    "tag",
    "priority",
    "valid_for_s",
    "policy",
    "send_at",
    "window",
    "zone",
    "ignore_quiet_hours",
    "replacement",
    "max_parts",
    "region",
    "media",
    "conversation",
];

/// Why no column holds numbers, with what was found: unless it may be a row of numbers and texts.
fn without_recipient(names: &[&str], delimiter: u8) -> String {
    let mut detail =
        "the first row has to name the columns, and one of them to or phone".to_owned();
    let looks_like_a_row = |name: &&str| name.bytes().filter(u8::is_ascii_digit).count() > 3;
    if names.iter().any(looks_like_a_row) {
        detail.push_str("; it looks like a row of numbers");
        return detail;
    }
    let other = [(';', "%3B"), (',', "%2C"), ('\t', "%09")].into_iter();
    let mut other = other.filter(|(sign, _)| u32::from(*sign) != u32::from(delimiter));
    if let Some((_, written)) =
        other.find(|(sign, _)| names.iter().any(|name| name.contains(*sign)))
    {
        detail.push_str("; where another sign stands between the fields, say delimiter=");
        detail.push_str(written);
    } else {
        detail.push_str("; it names ");
        let names = names.join(", ");
        detail.extend(names.chars().take(200));
    }
    detail
}

/// Which fields of the template no column has.
fn without_fields(template: &Template, columns: &[Column]) -> String {
    let is_there = |name: &&String| {
        !columns
            .iter()
            .any(|it| matches!(it, Column::Field(field) if field == *name))
    };
    let missing = template.fields().iter().filter(is_there);
    let missing: Vec<&str> = missing.map(String::as_str).collect();
    format!(
        "the template uses {}, which no column of the table fills",
        missing.join(", ")
    )
}

fn row_of_fields(columns: &[Column], fields: Vec<Option<String>>) -> RowRead {
    let wrong = |detail: String| Rejection::new(RejectionCode::InvalidRequest, detail);
    if fields.len() != columns.len() {
        let (n_fields, n_columns) = (fields.len(), columns.len());
        let detail = format!("the row has {n_fields} fields, the table {n_columns} columns");
        return Err(wrong(detail));
    }
    let mut row = RowBody::default();
    let mut others = BTreeMap::new();
    for (column, field) in columns.iter().zip(fields) {
        let not_utf8 = || wrong("a field is not UTF-8; save the table as CSV UTF-8".to_owned());
        let field = field.ok_or_else(not_utf8)?;
        if field.is_empty() {
            continue;
        }
        match column {
            Column::Recipient => row.to = field,
            Column::Known(name) => set(&mut row, name, &field)?,
            Column::Field(name) => {
                others.insert(name.clone(), FieldValue::Text(field));
            }
        }
    }
    row.fields = (!others.is_empty()).then_some(others);
    Ok(row)
}

/// Sets what a column of this name means: one of [`KNOWN`].
fn set(row: &mut RowBody, column: &str, field: &str) -> Result<(), Rejection> {
    match column {
        "text" => row.text = Some(Text(field.into())),
        "idempotency_key" => row.idempotency_key = Some(field.to_owned()),
        "from" => row.from = Some(field.to_owned()),
        "send_at" => row.send_at = Some(field.to_owned()),
        "zone" => row.zone = Some(field.to_owned()),
        "conversation" => row.conversation = Some(field.to_owned()),
        "reference" => row.reference = Some(word(column, field)?),
        "tag" => row.tag = Some(word(column, field)?),
        "priority" => row.priority = Some(word(column, field)?),
        "policy" => row.policy = Some(word(column, field)?),
        "replacement" => row.replacement = Some(word(column, field)?),
        "region" => row.region = Some(word(column, field)?),
        "valid_for_s" => row.valid_for_s = Some(json(column, field)?),
        "max_parts" => row.max_parts = Some(json(column, field)?),
        "ignore_quiet_hours" => row.ignore_quiet_hours = Some(json(column, field)?),
        "window" => row.window = Some(json(column, field)?),
        "media" => row.media = Some(json(column, field)?),
        _ => return Err(of_column(column, "the API does not know it")),
    }
    Ok(())
}

/// Reads a field as JSON reads a text.
fn word<T: DeserializeOwned>(column: &str, field: &str) -> Result<T, Rejection> {
    let read = serde_json::from_value(Value::from(field));
    read.map_err(|_| of_column(column, "the field has another form"))
}

/// Reads a field that is written as JSON writes it: a number, `true`, an object.
fn json<T: DeserializeOwned>(column: &str, field: &str) -> Result<T, Rejection> {
    body::parse_as("the field", field.trim().as_bytes()).map_err(|problem: Problem| {
        match problem.code() {
            Code::InvalidJson => of_column(
                column,
                "the field has another form; it is written as in JSON",
            ),
            _ => of_column(column, problem.detail()),
        }
    })
}

fn of_column(column: &str, what: &str) -> Rejection {
    Rejection::new(RejectionCode::InvalidRequest, format!("{column}: {what}"))
}
